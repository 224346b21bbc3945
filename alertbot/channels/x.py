"""X, by the sync client of tweepy in a thread of its own."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from alertbot.channels import specs, x_errors, x_pictures, x_timeline
from alertbot.channels.base import Adapter
from alertbot.channels.x_pictures import Ask, Pictures
from alertbot.channels.x_settings import OAUTH1, XSettings
from alertbot.errors import (
    ChannelDown,
    ChannelError,
    ConfigInvalid,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    safe,
)
from alertbot.model import Action, Channel, Post, Receipt
from alertbot.words import _

if TYPE_CHECKING:
    import tweepy

    from alertbot.channels.x_client import Wire

__all__ = ["XAdapter", "XSettings"]

RACE_ATTEMPTS = 3  # then a part goes out on its own
RACE_WAIT_SECONDS = (2.0, 3.5, 5.0)
TIMELINE_POSTS = 50

Call = Callable[["tweepy.Client"], Any]
Notes = tuple[str, ...]


class XAdapter(Adapter[XSettings]):
    """Posts one after another, each call in the account's own thread."""

    spec = specs.X
    settings_type = XSettings

    def __init__(self, channel: Channel, settings: XSettings) -> None:
        super().__init__(channel, settings)
        self._wire: Wire | None = None
        self._aside: Wire | None = None  # for what must not keep a post waiting
        self._secrets: dict[str, str] = {}  # also kept out of every error
        self._user: tuple[str, str] | None = None
        self._pictures = Pictures(self._ask_aside, self._why, user_auth=self._user_auth)

    @property
    def at_once(self) -> int:
        return 1

    async def warm(self) -> None:
        self._ready()

    async def close(self) -> None:
        wires, self._wire, self._aside = (self._wire, self._aside), None, None
        for wire in wires:
            if wire is not None:
                await wire.close()

    def _ready(self) -> "Wire":
        if self._wire is None:
            self._wire = self._new_wire()
        return self._wire

    def _new_wire(self) -> "Wire":
        from alertbot.channels.x_client import Wire

        self._secrets = self._read_secrets()
        settings = self.settings
        return Wire(
            settings.api_url,
            self._secrets,
            settings.connect_within.total_seconds(),
            settings.answer_within.total_seconds(),
        )

    async def _ask_aside(self, call: Call, alert: str) -> x_errors.Answer:
        """Ask on a line of its own."""
        if self._aside is None:
            self._aside = self._new_wire()
        return await self._aside.ask(call, alert)

    def _read_secrets(self) -> dict[str, str]:
        names = OAUTH1 if self._user_auth else ("bearer_token",)
        try:
            found = {name: self.settings.secret(name) for name in names}
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None
        for name, value in found.items():
            if not re.fullmatch(r"[!-~]+", value):
                raise ChannelDown(
                    _(
                        "{channel}: {name} holds characters that no such secret has; copy it anew."
                    ).format(channel=self.channel.name, name=name),
                    code="secret",
                )
        return found

    async def prepare(self, post: Post) -> None:
        if post.action is Action.PUBLISH:
            await self._pictures.hand_over(post)

    async def _send(self, post: Post) -> Receipt:
        answer, notes = await self._create(post, post.reply_to)
        if post.reply_to and answer.status in (400, 403):
            if self._too_soon(post, answer):
                raise self._in_a_moment(post)
            if x_errors.is_reply_rule(answer):
                answer, notes = await self._create(post, None)
                notes = (_("X refused it as a reply: it stands on its own."), *notes)
        receipt = await self._settle(post, answer)
        self._pictures.used(post)
        return replace(receipt, note=" ".join(filter(None, (receipt.note, *notes))))

    def _too_soon(self, post: Post, answer: x_errors.Answer) -> bool:
        """X's servers may not all know a post of a moment ago; an older one is gone for good."""
        patience = RACE_ATTEMPTS if post.part > 1 else 1
        return x_errors.parent_not_visible(answer) and post.attempt <= patience

    def _in_a_moment(self, post: Post) -> Throttled:
        return Throttled(
            _("X does not show the post that {alert} continues yet; in a moment again.").format(
                alert=post.alert
            ),
            wait=RACE_WAIT_SECONDS[max(post.attempt, 1) - 1],
            whole_account=False,
            code="reply_race",
        )

    async def _create(self, post: Post, reply_to: str | None) -> tuple[x_errors.Answer, Notes]:
        """Post it, with its picture where X has that; and what should be noted."""
        picture = await self._pictures.hand_over(post)
        answer = await self._tweet(post, reply_to, picture.media_id)
        if picture.media_id is None or not x_errors.is_about_media(answer):
            return answer, (picture.note,)
        self._pictures.used(post)
        note = x_pictures.without(self._why(answer))
        return await self._tweet(post, reply_to, None), (note,)

    async def _tweet(self, post: Post, reply_to: str | None, media_id: str | None) -> x_errors.Answer:
        fingerprint = sha256(post.text.encode()).hexdigest()[:16]
        return await self._ready().ask(
            lambda client: client.create_tweet(
                text=post.text,
                in_reply_to_tweet_id=reply_to,
                media_ids=None if media_id is None else [media_id],
                user_auth=self._user_auth,
            ),
            post.alert,
            fingerprint,
        )

    async def _settle(self, post: Post, answer: x_errors.Answer) -> Receipt:
        if answer.status in (200, 201):
            return self._receipt(post, answer)
        if x_errors.is_duplicate(answer) and post.uncertain_before:
            return await self._found_duplicate(post)
        raise self._refusal(answer, post.alert)

    def _receipt(self, post: Post, answer: x_errors.Answer) -> Receipt:
        remote_id = answer.data().get("id")
        if x_timeline.is_id(remote_id):
            return Receipt(remote_id, x_timeline.url_of(remote_id))
        raise Uncertain(
            _("X took {alert} but gave no id. Look at the account, then settle the delivery.").format(
                alert=post.alert
            ),
            code=str(answer.status),
        )

    async def _found_duplicate(self, post: Post) -> Receipt:
        """The earlier attempt did post it; only its id is missing."""
        try:
            found = await self.find(post)
        except ChannelError:
            found = None
        if found is None:
            raise Uncertain(
                _(
                    "X says that {alert} stands already, but its post was not found. Look at the "
                    "account, then settle the delivery."
                ).format(alert=post.alert),
                code="duplicate",
            )
        return Receipt(found.id, found.url, _("An earlier attempt had posted it."))

    async def find(self, post: Post) -> Receipt | None:
        """The newest post of our own timeline with this text. Raises what `identify` raises."""
        user, _name = await self._whoami()
        answer = await self._read(
            lambda client: client.get_users_tweets(
                user,
                max_results=TIMELINE_POSTS,
                tweet_fields=["entities"],
                user_auth=self._user_auth,
            )
        )
        remote_id = x_timeline.post_with(post.text, answer.body.get("data"))
        return None if remote_id is None else Receipt(remote_id, x_timeline.url_of(remote_id))

    async def delete(self, post: Post) -> Receipt:
        remote_id = _earlier(post)
        answer = await self._ready().ask(
            lambda client: client.delete_tweet(remote_id, user_auth=self._user_auth), post.alert
        )
        if x_errors.is_gone(answer):
            return Receipt(remote_id, note=_("It was gone already."))
        if answer.status not in (200, 204):
            raise self._refusal(answer, post.alert)
        return Receipt(remote_id)

    async def read_back(self, _post: Post, receipt: Receipt) -> str | None:
        """The post as it was sent: X's short addresses written out, without the one of its picture."""
        answer = await self._read(
            lambda client: client.get_tweet(
                receipt.id, tweet_fields=["entities"], user_auth=self._user_auth
            ),
            self._ask_aside,
            x_errors.is_gone,
        )
        found = answer.data()
        return x_timeline.as_posted(found) if found.get("id") == receipt.id else None

    async def identify(self) -> str:
        _user, name = await self._whoami()
        return f"@{name}"

    async def _whoami(self) -> tuple[str, str]:
        if self._user is None:
            answer = await self._read(lambda client: client.get_me(user_auth=self._user_auth))
            self._user = str(answer.data().get("id", "")), str(answer.data().get("username", ""))
            if not self._user[0].isdecimal():
                self._user = None
                raise Unavailable(_("X did not say who this account is."), code="200")
        return self._user

    async def _read(
        self,
        call: Call,
        ask: Ask | None = None,
        fine: Callable[[x_errors.Answer], bool] = lambda _answer: False,
    ) -> x_errors.Answer:
        """A call that changes nothing: an answer that is lost is no worse than one refused. `fine`: which
        answers besides a 200 tell what was asked."""
        try:
            answer = await (ask or self._ready().ask)(call, self.channel.name)
        except Uncertain as lost:
            raise Unavailable(_("X did not answer in time."), code=lost.code) from None
        if answer.status == 200 or fine(answer):
            return answer
        error = self._refusal(answer, self.channel.name)
        if isinstance(error, Uncertain | Rejected):
            raise Unavailable(_("X answered {status}.").format(status=answer.status), code=error.code)
        raise error

    def _refusal(self, answer: x_errors.Answer, alert: str) -> ChannelError:
        return x_errors.refusal(answer, alert, time.time(), *self._secrets.values())

    def _why(self, answer: x_errors.Answer) -> str:
        return safe(answer.detail, *self._secrets.values()) or _("no reason given")

    @property
    def _user_auth(self) -> bool:
        return not self.settings.has_secret("bearer_token")


def _earlier(post: Post) -> str:
    """The post that it acts upon."""
    if x_timeline.is_id(post.reply_to):
        return post.reply_to
    raise Rejected(
        _("{alert}: '{id}' is not the number of a post on X.").format(
            alert=post.alert, id=post.reply_to or ""
        ),
        code="no_post",
    )
