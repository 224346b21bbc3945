"""Why asking elsewhere gave nothing, on one screen.

NotFetched
├── Unreachable        no connection, no TLS, or no answer in time
├── BadAnswer          an answer that is none: another status, no HTTP, a broken body
├── TooLarge           more than we take
└── ForbiddenRedirect  it sends us on to where we do not go

A sentence names the host and nothing else of the address: path and query may hold a secret.
"""

from alertbot.errors import AlertbotError
from alertbot.words import _


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
