"""Settings of watching: services, groups, policies, rules and promises."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from alertbot.config.approvers import Clock, Day
from alertbot.config.shapes import Duration, Languages, Name, Settings, SomeDuration
from alertbot.core.connecting import is_loopback
from alertbot.core.words import _

Text = Annotated[str, Field(min_length=1, max_length=300)]
ServiceName = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=200)]
Texts = Text | dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Text]
"""One text for every language, or one per language."""


def _address(value: str) -> str:
    """Accept https, or http to this machine. Messages never quote the value: it may contain a secret.
    Raises `ValueError` otherwise."""
    try:
        parts = urlsplit(value)
        fits = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        parts, fits = urlsplit(""), False
    if not fits or parts.scheme not in ("http", "https") or any(map(str.isspace, value)):
        raise ValueError(_("must be an https:// address without a name or password"))
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError(_("plain http is allowed only to 127.0.0.1; use https://"))
    return value


def _moment(value: str) -> str:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise ValueError(
            _('must be a date and time with its offset, in quotes: "2026-01-31T22:00+01:00"')
        )
    return value


Address = Annotated[str, Field(max_length=2000), AfterValidator(_address)]
Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class ConfirmSettings(Settings):
    """What turns reports into a fact."""

    count: Annotated[int, Field(ge=1, le=200)] = Field(
        default=1, description="How many reports in a row."
    )
    length: Duration = Field(
        default="0s",
        validate_default=True,
        description="How long they must last, from the first report on.",
        alias="for",
    )


class FlappingSettings(Settings):
    """When a service changes its mind too often to be believed."""

    results: Annotated[int, Field(ge=4, le=200)] = Field(
        default=21, description="How many reports to look at."
    )
    within: SomeDuration = Field(
        default="1h", validate_default=True, description="Reports older than this no longer count."
    )
    high: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="The share of changes at which a service starts to flap."
    )
    low: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.25, description="The share of changes below which it stops."
    )


class MaintenanceSettings(Settings):
    """When trouble is expected: once, from a moment to a moment, or every week."""

    starts: Moment | None = Field(default=None, description="For a single period: from when.")
    ends: Moment | None = Field(default=None, description="For a single period: until when.")
    days: Annotated[tuple[Day, ...], Field(strict=False)] = Field(
        default=(), description="For a weekly period: on which days. Default: every day."
    )
    start: Clock | None = Field(
        default=None, description="For a weekly period: from what time.", alias="from"
    )
    end: Clock | None = Field(
        default=None, description="For a weekly period: until what time.", alias="until"
    )


class PolicySettings(Settings):
    """How patient and how sceptical to be; what is left out is as in `watch: policy:`, else as shipped."""

    confirm_down: ConfirmSettings | None = Field(
        default=None, description="What it takes to believe that a service is down."
    )
    confirm_up: ConfirmSettings | None = Field(
        default=None, description="What it takes to believe that a service is up again."
    )
    dwell: Duration | None = Field(
        default=None, description="The shortest time a service stays in one state.", examples=["10m"]
    )
    reopen_within: Duration | None = Field(
        default=None,
        description="Trouble within this time after the end reopens the incident.",
        examples=["24h"],
    )
    watch: Duration | None = Field(
        default=None,
        description="From the confirmation by the emergency services to `resolved`.",
        examples=["2h"],
    )
    flapping: FlappingSettings | None = Field(
        default=None, description="When a service changes state too often."
    )
    remind_every: Duration | None = Field(
        default=None,
        description="How often to remind the team while nothing changes. 0s: never.",
        examples=["30m"],
    )
    daily_cap: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="The most incidents opened or reopened in 24 hours."
    )
    stale_after: SomeDuration | None = Field(
        default=None,
        description="Reports older than this are old news; `stale` says what to do with them.",
        examples=["30m"],
    )
    stale: Literal["drop", "propose"] | None = Field(
        default=None,
        description="What to do with old news: drop it, or propose it to the team as history.",
    )
    maintenance: Annotated[tuple[MaintenanceSettings, ...], Field(strict=False)] | None = Field(
        default=None, description="When outages are expected."
    )
    critical_bypass: bool | None = Field(
        default=None, description="For a critical report, only confirmation can hold it back."
    )


class ServiceSettings(Settings):
    """A watched service."""

    title: Texts | None = Field(
        default=None,
        description="What the public calls it, in each language.",
        examples=[{"fr": "les appels au 15", "en": "calls to 15"}],
    )
    policy: PolicySettings = Field(
        default=PolicySettings(), description="A policy for this service only."
    )
    confirmed_by: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(),
        description="The services concerned: only they can confirm that it works again. Default: as under `watch:`.",
        examples=[["SAMU 35", "SDIS 35"]],
    )


class GroupSettings(Settings):
    """Services that make one incident together, under the group's name."""

    title: Texts | None = Field(default=None, description="What the public calls the group.")
    members: Annotated[tuple[ServiceName, ...], Field(strict=False, min_length=1)] = Field(
        description="The services in the group.", examples=[["sdis_35", "sdis_22"]]
    )
    parent: ServiceName | None = Field(
        default=None,
        description="The service that they all depend on. While it fails, only it is named.",
    )
    policy: PolicySettings = Field(
        default=PolicySettings(), description="A policy for this group only."
    )
    confirmed_by: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(),
        description="The services concerned: only they can confirm that it works again. Default: as under `watch:`.",
        examples=[["SAMU 35", "SDIS 35"]],
    )


class WatchSettings(Settings):
    """What is watched, and how sceptically."""

    policy: PolicySettings = Field(
        default=PolicySettings(), description="The policy for every service."
    )
    services: dict[ServiceName, ServiceSettings] = Field(
        default_factory=dict,
        description="Settings for single services. All others follow the policy above.",
    )
    groups: dict[ServiceName, GroupSettings] = Field(
        default_factory=dict, description="Services that share one incident."
    )
    confirmed_by: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(),
        description="Who can confirm that something works again, as `incident set … resolved --confirmed-by` names them. Default: anyone named.",
        examples=[["SAMU 35", "SDIS 35"]],
    )
    online_checks: Annotated[tuple[Address, ...], Field(strict=False)] = Field(
        default=(),
        description="Addresses elsewhere. If none of them answers, this machine is offline and no probe counts.",
        examples=[["https://www.example.net", "https://www.example.com"]],
    )


Transition = Literal[
    "open", "reopen", "worse", "better", "wider", "relapse", "update", "stabilise", "resolve", "remind",
    "lapsed", "history",
]  # fmt: skip
"""`worse`, `better`, `wider`, `relapse` and `update` (any of them): the same incident in another state;
`remind`: nothing has changed for a while; `lapsed`: a promised update did not come; `history`: old news."""


class RuleSettings(Settings):
    """When this happens to one of these services, write this, and let it go out like that."""

    when: Annotated[tuple[Transition, ...], Field(strict=False, min_length=1)] = Field(
        description="What has to happen.", examples=[["open", "reopen"]]
    )
    services: Annotated[tuple[ServiceName, ...], Field(strict=False)] = Field(
        default=(), description="To which services or groups. Default: all."
    )
    kind: Name = Field(description="The kind of alert.", examples=["holding"])
    policy: Literal["auto", "propose", "off"] = Field(
        default="propose",
        description="auto: published automatically if two people have approved that in advance (`alertbot"
        " rules preapprove`). propose: drafted, and the approvers are asked. off: nothing.",
    )
    auto_after: SomeDuration | None = Field(
        default=None,
        description="Published automatically after this time, unless someone stops it before.",
        examples=["90s"],
    )
    set: dict[Name, Any] = Field(
        default_factory=dict,
        description="The values of the kind's fields. {service}, {services}, {count}, {total} and {since} are"
        " replaced by what happened.",
        examples=[{"where": [69], "next_update": "+30m"}],
    )
    languages: Languages | None = Field(
        default=None, description="The languages. Default: each channel's own."
    )
    channels: Annotated[tuple[Name, ...], Field(strict=False)] | None = Field(
        default=None, description="The channels. Default: every public channel."
    )
    exercise: bool = Field(
        default=False, description="true: an exercise, only for channels with that audience."
    )


class PromiseSettings(Settings):
    """The next update that a message promises (R19)."""

    remind_before: SomeDuration = Field(
        default="10m",
        validate_default=True,
        description="How long before the update is due the team is reminded.",
        examples=["10m"],
    )
