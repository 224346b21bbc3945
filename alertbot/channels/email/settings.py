"""The settings of a mail channel."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.errors import MessageError
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from alertbot.channels.email import message, recipients
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.config.channel import ChannelSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, Port, ServerRoot, Settings, SomeDuration, Variable
from alertbot.core.connecting import is_loopback
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Target
from alertbot.core.words import _

PORTS = {"none": 25, "starttls": 587, "tls": 465}
FOLDER = r"^[^\x00-\x1f\x7f*%]{1,100}$"
UNSUBSCRIBE = re.compile(r"(mailto:[^\s<>@]+@[^\s<>]+|https://[^\s<>]+)")


def _sender(value: str) -> str:
    try:
        message.parted(value)
    except MessageError:
        raise ValueError(
            _("must be an address: alerts@example.org, or Name <alerts@example.org>")
        ) from None
    return value


def _unsubscribe(value: str) -> str:
    if not UNSUBSCRIBE.fullmatch(value) or not value.isascii():
        raise ValueError(_("must be mailto:name@domain or https://…"))
    return value


class DkimSettings(Settings):
    """How this program signs mails itself, where the mail server does not."""

    selector: str = Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        description="The name under which the DNS holds the public key.",
        examples=["alertes2026"],
    )
    key_file: FilePath = Field(description="The private key, in PEM.", examples=["dkim.pem"])
    domain: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        description="Whose signature it is: the sender's domain unless given, or one above it.",
        examples=["example.org"],
    )


class EmailSettings(ChannelSettings):
    """A mail server, and who gets mail through it."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("username", about=_("The account on the mail server.")),
        Secret("password", about=_("Its password.")),
        Secret("canary_username", about=_("The account of the canary's mailbox.")),
        Secret("canary_password", about=_("Its password.")),
        Secret("returns_username", about=_("The account of the mailbox for mail that comes back.")),
        Secret("returns_password", about=_("Its password.")),
        Secret("link_secret", about=_("What unsubscribe links and return addresses are sealed with.")),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = tuple(
        (*account, *canary, *returns, *link)
        for account in ((), ("username", "password"))
        for canary in ((), ("canary_username", "canary_password"))
        for returns in ((), ("returns_username", "returns_password"))
        for link in ((), ("link_secret",))
    )

    type: Literal["email"] = Field(default="email", description="Mail to a list of recipients.")
    host: str = Field(
        pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:_-]*$",
        description="The mail server.",
        examples=["smtp.example.org"],
    )
    port: Port | None = Field(
        default=None, description="25, 587 or 465 by `security` unless given.", examples=[587]
    )
    security: Literal["none", "starttls", "tls"] = Field(
        default="starttls", description="none only without credentials, or to this machine."
    )
    ca_file: FilePath | None = Field(default=None, description="Certificates to trust, in PEM.")
    helo: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.\[\]:-]+$",
        description="This machine's name for the server.",
    )
    username_env: Variable | None = None
    username_file: FilePath | None = None
    password_env: Variable | None = None
    password_file: FilePath | None = None
    sender: Annotated[str, AfterValidator(_sender)] = Field(
        description="Whom the mails come from.", examples=["Alertes <alertes@example.org>"]
    )
    recipients: Annotated[tuple[str, ...], Field(strict=False)] | FilePath = Field(
        description=(
            "Addresses and paths of CSV files, or one such path. The columns are address, lang, topics, critical."
        ),
        examples=[["redaction@example.org"], "recipients.csv", ["mayors.csv", "care-homes.csv"]],
    )
    unsubscribe: Annotated[str, AfterValidator(_unsubscribe)] | None = Field(
        default=None,
        description="Where readers leave the list; https gets the one-click header too.",
        examples=["mailto:stop@example.org"],
    )
    one_click: ServerRoot | None = Field(
        default=None,
        description=(
            "The https address of `alertbot serve`: each mail gets an unsubscribe link of its own, honoured before the"
            " next mail. Needs `link_secret`."
        ),
        examples=["https://alertes.example.org"],
    )
    returns: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,30}@[A-Za-z0-9.-]+$",
        description=(
            "A mailbox for mail that comes back. Each mail gets a return address of its own in it, with a + and a mark;"
            " With `returns_host` the worker reads what arrives; else feed it to `alertbot recipients bounces`. Needs"
            " `link_secret`."
        ),
        examples=["retours@example.org"],
    )
    returns_host: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:_-]*$",
        description="The IMAP server of that mailbox, which the worker reads.",
        examples=["imap.example.org"],
    )
    returns_port: Port | None = Field(
        default=None, description="993, or 143 without tls, unless given.", examples=[993]
    )
    returns_security: Literal["none", "starttls", "tls"] = Field(
        default="tls", description="none only to this machine."
    )
    returns_folder: str = Field(
        default="INBOX", pattern=FOLDER, description="The folder that is read.", examples=["Retours"]
    )
    returns_done: str | None = Field(
        default=None,
        pattern=FOLDER,
        description=(
            "The folder to which mails are moved once they are read. Without one they are marked as read, and those that"
            " somebody else has read are left out."
        ),
        examples=["Lus"],
    )
    returns_every: SomeDuration = Field(
        default=timedelta(minutes=1), description="The pause between two looks.", examples=["1m"]
    )
    returns_username_env: Variable | None = None
    returns_username_file: FilePath | None = None
    returns_password_env: Variable | None = None
    returns_password_file: FilePath | None = None
    link_secret_env: Variable | None = None
    link_secret_file: FilePath | None = None
    dkim: DkimSettings | None = None
    canary: str | None = Field(
        default=None,
        pattern=r"^[^\s@<>]+@[^\s@<>]+$",
        description="One of the recipients, a mailbox of your own: `witness: true` looks there for each mail.",
        examples=["temoin@example.org"],
    )
    canary_host: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:_-]*$",
        description="The IMAP server of that mailbox.",
        examples=["imap.example.org"],
    )
    canary_port: Port = 993
    canary_username_env: Variable | None = None
    canary_username_file: FilePath | None = None
    canary_password_env: Variable | None = None
    canary_password_file: FilePath | None = None
    connections: int = Field(default=4, ge=1, le=50, description="Connections at once, at most.")
    connect_within: SomeDuration = timedelta(seconds=10)
    answer_within: SomeDuration = timedelta(seconds=60)
    dot_within: SomeDuration = Field(
        default=timedelta(seconds=120),
        description="Time to take a mail after its last line; a short one makes mails uncertain.",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.security == "none" and self.has_secret("username") and not is_loopback(self.host):
            yield (
                "security",
                _("credentials need starttls or tls: a password must not be sent unencrypted"),
            )

        for name in ("one_click", "returns"):
            if getattr(self, name) and not self.has_secret("link_secret"):
                yield name, _("needs `link_secret_env` or `link_secret_file`")
        if self.one_click and (self.unsubscribe or "").startswith("https:"):
            yield "unsubscribe", _("with `one_click` only a mailto address can stand beside it")

        yield from self._faults_of_returns()
        mine = message.parted(self.sender).domain.lower()
        if self.dkim and self.dkim.domain and not f".{mine}".endswith(f".{self.dkim.domain.lower()}"):
            yield "dkim.domain", _("must be the sender's domain or one above it")
        if self.looked_at is not None and not (self.canary and self.canary_host):
            yield (
                "witness",
                _("nobody can see mail but in a mailbox of your own: set `canary` and `canary_host`"),
            )

    def _faults_of_returns(self) -> Iterator[tuple[str, str]]:
        if self.returns_host is None:
            return
        if not self.returns:
            yield "returns_host", _("needs `returns`, the address of that mailbox")
        if not self.has_secret("returns_username"):
            yield "returns_host", _("needs `returns_username_env` and `returns_password_env`, or files")
        if self.returns_security == "none" and not is_loopback(self.returns_host):
            yield (
                "returns_security",
                _("credentials need starttls or tls: a password must not be sent unencrypted"),
            )
        if self.returns_done == self.returns_folder:
            yield "returns_done", _("must be another folder than the one that is read")

    def targets(self) -> Sequence[Target]:
        """The recipients. Raises `ConfigInvalid`."""
        if isinstance(self.recipients, Path):
            return recipients.read(self.home / self.recipients.expanduser())
        return recipients.listed(self.recipients, self.home)

    def seal(self, channel: str) -> RecipientSeal:
        """What seals and opens this channel's links. Raises `ConfigInvalid`."""
        return RecipientSeal(channel, self.secret("link_secret"))

    def addresses(self) -> tuple[str, ...] | None:
        known = super().addresses()
        others = tuple(filter(None, (self.canary_host, self.returns_host)))
        return (*known, *others) if known else known

    def warnings(self) -> Iterator[tuple[str, str]]:
        try:
            odd = [one.address for one in self.targets() if not _plain(one.address)]
        except ConfigInvalid:  # told elsewhere
            return
        if odd:
            sentence = _(
                "{count} addresses, the first is {address}, have letters beyond ASCII before the @; a mail server"
                " without SMTPUTF8 does not take them."
            )
            yield "recipients", sentence.format(count=len(odd), address=odd[0])


def _plain(address: str) -> bool:
    return address.rpartition("@")[0].isascii()
