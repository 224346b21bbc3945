"""Sources asked again and again, by a clock that the test turns."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from alertbot.config.sources import SourceSettings
from alertbot.config.watching import WatchSettings
from alertbot.core.errors import StoreFailed
from alertbot.ops import working
from alertbot.watch.polling.loop import keep
from alertbot.watch.rules_signals import Observed, Signal
from tests.watch.polling.clocks import TurnedClock
from tests.watch.polling.servers import Server, said, server

DOWN, UP, UNKNOWN = Observed.DOWN, Observed.UP, Observed.UNKNOWN
RSS = '<rss version="2.0"><channel><title>News</title>{}</channel></rss>'


def source(**given: Any) -> SourceSettings:
    """As the file would give it: in JSON mode a text is a duration."""
    return SourceSettings.model_validate_json(json.dumps(given))


def page(one: Server, **more: Any) -> SourceSettings:
    return source(
        type="statuspage", poll={"url": one.url("/state"), "every": "60s", "timeout": "5s"}, **more
    )


def summary(**states: str) -> bytes:
    components = [
        {"id": name, "name": name, "status": state, "updated_at": ""} for name, state in states.items()
    ]
    return said(body=json.dumps({"page": {}, "status": {}, "components": components}).encode())


class Desk:
    """Keeps what it is given; `fails` while a test says so."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, tuple[Signal, ...]]] = []
        self.fails: Exception | None = None
        self.clock = TurnedClock()
        self.stop = asyncio.Event()

    async def take(self, name: str, signals: Sequence[Signal]) -> None:
        if self.fails:
            raise self.fails
        self.taken.append((name, tuple(signals)))

    def of(self, name: str) -> list[tuple[Signal, ...]]:
        return [signals for one, signals in self.taken if one == name]

    @property
    def observed(self) -> list[Observed]:
        return [one.observed for _name, signals in self.taken for one in signals]

    @asynccontextmanager
    async def asking(
        self, watch: WatchSettings | None = None, **sources: SourceSettings
    ) -> AsyncIterator[Callable[[float], Any]]:
        """Ask these from the first moment on; gives the way to let time pass."""
        kept = asyncio.create_task(
            keep(
                sources,
                watch or WatchSettings(),
                self.take,
                self.stop,
                clock=self.clock,
                share=lambda: 0.0,
            )
        )
        asked = sum(not one.pushes for one in sources.values())

        async def pass_by(seconds: float) -> None:
            await self.clock.turn(seconds, sleepers=asked)

        try:
            yield pass_by
        finally:
            self.stop.set()
            async with asyncio.timeout(5):
                await kept


@pytest.fixture
async def desk() -> Desk:
    return Desk()


# --- turns ----------------------------------------------------------------------------------------


async def test_a_source_is_asked_in_its_interval(desk: Desk) -> None:
    async with (
        server({"/state": summary(voice="operational")}) as one,
        desk.asking(page=page(one)) as pass_by,
    ):
        await pass_by(0)
        assert len(one.heads) == 1
        await pass_by(59)
        assert len(one.heads) == 1
        await pass_by(1)
        assert len(one.heads) == 2
        await pass_by(600)
        assert len(one.heads) == 12


async def test_an_unchanged_page_is_one_report_and_is_heard_each_time(desk: Desk) -> None:
    async with (
        server({"/state": summary(voice="major_outage", mail="operational")}) as one,
        desk.asking(page=page(one)) as pass_by,
    ):
        await pass_by(600)
    told = desk.of("page")
    assert len(told) == 11
    assert {tuple(signal.key for signal in signals) for signals in told} == {
        tuple(signal.key for signal in told[0])
    }


async def test_each_change_of_a_page_is_a_report(desk: Desk) -> None:
    async with server() as one, desk.asking(page=page(one)) as pass_by:
        for state in ("operational", "major_outage", "major_outage", "operational", "major_outage"):
            one.answers["/state"] = summary(voice=state)
            await pass_by(60 if desk.taken else 0)
    assert desk.observed == [UP, DOWN, DOWN, UP, DOWN]
    assert len({signals[0].key for signals in desk.of("page")}) == 4


async def test_names_and_confirmation_are_those_of_the_configuration(desk: Desk) -> None:
    async with server({"/state": summary(voice="operational", core="major_outage")}) as one:
        settings = page(one, names={"voice": "112", "core": "17"}, confirms=True)
        async with desk.asking(page=settings) as pass_by:
            await pass_by(0)
    assert {s.service: s.confirms for s in desk.of("page")[0]} == {"112": True, "17": False}


async def test_several_rows_of_one_service_are_its_worst(desk: Desk) -> None:
    async with server({"/state": summary(a="operational", b="major_outage", c="operational")}) as one:
        settings = page(one, names=dict.fromkeys("abc", "112"))
        async with desk.asking(page=settings) as pass_by:
            await pass_by(0)
            one.answers["/state"] = summary(a="operational", b="operational", c="operational")
            await pass_by(60)
    assert desk.observed == [DOWN, UP]


async def test_json_that_lists_nothing_is_heard(desk: Desk) -> None:
    async with server({"/state": said(body=b'{"open": []}')}) as one:
        settings = source(type="generic", map={"items": "open"}, poll={"url": one.url("/state")})
        async with desk.asking(checks=settings) as pass_by:
            await pass_by(0)
    assert desk.taken == [("checks", ())]


async def test_a_feed_is_read(desk: Desk) -> None:
    item = "<item><guid>1</guid><title>Outage</title><pubDate>Mon, 02 Mar 2026 13:00:00 GMT</pubDate></item>"
    async with server({"/feed": said(body=RSS.format(item).encode())}) as one:
        settings = source(
            type="feed", feed={"service": "112", "url": one.url("/feed"), "words": {"down": ["outage"]}}
        )
        async with desk.asking(feed=settings) as pass_by:
            await pass_by(240)
            one.answers["/feed"] = said(body=RSS.format("").encode())
            await pass_by(120)
    told = desk.of("feed")
    assert [[one.observed for one in signals] for signals in told] == [[DOWN], [DOWN], [DOWN], []]
    assert len({one.key for signals in told for one in signals}) == 1


async def test_a_probe_gives_a_result_each_time(desk: Desk) -> None:
    async with server({"/": said()}) as one:
        settings = source(type="probe", probe={"service": "112", "url": one.url(), "every": "30s"})
        async with desk.asking(ours=settings) as pass_by:
            await pass_by(60)
            one.answers["/"] = said("503 No")
            await pass_by(120)
    assert desk.observed == [UP, UP, UP, UNKNOWN, UNKNOWN, DOWN, DOWN]  # down from the third failure on
    assert len({one.key for _name, signals in desk.taken for one in signals}) == 7


async def test_a_failing_probe_is_tried_as_often(desk: Desk) -> None:
    probe = {"service": "112", "host": "127.0.0.1", "port": 1, "every": "30s", "failures": 1}
    async with desk.asking(ours=source(type="probe", probe=probe)) as pass_by:
        await pass_by(300)
    assert desk.observed == [DOWN] * 11


async def test_offline_nothing_is_down(desk: Desk) -> None:
    watch = WatchSettings.model_validate_json(json.dumps({"online_checks": ["http://127.0.0.1:1/"]}))
    settings = source(
        type="probe", probe={"service": "112", "host": "127.0.0.1", "port": 1, "every": "30s"}
    )
    async with desk.asking(watch, ours=settings) as pass_by:
        await pass_by(60)
    assert desk.observed == [UNKNOWN] * 3


async def test_who_reports_by_himself_is_not_asked(desk: Desk) -> None:
    await keep(
        {"prom": source(type="alertmanager", secret_env="S")}, WatchSettings(), desk.take, desk.stop
    )
    assert desk.taken == []


async def test_all_do_not_begin_at_once() -> None:
    desk = Desk()
    shares = iter((0.0, 0.5, 1.0))
    async with server({"/state": summary(voice="operational")}) as one:
        sources = {name: page(one) for name in "abc"}
        stop = asyncio.Event()
        kept = asyncio.create_task(
            keep(
                sources, WatchSettings(), desk.take, stop, clock=desk.clock, share=lambda: next(shares)
            )
        )
        await desk.clock.turn(0, sleepers=3)
        assert [name for name, _signals in desk.taken] == ["a"]
        await desk.clock.turn(5, sleepers=3)
        await desk.clock.turn(5, sleepers=3)
        assert [name for name, _signals in desk.taken] == ["a", "b", "c"]
        stop.set()
        await kept


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [said("500 Oops"), said(body=b"<html>"), said(body=b'{"other": 1}'), said(body=b"[" * 100_000), b"?",
     said(body=b'{"page": {}, "status": {}, "components": [{"status": "major_outage"}]}')],
    ids=["status", "html", "shape", "deep", "no http", "nameless"],
)  # fmt: skip
async def test_a_page_that_cannot_be_read_says_nothing(
    desk: Desk, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is never down: the page fails, not the service."""
    async with server({"/state": answer}) as one, desk.asking(page=page(one)) as pass_by:
        await pass_by(0)
    assert desk.taken == []
    (line,) = [one for one in caplog.records if one.name == "alertbot.watch.polling.loop"]
    assert line.levelno == logging.WARNING
    assert line.getMessage().startswith("The source page gave nothing: ")
    assert line.getMessage().endswith("It is asked again in 60 s.")
    assert line.exc_info is None


async def test_after_failures_the_wait_grows_and_a_success_ends_it(desk: Desk) -> None:
    async with server() as one, desk.asking(page=page(one)) as pass_by:
        await pass_by(60 + 120 + 240)
        assert len(one.heads) == 4
        await pass_by(480 + 600)
        assert len(one.heads) == 6
        one.answers["/state"] = summary(voice="operational")
        await pass_by(600)
        assert len(one.heads) == 7
        await pass_by(60)
        assert len(one.heads) == 8


async def test_a_failure_of_one_leaves_the_others_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_all: object, **_more: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("alertbot.watch.polling.feed.parse", broken)
    async with server({"/state": summary(voice="operational"), "/feed": said()}) as one:
        odd = source(type="feed", feed={"service": "112", "url": one.url("/feed"), "every": "60s"})
        async with desk.asking(odd=odd, page=page(one)) as pass_by:
            await pass_by(180)
    assert len(desk.of("page")) == 4
    assert desk.of("odd") == []
    assert "deep inside" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("failure", [StoreFailed("The database is locked."), RuntimeError("odd")])
async def test_what_was_not_stored_comes_again(
    desk: Desk, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        server({"/state": summary(voice="operational")}) as one,
        desk.asking(page=page(one)) as pass_by,
    ):
        await pass_by(0)
        desk.fails = failure
        one.answers["/state"] = summary(voice="major_outage")
        await pass_by(60)
        desk.fails = None
        await pass_by(60)
    assert desk.observed == [UP, DOWN]
    assert len({signals[0].key for signals in desk.of("page")}) == 2
    assert "was not stored" in caplog.text


async def test_a_missing_secret_is_one_sentence(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    async with server({"/state": summary(voice="operational")}) as one:
        async with desk.asking(page=page(one, secret_env="ALERTBOT_TEST_ABSENT")) as pass_by:
            await pass_by(0)
        assert one.heads == []
    assert "ALERTBOT_TEST_ABSENT" in caplog.text


async def test_the_secret_is_shown_and_never_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ALERTBOT_TEST_SECRET", "s3cret-s3cret-s3cret")
    async with server({"/state": said("403 No")}) as one:
        settings = page(one, secret_env="ALERTBOT_TEST_SECRET")
        async with desk.asking(page=settings) as pass_by:
            await pass_by(0)
    assert "Authorization: Bearer s3cret-s3cret-s3cret\r\n" in one.heads[0]
    assert "s3cret" not in caplog.text


# --- stopping -------------------------------------------------------------------------------------


async def test_a_stop_interrupts_what_is_asked() -> None:
    async def silent(_server: Server, _head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    desk = Desk()
    async with server({"/state": silent}) as one:
        kept = asyncio.create_task(
            keep({"page": page(one)}, WatchSettings(), desk.take, desk.stop, share=lambda: 0.0)
        )
        while not one.heads:
            await asyncio.sleep(0.01)
        desk.stop.set()
        async with asyncio.timeout(4):  # the answer would take five
            await kept
    assert desk.taken == []


async def test_a_stop_lets_what_was_heard_be_stored() -> None:
    stored = []
    storing, stop = asyncio.Event(), asyncio.Event()

    async def take(name: str, _signals: Sequence[Signal]) -> None:
        storing.set()
        await asyncio.sleep(0.05)
        stored.append(name)

    async with server({"/state": summary(voice="operational")}) as one:
        kept = asyncio.create_task(
            keep({"page": page(one)}, WatchSettings(), take, stop, share=lambda: 0.0)
        )
        await storing.wait()
        stop.set()
        await kept
    assert stored == ["page"]


async def test_a_stop_does_not_wait_for_a_store_that_hangs() -> None:
    storing, stop = asyncio.Event(), asyncio.Event()

    async def take(_name: str, _signals: Sequence[Signal]) -> None:
        storing.set()
        await asyncio.sleep(60)

    async with server({"/state": summary(voice="operational")}) as one:
        kept = asyncio.create_task(
            keep({"page": page(one)}, WatchSettings(), take, stop, share=lambda: 0.0)
        )
        await storing.wait()
        stop.set()
        async with asyncio.timeout(30):
            await kept


async def test_whoever_cancels_it_ends_all(desk: Desk) -> None:
    async with server({"/state": summary(voice="operational")}) as one:
        kept = asyncio.create_task(
            keep({"page": page(one)}, WatchSettings(), desk.take, desk.stop, clock=desk.clock)
        )
        await desk.clock.settle()
        kept.cancel()
        with pytest.raises(asyncio.CancelledError):
            await kept
    assert not [one for one in asyncio.all_tasks() if one.get_name().startswith("asking")]


async def test_without_a_source_to_poll_nobody_asks_again_and_again() -> None:
    """The loop that keeps it going would call what has ended at once, for ever."""
    stop, config = asyncio.Event(), SimpleNamespace(sources={"pushed": SimpleNamespace(pushes=True)})
    asking = asyncio.create_task(working.ask_in_turn(None, config, stop))  # type: ignore[arg-type]
    done, _waiting = await asyncio.wait({asking}, timeout=0.2)
    assert not done
    stop.set()
    async with asyncio.timeout(20):
        await asking
