"""A channel that keeps its posts: the test double that is shipped, and a null channel for figures."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import Field

from alertbot.channels import specs
from alertbot.channels.base import Adapter
from alertbot.config import ChannelSettings
from alertbot.errors import Rejected
from alertbot.model import Channel, Post, Receipt
from alertbot.words import _

Handler = Callable[[Post], Receipt | Awaitable[Receipt]]


class MemorySettings(ChannelSettings):
    """A channel that reaches nobody."""

    type: Literal["memory"] = Field(default="memory", description="Keeps the posts; for tests.")

    def addresses(self) -> tuple[str, ...]:
        return ()


class MemoryAdapter(Adapter[MemorySettings]):
    """Keeps every post it was asked to publish in `posts`, in order, then lets `handler` answer.

    A handler gives a `Receipt`, or raises one of the five errors; it may be a coroutine function.
    Change it at any time: `adapter.handler = answer`.
    """

    spec = specs.MEMORY
    settings_type = MemorySettings

    def __init__(
        self, channel: Channel, settings: MemorySettings, handler: Handler | None = None
    ) -> None:
        super().__init__(channel, settings)
        self.handler = handler or self._accept
        self.posts: list[Post] = []
        self.standing: dict[str, Post] = {}  # by remote id: what the public would see now
        self.closed = False

    async def _send(self, post: Post) -> Receipt:
        self.posts.append(post)
        answer = self.handler(post)
        receipt = await answer if inspect.isawaitable(answer) else answer
        self.standing[receipt.id] = post
        return receipt

    def _accept(self, _post: Post) -> Receipt:
        return Receipt(id=f"memory-{len(self.posts)}")

    async def edit(self, remote_id: str, post: Post) -> Receipt:
        """Put another text in the place of a post."""
        if remote_id not in self.standing:
            raise Rejected(
                _("{alert}: there is no post {id} to edit.").format(alert=post.alert, id=remote_id)
            )
        self.standing[remote_id] = post
        return Receipt(id=remote_id)

    async def delete(self, remote_id: str) -> None:
        """Take a post away; one that is gone already is fine."""
        self.standing.pop(remote_id, None)

    async def find(self, post: Post) -> Receipt | None:
        """A post that stands with this very text."""
        return next(
            (Receipt(id=k) for k, kept in self.standing.items() if kept.text == post.text), None
        )

    async def identify(self) -> str:
        return _("this program's memory")

    async def close(self) -> None:
        self.closed = True
