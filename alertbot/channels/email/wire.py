"""SMTP connections through aiosmtplib: a few, kept open, each transaction for one recipient.

aiosmtplib does not say in which phase a transaction broke, so each phase is a separate step here.
Imported when mail is first sent.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

import aiosmtplib

from alertbot.channels.email.errors import Broken, Phase
from alertbot.core.connecting import reason_of

T = TypeVar("T")

QUIT_SECONDS = 1.0
LISTEN_SECONDS = 0.002  # between text and dot: a server that hangs up during the text is heard in time
READY_FOR_DATA = 354
LINE_END = re.compile(rb"\r\n|\n|\r(?!\n)")
FIRST_DOT = re.compile(rb"(?m)^\.")


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


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """`utf8`: an address has letters beyond ASCII before its @."""

    sender: str
    recipient: str
    utf8: bool = False


class SmtpConnection:
    """One connection."""

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
        self._unfinished = False  # a transaction was begun and not ended: RSET before the next

    @property
    def usable(self) -> bool:
        return self._smtp.is_connected

    async def open(self) -> None:
        server = self._server
        await _step(Phase.CONNECT, self._smtp.connect(timeout=server.connect_seconds))
        if self._smtp.is_ehlo_or_helo_needed:
            await self._greet()
        if server.username:
            await _step(Phase.AUTH, self._smtp.login(server.username, server.password))

    async def _greet(self) -> None:
        try:
            await _step(Phase.CONNECT, self._smtp.ehlo())
        except Broken as broken:
            if broken.code is None or broken.code < 500 or not self.usable:
                raise
            await _step(Phase.CONNECT, self._smtp.helo())

    async def hand_over(self, envelope: MailEnvelope, mail: bytes) -> str:
        """Send one mail; returns the server's answer on accepting it. Raises `Broken`."""
        if self._unfinished:
            await _step(Phase.MAIL, self._smtp.rset())
        self._unfinished = True
        await self._address(envelope, len(mail))
        await self._ask_for_data()
        reply = await self._pour(mail)
        self._unfinished = False
        return reply

    async def _address(self, envelope: MailEnvelope, size: int) -> None:
        options = [f"SIZE={size}"] if self._smtp.supports_extension("size") else []
        encoding = "ascii"
        if envelope.utf8:
            if not self._smtp.supports_extension("smtputf8"):
                raise Broken(
                    Phase.RCPT, 553, "5.6.7 the server takes ASCII addresses only (no SMTPUTF8)"
                )
            options, encoding = [*options, "SMTPUTF8"], "utf-8"
        await _step(Phase.MAIL, self._smtp.mail(envelope.sender, options=options, encoding=encoding))
        await _step(Phase.RCPT, self._smtp.rcpt(envelope.recipient, encoding=encoding))

    async def _ask_for_data(self) -> None:
        reply = await _step(Phase.DATA, self._smtp.execute_command(b"DATA"))
        if reply.code != READY_FOR_DATA:
            raise Broken(Phase.DATA, reply.code, reply.message)

    async def _pour(self, mail: bytes) -> str:
        """Send the text, then the dot. Raises `Broken`; if the connection breaks before the dot, the
        mail was definitely not delivered."""
        text = FIRST_DOT.sub(b"..", LINE_END.sub(b"\r\n", mail).removesuffix(b"\r\n") + b"\r\n")
        await _step(Phase.DATA, self._write(text))
        protocol = self._smtp.protocol
        if protocol is None or not self.usable:
            raise Broken(Phase.DATA, None)
        protocol.write(b".\r\n")
        reply = await _step(Phase.DOT, protocol.read_response(timeout=self._server.dot_seconds))
        if not 200 <= reply.code <= 299:
            raise Broken(Phase.DOT, reply.code, reply.message)
        return str(reply.message)

    async def _write(self, text: bytes) -> None:
        """Hand all of the text to the system, so that a broken connection shows before the dot. Raises
        `Broken`."""
        protocol, transport = self._smtp.protocol, self._smtp.transport
        if protocol is None or not isinstance(transport, asyncio.WriteTransport):
            raise Broken(Phase.DATA, None)
        protocol.write(text)
        async with asyncio.timeout(self._server.answer_seconds):
            await asyncio.sleep(LISTEN_SECONDS)
            while transport.get_write_buffer_size() and self.usable:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.005)

    async def quit(self) -> None:
        with suppress(aiosmtplib.SMTPException, TimeoutError, OSError):
            await asyncio.wait_for(self._smtp.quit(), QUIT_SECONDS)
        self._smtp.close()

    def close(self) -> None:
        self._smtp.close()


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
