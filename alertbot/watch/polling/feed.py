"""Parsing feeds: what an entry reports, read from its words. Pure.

Status page feeds put the newest update first and keep the older ones below, so an entry that ends an
outage still mentions it. Hence two places: the *head* (title and first paragraph) and the whole entry.
"""

import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import unescape
from typing import Any

import feedparser

from alertbot.config.sources import FeedSettings, FeedWords
from alertbot.core.words import _
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import UnknownShape, no_later, text

# Linear, whatever the text (nothing is given back once taken); the standard library's reader of HTML takes minutes for some 50 kB.
_TAG = re.compile(r"<(?:(/?[a-zA-Z][a-zA-Z0-9]*+)|[!?])[^<>]*+>")
_BLOCKS = frozenset(
    ("address", "article", "blockquote", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
     "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul")
)  # fmt: skip
_EMPTY_LINE = re.compile(r"\n[^\S\n]*\n")
_BREAK = "\n\n"


def observed(title: str, paragraphs: Iterable[str], words: FeedWords) -> Observed:
    """The first match of: an `up` word in the head; a `down`, then a `degraded` word in the head; a
    `down`, then a `degraded` word anywhere; else unknown.

    An `up` word further down is an older update and means nothing: "resolved" may have been taken back
    since. Matches whole words or phrases, ignoring case and accents.
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
    """The text for comparison: lower case, no accents, single spaces."""
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(c for c in parted if not unicodedata.combining(c)).split())


def paragraphs_of(html: str) -> tuple[str, ...]:
    """The non-empty paragraphs of HTML or plain text. Block elements and, in plain text, empty lines
    separate paragraphs; `<br>` does not."""
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


MOST_ENTRIES = 50
NEWS_FOR = timedelta(days=7)
LONGEST_ENTRY = 50_000  # characters of an entry's text that are read

Entry = dict[str, Any]


def parse(body: bytes, *, source: str, now: datetime, settings: FeedSettings) -> tuple[Signal, ...]:
    """The newest entries, oldest first. Raises `UnknownShape` if it is not a feed.

    An entry is dated by its last update, else by its publication, never later than `now`; one older than
    seven days is history. Without dates only the first entry is news, seen now.
    """
    found = _feed(body, source)
    signals = [
        _signal(entry, source, now, settings, is_first=not number)
        for number, entry in enumerate(found[:MOST_ENTRIES])
    ]
    return tuple(sorted(signals, key=lambda one: one.at))


def _feed(body: bytes, source: str) -> list[Entry]:
    """The entries. The bytes are passed as a stream: the library treats other values as file names or
    addresses. It neither loads a DTD nor expands its entities."""
    try:
        found = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        entries = list(found.entries)
    except Exception:  # noqa: BLE001 - a foreign reader of foreign bytes; any failure is the same answer
        raise _none(source, body) from None
    if not found.get("version"):
        raise _none(source, body)
    return entries


def _none(source: str, body: bytes) -> UnknownShape:
    return UnknownShape(source, body, _("it is not an RSS or Atom feed"))


def _signal(
    entry: Entry, source: str, now: datetime, settings: FeedSettings, *, is_first: bool
) -> Signal:
    """The key holds the entry's id and words, not its dates: some feeds re-date everything each time,
    and an entry that changes (investigating, resolved) is a new report each time."""
    title, whole = str(entry.get("title") or ""), _text(entry)
    dated = _moment(entry, "updated_parsed") or _moment(entry, "published_parsed")
    at = no_later(dated, now)
    said = paragraphs_of(whole)
    words = "\n".join((title, *said)).encode(errors="replace")
    name = text(entry.get("id"), entry.get("link"), title)
    return Signal(
        source=source,
        service=settings.service,
        observed=observed(" ".join(paragraphs_of(title)), said, settings.words),
        at=at,
        key=f"{name[:200]}/{sha256(words).hexdigest()[:16]}",
        title=text(" ".join(paragraphs_of(title)), settings.service),
        summary=text(*said[:1]),
        url=text(entry.get("link")),
        history=now - at > NEWS_FOR or (dated is None and not is_first),
        received=now,
        told_at=at if dated is not None else None,
        entry=name[:200],
    )


def _text(entry: Entry) -> str:
    """The longest text of the entry: some feeds also give a shortened one."""
    contents = [one.get("value") for one in entry.get("content") or () if isinstance(one, Mapping)]
    texts = [str(one) for one in (*contents, entry.get("summary")) if one]
    return max(texts, key=len, default="")[:LONGEST_ENTRY]


def _moment(entry: Entry, name: str) -> datetime | None:
    """Read as plain keys: the library itself substitutes one date for another that is missing."""
    given: Sequence[int] = dict.get(entry, name) or ()
    try:
        year, month, day, hour, minute, second = given[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
