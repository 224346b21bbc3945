"""Every fault of `make chaos`, once: nothing lost, nothing doubled, and what is uncertain was in flight."""

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.chaos import record
from benchmarks.chaos.__main__ import FAULTS, play
from benchmarks.chaos.faults import Fault
from benchmarks.chaos.record import Row
from benchmarks.chaos.stage import NotHere, Stage, Tally

SEED = 20210602


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("chaos")
    for one in (folder, folder.parent, folder.parent.parent):
        one.chmod(0o755)  # a PostgreSQL of another user lies in it
    opened = Stage(folder, SEED)
    yield opened
    opened.close()


@pytest.mark.thorough
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_and_nothing_doubled(stage: Stage, fault: Fault) -> None:
    dialect = stage.dice.choice(fault.on)
    try:
        tally = asyncio.run(play(stage, fault, dialect))
    except NotHere as why:
        pytest.skip(str(why))
    assert tally.deliveries
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally


def test_rounds_are_added_up_and_kept(tmp_path) -> None:
    path = tmp_path / "record.json"
    one = Row(fault="f").with_round(Tally(deliveries=3, uncertain=1, message="said | so"))
    two = Row(fault="f").with_round(Tally(deliveries=4, doubled=2, alone=False))
    record.keep({"f": one}, path)
    record.keep({"f": two, "g": Row(fault="g", note="not here")}, path)
    rows = record.read(path)
    assert (rows["f"].rounds, rows["f"].deliveries, rows["f"].doubled) == (2, 7, 2)
    told = record.table(rows.values())
    assert "| f | 2 | 7 | 0 | 2 | 1 | 0 | 50 % | said / so |" in told
    assert "| g | not played: not here |" in told
    assert "| all together | 2 | 7 |" in told
