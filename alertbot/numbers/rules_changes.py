"""Merging rows and planning changes: rows of the same entry become one, contradictions between rows, and
what an import does to the register. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.numbers.rules_entry import EVERY_LANGUAGE, Entry, NumberRow


def merged(rows: Iterable[NumberRow]) -> tuple[NumberRow, ...]:
    """One row for each territory, service, zone, condition and number, with every source.

    A verification of any of them counts; the earliest end of validity and review count.
    """
    found: dict[tuple[str, ...], list[NumberRow]] = defaultdict(list)
    for row in rows:
        found[row.identity].append(row)
    return tuple(_joined(same) for same in found.values())


def _joined(same: Sequence[NumberRow]) -> NumberRow:
    first = same[0]
    if len(same) == 1:
        return first
    vouched = next((row for row in same if row.verified), same[-1])
    kept = next((row for row in same if row.entry), first)
    return replace(
        first,
        replaces=next((row.replaces for row in same if row.replaces), ""),
        capacity=next((row.capacity for row in same if row.capacity), None),
        valid_from=_outer(max, (row.valid_from for row in same)),
        valid_until=_outer(min, (row.valid_until for row in same)),
        review_at=_outer(min, (row.review_at for row in same)),
        sources=tuple(dict.fromkeys(source for row in same for source in row.sources)),
        published_at=next((row.published_at for row in same if row.published_at), ""),
        verified_by=vouched.verified_by,
        verified_at=vouched.verified_at,
        entry=kept.entry,
        version=kept.version,
    )


def _outer(
    choose: Callable[[list[datetime]], datetime], moments: Iterable[datetime | None]
) -> datetime | None:
    known = [moment for moment in moments if moment]
    return choose(known) if known else None


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
                    "row {other} is the same entry, but {column} differs: {values}; correct one of them."
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
            sentence = _(
                "row {other} gives this number with another condition; use one condition for both."
            )
            yield count, other, sentence


def _different_wordings(rows: Sequence[Numbered]) -> Iterator[Clash]:
    """The same zone in one language, with different texts in another."""
    said: dict[tuple[object, ...], Numbered] = {}
    for count, row in rows:
        line = (row.territory.code, row.service, row.number, *_items(row.place))
        for lang, words in row.zone.items():
            other, first = said.setdefault((*line, "/", lang, words), (count, row))
            if first.zone != row.zone:
                sentence = _(
                    "row {other} writes the same zone differently; write it the same way in both."
                )
                yield count, other, sentence


def _different_names(rows: Sequence[Numbered]) -> Iterator[Clash]:
    """A territory outside the directory with two names, or in two time zones."""
    said: dict[str, Numbered] = {}
    for count, row in rows:
        if row.territory.prefixes or not row.territory.free:
            continue
        other, first = said.setdefault(row.territory.code, (count, row))
        if first.territory != row.territory:
            sentence = _("row {other} gives {code} another name or time zone; use the same for both.")
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


FIRST_REVIEW = timedelta(hours=24)  # after its entering, where nobody said until when it holds (R5)


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What is to be written. `changed` and `sourced` hold the current entry and the future row."""

    new: tuple[NumberRow, ...]
    changed: tuple[tuple[Entry, NumberRow], ...]
    sourced: tuple[tuple[Entry, NumberRow], ...]
    same: tuple[Entry, ...]
    withdrawn: tuple[Entry, ...]  # said again although it was withdrawn: it stays withdrawn


def plan(present: Iterable[Entry], rows: Iterable[NumberRow], now: datetime) -> ChangePlan:
    """What these rows, one per identity, do to the existing entries.

    A row that names an entry in its current version, as an export does, changes that entry even if its
    number, zone or condition is different now.
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
    return ChangePlan(tuple(new), tuple(changed), tuple(sourced), tuple(same), tuple(withdrawn))


class RowFate(StrEnum):
    """What an import does with a row."""

    NEW = "new"
    CHANGED = "changed"
    SOURCE = "source"  # its entry gains a source
    SAME = "same"
    WITHDRAWN = "withdrawn"  # its entry was withdrawn, and stays so
    WRONG = "wrong"


def fate_words(fate: RowFate) -> str:
    """What an import does with a row, in words; `{entry}` stands for the name of the entry."""
    words = {
        RowFate.NEW: _("new"),
        RowFate.CHANGED: _("changes {entry}"),
        RowFate.SOURCE: _("one more source for {entry}"),
        RowFate.SAME: _("{entry} says so already"),
        RowFate.WITHDRAWN: _("{entry} was withdrawn, and stays so"),
        RowFate.WRONG: _("cannot be used"),
    }
    return words[fate]


def fates(made: ChangePlan) -> dict[tuple[str, ...], tuple[RowFate, str]]:
    """What becomes of the rows of a plan, by what identifies them: with the name of the entry, if there is one."""
    found = {row.identity: (RowFate.NEW, "") for row in made.new}
    for fate, pairs in ((RowFate.CHANGED, made.changed), (RowFate.SOURCE, made.sourced)):
        found |= {row.identity: (fate, entry.name) for entry, row in pairs}
    for fate, entries in ((RowFate.SAME, made.same), (RowFate.WITHDRAWN, made.withdrawn)):
        found |= {entry.row.identity: (fate, entry.name) for entry in entries}
    return found


def _may_become(entry: Entry, row: NumberRow) -> bool:
    """Whether a row may change the entry it names: a slip in the entry column must not move a number to
    another service or place."""
    same = (entry.row.territory.code, entry.row.service) == (row.territory.code, row.service)
    return same and entry.withdrawn_at is None


_TRANSLATED = ("zone", "condition", "place")


def with_known_translations(
    rows: Iterable[NumberRow], present: Iterable[Entry]
) -> tuple[NumberRow, ...]:
    """The rows, where one says in some languages what an entry says in these and others, with the entry's
    translations; one that adds a language to an entry names that entry. So a file in one language makes no
    second entry beside a translated one."""
    entries = tuple(present)
    same = {entry.row.identity for entry in entries}
    by_line: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        by_line[_line(entry.row)].append(entry)
    return tuple(
        row if row.identity in same else _translated(row, by_line.get(_line(row), ())) for row in rows
    )


def _line(row: NumberRow) -> tuple[str, str, str]:
    return row.territory.code, row.service, row.number


def _translated(row: NumberRow, entries: Iterable[Entry]) -> NumberRow:
    for entry in entries:
        joined = {name: _both(getattr(entry.row, name), getattr(row, name)) for name in _TRANSLATED}
        worded = {name: words for name, words in joined.items() if words is not None}
        if len(worded) < len(joined):
            continue
        if entry.withdrawn_at or all(getattr(entry.row, name) == worded[name] for name in worded):
            return replace(row, **{name: getattr(entry.row, name) for name in worded})
        more = updated(entry.row, row)
        return replace(more, **worded, entry=entry.name, version=entry.row.version)  # type: ignore[arg-type]
    return row


def _both(known: Mapping[str, str], said: Mapping[str, str]) -> Mapping[str, str] | None:
    """The texts of both, if they agree in some language and differ in none; else None. A text without a
    language is one of any."""
    if not known or not said:
        return known if known == said else None
    shared = {lang for lang in known.keys() & said.keys() if lang}
    loose = [(known.get(EVERY_LANGUAGE), said), (said.get(EVERY_LANGUAGE), known)]
    agreed = [text in other.values() for text, other in loose if text is not None]
    agreed += [known[lang] == said[lang] for lang in shared]
    if not agreed or not all(agreed):
        return None
    joined = {**known, **said}
    told = {lang: text for lang, text in joined.items() if lang}
    return told if joined.get(EVERY_LANGUAGE, "") in ("", *told.values()) else joined


def with_end(row: NumberRow, now: datetime) -> NumberRow:
    """The row with an end or a review time: 24 hours from now if it has neither, to the second."""
    review = now.replace(microsecond=0) + FIRST_REVIEW
    return row if row.ends_at else replace(row, review_at=review)


def bare(row: NumberRow) -> NumberRow:
    """The row without what only the register knows: entry, version and verification."""
    return replace(row, entry="", version=0, verified_by="", verified_at=None)


def updated(present: NumberRow, said: NumberRow) -> NumberRow:
    """What is known after reading `said`. Blank cells keep the old value; an end is replaced as a whole."""
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
    """Whether `said` changes more than the sources of the entry."""
    stated = ((said.replaces, present.replaces), (said.capacity, present.capacity))
    begins = (said.valid_from, present.valid_from)
    ends = ((said.valid_until, said.review_at), (present.valid_until, present.review_at))
    return any(new and new != old for new, old in (*stated, begins)) or (
        said.ends_at is not None and ends[0] != ends[1]
    )


def same_entry(rows: Iterable[NumberRow], row: NumberRow) -> tuple[NumberRow, ...]:
    """The rows of the same entry as `row`: with its name, else with its identity."""
    known: Mapping[str, NumberRow] = {one.entry: one for one in rows}
    if row.entry:
        found = known.get(row.entry)
        return (found,) if found and found.identity == row.identity else ()
    return tuple(one for one in known.values() if one.identity == row.identity)
