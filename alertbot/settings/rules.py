"""What is written when a state changes, and how it goes out."""

from typing import Annotated, Any, Literal

from pydantic import Field

from alertbot.settings.shapes import Languages, Name, Settings, SomeDuration
from alertbot.settings.watching import ServiceName

Transition = Literal[
    "open", "reopen", "worse", "better", "wider", "relapse", "update", "stabilise", "resolve", "remind",
    "lapsed", "history",
]  # fmt: skip
"""`worse`, `better`, `wider`, `relapse` and `update` (any of them): the same incident in another state;
`remind`: nothing has changed for a while; `lapsed`: a promised update did not come; `history`: old news."""


class RuleSettings(Settings):
    """When this happens to one of these services, write this, and let it go out like that."""

    when: Annotated[tuple[Transition, ...], Field(strict=False, min_length=1)] = Field(
        description="What happened.", examples=[["open", "reopen"]]
    )
    services: Annotated[tuple[ServiceName, ...], Field(strict=False)] = Field(
        default=(), description="To which services or groups; all unless given."
    )
    kind: Name = Field(description="The kind of alert.", examples=["holding"])
    policy: Literal["auto", "propose", "off"] = Field(
        default="propose",
        description="auto: goes out by itself where two people have approved that ahead (`alertbot rules"
        " preapprove`); propose: drafted, and the approvers are called; off: nothing.",
    )
    auto_after: SomeDuration | None = Field(
        default=None,
        description="auto, but after so long, in which anybody may stop it.",
        examples=["90s"],
    )
    set: dict[Name, Any] = Field(
        default_factory=dict,
        description="The values of the kind's fields. {service}, {services}, {count}, {total} and {since} stand"
        " for what happened.",
        examples=[{"where": [69], "next_update": "+30m"}],
    )
    languages: Languages | None = Field(
        default=None, description="In these languages; else each channel's own."
    )
    channels: Annotated[tuple[Name, ...], Field(strict=False)] | None = Field(
        default=None, description="On these channels; else every one of the public."
    )
    exercise: bool = Field(
        default=False, description="true: an exercise, for channels of that audience."
    )


class PromiseSettings(Settings):
    """The next update that a message promises (R19)."""

    remind_before: SomeDuration = Field(
        default="10m",
        validate_default=True,
        description="How long before it is due the team is reminded.",
        examples=["10m"],
    )
