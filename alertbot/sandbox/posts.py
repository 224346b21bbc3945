"""What the public saw: X posts, Telegram messages and mails, in the order in which they appeared."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on a post; `description` is its alternative text, empty where there is none."""

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
    pictures: tuple[Picture, ...] = ()
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
    pictures: tuple[Picture, ...] = ()
    buttons: tuple[tuple[str, ...], ...] = ()
    pinned: bool = False
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    earlier: tuple[tuple[datetime, str], ...] = ()  # until when it said what, as safe HTML


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as one recipient got it. `id` is this copy, `message_id` what its sender called it."""

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
    pictures: tuple[Picture, ...] = ()  # those inside its HTML


Seen = XPost | TelegramPost | Mail
T = TypeVar("T", XPost, TelegramPost)


_PLACE = Mail("", datetime.min.replace(tzinfo=UTC), "", "", "", "", None, "", (), b"")


class Posts:
    """Everything that appeared. A post that changes keeps its place."""

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
        """Add a mail that is taken apart when somebody looks: that takes longer than receiving it."""
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
    """`fr` or `en` by their commonest words, None where neither is clear: for screen readers only."""
    words = re.findall(r"\w+", text.lower())
    counts = {lang: sum(word in common for word in words) for lang, common in _COMMON.items()}
    best = max(counts, key=lambda lang: counts[lang])
    return best if counts[best] > min(counts.values()) else None
