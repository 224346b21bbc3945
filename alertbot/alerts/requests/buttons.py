"""Approving, returning and rejecting by a button: the decisions of `alerts.approving`, made by a linked
person on one digest. No rule of its own."""

from alertbot.alerts import approving, rules_policy, store_alerts, store_reading
from alertbot.alerts.approving import DecisionOrigin
from alertbot.alerts.requests import text
from alertbot.alerts.rules_moves import move
from alertbot.alerts.views import AlertView
from alertbot.core.errors import AlertbotError
from alertbot.core.model import Person
from alertbot.db.sql import Connection
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.people.rules import Verb


async def see(service: Context, person: Person, alert_id: str, digest: str) -> str | None:
    """Record that the person has seen these texts, as `show` does, if they are still the alert's.
    Returns the outcome as a sentence, or None while the alert waits for a decision."""

    async def work(conn: Connection) -> str | None:
        alert = await store_reading.get(conn, alert_id)
        same = alert.digest.startswith(digest)
        if same:
            await store_alerts.note_shown(conn, person, alert, now=service.now)
        return await text.outcome(service, conn, alert, alert.digest if same else digest)

    return await service.database.transact(work)


async def outcome(service: Context, alert_id: str, digest: str) -> str | None:
    """The outcome of a request about this digest as a sentence; None while it waits or if there is no
    such alert."""

    async def look(conn: Connection) -> str | None:
        alert = await store_reading.get(conn, alert_id)
        same = alert.digest.startswith(digest)
        return await text.outcome(service, conn, alert, alert.digest if same else digest)

    try:
        return await service.database.read(look)
    except AlertbotError:
        return None


async def approve_by_button(
    service: Context, person: Person, alert_id: str, digest: str, *, way: str
) -> AlertView:
    """Approve as the linked person. `way` is recorded in the audit. Raises `Refused`, `Faulty` or
    `PastMoment` as `approving.approve` does."""
    return await approving.approve(service, person, alert_id, digest, DecisionOrigin(way))


async def may_send_away(
    service: Context, person: Person, verb: Verb, alert_id: str, digest: str
) -> None:
    """Raises `Refused` if this person may not return or reject these texts now."""

    async def look(conn: Connection) -> None:
        rules.require_role(verb, person)
        alert = await store_reading.get(conn, alert_id)
        rules_policy.require_digest(alert, person, digest, None)
        move(alert.state, verb, alert=alert.id)

    await service.database.read(look)


async def send_away(
    service: Context, person: Person, verb: Verb, alert_id: str, digest: str, reason: str, *, way: str
) -> AlertView:
    """Return or reject the alert if it still says what the person saw. Raises `Refused` otherwise."""

    async def still_the_same(conn: Connection) -> None:
        alert = await store_reading.get(conn, alert_id)
        rules_policy.require_digest(alert, person, digest, None)

    act = approving.return_ if verb is Verb.RETURN else approving.reject
    return await act(service, person, alert_id, reason, DecisionOrigin(way, still_the_same))
