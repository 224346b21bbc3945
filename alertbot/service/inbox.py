"""Reports that arrive at the same time are stored together: one transaction for all, one commit to wait for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from alertbot.delivery.batching import GroupCommit
from alertbot.incident.signals import Signal, telling

if TYPE_CHECKING:
    from alertbot.service.context import Context
    from alertbot.store.connection import Connection

    Item = tuple[Context, Sequence[Signal]]


class Inbox(GroupCommit["Item", tuple[Signal, ...]]):
    """`add((service, reports))` answers those that are new, once they are stored."""

    def __init__(self) -> None:
        super().__init__(_store)


async def _store(items: "Sequence[Item]") -> list[tuple[Signal, ...]]:
    async def work(conn: "Connection") -> list[tuple[Signal, ...]]:
        return [await _keep(conn, service, reports) for service, reports in items]

    return await items[0][0].database.transact(work)


async def _keep(
    conn: "Connection", service: "Context", reports: Sequence[Signal]
) -> tuple[Signal, ...]:
    """Store what one sender sent, and mark the services it speaks of as due."""
    from alertbot.service import silence
    from alertbot.store import decisions, signals

    fresh = tuple(await signals.keep(conn, reports, now=service.now))
    concerned = {service.watch.group_of(one.service) for one in telling(fresh)}
    await decisions.make_due(conn, concerned, service.now)
    for source in sorted({one.source for one in reports}):
        await silence.heard(service, conn, source)
    return fresh
