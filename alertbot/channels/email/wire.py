"""SMTP connections: a few, kept open, each transaction for one recipient.

aiosmtplib opens them, encrypts and logs in. Transactions are our own, because it waits for each answer before
the next command, and does not say in which phase a transaction broke. Imported when mail is first sent.
"""

import asyncio
import re
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Collection
from typing import Literal, TypeAlias, TypeVar

import aiosmtplib

from alertbot.channels.email.errors import Broken, Phase
from alertbot.channels.email.replies import Mails, OutgoingMail, SmtpReplies
from alertbot.core.connecting import reason_of
from alertbot.core.frozen import dataclass

T = TypeVar("T")

QUIT_SECONDS = 1.0
LISTEN_SECONDS = 0.002  # between text and dot: a server that hangs up during the text is heard in time
ONE_GO = 32_768  # bytes of a mail that go out with their dot: the system takes so many at once
READY_FOR_DATA = 354
TOO_MANY = 421  # as a greeting
CROWDED_SECONDS = 60.0  # after which another connection is tried
ENDED = (
    None,
    421,
)  # codes after which a connection is not used any more; None: it broke or fell silent
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Step: TypeAlias = tuple[bytes, Phase]  # a command, and how far it brings a transaction
Steps: TypeAlias = tuple[Step, ...]
RSET: Step = (b"RSET", Phase.MAIL)
DATA: Step = (b"DATA", Phase.DATA)


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
        self._pipelines = self._sizes = False
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
        self._pipelines = self._smtp.supports_extension("pipelining")
        self._sizes = self._smtp.supports_extension("size")

    async def _greet(self) -> None:
        try:
            await _step(Phase.CONNECT, self._smtp.ehlo())
        except Broken as broken:
            if broken.code is None or broken.code < 500 or not self._smtp.is_connected:
                raise
            await _step(Phase.CONNECT, self._smtp.helo())

    async def serve(self, mails: Mails, mail: OutgoingMail) -> OutgoingMail | None:
        """Send `mail` and those that `mails` gives after it, until it gives none or the connection ends.
        Returns one of which a connection that had worked took nothing: another may take it."""
        following: OutgoingMail | None = mail
        asked: Steps = ()  # commands of it that are under way
        while following is not None:
            mail = following
            try:
                await self._open_for(mail, asked)
            except Broken as broken:
                ended = broken.code in ENDED
                if ended:
                    self.close()
                if ended and self._proved:
                    return mail
                mails.end(mail, broken)
                following, asked = mails.take() if self.usable else None, ()
                continue
            if not await mails.begin(
                mail
            ):  # the server waits for a text: closing leaves it without one
                self.close()
                return None
            following, asked = await self._pour(mails, mail)
            if not self.usable:
                return following
            if following is None:
                following = mails.take()
        return None

    def _steps(self, mail: OutgoingMail) -> Steps:
        """The commands before the text. Raises `Broken` if the server cannot take it."""
        envelope = mail.envelope
        options = f" SIZE={len(mail.text)}" if self._sizes else ""
        if envelope.utf8:
            if not self._smtp.supports_extension("smtputf8"):
                raise Broken(
                    Phase.RCPT, 553, "5.6.7 the server takes ASCII addresses only (no SMTPUTF8)"
                )
            options += " SMTPUTF8"
        said = f"MAIL FROM:<{envelope.sender}>{options}", f"RCPT TO:<{envelope.recipient}>"
        if CONTROL.search(said[0]) or CONTROL.search(said[1]):
            raise Broken(Phase.RCPT, 553, "5.1.3 the address holds a line end")
        steps = ((said[0].encode(), Phase.MAIL), (said[1].encode(), Phase.RCPT), DATA)
        return (RSET, *steps) if self._unfinished else steps

    async def _open_for(self, mail: OutgoingMail, asked: Steps) -> None:
        """Bring the server to where it waits for the text of `mail`. `asked`: its commands, if they went out
        with the dot before. Raises `Broken`."""
        assert self._replies is not None
        steps = asked or self._steps(mail)
        self._unfinished = True
        if self._pipelines and not asked:
            self._replies.write(_lines(steps), len(steps))
        wrong: Broken | None = None
        for step in steps:
            if not self._pipelines:
                self._replies.write(_lines((step,)), 1)
            reply = await self._replies.next(self._server.answer_seconds)
            if reply is None:
                raise wrong or Broken(step[1], None)
            ready = reply.code == READY_FOR_DATA
            if not (ready if step is DATA else reply.good):
                wrong = wrong or Broken(step[1], *reply)
            elif ready and wrong:  # for nobody: it gets an empty text
                self._replies.write(b".\r\n", 1)
                await self._replies.next(self._server.answer_seconds)
            if wrong and (not self._pipelines or wrong.code is None):
                break
        if wrong:
            raise wrong

    async def _pour(self, mails: Mails, mail: OutgoingMail) -> tuple[OutgoingMail | None, Steps]:
        """Send the text and the dot, and with them the commands of the next mail, whose text is for later (RFC
        2920); end `mail`. Returns the next one, and those of its commands that went out. If the connection
        breaks before the dot, the mail was definitely not delivered.

        Text and dot go together if that takes one go and the connection has taken a mail before. Else the
        dot waits until the system has the text, and a moment longer: a server that hangs up meanwhile has
        taken nothing.
        """
        assert self._replies is not None
        text = mail.text
        if not self._proved or len(text) > ONE_GO:
            try:
                await self._write(text)
            except Broken as broken:
                mails.end(mail, broken)
                return None, ()
            text = b""
        self._unfinished = False
        following, steps = self._following(mails)
        self._replies.write(text + b".\r\n" + _lines(steps), 1 + len(steps))
        reply = await self._replies.next(self._server.dot_seconds)
        if reply is not None and reply.good:
            self._proved = True
            mails.end(mail, reply.text)
        else:
            mails.end(mail, Broken(Phase.DOT, *(reply or (None,))))
            if reply is None or reply.code in ENDED:
                self.close()
        return following, steps

    def _following(self, mails: Mails) -> tuple[OutgoingMail | None, Steps]:
        """The next mail and its commands: none for one that the server cannot take, and none where it wants
        them one by one."""
        following = mails.take() if self._pipelines else None
        try:
            return following, () if following is None else self._steps(following)
        except Broken:
            return following, ()

    async def _write(self, text: bytes) -> None:
        """Hand all of the text to the system, so that a broken connection shows before the dot. Raises
        `Broken`."""
        assert self._replies is not None
        self._replies.write(text, 0)
        try:
            async with asyncio.timeout(self._server.answer_seconds):
                await asyncio.sleep(LISTEN_SECONDS)
                await self._replies.drained.wait()
        except TimeoutError:
            self.close()
        if not self.usable:
            raise Broken(Phase.DATA, None)

    async def quit(self) -> None:
        if self._replies is not None:
            self._replies.write(b"QUIT\r\n", 1)
            await self._replies.next(QUIT_SECONDS)
        self.close()

    def close(self) -> None:
        if self._replies is not None:
            self._replies.transport.abort()
        self._smtp.close()


def _lines(steps: Steps) -> bytes:
    return b"".join(command + b"\r\n" for command, _phase in steps)


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
    """The open connections of one account, at most `most` at once; fewer where the server says that it takes no more of
    ours. A mail for which it has no room then waits for one of those that it has taken."""

    def __init__(self, server: Server, most: int) -> None:
        self._server = server
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._idle: list[SmtpConnection] = []
        self._closed = False
        self._active = 0  # who have a connection, or are about to
        self._waiters: deque[asyncio.Future[SmtpConnection | None]] = deque()
        self._fits = most  # how many the server took at once, when it last refused one
        self._crowded_until = 0.0

    @property
    def room(self) -> int:
        """How many may serve at once now."""
        return self._fits if time.monotonic() < self._crowded_until else self._most

    async def serve(self, mails: Mails) -> None:
        """Send what `mails` gives, one after another over one connection, until it gives none, or somebody else needs
        that connection."""
        async with self._places:
            self._active += 1
            try:
                await self._serve(mails)
            finally:
                self._active -= 1
                if not self._active:
                    self._hand_over(None)

    async def _serve(self, mails: Mails) -> None:
        mail, stale = mails.take(), False
        while mail is not None:
            line = None if stale else self._free()
            try:
                line = line or await self._fresh()
            except Broken as broken:
                if not self._crowded(broken):
                    mails.end(mail, broken)
                    mail = mails.take()
                    stale = False
                    continue
                line = await self._next_line()
                stale = line is None
                if line is None:
                    continue
            left = await self._over(line, _Yielding(mails, self._waiters), mail)
            if self._keep(line):
                return
            # a connection may have grown stale: what it did not take goes over a fresh one
            mail, stale = left or mails.take(), left is not None

    def _crowded(self, broken: Broken) -> bool:
        """Whether the server only takes fewer connections than these."""
        others = self._active - 1
        if broken.phase is not Phase.CONNECT or broken.code != TOO_MANY or others < 1:
            return False
        self._fits, self._crowded_until = others, time.monotonic() + CROWDED_SECONDS
        return True

    async def _next_line(self) -> SmtpConnection | None:
        """The next connection that somebody gives up; None if all of them are gone."""
        self._active -= 1
        waiter: asyncio.Future[SmtpConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():  # nobody has answered
                self._active += 1
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
            elif (line := waiter.result()) is not None:
                self._keep(line)
            raise

    def _hand_over(self, line: SmtpConnection | None) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(line)
                self._active += 1  # from this moment on, not from when it gets its turn
                return True
        return False

    async def greet(self) -> None:
        """Connect and log in. Raises `Broken`."""
        async with self._places:
            self._keep(await self._fresh())

    async def close(self) -> None:
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(line.quit() for line in idle))

    async def _over(
        self, line: SmtpConnection, mails: Mails, mail: OutgoingMail
    ) -> OutgoingMail | None:
        try:
            left = await line.serve(mails, mail)
        except BaseException:
            line.close()
            raise
        return left

    def _keep(self, line: SmtpConnection) -> bool:
        """Keep it for whoever is next. Returns whether somebody waited for it."""
        if self._closed:
            line.close()
        elif line.usable:
            if self._hand_over(line):
                return True
            self._idle.append(line)
        return False

    def _free(self) -> SmtpConnection | None:
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


class _Yielding:
    """Mails for one connection, until somebody waits for it."""

    def __init__(self, mails: Mails, waiters: Collection[object]) -> None:
        self.begin, self.end = mails.begin, mails.end
        self._mails, self._waiters = mails, waiters

    def take(self) -> OutgoingMail | None:
        return None if self._waiters else self._mails.take()
