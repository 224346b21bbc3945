"""A stored alert as a reader is shown it: exactly the texts that were composed, with what they cost."""

from dataclasses import asdict
from typing import Any

from alertbot.delivery.forecast import cost, forecast
from alertbot.model import Composition, Fault, Purpose
from alertbot.preview.plain import plain_copy
from alertbot.preview.sheet import Sheet
from alertbot.service import guidance, relations, views
from alertbot.service.composing import load_kind
from alertbot.service.context import Context
from alertbot.service.previewing import in_words
from alertbot.store import alerts, people, pictures, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert


async def show(service: Context, reference: str, token: str | None) -> dict[str, Any]:
    """An alert with its texts. With a token, what is shown is noted: `approve` then needs no digest.

    Keys that begin with `_` hold objects for the terminal and the page, not for JSON.
    """
    now = service.now

    async def look(conn: Connection) -> dict[str, Any]:
        alert = await reading.get(conn, reference)
        sheet = await stored_sheet(service, conn, alert)
        said = sheet.composition
        records = [asdict(one) for one in await reading.records_of(conn, alert.id)]
        return await views.full(conn, alert, now) | {
            "contradictions": await guidance.beside(conn, alert, now),
            "values": alert.given,
            "messages": [views.message(one) for one in said.messages],
            "retraction": [views.message(one) for one in said.retraction],
            "targets": {name: len(group) for name, group in said.targets.items()},
            "cost": asdict(sheet.cost),
            "forecast": {"seconds": round(sheet.forecast.seconds, 3)},
            "records": records,
            **await relations.around(conn, alert),
            "plain": plain_copy(said.messages),
            "_sheet": sheet,
            "_zone": service.voice.zone,
        }

    async def look_and_note(conn: Connection) -> dict[str, Any]:
        person = await people.by_token(conn, token or "", now=now)
        await alerts.note_shown(conn, person, await reading.get(conn, reference), now=now)
        return await look(conn)

    if token:
        return await service.database.transact(look_and_note)
    return await service.database.read(look)


async def stored_sheet(service: Context, conn: Connection, alert: Alert) -> Sheet:
    """The sheet of an alert, its prepared retraction and its pictures included."""
    kind, _frame = load_kind(service.voice, alert.kind)
    channels = tuple(
        channel for name in alert.channels if (channel := service.voice.channels.get(name)) is not None
    )
    said = await _said(conn, alert)
    return Sheet(
        title=in_words(kind.title),
        composition=said,
        channels=channels,
        approvals=alert.approvals,
        cost=cost(said, channels),
        forecast=forecast(said, channels),
        speaker=service.voice.organisation.name,
        exercise=alert.exercise,
    )


async def _said(conn: Connection, alert: Alert) -> Composition:
    texts = tuple((await reading.messages_of(conn, alert.id)).values())
    prepared = await reading.messages_of(conn, alert.id, Purpose.RETRACTION)
    shown = await pictures.get(conn, {one.picture for one in texts if one.picture})
    return Composition(
        kind=alert.kind,
        digest=alert.digest,
        messages=texts,
        targets=await reading.targets_of(conn, alert.id),
        faults=alert.faults,
        warnings=alert.warnings,
        accepted=tuple(Fault(rule, reason) for rule, reason in alert.accepted.items()),
        omitted=alert.omitted,
        promised=alert.promised,
        retraction=tuple(prepared.values()),
        pictures=tuple(shown.values()),
    )
