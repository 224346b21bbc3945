"""A page kept by the worker: published as any channel is, renewed, restored, rebuilt, and told about."""

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import update

from alertbot.alerts import halting
from alertbot.channels.page.places import digest_of
from alertbot.db.database import Database
from alertbot.db.tables import message
from alertbot.ops import overview
from alertbot.pages import store_editions
from alertbot.pages.keeping import PageKeeper
from tests.pages.site import URL, adapter_of, keep, team_with_page
from tests.team import Team

Page = tuple[Team, PageKeeper, Path]


@pytest.fixture
async def page(database: Database, tmp_path: Path) -> Page:
    return await team_with_page(database, tmp_path)


def pointer(root: Path) -> dict[str, object]:
    return dict(json.loads((root / "state.json").read_bytes()))


async def test_both_languages_stand_in_one_edition_that_the_audit_knows(page: Page) -> None:
    team, keeper, root = page
    view = await team.approved()
    await team.work()
    assert await team.state(view.id) == "published"
    sent = {
        row.lang: row.url
        for row in await overview.deliveries(team.service, view.id, None, None)
        if row.channel == "page"
    }
    assert sent == {lang: f"{URL}/{lang}/alerts/{view.id}.html" for lang in ("fr", "en")}
    files = {str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()}
    assert pointer(root)["sequence"] == 1
    assert pointer(root)["hash"] == digest_of(files)
    (row,) = await team.service.database.read(lambda conn: store_editions.editions(conn, "page"))
    assert row.stood_at
    assert (await keeper.rebuild(row)).files == files
    (told,) = [
        one for one in await overview.audit_export(team.service) if one["verb"] == "page_edition"
    ]
    assert told["digest"] == row.digest
    assert (await overview.audit_verify(team.service, None)).problems == ()


async def test_a_page_goes_on_where_a_killed_worker_left_it(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edition stands, and nobody came to note it: nothing is done twice, and nothing is lost."""
    team, keeper, root = page
    first = await team.approved()

    async def die(*_row: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as killed:
        killed.setattr(store_editions, "note_standing", die)
        await team.work()
    assert pointer(root)["sequence"] == 1
    await keeper.look()  # a worker that starts looks first
    row = await team.service.database.read(lambda conn: store_editions.latest(conn, "page"))
    assert row is not None
    assert row.sequence == 1
    await team.work(patience=4.0)
    assert await team.state(first.id) == "published"
    assert pointer(root)["sequence"] == 1


async def test_what_was_halted_is_not_shown(page: Page) -> None:
    team, keeper, root = page
    await team.approved()
    await halting.halt(team.service, None, None)
    await team.work()
    await keeper.look()
    assert not root.exists()
    await halting.resume(team.service, team.people["bo"], None, None)
    await team.work()
    assert pointer(root)["sequence"] == 1


async def test_time_alone_renews_the_page_and_only_while_nothing_is_halted(page: Page) -> None:
    team, keeper, root = page
    await team.approved("provisional_number")
    await team.work()
    before = (root / "fr/index.html").read_text()
    until = pointer(root)["holds_until"]
    assert until
    team.clock.now = team.clock.now.fromisoformat(str(until))
    await halting.halt(team.service, None, None)
    await keeper.look()
    assert pointer(root)["sequence"] == 1
    needs = [one.message for one in (await overview.status(team.service, None)).open]
    assert any("not renewed while it is halted" in one for one in needs)
    await halting.resume(team.service, team.people["bo"], None, None)
    await keeper.look()
    assert pointer(root)["sequence"] == 2
    assert (root / "fr/index.html").read_text() != before


async def test_an_emptied_folder_is_filled_again_with_the_same_bytes(
    page: Page, tmp_path: Path
) -> None:
    team, keeper, root = page
    await team.approved()
    await team.work()
    before = {one: one.read_bytes() for one in root.rglob("*") if one.is_file()}
    shutil.rmtree(tmp_path / "www")
    await keeper.look()
    assert {one: one.read_bytes() for one in root.rglob("*") if one.is_file()} == before


async def test_a_folder_that_takes_nothing_is_told_once_and_goes_on_by_itself(
    page: Page, tmp_path: Path
) -> None:
    team, keeper, root = page
    (tmp_path / "www").write_text("in the way")
    view = await team.approved()
    await team.work(patience=0.1)
    (told,) = {
        row.reason
        for row in await overview.deliveries(team.service, view.id, None, None)
        if row.channel == "page"
    }
    assert told is not None
    assert "cannot be written" in told
    for _again in range(2):
        keeper._next_look = 0.0
        await keeper.look()
    assert sum("is not kept up" in post.text for post in team.adapters["team"].posts) <= 1
    (tmp_path / "www").unlink()
    await team.work(patience=4.0)
    assert await team.state(view.id) == "published"
    assert (root / f"en/alerts/{view.id}.html").exists()
    assert not [one for one in (await overview.status(team.service, None)).tasks if one.kind == "page"]


async def test_somebody_elses_files_are_never_touched(page: Page) -> None:
    team, _keeper, root = page
    root.mkdir(parents=True)
    (root / "index.html").write_text("ours")
    view = await team.approved()
    await team.work(patience=0.1)
    assert (root / "index.html").read_text() == "ours"
    reasons = {
        row.reason
        for row in await overview.deliveries(team.service, view.id, None, None)
        if row.channel == "page"
    }
    assert any("was not made by this program" in str(one) for one in reasons)


async def test_another_installation_in_the_folder_is_told_and_not_fought(
    database: Database, tmp_path: Path, page: Page
) -> None:
    team, keeper, root = page
    await team.approved()
    await team.work()
    (root / "state.json").unlink()
    (root / "state.json").write_text(json.dumps({"sequence": 7, "hash": "f" * 64}))
    await keeper.look()
    assert pointer(root)["sequence"] == 7
    (task,) = [one for one in (await overview.status(team.service, None)).tasks if one.kind == "page"]
    assert "is not in this database" in task.text
    await team.approved()
    await team.work()
    assert pointer(root)["sequence"] == 8


async def test_a_text_changed_in_the_database_is_never_shown(page: Page) -> None:
    team, _keeper, root = page
    first = await team.approved()
    await team.work()
    before = (root / f"fr/alerts/{first.id}.html").read_bytes()

    async def tamper(conn: object) -> None:
        await conn.execute(  # type: ignore[attr-defined]
            update(message).where(message.c.document.is_not(None)).values(document="{}")
        )

    await team.service.database.transact(tamper)  # type: ignore[arg-type]
    await team.approved(incident=first.incident)
    await team.work(patience=0.1)
    assert (root / f"fr/alerts/{first.id}.html").read_bytes() == before
    assert pointer(root)["sequence"] == 1


async def test_two_workers_with_folders_of_their_own_show_the_same(page: Page, tmp_path: Path) -> None:
    team, keeper, root = page
    other = adapter_of(keeper.channel, tmp_path / "other")
    (tmp_path / "other").mkdir()
    theirs = keep(team, other)
    await team.approved()
    await team.work()
    await theirs.look()
    assert pointer(tmp_path / "other/www/current") == pointer(root)
    await keeper.look()
    assert pointer(root)["sequence"] == 1
