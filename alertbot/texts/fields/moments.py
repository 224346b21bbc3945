"""Times and durations as people write them, made exact. Pure.

A time is `now`, `+30m`, `-1h30`, `16:45`, ISO 8601, or in words as people write it in English or French: `in 2
hours`, `il y a 20 min`, `18 h`, `6 pm`, `tomorrow at 8:00`, `jeudi 3 juin, 14 h 07`. Without an offset it is in the
given zone (R14). A local time that a clock change skips or repeats is refused, and so is what can be read in two ways
(`2h` alone); the message says what to write instead.
"""

import re
from collections.abc import Iterator, Sequence
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
_HALF = r"half an hour|une demi-heure"
_UNIT = r"(?:days?|jours?|d|j)|(?:hours?|heures?|h)|(?:minutes?|mins?|mn|m)"
_LENGTH = rf"(?:{_HALF}|(?:\d{{1,4}}|an?|une?)\s?(?:{_UNIT})(?:\s?(?:and|et)?\s?\d{{1,4}}(?:\s?(?:{_UNIT}))?)?)"
_AHEAD = re.compile(rf"(?:in|dans) (?P<length>{_LENGTH})", re.ASCII)
_AGO = re.compile(rf"il y a (?P<fr>{_LENGTH})|(?P<en>{_LENGTH}) ago", re.ASCII)
_ONE_LENGTH = re.compile(r"(?P<number>\d+|an?|une?)\s?(?P<unit>[a-z]*)", re.ASCII)
_SPOKEN_CLOCK = re.compile(
    r"(?:(?:at|à|a|vers) )?(?:(?P<noon>noon|midi)"
    r"|(?P<h>\d{1,2})(?:(?::| ?h(?:eures?)? ?)(?P<m>[0-5]\d)|(?P<bare> ?h(?:eures?)?))?(?P<half> ?(?:a\.?m|p\.?m)\.?)?)"
)
_BARE = re.compile(r"\d{1,2} ?h")
_DATE = re.compile(
    r"(?:(?P<weekday>(?!le |the )[a-z]+),? )?(?:the |le )?(?:(?P<day>\d{1,2})(?:st|nd|rd|th|er)? (?:of )?(?P<month>[^\W\d]+)"
    r"|(?P<before>[^\W\d]+) (?P<after>\d{1,2})(?:st|nd|rd|th)?)(?:,? (?P<year>\d{4}))?"
)
_DAYS = {"today": 0, "aujourd'hui": 0, "tonight": 0, "ce soir": 0, "ce matin": 0, "this morning": 0}
_DAYS |= {
    "tomorrow": 1,
    "demain": 1,
    "demain matin": 1,
    "tomorrow morning": 1,
    "yesterday": -1,
    "hier": -1,
}
_WEEKDAYS = (
    ("monday", "lundi"),
    ("tuesday", "mardi"),
    ("wednesday", "mercredi"),
    ("thursday", "jeudi"),
    ("friday", "vendredi"),
    ("saturday", "samedi"),
    ("sunday", "dimanche"),
)
_MONTHS = (
    ("january", "jan", "janvier"),
    ("february", "feb", "février", "fevrier"),
    ("march", "mar", "mars"),
    ("april", "apr", "avril"),
    ("may", "mai"),
    ("june", "jun", "juin"),
    ("july", "jul", "juillet"),
    ("august", "aug", "août", "aout"),
    ("september", "sep", "septembre"),
    ("october", "oct", "octobre"),
    ("november", "nov", "novembre"),
    ("december", "dec", "décembre", "decembre"),
)
_EARLIEST_BARE = 7  # `2h` alone may be two o'clock or two hours
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
    if _ISO.fullmatch(text):
        return _iso(text, zone)
    return _spoken(text, now, zone, past=past)


# --- in words -------------------------------------------------------------------------------------


def _spoken(text: str, now: datetime, zone: ZoneInfo, *, past: bool) -> datetime:
    """A time as people write it. Raises `BadMoment` for what is none, or may mean two times."""
    said = " ".join(text.casefold().replace("’", "'").split()).rstrip(".")
    if said == "maintenant":
        return _whole_minute(now, zone)
    if found := _AHEAD.fullmatch(said):
        return _whole_minute(now + _spoken_length(found["length"]), zone)
    if found := _AGO.fullmatch(said):
        return _whole_minute(now - _spoken_length(found["fr"] or found["en"]), zone)
    if clock := _clock_of(said):
        if _BARE.fullmatch(said) and clock.hour < _EARLIEST_BARE:
            sentence = _("“{raw}” may be a time or a duration; write {hour:02}:00 or +{hour}h.")
            raise BadMoment(sentence.format(raw=_short(text), hour=clock.hour))
        return _nearest(clock, now, zone, past=past)
    for day_words, clock_words in _splits(said):
        clock = _clock_of(clock_words)
        day = clock and _day(day_words, clock, now, zone, past=past)
        if clock and day:
            return _certain(day, clock, zone)
    raise BadMoment(_not_a_time(text))


def _splits(said: str) -> Iterator[tuple[str, str]]:
    """Every way to read it as a day and a time, in either order."""
    words = said.split(" ")
    for cut in range(1, len(words)):
        first, second = " ".join(words[:cut]).rstrip(","), " ".join(words[cut:])
        yield first, second
        yield second, first


def _spoken_length(said: str) -> timedelta:
    if re.fullmatch(_HALF, said):
        return timedelta(minutes=30)
    units, minutes = {"d": 1440, "j": 1440, "h": 60, "m": 1, "": 1}, 0
    for one in _ONE_LENGTH.finditer(re.sub(r"\b(?:and|et)\b", " ", said)):
        number = int(one["number"]) if one["number"].isdigit() else 1
        minutes += number * units[one["unit"][:1]]
    return timedelta(minutes=minutes)


def _clock_of(said: str) -> time | None:
    """The time of day; None for other words, an hour without minutes, `h`, am or pm, and one that there is not."""
    found = _SPOKEN_CLOCK.fullmatch(said)
    if not found or found["noon"]:
        return time(12) if found else None
    hour, half = int(found["h"]), (found["half"] or "").strip()[:1]
    if not (found["m"] or found["bare"] or half) or hour > (12 if half else 23) or (half and not hour):
        return None
    return time(hour % 12 + (12 if half == "p" else 0) if half else hour, int(found["m"] or 0))


def _day(said: str, clock: time, now: datetime, zone: ZoneInfo, *, past: bool) -> date | None:
    """The day meant by its words; None if they mean none."""
    today = now.astimezone(zone).date()
    if said in _DAYS:
        return today + timedelta(days=_DAYS[said])
    if (weekday := _index(_WEEKDAYS, said)) is not None:
        ahead = [today + timedelta(days=step) for step in range(-7, 8)]
        fitting = [day for day in ahead if day.weekday() == weekday]
        if past:
            return [day for day in fitting if datetime.combine(day, clock, zone) <= now + GRACE][-1]
        return next(day for day in fitting if datetime.combine(day, clock, zone) >= now - GRACE)
    return _date(said, today)


def _date(said: str, today: date) -> date | None:
    found = _DATE.fullmatch(said)
    month = found and _index(_MONTHS, found["month"] or found["before"])
    if not found or month is None:
        return None
    years = [int(found["year"])] if found["year"] else [today.year + step for step in (-1, 0, 1)]
    days = []
    for year in years:
        try:
            days.append(date(year, month + 1, int(found["day"] or found["after"])))
        except ValueError:
            continue  # not in this year, or never
    if not days:
        return None
    day = min(days, key=lambda one: abs(one - today))
    weekday = found["weekday"]
    return day if not weekday or _index(_WEEKDAYS, weekday) == day.weekday() else None


def _index(names: Sequence[Sequence[str]], word: str) -> int | None:
    return next((index for index, forms in enumerate(names) if word in forms), None)


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
        "“{raw}” is not a time; write 16:45, +30m, in 2 hours, tomorrow 8:00, 3 June 14:07, or"
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
