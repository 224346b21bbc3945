"""Pictures on their way to X: handed over, described, and kept until the post that shows them stands.

The words never wait long for a picture, and never fail for one (R24): what cannot be handed over in
time, or cannot be described, is left out with a note.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alertbot.channels.x_errors import Answer
from alertbot.channels.x_timeline import is_id
from alertbot.errors import ChannelError, Rejected, Unavailable, Uncertain
from alertbot.model import Picture, Post
from alertbot.words import _

if TYPE_CHECKING:
    import tweepy

WITHIN_SECONDS = 20.0
TRIES = 2
GOOD_FOR_SECONDS = 3600.0  # X keeps a picture that no post shows for a day
MOST_KEPT = 50

Ask = Callable[[Callable[["tweepy.Client"], Any], str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Handed:
    """What came of it. `media_id` None: the post goes without a picture, for the reason in `note`."""

    media_id: str | None = None
    note: str = ""


NO_PICTURE = Handed()


class Pictures:
    """Of one account. `ask` makes one call; `why` gives the reason in an answer, without secrets."""

    def __init__(self, ask: Ask, why: Callable[[Answer], str], *, user_auth: bool) -> None:
        self._ask, self._why = ask, why
        self._user_auth = user_auth
        self._there: dict[tuple[str, str], tuple[str, float]] = {}  # media id, monotonic end
        self._tried: dict[tuple[int, int], Handed] = {}  # by delivery and attempt

    async def hand_over(self, post: Post) -> Handed:
        """Hand the post's picture over unless X has it already; once per attempt."""
        if post.picture is None:
            return NO_PICTURE
        attempt = post.delivery, post.attempt
        if attempt not in self._tried:
            handed = await self._in_time(post, post.picture)
            _keep(self._tried, attempt, handed)
        return self._tried[attempt]

    def used(self, post: Post) -> None:
        """The post stands, or X no longer knows the picture: the next one needs it afresh."""
        self._tried.pop((post.delivery, post.attempt), None)
        if post.picture is not None:
            self._there.pop((post.picture.digest, post.alt or ""), None)

    async def _in_time(self, post: Post, picture: Picture) -> Handed:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return Handed(await self._media_id(post, picture))
        except (ChannelError, TimeoutError) as error:
            why = error.reason if isinstance(error, ChannelError) else _("X took too long.")
            return Handed(None, without(why))

    async def _media_id(self, post: Post, picture: Picture) -> str:
        key = picture.digest, post.alt or ""
        media_id, end = self._there.get(key, ("", 0.0))
        if time.monotonic() < end:
            return media_id
        media_id = await self._twice(lambda: self._upload(post, picture))
        if post.alt:
            await self._twice(lambda: self._describe(post, media_id))
        _keep(self._there, key, (media_id, time.monotonic() + GOOD_FOR_SECONDS))
        return media_id

    async def _twice(self, call: Callable[[], Awaitable[str]]) -> str:
        """Nobody sees these calls, so that a lost answer is no reason not to repeat one."""
        for _again in range(TRIES - 1):
            try:
                return await call()
            except (Uncertain, Unavailable):
                continue
        return await call()

    async def _upload(self, post: Post, picture: Picture) -> str:
        body = {"media": b64encode(picture.content).decode(), "media_category": "tweet_image"}
        answer = await self._call(post, "/2/media/upload", body)
        media_id = answer.data().get("id")
        if not is_id(media_id):
            raise Rejected(_("X took the picture but gave no id."))
        return media_id

    async def _describe(self, post: Post, media_id: str) -> str:
        metadata = {"alt_text": {"text": post.alt}}
        await self._call(post, "/2/media/metadata", {"id": media_id, "metadata": metadata})
        return media_id

    async def _call(self, post: Post, path: str, body: dict[str, Any]) -> Answer:
        answer = await self._ask(
            lambda client: client.request("POST", path, json=body, user_auth=self._user_auth),
            post.alert,
        )
        if answer.status in (200, 201):
            return answer
        why = _("X answered {status}: {why}").format(status=answer.status, why=self._why(answer))
        raise Unavailable(why) if answer.status >= 500 else Rejected(why)


def without(why: str) -> str:
    """The note of a post whose picture was left out."""
    return _("Without its picture: {why}").format(why=why)


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """The newest count; what was given up is forgotten in time."""
    kept[key] = value
    while len(kept) > MOST_KEPT:
        kept.pop(next(iter(kept)))
