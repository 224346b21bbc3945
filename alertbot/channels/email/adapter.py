"""Mail through aiosmtplib: one transaction per recipient, over a few connections that stay open."""

import re
import socket
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.channels.email import errors, message
from alertbot.channels.email.mailbox import ImapServer, ReturnsPlace
from alertbot.channels.email.replies import OutgoingMail
from alertbot.channels.email.settings import PORTS, EmailSettings
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.channels.email.witness import Mailbox, MailCanary
from alertbot.core.connecting import is_loopback
from alertbot.core.errors import ChannelDown, ChannelError, ConfigInvalid, Rejected, Scope
from alertbot.core.model import Action, Channel, Post, PostAddresses, Receipt, Target, TeamPost
from alertbot.core.words import _

if TYPE_CHECKING:
    from alertbot.channels.email.dkim import DkimSigner, SignedLetter
    from alertbot.channels.email.wire import SmtpPool


MOST_LETTERS_KEPT = 32


class Letter(NamedTuple):
    """The part of a mail that all recipients get, as it is sent, and what a signature needs of it."""

    sent: bytes
    dkim: "SignedLetter | None"


class EmailAdapter(Adapter[EmailSettings]):
    """One mail per delivery; calls may run in parallel."""

    spec = base.EMAIL
    settings_type = EmailSettings
    streams = True

    def __init__(self, channel: Channel, settings: EmailSettings) -> None:
        super().__init__(channel, settings)
        self._sender = message.parted(settings.sender)
        self._letters: dict[tuple[str | None, ...], Letter] = {}
        self._secrets: tuple[str, ...] = ()
        self._lines: SmtpPool | None = None
        self._seal: RecipientSeal | None = None
        self._signer: DkimSigner | None = None

    @classmethod
    def targets(cls, settings: EmailSettings) -> Sequence[Target]:
        return settings.targets()

    @classmethod
    def identity(cls, settings: EmailSettings) -> dict[str, str]:
        port = settings.port or {"none": 25, "starttls": 587, "tls": 465}[settings.security]
        return {"server": f"{settings.host.lower()}:{port}", "sender": settings.sender}

    @classmethod
    def addresses(cls, settings: EmailSettings) -> PostAddresses:  # noqa: ARG003 - the same for all
        return PostAddresses(unknown=_("A mail has no address on the web."))

    @classmethod
    def witness(cls, settings: EmailSettings) -> MailCanary:
        wanted = (settings.canary or "").casefold()
        address = next(
            (one.address for one in cls.targets(settings) if one.address.casefold() == wanted), None
        )
        if address is None:
            told = _("the canary {address} is not among the recipients")
            raise ConfigInvalid(told.format(address=settings.canary))
        host = settings.canary_host or ""

        def login() -> tuple[str, str]:
            return settings.secret("canary_username"), settings.secret("canary_password")

        return MailCanary(Mailbox(address, host, settings.canary_port, not is_loopback(host), login))

    @classmethod
    def returned(cls, settings: EmailSettings) -> ReturnsPlace | None:
        if settings.returns_host is None:
            return None
        security = settings.returns_security

        def login() -> tuple[str, str]:
            return settings.secret("returns_username"), settings.secret("returns_password")

        port = settings.returns_port or (993 if security == "tls" else 143)
        ca_file = settings.ca_file and settings.home / settings.ca_file.expanduser()
        server = ImapServer(settings.returns_host, port, security, login, ca_file)
        return ReturnsPlace(
            server, settings.returns_folder, settings.returns_done, settings.returns_every
        )

    @property
    def at_once(self) -> int:
        most = self.settings.connections
        return most if self._lines is None else min(most, self._lines.room)

    async def warm(self) -> None:
        self._ready()

    async def close(self) -> None:
        lines, self._lines = self._lines, None
        if lines is not None:
            await lines.close()

    async def publish_from(self, posts: base.PostSupply) -> None:
        await self._ready().serve(_Mails(self, posts))

    async def _send(self, post: Post) -> Receipt:
        single = _Single(post)
        await self.publish_from(single)
        if isinstance(single.answer, Receipt):
            return single.answer
        assert single.answer is not None
        raise single.answer

    def mail(self, post: Post) -> OutgoingMail:
        """The mail of a post. Raises `Rejected`."""
        self.require_fit(post)
        if post.action is not Action.PUBLISH:
            raise self._cannot(post, _("{channel} cannot edit its posts ({alert})."))
        recipient = self._recipient(post)
        now = datetime.now(UTC)
        own = message.addressed(post, self._sender.domain, recipient, now)
        own, letter = own + self._leaving(post), self._letter(post)
        text = self._signed(own, letter, now) + own + letter.sent
        envelope = message.MailEnvelope(self._return_path(post), recipient, not recipient.isascii())
        return OutgoingMail(envelope, text, message.message_id(post, self._sender.domain))

    def answer(
        self, post: Post, mail: OutgoingMail, said: str | errors.Broken
    ) -> Receipt | ChannelError:
        """What became of a mail, by the server's last word about it."""
        if isinstance(said, errors.Broken):
            return errors.meaning(said, self._about(post.alert, mail.envelope.recipient))
        return Receipt(mail.name)

    async def identify(self) -> str:
        """The server and the sender. Connects and logs in, sends nothing. Raises the channel errors."""
        try:
            await self._ready().greet()
        except errors.Broken as broken:
            raise errors.meaning(broken, self._about(self.channel.name)) from None
        return _("{sender} via {host}").format(sender=self._sender.addr_spec, host=self.settings.host)

    def _recipient(self, post: Post) -> str:
        """The address for the SMTP command, with its domain in ASCII. Raises `Rejected` if that is
        impossible."""
        try:
            local, _at, domain = message.checked(post.target).rpartition("@")
            return f"{local}@{message.in_ascii(domain)}"
        except (ValueError, UnicodeError) as fault:
            raise Rejected(
                _("{alert}: {why}.").format(alert=post.alert, why=fault),
                scope=Scope.RECIPIENT,
                code="address",
            ) from None

    def _sealed(self) -> RecipientSeal:
        if self._seal is None:
            self._seal = RecipientSeal(self.channel.name, self.secret("link_secret"))
        return self._seal

    def _return_path(self, post: Post) -> str:
        """Where the mail comes back to: an address of its own (VERP), so that it says whose it was."""
        if isinstance(post, TeamPost) or not self.settings.returns:
            return self._sender.addr_spec
        local, _at, domain = self.settings.returns.rpartition("@")
        return f"{self._sealed().returned_to(post.delivery, local)}@{domain}"

    def _leaving(self, post: Post) -> bytes:
        """How the recipient leaves the list; a member of the team does not."""
        if isinstance(post, TeamPost) or not self.settings.one_click:
            return b""
        link = f"{self.settings.one_click}/u/{self._sealed().token(post.target)}"
        return message.leaving(link, self.settings.unsubscribe)

    def _signed(self, own: bytes, letter: "Letter", now: datetime) -> bytes:
        if self._signer is None or letter.dkim is None:
            return b""
        return self._signer.header(own, letter.dkim, int(now.timestamp()))

    def _prepared(self, plain: bytes) -> "SignedLetter | None":
        """What a signature needs of a letter. Raises `ChannelDown` without the key."""
        settings = self.settings.dkim
        if settings is None:
            return None
        from alertbot.channels.email import dkim

        if self._signer is None:
            file = self.settings.home / settings.key_file.expanduser()
            domain = settings.domain or self._sender.domain
            try:
                self._signer = dkim.DkimSigner(domain, settings.selector, file)
            except ConfigInvalid as error:
                raise ChannelDown(str(error), code="dkim") from None
        return dkim.prepared(plain)

    def _letter(self, post: Post) -> "Letter":
        picture = None if post.picture is None else post.picture.digest
        key = (post.alert, post.lang, post.subject, post.text, post.html, picture, post.alt)
        if key not in self._letters:
            while len(self._letters) >= MOST_LETTERS_KEPT:
                self._letters.pop(next(iter(self._letters)))
            alone = None if self.settings.one_click else self.settings.unsubscribe
            letter = message.shared(post, self._sender, alone)
            plain = message.with_crlf(letter)
            self._letters[key] = Letter(message.as_sent(plain), self._prepared(plain))
        return self._letters[key]

    def _about(self, alert: str, recipient: str = "") -> errors.About:
        return errors.About(alert, self.settings.host, (*self._secrets, recipient))

    def _ready(self) -> "SmtpPool":
        if self._lines is None:
            self._lines = self._pool()
        return self._lines

    def _pool(self) -> "SmtpPool":
        from alertbot.channels.email.wire import Server, SmtpPool

        settings = self.settings
        username, password = self._credentials()
        server = Server(
            host=settings.host,
            port=settings.port or PORTS[settings.security],
            security=settings.security,
            helo=settings.helo or _own_name(),
            ca_file=None
            if settings.ca_file is None
            else str(settings.home / settings.ca_file.expanduser()),
            username=username,
            password=password,
            connect_seconds=settings.connect_within.total_seconds(),
            answer_seconds=settings.answer_within.total_seconds(),
            dot_seconds=settings.dot_within.total_seconds(),
        )
        return SmtpPool(server, settings.connections)

    def _credentials(self) -> tuple[str, str]:
        if not self.settings.has_secret("username"):
            return "", ""
        username, password = self.secret("username"), self.secret("password")
        sent = (f"\0{username}\0{password}", password)  # as they stand in AUTH PLAIN and AUTH LOGIN
        self._secrets = (password, *(b64encode(text.encode()).decode() for text in sent))
        return username, password


def _own_name() -> str:
    """This machine's name, without a look-up; set `helo` if the server requires another."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9.-]+", name) else "localhost"


class _Single:
    """A supply of one post, and what became of it."""

    def __init__(self, post: Post) -> None:
        self.answer: Receipt | ChannelError | None = None
        self._post: Post | None = post

    def take(self) -> Post | None:
        post, self._post = self._post, None
        return post

    async def begin(self, post: Post) -> bool:  # noqa: ARG002 - the caller has decided
        return True

    def end(self, post: Post, answer: Receipt | ChannelError) -> None:  # noqa: ARG002 - there is one
        self.answer = answer


class _Mails:
    """Posts as mails; those of which none can be made are ended on the way."""

    def __init__(self, adapter: EmailAdapter, posts: base.PostSupply) -> None:
        self._adapter, self._posts = adapter, posts
        self._taken: dict[int, Post] = {}  # by the mail's identity: at most two

    def take(self) -> OutgoingMail | None:
        while (post := self._posts.take()) is not None:
            try:
                mail = self._adapter.mail(post)
            except Rejected as refused:
                self._posts.end(post, refused)
                continue
            self._taken[id(mail)] = post
            return mail
        return None

    async def begin(self, mail: OutgoingMail) -> bool:
        return await self._posts.begin(self._taken[id(mail)])

    def end(self, mail: OutgoingMail, answer: "str | errors.Broken") -> None:
        post = self._taken.pop(id(mail))
        self._posts.end(post, self._adapter.answer(post, mail, answer))
