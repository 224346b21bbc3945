"""The buttons, and the at most 64 bytes that Telegram keeps behind each of them."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alertbot.approval.moves import Verb
from alertbot.words import _

if TYPE_CHECKING:
    from telegram import InlineKeyboardMarkup

DIGITS = 32  # of the digest: 128 bits
LETTERS = {"a": Verb.APPROVE, "r": Verb.RETURN, "x": Verb.REJECT}
PRESS = re.compile(rf"([arx]):([A-Z]{{1,12}}-[0-9]{{1,7}}):([0-9a-f]{{{DIGITS}}})")
HALT = re.compile(r"halt:([A-Z]{1,12}-[0-9]{1,7})?")
LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Press:
    """What a button under a request stands for."""

    verb: Verb
    alert: str
    digest: str  # its first 32 hexadecimal digits


def read(data: str | None) -> Press | None:
    """The answer behind a button; None for anything else."""
    found = PRESS.fullmatch(data or "")
    return Press(LETTERS[found[1]], found[2], found[3]) if found else None


def data(press: Press) -> str:
    letter = next(letter for letter, verb in LETTERS.items() if verb is press.verb)
    return f"{letter}:{press.alert}:{press.digest[:DIGITS]}"


def halt_of(data: str | None) -> tuple[str | None] | None:
    """What a confirming button halts, `(None,)` for everything; None for another button."""
    found = HALT.fullmatch(data or "")
    return (found[1],) if found else None


def of_request(alert: str, digest: str) -> "InlineKeyboardMarkup":
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    words = {Verb.APPROVE: _("Approve"), Verb.RETURN: _("Return"), Verb.REJECT: _("Reject")}
    row = [
        InlineKeyboardButton(label, callback_data=data(Press(verb, alert, digest)))
        for verb, label in words.items()
    ]
    return InlineKeyboardMarkup([row])


def of_halt(alert: str | None) -> "InlineKeyboardMarkup":
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    label = _("Halt {what}").format(what=alert) if alert else _("Halt everything")
    halting = InlineKeyboardButton(label, callback_data=f"halt:{alert or ''}")
    leaving = InlineKeyboardButton(_("Leave it"), callback_data=LEAVE)
    return InlineKeyboardMarkup([[halting, leaving]])
