"""A replay as lines: what happened at the time, next to what alertbot did. Pure; the terminal and the
page show the same."""

from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from alertbot.core.frozen import dataclass
from alertbot.core.words import _, language, ngettext
from alertbot.rehearsal.replay.results import Refusal, Replay, ReplayDecision, ReplayPost, is_public
from alertbot.rehearsal.replay.signals_of import EntryRole, operator_of
from alertbot.rehearsal.replay.timeline import CaseEntry, said
from alertbot.watch.rules_log import decided, reason_words

LONGEST_EXCERPT = 280  # characters: a post of X
MOST_ASKED = 3


class LineMark(StrEnum):
    """The kind of a line; its sign repeats what the words say."""

    DECIDED = "→"
    POSTED = "✉"
    HELD = "✗"


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that alertbot did or did not do."""

    mark: LineMark
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One time: an entry of the case, what alertbot decided or did not do, and what it published."""

    at: datetime
    entry: CaseEntry | None = None
    ours: list[TimelineLine] = field(default_factory=list)
    alerts: list["ToldAlert"] = field(default_factory=list)

    def lines(self, replay: Replay) -> list[TimelineLine]:
        """Everything of ours as lines."""
        posted = [TimelineLine(LineMark.POSTED, _post_words(replay, one)) for one in self.alerts]
        refused = [one for one in self.ours if one.mark is LineMark.HELD]
        return [*(one for one in self.ours if one not in refused), *posted, *refused]


def notes_of(replay: Replay) -> list[str]:
    """Caveats about the case for readers of this replay."""
    sentence = _("Line {line}: there is no state “{state}”; it counts as history.")
    notes = [
        sentence.format(line=step.entry.line, state=step.entry.state)
        for step in replay.steps
        if step.role is EntryRole.UNKNOWN
    ]
    case = replay.timeline
    if replay.posts and not case.place_given:
        sentence = _("The case does not say where it happened: the texts say {place}. Add `where:`.")
        notes.append(sentence.format(place=case.region.whole.name_in(language())))
    if replay.to_ask:
        notes.append(_to_ask(replay))
    return notes


def _to_ask(replay: Replay) -> str:
    """What to ask whom, so that the end may be published."""
    sentence = _(
        "Nobody concerned has said that it is over; {operator} alone cannot. Ask {others} whether calls reach them"
        " again, and write the answer down: alertbot incident set … resolved --confirmed-by …"
    )
    others = replay.to_ask[:MOST_ASKED]
    named = " / ".join(others)
    return sentence.format(operator=operator_of(replay.timeline) or _("the operator"), others=named)


def rows_of(replay: Replay) -> list[Row]:
    """Everything in order, in the case's time zone."""
    zone = replay.timeline.zone
    rows = [Row(step.entry.at, step.entry) for step in replay.steps]
    by_entry = {id(row.entry): row for row in rows}
    for decision in replay.decisions:
        row = by_entry.get(id(decision.step.entry)) if decision.step else None
        if row is None:
            row = Row(decision.at.astimezone(zone))
            rows.append(row)
        row.ours.append(TimelineLine(LineMark.DECIDED, decision_words(decision)))
    told = {(one.at, one.reason) for one in replay.decisions if one.action == "hold"}
    refused = [one for one in replay.refused if (one.at, one.reason) not in told]
    for alert in alerts_of(replay):
        _at_moment(rows, alert.at.astimezone(zone)).alerts.append(alert)
    for at, line in _refusals(refused):
        _at_moment(rows, at.astimezone(zone)).ours.append(line)
    return sorted(rows, key=lambda row: row.at)


def _at_moment(rows: list[Row], at: datetime) -> Row:
    """The last row of this time, or a new one."""
    found = next((row for row in reversed(rows) if row.at == at), None)
    if found is None:
        found = Row(at)
        rows.append(found)
    return found


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """What went out of one alert at one time, by channel and language."""

    at: datetime
    posts: tuple[ReplayPost, ...]

    @property
    def kind(self) -> str:
        return self.posts[0].kind

    @property
    def by_itself(self) -> bool:
        return self.posts[0].by_itself

    @property
    def lead(self) -> ReplayPost:
        """What a reader of X reads first, in this reader's language if there is one."""
        here = language()
        return min(self.posts, key=lambda one: (one.lang != here, one.channel != "x", one.part))

    @property
    def threads(self) -> dict[str, dict[str, tuple[ReplayPost, ...]]]:
        """The posts in order, by channel and language."""
        channels = dict.fromkeys(one.channel for one in self.posts)
        return {name: self._by_language(name) for name in channels}

    def _by_language(self, channel: str) -> dict[str, tuple[ReplayPost, ...]]:
        mine = sorted((one for one in self.posts if one.channel == channel), key=lambda one: one.part)
        languages = dict.fromkeys(one.lang for one in self.posts)
        found = {lang: tuple(one for one in mine if one.lang == lang) for lang in languages}
        return {lang: posts for lang, posts in found.items() if posts}


def alerts_of(replay: Replay) -> list[ToldAlert]:
    """What went out, one by one."""
    grouped = groupby(replay.posts, key=lambda one: (one.at, one.alert))
    return [ToldAlert(at, tuple(posts)) for (at, _alert), posts in grouped]


CHANNEL_NAMES = {"x": "X", "telegram": "Telegram"}


def channel_name(channel: str) -> str:
    """The channel in the reader's language."""
    return CHANNEL_NAMES.get(channel) or _("mail")


def counts(alert: ToldAlert) -> str:
    """`X 6 fr + 6 en, Telegram 1 fr + 1 en, mail 1 fr + 1 en`: how many posts it took."""
    return ", ".join(
        f"{channel_name(name)} "
        + " + ".join(f"{len(posts)} {lang}" for lang, posts in by_language.items())
        for name, by_language in alert.threads.items()
    )


def _post_words(replay: Replay, alert: ToldAlert) -> str:
    sentence = (
        _("{title}, by itself (posts: {posts}): {text}")
        if alert.by_itself
        else _("{title}, approved by people (posts: {posts}): {text}")
    )
    return sentence.format(
        title=kind_title(replay, alert.kind), posts=counts(alert), text=excerpt(alert.lead.text)
    )


def kind_title(replay: Replay, kind: str) -> str:
    """The kind in the reader's language."""
    return said(replay.titles.get(kind, {}), language()) or kind


def excerpt(text: str) -> str:
    """The post on one line."""
    body = " ".join(text.split())
    return body if len(body) <= LONGEST_EXCERPT else body[: LONGEST_EXCERPT - 1].rstrip() + "…"


def _refusals(refused: Iterable[Refusal]) -> Iterator[tuple[datetime, TimelineLine]]:
    for (at, _reason), group in groupby(refused, key=lambda one: (one.at, one.reason)):
        found = list(group)
        more = len(found) - 1
        and_more = ngettext("{words} (and {n} more)", "{words} (and {n} more)", more)
        words = refusal_words(found[0])
        yield at, TimelineLine(LineMark.HELD, and_more.format(words=words, n=more) if more else words)


def decision_words(decision: ReplayDecision) -> str:
    """`opened: trouble, confirmed as the policy asks`."""
    words = {
        "history": _("history: nothing to do"),
        "not_known_yet": _("no one knows yet"),
        "unknown_state": _("unknown state: history, nothing to do"),
        "names_no_rows": _("nothing is withdrawn"),
        "not_done": _("nothing was written"),
        "lapsed": _("the promised time has passed, and no update came"),
    }
    alert = f" [{decision.alert}]" if decision.alert else ""
    return (words.get(decision.reason) or decided(decision.action, decision.reason)) + alert


def refusal_words(refusal: Refusal) -> str:
    """`resolved: nobody of the services concerned has confirmed it (R11)`."""
    return _("{name}: {value}").format(name=what_word(refusal.what), value=_why(refusal))


def what_word(what: str) -> str:
    """The name of what was not published, in the reader's language."""
    words = {
        "open": _("opening"),
        "stabilised": _("stabilised"),
        "change": _("a change"),
        "resolved": _("resolved"),
        "provisional_number": _("provisional numbers"),
        "withdrawal": _("withdrawal of numbers"),
        "correction": _("correction"),
        "denial": _("denial"),
        "false_alert": _("false alert"),
        "inquiry": _("inquiry"),
        "holding": _("first information"),
        "no_news": _("nothing new"),
        "status": _("status update"),
        "end": _("end of the alert"),
        "import": _("import of numbers"),
        "rule": _("a rule"),
    }
    return words.get(what, what)


def _why(refusal: Refusal) -> str:
    words = {
        "unverified_number": _("a number goes out only after someone else has test-called it"),
        "names_no_rows": _("the entry names no rows, and they are not guessed from its text"),
        "no_such_row": refusal.sentence,
        "left_out": _("left out there: {why}").format(why=refusal.sentence),
        "expired": _("not approved in time"),
        "overtaken": _("no longer needed: the situation has changed"),
        "past_moment": _("a time it promises had passed before it was approved"),
        "not_approved_ahead": refusal.sentence,
    }
    return words.get(refusal.reason) or refusal.sentence or reason_words(refusal.reason)


# --- figures --------------------------------------------------------------------------------------


def span_words(seconds: float | None) -> str:
    """`5 min`, `1 h 45`, `2 d 03 h`; a dash for what did not happen."""
    if seconds is None:
        return "–"
    minutes = round(timedelta(seconds=seconds).total_seconds() / 60)
    sign, minutes = ("-" if minutes < 0 else ""), abs(minutes)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return sign + _("{days} d {hours:02d} h").format(days=days, hours=hours)
    return sign + (f"{hours} h {rest:02d}" if hours else f"{rest} min")


def summary_of(replay: Replay) -> list[tuple[str, str]]:
    """The summary figures, with labels."""
    first, reality = replay.first_post, replay.reality
    told = replay.view().first_public_post
    numbers = next((one for one in replay.posts if one.kind == "provisional_number"), None)
    numbered = (one for one in replay.timeline.entries if one.state == "workaround" and is_public(one))
    by_itself = len({one.alert for one in replay.posts if one.by_itself})
    alerts = len({one.alert for one in replay.posts})
    return [
        (_("The fault began"), _moment(replay, replay.fault.at if replay.fault else None)),
        (_("First public message from alertbot"), _after(replay, first.at if first else None)),
        (_("… after the first signal"), span_words(told.signal_delay_seconds)),
        (_("First public message in reality"), _after(replay, reality.at if reality else None)),
        (_("First numbers from alertbot"), _after(replay, numbers.at if numbers else None)),
        (_("First numbers in reality"), _after(replay, next((one.at for one in numbered), None))),
        (_("“Over”, said by alertbot"), _after(replay, replay.over.at if replay.over else None)),
        (_("Alerts"), _("{n}, of which {auto} by themselves").format(n=alerts, auto=by_itself)),
        (_("Posts"), _post_counts(replay)),
        (_("Held back or refused"), str(len(replay.refused))),
    ]


def _post_counts(replay: Replay) -> str:
    """`X fr 41, en 41; …` over all alerts."""
    return counts(ToldAlert(replay.posts[0].at, tuple(replay.posts))) if replay.posts else "–"


def _after(replay: Replay, at: datetime | None) -> str:
    """`2 June 2021 at 16:50 (5 min)`."""
    if at is None:
        return "–"
    return _("{moment} ({span} after the fault)").format(
        moment=_moment(replay, at), span=span_words(replay.since_fault(at))
    )


def _moment(replay: Replay, at: datetime | None) -> str:
    return at.astimezone(replay.timeline.zone).strftime(_("%Y-%m-%d %H:%M")) if at else "–"


def headline(entry: CaseEntry) -> str:
    """`degraded · SAMU 85 · inbound call`."""
    return " · ".join(filter(None, (entry.state, entry.actor, entry.channel)))
