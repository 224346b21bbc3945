"""What an entry of a feed reports, read from its words. Pure.

Feeds of status pages put the newest update first and keep the older ones below, so an entry that ends an
outage still tells of it. Hence two places: the *head* (the title and the first paragraph) and all of it.
"""

import re
import unicodedata
from collections.abc import Iterable
from html import unescape

from alertbot.incident.signals import Observed
from alertbot.settings.sources import FeedWords

# Linear, whatever the text; the standard library's reader of HTML takes minutes for some 50 kB.
_TAG = re.compile(r"<(?:(/?[a-zA-Z][a-zA-Z0-9]*)|[!?])[^<>]*>")
_BLOCKS = frozenset(
    ("address", "article", "blockquote", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
     "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul")
)  # fmt: skip
_EMPTY_LINE = re.compile(r"\n[^\S\n]*\n")
_BREAK = "\n\n"


def observed(title: str, paragraphs: Iterable[str], words: FeedWords) -> Observed:
    """The first of these that holds: an `up` word in the head; a `down`, then a `degraded` word in the head;
    a `down`, then a `degraded` word anywhere; else unknown.

    An `up` word further down is an earlier update and means nothing: "resolved" may have been taken back
    since. Whole words count, or whole phrases; capitals and accents make no difference.
    """
    texts = [folded(one) for one in paragraphs]
    head, everything = [folded(title), *texts[:1]], [folded(title), *texts]
    if _any(words.up, head):
        return Observed.UP
    for place in (head, everything):
        if _any(words.down, place):
            return Observed.DOWN
        if _any(words.degraded, place):
            return Observed.DEGRADED
    return Observed.UNKNOWN


def folded(text: str) -> str:
    """For comparing: small letters, no accents, single spaces."""
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(c for c in parted if not unicodedata.combining(c)).split())


def paragraphs_of(html: str) -> tuple[str, ...]:
    """The text of some HTML or plain text, by paragraph, without those that are empty. Block elements and,
    in plain text, empty lines part paragraphs; `<br>` does not."""
    plain = unescape(_TAG.sub(_parting, html))
    lines = (" ".join(one.split()) for one in _EMPTY_LINE.split(plain))
    return tuple(line for line in lines if line)


def _parting(tag: re.Match[str]) -> str:
    name = (tag[1] or "").lstrip("/").lower()
    return _BREAK if name in _BLOCKS else " " if name == "br" else ""


def _any(words: Iterable[str], texts: Iterable[str]) -> bool:
    phrases = [re.escape(folded(one)) for one in words if folded(one)]
    if not phrases:
        return False
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")
    return any(pattern.search(text) for text in texts)
