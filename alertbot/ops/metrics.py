"""Metrics: totals from the database, and what only this process knows."""

import asyncio
from collections import Counter
from dataclasses import field

from alertbot.core.frozen import dataclass
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts
from alertbot.ops import store_metrics
from alertbot.ops.store_metrics import AlertDeliveries, ChannelFigures
from alertbot.watch.context import WATCH, WatchContext
from alertbot.watch.witness import store_looks


@dataclass(frozen=True, slots=True)
class Measured:
    """All metrics at one time. `signals` by (source, observed), `decisions` by (action, reason),
    `deliveries` by (channel, state), `failures` by (channel, class) and `unheeded` by (source, why) since
    this process started;
    `witnessed` by (channel, verdict); `visible_after`: seconds from acceptance to the first look that saw the last
    delivery, by channel; `first_posts`: seconds from the first report of trouble to the first post, once per incident
    opened."""

    signals: Counter[tuple[str, str]]
    quarantined: Counter[str]
    decisions: Counter[tuple[str, str]]
    incidents: Counter[str]
    deliveries: Counter[tuple[str, str]]
    lines: tuple[ChannelFigures, ...]
    failures: Counter[tuple[str, str]]
    unheeded: Counter[tuple[str, str]]
    first_posts: tuple[float, ...]
    witnessed: dict[tuple[str, str], int]
    visible_after: dict[str, float]
    halted: bool
    worker: bool
    watch: bool


OVERLAP = 100  # a lot is seen late if its transaction is: PostgreSQL gives out numbers before


@dataclass
class Measures:
    """Remembers totals that cannot change any more, so that the next scrape counts only what is new or
    open."""

    service: WatchContext
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last_signal: int = 0
    _signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last_lot: int = 0
    _counted: set[int] = field(default_factory=set)  # of the last ones, those in `_over`
    _moving: frozenset[int] = frozenset()  # those that may still change
    _over: Counter[tuple[str, str]] = field(default_factory=Counter)
    _first_posts: dict[int, float] = field(default_factory=dict)

    async def take(self) -> Measured:
        """Measure in one read transaction. Raises `StoreFailed`."""
        async with self._turn:
            return await self.service.database.read(self._look)

    async def _look(self, conn: Connection) -> Measured:
        await self._count_signals(conn)
        pulse = self.service.pulse
        return Measured(
            signals=Counter(self._signals),
            quarantined=await store_metrics.quarantined(conn),
            decisions=await store_metrics.decisions(conn),
            incidents=await store_metrics.open_incidents(conn),
            deliveries=await self._deliveries(conn),
            lines=await store_metrics.lines(conn),
            failures=Counter(pulse.failures),
            unheeded=Counter(pulse.unheeded),
            first_posts=await self._posts(conn),
            witnessed=await store_looks.totals(conn),
            visible_after=await store_looks.delays(conn),
            halted=await store_accounts.everything_halted(conn),
            worker=await store_accounts.any_alive(conn),
            watch=pulse.alive(WATCH),
        )

    async def _count_signals(self, conn: Connection) -> None:
        """Count reports. Deleted ones stay counted, unless their numbers may be reused: then all are
        counted again."""
        if await store_metrics.last_signal(conn) < self._last_signal:
            self._last_signal, self._signals = 0, Counter()
        self._last_signal, fresh = await store_metrics.signals(conn, after=self._last_signal)
        self._signals += fresh

    async def _deliveries(self, conn: Connection) -> Counter[tuple[str, str]]:
        found = await store_metrics.lots(conn, after=self._last_lot - OVERLAP, again=self._moving)
        lots = {one.id: one for one in found if one.id not in self._counted}.values()
        states = await store_metrics.states(conn, [one.id for one in lots])
        moving: dict[int, Counter[tuple[str, str]]] = {}
        for one in lots:
            counted = _of_channel(one, states.get(one.id, Counter()))
            if one.over:
                self._over += counted
                self._counted.add(one.id)
            else:
                moving[one.id] = counted
        self._moving = frozenset(moving)
        self._last_lot = max((self._last_lot, *(one.id for one in lots)))
        self._counted = {one for one in self._counted if one > self._last_lot - OVERLAP}
        return sum(moving.values(), Counter(self._over))

    async def _posts(self, conn: Connection) -> tuple[float, ...]:
        for one in await store_metrics.beginnings(conn, self._first_posts.keys()):
            self._first_posts[one.decision] = max(0.0, one.published_at - one.reported_at)
        return tuple(self._first_posts.values())


def _of_channel(lot: AlertDeliveries, states: Counter[str]) -> Counter[tuple[str, str]]:
    return Counter({(lot.channel, state): count for state, count in states.items()})
