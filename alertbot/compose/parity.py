"""Whether two languages of one text give the same numbers, times and addresses (R26); pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from alertbot.compose.findings import plainly

_ADDRESS = re.compile(r"https?://[^\s)>\]]+")
_TELEPHONE = re.compile(r"(?<!\d)0\d(?:[\s.]?\d\d){4}(?!\d)")
_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3])[:h]([0-5]\d)(?!\d)")
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
    """The numbers, times and addresses of a text, however the language writes them."""
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
    return f"{int(found[1]):02}:{found[2]}"


def _decimal(found: re.Match[str]) -> str:
    return found[0].replace(",", ".")
