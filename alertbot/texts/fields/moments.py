"""Times and durations as people write them, made exact. Pure.

A time is `now`, `+30m`, `-1h30`, `16:45` or ISO 8601; without an offset it is in the given zone (R14). A
local time that a clock change skips or repeats is refused; the message says what to write instead.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alertbot.core.errors import Refused
from alertbot.core.words import _
from alertbot.numbers.rules_rows import BadRow, certain

LONGEST = timedelta(days=366)
YEARS = range(2000, 2101)
# A clock time this long gone is still read as today's, so that a promise just missed is seen as a fault
# instead of moving to tomorrow; the same for a past time that lies a little ahead.
GRACE = timedelta(hours=1)

_SPAN = re.compile(
    r"(?:(?P<d>\d{1,3})d)?(?:(?P<h>\d{1,4})h(?P<tail>[0-5]?\d(?![\dm]))?)?(?:(?P<m>\d{1,5})m(?:in)?)?",
    re.ASCII | re.IGNORECASE,
)
_ISO_SPAN = re.compile(r"P(?:(?P<d>\d{1,3})D)?(?:T(?:(?P<h>\d{1,4})H)?(?:(?P<m>\d{1,5})M)?)?", re.ASCII)
_CLOCK = re.compile(r"(?P<h>[01]?\d|2[0-3])[:hH](?P<m>[0-5]\d)", re.ASCII)
_ISO = re.compile(r"\d{4}-?(?:\d{2}|W\d{2}).*[T ]\d{2}.*", re.ASCII)


class BadMoment(Refused):
    """Not a time, or an ambiguous one."""


def moment(raw: object, *, now: datetime, zone: ZoneInfo, past: bool = False) -> datetime:
    """The time meant, in `zone`. `past`: a time in the past, such as when a fault began.

    Raises `BadMoment`.
    """
    if isinstance(raw, datetime):
        return _in_zone(raw, zone)
    if not isinstance(raw, str):
        raise BadMoment(_not_text(raw))
    text = raw.strip().replace("−", "-")
    if text.lower() == "now":
        return _whole_minute(now, zone)
    if text[:1] in {"+", "-"}:
        return _relative(text, now, zone)
    if clock := _CLOCK.fullmatch(text):
        return _nearest(time(int(clock["h"]), int(clock["m"])), now, zone, past=past)
    return _iso(text, zone)


def span(raw: object) -> timedelta:
    """The duration meant: `45m`, `1h30`, `2d`, `PT1H30M`. Raises `BadMoment`."""
    if isinstance(raw, timedelta):
        return raw
    text = raw.strip() if isinstance(raw, str) else ""
    length = _length(_SPAN.fullmatch(text)) or _length(_ISO_SPAN.fullmatch(text))
    if length is None:
        raise BadMoment(_("“{raw}” is not a duration; write 45m, 1h30 or 2d.").format(raw=_short(raw)))
    return length


def _length(found: re.Match[str] | None) -> timedelta | None:
    if found is None or not any(found.groups()):
        return None
    part = {key: int(value) for key, value in found.groupdict().items() if value}
    minutes = part.get("m", 0) + part.get("tail", 0)
    length = timedelta(days=part.get("d", 0), hours=part.get("h", 0), minutes=minutes)
    return length if length <= LONGEST else None


def _relative(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    length = _length(_SPAN.fullmatch(text[1:].strip()))
    if length is None:
        raise BadMoment(_not_a_time(text))
    return _whole_minute(now + length if text[0] == "+" else now - length, zone)


def _whole_minute(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0).astimezone(zone)


def _nearest(clock: time, now: datetime, zone: ZoneInfo, *, past: bool) -> datetime:
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=step) for step in (-1, 0, 1)]
    at = {day: datetime.combine(day, clock, zone) for day in days}
    if past:
        fitting = [day for day in days if at[day] <= now + GRACE]
        return _certain(fitting[-1], clock, zone)
    fitting = [day for day in days if at[day] >= now - GRACE]
    return _certain(fitting[0], clock, zone)


def _certain(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return _in_zone(datetime.combine(day, clock), zone)


def _in_zone(at: datetime, zone: ZoneInfo) -> datetime:
    if at.year not in YEARS:
        raise BadMoment(_("The year {year} is not plausible.").format(year=at.year))
    if at.tzinfo is not None:
        return at.replace(microsecond=0).astimezone(zone)
    at = at.replace(microsecond=0)
    try:
        return certain(at, zone)
    except BadRow as refused:
        raise BadMoment(str(refused)) from None


def _iso(text: str, zone: ZoneInfo) -> datetime:
    if not _ISO.fullmatch(text) or len(text) > 40:
        raise BadMoment(_not_a_time(text))
    try:
        return _in_zone(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        raise BadMoment(_not_a_time(text)) from None


def _not_a_time(text: str) -> str:
    return _(
        "“{raw}” is not a time; write now, +30m, -1h30, 16:45 or a date with a time such as"
        " 2021-06-02T16:45."
    ).format(raw=_short(text))


def _not_text(raw: object) -> str:
    if isinstance(raw, date):
        return _("{day} has no time of day; write {day}T16:45.").format(day=raw.isoformat())
    return _(
        "{raw} is not a time. If you wrote a time such as 16:45 in YAML, put it in quotes."
    ).format(raw=_short(raw))


def _short(raw: object) -> str:
    return str(raw)[:40]
