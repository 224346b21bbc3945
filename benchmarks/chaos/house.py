"""Faults of the whole program: `alertbot run` and other commands as people and supervisors start them, with the audit
and every check."""

import asyncio
import gzip
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.chaos.faults import Fault
from benchmarks.chaos.nursery import alive, gone, signal_to
from benchmarks.chaos.stage import (
    DISK,
    Round,
    Tally,
    filled,
    locked,
    until,
)

READERS = 40
COMMANDS = 50
CHANGED_SENDER = 3
RELEASED = Path(__file__).parents[2] / "tests" / "released" / "0.1.0.sql.gz"
SENTENCES = (0, 1, 2, 3, 4)  # exit codes with a sentence of their own
HEAD = "territory,service,number,source_url,review_at"


class Office:
    """A team's folder with the whole program in it: a mail channel to the receiving end, and people."""

    def __init__(self, one: Round) -> None:
        from tests.cli.desk import Desk

        self.round = one
        kept = one.stage.kept
        if "office" not in kept:
            kept["office"] = _first(one)
        folder, tokens = kept["office"]
        self.folder = one.folder
        self.file = self.folder / "alertbot.db"
        shutil.copytree(folder, self.folder, dirs_exist_ok=True)
        self.desk = Desk(self.folder, dict(tokens))

    def on_small_disk(self, size: str) -> Path:
        """Move the database to a small disk of its own, which is given."""
        folder = self.round.small_disk(size)
        self.file = Path(shutil.move(self.file, folder / self.file.name))
        self.desk.database = f"sqlite:///{DISK}/{self.file.name}"
        self.desk.configure(channels=_channels(self.round.stage.port))
        return folder

    def approved(self) -> str:
        """An alert that is on its way from now on."""
        alert = self.desk.shown()
        self.desk.does("approve", alert, by="bo")
        return alert

    def worker(self) -> int:
        """`alertbot run`, from now on."""
        pid, _log = self.round.command("run")
        self.round.workers.append(pid)
        return pid

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.file, timeout=60) as connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def states(self, alert: str) -> dict[int, tuple[str, str]]:
        """The mails of an alert: id, recipient and state."""
        rows = self.query(
            "SELECT delivery.id, target, delivery.state FROM delivery JOIN dispatch ON dispatch.id = dispatch_id"
            " WHERE alert_id = ? AND purpose = 'publication'",
            alert,
        )
        return {number: (target, state) for number, target, state in rows}

    def sending(self, pid: int) -> set[int]:
        """What a worker has begun and not finished."""
        mine = "SELECT id FROM delivery WHERE state = 'sending' AND worker LIKE ?"
        return {number for (number,) in self.query(mine, f"%:{pid}:%")}

    async def done(self, alert: str) -> bool:
        """Whether the worker, started again where it has ended, brings the alert to its end."""
        try:
            await until(lambda: self._over(alert), 90.0)
        except TimeoutError:
            return False
        return True

    def _over(self, alert: str) -> bool:
        self.round.workers = [pid for pid in self.round.workers if alive(pid)]
        if not self.round.workers:
            self.worker()
        open_ = ("pending", "claimed", "sending")
        return not any(state in open_ for _target, state in self.states(alert).values())

    def tally(self, alert: str, *, alone: bool, wrong: int = 0) -> Tally:
        """Count one alert's mails by what the receiving end knows; and whether the audit is whole."""
        one = self.round
        one.end()
        found, taken = self.states(alert), one.stage.journal.taken()
        mails = {number: taken[f"{alert}.{number}"] for number in found}
        sent = {n for n, (_target, state) in found.items() if state == "sent"}
        uncertain = {n for n, (_target, state) in found.items() if state == "uncertain"}
        lost = {n for n in found if n not in sent | uncertain} | {n for n in sent if not mails[n]}
        broken = self.desk.run("audit", "verify").code != 0
        return Tally(
            deliveries=len(found),
            lost=len(lost) + broken + one.lost,
            doubled=sum(times - 1 for times in mails.values() if times > 1),
            uncertain=len(uncertain),
            wrong=wrong + len([n for n in uncertain if not mails[n] and n not in one.flying]),
            alone=alone,
            message=one.message(),
        )

    def told(self, log: Path) -> str:
        """What a command said; whatever is no sentence counts as lost."""
        words = log.read_text("utf-8", "replace")
        if "Traceback" in words:
            self.round.lost += 1
        return words.strip().splitlines()[-1] if words.strip() else ""


def _first(one: Round) -> tuple[Path, Mapping[str, str]]:
    from tests.cli.desk import Desk

    folder = one.stage.folder / "office"
    folder.mkdir()
    desk = Desk(folder)
    _readers(folder, READERS)
    desk.configure(channels=_channels(one.stage.port))
    desk.gather()
    return folder, desk.tokens


def _channels(port: int, **more: Any) -> dict[str, Any]:
    press = {"type": "email", "host": "127.0.0.1", "port": port, "security": "none"}
    return {"press": press | {"sender": "alerte@example.org", "recipients": "press.csv"} | more}


def _readers(folder: Path, count: int, name: str = "r") -> None:
    rows = "".join(f"{name}{number}@example.org,fr,\n" for number in range(count))
    (folder / "press.csv").write_text(f"address,lang,topics\n{rows}", encoding="utf-8")


async def program_killed(one: Round) -> Tally:
    """`alertbot run` is killed in the midst of an alert and started again."""
    office = Office(one)
    alert = office.approved()
    pid = office.worker()
    await one.sending(one.dice.randint(1, READERS // 2))
    signal_to(pid, signal.SIGKILL)
    gone(pid)
    one.flying |= office.sending(pid)
    office.query(
        "UPDATE delivery SET lease_until = 1 WHERE lease_until > 1"
    )  # as if its lease were over
    return office.tally(alert, alone=await office.done(alert))


async def changed_in_flight(one: Round) -> Tally:
    """Configuration and recipients change, or break, while an alert goes out, and the worker is started again."""
    office = Office(one)
    alert = office.approved()
    pid = office.worker()
    await one.sending(one.dice.randint(1, 8))
    what = one.dice.randrange(4)
    broken = what == 1
    match what:
        case 0:
            _readers(office.folder, READERS, "other")
        case 1:
            (office.folder / "press.csv").write_text("adresse;langue\n?", encoding="utf-8")
        case 2:
            (office.folder / "config.yaml").write_text("channels: [", encoding="utf-8")
        case _:
            office.desk.configure(channels=_channels(one.stage.port, sender="neu@example.org"))
    signal_to(pid, signal.SIGTERM)
    gone(pid)
    second, log = one.command("run")
    await asyncio.sleep(0.5)
    signal_to(second, signal.SIGKILL)
    gone(second)
    one.said.append(office.told(log))
    office.query("UPDATE delivery SET lease_until = 1 WHERE lease_until > 1")
    one.flying |= office.sending(second)
    office.desk.configure(channels=_channels(one.stage.port))
    if broken:
        _readers(office.folder, READERS)
    tally = office.tally(alert, alone=await office.done(alert))
    if (
        what == CHANGED_SENDER
    ):  # what goes out under another sender is not what was approved: it is refused, and told
        refused = sum(state == "failed" for _target, state in office.states(alert).values())
        tally = replace(tally, lost=tally.lost - refused)
    strangers = [name for name in one.stage.journal.readers() if name.startswith("other")]
    return replace(tally, doubled=tally.doubled + len(strangers), alone=True)


async def import_killed(one: Round) -> Tally:
    """A file of numbers is imported, the import is killed at a random moment, and tried again."""
    office = Office(one)
    count = one.dice.randint(20, 300)
    rows = [
        f"69,samu,04 65 71 {n // 100:02d} {n % 100:02d},https://www.example.org/69,2030-01-01T12:00:00+02:00"
        for n in range(count)
    ]
    (office.folder / "numbers.csv").write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    pid, _log = one.command(
        "numbers", "import", "numbers.csv", ALERTBOT_TOKEN=office.desk.tokens["ada"]
    )
    await asyncio.sleep(one.dice.random() * 0.6)
    signal_to(pid, signal.SIGKILL)
    gone(pid)
    [(some,)] = office.query("SELECT count(*) FROM number")
    again = office.desk.run("numbers", "import", "numbers.csv", by="ada")
    [(all_,)] = office.query("SELECT count(*) FROM number")
    [(different,)] = office.query("SELECT count(DISTINCT identity) FROM number")
    one.said.append(again.err.strip().splitlines()[-1] if again.err.strip() else "")
    half = some not in (0, all_)
    broken = office.desk.run("audit", "verify").code != 0
    return Tally(
        deliveries=count,
        lost=max(0, count - different) + half + broken,
        doubled=all_ - different,
        message=one.message(),
    )


async def migration_killed(one: Round) -> Tally:
    """The tables of release 0.1.0 are brought up to date, which is killed at a random moment, and tried again."""
    office = Office(one)
    path = office.folder / "alertbot.db"
    path.unlink()
    with sqlite3.connect(path) as old:
        old.executescript(gzip.decompress(RELEASED.read_bytes()).decode())
    old.close()
    path.chmod(0o600)
    before = _rows(path)
    pid, _log = one.command("db", "upgrade")
    await asyncio.sleep(one.dice.random() * 1.2)
    signal_to(pid, signal.SIGKILL)
    gone(pid)
    half = _rows(path)
    again = office.desk.run("db", "upgrade")
    after = _rows(path)
    one.said.append((again.out or again.err).strip().splitlines()[-1])
    lost = sum(max(0, n - after[name]) for name, n in before.items() if name != "alembic_version")
    lost += sum(max(0, n - half.get(name, 0)) for name, n in before.items() if name in half)
    broken = again.code != 0 or office.desk.run("audit", "verify").code != 0
    return Tally(deliveries=before["delivery"], lost=lost + broken, message=one.message())


def _rows(path: Path) -> dict[str, int]:
    with sqlite3.connect(path, timeout=60) as connection:
        damage = connection.execute("PRAGMA integrity_check").fetchone()[0]
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        kept = {"alert", "delivery", "dispatch", "message", "person", "approval", "incident"}
        counts = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for (name,) in found
            if name in kept
        }
    connection.close()
    if damage != "ok":
        raise AssertionError(damage)
    return counts


async def fifty_at_once(one: Round) -> Tally:
    """50 commands at once beside a worker: two people approve one alert again and again, others draft, look, halt and
    resume."""
    office = Office(one)
    alert = office.desk.shown()
    office.worker()
    tokens = office.desk.tokens
    office.desk.facts("holding")
    choices: list[tuple[tuple[str, ...], str]] = [
        (("approve", alert), "bo"),
        (("approve", alert), "cy"),
        (("draft", "holding", "--vars", "holding.yaml", "--new-incident"), "ada"),
        (("show", alert), "cy"),
        (("status",), "ada"),
        (("halt",), "bo"),
        (("resume",), "bo"),
        (("audit", "verify"), "bo"),
    ]
    begun = []
    for number in range(COMMANDS):
        words, who = choices[number % 2] if number < 8 else one.dice.choice(choices)
        begun.append((*one.command(*words, ALERTBOT_TOKEN=tokens[who]), words))
    for pid, _log, _words in begun:
        await until(lambda p=pid: not alive(p))  # type: ignore[misc]
    codes = Counter(code_of(log) for _pid, log, _words in begun)
    one.lost += sum(n for code, n in codes.items() if code not in SENTENCES)
    one.said += [office.told(log) for _pid, log, _words in begun if code_of(log)]
    office.desk.run("resume", by="bo")
    return office.tally(alert, alone=await office.done(alert))


def code_of(log: Path) -> int:
    path = Path(f"{log}.code")
    return int(path.read_text()) if path.exists() else -1


async def restored_in_flight(one: Round) -> Tally:
    """A copy is made while an alert goes out; restoring it is refused while the worker is alive; afterwards it is
    restored, and whatever waits in it stays where it is."""
    office = Office(one)
    alert = office.approved()
    pid = office.worker()
    await one.sending(one.dice.randint(1, READERS // 3))
    office.desk.does("db", "backup", "copy.db")
    refused = office.desk.run("db", "restore", "copy.db")
    one.lost += refused.code == 0
    one.said.append(refused.err.strip().splitlines()[-1])
    await office.done(alert)
    signal_to(pid, signal.SIGTERM)
    gone(pid)
    one.workers.clear()
    whole = office.states(alert)
    restored = office.desk.run("db", "restore", "copy.db")
    one.lost += restored.code != 0
    before = one.stage.journal.taken().total()
    again = office.worker()
    await asyncio.sleep(0.5 + one.dice.random())
    signal_to(again, signal.SIGKILL)
    gone(again)
    sent_again = one.stage.journal.taken().total() - before
    one.workers.clear()
    still = office.states(alert)
    broken = office.desk.run("audit", "verify").code != 0
    return Tally(
        deliveries=len(whole),
        lost=one.lost + broken + len(whole.keys() - still.keys()),
        doubled=sent_again,
        message=one.message(),
    )


async def upgraded_in_flight(one: Round) -> Tally:
    """Two workers start at once on the tables of the version before, while an alert waits in them."""
    from alertbot.db.migrate import REVISIONS

    office = Office(one)
    alert = office.approved()
    version = office.query("SELECT version_num FROM alembic_version")[0][0]
    one.lost += version != REVISIONS[-1]
    pids = [one.command("db", "upgrade"), one.command("run"), one.command("run")]
    one.workers += [pid for pid, _log in pids[1:]]
    await one.sending()
    more, _log = one.command("db", "upgrade")
    gone(more)
    gone(pids[0][0])
    one.said.append(office.told(pids[0][1]))
    return office.tally(alert, alone=await office.done(alert))


async def command_without_room(one: Round) -> Tally:
    """Commands that write meet a full disk or a locked file: one sentence, nothing half done, and then it works."""
    office = Office(one)
    path = office.folder / "alertbot.db"
    full = one.dice.random() < 0.6
    if full:
        folder = office.on_small_disk("4m")
        path = office.file
        before = _rows(path)
        ballast = filled(folder)
    else:
        before = _rows(path)
        other = locked(path)
    office.desk.facts("holding")
    words = ("draft", "holding", "--vars", "holding.yaml", "--new-incident")
    pid, log = one.command(*words, ALERTBOT_TOKEN=office.desk.tokens["ada"])
    await asyncio.sleep(0.5)
    if full:
        gone(pid)
        ballast.unlink()
    else:
        other.close()
        gone(pid)
    one.said.append(office.told(log))
    failed = code_of(log) != 0
    one.lost += failed and _rows(path) != before
    again = office.desk.run(*words, by="ada")
    return Tally(
        deliveries=1,
        lost=one.lost + (again.code != 0) + (code_of(log) not in SENTENCES),
        message=one.message(),
    )


HOUSE = (
    Fault(name="`alertbot run` killed and started again", play=program_killed, on=("sqlite",)),
    Fault(
        name="configuration and recipients changed in flight", play=changed_in_flight, on=("sqlite",)
    ),
    Fault(name="an import of numbers killed", play=import_killed, on=("sqlite",)),
    Fault(name="a migration killed", play=migration_killed, on=("sqlite",)),
    Fault(name="50 commands at once", play=fifty_at_once, on=("sqlite",)),
    Fault(name="upgrade in flight", play=upgraded_in_flight, on=("sqlite",)),
    Fault(name="restore in flight", play=restored_in_flight, on=("sqlite",)),
    Fault(name="commands on a full disk or a locked file", play=command_without_room, on=("sqlite",)),
)
