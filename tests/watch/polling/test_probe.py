"""Our own look at services, and whether we are offline ourselves."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from alertbot.config.sources import ProbeSettings
from alertbot.watch.polling.probe import Online, probe
from alertbot.watch.rules_signals import Observed, Signal
from tests.watch.polling.clocks import START, TurnedClock
from tests.watch.polling.servers import Server, names, said, server

DOWN, UP, UNKNOWN = Observed.DOWN, Observed.UP, Observed.UNKNOWN


def look_for(**more: Any) -> ProbeSettings:
    return ProbeSettings.model_validate({"service": "portal", "timeout": timedelta(seconds=5), **more})


async def look(settings: ProbeSettings, **more: Any) -> Signal:
    return await probe(
        settings, source="ours", **{"online": Online(()), "clock": TurnedClock(), **more}
    )


async def refusing_port() -> int:
    async with server() as one:
        return one.port


# --- HTTP -----------------------------------------------------------------------------------------


async def test_an_address_that_answers_is_up() -> None:
    async with server({"/": said()}) as one:
        seen = await look(look_for(url=one.url("/?key=s3cret")))
    assert seen == Signal(
        source="ours",
        service="portal",
        observed=UP,
        at=START,
        key="portal/up/2026-03-02T14:00:00+00:00",
        title="portal",
        summary="It answered 200.",
        url=one.url("/"),
        received=START,
    )


@pytest.mark.parametrize(
    ("status", "right", "expected"),
    [
        ("204 No Content", [200, 399], UP),
        ("302 Found", [200, 399], UP),
        ("302 Found", [200, 299], DOWN),
        ("404 Not Found", [200, 399], DOWN),
        ("401 Who", [401, 401], UP),
        ("503 No", [200, 399], DOWN),
    ],
)
async def test_the_first_status_decides(status: str, right: list[int], expected: Observed) -> None:
    """A redirect is an answer and is not followed."""
    async with server({"/": said(status, b"", "Location: http://127.0.0.1:1/")}) as one:
        seen = await look(look_for(url=one.url(), status=right))
    assert seen.observed is expected
    assert status[:3] in seen.summary
    assert seen.still_firing is (expected is DOWN)


async def test_a_token_is_shown() -> None:
    async with server({"/": said()}) as one:
        await look(look_for(url=one.url()), token="s3cret")
    assert "Authorization: Bearer s3cret\r\n" in one.heads[0]


async def test_a_refused_connection_is_down() -> None:
    seen = await look(look_for(url=f"http://127.0.0.1:{await refusing_port()}/?key=s3cret"))
    assert seen.observed is DOWN
    assert "it refused the connection" in seen.summary
    assert "s3cret" not in repr(seen)


async def test_an_unknown_name_is_down() -> None:
    seen = await look(look_for(url="https://nowhere.invalid/"), network=names({}))
    assert (seen.observed, seen.summary) == (
        DOWN,
        "nowhere.invalid cannot be reached: its name cannot be resolved.",
    )


async def test_broken_tls_is_down() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said("400 Bad Request"))
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        seen = await look(look_for(url=f"https://127.0.0.1:{port}/"))
    assert seen.observed is DOWN
    assert "the encryption fails" in seen.summary


async def test_no_answer_in_time_is_down() -> None:
    async def silent(_server: Server, _head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with server({"/": silent}) as one:
        seen = await look(look_for(url=one.url(), timeout=timedelta(seconds=0.2)))
    assert seen.observed is DOWN
    assert "no complete answer within 0.2 s" in seen.summary


async def test_an_endless_body_is_not_read() -> None:
    async def endless(_server: Server, _head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    async with server({"/": endless}) as one:
        assert (await look(look_for(url=one.url()))).observed is UP


# --- TCP ------------------------------------------------------------------------------------------


async def test_a_port_that_takes_connections_is_up() -> None:
    async with server() as one:
        seen = await look(look_for(host="127.0.0.1", port=one.port))
    assert (seen.observed, seen.summary, seen.url) == (UP, "It accepts connections.", "")


async def test_a_port_that_takes_none_is_down() -> None:
    port = await refusing_port()
    seen = await look(look_for(host="127.0.0.1", port=port))
    assert seen.observed is DOWN
    assert seen.summary == f"127.0.0.1:{port} cannot be reached: it refused the connection."


async def test_one_address_of_several_is_enough() -> None:
    async with server() as one:
        network = names({"a.test": ["::1", "127.0.0.1"]})
        seen = await look(look_for(host="a.test", port=one.port), network=network)
    assert seen.observed is UP


async def test_a_host_without_an_address_is_down() -> None:
    seen = await look(look_for(host="a.test", port=1), network=names({"a.test": []}))
    assert seen.observed is DOWN


# --- each look is a result ------------------------------------------------------------------------


async def test_each_look_has_a_key_of_its_own() -> None:
    clock = TurnedClock()
    async with server() as one:
        keys = set()
        for _again in range(5):
            keys.add((await look(look_for(host="127.0.0.1", port=one.port), clock=clock)).key)
            clock.pass_by(0.001)
    assert len(keys) == 5


# --- offline? -------------------------------------------------------------------------------------


async def test_offline_a_failure_is_unknown() -> None:
    nobody = f"http://127.0.0.1:{await refusing_port()}/"
    seen = await look(look_for(url=nobody), online=Online([nobody, nobody]))
    assert seen.observed is UNKNOWN
    assert not seen.still_firing
    assert seen.summary.startswith("This machine itself is offline: 127.0.0.1:")


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Oops", "301 Moved"])
async def test_online_any_answer_counts(status: str) -> None:
    nobody = f"http://127.0.0.1:{await refusing_port()}/"
    async with server({"/": said(status)}) as one:
        seen = await look(look_for(url=nobody), online=Online([nobody, one.url()]))
    assert seen.observed is DOWN


async def test_what_is_not_http_is_no_answer() -> None:
    async with server({"/": b"what?"}) as one:
        assert await Online([one.url()]).holds() is False


async def test_without_checks_a_failure_counts() -> None:
    assert await Online(()).holds() is True


async def test_a_success_asks_nobody() -> None:
    async with server({"/": said()}) as one, server({"/": said()}) as check:
        await look(look_for(url=one.url()), online=Online([check.url()]))
    assert check.heads == []


async def test_checks_are_asked_at_once_and_the_first_answer_is_enough() -> None:
    async def silent(_server: Server, _head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with server({"/": silent}) as mute, server({"/": said()}) as one:
        assert await Online([mute.url(), one.url()], patience=30).holds() is True


async def test_a_silent_check_is_not_waited_for_without_end() -> None:
    async def silent(_server: Server, _head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with server({"/": silent}) as mute:
        assert await Online([mute.url()], patience=0.1).holds() is False


async def test_the_answer_is_kept_for_a_few_seconds() -> None:
    clock = TurnedClock()
    async with server({"/": said()}) as one:
        online = Online([one.url()], clock=clock)
        assert await asyncio.gather(*(online.holds() for _ in range(5))) == [True] * 5
        assert len(one.heads) == 1
        clock.pass_by(4)
        await online.holds()
        assert len(one.heads) == 1
        clock.pass_by(2)
        await online.holds()
        assert len(one.heads) == 2


async def test_an_answer_from_before_does_not_count() -> None:
    """The line may have been cut since."""
    clock = TurnedClock()
    async with server({"/": said()}) as one:
        online = Online([one.url()], clock=clock)
        assert await online.holds() is True
        clock.pass_by(1)
        one.answers["/"] = b"cut"
        assert await online.holds(since=0.5) is False
