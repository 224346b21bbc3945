"""Showing a stored alert: exactly the texts that were composed, with their cost."""

from dataclasses import replace

from alertbot.alerts import conflicts, store_alerts, store_reading, views
from alertbot.alerts.compose import load_kind
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.model import Composition, Fault, Purpose
from alertbot.db.sql import Connection
from alertbot.delivery import store_outbox
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.people import store_people
from alertbot.people.context import Context
from alertbot.texts.kinds.kind_spec import in_words
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.preview.plain import plain_copy
from alertbot.texts.views import ForecastView, message_view


async def show(
    service: Context, reference: str, token: str | None, *, whole: bool = True
) -> ShownAlertView:
    """An alert with its texts. With a token, what is shown is noted: `approve` then needs no digest. `whole`:
    whether the person is shown all that they would sign; else nothing is noted."""
    alert, view = await service.database.read(lambda conn: _look(service, conn, reference))
    if token:
        await service.database.transact(
            lambda conn: _note_shown(service, conn, alert, token, whole=whole)
        )
    return view


async def _note_shown(
    service: Context, conn: Connection, alert: Alert, token: str, *, whole: bool
) -> None:
    """Note the digest that was looked at, which may be an older one by now: `approve` then refuses it. With many
    readers looking takes seconds, in which others have to be able to write."""
    now = service.now
    person = await store_people.by_token(conn, token, now=now)
    if whole:
        await store_alerts.note_shown(conn, person, alert, now=now)


async def _look(service: Context, conn: Connection, reference: str) -> tuple[Alert, ShownAlertView]:
    now = service.now
    alert = await store_reading.get(conn, reference)
    sheet = await stored_sheet(service, conn, alert)
    said = sheet.composition
    conflicting = await conflicts.beside(conn, alert, now)
    standing = replace(await views.full(conn, alert, now), contradictions=conflicting)
    return alert, ShownAlertView(
        **views.carried_over(standing),
        values=alert.given,
        messages=tuple(map(message_view, said.messages)),
        retraction=tuple(map(message_view, said.retraction)),
        targets={name: len(group) for name, group in said.targets.items()},
        cost=sheet.cost,
        forecast=ForecastView(seconds=round(sheet.forecast.seconds, 3)),
        records=await store_reading.records_of(conn, alert.id),
        follows=await views.followed(conn, alert),
        followed_by=await views.followers(conn, alert),
        reached_all_seconds=await views.reached_all_seconds(conn, alert),
        plain=plain_copy(said.messages),
        sheet=sheet,
        zone=service.publisher.zone,
    )


async def stored_sheet(service: Context, conn: Connection, alert: Alert) -> Sheet:
    """The sheet of an alert, its prepared retraction and its pictures included."""
    kind = load_kind(service.publisher, alert.kind)
    channels = tuple(
        channel
        for name in alert.channels
        if (channel := service.publisher.channels.get(name)) is not None
    )
    said = await _stored_composition(conn, alert)
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


async def _stored_composition(conn: Connection, alert: Alert) -> Composition:
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


async def brief(service: Context, reference: str) -> AlertView:
    """The state of one alert, without its texts. Raises `Misuse` for an unknown alert."""

    async def look(conn: Connection) -> AlertView:
        return await views.full(conn, await store_reading.get(conn, reference), service.now)

    return await service.database.read(look)
