"""What rows that arrive do to the entries that are there. Pure: the store writes what is decided here.

The same territory, service, zone, condition and number (or place) is the same entry, whoever says it: a
new source joins it and takes nothing from its verification. A row that says something else of it makes a
new version, which nobody has verified (R3).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alertbot.register.entry import Entry, NumberRow

FIRST_REVIEW = timedelta(hours=24)  # after its entering, where nobody said until when it holds (R5)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written. `changed` and `sourced` hold the entry as it is and the row as it will be."""

    new: tuple[NumberRow, ...]
    changed: tuple[tuple[Entry, NumberRow], ...]
    sourced: tuple[tuple[Entry, NumberRow], ...]
    same: tuple[Entry, ...]
    withdrawn: tuple[Entry, ...]  # said again although it was withdrawn: it stays withdrawn


def plan(present: Iterable[Entry], rows: Iterable[NumberRow], now: datetime) -> Plan:
    """What these rows, each identity once, do to the entries present.

    A row that names an entry in its present version, as an export does, changes that entry even where its
    number, zone or condition is another one now.
    """
    there = tuple(present)
    known = {entry.row.identity: entry for entry in there}
    named = {(entry.name, entry.row.version): entry for entry in there}
    new: list[NumberRow] = []
    changed: list[tuple[Entry, NumberRow]] = []
    sourced: list[tuple[Entry, NumberRow]] = []
    same: list[Entry] = []
    withdrawn: list[Entry] = []
    for row in rows:
        entry = known.get(row.identity)
        meant = None if entry else named.pop((row.entry, row.version), None)
        if meant is not None and _may_become(meant, row):
            changed.append((meant, with_end(bare(row), now)))
        elif entry is None:
            new.append(with_end(bare(row), now))
        elif entry.withdrawn_at is not None:
            withdrawn.append(entry)
        elif _says_more(entry.row, row):
            changed.append((entry, updated(entry.row, row)))
        elif set(row.sources) - set(entry.row.sources):
            sourced.append((entry, updated(entry.row, row)))
        else:
            same.append(entry)
    return Plan(tuple(new), tuple(changed), tuple(sourced), tuple(same), tuple(withdrawn))


def _may_become(entry: Entry, row: NumberRow) -> bool:
    """A slip in a column of names must not move a number to another service or place."""
    same = (entry.row.territory.code, entry.row.service) == (row.territory.code, row.service)
    return same and entry.withdrawn_at is None


def with_end(row: NumberRow, now: datetime) -> NumberRow:
    """The row with an end or a review: a day from now where it has neither, to the second."""
    review = now.replace(microsecond=0) + FIRST_REVIEW
    return row if row.ends_at else replace(row, review_at=review)


def bare(row: NumberRow) -> NumberRow:
    """The row without what only the register says of it: its entry, version and verification."""
    return replace(row, entry="", version=0, verified_by="", verified_at=None)


def updated(present: NumberRow, said: NumberRow) -> NumberRow:
    """What is known after `said` was read. What it leaves out stays; an end is taken as a whole."""
    ends = said if said.ends_at else present
    return replace(
        present,
        replaces=said.replaces or present.replaces,
        capacity=said.capacity or present.capacity,
        valid_from=said.valid_from or present.valid_from,
        valid_until=ends.valid_until,
        review_at=ends.review_at,
        sources=tuple(dict.fromkeys((*present.sources, *said.sources))),
    )


def _says_more(present: NumberRow, said: NumberRow) -> bool:
    """Whether `said` says something else of the entry: anything but another source."""
    stated = ((said.replaces, present.replaces), (said.capacity, present.capacity))
    begins = (said.valid_from, present.valid_from)
    ends = ((said.valid_until, said.review_at), (present.valid_until, present.review_at))
    return any(new and new != old for new, old in (*stated, begins)) or (
        said.ends_at is not None and ends[0] != ends[1]
    )


def same_entry(rows: Iterable[NumberRow], row: NumberRow) -> tuple[NumberRow, ...]:
    """The rows that are the same entry as `row`: of its name, else of its identity."""
    known: Mapping[str, NumberRow] = {one.entry: one for one in rows}
    if row.entry:
        found = known.get(row.entry)
        return (found,) if found and found.identity == row.identity else ()
    return tuple(one for one in known.values() if one.identity == row.identity)
