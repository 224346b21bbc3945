"""A body from elsewhere, within bounds: of time, of size, and of where a redirect may lead.

The configured address may be anywhere, also on this machine. A redirect from it may not lead to a private,
loopback, link-local, multicast or reserved address, nor from https to http, and three are followed at most.
A redirect that comes from this machine itself is never followed: in a rehearsal nothing leaves it.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import httpx

from alertbot.polling import body
from alertbot.polling.asking import PORTS, Headers, address_of, asked, bearer, host_of
from alertbot.polling.errors import BadAnswer, ForbiddenRedirect, late
from alertbot.polling.network import Network
from alertbot.settings.loopback import is_loopback
from alertbot.words import _

LARGEST_BYTES = 1_000_000
MOST_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
_FINE, _NOT_MODIFIED = 200, 304


@dataclass(slots=True)
class Known:
    """The last answer of one address, so that the next question can be "anything new?" (RFC 9110, 13)."""

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
    known: Known | None = None,
) -> bytes:
    """The body at this address, unpacked and whole. Raises `NotFetched`.

    `timeout` bounds everything together: names, connections, redirects, body. `token` goes as a bearer to
    the address's own scheme, host and port alone. `known` remembers; where the server says that nothing
    changed, its body is the answer.
    """
    start = address_of(url)
    journey = _Journey(start, largest, token, network or Network(), known or Known())
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            return await journey.end(timeout.total_seconds())
    except TimeoutError:
        raise late(host_of(start), timeout.total_seconds()) from None


@dataclass(frozen=True, slots=True)
class _Journey:
    """From the first address to the body."""

    start: httpx.URL
    largest: int
    token: str
    network: Network
    known: Known

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
        told = _("it does so more than {n} times").format(n=MOST_REDIRECTS)
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
        if answer.status_code != _FINE:
            raise BadAnswer(
                _("{host} answers {status}.").format(host=host_of(url), status=answer.status_code)
            )
        found = await body.read(answer, host_of(url), self.largest)
        self.known.etag = answer.headers.get("etag", "")
        self.known.modified = answer.headers.get("last-modified", "")
        self.known.url, self.known.body = str(url), found
        return found

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        """Where the answer sends us. Raises `ForbiddenRedirect`; its addresses are judged when it is asked."""
        host = host_of(url)
        try:
            target = url.join(location)
        except (httpx.InvalidURL, ValueError):
            target = httpx.URL("")
        if not location or target.scheme not in PORTS or not target.host:
            raise ForbiddenRedirect(host, _("it names no address on the web"))
        if target.userinfo:
            raise ForbiddenRedirect(host, _("there is a name or password in the address"))
        if url.scheme == "https" and target.scheme != "https":
            raise ForbiddenRedirect(host, _("from https to http"))
        if is_loopback(str(self.start)):
            raise ForbiddenRedirect(host, _("one from this machine leads nowhere"))
        return target


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or PORTS[url.scheme]
