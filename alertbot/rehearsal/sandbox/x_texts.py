"""What goes into the X API and comes out of it: requests read strictly, posts written as X does."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from alertbot.rehearsal.sandbox import x_answers
from alertbot.rehearsal.sandbox.accounts import XPost
from alertbot.rehearsal.sandbox.http import Reply
from alertbot.texts.posts.measure import weighted_length

TAKEN = {
    "text",
    "reply",
    "media",
    "quote_tweet_id",
    "reply_settings",
    "made_with_ai",
    "paid_partnership",
}
NOT_FOR_THIS_ACCOUNT = {
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "nullcast",
    "poll",
    "share_with_followers",
}
INSIDE = {
    "reply": {"in_reply_to_tweet_id", "auto_populate_reply_metadata", "exclude_reply_user_ids"},
    "media": {"media_ids", "tagged_user_ids"},
}
NUMBER = re.compile(r"[0-9]{1,19}")
MEASURED_CHARACTERS = 600  # longer texts are too long whatever they hold, except for long addresses
ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}»’']")
SMALLEST_PAGE, USUAL_PAGE, LARGEST_PAGE = 5, 10, 100


@dataclass(frozen=True, slots=True)
class WantedPost:
    """A post somebody wants to make."""

    text: str
    reply_to: str | None
    media_ids: tuple[str, ...]
    quotes: bool


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Which part of a timeline is asked for."""

    size: int
    since: int
    until: int | None

    def holds(self, post: XPost) -> bool:
        return self.since < int(post.id) and (self.until is None or int(post.id) < self.until)


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, None where there is none."""
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def read_post(body: bytes) -> WantedPost | Reply:
    """Read a request for a post, or say what is wrong with it as X would."""
    content = read_object(body)
    if content is None:
        return x_answers.invalid("The request body is not a JSON object")
    unknown = _unknown(content)
    if unknown:
        return x_answers.invalid(f"$.{unknown}: is not defined in the schema")
    if NOT_FOR_THIS_ACCOUNT & set(content):
        return x_answers.forbidden(
            f"You are not permitted to use {min(NOT_FOR_THIS_ACCOUNT & set(content))}."
        )
    text, parent = content.get("text", ""), _inside(content.get("reply"), "in_reply_to_tweet_id")
    media_ids = _inside(content.get("media"), "media_ids")
    if not isinstance(text, str):
        return x_answers.invalid("$.text: a string is expected")
    if "reply" in content and not is_id(parent):
        return x_answers.invalid(
            "$.reply.in_reply_to_tweet_id: does not match the pattern ^[0-9]{1,19}$"
        )
    if "media" in content and not (
        isinstance(media_ids, list) and media_ids and all(is_id(item) for item in media_ids)
    ):
        return x_answers.invalid("$.media.media_ids: an array of 1 to 4 ids is expected")
    return WantedPost(text, parent, tuple(media_ids or ()), "quote_tweet_id" in content)


def _unknown(content: Mapping[str, Any]) -> str:
    """The first key X does not know, empty where it knows all."""
    for key in sorted(set(content) - TAKEN - NOT_FOR_THIS_ACCOUNT):
        return key
    for outer, known in INSIDE.items():
        inner = content.get(outer)
        for key in sorted(set(inner) - known) if isinstance(inner, dict) else ():
            return f"{outer}.{key}"
    return ""


def is_id(value: object) -> bool:
    """Whether it can be the id of anything on X."""
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None


def _inside(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def read_page(query: Mapping[str, str]) -> TimelinePage | Reply:
    """Read which part of a timeline is asked for, or say what is wrong."""
    given = {name: query.get(name, "") for name in ("since_id", "until_id", "pagination_token")}
    size = query.get("max_results", str(USUAL_PAGE))
    if any(value and not is_id(value) for value in given.values()):
        return x_answers.invalid("An id in the query is not a number")
    if not is_id(size) or not SMALLEST_PAGE <= int(size) <= LARGEST_PAGE:
        return x_answers.invalid(
            f"The `max_results` query parameter value [{size}] is not between 5 and 100"
        )
    borders = [int(given[name]) for name in ("until_id", "pagination_token") if given[name]]
    return TimelinePage(int(size), int(given["since_id"] or 0), min(borders) if borders else None)


def alternative_text(fields: Mapping[str, Any]) -> str | None:
    """The description in a request for media metadata."""
    text = _inside(_inside(fields.get("metadata"), "alt_text"), "text")
    return text if isinstance(text, str) else None


def weight(text: str) -> int:
    """The weighted length, as X counts it."""
    if len(ADDRESS.sub("", text)) > MEASURED_CHARACTERS:
        return len(text)
    return weighted_length(text)


def public_text(post: XPost) -> tuple[str, list[dict[str, Any]]]:
    """The text as X gives it back, with its links replaced, and the list of those links."""
    links: list[dict[str, Any]] = []
    written: list[str] = []
    end = 0
    for found in ADDRESS.finditer(post.text):
        short = "https://t.co/" + hashlib.sha256(f"{post.id} {found.start()}".encode()).hexdigest()[:10]
        written += [html.escape(post.text[end : found.start()], quote=False), short]
        start = sum(len(html.unescape(part)) for part in written[:-1])
        display = re.sub(r"^https?://(www\.)?", "", found.group())
        links.append(
            {
                "start": start,
                "end": start + len(short),
                "url": short,
                "expanded_url": found.group(),
                "display_url": display if len(display) <= 26 else display[:26] + "…",
            }
        )
        end = found.end()
    written.append(html.escape(post.text[end:], quote=False))
    if post.pictures:
        written.append(_picture_link(post, sum(len(html.unescape(part)) for part in written), links))
    return "".join(written), links


def _picture_link(post: XPost, at: int, links: list[dict[str, Any]]) -> str:
    """X writes the address of a post's pictures behind its text."""
    short = "https://t.co/" + hashlib.sha256(f"{post.id} picture".encode()).hexdigest()[:10]
    space = " " if at else ""
    start = at + len(space)
    links += [
        {
            "start": start,
            "end": start + len(short),
            "url": short,
            "expanded_url": f"https://x.com/{post.author}/status/{post.id}/photo/1",
            "display_url": f"pic.x.com/{short[-10:]}",
            "media_key": f"3_{picture.id}",
        }
        for picture in post.pictures
    ]
    return space + short


def as_json(post: XPost, author_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """A post as X shows it: id and text, and the fields asked for in `tweet.fields`."""
    text, links = public_text(post)
    asked = set((query.get("tweet.fields") or query.get("post.fields") or "").split(","))
    extra: dict[str, Any] = {
        "author_id": author_id,
        "conversation_id": post.conversation,
        "created_at": post.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    if links:
        extra["entities"] = {"urls": links}
    if post.reply_to:
        extra["in_reply_to_user_id"] = author_id
        extra["referenced_tweets"] = [{"type": "replied_to", "id": post.reply_to}]
    answer = {"id": post.id, "text": text, "edit_history_tweet_ids": [post.id]}
    return answer | {name: value for name, value in extra.items() if name in asked}
