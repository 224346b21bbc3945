"""One source for where an incident is: what its alerts told. Alerts that follow start from it, an end names
all of it, and an alert about a place with an open incident is asked whether it belongs there. An exercise
is part of no real incident's area, and a real alert of no exercise's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alertbot.alerts import rules_area, store_incidents, store_reading
from alertbot.alerts.compose import QUERY_FIELDS, DraftRequest, load_kind
from alertbot.alerts.lists import register
from alertbot.alerts.lists.rules_lists import NUMBERS
from alertbot.alerts.rules_area import BESIDE, NARROWER, TAKEN_OVER, WHERE, IncidentArea, Places
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_incidents import Incident
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import MACHINE, AlertState, Fault, Person, Relation
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people.context import Context
from alertbot.texts.kinds.kind_spec import Kind

END, CONFIRMED_BY = "end", "confirmed_by"
UNCONFIRMED = "unconfirmed"
OF_THE_AREA = frozenset(
    {TAKEN_OVER, NARROWER, BESIDE, CONFIRMED_BY}
)  # rules of notes, judged at each edit
SETTLED_LATER = frozenset({UNCONFIRMED, NARROWER})  # faults that time, or another alert, may settle
ABOUT_ONE_ALERT = frozenset({Relation.CANCEL, Relation.RETRACTION})  # not about where the incident is
NEVER_OUT = frozenset({AlertState.DISCARDED, AlertState.REJECTED, AlertState.EXPIRED})
CAN_END = frozenset({None, "stabilised", "resolved", "maintenance"})  # states of an incident


async def told(conn: Connection, incident: str, *, exercise: bool, but: str = "") -> IncidentArea:
    """Where the public was told that an incident is: by every alert of it but one that went out or is on its
    way, also if it was taken back later."""
    return rules_area.area(await store_incidents.told(conn, incident, exercise=exercise, but=but))


@dataclass(frozen=True, slots=True)
class JoinableIncident:
    """An open incident that a new alert may join. `alerts`: those that told the public something, oldest first;
    `values`: what they said, the latest of each field."""

    id: str
    title: str
    places: str
    alerts: tuple[str, ...]
    values: Mapping[str, Any]


async def joinable(service: Context) -> tuple[JoinableIncident, ...]:
    """The open incidents, newest first."""

    async def work(conn: Connection) -> tuple[JoinableIncident, ...]:
        said = await store_incidents.told_by_open(conn)
        found = [one for one in await store_incidents.listing(conn) if one.closed_at is None]
        return tuple(_joinable(one, said.get(one.id, [])) for one in found)

    return await service.database.read(work)


def _joinable(one: Incident, said: Sequence[store_incidents.GivenByAlert]) -> JoinableIncident:
    values: dict[str, Any] = {}
    for _alert, given in said:
        values |= given
    places = rules_area.in_words(rules_area.area(said).places)
    return JoinableIncident(
        one.id, one.title or "", places, tuple(alert for alert, _given in said), values
    )


async def judged(
    service: Context,
    conn: Connection,
    wishes: DraftRequest,
    *,
    about: tuple[str, str, Relation | None],
) -> DraftRequest:
    """The request with `where` filled in from the incident, where no person wrote it (see `TAKEN_OVER`),
    with notes for the approver, and with the judgements on where it is and whether it is over. `wishes`:
    with the register's rows. `about`: the incident, the alert, and how it follows."""
    incident, alert, relation = about
    kind = load_kind(service.publisher, wishes.kind)
    if kind.field(WHERE) is None:
        return wishes
    known = await told(conn, incident, exercise=wishes.exercise, but=alert)
    given = dict(wishes.given)
    notes = [one for one in wishes.notes if one.rule not in OF_THE_AREA]
    if known.places and _starts_from_incident(wishes, relation):
        given[WHERE] = list(
            rules_area.joined(
                [known.places, rules_area.places_of(given.get(WHERE)), rules_area.called_in(given)]
            )
        )
        notes.append(rules_area.taken_over(known))
    judgements = _about_places(kind, given, known, incident, relation)
    if relation is None and not wishes.exercise:
        notes += await _beside(conn, rules_area.places_of(given.get(WHERE)), incident)
    if kind.name == END and not wishes.exercise:
        found = await store_incidents.get(conn, incident)
        if found.confirmed_by and not given.get(CONFIRMED_BY) and kind.field(CONFIRMED_BY):
            given[CONFIRMED_BY] = found.confirmed_by
        judgements += _unconfirmed(found)
        notes += _confirmed_by_others(found, given)
    notes += [one for one in judgements if not one.acceptable]
    faults = tuple(one for one in judgements if one.acceptable)
    return replace(wishes, given=given, notes=tuple(notes), judgements=faults)


def from_incident() -> Fault:
    """The note of a request whose `where` no person wrote: `judged` takes it from the incident, and says so."""
    return Fault("area_taken_over", "", WHERE)


def _starts_from_incident(wishes: DraftRequest, relation: Relation | None) -> bool:
    if relation in ABOUT_ONE_ALERT:
        return False
    return not wishes.given.get(WHERE) or any(one.rule == TAKEN_OVER for one in wishes.notes)


def _about_places(
    kind: Kind,
    given: Mapping[str, Any],
    known: IncidentArea,
    incident: str,
    relation: Relation | None,
) -> list[Fault]:
    numbers = kind.field(NUMBERS)
    needed = numbers is not None and numbers.required
    found = list(rules_area.elsewhere(given, known.places, numbers_needed=needed))
    where = rules_area.places_of(given.get(WHERE))
    missing = rules_area.left_out(known.places, where) if where else ()
    if missing and relation not in ABOUT_ONE_ALERT:
        found.append(rules_area.narrower(incident, missing, ends=kind.name == END))
    return found


def kept(
    notes: Iterable[Fault], before: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[Fault, ...]:
    """The notes that an edit keeps, on what was taken over: `where` no longer is, once a person has changed
    it."""
    was, now = (rules_area.places_of(one.get(WHERE)) for one in (before, given))
    same = set(was) == set(now)
    rules = {"left_out", "taken_over"} | ({TAKEN_OVER} if same else set())
    return tuple(one for one in notes if one.rule in rules)


def _unconfirmed(found: Incident) -> list[Fault]:
    """The judgement on an end that comes before "resolved" (R11)."""
    if found.state == "resolved":
        return []
    if found.confirmed_by:
        sentence = _(
            "{by} confirmed that it works again, but the watch period of incident {id} is not"
            " over: `alertbot incident show {id}` says until when. Wait, or say why it ends all"
            " the same (--accept unconfirmed=REASON)."
        )
    else:
        sentence = _(
            "None of the services concerned has confirmed that it works again. Once one has,"
            " note that: `alertbot incident set {id} resolved --confirmed-by WHO`. Or say why it ends all the"
            " same (--accept unconfirmed=REASON)."
        )
    words = sentence.format(id=found.id, by=found.confirmed_by)
    return [Fault("unconfirmed", words, CONFIRMED_BY, acceptable=True)]


def _confirmed_by_others(found: Incident, given: Mapping[str, Any]) -> list[Fault]:
    """The note that the text names someone else than the incident does."""
    text = given.get(CONFIRMED_BY)
    said = [str(one) for one in (text.values() if isinstance(text, Mapping) else [text]) if one]
    by = found.confirmed_by or "–"
    if not said or any(by.casefold() in one.casefold() for one in said):
        return []
    sentence = _("The text says that {said} confirmed it; incident {id} says: {by}.")
    return [Fault("confirmed_by", sentence.format(said=said[0], id=found.id, by=by), CONFIRMED_BY)]


async def require_whole(conn: Connection, alert: Alert) -> None:
    """Raises `Refused` for an end that no longer tells everybody, or whose trouble has come back. Checked
    on submission and again at approval. A reason covers only what was missing when it was given."""
    if alert.kind != END or alert.exercise:
        return
    found = await store_incidents.get(conn, alert.incident)
    excused = UNCONFIRMED in alert.accepted and found.state in CAN_END
    if found.state != "resolved" and not excused:
        raise Refused(
            _(
                "{alert} says that it is over, and incident {id} is {state}. See `alertbot incident show {id}`,"
                " then edit or discard {alert}."
            ).format(alert=alert.id, id=found.id, state=found.state or _("not confirmed as over"))
        )
    since = alert.composed_at if NARROWER in alert.accepted else None
    rows = await store_incidents.told(conn, alert.incident, exercise=False, but=alert.id, since=since)
    named = rules_area.places_of(alert.given.get(WHERE))
    missing = rules_area.left_out(rules_area.area(rows).places, named)
    if missing:
        raise Refused(
            _(
                "{alert} does not name {places}, which {others} told. Take it in with `alertbot edit {alert} --set"
                " where={codes}`, and have it approved again."
            ).format(
                alert=alert.id,
                places=rules_area.in_words(missing),
                others=", ".join(
                    one for one, given in rows if set(rules_area.told_in(given)) & set(missing)
                ),
                codes=",".join(rules_area.joined([named, missing])),
            )
        )


async def incident_of_draft(
    conn: Connection, wanted: str | None, actor: Person, now: datetime, *, exercise: bool
) -> str:
    """The incident of a new alert. Raises `Refused` for an exercise in an incident that the public knows."""
    if wanted is None:
        return (await store_incidents.start(conn, by=actor, now=now)).id
    found = await store_incidents.get(conn, wanted)
    if exercise and await store_incidents.told(conn, found.id, exercise=False):
        raise Refused(
            _(
                "Incident {id} is real, and an exercise is never part of it. Write it without an"
                " incident (leave --incident out). Nothing was done."
            ).format(id=found.id)
        )
    return found.id


async def never_told(conn: Connection, incident: str) -> bool:
    """Whether nothing of an incident went out, nor will, nor was posted by hand."""
    alerts = await store_reading.listing(conn, incident=incident)
    over = all(one.state in NEVER_OUT for one in alerts)
    return over and not await store_incidents.told(conn, incident, exercise=False)


async def close_if_empty(service: Context, conn: Connection, incident: str) -> None:
    """Close an incident of which nothing will go out any more and nothing did: all its alerts are discarded,
    rejected or expired, and no source or person watches it."""
    found = await store_incidents.get(conn, incident)
    unwatched = found.state is None and found.closed_at is None
    if not unwatched or not await never_told(conn, incident):
        return
    states = {one.state for one in await store_reading.listing(conn, incident=incident)}
    await store_incidents.close(conn, incident, now=service.now)
    words = ", ".join(state_word(state) for state in AlertState if state in states)
    reason = _("Nothing of it went out: all its alerts are {states}.").format(states=words)
    await audit.append(
        conn,
        actor=MACHINE.name,
        verb="incident-closed",
        at=service.now,
        detail={"incident": incident, "reason": reason},
    )


# --- other open incidents -------------------------------------------------------------------------


async def require_new(conn: Connection, given: Mapping[str, Any]) -> None:
    """Raises `Refused` if an incident is open where these values say: a person says whether the alert belongs
    to it. Raises `Misuse` for a query of the register that cannot be read."""
    places = rules_area.told_in(given)
    if given.get(QUERY_FIELDS[0]):
        rows = await register.asked_for(conn, given)
        places = rules_area.joined([places, [one.row.territory.code for one in rows]])
    found = await _open_in(conn, places)
    if found:
        raise Refused(
            _(
                "{incidents}. If this alert belongs to it, write it there (--incident {id}); if"
                " it is about something else, open a new one (--new-incident). Nothing was done."
            ).format(incidents="; ".join(found.values()), id=next(iter(found)))
        )


async def require_alone(conn: Connection, alert: Alert) -> None:
    """Raises `Refused` for an alert that nobody has read while another incident is open in the same place: it is
    for a person to say whether both are needed."""
    if alert.relation is not None or alert.exercise:
        return
    for note in await _beside(conn, rules_area.told_in(alert.given), alert.incident):
        raise Refused(note.message)


async def _beside(conn: Connection, places: Places, incident: str) -> list[Fault]:
    """The note that other incidents are open in these places."""
    found = await _open_in(conn, places, but=incident)
    sentence = _("{incidents}. Make sure that both are needed, and do not contradict each other.")
    return (
        [Fault("other_incident", sentence.format(incidents="; ".join(found.values())), WHERE)]
        if found
        else []
    )


async def _open_in(conn: Connection, places: Places, but: str = "") -> dict[str, str]:
    """The open incidents in these places, each with a sentence that says so, without its full stop. What
    waits for approval counts as told: two people may write about the same failure at once."""
    if not places:
        return {}
    everywhere = await store_incidents.told_by_open(conn, but=but)
    found = {name: rules_area.area(alerts) for name, alerts in everywhere.items()}
    return {
        name: _("Incident {incident} is open for {places} ({alerts})").format(
            incident=name,
            places=rules_area.in_words(rules_area.overlaps(one.places, places)),
            alerts=", ".join(one.alerts),
        )
        for name, one in found.items()
        if rules_area.overlaps(one.places, places)
    }
