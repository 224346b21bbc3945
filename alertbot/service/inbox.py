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
    """A few statements for all of them, however many they are."""
    from alertbot.service import silence
    from alertbot.store import decisions, signals

    service = items[0][0]
    reports = [one for _service, given in items for one in given]

    async def work(conn: "Connection") -> list[Signal]:
        await silence.heard(
            service, conn, {one.source for one in reports}
        )  # it may write into the audit
        fresh = await signals.keep(conn, reports, now=service.now)
        concerned = {service.watch.group_of(one.service) for one in telling(fresh)}
        await decisions.make_due(conn, concerned, service.now)
        return fresh

    left = await service.database.transact(work)
    return [_mine(given, left) for _service, given in items]


def _mine(given: Sequence[Signal], left: list[Signal]) -> tuple[Signal, ...]:
    """Those of one sender that are new; taken from `left`, which is in the order of the senders."""
    return tuple([left.pop(0) for one in given if left and left[0] is one])
