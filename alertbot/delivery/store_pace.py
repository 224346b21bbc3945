"""The pace of calls over all workers: targets that are busy are not claimed, and the moment of each call is noted with its
intent (see `rules_pace`). Whoever notes moments has locked the account."""

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, literal_column, select, text, update

from alertbot.db import sql
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import account, delivery, pace, spent
from alertbot.delivery.rules_pace import (
    NEAR,
    CallMoment,
    WindowLimit,
    free_from,
    kept,
    limit_of,
    moment,
    target_limits,
)
from alertbot.delivery.store_accounts import Want

Accounts = Mapping[int, Any]


class ClockReading(NamedTuple):
    """The database's clock, and the moments at which it was asked and heard, by the monotonic clock."""

    now: float
    asked: float
    heard: float


class BegunCall(NamedTuple):
    """`at`: when it began, by the database's clock; None: it did not begin at its moment."""

    want: Want
    moment: CallMoment
    at: float | None = None


class Given(NamedTuple):
    """When calls of paced accounts may begin, by delivery. `later`: those that may not yet, each with the seconds to
    wait before asking again. `begun`: what is known now of earlier ones."""

    moments: dict[int, CallMoment]
    later: dict[int, float]
    begun: tuple[BegunCall, ...] = ()
    clock: ClockReading | None = None


NOTHING_GIVEN = Given({}, {})
_ACCOUNTS = select(account.c.id, account.c.gap, account.c.chat_gap, account.c.shares).where(
    account.c.id.in_(bindparam("ids", expanding=True))
)
_LOCK = text(
    "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(:key)"
)  # where other locks are, it is the last
_CLOCK = select(NOW.label("now")).subquery("clock")
_NOTED = select(_CLOCK.c.now, pace.c.key, pace.c.begun).select_from(
    _CLOCK.outerjoin(pace, pace.c.key.in_(bindparam("keys", expanding=True)))
)


class Paces:
    """What is noted about the accounts of some wants, as long as their rows are locked."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._noted: dict[str, list[float]] = {}
        self._changed: dict[str, list[WindowLimit]] = {}
        self.clock = ClockReading(0.0, 0.0, 0.0)

    async def read(self, conn: Connection, wants: Sequence[Want]) -> "Paces":
        """Read what is noted about these."""
        keys = sorted({key for want in wants for key in self._limits(want)})
        asked = time.monotonic()
        rows = (await conn.execute(_NOTED, {"keys": keys})).all()
        self.clock = ClockReading(float(rows[0].now), asked, time.monotonic())
        found = {row.key: row.begun or [] for row in rows if row.key is not None}
        self._noted = {key: found.get(key, []) for key in keys}
        return self

    def _limits(self, want: Want) -> dict[str, list[WindowLimit]]:
        """What the call counts against, by the key under which it is noted."""
        row = self._accounts.get(want.account)
        if row is None:
            return {}
        limits = {f"{row.id}": limit_of(row.gap)}
        if want.target:
            key = f"{row.id}:{want.target}"
            limits[key] = target_limits(want.target, row.chat_gap, row.shares)
        return {key: found for key, found in limits.items() if found}

    def correct(self, begun: Iterable["BegunCall"]) -> None:
        """These have begun at last, or did not begin when they should have."""
        for want, missed, at in begun:
            for key, limits in self._limits(want).items():
                noted = self._noted.get(key, [])
                if missed.latest in noted:
                    self._changed[key] = limits
                    noted.remove(missed.latest)
                    noted += [] if at is None else [at]
                    noted.sort()

    def give(self, wants: Iterable[Want], late: float) -> Given:
        """Moments for these, in the order of their slots; nothing is noted yet."""
        now, given = self.clock.now, Given({}, {})
        noted = {key: list(times) for key, times in self._noted.items()}
        for want in sorted(wants, key=lambda one: (one.slot, one.id)):
            if want.account not in self._accounts:
                continue
            limits = self._limits(want)
            free = [free_from(noted[key], those) for key, those in limits.items()]
            earliest = max([want.slot, *free])
            if earliest > now + NEAR:
                given.later[want.id] = earliest - now - 0.8 * NEAR
                continue
            given.moments[want.id] = moment(earliest, now, late)
            for key, those in limits.items():
                noted[key] = kept([*noted[key], given.moments[want.id].latest], those, now)
        return given

    async def note(
        self, conn: Connection, wants: Sequence[Want], moments: Mapping[int, CallMoment]
    ) -> None:
        """Write down when these may begin, and what was put right."""
        for want in wants:
            for key, limits in self._limits(want).items():
                self._changed[key] = limits
                if want.id in moments:
                    self._noted[key] += [moments[want.id].latest]
        if self._changed:
            rows = [self._row(*one) for one in sorted(self._changed.items())]
            first = sql.upsert(conn, pace)
            free = first.excluded.next_free
            later = case((pace.c.next_free > free, pace.c.next_free), else_=free)
            change = {"begun": first.excluded.begun, "next_free": later}
            await conn.execute(
                first.on_conflict_do_update(index_elements=[pace.c.key], set_=change), rows
            )

    def _row(self, key: str, limits: list[WindowLimit]) -> dict[str, Any]:
        times = kept(self._noted[key], limits, self.clock.now)
        return {"key": key, "begun": times, "next_free": free_from(times, limits)}


async def give(
    conn: Connection, wants: Sequence[Want], late: float, begun: Sequence[BegunCall] = ()
) -> Given:
    """Give the calls moments, each to begin at most `late` seconds after it may. `begun`: what became of earlier ones.

    On PostgreSQL in a transaction of its own that waits for no disk: all workers of an account queue for it. If the
    server crashes, it takes longer to come back than what it forgot is needed for."""
    ids = sorted({want.account for want in wants})
    rows = await conn.execute(_ACCOUNTS, {"ids": ids})
    accounts = {int(row.id): row for row in rows}
    if conn.dialect.name == "postgresql":
        for number in ids:
            await conn.execute(_LOCK, {"key": zlib.crc32(f"alertbot pace {number}".encode())})
    paces = await Paces(accounts).read(conn, wants)
    paces.correct(begun)
    given = paces.give(wants, late)
    await paces.note(conn, wants, given.moments)
    for one in begun:
        if one.at is None and one.want.id in given.moments:
            used = spent.c.account_id == one.want.account, spent.c.at == one.moment.latest
            again = given.moments[one.want.id].latest
            await conn.execute(update(spent).where(*used).values(at=again))
    return given._replace(begun=tuple(begun), clock=paces.clock)


async def put_back(conn: Connection, waits: Mapping[int, float], *, worker: str | None = None) -> None:
    """Release these claimed deliveries until so many seconds from now."""
    held = (delivery.c.id == bindparam("row")) & (delivery.c.state == literal_column("'claimed'"))
    mine = held if worker is None else held & (delivery.c.worker == worker)
    if waits:
        await conn.execute(
            update(delivery)
            .where(mine)
            .values(state="pending", worker=None, lease_until=None, retry_at=NOW + bindparam("wait")),
            [{"row": row, "wait": wait} for row, wait in sorted(waits.items())],
        )
