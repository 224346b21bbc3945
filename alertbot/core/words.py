"""Translation of the program's own messages into the reader's language.

Messages are written in English in the code, wrapped in `_()`, and looked up in the catalogue
`locale/<language>/LC_MESSAGES/alertbot.mo`. The language comes from the environment (`LANGUAGE`,
`LC_ALL`, `LC_MESSAGES`, `LANG`), or from what a page's reader asked for (`spoken`); English if there is
no catalogue. Texts for the *public* never come from here: they are templates (see `texts`).
"""

import gettext
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from pathlib import Path

DOMAIN = "alertbot"
LOCALE = str(Path(__file__).parent / "locale")
LANGUAGES = ("fr", "en")

_of_the_environment = gettext.translation(DOMAIN, LOCALE, fallback=True)
_catalogue: ContextVar[gettext.NullTranslations] = ContextVar("catalogue", default=_of_the_environment)


def _(message: str) -> str:
    """The message in the reader's language."""
    return _spoken(_catalogue.get().gettext(message))


def ngettext(one: str, many: str, number: int) -> str:
    """The message for `number`, in the reader's language."""
    return _spoken(_catalogue.get().ngettext(one, many, number))


_LITTLE = re.compile(r"\b((?:[DdNnSsLl]|[Qq]u|[Ll]orsqu|[Pp]uisqu|[Jj]usqu)e|[Ll]a) (?=\{(\w+)[^}]*\})")
_VOWEL = re.compile(
    r"(?!onz|oui\b)[aeiouœæàâäéèêëîïôöùûü]|y[^aeiouéèêy\W]"
    r"|h(?!ttp|aut|ambourg|anovre|arlem|avre|oll|ong|ors|u[it])",
    re.IGNORECASE,
)


class _French(str):
    """A message with a little word before a value, which loses its vowel where the value begins with one: de Léa,
    d’Élodie."""

    __slots__ = ()

    def format(self, *args: object, **given: object) -> str:
        return _shortened(self, given).format(*args, **given)


def _shortened(text: str, given: Mapping[str, object]) -> str:
    def before(little: re.Match[str]) -> str:
        return f"{little[1][:-1]}’" if elides(str(given.get(little[2], ""))) else little[0]

    return _LITTLE.sub(before, str(text))


def elides(value: str) -> bool:
    """Whether French shortens de, que, le or la before it. An h is taken as mute, but in words known to have the
    other."""
    return _VOWEL.match(value) is not None


@lru_cache(maxsize=4000)
def _spoken(text: str) -> str:
    """Of our languages only French has such words."""
    return _French(text) if _LITTLE.search(text) else text


def language() -> str:
    """The two-letter language of the program's messages, `fr` or `en`."""
    return str(_catalogue.get().info().get("language", "en"))[:2]


def preferred(asked: str, accepted: str, default: str) -> str:
    """Which of our languages a reader of a page wants: the one `asked` for in its address, else the first one that the
    browser says is `accepted` (RFC 9110, 12.5.4), else `default`."""
    if asked.lower() in LANGUAGES:
        return asked.lower()
    return next((lang for lang in _accepted(accepted) if lang in LANGUAGES), default)


def _accepted(header: str) -> list[str]:
    """The languages of `fr-CH, en;q=0.8`, the most preferred first."""
    found = []
    for entry in header[:500].split(","):
        name, _semicolon, weight = entry.partition(";")
        quality = _quality(weight)
        if quality > 0:
            found.append((-quality, name.strip().lower()[:2]))
    return [lang for _weight, lang in sorted(found, key=lambda pair: pair[0])]


def _quality(weight: str) -> float:
    value = weight.strip().removeprefix("q=")
    try:
        return float(value) if value else 1.0
    except ValueError:
        return 0.0


@contextmanager
def spoken(lang: str) -> Iterator[None]:
    """Within it the program uses this language; English if there is no catalogue. Applies to this task
    and those it starts, so that several readers may be answered at once."""
    before = _catalogue.set(gettext.translation(DOMAIN, LOCALE, [lang], fallback=True))
    try:
        yield
    finally:
        _catalogue.reset(before)


_PLACE = re.compile(r"{(\w+)[^}]*}")
_LEAST = 12  # characters of its own that a message needs to be told from others


def retold(sentence: str) -> str:
    """A sentence that the program stored in its writer's language, in the reader's. What was filled in stays as it
    was; so does a sentence that is no message of the program."""
    return _retold(sentence, language())


@lru_cache(maxsize=2000)
def _retold(sentence: str, lang: str) -> str:
    best, found = 0, sentence
    for own, text, spoken_as in _messages():
        if len(own) <= best or own not in sentence or not (given := _form(text).fullmatch(sentence)):
            continue
        best, found = len(own), _filled(spoken_as[lang], given.groupdict())
    return found


def _filled(text: str, given: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: given.get(place[1], ""), _shortened(text, given))


@cache
def _messages() -> tuple[tuple[str, str, dict[str, str]], ...]:
    """Every message in each language: its longest piece of its own, its text, and what it is in all languages. Of
    messages with a plural only the singular, for the catalogue keeps no English plural."""
    listed = vars(gettext.translation(DOMAIN, LOCALE, ["fr"]))[
        "_catalog"
    ]  # gettext has no way to list them
    found = []
    for key, said in listed.items():
        singular, form = (key, 0) if isinstance(key, str) else key
        if form or not singular:
            continue
        told = {"en": singular, "fr": said}
        for text in told.values():
            own = max(_PLACE.sub("\0", _LITTLE.sub("\0", text)).split("\0"), key=len)
            if len(own) >= _LEAST:
                found.append((own, text, told))
    return tuple(found)


@cache
def _form(message: str) -> re.Pattern[str]:
    """What the message looks like filled in; a place that comes twice holds the same."""
    parts, seen = _PLACE.split(message), set[str]()
    pattern = ""
    for at, part in enumerate(parts):
        if at % 2 == 0:
            little = at + 1 < len(parts) and _LITTLE.search(part + "{x}")
            pattern += (
                f"{re.escape(part[: little.start()])}{_either(little[1])}"
                if little
                else re.escape(part)
            )
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
    return re.compile(pattern, re.DOTALL)


def _either(little: str) -> str:
    return f"(?:{little} |{little[:-1]}’)"


_at_desk: ContextVar[bool] = ContextVar("at_desk", default=False)


def way_out(command: str, desk: str) -> str:
    """One of two finished sentences, for where the reader is: at the command line, or at a page of the desk, where
    no command is of help."""
    return desk if _at_desk.get() else command


@contextmanager
def at_desk() -> Iterator[None]:
    """Within it sentences are for whoever reads a page of the desk."""
    before = _at_desk.set(True)
    try:
        yield
    finally:
        _at_desk.reset(before)


def told(moment: datetime, zone: tzinfo | None) -> str:
    """A time in a sentence for people, in the organisation's zone, which it names because the reader may be
    elsewhere: `20:15 on 30/11 (CET)`."""
    here = moment.astimezone(zone)
    return here.strftime(_("%H:%M on %d/%m")) + f" ({here:%Z})"
