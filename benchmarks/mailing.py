"""Mails per second through the whole engine with the shipped defaults, intent and outcome committed for each,
beside nodemailer with a pool and Postfix's smtp-source: the same number of connections, the same text, the same
sink, on one core, in turns. And what a kill and a halt in the middle leave, counted at the receiving end.
Figures only, nothing is asserted."""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import select, update

from alertbot.channels.email.adapter import EmailAdapter
from alertbot.core.model import Channel, Target
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import delivery, message
from alertbot.delivery import store_accounts
from alertbot.delivery.calls import IN_FLIGHT
from alertbot.delivery.ledger import FRESH
from alertbot.delivery.runners import LocalRunner
from benchmarks.engine import on_a_fresh_database
from benchmarks.mail import sink
from benchmarks.sink import BEGUN, TAKEN

MAILS = 10_000
ROUNDS = 3
CONNECTIONS = 4
Run: TypeAlias = dict[str, float]  # figures by name
TEXT = "Un texte d'essai.\n" * 20
HTML = "<!doctype html><html lang=fr><body><p>Un texte d'essai.</p></body></html>"
NODEMAILER = "nodemailer@10.6.1"
INSTALL_SECONDS = 120
QUIET_SECONDS = 0.5  # without a further mail: it has stopped
SCRIPT = """
const [port, mails, connections, text, html] = process.argv.slice(2);
const transport = require("nodemailer").createTransport({
  host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true, pool: true, maxMessages: Infinity,
  maxConnections: Number(connections),
});
const send = (n) => transport.sendMail({
  from: "bench@example.org", to: `reader-${n}@example.org`, subject: "Essai", text, html,
});
(async () => {
  await send(0);
  const begun = process.hrtime.bigint(), before = process.cpuUsage();
  await Promise.all(Array.from({ length: Number(mails) }, (_, n) => send(n)));
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9, cpu = process.cpuUsage(before);
  console.log(seconds, (cpu.user + cpu.system) / 1e6);
  transport.close();
})();
"""


def measure() -> dict[str, object]:
    """The same number of mails by each in turns: medians, and processor time of the sender alone."""
    figures: dict[str, object] = {"mails": MAILS, "runs of each": ROUNDS, "connections": CONNECTIONS}
    runs: dict[str, list[Run]] = {"sqlite": [], "postgresql": []}
    with tempfile.TemporaryDirectory() as folder, _on_one_core():
        for name, missing in (("nodemailer", _installed(folder)), ("smtp-source", _postfix())):
            if missing:
                figures[name] = missing
            else:
                runs[name] = []
        figures["sink"] = "this repository's, in Python" if _postfix() else "Postfix's smtp-sink"
        for _round in range(ROUNDS):
            for name, sent in runs.items():
                sent.append(asyncio.run(_one(name, Path(folder))))
        stopped = [_apart(dialect, "stop") for dialect in ("sqlite", "postgresql")]
    for name, sent in runs.items():
        figures |= _told(name, sent)
    for name, share in (("nodemailer", 3.0), ("smtp-source", 0.3)):
        if name in runs:
            ratios = [
                round(_median(runs[one], "rate") / _median(runs[name], "rate"), 2) for one in DATABASES
            ]
            figures[f"the engine / {name} (SQLite, PostgreSQL; goal {share})"] = ", ".join(
                map(str, ratios)
            )
    return figures | _after_a_stop(stopped)


DATABASES = ("sqlite", "postgresql")


def _told(name: str, sent: list[Run]) -> dict[str, object]:
    who = f"the engine on {name}" if name in DATABASES else name
    rates = [one["rate"] for one in sent]
    figures: dict[str, object] = {
        f"{who}, mails per second (median; lowest, highest)": f"{_median(sent, 'rate'):.0f}; {min(rates):.0f},"
        f" {max(rates):.0f}",
        f"{who}, CPU per mail (ms, median)": round(_median(sent, "cpu_ms"), 3),
    }
    if name in DATABASES:
        figures[f"{who}, memory of the worker, peak (MB)"] = round(max(one["memory"] for one in sent))
    return figures


def _after_a_stop(stopped: list[Run]) -> dict[str, object]:
    def worst(name: str) -> float:
        return max(one[name] for one in stopped)

    return {
        "kill -9 in the run: uncertain, at most": round(worst("uncertain")),
        "of those taken by the sink": "; ".join(f"{one['uncertain_taken']:.0f}" for one in stopped),
        "of those on their way at that moment": "; ".join(
            f"{one['uncertain_begun']:.0f}" for one in stopped
        ),
        "sent twice, lost, or taken and unknown (kill, then another worker)": round(worst("wrong")),
        "the limit of what a kill makes uncertain (IN_FLIGHT)": IN_FLIGHT,
        "halt: mails begun after it had committed, at most": round(worst("late")),
        "halt: commit to the last mail begun (ms, worst)": round(worst("late_ms"), 1),
        "the limit of that (FRESH, ms)": round(FRESH * 1000),
    }


def _median(runs: list[Run], name: str) -> float:
    return statistics.median(run[name] for run in runs)


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """Everything begun in here shares one core, the sink too."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def _one(name: str, folder: Path) -> Run:
    async with _fast_sink() as port:
        if name in DATABASES:
            return await asyncio.to_thread(_apart, name, "drain", str(port))
        if name == "nodemailer":
            seconds, cpu = await _node(folder, port)
        else:
            seconds, cpu = await asyncio.to_thread(_source, port)
    return {"rate": MAILS / seconds, "cpu_ms": cpu / MAILS * 1000}


@contextlib.asynccontextmanager
async def _fast_sink() -> AsyncIterator[int]:
    """Postfix's sink where it is installed, else ours."""
    if _postfix():
        async with sink() as port:
            yield port
        return
    port = _free_port()
    command = ["smtp-sink", *(("-u", "root") if os.geteuid() == 0 else ()), f"127.0.0.1:{port}", "100"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await _until_it_listens(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _until_it_listens(port: int) -> None:
    for _number in range(500):
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise RuntimeError("smtp-sink did not begin to listen")


def _postfix() -> str | None:
    """Why smtp-source and smtp-sink are not measured; None: they are."""
    if shutil.which("smtp-source") and shutil.which("smtp-sink"):
        return None
    return "not measured: smtp-source and smtp-sink are not here (Debian: apt install postfix)"


def _source(port: int) -> tuple[float, float]:
    command = ["smtp-source", "-d", "-s", str(CONNECTIONS), "-m", str(MAILS), "-l", str(_size())]
    command += ["-f", "bench@example.org", "-t", "reader@example.org", f"127.0.0.1:{port}"]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _size() -> int:
    """About the bytes of one of the mails: text, HTML, headers."""
    return len(TEXT) + len(HTML) + 900


def _installed(folder: str) -> str | None:
    """Why nodemailer could not be installed there; None: it was."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "not measured: node or npm is not here"
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, NODEMAILER]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return f"not measured: npm could not install {NODEMAILER}"
    return None


async def _node(folder: Path, port: int) -> tuple[float, float]:
    script = folder / "send.js"
    script.write_text(SCRIPT, encoding="utf-8")
    words = ["node", str(script), str(port), str(MAILS), str(CONNECTIONS), TEXT, HTML]
    node = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    out, _nothing = await node.communicate()
    seconds, cpu = out.split()
    return float(seconds), float(cpu)


def _apart(*words: str) -> Run:
    """Measured in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.mailing", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    run: Run = json.loads(done.stdout.splitlines()[-1])
    return run


# --- in that process ------------------------------------------------------------------------------

NAMES = tuple(f"reader-{number}@example.org" for number in range(MAILS))


def adapter(port: int) -> EmailAdapter:
    settings = EmailAdapter.settings_type(
        type="email", host="127.0.0.1", port=port, security="none", connections=CONNECTIONS,
        sender="bench@example.org", recipients=("a@example.org",),
    )  # fmt: skip
    targets = tuple(Target(name, "fr") for name in NAMES)
    channel = Channel("press", EmailAdapter.spec, ("fr",), targets=targets, pace=EmailAdapter.spec.pace)
    return EmailAdapter(channel, settings)


async def _put(database: Database, name: str) -> None:
    from tests.delivery.scene import put

    async def words(conn: Connection) -> None:
        await conn.execute(update(message).values(subject="Essai", text=TEXT, html=HTML))

    await put(database, list(NAMES), name=name, on=adapter(1).channel)
    await database.transact(words)


async def _drain(url: str, port: int) -> Run:
    """Send one alert to everybody."""
    database = await Database.open(url, migrate=False)
    await _put(database, "BNCH-1")
    runner = LocalRunner(database, {"press": adapter(port)})
    begun, cpu = time.perf_counter(), time.process_time()
    tally = await runner.run_once()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    await database.close()
    if tally.sent != MAILS:
        raise RuntimeError(f"{tally}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return {"rate": MAILS / seconds, "cpu_ms": cpu / MAILS * 1000, "memory": memory}


LEASE_SECONDS = 1.0


async def work(url: str, port: int) -> Run:
    database = await Database.open(url, migrate=False)
    await LocalRunner(database, {"press": adapter(port)}, lease=LEASE_SECONDS).run_once(5.0)
    await database.close()
    return {}


async def _stop(url: str) -> Run:
    """One alert whose worker is killed half-way, and another that is halted half-way by somebody else."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record"
        async with sink(record) as port:
            database = await Database.open(url, migrate=False)
            killed = await _kill(database, url, port, record)
            record.write_text("", encoding="utf-8")
            halted = await _halt(database, url, port, record)
            await database.close()
    return killed | halted


def worker(url: str, port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.mailing", "work", url, str(port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seen(record: Path, word: str) -> list[tuple[float, str]]:
    """When the sink saw this happen, and to which recipient."""
    lines = [line.split() for line in record.read_text(encoding="utf-8").splitlines()]
    return [(float(line[1]), line[2]) for line in lines if len(line) == 3 and line[0] == word]


async def _half_way(record: Path) -> None:
    while len(seen(record, TAKEN)) < MAILS / 2:
        await asyncio.sleep(0.005)


async def _states(database: Database) -> dict[str, str]:
    async def read(conn: Connection) -> dict[str, str]:
        found = await conn.execute(select(delivery.c.target, delivery.c.state))
        return {row.target: row.state for row in found}

    return await database.read(read)


async def _kill(database: Database, url: str, port: int, record: Path) -> Run:
    await _put(database, "BNCH-1")
    running = worker(url, port)
    await _half_way(record)
    running.kill()
    running.wait()
    await asyncio.sleep(QUIET_SECONDS)
    sending = {name for name, state in (await _states(database)).items() if state == "sending"}
    begun, taken = ({name for _moment, name in seen(record, word)} for word in (BEGUN, TAKEN))
    await work(url, port)
    after = await _states(database)
    names = [name for _moment, name in seen(record, TAKEN)]
    sent = {name for name, state in after.items() if state == "sent"}
    uncertain = {name for name, state in after.items() if state == "uncertain"}
    wrong = len(names) - len(set(names))  # twice
    wrong += (
        len(set(NAMES) - sent - uncertain) + len(set(names) - sent - uncertain) + len(sent - set(names))
    )
    return {
        "uncertain": len(sending), "uncertain_taken": len(sending & taken),
        "uncertain_begun": len(sending & begun - taken), "wrong": wrong,
    }  # fmt: skip


async def _halt(database: Database, url: str, port: int, record: Path) -> Run:
    await _put(database, "BNCH-2")
    running = worker(url, port)
    await _half_way(record)
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    halted = time.monotonic()
    known = -1
    while known != (known := len(seen(record, BEGUN))):
        await asyncio.sleep(QUIET_SECONDS)
    running.wait()
    late = [moment - halted for moment, _name in seen(record, BEGUN) if moment > halted]
    return {"late": len(late), "late_ms": max(late, default=0.0) * 1000}


def main(words: list[str]) -> Run:
    match words:
        case ["work", url, port]:
            return asyncio.run(work(url, int(port)))
        case [dialect, "drain", port]:
            return on_a_fresh_database(dialect, lambda url: _drain(url, int(port)))
        case [dialect, "stop"]:
            return on_a_fresh_database(dialect, _stop)
    raise SystemExit("sqlite|postgresql drain PORT, or sqlite|postgresql stop")


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
