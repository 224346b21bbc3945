"""The shipped languages beside French and English: files alone, and marked until a native speaker has read them."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alertbot.alerts.compose import DraftRequest, look
from alertbot.core.model import Composition
from alertbot.regions import packs
from alertbot.regions.facts import using
from alertbot.texts.kinds.catalogue import load_kind, load_ready_words
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.publisher import Publisher, unconfigured_publisher
from alertbot.texts.wording import language

KINDS = ("holding", "status", "provisional_number", "correction", "withdrawal", "end")
HOMES = [("nl", "BE"), ("nl", "NL"), ("de", "BE"), ("de", "DE"), ("cy", "GB"), ("es", "ES")]
LANGUAGES = ("nl", "de", "cy", "es")
ENGLISH = re.compile(
    r"\b(the|call|calls|numbers?|emergency|working|until|since|answer|share|what)\b", re.IGNORECASE
)
FRENCH = re.compile(
    r"\b(appelez|numéros?|panne|depuis|jusqu|prochaine?|urgence|marche|nous)\b", re.IGNORECASE
)


def publisher(*languages: str, folders: tuple[Path, ...] = ()) -> Publisher:
    """One X, one Telegram and one mail channel in these languages."""
    made = unconfigured_publisher()
    public = {
        name: replace(made.channels[name], languages=languages, targets=made.channels[name].targets[:1])
        for name in ("x", "telegram", "email")
    }
    organisation = replace(made.organisation, name="Zyx", languages=languages)
    return replace(made, organisation=organisation, channels=public, folders=(*made.folders, *folders))


@contextmanager
def at_home(code: str) -> Iterator[None]:
    with using(packs.load(code)):
        yield


def stopping(made: Composition) -> list[str]:
    return [one.message for one in made.faults if one.rule != "fictional_number"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("lang", "code"), HOMES)
def test_each_kind_is_whole_in_each_language_and_says_the_same_numbers(
    kind: str, lang: str, code: str
) -> None:
    with at_home(code):
        made = look(publisher("en", lang), DraftRequest(kind)).composition
    assert not stopping(made)  # among them: that the languages have the same numbers, times and links
    assert not [one for one in made.omitted if one.lang == lang]
    said = [one for one in (*made.messages, *made.retraction) if one.lang == lang]
    assert {one.channel for one in said} == {"x", "telegram", "email"}
    for one in said:
        text = one.text.replace("https://www.example.org/alert", "")
        assert one.limit is None or one.length <= one.limit
        assert not ENGLISH.search(text), text
        assert not FRENCH.search(text), text
    assert [one.lang for one in made.warnings if one.rule == "language_unread"] == [lang]
    assert "language_words" not in {one.rule for one in made.warnings}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_numbers_of_june_fit_posts_on_x(kind: str, lang: str) -> None:
    given = {
        name: value["en"] if isinstance(value, dict) and "en" in value else value
        for name, value in load_kind(kind).example.items()
    }
    made = look(publisher(lang), DraftRequest(kind, given)).composition
    assert not stopping(made)
    assert not made.omitted
    posts = [one for one in made.messages if one.type == "x"]
    assert posts
    assert max(one.length for one in posts) <= 280
    assert not [one for one in posts if one.text.rstrip().endswith(":")]


CALL = {
    "fr": "appelez",
    "en": "call:",
    "cy": "ffoniwch:",
    "de": "anrufen:",
    "es": "llame:",
    "nl": "bel ",
}


@pytest.mark.parametrize("kind", ["provisional_number", "status"])
@pytest.mark.parametrize("lang", CALL)
def test_what_to_do_stands_with_the_numbers_in_tighter_posts_too(kind: str, lang: str) -> None:
    """Each zone and condition as long as makes the tighter wording; the verb is not what falls away."""
    found = 0
    for extra in range(0, 60, 4):
        rows = [
            {
                "territory": "69",
                "service": name,
                "number": f"04 65 71 00 {end}",
                "zone": {lang: "x" * (extra // 2 + 1)},
                "condition": {lang: "y" * 9},
                "valid_until": "+4h",
            }
            for name, end in (("samu", 15), ("fire", 18), ("police", 17))
        ]
        given = dict(load_kind(kind).example) | {"numbers": rows, "where": ["69"]}
        given = {
            name: {lang: value["en"]} if isinstance(value, dict) and "en" in value else value
            for name, value in given.items()
        }
        made = look(publisher(lang), DraftRequest(kind, given)).composition
        for one in made.messages:
            if one.type == "x" and "04 65" in one.text.replace("\u00a0", " "):
                assert CALL[lang] in one.text.lower(), one.text
                assert one.length <= 280
                found += 1
    assert found


def test_a_language_without_a_kind_is_left_out_and_blocks_nothing() -> None:
    made = look(publisher("fr", "nl"), DraftRequest("denial")).composition
    assert not stopping(made)
    assert {one.lang for one in made.messages} == {"fr"}
    assert {(one.channel, one.reason) for one in made.omitted if one.lang == "nl"} == {
        (name, "denial has no text in “nl”") for name in ("x", "telegram", "email")
    }


def test_the_mark_stays_until_the_team_has_its_own_text(tmp_path: Path) -> None:
    for name in ("holding", "retraction"):
        shutil.copytree(shipped() / name / "nl", tmp_path / name / "nl")
        for file in (tmp_path / name / "nl").iterdir():
            file.write_text(file.read_text("utf-8").partition("\n")[2], "utf-8")
    for kind, told in (("holding", False), ("end", True)):
        with at_home("BE"):
            made = look(publisher("nl", folders=(tmp_path,)), DraftRequest(kind)).composition
        assert not stopping(made)
        assert ("language_unread" in {one.rule for one in made.warnings}) is told


def test_what_a_language_does_not_say_is_in_english_and_a_warning_says_so(tmp_path: Path) -> None:
    for form in ("short", "long"):
        file = tmp_path / "holding" / "pt" / f"{form}.md.j2"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            "{% block lead %}{{ next_update|when }}, {{ issued|zone }}{% endblock %}", "utf-8"
        )
    made = look(publisher("pt", folders=(tmp_path,)), DraftRequest("holding")).composition
    assert "Paris time" in made.messages[0].text
    (told,) = [one for one in made.warnings if one.rule == "language_words"]
    assert "ready_words/pt.yaml" in told.message
    words = (shipped() / "ready_words" / "es.yaml").read_text("utf-8")
    (tmp_path / "ready_words").mkdir()
    (tmp_path / "ready_words" / "pt.yaml").write_text(words, "utf-8")
    with language.using((tmp_path,)):
        made = look(publisher("pt", folders=(tmp_path,)), DraftRequest("holding")).composition
    assert "hora de Paris" in made.messages[0].text
    assert "language_words" not in {one.rule for one in made.warnings}


def test_every_language_has_all_ready_words_and_their_braces() -> None:
    words = load_ready_words().texts
    assert set(words) == {"fr", "en", *LANGUAGES}
    signs = {
        lang: {key: set(re.findall(r"\{\w+\}", text)) for key, text in each.items()}
        for lang, each in words.items()
    }
    for lang in LANGUAGES:
        assert signs[lang].keys() == signs["en"].keys()
        assert {key: one for key, one in signs[lang].items() if key != "clock"} == {
            key: one for key, one in signs["en"].items() if key != "clock"
        }


@pytest.mark.parametrize("code", packs.shipped_codes())
def test_a_relay_service_that_nobody_checked_is_not_promised(code: str) -> None:
    relay = packs.load(code).relay
    for lang in relay.who if relay else ():
        words = relay.spoken(lang) if relay else None
        assert words is not None
        assert words.how_unknown != words.how, (code, lang)


ARABIC = """{% block lead %}
عطل في {{ where|names(false) }}: {{ what_fails|sentence }}
اتصل من هاتف ثابت على 04 65 71 00 15. التحديث القادم: {{ next_update|when }}. {{ org.verification_page }}
{% endblock %}"""


def test_from_right_to_left_digits_keep_their_order_on_every_channel(tmp_path: Path) -> None:
    for kind in ("holding", "retraction"):
        (tmp_path / kind / "ar").mkdir(parents=True)
        for form in ("short", "long"):
            text = (
                ARABIC
                if kind == "holding"
                else "{% block lead %}إنذار كاذب {{ issued|clock }}. {{ org.verification_page }}{% endblock %}"
            )
            (tmp_path / kind / "ar" / f"{form}.md.j2").write_text(text, "utf-8")
    words = (shipped() / "ready_words" / "en.yaml").read_text("utf-8")
    (tmp_path / "ready_words").mkdir()
    (tmp_path / "ready_words" / "ar.yaml").write_text(words, "utf-8")
    with language.using((tmp_path,)):
        made = look(
            publisher("en", "ar", folders=(tmp_path,)), DraftRequest("holding", ARABIC_VALUES)
        ).composition
    said = {one.type: one for one in made.messages if one.lang == "ar"}
    assert set(said) == {"x", "telegram", "email"}
    for one in said.values():
        assert "\u206804 65 71 00 15\u2069" in one.text
        assert "\u2068https://www.example.org/alert\u2069" in one.text
        assert one.text.count("\u2068") == one.text.count("\u2069")
    assert said["x"].length > len(said["x"].text.replace("https://www.example.org/alert", "x" * 23))
    assert '<html lang="ar" dir="rtl">' in (said["email"].html or "")
    others = [one for one in made.messages if one.lang == "en"]
    assert not [one for one in others if "\u2068" in one.text or "rtl" in (one.html or "")]
    assert not [one for one in made.faults if "example.org" in one.message or one.rule == "template"]


ARABIC_VALUES = {
    "what_fails": {"en": "15 on mobiles", "ar": "15 من الهاتف المحمول"},
    "what_works": {"en": "landlines", "ar": "الهواتف الثابتة"},
    "where": [69],
    "what_to_do": {"en": "Call from a landline.", "ar": "اتصل من هاتف ثابت."},
    "next_update": "+30m",
}
