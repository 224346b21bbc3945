"""How long a text is, as the platform counts it.

X weighs a text: an address counts 23, an emoji 2, most scripts 1 per character, the rest 2. Words of an
ordinary alert are weighed by two patterns; any other word by `exact_weight`, which has X's own patterns, one by
one and only up to a length, since their time grows steeply with the dots of a word. That is sound because
neither an address nor an emoji spans white space.

X's patterns, with all top-level domains and emoji sequences, lie in `x_patterns.json`. They are those of
the package `twitter-text-parser` (its licence lies beside them); `make patterns` takes them from it again, and
the tests compare the results. Each is compiled when a word needs it."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from alertbot.core.model import ChannelSpec, Measure

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


WIDEST_WORD = 400  # characters; the time grows with the cube of the dots
MOST_DOTS = 40

# Every code point that weighs 1 and takes part in no emoji: no ©, no ®, no joiner U+200D.
_LIGHT = "\\x00-\u00a8\u00aa-\u00ad\u00af-\u10ff\u2000-\u200c\u2010-\u201f\u2032-\u2037"
# These weigh 2 and take part in no emoji. Mind that the narrow no-break space U+202F is among them: texts use U+00A0.
_HEAVY = "…•€→←↑≤≥■▌\u202f"
# These weigh 2 as a whole, with or without the variation selector.
_EMOJI = "(?:[ℹ☎⚠]\ufe0f?|[✅❌⛔⏰📞📢📱📍🚨🚒🚑🔴🟠🟢🔵])(?![\ufe0f\u20e3\U0001f3fb-\U0001f3ff])"
_LABEL = "[a-z0-9](?:-?[a-z0-9]){0,30}"
_ADDRESS = re.compile(
    rf"(?<![^\s(])https?://(?:{_LABEL}\.){{1,5}}(?:fr|org|com|net|eu|info)"
    r"(?:/(?:[A-Za-z0-9_/-]{0,200}[A-Za-z0-9_/-])?)?(?=[.,;:!?)]*(?:\s|$))"
)
_WEB_ADDRESS = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]}»”’\"']", re.IGNORECASE)
_SINGLE = re.compile(
    "[\\x00-\\x0c\\x0e-\u02ff\u2010-\u2027\u202f-\u205e€→←]*"
)  # each is a sign of its own
_PLAIN = re.compile(f"(?:[{_LIGHT}]|[{_HEAVY}]|{_EMOJI})*")
_WEIGHS_TWO = re.compile(f"{_EMOJI}|[{_HEAVY}]")
# A dot that could stand inside a domain name: something other than an end of phrase follows it.
_DOMAIN_DOT = re.compile(r"\.(?![\s\d.,;:!?)»\"”…*]|$)")
_WORD = re.compile(r"(?:^|[ \n])[^ \n]+")


def measure(text: str, how: Measure) -> int:
    """The length of a plain text as this measure counts it."""
    return _MEASURES[how](text)


def counted(text: str, spec: ChannelSpec) -> int:
    """The length of a plain text as this channel counts it against its limit. Where it limits bytes too, their share
    of the limit if that is more."""
    if spec.address_length is not None:
        text = _WEB_ADDRESS.sub(lambda found: "x" * _counted_address(found[0], spec), text)
    length = measure(text, spec.measure)
    if spec.limit is None or spec.limit_bytes is None:
        return length
    return max(length, -(-len(text.encode("utf-8", "replace")) * spec.limit // spec.limit_bytes))


def _counted_address(address: str, spec: ChannelSpec) -> int:
    """The fixed length of an address; an unusual one, which the platform may not take for one, never counts less
    than it is long."""
    fixed = spec.address_length or 0
    return fixed if _ADDRESS.fullmatch(address) else max(fixed, len(address))


def graphemes(text: str) -> int:
    """What readers see as one sign each, by Unicode's rules (UAX 29)."""
    if _SINGLE.fullmatch(text):
        return len(text)
    from wcwidth import iter_graphemes

    return sum(1 for _sign in iter_graphemes(text))


def utf16_length(text: str) -> int:
    """UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def weighted_length(text: str) -> int:
    """The length X counts: exact, except that a word of over 400 characters or 40 dots that is not a
    plain address may count too much, never too little."""
    text = normal(text)
    light = _plain_weight(text)
    if light is not None:
        return light
    words = _WORD.findall(text)
    return len(text) - sum(map(len, words)) + sum(map(_word_weight, words))


def normal(text: str) -> str:
    """The text as X counts and stores it: composed characters (NFC), newlines as line ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text)


def _plain_weight(text: str) -> int | None:
    """The weight of an ordinary text; None where only `exact_weight` knows."""
    if "." in text:
        text = _ADDRESS.sub("x" * ADDRESS_WEIGHT, text)
        if _DOMAIN_DOT.search(text):
            return None
    if text.isascii():
        return len(text)
    if not _PLAIN.fullmatch(text):
        return None
    heavy = _WEIGHS_TWO.findall(text)
    return len(text) + sum(2 - len(sign) for sign in heavy)


@lru_cache(maxsize=4096)
def _word_weight(word: str) -> int:
    """The weight of a word with the white space before it: what precedes a word decides where an address
    begins."""
    light = _plain_weight(word)
    if light is not None:
        return light
    if len(word) > WIDEST_WORD or word.count(".") > MOST_DOTS:
        return 2 * len(word) + ADDRESS_WEIGHT * word.count(".")
    return exact_weight(word)


_MEASURES: dict[Measure, Callable[[str], int]] = {
    Measure.WEIGHTED: weighted_length,
    Measure.UTF16: utf16_length,
    Measure.CHARACTERS: len,
    Measure.GRAPHEMES: graphemes,
}
