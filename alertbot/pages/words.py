"""The words that frame the approved texts on a public page, and times as it writes them. The words are data,
`page/<language>.yaml` in the folders of kinds, so that a language is files alone; what a language lacks is in English."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from alertbot.config.yaml_reader import read_written
from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _
from alertbot.regions import packs
from alertbot.texts.kinds.kind_file import Checker, read_words
from alertbot.texts.kinds.kind_spec import UNREAD
from alertbot.texts.wording.language import OTHER, phrase, right_to_left, words_of
from alertbot.texts.wording.phrasing import any_of, clock_time, day_name, locale, zone_name
from alertbot.texts.wording.render import typography

FOLDER = "page"
_PLAIN = """
    site languages nothing_now in_emergency what_to_do your_place numbers_by_place has_number by_postcode urgent_only
    not_to_check stop gone unsure lapsed no_number no_alert whole_message open ended is_it_ours is_this_ours not_listed
    nothing_yet it_stands it_is_followed it_is_corrected it_is_withdrawn it_is_false it_is_over numbers_now the_message
    exercise exercise_end postcode postcode_start
"""
_TIMED = "last_message next_update update_due valid_until review_at lapsed_since lapsed_review stale"
WORDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_PLAIN.split(), ()),
    **dict.fromkeys(_TIMED.split(), ("when",)),
    "several_now": ("count",),
    "no_answer": ("numbers",),
    "stop_because": ("alert",),
    "history_of": ("incident",),
    "it_is": ("alert", "when"),
    "only_in": ("language",),
    "times": ("zone",),
    "postcode_of": ("digits",),
    "postcode_source": ("source",),
}


class Wording:
    """The words of one language, and times on the clock of `zone`."""

    def __init__(self, lang: str, zone: str) -> None:
        """Raises `ConfigInvalid` for a broken file of words."""
        self.lang, self.zone = lang, zone
        self.direction = direction_of(lang)
        self.set = typography(lang)
        self._written: dict[tuple[datetime, str, bool], str] = {}
        self._words = {**words_of(FOLDER, OTHER, WORDS), **words_of(FOLDER, lang, WORDS)}

    def say(self, name: str, **places: object) -> Markup:
        """This wording with what stands in its braces, safe in HTML."""
        return escape(self._words[name]).format(**places)

    def when(self, moment: datetime, *, zone: str = "", year: bool = False) -> Markup:
        """A day and a time: never a time alone, since pages are read later. On the clock of another `zone`: which one."""
        written = self.spoken(moment, zone=zone, year=year)
        if zone and zone != self.zone:
            written += f", {zone_name(zone, self.lang)}"
        exact = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return Markup('<time datetime="{}">{}</time>').format(exact, written)

    def spoken(self, moment: datetime, *, zone: str = "", year: bool = False) -> str:
        """The same as plain text, without the name of the zone."""
        key = (moment, zone or self.zone, year)
        if key not in self._written:
            self._written[key] = self._moment(*key)
        return self._written[key]

    def _moment(self, moment: datetime, zone: str, year: bool) -> str:
        here = moment.astimezone(ZoneInfo(zone))
        day = day_name(here.date(), self.lang, with_year=year)
        return phrase("at", self.lang, day=day, clock=clock_time(here, self.lang))

    def clock(self) -> str:
        """`heure de Paris`."""
        return zone_name(self.zone, self.lang)

    def any_of(self, numbers: list[str]) -> str:
        """`15, 17 ou 18`."""
        return any_of(numbers, self.lang)

    def language(self, lang: str) -> str:
        """The name of a language in this one."""
        return str(locale(self.lang).languages.get(lang, lang))

    def before(self, text: str) -> str:
        """The text with the colon of this language."""
        return phrase("colon", self.lang, before=text)


def direction_of(lang: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if right_to_left(lang) else "ltr"


def own_name(lang: str) -> str:
    """The name of a language in itself: `Français`."""
    name = str(locale(lang).languages.get(lang, lang))
    return name[:1].upper() + name[1:]


def check_words(*folders: Path) -> None:
    """Raises `ConfigInvalid` with every fault in the words of the page, in the shipped folder and these."""
    faults: list[str] = []
    for folder in dict.fromkeys((packs.shipped().parent, *folders)):
        for path in sorted((folder / FOLDER).glob("*.yaml")):
            sheet, check = read_written(path), Checker(faults)
            check.keys(sheet, tuple(WORDS), ())
            read_words(sheet, check, WORDS)
    if faults:
        raise ConfigInvalid(_("The messages folder has faults:"), faults)


def lacks_words(lang: str) -> bool:
    """Whether some of the page's words are in English in this language."""
    return bool(WORDS.keys() - words_of(FOLDER, lang, WORDS).keys())


def is_unread(lang: str, *folders: Path) -> bool:
    """Whether the words of this language that would be used say that no native speaker has read them."""
    places = [folder / FOLDER / f"{lang}.yaml" for folder in (packs.shipped().parent, *folders)]
    used = next((path for path in reversed(places) if path.is_file()), None)
    return used is not None and UNREAD in used.read_text("utf-8").partition("\n")[0].casefold()
