"""X: one post after another, by calls that are signed for the account."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.channels.x.answers import Answer, as_posted, is_id, post_with, receipt
from alertbot.channels.x.errors import refusal
from alertbot.channels.x.pictures import Pictures
from alertbot.channels.x.settings import OAUTH1, XSettings
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Throttled, Unavailable, Uncertain
from alertbot.core.model import Action, Channel, Post, Receipt
from alertbot.core.words import _

if TYPE_CHECKING:
    from alertbot.channels.x.client import Client


RACE_WAIT_SECONDS = (2.0, 3.5, 5.0)  # then a part goes out on its own
TIMELINE_POSTS = 50
ENTITIES = {"tweet.fields": "entities"}


class XAdapter(Adapter[XSettings]):
    """Posts one after another: a part of a thread needs the one before it."""

    spec = base.X
    settings_type = XSettings
    at_once = 1

    def __init__(self, channel: Channel, settings: XSettings) -> None:
        super().__init__(channel, settings)
        self._client: Client | None = None
        self._user: tuple[str, str] | None = None
        self._pictures = Pictures(self._ask)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def warm(self) -> None:
        self._ready()

    def _ready(self) -> "Client":
        if self._client is None:
            from alertbot.channels.x.client import Client

            self._client = Client(self.settings, self._read_secrets())
        return self._client

    def _read_secrets(self) -> dict[str, str]:
        names = ("bearer_token",) if self.settings.has_secret("bearer_token") else OAUTH1
        found = {name: self.secret(name) for name in names}
        for name in (name for name, value in found.items() if not re.fullmatch(r"[!-~]+", value)):
            sentence = _("{channel}: {name} holds characters that no such secret has; copy it anew.")
            raise ChannelDown(sentence.format(channel=self.channel.name, name=name), code="secret")
        return found

    async def _ask(self, method: str, path: str, alert: str, **details: Any) -> Answer:
        return await self._ready().ask(method, path, alert, **details)

    async def prepare(self, post: Post) -> None:
        if post.action is Action.PUBLISH:
            await self._pictures.hand_over(post)

    async def _send(self, post: Post) -> Receipt:
        answer, notes = await self._create(post, post.reply_to)
        if post.reply_to and answer.status in (400, 403):
            self._wait_for_parent(post, answer)
            if answer.is_reply_rule():
                answer, notes = await self._create(post, None)
                notes = f"{_('X refused it as a reply: it stands on its own.')} {notes}"
        posted = await self._settle(post, answer)
        self._pictures.used(post)
        return replace(posted, note=f"{posted.note} {notes}".strip())

    def _wait_for_parent(self, post: Post, answer: Answer) -> None:
        """X's servers may not all know a post of a moment ago; an older one is gone for good."""
        patience = len(RACE_WAIT_SECONDS) if post.part > 1 else 1
        if answer.parent_not_visible() and post.attempt <= patience:
            sentence = _("X does not show the post that {alert} continues yet; in a moment again.")
            raise Throttled(
                sentence.format(alert=post.alert),
                wait=RACE_WAIT_SECONDS[max(post.attempt, 1) - 1],
                whole_account=False,
                code="reply_race",
            )

    async def _create(self, post: Post, reply_to: str | None) -> tuple[Answer, str]:
        """Post it, with its picture where X has that; and what should be noted."""
        picture = await self._pictures.hand_over(post)
        body: dict[str, Any] = {"text": post.text}
        if reply_to is not None:
            body["reply"] = {"in_reply_to_tweet_id": reply_to}
        if picture.media_id is not None:
            body["media"] = {"media_ids": [picture.media_id]}
        answer = await self._ask("POST", "/2/tweets", post.alert, json=body)
        if picture.media_id is not None and answer.is_about_media():
            self._pictures.refused(post, answer)
            return await self._create(post, reply_to)
        return answer, picture.note

    async def _settle(self, post: Post, answer: Answer) -> Receipt:
        if answer.is_duplicate() and post.uncertain_before:
            return await self._found_duplicate(post)
        if answer.status not in (200, 201):
            raise refusal(answer, post.alert, time.time())
        remote_id = answer.data().get("id")
        if is_id(remote_id):
            return receipt(remote_id)
        sentence = _("X took {alert} but gave no id. Look at the account, then settle the delivery.")
        raise Uncertain(sentence.format(alert=post.alert), code=str(answer.status))

    async def _found_duplicate(self, post: Post) -> Receipt:
        """The earlier attempt did post it; only its id is missing."""
        try:
            found = await self.find(post)
        except ChannelError:
            found = None
        if found is not None:
            return replace(found, note=_("An earlier attempt had posted it."))
        sentence = _(
            "X says that {alert} stands already, but its post was not found. Look at the "
            "account, then settle the delivery."
        )
        raise Uncertain(sentence.format(alert=post.alert), code="duplicate")

    async def find(self, post: Post) -> Receipt | None:
        """The newest post of our own timeline with this text. Raises what `identify` raises."""
        user, _name = await self._whoami()
        query = ENTITIES | {"max_results": str(TIMELINE_POSTS)}
        answer = await self._read(f"/2/users/{user}/tweets", params=query)
        remote_id = post_with(post.text, answer.body.get("data"))
        return None if remote_id is None else receipt(remote_id)

    async def delete(self, post: Post) -> Receipt:
        remote_id = post.reply_to
        if not is_id(remote_id):
            sentence = _("{alert}: '{id}' is not the number of a post on X.")
            raise Rejected(sentence.format(alert=post.alert, id=remote_id or ""), code="no_post")
        answer = await self._ask("DELETE", f"/2/tweets/{remote_id}", post.alert)
        if answer.is_gone():
            return Receipt(remote_id, note=_("It was gone already."))
        if answer.status not in (200, 204):
            raise refusal(answer, post.alert, time.time())
        return Receipt(remote_id)

    async def read_back(self, _post: Post, shown: Receipt) -> str | None:
        """The post as it was sent: X's short addresses written out, without the one of its picture."""
        path = f"/2/tweets/{shown.id}"
        found = (await self._read(path, Answer.is_gone, params=ENTITIES)).data()
        return as_posted(found) if found.get("id") == shown.id else None

    async def identify(self) -> str:
        _user, name = await self._whoami()
        return f"@{name}"

    async def _whoami(self) -> tuple[str, str]:
        if self._user is None:
            me = (await self._read("/2/users/me")).data()
            if not is_id(me.get("id")):
                raise Unavailable(_("X did not say who this account is."), code="200")
            self._user = me["id"], str(me.get("username", ""))
        return self._user

    async def _read(
        self, path: str, fine: Callable[[Answer], bool] = lambda _answer: False, **details: Any
    ) -> Answer:
        """A call that changes nothing: an answer that is lost is no worse than one refused. `fine`: which
        answers besides a 200 tell what was asked."""
        try:
            answer = await self._ask("GET", path, self.channel.name, **details)
        except Uncertain as lost:
            raise Unavailable(_("X did not answer in time."), code=lost.code) from None
        if answer.status == 200 or fine(answer):
            return answer
        error = refusal(answer, self.channel.name, time.time())
        if isinstance(error, Uncertain | Rejected):
            raise Unavailable(_("X answered {status}.").format(status=answer.status), code=error.code)
        raise error
