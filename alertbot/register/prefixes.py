"""To which territories a number belongs by its first digits (R2).

`blocks.csv`: the four digits that were given to one département or, later, to one of the former régions.
Numbers have been portable across France since 2023, so a foreign beginning is a doubt and no fault.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from alertbot.register.digits import compact, is_fictional, is_short
from alertbot.register.territories import Territory

_DATA = Path(__file__).with_name("blocks.csv")
_GEOGRAPHIC = ("01", "02", "03", "04", "05")
_MOBILE_OVERSEAS = ("0690", "0691", "0692", "0693", "0694", "0696", "0697")
_BLOCK = 4


def foreign_block(number: str, territory: Territory) -> tuple[str, tuple[str, ...]] | None:
    """The beginning that belongs elsewhere and the codes it belongs to (none: not known); None where
    nothing speaks against the number."""
    digits = compact(number)
    if not territory.prefixes or not number or is_short(number) or is_fictional(number):
        return None
    block = digits[:_BLOCK]
    if not digits.startswith(territory.prefixes):
        strange = digits.startswith((*_GEOGRAPHIC, *_MOBILE_OVERSEAS))
        return (block, blocks().get(block, ())) if strange else None
    home = blocks().get(block, (territory.code,))
    return None if territory.code in home else (block, home)


@cache
def blocks() -> Mapping[str, tuple[str, ...]]:
    """The territories of each block of four digits."""
    with _DATA.open(encoding="utf-8", newline="") as lines:
        return {row["block"]: tuple(row["territories"].split()) for row in csv.DictReader(lines)}
