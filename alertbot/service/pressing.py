"""Answers by a button: the same decisions, by a linked person, on one digest.

Nothing is decided here: `deciding` decides, with everything that it asks of anybody.
"""

from typing import Any

from alertbot.approval import policy
from alertbot.approval.moves import Verb, move
from alertbot.errors import AlertbotError
from alertbot.model import Person
from alertbot.service import asking, deciding
from alertbot.service.context import Context
from alertbot.service.deciding import Through
from alertbot.store import alerts, reading
from alertbot.store.connection import Connection


async def see(service: Context, person: Person, alert_id: str, digest: str) -> str | None:
    """The person has these texts before them: noted as `show` notes it, where they are still the alert's.
    The sentence that says what became of the alert, None while it waits for an answer."""

    async def work(conn: Connection) -> str | None:
        alert = await reading.get(conn, alert_id)
        same = alert.digest.startswith(digest)
        if same:
            await alerts.note_shown(conn, person, alert, now=service.now)
        return await asking.outcome(service, conn, alert, alert.digest if same else digest)

    return await service.database.transact(work)


async def outcome(service: Context, alert_id: str, digest: str) -> str | None:
    """What became of a request about this digest; None while it waits for an answer, or where there is
    no such alert."""

    async def look(conn: Connection) -> str | None:
        alert = await reading.get(conn, alert_id)
        same = alert.digest.startswith(digest)
        return await asking.outcome(service, conn, alert, alert.digest if same else digest)

    try:
        return await service.database.read(look)
    except AlertbotError:
        return None


async def approve(
    service: Context, person: Person, alert_id: str, digest: str, *, way: str
) -> dict[str, Any]:
    """As `deciding.approve`. `way`: how it came, for the audit."""
    return await deciding.approve(service, person, alert_id, digest, Through(way))


async def may_send_away(
    service: Context, person: Person, verb: Verb, alert_id: str, digest: str
) -> None:
    """Raises `Refused` where this person may not return or reject these texts now."""

    async def look(conn: Connection) -> None:
        policy.require_role(verb, person)
        alert = await reading.get(conn, alert_id)
        policy.require_digest(alert, digest)
        move(alert.state, verb, alert=alert.id)

    await service.database.read(look)


async def send_away(
    service: Context, person: Person, verb: Verb, alert_id: str, digest: str, reason: str, *, way: str
) -> dict[str, Any]:
    """Return or reject, where the alert still says what the person saw."""

    async def still_the_same(conn: Connection) -> None:
        policy.require_digest(await reading.get(conn, alert_id), digest)

    act = deciding.return_ if verb is Verb.RETURN else deciding.reject
    return await act(service, person, alert_id, reason, Through(way, still_the_same))
