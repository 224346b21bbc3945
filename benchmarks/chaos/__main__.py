"""Play faults for some time and print what was counted: `make chaos SECONDS=120`, `make chaos ROUNDS=40`; words choose
faults by their names. `--keep` adds the rounds to `record.json`, from which `docs/performance.md` is written."""

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from benchmarks.chaos import record
from benchmarks.chaos.disks import DISKS
from benchmarks.chaos.faults import ENGINE, Fault
from benchmarks.chaos.house import HOUSE
from benchmarks.chaos.platforms import PLATFORMS
from benchmarks.chaos.record import Row
from benchmarks.chaos.stage import NotHere, Stage, Tally, closed_round, opened_round

FAULTS: tuple[Fault, ...] = (*ENGINE, *HOUSE, *DISKS, *PLATFORMS)
SECONDS = 120.0


async def play(stage: Stage, fault: Fault, dialect: str) -> Tally:
    """One round. What a round raises is a fault of ours: it is shown with the log of the workers."""
    one = opened_round(stage, dialect)
    try:
        return await fault.play(one)
    except NotHere:
        raise
    except BaseException:
        if one.log.exists():
            print(one.log.read_text("utf-8", "replace")[-2000:], file=sys.stderr)
        raise
    finally:
        await closed_round(one)


def turns(wanted: Sequence[Fault]) -> Iterator[tuple[Fault, str]]:
    """Each fault after the other, on one of its databases after the other, without end."""
    databases = {fault.name: cycle(fault.on) for fault in wanted}
    for fault in cycle(wanted):
        yield fault, next(databases[fault.name])


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    wanted = [one for one in FAULTS if not given.words or any(w in one.name for w in given.words)]
    if not wanted:
        print("No fault has such a name: " + "; ".join(one.name for one in FAULTS), file=sys.stderr)
        return 2
    seconds = given.seconds or (None if given.rounds else SECONDS)
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # a PostgreSQL of another user lies in it
        stage = Stage(Path(folder), given.seed)
        try:
            rows = _played(stage, wanted, seconds, given.rounds)
        finally:
            stage.close()
    print(record.table(rows.values()))
    if given.keep:
        record.keep(rows)
    return int(any(row.lost or row.doubled or row.wrong for row in rows.values()))


def _played(
    stage: Stage, wanted: Sequence[Fault], seconds: float | None, rounds: int | None
) -> dict[str, Row]:
    rows = {fault.name: Row(fault=fault.name) for fault in wanted}
    skipped: set[str] = set()
    begun, count = time.monotonic(), 0
    for fault, dialect in turns(wanted):
        late = seconds is not None and time.monotonic() - begun > seconds
        if late or (rounds is not None and count >= rounds) or len(skipped) == len(wanted):
            break
        if fault.name in skipped:
            continue
        try:
            tally = asyncio.run(play(stage, fault, dialect))
        except NotHere as why:
            rows[fault.name] = Row(fault=fault.name, note=str(why))
            skipped.add(fault.name)
            continue
        except Exception:  # noqa: BLE001 - the other rounds are still worth playing
            traceback.print_exc()
            tally = Tally(deliveries=0, lost=1, alone=False, message="this round broke")
        count += 1
        rows[fault.name] = rows[fault.name].with_round(tally)
        if not tally.sound:
            print(f"round {stage.numbers}, {fault.name} on {dialect}: {tally}", file=sys.stderr)
    return rows


if __name__ == "__main__":
    sys.exit(main())
