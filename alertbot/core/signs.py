"""Signs that nobody sees: named with place and code point, so that a person can find them. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from alertbot.core.frozen import dataclass
from alertbot.core.words import _

_ZWNJ, _JOINER = "\u200c", "\u200d"
_VARIANTS = "\ufe0e\ufe0f"  # text or emoji form of the sign before
_KEYCAP = "\u20e3"
_FLAG = "\U0001f3f4"  # followed by tags: the flag of Scotland
_TAGS = re.compile("[\U000e0020-\U000e007f]")
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_JOINING = re.compile("[\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
_VISIBLE_FORMAT = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
# Unicode's default-ignorable signs that are no format characters, the blank of Braille, and what stands for a
# sign that was lost.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\uffa0\ufff0-\ufff8\ufffd\ufffe\uffff"
    "\ufe00-\ufe0f\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SUSPECT = re.compile(  # the few code points worth a second look; a text without any is done in one pass
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\uffff\U00010000-\U0010ffff]"
)


def is_ignorable(sign: str) -> bool:
    """Whether a reader sees nothing of this sign: a format or control character, a filler, a variant."""
    return unicodedata.category(sign) in ("Cf", "Cc", "Cs") or bool(_BLANK.match(sign))


def first_hidden(text: str, allowed: str = "") -> int | None:
    """The index of the first sign that is invisible, broken or private; None if there is none.

    `allowed`: control characters that may stand there, such as a line end. What makes an emoji or joins
    letters of scripts that need it is no fault.
    """
    for found in _SUSPECT.finditer(text):
        sign, at = found[0], found.start()
        if sign in allowed or _VISIBLE_FORMAT.match(sign):
            continue
        hidden = unicodedata.category(sign) in ("Cf", "Cc", "Cs", "Co", "Zl", "Zp") or _BLANK.match(
            sign
        )
        if hidden and not _belongs(text, at):
            return at
    return None


def _belongs(text: str, at: int) -> bool:
    """Whether this sign is part of an emoji, or of a script that needs joiners."""
    sign, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if sign in _VARIANTS:
        return _pictured(before) or after == _KEYCAP
    if sign == _JOINER and _pictured(after):
        return _pictured(before) or before in _VARIANTS or bool(_SKIN.match(before))
    if sign in (_JOINER, _ZWNJ):
        return bool(_JOINING.match(before) and _JOINING.match(after))
    if _TAGS.match(sign):
        return (
            _FLAG in text[max(at - 7, 0) : at]
            and not _TAGS.sub("", text[:at][-7:]).rpartition(_FLAG)[2]
        )
    return False


def _pictured(sign: str) -> bool:
    return (bool(sign) and unicodedata.category(sign) in ("So", "Sk", "Sm")) or sign in (
        "‼",
        "⁉",
        "〰",
        "〽",
    )


def named(sign: str) -> str:
    """`U+202A LEFT-TO-RIGHT EMBEDDING`."""
    code = f"U+{ord(sign):04X}"
    name = unicodedata.name(sign, "")
    if not name and unicodedata.category(sign) == "Cc":
        name = _CONTROLS.get(sign, "CONTROL CHARACTER")
    return f"{code} {name}".strip()


_CONTROLS = {
    "\0": "NULL",
    "\t": "TAB",
    "\n": "LINE END",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
}


def hidden_place(text: str, allowed: str = "") -> str:
    """What is invisible in a text and where, as the beginning of a sentence; empty if nothing is:
    `character 1 (U+202A LEFT-TO-RIGHT EMBEDDING) is invisible or broken`."""
    at = first_hidden(text, allowed)
    if at is None:
        return ""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    if "\n" in text:
        sentence = _("line {line}, character {at} ({name}) is invisible or broken")
    else:
        sentence = _("character {at} ({name}) is invisible or broken")
    return sentence.format(line=line, at=column, name=named(text[at]))


@lru_cache(maxsize=256)
def shown(text: str) -> str:
    """The text with everything invisible spelled out: `‹U+202A›04 65 71`."""
    if not _SUSPECT.search(text):
        return text
    return "".join(f"‹U+{ord(sign):04X}›" if _unseen(sign) else sign for sign in text)


def _unseen(sign: str) -> bool:
    hidden = is_ignorable(sign) or unicodedata.category(sign) in ("Co", "Zl", "Zp")
    return hidden and sign not in "\n\t"


# --- the skeleton of a text: as a reader or a telephone takes it ----------------------------------


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A text as it is judged. `spans`: for each of its characters, where it came from."""

    text: str
    spans: tuple[tuple[int, int], ...]
    original: str

    def piece(self, start: int, end: int) -> str:
        """What was written between two places of the skeleton."""
        return self.original[self.spans[start][0] : self.spans[end - 1][1]]


@lru_cache(maxsize=64)
def skeleton(text: str) -> Skeleton:
    """The skeleton of a text."""
    signs: list[str] = []
    spans: list[tuple[int, int]] = []
    for at, sign in enumerate(text):
        folded = sign if sign.isascii() else _folded(sign)
        signs.append(folded)
        spans += [(at, at + 1)] * len(folded)
    return Skeleton("".join(signs), tuple(spans), text)


@lru_cache(maxsize=4096)
def _folded(sign: str) -> str:
    if (digits := _digits(sign)) is not None:
        return digits
    kept = (one for one in unicodedata.normalize("NFKD", sign) if not _dropped(one))
    return "".join(_digits(one) or _WRITTEN_OTHERWISE.get(one, one) for one in kept)


def _dropped(sign: str) -> bool:
    return is_ignorable(sign) or unicodedata.category(sign) in ("Mn", "Me")


_WRITTEN_OTHERWISE = {"。": ".", "\u2044": "/", "\U0001f17e": "O"}


def _digits(sign: str) -> str | None:
    """The digits that a sign stands for: in another script, in a circle, as a Roman numeral."""
    value = unicodedata.numeric(sign, -1)
    return str(int(value)) if 0 <= value < 100 and value == int(value) else None


def replaced(of: Skeleton, pieces: Sequence[tuple[int, int, str]]) -> Skeleton:
    """The skeleton with pieces of it in other words; each takes the whole place of the old one."""
    text, spans, last = [], [], 0
    for start, end, words in pieces:
        text += [of.text[last:start], words]
        spans += [*of.spans[last:start], *[(of.spans[start][0], of.spans[end - 1][1])] * len(words)]
        last = end
    return Skeleton(
        "".join((*text, of.text[last:])), (*spans, *of.spans[last:]), of.original
    )  # fmt: skip
