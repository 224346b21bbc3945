"""What rows say together: the same entry twice is one, and coincidences that deserve a look (R2)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from alertbot.register.digits import SHORT_NUMBERS, compact
from alertbot.register.entry import NumberRow
from alertbot.words import _

_GEOGRAPHIC = ("01", "02", "03", "04", "05")
_MOBILE_OVERSEAS = ("0690", "0691", "0692", "0693", "0694", "0696", "0697")


def merged(rows: Iterable[NumberRow]) -> tuple[NumberRow, ...]:
    """One row for each territory, service, zone, condition and number, with every source.

    The verification of any of them counts; the earliest end of validity and review count.
    """
    found: dict[tuple[str, ...], NumberRow] = {}
    for row in rows:
        earlier = found.get(row.identity)
        found[row.identity] = _joined(earlier, row) if earlier else row
    return tuple(found.values())


def _joined(first: NumberRow, second: NumberRow) -> NumberRow:
    vouched = first if first.verified else second
    kept = first if first.entry else second
    return replace(
        first,
        replaces=first.replaces or second.replaces,
        capacity=first.capacity or second.capacity,
        valid_from=_outer(max, first.valid_from, second.valid_from),
        valid_until=_outer(min, first.valid_until, second.valid_until),
        review_at=_outer(min, first.review_at, second.review_at),
        sources=tuple(dict.fromkeys((*first.sources, *second.sources))),
        published_at=first.published_at or second.published_at,
        verified_by=vouched.verified_by,
        verified_at=vouched.verified_at,
        entry=kept.entry,
        version=kept.version,
    )


def _outer(choose: Callable[[list[datetime]], datetime], *moments: datetime | None) -> datetime | None:
    known = [moment for moment in moments if moment]
    return choose(known) if known else None


def suspicions(rows: Sequence[tuple[int, NumberRow]]) -> Iterator[tuple[int, str]]:
    """Row and sentence for each coincidence: one number for two services or two territories, a prefix
    that belongs elsewhere. Nothing here is forbidden: in June 2021 each of them also occurred rightly."""
    services: dict[tuple[str, str], set[str]] = defaultdict(set)
    territories: dict[str, set[str]] = defaultdict(set)
    for count, row in rows:
        others = services[row.territory.code, row.number]
        if others - {row.service}:
            yield (
                count,
                _("this number already stands for {others}.").format(others=", ".join(sorted(others))),
            )
        others.add(row.service)
        places = territories[row.number]
        if places - {row.territory.code}:
            yield (
                count,
                _("this number already serves {places}.").format(places=", ".join(sorted(places))),
            )
        places.add(row.territory.code)
        if _foreign(row):
            yield count, _("the beginning of this number belongs to another region.")


def _foreign(row: NumberRow) -> bool:
    digits = compact(row.number)
    prefixes = row.territory.prefixes
    if row.number in SHORT_NUMBERS or row.fictional or not prefixes or digits.startswith(prefixes):
        return False
    return digits.startswith((*_GEOGRAPHIC, *_MOBILE_OVERSEAS))
