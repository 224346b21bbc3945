"""Every feed is valid by the schemas of its standard, passes what reviewers object to, and is read by parsers that nobody
here wrote."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import atoma
import feedparser
import jsonschema
import pytest
from capparselib.parsers import CAPParser
from lxml import etree

from alertbot.pages.feeds import atom, cap
from alertbot.pages.feeds.making import feeds
from alertbot.pages.views import PublicAlert, PublicIncident
from tests.pages import samples
from tests.pages.feeds import reading
from tests.pages.feeds.reading import ATOM, said
from tests.pages.samples import SITE, START, alert, at_end, evening

HOSTILE = "\x00\x1b[31m]]> <script>alert(1)</script> &amp; \u202e12\ufffe" + "a" * 200


def hostile() -> tuple[PublicAlert, ...]:
    one = alert("HSTL-1", "holding", 0, numbers=(samples.POLICE,))
    documents = {
        lang: replace(said_, headline=HOSTILE, lead_text=f"{lang} {HOSTILE}", contact=HOSTILE)
        for lang, said_ in one.documents.items()
    }
    return (replace(one, documents=documents),)


STORIES: Mapping[str, tuple[PublicAlert, ...]] = {
    "the evening": evening(),
    "nothing": (),
    "one language": (alert("ONLY-1", "holding", 0, languages=("en",)),),
    "hostile text": hostile(),
}


@pytest.fixture(params=STORIES)
def files(request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    story = STORIES[request.param]
    return feeds(at_end(*story), SITE)


def test_every_file_is_valid_by_its_schema(files: Mapping[str, bytes]) -> None:
    reading.cap_files(files)
    for path in ("feeds/alerts.fr.atom", "feeds/alerts.en.atom", "feeds/cap.atom"):
        reading.atom_schema().assertValid(etree.fromstring(files[path]))
    jsonschema.Draft202012Validator(reading.json_schema()).validate(
        json.loads(files["feeds/alerts.json"])
    )


def test_the_schemas_refuse_what_is_wrong() -> None:
    jsonschema.Draft202012Validator.check_schema(reading.json_schema())
    made = feeds(at_end(*evening()), SITE)
    feed = made["feeds/alerts.fr.atom"]
    for good, bad in ((b"<updated>", b"<changed>"), (b"<id>", b"<ident>"), (b"T19:20:00", b" 19:20")):
        broken = feed.replace(good, bad).replace(good.replace(b"<", b"</"), bad.replace(b"<", b"</"))
        assert not reading.atom_schema().validate(etree.fromstring(broken))
    message = made["feeds/cap/BKRT-2.xml"]
    assert not reading.cap_schema().validate(etree.fromstring(message.replace(b"+02:00", b"Z")))
    whole = json.loads(made["feeds/alerts.json"])
    whole["alerts"][0]["texts"]["fr"]["numbers"] = [{"number": "15"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(reading.json_schema()).validate(whole)


@pytest.mark.parametrize("story", ["the evening", "one language"])
def test_no_reviewer_of_cap_objects(story: str) -> None:
    made = feeds(at_end(*STORIES[story]), SITE)
    messages = reading.cap_files(made)
    assert messages
    assert reading.lints(messages) == []


def test_the_lints_find_what_they_are_for() -> None:
    made = feeds(at_end(*evening()), SITE)
    messages = reading.cap_files(made)
    first, second = messages["BKRT-1"], messages["BKRT-2"]
    sent = said(second, "sent")
    etree.SubElement(
        first, f"{reading.CAP}references"
    ).text = f"alertes@example.org,BKRT-2,{sent} x,Y,{sent}"
    info = second.find(f"{reading.CAP}info")
    assert info is not None
    for tag, text in (
        ("headline", "&nbsp;" + "a" * 150),
        ("web", "/fr"),
        ("expires", sent),
        ("severity", "Minor"),
    ):
        found = info.find(f"{reading.CAP}{tag}")
        assert found is not None
        found.text = text
    told = " ".join(reading.lints(messages))
    for word in (
        "dangling",
        "came later",
        "with references",
        "headline of",
        "markup",
        "web /fr",
        "expires before",
        "another severity",
    ):
        assert word in told, word


def test_a_known_reader_of_cap_finds_the_same(files: Mapping[str, bytes]) -> None:
    for name, root in reading.cap_files(files).items():
        (read,) = CAPParser(files[f"feeds/cap/{name}.xml"].decode()).as_dict()
        assert read["cap_id"] == name
        assert read["cap_status"] == "Actual"
        infos = root.findall(f"{reading.CAP}info")
        assert [str(one["cap_headline"]) for one in read["cap_info"]] == [
            said(one, "headline") for one in infos
        ]
        for one, info in zip(read["cap_info"], infos, strict=True):
            parameters = [
                (str(each["valueName"]), str(each["value"])) for each in one.get("cap_parameter", [])
            ]
            assert parameters == reading.pairs(info, "parameter")
            assert len(one["cap_area"]) == len(info.findall(f"{reading.CAP}area"))


def test_known_readers_of_atom_find_the_same(files: Mapping[str, bytes]) -> None:
    for lang in SITE.languages:
        content = files[f"feeds/alerts.{lang}.atom"]
        one: Any = feedparser.parse(BytesIO(content))
        other = atoma.parse_atom_bytes(content)
        assert not one.bozo
        assert one.feed.language == lang
        assert [each.id for each in one.entries] == [each.id_ for each in other.entries]
        assert [each.title for each in one.entries] == [each.title.value for each in other.entries]
        moments = [each.updated for each in other.entries]
        assert moments == sorted(moments, reverse=True)
        if moments:
            assert other.updated == moments[0]


def test_a_public_alert_server_finds_what_it_decides_by() -> None:
    """It reads identifier, time and expiry in the feed, and fetches the message by the link of CAP's media type."""
    made = feeds(at_end(*evening()), SITE)
    read: Any = feedparser.parse(BytesIO(made["feeds/cap.atom"]))
    assert [one.cap_identifier for one in read.entries] == [
        "BKRT-7",
        "BKRT-5",
        "BKRT-4",
        "BKRT-3",
        "BKRT-2",
        "BKRT-1",
    ]
    for one in read.entries:
        (link,) = [each.href for each in one.links if each.type == "application/cap+xml"]
        path = link.removeprefix(f"{SITE.public_url}/")
        message = etree.fromstring(made[path])
        assert said(message, "identifier") == one.cap_identifier
        assert said(message, "sent") == one.cap_sent
        infos = message.findall(f"{reading.CAP}info")
        assert {said(info, "expires") for info in infos} == {one.cap_expires}


def test_text_is_text_whatever_is_in_it() -> None:
    made = feeds(at_end(*hostile()), SITE)
    (message,) = reading.cap_files(made).values()
    info = message.find(f"{reading.CAP}info")
    assert info is not None
    assert "<script>alert(1)</script> &amp;" in said(info, "description")
    assert len(said(info, "headline")) < 140
    entry = etree.fromstring(made["feeds/alerts.fr.atom"]).find(f"{ATOM}entry")
    assert entry is not None
    assert "\x1b" not in (entry.findtext(f"{ATOM}title") or "\x1b")
    assert "<script>alert(1)</script>" in (entry.findtext(f"{ATOM}title") or "")


def test_the_headline_ends_at_a_word() -> None:
    long = "mot " * 60
    assert cap.headline("court") == "court"
    assert cap.headline(long).endswith("mot…")
    assert len(cap.headline(long)) <= 139


# --- what is in which feed -------------------------------------------------------------------------


def test_an_exercise_is_only_in_the_feeds_of_its_own_address() -> None:
    drill = alert("DRLL-1", "holding", 0, exercise=True)
    mixed = replace(
        at_end(*evening()),
        incidents=(
            *at_end(*evening()).incidents,
            PublicIncident("DRLL", (drill,), drill, False, exercise=True),
        ),
    )
    assert not any("DRLL" in path or b"DRLL" in content for path, content in feeds(mixed, SITE).items())
    own = replace(SITE, exercise=True, public_url="https://exercice.example.org")
    made = feeds(mixed, own)
    (message,) = reading.cap_files(made).values()
    assert said(message, "status") == "Exercise"
    assert said(message, "note") == "Préfecture du Rhône: DRLL"
    assert reading.lints({"DRLL-1": message}) == []
    assert not any(b"BKRT" in content for content in made.values())
    assert json.loads(made["feeds/alerts.json"])["exercise"] is True
    reading.atom_schema().assertValid(etree.fromstring(made["feeds/alerts.fr.atom"]))
    for path in ("feeds/alerts.fr.atom", "feeds/cap.atom", "feeds/alerts.json", "feeds/cap/DRLL-1.xml"):
        for text in (
            "EXERCICE EXERCICE EXERCICE\u00a0: Le 15 ne répond pas",
            "Vous n’avez rien à faire. EXERCICE EXERCICE EXERCICE",
        ):
            assert text in made[path].decode(), path


def test_an_apology_is_for_readers_and_no_warning() -> None:
    made = feeds(at_end(*evening()), SITE)
    assert "feeds/cap/BKRT-6.xml" not in made
    assert b"BKRT-6" in made["feeds/alerts.fr.atom"]
    found = {one["alert"]: one["cap"] for one in json.loads(made["feeds/alerts.json"])["alerts"]}
    assert found["BKRT-6"] is None
    assert found["BKRT-5"] == "https://alerte.example.org/feeds/cap/BKRT-5.xml"


def test_alerts_leave_the_feeds_after_two_weeks_and_their_files_stay() -> None:
    soon = feeds(at_end(*evening(), at=START + timedelta(days=13)), SITE)
    late = feeds(at_end(*evening(), at=START + timedelta(days=15)), SITE)
    assert soon["feeds/alerts.fr.atom"].count(b"<entry") == 7
    for path in ("feeds/alerts.fr.atom", "feeds/cap.atom"):
        assert late[path].count(b"<entry") == 0
        reading.atom_schema().assertValid(etree.fromstring(late[path]))
    kept = [path for path in soon if path.startswith("feeds/cap/")]
    assert all(late[path] == soon[path] for path in kept)


def test_the_last_word_of_what_is_not_over_stays_in_the_feeds() -> None:
    late = feeds(at_end(*evening()[:3], at=START + timedelta(days=15)), SITE)
    assert late["feeds/alerts.fr.atom"].count(b"<entry") == 1
    assert b"BKRT-3" in late["feeds/cap.atom"]


def test_a_feed_has_a_limit_and_the_latest_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = feeds(at_end(*evening()), SITE)
    monkeypatch.setattr(atom, "MOST_BYTES", len(whole["feeds/alerts.fr.atom"]) - 500)
    made = feeds(at_end(*evening()), SITE)
    assert 3000 < len(made["feeds/alerts.fr.atom"]) <= atom.MOST_BYTES
    assert b"BKRT-7:fr" in made["feeds/alerts.fr.atom"]
    assert b"BKRT-1:fr" not in made["feeds/alerts.fr.atom"]


def test_the_same_standing_gives_the_same_bytes_and_time_alone_changes_nothing() -> None:
    one = feeds(at_end(*evening()), SITE)
    assert feeds(at_end(*evening()), SITE) == one
    assert feeds(at_end(*evening(), at=START + timedelta(hours=5)), SITE) == one


def test_an_entry_is_updated_only_when_it_says_something_else() -> None:
    before = _entries(feeds(at_end(*evening()[:3]), SITE))
    after = _entries(feeds(at_end(*evening()[:4]), SITE))
    names = dict(zip(("first", "numbers", "status", "correction"), sorted(after), strict=True))
    assert after[names["first"]] == before[names["first"]]
    assert after[names["status"]] == before[names["status"]]
    assert next(iter(after)) == names["correction"], "before the entry that it changed at the same time"
    changed = after[names["numbers"]]
    assert changed != before[names["numbers"]]
    assert "2026-06-02T17:00:00+02:00" in changed
    assert "02 61 91 29 16" in changed, "what is right instead"


def test_what_was_false_stays_and_is_struck_through() -> None:
    story = (
        alert("FLSE-1", "holding", 0),
        alert("FLSE-2", "false_alert", 9, relation="cancel", references=["FLSE-1"]),
    )
    made = feeds(at_end(*story), SITE)
    entry = next(text for name, text in _entries(made).items() if "FLSE-1" in name)
    assert "&lt;del&gt;&lt;p&gt;Le 15 ne répond pas" in entry
    message = reading.cap_files(made)["FLSE-2"]
    assert said(message, "msgType") == "Cancel"
    assert said(message, "references") == "alertes@example.org,FLSE-1,2026-06-02T16:00:00+02:00"


def _entries(files: Mapping[str, bytes]) -> dict[str, str]:
    feed = etree.fromstring(files["feeds/alerts.fr.atom"])
    return {
        entry.findtext(f"{ATOM}id") or "": etree.tostring(entry, encoding="unicode")
        for entry in feed.iter(f"{ATOM}entry")
    }
