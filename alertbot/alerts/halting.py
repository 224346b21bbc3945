"""Halt and resume. Halting needs only the database: no token, no configured channel, no current schema,
no writable audit (promise 4)."""

import logging
from collections.abc import Mapping
from datetime import datetime

from alertbot.alerts import store_reading
from alertbot.alerts.views import HaltView
from alertbot.core.errors import Misuse, safe
from alertbot.core.model import Channel, Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts
from alertbot.people import rules
from alertbot.people.context import Context

log = logging.getLogger(__name__)

HALTER = "anybody"  # halting asks for no token: stopping must never wait for one


async def halt(
    service: Context, alert: str | None, channel: str | None, *, by: str = HALTER
) -> HaltView:
    """Halt everything, one alert or one channel: once this has committed, no further call starts
    (promise 4). `by`: a name for the audit. Raises `Misuse` for an unknown channel or alert,
    `Refused` for an alert without deliveries."""
    channels = service.publisher.channels
    return await stop(service.database, alert, channel, by=by, now=service.now, channels=channels)


async def stop(
    database: Database,
    alert: str | None,
    channel: str | None,
    *,
    now: datetime,
    by: str = HALTER,
    channels: Mapping[str, Channel] | None = None,
) -> HaltView:
    """Halt with nothing but the database. `channels`: those configured, if known; a channel found in
    neither place is refused. `audited` of the result: whether the audit row was written. Raises
    `Misuse` for an unknown channel or alert, `Refused` for an alert without deliveries."""

    async def work(conn: Connection) -> HaltView:
        known = await store_reading.id_of(conn, alert) if alert else None
        await _know(conn, channel, channels)
        await store_accounts.set_halt(conn, True, channel=channel, alert=known)
        audited = await _note(conn, by, known, channel, now)
        return HaltView(halted=True, alert=known, channel=channel, audited=audited)

    return await database.transact(work)


async def resume(service: Context, actor: Person, alert: str | None, channel: str | None) -> HaltView:
    """Lift a halt; for a channel also its pause. Raises `Misuse` for an unknown channel or alert,
    `Refused` for an alert without deliveries or a person without the role."""
    rules.require_role("resume", actor)

    async def work(conn: Connection) -> HaltView:
        known = await store_reading.id_of(conn, alert) if alert else None
        await _know(conn, channel, service.publisher.channels)
        await store_accounts.set_halt(conn, False, channel=channel, alert=known)
        if channel and known is None:
            await store_accounts.unpause(conn, channel)
        if channel is None and known is None:
            await store_accounts.forget_ahead(conn)
        detail = {"channel": channel}
        await audit.append(
            conn, actor=actor.name, verb="resume", at=service.now, alert=known, detail=detail
        )
        return HaltView(halted=False, alert=known, channel=channel)

    return await service.database.transact(work)


async def _know(conn: Connection, channel: str | None, channels: Mapping[str, Channel] | None) -> None:
    """Raises `Misuse` for an unknown channel. A configured channel may be halted before first use; a
    channel in the database is known whatever the configuration says."""
    if channel is None or await store_accounts.named(conn, [channel]):
        return
    if channels is not None and channel in channels:
        await store_accounts.sync(conn, [channels[channel]])
        return
    known = sorted({*(channels or ()), *await store_accounts.names(conn)})
    raise Misuse(
        _("There is no channel '{name}'; the channels are: {known}.").format(
            name=channel, known=", ".join(known) or "–"
        )
    )


async def _note(
    conn: Connection, by: str, alert: str | None, channel: str | None, now: datetime
) -> bool:
    """Write the audit row if possible. A broken audit must not prevent the halt."""
    entry = audit.AuditEntry(actor=by, verb="halt", at=now, alert=alert, detail={"channel": channel})
    error = await audit.append_if_possible(conn, entry)
    if error is not None:
        sentence = _("The halt is in force, but it could not be written to the audit: {why}")
        log.warning("%s", sentence.format(why=safe(repr(error))))
    return error is None
