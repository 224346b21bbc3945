"""Two `alertbot serve` on one database, and a worker beside them: one polls at a time, both are ready, and another polls
when that one is killed or stands still."""

import asyncio
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from tests import program, severing
from tests.severing import Machine, why_no_machines

pytestmark = [pytest.mark.postgres, pytest.mark.thorough]

LIMIT = 60.0
TAKEN_OVER = 30.0  # promised on a machine that is not busy; twice that is waited for
STATE = {"page": {"id": "x"}, "components": [], "incidents": [], "status": {"indicator": "none"}}


class Source:
    """A status page that counts who asks it."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        source = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked[self.path.rpartition("?")[2]] += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(STATE).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self._server.server_port}/state.json"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.close()


def configured(
    folder: Path, name: str, database: str, source: "Source | Neighbour", **more: Any
) -> Path:
    """A configuration of its own only in whom it says it is when it polls."""
    there = make_url(database)
    port = f":{there.port}" if there.port else ""
    address = f"postgresql://{there.username}@{there.host or ''}{port}/{there.database}"
    address += "?" + "&".join(f"{key}={value}" for key, value in there.query.items())
    polled = {"type": "statuspage", "poll": {"url": f"{source.address}?{name}", "every": "1s"}}
    config = {
        "organisation": {"name": "Préfecture de l'Exemple", "sandbox": True},
        "database": address,
        "sources": {"page": polled},
        "channels": {"screen": {"type": "console", "audience": "team"}},
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(config | more), "utf-8")
    return path


@contextmanager
def started(config: Path, *words: str, on: Machine | None = None) -> Iterator["subprocess.Popen[str]"]:
    command = [program.PROGRAM, "--config", str(config), *words]
    process = subprocess.Popen(
        on.command(*command) if on else command,
        env=program.surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def told(process: "subprocess.Popen[str]") -> str:
    """The address that it serves on, once it runs."""
    assert process.stdout is not None
    first = process.stdout.readline()
    for line in process.stdout:
        if "worker is running" in line:
            break
    return first.split()[2].rstrip(";")


def until(condition: Callable[[], bool], seconds: float = LIMIT) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_one_polls_at_a_time_and_the_other_follows(
    postgres_url: str, source: Source, tmp_path: Path
) -> None:
    a, b = (configured(tmp_path, name, postgres_url, source, runner="procrastinate") for name in "ab")
    with started(a, "serve", "--port", "0") as first, started(b, "worker") as worker:
        addresses = [told(first)]
        until(lambda: source.asked["a"] > 1)
        with started(b, "serve", "--port", "0") as second:
            addresses.append(told(second))
            until(lambda: _status(a)["standing_by"] != [])
            for one in addresses:
                until(lambda one=one: _ready(one))  # type: ignore[misc]
            assert source.asked["b"] == 0
            first.send_signal(signal.SIGSTOP)
            until(lambda: source.asked["b"] > 1, 2 * TAKEN_OVER)
            asked = source.asked["a"]
            os.kill(first.pid, signal.SIGCONT)
            until(lambda: _status(b) == _both(second, first))
            assert source.asked["a"] <= asked + 1  # the answer to a question of before
            second.kill()
            second.wait(LIMIT)
            until(lambda: source.asked["a"] > asked + 1, 2 * TAKEN_OVER)
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(LIMIT) == 0


def _status(config: Path) -> dict[str, Any]:
    answer = program.run("--config", str(config), "status", "--json")
    assert answer.code == 0, answer.err
    found: dict[str, Any] = answer.json["worker"]["watching"]
    return found


def _both(leader: "subprocess.Popen[str]", other: "subprocess.Popen[str]") -> dict[str, Any]:
    host = os.uname().nodename
    return {"by": f"{host}:{leader.pid}", "standing_by": [f"{host}:{other.pid}"]}


def _ready(address: str) -> bool:
    return httpx.get(f"{address}/readyz", timeout=LIMIT).status_code == 200


ASKED = """
import http.server, json, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[1], "a") as file:
            file.write(f"{time.monotonic()}\\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Neighbour:
    """Another machine with `alertbot serve` on it, and a status page that notes when it is asked."""

    def __init__(self, number: int, folder: Path) -> None:
        self.machine = Machine(number)
        self.notes = folder / f"asked{number}"
        self.notes.touch()
        self.address = ""

    @contextmanager
    def up(self) -> Iterator[None]:
        self.machine.make()
        try:
            command = self.machine.command(
                sys.executable, "-c", ASKED, str(self.notes), json.dumps(STATE)
            )
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as page:
                assert page.stdout is not None
                self.address = f"http://127.0.0.1:{page.stdout.readline().strip()}/state.json"
                try:
                    yield
                finally:
                    page.kill()
        finally:
            self.machine.remove()

    def asked(self) -> list[float]:
        """When its own `serve` asked."""
        return [float(line) for line in self.notes.read_text().splitlines()]


@pytest.fixture
def neighbours(tmp_path: Path) -> Iterator[tuple[Neighbour, Neighbour]]:
    if why := why_no_machines():
        assert shutil.which("ip") or not os.environ.get("CI"), why
        pytest.skip(why)
    first, second = Neighbour(1, tmp_path), Neighbour(2, tmp_path)
    with first.up(), second.up():
        yield first, second


@pytest.mark.parametrize("cut", ["packets", "cable"])
async def test_a_machine_that_is_cut_off_is_followed_within_30_s_and_never_two_watch(
    postgres_url: str, neighbours: tuple[Neighbour, Neighbour], tmp_path: Path, cut: str
) -> None:
    """Two machines of their own, each with its wire to the database. Nobody is told that the first wire is cut: no
    connection is refused or reset."""
    first, second = neighbours
    async with (
        severing.door_to(postgres_url, first.machine.here) as one,
        severing.door_to(postgres_url, second.machine.here) as two,
    ):
        a = configured(tmp_path, "a", one.address, first)
        b = configured(tmp_path, "b", two.address, second)
        await asyncio.to_thread(_cut_off, a, b, first, second, cut, postgres_url)


def _cut_off(
    a: Path, b: Path, first: Neighbour, second: Neighbour, cut: str, postgres_url: str
) -> None:
    wire = first.machine
    lose, find = (wire.lose_packets, wire.find_packets) if cut == "packets" else (wire.pull, wire.plug)
    with started(a, "serve", "--port", "0", on=wire) as leader:
        told(leader)
        until(lambda: len(first.asked()) > 2)
        with started(b, "serve", "--port", "0", on=second.machine) as other:
            told(other)
            here = configured(a.parent, "here", postgres_url, first)
            until(lambda: _status(here)["standing_by"] != [])
            assert second.asked() == []
            lose()
            severed = time.monotonic()
            until(lambda: len(second.asked()) > 1, 2 * TAKEN_OVER)
            taken = second.asked()[0]
            assert taken - severed <= TAKEN_OVER
            assert first.asked()[-1] < taken, "both asked at the same time"
            time.sleep(2)
            quiet = len(first.asked())
            find()
            until(lambda: _status(here)["standing_by"] != [], 2 * TAKEN_OVER)
            assert len(first.asked()) == quiet, "the one that was cut off went on"
            assert leader.poll() is None
            assert other.poll() is None
            asked = len(second.asked())
            until(lambda: len(second.asked()) > asked + 1)
