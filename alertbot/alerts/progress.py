"""How delivery outcomes change alerts and the audit. Called by the worker in its own transactions, and
when a person settles an uncertain delivery."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from alertbot.alerts import area, store_alerts, store_incidents, store_reading
from alertbot.alerts.hand import giving
from alertbot.alerts.rules_moves import next_verb
from alertbot.alerts.store_reading import Alert
from alertbot.core.model import Action, AlertState, DeliveryState, Purpose, Relation
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.delivery.store_content import ReadbackVerdict
from alertbot.delivery.store_deliveries import Outcome
from alertbot.people import tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask

MACHINE = "alertbot"
UNDONE = frozenset({DeliveryState.FAILED, DeliveryState.EXPIRED})
QUIET = frozenset({DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.SENDING})


async def note_outcomes(
    service: Context, conn: Connection, outcomes: Sequence[Outcome], *, actor: str = MACHINE
) -> None:
    """Write one audit row per delivery that reached a state worth recording, with mail addresses as pseudonyms;
    and raise a task for each edit, deletion, pin or picture that was not done, which a person has to do, and for each
    post that went out without its picture. What a person has to make is given to them."""
    await giving.give(service, conn, [one for one in outcomes if one.state is DeliveryState.SENDING])
    final = [one for one in outcomes if one.state not in QUIET]
    if not final:
        return
    private = {one.target for one in final if _is_private(service, one)}
    names = await audit.pseudonyms(conn, private)
    await audit.append_many(conn, [_entry(one, names, actor) for one in final])
    undone = [one for one in final if one.action != Action.PUBLISH and one.state in UNDONE]
    bare = [one for one in final if one.without and one.alert and one.purpose == Purpose.PUBLICATION]
    if undone or bare:
        found = [*map(_by_hand, undone), *map(_without_picture, bare)]
        chores = {chore.key: chore for chore in found}
        await tasks.raise_all(service, conn, list(chores.values()))


def _by_hand(one: Outcome) -> NewTask:
    """The task to do by hand what a channel did not do; one for each alert, channel and kind of action."""
    said = {
        Action.EDIT: _(
            "{channel}: an earlier post was not changed for {alert}, so it still shows the old text. {reason}"
            " Change it there by hand."
        ),
        Action.DELETE: _(
            "{channel}: an earlier post was not deleted for {alert}, so it still stands. {reason} Delete it"
            " there by hand."
        ),
        Action.PIN: _("{channel}: the post of {alert} was not pinned. {reason} Pin it there by hand."),
        Action.PICTURE: _(
            "{channel}: the picture of {alert} was not posted; its text is out. {reason} Post it by hand if"
            " it is needed."
        ),
    }
    text = said[Action(one.action)].format(
        channel=one.channel, alert=one.alert or "", reason=one.reason or ""
    )
    key = f"undone:{one.alert}:{one.channel}:{one.action}"
    return NewTask(key, "undone", text, alert=one.alert)


def _without_picture(one: Outcome) -> NewTask:
    """The task about posts that went out without their pictures; one for each alert and channel."""
    sentence = _(
        "{channel}: {alert} is out, but not as approved. {reason} The numbers are in its text. If the picture is needed,"
        " save it from `alertbot show {alert} --html FILE` and post it by hand as a reply, with its text alternative."
    )
    text = sentence.format(channel=one.channel, alert=one.alert, reason=one.without)
    return NewTask(
        f"undone:{one.alert}:{one.channel}:{Action.PICTURE}", "undone", text, alert=one.alert
    )


def _is_private(service: Context, outcome: Outcome) -> bool:
    channel = service.publisher.channels.get(outcome.channel)
    return channel is None or channel.spec.per_recipient


def _entry(one: Outcome, names: dict[str, str], actor: str) -> audit.AuditEntry:
    detail = {
        "delivery": one.id,
        "channel": one.channel,
        "purpose": one.purpose,
        "target": names.get(one.target, one.target),
        "lang": one.lang,
        "part": one.part,
        "attempt": one.attempt,
        "reason": one.reason,
        "url": one.url,
        "action": None if one.action == Action.PUBLISH else one.action,
    }
    return audit.AuditEntry(
        actor=actor,
        verb=str(one.state),
        at=datetime.fromtimestamp(one.at, UTC),
        alert=one.alert,
        digest=one.digest,
        remote_id=one.remote_id,
        detail={key: value for key, value in detail.items() if value is not None},
    )


async def advance(service: Context, conn: Connection, alert_id: str) -> AlertState:
    """Move an alert to the state that its deliveries call for. Returns the state."""
    alert = await store_reading.get(conn, alert_id, lock=True)
    counts = await store_listing.publication(conn, alert.id)
    verb = next_verb(alert.state, counts)
    if verb is None:
        return alert.state
    moved = await store_alerts.advance(conn, alert, verb)
    await audit.append(
        conn,
        actor=MACHINE,
        verb=str(moved.state),
        at=service.now,
        alert=moved.id,
        digest=moved.digest,
        detail={"deliveries": {str(state): count for state, count in counts.items() if count}},
    )
    await _close_incident(service, conn, moved)
    return moved.state


async def _close_incident(service: Context, conn: Connection, alert: Alert) -> None:
    """Close the incident of a delivered end, unless the trouble has come back. The end of an exercise closes
    no incident that the public knows."""
    over = alert.state in (AlertState.PUBLISHED, AlertState.PARTLY_PUBLISHED)
    if alert.relation is not Relation.END or not over:
        return
    if (await store_incidents.get(conn, alert.incident)).state not in area.CAN_END:
        return
    if alert.exercise and await store_incidents.told(conn, alert.incident, exercise=False):
        return
    if await store_incidents.close(conn, alert.incident, now=service.now):
        await audit.append(
            conn,
            actor=MACHINE,
            verb="incident-closed",
            at=service.now,
            alert=alert.id,
            detail={"incident": alert.incident},
        )


async def start_all(service: Context, conn: Connection, alert_ids: Iterable[str]) -> None:
    """Mark alerts as publishing before their first calls, in the same order as `advance_all`."""
    for alert_id in sorted(set(alert_ids)):
        digest = await store_alerts.start(conn, alert_id)
        if digest is not None:
            await audit.append(
                conn,
                actor=MACHINE,
                verb=str(AlertState.PUBLISHING),
                at=service.now,
                alert=alert_id,
                digest=digest,
            )


async def advance_all(service: Context, conn: Connection, alert_ids: Iterable[str]) -> None:
    """Move several alerts to the state that their deliveries call for, ordered by id so that two workers
    never deadlock."""
    for alert_id in sorted(set(alert_ids)):
        await advance(service, conn, alert_id)


async def note_differences(
    service: Context, conn: Connection, verdicts: Sequence[ReadbackVerdict]
) -> None:
    """Record that a platform shows something else than was approved: an audit row, a task for a person,
    a line in `status` and a notice to the team."""
    for one in verdicts:
        detail = {"delivery": one.id, "channel": one.channel, "difference": one.words}
        await audit.append(
            conn,
            actor=MACHINE,
            verb="differs",
            at=service.now,
            alert=one.alert,
            remote_id=one.remote_id,
            detail=detail,
        )
        text = _(
            "{channel} does not show what was approved for {alert} (delivery {id}): {difference}."
            " Check it there, then fix the post or publish a correction."
        ).format(channel=one.channel, alert=one.alert, id=one.id, difference=one.words)
        chore = NewTask(f"differs:{one.id}", "read-back", text, alert=one.alert)
        await tasks.raise_(service, conn, chore)
