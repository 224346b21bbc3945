"""The configuration as a whole: the top-level sections, and the organisation and approvals as plain
data."""

from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union
from urllib.parse import SplitResult, parse_qs, quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, SerializeAsAny, create_model

from alertbot.config.approvers import ApproverSettings, DeskSettings, DutySettings, ServeSettings
from alertbot.config.channel import ChannelSettings
from alertbot.config.secrets import Secret, WithSecrets
from alertbot.config.shapes import Duration, FilePath, Languages, Name, Settings, SomeDuration, Variable
from alertbot.config.sources import SourceSettings
from alertbot.config.watching import PromiseSettings, RuleSettings, WatchSettings
from alertbot.core.model import Approvals, Organisation
from alertbot.core.words import _

SQLITE = "sqlite:///"
SHORTEST_RETENTION = timedelta(days=30)


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        near = get_close_matches(value, available_timezones(), 1) or ["Europe/Paris"]
        sentence = _("must be an IANA time zone, such as {zone}")
        raise ValueError(sentence.format(zone=near[0])) from None
    return value


def _page(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme != "https" or "@" in parts.netloc or any(map(str.isspace, value)):
        raise ValueError(_("must be a public https:// address"))
    return value


def _servers(parts: SplitResult) -> list[str]:
    return parts.netloc.rpartition("@")[2].split(",")


def _is_server(where: str) -> bool:
    """Whether this is a host with or without a port. Raises `ValueError`."""
    return urlsplit(f"//{where}").port != 0


def _without_sign(value: str) -> str:
    return value.removeprefix("#")


def _database(value: str) -> str:
    """Check the address. Messages never quote the value: it may contain a password. Raises `ValueError`
    for an unusable one."""
    if value.startswith(SQLITE):
        name = value.removeprefix(SQLITE)
        if not name.strip("/") or name == ":memory:" or set(name) & set("?#"):
            raise ValueError(_("must be a file, without options: sqlite:///alertbot.db"))
        return value
    if not value.startswith("postgresql://"):
        raise ValueError(_("must be sqlite:///FILE or postgresql://USER@HOST:PORT/NAME"))
    return _postgresql(value)


def _postgresql(value: str) -> str:
    try:
        parts = urlsplit(value)
        options = parse_qs(parts.query)
        inline = parts.password is not None or bool({"password", "passfile"} & set(options))
        complete = bool(parts.path.strip("/")) and all(map(_is_server, _servers(parts)))
    except ValueError:
        inline, complete = False, False
    if inline:
        raise ValueError(
            _(
                "must not contain a password; use database_password_env, database_password_file or PGPASSFILE"
            )
        )
    if not complete:
        raise ValueError(_("must be complete: postgresql://USER@HOST:PORT/NAME"))
    return value


class OrganisationSettings(Settings):
    """The organisation that publishes."""

    name: str = Field(
        pattern=r"^\S(.*\S)?$",
        max_length=100,
        description="The name the public knows; it appears in the texts.",
        examples=["Préfecture de l'Exemple"],
    )
    languages: Languages = Field(
        default=("fr", "en"),
        description="The languages of the texts, the most important first.",
        examples=[["fr", "en"]],
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="Europe/Paris",
        max_length=60,
        description="The time zone of the times in texts, by its IANA name.",
        examples=["Europe/Paris"],
    )
    verification_page: Annotated[str, AfterValidator(_page)] | None = Field(
        default=None,
        max_length=200,
        description="Your own web page where anyone can check that an alert is real.",
        examples=["https://alerts.example.org"],
    )
    hashtag: Annotated[str, AfterValidator(_without_sign)] | None = Field(
        default=None,
        pattern=r"^#?[^\s#@]{1,50}$",
        description="One hashtag for every post, without the # (which begins a comment in YAML).",
        examples=["AlerteExemple"],
    )
    sandbox: bool = Field(
        default=False,
        description="true: a rehearsal. Allowed only if every channel stays on 127.0.0.1.",
        examples=[True],
    )


class ApprovalSettings(Settings):
    """What a kind of alert needs before it may go out; what is left out comes from the kind."""

    approvers: int | None = Field(
        default=None, ge=1, le=9, description="How many people must approve.", examples=[2]
    )
    expires_after: SomeDuration | None = Field(
        default=None, description="How long an approval is valid.", examples=["30m"]
    )


class NumbersSettings(Settings):
    """The register of provisional numbers."""

    warn_before: SomeDuration = Field(
        default="30m",
        validate_default=True,
        description="How long before a number expires the team is told.",
        examples=["30m"],
    )


def _long_enough(value: timedelta) -> timedelta:
    if value < SHORTEST_RETENTION:
        raise ValueError(
            _("must be at least {days}d: who is forgotten gets no correction").format(
                days=SHORTEST_RETENTION.days
            )
        )
    return value


class RetentionSettings(Settings):
    """How long what is about people stays."""

    addresses: Annotated[SomeDuration, AfterValidator(_long_enough)] | None = Field(
        default=None,
        description="How long the addresses of recipients of mail stay after an alert is over; at least 30d. Then only"
        " pseudonyms stay. Left out: until somebody asks to be erased.",
        examples=["400d"],
    )


class DatabaseSettings(WithSecrets):
    """Where the database is: all that stopping asks of a configuration."""

    secrets: ClassVar[tuple[Secret, ...]] = (Secret("database_password"),)
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = ((), ("database_password",))

    database: Annotated[str, AfterValidator(_database)] = Field(
        default="sqlite:///alertbot.db",
        description="sqlite:///FILE, from this file's folder, or postgresql://USER@HOST:PORT/NAME; with several servers"
        " postgresql://USER@HOST:PORT,HOST:PORT/NAME, of which the one that can be written to is used.",
        examples=["sqlite:///alertbot.db"],
    )
    database_password_env: Variable | None = Field(
        default=None, description="The variable that holds the password of the PostgreSQL database."
    )
    database_password_file: FilePath | None = Field(
        default=None, description="The file that holds the password of the PostgreSQL database."
    )

    @property
    def database_url(self) -> str:
        """The address to open: a full path for SQLite, with the password for PostgreSQL. Never log it.

        Reads the secret now; raises `ConfigInvalid` if it is missing.
        """
        if self.database.startswith(SQLITE):
            return SQLITE + str((self.home / self.database.removeprefix(SQLITE)).absolute())
        if not self.has_secret("database_password"):
            return self.database
        parts = urlsplit(self.database)
        user, _at, host = parts.netloc.rpartition("@")
        password = quote(self.secret("database_password"), safe="")
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))

    @property
    def on_this_machine(self) -> bool:
        """Whether it is a file, and no server."""
        return self.database.startswith(SQLITE)

    def database_exists(self) -> bool:
        """Whether the database exists; a server is assumed to."""
        if not self.on_this_machine:
            return True
        return (self.home / self.database.removeprefix(SQLITE)).is_file()


class Config(DatabaseSettings):
    """The configuration of alertbot."""

    runner: Literal["local", "procrastinate"] = Field(
        default="local",
        description="Who calls the workers to their work: each looks for itself, or procrastinate's jobs on the"
        " PostgreSQL database, for workers on several machines (`alertbot worker`).",
        examples=["local"],
    )
    region: str = Field(
        default="FR",
        pattern=r"^[A-Z]{2}$",
        description="The country: its code names the pack with its numbers, services and territories"
        " (`alertbot regions list`), shipped or in your messages folder.",
        examples=["FR"],
    )
    organisation: OrganisationSettings = Field(description="The organisation that publishes.")
    messages: FilePath | None = Field(
        default=None,
        description="A folder with your own kinds and texts; they override the shipped ones, file by file.",
        examples=["messages"],
    )
    publish_delay: Duration = Field(
        default="0s",
        validate_default=True,
        description="The time between the approval and the first call, in which you can still halt.",
        examples=["0s"],
    )
    approvals: dict[Name, ApprovalSettings] = Field(
        default_factory=dict,
        description="For each kind: approvals that differ from what the kind itself requires.",
    )
    approvals_by: ApproverSettings | None = Field(
        default=None,
        description="How approvers are asked, in addition to the channels with the audience team.",
    )
    duty: DutySettings | None = Field(
        default=None, description="Who is asked first to approve, and who next."
    )
    numbers: NumbersSettings = Field(
        default=NumbersSettings(), description="The register of provisional numbers."
    )
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="How long what is about people stays."
    )
    serve: ServeSettings = Field(
        default=ServeSettings(), description="Where alertbot serves its web pages."
    )
    desk: DeskSettings | None = Field(
        default=None,
        description="The pages on which people write, approve and follow; off unless given.",
    )
    sources: dict[Name, SourceSettings] = Field(
        default_factory=dict,
        description="The sources that report the state of services, each under a name of your choice.",
    )
    watch: WatchSettings = Field(
        default=WatchSettings(),
        description="The services to watch, and what it takes to believe a report.",
    )
    rules: dict[Name, RuleSettings] = Field(
        default_factory=dict,
        description="What to write when a state changes; the first rule that matches applies.",
    )
    promises: PromiseSettings = Field(
        default=PromiseSettings(), description="Reminders of the next update that a message promises."
    )
    channels: dict[Name, SerializeAsAny[ChannelSettings]] = Field(
        min_length=1, description="The accounts to publish to, each under a name of your choice."
    )

    @property
    def messages_folder(self) -> Path | None:
        """The full path of the folder that overrides the shipped kinds."""
        return None if self.messages is None else self.home / self.messages.expanduser()


def organisation_of(config: Config) -> Organisation:
    """The organisation as plain data."""
    given = config.organisation
    return Organisation(
        name=given.name,
        languages=given.languages,
        timezone=given.timezone,
        verification_page=given.verification_page or "",
        hashtag=given.hashtag or "",
        sandbox=given.sandbox,
    )


def approvals_of(config: Config, kind: str, default: Approvals) -> Approvals:
    """The approvals a kind needs here: its own `default`, changed by the configuration."""
    given = config.approvals.get(kind)
    if given is None:
        return default
    return Approvals(
        approvers=given.approvers or default.approvers,
        author_may_approve=default.author_may_approve,
        expires_after=given.expires_after or default.expires_after,
    )


@cache
def whole(**settings_types: type[ChannelSettings]) -> type[Config]:
    """`Config` for these types of channel: `type` decides which settings a channel has."""
    channels = [_typed(name, settings) for name, settings in sorted(settings_types.items())]
    one: Any = Union[tuple(channels)]  # noqa: UP007  # a list of types known at run time
    if len(channels) > 1:
        one = Annotated[one, Field(discriminator="type")]
    described = Config.model_fields["channels"]
    made: type[Config] = create_model(
        "Config", __base__=Config, __doc__=Config.__doc__, channels=(dict[Name, one], described)
    )
    return made


def _typed(name: str, settings: type[ChannelSettings]) -> type[ChannelSettings]:
    """The settings with `type` restricted to their own name."""
    only: Any = Literal[name]
    described = Field(description=_("This channel has the type {name}.").format(name=name))
    made: type[ChannelSettings] = create_model(
        settings.__name__, __base__=settings, __doc__=settings.__doc__, type=(only, described)
    )
    return made
