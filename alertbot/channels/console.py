"""A dry run: prints every post instead of publishing it."""

import itertools
import sys
from typing import Literal, TextIO

from pydantic import Field

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.core.errors import Unavailable
from alertbot.core.model import Action, Channel, ExercisePost, Post, Receipt
from alertbot.core.words import _

RULE_WIDTH = 72


class ConsoleSettings(ChannelSettings):
    """A channel that reaches nobody but the reader of this terminal."""

    type: Literal["console"] = Field(default="console", description="Prints the posts.")

    def addresses(self) -> tuple[str, ...]:
        return ()


def shown(channel: str, post: Post) -> str:
    """A post as it is printed."""
    exercise = _("exercise") if isinstance(post, ExercisePost) else None
    part = f"{post.part}/{post.parts}" if post.parts > 1 else None
    title = " · ".join(
        word
        for word in (channel, post.alert, post.lang, part, post.target, _acts(post), exercise)
        if word
    )
    lines = [f"── {title} ".ljust(RULE_WIDTH, "─")]
    if post.subject:
        lines += [post.subject, ""]
    text = [post.text] if post.action not in (Action.DELETE, Action.PIN) else []
    picture = [_("[picture: {alt}]").format(alt=post.alt or "")] if post.picture else []
    return "\n".join([*lines, *text, *picture, "─" * RULE_WIDTH, ""])


def _acts(post: Post) -> str | None:
    """What the call does to an earlier post, in words."""
    sentences = {
        Action.PUBLISH: _("replies to {post}") if post.reply_to else "",
        Action.EDIT: _("replaces {post}"),
        Action.DELETE: _("deletes {post}"),
        Action.PIN: _("pins {post}"),
    }
    return sentences.get(post.action, "").format(post=post.reply_to) or None


class ConsoleAdapter(Adapter[ConsoleSettings]):
    """Prints to `stream`, by default standard output."""

    spec = base.CONSOLE
    settings_type = ConsoleSettings

    def __init__(
        self, channel: Channel, settings: ConsoleSettings, stream: TextIO | None = None
    ) -> None:
        super().__init__(channel, settings)
        self._stream = stream
        self._count = itertools.count(1)

    async def _send(self, post: Post) -> Receipt:
        self._print(post)
        return Receipt(id=f"console-{next(self._count)}")

    async def edit(self, post: Post) -> Receipt:
        return self._acted(post)

    async def delete(self, post: Post) -> Receipt:
        return self._acted(post)

    async def pin(self, post: Post) -> Receipt:
        return self._acted(post)

    def _acted(self, post: Post) -> Receipt:
        self._print(post)
        return Receipt(id=post.reply_to or "")

    def _print(self, post: Post) -> None:
        try:
            stream = self._stream or sys.stdout
            stream.write(shown(self.channel.name, post))
            stream.flush()
        except (OSError, ValueError) as error:  # a closed pipe, or letters that a terminal lacks
            raise Unavailable(
                _("{alert} could not be printed: {why}.").format(
                    alert=post.alert, why=type(error).__name__
                )
            ) from None

    async def identify(self) -> str:
        return _("this terminal")
