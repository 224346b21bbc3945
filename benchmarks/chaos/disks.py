"""Full disks under the whole program: under `alertbot serve` while an alert goes out, and under a backup."""

import asyncio
import signal
from pathlib import Path

from benchmarks.chaos.faults import Fault
from benchmarks.chaos.house import SENTENCES, Office, code_of
from benchmarks.chaos.nursery import alive, gone, signal_to
from benchmarks.chaos.stage import Round, Tally, filled

TOO_SMALL = (0, 4096, 200_000)  # bytes that are left on the disk of a copy


async def serve_without_room(one: Round) -> Tally:
    """`alertbot serve` sends an alert, and the disk under its database is full for a while: it goes on by itself."""
    office = Office(one)
    folder = office.on_small_disk("8m")
    alert = office.approved()
    pid, log = one.command("serve", "--port", "0")
    one.workers.append(pid)
    await one.sending(one.dice.randint(1, 10))
    ballast = filled(folder)
    await asyncio.sleep(0.3 + one.dice.random() * 1.5)
    ballast.unlink()
    done = await office.done(alert)
    one.lost += not alive(pid)
    signal_to(pid, signal.SIGTERM)
    gone(pid)
    one.workers.clear()
    one.said.append(office.told(log))
    return office.tally(alert, alone=done)


async def backup_without_room(one: Round) -> Tally:
    """A copy of the database does not fit, while a worker sends: one sentence, nothing stands there that looks like a
    copy; with room it is whole."""
    office = Office(one)
    folder = one.small_disk("4m")
    ballast = filled(folder)
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - one.dice.choice(TOO_SMALL)))
    alert = office.approved()
    office.worker()
    await one.sending(one.dice.randint(1, 10))
    log = _copied(one, folder)
    one.said.append(office.told(log))
    left = sorted(path.name for path in folder.iterdir())
    one.lost += left != [ballast.name] or code_of(log) not in SENTENCES[1:]
    ballast.unlink()
    again = _copied(one, folder)
    one.lost += code_of(again) != 0 or [path.name for path in folder.iterdir()] != ["copy.db"]
    return office.tally(alert, alone=await office.done(alert))


def _copied(one: Round, folder: Path) -> Path:
    pid, log = one.command("db", "backup", str(folder / "copy.db"))
    gone(pid)
    return log


DISKS = (
    Fault(name="disk full under `alertbot serve`", play=serve_without_room, on=("sqlite",)),
    Fault(name="disk full under a backup", play=backup_without_room, on=("sqlite",)),
)
