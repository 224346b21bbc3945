"""Showing a stored alert: exactly the texts that were composed, with their cost."""

from dataclasses import asdict
from typing import Any

from alertbot.alerts import conflicts, store_alerts, store_reading, views
from alertbot.alerts.compose import load_kind
from alertbot.alerts.previewing import in_words
from alertbot.alerts.store_reading import Alert
from alertbot.core.model import Composition, Fault, Purpose
from alertbot.db.sql import Connection
from alertbot.delivery import store_outbox
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.people import store_people
from alertbot.people.context import Context
from alertbot.texts.preview.plain import plain_copy
from alertbot.texts.preview.sheet import Sheet

Document = dict[str, Any]


async def show(service: Context, reference: str, token: str | None) -> dict[str, Any]:
    """An alert with its texts. With a token, what is shown is noted: `approve` then needs no digest.

    Keys that begin with `_` hold objects for the terminal and the page, not for JSON.
    """
    now = service.now

    async def look(conn: Connection) -> dict[str, Any]:
        alert = await store_reading.get(conn, reference)
        sheet = await stored_sheet(service, conn, alert)
        said = sheet.composition
        records = [asdict(one) for one in await store_reading.records_of(conn, alert.id)]
        return await views.full(conn, alert, now) | {
            "contradictions": await conflicts.beside(conn, alert, now),
            "values": alert.given,
            "messages": [views.message(one) for one in said.messages],
            "retraction": [views.message(one) for one in said.retraction],
            "targets": {name: len(group) for name, group in said.targets.items()},
            "cost": asdict(sheet.cost),
            "forecast": {"seconds": round(sheet.forecast.seconds, 3)},
            "records": records,
            **await views.around(conn, alert),
            "plain": plain_copy(said.messages),
            "_sheet": sheet,
            "_zone": service.publisher.zone,
        }

    async def look_and_note(conn: Connection) -> dict[str, Any]:
        person = await store_people.by_token(conn, token or "", now=now)
        await store_alerts.note_shown(conn, person, await store_reading.get(conn, reference), now=now)
        return await look(conn)

    if token:
        return await service.database.transact(look_and_note)
    return await service.database.read(look)


async def stored_sheet(service: Context, conn: Connection, alert: Alert) -> Sheet:
    """The sheet of an alert, its prepared retraction and its pictures included."""
    kind = load_kind(service.publisher, alert.kind)
    channels = tuple(
        channel
        for name in alert.channels
        if (channel := service.publisher.channels.get(name)) is not None
    )
    said = await _said(conn, alert)
    return Sheet(
        title=in_words(kind.title),
        composition=said,
        channels=channels,
        approvals=alert.approvals,
        cost=cost(said, channels),
        forecast=forecast(said, channels),
        speaker=service.publisher.organisation.name,
        exercise=alert.exercise,
    )


async def _said(conn: Connection, alert: Alert) -> Composition:
    texts = tuple((await store_reading.messages_of(conn, alert.id)).values())
    prepared = await store_reading.messages_of(conn, alert.id, Purpose.RETRACTION)
    shown = await store_outbox.get(conn, {one.picture for one in texts if one.picture})
    return Composition(
        kind=alert.kind,
        digest=alert.digest,
        messages=texts,
        targets=await store_reading.targets_of(conn, alert.id),
        faults=alert.faults,
        warnings=alert.warnings,
        accepted=tuple(Fault(rule, reason) for rule, reason in alert.accepted.items()),
        omitted=alert.omitted,
        promised=alert.promised,
        retraction=tuple(prepared.values()),
        pictures=tuple(shown.values()),
    )


async def brief(service: Context, reference: str) -> Document:
    """The state of one alert, without its texts. Raises `Misuse` for an unknown alert."""

    async def look(conn: Connection) -> Document:
        return await views.full(conn, await store_reading.get(conn, reference), service.now)

    return await service.database.read(look)
