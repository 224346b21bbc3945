"""The accounts that deliveries go through: how fast, how much, and whether at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.errors import Refused
from alertbot.model import Channel
from alertbot.store import bulk
from alertbot.store.clock import NOW
from alertbot.store.deliveries import fence, wake
from alertbot.store.tables import account, dispatch, halt, pace, spent
from alertbot.words import _


@dataclass(frozen=True, slots=True)
class Account:
    """A channel's row. `gap` and `chat_gap` are the least seconds between two calls (0: no limit)."""

    id: int
    name: str
    gap: float
    chat_gap: float


@dataclass(frozen=True, slots=True)
class Push:
    """No call to this account (to this target only, where one is given) before `seconds` from now."""

    account: str
    seconds: float
    reason: str
    target: str | None = None


def _gap(per_second: float | None) -> float:
    return 1.0 / per_second if per_second else 0.0


def _settings(channel: Channel) -> dict[str, Any]:
    budget = channel.budget
    return {
        "gap": _gap(channel.pace.per_second),
        "chat_gap": _gap(channel.pace.per_chat_second),
        "windows": [[calls, length.total_seconds()] for calls, length in channel.pace.windows],
        "budget": budget.amount if budget else None,
        "budget_seconds": budget.per.total_seconds() if budget else None,
    }


async def sync(conn: AsyncConnection, channels: Iterable[Channel]) -> list[Account]:
    """Make the accounts agree with the configuration (see `agree`), and drop what is past."""
    wanted = list(channels)
    await agree(conn, wanted)
    await _forget_past(conn)
    return await named(conn, [channel.name for channel in wanted])


async def agree(conn: AsyncConnection, channels: Iterable[Channel]) -> None:
    """Make the accounts agree with the configuration; what halts, pauses or blocks them stays.

    A block ends where windows or budget were changed: a person has made room.
    """
    rows = (await conn.execute(select(account))).all()
    known = {row.name: row for row in rows}
    for channel in sorted(
        channels, key=lambda one: one.name
    ):  # one order, whatever the configuration's
        await _sync_one(conn, channel.name, _settings(channel), known.get(channel.name))


async def _sync_one(conn: AsyncConnection, name: str, wanted: dict[str, Any], row: Any) -> None:
    if row is None:
        fresh = {"booked_to": 0.0, "halted": False, "blocked_until": 0.0}
        made = bulk.upsert(conn, account).values(name=name, **wanted, **fresh)
        await conn.execute(made.on_conflict_do_nothing(index_elements=[account.c.name]))
        return
    changed = {key: value for key, value in wanted.items() if getattr(row, key) != value}
    if changed.keys() & {"windows", "budget", "budget_seconds"}:
        changed |= {"blocked_until": 0.0, "blocked": None}
    if changed:
        await conn.execute(update(account).where(account.c.id == row.id).values(**changed))


async def _forget_past(conn: AsyncConnection) -> None:
    """Drop what no pace, window or budget asks for any more."""
    await conn.execute(delete(pace).where(pace.c.next_free < NOW - 3600))
    longest = 0.0
    for windows, budget_seconds in await conn.execute(
        select(account.c.windows, account.c.budget_seconds)
    ):
        longest = max([longest, budget_seconds or 0.0, *(length for _calls, length in windows)])
    await conn.execute(delete(spent).where(spent.c.at < NOW - longest - 60))


async def named(conn: AsyncConnection, names: Iterable[str]) -> list[Account]:
    """The accounts of these channels, as far as they exist."""
    wanted = select(account.c.id, account.c.name, account.c.gap, account.c.chat_gap)
    rows = await conn.execute(wanted.where(account.c.name.in_(list(names))).order_by(account.c.id))
    return [Account(*row) for row in rows]


async def names(conn: AsyncConnection) -> list[str]:
    """Every channel that a worker ever made ready."""
    return list(await conn.scalars(select(account.c.name).order_by(account.c.name)))


async def push(conn: AsyncConnection, pushes: Iterable[Push]) -> None:
    """Keep accounts or targets back. A push never shortens an earlier one."""
    for one in sorted(pushes, key=lambda one: (one.account, one.target or "")):
        if one.target is None:
            await block(conn, account.c.name == one.account, one.seconds, one.reason)
        else:
            key = select(account.c.id).where(account.c.name == one.account)
            await keep_free(conn, f"{await conn.scalar(key)}:{one.target}", one.seconds)


async def block(conn: AsyncConnection, which: ColumnElement[bool], seconds: float, reason: str) -> None:
    """No call to the account before `seconds` from now; `reason` says why."""
    later = account.c.blocked_until < NOW + seconds
    await conn.execute(
        update(account).where(which, later).values(blocked_until=NOW + seconds, blocked=reason)
    )


async def keep_free(conn: AsyncConnection, key: str, seconds: float) -> None:
    """Let the target be before `seconds` from now."""
    later = case((pace.c.next_free > NOW + seconds, pace.c.next_free), else_=NOW + seconds)
    first = bulk.upsert(conn, pace).values(key=key, next_free=NOW + seconds)
    await conn.execute(
        first.on_conflict_do_update(index_elements=[pace.c.key], set_={"next_free": later})
    )


async def pause(conn: AsyncConnection, name: str, reason: str) -> bool:
    """Stop using an account until a person has mended it. False where it was paused already."""
    await fence(conn, exclusive=True)
    running = update(account).where(account.c.name == name, account.c.paused.is_(None))
    return (await conn.execute(running.values(paused=reason))).rowcount > 0


async def unpause(conn: AsyncConnection, name: str) -> bool:
    """Use the account again. False where it was not paused."""
    stopped = update(account).where(account.c.name == name, account.c.paused.is_not(None))
    done = await conn.execute(stopped.values(paused=None, blocked_until=0.0, blocked=None))
    await wake(conn)
    return done.rowcount > 0


async def set_halt(
    conn: AsyncConnection, halted: bool, *, channel: str | None = None, alert: str | None = None
) -> None:
    """Halt or resume everything, one channel, or one alert. Once this has committed no further call
    is intended: the intent itself asks. Raises `Refused` for an unknown channel or an alert that has
    no deliveries."""
    await fence(conn, exclusive=True)
    if alert is not None:
        which = dispatch.c.alert_id == alert
        if channel is not None:
            owner = select(account.c.id).where(account.c.name == channel).scalar_subquery()
            which = which & (dispatch.c.account_id == owner)
        changed = await conn.execute(update(dispatch).where(which).values(halted=halted))
        _known(changed.rowcount, _("{name} has no deliveries.").format(name=alert))
    elif channel is not None:
        change = update(account).where(account.c.name == channel).values(halted=halted)
        changed = await conn.execute(change)
        _known(changed.rowcount, _("No channel {name} has been used yet.").format(name=channel))
    else:
        await _halt_everything(conn, halted)
    await wake(conn)


def _known(count: int, sentence: str) -> None:
    if count == 0:
        raise Refused(sentence)


async def _halt_everything(conn: AsyncConnection, halted: bool) -> None:
    done = await conn.execute(update(halt).where(halt.c.id == 1).values(halted=halted))
    if done.rowcount == 0:
        await conn.execute(insert(halt).values(id=1, halted=halted))


async def everything_halted(conn: AsyncConnection) -> bool:
    """Whether `set_halt` for everything holds."""
    return bool(await conn.scalar(select(func.count()).select_from(halt).where(halt.c.halted)))
