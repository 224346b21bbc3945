"""Rendering a draft and writing it down: a new one, or one that is written anew."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from alertbot.errors import Faulty, Refused
from alertbot.model import AlertState, Identity, Person, Relation
from alertbot.service import chains, guidance, register, settling
from alertbot.service.chains import Chain
from alertbot.service.composing import Composed, compose_wishes
from alertbot.service.context import Context
from alertbot.service.wishes import Wishes
from alertbot.store import alerts, audit, incidents, outbox, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _

UNSTORABLE = frozenset({"unknown_field", "wrong_type", "control_characters", "invalid_number"})


async def add(
    service: Context,
    conn: Connection,
    actor: Person,
    wishes: Wishes,
    *,
    incident: str,
    references: tuple[str, ...] = (),
    not_before: datetime | None = None,
    chain: Chain | None = None,
) -> Alert:
    """A new draft in an incident, which follows `chain` where one is given. Raises `Faulty` for values
    that cannot be read at all."""
    now = service.now
    number = await incidents.next_number(conn, incident)
    identity = Identity(incident, f"{incident}-{number}", references)
    asked = await register.resolve(conn, service, wishes, now=now, incident=incident)
    composed = _compose(service, asked, identity, now, chain)
    draft = _as_draft(composed, wishes, not_before, references, chain)
    about = _subject(identity, draft)
    judged = await guidance.judge(conn, actor, composed, wishes, about, now)
    draft = replace(draft, guidance=judged.guidance, accepted=judged.accepted)
    alert = await alerts.insert_draft(
        conn, draft, judged.composition, incident=incident, number=number, by=actor, now=now
    )
    await register.carry(conn, alert.id, composed.kind, composed.parsed.values)
    await note(conn, actor, "draft", alert, now, kind=alert.kind, accepted=dict(alert.accepted))
    return alert


async def anew(
    service: Context,
    conn: Connection,
    actor: Person,
    alert: Alert,
    given: Mapping[str, Any],
    raw: Mapping[str, Any],
    accepted: Mapping[str, str],
) -> Alert:
    """An alert with other values, rendered now; what it follows stays, whom that reached is read again."""
    now = service.now
    chain = await _chain(service, conn, alert)
    wishes = Wishes(alert.kind, given, alert.languages, alert.channels, accepted, alert.exercise)
    identity = Identity(alert.incident, alert.id, alert.references)
    asked = await register.resolve(
        conn, service, wishes, now=now, incident=alert.incident, alert=alert.id
    )
    composed = _compose(service, asked, identity, now, chain)
    draft = _as_draft(composed, wishes, alert.not_before, alert.references, chain)
    about = _subject(identity, draft, alert)
    judged = await guidance.judge(conn, actor, composed, wishes, about, now)
    as_typed = _loaded(raw, composed)
    fresh = replace(draft, raw=as_typed, guidance=judged.guidance, accepted=judged.accepted)
    if alert.state is AlertState.APPROVED:
        outcomes = await outbox.cancel(conn, alert.id, _("Edited before it went out."))
        await settling.note_outcomes(service, conn, outcomes, actor=actor.name)
    await register.carry(conn, alert.id, composed.kind, composed.parsed.values)
    return await alerts.replace(conn, alert, fresh, judged.composition, by=actor, now=now)


def _subject(identity: Identity, draft: alerts.Draft, before: Alert | None = None) -> guidance.Subject:
    return guidance.Subject(
        identity.alert, identity.incident, draft.exercise, draft.relation, draft.original, before
    )


async def _chain(service: Context, conn: Connection, alert: Alert) -> Chain | None:
    """What a stored alert follows. Raises `Refused` for a retraction: its texts were fixed long ago."""
    if alert.relation is None:
        return None
    if alert.relation is Relation.RETRACTION:
        raise Refused(
            _(
                "{alert} is a retraction, which is sent as it was prepared; for other words run `alertbot"
                " correct {original}`."
            ).format(alert=alert.id, original=alert.original)
        )
    originals = [await reading.get(conn, one) for one in alert.references]
    return await chains.read(service, conn, alert.relation, originals)


def _compose(
    service: Context, wishes: Wishes, identity: Identity, now: datetime, chain: Chain | None
) -> Composed:
    composed = compose_wishes(service.voice, wishes, identity, now, base=Path.cwd(), chain=chain)
    unreadable = [fault for fault in composed.composition.faults if fault.rule in UNSTORABLE]
    if unreadable:
        raise Faulty(_("Some values cannot be read; nothing was stored."), unreadable)
    return composed


def _as_draft(
    composed: Composed,
    wishes: Wishes,
    not_before: datetime | None,
    references: tuple[str, ...],
    chain: Chain | None,
) -> alerts.Draft:
    kind = composed.kind
    return alerts.Draft(
        kind=kind.name,
        exercise=wishes.exercise,
        languages=wishes.languages,
        channels=tuple(channel.name for channel in composed.channels),
        given=composed.parsed.frozen,
        raw=_loaded(wishes.given, composed),
        accepted=wishes.accepted,
        approvals=composed.approvals,
        priority=kind.priority,
        ttl=kind.ttl,
        when_uncertain=kind.when_uncertain,
        not_before=not_before,
        references=references,
        relation=chain.relation if chain else None,
        original=references[0] if chain else None,
    )


def _loaded(given: Mapping[str, Any], composed: Composed) -> dict[str, Any]:
    """As typed, but numbers as they were loaded: the file may be gone or changed tomorrow."""
    frozen = composed.parsed.frozen
    loaded = {spec.name for spec in composed.kind.fields if spec.type == "numbers"}
    return {
        name: frozen[name] if name in loaded and name in frozen else plain(value)
        for name, value in given.items()
    }


def plain(value: Any) -> Any:
    """A raw value in a form that JSON can hold: YAML reads dates and times into objects."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


async def note(
    conn: Connection, actor: Person, verb: str, alert: Alert, now: datetime, **detail: object
) -> None:
    """A row of the audit about an alert as it now stands."""
    await audit.append(
        conn,
        actor=actor.name,
        verb=verb,
        at=now,
        alert=alert.id,
        digest=alert.digest,
        detail={"state": str(alert.state), "revision": alert.revision, **detail},
    )
