"""Writing: draft, edit, submit, discard. Texts are rendered here, once; what follows only reads them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.approval import policy
from alertbot.approval.moves import Verb
from alertbot.compose import moments
from alertbot.compose.catalogue import Kind
from alertbot.errors import Faulty, Misuse, PastMoment, Refused
from alertbot.model import AlertState, Person
from alertbot.service import calling, deciding, guidance, notices, register, rivals, views, writing
from alertbot.service.composing import load_kind, shift_times
from alertbot.service.context import Context
from alertbot.service.wishes import Wishes
from alertbot.store import alerts, incidents, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _

OUT = (
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
)


async def draft(
    service: Context,
    actor: Person,
    wishes: Wishes,
    *,
    incident: str | None = None,
    not_before: str | None = None,
) -> dict[str, Any]:
    """A new alert. Faults are allowed in a draft, except values that cannot be read at all."""
    policy.require_role("draft", actor)
    now = service.now
    starts = _start(service, not_before, now) if not_before else None

    async def work(conn: Connection) -> dict[str, Any]:
        opened = await _incident(conn, incident, actor, now)
        followed = await _followed(conn, opened, exercise=wishes.exercise)
        alert = await writing.add(
            service, conn, actor, wishes, incident=opened, references=followed, not_before=starts
        )
        return await views.full(conn, alert, now)

    return await service.database.transact(work)


async def edit(
    service: Context,
    actor: Person,
    reference: str,
    changes: Mapping[str, Any],
    accepted: Mapping[str, str],
) -> dict[str, Any]:
    """Lay changes over the values and render anew: a draft again, approvals void."""
    policy.require_role(Verb.EDIT, actor)
    await deciding.expire_overdue(service)

    async def work(conn: Connection) -> dict[str, Any]:
        alert = await reading.get(conn, reference, lock=True)
        given, raw = overlay(alert.given, changes), overlay(alert.raw, changes)
        given, raw = register.anew(given, raw, changes)
        return await _rewrite(
            service,
            conn,
            actor,
            alert,
            given,
            raw,
            {**guidance.undecided(alert.accepted), **accepted},
            "edit",
        )

    return await service.database.transact(work)


async def submit(
    service: Context, actor: Person, reference: str, *, retime: bool = False
) -> dict[str, Any]:
    """Ask for approval. Raises `Faulty` with every fault, `PastMoment` where a promised time is over."""
    policy.require_role(Verb.SUBMIT, actor)

    async def work(conn: Connection) -> dict[str, Any]:
        alert = await reading.get(conn, reference, lock=True)
        if retime:
            alert = await _retimed(service, conn, actor, alert)
        alert = await ask(service, conn, actor, alert)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


async def ask(
    service: Context, conn: Connection, actor: Person, alert: Alert, *, call: bool = True
) -> Alert:
    """The draft, waiting for approval from now on. `call`: tell the team and call the approvers. Raises as
    `submit` does."""
    now = service.now
    alert = await guidance.refreshed(conn, alert, now)
    _require_ready(service, alert, now)
    await rivals.require_free(conn, alert)
    alert = await alerts.submit(conn, alert, by=actor, now=now)
    await writing.note(conn, actor, "submit", alert, now)
    if call:
        await notices.approval_wanted(service, conn, alert)
        await calling.enqueue(service, conn, alert)
    return alert


async def discard(service: Context, actor: Person, reference: str) -> dict[str, Any]:
    policy.require_role(Verb.DISCARD, actor)
    await deciding.expire_overdue(service)

    async def work(conn: Connection) -> dict[str, Any]:
        alert = await reading.get(conn, reference, lock=True)
        alert = await alerts.advance(conn, alert, Verb.DISCARD)
        await writing.note(conn, actor, "discard", alert, service.now)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


async def typed_values(service: Context, reference: str) -> dict[str, Any]:
    """The values of an alert as they were resolved, to be changed by hand."""
    alert = await service.database.read(lambda conn: reading.get(conn, reference))
    return dict(alert.given)


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `above` over those of `below`. A text per language keeps its other languages; a null
    takes the field away."""
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


async def _followed(conn: Connection, incident: str, *, exercise: bool) -> tuple[str, ...]:
    """The alert that a new one of this incident follows up: the last that went out, or is on its way."""
    out = await reading.listing(conn, incident=incident, states=OUT)
    return tuple(alert.id for alert in out if alert.exercise is exercise)[:1]


async def _incident(conn: Connection, wanted: str | None, actor: Person, now: datetime) -> str:
    if wanted is None:
        return (await incidents.start(conn, by=actor, now=now)).id
    return (await incidents.get(conn, wanted)).id


def _start(service: Context, not_before: str, now: datetime) -> datetime:
    """When an alert may go out. Raises `Misuse` for what is no time, or has passed: `00:30` typed before
    midnight would else be this morning, and the alert would go out at once."""
    try:
        starts = moments.moment(not_before, now=now, zone=service.voice.zone)
    except moments.BadMoment as error:
        raise Misuse(f"--not-before: {error}") from None
    if starts < now:
        raise Misuse(
            _(
                "--not-before {time} has passed; name a time ahead, with its date after midnight."
            ).format(time=starts.isoformat(" ", "minutes"))
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
) -> dict[str, Any]:
    changed = await writing.anew(service, conn, actor, alert, given, raw, accepted)
    await writing.note(conn, actor, verb, changed, service.now, accepted=dict(changed.accepted))
    return await views.full(conn, changed, service.now)


async def _retimed(service: Context, conn: Connection, actor: Person, alert: Alert) -> Alert:
    kind: Kind = load_kind(service.voice, alert.kind)[0]
    given, raw = register.anew(shift_times(alert.raw, alert.given, kind), alert.raw, {})
    accepted = guidance.undecided(alert.accepted)
    changed = await writing.anew(service, conn, actor, alert, given, raw, accepted)
    await writing.note(conn, actor, "retime", changed, service.now)
    return changed


def _require_ready(service: Context, alert: Alert, now: datetime) -> None:
    if alert.faults:
        raise Faulty(
            _("{alert} cannot be submitted; mend it with `alertbot edit {alert} --set …`.").format(
                alert=alert.id
            ),
            alert.faults,
            guidance.stored(alert),
        )
    if not alert.channels:
        raise Refused(_("{alert} has no channel to go to.").format(alert=alert.id))
    moment = policy.passed(service.voice.local(alert.promised), now)
    if moment is not None:
        raise PastMoment(
            _(
                "{alert} promises a time that has passed ({moment}): run `alertbot submit {alert} --retime`."
            ).format(alert=alert.id, moment=f"{moment:%Y-%m-%d %H:%M}"),
            moment,
        )
