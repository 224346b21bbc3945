"""Two `alertbot serve` on one database, and a worker beside them: one polls at a time, both are ready, and another polls
when that one is killed or stands still."""

import http.server
import json
import os
import signal
import subprocess
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

from tests import program

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


def configured(folder: Path, name: str, database: str, source: Source, **more: Any) -> Path:
    """A configuration of its own only in whom it says it is when it polls."""
    there = make_url(database)
    address = f"postgresql://{there.username}@{there.host or ''}/{there.database}"
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
def started(config: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [program.PROGRAM, "--config", str(config), *words],
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
