"""The network as polling sees it: looking up names, telling private addresses, trusted certificates, and
the errors.

NotFetched
├── Unreachable        no connection, no TLS, or no answer in time
├── BadAnswer          another status, not HTTP, a damaged body
├── TooLarge           more than the limit
├── ForbiddenAddress   a private address where only public ones may be asked
└── ForbiddenRedirect  a redirect that is not followed

A message names the host and nothing else of the address: path and query may hold a secret.
"""

import itertools
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import field
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from alertbot.core.connecting import reason_of
from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.words import _


class NotFetched(AlertbotError):
    """Nothing that can be used came from there."""


class Unreachable(NotFetched):
    """There was no connection, or no answer in time."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(_("{host} cannot be reached: {reason}.").format(host=host, reason=reason))


class BadAnswer(NotFetched):
    """It answered something else than was asked for."""


class TooLarge(NotFetched):
    """The answer is larger than we take."""


class ForbiddenAddress(NotFetched):
    """It leads into a private or reserved network."""

    def __init__(self, host: str) -> None:
        super().__init__(
            _("{host} is in a private or reserved network, and is not asked.").format(host=host)
        )


class ForbiddenRedirect(NotFetched):
    """The answer sends us on to where we do not go."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            _("{host} sent a redirect, which is not followed: {reason}.").format(
                host=host, reason=reason
            )
        )


def late(host: str, seconds: float) -> Unreachable:
    """The host did not answer in time."""
    return Unreachable(host, _("no complete answer within {seconds:g} s").format(seconds=seconds))


Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[tuple[Address, ...]]]

MOST_ADDRESSES = 4  # of one name that are tried
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


async def look_up(host: str, port: int) -> tuple[Address, ...]:
    """The addresses of a host in the system's order. Raises `Unreachable` if there are none.

    Runs in its own thread that nobody waits for: a name server that does not answer delays neither the
    program's stop nor the threads that publish.
    """
    try:
        return await in_thread(partial(_addresses, host, port))
    except (OSError, UnicodeError) as error:
        raise Unreachable(host, reason_of(error)) from None


def is_inward(address: Address) -> bool:
    """Whether the address is private, loopback, link-local, multicast or reserved; one that wraps an
    IPv4 address (IPv4-mapped, 6to4, NAT64) counts as that."""
    if isinstance(address, IPv6Address) and (inner := _wrapped(address)) is not None:
        return is_inward(inner)
    return not address.is_global or address.is_multicast or address.is_reserved


@cache
def trusted() -> ssl.SSLContext:
    """A TLS context with this machine's trusted certificates."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Network:
    """How names are looked up, which addresses are private, which certificates count. `outward`: only public
    addresses may be asked."""

    resolve: Resolve = look_up
    is_inward: Callable[[Address], bool] = is_inward
    tls: ssl.SSLContext = field(default_factory=trusted)
    outward: bool = False


def both_families(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """A few of the addresses, alternating between IPv6 and IPv4: a machine without IPv6 must not try
    only those."""
    unique = list(dict.fromkeys(addresses))
    families = [[one for one in unique if one.version == version] for version in (4, 6)]
    families.sort(key=lambda family: unique.index(family[0]) if family else len(unique))
    turns = itertools.chain.from_iterable(itertools.zip_longest(*families))
    return tuple(one for one in turns if one is not None)[:MOST_ADDRESSES]


def _addresses(host: str, port: int) -> tuple[Address, ...]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(str(row[4][0])) for row in rows))


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
