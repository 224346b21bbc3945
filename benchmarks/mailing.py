"""Mails per second through the whole engine with the shipped defaults to a local sink, intent and outcome
committed for each, beside nodemailer with a pool and the same sink. Figures only, nothing is asserted."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import update

from alertbot.channels.email.adapter import EmailAdapter
from alertbot.core.model import Channel, Target
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import message
from alertbot.delivery.runners import LocalRunner
from benchmarks.engine import on_a_fresh_database
from benchmarks.mail import sink

MAILS = 2000
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
  const begun = process.hrtime.bigint();
  await Promise.all(Array.from({ length: Number(mails) }, (_, n) => send(n)));
  console.log(Number(process.hrtime.bigint() - begun) / 1e9);
  transport.close();
})();
"""


def measure() -> dict[str, object]:
    """The same number of mails by each."""
    figures: dict[str, object] = {"mails": MAILS}
    for dialect in ("sqlite", "postgresql"):
        figures[f"the engine on {dialect}, mails per second"] = round(MAILS / _engine(dialect))
    figures["nodemailer, mails per second"] = _nodemailer()
    return figures


def _engine(dialect: str) -> float:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.mailing", dialect]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


async def run(url: str) -> dict[str, float]:
    """Enqueue, drain, and look at the clock."""
    async with sink() as port:
        database = await Database.open(url, migrate=False)
        seconds = await _drain(database, port)
        await database.close()
    return {"seconds": seconds}


async def _drain(database: Database, port: int) -> float:
    from tests.delivery.scene import put

    settings = EmailAdapter.settings_type(
        type="email", host="127.0.0.1", port=port, security="none",
        sender="bench@example.org", recipients=("a@example.org",),
    )  # fmt: skip
    names = [f"reader-{number}@example.org" for number in range(MAILS)]
    targets = tuple(Target(name, "fr") for name in names)
    channel = Channel("press", EmailAdapter.spec, ("fr",), targets=targets, pace=EmailAdapter.spec.pace)

    async def words(conn: Connection) -> None:
        await conn.execute(update(message).values(subject="Essai", text=TEXT, html=HTML))

    await put(database, names, on=channel)
    await database.transact(words)
    runner = LocalRunner(database, {"press": EmailAdapter(channel, settings)})
    begun = time.perf_counter()
    tally = await runner.run_once()
    spent = time.perf_counter() - begun
    if tally.sent != MAILS:
        raise RuntimeError(f"{tally}")
    return spent


def _nodemailer() -> object:
    """Installed into a folder that is gone afterwards; a sentence where it cannot be."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "not measured: node or npm is not here"
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, NODEMAILER]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=INSTALL_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return f"not measured: npm could not install {NODEMAILER}"
        script = Path(folder) / "send.js"
        script.write_text(SCRIPT, encoding="utf-8")
        return round(MAILS / asyncio.run(_node(script)))


async def _node(script: Path) -> float:
    async with sink() as port:
        node = await asyncio.create_subprocess_exec(
            "node", str(script), str(port), str(MAILS), TEXT, HTML, stdout=asyncio.subprocess.PIPE
        )
        out, _nothing = await node.communicate()
    return float(out)


if __name__ == "__main__":
    print(json.dumps(on_a_fresh_database(sys.argv[1], run)))
