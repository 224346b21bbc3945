"""Settings: how approvers are asked, who is on duty, and where alertbot serves its pages."""

from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from alertbot.config.secrets import Secret, WithSecrets
from alertbot.config.shapes import FilePath, Name, Port, ServerRoot, Settings, SomeDuration, Variable
from alertbot.core.connecting import is_loopback
from alertbot.core.words import _

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_NAMES = 100


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value
    try:
        hours, minutes = str(value).split(":")
        found = time(int(hours), int(minutes))
    except ValueError:
        found = None
    if not isinstance(value, str) or found is None or f"{found:%H:%M}" != value:
        raise ValueError(_('must be a time in quotes, such as "08:00"'))
    return found


def _secure(value: str) -> str:
    parts = urlsplit(value)
    try:
        complete = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    except ValueError:
        complete = False
    if not complete or parts.query or parts.fragment or any(map(str.isspace, value)):
        raise ValueError(_("must be a public https:// address, without a question mark"))
    return value.rstrip("/")


def _page_root(value: str) -> str:
    """Accept https, or http to this machine: an approval link is never sent over an open line."""
    if value.startswith("http://") and is_loopback(value):
        return value.rstrip("/")
    return _secure(value)


def _desk(value: str) -> str:
    """Accept an origin: cookies and passkeys belong to all of it."""
    root = _page_root(value)
    parts = urlsplit(root)
    if parts.path:
        raise ValueError(_("must be an address without a path, such as https://desk.example.org"))
    return f"{parts.scheme}://{parts.netloc.lower()}"


Clock = Annotated[
    time,
    PlainValidator(_clock),
    PlainSerializer(lambda value: f"{value:%H:%M}"),
    WithJsonSchema({"type": "string", "pattern": CLOCK, "examples": ["08:00"]}),
]
"""A time of day of the organisation's clock, in quotes (without them YAML reads a number)."""

PersonName = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=200)]
PageRoot = Annotated[str, Field(max_length=200), AfterValidator(_page_root)]


class WebhookSettings(WithSecrets):
    """Where Telegram calls this machine, instead of being asked for news."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("secret", about=_("Telegram shows it with every call; letters, digits, _ and -.")),
    )

    url: PageRoot = Field(
        description="The public https:// address that leads to the port of `serve:`, at the same path.",
        examples=["https://bot.example.org/telegram"],
    )
    secret_env: Variable | None = None
    secret_file: FilePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_port(cls, given: Any) -> Any:
        if isinstance(given, dict) and {"host", "port"} & given.keys():
            raise ValueError(
                _(
                    "host and port now belong under `serve:`. Remove them here, and point the proxy"
                    " for this url at the port of `serve:`"
                )
            )
        return given

    def addresses(self) -> tuple[str, ...] | None:
        return ()


class TelegramApprovals(WithSecrets):
    """A bot that asks approvers, with buttons. It may be the bot that publishes."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("bot_token", about=_("The bot token from @BotFather.")),
    )

    api_url: ServerRoot = Field(
        default="https://api.telegram.org",
        description="The root of the Bot API.",
        examples=["http://127.0.0.1:8102"],
    )
    bot_token_env: Variable | None = None
    bot_token_file: FilePath | None = None
    chat: Annotated[int, Field(lt=0)] | None = Field(
        default=None,
        description="The chat number of the team's group. Without it, approvers are asked only in private.",
        examples=[-1001234567890],
    )
    mode: Literal["polling", "webhook"] = Field(
        default="polling",
        description="polling: ask Telegram for updates. webhook: Telegram calls this machine.",
    )
    webhook: WebhookSettings | None = Field(
        default=None, description="Where Telegram calls; only for `mode: webhook`."
    )


class MailApprovals(WithSecrets):
    """Links to approve by mail, for when Telegram is the thing that is down."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("secret", about=_("The secret that signs the links; at least 32 characters.")),
    )

    channel: Name = Field(description="The email channel that sends these mails.", examples=["press"])
    base_url: PageRoot = Field(
        description="The address at which approvers reach this machine's pages (`serve:`).",
        examples=["https://alertbot.example.org"],
    )
    secret_env: Variable | None = None
    secret_file: FilePath | None = None

    def addresses(self) -> tuple[str, ...] | None:
        return (self.base_url,)


class ApproverSettings(Settings):
    """How approvers are asked; each way is used that is given."""

    telegram: TelegramApprovals | None = Field(default=None, description="Through a Telegram bot.")
    mail: MailApprovals | None = Field(default=None, description="Through a link in a mail.")


class ShiftSettings(Settings):
    """When one person is on duty, by the organisation's clock."""

    person: PersonName = Field(
        description="The name, as in `alertbot people list`.", examples=["Camille"]
    )
    days: Annotated[
        tuple[Day, ...],
        Field(strict=False, min_length=1, max_length=7),
    ] = Field(
        default=DAYS, description="The days on which the shift begins.", examples=[["mon", "tue"]]
    )
    start: Clock = Field(alias="from", description="When the shift begins.", examples=["08:00"])
    end: Clock = Field(
        alias="until",
        description="When the shift ends; on the next day if that is not later than `from`.",
        examples=["20:00"],
    )


class DutySettings(Settings):
    """Who is on call. Without it, every approver is asked."""

    answer_within: SomeDuration = Field(
        default=timedelta(minutes=10),
        description="How long to wait for an answer before the next deputy is asked.",
        examples=["10m"],
    )
    shifts: Annotated[tuple[ShiftSettings, ...], Field(strict=False, max_length=MOST_NAMES)] = Field(
        default=(), description="Who is on duty, and when."
    )
    deputies: Annotated[tuple[PersonName, ...], Field(strict=False, max_length=MOST_NAMES)] = Field(
        default=(),
        description="Who is asked next if nobody answers, one after another.",
        examples=[["Dominique"]],
    )


def _issuer(value: str) -> str:
    """Accept an https address, or http to this machine; exactly as the provider writes it, its last slash too."""
    _page_root(value)
    return value


class OidcSettings(WithSecrets):
    """Sign-in at the desk by the organisation's own accounts (OpenID Connect)."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("client_secret", about=_("As the provider gave it to this client.")),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = ((), ("client_secret",))

    issuer: Annotated[str, Field(max_length=200), AfterValidator(_issuer)] = Field(
        description="The provider's address, exactly as it names itself (`issuer` in its metadata).",
        examples=["https://login.example.org/realms/prefecture"],
    )
    client_id: str = Field(
        min_length=1,
        max_length=200,
        description="What the provider calls this desk.",
        examples=["alertbot"],
    )
    client_secret_env: Variable | None = None
    client_secret_file: FilePath | None = None
    name: str | None = Field(
        default=None,
        pattern=r"^\S(.*\S)?$",
        max_length=60,
        description="What people call it, for the button; the provider's host unless given.",
        examples=["Préfecture"],
    )

    def addresses(self) -> tuple[str, ...] | None:
        return (self.issuer,)

    @property
    def called(self) -> str:
        return self.name or urlsplit(self.issuer).hostname or self.issuer


class DeskSettings(Settings):
    """The desk: the pages on which people write, approve and follow. Served by `alertbot serve`."""

    url: Annotated[str, Field(max_length=200), AfterValidator(_desk)] = Field(
        description="The https:// address at which people reach it, without a path; http:// on this machine only.",
        examples=["https://desk.example.org"],
    )
    wall: PageRoot | None = Field(
        default=None,
        description="Of a rehearsal: the address of the sandbox’s wall, which every page of the desk then links to.",
        examples=["http://127.0.0.1:8100"],
    )
    oidc: OidcSettings | None = Field(
        default=None,
        description="Sign-in by the organisation's accounts, beside passkeys, codes and tokens; off unless given.",
    )


class ServeSettings(Settings):
    """Where alertbot serves its own pages. Put a reverse proxy with https in front of it."""

    host: str = Field(
        default="127.0.0.1",
        max_length=60,
        description="The address to listen on.",
        examples=["127.0.0.1"],
    )
    port: Port = Field(default=8470, description="The port to listen on.", examples=[8470])
    metrics: bool | None = Field(
        default=None,
        description="/metrics for Prometheus. true: always; false: never; unless given: only while the"
        " address to listen on is this machine's own.",
        examples=[True],
    )
    public: Annotated[str, Field(pattern=r"^/([a-z0-9-]+/)?$")] | None = Field(
        default=None,
        description="The path under which the public page is served too: /public/, or / for the whole host. Unless given,"
        " it is not: a web server shows its folder.",
        examples=["/public/"],
    )


SECTIONS: dict[tuple[str, ...], type[WithSecrets]] = {
    ("approvals_by", "telegram"): TelegramApprovals,
    ("approvals_by", "telegram", "webhook"): WebhookSettings,
    ("approvals_by", "mail"): MailApprovals,
    ("desk", "oidc"): OidcSettings,
}
"""Where in the file settings with secrets stand, beside the channels."""


def sections(config: object) -> Iterator[tuple[tuple[str, ...], WithSecrets]]:
    """The settings with secrets of a configuration, each with its place in the file."""
    for path in SECTIONS:
        found: Any = config
        for step in path:
            found = getattr(found, step, None)
        if found is not None:
            yield path, found


def approver_faults(
    settings: ApproverSettings | None, types: Mapping[str, str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """(place, sentence) for each conflict between fields that are valid on their own. `types`: the type
    of every channel, by name."""
    telegram = settings and settings.telegram
    if telegram and telegram.mode == "webhook" and telegram.webhook is None:
        sentence = _("needs `webhook:` with url and secret_env or secret_file")
        yield ("approvals_by", "telegram", "mode"), sentence
    if telegram and telegram.mode == "polling" and telegram.webhook is not None:
        sentence = _("is not used while the mode is polling; set `mode: webhook`, or remove it")
        yield ("approvals_by", "telegram", "webhook"), sentence
    mail = settings and settings.mail
    if mail and types.get(mail.channel) != "email":
        sentence = _("there is no email channel called {name}").format(name=mail.channel)
        yield ("approvals_by", "mail", "channel"), sentence
