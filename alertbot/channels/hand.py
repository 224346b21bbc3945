"""A place without a posting API (a WhatsApp channel, a radio desk, a mayor's own site): a person posts there. The
adapter only says so; the task with the words, and what the person answers, are in `alerts.hand`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.config.shapes import SomeDuration
from alertbot.core.hands import DUTY, HandWork
from alertbot.core.model import Audience, ChannelSpec, Post, Receipt, Target
from alertbot.core.words import _

SHORT_BELOW = 600  # characters: then the short texts
Line = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=200)]


class HandSettings(ChannelSettings):
    """A place where a person posts by hand, with exactly the approved words."""

    type: Literal["hand"] = Field(default="hand", description="A person posts there by hand.")
    where: Line = Field(
        description="The place, as the person who posts there knows it.",
        examples=["WhatsApp « Préfet 69 »"],
    )
    who: Line = Field(
        default=DUTY,
        description="Who posts there: a person's name, or `duty` for whoever is on duty.",
        examples=["Camille"],
    )
    within: SomeDuration = Field(
        default=timedelta(minutes=15),
        description="How long that may take before the team is alarmed.",
        examples=["10m"],
    )
    limit: int | None = Field(
        default=None, ge=100, description="The most characters of one post there.", examples=[4096]
    )
    posts: int | None = Field(
        default=None, ge=1, description="The most posts for one text. Only with `limit`.", examples=[3]
    )

    def addresses(self) -> tuple[str, ...]:
        return ()

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.audience is Audience.TEAM:
            yield "audience", _("a person posts there: notices to the team would be tasks for the team")
        if self.posts is not None and self.limit is None:
            yield "posts", _("a text is only divided where `limit` says how long a post may be")

    def narrowed(self, spec: ChannelSpec) -> ChannelSpec:
        if self.limit is None:
            return spec
        form = "short" if self.limit < SHORT_BELOW else spec.form
        several = self.posts != 1
        return replace(spec, limit=self.limit, form=form, parts=several, most_posts=self.posts)

    def hand(self) -> HandWork:
        return HandWork(self.who, self.within)


class HandAdapter(Adapter[HandSettings]):
    """Makes no call: whatever is to be done there is a person's to do."""

    spec = base.HAND
    settings_type = HandSettings

    @classmethod
    def targets(cls, settings: HandSettings) -> tuple[Target, ...]:
        return (Target(settings.where),)

    @classmethod
    def identity(cls, settings: HandSettings) -> dict[str, str]:
        return {"place": settings.where}

    async def _send(self, post: Post) -> Receipt:
        return Receipt(id=own_id(post.delivery), waits=self._whom())

    async def edit(self, post: Post) -> Receipt:
        return Receipt(id=post.reply_to or "", waits=self._whom())

    async def delete(self, post: Post) -> Receipt:
        return Receipt(id=post.reply_to or "", waits=self._whom())

    def _whom(self) -> str:
        if self.settings.who == DUTY:
            return _("Waits for whoever is on duty to post it in {place}.").format(
                place=self.settings.where
            )
        return _("Waits for {name} to post it in {place}.").format(
            name=self.settings.who, place=self.settings.where
        )

    async def identify(self) -> str:
        return self.settings.where


def own_id(delivery: int) -> str:
    """The id of a post that a person makes, whatever its address turns out to be."""
    return f"hand-{delivery}"
