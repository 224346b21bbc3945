"""Rows of one file that cannot both be right: both are told, so that neither slips in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from alertbot.register.entry import NumberRow
from alertbot.words import _

Numbered: TypeAlias = tuple[int, NumberRow]
Clash: TypeAlias = tuple[int, int, str]  # the row, the other row, the sentence
Look: TypeAlias = Callable[[Sequence[Numbered]], Iterator[Clash]]

_SAID_ONCE = ("replaces", "capacity", "valid_from", "valid_until", "review_at")


def contradictions(rows: Sequence[Numbered]) -> dict[int, str]:
    """A sentence for each row that contradicts another one, by its number in the file."""
    told: dict[int, str] = {}
    for look in (_different_cells, _different_conditions, _different_wordings, _different_names):
        for row, other, sentence in look(rows):
            told.setdefault(row, sentence.format(other=other))
            told.setdefault(other, sentence.format(other=row))
    return told


def _different_cells(rows: Sequence[Numbered]) -> Iterator[Clash]:
    """The same entry with another validity, capacity or replaced number."""
    said: dict[tuple[str, ...], Numbered] = {}
    for count, row in rows:
        identity = row.identity
        for column in _SAID_ONCE:
            value = getattr(row, column)
            if not value:
                continue
            other, first = said.setdefault((column, *identity), (count, row))
            if getattr(first, column) != value:
                sentence = _(
                    "row {other} is the same entry, and {column} differs: {values}; correct one."
                )
                values = " / ".join(map(_shown, (getattr(first, column), value)))
                yield count, other, _kept(sentence, column=column, values=values)


def _different_conditions(rows: Sequence[Numbered]) -> Iterator[Clash]:
    """The same number for the same zone, for other callers."""
    said: dict[tuple[object, ...], Numbered] = {}
    for count, row in rows:
        if not row.condition:
            continue
        key = (row.territory.code, row.service, row.number, *_items(row.place), "/", *_items(row.zone))
        other, first = said.setdefault(key, (count, row))
        if first.condition != row.condition:
            sentence = _("row {other} gives this number under another condition; word one for both.")
            yield count, other, sentence


def _different_wordings(rows: Sequence[Numbered]) -> Iterator[Clash]:
    """The same zone in one language, worded otherwise in another one."""
    said: dict[tuple[object, ...], Numbered] = {}
    for count, row in rows:
        line = (row.territory.code, row.service, row.number, *_items(row.place))
        for lang, words in row.zone.items():
            other, first = said.setdefault((*line, "/", lang, words), (count, row))
            if first.zone != row.zone:
                sentence = _("row {other} words the same zone otherwise; word it alike in both.")
                yield count, other, sentence


def _different_names(rows: Sequence[Numbered]) -> Iterator[Clash]:
    """A territory outside the directory with two names, or in two zones of time."""
    said: dict[str, Numbered] = {}
    for count, row in rows:
        if row.territory.prefixes or not row.territory.free:
            continue
        other, first = said.setdefault(row.territory.code, (count, row))
        if first.territory != row.territory:
            sentence = _("row {other} gives {code} another name or zone of time; give both the same.")
            yield count, other, _kept(sentence, code=row.territory.code)


def _kept(sentence: str, **known: str) -> str:
    """The sentence with everything filled in but the other row."""
    return sentence.format(other="{other}", **{key: _braced(text) for key, text in known.items()})


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _items(worded: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(worded.items()))
