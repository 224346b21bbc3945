"""Connections: why one failed (an unknown name, a closed port, no answer), and which addresses are on
this machine."""

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
    """Why a connection failed, as the end of a sentence, from the error or its cause."""
    for one in causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _("its certificate is not accepted ({reason})").format(
                reason=safe(one.verify_message).rstrip(".")
            )
        if isinstance(one, ssl.SSLError):
            told = safe(one.reason or "TLS").replace("_", " ").lower()
            return _("the encryption fails ({reason})").format(reason=told)
        if isinstance(one, socket.gaierror | UnicodeError):
            return _("its name cannot be resolved")
        if isinstance(one, ConnectionRefusedError):
            return _("it refused the connection")
        if isinstance(one, OSError) and one.errno in _NO_WAY:
            return _("no route leads to it")
        if isinstance(one, TimeoutError):
            return _("it does not answer")
    return _("the connection broke")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors behind it."""
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
    """Whether a host, or a URL's host, is written as this machine; no name is looked up."""
    host = host_of(address).lower()
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> str:
    """The host of a URL, or the address itself if it is a bare host; "" if there is none."""
    if "://" not in address:
        return address.strip("[]")
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def leaves_sandbox() -> str:
    """The message about an address that is not on this machine."""
    return _(
        "this channel could reach beyond this machine, which `organisation.sandbox: true` forbids;"
        " give an address on 127.0.0.1, or remove `sandbox: true`"
    )
