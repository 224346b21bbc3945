"""What the tests of the engine put on the stage: accounts, alerts with deliveries, and an adapter
that records instead of sending."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.core.model import Channel, ChannelSpec, Pace, Post, Purpose, Receipt, WhenUncertain
from alertbot.db.database import Database
from alertbot.db.tables import alert, delivery, dispatch, incident, message
from alertbot.delivery import store_accounts, store_outbox
from alertbot.delivery.store_outbox import NewDelivery

SPEC = ChannelSpec(type="null", limit=None)


class NullAdapter(Adapter[ChannelSettings]):
    """Records each post; `answer` may raise instead of giving a receipt."""

    spec: ClassVar[ChannelSpec] = SPEC
    settings_type = ChannelSettings

    def __init__(
        self,
        channel: Channel,
        answer: Callable[[Post], Any] | None = None,
        *,
        seconds: float = 0.0,
    ) -> None:
        super().__init__(channel, ChannelSettings.model_construct())
        self.spec = channel.spec  # type: ignore[misc]
        self.posts: list[Post] = []
        self.answer = answer
        self.seconds = seconds
        self.kept: dict[int, Receipt] = {}  # what `find` finds

    async def _send(self, post: Post) -> Receipt:
        self.posts.append(post)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.answer is not None:
            answer = self.answer(post)
            if isinstance(answer, BaseException):
                raise answer
            if answer is not None:
                return await answer if asyncio.iscoroutine(answer) else answer
        return Receipt(f"r{post.delivery}")

    async def identify(self) -> str:
        return self.channel.name

    async def find(self, post: Post) -> Receipt | None:
        return self.kept.get(post.delivery)

    @property
    def sent(self) -> list[int]:
        return [post.delivery for post in self.posts]


def channel(name: str = "null", *, spec: ChannelSpec = SPEC, **more: Any) -> Channel:
    return Channel(name=name, spec=spec, languages=("fr",), **more)


def filled(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for every column that must have one, so that the tests need not know them all."""
    row = dict(values)
    for column in table.columns:
        if column.name in row or column.nullable or column.primary_key or column.default is not None:
            continue
        row[column.name] = _anything(column)
    return row


def _anything(column: Any) -> Any:
    from datetime import UTC, datetime

    kind = type(column.type).__name__
    if kind == "Instant":
        return datetime(2026, 1, 1, tzinfo=UTC)
    return {"JSON": [], "Boolean": False, "Integer": 1, "Float": 0.0}.get(kind, "x")


async def add_alert(conn: AsyncConnection, name: str = "ABCD-1", **values: Any) -> str:
    """An alert of its own incident; with `references` to earlier ones where given."""
    case = name.rpartition("-")[0] or name
    known = await conn.scalar(select(incident.c.id).where(incident.c.id == case))
    if known is None:
        await conn.execute(insert(incident).values(**filled(incident, {"id": case})))
    number = values.pop("number", None) or int(name.rpartition("-")[2])
    given = {"id": name, "incident_id": case, "number": number, "state": "approved", **values}
    await conn.execute(insert(alert).values(**filled(alert, given)))
    return name


async def add_message(conn: AsyncConnection, name: str, channel: str, **values: Any) -> int:
    given = {
        "alert_id": name,
        "channel": channel,
        "purpose": "publication",
        "text": "Bonjour",
        "part": 1,
    }
    row = filled(message, {"parts": 1, "lang": "fr", **given, **values})
    found = await conn.scalar(insert(message).values(**row).returning(message.c.id))
    assert found is not None
    return int(found)


async def put(
    database: Database,
    targets: int | Sequence[str] = 1,
    *,
    on: Channel | None = None,
    name: str = "ABCD-1",
    parts: int = 1,
    priority: int = 5,
    ttl: float = 600.0,
    delay: float = 0.0,
    cost: float = 0.0,
    references: Sequence[str] = (),
    exercise: bool = False,
    purpose: Purpose = Purpose.PUBLICATION,
    when_uncertain: WhenUncertain = WhenUncertain.ASK,
) -> list[int]:
    """Enqueue an alert on one channel for so many targets; the delivery ids in order."""
    used = on or channel()
    names = [f"t{n}" for n in range(targets)] if isinstance(targets, int) else list(targets)

    async def work(conn: AsyncConnection) -> list[int]:
        await store_accounts.sync(conn, [used])
        known = await conn.scalar(select(alert.c.id).where(alert.c.id == name))
        if known is None:
            await add_alert(conn, name, references=list(references))
        ids = [
            await add_message(
                conn,
                name,
                used.name,
                part=n + 1,
                parts=parts,
                text=f"part {n + 1}",
                purpose=str(purpose),
            )
            for n in range(parts)
        ]
        rows: list[NewDelivery] = []
        for target in names:
            for n, text in enumerate(ids):
                after = len(rows) - 1 if n else None
                rows.append(NewDelivery(target, text, "fr", n + 1, after, cost))
        number = await store_outbox.enqueue(
            conn,
            name,
            used.name,
            digest="d",
            priority=priority,
            ttl_seconds=ttl,
            rows=rows,
            delay_seconds=delay,
            exercise=exercise,
            purpose=purpose,
            when_uncertain=when_uncertain,
        )
        found = await conn.scalars(
            select(delivery.c.id).where(delivery.c.dispatch_id == number).order_by(delivery.c.id)
        )
        return list(found)

    return await database.transact(work)


async def states(database: Database) -> dict[int, str]:
    async def work(conn: AsyncConnection) -> dict[int, str]:
        rows = await conn.execute(select(delivery.c.id, delivery.c.state))
        return {row.id: row.state for row in rows}

    return await database.read(work)


async def rows(database: Database) -> list[Any]:
    """Every delivery with its dispatch's alert, by id."""

    async def work(conn: AsyncConnection) -> list[Any]:
        wanted = select(delivery, dispatch.c.alert_id).join(dispatch).order_by(delivery.c.id)
        return list((await conn.execute(wanted)).all())

    return await database.read(work)


def paced(per_second: float | None, **more: Any) -> Channel:
    return channel(pace=Pace(per_second=per_second), **more)
