"""The cells of a row: words for people, checked like every word that goes out (R1)."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from alertbot.errors import Refused
from alertbot.register.entry import EVERY_LANGUAGE
from alertbot.words import _

LONGEST_WORDING = 80
MOST_CALLS = 100_000
_LONGEST_SOURCE = 2000
_LONGEST_VERSION = 10
_LINK_OR_MENTION = re.compile(r"[@#]\w|https?:|www\.|\w\.(?:fr|com|org|net|info)\b", re.IGNORECASE)
_MANY_DIGITS = re.compile(r"(?:\d[\s.\-]?){6,}")
_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co"})


class BadRow(Refused):
    """This row cannot be used."""

    def __init__(self, sentence: str, rule: str = "invalid_number") -> None:
        super().__init__(sentence)
        self.rule = rule


def cell(raw: Mapping[str, Any], column: str) -> str:
    """The text of a cell; empty where there is none. Raises `BadRow`."""
    value = raw.get(column)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and column != "number":
        return str(value)
    raise BadRow(
        _("{column}: put {value} in quotes, so that no digit is lost.").format(
            column=column, value=str(value)[:40]
        ),
        "wrong_type",
    )


def wording(raw: Mapping[str, Any], column: str) -> dict[str, str]:
    """The words of a column per language: from `column`, `column.fr`, … or a mapping. Raises `BadRow`."""
    value, tag = raw.get(column), f"{column}."
    by_lang = dict(value) if isinstance(value, Mapping) else {EVERY_LANGUAGE: cell(raw, column)}
    for key in raw:
        if key.startswith(tag):
            by_lang[key.partition(".")[2]] = raw[key]
    checked = {str(lang): worded(str(text)) for lang, text in by_lang.items() if text}
    return {lang: words for lang, words in checked.items() if words}


def worded(text: str, *, verbatim: bool = False) -> str:
    """The words with single blanks. `verbatim`: a name or a source, which may look like a link.

    Raises `BadRow`.
    """
    text = " ".join(text.split())
    if len(text) > LONGEST_WORDING:
        raise BadRow(
            _("“{text}…” is longer than {most} characters.").format(
                text=text[:30], most=LONGEST_WORDING
            ),
            "too_long",
        )
    _refuse_controls(text)
    if not verbatim and _LINK_OR_MENTION.search(text):
        raise BadRow(_("“{text}” holds a link, a tag or a mention.").format(text=text), "link_in_text")
    if not verbatim and _MANY_DIGITS.search(text):
        raise BadRow(
            _("“{text}” holds digits that look like a number; a number has its own row.").format(
                text=text
            ),
            "digits_in_text",
        )
    return text


def _refuse_controls(text: str) -> None:
    if not text.isprintable() and any(unicodedata.category(sign) in _CONTROLS for sign in text):
        raise BadRow(_("a cell holds control characters."), "control_characters")


def capacity(text: str) -> int | None:
    """Calls at once (R8). Raises `BadRow`."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text[:7]) <= MOST_CALLS:
        return int(text)
    raise BadRow(_("capacity: “{text}” is not a number of calls.").format(text=text[:40]), "wrong_type")


def version(text: str) -> int:
    """The version of an entry; 0: none. Raises `BadRow`."""
    if text and not (text.isascii() and text.isdigit() and len(text) < _LONGEST_VERSION):
        raise BadRow(_("version: “{text}” is not a whole number.").format(text=text[:40]), "wrong_type")
    return int(text or 0)


def sources(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the number was read: a list, or one on each line of a cell."""
    value = raw.get("source_url")
    given = value if isinstance(value, list | tuple) else cell(raw, "source_url").splitlines()
    lines = (" ".join(str(one).split())[:_LONGEST_SOURCE].strip() for one in given if one)
    found = tuple(dict.fromkeys(line for line in lines if line))
    for line in found:
        _refuse_controls(line)
    return found
