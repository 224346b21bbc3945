"""Writing alerts: draft, edit, submit, discard. Texts are composed here, once; everything later only
reads them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from alertbot.alerts import (
    alert_notices,
    apart,
    approving,
    area,
    chains,
    conflicts,
    progress,
    sealing,
    store_alerts,
    store_incidents,
    store_reading,
    verdicts,
    views,
)
from alertbot.alerts.chains import Chain
from alertbot.alerts.compose import (
    Composed,
    DraftRequest,
    load_kind,
    shift_times,
)
from alertbot.alerts.lists import register
from alertbot.alerts.requests import queue
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Faulty, Misuse, Refused, one_line
from alertbot.core.model import AlertState, Identity, Person, RawValues, Relation
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.database import drawn
from alertbot.db.sql import Connection
from alertbot.delivery import store_settle
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.people.rules import Verb
from alertbot.texts.digest import terms_sum
from alertbot.texts.fields import moments
from alertbot.texts.kinds.kind_spec import Kind

OF_THE_REGISTER = frozenset(
    {
        "unverified_number",
        "expired_number",
        "planned_number",
        "withdrawn_number",
        "unregistered_number",
    }
)
LONGEST_ASSISTANT = 100
UNSTORABLE = frozenset({"unknown_field", "wrong_type", "control_characters", "invalid_number"})


async def add(
    service: Context,
    conn: Connection,
    actor: Person,
    wishes: DraftRequest,
    *,
    incident: str,
    references: tuple[str, ...] = (),
    not_before: datetime | None = None,
    chain: Chain | None = None,
    like: Alert | None = None,
    assistant: str | None = None,
) -> Alert:
    """Write a new draft in an incident, following `chain` if given; `like`: an alert whose words it takes over
    without following it; `assistant`: the program that worded it for the actor. Raises `Faulty` for values that
    cannot be read at all."""
    now = drawn("moment", lambda: service.now)
    number = await store_incidents.next_number(conn, incident)
    identity = Identity(incident, f"{incident}-{number}", references)
    relation = chain.relation if chain else None
    stops = chains.stopped_by(relation, references)
    asked = await register.resolve(conn, service, wishes, now=now, incident=incident, stops=stops)
    asked = await area.judged(service, conn, asked, about=(incident, identity.alert, relation))
    composed = _compose(service, asked, identity, now, chain)
    draft = _as_draft(composed, wishes, not_before, references, chain)
    judged = await conflicts.judge(conn, actor, composed, wishes, _subject(identity, draft), now)
    alert = await store_alerts.insert_draft(
        conn,
        replace(draft, guidance=judged.guidance, accepted=judged.accepted),
        judged.composition,
        incident=incident,
        number=number,
        by=actor,
        now=now,
        originals=(*(chain.originals if chain else ()), *((like,) if like else ())),
        assistant=assistant,
    )
    await register.carry(conn, alert.id, composed.kind, composed.parsed.values)
    await note(conn, actor, "draft", alert, now, **_origin(alert, like))
    return alert


def _origin(alert: Alert, like: Alert | None) -> dict[str, object]:
    """What the audit says of a new draft."""
    found: dict[str, object] = {"kind": alert.kind, "accepted": dict(alert.accepted)}
    found |= {"like": like.id} if like else {}
    return found | ({"assistant": alert.assistant} if alert.assistant else {})


async def anew(
    service: Context,
    conn: Connection,
    actor: Person,
    alert: Alert,
    given: Mapping[str, Any],
    raw: Mapping[str, Any],
    accepted: Mapping[str, str],
) -> Alert:
    """Compose the alert again with other values, as of now. What it follows stays; whom that reached is
    read again."""
    now = drawn("moment", lambda: service.now)
    chain = await chain_of(service, conn, alert)
    wishes = DraftRequest(
        alert.kind,
        given,
        alert.languages,
        alert.channels,
        accepted,
        alert.exercise,
        notes=area.kept(alert.warnings, alert.given, given),
    )
    identity = Identity(alert.incident, alert.id, alert.references)
    stops = chains.stopped_by(alert.relation, alert.references)
    asked = await register.resolve(
        conn, service, wishes, now=now, incident=alert.incident, alert=alert.id, stops=stops
    )
    asked = await area.judged(service, conn, asked, about=(alert.incident, alert.id, alert.relation))
    composed = _compose(service, asked, identity, now, chain)
    draft = _as_draft(composed, wishes, alert.not_before, alert.references, chain)
    about = _subject(identity, draft, alert)
    judged = await conflicts.judge(conn, actor, composed, wishes, about, now)
    as_typed = _loaded(raw, composed)
    fresh = replace(draft, raw=as_typed, guidance=judged.guidance, accepted=judged.accepted)
    if alert.state is AlertState.APPROVED:
        outcomes = await store_settle.cancel(conn, alert.id, _("Edited before it went out."))
        await progress.note_outcomes(service, conn, outcomes, actor=actor.name)
    await register.carry(conn, alert.id, composed.kind, composed.parsed.values)
    return await store_alerts.replace(conn, alert, fresh, judged.composition, by=actor, now=now)


def _subject(
    identity: Identity, draft: store_alerts.Draft, before: Alert | None = None
) -> conflicts.ComparedAlert:
    return conflicts.ComparedAlert(
        identity.alert, identity.incident, draft.exercise, draft.relation, draft.original, before
    )


async def chain_of(service: Context, conn: Connection, alert: Alert) -> Chain | None:
    """The chain of a stored alert. Raises `Refused` for a retraction, whose texts are fixed."""
    if alert.relation is None:
        return None
    if alert.relation is Relation.RETRACTION:
        raise Refused(
            _(
                "{alert} is a retraction and goes out exactly as it was prepared. To use other"
                " words, use `alertbot correct {original}`."
            ).format(alert=alert.id, original=alert.original)
        )
    originals = [await store_reading.get(conn, one) for one in alert.references]
    return await chains.read(service, conn, alert.relation, originals)


def _compose(
    service: Context, wishes: DraftRequest, identity: Identity, now: datetime, chain: Chain | None
) -> Composed:
    composed = apart.composed(service, wishes, identity, now, chain)
    unreadable = [fault for fault in composed.composition.faults if fault.rule in UNSTORABLE]
    if unreadable:
        raise Faulty(_("Some values could not be read; nothing was saved."), unreadable)
    return composed


def _as_draft(
    composed: Composed,
    wishes: DraftRequest,
    not_before: datetime | None,
    references: tuple[str, ...],
    chain: Chain | None,
) -> store_alerts.Draft:
    kind = composed.kind
    return store_alerts.Draft(
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


def _loaded(given: Mapping[str, Any], composed: Composed) -> RawValues:
    """The values as typed, but with numbers as loaded: their file may be gone or changed later."""
    frozen = composed.parsed.frozen
    loaded = {spec.name for spec in composed.kind.fields if spec.type == "numbers"}
    return {
        name: frozen[name] if name in loaded and name in frozen else plain(value)
        for name, value in given.items()
    }


def plain(value: Any) -> Any:
    """A raw value that JSON can hold: YAML turns dates and times into objects."""
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
    """An audit row about an alert as it is now."""
    await audit.append(
        conn,
        actor=actor.name,
        verb=verb,
        at=now,
        alert=alert.id,
        digest=alert.digest,
        detail={"state": str(alert.state), "revision": alert.revision, **detail},
    )


OUT = chains.OUT


async def draft(
    service: Context,
    actor: Person,
    wishes: DraftRequest,
    *,
    incident: str | None = None,
    new_incident: bool = False,
    not_before: str | None = None,
    assistant: str | None = None,
) -> AlertView:
    """Write a new alert; `assistant`: the program that worded it for the actor, which approvers are told. Faults are allowed in a draft, except values that cannot be read at all: raises
    `Faulty` for those, `Misuse` for an unknown kind, channel or language, `Refused` without an `incident` if
    one is open in the same place and this is not said to be a `new_incident`."""
    rules.require_role("draft", actor)
    now = service.now
    starts = start_of(service, not_before, now) if not_before else None

    async def work(conn: Connection) -> AlertView:
        if incident is None and not new_incident and not wishes.exercise:
            await area.require_new(conn, wishes.given)
        opened = await area.incident_of_draft(conn, incident, actor, now, exercise=wishes.exercise)
        before = await chains.followed(service, conn, opened, exercise=wishes.exercise)
        alert = await add(
            *(service, conn, actor, wishes),
            incident=opened,
            references=before,
            not_before=starts,
            assistant=assistant and one_line(assistant)[:LONGEST_ASSISTANT],
        )
        return await views.full(conn, alert, now)

    return await service.database.transact(work)


async def edit(
    service: Context,
    actor: Person,
    reference: str,
    changes: Mapping[str, Any],
    accepted: Mapping[str, str],
    *,
    revision: int | None = None,
) -> AlertView:
    """Change values and compose again: a draft again, approvals void. `revision`: the one that was `opened`.
    Raises `Refused` if the alert can no longer be edited, or if somebody else has edited it since."""
    rules.require_role(Verb.EDIT, actor)
    await approving.expire_overdue(service)

    async def work(conn: Connection) -> AlertView:
        alert = await store_reading.get(conn, reference, lock=True)
        if revision not in (None, alert.revision):
            raise Refused(
                _("Someone else changed {alert} meanwhile; your changes were not saved.").format(
                    alert=alert.id
                )
            )
        given, raw = overlay(alert.given, changes), overlay(alert.raw, changes)
        given, raw = register.anew(given, raw, changes)
        return await _rewrite(
            service,
            conn,
            actor,
            alert,
            given,
            raw,
            {**conflicts.undecided(alert.accepted), **accepted},
            "edit",
        )

    return await service.database.transact(work)


async def submit(service: Context, actor: Person, reference: str, *, retime: bool = False) -> AlertView:
    """Ask for approval. Raises `Faulty` with every fault, `PastMoment` if a promised time is over."""
    rules.require_role(Verb.SUBMIT, actor)

    async def work(conn: Connection) -> AlertView:
        stored = alert = await store_reading.get(conn, reference, lock=True)
        if retime:
            alert = await _retimed(service, conn, actor, alert)
        elif any(one.rule in OF_THE_REGISTER | area.SETTLED_LATER for one in alert.faults):
            alert = await _looked_up(service, conn, actor, alert)
        alert = await ask(service, conn, actor, alert, fresh=alert is not stored)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


async def ask(
    service: Context,
    conn: Connection,
    actor: Person,
    alert: Alert,
    *,
    call: bool = True,
    fresh: bool = True,
) -> Alert:
    """Make the draft pending under terms that its digest covers from now on. `call`: notify the team and
    ask the approvers. `fresh`: it was written in this very transaction. Raises `Faulty` with every fault, `PastMoment` if a promised time is over."""
    now = service.now
    alert = await conflicts.refreshed(conn, alert, now)
    await verdicts.require_submittable(service, conn, alert, now)
    terms = await sealing.terms(service, conn, alert, fresh=fresh)
    alert = await store_alerts.submit(conn, alert, by=actor, now=now, terms=terms)
    await note(conn, actor, "submit", alert, now, salt=alert.salt, terms=terms_sum(terms))
    if call:
        await alert_notices.approval_wanted(service, conn, alert)
        await queue.enqueue(service, conn, alert)
    return alert


async def discard(service: Context, actor: Person, reference: str) -> AlertView:
    rules.require_role(Verb.DISCARD, actor)
    await approving.expire_overdue(service)

    async def work(conn: Connection) -> AlertView:
        alert = await store_reading.get(conn, reference, lock=True)
        alert = await store_alerts.advance(conn, alert, Verb.DISCARD)
        await note(conn, actor, "discard", alert, service.now)
        await area.close_if_empty(service, conn, alert.incident)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> RawValues:
    """The values of `above` over those of `below`. A text given in one language keeps its other
    languages; null removes the field."""
    merged = dict(below)
    for name, value in above.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            merged[name] = {**before, **value}
        else:
            merged[name] = value
    return merged


async def in_incident(conn: Connection, wanted: str | None, actor: Person, now: datetime) -> str:
    return await area.incident_of_draft(conn, wanted, actor, now, exercise=False)


def start_of(service: Context, not_before: str, now: datetime) -> datetime:
    """When an alert may go out. Raises `Misuse` for an unreadable or past time: `00:30` typed before
    midnight would otherwise mean this morning, and the alert would go out at once."""
    try:
        starts = moments.moment(not_before, now=now, zone=service.publisher.zone)
    except moments.BadMoment as error:
        raise Misuse(f"--not-before: {error}") from None
    if starts < now:
        raise Misuse(
            _(
                "It is not to go out before {time}, which has passed. Give a time in the future;"
                " after midnight, include its date (--not-before)."
            ).format(time=service.clock(starts))
        )
    return starts


async def _rewrite(
    service: Context,
    conn: Connection,
    actor: Person,
    alert: Alert,
    given: Mapping[str, Any],
    raw: Mapping[str, Any],
    accepted: Mapping[str, str],
    verb: str,
) -> AlertView:
    changed = await anew(service, conn, actor, alert, given, raw, accepted)
    await note(conn, actor, verb, changed, service.now, accepted=dict(changed.accepted))
    return await views.full(conn, changed, service.now)


async def _retimed(service: Context, conn: Connection, actor: Person, alert: Alert) -> Alert:
    kind: Kind = load_kind(service.publisher, alert.kind)
    given, raw = register.anew(shift_times(alert.raw, alert.given, kind), alert.raw, {})
    accepted = conflicts.undecided(alert.accepted)
    changed = await anew(service, conn, actor, alert, given, raw, accepted)
    await note(conn, actor, "retime", changed, service.now)
    return changed


async def _looked_up(service: Context, conn: Connection, actor: Person, alert: Alert) -> Alert:
    """The alert with the register's rows and its incident as they are now: what stopped it may be settled."""
    given, raw = register.anew(alert.given, alert.raw, {})
    changed = await anew(service, conn, actor, alert, given, raw, conflicts.undecided(alert.accepted))
    if not any(one.rule in OF_THE_REGISTER for one in changed.faults):
        await note(conn, actor, "numbers-renewed", changed, service.now)
    return changed
