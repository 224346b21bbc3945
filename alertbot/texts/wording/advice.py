"""What a text tells callers, as far as a small French and English lexicon can recognise it (R9): which
line to use, which number first, whether it is over. Pure. Ignores accents, case and the kind of
apostrophe.

Instructions are read in order, without what is said for another case ("if", "sinon", "then"); the first
clear word counts. Text that is not recognised means nothing: silence is never a contradiction.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from alertbot.regions.facts import in_force
from alertbot.regions.region import Region

LANDLINE, MOBILE, ANY = "landline", "mobile", "any"
SHORT, LONG = "short", "long"

_LINES = {
    LANDLINE: re.compile(r"\b(?:fixes?|filaires?|land[ -]?lines?|fixed[ -](?:lines?|phones?))\b"),
    MOBILE: re.compile(r"\b(?:mobiles?|portables?|smartphones?|cell(?:ular)?[ -]?phones?)\b"),
}
_OTHER = {LANDLINE: MOBILE, MOBILE: LANDLINE}
_AGAINST = re.compile(
    r"\b(?:evite[rz]|ne|n'\w+|pas|plus jamais|jamais|sauf|hors|plutot qu\w*|au lieu d\w*"
    r"|avoid|not|don't|never|except|no|than|instead of)\b"
)
_ANOTHER_CASE = re.compile(  # what follows is for callers who have tried the rest
    r"\b(?:si|s'il|sinon|a defaut|faute d\w*|sans|en cas d'echec|en l'absence|quand|lorsque|puis|ensuite"
    r"|if|otherwise|or else|else|unless|without|when|then|no answer)\b"
)
_POLITENESS = re.compile(
    r"\b(?:si possible|si vous (?:le )?pouvez|if possible|if you can|when possible)\b"
)
_FIRST = re.compile(
    r"\b(?:d'abord|en premier(?: lieu)?|en priorite|first(?! (?:aid|respond\w*|floor)))\b"
)
_LONG_NUMBER = re.compile(r"(?<!\d)(?:\+\d{1,3} ?|0)[1-9](?:[ .-]?\d{2}){4}(?!\d)")
_SPACED = 6  # digits of 116 117
_LENGTHS = {
    SHORT: re.compile(
        r"\b(?:numeros? (?:courts?|habituels?|d'urgence habituels?)|(?:short|usual) numbers?)\b"
    ),
    LONG: re.compile(
        r"\b(?:numeros? (?:longs?|provisoires?|de secours|a (?:dix|10) chiffres)"
        r"|(?:long|provisional|fallback|ten[ -]digit|10[ -]digit) numbers?)\b"
    ),
}
_OVER = re.compile(
    r"\b(?:retabli(?:e|s|es)?|retours? a la normale|restored|back (?:to normal|in service)"
    r"|(?:panne|incident) (?:est )?(?:termine|resolu)e?s?|(?:outage|fault) is (?:over|fixed|resolved))\b"
)
_NOT_OVER = re.compile(
    r"\b(?:pas|non|sera|seront|serait|bientot|en cours|jusqu\w*|avant|apres|quand|lorsque|une fois|des qu\w*"
    r"|partiellement|en partie|estime\w*|prevue?|attendue?|vers|si|not|isn't|aren't|yet|will|soon|until"
    r"|before|after|when|once|being|part(?:ly|ially)|expected|if|towards?)\b"
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|;")
_CLAUSE = re.compile(r"[,:()]|\b(?:mais|but|et non|and not)\b")


def line_in(text: str) -> str | None:
    """The line to use: `landline`, `mobile`, or `any` if both will do; None if no line is named."""
    for sentence in _first_cases(text):
        wanted, shunned = _lines_of(sentence)
        if len(left := wanted - shunned) == 1:
            return left.pop()
        if left:
            return ANY
        if len(shunned) == 1:
            return _OTHER[shunned.pop()]
    return None


def first_in(text: str) -> frozenset[str]:
    """The numbers to try first: short ones as written, `short` or `long` if only the length is given. A
    ten-digit number is `long`. Empty: no order is given."""
    for sentence in _first_cases(text):
        if not _FIRST.search(sentence) or re.search(r"\b(?:pas|not|don't|never|jamais)\b", sentence):
            continue
        rest, longs = _LONG_NUMBER.subn(" ", sentence)
        short, slash = _short_numbers(in_force())
        found = {number.replace(" ", "") for number in short.findall(slash.sub(" , ", rest))}
        found |= {length for length, words in _LENGTHS.items() if words.search(rest)}
        if longs:
            found.add(LONG)
        if found:
            return frozenset(found)
    return frozenset()


@lru_cache(maxsize=16)
def _short_numbers(pack: Region) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A short number of this country in a sentence, and the slash of `15/17/18`, which is no date."""
    spaced = (one if len(one) < _SPACED else f"{one[:3]} ?{one[3:]}" for one in pack.short)
    known, urgent = "|".join(spaced), "|".join(pack.emergency)
    after = "|".join(rf"(?<={one})" for one in pack.emergency)
    return (
        re.compile(rf"(?<![\d.,:/+-])(?:{known})(?! ?(?:h\b|[:%€]|min)|[\d/]|[., ]\d{{2}}\b)"),
        re.compile(rf"(?:{after})/(?=(?:{urgent})\b)"),
    )


def says_over(text: str) -> bool:
    """Whether the text says that service is restored; "not yet", "will be" and "partly" do not count."""
    return any(
        _OVER.search(clause) and not _NOT_OVER.search(clause)
        for sentence in _SENTENCE.split(_plain(text))
        for clause in re.split(r"[,:()]", sentence)
    )


def _first_cases(text: str) -> Iterator[str]:
    """Each sentence up to where it turns to another case. A question and its answer are another case."""
    asked = False
    for sentence in _SENTENCE.split(_POLITENESS.sub("", _plain(text))):
        head = _ANOTHER_CASE.split(sentence, maxsplit=1)[0]
        if not asked and "?" not in sentence and head.strip():
            yield head
        asked = "?" in sentence


def _lines_of(sentence: str) -> tuple[set[str], set[str]]:
    """The lines that a sentence recommends and those it advises against."""
    wanted: set[str] = set()
    shunned: set[str] = set()
    for clause in _CLAUSE.split(sentence):
        for line, words in _LINES.items():
            if found := words.search(clause):
                against = _AGAINST.search(clause, 0, found.start())
                (shunned if against else wanted).add(line)
    return wanted, shunned


def _plain(text: str) -> str:
    """Lower case, without accents, with one kind of apostrophe and space."""
    spread = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    letters = "".join(sign for sign in spread if not unicodedata.combining(sign))
    return re.sub(r"[^\S\n]+", " ", letters)
