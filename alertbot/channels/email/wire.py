"""SMTP connections: a few, kept open, each transaction for one recipient.

aiosmtplib opens them, encrypts and logs in. Transactions are our own, because it waits for each answer before
the next command, and does not say in which phase a transaction broke. Imported when mail is first sent.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple, TypeAlias, TypeVar

import aiosmtplib

from alertbot.channels.email.errors import Broken, Phase
from alertbot.channels.email.message import MailEnvelope
from alertbot.core.connecting import reason_of
from alertbot.core.frozen import dataclass

T = TypeVar("T")

QUIT_SECONDS = 1.0
LISTEN_SECONDS = 0.002  # between text and dot: a server that hangs up during the text is heard in time
ONE_GO = 32_768  # bytes of a mail that go out with their dot: the system takes so many at once
READY_FOR_DATA = 354
DIGITS = 3  # of a code
LONGEST_REPLY = 32_768
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Step: TypeAlias = tuple[bytes, Phase]  # a command, and how far it brings a transaction


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect and how. Times in seconds; RFC 5321 gives a server minutes after the final dot."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    helo: str
    ca_file: str | None = None
    username: str = ""
    password: str = ""
    connect_seconds: float = 10.0
    answer_seconds: float = 60.0
    dot_seconds: float = 120.0


class SmtpReply(NamedTuple):
    """A server's answer. `code` None: it cannot be read."""

    code: int | None
    text: str = ""

    @property
    def good(self) -> bool:
        return self.code is not None and 200 <= self.code <= 299


class SmtpReplies(asyncio.Protocol):
    """The answers on a connection that aiosmtplib has opened. Several may be awaited at once: its own
    protocol awaits one at a time, which rules out pipelining."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport = transport
        self.drained = asyncio.Event()
        self.drained.set()
        self.got: list[SmtpReply] = []
        self._wanted = 0
        self._answered: asyncio.Future[None] | None = None
        self._rest = b""
        self._text: list[bytes] = []
        transport.set_write_buffer_limits(0)
        transport.set_protocol(self)

    async def ask(self, commands: bytes, answers: int) -> list[SmtpReply]:
        """Write, and wait for so many answers; fewer if the connection breaks. Those until then are in
        `got` if it is cancelled."""
        self.got, self._wanted = [], answers
        self._answered = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            return self.got
        self.transport.write(commands)
        await self._answered
        return self.got

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
        self.got.append(SmtpReply(int(digits) if readable else None, text))
        self._wanted -= 1
        if self._wanted < 0 or not readable:  # nobody asked, or which answer belongs to what is lost
            self.transport.abort()
        if self._wanted <= 0 or not readable:
            self._end()

    def _end(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self.drained.set()
        self._end()

    def pause_writing(self) -> None:
        self.drained.clear()

    def resume_writing(self) -> None:
        self.drained.set()


class SmtpConnection:
    """One connection: opened by aiosmtplib, with its encryption and login; then each transaction takes two
    round trips if the server offers PIPELINING (RFC 2920)."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.answer_seconds,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            local_hostname=server.helo,
            cert_bundle=server.ca_file,
        )
        self._replies: SmtpReplies | None = None
        self._proved = False  # it has taken a mail
        self._unfinished = False  # a transaction was begun and not ended: RSET before the next

    @property
    def usable(self) -> bool:
        return self._replies is not None and not self._replies.transport.is_closing()

    async def open(self) -> None:
        server = self._server
        await _step(Phase.CONNECT, self._smtp.connect(timeout=server.connect_seconds))
        if self._smtp.is_ehlo_or_helo_needed:
            await self._greet()
        if server.username:
            await _step(Phase.AUTH, self._smtp.login(server.username, server.password))
        transport = self._smtp.transport
        if not isinstance(transport, asyncio.WriteTransport) or transport.is_closing():
            raise Broken(Phase.CONNECT, None)
        self._replies = SmtpReplies(transport)

    async def _greet(self) -> None:
        try:
            await _step(Phase.CONNECT, self._smtp.ehlo())
        except Broken as broken:
            if broken.code is None or broken.code < 500 or not self._smtp.is_connected:
                raise
            await _step(Phase.CONNECT, self._smtp.helo())

    async def hand_over(self, envelope: MailEnvelope, mail: bytes) -> str:
        """Send one mail, as `as_sent` makes it; returns the server's answer on accepting it. Raises
        `Broken`."""
        steps = self._steps(envelope, len(mail))
        self._unfinished = True
        if self._smtp.supports_extension("pipelining"):
            await self._ask_at_once(steps)
        else:
            for step in steps:
                _require([step], await self._ask([step], step[1]))
        reply = await self._pour(mail)
        self._unfinished, self._proved = False, True
        return reply

    def _steps(self, envelope: MailEnvelope, size: int) -> list[Step]:
        """The commands before the text, each with its phase."""
        options = f" SIZE={size}" if self._smtp.supports_extension("size") else ""
        if envelope.utf8:
            if not self._smtp.supports_extension("smtputf8"):
                raise Broken(
                    Phase.RCPT, 553, "5.6.7 the server takes ASCII addresses only (no SMTPUTF8)"
                )
            options += " SMTPUTF8"
        said = [(f"MAIL FROM:<{envelope.sender}>{options}", Phase.MAIL)]
        said += [(f"RCPT TO:<{envelope.recipient}>", Phase.RCPT), ("DATA", Phase.DATA)]
        if self._unfinished:
            said.insert(0, ("RSET", Phase.MAIL))
        if any(CONTROL.search(command) for command, _phase in said):
            raise ValueError("a command holds a line end")
        return [(f"{command}\r\n".encode(), phase) for command, phase in said]

    async def _ask_at_once(self, steps: Sequence[Step]) -> None:
        replies = await self._ask(steps, Phase.DATA)
        ready = len(replies) == len(steps) and replies[-1].code == READY_FOR_DATA
        if ready and not all(reply.good for reply in replies[:-1]):  # for nobody: it gets an empty text
            await self._ask([(b".\r\n", Phase.DATA)], Phase.DATA)
        _require(steps, replies)

    async def _ask(self, steps: Sequence[Step], last: Phase) -> list[SmtpReply]:
        """The answers; fewer if the connection broke or the server took too long."""
        assert self._replies is not None
        seconds = self._server.dot_seconds if last is Phase.DOT else self._server.answer_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._replies.ask(b"".join(one for one, _phase in steps), len(steps))
        except TimeoutError:
            return self._replies.got

    async def _pour(self, mail: bytes) -> str:
        """Send the text and the dot. Raises `Broken`; if the connection breaks before the dot, the mail was
        definitely not delivered.

        They go together if that takes one go and the connection has taken a mail before. Else the dot waits
        until the system has the text, and a moment longer: a server that hangs up meanwhile has taken
        nothing.
        """
        assert self._replies is not None
        ahead = b""
        if not self._proved or len(mail) > ONE_GO:
            ahead, mail = mail, b""
            await self._write(ahead)
        reply = await self._ask([(mail + b".\r\n", Phase.DOT)], Phase.DOT)
        if not reply or not reply[0].good:
            raise Broken(Phase.DOT, *(reply[0] if reply else (None,)))
        return reply[0].text

    async def _write(self, text: bytes) -> None:
        """Hand all of the text to the system, so that a broken connection shows before the dot. Raises
        `Broken`."""
        assert self._replies is not None
        if self.usable:
            self._replies.transport.write(text)
        try:
            async with asyncio.timeout(self._server.answer_seconds):
                await asyncio.sleep(LISTEN_SECONDS)
                await self._replies.drained.wait()
        except TimeoutError:
            raise Broken(Phase.DATA, None) from None
        if not self.usable:
            raise Broken(Phase.DATA, None)

    async def quit(self) -> None:
        if self._replies is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIT_SECONDS):
                    await self._replies.ask(b"QUIT\r\n", 1)
        self.close()

    def close(self) -> None:
        if self._replies is not None:
            self._replies.transport.abort()
        self._smtp.close()


def _require(steps: Sequence[Step], replies: Sequence[SmtpReply]) -> None:
    """Raises `Broken` for the first step that was not answered as it should be."""
    for place, (command, phase) in enumerate(steps):
        if place == len(replies):
            raise Broken(phase, None)
        code, text = reply = replies[place]
        if not (code == READY_FOR_DATA if command == b"DATA\r\n" else reply.good):
            raise Broken(phase, code, text)


async def _step(phase: Phase, command: Awaitable[T]) -> T:
    """Run one command; turn whatever it raises into `Broken` in this phase."""
    try:
        return await command
    except Broken:
        raise
    except aiosmtplib.SMTPResponseException as error:
        raise Broken(phase, error.code if error.code > 0 else None, error.message) from None
    except Exception as error:  # noqa: BLE001 - TLS, sockets and parsers below leak through
        raise Broken(phase, None, str(error), hopeless=_hopeless(error), why=reason_of(error)) from None


def _hopeless(error: BaseException | None) -> bool:
    """Whether retrying is useless: a server without STARTTLS or AUTH, or with an untrusted certificate."""
    if type(error) is aiosmtplib.SMTPException:
        return True
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


class SmtpPool:
    """The open connections of one account, at most `most` at once."""

    def __init__(self, server: Server, most: int) -> None:
        self._server = server
        self._places = asyncio.Semaphore(most)
        self._idle: list[SmtpConnection] = []
        self._closed = False

    async def hand_over(self, envelope: MailEnvelope, mail: bytes) -> str:
        """Send one mail over any connection. Raises `Broken`."""
        async with self._places:
            line = self._waiting()
            if line is not None:
                try:
                    return await self._over(line, envelope, mail)
                except Broken as broken:
                    if broken.phase is Phase.DOT or broken.code not in (None, 421):
                        raise
            # a connection may have grown stale while it waited: nothing was taken, so once more afresh
            return await self._over(await self._fresh(), envelope, mail)

    async def greet(self) -> None:
        """Connect and log in. Raises `Broken`."""
        async with self._places:
            self._keep(await self._fresh())

    async def close(self) -> None:
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(line.quit() for line in idle))

    async def _over(self, line: SmtpConnection, envelope: MailEnvelope, mail: bytes) -> str:
        try:
            reply = await line.hand_over(envelope, mail)
        except Broken as broken:
            if broken.code in (None, 421):
                line.close()
            self._keep(line)
            raise
        except BaseException:
            line.close()
            raise
        self._keep(line)
        return reply

    def _keep(self, line: SmtpConnection) -> None:
        if self._closed:
            line.close()
        elif line.usable:
            self._idle.append(line)

    def _waiting(self) -> SmtpConnection | None:
        while self._idle:
            line = self._idle.pop()
            if line.usable:
                return line
        return None

    async def _fresh(self) -> SmtpConnection:
        line = SmtpConnection(self._server)
        try:
            await line.open()
        except BaseException:
            line.close()
            raise
        return line
