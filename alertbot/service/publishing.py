"""From an approved alert to deliveries in the outbox, and people's hands on what is under way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from alertbot.approval import policy
from alertbot.approval.digest import agrees
from alertbot.errors import Misuse, Refused, safe
from alertbot.model import Action, Channel, Message, Omission, Person, Target
from alertbot.service import answering, settling, trial, views
from alertbot.service.answering import Reached
from alertbot.service.context import Context
from alertbot.store import accounts, alerts, audit, outbox, reading
from alertbot.store.connection import Connection
from alertbot.store.outbox import Decision, Entry
from alertbot.store.reading import Alert
from alertbot.words import _

LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class Stored:
    """What an alert says and to whom, as it stands in the database; texts by row id."""

    texts: Mapping[int, Message]
    targets: Mapping[str, tuple[Target, ...]]
    retraction: Mapping[int, Message]


async def stored(conn: Connection, alert: Alert) -> Stored:
    texts, retraction = await reading.said_of(conn, alert.id)
    return Stored(texts, await reading.targets_of(conn, alert.id, alert.channels), retraction)


async def enqueue(
    service: Context,
    conn: Connection,
    alert: Alert,
    said: Stored,
    reached: Reached | None = None,
) -> timedelta:
    """Write every delivery of an approved alert; answers how long until the first call may start.

    What the alert leaves out is written as skipped, with its reason (promise 8). `reached`: whom the
    alerts reached that this one follows.
    """
    wait = max(service.publish_delay, (alert.not_before or service.now) - service.now, timedelta())
    channels = [service.voice.channel(name) for name in alert.channels]
    await accounts.agree(conn, channels)
    for channel in channels:
        mine = {key: text for key, text in said.texts.items() if text.channel == channel.name}
        await outbox.enqueue(
            conn,
            alert.id,
            channel.name,
            digest=alert.digest,
            priority=alert.priority,
            ttl_seconds=alert.ttl.total_seconds(),
            delay_seconds=wait.total_seconds(),
            exercise=alert.exercise,
            when_uncertain=alert.when_uncertain,
            rows=_rows(channel, alert, mine, said.targets.get(channel.name, ()), reached),
        )
    return wait


def _rows(
    channel: Channel,
    alert: Alert,
    texts: dict[int, Message],
    targets: Sequence[Target],
    reached: Reached | None,
) -> list[Entry]:
    posts = {key: one for key, one in texts.items() if one.action is Action.PUBLISH}
    if reached is None:
        return entries(channel, posts, targets, alert.omitted)
    those, never = answering.partition(channel, alert, targets, reached)
    rows = [*entries(channel, posts, those, alert.omitted), *never]
    return answering.answering(channel, alert, rows, texts, reached)


def entries(
    channel: Channel,
    texts: dict[int, Message],
    targets: Sequence[Target],
    omitted: Iterable[Omission] = (),
) -> list[Entry]:
    """One entry per call: each part of each language to the account's target, or one mail per recipient
    in the recipient's language. Parts of a thread follow each other; where a picture is a post of its
    own it follows its text, after all texts (R24)."""
    rows: list[Entry] = []
    pictures: list[Entry] = []
    for target in targets:
        last: dict[str, int] = {}
        for key, text in sorted(texts.items(), key=lambda item: (item[1].lang, item[1].part)):
            if target.lang is not None and text.lang != target.lang:
                continue
            after = last.get(text.lang) if text.part > 1 else None
            last[text.lang] = len(rows)
            cost = channel.spec.price.of(has_link=text.has_link)
            rows.append(Entry(target.address, key, text.lang, text.part, after, cost))
            if text.picture and channel.spec.picture_apart:
                pictures.append(_picture(rows[-1], len(rows) - 1))
    rows += pictures
    left_out = [one for one in omitted if one.channel == channel.name]
    rows += [Entry(channel.name, None, one.lang, skipped=one.reason) for one in left_out]
    return rows


def _picture(text: Entry, place: int) -> Entry:
    """The entry for the picture of a text that stands at `place` of the list."""
    return replace(text, after=place, cost=0.0, action=Action.PICTURE)


async def verify(conn: Connection, alert_id: str, digest: str) -> str | None:
    """What is wrong when the stored texts and targets no longer make the approved digest (promise 2)."""
    alert = await reading.get(conn, alert_id)
    return disagreement(alert, await stored(conn, alert), digest)


def disagreement(alert: Alert, said: Stored, digest: str) -> str | None:
    """The sentence for texts or targets that do not make the digest; None where they do."""
    agreed = agrees(
        digest,
        alert.kind,
        said.texts.values(),
        said.targets,
        exercise=alert.exercise,
        retraction=said.retraction.values(),
    )
    if agreed and digest == alert.digest:
        return None
    return _(
        "The texts of {alert} are not those that were approved; nothing of it is sent. Keep the database"
        " as it is, run `alertbot audit verify`, and make a new draft."
    ).format(alert=alert.id)


async def record(
    service: Context, actor: Person, reference: str, channel: str, url: str
) -> dict[str, Any]:
    """Somebody posted it by hand: later updates and corrections know it."""
    policy.require_role("record", actor)
    service.voice.channel(channel)
    remote_id = _id_in(url)

    async def work(conn: Connection) -> dict[str, Any]:
        now = service.now
        alert = await reading.get(conn, reference, lock=True)
        known = {one.url for one in await reading.records_of(conn, alert.id)}
        if url in known:
            raise Refused(_("{url} is recorded for {alert} already.").format(url=url, alert=alert.id))
        await alerts.note_record(
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
        return await views.full(conn, alert, now) | {"recorded": {"channel": channel, "url": url}}

    return await service.database.transact(work)


def _id_in(url: str) -> str:
    """What the platform calls a post: the end of its address. Raises `Misuse` for what is no address."""
    path = url.removeprefix("https://").removeprefix("http://")
    if path in (url, "") or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise Misuse(_("'{url}' is not the address of a post.").format(url=safe(url)))
    return path.rstrip("/").rpartition("/")[2]


async def test_send(service: Context, actor: Person, reference: str, to: str) -> dict[str, Any]:
    """Queue an alert's texts for a team channel, marked as a test."""
    policy.require_role("test_send", actor)
    channel = service.voice.channel(to)

    async def work(conn: Connection) -> dict[str, Any]:
        alert = await reading.get(conn, reference)
        await trial.enqueue(service, conn, alert, channel)
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
) -> dict[str, Any]:
    """A person's word on what was perhaps sent."""
    policy.require_role("settle", actor)
    remote_id = _id_in(url) if url else None

    async def work(conn: Connection) -> dict[str, Any]:
        outcomes, settled = await outbox.decide(
            conn, delivery, Decision(word), remote_id=remote_id, url=url
        )
        await settling.note_outcomes(service, conn, outcomes, actor=actor.name)
        first = outcomes[0]
        for alert_id in settled or filter(None, [first.alert]):
            await settling.advance(service, conn, alert_id)
        return {"id": first.id, "alert": first.alert, "state": str(first.state), "target": first.target}

    return await service.database.transact(work)
