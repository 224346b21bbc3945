"""X: one post after another, by tweepy in a thread; pictures with their descriptions before the post."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alertbot.channels import base, outcomes
from alertbot.channels.x.answers import Answer, as_posted, post_with, receipt
from alertbot.channels.x.settings import OAUTH1, XSettings
from alertbot.channels.x.witness import PUBLIC, XWitness
from alertbot.core.errors import ChannelError, Rejected, Throttled, Unavailable, Uncertain
from alertbot.core.loops import in_thread
from alertbot.core.model import Action, Channel, Picture, Post, PostAddresses, Receipt
from alertbot.core.words import _

if TYPE_CHECKING:
    from alertbot.channels.x.client import Client


X_SERVERS = frozenset({"api.twitter.com", "api.x.com"})
RACE_WAIT_SECONDS = (2.0, 3.5, 5.0)  # then a part goes out on its own
TIMELINE_POSTS = 50


class XAdapter(base.Adapter[XSettings]):
    """Posts one after another: a part of a thread needs the one before it."""

    spec = base.X
    settings_type = XSettings
    at_once = 1

    def __init__(self, channel: Channel, settings: XSettings) -> None:
        super().__init__(channel, settings)
        self._idle: list[Client] = []
        self._user: Mapping[str, Any] = {}
        self._pictures = outcomes.PictureUploads("X", self._upload)

    @classmethod
    def identity(cls, settings: XSettings) -> dict[str, str]:
        """The id of the user stands before the dash in an OAuth 1.0a token, whichever token it is."""
        user = settings.told("access_token").partition("-")[0]
        return {
            "server": "api.x.com" if settings.server in X_SERVERS else settings.server,
            "account": (settings.account or "").removeprefix("@").lower(),
            "user": user if user.isascii() and user.isdigit() else "",
        }

    @classmethod
    def addresses(cls, settings: XSettings) -> PostAddresses:
        if settings.account is None:
            told = _(
                "Set `account:` to the account's name, so that its posts can be told from others'."
            )
            return PostAddresses(unknown=told)
        name = settings.account.removeprefix("@")
        pattern = (
            rf"(?i)https://(?:(?:www|mobile)\.)?(?:x|twitter)\.com/{re.escape(name)}/status/(?P<id>\d+)"
            r"(?:/(?:photo|video)/\d)?/?(?:\?.*)?"
        )
        return PostAddresses((pattern,), f"https://x.com/{name}/status/1400000000000000001")

    @classmethod
    def witness(cls, settings: XSettings) -> XWitness:
        return XWitness(settings.account, settings.public_root(PUBLIC))

    def _new_client(self) -> "Client":
        from alertbot.channels.x.client import Client

        names = ("bearer_token",) if self.settings.has_secret("bearer_token") else OAUTH1
        return Client(self.settings, {name: self.secret(name, r"[!-~]+") for name in names})

    async def warm(self) -> None:
        self._idle.append(self._new_client())

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().session.close()

    async def _ask(self, verb: str, alert: str, **details: Any) -> Answer:
        """Call a method of a client that no other thread uses. Raises `Unavailable` if surely not sent, else `Uncertain`."""
        client = self._idle.pop() if self._idle else self._new_client()

        def call() -> Answer:
            try:
                return client.answer(verb, details)
            finally:
                self._idle.append(client)  # only now: whoever asked may have given up long ago

        try:
            async with asyncio.timeout(self.settings.most_seconds):
                return await in_thread(call)
        except Exception as error:  # noqa: BLE001 - requests, urllib3 and http.client all leak through
            raise (outcomes.unreachable if client.never_asked(error) else outcomes.lost)(
                "X", alert, error
            ) from None

    async def prepare(self, post: Post) -> None:
        if post.action is Action.PUBLISH:
            await self._pictures.upload(post)

    async def _upload(self, post: Post, picture: Picture) -> str:
        image = {"media": b64encode(picture.content).decode(), "media_category": "tweet_image"}
        media_id = (await self._post_media(post, "/2/media/upload", image)).part("data").get("id")
        if not outcomes.is_number(media_id):
            raise Rejected(_("X accepted the picture but gave no id."))
        if post.alt:
            described = {"id": media_id, "metadata": {"alt_text": {"text": post.alt}}}
            await self._post_media(post, "/2/media/metadata", described)
        return media_id

    async def _post_media(self, post: Post, route: str, body: Mapping[str, object]) -> Answer:
        """As `request`, since tweepy's own media calls are those of v1.1."""
        answer = await self._ask("request", post.alert, method="POST", route=route, json=body)
        if answer.status in (200, 201):
            return answer
        why = _("X answered {status}: {why}.").format(status=answer.status, why=answer.reason())
        raise Unavailable(why) if answer.status >= 500 else Rejected(why)

    async def _send(self, post: Post) -> Receipt:
        answer, without = await self._create(post, post.reply_to)
        self._wait_for_parent(post, answer)
        alone = ""
        if post.reply_to and answer.is_reply_rule():
            answer, without = await self._create(post, None)
            alone = _("X refused it as a reply: it stands on its own.")
        posted = await self._settle(post, answer)
        if answer.is_duplicate():  # what stands there is the post of an earlier attempt
            without = ""
        note = " ".join(filter(None, (posted.note, alone, without)))
        return replace(posted, note=note, without=without)

    def _wait_for_parent(self, post: Post, answer: Answer) -> None:
        """Raises `Throttled` while not all of X's servers may know the parent; an older one is gone."""
        patience = len(RACE_WAIT_SECONDS) if post.part > 1 else 1
        if answer.parent_not_visible() and post.attempt <= patience:
            sentence = _(
                "X does not show the post that {alert} continues yet; it will be tried again in a moment."
            )
            wait = RACE_WAIT_SECONDS[max(post.attempt, 1) - 1]
            told = sentence.format(alert=post.alert)
            raise Throttled(told, wait=wait, whole_account=False, code="reply_race")

    async def _create(self, post: Post, reply_to: str | None) -> tuple[Answer, str]:
        """Create the post, with its picture if X has it; returns the answer, and why it has no picture."""
        picture = await self._pictures.upload(post)
        media = None if picture.media_id is None else [picture.media_id]
        answer = await self._ask(
            "create_tweet", post.alert, text=post.text, in_reply_to_tweet_id=reply_to, media_ids=media
        )
        if media and answer.is_about_media():
            self._pictures.refused(post, answer.reason())
            return await self._create(post, reply_to)
        return answer, picture.note

    async def _settle(self, post: Post, answer: Answer) -> Receipt:
        if not (answer.is_duplicate() and post.uncertain_before):
            remote_id = answer.accepted(post.alert).part("data").get("id")
            if outcomes.is_number(remote_id):
                return receipt(remote_id)
            raise outcomes.without_id("X", post.alert, answer.status)
        with suppress(ChannelError):  # the earlier attempt did post it; only its id is missing
            if found := await self.find(post):
                return replace(found, note=_("An earlier attempt had already posted it."))
        sentence = _("X calls {alert} a duplicate, but its post was not found. Check, then settle it.")
        raise Uncertain(sentence.format(alert=post.alert), code="duplicate")

    async def find(self, post: Post) -> Receipt | None:
        user = (await self._whoami())["id"]
        answer = await self._read(
            "get_users_tweets", id=user, max_results=TIMELINE_POSTS, tweet_fields=["entities"]
        )
        remote_id = post_with(post.text, answer.fields.get("data"))
        return None if remote_id is None else receipt(remote_id)

    async def delete(self, post: Post) -> Receipt:
        remote_id = outcomes.number_of("X", post)
        answer = await self._ask("delete_tweet", post.alert, id=remote_id)
        if answer.is_gone():
            return Receipt(remote_id, note=_("It was already gone."))
        answer.accepted(post.alert, side=True)
        return Receipt(remote_id)

    async def read_back(self, _post: Post, shown: Receipt) -> str | None:
        """The post with X's short addresses expanded, less its picture's. Raises the channel errors."""
        found = await self._read("get_tweet", or_gone=True, id=shown.id, tweet_fields=["entities"])
        return as_posted(found.part("data")) if found.part("data").get("id") == shown.id else None

    async def identify(self) -> str:
        return f"@{(await self._whoami()).get('username', '')}"

    async def _whoami(self) -> Mapping[str, Any]:
        if not self._user:
            me = (await self._read("get_me")).part("data")
            if not outcomes.is_number(me.get("id")):
                raise Unavailable(_("X did not say which account this is."), code="200")
            self._user = me
        return self._user

    async def _read(self, verb: str, *, or_gone: bool = False, **details: Any) -> Answer:
        """A read-only call: a lost answer is no worse than a refusal. Raises `Unavailable` for both."""
        try:
            answer = await self._ask(verb, self.channel.name, **details)
            if (or_gone and answer.is_gone()) or answer.accepted(self.channel.name).fields:
                return answer
            code = str(answer.status)
        except (Uncertain, Rejected) as error:
            code = error.code
        raise outcomes.unusable("X", code)
