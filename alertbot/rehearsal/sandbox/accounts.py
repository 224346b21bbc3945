"""The sandbox's accounts and what appeared on them: users, chats and keys, posts and mails, and the
platforms' rate limits (X counts calls in windows, Telegram spaces them). Times in seconds."""

import re
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

from alertbot.core.frozen import dataclass

Timer = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota. `reset`: when the window ends (epoch seconds)."""

    limit: int
    remaining: int
    reset: float
    refused: bool = False


class CallWindow:
    """At most `calls` in each window; a window opens with the first call after the last one ended."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls, self.seconds = calls, seconds
        self._used, self._ends = 0, 0.0

    def look(self, now: float) -> Allowance:
        """What is left, without using any."""
        if now >= self._ends:
            self._used, self._ends = 0, now + self.seconds
        left = self.calls - self._used
        return Allowance(self.calls, left, self._ends, refused=left <= 0)

    def use(self, now: float) -> Allowance:
        """Count one call."""
        self.look(now)
        self._used += 1
        return Allowance(self.calls, self.calls - self._used, self._ends)


class Quota:
    """Several windows at once; the tightest one answers."""

    def __init__(self, windows: tuple[tuple[int, float], ...], speed: float) -> None:
        self._windows = [CallWindow(calls, seconds / speed) for calls, seconds in windows]

    def use(self, now: float) -> Allowance:
        """Count one call, or refuse it if a window is full (the call is then not counted)."""
        full = [state for state in (window.look(now) for window in self._windows) if state.refused]
        if full:
            return max(full, key=lambda state: state.reset)
        return min((window.use(now) for window in self._windows), key=lambda state: state.remaining)


class Spacing:
    """One call every `seconds`, with `burst` calls at once after a rest."""

    def __init__(self, seconds: float, burst: int) -> None:
        self.seconds, self.burst = seconds, burst
        self._due = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a call is allowed; 0 if it is allowed now."""
        return max(0.0, self._due - (self.burst - 1) * self.seconds - now)

    def use(self, now: float) -> None:
        self._due = max(self._due, now) + self.seconds


@dataclass(frozen=True, slots=True)
class PostedPicture:
    """A picture on a post; `description` is its text alternative, empty if there is none."""

    id: str
    description: str = ""
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class XPost:
    """A post on X. `conversation` is the id of the first post of its thread."""

    id: str
    at: datetime
    text: str
    author: str
    conversation: str
    name: str = ""  # what the author is called beside the user name
    reply_to: str | None = None
    pictures: tuple[PostedPicture, ...] = ()
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TelegramPost:
    """A message in a Telegram chat. `text` is what is read, `html` the same with safe markup."""

    id: str  # `<chat id>/<message id>`
    at: datetime
    text: str
    html: str
    chat: int
    chat_title: str
    message: int
    chat_type: str = "channel"
    reply_to: str | None = None  # the `id` of another post
    pictures: tuple[PostedPicture, ...] = ()
    buttons: tuple[tuple[str, ...], ...] = ()
    pinned: bool = False
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    earlier: tuple[tuple[datetime, str], ...] = ()  # until when it said what, as safe HTML


@dataclass(frozen=True, slots=True)
class NetworkPost:
    """A post on Bluesky or Mastodon."""

    id: str  # a record's address, or the number of a status
    network: str  # bluesky or mastodon
    at: datetime
    text: str
    author: str
    name: str
    lang: str | None = None
    reply_to: str | None = None  # the `id` of another post
    pictures: tuple[PostedPicture, ...] = ()
    visibility: str = "public"
    pinned: bool = False
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    earlier: tuple[tuple[datetime, str], ...] = ()  # until when it said what, as safe HTML


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as one recipient got it. `id` is this copy's, `message_id` the sender's."""

    id: str
    at: datetime
    sender: str  # of the envelope
    recipient: str
    subject: str
    text: str
    html: str | None
    message_id: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    language: str | None = None  # of the header Content-Language
    pictures: tuple[PostedPicture, ...] = ()  # those inside its HTML


Seen = XPost | TelegramPost | NetworkPost | Mail
T = TypeVar("T", XPost, TelegramPost, NetworkPost)


_PLACE = Mail("", datetime.min.replace(tzinfo=UTC), "", "", "", "", None, "", (), b"")


class Posts:
    """Everything published. A changed post keeps its place."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._unread: dict[str, Callable[[], Mail]] = {}

    def __iter__(self) -> Iterator[Seen]:
        for key, read in tuple(self._unread.items()):
            self._seen[key] = read()
        self._unread.clear()
        return iter(tuple(self._seen.values()))

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, post: Seen) -> None:
        self._seen[f"{type(post).__name__} {post.id}"] = post

    def add_unread(self, name: str, read: Callable[[], Mail]) -> None:
        """Add a mail that is parsed only when someone looks: parsing takes longer than receiving."""
        self._seen[f"Mail {name}"] = _PLACE
        self._unread[f"Mail {name}"] = read

    def change(self, post: T, **changes: Any) -> T:
        """Replace a post by a changed one; returns it."""
        changed = replace(post, **changes)
        self.add(changed)
        return changed

    def x(self) -> list[XPost]:
        return [post for post in self if isinstance(post, XPost)]

    def telegram(self) -> list[TelegramPost]:
        return [post for post in self if isinstance(post, TelegramPost)]

    def network(self, name: str) -> list[NetworkPost]:
        """Those on Bluesky or on Mastodon."""
        return [post for post in self if isinstance(post, NetworkPost) and post.network == name]

    def mails(self) -> list[Mail]:
        return [post for post in self if isinstance(post, Mail)]

    def x_post(self, post_id: str) -> XPost | None:
        found = self._seen.get(f"XPost {post_id}")
        return found if isinstance(found, XPost) else None

    def telegram_post(self, chat: int, message: int) -> TelegramPost | None:
        found = self._seen.get(f"TelegramPost {chat}/{message}")
        return found if isinstance(found, TelegramPost) else None


_COMMON = {
    "fr": set(
        re.findall(r"\w+", "le la les des du un une est et pas vous appelez sur pour dans en ce depuis")
    ),
    "en": set(
        re.findall(r"\w+", "the of and is are to not you call on for in this since with a at by")
    ),
}


def guess_language(text: str) -> str | None:
    """`fr` or `en` by their most common words, None if neither is clear; for screen readers only."""
    words = re.findall(r"\w+", text.lower())
    counts = {lang: sum(word in common for word in words) for lang, common in _COMMON.items()}
    best = max(counts, key=lambda lang: counts[lang])
    return best if counts[best] > min(counts.values()) else None


@dataclass(frozen=True, slots=True)
class XAccount:
    """The one X user of the sandbox and the keys of its application."""

    consumer_key: str = "sandbox-consumer-key"
    consumer_secret: str = "sandbox-consumer-secret"  # noqa: S105
    access_token: str = "1400000000000000001-sandbox-access-token"  # noqa: S105
    access_token_secret: str = "sandbox-access-token-secret"  # noqa: S105
    bearer_token: str = "sandbox-user-token"  # noqa: S105
    id: str = "1400000000000000001"
    username: str = "sandbox"
    name: str = "Sandbox"
    self_replies: bool = True  # False: every reply is refused, as for an account nobody summoned


@dataclass(frozen=True, slots=True)
class BlueskyAccount:
    """The one Bluesky account of the sandbox. `handle` None: the one that logs in."""

    handle: str | None = None
    app_password: str = "sandbox-app-password"  # noqa: S105
    did: str = "did:plc:sandbox2sandbox2sandbox2"
    name: str = "Sandbox"


@dataclass(frozen=True, slots=True)
class MastodonAccount:
    """The one Mastodon account of the sandbox, and its server's limit."""

    access_token: str = "1400000000000000001-sandbox-access-token"  # noqa: S105
    id: str = "109876543210987654"
    username: str = "alertes"
    name: str = "Sandbox"
    most_characters: int = 500


class ChatObject(TypedDict, total=False):
    """A chat as the Bot API writes it."""

    id: int
    type: str
    title: str
    first_name: str
    username: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A Telegram chat the bot is in. `type`: private, group, supergroup or channel."""

    id: int
    type: str
    title: str
    username: str | None = None

    def as_json(self) -> ChatObject:
        """The chat as the Bot API writes it."""
        answer: ChatObject = {"id": self.id, "type": self.type}
        if self.type == "private":
            answer["first_name"] = self.title
        else:
            answer["title"] = self.title
        if self.username:
            answer["username"] = self.username
        return answer


@dataclass(frozen=True, slots=True)
class TelegramAccount:
    """The sandbox's bot.

    `chats` None: every well-formed address is a chat the bot may write to (`@name` and `-100…` a
    channel, another negative number a group, a positive one a person). Otherwise only the given ones
    exist.
    """

    token: str = "1400000001:sandbox-bot-token-for-rehearsals-only"  # noqa: S105
    name: str = "Sandbox"
    username: str = "sandbox_bot"
    chats: tuple[Chat, ...] | None = None

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """The mail server's requirements. With a `username`, it accepts mail only after a login."""

    username: str | None = None
    password: str = ""
