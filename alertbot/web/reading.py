"""Reading form bodies: limited in size and time, and only of the type that our forms use. Also the limit
on wrong attempts per address."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from email.parser import BytesParser
from email.policy import HTTP
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

BODY_SECONDS = 10.0
BEGIN_SECONDS = 1.0  # for the begin of a body that is refused
MOST_DIGITS = 20  # of a length


class Unreadable(Exception):
    """The body did not arrive properly; `status` is the response code, `begin` what had arrived."""

    def __init__(self, status: int, begin: bytes = b"") -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.begin = status, begin


async def read_body(request: Request, *, largest: int, shown: int = 0) -> bytes:
    """The whole body. Raises `Unreadable`: 413 for more than `largest` bytes, announced or sent; 408 if
    it takes longer than `BODY_SECONDS`; 400 if it breaks off. Of one that is announced as too large the
    first `shown` bytes are read all the same: people want to see what was refused."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > MOST_DIGITS or int(announced) > largest:
        raise Unreadable(413, await _begin(request, shown))
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > largest:
                    raise Unreadable(413, bytes(body))
    except TimeoutError:
        raise Unreadable(408, bytes(body)) from None
    except ClientDisconnect:
        raise Unreadable(400, bytes(body)) from None
    return bytes(body)


async def _begin(request: Request, most: int) -> bytes:
    """At most so many bytes of a body, as far as they come soon."""
    body = bytearray()
    if not most:
        return b""
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(BEGIN_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) >= most:
                    break
    return bytes(body[:most])


LARGEST_BODY_BYTES = 32_768
MOST_FIELDS = 20
FORM = "application/x-www-form-urlencoded"


async def fields(request: Request) -> dict[str, str]:
    """The form's fields, the last of each name. Raises `Unreadable` for a body that is not one of our
    forms."""
    read = await form(request, largest=LARGEST_BODY_BYTES, most=MOST_FIELDS)
    return {name: values[-1] for name, values in read.items()}


async def form(request: Request, *, largest: int, most: int) -> dict[str, list[str]]:
    """All values of the form's fields, by name. Raises `Unreadable` as `fields` does."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Unreadable(403)  # another site's form
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unreadable(415)
    body = await read_body(request, largest=largest)
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise Unreadable(400) from None


MULTIPART = "multipart/form-data"


async def upload(
    request: Request, *, largest: int, most: int
) -> tuple[dict[str, list[str]], str, bytes]:
    """The fields of a form with a file, and the file's name and content; both are empty if none was chosen. Raises
    `Unreadable` as `form` does."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != MULTIPART:
        raise Unreadable(415)
    body = await read_body(request, largest=largest)
    if body.count(b"content-disposition:") + body.count(b"Content-Disposition:") > most:
        raise Unreadable(400)
    head = f"content-type: {kind}\r\nmime-version: 1.0\r\n\r\n".encode("latin-1", "replace")
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, list[str]] = {}
    name, data = "", b""
    for part in whole.iter_parts():
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if part.get_filename() is not None:
            name, data = str(part.get_filename())[:200], content
            continue
        key = str(part.get_param("name", "", header="content-disposition"))
        fields.setdefault(key, []).append(content.decode("utf-8", "replace"))
    return fields, name, data


MOST_WRONG = 20
WINDOW_SECONDS = 600.0
MOST_ADDRESSES = 10_000  # remembered; the one that was quiet longest is forgotten first
IPV6_HOUSEHOLD = 64  # bits: whoever has one address there has them all


class Attempts:
    """Wrong attempts of the last `WINDOW_SECONDS`, by address."""

    def __init__(self, most: int = MOST_WRONG, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """For how many seconds this address is blocked; 0 if it is not."""
        asked = self._wrong.get(household(address))
        if asked is None:
            return 0.0
        since = self._clock() - WINDOW_SECONDS
        while asked and asked[0] <= since:
            asked.popleft()
        return asked[0] - since if len(asked) >= self._most else 0.0

    def note(self, address: str) -> None:
        """Count a request from this address for something that does not exist."""
        home = household(address)
        self._wrong.setdefault(home, deque(maxlen=self._most)).append(self._clock())
        self._wrong.move_to_end(home)
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)


def household(address: str) -> str:
    """The address itself, or the network of an IPv6 address: what one sender has."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network(f"{known.packed.hex(':', 2)}/{IPV6_HOUSEHOLD}", strict=False))
