"""What goes into the X API and comes out of it: requests read strictly, posts written as X does."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from alertbot.sandbox import x_answers as answers
from alertbot.sandbox.http import Reply
from alertbot.sandbox.posts import XPost

KNOWN_KEYS = {
    "text",
    "reply",
    "media",
    "quote_tweet_id",
    "reply_settings",
    "made_with_ai",
    "paid_partnership",
    "nullcast",
    "poll",
    "for_super_followers_only",
    "direct_message_deep_link",
    "community_id",
    "share_with_followers",
}
MEASURED_CHARACTERS = 600  # longer texts are too long whatever they hold, except for long addresses
ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}»’']")
SMALLEST_PAGE, USUAL_PAGE, LARGEST_PAGE = 5, 10, 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """A post somebody wants to make."""

    text: str
    reply_to: str | None
    media_ids: tuple[str, ...]
    quotes: bool


@dataclass(frozen=True, slots=True)
class Page:
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


def read_post(body: bytes) -> Wanted | Reply:
    """Read a request for a post, or say what is wrong with it as X would."""
    content = read_object(body)
    if content is None:
        return answers.invalid("The request body is not a JSON object")
    for key in content:
        if key not in KNOWN_KEYS:
            return answers.invalid(
                f"$.{key}: is not defined in the schema and the schema does not allow it"
            )
    text, reply, media = content.get("text", ""), content.get("reply"), content.get("media")
    if not isinstance(text, str):
        return answers.invalid("$.text: a string is expected")
    parent = _inside(reply, "in_reply_to_tweet_id")
    media_ids = _inside(media, "media_ids") or []
    if reply is not None and not (isinstance(parent, str) and parent.isdecimal()):
        return answers.invalid("$.reply.in_reply_to_tweet_id: does not match the pattern ^[0-9]{1,19}$")
    if not isinstance(media_ids, list) or not all(isinstance(item, str) for item in media_ids):
        return answers.invalid("$.media.media_ids: an array of strings is expected")
    return Wanted(text, parent, tuple(media_ids), "quote_tweet_id" in content)


def _inside(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def read_page(query: Mapping[str, str]) -> Page | Reply:
    """Read which part of a timeline is asked for, or say what is wrong."""
    given = {name: query.get(name, "") for name in ("since_id", "until_id", "pagination_token")}
    size = query.get("max_results", str(USUAL_PAGE))
    if any(value and not value.isdecimal() for value in given.values()):
        return answers.invalid("An id in the query is not a number")
    if not size.isdecimal() or not SMALLEST_PAGE <= int(size) <= LARGEST_PAGE:
        return answers.invalid(
            f"The `max_results` query parameter value [{size}] is not between 5 and 100"
        )
    borders = [int(given[name]) for name in ("until_id", "pagination_token") if given[name]]
    return Page(int(size), int(given["since_id"] or 0), min(borders) if borders else None)


def alternative_text(fields: Mapping[str, Any]) -> str | None:
    """The description in a request for media metadata."""
    text = _inside(_inside(fields.get("metadata"), "alt_text"), "text")
    return text if isinstance(text, str) else None


def weight(text: str) -> int:
    """The weighted length, as X counts it."""
    from alertbot.compose.measure import weighted_length

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
    return "".join(written), links


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
