"""The program's own words, in the reader's language.

Sentences for people are written in English in the code, wrapped in `_()`, and looked up in the
catalogue `locale/<language>/LC_MESSAGES/alertbot.mo`. The language follows the usual environment
(`LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`); English where there is no catalogue. Texts for the
*public* never come from here: they are templates (see `compose`).
"""

import gettext
from pathlib import Path

DOMAIN = "alertbot"
LOCALE = str(Path(__file__).parent / "locale")

_catalogue = gettext.translation(DOMAIN, LOCALE, fallback=True)

_ = _catalogue.gettext
ngettext = _catalogue.ngettext


def language() -> str:
    """The two-letter language of the program's words, `fr` or `en`."""
    return str(_catalogue.info().get("language", "en"))[:2]
