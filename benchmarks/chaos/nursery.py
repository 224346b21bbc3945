"""Workers and commands that are made to be killed: a process that has loaded everything and forks, so that one more
costs some milliseconds. `python -m benchmarks.chaos.nursery` reads orders, a JSON object a line, and prints the
process id of each."""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.ext.compiler import compiles

from alertbot import cli
from alertbot.app import build
from alertbot.channels.email.adapter import EmailAdapter
from alertbot.cli import command_groups, commands
from alertbot.core.model import Channel
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.delivery.runners import LocalRunner
from alertbot.ops import working

CLOCK = (
    "CHAOS_CLOCK"  # names the file with the seconds by which the clock of a nursery's children is wrong
)
LOADED = (command_groups, commands, build, working)  # by whoever is forked
ROOT = Path(__file__).parents[2]
CHANNEL = "press"
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
POLL_SECONDS = 0.2
END_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class WorkerOrder:
    """A worker of one mail channel on a database."""

    url: str
    port: int
    lease: float
    log: str
    per_second: float | None = None


@dataclass(frozen=True, kw_only=True)
class CommandOrder:
    """One command of the program. Its exit code stands in the file of the log's name and `.code`."""

    arguments: Sequence[str]
    folder: str
    log: str
    environment: Mapping[str, str] = field(default_factory=dict)


def mail(port: int, per_second: float | None = None) -> EmailAdapter:
    """The real adapter, for the receiver at this port."""
    settings = EmailAdapter.settings_type(
        type="email", host="127.0.0.1", port=port, security="none",
        sender="alerte@example.org", recipients=("a@example.org",),
    )  # fmt: skip
    return EmailAdapter(channel(per_second), settings)


def channel(per_second: float | None = None) -> Channel:
    """The only channel of these workers."""
    from alertbot.core.model import Pace

    return Channel(CHANNEL, EmailAdapter.spec, ("fr",), pace=Pace(per_second=per_second))


async def work(order: WorkerOrder) -> None:
    """Send until killed, or until SIGTERM."""
    database = await Database.open(order.url, migrate=False)
    adapters = {CHANNEL: mail(order.port, order.per_second)}
    runner = LocalRunner(database, adapters, lease=order.lease, poll=POLL_SECONDS)
    await runner.run(working.stop_signal())


def shifted(path: Path) -> None:
    """The clock of this process, and of what it forks, is wrong by the seconds in this file: Python's own and that of
    SQLite's statements. (libfaketime, which does the same from outside, slows threads down to a crawl.)"""
    true, connect = time.time, sqlite3.connect

    def shift() -> float:
        return float(path.read_text(encoding="utf-8"))

    def opened(*given: Any, **named: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*given, **named)
        made.create_function("chaos_shift", 0, shift)
        return made

    def shifted_now(_element: Any, _compiler: Any, **_options: Any) -> str:
        return "((julianday('now') - 2440587.5) * 86400.0 + chaos_shift())"

    time.time = lambda: true() + shift()
    sqlite3.connect = opened  # type: ignore[assignment]
    sqlite3.dbapi2.connect = opened  # type: ignore[assignment]
    compiles(type(NOW), "sqlite")(shifted_now)


def serve() -> None:
    """Fork for every order."""
    if CLOCK in os.environ:
        shifted(Path(os.environ[CLOCK]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        given = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_child(given))
        print(pid, flush=True)


def _child(given: dict[str, object]) -> int:
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = str(given["log"])
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        if "url" in given:
            logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stderr)
            asyncio.run(work(WorkerOrder(**given)))  # type: ignore[arg-type]
            return 0
        return _command(CommandOrder(**given))  # type: ignore[arg-type]
    except BaseException as error:  # noqa: BLE001 - told in the log: it is all that is left of the process
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _command(order: CommandOrder) -> int:
    os.chdir(order.folder)
    for name in [name for name in os.environ if name.startswith("ALERTBOT")]:
        del os.environ[name]
    os.environ.update(order.environment)
    code = cli.run(list(order.arguments))
    sys.stdout.flush()
    Path(f"{order.log}.code").write_text(str(code), encoding="utf-8")
    return code


class Nursery:
    """The forking process, from outside. `environment` is that of all its children."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.chaos.nursery"],
            cwd=ROOT,
            env={**os.environ, "LANGUAGE": "en", "NO_COLOR": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, order: WorkerOrder | CommandOrder) -> int:
        """The process id of a new child."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it, and with it all that it forked."""
        self._process.kill()
        self._process.communicate()


def alive(pid: int) -> bool:
    """Whether a child still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def signal_to(pid: int, sign: signal.Signals) -> None:
    """As `kill`, also for one that has ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, sign)


def gone(pid: int, seconds: float = END_SECONDS) -> None:
    """Wait until a child has ended. Raises `TimeoutError`."""
    until = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > until:
            raise TimeoutError(f"process {pid} does not end")
        time.sleep(0.002)


if __name__ == "__main__":
    serve()
