"""Whole sequences on the page as it is really written: what readers find after each step, and any of it made again."""

import re
from html import unescape
from pathlib import Path

import pytest

from alertbot.alerts import following, halting, taking_back, writing
from alertbot.alerts.following import FollowRequest
from alertbot.db.database import Database
from alertbot.ops import overview, public_page
from alertbot.pages import keeping, store_editions
from tests.pages.site import adapter_of, keep, page_channel
from tests.team import CHANNELS, Team, gather

ROWS = [
    {
        "territory": "69",
        "service": "samu",
        "replaces": "15",
        "number": "04 65 71 00 15",
        "zone": "Lyon",
    },
    {"territory": "42", "service": "samu", "replaces": "15", "number": "04 65 71 00 42"},
]


def read(root: Path, path: str) -> str:
    """A file as a reader without styles has it."""
    text = re.sub(r"(?s)<(style|script).*?</\1>", " ", (root / path).read_text(encoding="utf-8"))
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " ").split())


@pytest.fixture
async def page(database: Database, tmp_path: Path) -> tuple[Team, keeping.PageKeeper, Path]:
    channel = page_channel()
    team = await gather(database, (*CHANNELS, channel))
    adapter = adapter_of(channel, tmp_path)
    team.adapters["page"] = adapter  # type: ignore[assignment]
    return team, keep(team, adapter, public_page.render), tmp_path / "www/current"


async def out(team: Team, alert: str) -> None:
    """An alert that was drafted, through two approvals to the page."""
    view = await writing.submit(team.service, team.people["ada"], alert)
    for name in ("bo", "cy"):
        if view.state == "pending":
            view = await team.approve(view.id, name)
    await team.work()
    assert await team.state(alert) == "published"


async def test_a_retraction_a_halt_and_a_rebuild(page: tuple[Team, keeping.PageKeeper, Path]) -> None:
    team, keeper, root = page
    await keeper.look()
    await team.register(ROWS)
    view = await team.approved(
        "provisional_number", given=None, changes={"numbers": ROWS, "where": ["69", "42"]}
    )
    await team.work()
    assert "04 65 71 00 15" in read(root, "fr/69.html")
    assert "04 65 71 00 42" in read(root, "en/42.html")
    assert 'href="tel:' in (root / "fr/69.html").read_text()

    team.clock.forward(minutes=10)
    drafted = await taking_back.withdraw(
        team.service,
        team.people["ada"],
        taking_back.NumberSelection(query="42"),
        FollowRequest({"next_update": "+30m"}),
    )
    await halting.halt(team.service, None, "page")
    pending = await writing.submit(team.service, team.people["ada"], drafted.id)
    for name in ("bo", "cy"):
        if pending.state == "pending":
            pending = await team.approve(pending.id, name)
    await team.work()
    assert 'href="tel:+33465710042"' in (root / "fr/42.html").read_text()
    await halting.resume(team.service, team.people["bo"], None, "page")
    await team.work()
    assert 'href="tel:+33465710042"' not in (root / "fr/42.html").read_text()
    assert 'href="tel:+33465710015"' in (root / "fr/69.html").read_text()

    team.clock.forward(minutes=10)
    retracted = await taking_back.retract(team.service, team.people["ada"], view.id)
    await out(team, retracted.id)
    assert 'href="tel:+33465710015"' not in (root / "fr/69.html").read_text()
    assert retracted.id in read(root, f"fr/alerts/{view.id}.html")
    assert read(root, f"fr/alerts/{retracted.id}.html")

    rows = await team.service.database.read(lambda conn: store_editions.editions(conn, "page"))
    for row in rows:
        assert (await keeper.rebuild(row)).digest == row.digest
    assert (await overview.audit_verify(team.service, None)).problems == ()


async def test_a_page_that_is_added_while_something_goes_on(database: Database, tmp_path: Path) -> None:
    channel = page_channel()
    team = await gather(database, CHANNELS)
    first = await team.approved("holding")
    await team.work()
    team.service.publisher.channels["page"] = channel  # type: ignore[index]
    adapter = adapter_of(channel, tmp_path)
    team.adapters["page"] = adapter  # type: ignore[assignment]
    keeper, root = keep(team, adapter, public_page.render), tmp_path / "www/current"
    await team.work()
    await keeper.look()
    assert not root.exists()  # an empty page would deny what was told
    needs = [one.message for one in (await overview.status(team.service, None)).open]
    assert any(first.incident in one and "shows nothing yet" in one for one in needs)
    team.clock.forward(minutes=5)
    view = await following.update(
        team.service,
        team.people["ada"],
        first.id,
        FollowRequest({"next_update": "+30m", "since": "-20m"}),
    )
    await out(team, view.id)
    assert view.id in read(root, f"fr/alerts/{view.id}.html")


async def test_a_page_of_exercises_says_so_and_takes_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    live, drill = (
        page_channel(),
        page_channel("drill_page", public_url="https://ex.example.org", audience="exercise"),
    )
    team = await gather(database, (*CHANNELS, live, drill))
    keepers = {}
    for channel in (live, drill):
        adapter = adapter_of(channel, tmp_path / channel.name)
        (tmp_path / channel.name).mkdir()
        team.adapters[channel.name] = adapter  # type: ignore[assignment]
        keepers[channel.name] = keep(team, adapter, public_page.render)
    view = await team.approved("holding", exercise=True)
    await team.work()
    for keeper in keepers.values():
        await keeper.look()
    theirs = tmp_path / "drill_page/www/current"
    assert "EXERCI" in read(theirs, f"fr/alerts/{view.id}.html").upper()
    assert not (tmp_path / f"page/www/current/fr/alerts/{view.id}.html").exists()
