"""Settings that every channel has, whatever its type; and turning them into a `Channel`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from alertbot.config.secrets import WithSecrets
from alertbot.config.shapes import Languages, ServerRoot, Settings, SomeDuration
from alertbot.core.connecting import is_loopback
from alertbot.core.hands import HandWork
from alertbot.core.model import (
    Audience,
    Budget,
    Channel,
    ChannelSpec,
    OnCancel,
    Organisation,
    Pace,
    PostAddresses,
    Target,
)
from alertbot.core.words import _

Window = Annotated[tuple[Annotated[int, Field(ge=1)], SomeDuration], Field(strict=False)]
PERIODS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
}


class PaceSettings(Settings):
    """How fast an account may be used; what is left out stays as the platform's rules say."""

    per_second: float | None = Field(
        default=None, gt=0, description="Calls per second of the whole account.", examples=[29]
    )
    per_chat_second: float | None = Field(
        default=None, gt=0, description="Calls per second to one chat.", examples=[0.98]
    )
    per_group_minute: int | None = Field(
        default=None, ge=1, description="Calls per minute to one group or channel.", examples=[20]
    )
    windows: Annotated[tuple[Window, ...], Field(strict=False)] | None = Field(
        default=None,
        description="The most calls allowed within a time, as [calls, time].",
        examples=[[[100, "15m"], [300, "3h"]]],
    )


class BudgetSettings(Settings):
    """The most that may be spent on this account."""

    amount: float = Field(ge=0, description="The amount, in the platform's currency.", examples=[20])
    per: Literal["minute", "hour", "day", "week", "month"] = Field(
        description="The period the amount covers; a month is 30 days.", examples=["day"]
    )


class WitnessSettings(Settings):
    """How an independent look at what the public sees is taken, without the account's credentials."""

    first: SomeDuration = Field(
        default=timedelta(seconds=5),
        description="The first look, after the delivery; the pauses grow from there.",
        examples=["5s"],
    )
    within: SomeDuration = Field(
        default=timedelta(minutes=10),
        description="What nobody has seen by then is told to the team.",
        examples=["10m"],
    )
    address: ServerRoot | None = Field(
        default=None,
        description="The root of the public view, if it is not the platform's own.",
        examples=["http://127.0.0.1:8102"],
    )


class ChannelSettings(WithSecrets):
    """One account on one platform.

    A type of channel subclasses this with its own fields and `secrets`; its docstring and the fields'
    descriptions are what editors show.
    """

    type: str = Field(description="The type of channel.", examples=["telegram"])
    languages: Languages | None = Field(
        default=None,
        description="The languages this channel publishes in. Default: those of the organisation.",
        examples=[["fr", "en"]],
    )
    audience: Annotated[Audience, Field(strict=False)] = Field(
        default=Audience.LIVE,
        description=(
            "live: the public. relay: people who answer the public (call centres, town halls, carers). team: your own"
            " people. exercise: exercises only, never the public."
        ),
        examples=["team"],
    )
    on_cancel: Annotated[OnCancel, Field(strict=False)] = Field(
        default=OnCancel.KEEP,
        description=(
            "What becomes of a false post once it is denied: keep it, strike it through, or delete it. The"
            " denial always goes out. Only what the platform can do."
        ),
        examples=["strike"],
    )
    contact: dict[str, str] = Field(
        default={},
        description=(
            "Whom readers may ask, for each language, such as a press officer; it stands in place of “we do not read"
            " replies”."
        ),
        examples=[{"fr": "Presse : presse@example.org", "en": "Press: presse@example.org"}],
    )
    pace: PaceSettings | None = Field(
        default=None, description="The rate of calls, if it differs from the default."
    )
    budget: BudgetSettings | None = Field(default=None, description="The most this channel may cost.")
    read_back: bool = Field(
        default=True,
        description="After publishing, fetch what the channel shows and compare it with what was "
        "approved, where it can be asked. X charges for each look.",
        examples=[False],
    )
    witness: bool | WitnessSettings = Field(
        default=False,
        description="After each delivery, look whether the public can see it: `true`, or how.",
        examples=[True],
    )

    @property
    def looked_at(self) -> WitnessSettings | None:
        """How the public view is looked at; None: not at all."""
        return WitnessSettings() if self.witness is True else self.witness or None

    def addresses(self) -> tuple[str, ...] | None:
        known, look = super().addresses(), self.looked_at
        return (
            known if known is None or look is None or look.address is None else (*known, look.address)
        )

    alone: ClassVar[tuple[str, ...]] = ()  # keys whose value no two channels of this type may share

    def faults(self) -> Iterator[tuple[str, str]]:
        """(key, sentence) for each conflict between fields that are valid on their own."""
        return iter(())

    def warnings(self) -> Iterator[tuple[str, str]]:
        """(key, sentence) for each valid setting that will cause trouble; `check` shows them."""
        return iter(())

    def narrowed(self, spec: ChannelSpec) -> ChannelSpec:
        """What this account can do, where it is less than its type can: a type that stands for several services."""
        return spec

    def hand(self) -> HandWork | None:
        """Who posts there by hand; None for what the program posts itself."""
        return None


class NetworkSettings(ChannelSettings):
    """One account on a platform that is called over a connection."""

    connect_within: SomeDuration = timedelta(seconds=5)
    answer_within: SomeDuration = timedelta(seconds=20)

    @property
    def server(self) -> str:
        """Host and port of `api_url`, for an identity; "" for settings without one."""
        return str(getattr(self, "api_url", "")).partition("://")[2].lower().removesuffix(":443")

    def public_root(self, platform: str) -> str:
        """Where the public view is: as configured, beside a sandbox's API, else `platform`."""
        api, look = str(getattr(self, "api_url", "")), self.looked_at
        return (look.address if look else None) or (api if api and is_loopback(api) else platform)

    @property
    def within(self) -> tuple[float, float]:
        """Seconds to connect and to wait for each piece of an answer, as client libraries take them."""
        return self.connect_within.total_seconds(), self.answer_within.total_seconds()

    @property
    def most_seconds(self) -> float:
        """Seconds after which a call is given up: a server that drips bytes has to end some time too."""
        return (self.connect_within + 2 * self.answer_within).total_seconds()


def channel_of(
    name: str,
    settings: ChannelSettings,
    spec: ChannelSpec,
    targets: Sequence[Target],
    organisation: Organisation,
    addresses: PostAddresses | None = None,
) -> Channel:
    """The channel as plain data; what the settings leave out comes from `spec` and the organisation."""
    spec = settings.narrowed(spec)
    return Channel(
        name=name,
        spec=spec,
        languages=settings.languages or organisation.languages,
        audience=settings.audience,
        targets=targets,
        pace=_pace(settings.pace, spec.pace),
        budget=_budget(settings.budget),
        on_cancel=settings.on_cancel,
        contact=settings.contact,
        read_back=settings.read_back and spec.can_read_back,
        addresses=addresses,
        hand=settings.hand(),
    )


def beyond(
    channels: Mapping[str, ChannelSettings], specs: Mapping[str, ChannelSpec]
) -> Iterator[tuple[tuple[str, str, str], str]]:
    """(path, sentence) for each setting that the platform cannot fulfil, or that is another channel's."""
    taken: dict[tuple[str, str, object], str] = {}
    for name, settings in channels.items():
        for key in settings.alone:
            first = taken.setdefault((settings.type, key, getattr(settings, key)), name)
            if first != name:
                sentence = _("{other} has the same; give each its own").format(other=first)
                yield ("channels", name, key), sentence
        spec = specs.get(settings.type)
        if spec and settings.on_cancel not in possible(spec):
            sentence = _("{type} cannot do this with a post; possible: {words}").format(
                type=settings.type, words=", ".join(possible(spec))
            )
            yield ("channels", name, "on_cancel"), sentence


def possible(spec: ChannelSpec) -> tuple[OnCancel, ...]:
    """What this type of channel can do to a false post."""
    able = {OnCancel.KEEP: True, OnCancel.STRIKE: spec.can_edit, OnCancel.DELETE: spec.can_delete}
    return tuple(one for one, can in able.items() if can)


def _pace(given: PaceSettings | None, default: Pace) -> Pace:
    if given is None:
        return default
    return Pace(
        per_second=given.per_second or default.per_second,
        per_chat_second=given.per_chat_second or default.per_chat_second,
        per_group_minute=given.per_group_minute or default.per_group_minute,
        windows=default.windows if given.windows is None else given.windows,
    )


def _budget(given: BudgetSettings | None) -> Budget | None:
    return None if given is None else Budget(given.amount, PERIODS[given.per])
