"""What acts in words: digits that could be dialled, addresses that become links, mentions. Pure.

Words are judged by their skeleton: as a reader or a telephone takes them, with compatibility forms, accents
and everything invisible removed, digits of any script and look-alikes among digits as digits, and numbers
spelled out in French or English as well. Every function returns the pieces as written, so that a person sees
what is meant.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise

from alertbot.core.frozen import dataclass
from alertbot.core.signs import Skeleton, replaced, skeleton
from alertbot.regions.facts import all_territories, in_force, top_level_domains
from alertbot.regions.region import Region

LEAST_DIALLED = 6  # digits from which a string looks like a telephone number
LEAST_LISTED = 9  # digits, where commas or words stand between the groups
LEAST_FROM_ZERO = 4  # digits, where words stand between the groups and the first begins with 0
MOST_DIGITS = 48  # in one text that are no time, date, year, known short number or postcode
MOST_AFTER_ZERO = 7  # such digits within REACH of a group that begins with 0
REACH = 160  # characters
WIDEST_GAP = 12  # signs between two groups that are still read as one number


_LOOK_ALIKE = {**dict.fromkeys("OoОоΟο", "0"), **dict.fromkeys("IlІӀ", "1"), "S": "5", "З": "3"}
_SIGNS = "".join(_LOOK_ALIKE)
_AMONG_DIGITS = re.compile(rf"(?<!\w)(?=[{_SIGNS}]*\d)[\d{_SIGNS}]*[{_SIGNS}][\d{_SIGNS}]*(?!\w)")
_ALONE = re.compile(r"(?<=\d)([^\w]{1,4})([OI]{1,2})(?=[^\w]{1,4}[\dOI])")


def _without_look_alikes(of: Skeleton) -> Skeleton:
    """`O899 7O17` with its zeros. Mind that `5 l` and `2B` stay."""
    found = [
        (one.start(), one.end(), "".join(_LOOK_ALIKE.get(sign, sign) for sign in one[0]))
        for one in _AMONG_DIGITS.finditer(of.text)
    ]
    made = replaced(of, found) if found else of
    alone = [
        (one.start(2), one.end(2), "".join(_LOOK_ALIKE[sign] for sign in one[2])) for one in _ALONE.finditer(made.text)
    ]  # fmt: skip
    return replaced(made, alone) if alone else made


# --- numbers in words ----------------------------------------------------------------------------

_FRENCH = [
    *("zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
    *("dix", "onze", "douze", "treize", "quatorze", "quinze", "seize"),
]
_FRENCH_TENS = {
    20: "vingt",
    30: "trente",
    40: "quarante",
    50: "cinquante",
    60: "soixante",
    80: "quatre-vingt",
}
_ENGLISH = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
]
_ENGLISH_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_OTHER_WORDS = {"une": 1, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90, "quatre-vingts": 80, "nought": 0}  # fmt: skip


@cache
def _numerals() -> dict[str, str]:
    """The digits of every numeral below 100, by its words without accents, with hyphens."""
    words = {word: value for value, word in enumerate(_FRENCH)} | _OTHER_WORDS
    words |= {f"dix-{_FRENCH[unit]}": 10 + unit for unit in (7, 8, 9)}
    for tens, word in _FRENCH_TENS.items():
        words |= {word: tens, f"{word}-et-un": tens + 1}
        words |= {f"{word}-{_FRENCH[unit]}": tens + unit for unit in range(1, 10)}
    below = {value: word for word, value in words.items() if 10 <= value < 20}
    for tens in (60, 80):
        words |= {f"{_FRENCH_TENS[tens]}-{word}": tens + value for value, word in below.items()}
    words |= {"soixante-et-onze": 71}
    words |= {word: value for value, word in enumerate(_ENGLISH)}
    for tens, word in enumerate(_ENGLISH_TENS, start=2):
        words |= {word: tens * 10}
        words |= {f"{word}-{_ENGLISH[unit]}": tens * 10 + unit for unit in range(1, 10)}
    return {word: str(value) for word, value in words.items()}


_WORD = re.compile(r"\w+")
_MOST_WORDS = 4  # of a numeral: quatre-vingt-dix-sept


def _said(text: str) -> Iterator[tuple[int, int, str]]:
    """Each numeral of a text, the longest at its place, with its digits."""
    words = [one.span() for one in _WORD.finditer(text)]
    at = 0
    while at < len(words):
        start = words[at][0]
        for last in range(min(at + _MOST_WORDS, len(words)) - 1, at - 1, -1):
            end = words[last][1]
            if digits := _numerals().get(text[start:end].lower().replace(" ", "-")):
                yield start, end, digits
                at = last
                break
        at += 1


_CONNECTORS = (
    r"(?:et|and|puis|then|ensuite|enfin|apres|suivie?s?(?: d[eu])?|followed|by|next|after|plus|encore|again|tiret|point|dash|"
    r"dot|espace|space|virgule|comma|barre|slash)"
)
_LINKED = re.compile(rf"[^\w]*(?:{_CONNECTORS}[^\w]+){{1,3}}", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(rf"(?:[\s,;.\-/]{{1,4}}|[\s,;.\-/]*(?:{_CONNECTORS}[\s,;.\-/]+){{1,2}})", re.IGNORECASE)  # fmt: skip
LEAST_NUMERALS = 3  # in a row: `un deux trois`; fewer are words of a sentence


def _spoken(of: Skeleton) -> list[list[tuple[int, int, str]]]:
    """Rows of numerals, among them digits: `zéro 4, soixante-cinq`; each with its place and its digits."""
    said = list(_said(of.text))
    if not said:
        return []
    rows: list[list[tuple[int, int, str]]] = []
    for one in sorted(
        (*said, *((found.start(), found.end(), found[0]) for found in _GROUP.finditer(of.text)))
    ):
        if rows and _BETWEEN_WORDS.fullmatch(of.text, rows[-1][-1][1], one[0]):
            rows[-1].append(one)
        else:
            rows.append([one])
    return [row for row in rows if len(row) >= LEAST_NUMERALS]


_GROUP = re.compile(r"\d+")


def _begins_with_zero(row: Sequence[tuple[int, int, str]]) -> bool:
    return row[0][2].startswith("0") and sum(len(one[2]) for one in row) >= LEAST_FROM_ZERO


# --- digits --------------------------------------------------------------------------------------

_MONTH = (
    r"(?:janv(?:ier|\.)?|fevr(?:ier|\.)?|mars|avr(?:il|\.)?|mai|juin|juil(?:let|\.)?|aout|sept(?:embre|\.)?|"
    r"oct(?:obre|\.)?|nov(?:embre|\.)?|dec(?:embre|\.)?|january|february|march|april|may|june|july|august|"
    r"september|october|november|december|jan|feb|apr|jun|jul|aug|sep)\b"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_HOUR = r"(?:[01]?\d|2[0-3])"
_TOKEN = re.compile(
    rf"(?<![\d.])(?:"
    rf"(?P<date>(?<!\d[/.\-])(?:(?:19|20)\d\d-(?:0\d|1[0-2])-{_DAY}|{_DAY}/(?:0?[1-9]|1[0-2])/(?:(?:19|20)\d\d|\d\d)|"
    rf"{_DAY}\.(?:0?[1-9]|1[0-2])\.(?:19|20)\d\d)(?![/.\-]\d))|"
    rf"(?P<day>{_DAY}\s?(?:er|st|nd|rd|th)?\s(?:of\s)?{_MONTH}(?:\s(?:19|20)\d\d)?|{_MONTH}\s{_DAY}(?:st|nd|rd|th)?(?:,?\s(?:19|20)\d\d)?)|"
    rf"(?P<time>{_HOUR}\s?(?:[:h]|heures?)\s?[0-5]\d(?::[0-5]\d)?|{_HOUR}\s?(?:h|heures?|[ap]\.?m)\b)"
    rf")(?!\d)|(?P<quantity>(?<!\d\W)(?:[1-9]\d? \d{{3}}|(?!118)[1-9]\d{{0,2}}(?:,\d{{3}}){{1,2}})(?!\d|,\d))|(?P<digits>\+?\d+)",
    re.IGNORECASE,
)  # fmt: skip
_UNIT_SIGN = re.compile(r"[%€$£°]")
_FULL_STOP = re.compile(r"[,;\n]|[.!?]\s")


@dataclass(frozen=True, slots=True)
class _Token:
    """A date, a time or a group of digits in a skeleton."""

    kind: str
    start: int
    end: int
    digits: str

    @property
    def bare(self) -> bool:
        return self.kind in ("digits", "quantity")


_EVERY_GAP = frozenset({"tight", "listed", "linked"})


def _tokens(text: str) -> list[_Token]:
    return [
        _Token(one.lastgroup or "", one.start(), one.end(), re.sub(r"\D", "", one[0]))
        for one in _TOKEN.finditer(text)
    ]


def _gap(text: str, one: _Token, other: _Token) -> str:
    """What stands between two tokens: `tight`, `listed` (comma, line end), `linked` (a word such as
    then), or nothing that lets them be read as one number."""
    between = text[one.end : other.start]
    if _LINKED.fullmatch(between):
        return "linked"
    if len(between) > WIDEST_GAP or re.search(r"[^\W_]", between) or _UNIT_SIGN.search(between):
        return ""
    return "listed" if _FULL_STOP.search(between) else "tight"


def _runs(text: str, tokens: Sequence[_Token], gaps: frozenset[str]) -> Iterator[list[_Token]]:
    run = list(tokens[:1])
    for one, other in pairwise(tokens):
        if _gap(text, one, other) in gaps:
            run.append(other)
        else:
            yield run
            run = [other]
    if run:
        yield run


def dialled(text: str) -> Iterator[str]:
    """Digits that look like a phone number and are not a list of known short numbers (R1)."""
    plain = skeleton(text)
    rows = _spoken(plain)
    yield from (plain.piece(row[0][0], row[-1][1]) for row in rows if _begins_with_zero(row))
    of = _without_look_alikes(replaced(plain, [one for row in rows for one in row]) if rows else plain)
    tokens = _tokens(of.text)
    for run in _runs(of.text, tokens, frozenset({"tight"})):
        if _close(run):
            yield of.piece(run[0].start, run[-1].end)
    for run in _runs(of.text, tokens, _EVERY_GAP):
        if _far(of.text, run):
            yield of.piece(run[0].start, run[-1].end)
    pack = in_force()
    for called in _forms(pack).called.finditer(of.text):
        if not _known(called[1]) and compact(called[1]) not in pack.habits.misprints:
            yield of.piece(*called.span(1))
    yield from _over_budget(of, tokens)


def compact(groups: str) -> str:
    """The digits alone."""
    return re.sub(r"\D", "", groups)


def _known(groups: str) -> bool:
    """Whether these are known short numbers, in any grouping: `116 117`, `31 14`, `15/17/18`."""
    return _all_short(tuple(_GROUP.findall(groups)), in_force())


@lru_cache(maxsize=1024)
def _all_short(groups: tuple[str, ...], pack: Region) -> bool:
    if not groups:
        return True
    return any(
        "".join(groups[:count]) in pack.short and _all_short(groups[count:], pack)
        for count in (1, 2, 3)
    )


def _close(run: Sequence[_Token]) -> bool:
    """Whether tokens with nothing but signs between them are a number."""
    bare = [one.digits for one in run if one.bare]
    times = sum(one.kind == "time" and len(one.digits) > 2 for one in run)
    mixed = times >= 2 and bool(bare) and not _all_short(tuple(bare), in_force())
    if times >= 3 or mixed:
        return sum(len(one.digits) for one in run) >= LEAST_DIALLED
    if len(run) == 1 and run[0].kind == "quantity":
        return False  # 120,000 with the comma of thousands
    rest = [one for one in bare if not _YEAR.fullmatch(one)]
    if (
        len(rest) < len(bare)
        and sum(map(len, rest)) < LEAST_DIALLED
        and not "".join(rest).startswith("0")
    ):
        return False  # 2019-2021, or a year in brackets
    return sum(map(len, bare)) >= LEAST_DIALLED and not _all_short(tuple(bare), in_force())


def _far(text: str, run: Sequence[_Token]) -> bool:
    """Whether groups with commas or words between them are a number."""
    groups = [one for one in run if one.bare]
    if len(groups) < 2 or _known(" ".join(one.digits for one in groups)) or _departments(text, groups):
        return False
    if groups[0].digits.startswith("0") and not all(map(_stands_alone, groups)):
        linked = any(_gap(text, one, other) == "linked" for one, other in pairwise(run))
        return sum(len(one.digits) for one in groups) >= (LEAST_FROM_ZERO if linked else LEAST_DIALLED)
    return sum(len(one.digits) for one in groups if not _stands_alone(one)) >= LEAST_LISTED


_YEAR = re.compile(r"(?:19|20)\d\d")


def _stands_alone(one: _Token) -> bool:
    """Whether this is a quantity such as 11 800, a year or a postcode."""
    return bool(
        one.kind == "quantity"
        or _YEAR.fullmatch(one.digits)
        or _forms(in_force()).postcode.fullmatch(one.digits)
    )


_THEN = re.compile(r"\b(?!(?:et|and)\b)[^\W\d_]+")


def _departments(text: str, groups: Sequence[_Token]) -> bool:
    """Whether these are codes of territories: named as such, or in ascending order."""
    codes = [one.digits for one in groups]
    apart = " ".join(text[one.end : other.start] for one, other in pairwise(groups))
    if not all(code in all_territories() for code in codes) or _THEN.search(apart.lower()):
        return False
    before = text[max(groups[0].start - 60, 0) : groups[0].start]
    return bool(_forms(in_force()).before_codes.search(before)) or all(
        one < other for one, other in pairwise(codes)
    )


def _over_budget(of: Skeleton, tokens: Sequence[_Token]) -> Iterator[str]:
    """A number taken apart: more digits in one text than it can need, or too many after a group with a
    leading zero."""
    lists = [run for run in _runs(of.text, tokens, _EVERY_GAP) if _departments(of.text, run)]
    listed = {one for run in lists for one in run if len(run) > 1}
    counted = [one for one in tokens if one.bare and one not in listed and not _harmless(of.text, one)]
    if sum(len(one.digits) for one in counted) > MOST_DIGITS:
        yield of.piece(counted[0].start, counted[-1].end)
    for at, one in enumerate(counted):
        near = [other for other in counted[at:] if other.start - one.start <= REACH]
        if (
            len(one.digits) > 1
            and one.digits[0] == "0"
            and sum(len(each.digits) for each in near) > MOST_AFTER_ZERO
        ):
            yield of.piece(near[0].start, near[-1].end)
            return


def _harmless(text: str, one: _Token) -> bool:
    return one.digits in in_force().short or _stands_alone(one) or _code_of_place(text, one)


def _code_of_place(text: str, one: _Token) -> bool:
    """Whether a territory's name stands beside its code: `Ain (01)`, `01 Ain`."""
    place = all_territories().get(one.digits)
    if place is None:
        return False
    beside = skeleton(text[max(one.start - 30, 0) : one.end + 30]).text.casefold()
    return any(skeleton(name).text.casefold() in beside for name in place.names.values())


_CALL = (
    r"\b(?:r?appel\w*|compos\w*|call|calls|calling|dial\w*|ring|num[eé]ros?|numbers?|t[eé]l\w*|faites|joignez)"
    r"\W{1,3}(?:(?:d[’']urgence|emergency|le|the|au|on)\W{1,2}){0,2}"
)
_FOLLOWS = r"(?=\s*(?:$|[.,;!?)\n]|(?:ou|or|et|and|pour|for|if|si|from|depuis|d[’']|again|first|now|instead|de nouveau|d’abord|maintenant)(?![\w])))"
_GROUPED = r"\d{2,5}(?!\d)|\d{2,3}[ .\-]\d{2,3}(?!\d)|\d\d?(?:[ .\-]\d\d?){1,4}(?!\d)"


@dataclass(frozen=True, slots=True)
class _Forms:
    """How digits look in sentences of a country: postcodes, what stands before a list of territories' codes, digits
    that people are told to call, and misprints among short numbers."""

    postcode: re.Pattern[str]
    before_codes: re.Pattern[str]
    called: re.Pattern[str]
    among_short: re.Pattern[str]


@lru_cache(maxsize=16)
def _forms(pack: Region) -> _Forms:
    habits = pack.habits
    never = "(?!)"
    dialled = "|".join(rf"{one}(?!\d)" for one in habits.dialled) or never
    calling = rf"(?:{_CALL}|\b(?:le|au|du|the)\s(?={dialled}))"
    words = "|".join(map(re.escape, habits.territory_words)) or never
    short, wrong = (
        "|".join(map(re.escape, one)) or never for one in (pack.emergency, habits.misprints)
    )
    between = r"\b[\s,;/]*(?:(?:et|ou|and|or|le)[\s]*)*\b"
    return _Forms(
        postcode=re.compile(habits.postcode or never),
        before_codes=re.compile(rf"(?:{words})\w*\W", re.IGNORECASE),
        called=re.compile(rf"{calling}({_GROUPED}){_FOLLOWS}", re.IGNORECASE),
        among_short=re.compile(rf"\b(?:{short}){between}({wrong})\b(?!\s*[:h%\d])"),
    )


def misprinted(text: str) -> Iterator[str]:
    """12 or 122 where an emergency number is meant (R2)."""
    plain = skeleton(text).text
    pack = in_force()
    for pattern in (_forms(pack).called, _forms(pack).among_short):
        for found in pattern.finditer(plain):
            if found[1] in pack.habits.misprints:
                yield found[1]


_QUIET = re.compile(r"[A-Za-z\u00c0-\u024f ,'’()«»\u00a0-]*")


def acting(text: str) -> str:
    """What acts in a short text: `digits`, `link`, or nothing. Cheap for the words of a large file."""
    return _acting(text, in_force())


@lru_cache(maxsize=4096)
def _acting(text: str, _pack: Region) -> str:
    if _QUIET.fullmatch(text) and not _spoken(skeleton(text)):
        return ""
    if next(links(text), None) or next(mentions(text), None):
        return "link"
    return "digits" if next(dialled(text), None) else ""


# --- addresses and mentions ----------------------------------------------------------------------

_LABEL = r"[\w\u0900-\u0dff\u0e30-\u0e4e\u102b-\u103e](?:[\w\u0900-\u0dff\u0e30-\u0e4e\u102b-\u103e-]*[\w\u0900-\u0dff\u0e30-\u0e4e\u102b-\u103e])?"  # fmt: skip
_CANDIDATE = re.compile(rf"(?<![\w@.-])(?:[\w.+-]+@)?{_LABEL}(?:\.{_LABEL})+(?:[/?#:]\S*)?")
_SCHEME = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|\b(?:https?|ftp|tel|mailto|sms|smsto|geo|callto|sips?|skype|facetime|tg|magnet|"
    r"whatsapp|javascript|data|intent|market):(?=[^\s])\S+",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# X and Telegram: accounts, hashtags with a letter, cashtags; Telegram: commands to a bot.
_MENTION = re.compile(
    r"(?<![\w])(?:@[^\s@]+|#\w*[^\W\d]\w*|\$[A-Za-z]{1,8}\b)|(?<![^\s(,;:])/[A-Za-z]\w{1,31}(?![\w/])"
)


@cache
def domains() -> frozenset[str]:
    """Every top-level domain, as registered (`xn--p1ai`) and as written, in the form of a skeleton."""
    known = top_level_domains()
    return known | {skeleton(_in_letters(one)).text.lower() for one in known}


def _in_letters(domain: str) -> str:
    return domain[4:].encode().decode("punycode") if domain.startswith("xn--") else domain


def links(text: str) -> Iterator[str]:
    """Web and mail addresses, with or without a scheme, as X, Telegram or a mail program makes links of
    them."""
    of = skeleton(text)
    for pattern in (_SCHEME, _ADDRESSED):
        yield from (of.piece(*found.span()) for found in pattern.finditer(of.text))
    if "." in of.text:
        for found in _CANDIDATE.finditer(of.text):
            host = re.split(r"[/?#:]", found[0].rpartition("@")[2])[0]
            if any(label.lower() in domains() for label in host.split(".")[1:]):
                yield of.piece(*found.span())


def mentions(text: str) -> Iterator[str]:
    """`@account`, `#tag`, `$TAG` and `/command`."""
    of = skeleton(text)
    yield from (of.piece(*found.span()) for found in _MENTION.finditer(of.text))
