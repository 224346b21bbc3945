"""The interface to a platform: a finished `Post` in, a `Receipt` or one of five errors out. Also the
settings and helpers that adapters share."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from alertbot.core.errors import ChannelDown, ChannelError, ConfigInvalid, Rejected, Scope
from alertbot.core.model import (
    Action,
    Audience,
    Channel,
    ChannelSpec,
    ExercisePost,
    Markup,
    Measure,
    Pace,
    Post,
    PostAddresses,
    Price,
    Receipt,
    Target,
    TeamPost,
)
from alertbot.core.words import _

if TYPE_CHECKING:
    from alertbot.channels.calling import JsonCaller
    from alertbot.channels.email.mailbox import ReturnsPlace
    from alertbot.channels.witnessing import Witness
    from alertbot.config.channel import ChannelSettings, NetworkSettings


S = TypeVar("S", bound="ChannelSettings")


class PostSupply(Protocol):
    """Where an adapter that `streams` takes its posts from: their intents are committed. Each that is taken
    is ended, or `begin` says that it must not be sent."""

    def take(self) -> Post | None:
        """The next post, for which everything may be made ready that nobody sees; None: there is none now."""

    async def begin(self, post: Post) -> bool:
        """Whether its call may begin, asked right before that. False: a halt, its expiry or a cancellation
        came in between, and it is taken back."""

    def end(self, post: Post, answer: Receipt | ChannelError) -> None:
        """What became of it."""


class Adapter(ABC, Generic[S]):
    """One configured account. Creating it touches no network, library or secret; `warm`, `identify` and
    `publish` use them first.

    A new type of channel subclasses this, sets `spec` and `settings_type`, implements `_send` and
    `identify`, and registers an entry point in the group `alertbot.channels`.
    """

    spec: ClassVar[ChannelSpec]
    settings_type: type[S]
    streams: ClassVar[bool] = (
        False  # whether it sends several posts faster than one by one: `publish_from`
    )

    def __init__(self, channel: Channel, settings: S) -> None:
        self.channel = channel
        self.settings = settings

    @property
    def at_once(self) -> int:
        """How many calls it can really make in parallel. The engine starts no more: a call recorded as
        begun and queued in here would still go out after a halt."""
        return 1000

    @classmethod
    def targets(cls, settings: S) -> Sequence[Target]:  # noqa: ARG003 - for subclasses
        """The targets of this account: one, unless the spec says `per_recipient`.

        Raises `ConfigInvalid` if a recipients' file cannot be read.
        """
        return (Target(cls.spec.type),)

    @classmethod
    def identity(cls, settings: S) -> dict[str, str]:  # noqa: ARG003 - for subclasses
        """Which account on which server these settings lead to, as facts by name ("chat", "server"). An
        approval covers them, so a new token or password of the same account must not change them. No
        value is a secret; "" is a fact that only a secret tells, and the secret cannot be read here."""
        return {}

    @classmethod
    def addresses(cls, settings: S) -> PostAddresses | None:  # noqa: ARG003 - for subclasses
        """The addresses of this account's posts, by which `record` and `settle` recognise them. Every
        channel that can reply, edit or delete should say it; None takes any address."""
        return None

    @classmethod
    def witness(cls, settings: S) -> "Witness | None":  # noqa: ARG003 - for subclasses
        """How anybody without our credentials sees this account's posts; None if nobody can be asked. Raises
        `ConfigInvalid` with the reason where these settings make it impossible."""
        return None

    @classmethod
    def returned(cls, settings: S) -> "ReturnsPlace | None":  # noqa: ARG003 - for subclasses
        """The mailbox to which this account's mail comes back; None without one."""
        return None

    async def publish(self, post: Post) -> Receipt:
        """Do what `post.action` says: the engine's only call.

        Raises `Rejected`, `Throttled`, `Unavailable`, `Uncertain` or `ChannelDown`.
        """
        self.require_fit(post)
        match post.action:
            case Action.EDIT:
                return await self.edit(post)
            case Action.DELETE:
                return await self.delete(post)
            case Action.PIN:
                return await self.pin(post)
            case Action.PICTURE:
                return await self.add_picture(post)
        return await self._send(post)

    async def publish_from(self, posts: "PostSupply") -> None:
        """As `publish` for each post that `posts` gives, until it gives none. The engine calls it only with
        `streams`, up to `at_once` times at once; such an adapter has time limits of its own, and ends what it has
        taken unless it is cancelled."""
        while (post := posts.take()) is not None:
            if await posts.begin(post):
                try:
                    answer: Receipt | ChannelError = await self.publish(post)
                except ChannelError as error:
                    answer = error
                posts.end(post, answer)

    def require_fit(self, post: Post) -> None:
        """Raises `Rejected` for a test, notice or exercise that would reach whom it must not."""
        if isinstance(post, TeamPost):
            self._require_team(post)
        if isinstance(post, ExercisePost) and self.channel.audience.outward:
            raise Rejected(
                _("{alert} is an exercise, but {channel} reaches the public: refused.").format(
                    alert=post.alert, channel=self.channel.name
                ),
                scope=Scope.CHANNEL,
                code="exercise",
            )

    def _require_team(self, post: TeamPost) -> None:
        """Raises `Rejected` for a test or notice that would leave the team."""
        if self.channel.audience is not Audience.TEAM:
            raise Rejected(
                _(
                    "Not sent: tests and notices go to the team only, and {channel} is {audience} here."
                ).format(channel=self.channel.name, audience=self.channel.audience),
                scope=Scope.RECIPIENT,
                code="team",
            )
        if all(post.target != one.address for one in self.channel.targets):
            raise Rejected(
                _("Not sent: this recipient of {channel} is not in the worker's configuration.").format(
                    channel=self.channel.name
                ),
                scope=Scope.RECIPIENT,
                code="team",
            )

    @abstractmethod
    async def _send(self, post: Post) -> Receipt:
        """Make the call; turn every outcome of the library into a receipt or one of the five errors."""

    async def edit(self, post: Post) -> Receipt:
        """Replace the text of the post `post.reply_to` by that of `post`. An unchanged text is a
        success: an edit may be repeated. Only with `spec.can_edit`; raises `Rejected` otherwise."""
        raise self._cannot(post, _("{channel} cannot edit its posts ({alert})."))

    async def delete(self, post: Post) -> Receipt:
        """Delete the post `post.reply_to`. A post already deleted is a success with a note. Only with
        `spec.can_delete`; raises `Rejected` otherwise."""
        raise self._cannot(post, _("{channel} cannot delete its posts ({alert})."))

    async def pin(self, post: Post) -> Receipt:
        """Pin the post `post.reply_to` in its chat without notifying readers. Only with `spec.can_pin`;
        raises `Rejected` otherwise."""
        raise self._cannot(post, _("{channel} cannot pin posts ({alert})."))

    async def add_picture(self, post: Post) -> Receipt:
        """Post `post.picture` as a reply to `post.reply_to`, with `post.alt` as its text alternative.
        Only with `spec.picture_apart`; elsewhere a picture is part of its post."""
        raise self._cannot(post, _("{channel} cannot add a picture to a post ({alert})."))

    def secret(self, name: str, form: str = "(?s).*") -> str:
        """The value of one of the account's secrets, read now. Raises `ChannelDown` if it is missing."""
        try:
            value = self.settings.secret(name)
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None
        if not re.fullmatch(form, value):
            sentence = _("{channel}: {name} does not look like such a secret. Copy it again.")
            raise ChannelDown(sentence.format(channel=self.channel.name, name=name), code="secret")
        return value

    def _cannot(self, post: Post, sentence: str) -> Rejected:
        return Rejected(
            sentence.format(channel=self.channel.name, alert=post.alert), code="not_possible"
        )

    async def read_back(self, post: Post, receipt: Receipt) -> str | None:  # noqa: ARG002 - for subclasses
        """The text that the platform shows after `post` (HTML if the channel takes HTML), None if there
        is nothing. Only with `spec.can_read_back`. Raises the same errors as `publish` if it cannot
        tell."""
        raise self._cannot(post, _("{channel} cannot show what it has posted ({alert})."))

    async def prepare(self, post: Post) -> None:
        """Work that may be done before the call is recorded as begun and that nobody sees, such as
        uploading a picture. Called only for posts with a picture. Its exceptions are only logged."""

    @abstractmethod
    async def identify(self) -> str:
        """Ask the platform which account this is (`check --online`). Raises the same errors as
        `publish`."""

    async def find(self, post: Post) -> Receipt | None:  # noqa: ARG002 - for subclasses
        """Look for a post that was perhaps published. Only with `spec.can_reconcile`."""
        return None

    async def warm(self) -> None:
        """Load the library and read the secrets, so that the first post does not wait for them."""

    async def close(self) -> None:
        """Close connections and threads."""


def json_caller(platform: str, api_url: str, settings: "NetworkSettings") -> "JsonCaller":
    """A client for the JSON API of this server; loads its library."""
    from alertbot.channels.calling import JsonCaller

    return JsonCaller(platform, api_url, settings)


X = ChannelSpec(
    type="x",
    limit=280,
    measure=Measure.WEIGHTED,
    parts=True,
    most_posts=9,  # a lead and eight places
    can_delete=True,
    can_reply=True,
    can_read_back=True,
    can_picture=True,
    longest_alt=1000,
    can_reconcile=True,
    pace=Pace(
        per_second=1.0,
        windows=((100, timedelta(minutes=15)), (300, timedelta(hours=3))),
    ),
    price=Price("USD", post=0.015, post_with_link=0.20),
)
TELEGRAM = ChannelSpec(
    type="telegram",
    limit=4096,
    measure=Measure.UTF16,
    markup=Markup.TELEGRAM,
    form="long",
    parts=True,
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_read_back=True,
    can_picture=True,
    picture_apart=True,
    longest_alt=1024,
    pace=Pace(per_second=29.0, per_chat_second=0.98),
)
BLUESKY = ChannelSpec(
    type="bluesky",
    limit=300,
    measure=Measure.GRAPHEMES,
    limit_bytes=3000,
    parts=True,
    most_posts=9,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    one_pin=True,
    can_read_back=True,
    can_picture=True,
    longest_alt=2000,
    can_reconcile=True,
    repeat_safe=timedelta(
        days=1
    ),  # a record has the key that we give it: only the moment of birth ages
    pace=Pace(  # 5,000 points an hour and 35,000 a day; a post costs three, a deletion one
        per_second=2.0,
        windows=((1600, timedelta(hours=1)), (11_600, timedelta(days=1))),
    ),
)
MASTODON = ChannelSpec(
    type="mastodon",
    limit=500,
    measure=Measure.GRAPHEMES,
    address_length=23,
    parts=True,
    most_posts=9,
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_read_back=True,
    can_picture=True,
    longest_alt=1500,
    can_reconcile=True,
    repeat_safe=timedelta(hours=1),  # so long it keeps an Idempotency-Key
    pace=Pace(per_second=1.0, windows=((300, timedelta(minutes=5)),)),
)
EMAIL = ChannelSpec(
    type="email",
    limit=None,
    markup=Markup.EMAIL,
    form="long",
    per_recipient=True,
    can_picture=True,
    public_post=False,
    pace=Pace(per_second=20_000.0),
)
PAGE = ChannelSpec(
    type="page",
    limit=None,
    markup=Markup.PAGE,
    form="long",
    can_reconcile=True,
    repeat_safe=timedelta(days=3650),  # the same text in the same place
)
APPRISE = ChannelSpec(type="apprise", limit=None, form="long", pace=Pace(per_second=1.0))
CONSOLE = ChannelSpec(
    type="console",
    limit=None,
    form="long",
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_picture=True,
    public_post=False,
)
MEMORY = ChannelSpec(
    type="memory",
    limit=None,
    form="long",
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_read_back=True,
    can_picture=True,
)
HAND = ChannelSpec(
    type="hand",
    limit=None,
    form="long",
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_picture=True,
    repeat_safe=timedelta(days=3650),  # nobody has posted anything before it is in a person's hands
)

SHIPPED = {
    spec.type: spec
    for spec in (X, TELEGRAM, BLUESKY, MASTODON, EMAIL, PAGE, APPRISE, CONSOLE, MEMORY, HAND)
}
