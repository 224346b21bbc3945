"""Writing numbers by territory, each with its zone, condition and end (R4), as lines, paragraphs or list items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from alertbot.core.frozen import dataclass
from alertbot.numbers.rules_digits import dialling
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.region import Territory
from alertbot.texts.lint import LONGEST_SHORT
from alertbot.texts.posts.writing import CALL, CODE
from alertbot.texts.wording.language import phrase
from alertbot.texts.wording.markup import Block, Line, Run, SafeMarkdown, Setting, Shape, setting_of
from alertbot.texts.wording.phrasing import any_of, capital, local, other_zone

Places = Sequence[tuple[Territory, Sequence[NumberRow]]]


def by_place(rows: Sequence[NumberRow]) -> Places:
    """The rows by territory, in the order in which the territories first appear."""
    order = {code: at for at, code in enumerate(dict.fromkeys(row.territory.code for row in rows))}
    ordered = sorted(rows, key=lambda row: order[row.territory.code])
    groups = [list(group) for _code, group in groupby(ordered, key=lambda row: row.territory.code)]
    return [(group[0].territory, group) for group in groups]


SEPARATOR = " – "
STOPPED = "stopped"  # the variable of a block for numbers that must not be called


@pass_context
def numbers_block(context: Context, rows: Sequence[NumberRow], struck: bool = False) -> SafeMarkdown:
    """Every number with its zone and condition (R4), one paragraph per territory, with its name first.

    `struck`: numbers that are taken back; the territory's name then says so, in every part of a thread
    and where nothing can be struck through.
    """
    setting = setting_of(context)
    promised = Promised.of(context)
    return setting.stand_in(tuple(_paragraphs(by_place(rows), setting, promised, struck)))


@pass_context
def calls(context: Context, rows: Sequence[NumberRow], long: bool = False) -> SafeMarkdown:
    """Every number on a line of its own, with its zone, condition and end (R4), without the territory: for a block
    that names it. Continues the paragraph above. `long`: with the short number that it stands for. In a block `stop`:
    numbers as they are, with no end and nothing that dials them."""
    setting, promised = setting_of(context), Promised.of(context)
    write = _stop_line if context.get(STOPPED) else _line if long else _short_line
    lines = tuple(write(row, setting, promised, False) for row in rows)
    return setting.stand_in((Block(lines, tight=True),)) if lines else SafeMarkdown("")


@pass_context
def dial(
    context: Context, row: NumberRow, stop: bool = False, verb: str = "", service: bool = False
) -> str:
    """One number within a sentence, with its zone and condition: `04 65 71 00 17 (Lyon, depuis un mobile)`; or where
    to go instead. `stop`: the sentence says not to call it. `verb`: what begins the sentence before a number; what is
    to be done instead of calling one has its own verb. `service`: its service goes before the details."""
    lang = setting_of(context).lang
    named = row.service_in(lang).replace(" (", ", ").replace(")", "") if service else ""
    details = [one for one in (named, row.zone_in(lang), row.condition_in(lang)) if one]
    told = row.number or (row.place_in(lang) if stop else instead(row, lang))
    said = f"{verb}{_unbroken(row, told)}" if told == row.number or not verb else capital(told)
    return said + (f" ({', '.join(details)})" if details else "")


def instead_of(rows: Sequence[NumberRow] | None, wrong: NumberRow) -> tuple[NumberRow, ...]:
    """The first of these rows for the territory and service of a wrong number, if there is one."""
    here = (wrong.territory.code, wrong.service)
    return tuple(row for row in rows or () if (row.territory.code, row.service) == here)[:1]


def besides(rows: Sequence[NumberRow] | None, wrong: Sequence[NumberRow]) -> tuple[NumberRow, ...]:
    """Those of these rows that `instead_of` gives for none of the wrong numbers."""
    said = [right for one in wrong for right in instead_of(rows, one)]
    return tuple(row for row in rows or () if row not in said)


def places(rows: Sequence[NumberRow] | None) -> tuple[Territory, ...]:
    """The territories of these rows, in order; none for a field that is empty."""
    return tuple(territory for territory, _rows in by_place(rows or ()))


@pass_context
def replaced(context: Context, rows: Sequence[NumberRow] | None) -> str:
    """The short numbers that these rows stand for: `15, 17 ou 18`; empty if none is known."""
    return replaced_by(rows or (), setting_of(context).lang)


def replaced_by(rows: Sequence[NumberRow], lang: str) -> str:
    """As `replaced`, in this language."""
    found = {row.replaces for row in rows if row.replaces}
    return any_of(sorted(found, key=lambda number: (len(number), number)), lang)


@pass_context
def number_lines(context: Context, rows: Sequence[NumberRow], struck: bool = False) -> SafeMarkdown:
    """Every number as one list item, with its territory."""
    setting = setting_of(context)
    promised = Promised.of(context)
    blocks = [
        Block(
            ((Run(f"{title(row.territory, setting.lang)}, "), *_line(row, setting, promised, struck)),),
            Shape.ITEM,
            "– ",
            tight=at > 0,
        )
        for at, row in enumerate(rows)
    ]
    return setting.stand_in(tuple(blocks))


class Promised:
    """Until when the message as a whole says that its numbers are valid."""

    def __init__(
        self, until: datetime | None, review: datetime | None, where: Sequence[Territory]
    ) -> None:
        self.until, self.review, self.where = until, review, where

    @classmethod
    def of(cls, context: Context) -> "Promised":
        given = [context.get(name) for name in ("valid_until", "review_at")]
        until, review = (at if isinstance(at, datetime) else None for at in given)
        where = context.get("where")
        return cls(until, review, where if isinstance(where, tuple) else ())

    def here(self, setting: Setting, place: Territory) -> Iterator[str]:
        """The end in the local time of a territory in another zone (R14), unless the text already gives
        it for all of its places. It is next to the territory's name and repeated with it."""
        for at, words in ((self.until, "until_here"), (self.review, "review_here")):
            zone = other_zone(setting, at, (place,)) if at else None
            if at and zone and other_zone(setting, at, self.where) is None:
                when = local(setting, at, zone)
                yield phrase(words, setting.lang, when=when)


# --- one territory -------------------------------------------------------------------------------


def _paragraphs(
    places: Places, setting: Setting, promised: Promised, struck: bool = False
) -> Iterator[Block]:
    for place, rows in places:
        heading = Run(named(place, setting, promised, struck), ("b",))
        yield Block(((heading,), *(_line(row, setting, promised, struck) for row in rows)))


def named(place: Territory, setting: Setting, promised: Promised, struck: bool = False) -> str:
    """The name above a territory's numbers, with what applies to all of them."""
    more = [phrase("dead", setting.lang)] if struck else promised.here(setting, place)
    return setting.typography(SEPARATOR.join([title(place, setting.lang), *more]))


def title(place: Territory, lang: str) -> str:
    """`69 Rhône`."""
    name = place.name_in(lang)
    return name if place.whole else f"{place.code} {name}"


# --- one number ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RowWords:
    """One row: for which service, what to call or where to go, and what always stays with it (R4)."""

    label: str
    said: str
    details: tuple[str, ...]


def row_words(row: NumberRow, setting: Setting, promised: Promised, struck: bool = False) -> RowWords:
    """A row in the wording of every text."""
    lang, set_ = setting.lang, setting.typography
    told = (row.number or row.place_in(lang)) if struck else instead(row, lang)
    until = "" if struck else _until(row, setting, promised)
    kept = (row.zone_in(lang), row.condition_in(lang), until)
    label = f"{phrase('colon', lang, before=service_label(row, lang))} "
    return RowWords(set_(label), set_(told), tuple(set_(one) for one in kept if one))


def _line(row: NumberRow, setting: Setting, promised: Promised, struck: bool) -> Line:
    words = row_words(row, setting, promised, struck)
    tail = "".join(SEPARATOR + one for one in words.details)
    told = Run(_unbroken(row, words.said), ("s",)) if struck else _dialled(row, words.said, link=True)
    return tuple(run for run in (Run(words.label), told, Run(tail)) if run.text)


def _short_line(row: NumberRow, setting: Setting, promised: Promised, struck: bool) -> Line:
    """`SAMU 04 65 71 00 15 (Lyon, depuis un mobile)`."""
    words = row_words(row, setting, promised, struck)
    service = setting.typography(row.service_in(setting.lang))
    label = service if words.said == row.number else phrase("colon", setting.lang, before=service)
    tail = f" ({', '.join(words.details)})" if words.details else ""
    runs = (Run(f"{setting.typography(label)} "), _dialled(row, words.said, link=False), Run(tail))
    return tuple(run for run in runs if run.text)


def _stop_line(row: NumberRow, setting: Setting, promised: Promised, _struck: bool) -> Line:
    """`SAMU (15) : 04 65 71 00 15 (Lyon)`: which number not to call."""
    words = row_words(row, setting, promised, struck=True)
    tail = f" ({', '.join(words.details)})" if words.details else ""
    return (Run(f"{words.label}{_unbroken(row, words.said)}{tail}"),)


def _dialled(row: NumberRow, told: str, *, link: bool) -> Run:
    """A number as people copy it, or touch it where that dials."""
    if told != row.number:
        return Run(told)
    address = f"{CALL}{dialling(row.number, row.territory.region)}" if link else ""
    return Run(_unbroken(row, told), (CODE,), address)


def _unbroken(row: NumberRow, told: str) -> str:
    """The number held together; a sentence may break."""
    return told.replace(" ", "\u00a0") if told == row.number else told


def service_label(row: NumberRow, lang: str) -> str:
    """`SAMU (15)`; without the failed number if the text says "instead of 15" anyway."""
    shown = row.replaces and not _is_short(row)
    return row.service_in(lang) + (f" ({row.replaces})" if shown else "")


def instead(row: NumberRow, lang: str) -> str:
    """What to do for this row: call the number or another short number, or go to a place (R7)."""
    if not row.number:
        return phrase("go_to", lang, place=row.place_in(lang))
    if not _is_short(row):
        return row.number
    name = "instead" if row.replaces else "dial"
    return phrase(name, lang, number=row.number, replaces=row.replaces)


def _is_short(row: NumberRow) -> bool:
    return 0 < len(row.number) <= LONGEST_SHORT


def _until(row: NumberRow, setting: Setting, promised: Promised) -> str:
    """The end of this number, if it differs from that of all."""
    end = row.valid_until
    if end is None or end == promised.until:
        return ""
    return phrase("until", setting.lang, when=until(setting, end, row.territory))


def until(setting: Setting, end: datetime, place: Territory) -> str:
    """A time, and the local time of the territory if it differs (R14)."""
    here, zone = local(setting, end, setting.zone), other_zone(setting, end, (place,))
    if zone is None:
        return here
    return phrase("local_time", setting.lang, here=here, there=local(setting, end, zone))


NUMBER_FILTERS: Mapping[str, Callable[..., Any]] = {
    "numbers_block": numbers_block,
    "calls": calls,
    "dial": dial,
    "places": places,
    "replaced": replaced,
    "number_lines": number_lines,
    "instead_of": instead_of,
    "besides": besides,
}
