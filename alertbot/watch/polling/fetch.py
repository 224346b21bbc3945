"""Fetching over HTTP for polls and probes: connecting only to allowed addresses, bounded redirects, size
and time, conditional requests, and decompression that never exceeds the limit."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import field
from datetime import timedelta

import httpx

from alertbot import __version__
from alertbot.core.connecting import causes, is_loopback, reason_of
from alertbot.core.frozen import dataclass
from alertbot.core.logs import quieten
from alertbot.core.words import _
from alertbot.watch.polling.network import (
    Address,
    BadAnswer,
    ForbiddenAddress,
    ForbiddenRedirect,
    Network,
    TooLarge,
    Unreachable,
    both_families,
    late,
)

_GZIP = 16 + zlib.MAX_WBITS
_PLAIN = ("", "identity")
_PACKED = ("gzip", "x-gzip")


async def read(response: httpx.Response, host: str, largest: int) -> bytes:
    """The body, decompressed. Raises `TooLarge` as soon as it exceeds `largest` bytes, `BadAnswer` if it
    is damaged."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in (*_PLAIN, *_PACKED):
        raise BadAnswer(
            _("{host} compressed its answer in a way that was not asked for.").format(host=host)
        )
    unpack = _Gzip() if coding in _PACKED else None
    kept = bytearray()
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        kept += unpack.more(piece, largest + 1 - len(kept), host) if unpack else piece
        if max(received, len(kept)) > largest:
            raise TooLarge(_("{host} answered with more than {n} bytes.").format(host=host, n=largest))
    if unpack and not unpack.whole:
        raise _broken(host)
    return bytes(kept)


class _Gzip:
    """Decompresses no more than there is room for: a kilobyte can hold a megabyte."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    @property
    def whole(self) -> bool:
        """Whether everything that began has ended."""
        return self._member.eof or not self._begun

    def more(self, piece: bytes, room: int, host: str) -> bytes:
        """What the next piece decompresses to, at most `room` bytes. Raises `BadAnswer`."""
        found = b""
        while piece and len(found) < room:
            if self._member.eof:  # RFC 1952: one file may follow another
                self._member = zlib.decompressobj(_GZIP)
            self._begun = True
            try:
                found += self._member.decompress(piece, room - len(found))
            except zlib.error:
                raise _broken(host) from None
            piece = self._member.unused_data
        return found


def _broken(host: str) -> BadAnswer:
    return BadAnswer(_("{host} sent an answer that cannot be decompressed.").format(host=host))


USER_AGENT = f"alertbot/{__version__}"
PORTS = {"http": 80, "https": 443}
Headers = list[tuple[bytes, bytes]]


def address_of(url: str) -> httpx.URL:
    """The address, if it is http or https. Raises `BadAnswer` otherwise."""
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        found = httpx.URL("")
    if found.scheme not in PORTS or not found.host:
        raise BadAnswer(_("The address to poll is not a web address."))
    return found


def host_of(url: httpx.URL) -> str:
    """Host and port: the only part of an address that is ever shown."""
    return url.netloc.decode("ascii")


def bearer(token: str) -> Headers:
    """The header with the token; none for an empty token."""
    return [(b"Authorization", b"Bearer " + token.encode())] if token else []


@asynccontextmanager
async def asked(
    url: httpx.URL,
    headers: Headers,
    *,
    network: Network,
    within: float,
    sent_by: str = "",
    body: bytes | None = None,
) -> AsyncIterator[httpx.Response]:
    """The response, with its body still to be read. The caller limits the total time.

    `within` (seconds) is shared by the connection attempts. `sent_by`: the host that redirected to this
    address; raises `ForbiddenRedirect` if it then leads into a private network. `body`: sent by POST. Raises `Unreachable` and
    `BadAnswer`, also while the body is read.
    """
    quieten("httpx", "httpcore")
    transport = httpx.AsyncHTTPTransport(verify=network.tls, trust_env=False)
    try:
        response = await _answer(url, headers, transport, network, within, sent_by, body)
        try:
            yield response
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise _meaning(host_of(url), error) from None
    finally:
        await transport.aclose()


async def _found(url: httpx.URL, network: Network, sent_by: str) -> tuple[Address, ...]:
    """The addresses of the host that may be tried. Raises `ForbiddenRedirect` or `Unreachable`."""
    addresses = await network.resolve(url.raw_host.decode("ascii"), url.port or PORTS[url.scheme])
    if sent_by and any(map(network.is_inward, addresses)):
        told = _("{host} is in a private or reserved network").format(host=host_of(url))
        raise ForbiddenRedirect(sent_by, told)
    if network.outward and any(map(network.is_inward, addresses)):
        raise ForbiddenAddress(host_of(url))
    if not addresses:
        raise Unreachable(host_of(url), _("its name cannot be resolved"))
    return both_families(addresses)


async def _answer(
    url: httpx.URL,
    headers: Headers,
    transport: httpx.AsyncHTTPTransport,
    network: Network,
    within: float,
    sent_by: str,
    body: bytes | None,
) -> httpx.Response:
    """The response of the first address that accepts the connection. Nothing was sent to the others."""
    addresses = await _found(url, network, sent_by)
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return await transport.handle_async_request(
                _request(url, address, headers, within / len(addresses), body)
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if left == 1 or any(isinstance(one, ssl.SSLError) for one in causes(error)):
                raise
    raise AssertionError  # the last address returns or raises


def _request(
    url: httpx.URL, address: Address, headers: Headers, connect: float, body: bytes | None
) -> httpx.Request:
    """The request: sent to the address, with the host name in Host and TLS."""
    fixed = [(b"Host", url.netloc), (b"User-Agent", USER_AGENT.encode()), (b"Connection", b"close")]
    extensions: dict[str, object] = {"timeout": {"connect": connect}}
    if str(address) != url.host:
        extensions["sni_hostname"] = url.raw_host.decode("ascii")
    method = "GET" if body is None else "POST"
    there = url.copy_with(host=str(address))
    return httpx.Request(method, there, headers=[*fixed, *headers], content=body, extensions=extensions)


def _meaning(host: str, error: Exception) -> Unreachable | BadAnswer:
    """Our error for the library's, never with its own text: it may quote a header."""
    if isinstance(error, httpx.ProtocolError | httpx.DecodingError | httpx.StreamError):
        return BadAnswer(_("{host} did not answer in HTTP.").format(host=host))
    return Unreachable(host, reason_of(error))


LARGEST_BYTES = 1_000_000
MOST_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
_FINE, _NOT_MODIFIED = 200, 304


@dataclass(slots=True)
class CachedAnswer:
    """The last response of one address, for conditional requests (RFC 9110, 13)."""

    url: str = ""
    etag: str = ""
    modified: str = ""
    body: bytes = b""

    def validators(self) -> Headers:
        return [
            (b"If-None-Match", self.etag.encode()),
            (b"If-Modified-Since", self.modified.encode()),
        ]


async def fetch(
    url: str,
    *,
    timeout: timedelta,  # noqa: ASYNC109 - it bounds hops that are many
    largest: int = LARGEST_BYTES,
    token: str = "",
    network: Network | None = None,
    known: CachedAnswer | None = None,
) -> bytes:
    """The body at this address, decompressed and complete. Raises `NotFetched`.

    `timeout` (seconds) covers name look-up, connections, redirects and body. `token` is sent as a bearer
    token only to the address's own scheme, host and port. `known` keeps the last response; if the server
    reports no change, its body is returned.
    """
    start = address_of(url)
    journey = _Journey(start, largest, token, network or Network(), known or CachedAnswer())
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            return await journey.end(timeout.total_seconds())
    except TimeoutError:
        raise late(host_of(start), timeout.total_seconds()) from None


async def send_form(
    url: str,
    fields: bytes,
    headers: Headers,
    *,
    timeout: timedelta,  # noqa: ASYNC109 - as `fetch`
    largest: int,
    network: Network | None = None,
) -> tuple[int, bytes]:
    """Send an encoded form to this address; status and body of the answer, no redirect followed. Raises as `fetch`."""
    place, seconds = address_of(url), timeout.total_seconds()
    given = [(b"Content-Type", b"application/x-www-form-urlencoded"), *headers]
    try:
        async with (
            asyncio.timeout(seconds),
            asked(place, given, network=network or Network(), within=seconds, body=fields) as answer,
        ):
            return answer.status_code, await read(answer, host_of(place), largest)
    except TimeoutError:
        raise late(host_of(place), seconds) from None


async def look(url: str, *, timeout: timedelta, network: Network) -> tuple[int, bytes]:  # noqa: ASYNC109 - as `fetch`
    """Status and body at this public address, whatever the status. Raises as `fetch`."""
    start = address_of(url)
    journey = _Journey(start, LARGEST_BYTES, "", network, CachedAnswer(), any_status=True)
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            body = await journey.end(timeout.total_seconds())
    except TimeoutError:
        raise late(host_of(start), timeout.total_seconds()) from None
    return journey.status[0], body


@dataclass(frozen=True, slots=True)
class _Journey:
    """From the first address to the body. `any_status`: an answer other than 200 counts too, and is in `status`."""

    start: httpx.URL
    largest: int
    token: str
    network: Network
    known: CachedAnswer
    any_status: bool = False
    status: list[int] = field(default_factory=list)

    async def end(self, seconds: float) -> bytes:
        url, sent_by = self.start, ""
        for _hop in range(MOST_REDIRECTS + 1):
            async with asked(
                url, self._headers(url), network=self.network, within=seconds, sent_by=sent_by
            ) as answer:
                if answer.status_code not in _MOVED:
                    return await self._body(url, answer)
                sent_by = host_of(url)
                url = self._next(url, answer.headers.get("location", ""))
        told = _("more than {n} redirects").format(n=MOST_REDIRECTS)
        raise ForbiddenRedirect(host_of(self.start), told)

    def _headers(self, url: httpx.URL) -> Headers:
        headers = [(b"Accept-Encoding", b"gzip")]
        if _origin(url) == _origin(self.start):
            headers += bearer(self.token)
        if self.known.url == str(url):
            headers += [(name, value) for name, value in self.known.validators() if value]
        return headers

    async def _body(self, url: httpx.URL, answer: httpx.Response) -> bytes:
        if answer.status_code == _NOT_MODIFIED and self.known.url == str(url):
            return self.known.body
        self.status[:] = [answer.status_code]
        if answer.status_code != _FINE and not self.any_status:
            raise BadAnswer(
                _("{host} answered {status}.").format(host=host_of(url), status=answer.status_code)
            )
        found = await read(answer, host_of(url), self.largest)
        self.known.etag = answer.headers.get("etag", "")
        self.known.modified = answer.headers.get("last-modified", "")
        self.known.url, self.known.body = str(url), found
        return found

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        """The redirect's target. Raises `ForbiddenRedirect`; its addresses are checked when it is
        requested."""
        host = host_of(url)
        try:
            target = url.join(location)
        except (httpx.InvalidURL, ValueError):
            target = httpx.URL("")
        if not location or target.scheme not in PORTS or not target.host:
            raise ForbiddenRedirect(host, _("it is not a web address"))
        if target.userinfo:
            raise ForbiddenRedirect(host, _("the address contains a name or password"))
        if url.scheme == "https" and target.scheme != "https":
            raise ForbiddenRedirect(host, _("from https to http"))
        if is_loopback(str(self.start)):
            raise ForbiddenRedirect(
                host, _("it comes from this machine, whose redirects are not followed")
            )
        return target


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or PORTS[url.scheme]
