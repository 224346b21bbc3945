"""Why asking elsewhere gave nothing, on one screen.

NotFetched
├── Unreachable        no connection, no TLS, or no answer in time
├── BadAnswer          an answer that is none: another status, no HTTP, a broken body
├── TooLarge           more than we take
└── ForbiddenRedirect  it sends us on to where we do not go

A sentence names the host and nothing else of the address: path and query may hold a secret.
"""

import errno
import socket
import ssl
from collections.abc import Iterator

from alertbot.errors import AlertbotError, safe
from alertbot.words import _

_NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL})


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


class ForbiddenRedirect(NotFetched):
    """The answer sends us on to where we do not go."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            _("{host} sends us on, which is not followed: {reason}.").format(host=host, reason=reason)
        )


def late(host: str, seconds: float) -> Unreachable:
    """It did not answer in time."""
    return Unreachable(host, _("no whole answer within {seconds:g} s").format(seconds=seconds))


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
    """The error, then what lies behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
