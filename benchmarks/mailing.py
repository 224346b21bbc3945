"""Mails per second through the whole engine with the shipped defaults to a local sink, intent and outcome
committed for each, beside nodemailer with a pool and the same sink. Figures only, nothing is asserted."""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import func, literal_column, select, update

from alertbot.channels.email.adapter import EmailAdapter
from alertbot.core.model import Channel, Post, Receipt, Target
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import delivery, message
from alertbot.delivery import store_accounts
from alertbot.delivery.calls import IN_FLIGHT
from alertbot.delivery.ledger import FRESH
from alertbot.delivery.runners import LocalRunner
from benchmarks.engine import on_a_fresh_database
from benchmarks.mail import sink

MAILS = 2000
ROUNDS = 3
Run: TypeAlias = dict[str, float]  # figures by name
TEXT = "Un texte d'essai.\n" * 20
HTML = "<!doctype html><html lang=fr><body><p>Un texte d'essai.</p></body></html>"
NODEMAILER = "nodemailer@10.6.1"
INSTALL_SECONDS = 120
SCRIPT = """
const [port, mails, text, html] = process.argv.slice(2);
const transport = require("nodemailer").createTransport({
  host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true, pool: true, maxMessages: Infinity,
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
    runs: dict[str, list[Run]] = {"sqlite": [], "postgresql": [], "nodemailer": []}
    figures: dict[str, object] = {"mails": MAILS, "runs of each": ROUNDS}
    with tempfile.TemporaryDirectory() as folder:
        if missing := _installed(folder):
            figures["nodemailer"] = missing
            del runs["nodemailer"]
        for _round in range(ROUNDS):
            for name, sent in runs.items():
                sent.append(_nodemailer(Path(folder)) if name == "nodemailer" else _engine(name))
    for name, sent in runs.items():
        who = name if name == "nodemailer" else f"the engine on {name}"
        figures[f"{who}, mails per second (median)"] = round(_median(sent, "per_second"))
        figures[f"{who}, CPU per mail (ms, median)"] = round(_median(sent, "cpu_ms"), 2)
    engines = runs["sqlite"] + runs["postgresql"]
    figures["in flight at most, so made uncertain by a kill"] = max(one["in_flight"] for one in engines)
    figures["the limit of that (IN_FLIGHT)"] = IN_FLIGHT
    figures["calls begun after a halt had committed, at most"] = max(one["late"] for one in engines)
    figures["halt to the last call begun (ms, worst)"] = round(
        max(one["late_ms"] for one in engines), 1
    )
    figures["the limit of that (FRESH, ms)"] = round(FRESH * 1000)
    return figures


def _median(runs: list[Run], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def _engine(dialect: str) -> Run:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.mailing", dialect]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    run: Run = json.loads(done.stdout.splitlines()[-1])
    return run


async def run(url: str) -> Run:
    """Drain one alert, then another that is halted half-way by somebody else."""
    async with sink() as port:
        database = await Database.open(url, migrate=False)
        stage = Stage(database, port)
        sent = await stage.drain()
        stopped = await stage.halt()
        await database.close()
    return sent | stopped


class Stage:
    """The engine with the mail adapter, and what was seen of it."""

    def __init__(self, database: Database, port: int) -> None:
        settings = EmailAdapter.settings_type(
            type="email", host="127.0.0.1", port=port, security="none",
            sender="bench@example.org", recipients=("a@example.org",),
        )  # fmt: skip
        self._names = [f"reader-{number}@example.org" for number in range(MAILS)]
        targets = tuple(Target(name, "fr") for name in self._names)
        self._channel = Channel(
            "press", EmailAdapter.spec, ("fr",), targets=targets, pace=EmailAdapter.spec.pace
        )
        self._database = database
        self._begun: list[float] = []
        self._most = 0
        adapter = self._watched(EmailAdapter(self._channel, settings))
        self._runner = LocalRunner(database, {"press": adapter})

    def _watched(self, adapter: EmailAdapter) -> EmailAdapter:
        publish = adapter.publish

        async def noted(post: Post) -> Receipt:
            self._begun.append(time.perf_counter())
            return await publish(post)

        adapter.publish = noted  # type: ignore[method-assign]
        return adapter

    async def drain(self) -> Run:
        await self._put("BNCH-1")
        watching = asyncio.create_task(self._watch())
        begun, cpu = time.perf_counter(), time.process_time()
        tally = await self._runner.run_once()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        watching.cancel()
        if tally.sent != MAILS:
            raise RuntimeError(f"{tally}")
        return {"per_second": MAILS / seconds, "cpu_ms": cpu / MAILS * 1000, "in_flight": self._most}

    async def _put(self, name: str) -> None:
        from tests.delivery.scene import put

        async def words(conn: Connection) -> None:
            await conn.execute(update(message).values(subject="Essai", text=TEXT, html=HTML))

        await put(self._database, self._names, name=name, on=self._channel)
        await self._database.transact(words)

    async def _watch(self) -> None:
        """Count what is recorded as begun, as somebody would find it after a kill."""
        sending = select(func.count()).where(delivery.c.state == literal_column("'sending'"))

        async def count(conn: Connection) -> int:
            return int(await conn.scalar(sending) or 0)

        while True:
            await asyncio.sleep(0.05)
            self._most = max(self._most, await self._database.read(count))

    async def halt(self) -> Run:
        await self._put("BNCH-2")
        self._begun.clear()
        running = asyncio.create_task(self._runner.run_once(0.0))
        while len(self._begun) < MAILS / 2:
            await asyncio.sleep(0.001)
        await self._database.transact(lambda conn: store_accounts.set_halt(conn, True))
        halted = time.perf_counter()
        await running
        late = [moment - halted for moment in self._begun if moment > halted]
        return {"late": len(late), "late_ms": max(late, default=0.0) * 1000}


def _nodemailer(folder: Path) -> Run:
    script = folder / "send.js"
    script.write_text(SCRIPT, encoding="utf-8")
    seconds, cpu = asyncio.run(_node(script))
    return {"per_second": MAILS / seconds, "cpu_ms": cpu / MAILS * 1000}


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


async def _node(script: Path) -> tuple[float, float]:
    async with sink() as port:
        node = await asyncio.create_subprocess_exec(
            "node", str(script), str(port), str(MAILS), TEXT, HTML, stdout=asyncio.subprocess.PIPE
        )
        out, _nothing = await node.communicate()
    seconds, cpu = out.split()
    return float(seconds), float(cpu)


if __name__ == "__main__":
    print(json.dumps(on_a_fresh_database(sys.argv[1], run)))
