"""What X makes of words that are no plain ones: where an address begins and ends, what is one emoji.

X's own patterns, with all top-level domains and emoji sequences, lie in `x_patterns.json`. They are those of
the package `twitter-text-parser` (its licence lies beside them); `make patterns` takes them from it again, and
the tests compare the results. Each is compiled when a word needs it.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ADDRESS_WEIGHT = 23
PATTERNS = Path(__file__).with_name("x_patterns.json")
LONGEST_SLUG = 40  # of t.co
LIGHT = re.compile("[\\x00-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")


def exact_weight(text: str) -> int:
    """The weight of a text in NFC with newlines as line ends. Slow on long words with many dots."""
    ends = {start: (end, 2) for start, end in _emoji(text)}
    ends |= {start: (end, ADDRESS_WEIGHT) for start, end in _addresses(text)}
    weight = place = 0
    while place < len(text):
        end, heavy = ends.get(place) or (place + 1, 1 if LIGHT.match(text, place) else 2)
        weight, place = weight + heavy, end
    return weight


def _emoji(text: str) -> Iterator[tuple[int, int]]:
    if text.isascii():  # keycaps too hold a sign beyond
        return
    for found in _pattern("emoji").finditer(text):
        yield found.span()


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    if "." not in text:
        return
    for found in _pattern("address").finditer(text):
        _all, before, address, protocol, domain, _port, path, _query = found.groups()
        start = found.end() - len(address)
        if not _has_ascii_form(domain):
            continue
        if protocol:
            yield from _with_protocol(address, start)
        elif before not in ("-", "_", ".", "/"):
            yield from _bare(address, domain, path, start)


def _with_protocol(address: str, start: int) -> Iterator[tuple[int, int]]:
    """An address of X's own shortener ends after its slug, and is none where that is too long."""
    short = _pattern("short").search(address)
    if short is None:
        yield start, start + len(address)
    elif len(short[1]) <= LONGEST_SLUG:
        yield start, start + len(short[0])


def _bare(address: str, domain: str, path: str | None, start: int) -> Iterator[tuple[int, int]]:
    """Of an address without `https://` only domains that are ASCII count, the last with what follows."""
    spans = [found.span() for found in _pattern("ascii_domain").finditer(domain)]
    for first, last in spans[:-1]:
        yield start + first, start + last
    if spans:
        first, last = spans[-1]
        length = len(address.replace(domain, domain[first:last])) if path else last - first
        yield start + first, start + first + length


def _has_ascii_form(domain: str) -> bool:
    try:
        return bool(domain.encode("idna"))
    except UnicodeError:
        return False


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_patterns()[name], 0 if name == "emoji" else re.IGNORECASE)


@cache
def _patterns() -> dict[str, str]:
    found: dict[str, str] = json.loads(PATTERNS.read_text(encoding="utf-8"))
    return found
