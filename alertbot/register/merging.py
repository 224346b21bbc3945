"""The same entry from several sources is one row with every source."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from alertbot.register.entry import NumberRow


def merged(rows: Iterable[NumberRow]) -> tuple[NumberRow, ...]:
    """One row for each territory, service, zone, condition and number, with every source.

    The verification of any of them counts; the earliest end of validity and review count.
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
