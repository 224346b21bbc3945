"""The paths and permanent names of the feeds, and XML as they write it."""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from alertbot.pages.views import PageSite
from alertbot.regions.facts import whole_country
from alertbot.texts.addresses import address, home_path, place_path

_UNREADABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CAP_FEED = "feeds/cap.atom"
JSON_FEED = "feeds/alerts.json"
CAP_TYPE = "application/cap+xml"
CAP_NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"


def atom_path(lang: str) -> str:
    return f"feeds/alerts.{lang}.atom"


def cap_path(alert: str) -> str:
    return f"feeds/cap/{alert}.xml"


def place_address(site: PageSite, lang: str, code: str) -> str:
    """The page of a territory; that of the whole country is the home."""
    path = home_path(lang) if code == whole_country() else place_path(lang, code)
    return address(site.public_url, path)


def sender(site: PageSite) -> str:
    """Who says it, in every message for ever: the configured name, else the host of the page."""
    return site.sender or urlsplit(site.public_url).hostname or "localhost"


def entry_name(site: PageSite, alert: str, at: datetime, lang: str = "") -> str:
    """The permanent id of an entry (RFC 4151): it stays when the page moves to another address."""
    return f"tag:{sender(site)},{at.year}:{alert}" + (f":{lang}" if lang else "")


def stamp(moment: datetime, site: PageSite) -> str:
    """A time as CAP and Atom both take it: to the second, with the offset of the page's zone, and that of UTC as CAP
    wants it, `-00:00`."""
    written = moment.astimezone(ZoneInfo(site.timezone)).isoformat(timespec="seconds")
    return written.removesuffix("+00:00") + "-00:00" if written.endswith("+00:00") else written


def readable(text: str) -> str:
    """The text without what XML 1.0 cannot carry: control characters and halves of surrogate pairs."""
    return _UNREADABLE.sub("", text) if _UNREADABLE.search(text) else text


def add(
    parent: ElementTree.Element, tag: str, text: str = "", **attributes: str
) -> ElementTree.Element:
    """A new last child."""
    named = {name: readable(value) for name, value in attributes.items()}
    child = ElementTree.SubElement(parent, tag, named)
    child.text = readable(text) or None
    return child


def written(root: ElementTree.Element, inner: Sequence[bytes] = ()) -> bytes:
    """The document as bytes, the same for the same tree. `inner`: finished parts, which follow its last child."""
    ElementTree.indent(root, " ")
    whole: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    body, end, rest = whole.rpartition(b"</")
    return b"".join((body, *inner, end, rest))


def part(child: ElementTree.Element) -> bytes:
    """A finished part of a document."""
    ElementTree.indent(child, " ")
    return bytes(ElementTree.tostring(child, encoding="utf-8", xml_declaration=False)) + b"\n"
