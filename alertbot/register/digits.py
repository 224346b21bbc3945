"""What may be dialled: ten digits that exist, or a short number of a closed list (R2)."""

import re

from alertbot.errors import Refused
from alertbot.words import _

SHORT_NUMBERS = frozenset(
    {
        *("15", "17", "18", "112", "114", "115", "119", "191", "196", "197"),
        *("3114", "3919", "116000", "116006", "116117"),
    }
)
REFUSED_NUMBERS = frozenset({"12", "122"})  # misprints of 112 that went round in June 2021
FICTION_PREFIXES = ("019900", "026191", "035301", "046571", "053649", "063998")  # ARCEP: for fiction

_SEPARATORS = re.compile(r"[\s.\-()\u2010-\u2015]")
_DIALLED = re.compile(r"\+?[0-9]+", re.ASCII)
_LENGTH = 10


class InvalidNumber(Refused):
    """These digits cannot be dialled in this territory."""


def is_fictional(number: str) -> bool:
    """Whether this number lies in a range kept for fiction, which rings nowhere."""
    return compact(number).startswith(FICTION_PREFIXES)


def compact(number: str) -> str:
    """The digits alone, without separators."""
    return _SEPARATORS.sub("", number)


def written(raw: str, region: str = "FR") -> str:
    """The number as every text writes it: `04 65 71 00 15`, or a short number as it is.

    `region` is the telephone region of the territory (`FR`, `GP`, …). Raises `InvalidNumber`.
    """
    digits = compact(raw)
    if not _DIALLED.fullmatch(digits):
        raise InvalidNumber(_("“{raw}” is not a telephone number.").format(raw=raw.strip()[:40]))
    if digits in REFUSED_NUMBERS:
        raise InvalidNumber(
            _("{raw} is not an emergency number; the European one is 112.").format(raw=digits)
        )
    if digits in SHORT_NUMBERS:
        return digits
    national = _national(digits, region)
    return " ".join(national[at : at + 2] for at in range(0, _LENGTH, 2))


def _national(digits: str, region: str) -> str:
    national = re.sub(r"^(?:\+|00)(?:33|262|508|590|594|596)0?(?=[1-9]\d{8}$)", "0", digits)
    if len(national) != _LENGTH or not national.startswith("0"):
        raise InvalidNumber(
            _("{raw} is neither ten digits beginning with 0 nor a known short number.").format(
                raw=digits
            )
        )
    if not national.startswith(FICTION_PREFIXES) and not _exists(national, region):
        raise InvalidNumber(_("{raw} is not a number that exists in France.").format(raw=digits))
    return national


def _exists(national: str, region: str) -> bool:
    import phonenumbers

    return any(
        phonenumbers.is_valid_number(phonenumbers.parse(national, place))
        for place in dict.fromkeys((region, "FR", "GP", "MQ", "GF", "RE", "YT", "PM"))
    )
