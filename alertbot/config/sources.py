"""Settings of sources: what reports the state of services, by posting or by being polled."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from alertbot.config.secrets import Secret, WithSecrets
from alertbot.config.shapes import FilePath, Name, Port, Settings, SomeDuration, Variable
from alertbot.config.watching import Address, ServiceName, Text
from alertbot.core.errors import ConfigInvalid
from alertbot.core.json import Json
from alertbot.core.words import _

MOST_NAMES = 1000
SHORTEST_SECRET = 16  # characters
POLLED = ("generic", "statuspage")  # may be asked for news; the other bodies are sent to us
ASKED = ("feed", "probe")  # are always asked


class MapSettings(Settings):
    """Where the values stand in a generic source's JSON: JMESPath expressions."""

    items: Text | None = Field(
        default=None,
        description="The list of reports. Without it, the whole body is one report.",
        examples=["checks"],
    )
    service: Text = Field(default="service", description="The service's name.", examples=["check.name"])
    state: Text = Field(default="state", description="The state.", examples=["check.status"])
    states: dict[Literal["up", "degraded", "down", "maintenance"], list[str]] | None = Field(
        default=None,
        description="What the source calls each state. Any other word is unknown and never means down.",
        examples=[{"down": ["critical"], "up": ["ok"]}],
    )
    title: Text = Field(default="title", description="A heading, for the team only.")
    summary: Text = Field(default="summary", description="A text, for the team only.")
    url: Text = Field(default="url", description="A link, for the team only.")
    at: Text | None = Field(default=None, description="When it was observed, in ISO 8601.")
    key: Text | None = Field(
        default=None, description="An identifier that a report and its repeats share."
    )
    severity: Text | None = Field(default=None, description="The severity; `critical` skips holds.")
    test: Text | None = Field(default=None, description="true if the report is only a test.")


class PollSettings(Settings):
    """A source that is asked for news."""

    url: Address = Field(
        description="The address to poll; for a Statuspage, …/api/v2/summary.json.",
        examples=["https://status.example.org/api/v2/summary.json"],
    )
    every: SomeDuration = Field(
        default="60s", validate_default=True, description="How often to poll.", examples=["60s"]
    )
    timeout: SomeDuration = Field(
        default="10s",
        validate_default=True,
        description="How long to wait for an answer.",
        examples=["10s"],
    )


class ProbeSettings(Settings):
    """What alertbot tries by itself: an address, or a port that must take a connection."""

    service: ServiceName = Field(description="The service that this checks.", examples=["portal"])
    url: Address | None = Field(
        default=None,
        description="A web address that must answer.",
        examples=["https://www.example.org"],
    )
    host: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="A host that must accept a connection.", examples=["sip.example.org"]
    )
    port: Port | None = Field(default=None, description="The port of the host.", examples=[5061])
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Failures in a row before the service counts as down.", examples=[3]
    )
    status: tuple[Annotated[int, Field(ge=100, le=599)], Annotated[int, Field(ge=100, le=599)]] = Field(
        default=(200, 399),
        strict=False,
        description="The status codes that count as working, as [from, to].",
        examples=[[200, 399]],
    )
    every: SomeDuration = Field(
        default="30s", validate_default=True, description="How often to check.", examples=["30s"]
    )
    timeout: SomeDuration = Field(
        default="10s",
        validate_default=True,
        description="How long to wait for an answer.",
        examples=["10s"],
    )


class FeedWords(Settings):
    """Words or phrases that say what an entry reports; an entry with none of them is unknown. Capitals and
    accents make no difference."""

    down: list[Text] = Field(
        default=[],
        description="Words that mean an outage, anywhere in an entry.",
        examples=[["outage", "panne"]],
    )
    degraded: list[Text] = Field(
        default=[],
        description="Words that mean partly out of order, anywhere in an entry.",
        examples=[["degraded"]],
    )
    up: list[Text] = Field(
        default=[],
        description="Words that mean it is over. They count only in the title and the first paragraph, and there they outweigh the others.",
        examples=[["resolved", "rétabli"]],
    )


class FeedSettings(Settings):
    """An RSS or Atom feed."""

    service: ServiceName = Field(
        description="The service that the feed is about.", examples=["operator"]
    )
    url: Address = Field(
        description="The address of the feed.", examples=["https://status.example.org/feed.atom"]
    )
    words: FeedWords = Field(
        default=FeedWords(), description="Which words in an entry mean which state."
    )
    every: SomeDuration = Field(default="2m", validate_default=True, description="How often to poll.")
    timeout: SomeDuration = Field(
        default="10s", validate_default=True, description="How long to wait for an answer."
    )


class SourceSettings(WithSecrets):
    """Something that reports how services do: it posts to /signals/NAME, or it is asked."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret(
            "secret",
            about=_(
                "Sent with every report, as a bearer token or to sign it. A polled source receives it"
                " as a bearer token."
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
        description="true: reports carry an HMAC signature instead of a token (see the page on sources).",
    )
    replay_window: SomeDuration = Field(
        default="5m", validate_default=True, description="How old a signed report may be."
    )
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=600, description="The most reports accepted per minute."
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
        description="true: the source speaks for the emergency services. When it reports a service as up, that counts as confirmed.",
    )
    silent_after: SomeDuration | None = Field(
        default=None,
        description="Tell the team when the source has been silent for this long.",
        examples=["15m"],
    )
    map: MapSettings | None = Field(default=None, description="Only for the type generic.")
    poll: PollSettings | None = Field(
        default=None,
        description="Poll the source (generic, statuspage) instead of waiting for its reports.",
    )
    feed: FeedSettings | None = Field(default=None, description="Only for the type feed.")
    probe: ProbeSettings | None = Field(default=None, description="Only for the type probe.")

    @property
    def pushes(self) -> bool:
        """Whether it posts its reports."""
        return self.poll is None and self.type not in ASKED

    def key(self, name: str) -> bytes:
        """The secret of its reports, read now. Raises `ConfigInvalid` if it is missing or short enough
        to be guessed; a sandbox accepts any."""
        secret = self.secret("secret")
        if len(secret) < SHORTEST_SECRET and not self._sandbox:
            raise ConfigInvalid(
                _(
                    "sources.{name}: the secret needs at least {n} characters; `openssl rand -hex 32` makes one."
                ).format(name=name, n=SHORTEST_SECRET)
            )
        return secret.encode()

    def addresses(self) -> tuple[str, ...]:
        """The servers that are polled; none for a source that posts."""
        asked = [one.url for one in (self.poll, self.feed, self.probe) if one is not None]
        host = None if self.probe is None else self.probe.host
        return tuple(address for address in (*asked, host) if address)

    def options(self) -> dict[str, Json]:
        """The options for its parser."""
        found = {} if self.map is None else self.map.model_dump(exclude_none=True)
        return found | ({"service_label": self.service_label} if self.service_label else {})

    def wrong(self) -> Iterator[tuple[str, str]]:
        """(key, sentence) for each conflict between settings."""
        if self.pushes and not self.has_secret("secret"):
            yield (
                "type",
                _(
                    "needs secret_env: VARIABLE or secret_file: PATH; without it, anyone could send reports"
                ),
            )
        if self.poll is not None and self.type not in POLLED:
            yield "poll", _("only {types} can be polled").format(types=", ".join(POLLED))
        if self.poll is not None and self.map is not None and self.map.key is not None:
            yield (
                "map",
                _("remove `key:`; a polled source gives its state, and changes are detected in it"),
            )
        for key in ASKED:
            given = getattr(self, key) is not None
            if given is not (self.type == key):
                told = _("use the type {key} and `{key}:` together").format(key=key)
                yield (key if given else "type"), told
        if self.probe is not None:
            tcp = self.probe.host is not None and self.probe.port is not None
            if tcp is (self.probe.url is not None):
                yield "probe", _("give `url:`, or `host:` and `port:`")


def bindable(sources: Mapping[str, SourceSettings]) -> Iterator[tuple[tuple[str, ...], WithSecrets]]:
    """The sources, each with its place in the file."""
    for name, settings in sources.items():
        yield ("sources", name), settings
