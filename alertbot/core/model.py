"""The model: the nouns that every room shares. Frozen values; nothing here reads a clock, a file or a socket.
All `datetime` values are aware. `lang` is a two- or three-letter language code (`fr`, `en`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from alertbot.core.frozen import dataclass
from alertbot.core.hands import HandWork

RawValues: TypeAlias = dict[str, Any]  # field values, or cells of a row, by name as somebody typed them


class Audience(StrEnum):
    """Whom a channel reaches. `live` is the default, whatever the channel's address is."""

    LIVE = "live"
    RELAY = "relay"  # people who answer the public: call centres, town halls, carers
    TEAM = "team"
    EXERCISE = "exercise"

    @property
    def outward(self) -> bool:
        """Whether the public hears it: at once, or from those who answer it."""
        return self in (Audience.LIVE, Audience.RELAY)


class Measure(StrEnum):
    """How a platform counts the length of a text."""

    WEIGHTED = "weighted"  # X: an address counts 23, most scripts 1, CJK and emoji 2
    UTF16 = "utf16"  # Telegram: UTF-16 units after entities
    CHARACTERS = "characters"
    GRAPHEMES = "graphemes"  # what readers see as one sign (UAX 29), as Bluesky and Mastodon count


class Markup(StrEnum):
    """The markup that a channel accepts."""

    PLAIN = "plain"
    TELEGRAM = "telegram"  # `Message.html` holds Telegram HTML, `Message.text` the same in plain
    EMAIL = "email"  # `Message.html` holds a whole HTML document, `subject` is set
    PAGE = "page"  # `Message.html` holds a fragment of an article, `document` the alert as data


class AlertState(StrEnum):
    """The state of an alert; the allowed changes are `alerts.rules_moves.MOVES`."""

    DRAFT = "draft"
    PENDING = "pending"  # waits for approvers
    APPROVED = "approved"  # deliveries exist, none has started
    RETURNED = "returned"  # sent back to the author with a reason
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody approved in time, or its time to live passed before the first call
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    PARTLY_PUBLISHED = "partly_published"  # some failed, are uncertain, or were not sent
    FAILED = "failed"  # nothing reached anybody
    DISCARDED = "discarded"


class DeliveryState(StrEnum):
    """The state of a delivery (promise 1)."""

    PENDING = "pending"
    CLAIMED = "claimed"  # a worker holds it; never attempted
    SENDING = "sending"  # the intent is committed; the call may be under way
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # perhaps sent
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SKIPPED = "skipped"  # never to be sent, for a named reason


OPEN_STATES = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.SENDING)


class Role(StrEnum):
    """What a person may do. An admin manages people and may not approve by that role alone."""

    AUTHOR = "author"
    APPROVER = "approver"
    ADMIN = "admin"


class WhenUncertain(StrEnum):
    """What happens to a delivery that was perhaps sent and cannot be looked up."""

    ASK = "ask"  # a person settles it
    RESEND = "resend"  # sent once more, at most once, to single recipients only


class Purpose(StrEnum):
    """Why a message exists."""

    PUBLICATION = "publication"
    TEST = "test"  # `test-send` to the team
    NOTICE = "notice"  # the program tells the team something
    RETRACTION = "retraction"  # prepared with every alert, sent only by `retract` (R20)


class Action(StrEnum):
    """What one call does to the public record."""

    PUBLISH = "publish"
    EDIT = "edit"  # an earlier post gets a new text
    DELETE = "delete"  # an earlier post is taken away
    PIN = "pin"  # a post of ours is put on top of its chat
    PICTURE = "picture"  # a picture is put beside a post of ours, where it is a post of its own


class Relation(StrEnum):
    """How an alert follows an earlier one (CAP 1.2 msgType Update and Cancel, section 3.2.1)."""

    UPDATE = "update"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"  # of provisional numbers
    RETRACTION = "retraction"  # the prepared "disregard our message"
    CANCEL = "cancel"  # the original was false: a public denial
    END = "end"


class OnCancel(StrEnum):
    """What happens to the original post when an alert is cancelled; the denial is always published."""

    KEEP = "keep"
    STRIKE = "strike"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an account may be used. Rates are calls per second, to a group or channel per minute; windows are (calls,
    length)."""

    per_second: float | None = None
    per_chat_second: float | None = None
    windows: tuple[tuple[int, timedelta], ...] = ()
    per_group_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What one post costs, in `currency`."""

    currency: str = "USD"
    post: float = 0.0
    post_with_link: float = 0.0

    def of(self, *, has_link: bool) -> float:
        """What one such post costs."""
        return self.post_with_link if has_link else self.post


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent on an account per period."""

    amount: float
    per: timedelta


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """What a type of channel can do; declared by its adapter."""

    type: str
    limit: int | None  # of one post, in `measure`; None: no limit
    measure: Measure = Measure.CHARACTERS
    limit_bytes: int | None = None  # of one post in UTF-8, beside `limit`
    address_length: int | None = None  # what every http address counts, however long it is
    markup: Markup = Markup.PLAIN
    form: str = "short"  # the template it takes unless it has one of its own: short or long
    parts: bool = False  # a text may go out in several posts
    most_posts: int | None = None  # how many of them readers follow; None: any number
    per_recipient: bool = False  # one delivery per recipient instead of one per post
    can_edit: bool = False
    can_delete: bool = False
    can_reply: bool = False
    can_pin: bool = False
    one_pin: bool = False  # it has one place for a pinned post: the first language's
    can_read_back: bool = False  # what it shows can be fetched and compared
    can_picture: bool = False  # takes a picture beside the text, with a text alternative
    picture_apart: bool = False  # the picture is a post of its own that answers the text
    longest_alt: int | None = None  # characters of a picture's text alternative
    can_reconcile: bool = False  # can be asked whether an uncertain post exists
    repeat_safe: timedelta | None = None  # after the first call: the same again is still one post
    misread: str = ""  # pattern of what it would show as markup or as a mention
    longest_title: int = 0  # of a title beside the text; 0: it has none
    public_post: bool = True  # seen by many at once: an uncertain one is never resent blindly
    pace: Pace = Pace()
    price: Price = Price()


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of one delivery: a chat, an account, a mail address. `lang` None: the channel's
    first."""

    address: str
    lang: str | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PostAddresses:
    """The addresses that a channel's own posts have on the web. `patterns`: regular expressions, each with
    a group `id`, the platform's id of the post. `example`: one such address. `unknown`: a sentence why
    no address can be told to be the channel's own; then there are no patterns."""

    patterns: tuple[str, ...] = ()
    example: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured account, as plain data (`config` builds it; adapters get it)."""

    name: str
    spec: ChannelSpec
    languages: tuple[str, ...]
    audience: Audience = Audience.LIVE
    targets: Sequence[Target] = ()
    pace: Pace = Pace()
    budget: Budget | None = None
    on_cancel: OnCancel = OnCancel.KEEP
    contact: Mapping[str, str] = field(default_factory=dict)  # whom readers may ask, by language
    read_back: bool = False  # compare what it shows with what was approved, after publishing
    addresses: PostAddresses | None = None  # of its posts; None: any (nothing is done to a post by it)
    hand: HandWork | None = None  # who posts there, where no program can

    @property
    def type(self) -> str:
        return self.spec.type


@dataclass(frozen=True, slots=True)
class Organisation:
    """The publishing organisation. `sandbox` is true only if every channel is on loopback."""

    name: str
    languages: tuple[str, ...] = ("fr", "en")
    timezone: str = "Europe/Paris"
    verification_page: str = ""
    hashtag: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The final text of an alert for one channel, language and part."""

    channel: str
    type: str
    lang: str
    part: int  # from 1
    parts: int
    text: str  # plain text: what is posted, or the plain alternative
    html: str | None
    subject: str | None
    length: int  # in `measure`
    limit: int | None
    measure: Measure
    has_link: bool = False
    action: Action = Action.PUBLISH  # an edit: the new text of the original's part with the same number
    picture: str | None = None  # SHA-256 of the picture that goes with it
    alt: str | None = None  # the picture's text alternative
    document: str | None = None  # the alert as data, for a public page: see `texts.document`


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that accompanies a text, never replaces it (R24). `digest`: SHA-256 of `content`."""

    digest: str
    mime: str
    width: int  # pixels
    height: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an alert. `acceptable`: a judgement that a person may accept with a reason (`--accept
    RULE=REASON`), not a law."""

    rule: str
    message: str
    field: str | None = None
    channel: str | None = None
    lang: str | None = None
    acceptable: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """A topic on which an alert tells callers something else than an earlier one, with the words of
    both. `alert` is the earlier; `accepted` the reason of the person who accepted it, or None."""

    rule: str
    topic: str  # line, first, number, place, restored
    alert: str
    said: str
    says: str
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class Omission:
    """A channel or language that an alert leaves out, and why."""

    channel: str
    lang: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of an alert, for its texts: `BKRT-2` is the second alert of incident `BKRT`."""

    incident: str
    alert: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approvals:
    """The approvals a kind needs before it may be published."""

    approvers: int
    author_may_approve: bool
    expires_after: timedelta


@dataclass(frozen=True, slots=True)
class Composition:
    """Everything an alert says on every channel, and the faults that prevent it."""

    kind: str
    digest: str
    messages: tuple[Message, ...]
    targets: Mapping[str, Sequence[Target]]  # by channel, each with its language resolved
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    accepted: tuple[Fault, ...] = ()  # faults that a person accepted with a reason
    omitted: tuple[Omission, ...] = ()
    completeness: Mapping[str, bool | None] = field(default_factory=dict)  # None: not called for
    promised: tuple[datetime, ...] = ()  # times the text promises; approval is refused after them
    retraction: tuple[Message, ...] = ()  # ready to be sent by `retract`; covered by the digest (R20)
    pictures: tuple[Picture, ...] = ()

    @property
    def publishable(self) -> bool:
        return not self.faults and bool(self.messages)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long until the last recipient is reached: seconds after the first call, at the accounts'
    paces, with empty queues."""

    seconds: float
    per_channel: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the platforms charge for an alert."""

    currency: str
    amount: float


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may act. `counts`: confirmed, not revoked, token not expired. `seen_by`: ids of others who
    saw the present token, because they added the person or renewed the token."""

    id: int
    name: str
    roles: frozenset[Role]
    counts: bool
    seen_by: frozenset[int] = frozenset()

    @property
    def hands(self) -> frozenset[int]:
        """Everyone who can act with this person's token. Two people are two hands if these share nobody."""
        return self.seen_by | ({self.id} if self.id else frozenset())


MACHINE = Person(0, "alertbot", frozenset(), counts=False)
"""Who acts where no person does. Holds no role, so it can do nothing that asks for one; no row is its own."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The channel's answer. `note` tells the operator something worth knowing.

    `id`: all that the channel needs to answer, edit, delete or read the post later, in at most 200 characters. It
    comes back as `Post.reply_to`, also after a restart; a person who gives the post's address gives only the part of
    it that `PostAddresses` finds there."""

    id: str
    url: str | None = None
    note: str = ""
    without: str = ""  # why the post has no picture: a person has to see to it
    waits: str = ""  # nothing is out yet: for whom it waits, who posts it by hand


NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Post:
    """One finished text on its way to one target: what an adapter receives."""

    alert: str
    delivery: int
    attempt: int  # from 1
    target: str
    lang: str
    text: str
    html: str | None = None
    subject: str | None = None
    part: int = 1
    parts: int = 1
    reply_to: str | None = None  # remote id of the post it answers, continues, edits, deletes or pins
    message_id: str = ""  # stable over attempts; without angle brackets
    references: tuple[str, ...] = ()  # message ids of earlier mails in this thread
    uncertain_before: bool = False  # an earlier attempt was perhaps sent
    action: Action = Action.PUBLISH
    picture: Picture | None = None
    alt: str | None = None
    document: str | None = None
    born: datetime = NEVER  # when its first call began, by the database's clock; stable over attempts


@dataclass(frozen=True, slots=True)
class ExercisePost(Post):
    """A post of an exercise. Adapters of live channels refuse this type (promise 7)."""


@dataclass(frozen=True, slots=True)
class TeamPost(Post):
    """A test or a notice. Only adapters of team channels take this type, and only for their own targets."""
