"""Queueing deliveries: of an approved alert, of a test to the team. Also the check that stored texts
make the approved digest, posts recorded by hand, and settling an uncertain delivery."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from html import escape

from alertbot.alerts import apart, progress, store_alerts, store_reading, views
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView, RecordedView, SettledView
from alertbot.core.errors import Faulty, Misuse, Refused, safe
from alertbot.core.model import (
    Action,
    Audience,
    Channel,
    Composition,
    Identity,
    Markup,
    Message,
    Omission,
    Person,
    Purpose,
    Target,
)
from alertbot.core.target_list import TargetList
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.delivery import store_accounts, store_expansion, store_listing, store_outbox
from alertbot.delivery.store_outbox import NewDelivery, PackedDeliveries, SettleDecision
from alertbot.people import rules
from alertbot.people.context import Context

FIRST = 0
LASTS_SECONDS = 3600.0


async def enqueue_test(service: Context, conn: Connection, alert: Alert, channel: Channel) -> None:
    """Compose the alert for a team channel and queue it. Raises `Refused` for a channel with another
    audience."""

    if channel.audience is not Audience.TEAM:
        raise Refused(
            _("{channel} does not have audience `team`; a test goes to the team only.").format(
                channel=channel.name
            )
        )
    composition = _compose(service, alert, channel)
    marked = [_marked(message) for message in composition.messages]
    await store_accounts.sync(conn, [channel])
    keys = await store_outbox.add(conn, alert.id, alert.revision, marked, Purpose.TEST)
    await store_outbox.enqueue(
        conn,
        alert.id,
        channel.name,
        digest=alert.digest,
        priority=FIRST,
        ttl_seconds=LASTS_SECONDS,
        purpose=Purpose.TEST,
        exercise=alert.exercise,
        rows=entries(
            channel, dict(zip(keys, marked, strict=True)), composition.targets.get(channel.name, ())
        ),
    )


def _marked(message: Message) -> Message:
    """A text under a line that says it is a test, in text, markup and subject."""
    mark = _("TEST for the team: not published")
    html = message.html
    if message.type == "email" and html is not None:
        line = f"<p><strong>{escape(mark)}</strong></p>"
        html = re.sub(r"(<body[^>]*>)", lambda found: found[1] + line, html, count=1)
    elif html is not None:
        html = f"<b>{escape(mark)}</b>\n\n{html}"
    subject = f"TEST {message.subject}" if message.subject else None
    return replace(message, text=f"{mark}\n\n{message.text}", html=html, subject=subject)


def _compose(service: Context, alert: Alert, channel: Channel) -> Composition:
    wishes = DraftRequest(
        alert.kind, alert.given, alert.languages, (channel.name,), alert.accepted, alert.exercise
    )
    identity = Identity(alert.incident, alert.id, alert.references)
    composition = apart.composed(service, wishes, identity, service.now).composition
    if composition.faults:
        raise Faulty(
            _("{alert} cannot be shown on {channel}.").format(alert=alert.id, channel=channel.name),
            composition.faults,
        )
    return composition


LONGEST_URL = 2000


async def enqueue(
    service: Context,
    conn: Connection,
    alert: Alert,
    rows: Mapping[str, PackedDeliveries],
) -> timedelta:
    """Write every delivery of an approved alert, given by channel. Returns how long until the first call may
    start. Languages and channels that the alert leaves out are among them as skipped, with the reason
    (promise 8)."""
    wait = max(service.publish_delay, (alert.not_before or service.now) - service.now, timedelta())
    channels = [service.publisher.channel(name) for name in alert.channels]
    await store_accounts.agree(conn, channels)
    for channel in channels:
        await store_outbox.enqueue(
            conn,
            alert.id,
            channel.name,
            digest=alert.digest,
            priority=alert.priority,
            ttl_seconds=alert.ttl.total_seconds(),
            delay_seconds=wait.total_seconds(),
            exercise=alert.exercise,
            when_uncertain=alert.when_uncertain,
            rows=rows[channel.name],
        )
    return wait


def entries(
    channel: Channel,
    texts: dict[int, Message],
    targets: Sequence[Target],
    omitted: Iterable[Omission] = (),
) -> list[NewDelivery]:
    """One entry per call: each part of each language for an account's target, or one mail per recipient
    in their language. Parts of a thread wait for the part before; a picture that is a separate post
    waits for its text and follows all texts (R24). The first language of the
    channel comes first, and each is whole before the next begins, but on a page, which shows them side by side."""
    rows: list[NewDelivery] = []
    pictures: list[NewDelivery] = []
    turn = {lang: at for at, lang in enumerate(channel.languages)}
    ordered = sorted(texts.items(), key=lambda item: (turn.get(item[1].lang, len(turn)), item[1].part))
    opened: set[str] = set()
    in_turn = channel.spec.markup is not Markup.PAGE
    for target in targets:
        last: dict[str, int] = {}
        for key, text in ordered:
            if target.lang is not None and text.lang != target.lang:
                continue
            after = last.get(text.lang) if text.part > 1 else None
            last[text.lang] = len(rows)
            cost = channel.spec.price.of(has_link=text.has_link)
            further = after is None and target.address in opened and in_turn
            opened.add(target.address)
            rows.append(
                NewDelivery(target.address, key, text.lang, text.part, after, cost, in_turn=further)
            )
            if text.picture and channel.spec.picture_apart:
                pictures.append(_picture(rows[-1], len(rows) - 1))
    rows += pictures
    left_out = [one for one in omitted if one.channel == channel.name]
    rows += [NewDelivery(channel.name, None, one.lang, skipped=one.reason) for one in left_out]
    return rows


def later(channel: Channel, texts: Mapping[int, Message], targets: Sequence[Target]) -> bool:
    """Whether workers can queue the channel's deliveries by and by: a large list of recipients, each of whom gets one
    text, the one in their language."""
    if not channel.spec.per_recipient or len(targets) <= store_expansion.AT_APPROVAL:
        return False
    alone = Counter(one.lang for one in texts.values())
    plain = all(one.action is Action.PUBLISH and one.parts == 1 for one in texts.values())
    free = not any(channel.spec.price.of(has_link=one.has_link) for one in texts.values())
    apart = channel.spec.picture_apart or channel.spec.can_reply or channel.spec.can_pin
    spoken = TargetList(targets).by_language()
    return plain and free and not apart and all(alone[lang or ""] == 1 for lang in spoken)


def _picture(text: NewDelivery, place: int) -> NewDelivery:
    """The entry for the picture of the text at `place` in the list."""
    return replace(text, after=place, cost=0.0, action=Action.PICTURE, in_turn=False)


async def record(service: Context, actor: Person, reference: str, channel: str, url: str) -> AlertView:
    """Record a post that a person made by hand, so that later updates and corrections can reply to it.
    Raises `Misuse` for an address that is not one of the channel's posts, `Refused` for an alert that was
    not approved and for a post that is known already."""
    rules.require_role("record", actor)
    place = service.publisher.channel(channel)
    remote_id = id_in(url, place)

    async def work(conn: Connection) -> AlertView:
        now = service.now
        alert = await store_reading.get(conn, reference, lock=True)
        if alert.approved_at is None:
            raise Refused(
                _(
                    "{alert} is {state}: only what was approved can have been posted for it. What says"
                    " something else belongs to another alert."
                ).format(alert=alert.id, state=state_word(alert.state))
            )
        await _require_unknown(conn, place, remote_id, url)
        await store_alerts.note_record(
            conn, alert, channel=channel, url=url, remote_id=remote_id, by=actor, now=now
        )
        await audit.append(
            conn,
            actor=actor.name,
            verb="record",
            at=now,
            alert=alert.id,
            digest=alert.digest,
            remote_id=remote_id,
            detail={"channel": channel, "url": url},
        )
        recorded = RecordedView(channel=channel, url=url)
        return replace(await views.full(conn, alert, now), recorded=recorded)

    return await service.database.transact(work)


def id_in(url: str, channel: Channel) -> str:
    """The platform's id of a post: the end of its address. Raises `Misuse` for an address without one, or
    of a post that is not the channel's own: what follows would answer or delete somebody else's."""
    path = url.removeprefix("https://").removeprefix("http://")
    if path in (url, "") or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise Misuse(_("'{url}' is not a post's address.").format(url=safe(url)))
    known = channel.addresses
    if known is None:
        return path.rstrip("/").rpartition("/")[2]
    if known.unknown:
        raise Misuse(f"{channel.name}: {known.unknown}")
    for pattern in known.patterns:
        if found := re.fullmatch(pattern, url):
            return found["id"]
    raise Misuse(
        _("'{url}' is not a post of {channel}; its posts have addresses like {example}.").format(
            url=safe(url), channel=channel.name, example=known.example
        )
    )


async def _require_unknown(
    conn: Connection, channel: Channel, remote_id: str, url: str, *, but: int = 0
) -> None:
    """Raises `Refused` for a post that belongs to another delivery than `but`, or was recorded. Where
    nothing is known of a channel's addresses, the same address is the same post."""
    if channel.addresses is None:
        owner = await store_reading.recorded_for(conn, channel.name, url)
    else:
        owner = await store_reading.recorded_for(conn, channel.name, url, remote_id)
        owner = owner or await store_listing.owner_of(conn, channel.name, remote_id, but=but)
    if owner is not None:
        raise Refused(_("{url} is already recorded for {alert}.").format(url=url, alert=owner))


async def test_send(service: Context, actor: Person, reference: str, to: str) -> AlertView:
    """Queue an alert's texts for a team channel, marked as a test."""
    rules.require_role("test_send", actor)
    channel = service.publisher.channel(to)

    async def work(conn: Connection) -> AlertView:
        alert = await store_reading.get(conn, reference)
        await enqueue_test(service, conn, alert, channel)
        await audit.append(
            conn,
            actor=actor.name,
            verb="test-send",
            at=service.now,
            alert=alert.id,
            digest=alert.digest,
            detail={"channel": to},
        )
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


async def settle(
    service: Context, actor: Person, delivery: int, word: str, url: str | None
) -> SettledView:
    """Record what a person found out about an uncertain delivery. Raises `Refused` if the delivery is
    not uncertain or the post belongs to another one, `Misuse` for an address that is not one of the
    channel's posts."""
    rules.require_role("settle", actor)

    async def work(conn: Connection) -> SettledView:
        await take_lock(conn, AUDIT)
        remote_id = await _settled_id(service, conn, delivery, url) if url else None
        outcomes, settled = await store_outbox.decide(
            conn, delivery, SettleDecision(word), remote_id=remote_id, url=url, by=actor.id
        )
        await progress.note_outcomes(service, conn, outcomes, actor=actor.name)
        first = outcomes[0]
        for alert_id in settled or filter(None, [first.alert]):
            await progress.advance(service, conn, alert_id)
        return SettledView(id=first.id, alert=first.alert, state=first.state, target=first.target)

    return await service.database.transact(work)


async def _settled_id(service: Context, conn: Connection, delivery: int, url: str) -> str | None:
    """The id in the address that is to belong to this delivery; None where there is no such delivery,
    which is told later."""
    name = await store_listing.channel_of(conn, delivery)
    if name is None:
        return None
    channel = service.publisher.channel(name)
    remote_id = id_in(url, channel)
    await _require_unknown(conn, channel, remote_id, url, but=delivery)
    return remote_id
