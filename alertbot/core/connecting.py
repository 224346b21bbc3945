"""Why a connection failed, in words that tell an unknown name from a closed port and both from silence."""

import errno
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from alertbot.core.errors import safe
from alertbot.core.words import _

_NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL})


def reason_of(error: BaseException) -> str:
    """Why a connection failed, as the end of a sentence, read from the error or from what caused it."""
    for one in causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _("its certificate is not accepted ({reason})").format(
                reason=safe(one.verify_message).rstrip(".")
            )
        if isinstance(one, ssl.SSLError):
            told = safe(one.reason or "TLS").replace("_", " ").lower()
            return _("the encryption fails ({reason})").format(reason=told)
        if isinstance(one, socket.gaierror | UnicodeError):
            return _("its name is not known")
        if isinstance(one, ConnectionRefusedError):
            return _("the connection is refused")
        if isinstance(one, OSError) and one.errno in _NO_WAY:
            return _("no way leads there")
        if isinstance(one, TimeoutError):
            return _("it does not answer")
    return _("the connection breaks")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what lies behind it: what it was raised from and what it was raised over, which need
    not be the same."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (
            one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        )  # one for each address tried
        waiting = [*inner, one.__cause__, one.__context__, *waiting]


def is_loopback(address: str) -> bool:
    """Whether a host, or the host of a URL, is spelt as this machine; no name is looked up."""
    host = host_of(address).lower()
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> str:
    """The host of a URL, or the address itself where it is a bare host; "" where there is none."""
    if "://" not in address:
        return address.strip("[]")
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def leaves_sandbox() -> str:
    """The sentence for an address off this machine."""
    return _(
        "this channel may leave the machine, which `organisation.sandbox: true` forbids; "
        "give an address on 127.0.0.1, or take `sandbox: true` out"
    )
