"""Finding a post again in what X shows of an account, pure."""

import html
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard

OWN_PICTURE = re.compile(r"https?://(x|twitter)\.com/\w+/status/\d+/(photo|video)/\d+$")
LINK = re.compile(r"https?://", re.IGNORECASE)


def is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,25}", value) is not None


def post_with(text: str, timeline: object) -> str | None:
    """The id of the newest post of a timeline (the `data` of X's answer) with this text."""
    wanted = normalised(text)
    for entry in timeline if isinstance(timeline, list) else []:
        if (
            isinstance(entry, dict)
            and wanted == normalised(as_posted(entry))
            and is_id(entry.get("id"))
        ):
            return str(entry["id"])
    return None


def url_of(remote_id: str) -> str:
    """Where a post stands; X finds the account by itself."""
    return f"https://x.com/i/web/status/{remote_id}"


def as_posted(entry: Mapping[str, Any]) -> str:
    """The text of a post as it was sent: X shortens links and escapes `&`, `<`, `>`."""
    text = entry.get("text")
    entities = entry.get("entities")
    urls = entities.get("urls") if isinstance(entities, dict) else None
    posted = text if isinstance(text, str) else ""
    for url in urls if isinstance(urls, list) else []:
        short, long = (url.get("url"), url.get("expanded_url")) if isinstance(url, dict) else ("", "")
        if isinstance(short, str) and isinstance(long, str) and short:
            posted = posted.replace(short, "" if OWN_PICTURE.match(long) else long)
    return html.unescape(posted)


def normalised(text: str) -> str:
    """What is left to compare: NFC, single spaces, addresses without scheme and last slash."""
    words = LINK.sub("", unicodedata.normalize("NFC", text)).split()
    return " ".join(word.rstrip("/") for word in words)
