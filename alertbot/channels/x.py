"""X, by the sync client of tweepy in a thread of its own."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from alertbot.channels import specs, x_errors, x_timeline
from alertbot.channels.base import Adapter
from alertbot.config import ChannelSettings, FilePath, Secret, ServerRoot, SomeDuration, Variable
from alertbot.errors import (
    ChannelDown,
    ChannelError,
    ConfigInvalid,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.model import Channel, Post, Receipt
from alertbot.words import _

if TYPE_CHECKING:
    import tweepy

    from alertbot.channels.x_client import Wire

OAUTH1 = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
RACE_ATTEMPTS = 3  # then a part goes out on its own
RACE_WAIT_SECONDS = (2.0, 3.5, 5.0)
TIMELINE_POSTS = 50

Call = Callable[["tweepy.Client"], Any]


class XSettings(ChannelSettings):
    """An account on X: four OAuth 1.0a secrets, or an OAuth 2.0 user token alone (it lapses)."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        *(Secret(name) for name in OAUTH1),
        Secret("bearer_token", about=_("An OAuth 2.0 user token; it lapses after two hours.")),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = (OAUTH1, ("bearer_token",))

    type: Literal["x"] = Field(default="x", description="An account on X.")
    api_url: ServerRoot = Field(
        default="https://api.twitter.com",
        description="The root of X's API; https://api.x.com is the same service.",
        examples=["http://127.0.0.1:8101"],
    )
    consumer_key_env: Variable | None = None
    consumer_key_file: FilePath | None = None
    consumer_secret_env: Variable | None = None
    consumer_secret_file: FilePath | None = None
    access_token_env: Variable | None = None
    access_token_file: FilePath | None = None
    access_token_secret_env: Variable | None = None
    access_token_secret_file: FilePath | None = None
    bearer_token_env: Variable | None = None
    bearer_token_file: FilePath | None = None
    connect_within: SomeDuration = timedelta(seconds=5)
    answer_within: SomeDuration = timedelta(seconds=20)

    def warnings(self) -> Iterator[tuple[str, str]]:
        """(key, sentence) of what works but will bite."""
        if self.has_secret("bearer_token"):
            yield (
                "bearer_token_env",
                _("this token lapses, usually after two hours; the four OAuth 1.0a secrets do not."),
            )


class XAdapter(Adapter[XSettings]):
    """Posts one after another, each call in the account's own thread."""

    spec = specs.X
    settings_type = XSettings

    def __init__(self, channel: Channel, settings: XSettings) -> None:
        super().__init__(channel, settings)
        self._wire: Wire | None = None
        self._secrets: dict[str, str] = {}  # also kept out of every error
        self._user: tuple[str, str] | None = None

    @property
    def at_once(self) -> int:
        return 1

    async def warm(self) -> None:
        self._ready()

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    def _ready(self) -> "Wire":
        if self._wire is None:
            from alertbot.channels.x_client import Wire

            self._secrets = self._read_secrets()
            settings = self.settings
            self._wire = Wire(
                settings.api_url,
                self._secrets,
                settings.connect_within.total_seconds(),
                settings.answer_within.total_seconds(),
            )
        return self._wire

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

    async def _send(self, post: Post) -> Receipt:
        answer = await self._create(post, post.reply_to)
        if not post.reply_to or answer.status != 403:
            return await self._settle(post, answer)
        if x_errors.parent_not_visible(answer) and post.attempt <= RACE_ATTEMPTS:
            raise Throttled(
                _("X does not show the post that {alert} continues yet; in a moment again.").format(
                    alert=post.alert
                ),
                wait=RACE_WAIT_SECONDS[max(post.attempt, 1) - 1],
                whole_account=False,
                code="reply_race",
            )
        if not x_errors.is_reply_rule(answer):
            return await self._settle(post, answer)
        alone = await self._settle(post, await self._create(post, None))
        return Receipt(alone.id, alone.url, _("X refused it as a reply: it stands on its own."))

    async def _create(self, post: Post, reply_to: str | None) -> x_errors.Answer:
        fingerprint = sha256(post.text.encode()).hexdigest()[:16]
        return await self._ready().ask(
            lambda client: client.create_tweet(
                text=post.text, in_reply_to_tweet_id=reply_to, user_auth=self._user_auth
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

    async def _read(self, call: Call) -> x_errors.Answer:
        """A call that changes nothing: an answer that is lost is no worse than one refused."""
        try:
            answer = await self._ready().ask(call, self.channel.name)
        except Uncertain as lost:
            raise Unavailable(_("X did not answer in time."), code=lost.code) from None
        if answer.status == 200:
            return answer
        error = self._refusal(answer, self.channel.name)
        if isinstance(error, Uncertain | Rejected):
            raise Unavailable(_("X answered {status}.").format(status=answer.status), code=error.code)
        raise error

    def _refusal(self, answer: x_errors.Answer, alert: str) -> ChannelError:
        return x_errors.refusal(answer, alert, time.time(), *self._secrets.values())

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
