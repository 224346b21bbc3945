"""What is watched: sources that report, services they report about, and how sceptical to be."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from alertbot.errors import ConfigInvalid
from alertbot.settings.approvals_by import Clock, Day
from alertbot.settings.loopback import is_loopback
from alertbot.settings.secrets import Secret, WithSecrets
from alertbot.settings.shapes import Duration, FilePath, Name, Port, Settings, SomeDuration, Variable
from alertbot.words import _

MOST_NAMES = 1000
SHORTEST_SECRET = 16  # characters
POLLED = ("generic", "statuspage")  # may be asked for news; the other bodies are sent to us
ASKED = ("feed", "probe")  # are always asked

Text = Annotated[str, Field(min_length=1, max_length=300)]
ServiceName = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=200)]
Texts = Text | dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Text]
"""One text for every language, or one per language."""


def _address(value: str) -> str:
    """https anywhere, http to this machine. Never quotes the value: it may hold a secret."""
    try:
        parts = urlsplit(value)
        fits = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        parts, fits = urlsplit(""), False
    if not fits or parts.scheme not in ("http", "https") or any(map(str.isspace, value)):
        raise ValueError(_("must be an https:// address without a name or password in it"))
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError(_("plain http is allowed to 127.0.0.1 only; use https://"))
    return value


def _moment(value: str) -> str:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise ValueError(_('must be a moment with its offset, in quotes: "2026-01-31T22:00+01:00"'))
    return value


Address = Annotated[str, Field(max_length=2000), AfterValidator(_address)]
Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class MapSettings(Settings):
    """Where the values stand in a generic source's JSON: JMESPath expressions."""

    items: Text | None = Field(
        default=None,
        description="The list of reports; without it the body is one.",
        examples=["checks"],
    )
    service: Text = Field(default="service", description="The service's name.", examples=["check.name"])
    state: Text = Field(default="state", description="The state.", examples=["check.status"])
    states: dict[Literal["up", "degraded", "down", "maintenance"], list[str]] | None = Field(
        default=None,
        description="What each state is called there; any other state is unknown and never means down.",
        examples=[{"down": ["critical"], "up": ["ok"]}],
    )
    title: Text = Field(default="title", description="A heading, for the team alone.")
    summary: Text = Field(default="summary", description="A text, for the team alone.")
    url: Text = Field(default="url", description="An address, for the team alone.")
    at: Text | None = Field(default=None, description="When it was seen, in ISO 8601.")
    key: Text | None = Field(default=None, description="What a report and its repeats have in common.")
    severity: Text | None = Field(default=None, description="The severity; `critical` skips holds.")
    test: Text | None = Field(default=None, description="true where it is only a test.")


class PollSettings(Settings):
    """A source that is asked for news."""

    url: Address = Field(
        description="The address to ask; a Statuspage's is …/api/v2/summary.json.",
        examples=["https://status.example.org/api/v2/summary.json"],
    )
    every: SomeDuration = Field(
        default="60s", validate_default=True, description="How often it is asked.", examples=["60s"]
    )
    timeout: SomeDuration = Field(
        default="10s", validate_default=True, description="How long to wait.", examples=["10s"]
    )


class ProbeSettings(Settings):
    """What alertbot tries by itself: an address, or a port that must take a connection."""

    service: ServiceName = Field(
        description="The service it says something about.", examples=["portal"]
    )
    url: Address | None = Field(
        default=None, description="An address that must answer.", examples=["https://www.example.org"]
    )
    host: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="A host that must take a connection.", examples=["sip.example.org"]
    )
    port: Port | None = Field(default=None, description="On this port.", examples=[5061])
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Failures in a row before it is called down.", examples=[3]
    )
    status: tuple[Annotated[int, Field(ge=100, le=599)], Annotated[int, Field(ge=100, le=599)]] = Field(
        default=(200, 399),
        strict=False,
        description="Answers from … to … are right.",
        examples=[[200, 399]],
    )
    every: SomeDuration = Field(
        default="30s", validate_default=True, description="How often it is tried.", examples=["30s"]
    )
    timeout: SomeDuration = Field(
        default="10s", validate_default=True, description="How long to wait.", examples=["10s"]
    )


class FeedWords(Settings):
    """Words or phrases that say what an entry reports; an entry with none of them is unknown. Capitals and
    accents make no difference."""

    down: list[Text] = Field(
        default=[], description="Trouble, anywhere in an entry.", examples=[["outage", "panne"]]
    )
    degraded: list[Text] = Field(
        default=[], description="Partly out of order, anywhere in an entry.", examples=[["degraded"]]
    )
    up: list[Text] = Field(
        default=[],
        description="Over; counts in the title and in the first paragraph alone, and there before the others.",
        examples=[["resolved", "rétabli"]],
    )


class FeedSettings(Settings):
    """An RSS or Atom feed."""

    service: ServiceName = Field(description="The service it speaks about.", examples=["operator"])
    url: Address = Field(description="The feed.", examples=["https://status.example.org/feed.atom"])
    words: FeedWords = Field(default=FeedWords(), description="What its entries mean.")
    every: SomeDuration = Field(
        default="2m", validate_default=True, description="How often it is asked."
    )
    timeout: SomeDuration = Field(default="10s", validate_default=True, description="How long to wait.")


class SourceSettings(WithSecrets):
    """Something that reports how services do: it posts to /signals/NAME, or it is asked."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret(
            "secret",
            about=_(
                "It comes with every report: as a bearer token, or to sign it with. A source that is asked gets"
                " it as a bearer token."
            ),
        ),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = ((), ("secret",))

    type: Name = Field(
        description="alertmanager, grafana, uptime_kuma, statuspage, gatus, generic, feed, probe, or that of an"
        " installed package.",
        examples=["alertmanager"],
    )
    secret_env: Variable | None = None
    secret_file: FilePath | None = None
    signed: bool = Field(
        default=False,
        description="true: no token comes with a report, but its HMAC (see the page on sources).",
    )
    replay_window: SomeDuration = Field(
        default="5m", validate_default=True, description="How old a signed report may be."
    )
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=600, description="Most reports taken in a minute."
    )
    service_label: Text | None = Field(
        default=None,
        description="Alertmanager and Grafana: the label that names the service.",
        examples=["service"],
    )
    names: Annotated[dict[Text, ServiceName], Field(max_length=MOST_NAMES)] = Field(
        default_factory=dict,
        description="What the source calls a service, and what we call it.",
        examples=[{"sip-core-1": "emergency_calls"}],
    )
    confirms: bool = Field(
        default=False,
        description="true: it speaks for the emergency services; what it calls up is confirmed (R11).",
    )
    silent_after: SomeDuration | None = Field(
        default=None,
        description="The team is told when nothing is heard of it for so long.",
        examples=["15m"],
    )
    map: MapSettings | None = Field(default=None, description="For the type generic.")
    poll: PollSettings | None = Field(
        default=None, description="Ask it (generic, statuspage) instead of waiting for its reports."
    )
    feed: FeedSettings | None = Field(default=None, description="For the type feed.")
    probe: ProbeSettings | None = Field(default=None, description="For the type probe.")

    @property
    def pushes(self) -> bool:
        """It posts its reports to us."""
        return self.poll is None and self.type not in ASKED

    def key(self, name: str) -> bytes:
        """The secret that its reports come with, read now. Raises `ConfigInvalid` where it is missing, or
        short enough to be guessed; a rehearsal takes any."""
        secret = self.secret("secret")
        if len(secret) < SHORTEST_SECRET and not self._sandbox:
            raise ConfigInvalid(
                _(
                    "sources.{name}: the secret needs {n} characters or more; `openssl rand -hex 32` makes"
                    " one."
                ).format(name=name, n=SHORTEST_SECRET)
            )
        return secret.encode()

    def addresses(self) -> tuple[str, ...]:
        """The servers that it is asked at; none for one that posts to us."""
        asked = [one.url for one in (self.poll, self.feed, self.probe) if one is not None]
        host = None if self.probe is None else self.probe.host
        return tuple(address for address in (*asked, host) if address)

    def options(self) -> dict[str, Any]:
        """What its parser is told."""
        found = {} if self.map is None else self.map.model_dump(exclude_none=True)
        return found | ({"service_label": self.service_label} if self.service_label else {})

    def wrong(self) -> Iterator[tuple[str, str]]:
        """(key, sentence) of what does not go together."""
        if self.pushes and not self.has_secret("secret"):
            yield (
                "type",
                _("needs secret_env: VARIABLE or secret_file: PATH: anybody could post otherwise"),
            )
        if self.poll is not None and self.type not in POLLED:
            yield "poll", _("only {types} are asked this way").format(types=", ".join(POLLED))
        if self.poll is not None and self.map is not None and self.map.key is not None:
            yield (
                "map",
                _("leave `key:` out: what is asked tells its state, and changes are found in it"),
            )
        for key in ASKED:
            given = getattr(self, key) is not None
            if given is not (self.type == key):
                told = _("the type {key} and `{key}:` go together").format(key=key)
                yield (key if given else "type"), told
        if self.probe is not None:
            tcp = self.probe.host is not None and self.probe.port is not None
            if tcp is (self.probe.url is not None):
                yield "probe", _("give `url:`, or `host:` and `port:`")


class ConfirmSettings(Settings):
    """What turns reports into a fact."""

    count: Annotated[int, Field(ge=1, le=200)] = Field(default=1, description="Reports in a row.")
    length: Duration = Field(
        default="0s", validate_default=True, description="From the first of them on.", alias="for"
    )


class FlappingSettings(Settings):
    """When a service changes its mind too often to be believed."""

    results: Annotated[int, Field(ge=4, le=200)] = Field(default=21, description="Reports looked at.")
    within: SomeDuration = Field(
        default="1h", validate_default=True, description="Older reports count no more."
    )
    high: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="From this share of changes on it flaps,"
    )
    low: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.25, description="and it does so until the share is below this."
    )


class MaintenanceSettings(Settings):
    """When trouble is expected: once, from a moment to a moment, or every week."""

    starts: Moment | None = Field(default=None, description="Once: from.")
    ends: Moment | None = Field(default=None, description="Once: until.")
    days: Annotated[tuple[Day, ...], Field(strict=False)] = Field(
        default=(), description="Every week, on these days; every day unless given."
    )
    start: Clock | None = Field(default=None, description="Every week: from.", alias="from")
    end: Clock | None = Field(default=None, description="Every week: until.", alias="until")


class PolicySettings(Settings):
    """How patient and how sceptical to be; what is left out is as in `watch: policy:`, else as shipped."""

    confirm_down: ConfirmSettings | None = Field(
        default=None, description="Before trouble is believed."
    )
    confirm_up: ConfirmSettings | None = Field(default=None, description="Before its end is believed.")
    dwell: Duration | None = Field(
        default=None, description="Least time in one state.", examples=["10m"]
    )
    reopen_within: Duration | None = Field(
        default=None,
        description="Trouble so soon after the end reopens the incident.",
        examples=["24h"],
    )
    watch: Duration | None = Field(
        default=None,
        description="From the confirmation by the emergency services to `resolved` (R11).",
        examples=["2h"],
    )
    flapping: FlappingSettings | None = Field(default=None, description="Too many changes.")
    remind_every: Duration | None = Field(
        default=None, description="A reminder while nothing changes; 0s: none.", examples=["30m"]
    )
    daily_cap: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Most incidents opened or reopened in 24 hours."
    )
    stale_after: SomeDuration | None = Field(
        default=None, description="Older news is no news.", examples=["30m"]
    )
    stale: Literal["drop", "propose"] | None = Field(
        default=None, description="What becomes of old news: dropped, or proposed as history."
    )
    maintenance: Annotated[tuple[MaintenanceSettings, ...], Field(strict=False)] | None = Field(
        default=None, description="When trouble is expected."
    )
    critical_bypass: bool | None = Field(
        default=None, description="A critical report is held back by nothing but its confirmation."
    )


class ServiceSettings(Settings):
    """A watched service."""

    title: Texts | None = Field(
        default=None,
        description="What the public calls it, in each language.",
        examples=[{"fr": "les appels au 15", "en": "calls to 15"}],
    )
    policy: PolicySettings = Field(default=PolicySettings(), description="For this service alone.")


class GroupSettings(Settings):
    """Services that make one incident together, under the group's name."""

    title: Texts | None = Field(default=None, description="What the public calls them together.")
    members: Annotated[tuple[ServiceName, ...], Field(strict=False, min_length=1)] = Field(
        description="The services.", examples=[["sdis_35", "sdis_22"]]
    )
    parent: ServiceName | None = Field(
        default=None, description="The service they all hang on: while it fails, it alone is named."
    )
    policy: PolicySettings = Field(default=PolicySettings(), description="For this group alone.")


class WatchSettings(Settings):
    """What is watched, and how sceptically."""

    policy: PolicySettings = Field(default=PolicySettings(), description="For every service.")
    services: dict[ServiceName, ServiceSettings] = Field(
        default_factory=dict, description="Services by name; others get the policy above."
    )
    groups: dict[ServiceName, GroupSettings] = Field(
        default_factory=dict, description="Services that make one incident together."
    )
    online_checks: Annotated[tuple[Address, ...], Field(strict=False)] = Field(
        default=(),
        description="Addresses elsewhere: when none answers, we are offline ourselves, and no probe counts.",
        examples=[["https://www.example.net", "https://www.example.com"]],
    )


def bindable(sources: Mapping[str, SourceSettings]) -> Iterator[tuple[tuple[str, ...], WithSecrets]]:
    """The sources, each with its place in the file."""
    for name, settings in sources.items():
        yield ("sources", name), settings
