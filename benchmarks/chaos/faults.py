"""Faults of processes, disks, databases and clocks, on the engine with its real mail adapter."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from alertbot.core.errors import AlertbotError
from alertbot.db.tables import delivery
from alertbot.delivery import store_accounts, store_outbox
from alertbot.delivery.store_outbox import SettleDecision
from benchmarks.chaos.nursery import alive, gone, signal_to
from benchmarks.chaos.stage import (
    LEASE_SECONDS,
    NotHere,
    Round,
    Tally,
    filled,
    locked,
    set_clock,
    until,
)

BOTH = ("sqlite", "postgresql")
SMALL_DISK = "3m"
CONNECTIONS = 4  # of the mail adapter, unless it is told otherwise


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`play` plays it once, on one of the databases `on`."""

    name: str
    play: Callable[[Round], Awaitable[Tally]]
    on: tuple[str, ...] = BOTH


async def killed(one: Round) -> Tally:
    """Two workers; one or both are killed at a random moment, once or twice."""
    count = one.dice.randint(20, 200)
    await one.put(count)
    one.start(2)
    for kill in range(one.dice.randint(1, 2)):
        await one.sending(one.dice.randint(1, count // 2) if not kill else 1)
        await asyncio.sleep(one.dice.random() * 0.2)
        for pid in one.dice.sample(one.workers, one.dice.randint(1, len(one.workers))):
            await one.kill(pid)
        one.start(2 - len(one.workers))
    return await one.tally(alone=await one.settled(workers=2))


async def stopped(one: Round) -> Tally:
    """One of two workers stands still for longer than its lease and then goes on as if nothing had been."""
    await one.put(one.dice.randint(60, 200))
    frozen, _other = one.start(2)
    await one.sending(one.dice.randint(1, 20))
    await one.freeze(frozen)
    await asyncio.sleep(LEASE_SECONDS * (1.5 + one.dice.random()))
    signal_to(frozen, signal.SIGCONT)
    return await one.tally(alone=await one.settled() and await _answered(one))


async def _answered(one: Round) -> bool:
    """Late answers still count: give them time to be written. What a worker that stood still had not begun, and
    others took for perhaps sent, it gives back: give that time to be sent."""
    await asyncio.sleep(0.3)
    return await one.settled()


async def settled_meanwhile(one: Round) -> Tally:
    """A worker stands still; what it had in flight becomes uncertain; a person settles it; the worker goes on."""
    await one.put(one.dice.randint(60, 200))
    frozen = one.start()[0]
    await one.sending(one.dice.randint(1, 30))
    held = await one.freeze_between(frozen)
    begun = one.stage.journal.begun()
    one.workers.remove(frozen)
    await one.settled()
    dropped, again = await _decided(one, held)
    await one.settled()
    one.workers.append(frozen)
    signal_to(frozen, signal.SIGCONT)
    settled = await one.settled() and await _answered(one)
    known = {n: f"r{n - one.ids[0]}@example.org" for n in one.ids}
    tally = await one.tally(alone=settled)
    # a person's own word: what is dropped is not lost; and what they have sent again comes twice where the call had
    # begun, which the receiving end knows of all but the few that stood between the last look and the first byte
    taken = one.stage.journal.taken()
    twice = {n for n in again if taken[f"{one.alert}.{n}"] == 2}
    unknown = [n for n in twice if known[n] not in begun]
    own = len(twice) - max(0, len(unknown) - CONNECTIONS)
    changed = await _states(one, dropped)
    return Tally(
        deliveries=tally.deliveries,
        lost=tally.lost - sum(state == "failed" for state in changed),
        doubled=tally.doubled - own,
        uncertain=tally.uncertain,
        wrong=tally.wrong,
        alone=tally.alone,
        message=tally.message,
    )


async def _decided(one: Round, held: set[int]) -> tuple[set[int], set[int]]:
    """A person's word on each: it was sent, forget it, or send it again."""
    taken, words = one.stage.journal.taken(), {}
    for number in sorted(held):
        arrived = taken[f"{one.alert}.{number}"]  # nobody says "sent" of what never arrived
        choice = list(SettleDecision) if arrived else [SettleDecision.DROP, SettleDecision.RESEND]
        words[number] = one.dice.choice(choice)
        try:
            await one.ask(
                lambda conn, n=number, w=words[number]: store_outbox.decide(conn, n, w),  # type: ignore[misc]
                write=True,
            )
        except AlertbotError as error:
            one.said.append(str(error))
    return (
        {n for n, word in words.items() if word is SettleDecision.DROP},
        {n for n, word in words.items() if word is SettleDecision.RESEND},
    )


async def _states(one: Round, ids: set[int]) -> list[str]:
    found = select(delivery.c.state).where(delivery.c.id.in_(ids))

    async def look(conn):  # type: ignore[no-untyped-def]
        return list(await conn.scalars(found))

    return list(await one.ask(look))


async def file_locked(one: Round) -> Tally:
    """Another program keeps the file locked for a while."""
    await one.put(one.dice.randint(20, 120))
    one.start(one.dice.randint(1, 2))
    await one.sending(one.dice.randint(1, 10))
    other = locked(one.folder / "alertbot.db")
    await asyncio.sleep(0.2 + one.dice.random())
    other.close()
    return await one.tally(alone=await one.settled(workers=0))


async def disk_full(one: Round) -> Tally:
    """The disk under the database is full for a while."""
    ballast = filled(await _on_small_disk(one))
    await asyncio.sleep(0.3 + one.dice.random() * 0.5)
    ballast.unlink()
    return await one.tally(alone=await one.settled(workers=0))


async def _on_small_disk(one: Round) -> Path:
    """Workers at work on a small disk of their own."""
    if one.dialect == "postgresql":
        if not one.stage.server.disk:
            raise NotHere("this machine does not let us mount a small disk")
        folder = one.stage.server.folder
    else:
        folder = one.small_disk(SMALL_DISK)
        shutil.move(one.folder / "alertbot.db", folder / "alertbot.db")
        one.url = f"sqlite:///{folder}/alertbot.db"
    await one.put(one.dice.randint(40, 150))
    one.start(one.dice.randint(1, 2))
    await one.sending(one.dice.randint(1, 10))
    return folder


async def read_only(one: Round) -> Tally:
    """The workers are killed, the disk comes back read-only, workers start on it, and it is put right."""
    folder = await _on_small_disk(one)
    for pid in list(one.workers):
        await one.kill(pid)
    await one.close()
    _remount(folder, "ro")
    for pid in one.start(2):
        gone(pid)
    one.workers.clear()
    _remount(folder, "rw")
    return await one.tally(alone=await one.settled())


def _remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True, capture_output=True)


async def replaced(one: Round) -> Tally:
    """The database file gives way to a copy of itself, as of an earlier moment, or to nothing at all."""
    await one.put(one.dice.randint(60, 200))
    path = one.folder / "alertbot.db"
    one.start(2)
    await one.sending(one.dice.randint(1, 30))
    with sqlite3.connect(path) as source, sqlite3.connect(path.with_suffix(".copy")) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    kept = [(path, path.with_suffix(".aside")), (_log_of(path), path.with_suffix(".log"))]
    for there, aside in kept:
        os.link(there, aside)
    await one.close()
    path.with_suffix(".copy").replace(path) if one.dice.random() < 0.7 else path.unlink()
    await until(lambda: not any(map(alive, one.workers)))
    one.workers.clear()
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    for there, aside in kept:  # as it was, with what was written to it
        aside.replace(there)
    one.flying |= await _sending(one)
    return await one.tally(alone=await one.settled())


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


async def _sending(one: Round) -> set[int]:
    async def look(conn):  # type: ignore[no-untyped-def]
        wanted = select(delivery.c.id).where(delivery.c.state == "sending")
        return set(await conn.scalars(wanted))

    return set(await one.ask(look))


async def halted(one: Round) -> Tally:
    """Halted and resumed by another process, at paces from five a second to none."""
    one.per_second = one.dice.choice([5.0, 30.0, 200.0, None])
    await one.put(12 if one.per_second == 5.0 else one.dice.randint(40, 150))
    one.start(2)
    await one.sending()
    for _halt in range(one.dice.randint(1, 3)):
        await one.ask(lambda conn: store_accounts.set_halt(conn, True), write=True)
        while await _sending(one):  # what was begun before ends
            await asyncio.sleep(0.02)
        still = one.stage.journal.taken().total()
        await asyncio.sleep(0.2)
        one.lost += one.stage.journal.taken().total() - still  # a call after the halt
        await one.ask(lambda conn: store_accounts.set_halt(conn, False), write=True)
        await asyncio.sleep(one.dice.random() * 0.3)
    return await one.tally(alone=await one.settled(workers=0))


async def backend_shot(one: Round) -> Tally:
    """One process of PostgreSQL is killed within a commit where one is met, else within any statement: the server
    ends all others and recovers."""
    await one.put(one.dice.randint(60, 200))
    one.start(2)
    await one.sending(one.dice.randint(1, 10))
    server = one.stage.server
    busy: list[tuple[int, str]] = []
    for _look in range(60):
        busy = server.backends()
        if any(query.upper().startswith("COMMIT") for _pid, query in busy):
            break
    for pid, _query in sorted(busy, key=lambda row: not row[1].upper().startswith("COMMIT"))[:1]:
        signal_to(pid, signal.SIGKILL)
    server.again()
    return await one.tally(alone=await one.settled(workers=0))


async def server_shot(one: Round) -> Tally:
    """PostgreSQL is killed at a random moment, and comes back after another."""
    await one.put(one.dice.randint(60, 200))
    one.start(2)
    await asyncio.sleep(one.dice.random() * 0.5)
    await one.sending()
    server = one.stage.server
    pid = server.pid()
    signal_to(pid, signal.SIGKILL)
    await asyncio.sleep(one.dice.random() * 0.5)
    server.again()
    return await one.tally(alone=await one.settled(workers=0))


async def clocks_apart(one: Round) -> Tally:
    """Two machines with clocks hours apart, on one PostgreSQL; one is killed."""
    pairs = one.stage.clocks()
    for number, (_nursery, path) in enumerate(pairs):
        set_clock(path, (-1) ** number * one.dice.randint(600, 20_000))
    await one.put(one.dice.randint(40, 150))
    for nursery, _path in pairs:
        one.start(1, nursery)
    await one.sending(one.dice.randint(1, 10))
    await one.kill(one.dice.choice(one.workers))
    return await one.tally(alone=await one.settled())


async def clock_leaps(one: Round) -> Tally:
    """The machine's clock leaps by hours or days while the worker sends on SQLite, and is put right."""
    nursery, path = one.stage.clocks()[0]
    set_clock(path, 0)
    await one.put(one.dice.randint(40, 120))
    one.start(1, nursery)
    await one.sending(one.dice.randint(1, 10))
    set_clock(path, one.dice.choice([-1, 1]) * one.dice.randint(700, 200_000))
    await asyncio.sleep(0.3 + one.dice.random() * 0.5)
    set_clock(path, 0)
    return await one.tally(alone=await one.settled(workers=0))


ENGINE = (
    Fault(name="a worker killed (SIGKILL)", play=killed),
    Fault(name="a worker stopped past its lease (SIGSTOP)", play=stopped),
    Fault(name="late answers after a person settled", play=settled_meanwhile),
    Fault(name="a process of PostgreSQL killed in a commit", play=backend_shot, on=("postgresql",)),
    Fault(name="PostgreSQL killed and started again", play=server_shot, on=("postgresql",)),
    Fault(name="disk full under the database", play=disk_full),
    Fault(name="disk read-only at the start", play=read_only, on=("sqlite",)),
    Fault(name="the file locked by another program", play=file_locked, on=("sqlite",)),
    Fault(name="the file replaced or removed", play=replaced, on=("sqlite",)),
    Fault(name="halts at every pace", play=halted),
    Fault(name="clocks hours apart", play=clocks_apart, on=("postgresql",)),
    Fault(name="the clock leaps", play=clock_leaps, on=("sqlite",)),
)
