"""Who speaks: whether an actor's word is the operator's own. Pure.

In doubt it is: a claim that is taken for a confirmation tells the public too early that all is well (R11).
"""

import re
import unicodedata
from collections.abc import Iterator

_BETWEEN = re.compile(r"[,;/&+]|\b(?:et|and|und|via|with|avec)\b", re.IGNORECASE)
_EMPTY = frozenset({
    "the", "of", "for", "and", "le", "la", "les", "l", "de", "du", "des", "d", "et", "un", "une", "a",
    "al", "der", "die", "das", "sa", "sas", "plc", "inc", "ltd", "gmbh", "ag", "group", "groupe",
    "company", "societe", "operator", "operateur", "national", "nationale", "france",
})  # fmt: skip
# Words that many bodies have in their names: one of them in common makes nobody the same.
_SHARED = frozenset({
    "samu", "sdis", "sis", "pompiers", "police", "gendarmerie", "prefecture", "prefectures", "prefet",
    "prefets", "ministere", "ministre", "ministry", "minister", "ars", "securite", "civile", "service",
    "services", "agence", "agency", "fire", "ambulance", "rescue", "emergency", "government",
    "gouvernement", "centre", "center", "office", "state", "departement", "region", "city", "county",
})  # fmt: skip


def speaks_for(actor: str, operator: str) -> bool:
    """Whether this actor is the operator, speaks for it or with it: `Orange France`, `Orange via RTL` and
    `Stéphane Richard (PDG Orange)` are Orange. So is nobody in particular. Of an operator that is not
    known nobody is a part."""
    heard = set(_tokens(actor))
    groups = [words for part in _BETWEEN.split(actor) if (words := _telling(part))]
    return not groups or any(
        _same(name, heard, groups) for name in map(_telling, _BETWEEN.split(operator)) if name
    )


def _same(name: tuple[str, ...], heard: set[str], groups: list[tuple[str, ...]]) -> bool:
    brand = name[0] not in _SHARED and name[0] in heard
    return brand or heard.issuperset(name) or any(set(name).issuperset(group) for group in groups)


def _telling(part: str) -> tuple[str, ...]:
    """The words that tell one body from another; all of them where none does."""
    words = tuple(_tokens(part))
    return tuple(word for word in words if word not in _EMPTY) or words


def _tokens(text: str) -> Iterator[str]:
    bare = unicodedata.normalize("NFKD", text.casefold())
    yield from re.findall(r"\w+", "".join(sign for sign in bare if not unicodedata.combining(sign)))
