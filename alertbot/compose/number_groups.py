"""Numbers by territory."""

from collections.abc import Sequence
from itertools import groupby

from alertbot.register.entry import NumberRow
from alertbot.register.territories import Territory

Places = Sequence[tuple[Territory, Sequence[NumberRow]]]


def by_place(rows: Sequence[NumberRow]) -> Places:
    """In the order in which the territories first appear."""
    order = {code: at for at, code in enumerate(dict.fromkeys(row.territory.code for row in rows))}
    ordered = sorted(rows, key=lambda row: order[row.territory.code])
    groups = [list(group) for _code, group in groupby(ordered, key=lambda row: row.territory.code)]
    return [(group[0].territory, group) for group in groups]
