"""One raw row of a register file made into a `NumberRow`, or refused with a sentence."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alertbot.errors import Refused
from alertbot.register.digits import InvalidNumber, written
from alertbot.register.entry import EVERY_LANGUAGE, NumberRow, entry_id, entry_name
from alertbot.register.services import SERVICES
from alertbot.register.territories import Territory, find
from alertbot.words import _

Moment: TypeAlias = Callable[[object, ZoneInfo], datetime]

COLUMNS = (
    *("territory", "name", "service", "replaces", "number", "zone", "condition", "capacity"),
    *("valid_from", "valid_until", "review_at", "source_url", "published_at"),
    *("verified_by", "verified_at", "place", "entry", "version"),
)
REPLACED = frozenset({"", "15", "17", "18", "112", "114", "115", "119", "191", "196"})
LONGEST_WORDING = 80
MOST_CALLS = 100_000
_LONGEST_VERSION = 10
_PER_LANGUAGE = re.compile(r"(zone|condition|place)\.[a-z]{2,3}")
_LINK_OR_MENTION = re.compile(r"[@#]\w|https?:|www\.|\w\.(?:fr|com|org|net|info)\b", re.IGNORECASE)
_MANY_DIGITS = re.compile(r"(?:\d[\s.\-]?){6,}")


class BadRow(Refused):
    """This row cannot be used."""

    def __init__(self, sentence: str, rule: str = "invalid_number") -> None:
        super().__init__(sentence)
        self.rule = rule


def local_iso(raw: object, zone: ZoneInfo) -> datetime:
    """An ISO 8601 date with a time; without an offset, local to `zone`."""
    try:
        at = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw).strip())
    except ValueError:
        raise BadRow(_("“{raw}” is not a date with a time.").format(raw=str(raw)[:40])) from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def number_row(raw: Mapping[str, Any], moment: Moment) -> NumberRow:
    """The row, every cell checked. Raises `BadRow`."""
    _check_columns(raw)
    territory = _territory(_cell(raw, "territory"))
    service, aside = _service(_cell(raw, "service"))
    zone, condition = _wording(raw, "zone"), _wording(raw, "condition")
    if aside:
        (zone if aside[:1].isupper() else condition).setdefault(EVERY_LANGUAGE, _worded(aside))
    place = _wording(raw, "place")
    at = _Times(raw, moment, ZoneInfo(territory.zone))
    return NumberRow(
        territory=territory,
        service=service,
        number=_number(_cell(raw, "number"), territory, place),
        replaces=_replaces(raw, service),
        zone=zone,
        condition=condition,
        capacity=_capacity(_cell(raw, "capacity")),
        valid_from=at("valid_from"),
        valid_until=at("valid_until"),
        review_at=at("review_at"),
        sources=_sources(raw),
        published_at=_cell(raw, "published_at")[:40],
        verified_by=_worded(_cell(raw, "verified_by"), verbatim=True),
        verified_at=at("verified_at"),
        place=place,
        entry=_entry(_cell(raw, "entry")),
        version=_version(_cell(raw, "version")),
    )


class _Times:
    """Reads the cells of a row that hold a time."""

    def __init__(self, raw: Mapping[str, Any], moment: Moment, zone: ZoneInfo) -> None:
        self._raw, self._moment, self._zone = raw, moment, zone

    def __call__(self, column: str) -> datetime | None:
        given = self._raw.get(column)
        if given is None or given == "":
            return None
        try:
            return self._moment(given, self._zone)
        except BadRow:
            raise
        except Refused as refused:
            raise BadRow(f"{column}: {refused}", "wrong_type") from None


def _check_columns(raw: Mapping[str, Any]) -> None:
    for column in raw:
        if column not in COLUMNS and not _PER_LANGUAGE.fullmatch(column):
            raise BadRow(
                _("there is no column “{column}”; known are {known}.").format(
                    column=column, known=", ".join(COLUMNS)
                ),
                "wrong_type",
            )


def _cell(raw: Mapping[str, Any], column: str) -> str:
    value = raw.get(column)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and column != "number":
        return str(value)
    raise BadRow(
        _("{column}: put {value} in quotes, so that no digit is lost.").format(
            column=column, value=str(value)[:40]
        ),
        "wrong_type",
    )


def _territory(text: str) -> Territory:
    if territory := find(text):
        return territory
    raise BadRow(_("there is no territory “{text}”.").format(text=text[:40]))


def _service(text: str) -> tuple[str, str]:
    key, _colon, aside = (part.strip() for part in text.partition(":"))
    if key.casefold() not in SERVICES:
        raise BadRow(
            _("there is no service “{key}”; known are {known}.").format(
                key=key[:40], known=", ".join(SERVICES)
            )
        )
    return key.casefold(), aside


def _number(text: str, territory: Territory, place: Mapping[str, str]) -> str:
    if not text and place:
        return ""
    if not text:
        raise BadRow(_("the number is missing; a place may stand instead."))
    if place:
        raise BadRow(_("a number and a place stand in one row; give each its own row."))
    try:
        return written(text, territory.region)
    except InvalidNumber as invalid:
        raise BadRow(str(invalid)) from None


def _replaces(raw: Mapping[str, Any], service: str) -> str:
    given = _cell(raw, "replaces")
    if not REPLACED.issuperset(given.split("/")):
        raise BadRow(
            _("{given} is not a short emergency number, or several such as 18/112.").format(
                given=given[:40]
            )
        )
    return given if "replaces" in raw else SERVICES[service].replaces


def _wording(raw: Mapping[str, Any], column: str) -> dict[str, str]:
    value = raw.get(column)
    by_lang = dict(value) if isinstance(value, Mapping) else {EVERY_LANGUAGE: _cell(raw, column)}
    by_lang |= {
        key.partition(".")[2]: text for key, text in raw.items() if key.startswith(f"{column}.")
    }
    return {str(lang): _worded(str(text)) for lang, text in by_lang.items() if text}


def _worded(text: str, *, verbatim: bool = False) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_WORDING:
        raise BadRow(
            _("“{text}…” is longer than {most} characters.").format(
                text=text[:30], most=LONGEST_WORDING
            ),
            "too_long",
        )
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"} for sign in text):
        raise BadRow(_("a cell holds control characters."), "control_characters")
    if not verbatim and _LINK_OR_MENTION.search(text):
        raise BadRow(_("“{text}” holds a link, a tag or a mention.").format(text=text), "link_in_text")
    if not verbatim and _MANY_DIGITS.search(text):
        raise BadRow(
            _("“{text}” holds digits that look like a number; a number has its own row.").format(
                text=text
            ),
            "digits_in_text",
        )
    return text


def _capacity(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text[:7]) <= MOST_CALLS:
        return int(text)
    raise BadRow(_("capacity: “{text}” is not a number of calls.").format(text=text[:40]), "wrong_type")


def _entry(text: str) -> str:
    if not text:
        return ""
    if number := entry_id(text):
        return entry_name(number)
    raise BadRow(_("“{text}” is not an entry of the register such as N12.").format(text=text[:40]))


def _version(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < _LONGEST_VERSION):
        raise BadRow(_("version: “{text}” is not a whole number.").format(text=text[:40]), "wrong_type")
    return int(text or 0)


def _sources(raw: Mapping[str, Any]) -> tuple[str, ...]:
    value = raw.get("source_url")
    given = value if isinstance(value, list | tuple) else [_cell(raw, "source_url")]
    return tuple(str(one).strip()[:2000] for one in given if one)
