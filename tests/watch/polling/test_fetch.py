"""Fetching on loopback: redirects, sizes, times, and what is never told."""

import asyncio
import gzip
import socket
import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from alertbot import __version__
from alertbot.watch.polling.fetch import CachedAnswer, fetch
from alertbot.watch.polling.network import (
    BadAnswer,
    ForbiddenRedirect,
    Network,
    NotFetched,
    TooLarge,
    Unreachable,
    both_families,
    is_inward,
    look_up,
)
from tests.watch.polling.servers import Server, names, said, server

SOON = timedelta(seconds=5)
AT_ONCE = timedelta(seconds=0.3)


def moved(where: str, status: str = "302 Found") -> bytes:
    return said(status, b"", f"Location: {where}")


# --- what is asked --------------------------------------------------------------------------------


async def test_a_body_comes_whole() -> None:
    async with server({"/state": said(body=b'{"a": 1}')}) as one:
        assert await fetch(one.url("/state?key=1"), timeout=SOON) == b'{"a": 1}'
        head = one.heads[0]
    assert head.startswith("GET /state?key=1 HTTP/1.1\r\n")
    assert f"User-Agent: alertbot/{__version__}\r\n" in head
    assert head.lower().count("\r\nhost: ") == 1
    assert "cookie" not in head.lower()


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with server({"/": said(body=b"here")}) as one:
        assert await fetch(one.url(), timeout=SOON) == b"here"


async def test_no_cookie_comes_back() -> None:
    network = names({"a.test": "127.0.0.1"})
    async with server() as one:
        one.answers["/"] = said("302 Found", b"", "Location: /next", "Set-Cookie: id=1; Path=/")
        one.answers["/next"] = said(body=b"there")
        assert await fetch(one.url(host="a.test"), timeout=SOON, network=network) == b"there"
    assert all("cookie" not in head.lower() for head in one.heads)


async def test_a_token_goes_to_its_own_server_alone() -> None:
    network = names({"a.test": "127.0.0.1", "b.test": "127.0.0.1"})
    async with server() as one, server() as other:
        one.answers["/"] = moved(other.url("/there", "b.test"))
        other.answers["/there"] = moved(one.url("/end", "a.test"))
        one.answers["/end"] = said(body=b"end")
        got = await fetch(one.url(host="a.test"), timeout=SOON, network=network, token="s3cret-é")
    assert got == b"end"
    assert ["Bearer s3cret-é" in head for head in one.heads] == [True, True]
    assert ["uthorization" in head for head in other.heads] == [False]


async def test_a_token_that_cannot_be_sent_is_not_told() -> None:
    async with server({"/": said()}) as one:
        with pytest.raises(NotFetched) as refused:
            await fetch(one.url(), timeout=SOON, token="s3cret\nX: y")
    assert "s3cret" not in str(refused.value)


async def test_nothing_new_is_asked_for_by_its_mark() -> None:
    async def marked(one: Server, head: str, writer: asyncio.StreamWriter) -> None:
        again = 'If-None-Match: "v1"' in head and "If-Modified-Since: Mon" in head
        whole = said("200 OK", b"first", 'ETag: "v1"', "Last-Modified: Mon, 02 Mar 2026 12:00:00 GMT")
        writer.write(said("304 Not Modified") if again else whole)

    known = CachedAnswer()
    async with server({"/": marked}) as one:
        for _again in range(3):
            assert await fetch(one.url(), timeout=SOON, known=known) == b"first"
        one.answers["/"] = said(body=b"second")
        assert await fetch(one.url(), timeout=SOON, known=known) == b"second"
        await fetch(one.url(), timeout=SOON, known=known)
    assert ["If-None-Match" in head for head in one.heads] == [False, True, True, True, False]


async def test_not_modified_without_a_question_is_no_answer() -> None:
    async with server({"/": said("304 Not Modified")}) as one:
        with pytest.raises(BadAnswer, match="304"):
            await fetch(one.url(), timeout=SOON)


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "401 Who"])
async def test_another_status_is_no_answer(status: str) -> None:
    async with server({"/": said(status, b"page")}) as one:
        with pytest.raises(BadAnswer, match=f"127.0.0.1:{one.port} answered {status[:3]}"):
            await fetch(one.url(), timeout=SOON)


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000]
)
async def test_what_is_not_http_is_no_answer(raw: bytes) -> None:
    async with server({"/": raw}) as one:
        with pytest.raises(BadAnswer, match="did not answer in HTTP"):
            await fetch(one.url(), timeout=SOON)


async def test_a_body_that_breaks_off_is_no_answer() -> None:
    async with server({"/": said(body=b"half", length=10)}) as one:
        with pytest.raises(BadAnswer):
            await fetch(one.url(), timeout=SOON)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/hosts", "http://", "nonsense", ""])
async def test_only_the_web_is_asked(url: str) -> None:
    with pytest.raises(NotFetched):
        await fetch(url, timeout=SOON)


# --- errors ---------------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    async with server() as one:
        pass
    with pytest.raises(Unreachable, match="it refused the connection"):
        await fetch(one.url("/path?token=s3cret"), timeout=SOON)


async def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_all: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "nobody knows it")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(Unreachable, match=r"nowhere\.invalid.*its name cannot be resolved"):
        await fetch("http://nowhere.invalid/?token=s3cret", timeout=SOON)


async def test_a_name_that_cannot_be_one() -> None:
    """Found out before anybody is asked about it."""
    with pytest.raises(Unreachable, match="its name cannot be resolved"):
        await fetch(f"http://{'x' * 64}.test/", timeout=SOON)


async def test_an_error_names_the_host_alone() -> None:
    network = names({"a.test": "127.0.0.1"})
    for answer in (said("500 Oops"), moved("http://10.0.0.1/s3cret"), b"?", said(body=b"x" * 100)):
        async with server({"/s3cret": answer}) as one:
            with pytest.raises(NotFetched) as refused:
                await fetch(
                    one.url("/s3cret?key=s3cret", "a.test"),
                    timeout=SOON,
                    largest=10,
                    network=network,
                    token="s3cret",
                )
        assert "s3cret" not in str(refused.value)
        assert f"a.test:{one.port}" in str(refused.value)


# --- redirects ------------------------------------------------------------------------------------


async def test_three_redirects_are_followed() -> None:
    network = names({"a.test": "127.0.0.1"})
    async with server() as one:
        one.answers |= {
            "/": moved("/1"),
            "/1": moved("2", "301 M"),
            "/2": moved(f"//a.test:{one.port}/3", "308 P"),
        }
        one.answers["/3"] = said(body=b"there")
        assert await fetch(one.url(host="a.test"), timeout=SOON, network=network) == b"there"


async def test_a_fourth_is_not() -> None:
    network = names({"a.test": "127.0.0.1"})
    async with server({"/": moved("/")}) as one:
        with pytest.raises(ForbiddenRedirect, match="more than 3 redirects"):
            await fetch(one.url(host="a.test"), timeout=SOON, network=network)
    assert len(one.heads) == 4


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "127.0.0.2", "0.0.0.0", "100.64.0.1",
     "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
     "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::1"],
)  # fmt: skip
async def test_a_redirect_never_leads_inward(address: str) -> None:
    """Neither as an address nor behind a name, and nobody there is called."""
    shown = f"[{address}]" if ":" in address else address
    assert is_inward(ip_address(address))
    network = names({"a.test": "127.0.0.1", "inner.test": ["93.184.215.14", address], address: address})
    for host in (shown, "inner.test"):
        async with server({"/": moved(f"http://{host}:9/")}) as one:
            with pytest.raises(ForbiddenRedirect, match="private or reserved"):
                await fetch(one.url(host="a.test"), timeout=SOON, network=network)


@pytest.mark.parametrize("spelt", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
async def test_another_spelling_of_an_address_is_the_same_address(spelt: str) -> None:
    assert [str(one) for one in await look_up(spelt, 80)] == ["127.0.0.1"]


async def test_a_name_is_looked_up_once_and_what_was_judged_is_called() -> None:
    """A name server that changes its answer in between gains nothing."""
    asked: list[str] = []
    network = names({"a.test": "127.0.0.1", "b.test": "127.0.0.1"}, asked=asked)
    async with server({"/there": said(body=b"there")}) as one:
        one.answers["/"] = moved(one.url("/there", "b.test"))
        await fetch(one.url(host="a.test"), timeout=SOON, network=network)
    assert asked == ["a.test", "b.test"]
    assert f"Host: b.test:{one.port}\r\n" in one.heads[1]


@pytest.mark.parametrize(
    "where",
    ["ftp://a.test/", "file:///etc/passwd", "javascript:alert(1)", "", "http://", "http://[::1",
     "http://user:s3cret@a.test/", "gopher://127.0.0.1:6379/_FLUSHALL"],
)  # fmt: skip
async def test_a_redirect_leads_to_the_web_alone(where: str) -> None:
    network = names({"a.test": "127.0.0.1"})
    async with server({"/": moved(where)}) as one:
        with pytest.raises(ForbiddenRedirect) as refused:
            await fetch(one.url(host="a.test"), timeout=SOON, network=network)
    assert "s3cret" not in str(refused.value)


async def test_a_redirect_from_this_machine_leads_nowhere() -> None:
    async with server({"/": moved("https://www.example.org/")}) as one:
        with pytest.raises(ForbiddenRedirect, match="machine, whose redirects are not followed"):
            await fetch(one.url(), timeout=SOON)


def test_what_is_outward() -> None:
    for address in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"):
        assert not is_inward(ip_address(address))


# --- size and time --------------------------------------------------------------------------------


async def test_a_body_may_be_as_large_as_said() -> None:
    async with server({"/": said(body=b"x" * 100)}) as one:
        assert len(await fetch(one.url(), timeout=SOON, largest=100)) == 100
        with pytest.raises(TooLarge, match="more than 99 bytes"):
            await fetch(one.url(), timeout=SOON, largest=99)


async def test_a_body_without_end_is_cut_off() -> None:
    async def endless(one: Server, head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with server({"/": endless}) as one:
        with pytest.raises(TooLarge):
            await fetch(one.url(), timeout=SOON, largest=50_000)


@pytest.mark.parametrize("size", [0, 1, 1000])
async def test_a_packed_body_is_unpacked(size: int) -> None:
    packed = gzip.compress(b"x" * size, mtime=0) + gzip.compress(b"y", mtime=0)
    async with server({"/": said("200 OK", packed, "Content-Encoding: gzip")}) as one:
        assert await fetch(one.url(), timeout=SOON) == b"x" * size + b"y"


@pytest.mark.parametrize("bodies", [1, 500])
async def test_a_bomb_is_not_unpacked(bodies: int) -> None:
    """One megabyte in a thousand bytes, in one piece or in many."""
    packed = gzip.compress(b"x" * (2_000_000 // bodies), mtime=0) * bodies
    async with server({"/": said("200 OK", packed, "Content-Encoding: gzip")}) as one:
        with pytest.raises(TooLarge):
            await fetch(one.url(), timeout=SOON, largest=1_000_000)


@pytest.mark.parametrize("coding", ["br", "deflate, gzip", "compress"])
async def test_another_packing_is_refused(coding: str) -> None:
    async with server({"/": said("200 OK", b"x", f"Content-Encoding: {coding}")}) as one:
        with pytest.raises(BadAnswer, match="was not asked for"):
            await fetch(one.url(), timeout=SOON)


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(b"cut off", mtime=0)[:-9], gzip.compress(b"x", mtime=0) + b"?"]
)
async def test_a_broken_packing_is_refused(packed: bytes) -> None:
    async with server({"/": said("200 OK", packed, "Content-Encoding: gzip")}) as one:
        with pytest.raises(BadAnswer, match="cannot be decompressed"):
            await fetch(one.url(), timeout=SOON)


async def _dripping(one: Server, head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _silent(one: Server, head: str, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("answer", [_dripping, _silent])
async def test_the_time_is_bounded_as_a_whole(answer: object) -> None:
    async with server({"/": answer}) as one:  # type: ignore[dict-item]
        with pytest.raises(Unreachable, match=r"no complete answer within 0\.3 s"):
            await fetch(one.url(), timeout=AT_ONCE)


async def test_a_name_server_that_does_not_answer_counts_too() -> None:
    async def never(host: str, port: int) -> tuple[()]:
        await asyncio.sleep(60)
        return ()

    with pytest.raises(Unreachable, match="no complete answer"):
        await fetch("http://a.test/", timeout=AT_ONCE, network=Network(resolve=never))


# --- addresses and TLS ----------------------------------------------------------------------------


async def test_the_next_address_is_tried() -> None:
    network = names({"a.test": ["::1", "127.0.0.1"]})
    async with server({"/": said(body=b"here")}) as one:
        assert await fetch(one.url(host="a.test"), timeout=SOON, network=network) == b"here"


def test_addresses_of_both_families_are_tried() -> None:
    six, four = [f"2606::{n}" for n in range(1, 6)], ["93.184.215.14", "93.184.215.14"]
    tried = [str(one) for one in both_families(map(ip_address, [*six, *four]))]
    assert tried == ["2606::1", "93.184.215.14", "2606::2", "2606::3"]
    assert both_families([]) == ()


def _serving(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_tls_checks_the_name_though_an_address_is_called(certificate: tuple[Path, Path]) -> None:
    known = names({"a.test": "127.0.0.1", "b.test": "127.0.0.1"})
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    network = Network(resolve=known.resolve, is_inward=known.is_inward, tls=trusting)
    async with server({"/": said(body=b"here")}, ssl=_serving(certificate)) as one:
        assert (
            await fetch(one.url(host="a.test", scheme="https"), timeout=SOON, network=network)
            == b"here"
        )
        with pytest.raises(Unreachable, match=r"certificate is not accepted.*b\.test"):
            await fetch(one.url(host="b.test", scheme="https"), timeout=SOON, network=network)


async def test_a_certificate_that_nobody_vouches_for(certificate: tuple[Path, Path]) -> None:
    async with server({"/": said()}, ssl=_serving(certificate)) as one:
        with pytest.raises(Unreachable, match="certificate is not accepted"):
            await fetch(one.url(scheme="https"), timeout=SOON)


async def test_tls_where_there_is_none() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said("400 Bad Request"))
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match=r"the encryption fails \(wrong version number\)"):
            await fetch(f"https://127.0.0.1:{port}/", timeout=SOON)


async def test_https_is_never_left(certificate: tuple[Path, Path]) -> None:
    known = names({"a.test": "127.0.0.1"})
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    network = Network(resolve=known.resolve, is_inward=known.is_inward, tls=trusting)
    async with server(ssl=_serving(certificate)) as one:
        one.answers["/"] = moved(one.url("/there", "a.test", "http"))
        with pytest.raises(ForbiddenRedirect, match="from https to http"):
            await fetch(one.url(host="a.test", scheme="https"), timeout=SOON, network=network)
