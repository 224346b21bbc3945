"""Which numbers can be dialled: digits that exist in the territory's country, or a short number from its
list (R2). Pure."""

import re
from functools import cache, lru_cache
from typing import Any

from alertbot.core.errors import Refused
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import _, language
from alertbot.regions.facts import in_force
from alertbot.regions.region import Country, Region, Territory, Writing, starting

_SEPARATORS = re.compile(r"[\s.\-()\u2010-\u2015]")
_DIALLED = re.compile(r"\+?[0-9]+", re.ASCII)
_SHOWN = 20
_BLOCK = 4  # first digits that say where a number is from
_KEPT = 20_000  # numbers whose judgement is remembered
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number"),
    *("voip", "pager", "uan", "voicemail"),
)


class InvalidNumber(Refused):
    """These digits cannot be dialled in this territory."""


def is_fictional(number: str) -> bool:
    """Whether this number is in a range reserved for fiction, which reaches nobody."""
    return bool(in_force().fiction.match(compact(number)))


def is_short(number: str) -> bool:
    """Whether this is a short number of any country of the pack."""
    return number in in_force().every_short


def compact(number: str) -> str:
    """The digits without separators."""
    return _SEPARATORS.sub("", number)


def written(raw: str, region: str = "") -> str:
    """The number as every text shows it: `04 65 71 00 15`, `+44 1632 960123`, or a short number as it
    is.

    `region` is the telephone region of the territory (`FR`, `GP`, `BE`, …), by default the country's own. Raises
    `InvalidNumber` for one that cannot be dialled.
    """
    pack = in_force()
    return _written(raw.strip(), pack.countries[region] if region else pack.own, pack)


@lru_cache(maxsize=_KEPT)
def _written(raw: str, country: Country, pack: Region) -> str:
    digits = compact(raw)
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
    if right := pack.habits.misprints.get(digits):
        raise InvalidNumber(misprint(digits, right))
    return _in_pairs(digits, pack) if country.writing is Writing.PAIRS else _elsewhere(digits, country)


def misprint(digits: str, right: str) -> str:
    """What to say of a misprint of a short number."""
    if right == "112":
        return _("{raw} is not an emergency number; the European one is 112.").format(raw=digits)
    return _("{raw} is not an emergency number; write {right}.").format(raw=digits, right=right)


def _in_pairs(digits: str, pack: Region) -> str:
    plan, (abroad, without_trunk) = pack.plan, _shapes(pack)
    national = abroad.sub(plan.trunk, digits)
    if without_trunk.fullmatch(national):
        raise InvalidNumber(
            _("{raw} has lost its first 0, as happens in spreadsheets; write it as text.").format(
                raw=digits
            )
        )
    if len(national) != plan.length or not national.startswith(plan.trunk):
        raise InvalidNumber(
            _("{raw} is neither ten digits starting with 0 nor a known short number.").format(
                raw=digits[:_SHOWN]
            )
        )
    if not starting(pack.own.fiction).match(national) and not _exists(national, pack):
        sentence = _("{raw} does not exist as a number in {country}.")
        raise InvalidNumber(sentence.format(raw=digits, country=pack.name_in(language())))
    return " ".join(national[at : at + 2] for at in range(0, plan.length, 2))


@lru_cache(maxsize=16)
def _shapes(pack: Region) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What stands before a number that was written for callers abroad, and a number without its trunk digit."""
    plan = pack.plan
    codes, rest = "|".join(map(re.escape, plan.calling_codes)), rf"[1-9][0-9]{{{plan.length - 2}}}"
    return re.compile(rf"^(?:\+|00)(?:{codes}){plan.trunk}?(?={rest}$)"), re.compile(rest)


def _exists(national: str, pack: Region) -> bool:
    regions = (*pack.plan.beyond.get(national[:_BLOCK], ()), pack.code)
    return any(_plan(region).fullmatch(national, 1) for region in regions)


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers


@cache
def _plan(region: str) -> re.Pattern[str]:
    """Every number that exists in a region, as one pattern of phonenumbers' own data: its public
    functions take ten times as long, and a file may have 100,000 rows."""
    known = _library().PhoneMetadata.metadata_for_region(region)
    kinds = [getattr(known, kind) for kind in _KINDS]
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _elsewhere(digits: str, country: Country) -> str:
    phonenumbers = _library()
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
    forms = phonenumbers.PhoneNumberFormat
    form = forms.NATIONAL if country.writing is Writing.NATIONAL else forms.INTERNATIONAL
    return str(phonenumbers.format_number(number, form))


@lru_cache(maxsize=_KEPT)
def dialling(number: str, region: str) -> str:
    """How a telephone dials this number of the register from anywhere: `+33465710015`; a short number as it is.
    `region`: the telephone region, such as `FR` or `GP`."""
    digits = compact(number)
    if is_short(number) or digits.startswith("+"):
        return digits
    phonenumbers = _library()
    found = phonenumbers.parse(digits, region)
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def _belongs(number: Any, country: Country) -> bool:
    phonenumbers = _library()
    forms = (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    written = (compact(phonenumbers.format_number(number, form)) for form in forms)
    fiction = starting(country.fiction)
    return any(map(fiction.match, written)) or phonenumbers.is_valid_number_for_region(
        number, country.code
    )


def foreign_block(number: str, territory: Territory) -> tuple[str, tuple[str, ...]] | None:
    """The prefix that belongs elsewhere, and the codes it belongs to (empty: unknown); None if nothing
    suggests that."""
    digits, pack = compact(number), in_force()
    if not territory.prefixes or not number or is_short(number) or is_fictional(number):
        return None
    block = digits[:_BLOCK]
    if not digits.startswith(territory.prefixes):
        strange = digits.startswith(pack.plan.geographic)
        return (block, pack.blocks.get(block, ())) if strange else None
    home = pack.blocks.get(block, (territory.code,))
    return None if territory.code in home else (block, home)
