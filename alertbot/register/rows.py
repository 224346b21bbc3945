"""One raw row of a register file made into a `NumberRow`, or refused with a sentence."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alertbot.errors import Refused
from alertbot.register.cells import BadRow, capacity, cell, sources, version, worded, wording
from alertbot.register.countries import COUNTRIES
from alertbot.register.digits import InvalidNumber, written
from alertbot.register.entry import EVERY_LANGUAGE, NumberRow, entry_id, entry_name
from alertbot.register.services import SERVICES
from alertbot.register.territories import Territory, find, free_territory
from alertbot.words import _

__all__ = ["COLUMNS", "BadRow", "Moment", "local_iso", "number_row"]

Moment: TypeAlias = Callable[[object, ZoneInfo], datetime]

COLUMNS = (
    *("territory", "name", "service", "replaces", "number", "place", "zone", "condition"),
    *("capacity", "valid_from", "valid_until", "review_at", "source_url", "published_at"),
    *("verified_by", "verified_at", "entry", "version", "timezone"),
)
SURPLUS, FORMULA = "", "="  # columns under which a reader of files notes a fault of the row's form
_PER_LANGUAGE = re.compile(r"(name|zone|condition|place)\.[a-z]{2,3}")
_DAY = 10  # characters of a date without a time


def known_column(column: str) -> bool:
    """Whether a row may have this column."""
    return column in COLUMNS or bool(_PER_LANGUAGE.fullmatch(column))


def local_iso(raw: object, zone: ZoneInfo) -> datetime:
    """An ISO 8601 date with a time; without an offset, local to `zone`. Raises `BadRow`."""
    text = str(raw).strip()
    try:
        at = raw if isinstance(raw, datetime) else datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or len(text) <= _DAY:
        raise BadRow(
            _("“{raw}” is not a date with a time such as 2021-06-03T18:00.").format(raw=text[:40]),
            "wrong_type",
        )
    return at if at.tzinfo else at.replace(tzinfo=zone)


def number_row(raw: Mapping[str, Any], moment: Moment) -> NumberRow:
    """The row, every cell checked. Raises `BadRow`."""
    _check_columns(raw)
    territory = _territory(raw)
    service, aside = _service(cell(raw, "service"))
    zone, condition, place = (wording(raw, column) for column in ("zone", "condition", "place"))
    if aside:
        (zone if aside[:1].isupper() else condition).setdefault(EVERY_LANGUAGE, worded(aside))
    number = _number(cell(raw, "number"), territory, place)
    return NumberRow(
        territory=territory,
        service=service,
        number=number,
        replaces=_replaces(raw, service, number, territory),
        zone=zone,
        condition=condition,
        capacity=capacity(cell(raw, "capacity")),
        sources=sources(raw),
        published_at=worded(cell(raw, "published_at")[:40], verbatim=True),
        verified_by=worded(cell(raw, "verified_by"), verbatim=True),
        place=place,
        entry=_entry(cell(raw, "entry")),
        version=version(cell(raw, "version")),
        **_times(raw, moment, ZoneInfo(territory.zone)),
    )


def _check_columns(raw: Mapping[str, Any]) -> None:
    if FORMULA in raw:
        raise BadRow(str(raw[FORMULA]), "formula")
    if SURPLUS in raw:
        raise BadRow(str(raw[SURPLUS]), "wrong_type")
    for column in raw:
        if not known_column(column):
            raise BadRow(
                _("there is no column “{column}”; known are {known}.").format(
                    column=column, known=", ".join(COLUMNS)
                ),
                "wrong_type",
            )


def _times(raw: Mapping[str, Any], moment: Moment, zone: ZoneInfo) -> dict[str, datetime | None]:
    columns = ("valid_from", "valid_until", "review_at", "verified_at")
    times = {column: _time(raw.get(column), moment, zone, column) for column in columns}
    begins, ends = times["valid_from"], times["valid_until"]
    if begins and ends and ends <= begins:
        raise BadRow(
            _("its validity ends ({ends}) before it begins ({begins}).").format(
                ends=ends.isoformat(), begins=begins.isoformat()
            ),
            "past_time",
        )
    return times


def _time(given: object, moment: Moment, zone: ZoneInfo, column: str) -> datetime | None:
    if given is None or given == "":
        return None
    try:
        return moment(given, zone)
    except Refused as refused:
        raise BadRow(f"{column}: {refused}", "wrong_type") from None


def _territory(raw: Mapping[str, Any]) -> Territory:
    text = cell(raw, "territory")
    if known := find(text):
        return _same_name(known, raw.get("name"))
    names = wording(raw, "name")
    free = free_territory(text, names, _zone(cell(raw, "timezone"))) if names else None
    if free is None:
        raise BadRow(
            _(
                "there is no territory “{text}”; one outside France has a code such as BE-WHT, and a name."
            ).format(text=text[:40])
        )
    return free


def _same_name(territory: Territory, name: object) -> Territory:
    other = find(name) if isinstance(name, str) else None
    if other and other != territory:
        raise BadRow(
            _("the code is that of {territory}, the name that of {other}.").format(
                territory=territory, other=other
            )
        )
    return territory


def _zone(text: str) -> str:
    try:
        return text and ZoneInfo(text).key
    except (OSError, ValueError, KeyError):
        raise BadRow(
            _("timezone: “{text}” is not a zone such as Europe/Brussels.").format(text=text[:40]),
            "wrong_type",
        ) from None


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


def _replaces(raw: Mapping[str, Any], service: str, number: str, territory: Territory) -> str:
    given = cell(raw, "replaces")
    failing = given.split("/") if given else []
    if not COUNTRIES[territory.region].short.issuperset(failing):
        raise BadRow(
            _("{given} is not a short emergency number, or several such as 18/112.").format(
                given=given[:40]
            )
        )
    usual = SERVICES[service].replaces
    if number and number in (failing or [usual]):
        raise BadRow(_("{number} is given in place of itself.").format(number=number))
    return given if "replaces" in raw else usual


def _entry(text: str) -> str:
    if not text:
        return ""
    if number := entry_id(text):
        return entry_name(number)
    raise BadRow(_("“{text}” is not an entry of the register such as N12.").format(text=text[:40]))
