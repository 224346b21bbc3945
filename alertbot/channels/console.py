"""A dry run: every post is printed instead of published."""

import itertools
import sys
from typing import Literal, TextIO

from pydantic import Field

from alertbot.channels import specs
from alertbot.channels.base import Adapter
from alertbot.config import ChannelSettings
from alertbot.errors import Unavailable
from alertbot.model import Channel, ExercisePost, Post, Receipt
from alertbot.words import _

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
        word for word in (channel, post.alert, post.lang, part, post.target, exercise) if word
    )
    lines = [f"── {title} ".ljust(RULE_WIDTH, "─")]
    if post.subject:
        lines += [post.subject, ""]
    return "\n".join([*lines, post.text, "─" * RULE_WIDTH, ""])


class ConsoleAdapter(Adapter[ConsoleSettings]):
    """Prints to `stream`, standard output unless another is given."""

    spec = specs.CONSOLE
    settings_type = ConsoleSettings

    def __init__(
        self, channel: Channel, settings: ConsoleSettings, stream: TextIO | None = None
    ) -> None:
        super().__init__(channel, settings)
        self._stream = stream
        self._count = itertools.count(1)

    async def _send(self, post: Post) -> Receipt:
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
        return Receipt(id=f"console-{next(self._count)}")

    async def identify(self) -> str:
        return _("this terminal")
