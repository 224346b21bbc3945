"""Common Alerting Protocol 1.2: each alert that is a warning as one file, `feeds/cap/<alert>.xml`, for public alert
servers, apps and intranets. Pure. What a message says is decided in `rules_cap`; the words are the approved ones."""

import json
from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache
from xml.etree import ElementTree

from alertbot.core.frozen import dataclass
from alertbot.pages.feeds import addresses
from alertbot.pages.feeds.addresses import CAP_NAMESPACE, add, sender, stamp
from alertbot.pages.feeds.parts import as_object, in_line, marked_text, marked_title, moment
from alertbot.pages.feeds.rules_cap import CANCEL, CapMessage
from alertbot.pages.views import PageSite
from alertbot.pages.words import Wording
from alertbot.texts.addresses import address, alert_path
from alertbot.texts.document import AlertDocument, CapArea, CapFacts

CATEGORIES = ("Infra", "Safety")
LONGEST_HEADLINE = 139
KEPT_MESSAGES = 64
NUMBER, WITHDRAWN, NEXT_UPDATE = "provisional-number", "withdrawn-number", "next-update"


@dataclass(frozen=True, slots=True)
class _Said:
    """A message, known by everything that is in it."""

    content: tuple[object, ...]
    message: CapMessage = field(compare=False)
    site: PageSite


def document(message: CapMessage, site: PageSite) -> bytes:
    """The file. What was made lately is kept: a message that was sent is the same in every later edition."""
    content = (
        *(tuple(each.items()) for each in (message.alert.documents, message.numbers, message.over)),
        *(message.type, message.alert.alert, message.alert.published_at, message.expires),
        *(one.triple(site) for one in message.references),
    )
    return _kept(_Said(content, message, site))


@lru_cache(maxsize=KEPT_MESSAGES)
def _kept(said: _Said) -> bytes:
    return _written(said.message, said.site)


def _written(message: CapMessage, site: PageSite) -> bytes:
    """The order of elements is the standard's."""
    root = ElementTree.Element("alert", {"xmlns": CAP_NAMESPACE})
    some = next(iter(message.alert.documents.values()))
    add(root, "identifier", message.alert.alert)
    add(root, "sender", sender(site))
    add(root, "sent", stamp(message.alert.published_at, site))
    add(root, "status", "Exercise" if site.exercise else "Actual")
    add(root, "msgType", message.type)
    add(root, "scope", "Public")
    if site.exercise:
        add(root, "note", f"{site.organisation}: {some.incident}")
    if message.references:
        add(root, "references", " ".join(one.triple(site) for one in message.references))
    add(root, "incidents", some.incident)
    for lang in site.languages:
        if (one := message.alert.documents.get(lang)) and one.cap:
            _info(root, message, one, one.cap, site)
    return addresses.written(root)


def _info(
    root: ElementTree.Element,
    message: CapMessage,
    said: AlertDocument,
    facts: CapFacts,
    site: PageSite,
) -> None:
    info = add(root, "info")
    add(info, "language", facts.language)
    for category in CATEGORIES:
        add(info, "category", category)
    add(info, "event", facts.event)
    for response in ("None",) if message.type == CANCEL else facts.responses:
        add(info, "responseType", response)
    add(info, "urgency", facts.urgency)
    add(info, "severity", facts.severity)
    add(info, "certainty", facts.certainty)
    add(info, "expires", stamp(message.expires, site))
    add(info, "senderName", site.organisation)
    add(info, "headline", headline(marked_title(said.headline, said.lang, site)))
    add(info, "description", _description(message, said, facts, site))
    if instruction := "\n".join(one for one in (*said.instructions, said.relay) if one):
        add(info, "instruction", instruction)
    add(info, "web", address(site.public_url, alert_path(said.lang, message.alert.alert)))
    add(info, "contact", said.contact or site.verification_page or site.public_url)
    for name, value in _parameters(message, said, site):
        _named(info, "parameter", name, value)
    for area in _areas(message, said.lang, facts):
        place = add(info, "area")
        add(place, "areaDesc", area.description)
        for code in area.geocodes:
            _named(place, "geocode", code.name, code.value)


def _areas(message: CapMessage, lang: str, facts: CapFacts) -> Iterator[CapArea]:
    """The areas of the alert, and those of numbers that stand from earlier ones."""
    yield from facts.areas
    named = {one.territory for one in facts.areas}
    earlier = {
        area.territory: area
        for one in message.references
        if (said := one.alert.documents.get(lang)) and said.cap
        for area in said.cap.areas
    }
    for one in message.numbers.get(lang, ()):
        code = one.number.territory
        if code not in named:
            named.add(code)
            yield earlier.get(code) or CapArea(code, one.number.territory_name)


def headline(text: str) -> str:
    """The headline as CAP's readers show it; one that is too long for them ends at a word, and the description has the
    whole of it."""
    if len(text) <= LONGEST_HEADLINE:
        return text
    return text[: LONGEST_HEADLINE - 1].rpartition(" ")[0] + "…"


def _description(message: CapMessage, said: AlertDocument, facts: CapFacts, site: PageSite) -> str:
    parts = [said.lead_text, *(place.text for place in said.places)]
    numbers = message.numbers.get(said.lang, ())
    if earlier := [one for one in numbers if one.alert != message.alert.alert]:
        w = Wording(said.lang, site.timezone)
        lines = (f"{one.number.territory_name} – {in_line(one.number, w)}" for one in earlier)
        parts.append("\n".join((facts.still_valid, *lines)))
    parts.append(said.detail_text)
    whole = "\n\n".join(part.strip() for part in parts if part.strip())
    return marked_text(whole, said.lang, site)


def _parameters(message: CapMessage, said: AlertDocument, site: PageSite) -> Iterator[tuple[str, str]]:
    """Every number that stands, and those that this alert takes back, as JSON objects; the promised next word."""
    for one in message.numbers.get(said.lang, ()):
        yield NUMBER, _json(as_object(one.number, one.alert, site))
    for one in message.over.get(said.lang, ()):
        yield WITHDRAWN, _json(as_object(one.number, one.struck_by or one.alert, site))
    if when := moment(said.next_update, site):
        yield NEXT_UPDATE, when


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _named(parent: ElementTree.Element, tag: str, name: str, value: str) -> None:
    pair = add(parent, tag)
    add(pair, "valueName", name)
    add(pair, "value", value)
