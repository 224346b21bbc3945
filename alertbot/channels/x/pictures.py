"""Uploading pictures to X, with their descriptions, before the post that shows them.

A text never waits long for its picture nor fails because of it (R24): it goes without, with a note.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from alertbot.channels.outcomes import is_number
from alertbot.channels.x.answers import Answer
from alertbot.core.errors import ChannelError, Rejected, Unavailable, Uncertain
from alertbot.core.model import Picture, Post
from alertbot.core.words import _

WITHIN_SECONDS = 20.0
TRIES = 2  # nobody sees these calls: a lost answer is no reason not to repeat one
GOOD_FOR_SECONDS = 3600.0  # X keeps a picture that no post shows for a day
MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Handed:
    """The result of one attempt: valid `until` (monotonic seconds), or no `media_id` and the reason."""

    attempt: int = 0
    media_id: str | None = None
    note: str = ""
    until: float = 0.0


class Pictures:
    """The pictures of one account. `ask` makes one call of tweepy; its media calls are those of v1.1."""

    def __init__(self, ask: Callable[..., Awaitable[Answer]]) -> None:
        self._ask = ask
        self._handed: dict[int, Handed] = {}  # by delivery

    async def hand_over(self, post: Post) -> Handed:
        """Upload the post's picture unless X has it already; once per attempt."""
        if post.picture is None:
            return Handed()
        known = self._handed.get(post.delivery, Handed())
        if known.attempt != post.attempt and time.monotonic() >= known.until:
            known = self._handed[post.delivery] = await self._in_time(post, post.picture)
            while len(self._handed) > MOST_KEPT:  # what is over is forgotten in time
                self._handed.pop(next(iter(self._handed)))
        return known

    def refused(self, post: Post, answer: Answer) -> None:
        """X no longer knows the picture, or refuses it here: this attempt goes without it."""
        self._handed[post.delivery] = Handed(post.attempt, None, without(f"{answer.why()}."))

    async def _in_time(self, post: Post, picture: Picture) -> Handed:
        image = {"media": b64encode(picture.content).decode(), "media_category": "tweet_image"}
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                media_id = (await self._call(post, "/2/media/upload", image)).data().get("id")
                if not is_number(media_id):
                    return Handed(
                        post.attempt, None, without(_("X accepted the picture but gave no id."))
                    )
                if post.alt:
                    described = {"id": media_id, "metadata": {"alt_text": {"text": post.alt}}}
                    await self._call(post, "/2/media/metadata", described)
        except (ChannelError, TimeoutError) as error:
            why = error.reason if isinstance(error, ChannelError) else _("X took too long.")
            return Handed(post.attempt, None, without(why))
        return Handed(post.attempt, media_id, until=time.monotonic() + GOOD_FOR_SECONDS)

    async def _call(
        self, post: Post, route: str, body: Mapping[str, object], tries: int = TRIES
    ) -> Answer:
        try:
            answer = await self._ask("request", post.alert, method="POST", route=route, json=body)
            if answer.status in (200, 201):
                return answer
            why = _("X answered {status}: {why}.").format(status=answer.status, why=answer.why())
            raise Unavailable(why) if answer.status >= 500 else Rejected(why)
        except (Uncertain, Unavailable):
            if tries == 1:
                raise
        return await self._call(post, route, body, tries - 1)


def without(why: str) -> str:
    """The note on a post whose picture was left out."""
    return _("Without its picture: {why}").format(why=why)
