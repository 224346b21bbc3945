"""Every error that alertbot raises on purpose, on one screen.

AlertbotError
├── Refused            exit 1   a rule says no; the sentence says which and what to do
│   └── Faulty         exit 1   faults stand in the way of an alert; carries them
├── Misuse             exit 2   the command line or a file given on it is wrong
│   ├── NotThere       exit 2   what is named is not there: an alert, an incident, an entry, a kind
│   └── ConfigInvalid  exit 2   the configuration or a kind is wrong; carries every fault
├── StoreFailed        exit 2   the database cannot be used: missing, locked, full, read-only, newer
│   └── StoreReplaced  exit 2   its file was replaced while it was open
└── ChannelError                what an adapter answers instead of a receipt
    ├── Rejected                permanent: this message, this recipient or this channel
    ├── Throttled               surely not sent; not before `until`
    ├── Unavailable             surely not sent; try again
    ├── Uncertain               perhaps sent; never repeated blindly
    └── ChannelDown             credentials, credits: pause the channel and call a person

A message is one ordinary sentence: what happened, to which alert or row, what to do. It never holds
a secret: adapters pass texts of other programs through `safe()`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alertbot.core.model import Conflict, Fault


LONGEST_FOREIGN_TEXT = 300


class AlertbotError(Exception):
    """Something went wrong in alertbot."""

    exit_code = 1


class Refused(AlertbotError):
    """A rule does not allow this; nothing was changed."""


class Faulty(Refused):
    """Faults prevent this alert. `contradictions`: those caused by another alert, with the texts of
    both."""

    def __init__(
        self,
        message: str,
        faults: Sequence["Fault"],
        contradictions: Sequence["Conflict"] = (),
    ) -> None:
        super().__init__(message)
        self.faults = tuple(faults)
        self.contradictions = tuple(contradictions)


class Misuse(AlertbotError):
    """The command cannot be carried out as it was given."""

    exit_code = 2


class NotThere(Misuse):
    """What was named is not there."""


class ConfigInvalid(Misuse):
    """The configuration or a kind is invalid; `lines` names every fault with its place."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *lines]))
        self.lines = tuple(lines)


class StoreFailed(AlertbotError):
    """The database cannot be used."""

    exit_code = 2


class StoreReplaced(StoreFailed):
    """The database file is no longer the one that is open: stop, and touch nothing."""


class Scope(StrEnum):
    """What a permanent refusal is about."""

    MESSAGE = "message"  # this text: every recipient of it will be refused
    RECIPIENT = "recipient"  # this address only
    CHANNEL = "channel"  # our account's rights or settings


class ChannelError(AlertbotError):
    """The channel did not publish, or may not have."""

    def __init__(self, reason: str, *, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Rejected(ChannelError):
    """The channel refused permanently. `gone`: what the server said if there is no such address."""

    def __init__(
        self, reason: str, *, scope: Scope = Scope.MESSAGE, code: str = "", gone: str = ""
    ) -> None:
        super().__init__(reason, code=code)
        self.scope = scope
        self.gone = gone


class Throttled(ChannelError):
    """Definitely not sent: too fast. `wait` is in seconds; `whole_account` delays every later call too."""

    def __init__(self, reason: str, *, wait: float, whole_account: bool = True, code: str = "") -> None:
        super().__init__(reason, code=code)
        self.wait = wait
        self.whole_account = whole_account


class Unavailable(ChannelError):
    """Definitely not sent: the channel could not be reached, or refused for now."""


class Uncertain(ChannelError):
    """Perhaps sent: the answer was lost after the request had left."""


class ChannelDown(ChannelError):
    """Definitely not sent, and nothing will be until a person fixes the account."""


_SECRET_LOOKING = re.compile(
    r"(?i)(bot)\d+:[\w-]{20,}|\b\d{6,}:[\w-]{20,}|(bearer|oauth|basic)\s+\S+|://[^/\s@]+:[^/\s@]+@"
)


def safe(text: object, *secrets: str) -> str:
    """Another program's text made safe for a log or an error: one line, short, without the given secrets
    and without anything that looks like a token or a password in an address."""
    line = scrub(one_line(str(text)), *secrets)
    return line if len(line) <= LONGEST_FOREIGN_TEXT else line[: LONGEST_FOREIGN_TEXT - 1] + "…"


def one_line(text: str) -> str:
    """Free text on one line: line ends of every alphabet, tabs and repeated spaces become one space."""
    return " ".join(text.split())


def scrub(text: str, *secrets: str) -> str:
    """The text without the given secrets, in whatever letters a server repeats them, and without anything that looks
    like one."""
    for secret in secrets:
        if secret:
            text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return _SECRET_LOOKING.sub("***", text)


class PastMoment(Refused):
    """A time promised in the text has passed."""

    def __init__(self, message: str, moment: datetime) -> None:
        super().__init__(message)
        self.moment = moment
