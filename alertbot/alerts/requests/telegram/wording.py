"""What the bot writes: captions of requests and outcomes, /status, and how to get linked. Also the
button data, which Telegram limits to 64 bytes."""

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import TYPE_CHECKING

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from alertbot.alerts.hand.giving import HandTaskView
from alertbot.alerts.requests.text import Ask
from alertbot.core.frozen import dataclass
from alertbot.core.words import _, ngettext, told
from alertbot.people.rules import Verb

if TYPE_CHECKING:
    from telegram import InlineKeyboardMarkup


DIGITS = 32  # of the digest: 128 bits
LETTERS = {"a": Verb.APPROVE, "r": Verb.RETURN, "x": Verb.REJECT}
PRESS = re.compile(rf"([arx]):([A-Z]{{1,12}}-[0-9]{{1,7}}):([0-9a-f]{{{DIGITS}}})")
HANDED = re.compile(r"([dn]):([0-9]{1,10})")
HALT = re.compile(r"halt:([A-Z]{1,12}-[0-9]{1,7})?")
LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Press:
    """What a button under a request means."""

    verb: Verb
    alert: str
    digest: str  # its first 32 hexadecimal digits


def read(data: str | None) -> Press | None:
    """The meaning of a button's data; None if it is not one of ours."""
    found = PRESS.fullmatch(data or "")
    return Press(LETTERS[found[1]], found[2], found[3]) if found else None


@dataclass(frozen=True, slots=True)
class TaskPress:
    """What a button under a request to post by hand means: posted, or not."""

    task: int
    done: bool


def task_press(data: str | None) -> TaskPress | None:
    """The meaning of such a button's data; None for any other."""
    found = HANDED.fullmatch(data or "")
    return TaskPress(int(found[2]), found[1] == "d") if found else None


def of_hand(task: int) -> "InlineKeyboardMarkup":
    words = {"d": _("It is posted"), "n": _("Not posted, because …")}
    row = [
        InlineKeyboardButton(label, callback_data=f"{letter}:{task}") for letter, label in words.items()
    ]
    return InlineKeyboardMarkup([row])


def data(press: Press) -> str:
    letter = next(letter for letter, verb in LETTERS.items() if verb is press.verb)
    return f"{letter}:{press.alert}:{press.digest[:DIGITS]}"


def halt_of(data: str | None) -> tuple[str | None] | None:
    """What a confirmation button halts, `(None,)` for everything; None for any other button."""
    found = HALT.fullmatch(data or "")
    return (found[1],) if found else None


def of_request(alert: str, digest: str) -> "InlineKeyboardMarkup":
    words = {Verb.APPROVE: _("Approve"), Verb.RETURN: _("Return"), Verb.REJECT: _("Reject")}
    row = [
        InlineKeyboardButton(label, callback_data=data(Press(verb, alert, digest)))
        for verb, label in words.items()
    ]
    return InlineKeyboardMarkup([row])


def of_halt(alert: str | None) -> "InlineKeyboardMarkup":
    label = _("Halt {what}").format(what=alert) if alert else _("Halt everything")
    halting = InlineKeyboardButton(label, callback_data=f"halt:{alert or ''}")
    leaving = InlineKeyboardButton(_("Do nothing"), callback_data=LEAVE)
    return InlineKeyboardMarkup([[halting, leaving]])


LONGEST_CAPTION = 1024  # UTF-16 units after entities
LONGEST_TEXT = 4000
LONGEST_ANSWER = 200  # characters, of what pops up when a button is pressed
LONGEST_PLACES = 260
SHOWN_DIGEST = 12
TAG = re.compile(r"<[^>]*>")


def request(ask: Ask) -> str:
    """The caption of a request: what an approver needs to decide. The rest is in the document."""
    head = "\n".join(_facts(ask))
    foot = _("The attached page shows every text exactly as it goes out.")
    room = LONGEST_CAPTION - _length(head) - _length(foot) - 4
    lines = cut(ask.first_lines, room) if room > 0 else ""
    quoted = f"<blockquote>{escape(lines, quote=False)}</blockquote>" if lines else ""
    return "\n".join(part for part in (head, quoted, escape(foot, quote=False)) if part)


def hand_request(view: HandTaskView) -> str:
    """The caption of a request to post by hand."""
    title = _("To be posted by hand: {alert}, {place}").format(alert=view.task.alert, place=view.place)
    lines = [f"<b>{escape(cut(title, 250), quote=False)}</b>"]
    if view.stop:
        lines.append(f"<b>{escape(view.stop, quote=False)}</b>")
    if view.asked:
        lines.append(_escaped_message(_("Asked: {names}"), names=cut(", ".join(view.asked), 150)))
    lines.append(escape(cut(view.instruction, 400), quote=False))
    if view.task.due_at is not None:
        lines.append(_escaped_message(_("Before: {time}"), time=told(view.task.due_at, None)))
    return "\n".join(lines)


def _facts(ask: Ask) -> list[str]:
    title = _("{alert} needs approval: {title}").format(alert=ask.alert, title=ask.title)
    facts = [f"<b>{escape(cut(title, 200), quote=False)}</b>"]
    if ask.deputy:
        facts.append(_escaped_message(_("No one on duty has answered; you are asked as deputy.")))
    facts += [
        _escaped_message(_("For: {audience}"), audience=ask.audience),
        _escaped_message(_("Written by: {name}"), name=ask.author),
        _escaped_message(_("Goes to: {places}"), places=cut(_places(ask.channels), LONGEST_PLACES)),
        _approvals(ask),
        *filter(None, [escape(ask.doubt.partition(". ")[0], quote=False)]),  # what to do is on the page
    ]
    if ask.until is not None:
        facts.append(_escaped_message(_("Until: {time}"), time=told(ask.until, ask.until.tzinfo)))
    digest = f"<code>{escape(ask.digest[:SHOWN_DIGEST])}</code>"
    return [*facts, _escaped_message(_("Digest: {digest}")).replace("{digest}", digest)]


def _approvals(ask: Ask) -> str:
    left = max(0, ask.needed - len(ask.given))
    said = ngettext("One more approval is needed.", "{n} more approvals are needed.", left).format(
        n=left
    )
    if ask.given:
        said = _("Approved by {names}.").format(names=", ".join(ask.given)) + " " + said
    return escape(cut(said, 200), quote=False)


def _places(channels: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{name} ({', '.join(langs)})" for name, langs in channels.items())


def settled(outcome: str, digest: str) -> str:
    """The caption of a decided request."""
    shown = _("Digest: {digest}").format(digest=digest[:SHOWN_DIGEST])
    return f"<b>{escape(cut(outcome, 900), quote=False)}</b>\n{escape(shown, quote=False)}"


def hand_settled(outcome: str) -> str:
    """The caption of a request to post by hand that was answered."""
    return f"<b>{escape(cut(outcome, 900), quote=False)}</b>"


def how_to_link() -> str:
    """The only text that a stranger gets."""
    return _(
        "I do not know you. Run `alertbot people link NAME` with your own token, then send me /link CODE in"
        " a private chat."
    )


def greeting(name: str) -> str:
    return _(
        "You are {name} here. I send you alerts that need approval; answer with the buttons below"
        " them. /status shows what is going on. In the team's group, /halt stops everything."
    ).format(name=name)


def cut(text: str, longest: int) -> str:
    """The text shortened to this many UTF-16 units, with an ellipsis if something is missing."""
    if _units(text) <= longest:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * (longest - 1)]
    return kept.decode("utf-16-le", "ignore").rstrip() + "…"


def _escaped_message(sentence: str, **values: str) -> str:
    """The message with its values, HTML-escaped."""
    return escape(sentence.format(**values) if values else sentence, quote=False)


def _length(html: str) -> int:
    return _units(unescape(TAG.sub("", html)))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
