"""Atom feeds (RFC 4287): the alerts in one language, for readers and sites, and the CAP files, for public alert servers.
Pure; an entry is `updated` only when what it says changes, so that readers do not show it again for nothing."""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from xml.etree import ElementTree

from alertbot.core.frozen import dataclass
from alertbot.core.model import Relation
from alertbot.pages.feeds import addresses
from alertbot.pages.feeds.addresses import CAP_NAMESPACE, CAP_TYPE, add, place_address, stamp
from alertbot.pages.feeds.parts import marked_html, marked_text, marked_title
from alertbot.pages.feeds.rules_cap import CapMessage, facts
from alertbot.pages.views import PageSite, PublicAlert
from alertbot.texts.addresses import address, alert_path, home_path
from alertbot.texts.document import AlertDocument

NAMESPACE = "http://www.w3.org/2005/Atom"
MOST_BYTES = 900_000
FALSE = frozenset({Relation.RETRACTION, Relation.CANCEL})  # nothing of the earlier alert holds
NEVER = "1970-01-01T00:00:00-00:00"  # of a feed that never had an entry: the standard wants a time


@dataclass(frozen=True, slots=True)
class AtomEntry:
    """An alert in a feed, and the later one that corrects it or takes it back."""

    alert: PublicAlert
    replaced_by: PublicAlert | None = None

    @property
    def updated(self) -> datetime:
        """When it last said something new."""
        return self.replaced_by.published_at if self.replaced_by else self.alert.published_at


def alerts(entries: Sequence[AtomEntry], lang: str, site: PageSite) -> bytes:
    """The feed of one language, of entries with the latest change first; without the oldest where it would be too
    long. Alerts that were not published in it are left out."""
    path = addresses.atom_path(lang)
    spoken = [one for one in entries if lang in one.alert.documents]
    feed = _feed(
        path,
        marked_title(site.organisation, lang, site),
        _newest([one.updated for one in spoken], site),
        site,
        lang,
    )
    add(feed, "link", rel="alternate", type="text/html", href=address(site.public_url, home_path(lang)))
    return _fitting(feed, (_entry(one, lang, site) for one in spoken))


def messages(sent: Sequence[CapMessage], site: PageSite) -> bytes:
    """The feed of the CAP files, the latest first: each entry links the whole message, and says beforehand what servers
    decide by."""
    moments = [one.alert.published_at for one in sent]
    lang = site.languages[0]
    feed = _feed(
        addresses.CAP_FEED,
        f"{marked_title(site.organisation, lang, site)} (CAP 1.2)",
        _newest(moments, site),
        site,
        lang,
    )
    feed.set("xmlns:cap", CAP_NAMESPACE)
    return _fitting(feed, (_message(one, site) for one in reversed(sent)))


def _newest(moments: Sequence[datetime], site: PageSite) -> str:
    return stamp(max(moments), site) if moments else NEVER


def _feed(path: str, title: str, updated: str, site: PageSite, lang: str) -> ElementTree.Element:
    feed = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": lang})
    add(feed, "id", address(site.public_url, path))
    add(feed, "title", title)
    add(feed, "updated", updated)
    author = add(feed, "author")
    add(author, "name", site.organisation)
    add(feed, "link", rel="self", type="application/atom+xml", href=address(site.public_url, path))
    return feed


def _entry(one: AtomEntry, lang: str, site: PageSite) -> ElementTree.Element:
    said = one.alert.documents[lang]
    entry = ElementTree.Element("entry")
    add(entry, "id", addresses.entry_name(site, one.alert.alert, one.alert.published_at, lang))
    above = _above(one, lang)
    heading = " ".join(part for part in (above, said.headline) if part)
    add(entry, "title", marked_title(heading, lang, site))
    add(entry, "published", stamp(one.alert.published_at, site))
    add(entry, "updated", stamp(one.updated, site))
    add(entry, "category", term=said.kind)
    page = address(site.public_url, alert_path(lang, one.alert.alert))
    add(entry, "link", rel="alternate", type="text/html", href=page)
    if facts(one.alert):
        add(entry, "link", rel="alternate", type=CAP_TYPE, href=_cap_address(one.alert.alert, site))
    for code, name in {place.territory: place.territory_name for place in said.places}.items():
        there = place_address(site, lang, code)
        add(entry, "link", rel="related", type="text/html", title=name, href=there)
    add(entry, "summary", marked_text(_summary(one, said, above), lang, site), type="text")
    content = marked_html(_content(one, said, above, site), lang, site)
    add(entry, "content", content, type="html")
    return entry


def _later(one: AtomEntry, lang: str) -> AlertDocument | None:
    """The alert that corrects or takes back this one, in this language if it has it."""
    if one.replaced_by is None:
        return None
    documents = one.replaced_by.documents
    return documents.get(lang) or next(iter(documents.values()))


def _above(one: AtomEntry, lang: str) -> str:
    """What is said above an alert that was corrected or taken back."""
    later = _later(one, lang)
    return (later.above_earlier or later.headline) if later else ""


def _summary(one: AtomEntry, said: AlertDocument, above: str) -> str:
    later = _later(one, said.lang)
    if later is None:
        return said.lead_text
    return above if later.relation in FALSE else f"{above}\n{later.lead_text}"


def _content(one: AtomEntry, said: AlertDocument, above: str, site: PageSite) -> str:
    """What the alert says. Once it is corrected, what is right instead, as channels that edit do it: a reader that keeps
    the old entry must not go on showing a wrong number. What is false as a whole stays, struck through."""
    later = _later(one, said.lang)
    if later is None or one.replaced_by is None:
        return _body(said)
    page = address(site.public_url, alert_path(later.lang, one.replaced_by.alert))
    note = f'<p><strong><a href="{html.escape(page)}">{html.escape(above)}</a></strong></p>'
    return f"{note}<del>{_body(said)}</del>" if later.relation in FALSE else note + _body(later)


def _body(said: AlertDocument) -> str:
    places = "".join(place.html for place in said.places)
    return said.lead_html + places + said.detail_html + said.foot_html


def _cap_address(alert: str, site: PageSite) -> str:
    return address(site.public_url, addresses.cap_path(alert))


def _message(one: CapMessage, site: PageSite) -> ElementTree.Element:
    alert, sent = one.alert.alert, stamp(one.alert.published_at, site)
    said = next(one.alert.documents[lang] for lang in site.languages if lang in one.alert.documents)
    entry = ElementTree.Element("entry", {"xml:lang": said.lang})
    add(entry, "id", addresses.entry_name(site, alert, one.alert.published_at))
    add(entry, "title", marked_title(said.headline, said.lang, site))
    add(entry, "published", sent)
    add(entry, "updated", sent)
    page = address(site.public_url, alert_path(said.lang, alert))
    add(entry, "link", rel="alternate", type=CAP_TYPE, href=_cap_address(alert, site))
    add(entry, "link", rel="related", type="text/html", href=page)
    add(entry, "summary", marked_text(said.lead_text, said.lang, site), type="text")
    for name, value in _facts(one, said, site).items():
        add(entry, f"cap:{name}", value)
    return entry


def _facts(one: CapMessage, said: AlertDocument, site: PageSite) -> Mapping[str, str]:
    told = said.cap
    known = {
        "identifier": one.alert.alert,
        "sender": addresses.sender(site),
        "sent": stamp(one.alert.published_at, site),
        "status": "Exercise" if site.exercise else "Actual",
        "msgType": one.type,
        "expires": stamp(one.expires, site),
    }
    if told:
        areas = ", ".join(area.description for area in told.areas)
        known |= {"event": told.event, "urgency": told.urgency, "severity": told.severity}
        known |= {"certainty": told.certainty, "areaDesc": areas}
    return known


def _fitting(feed: ElementTree.Element, entries: Iterable[ElementTree.Element]) -> bytes:
    """The feed with as many of these entries as it may be long."""
    room, parts = MOST_BYTES - len(addresses.written(feed)), list[bytes]()
    for entry in entries:
        made = addresses.part(entry)
        room -= len(made)
        if room < 0:
            break
        parts.append(made)
    return addresses.written(feed, parts)
