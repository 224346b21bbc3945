"""RSS and Atom: what the newest entries say about a service. Pure: bytes in, signals out; nothing is fetched."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import feedparser

from alertbot.incident.signals import Signal
from alertbot.polling.entry_words import observed, paragraphs_of
from alertbot.settings.sources import FeedSettings
from alertbot.sources.base import UnknownShape, no_later, text
from alertbot.words import _

MOST_ENTRIES = 50
NEWS_FOR = timedelta(days=7)
LONGEST_ENTRY = 50_000  # characters of an entry's text that are read

Entry = dict[str, Any]


def parse(body: bytes, *, source: str, now: datetime, settings: FeedSettings) -> tuple[Signal, ...]:
    """The newest entries, oldest first. Raises `UnknownShape` where it is no feed.

    An entry is dated by its last update, else by its publication, never later than `now`; one older than
    seven days is history. Without a date only the first entry of the feed is news, seen now.
    """
    found = _feed(body, source)
    signals = [
        _signal(entry, source, now, settings, is_first=not number)
        for number, entry in enumerate(found[:MOST_ENTRIES])
    ]
    return tuple(sorted(signals, key=lambda one: one.at))


def _feed(body: bytes, source: str) -> list[Entry]:
    """The entries. The bytes go in as a stream: the library takes other values for file names to open, and
    text for addresses to fetch. It neither loads what a document type names nor expands its entities."""
    try:
        found = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        entries = list(found.entries)
    except Exception:  # noqa: BLE001 - a foreign reader of foreign bytes; any failure is the same answer
        raise _none(source, body) from None
    if not found.get("version"):
        raise _none(source, body)
    return entries


def _none(source: str, body: bytes) -> UnknownShape:
    return UnknownShape(source, body, _("it is no RSS or Atom feed"))


def _signal(
    entry: Entry, source: str, now: datetime, settings: FeedSettings, *, is_first: bool
) -> Signal:
    """The key holds the entry's id and its words, not its dates: some feeds date everything anew each time,
    and an entry that goes on (investigating, resolved) is each time another report."""
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
    )


def _text(entry: Entry) -> str:
    """The longest text that it has: some feeds give a shortened one beside."""
    contents = [one.get("value") for one in entry.get("content") or () if isinstance(one, Mapping)]
    texts = [str(one) for one in (*contents, entry.get("summary")) if one]
    return max(texts, key=len, default="")[:LONGEST_ENTRY]


def _moment(entry: Entry, name: str) -> datetime | None:
    """Read as plain keys: the library's own way takes one date for another where one is missing."""
    given: Sequence[int] = dict.get(entry, name) or ()
    try:
        year, month, day, hour, minute, second = given[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
