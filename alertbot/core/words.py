"""Translation of the program's own messages into the reader's language.

Messages are written in English in the code, wrapped in `_()`, and looked up in the catalogue
`locale/<language>/LC_MESSAGES/alertbot.mo`. The language comes from the environment (`LANGUAGE`,
`LC_ALL`, `LC_MESSAGES`, `LANG`), or from what a page's reader asked for (`spoken`); English if there is
no catalogue. Texts for the *public* never come from here: they are templates (see `texts`).
"""

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from pathlib import Path

DOMAIN = "alertbot"
LOCALE = str(Path(__file__).parent / "locale")
LANGUAGES = ("fr", "en")

_of_the_environment = gettext.translation(DOMAIN, LOCALE, fallback=True)
_catalogue: ContextVar[gettext.NullTranslations] = ContextVar("catalogue", default=_of_the_environment)


def _(message: str) -> str:
    """The message in the reader's language."""
    return _catalogue.get().gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """The message for `number`, in the reader's language."""
    return _catalogue.get().ngettext(one, many, number)


def language() -> str:
    """The two-letter language of the program's messages, `fr` or `en`."""
    return str(_catalogue.get().info().get("language", "en"))[:2]


@contextmanager
def spoken(lang: str) -> Iterator[None]:
    """Within it the program uses this language; English if there is no catalogue. Applies to this task
    and those it starts, so that several readers may be answered at once."""
    before = _catalogue.set(gettext.translation(DOMAIN, LOCALE, [lang], fallback=True))
    try:
        yield
    finally:
        _catalogue.reset(before)


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
