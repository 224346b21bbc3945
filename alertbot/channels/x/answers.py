"""What X answers, and what stands in it. Pure.

The sentences that tell refusals apart are those that X gives in 2026, as users report them.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from alertbot.channels.base import compared_words
from alertbot.core.errors import safe
from alertbot.core.model import Receipt
from alertbot.core.words import _

OWN_PICTURE = re.compile(r"https?://(x|twitter)\.com/\w+/status/\d+/(photo|video)/\d+$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case; `body` is {} unless it was a JSON object. `secrets`:
    what no sentence may repeat."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def detail(self) -> str:
        """The sentence in which X says why, or ""."""
        errors = self.body.get("errors")
        listed = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
        told = [e.get("message") or e.get("detail") for e in listed]
        found = [self.body.get("detail"), *told, self.body.get("title")]
        return next((text for text in found if isinstance(text, str) and text), "")

    def why(self) -> str:
        """The reason that X gives, without our secrets."""
        return safe(self.detail, *self.secrets) or _("no reason given")

    def says(self, pattern: str) -> bool:
        """Whether what tells one refusal from another, the sentence and the type, matches."""
        return re.search(pattern, f"{self.detail} {self.body.get('type')}", re.IGNORECASE) is not None

    def data(self) -> Mapping[str, Any]:
        """The object under `data`, or {}."""
        data = self.body.get("data")
        return data if isinstance(data, dict) else {}

    def is_duplicate(self) -> bool:
        return self.status == 403 and self.says("duplicate")

    def parent_not_visible(self) -> bool:
        """A reply that came too soon after the post it answers: X's servers do not all know it yet."""
        return self.status in (400, 403) and self.says("deleted or not visible")

    def is_reply_rule(self) -> bool:
        """X does not let this account reply here, or the post to answer is gone; it may still post."""
        replies = self.status in (400, 403) and self.says(r"\brepl(y|ies|ying)\b")
        return replies and not self.is_duplicate()

    def is_about_media(self) -> bool:
        """X does not take the picture; it may still take the text."""
        return self.status == 400 and self.says(r"\bmedia\b")

    def is_gone(self) -> bool:
        """The post is not there. A server that does not know the address at all says 404 too, but not
        in X's form."""
        known = self.status == 404 and bool(self.detail)
        return known or (self.status == 200 and self.data().get("deleted") is False)


def is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,25}", value) is not None


def receipt(remote_id: str) -> Receipt:
    """Of a post with this id; X finds the account by itself."""
    return Receipt(remote_id, f"https://x.com/i/web/status/{remote_id}")


def post_with(text: str, timeline: object) -> str | None:
    """The id of the newest post of a timeline (the `data` of X's answer) with this text."""
    wanted = compared_words(text)
    entries = [one for one in timeline if isinstance(one, dict)] if isinstance(timeline, list) else []
    found = (one.get("id") for one in entries if compared_words(as_posted(one)) == wanted)
    return next(filter(is_id, found), None)


def as_posted(entry: Mapping[str, Any]) -> str:
    """The text of a post as it was sent: X shortens links and escapes `&`, `<`, `>`."""
    text, entities = entry.get("text"), entry.get("entities")
    posted = text if isinstance(text, str) else ""
    urls = entities.get("urls") if isinstance(entities, dict) else None
    for url in urls if isinstance(urls, list) else []:
        short, long = (url.get("url"), url.get("expanded_url")) if isinstance(url, dict) else ("", "")
        if isinstance(short, str) and isinstance(long, str) and short:
            posted = posted.replace(short, "" if OWN_PICTURE.match(long) else long)
    return html.unescape(posted)
