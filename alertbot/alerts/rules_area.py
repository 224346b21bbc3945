"""Where an incident is: the union of what its alerts told, in `where` and by the territories of their
numbers. What an alert that follows leaves out of it, and where its numbers are for other places. Pure.

Places are codes of the directory (`69`, `2A`, `FR`), each once, in the order in which they were told.
Territories outside the directory stand only in rows of numbers, and are left out here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alertbot.alerts.lists.rules_lists import NO_LONGER, NUMBERS, WRONG, rows_of
from alertbot.core.frozen import dataclass
from alertbot.core.model import Fault
from alertbot.core.words import _, language
from alertbot.regions.facts import all_territories, find, in_force, whole_country

WHERE = "where"
TAKEN_OVER, NARROWER, ELSEWHERE, BESIDE = "area_taken_over", "narrower", "elsewhere", "other_incident"

Places = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IncidentArea:
    """Where the public was told that an incident is, and by which alerts. `alerts`: those that told a
    place which none before them had told, oldest first."""

    places: Places = ()
    alerts: tuple[str, ...] = ()


def places_of(value: object) -> Places:
    """The places in a value as people or files give it: `69, 42`, a name, or a list. What is no place is
    left out; composing the alert says so."""
    parts = value if isinstance(value, list | tuple) else str(value or "").replace(";", ",").split(",")
    found = (find(str(one)) for one in parts)
    return joined([one.code] for one in found if one is not None)


def told_in(given: Mapping[str, Any]) -> Places:
    """The places that the values of one alert name."""
    rows = (row for name in (NUMBERS, NO_LONGER, WRONG) for row in rows_of(given, name))
    return joined([places_of(given.get(WHERE)), places_of([row.get("territory") for row in rows])])


def called_in(given: Mapping[str, Any]) -> Places:
    """The places whose callers are given a number to call."""
    return places_of([row.get("territory") for row in rows_of(given, NUMBERS)])


def joined(groups: Iterable[Iterable[str]]) -> Places:
    """All places of these groups; those within the whole country only as the whole country."""
    every = [code for group in groups for code in group if code in all_territories()]
    whole = {whole_country()}.intersection(every)
    return tuple(dict.fromkeys(code for code in every if not _within(code, whole)))


def left_out(told: Sequence[str], named: Sequence[str]) -> Places:
    """The places told that these do not cover."""
    return tuple(code for code in told if code not in named and not _within(code, named))


def overlaps(one: Sequence[str], other: Sequence[str]) -> Places:
    """The places of `one` in which `other` is as well. The whole country is everywhere, also overseas."""
    if whole_country() in other:
        return tuple(one)
    return tuple(code for code in one if code in other or (code == whole_country() and other))


def area(told: Iterable[tuple[str, Mapping[str, Any]]]) -> IncidentArea:
    """The area of an incident from its alerts and their values, oldest first."""
    places: Places = ()
    alerts: list[str] = []
    for alert, given in told:
        more = joined([places, told_in(given)])
        if set(more) != set(places):
            alerts.append(alert)
        places = more
    return IncidentArea(places, tuple(alerts))


def in_words(places: Sequence[str]) -> str:
    """The names of places in the reader's language."""
    known = all_territories()
    return ", ".join(known[code].name_in(language()) for code in places if code in known)


def taken_over(found: IncidentArea) -> Fault:
    """The note that no person wrote these places."""
    sentence = _("{places}: taken over from {alerts}.")
    words = sentence.format(places=in_words(found.places), alerts=", ".join(found.alerts))
    return Fault("area_taken_over", words, WHERE)


def narrower(incident: str, missing: Sequence[str], *, ends: bool) -> Fault:
    """What the public was told and this alert does not name: a note, or for an end a fault that takes a
    reason."""
    if ends:
        sentence = _(
            "Narrower than incident {incident}: the public was told of {places}, and that is"
            " missing, so nobody there learns that it is over. Add it (--set where=…), or say why"
            " (--accept narrower=REASON)."
        )
    else:
        sentence = _(
            "Narrower than incident {incident}: the public was told of {places}, and that is missing."
        )
    words = sentence.format(incident=incident, places=in_words(missing))
    return Fault("narrower", words, WHERE, acceptable=ends)


def elsewhere(
    given: Mapping[str, Any], told: Sequence[str], *, numbers_needed: bool
) -> tuple[Fault, ...]:
    """The judgements that numbers and `where` are about different places. `told`: places that the public
    knows of from earlier alerts; a number that they had may have been withdrawn. `numbers_needed`: the
    kind is about numbers, so each place should have one."""
    where, called = places_of(given.get(WHERE)), called_in(given)
    if not where or not called:
        return ()
    found = []
    strange = [code for code in left_out(called, where) if code != whole_country()]
    if strange and whole_country() not in where:
        sentence = _(
            "There are numbers for {places}, which the message does not name under “where”. Add"
            " that (--set where=…), leave the numbers out, or say why (--accept elsewhere=REASON)."
        )
        found.append(_elsewhere(sentence.format(places=in_words(strange))))
    lacking = left_out(where, (*called, *told)) if numbers_needed else ()
    if lacking and whole_country() not in called:
        sentence = _(
            "The message names {places} and gives no number there. Add one, name only the places"
            " that have one (--set where=…), or say why (--accept elsewhere=REASON)."
        )
        found.append(_elsewhere(sentence.format(places=in_words(lacking))))
    return tuple(found)


def _elsewhere(message: str) -> Fault:
    return Fault("elsewhere", message, WHERE, acceptable=True)


def _within(code: str, places: Iterable[str]) -> bool:
    """Whether a place is part of the whole country, if that is named."""
    if code == whole_country() or whole_country() not in places:
        return False
    return in_force().covers(code)
