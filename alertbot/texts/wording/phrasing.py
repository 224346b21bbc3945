"""The templates' filters: times, places, numbers and lists in the reader's language.

Babel formats times from typed values in the organisation's time zone (R14), with only as much of the
date as is needed relative to the time of issue. English follows British use: 24 hours, day before month.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from jinja2.runtime import Context
from jinja2.utils import pass_context

from alertbot.core.words import _
from alertbot.regions.facts import in_force
from alertbot.regions.region import Territory
from alertbot.texts.fields.values import Url
from alertbot.texts.wording.language import given, locale_of, phrase
from alertbot.texts.wording.markup import (
    SafeMarkdown,
    Setting,
    TemplateRunError,
    link,
    setting_of,
)

if TYPE_CHECKING:
    from babel import Locale


MOST_NAMED = 12  # places that a text names one by one
MOST_CODED = 30  # and by their codes, where room is short
LONGEST_NAMED = 80  # characters of names, where room is short
VOWELS = frozenset("aeiouwy")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


@cache
def locale(lang: str) -> "Locale":
    """Babel's locale of a language; English, and a language that Babel does not know, are British."""
    known = None if lang == "en" else locale_of(lang)
    british = locale_of("en-GB")
    assert british is not None
    return known or british


@cache
def _dates() -> Any:
    from babel import dates

    return dates


def moment(value: datetime, *, lang: str, zone: ZoneInfo, issued: datetime) -> str:
    """`16 h 45` on the day of issue, else `jeudi 3 juin à 8 h`, with the year when it is another."""
    here, today = value.astimezone(zone), issued.astimezone(zone)
    clock = clock_time(here, lang)
    if here.date() == today.date():
        return clock
    named = day_name(here.date(), lang, with_year=here.year != today.year)
    return phrase("at", lang, day=named, clock=clock)


def clock_time(value: datetime, lang: str) -> str:
    """The time of day in the zone of `value`: `16 h 45` and `8 h` in French, `16:45` in English. Of a time that
    comes twice, when clocks go back, also which: `2 h 30, heure d’été`."""
    hour, hh, minute = value.hour, f"{value.hour:02}", f"{value.minute:02}"
    whole = not value.minute and given("whole_hour", lang)
    written = phrase("whole_hour" if whole else "clock", lang, hour=hour, hh=hh, minute=minute)
    return written + which_of_two(value, lang)


def which_of_two(value: datetime, lang: str) -> str:
    """`, summer time` if this local time comes a second time, `, winter time` if it is the second; else
    empty. A change of the zone without summer time gives the offset."""
    other = value.replace(fold=1 - value.fold)
    if value.utcoffset() == other.utcoffset():
        return ""
    dates = _dates()
    if value.dst() == other.dst():
        return f", {dates.get_timezone_gmt(value, width='short', locale=locale(lang))}"
    if given(name := ("summer_time", "winter_time")[value.fold], lang):
        return f", {phrase(name, lang)}"
    if value.fold:
        return f", {dates.get_timezone_name(value, zone_variant='standard', locale=locale(lang))}"
    return f", {dates.get_timezone_name(value, zone_variant='daylight', locale=locale(lang))}"


def day_name(value: date, lang: str, *, with_year: bool = False) -> str:
    """`jeudi 3 juin`, `mardi 1er juin`, `Thursday 3 June`."""
    pattern = phrase("day_first" if value.day == 1 and given("day_first", lang) else "day", lang)
    pattern = f"{pattern} y" if with_year else pattern
    said = str(_dates().format_date(value, pattern, locale=locale(lang)))
    small = phrase("day_word", lang) if given("day_word", lang) else ""
    return re.sub(rf"\b{small}\b", small, said, flags=re.IGNORECASE) if small else said


@pass_context
def when(context: Context, value: datetime, where: Sequence[Territory] = ()) -> str:
    """A time. With the alert's places, also the local time if all of them share another zone."""
    setting, value = setting_of(context), _moment_given(value)
    here = local(setting, value, setting.zone)
    other = other_zone(setting, value, where)
    if other is None:
        return here
    return phrase("local_time", setting.lang, here=here, there=local(setting, value, other))


def local(setting: Setting, value: datetime, zone: ZoneInfo) -> str:
    """A time in the local time of this zone."""
    return moment(value, lang=setting.lang, zone=zone, issued=setting.issued)


def _moment_given(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    raise TemplateRunError(
        _("A time is needed here. If the field may be empty, test it first with {% if … %}.")
    )


def other_zone(setting: Setting, value: datetime, where: Sequence[Territory]) -> ZoneInfo | None:
    """The zone that these places share, if its local time differs from that of the text."""
    names = {place.zone for place in where}
    if len(names) != 1:
        return None
    zone = ZoneInfo(names.pop())
    same = value.astimezone(zone).utcoffset() == value.astimezone(setting.zone).utcoffset()
    return None if same else zone


@pass_context
def clock(context: Context, value: datetime) -> str:
    """`16 h 45` in French, `16:45` elsewhere."""
    setting = setting_of(context)
    return clock_time(_moment_given(value).astimezone(setting.zone), setting.lang)


@pass_context
def day(context: Context, value: datetime) -> str:
    """`jeudi 3 juin`, with the year when it is not that of issue."""
    setting = setting_of(context)
    here = _moment_given(value).astimezone(setting.zone)
    with_year = here.year != setting.issued.astimezone(setting.zone).year
    return day_name(here.date(), setting.lang, with_year=with_year)


@pass_context
def zone(context: Context, value: datetime) -> str:
    """The time zone of the text: `heure de Paris`."""
    setting = setting_of(context)
    _moment_given(value)
    return zone_name(str(setting.zone), setting.lang)


def zone_name(name: str, lang: str) -> str:
    """`heure de Paris` for `Europe/Paris`."""
    city = _dates().get_timezone_location(name, locale=locale(lang), return_city=True)
    return phrase("zone_time", lang, city=city)


@pass_context
def span(context: Context, value: timedelta, width: str = "long") -> str:
    """`1 heure et 45 minutes`, to the minute; `width="short"`: `1 h et 45 min`."""
    from babel.units import format_unit

    lang = locale(setting_of(context).lang)
    left = max(int(value.total_seconds()), 0)
    parts: list[str] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or (unit == "minute" and not parts):
            parts.append(format_unit(count, f"duration-{unit}", length=_width(width), locale=lang))
    return _and(parts, lang).replace("\u202f", "\u00a0")


def _width(width: str) -> Any:
    return width if width in ("long", "short", "narrow") else "long"


@pass_context
def names(
    context: Context, places: Sequence[Territory], codes: bool = True, brief: bool = False
) -> str:
    """`Rhône (69) et Loire (42)`; without the codes where space is short. More than `MOST_NAMED`, or
    names too long for a short text, are counted and given by their codes; too many codes, or with `brief`
    all of them, are only counted."""
    lang = setting_of(context).lang
    named = _and([_place(place, lang, codes) for place in places], locale(lang))
    many = in_force().many
    if lang not in many or (len(places) <= MOST_NAMED and (codes or len(named) <= LONGEST_NAMED)):
        return named
    if any(
        place.whole for place in places
    ):  # "the whole of France, 971 and 972": it is none of its parts
        short = [place.name_in(lang) if place.whole else place.code for place in places]
        return _and(short, locale(lang))
    counted = many[lang].format(count=len(places))
    if brief or (not codes and len(places) > MOST_CODED):
        return counted
    return f"{phrase('colon', lang, before=counted)} {', '.join(place.code for place in places)}"


def _place(place: Territory, lang: str, codes: bool) -> str:
    name = place.name_in(lang)
    return f"{name} ({place.code})" if codes and not place.whole else name


@pass_context
def listed(context: Context, values: Iterable[object]) -> str:
    """A list in words, with the language's "and" before the last."""
    return _and([str(value) for value in values], locale(setting_of(context).lang))


def _and(parts: Sequence[str], lang: "Locale", style: Literal["standard", "or"] = "standard") -> str:
    from babel.lists import format_list

    said = format_list(parts, style=style, locale=lang)
    name = lang.language
    if len(parts) < 2 or style == "or" or not given("and_vowel", name):
        return said
    vowel = unicodedata.normalize("NFD", parts[-1][:1]).casefold()[:1] in VOWELS
    word = phrase("and_vowel" if vowel else "and", name)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def any_of(parts: Iterable[str], lang: str) -> str:
    """`15, 17 ou 18`."""
    return _and(list(parts), locale(lang), "or")


def steps(text: object) -> tuple[str, ...]:
    """The non-empty lines of a text: one instruction each."""
    return tuple(line.strip() for line in str(text).splitlines() if line.strip())


def sentence(text: object) -> str:
    """The text with exactly one full stop at its end, unless it already ends a sentence."""
    words = str(text).strip()
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def lowered(text: object) -> str:
    """The text as typed. (Its first letter was put in lower case once: that made `lyon` of Lyon. The
    filter stays for templates that name it.)"""
    return str(text).strip()


def unstopped(text: object) -> str:
    """The text without its final full stop, to be continued."""
    return str(text).strip().removesuffix(".")


def capital(text: object) -> str:
    """The text with a capital at its beginning; the rest as typed, and so is a name such as `eCall`."""
    words = str(text).strip()
    return words if words[1:2].isupper() else words[:1].upper() + words[1:]


def linked(address: object, text: str = "") -> SafeMarkdown:
    """An address as a link behind a text. Raises `TemplateRunError` if the value is not an address."""
    if not isinstance(address, Url):
        raise TemplateRunError(_("Only a field of type url can become a link."))
    return link(address.address, text)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "when": when,
    "clock": clock,
    "day": day,
    "zone": zone,
    "span": span,
    "names": names,
    "listed": listed,
    "steps": steps,
    "lines": steps,
    "sentence": sentence,
    "unstopped": unstopped,
    "lowered": lowered,
    "capital": capital,
    "linked": linked,
}
