"""Services and countries: the emergency services that a number can stand for, and the dialling rules of
the countries whose numbers may be published."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Service:
    """A service, its names per language and the short number it usually answers."""

    key: str
    names: Mapping[str, str]
    replaces: str = ""

    def name_in(self, lang: str) -> str:
        """The name in this language, else the English one."""
        return self.names.get(lang) or self.names["en"]


SERVICES: Mapping[str, Service] = {
    service.key: service
    for service in (
        Service("samu", {"fr": "SAMU", "en": "SAMU (medical)"}, "15"),
        Service("police", {"fr": "Police", "en": "Police"}, "17"),
        Service("gendarmerie", {"fr": "Gendarmerie", "en": "Gendarmerie (police)"}, "17"),
        Service("pompiers", {"fr": "Pompiers", "en": "Fire and rescue"}, "18"),
        Service("secours-en-mer", {"fr": "Secours en mer", "en": "Sea rescue"}, "196"),
        Service("toutes-urgences", {"fr": "Toutes urgences", "en": "All emergencies"}),
        Service("prefecture", {"fr": "Préfecture", "en": "Préfecture"}),
    )
}


class Writing(Enum):
    """How a country's long numbers are written for the public."""

    TEN_DIGITS = auto()  # 04 65 71 00 15: dialled alike in every French territory of the numbering plan
    LOCAL = auto()  # 40 42 01 01: dialled within the territory only
    INTERNATIONAL = auto()  # +32 …: right from both sides of a border


@dataclass(frozen=True, slots=True)
class Country:
    """`code` is the telephone region (`FR`, `GP`, `BE`), `zone` the default IANA time zone.

    `short`: the list of short numbers. `fiction`: prefixes reserved for fiction, in written form without
    spaces.
    """

    code: str
    short: frozenset[str]
    writing: Writing = Writing.INTERNATIONAL
    zone: str = "Europe/Paris"
    fiction: tuple[str, ...] = ()


FRENCH_SHORT = frozenset(
    {
        *("15", "17", "18", "112", "114", "115", "119", "191", "196", "197"),
        *("3114", "3919", "116000", "116006", "116117"),
    }
)
FRENCH_FICTION = ("019900", "026191", "035301", "046571", "053649", "063998")  # ARCEP: for fiction
_BRITISH_FICTION = ("+441632960", "+447700900", "+442079460")  # Ofcom: for drama
_FRENCH_PLAN = ("FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF")


def _french(code: str) -> Country:
    return Country(code, FRENCH_SHORT, Writing.TEN_DIGITS, fiction=FRENCH_FICTION)


def _pacific(code: str, zone: str, *more: str) -> Country:
    return Country(code, frozenset({"15", "17", "18", "112", *more}), Writing.LOCAL, zone)


def _abroad(code: str, zone: str, *short: str, fiction: tuple[str, ...] = ()) -> Country:
    return Country(code, frozenset({"112", "116000", *short}), zone=zone, fiction=fiction)


_COUNTRIES = (
    *(_french(code) for code in _FRENCH_PLAN),
    _pacific("WF", "Pacific/Wallis"),
    _pacific("PF", "Pacific/Tahiti", "16"),
    _pacific("NC", "Pacific/Noumea", "16"),
    _abroad("BE", "Europe/Brussels", "100", "101", "1722", "1733"),
    _abroad("CH", "Europe/Zurich", "117", "118", "143", "144", "145", "147", "1414"),
    _abroad("DE", "Europe/Berlin", "110", "116006", "116117"),
    _abroad("ES", "Europe/Madrid", "016", "024", "061", "062", "080", "085", "091", "092"),
    _abroad("GB", "Europe/London", "101", "105", "111", "116123", "999", fiction=_BRITISH_FICTION),
    _abroad("IT", "Europe/Rome", "113", "114", "115", "117", "118", "1522", "1530", "116117"),
    _abroad("LU", "Europe/Luxembourg", "113"),
)
COUNTRIES: Mapping[str, Country] = {country.code: country for country in _COUNTRIES}
EVERY_SHORT_NUMBER = frozenset(number for country in _COUNTRIES for number in country.short)
EVERY_FICTION = tuple(dict.fromkeys(start for country in _COUNTRIES for start in country.fiction))
