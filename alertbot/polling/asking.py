"""One GET to one address: no redirect followed, no cookie kept, no proxy of the environment, nothing logged."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from alertbot import __version__
from alertbot.channels.logs import quieten
from alertbot.connecting import causes, reason_of
from alertbot.polling.errors import BadAnswer, ForbiddenRedirect, Unreachable
from alertbot.polling.network import Address, Network, both_families
from alertbot.words import _

USER_AGENT = f"alertbot/{__version__}"
PORTS = {"http": 80, "https": 443}
Headers = list[tuple[bytes, bytes]]


def address_of(url: str) -> httpx.URL:
    """The address, if it is one on the web. Raises `BadAnswer`."""
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        found = httpx.URL("")
    if found.scheme not in PORTS or not found.host:
        raise BadAnswer(_("What is to be asked is no address on the web."))
    return found


def host_of(url: httpx.URL) -> str:
    """Host and port: all of an address that is ever shown."""
    return url.netloc.decode("ascii")


def bearer(token: str) -> Headers:
    """The header that shows the token; none for an empty one."""
    return [(b"Authorization", b"Bearer " + token.encode())] if token else []


@asynccontextmanager
async def asked(
    url: httpx.URL, headers: Headers, *, network: Network, within: float, sent_by: str = ""
) -> AsyncIterator[httpx.Response]:
    """The answer, its body still to be read. The caller bounds the whole time.

    `within` (seconds) is shared by the attempts to connect. `sent_by`: the host that sent us on to this
    address; raises `ForbiddenRedirect` where it then leads inward. Raises `Unreachable` and `BadAnswer`, also
    for what goes wrong while the body is read.
    """
    quieten("httpx", "httpcore")
    transport = httpx.AsyncHTTPTransport(verify=network.tls, trust_env=False)
    try:
        response = await _answer(url, headers, transport, network, within, sent_by)
        try:
            yield response
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise _meaning(host_of(url), error) from None
    finally:
        await transport.aclose()


async def _found(url: httpx.URL, network: Network, sent_by: str) -> tuple[Address, ...]:
    """The addresses of the host that may be tried."""
    addresses = await network.resolve(url.raw_host.decode("ascii"), url.port or PORTS[url.scheme])
    if sent_by and any(map(network.is_inward, addresses)):
        told = _("{host} is in a private or reserved network").format(host=host_of(url))
        raise ForbiddenRedirect(sent_by, told)
    if not addresses:
        raise Unreachable(host_of(url), _("its name is not known"))
    return both_families(addresses)


async def _answer(
    url: httpx.URL,
    headers: Headers,
    transport: httpx.AsyncHTTPTransport,
    network: Network,
    within: float,
    sent_by: str,
) -> httpx.Response:
    """From the first address that takes the connection. Nothing was sent to one that does not."""
    addresses = await _found(url, network, sent_by)
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return await transport.handle_async_request(
                _request(url, address, headers, within / len(addresses))
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if left == 1 or any(isinstance(one, ssl.SSLError) for one in causes(error)):
                raise
    raise AssertionError  # the last address returns or raises


def _request(url: httpx.URL, address: Address, headers: Headers, connect: float) -> httpx.Request:
    """It goes to the address, and says in Host and in TLS whom it means."""
    fixed = [(b"Host", url.netloc), (b"User-Agent", USER_AGENT.encode()), (b"Connection", b"close")]
    extensions: dict[str, object] = {"timeout": {"connect": connect}}
    if str(address) != url.host:
        extensions["sni_hostname"] = url.raw_host.decode("ascii")
    return httpx.Request(
        "GET", url.copy_with(host=str(address)), headers=[*fixed, *headers], extensions=extensions
    )


def _meaning(host: str, error: Exception) -> Unreachable | BadAnswer:
    """Never with the library's own text: it may quote a header."""
    if isinstance(error, httpx.ProtocolError | httpx.DecodingError | httpx.StreamError):
        return BadAnswer(_("{host} does not answer in HTTP.").format(host=host))
    return Unreachable(host, reason_of(error))
