"""The content of a preview as one value, and its wording for a duty officer: counters, times, prices, people, faults.

All of it is plain text without colour, so that the terminal, the page, JSON and a log say the same."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from alertbot.core.frozen import dataclass
from alertbot.core.json import NOT_JSON
from alertbot.core.model import (
    Action,
    Approvals,
    Channel,
    Composition,
    Cost,
    Fault,
    Forecast,
    Measure,
    Message,
)
from alertbot.core.words import _, language, ngettext
from alertbot.texts.wording.language import language_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an alert stands. `ready`: whether the verb that comes next goes through; None where the reader has
    nothing to decide. `said`: one sentence; `further`: why, who was asked, what happens next and when.
    `own`: why this reader may not approve, also in `further`. `headline`: for the head of a page. `out`: whether any
    of it reached someone, or may have."""

    ready: bool | None
    said: str
    further: tuple[str, ...] = ()
    own: str = field(default="", metadata=NOT_JSON)
    headline: str = field(default="", metadata=NOT_JSON)
    out: bool = field(default=False, metadata=NOT_JSON)

    @property
    def mark(self) -> str:
        """A tick only where the next verb goes through."""
        return {True: "✓", False: "✗", None: "·"}[self.ready]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One alert as shown to a reader. `title` is the kind's, in the reader's language; `speaker` the
    organisation's name; `senders` the From lines of mail channels. `verdict` and `record` (who did what, by
    name) only of a stored alert. `acts_upon`: by channel, the addresses of earlier posts that it may answer,
    edit or delete."""

    title: str
    composition: Composition
    channels: tuple[Channel, ...]
    approvals: Approvals
    cost: Cost
    forecast: Forecast
    speaker: str = ""
    senders: Mapping[str, str] = field(default_factory=dict)
    exercise: bool = False
    verdict: Verdict | None = None
    record: tuple[tuple[str, str], ...] = ()
    acts_upon: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def channel(self, name: str) -> Channel | None:
        return next((channel for channel in self.channels if channel.name == name), None)


@dataclass(frozen=True, slots=True)
class ShownThread:
    """All parts of one channel in one language: what one reader sees. `action`: posts, or new texts of
    earlier ones."""

    channel: str
    type: str
    lang: str
    action: Action
    parts: tuple[Message, ...]

    @property
    def subject(self) -> str | None:
        return next((part.subject for part in self.parts if part.subject), None)


def threads(messages: tuple[Message, ...]) -> tuple[ShownThread, ...]:
    """The messages grouped by channel, language and action, in the order composed."""
    grouped: dict[tuple[str, str, str, Action], list[Message]] = {}
    for one in messages:
        grouped.setdefault((one.channel, one.type, one.lang, one.action), []).append(one)
    return tuple(
        ShownThread(*key, parts=tuple(sorted(parts, key=lambda part: part.part)))
        for key, parts in grouped.items()
    )


def repeated(shown: Sequence[ShownThread]) -> dict[ShownThread, str]:
    """The threads whose posts say word for word what an earlier one of the same language says, and its channel."""
    first: dict[tuple[str, Action, tuple[str, ...]], ShownThread] = {}
    found: dict[ShownThread, str] = {}
    for thread in shown:
        said = tuple(part.text.strip() for part in thread.parts)
        before = first.setdefault((thread.lang, thread.action, said), thread)
        if before is not thread:
            found[thread] = before.channel
    return found


def readers(sheet: Sheet, thread: ShownThread) -> int:
    """The number of addresses this thread goes to: for a mail channel, those that read its language."""
    channel = sheet.channel(thread.channel)
    targets = sheet.composition.targets.get(thread.channel, ())
    if channel is None or not channel.spec.per_recipient:
        return len({target.address for target in targets})
    return sum(1 for target in targets if target.lang == thread.lang)


def address(sheet: Sheet, thread: ShownThread) -> str:
    """Where a channel posts (`@chat`), if that says more than the channel's name."""
    channel = sheet.channel(thread.channel)
    targets = sheet.composition.targets.get(thread.channel, ())
    if channel is None or channel.spec.per_recipient or len(targets) != 1:
        return ""
    return "" if targets[0].address == thread.channel else targets[0].address


DIGEST_SHOWN = 12
MINUTE, HOUR, DAY = 60, 3600, 86400
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def visible(text: str) -> str:
    """The text with every character that could hide or reorder something replaced by its code, so that a
    terminal or page never obeys it."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found.group()):04X}>", text)


def counter(message: Message) -> str:
    """`63 of 280 characters left`, as the platform counts them; only the length if the channel has no limit."""
    if message.limit is None:
        return _("{length} characters").format(length=message.length)
    if excess(message):
        return _("{over} characters too many ({limit} allowed)").format(
            over=excess(message), limit=message.limit
        )
    return _("{left} of {limit} characters left").format(
        left=message.limit - message.length, limit=message.limit
    )


def excess(message: Message) -> int:
    """By how much the message is too long; 0 if it fits."""
    return max(0, message.length - message.limit) if message.limit is not None else 0


def part_of(message: Message) -> str:
    """`part 1/3`; empty for a message in one part."""
    if message.parts == 1:
        return ""
    return _("part {part}/{parts}").format(part=message.part, parts=message.parts)


def counters(message: Message) -> str:
    """All counters of one message, in one line."""
    said = [part_of(message), counter(message)]
    if message.has_link and message.measure is Measure.WEIGHTED:
        said.append(_("with a link"))
    return " · ".join(filter(None, said))


def edition_name(thread: ShownThread) -> str:
    """The language of a thread; for an edit, also that it is one."""
    named = language_name(thread.lang)
    if thread.action is Action.EDIT:
        return _("{language} · new text of the earlier post").format(language=named)
    return named


def folded_retraction() -> str:
    """That a retraction is prepared, where its texts are not shown."""
    return _("A retraction is prepared and approved with this alert; --full shows its texts.")


def as_on(channel: str) -> str:
    """In place of a text that another channel shows word for word."""
    return _("The same text as on {channel}.").format(channel=channel)


def about_retraction() -> str:
    """What the prepared retraction is for."""
    return _(
        "Ready from the first post on and approved with this alert; sent only by `alertbot retract`."
    )


def alternative(message: Message) -> str:
    """A picture's text alternative, labelled as such."""
    return stated(_("Picture"), visible(message.alt or ""))


def channel_type(type_: str) -> str:
    """The platform's name as people say it."""
    known = {"x": "X", "telegram": "Telegram", "email": _("Email"), "page": _("Public page")}
    return known.get(type_, type_.capitalize())


def recipients(number: int) -> str:
    return ngettext("{number} recipient", "{number} recipients", number).format(number=number)


def span(seconds: float) -> str:
    """A duration in its two largest units: `20 s`, `5 min 20 s`, `3 h 10 min`, `2 d 4 h`."""
    left = round(seconds)
    units = ((_("d"), DAY), (_("h"), HOUR), (_("min"), MINUTE), (_("s"), 1))
    said: list[str] = []
    for unit, size in units:
        number, left = divmod(left, size)
        if number or said:
            said.append(f"{number} {unit}" if number else "")
        if len(said) == 2:
            break
    return " ".join(filter(None, said)) or "0 " + _("s")


def when_reached(seconds: float) -> str:
    """The forecast in words."""
    if seconds < 1:
        return _("at once")
    return _("about {span} after the first call").format(span=span(seconds))


def money(cost: Cost) -> str:
    """`0.43 USD`, with as many decimals as the amount has, at least two."""
    whole, _dot, rest = f"{cost.amount:.4f}".partition(".")
    mark = "," if language() == "fr" else "."
    return f"{whole}{mark}{rest.rstrip('0').ljust(2, '0')} {cost.currency}"


def price(sheet: Sheet) -> str:
    """The cost and its reason: posts with a link cost more on X."""
    if not sheet.cost.amount:
        return _("free")
    paid = [message for message in sheet.composition.messages if _is_paid(sheet, message)]
    linked = sum(message.has_link for message in paid)
    if not linked:
        return _("{money}; no post has a link").format(money=money(sheet.cost))
    said = ngettext(
        "{money}; {linked} of {posts} post has a link",
        "{money}; {linked} of {posts} posts have a link",
        len(paid),
    )
    return said.format(money=money(sheet.cost), linked=linked, posts=len(paid))


def _is_paid(sheet: Sheet, message: Message) -> bool:
    channel = sheet.channel(message.channel)
    return channel is not None and bool(channel.spec.price.post)


MOST_POSTS = 6  # named one by one per channel; the JSON of `show` holds all


def _posts_of(alert: str, count: int) -> str:
    sentence = ngettext("{count} post of {alert}", "{count} posts of {alert}", count)
    return sentence.format(count=count, alert=alert)


def acted_upon(sheet: Sheet) -> Iterator[str]:
    """The earlier posts that this may answer, edit or delete: one line for each channel."""
    for channel, posts in sheet.acts_upon.items():
        said = ", ".join(posts)
        if len(posts) > MOST_POSTS:
            counted = Counter(one.rpartition("(")[2].removesuffix(")") for one in posts)
            said = ", ".join(map(_posts_of, *zip(*counted.items(), strict=True)))
        yield visible(stated(channel, said))


def must_approve(approvals: Approvals) -> str:
    """Who has to approve, and by when."""
    number, limit = approvals.approvers, span(approvals.expires_after.total_seconds())
    if approvals.author_may_approve:
        said = ngettext(
            "{number} approver within {span}; the author may be one where this takes back what was sent",
            "{number} approvers within {span}; the author may be one where this takes back what was sent",
            number,
        )
    else:
        said = ngettext(
            "{number} approver other than the author, within {span}",
            "{number} approvers other than the author, within {span}",
            number,
        )
    return said.format(number=number, span=limit)


def judged(sheet: Sheet) -> Verdict:
    """How it stands: of a stored alert as the next verb judges it, else by its texts alone."""
    if sheet.verdict is not None:
        return sheet.verdict
    return Verdict(
        ready=sheet.composition.publishable,
        said=verdict(sheet.composition),
        headline=_("Preview: nothing has been sent"),
    )


def verdict(composition: Composition) -> str:
    """One sentence: could this be published?"""
    if composition.publishable:
        return _("Ready to go out once approved.")
    if not composition.faults:
        return _("Cannot go out: there is no message for any channel.")
    return ngettext(
        "Cannot go out: {number} fault to fix.",
        "Cannot go out: {number} faults to fix.",
        len(composition.faults),
    ).format(number=len(composition.faults))


def place(fault: Fault) -> str:
    """Where a fault is: field, channel and language, unless its message already says so."""
    said = fault.lang is None or f"({fault.lang})" in fault.message
    lang = None if said else language_name(fault.lang or "")
    named = [name for name in (fault.field, fault.channel) if name and name not in fault.message]
    return " · ".join(filter(None, [*named, lang]))


def remedy(fault: Fault) -> str:
    """What the author can do about a fault, unless its message already says so."""
    if fault.acceptable:
        return _("Change it, or accept it: --accept {rule}=REASON").format(rule=fault.rule)
    if fault.rule == "missing" and fault.field:
        return _("Give it: --set {field}=…").format(field=fault.field)
    return ""


def answer(held: bool | None) -> str:
    """An answer of the completeness table, in words."""
    return {True: _("yes"), False: _("no"), None: _("not applicable")}[held]


def row_name(row: str) -> str:
    """The question of a completeness row."""
    named = {
        "fact": _("What happens"),
        "since": _("Since when"),
        "where": _("Where"),
        "what_to_do": _("What to do"),
        "number": _("Number to call"),
        "until": _("Until when"),
        "next_update": _("Time of the next update"),
        "source": _("Source"),
        "source_link": _("Link to the source"),
    }
    return named.get(row) or row.replace("_", " ").capitalize()


def stated(name: str, value: str) -> str:
    """`State: approved`, with the colon as the reader's language writes it."""
    return _("{name}: {value}").format(name=name, value=value)


def colon() -> str:
    """What stands between a name and its value on a page: French has a space before it."""
    return stated("", "")


def short_digest(digest: str) -> str:
    return digest[:DIGEST_SHOWN]
