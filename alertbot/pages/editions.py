"""An edition of the public page: from what was published to every file, and the same bytes again from the same record.
Pure, but for the program's own files."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files as resources
from importlib.resources.abc import Traversable

from alertbot import __version__
from alertbot.channels.page.places import POINTER, digest_of
from alertbot.core.errors import AlertbotError
from alertbot.core.json import as_json
from alertbot.core.model import Audience, Channel
from alertbot.core.words import _
from alertbot.pages import rules_standing
from alertbot.pages.views import (
    Added,
    PageEdition,
    PageSite,
    PublicAlert,
    PublicStanding,
    PublishedText,
)
from alertbot.pages.words import FOLDER
from alertbot.regions.facts import in_force
from alertbot.texts.document import AlertDocument, DocumentInvalid, from_json
from alertbot.texts.publisher import Publisher
from alertbot.texts.wording.language import READY_WORDS, files_of

POINTER_FORMAT = 1
DOCUMENTS_KEPT = 400
WRITERS = (".py", ".j2", ".css", ".js", ".xml")

Render = Callable[[PublicStanding, PageSite], Mapping[str, bytes]]
"""From what stands to every file of the page but the pointer."""


class PageBroken(AlertbotError):
    """What the page has published is not as it was; the sentence says which alert and what to do."""


def site_of(publisher: Publisher, channel: Channel, public_url: str) -> PageSite:
    """What every file of this channel's page has in common."""
    organisation = publisher.organisation
    return PageSite(
        organisation=organisation.name,
        public_url=public_url,
        languages=channel.languages,
        timezone=organisation.timezone,
        verification_page=organisation.verification_page,
        exercise=channel.audience is Audience.EXERCISE,
    )


def wording() -> str:
    """A fingerprint of what turns an alert into files: the program, the words of its page, the country pack. Another one
    may write the same alert in other words."""
    found = sha256(_program().encode() + in_force().fingerprint.encode())
    for path in files_of(FOLDER, READY_WORDS):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


@cache
def _program() -> str:
    found = sha256(__version__.encode())
    for one in _writers(resources("alertbot.pages")):
        found.update(one.read_bytes())
    return found.hexdigest()


def _writers(folder: Traversable) -> Iterable[Traversable]:
    for one in sorted(folder.iterdir(), key=lambda each: each.name):
        if one.is_dir():
            yield from _writers(one)
        elif one.name.endswith(WRITERS):
            yield one


def edition(
    published: Iterable[PublicAlert], at: datetime, site: PageSite, sequence: int, render: Render
) -> PageEdition:
    """The edition at this time, with the pointer to it: the same bytes for the same arguments."""
    standing = rules_standing.standing(published, at, languages=site.languages, exercise=site.exercise)
    files = dict(render(standing, site))
    digest = digest_of(files)
    said = {
        "format": POINTER_FORMAT,
        "generated_at": as_json(at),
        "holds_until": as_json(standing.changes_at),
        "sequence": sequence,
        "hash": digest,
        "exercise": site.exercise,
    }
    files[POINTER] = json.dumps(said, sort_keys=True, indent=1).encode() + b"\n"
    return PageEdition(at, sequence, files, digest, standing.changes_at)


def alerts(texts: Iterable[PublishedText], added: Mapping[int, Added]) -> list[PublicAlert]:
    """The published alerts. Raises `PageBroken` for a text that is no longer the one that went out."""
    by_alert: dict[str, dict[str, AlertDocument]] = {}
    shown: dict[str, float] = {}
    for one in texts:
        known = added[one.delivery]
        if known.digest != sum_of(one.document):
            raise PageBroken(changed_text(one.alert))
        document = replace(
            _read(one.document), alert=one.alert
        )  # a retraction had no number of its own
        by_alert.setdefault(one.alert, {})[one.lang] = document
        shown[one.alert] = min(known.shown, shown.get(one.alert, known.shown))
    return [
        PublicAlert(name, datetime.fromtimestamp(shown[name], UTC), documents)
        for name, documents in by_alert.items()
    ]


def changed_text(alert: str) -> str:
    return _(
        "The text of {alert} is not the one that went out on the page; the page stays as it is. Do not touch the"
        " database, and run `alertbot audit verify`."
    ).format(alert=alert)


def sum_of(document: str) -> str:
    return sha256(document.encode()).hexdigest()


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _read(text: str) -> AlertDocument:
    try:
        return from_json(text)
    except DocumentInvalid as error:
        raise PageBroken(str(error)) from None
