"""An SMTP server that keeps every mail, and refuses, hangs up or is slow on demand."""

import asyncio
import hmac
import logging
import re
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from html import unescape
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from alertbot.rehearsal.sandbox.accounts import Mail, PostedPicture, Posts, SmtpAccount
from alertbot.rehearsal.sandbox.faults import Faults

REPLIES = {
    "greeting_421": "421 4.3.2 Service not available, closing transmission channel",
    "greeting_554": "554 5.7.1 No SMTP service here",
    "mail_451": "451 4.3.0 Temporary failure, try again later",
    "mail_550": "550 5.7.1 Sender rejected",
    "rcpt_450": "450 4.2.0 Mailbox busy, try again later",
    "rcpt_452": "452 4.2.2 Mailbox full",
    "rcpt_550": "550 5.1.1 No such mailbox",
    "rcpt_571": "550 5.7.1 Message refused by policy",
    "data_451": "451 4.3.0 Temporary failure, try again later",
    "data_554": "554 5.6.0 Message content rejected",
}


class SmtpPlatform:
    """The state of the mail side of a sandbox."""

    def __init__(
        self,
        account: SmtpAccount,
        posts: Posts,
        faults: Faults,
        clock: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's; it prints what AUTH sends
        self._account, self._posts, self._clock, self._tls = account, posts, clock, tls
        self.faults = faults
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()
        self._taken = 0
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises `OSError` where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, host, port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and cut every open connection."""
        if self._server is not None:
            self._server.close()
        for session in tuple(self._sessions):
            session.cut()
        await asyncio.sleep(0)

    def _session(self) -> "_Session":
        wanted = self._account.username is not None
        return _Session(
            self,
            self._sessions,
            hostname="sandbox.example.org",
            ident="alertbot sandbox",
            enable_SMTPUTF8=True,
            tls_context=self._tls,
            auth_required=wanted,
            auth_require_tls=not wanted,
            auth_exclude_mechanism=None if wanted else ("LOGIN", "PLAIN"),
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any
    ) -> Any:
        if mechanism not in ("LOGIN", "PLAIN") or not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        expected = ((self._account.username or "").encode(), self._account.password.encode())
        right = hmac.compare_digest(data.login, expected[0]) & hmac.compare_digest(
            data.password, expected[1]
        )
        return AuthResult(success=bool(right), handled=False)

    # The names of these hooks are aiosmtpd's.
    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        refusal = await self._refusal("mail", address)
        if refusal:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        refusal = await self._refusal("rcpt", address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: "_Session", _session: Any, envelope: Any) -> str:  # noqa: N802
        content = bytes(envelope.original_content)
        words = " ".join(envelope.rcpt_tos) + "\n" + content.decode("utf-8", "replace")
        fault = self.faults.take("smtp", "dot", words)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.name in REPLIES and not fault.commit:
                return REPLIES[fault.name]
        name = self._keep(envelope, content)
        if fault is not None and fault.name == "drop_after_dot":
            server.cut()
            raise asyncio.CancelledError
        return REPLIES.get(fault.name if fault else "", f"250 2.0.0 OK queued as {name}")

    async def _refusal(self, call: str, words: str) -> str | None:
        fault = self.faults.take("smtp", call, words)
        if fault is None:
            return None
        await asyncio.sleep(fault.delay)
        return REPLIES.get(fault.name)

    def _keep(self, envelope: Any, content: bytes) -> str:
        """Publish one copy per recipient; returns the server's name for the mail."""
        self._taken += 1
        at, sender = self._clock(), envelope.mail_from or ""
        for recipient in envelope.rcpt_tos:
            name = f"{self._taken}/{recipient}"
            self._posts.add_unread(name, partial(_mail, name, at, sender, recipient, content))
        return f"Q{self._taken}"


def _mail(name: str, at: datetime, sender: str, recipient: str, content: bytes) -> Mail:
    message = message_from_bytes(content, _class=EmailMessage, policy=default)
    return Mail(
        id=name,
        at=at,
        sender=sender,
        recipient=recipient,
        subject=str(message.get("Subject", "")),
        text=_body(message, "plain") or "",
        html=_body(message, "html"),
        message_id=str(message.get("Message-ID", "")).strip("<> "),
        headers=tuple((name, str(value)) for name, value in message.items()),
        raw=content,
        in_reply_to=str(message["In-Reply-To"]).strip("<> ") if message["In-Reply-To"] else None,
        references=tuple(word.strip("<>") for word in str(message.get("References", "")).split()),
        language=str(message["Content-Language"]) if message["Content-Language"] else None,
        pictures=tuple(_pictures(message)),
    )


def _pictures(message: EmailMessage) -> Iterator[PostedPicture]:
    """The pictures in its HTML, with their text alternatives."""
    html = _body(message, "html") or ""
    for part in message.walk():
        name = str(part.get("Content-ID", "")).strip("<> ")
        shown = re.search(rf'<img[^>]*"cid:{re.escape(name)}"[^>]*>', html) if name else None
        if part.get_content_maintype() == "image" and shown:
            alt = re.search(r'\balt="([^"]*)"', shown.group())
            content = part.get_payload(decode=True)
            description = unescape(alt.group(1)) if alt else ""
            yield PostedPicture(name, description, content if isinstance(content, bytes) else b"")


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except LookupError:  # a character set nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


class _Session(SMTP):
    """One connection; hangs up or refuses at the greeting if a fault says so."""

    def __init__(self, platform: SmtpPlatform, register: set["_Session"], **options: Any) -> None:
        super().__init__(platform, **options)
        self._platform, self._register = platform, register

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._register.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._register.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.close()

    async def _handle_client(self) -> None:
        fault = self._platform.faults.take("smtp", "connect")
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.name in REPLIES:
                await self.push(REPLIES[fault.name])
                self.cut()
                return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        recipients = " ".join(self.envelope.rcpt_tos) if self.envelope else ""
        fault = self._platform.faults.take("smtp", "data", recipients) if recipients else None
        if fault is None:
            await super().smtp_DATA(arg)
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        await self._reader.readline()
        await asyncio.sleep(fault.delay)
        self.cut()
