"""Which numbers can be dialled: digits that exist in the territory's country, or a short number from its
list (R2). Pure."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from alertbot.core.errors import Refused
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import _
from alertbot.regions.facts import (
    COUNTRIES,
    EVERY_FICTION,
    EVERY_SHORT_NUMBER,
    FRENCH_FICTION,
    FRENCH_SHORT,
    Country,
    Territory,
    Writing,
    blocks,
)

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber


SHORT_NUMBERS = FRENCH_SHORT
FICTION_PREFIXES = FRENCH_FICTION
REFUSED_NUMBERS = frozenset({"12", "122"})  # misprints of 112 that went round in June 2021

_SEPARATORS = re.compile(r"[\s.\-()\u2010-\u2015]")
_DIALLED = re.compile(r"\+?[0-9]+", re.ASCII)
_ABROAD = re.compile(r"^(?:\+|00)(?:33|262|508|590|594|596)0?(?=[1-9]\d{8}$)", re.ASCII)
_NO_ZERO = re.compile(r"[1-9][0-9]{8}", re.ASCII)
_LENGTH = 10
_SHOWN = 20
_KEPT = 20_000  # numbers whose judgement is remembered
_OVERSEAS = {  # the regions of ten-digit numbers that are not metropolitan, by their first four digits
    **dict.fromkeys(("0262", "0263", "0269", "0639", "0692", "0693"), ("RE", "YT")),
    **dict.fromkeys(("0590", "0690", "0691"), ("GP", "BL", "MF")),
    **dict.fromkeys(("0594", "0694"), ("GF",)),
    **dict.fromkeys(("0596", "0696", "0697"), ("MQ",)),
}
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number"),
    *("voip", "pager", "uan", "voicemail"),
)


class InvalidNumber(Refused):
    """These digits cannot be dialled in this territory."""


def is_fictional(number: str) -> bool:
    """Whether this number is in a range reserved for fiction, which reaches nobody."""
    return compact(number).startswith(EVERY_FICTION)


def is_short(number: str) -> bool:
    """Whether this is a short number of any country."""
    return number in EVERY_SHORT_NUMBER


def compact(number: str) -> str:
    """The digits without separators."""
    return _SEPARATORS.sub("", number)


def written(raw: str, region: str = "FR") -> str:
    """The number as every text shows it: `04 65 71 00 15`, `+44 1632 960123`, or a short number as it
    is.

    `region` is the telephone region of the territory (`FR`, `GP`, `BE`, …). Raises `InvalidNumber` for
    one that cannot be dialled.
    """
    return _written(raw.strip(), region)


@lru_cache(maxsize=_KEPT)
def _written(raw: str, region: str) -> str:
    digits, country = compact(raw), COUNTRIES[region]
    if place := hidden_place(raw):
        raise InvalidNumber(
            _("In “{raw}” {place}; type the number again instead of pasting it.").format(
                raw=shown(raw[: _SHOWN * 2]), place=place
            )
        )
    if not _DIALLED.fullmatch(digits):
        raise InvalidNumber(_("“{raw}” is not a telephone number.").format(raw=raw[:40]))
    if digits in country.short:
        return digits
    if digits in REFUSED_NUMBERS:
        raise InvalidNumber(
            _("{raw} is not an emergency number; the European one is 112.").format(raw=digits)
        )
    return _in_pairs(digits) if country.writing is Writing.TEN_DIGITS else _elsewhere(digits, country)


def _in_pairs(digits: str) -> str:
    national = _ABROAD.sub("0", digits)
    if _NO_ZERO.fullmatch(national):
        raise InvalidNumber(
            _("{raw} has lost its first 0, as happens in spreadsheets; write it as text.").format(
                raw=digits
            )
        )
    if len(national) != _LENGTH or not national.startswith("0"):
        raise InvalidNumber(
            _("{raw} is neither ten digits starting with 0 nor a known short number.").format(
                raw=digits[:_SHOWN]
            )
        )
    if not national.startswith(FRENCH_FICTION) and not _exists(national):
        raise InvalidNumber(_("{raw} does not exist as a number in France.").format(raw=digits))
    return " ".join(national[at : at + 2] for at in range(0, _LENGTH, 2))


def _exists(national: str) -> bool:
    regions = (*_OVERSEAS.get(national[:4], ()), "FR")
    return any(_plan(region).fullmatch(national, 1) for region in regions)


@cache
def _plan(region: str) -> re.Pattern[str]:
    """Every number that exists in a region, as one pattern of phonenumbers' own data: its public
    functions take ten times as long, and a file may have 100,000 rows."""
    import phonenumbers

    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    kinds = [getattr(known, kind) for kind in _KINDS]
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _elsewhere(digits: str, country: Country) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, country.code)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not _belongs(number, country):
        raise InvalidNumber(
            _("{raw} is neither an existing number in {country} nor a known short number.").format(
                raw=digits[:_SHOWN], country=country.code
            )
        )
    if country.writing is Writing.LOCAL:
        national = phonenumbers.national_significant_number(number)
        return " ".join(national[at : at + 2] for at in range(0, len(national), 2))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def dialling(number: str, region: str) -> str:
    """How a telephone dials this number of the register from anywhere: `+33465710015`; a short number as it is.
    `region`: the telephone region, such as `FR` or `GP`."""
    digits = compact(number)
    if is_short(number) or digits.startswith("+"):
        return digits
    import phonenumbers

    found = phonenumbers.parse(digits, region)
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def _belongs(number: "PhoneNumber", country: Country) -> bool:
    import phonenumbers

    whole = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return whole.startswith(country.fiction or ("none",)) or phonenumbers.is_valid_number_for_region(
        number, country.code
    )


_GEOGRAPHIC = ("01", "02", "03", "04", "05")
_MOBILE_OVERSEAS = ("0690", "0691", "0692", "0693", "0694", "0696", "0697")
_BLOCK = 4


def foreign_block(number: str, territory: Territory) -> tuple[str, tuple[str, ...]] | None:
    """The prefix that belongs elsewhere, and the codes it belongs to (empty: unknown); None if nothing
    suggests that."""
    digits = compact(number)
    if not territory.prefixes or not number or is_short(number) or is_fictional(number):
        return None
    block = digits[:_BLOCK]
    if not digits.startswith(territory.prefixes):
        strange = digits.startswith((*_GEOGRAPHIC, *_MOBILE_OVERSEAS))
        return (block, blocks().get(block, ())) if strange else None
    home = blocks().get(block, (territory.code,))
    return None if territory.code in home else (block, home)
