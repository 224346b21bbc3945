"""A channel that keeps its posts: the shipped test double, and a null channel for benchmarks."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import Field

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.core.errors import Rejected
from alertbot.core.model import Channel, Post, Receipt
from alertbot.core.words import _

Handler = Callable[[Post], Receipt | Awaitable[Receipt]]


class MemorySettings(ChannelSettings):
    """A channel that reaches nobody."""

    type: Literal["memory"] = Field(default="memory", description="Keeps the posts; for tests.")

    def addresses(self) -> tuple[str, ...]:
        return ()


class MemoryAdapter(Adapter[MemorySettings]):
    """Keeps everything it was asked to do in `posts`, in order, then lets `handler` answer.

    A handler returns a `Receipt` or raises one of the five errors; it may be a coroutine function.
    Change it at any time: `adapter.handler = answer`. What the public would see is in `standing` and
    `pinned`; a text put into `shows` under a remote id is what read-back finds instead.
    """

    spec = base.MEMORY
    settings_type = MemorySettings

    def __init__(
        self, channel: Channel, settings: MemorySettings, handler: Handler | None = None
    ) -> None:
        super().__init__(channel, settings)
        self.handler = handler or self._accept
        self.posts: list[Post] = []
        self.standing: dict[str, Post] = {}  # by remote id: what the public would see now
        self.pinned: set[str] = set()
        self.shows: dict[str, str] = {}
        self.closed = False

    async def _send(self, post: Post) -> Receipt:
        receipt = await self._answer(post)
        self.standing[receipt.id] = post
        return receipt

    async def edit(self, post: Post) -> Receipt:
        remote_id = self._earlier(post)
        await self._answer(post)
        self.standing[remote_id] = post
        return Receipt(remote_id)

    async def delete(self, post: Post) -> Receipt:
        await self._answer(post)
        remote_id = post.reply_to or ""
        if self.standing.pop(remote_id, None) is None:
            return Receipt(remote_id, note=_("It was already gone."))
        self.pinned.discard(remote_id)
        return Receipt(remote_id)

    async def pin(self, post: Post) -> Receipt:
        remote_id = self._earlier(post)
        await self._answer(post)
        self.pinned.add(remote_id)
        return Receipt(remote_id)

    async def add_picture(self, post: Post) -> Receipt:
        return await self._send(post)

    async def read_back(self, _post: Post, receipt: Receipt) -> str | None:
        standing = self.standing.get(receipt.id)
        return None if standing is None else self.shows.get(receipt.id, standing.text)

    async def _answer(self, post: Post) -> Receipt:
        self.posts.append(post)
        answer = self.handler(post)
        return await answer if inspect.isawaitable(answer) else answer

    def _earlier(self, post: Post) -> str:
        if post.reply_to not in self.standing:
            raise Rejected(
                _("{alert}: the post {id} no longer exists.").format(alert=post.alert, id=post.reply_to)
            )
        return post.reply_to

    def _accept(self, _post: Post) -> Receipt:
        return Receipt(id=f"memory-{len(self.posts)}")

    async def find(self, post: Post) -> Receipt | None:
        """A published post with exactly this text."""
        return next(
            (Receipt(id=k) for k, kept in self.standing.items() if kept.text == post.text), None
        )

    async def identify(self) -> str:
        return _("this program's memory")

    async def close(self) -> None:
        self.closed = True
