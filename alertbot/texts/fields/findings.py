"""Finding things in a text: claims about the whole country, emoji, capitals; differences in numbers, times
and addresses between languages. Pure. (What could be dialled or becomes a link: `numbers/rules_words`.)

Every function returns the pieces as written, so that a person sees what is meant.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from alertbot.core.frozen import dataclass
from alertbot.regions.facts import in_force
from alertbot.regions.region import Region

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a-\u23ff\u2139]\ufe0f?")
_CAPITALS = re.compile(r"\b[A-ZÀ-ÖØ-Þ]{2,}(?:[\s,’'-]+[A-ZÀ-ÖØ-Þ]{2,}){2,}\b")


def plainly(text: str) -> str:
    """The text as a reader or a phone would take it: compatibility forms (full width) and digits of
    every script normalised, invisible characters removed."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace("。", ".")
    return _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), folded)


def everywhere(text: str) -> Iterator[str]:
    """Words that claim the whole country is affected (R12)."""
    yield from (found[0] for found in _everywhere(in_force()).finditer(text))


@lru_cache(maxsize=16)
def _everywhere(pack: Region) -> re.Pattern[str]:
    """Words for the whole country, the pack's own among them."""
    own = sorted({*pack.within.values(), *pack.whole.names.values()}, key=len, reverse=True)
    names = {"the country", pack.name_in("en")}
    return re.compile(
        r"\b(?:partout|tout le pays|ensemble du (?:pays|territoire)|everywhere|nationwide|(?:the )?(?:whole|entire) country|"
        rf"{'|'.join(map(re.escape, own))}|all (?:of|over) (?:{'|'.join(map(re.escape, sorted(names)))}))\b",
        re.IGNORECASE,
    )


def emoji(text: str) -> list[str]:
    """Every emoji, in order."""
    return _EMOJI.findall(text)


def begins_with_emoji(text: str) -> int:
    """How many lines begin with an emoji, as if it were a bullet."""
    return sum(bool(_EMOJI.match(line.strip())) for line in text.splitlines())


def capitals(text: str) -> Iterator[str]:
    """Three words or more in capitals."""
    yield from (found[0] for found in _CAPITALS.finditer(text))


_ADDRESS = re.compile(r"https?://[^\s)>\]]+")
_TELEPHONE = re.compile(r"(?<!\d)0\d(?:[\s.]?\d\d){4}(?!\d)")
_TIME = re.compile(
    r"(?<!\d)([01]?\d|2[0-3])(?:(?::|\s?h\s?)([0-5]\d)(?!\d)|\s?(?:h|heures?|hours?)(?![^\W\d_]))"
)  # 16:45, 16 h 45, and 8 h, which is also how long something takes
_GROUPED = re.compile(r"(?<!\d)\d{1,3}(?:[\s,]\d{3})+(?!\d)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Difference:
    """A number, time or address that one language gives and the other does not."""

    lang: str
    without: str
    pieces: tuple[str, ...]


def differences(texts: Mapping[str, str]) -> Iterator[Difference]:
    """Every language compared with the first."""
    said = {lang: figures(text) for lang, text in texts.items()}
    first, *others = said or [""]
    for lang in others:
        for here, there in ((first, lang), (lang, first)):
            if missing := said[here] - said[there]:
                yield Difference(here, there, tuple(sorted(missing)))


@lru_cache(maxsize=16)  # two channels often say the same
def figures(text: str) -> frozenset[str]:
    """The numbers, times and addresses in a text, however the language writes them."""
    addresses = {found.rstrip(".,;:!?") for found in _ADDRESS.findall(text)}
    rest = plainly(_ADDRESS.sub(" ", text))
    found: set[str] = set()
    for pattern, write in (
        (_TELEPHONE, _digits),
        (_TIME, _time),
        (_GROUPED, _digits),
        (_NUMBER, _decimal),
    ):
        found |= {write(match) for match in pattern.finditer(rest)}
        rest = pattern.sub(" ", rest)
    return frozenset(addresses | found)


def _digits(found: re.Match[str]) -> str:
    return re.sub(r"\D", "", found[0])


def _time(found: re.Match[str]) -> str:
    return f"{int(found[1]):02}:{found[2] or '00'}"


def _decimal(found: re.Match[str]) -> str:
    return found[0].replace(",", ".")
