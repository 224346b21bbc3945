"""A stored alert as a reader is shown it: exactly the texts that were composed, with what they cost."""

from alertbot.delivery.forecast import cost, forecast
from alertbot.model import Composition, Fault, Purpose
from alertbot.preview.sheet import Sheet
from alertbot.service.composing import load_kind
from alertbot.service.context import Context
from alertbot.service.previewing import in_words
from alertbot.store import pictures, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert


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
