"""The cells of a row: reading and checking each one (R1), and the frozen (JSON) form of a row. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alertbot.core.errors import Refused
from alertbot.core.model import RawValues
from alertbot.core.signs import hidden_place
from alertbot.core.words import _
from alertbot.numbers.rules_digits import InvalidNumber, written
from alertbot.numbers.rules_entry import EVERY_LANGUAGE, NumberRow, entry_id, entry_name
from alertbot.numbers.rules_words import acting
from alertbot.regions.facts import all_territories, find, free_territory, in_force, services
from alertbot.regions.region import Territory

LONGEST_WORDING = 80
MOST_CALLS = 100_000
_LONGEST_SOURCE = 2000
_LONGEST_VERSION = 10


class BadRow(Refused):
    """This row cannot be used."""

    def __init__(self, sentence: str, rule: str = "invalid_number") -> None:
        super().__init__(sentence)
        self.rule = rule


def cell(raw: Mapping[str, Any], column: str) -> str:
    """The text of a cell; empty if there is none. Raises `BadRow` for a cell that holds something else."""
    value = raw.get(column)
    if value is None:
        return ""
    if isinstance(value, str):
        _refuse_hidden(value.strip(), column)
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and column != "number":
        return str(value)
    raise BadRow(
        _("{column}: put {value} in quotes, so that no digit is lost.").format(
            column=column, value=str(value)[:40]
        ),
        "wrong_type",
    )


def wording(raw: Mapping[str, Any], column: str) -> dict[str, str]:
    """The texts of a column per language: from `column`, `column.fr`, … or a mapping. Raises `BadRow`."""
    value, tag = raw.get(column), f"{column}."
    by_lang = dict(value) if isinstance(value, Mapping) else {EVERY_LANGUAGE: cell(raw, column)}
    for key in raw:
        if key.startswith(tag):
            by_lang[key.partition(".")[2]] = raw[key]
    checked = {str(lang): worded(str(text), column) for lang, text in by_lang.items() if text}
    return {lang: words for lang, words in checked.items() if words}


def worded(text: str, column: str = "text", *, verbatim: bool = False) -> str:
    """The text of a column with single spaces. `verbatim`: a name or a source, which may look like a link.

    Raises `BadRow` for a link, digits, invisible characters or too long a text.
    """
    _refuse_hidden(text.strip(), column)
    text = " ".join(text.split())
    if len(text) > LONGEST_WORDING:
        raise BadRow(
            _("“{text}…” is longer than {most} characters.").format(
                text=text[:30], most=LONGEST_WORDING
            ),
            "too_long",
        )
    acts = "" if verbatim else acting(text)
    if acts == "link":
        raise BadRow(
            _("“{text}” contains a link, a hashtag or a mention.").format(text=text), "link_in_text"
        )
    if acts == "digits":
        raise BadRow(
            _("“{text}” contains digits that look like a number; give a number its own row.").format(
                text=text
            ),
            "digits_in_text",
        )
    return text


def _refuse_hidden(text: str, column: str) -> None:
    """Raises `BadRow` for a character that nobody sees, with its name and place."""
    if text.isascii() and text.isprintable():
        return
    if place := hidden_place(text, "\r\n\t"):
        sentence = _("{column}: {place}; type the cell again instead of pasting it.")
        raise BadRow(sentence.format(column=column, place=place), "control_characters")


def capacity(text: str) -> int | None:
    """Simultaneous calls (R8). Raises `BadRow` unless it is a whole number in range."""
    if not text:
        return None
    digits = text.lstrip("0")[: len(str(MOST_CALLS)) + 1] if text.isascii() and text.isdigit() else ""
    if digits and int(digits) <= MOST_CALLS:
        return int(digits)
    raise BadRow(_("capacity: “{text}” is not a number of calls.").format(text=text[:40]), "wrong_type")


def version(text: str) -> int:
    """The version of an entry; 0: none. Raises `BadRow` unless it is a whole number."""
    if text and not (text.isascii() and text.isdigit() and len(text) < _LONGEST_VERSION):
        raise BadRow(_("version: “{text}” is not a whole number.").format(text=text[:40]), "wrong_type")
    return int(text or 0)


def sources(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the number was read: a list, or one per line of a cell."""
    value = raw.get("source_url")
    given = value if isinstance(value, list | tuple) else cell(raw, "source_url").splitlines()
    lines = (" ".join(str(one).split())[:_LONGEST_SOURCE].strip() for one in given if one)
    found = tuple(dict.fromkeys(line for line in lines if line))
    for line in found:
        _refuse_hidden(line, "source_url")
    return found


_RISKY = "[=+\\-@\uff0b\uff0d\uff1d\uff20]"  # the wide signs too: some spreadsheets take them alike
_FORMULA = re.compile(rf"[\t\r]|\s*{_RISKY}")
_QUOTED = re.compile(rf"'+(?:[\t\r]|\s*{_RISKY}|[0-9])")  # a digit: a spreadsheet's mark of a text
# Inside a cell, where a program that splits at this sign instead of the comma finds the beginning of one.
# Only at the sign itself, with no spaces between: so no such place lies within another, and each is found again.
_INNER = re.compile(rf"([;|\t\r\n]\s*)(?='*{_RISKY})")
_INNER_QUOTED = re.compile(rf"([;|\t\r\n]\s*)'(?='*{_RISKY})")
_ABROAD = re.compile(r"\s*\+[0-9][0-9 .\-()]*\s*", re.ASCII)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run this cell as a formula. A phone number beginning with + is none."""
    return bool(_FORMULA.match(cell)) and not _ABROAD.fullmatch(cell)


def quoted(cell: str) -> str:
    """The cell with an apostrophe wherever a spreadsheet would run the rest, whatever sign it splits at."""
    within = _INNER.sub(r"\1'", cell)
    return f"'{within}" if is_formula(within) or _QUOTED.match(within) else within


def unquoted(cell: str) -> str:
    """The cell as it was before `quoted`."""
    return _INNER_QUOTED.sub(r"\1", cell[1:] if _QUOTED.match(cell) else cell)


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
            _("“{raw}” is not a date and time such as 2021-06-03T18:00.").format(raw=text[:40]),
            "wrong_type",
        )
    return certain(at, zone)


def certain(at: datetime, zone: ZoneInfo) -> datetime:
    """A time with its offset; without one it is local to `zone`. Raises `BadRow` for a local time that a
    clock change skips or repeats, with both times that can be meant."""
    if at.tzinfo is not None:
        return at
    first, second = at.replace(tzinfo=zone, fold=0), at.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        sentence = _(
            "{local} does not exist in {zone}: the clocks go forward at that time; write {first} or {second}."
        )
        one, other = (when.astimezone(UTC).astimezone(zone) for when in (second, first))
    else:
        sentence, one, other = (
            _("{local} occurs twice in {zone}; write {first} or {second}."),
            first,
            second,
        )
    words = sentence.format(
        local=f"{at:%Y-%m-%d %H:%M}", zone=zone.key, first=one.isoformat(), second=other.isoformat()
    )
    raise BadRow(words, "wrong_type")


def number_row(raw: Mapping[str, Any], moment: Moment) -> NumberRow:
    """The row, with every cell checked. Raises `BadRow` for the first bad cell."""
    _check_columns(raw)
    territory = _territory(raw)
    service, aside = _service(cell(raw, "service"))
    zone, condition, place = (wording(raw, column) for column in ("zone", "condition", "place"))
    if aside:
        (zone if aside[:1].isupper() else condition).setdefault(
            EVERY_LANGUAGE, worded(aside, "service")
        )
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
        published_at=worded(cell(raw, "published_at")[:40], "published_at", verbatim=True),
        verified_by=worded(cell(raw, "verified_by"), "verified_by", verbatim=True),
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
                _("there is no column “{column}”; the columns are {known}.").format(
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
            _("its validity ends ({ends}) before it starts ({begins}).").format(
                ends=f"{ends:%Y-%m-%d %H:%M}", begins=f"{begins:%Y-%m-%d %H:%M}"
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
                "there is no territory “{text}”; outside the directory, give a code such as BE-WHT and a name."
            ).format(text=text[:40])
        )
    return free


def _same_name(territory: Territory, name: object) -> Territory:
    other = find(name) if isinstance(name, str) else None
    if other and other != territory:
        raise BadRow(
            _("the code belongs to {territory}, the name to {other}.").format(
                territory=territory, other=other
            )
        )
    return territory


def _zone(text: str) -> str:
    try:
        return text and ZoneInfo(text).key
    except (OSError, ValueError, KeyError):
        raise BadRow(
            _("timezone: “{text}” is not a time zone such as Europe/Brussels.").format(text=text[:40]),
            "wrong_type",
        ) from None


def _service(text: str) -> tuple[str, str]:
    key, _colon, aside = (part.strip() for part in text.partition(":"))
    if key.casefold() not in services():
        raise BadRow(
            _("there is no service “{key}”; the services are {known}.").format(
                key=key[:40], known=", ".join(services())
            )
        )
    return key.casefold(), aside


def _number(text: str, territory: Territory, place: Mapping[str, str]) -> str:
    if not text and place:
        return ""
    if not text:
        raise BadRow(_("the number is missing; give a number or a place."))
    if place:
        raise BadRow(_("a row cannot have both a number and a place; give each its own row."))
    try:
        return written(text, territory.region)
    except InvalidNumber as invalid:
        raise BadRow(str(invalid)) from None


def _replaces(raw: Mapping[str, Any], service: str, number: str, territory: Territory) -> str:
    given = cell(raw, "replaces")
    failing = given.split("/") if given else []
    if not in_force().countries[territory.region].short.issuperset(failing):
        raise BadRow(
            _("{given} is not a short emergency number, or several such as 18/112.").format(
                given=given[:40]
            )
        )
    usual = services()[service].replaces
    if number and number in (failing or [usual]):
        raise BadRow(_("{number} is given as its own replacement.").format(number=number))
    return given if "replaces" in raw else usual


def _entry(text: str) -> str:
    if not text:
        return ""
    if number := entry_id(text):
        return entry_name(number)
    raise BadRow(_("“{text}” is not a register entry such as N12.").format(text=text[:40]))


_MOMENTS = ("valid_from", "valid_until", "review_at", "verified_at")


def frozen_row(row: NumberRow) -> RawValues:
    """The row as JSON values, without empty cells."""
    cells: RawValues = {
        "entry": row.entry,
        "version": row.version,
        "territory": row.territory.code,
        **_free(row.territory),
        "service": row.service,
        "replaces": row.replaces,
        "number": row.number,
        "place": dict(row.place),
        "zone": dict(row.zone),
        "condition": dict(row.condition),
        "capacity": str(row.capacity) if row.capacity else None,
        "source_url": list(row.sources),
        "published_at": row.published_at,
        "verified_by": row.verified_by,
    }
    for column in _MOMENTS:
        at = getattr(row, column)
        cells[column] = at.isoformat() if at else None
    return {column: cell for column, cell in cells.items() if cell or column == "replaces"}


def _free(territory: Territory) -> RawValues:
    return {"name": dict(territory.names), "timezone": territory.zone} if territory.free else {}


def kept_row(
    cells: Mapping[str, Any],
    *,
    entry: str = "",
    version: int = 0,
    verified_by: str = "",
    verified_at: datetime | None = None,
) -> NumberRow:
    """The row of a frozen form that this program wrote itself: cells are not checked again, so that a
    hundred thousand take a few seconds. What only the register knows is given separately."""
    capacity = cells.get("capacity")
    return NumberRow(
        territory=_frozen_territory(cells),
        service=cells["service"],
        number=cells.get("number", ""),
        replaces=cells["replaces"],
        zone=cells.get("zone", {}),
        condition=cells.get("condition", {}),
        capacity=int(capacity) if capacity else None,
        valid_from=_moment(cells, "valid_from"),
        valid_until=_moment(cells, "valid_until"),
        review_at=_moment(cells, "review_at"),
        sources=tuple(cells.get("source_url", ())),
        published_at=cells.get("published_at", ""),
        verified_by=verified_by,
        verified_at=verified_at,
        place=cells.get("place", {}),
        entry=entry,
        version=version,
    )


def _frozen_territory(cells: Mapping[str, Any]) -> Territory:
    code = cells["territory"]
    if known := all_territories().get(code):
        return known
    names, pack = cells.get("name"), in_force()
    free = free_territory(code, names, cells["timezone"]) if names else None
    zone = cells.get("timezone", pack.zone)
    return free or Territory(code, names or {"": code}, zone, pack.code, free=True)


def _moment(cells: Mapping[str, Any], column: str) -> datetime | None:
    written = cells.get(column)
    return datetime.fromisoformat(written) if written else None
