"""Faults on demand, and the sandbox itself: its ports and its host."""

import asyncio
import subprocess
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import Misuse
from alertbot.rehearsal.sandbox.faults import CALLS, FAULTS, Faults, OrderedFault, listing, parse
from alertbot.rehearsal.sandbox.server import Sandbox


def test_an_order_is_read() -> None:
    fault = parse("telegram:429:retry_after=3:times=2:match=à 18:30:delay=0.5:on=edit")
    assert (fault.name, fault.times, fault.match) == ("flood", 2, "à 18:30")
    assert (fault.delay, fault.on, fault.number("retry_after", 9)) == (0.5, "edit", 3)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("", "x, telegram, bluesky, mastodon, smtp"),
        ("fax:busy", "x, telegram, bluesky, mastodon, smtp"),
        ("x", "duplicate"),
        ("x:flood", "rate_limited"),
        ("x:slow:reset=1", "no option reset"),
        ("x:rate_limited:reset=soon", "not a number"),
        ("x:slow:times=0", "not a number"),
        ("x:slow:delay=long", "not a number"),
        ("x:slow:on=rcpt", "known call"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order: str, said: str) -> None:
    with pytest.raises(Misuse, match=said):
        parse(order)


faults = st.builds(
    OrderedFault,
    kind=st.sampled_from(FAULTS),
    times=st.one_of(st.none(), st.integers(1, 5)),
    match=st.sampled_from(["", "15", "à 18:30"]),
    on=st.just(""),
    delay=st.sampled_from([0.5, 2.0]),
)


@given(faults)
def test_a_fault_reads_back_as_it_is_written(fault: OrderedFault) -> None:
    assert parse(str(fault)) == fault


@given(st.lists(faults, max_size=6), st.lists(st.sampled_from(["", "15", "à 18:30"]), max_size=12))
def test_each_fault_strikes_as_often_as_ordered_and_only_what_fits(
    orders: list[OrderedFault], texts: list[str]
) -> None:
    standing = Faults(orders)
    for platform, calls in CALLS.items():
        for call in calls:
            for text in texts:
                struck = standing.take(platform, call, text)
                assert struck is None or struck.fits(platform, call, text)
    for fault in orders:
        assert fault.times is not None or fault in standing.standing


def test_faults_are_used_up_in_order_and_can_be_cleared() -> None:
    standing = Faults(["x:slow:times=2", "x:duplicate", "smtp:slow:times=always"])
    names = [fault.name if fault else None for fault in (standing.take("x", "post") for _ in range(4))]
    assert names == ["slow", "slow", "duplicate", None]
    assert all(standing.take("smtp", "dot") for _ in range(5))
    standing.add("x:credits")
    standing.clear("smtp")
    assert [fault.name for fault in standing.standing] == ["credits"]
    standing.clear()
    assert not standing.standing


def test_the_listing_can_be_ordered_as_it_stands() -> None:
    assert len(listing()) == len(FAULTS)
    for order, what in listing():
        assert parse(order.replace("=N", "=1"))
        assert what


async def test_orders_over_http(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.wall_url) as http:
        answer = await http.post("/faults", json={"fault": "telegram:429:retry_after=3"})
        assert answer.json()["standing"] == ["telegram:flood:times=1:retry_after=3"]
        await http.post("/faults", json={"faults": ["x:slow", "smtp:slow:times=always"]})
        assert len(sandbox.faults.standing) == 3
        assert len((await http.get("/faults")).json()["known"]) == len(FAULTS)
        await http.delete("/faults?platform=x")
        assert [fault.kind.platform for fault in sandbox.faults.standing] == ["telegram", "smtp"]
        for content in ({"fault": "x:nothing"}, {}, [], 1):
            assert (await http.post("/faults", json=content)).status_code == 400
        assert (await http.post("/faults", content=b"{")).status_code == 415
        foreign = {"Host": "rebound.example.com"}
        assert (await http.get("/posts", headers=foreign)).status_code == 421
        assert (await http.get("/nothing")).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org", "::", ""])
def test_only_loopback(host: str) -> None:
    with pytest.raises(Misuse, match="not a loopback address"):
        Sandbox(host=host)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # without a host
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", b"400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000002\r\n\r\n" + bytes(20_000_002), b"413"),
    ],
    ids=["nonsense", "no host", "two lengths", "too large"],
)
async def test_what_is_not_a_request_is_turned_away(
    sandbox: Sandbox, sent: bytes, status: bytes
) -> None:
    port = int(sandbox.wall_url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.readline()
    assert answer.split()[1] == status
    writer.close()


async def test_a_connection_serves_many_requests_also_pipelined(sandbox: Sandbox) -> None:
    port = int(sandbox.wall_url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    one = b"GET /posts HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    writer.write(one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert (await reader.read()).count(b"200 OK") == 2
    writer.close()


@pytest.mark.parametrize("speed", [0, -1])
def test_a_speed_is_above_zero(speed: float) -> None:
    with pytest.raises(Misuse):
        Sandbox(speed=speed)


async def test_a_taken_port_is_named_and_nothing_keeps_running(sandbox: Sandbox) -> None:
    for platform in ("smtp_port", "x_port", "telegram_port", "wall_port"):
        second = Sandbox(**{platform: sandbox.smtp_port})
        with pytest.raises(Misuse, match=str(sandbox.smtp_port)):
            await second.start()
        if second.x_url:
            async with httpx.AsyncClient() as http:
                with pytest.raises(httpx.ConnectError):
                    await http.get(second.x_url)
    with pytest.raises(Misuse, match="70000"):
        await Sandbox(x_port=70000).start()


async def test_ports_can_be_chosen_at_the_start_and_stopping_frees_them() -> None:
    first = await Sandbox().start()
    port = first.smtp_port
    await first.stop()
    second = await Sandbox().start(smtp_port=port)
    assert second.smtp_port == port
    await second.stop()


def test_what_the_sandbox_serves_with_is_loaded_by_no_other_command() -> None:
    code = (
        "import sys, alertbot.app, alertbot.ops.working, alertbot.ops.overview, alertbot.alerts.showing;"
        " print(sorted({'aiosmtpd', 'oauthlib', 'alertbot.rehearsal'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
