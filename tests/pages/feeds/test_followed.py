"""Who only follows the feeds knows at every moment exactly what stands: in stories with the words of the shipped kinds and
real places of three countries, and in any sequence of alerts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from alertbot.core.model import Relation
from alertbot.pages.feeds.making import feeds
from alertbot.pages.html import pages
from alertbot.pages.rules_standing import standing
from alertbot.pages.views import PageSite, PublicAlert, PublicStanding
from alertbot.regions import packs
from alertbot.regions.facts import using
from alertbot.texts.document import DocumentNumber
from tests.effort import examples
from tests.pages import evening, samples
from tests.pages.evening import BRITISH, FRENCH, LONDON, PARIS, VOUCHED, Story
from tests.pages.feeds import reading
from tests.pages.feeds.reading import CAP, Follower, pairs, said

BELGIAN = PageSite("Centrale 112", "https://alert.example.be", ("nl", "fr"), "Europe/Brussels")


def belgium() -> list[PublicAlert]:
    """Antwerp and Brussels in Dutch and French, with a retraction and a false alert."""
    story, at = Story(BELGIAN, "BLGM"), datetime(2026, 1, 20, 9, 0, tzinfo=PARIS)
    values: dict[str, Any] = {
        "what_fails": {"nl": "112 vanaf mobiele telefoons", "fr": "le 112 depuis un mobile"},
        "what_works": {"nl": "vaste telefoons", "fr": "les téléphones fixes"},
        "where": ["VAN", "BRU"],
        "what_to_do": {"nl": "Bel vanaf een vaste telefoon.", "fr": "Appelez d’un fixe."},
        "next_update": "+30m",
        "since": "-20m",
    }
    numbers = [
        {"territory": "VAN", "service": "fire", "place": {"nl": "brandweerkazerne", "fr": "la caserne des pompiers"}, **VOUCHED},
        {"territory": "BRU", "service": "ambulance", "place": {"nl": "ziekenhuis", "fr": "l’hôpital"}, **VOUCHED},
    ]  # fmt: skip
    story.tell("holding", at, values)
    given_ = story.tell(
        "provisional_number",
        at + timedelta(minutes=20),
        {**values, "numbers": numbers, "valid_until": "+3h"},
        relation=Relation.UPDATE,
        of=["BLGM-1"],
    )
    story.retract(given_, at + timedelta(minutes=25))
    false = {
        "no_danger": {"nl": "112 werkt.", "fr": "Le 112 marche."},
        "message_at": "-30m",
        "where": ["BE"],
    }
    story.tell(
        "false_alert", at + timedelta(minutes=30), false, relation=Relation.CANCEL, of=["BLGM-1"]
    )
    return story.told


def britain() -> list[PublicAlert]:
    """The morning of the evening's file, then a relapse, a withdrawal and the end."""
    story = Story(BRITISH, "KSTR", told=evening.britain())
    at = datetime(2023, 6, 25, 10, 30, tzinfo=LONDON)
    again = {**evening.MORNING, "stage": "back_again", "what_fails": "999 from mobiles"}
    story.tell("status", at, again, relation=Relation.UPDATE, of=["KSTR-2"])
    over = {
        **evening.MORNING,
        "restored_at": "-1h",
        "confirmed_by": {"en": "the ambulance services", "cy": "y gwasanaethau ambiwlans"},
        "what_works": {"en": "999 and 112", "cy": "999 a 112"},
    }
    story.tell("end", at + timedelta(hours=2), over, relation=Relation.END, of=["KSTR-3"])
    return story.told


STORIES: Mapping[str, tuple[str, PageSite, Any]] = {
    "FR": ("FR", FRENCH, evening.june_2021),
    "GB": ("GB", BRITISH, britain),
    "BE": ("BE", BELGIAN, belgium),
}


@cache
def story(name: str) -> tuple[PublicAlert, ...]:
    code, _site, told = STORIES[name]
    with using(packs.load(code)):
        return tuple(told())


@dataclass(frozen=True)
class Moment:
    """What stands, and the feeds that say so."""

    standing: PublicStanding
    files: Mapping[str, bytes]


@contextmanager
def at(name: str, when: datetime, count: int | None = None) -> Iterator[Moment]:
    code, site, _told = STORIES[name]
    with using(packs.load(code)):
        found = standing(story(name)[:count], when, languages=site.languages)
        yield Moment(found, feeds(found, site))


def standing_numbers(found: PublicStanding, lang: str) -> set[tuple[str, str]]:
    return {
        (one.number.territory, one.number.number or one.number.place)
        for places in found.numbers.get(lang, {}).values()
        for one in places
    }


# --- stories -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_a_story_of_a_country_is_valid_and_nobody_objects(name: str) -> None:
    with at(name, story(name)[-1].published_at) as told:
        messages = reading.cap_files(told.files)
        assert reading.lints(messages) == []
        for path, content in told.files.items():
            if path.endswith(".atom"):
                reading.atom_schema().assertValid(etree.fromstring(content))
        whole = json.loads(told.files["feeds/alerts.json"])
        jsonschema.Draft202012Validator(reading.json_schema()).validate(whole)


@pytest.mark.parametrize("name", STORIES)
def test_who_follows_a_story_knows_what_stands(name: str) -> None:
    _code, site, _told = STORIES[name]
    follower = Follower()
    for count, alert in enumerate(story(name), 1):
        with at(name, alert.published_at, count) as told:
            messages = reading.cap_files(told.files)
            if alert.alert in messages:
                follower.take(alert.alert, messages[alert.alert])
            for lang in site.languages:
                called = follower.numbers(lang, alert.published_at)
                assert called == standing_numbers(told.standing, lang), (alert.alert, lang)


def test_the_evening_in_the_terms_of_cap() -> None:
    with at("FR", story("FR")[-1].published_at) as told:
        messages = reading.cap_files(told.files)
        kinds = {one.alert: one.documents["fr"].kind for one in story("FR")}
        types = [(kinds[name], said(one, "msgType")) for name, one in messages.items()]
        assert types[0] == ("holding", "Alert")
        assert {kind for _name, kind in types[1:]} == {"Update"}
        (last,) = [name for name, kind in kinds.items() if kind == "end"]
        end = messages[last].find(f"{CAP}info")
        assert end is not None
        assert (said(end, "responseType"), said(end, "urgency"), said(end, "severity")) == (
            "AllClear",
            "Past",
            "Minor",
        )
        assert not [name for name, _value in pairs(end, "parameter") if name == "provisional-number"]
        (given_,) = [name for name, kind in kinds.items() if kind == "provisional_number"]
        codes = {
            value
            for area in messages[given_].iter(f"{CAP}area")
            for _name, value in pairs(area, "geocode")
        }
        assert {"FR-69", "FR-69M", "69", "FRK26", "FR-75C", "FR101"} <= codes
        assert "apology" not in {kind for kind, _type in types}


def test_what_is_false_is_cancelled_and_what_is_half_false_is_updated() -> None:
    with at("BE", story("BE")[-1].published_at) as told:
        messages = reading.cap_files(told.files)
        types = {name: said(one, "msgType") for name, one in messages.items()}
        assert types == {"BLGM-1": "Alert", "BLGM-2": "Update", "BLGM-3": "Update", "BLGM-4": "Cancel"}
        infos = messages["BLGM-4"].findall(f"{CAP}info")
        assert [said(info, "language") for info in infos] == ["fr-BE"], "false_alert has no Dutch yet"
        codes = {
            value
            for info in messages["BLGM-2"].findall(f"{CAP}info")
            for area in info.findall(f"{CAP}area")
            for _name, value in pairs(area, "geocode")
        }
        assert codes == {"BE-VAN", "BE21", "BE-BRU", "BE1", "BE10"}


def test_page_cap_atom_and_json_give_the_same_numbers() -> None:
    """Entry by entry: the page of a territory, the last CAP message, the list of numbers in JSON."""
    when = story("FR")[4].published_at
    with at("FR", when, 5) as told:
        html = pages(told.standing, FRENCH)
        messages = reading.cap_files(told.files)
        whole = json.loads(told.files["feeds/alerts.json"])
        for lang in FRENCH.languages:
            wanted = {(one["territory"], one["dial"]) for one in whole["numbers"][lang]}
            assert len(wanted) > 3
            follower = Follower()
            for name in sorted(messages):
                follower.take(name, messages[name])
            infos = [
                info
                for one in follower.shown.values()
                for info in one.findall(f"{CAP}info")
                if said(info, "language").startswith(lang)
            ]
            parameters = [
                json.loads(value)
                for info in infos
                for name, value in pairs(info, "parameter")
                if name == "provisional-number"
            ]
            assert {(one["territory"], one["dial"]) for one in parameters} == wanted
            for one in whole["numbers"][lang]:
                page = html[f"{lang}/{one['territory'].lower()}.html"].decode()
                assert f'href="tel:{one["dial"]}"' in page
                assert any(one["number"] in said(info, "description") for info in infos)


# --- any sequence ----------------------------------------------------------------------------------

PLACES, SERVICES = ("69", "42", "29"), ("samu", "police")
DIGITS = {
    (place, service): [f"04 65 71 {place.zfill(2)} {at * 10 + n:02}" for n in range(3)]
    for place in PLACES
    for at, service in enumerate(SERVICES)
}
FOLLOWS = ("update", "correction", "withdrawal", "retraction", "cancel", "end", None)
KINDS = {
    "update": "status", "correction": "correction", "withdrawal": "withdrawal", "retraction": "retraction",
    "cancel": "false_alert", "end": "end", None: "holding",
}  # fmt: skip


@st.composite
def sequences(draw: st.DrawFn) -> list[PublicAlert]:
    """Alerts of two incidents over some days: numbers given, wrong, withdrawn, retracted, given again, in any order."""
    told: list[PublicAlert] = []
    counts = {"AAAA": 0, "BBBB": 0}
    minutes = 0
    for _step in range(draw(st.integers(1, 9))):
        minutes += draw(st.sampled_from((0, 1, 25, 180, 1500)))
        incident = draw(st.sampled_from(tuple(counts)))
        before = [one for one in told if one.alert.startswith(incident)]
        relation = draw(st.sampled_from(FOLLOWS)) if before else None
        counts[incident] += 1
        name = f"{incident}-{counts[incident]}"
        references = [before[draw(st.integers(0, len(before) - 1))].alert] if relation else []
        numbers = _numbers(draw, relation, minutes)
        languages = draw(st.sampled_from((("fr", "en"), ("fr",), ("en",))))
        told.append(
            samples.alert(
                name,
                KINDS[relation],
                minutes,
                numbers=numbers,
                relation=relation,
                references=references,
                languages=languages,
            )
        )
    return told


def _numbers(draw: st.DrawFn, relation: str | None, minutes: int) -> tuple[DocumentNumber, ...]:
    if relation in ("retraction", "cancel"):
        return ()
    until = samples.START + timedelta(minutes=minutes + draw(st.sampled_from((30, 240, 2000))))
    struck = relation in ("withdrawal", "end")
    spots = draw(st.lists(st.sampled_from(sorted(DIGITS)), max_size=2, unique=True))
    found = [
        samples.number(
            place,
            service,
            draw(st.sampled_from(DIGITS[place, service])),
            until=None if struck else until,
            struck=struck,
        )
        for place, service in spots
    ]
    if relation == "correction" and found:
        wrong = replace(
            found[0],
            number=DIGITS[found[0].territory, found[0].service][0],
            struck=True,
            valid_until=None,
            wrong=True,
        )
        wrong = replace(wrong, key=f"{wrong.key}/wrong")
        found = [wrong, *(one for one in found if one.number != wrong.number)]
    return tuple(found)


@settings(max_examples=examples(150), deadline=None)
@given(sequences(), st.sampled_from((0, 20, 200, 3000)))
def test_whatever_was_told_the_chain_is_whole_and_its_end_is_what_stands(
    told: Sequence[PublicAlert], later: int
) -> None:
    now = told[-1].published_at + timedelta(minutes=later)
    found = samples.at_end(*told, at=now)
    files = feeds(found, samples.SITE)
    messages = reading.cap_files(files)
    assert set(messages) == {one.alert for one in told}
    assert [fault for fault in reading.lints(messages) if "twice the same" not in fault] == []
    follower = Follower()
    in_order = sorted(told, key=lambda one: (one.published_at, one.alert[:4], one.alert))
    for one in in_order:
        follower.take(one.alert, messages[one.alert])
    for lang in samples.SITE.languages:
        assert follower.numbers("", now) == standing_numbers(found, lang)
    kept = {one["alert"] for one in json.loads(files["feeds/alerts.json"])["alerts"]}
    assert kept == {one.alert for one in told}


@settings(max_examples=examples(60), deadline=None)
@given(sequences())
def test_a_message_that_was_sent_never_changes(told: Sequence[PublicAlert]) -> None:
    """Whatever is told later: consumers know a message by its identifier and do not fetch it again."""
    sent: dict[str, bytes] = {}
    in_order = sorted(told, key=lambda one: (one.published_at, one.alert[:4], one.alert))
    for count in range(1, len(in_order) + 1):
        files = feeds(samples.at_end(*in_order[:count]), samples.SITE)
        messages = {path: content for path, content in files.items() if path.startswith("feeds/cap/")}
        assert all(messages[path] == content for path, content in sent.items())
        sent = messages
