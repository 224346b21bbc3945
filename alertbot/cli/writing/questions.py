"""Questions to a person at a terminal. Here they are asked in plain lines: for a screen reader, for a terminal that
cannot draw, and over the worst connection. `asking` asks the same with completion and a live check."""

import os
from collections.abc import Callable
from typing import TypeAlias

from alertbot.core.frozen import dataclass
from alertbot.core.words import _

NO_ANSWER = "-"  # in plain lines, where an empty answer takes what is offered
NEW_LINE = " / "


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be said of an answer. `fault`: why it cannot be taken; `warning`: what it will stop later;
    `note`: how it is understood, what room it leaves."""

    fault: str = ""
    note: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """`offered` is taken by Enter. `choices`: what can be typed, and what that means; `several`: separated by
    commas; `lines`: the answer may have several."""

    label: str
    judge: Callable[[str], Judged]
    offered: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    several: bool = False
    lines: bool = False


Ask: TypeAlias = Callable[[Question], str]
"""Asks until the answer can be taken. Raises `KeyboardInterrupt` or `EOFError` where the person stops."""


def can_draw() -> bool:
    """Whether the terminal can move its cursor."""
    return os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def ask_plainly(question: Question) -> str:
    """Ask in one line; what is said of the answer follows below. Raises as `Ask` does."""
    offered = question.offered.replace("\n", NEW_LINE)
    label = f"{question.label} [{offered}]" if offered else question.label
    while True:
        typed = input(_("{name}: {value}").format(name=label, value="")).strip()
        text = "" if typed == NO_ANSWER else typed or offered
        if question.lines:
            text = text.replace(NEW_LINE, "\n")
        said = question.judge(text)
        for line in filter(None, (said.fault, said.warning, said.note)):
            print(f"  {line}")
        if not said.fault:
            return text
