"""archive: old deliveries in files that the audit knows, and everything said of them stays true."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from alertbot.alerts import showing, store_incidents
from alertbot.channels import base
from alertbot.core.errors import Misuse, Refused, Rejected, StoreFailed
from alertbot.core.model import Channel, DeliveryState, Post, Receipt, Target
from alertbot.db import facts
from alertbot.db.database import Database
from alertbot.db.tables import delivery
from alertbot.delivery import store_archive, store_listing
from alertbot.ops import archive, overview, store_metrics
from alertbot.watch import timeline
from benchmarks.chaos.stage import filled, mounted, unmounted
from tests.team import CHANNELS, Team, gather

READERS = 12
MOST = (7, 8)  # the first and the last in each of two states stay, and the newest of all
LIST = Channel(
    "press",
    replace(base.MEMORY, per_recipient=True),
    ("fr", "en"),
    targets=tuple(Target(f"r{n}@example.org", "fr") for n in range(READERS)),
)


def answer(post: Post) -> Receipt:
    if post.target in {f"r{n}@example.org" for n in (3, 4, 5, 6)}:
        raise Rejected("No such mailbox.")
    return Receipt(f"p{post.delivery}")


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database, (*CHANNELS, LIST), handlers={"press": answer})


async def over(team: Team) -> str:
    """An alert of an incident that is over."""
    first = await team.approved()
    await team.work()
    now = team.service.now
    await team.service.database.transact(
        lambda conn: store_incidents.close(conn, first.incident, now=now)
    )
    team.clock.now = datetime.now(UTC) + timedelta(days=2)
    return first.id


async def archived(team: Team, to: Path, **options: bool) -> archive.ArchiveView:
    day = (team.clock.now - timedelta(days=1)).date()
    await team.service.database.transact(_promises_are_past)
    return await archive.archive(team.service, team.people["bo"], day, to, **options)


async def _promises_are_past(conn) -> None:
    await conn.execute(text("UPDATE task SET done_at = 1 WHERE done_at IS NULL"))


def files(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir() if "alertbot.db" not in one.name}


async def rows(team: Team) -> int:
    count = select(func.count()).select_from(delivery)
    return int(await team.service.database.read(lambda conn: conn.scalar(count)))


async def told(team: Team, alert: str) -> tuple[dict[DeliveryState, int], list, dict]:
    """What is counted of an alert, wherever it is."""
    database = team.service.database
    states = await database.read(lambda conn: store_listing.publication(conn, alert))
    summary = await database.read(lambda conn: store_listing.summary(conn, alert))
    counted: dict = {}
    for one in summary.counts:
        key = (one.channel, one.state)
        counted[key] = counted.get(key, 0) + one.number
    lots = await database.read(lambda conn: store_metrics.lots(conn))
    metrics = await database.read(lambda conn: store_metrics.states(conn, [one.id for one in lots]))
    return states, sorted(counted.items()), metrics


async def test_what_left_is_counted_shown_and_checked(team: Team, tmp_path: Path) -> None:
    alert = await over(team)
    before, count = await told(team, alert), await rows(team)
    shown = await archived(team, tmp_path, dry_run=True)
    assert (shown.dry_run, len(shown.archived), await rows(team)) == (True, 1, count)
    assert not files(tmp_path)
    done = await archived(team, tmp_path / "kept")
    assert {one.alert for one in done.archived} == {one.alert for one in shown.archived}
    assert await rows(team) == count - done.deliveries
    assert done.deliveries in MOST
    assert await told(team, alert) == before
    assert (await overview.audit_verify(team.service, None)).problems == ()
    [view] = [one for one in done.archived if one.alert == alert]
    page = await showing.show(team.service, alert, None)
    assert {one.file for one in page.archived or ()} == {Path(str(view.file)).name}
    assert Path(str(view.file)).name in dict(page.sheet.record)["Archived"]
    story = await timeline.of_incident(team.service, page.incident)
    assert any(Path(str(view.file)).name in line.said for line in story)
    assert (await archived(team, tmp_path / "kept")).archived == ()  # nothing is left to do


async def test_a_file_is_checked_against_the_chain(team: Team, tmp_path: Path) -> None:
    await over(team)
    [path, *_others] = [Path(str(one.file)) for one in (await archived(team, tmp_path)).archived]
    content = gzip.decompress(path.read_bytes()).decode()
    assert "example.org" not in "".join(
        str(json.loads(line)["target"]) for line in content.splitlines()[1:]
    )
    assert path.stat().st_mode & 0o777 == 0o600
    sound = await archive.verify(team.service, path)
    assert sound.sound
    assert sound.deliveries in MOST
    path.write_bytes(gzip.compress(content.replace('"sent"', '"failed"', 1).encode()))
    assert "no archive that the audit knows" in (await archive.verify(team.service, path)).problems[0]
    with pytest.raises(Misuse, match="cannot be read"):
        await archive.verify(team.service, tmp_path / "none")


async def test_deliveries_that_are_gone_without_an_archive_are_missed(
    team: Team, tmp_path: Path
) -> None:
    await over(team)
    await archived(team, tmp_path)
    gone = text("DELETE FROM delivery WHERE id = (SELECT min(id) FROM delivery)")
    await team.service.database.transact(lambda conn: conn.execute(gone))
    [problem] = (await overview.audit_verify(team.service, None)).problems
    assert "it is gone" in problem


async def test_what_is_open_uncertain_or_promised_stays(team: Team, tmp_path: Path) -> None:
    alert = await over(team)
    database, count = team.service.database, await rows(team)
    doubt = text(
        "UPDATE delivery SET state = 'uncertain' WHERE id = (SELECT max(id) FROM delivery"
        " WHERE dispatch_id IN (SELECT id FROM dispatch WHERE alert_id = :alert))"
    )
    await database.transact(lambda conn: conn.execute(doubt, {"alert": alert}))
    done = await archived(team, tmp_path)
    assert [(one.alert, "uncertain" in one.why) for one in done.stays] == [(alert, True)]
    promise = text("UPDATE alert SET promised = :later WHERE id = :alert")
    later = json.dumps([team.clock.now.timestamp() + 60])
    await database.transact(
        lambda conn: conn.execute(text("UPDATE delivery SET state = 'sent' WHERE state = 'uncertain'"))
    )
    await database.transact(lambda conn: conn.execute(promise, {"alert": alert, "later": later}))
    assert "promises" in (await archived(team, tmp_path)).stays[0].why
    assert await rows(team) == count
    await team.approved()
    with pytest.raises(Refused, match="nothing was archived"):
        await archived(team, tmp_path)
    with pytest.raises(Refused, match="admin"):
        await archive.archive(team.service, team.people["ada"], team.clock.now.date(), tmp_path)
    day = (team.clock.now + timedelta(days=3)).date()
    with pytest.raises(Misuse, match="still to come"):
        await archive.archive(team.service, team.people["bo"], day, tmp_path)


async def test_killed_between_file_and_rows_it_goes_on(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over(team)
    count = await rows(team)

    async def die(*_given: object, **_named: object) -> bool:
        raise StoreFailed("the power is off")

    with monkeypatch.context() as patched:
        patched.setattr(store_archive, "remove", die)
        with pytest.raises(StoreFailed):
            await archived(team, tmp_path)
    assert await rows(team) == count
    left = files(tmp_path)
    assert len(left) == 1
    done = await archived(team, tmp_path)
    assert left == files(tmp_path)  # the same name: the same bytes
    assert all(
        [(await archive.verify(team.service, Path(str(one.file)))).sound for one in done.archived]
    )


async def test_a_folder_that_cannot_be_written_is_told(team: Team, tmp_path: Path) -> None:
    await over(team)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreFailed, match="cannot be written"):
        await archived(team, tmp_path / "file")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, "4m"):
        assert not os.environ.get("CI") or os.geteuid(), "CI mounts small disks"
        pytest.skip("this machine does not let us mount a small disk")
    yield folder
    unmounted(folder)


@pytest.mark.thorough
@pytest.mark.parametrize("left", [0, 100])
async def test_a_full_disk_under_the_files_takes_no_row_and_leaves_no_file(
    team: Team, disk: Path, left: int
) -> None:
    alert = await over(team)
    before = await told(team, alert)
    ballast = filled(disk)
    os.truncate(ballast, ballast.stat().st_size - left)
    with pytest.raises(StoreFailed, match="cannot be written: No space left on device"):
        await archived(team, disk)
    assert files(disk) == {"ballast"}
    assert await told(team, alert) == before
    ballast.unlink()
    view = await archived(team, disk)
    (done,) = view.archived
    assert (await archive.verify(team.service, Path(str(done.file)))).sound


@pytest.mark.thorough
async def test_a_full_disk_under_the_database_takes_no_row_and_the_file_stands_for_the_next_try(
    sqlite_template: Path, disk: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, disk / "alertbot.db")
    to = tmp_path / "files"
    database = await Database.open(f"sqlite:///{disk}/alertbot.db", migrate=False)
    try:
        team = await gather(database, (*CHANNELS, LIST), handlers={"press": answer})
        alert = await over(team)
        before, count = await told(team, alert), await rows(team)
        await team.service.database.transact(_promises_are_past)
        day = (team.clock.now - timedelta(days=1)).date()
        await team.service.database.transact(facts.pseudonym_key)
        ballast = filled(disk)
        with pytest.raises(StoreFailed, match=r"The disk of the database .* is full"):
            await archive.archive(team.service, team.people["bo"], day, to)
        assert (await told(team, alert), await rows(team)) == (before, count)
        ballast.unlink()
        (done,) = (await archive.archive(team.service, team.people["bo"], day, to)).archived
        assert files(to) == {Path(str(done.file)).name}
        assert (await archive.verify(team.service, Path(str(done.file)))).sound
        assert await rows(team) < count
    finally:
        await database.close()
