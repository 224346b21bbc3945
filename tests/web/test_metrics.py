"""/metrics: true sums, cheap to ask for, and nobody's name in them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from alertbot.alerts import store_incidents
from alertbot.channels import base
from alertbot.core.errors import Throttled
from alertbot.core.model import Audience, Channel, Receipt, Target
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts
from alertbot.ops.metrics import Measures
from alertbot.watch import store_decisions, store_signals, watching
from alertbot.watch.context import WATCH
from alertbot.watch.reports import inlets, receive
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State
from alertbot.web.app import build
from tests.team import Team, channel, gather
from tests.web.sender import SECRET, source

SAMPLES = Path(__file__).parents[1] / "watch" / "sources" / "samples"
MAIL = Channel(
    "press", base.EMAIL, ("fr", "en"), Audience.LIVE, (Target("redaction@example.org", "fr"),)
)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_SECRET", SECRET)


@pytest.fixture
async def team(database: Database) -> Team:
    made = await gather(database, (channel("public"), MAIL, channel("team", Audience.TEAM)))

    async def work(conn: Connection) -> None:
        await store_accounts.sync(conn, [one.channel for one in made.adapters.values()])

    await database.transact(work)
    return made


@pytest.fixture
async def browser(team: Team) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build(team.service, metrics=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def asked(browser: httpx.AsyncClient) -> Samples:
    answer = await browser.get("/metrics")
    assert answer.status_code == 200
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"alertbot_{name}", tuple(sorted(labels.items()))))


async def report(team: Team, name: str, body: str | None = None) -> None:
    settings = source(name)
    content = (SAMPLES / f"{body or name}.json").read_bytes()
    await receive(team.service, inlets({name: settings})[name], content)


async def opened(team: Team, alert: str, service: str) -> None:
    """An incident of this service was opened, and this alert written for it."""
    entry = LogEntry(team.clock.now, IncidentAction.OPEN, Reason.CONFIRMED, State.DOWN)

    async def work(conn: Connection) -> None:
        made = await store_incidents.start(conn, by=None, now=entry.at, service=service)
        number = await store_decisions.append(conn, service, made.id, entry, before=None, by="alertbot")
        await store_decisions.led_to(conn, number, alert)

    await team.service.database.transact(work)


async def test_what_is_empty_is_nought(browser: httpx.AsyncClient) -> None:
    found = await asked(browser)
    assert value(found, "worker_alive") == 0
    assert value(found, "watch_alive") == 0
    assert value(found, "halted") == 0
    assert value(found, "first_post_seconds_count") == 0
    assert value(found, "queue_age_seconds", channel="public") == 0


async def test_reports_are_counted(team: Team, browser: httpx.AsyncClient) -> None:
    await report(team, "alertmanager")
    await report(team, "alertmanager")
    await watching.quarantine(team.service, "gatus", b"{}", why="odd", keys=[])
    found = await asked(browser)
    assert value(found, "signals_total", source="alertmanager", observed="down") == 1
    assert value(found, "signals_total", source="alertmanager", observed="up") == 1
    assert value(found, "quarantined", source="gatus") == 1
    await report(team, "gatus")
    found = await asked(browser)
    assert value(found, "signals_total", source="alertmanager", observed="down") == 1
    assert value(found, "signals_total", source="gatus", observed="down") == 1


async def test_health_is_told(team: Team, browser: httpx.AsyncClient) -> None:
    team.service.pulse.beat(WATCH)

    async def work(conn: Connection) -> None:
        await store_accounts.beat(conn, "worker", "here")
        await store_accounts.set_halt(conn, True)
        await store_accounts.pause(conn, "public", "no credit")

    await team.service.database.transact(work)
    found = await asked(browser)
    assert value(found, "worker_alive") == value(found, "watch_alive") == value(found, "halted") == 1
    assert value(found, "channel_stopped", channel="public", why="paused") == 1
    assert value(found, "channel_stopped", channel="press", why="paused") == 0


async def test_deliveries_are_counted_and_the_queue_has_an_age(
    team: Team, browser: httpx.AsyncClient
) -> None:
    await team.approved("holding")
    found = await asked(browser)
    waiting = value(found, "deliveries", channel="press", state="pending")
    assert waiting == 1
    assert (value(found, "queue_age_seconds", channel="press") or -1) >= 0
    await team.work()
    found = await asked(browser)
    assert value(found, "deliveries", channel="press", state="sent") == waiting
    assert value(found, "deliveries", channel="press", state="pending") is None
    assert value(found, "queue_age_seconds", channel="press") == 0


async def test_failures_have_a_class(database: Database) -> None:
    answers: list[Any] = [Throttled("slowly", wait=0.01)]

    def busy(_post: Any) -> Receipt:
        if answers:
            raise answers.pop()
        return Receipt("1")

    team = await gather(database, (channel("public"),), handlers={"public": busy})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(build(team.service, metrics=True)), base_url="http://127.0.0.1"
    ) as browser:
        await team.approved("holding")
        await team.work(patience=5.0)
        found = await asked(browser)
    labels = {"channel": "public", "class": "Throttled"}
    assert value(found, "call_failures_total", **labels) == 1


async def test_the_first_post_is_measured_from_the_first_report(
    team: Team, browser: httpx.AsyncClient
) -> None:
    """Ours is the clock of the service; the post has that of the database, which is far ahead here."""
    await report(team, "alertmanager")
    first = (await team.service.database.read(store_signals.listing))[-1]
    assert first.signal.trouble
    team.clock.forward(seconds=30)
    view = await team.approved("holding")
    await opened(team, view.id, first.signal.service)
    assert value(await asked(browser), "first_post_seconds_count") == 0
    await team.work()
    for _number in range(2):
        found = await asked(browser)
        assert value(found, "first_post_seconds_count") == 1
        since = timedelta(seconds=value(found, "first_post_seconds_sum") or 0)
        assert since > timedelta(seconds=30)


async def test_what_is_remembered_is_what_is_counted(team: Team) -> None:
    """One who has looked all along and one who looks for the first time see the same."""
    old = Measures(team.service)
    for step in ("holding", "status"):
        await report(team, "alertmanager")
        assert await old.take() == await Measures(team.service).take()
        await team.approved(step)
        await report(team, "gatus")
        assert (await old.take()).deliveries == (await Measures(team.service).take()).deliveries
        await team.work()
        assert await old.take() == await Measures(team.service).take()


async def test_numbers_that_are_given_again_are_counted_again(team: Team) -> None:
    """Reports that led to nothing are forgotten, and SQLite gives the number of the newest again."""
    old = Measures(team.service)
    await report(team, "alertmanager")
    assert sum((await old.take()).signals.values()) == 2

    async def forget(conn: Connection) -> None:
        services = {one.signal.service for one in await store_signals.listing(conn)}
        await store_signals.note(conn, services, incident=None, action="drop", reason="unchanged")
        await store_signals.forget(conn, before=team.clock.now + timedelta(days=1))

    await team.service.database.transact(forget)
    await old.take()
    await report(team, "gatus")
    assert (await old.take()).signals["gatus", "down"] == 1


async def test_nobodys_name_or_address_is_in_it(team: Team, browser: httpx.AsyncClient) -> None:
    await team.approved("holding")
    await team.work()
    text = (await browser.get("/metrics")).text
    assert "@" not in text
    assert not any(f'"{name}"' in text for name in team.people)
    assert "# HELP alertbot_deliveries " in text


async def test_open_metrics_are_spoken_too(team: Team, browser: httpx.AsyncClient) -> None:
    await report(team, "alertmanager")
    answer = await browser.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "alertbot_signals" in {family.name for family in open_metrics(answer.text)}


async def test_without_the_database_it_says_so(team: Team, browser: httpx.AsyncClient) -> None:
    async def fails(*_: Any) -> Any:
        from alertbot.core.errors import StoreFailed

        raise StoreFailed("gone")

    team.service.database.read = fails  # type: ignore[method-assign]
    assert (await browser.get("/metrics")).status_code == 503


async def test_it_is_there_only_where_it_is_wanted(team: Team) -> None:
    transport = httpx.ASGITransport(build(team.service))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
        assert (await browser.get("/metrics")).status_code == 404
