"""What goes over an SMTP connection: mails taken one by one, and the server's answers in their order."""

import asyncio
from collections import deque
from typing import NamedTuple, Protocol

from alertbot.channels.email.errors import Broken
from alertbot.channels.email.message import MailEnvelope

DIGITS = 3  # of a code
LONGEST_REPLY = 32_768


class SmtpReply(NamedTuple):
    """A server's answer. `code` None: it cannot be read."""

    code: int | None
    text: str = ""

    @property
    def good(self) -> bool:
        return self.code is not None and 200 <= self.code <= 299


class OutgoingMail(NamedTuple):
    """A mail and its envelope. `text` as `as_sent` makes it. `name`: its Message-ID."""

    envelope: MailEnvelope
    text: bytes
    name: str = ""


class Mails(Protocol):
    """Where a connection takes mails from; see `base.PostSupply`. The answer is the server's, on accepting."""

    def take(self) -> OutgoingMail | None: ...

    async def begin(self, mail: OutgoingMail) -> bool: ...

    def end(self, mail: OutgoingMail, answer: str | Broken) -> None: ...


class SmtpReplies(asyncio.Protocol):
    """The answers on a connection that aiosmtplib has opened, in order. Several may be owed at once: its own
    protocol awaits one at a time, which rules out pipelining."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport = transport
        self.drained = asyncio.Event()
        self.drained.set()
        self._got: deque[SmtpReply] = deque()
        self._owed = 0
        self._answered: asyncio.Future[None] | None = None
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rest = b""
        self._text: list[bytes] = []
        transport.set_write_buffer_limits(0)
        transport.set_protocol(self)

    def write(self, data: bytes, answers: int) -> None:
        """Send commands or text that so many answers follow."""
        self._owed += answers
        if not self.transport.is_closing():
            self.transport.write(data)

    async def next(self, seconds: float) -> SmtpReply | None:
        """The next answer; None if the connection breaks before it, or it takes longer than that."""
        if not self._got and not self.transport.is_closing():
            loop = asyncio.get_running_loop()
            self._answered = loop.create_future()
            self._until = loop.time() + seconds
            if self._timer is None or self._timer.when() > self._until:
                self._watch_until(self._until)
            await self._answered
        return self._got.popleft() if self._got else None

    def _watch_until(self, moment: float) -> None:
        """One timer for all answers, set again when it is due: most of them come long before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(moment, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._answered is None or self._answered.done():
            return
        if asyncio.get_running_loop().time() >= self._until:
            self._end()
        else:
            self._watch_until(self._until)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._text.append(line[4:].strip())
            if line[3:4] != b"-":
                self._reply(line[:3])
        if len(self._rest) + sum(map(len, self._text)) > LONGEST_REPLY:
            self._reply(b"")

    def _reply(self, digits: bytes) -> None:
        text = b"\n".join(self._text).decode("utf-8", "surrogateescape")
        self._text = []
        readable = len(digits) == DIGITS and digits.isdigit()
        self._got.append(SmtpReply(int(digits) if readable else None, text))
        self._owed -= 1
        if self._owed < 0 or not readable:  # nobody asked, or which answer belongs to what is lost
            self.transport.abort()
        self._end()

    def _end(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self.drained.set()
        if self._timer is not None:
            self._timer.cancel()
        self._end()

    def pause_writing(self) -> None:
        self.drained.clear()

    def resume_writing(self) -> None:
        self.drained.set()
