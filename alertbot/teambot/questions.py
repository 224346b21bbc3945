"""Reasons that the bot has asked for and waits for, and how often somebody may guess a code. In memory:
after a restart a button has to be pressed again, which nobody mistakes for a decision."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alertbot.teambot.buttons import Press

ANSWER_WITHIN = timedelta(minutes=10)
MOST_GUESSES, GUESSES_PER = 5, timedelta(hours=1)
MOST_GUESSERS = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """Why? Asked of one user, in one message."""

    chat: int
    message: int
    user: int
    press: Press
    until: datetime


class Questions:
    """What is asked and not answered yet."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], Question] = {}

    def add(self, question: Question) -> None:
        self._open[question.chat, question.message] = question

    def find(self, chat: int, message: int) -> Question | None:
        return self._open.get((chat, message))

    def drop(self, question: Question) -> None:
        self._open.pop((question.chat, question.message), None)

    def lapsed(self, now: datetime) -> Iterator[Question]:
        """Those that nobody answered in time; they are forgotten."""
        for question in [one for one in self._open.values() if one.until <= now]:
            self.drop(question)
            yield question


@dataclass
class Guesses:
    """Wrong codes per user; a few an hour, then no more."""

    _wrong: dict[int, list[datetime]] = field(default_factory=dict)

    def too_many(self, user: int, now: datetime) -> bool:
        recent = [at for at in self._wrong.get(user, ()) if now - at < GUESSES_PER]
        self._wrong[user] = recent
        return len(recent) >= MOST_GUESSES

    def note(self, user: int, now: datetime) -> None:
        if len(self._wrong) >= MOST_GUESSERS:
            self._wrong.clear()
        self._wrong.setdefault(user, []).append(now)
