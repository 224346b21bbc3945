"""Conflicts between alerts. One active guidance per incident (R9): an alert that contradicts it is held
until a person decides. Also the checks that an alert or incident was not taken back or ended by
someone else.

A decision covers the contradictions found when it was made. One that appears later, because another
alert was published meanwhile, needs its own decision.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alertbot.alerts import area, store_alerts, store_following, store_incidents, store_reading
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.rules_guidance import (
    NO,
    RULE,
    Conflicts,
    Contradiction,
    Guidance,
    SentAdvice,
    active,
    contradictions,
    from_json,
    guidance_of,
    sentence,
    stored_contradictions,
    to_json,
)
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Faulty, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json, as_json
from alertbot.core.model import AlertState, Composition, Conflict, Fault, Person, Relation
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection

if TYPE_CHECKING:
    from alertbot.alerts.compose import Composed


WENT_OUT = (
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
)
NOT_OUT = (AlertState.DRAFT, AlertState.PENDING, AlertState.RETURNED)


@dataclass(frozen=True, slots=True)
class ComparedAlert:
    """The alert being compared. `before`: its state before an edit."""

    id: str
    incident: str
    exercise: bool
    relation: Relation | None = None
    original: str | None = None
    before: Alert | None = None


@dataclass(frozen=True, slots=True)
class CurrentAdvice:
    """What callers are told now about a topic, and the alert that tells it."""

    topic: str
    alert: str
    said: str


@dataclass(frozen=True, slots=True)
class CheckedComposition:
    """A composition with its contradictions among its faults, and the decisions to store about them."""

    composition: Composition
    guidance: Mapping[str, Any]
    accepted: dict[str, str]


async def judge(
    conn: Connection,
    actor: Person,
    composed: "Composed",
    wishes: DraftRequest,
    about: ComparedAlert,
    now: datetime,
) -> CheckedComposition:
    """Compare a new composition with what callers are already told.

    A reason given for `contradicts` accepts every contradiction found; it is audited with both texts.
    Without a reason, contradictions accepted before the edit stay accepted.
    """
    mine = guidance_of(composed.kind.name, composed.parsed.frozen)
    said = await _said_in(conn, about.incident, exercise=about.exercise, but=about.id)
    found = _found(said, about, mine, now)
    reason = (wishes.accepted.get(RULE) or "").strip()
    earlier = {} if reason else _decisions(about.before)
    rows = tuple(_kept(one, reason or earlier.get(_key(one))) for one in found)
    if reason and rows:
        detail = {"reason": reason, "contradictions": _plain(rows)}
        await audit.append(
            conn, actor=actor.name, verb="accept-contradiction", at=now, alert=about.id, detail=detail
        )
    return CheckedComposition(
        _judged(composed.composition, rows, reason),
        {**to_json(mine), RULE: _plain(rows)},
        _accepted(wishes.accepted, rows),
    )


def undecided(accepted: Mapping[str, str]) -> dict[str, str]:
    """What was accepted before an edit, without contradictions: those are judged again."""
    return {rule: reason for rule, reason in accepted.items() if rule != RULE}


async def beside(conn: Connection, alert: Alert, now: datetime) -> Conflicts:
    """Each contradiction with both texts and, if accepted, the reason. As of now for an alert that is
    not out; as approved for one that is."""
    if alert.state not in NOT_OUT or alert.relation is Relation.RETRACTION:
        return stored_contradictions(alert.guidance)
    about = ComparedAlert(alert.id, alert.incident, alert.exercise, alert.relation, alert.original)
    said = await _said_in(conn, about.incident, exercise=about.exercise, but=about.id)
    if not said:
        return ()
    decided = _decisions(alert)
    found = _found(said, about, _guidance(alert), now)
    return tuple(_kept(one, decided.get(_key(one))) for one in found)


async def compared(conn: Connection, alert: Alert, now: datetime) -> Alert:
    """The alert with its contradictions as of now: others may have been published or ended since it was
    composed. Writes nothing; the same object if nothing changed."""
    rows = await beside(conn, alert, now)
    others = tuple(one for one in alert.faults if one.rule != RULE)
    if rows == stored_contradictions(alert.guidance) and len(others) + len(_open(rows)) == len(
        alert.faults
    ):
        return alert
    guidance = {**(alert.guidance or {}), RULE: _plain(rows)}
    return replace(alert, faults=(*others, *_faults(_open(rows))), guidance=guidance)


async def refreshed(conn: Connection, alert: Alert, now: datetime) -> Alert:
    """The alert with its contradictions as of now, stored."""
    fresh = await compared(conn, alert, now)
    if fresh is alert:
        return alert
    return await store_alerts.note_guidance(conn, alert, fresh.guidance or {}, fresh.faults)


async def require_agreement(conn: Connection, alert: Alert, now: datetime) -> None:
    """Raises `Faulty` if an alert published in the meantime contradicts this one."""
    rows = _open(await beside(conn, alert, now))
    if rows:
        raise Faulty(
            _(
                "{alert} contradicts {others}, and no one has decided which holds. Change it"
                " with `alertbot edit {alert} --set …`, or decide which holds and why (--accept"
                " contradicts=REASON). It must then be approved again."
            ).format(alert=alert.id, others=", ".join(dict.fromkeys(row.alert for row in rows))),
            _faults(rows),
            rows,
        )


async def current(conn: Connection, incident: str, now: datetime) -> tuple[CurrentAdvice, ...]:
    """What callers are told now, by topic: the words and the alert they come from. Numbers are left out;
    the register answers for them."""
    told = active(await _said_in(conn, incident, exercise=False), now)
    words = {"line": told.line, "first": told.first, "restored": told.restored}
    return tuple(
        CurrentAdvice(topic, word.alert, word.text)
        for topic, word in words.items()
        if word is not None and word.text and word.value != NO
    )


def _found(
    said: Sequence[SentAdvice], about: ComparedAlert, mine: Guidance, now: datetime
) -> tuple[Contradiction, ...]:
    if not said:
        return ()
    told = active(said, now, relation=about.relation, original=about.original)
    return contradictions(told, mine)


async def _said_in(
    conn: Connection, incident: str, *, exercise: bool, but: str = ""
) -> list[SentAdvice]:
    out = await store_reading.listing(conn, incident=incident, states=WENT_OUT)
    others = [one for one in out if one.exercise is exercise and one.id != but]
    return [_sent_advice(one) for one in sorted(others, key=_order)]


def _order(alert: Alert) -> tuple[datetime, int]:
    return (alert.approved_at or alert.drafted_at, alert.number)


def _sent_advice(alert: Alert) -> SentAdvice:
    return SentAdvice(alert.id, _guidance(alert), alert.relation, alert.original)


def _guidance(alert: Alert) -> Guidance:
    """The guidance of an alert; a retraction only removes guidance."""
    if alert.relation is Relation.RETRACTION:
        return Guidance()
    if alert.guidance is None:
        return guidance_of(alert.kind, alert.given, alert=alert.id)
    return from_json(alert.guidance, alert=alert.id)


def _key(one: Contradiction) -> tuple[str, ...]:
    return (one.topic, one.alert, one.said, one.says)


def _decisions(alert: Alert | None) -> dict[tuple[str, ...], str]:
    rows = stored_contradictions(alert.guidance) if alert else ()
    return {(row.topic, row.alert, row.said, row.says): row.accepted for row in rows if row.accepted}


def _kept(one: Contradiction, reason: str | None) -> Conflict:
    return Conflict(RULE, one.topic, one.alert, one.said, one.says, reason or None)


def _plain(rows: Iterable[Conflict]) -> list[Json]:
    """As the database and the audit keep them; `stored_contradictions` reads it."""
    return [as_json(row) for row in rows]


def _open(rows: Iterable[Conflict]) -> Conflicts:
    return tuple(row for row in rows if not row.accepted)


def _faults(rows: Iterable[Conflict]) -> tuple[Fault, ...]:
    return tuple(Fault(RULE, sentence(_contradiction(row)), acceptable=True) for row in rows)


def _contradiction(row: Conflict) -> Contradiction:
    return Contradiction(row.topic, row.alert, row.said, row.says)


def _judged(composition: Composition, rows: Conflicts, reason: str) -> Composition:
    decided = [row for row in rows if row.accepted]
    idle = (_nothing_found(),) if reason and not rows else ()
    return replace(
        composition,
        faults=(*composition.faults, *_faults(_open(rows))),
        accepted=(*composition.accepted, *_faults(decided)),
        warnings=(*composition.warnings, *idle),
    )


def _nothing_found() -> Fault:
    said = _("There is no fault “{rule}” here, so nothing was accepted.")
    return Fault("nothing_accepted", said.format(rule=RULE))


def _accepted(given: Mapping[str, str], rows: Conflicts) -> dict[str, str]:
    reasons = [row.accepted for row in rows if row.accepted]
    return undecided(given) | ({RULE: reasons[-1]} if reasons else {})


async def require_free(conn: Connection, alert: Alert) -> None:
    """Raises `Refused` if another alert has already taken back or ended what this one would. Checked on
    submission and again at approval."""
    if alert.relation in store_following.TAKEN_BACK and alert.original:
        original = await store_reading.get(conn, alert.original)
        await require_not_taken_back(conn, original, but=alert.id)
    if alert.relation is Relation.END:
        await require_open(conn, alert.incident, but=alert.id)
    await area.require_whole(conn, alert)
    if alert.relation is Relation.WITHDRAWAL and not alert.exercise:
        await public_numbers.require_still_told(conn, alert)


async def require_open(conn: Connection, incident: str, *, but: str = "") -> None:
    """Raises `Refused` for an incident that has ended, or that another alert than `but` is ending."""
    found = await store_incidents.get(conn, incident)
    if found.closed_at is not None:
        raise Refused(
            _("Incident {incident} is already closed; see `alertbot incident show {incident}`.").format(
                incident=incident
            )
        )
    other = await store_following.ending(conn, incident, but=but)
    if other is not None:
        raise Refused(
            _("{other} already ends incident {incident} ({state}).").format(
                other=other.id, incident=incident, state=state_word(other.state)
            )
        )


async def require_not_taken_back(conn: Connection, original: Alert, *, but: str = "") -> None:
    """Raises `Refused` if another alert than `but` takes this one back; the message names it."""
    other = await store_following.taken_back_by(conn, original.id, but=but)
    if other is not None:
        raise Refused(
            _(
                "{original} is already taken back by {other} ({state}). Check it with `alertbot show"
                " {other}`; if that one is wrong, correct it."
            ).format(original=original.id, other=other.id, state=state_word(other.state))
        )
