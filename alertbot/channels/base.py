"""The one seam towards a platform: a finished `Post` in, a `Receipt` or one of five errors out."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from alertbot.config import ChannelSettings
from alertbot.errors import Rejected, Scope
from alertbot.model import Audience, Channel, ChannelSpec, ExercisePost, Post, Receipt, Target
from alertbot.words import _

S = TypeVar("S", bound=ChannelSettings)


class Adapter(ABC, Generic[S]):
    """One configured account. Made without touching the network, a library or a secret; all three are
    first used by `warm`, `identify` or `publish`.

    A new type of channel subclasses this, sets `spec` and `settings_type`, fills `_send` and
    `identify`, and is announced as an entry point in the group `alertbot.channels`.
    """

    spec: ClassVar[ChannelSpec]
    settings_type: type[S]

    def __init__(self, channel: Channel, settings: S) -> None:
        self.channel = channel
        self.settings = settings

    @property
    def at_once(self) -> int:
        """How many calls it can truly have under way. The engine starts no more: a call that it wrote
        down as begun and that then queues in here would still go out after a halt."""
        return 1000

    @classmethod
    def targets(cls, settings: S) -> tuple[Target, ...]:  # noqa: ARG003 - for subclasses
        """Where posts of this account go. One target unless the spec says `per_recipient`.

        Raises `ConfigInvalid` where a file of recipients cannot be read.
        """
        return (Target(cls.spec.type),)

    async def publish(self, post: Post) -> Receipt:
        """Publish one post. Raises `Rejected`, `Throttled`, `Unavailable`, `Uncertain` or `ChannelDown`."""
        if isinstance(post, ExercisePost) and self.channel.audience is Audience.LIVE:
            raise Rejected(
                _("{alert} is an exercise and {channel} reaches the public: refused.").format(
                    alert=post.alert, channel=self.channel.name
                ),
                scope=Scope.CHANNEL,
                code="exercise",
            )
        return await self._send(post)

    @abstractmethod
    async def _send(self, post: Post) -> Receipt:
        """Make the call; map every outcome of the library to a receipt or one of the five errors."""

    @abstractmethod
    async def identify(self) -> str:
        """Ask the platform who this account is (`check --online`). Same errors as `publish`."""

    async def find(self, post: Post) -> Receipt | None:  # noqa: ARG002 - for subclasses
        """Look for a post that was perhaps published. Only where `spec.can_reconcile`."""
        return None

    async def warm(self) -> None:
        """Load the library and read the secrets, so that the first post does not wait for it."""

    async def close(self) -> None:
        """Give back connections and threads."""
