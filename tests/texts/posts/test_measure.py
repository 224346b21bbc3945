"""Lengths: the quick road gives the library's result, and hostile words do not keep it busy."""

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from alertbot.core.model import ChannelSpec, Measure
from alertbot.texts.posts import measure
from alertbot.texts.posts.measure import PATTERNS, exact_weight, utf16_length, weighted_length
from tests.effort import examples
from tests.texts.posts.oracle import library_weight, patterns, written

CONFORMANCE = [
    ("", 0),
    ("Numéros d'urgence : difficultés d'appel.", 40),
    ("e\u0301te\u0301", 3),  # composed before counting
    ("deux\r\nlignes", 11),
    ("日本", 4),
    ("⚠️", 2),
    ("⚠", 2),
    ("☎️ 18", 5),
    ("✅ fini", 7),
    ("👨‍👩‍👧‍👦", 2),
    ("©", 2),
    ("…", 2),
    ("a\u00a0b", 3),
    ("a\u202fb", 4),
    ("https://example.org/", 23),
    ("https://example.org/une/adresse/plus/longue/que/vingt-trois/signes", 23),
    ("Voir https://example.org/etat.", 29),
    ("(https://example.fr/a)", 25),
    ("example.org", 23),
    ("example.org, example.fr", 48),
    ("https://t.co/abcdef", 23),
    ("https://example.org/?q=1&r=2", 23),
    ("http://127.0.0.1:8080/x", 23),
    ("nom@example.org", 15),
    ("Fin.Début", 9),
    ("3.5 millions", 12),
]


@pytest.mark.parametrize(("text", "length"), CONFORMANCE)
def test_weighted_length_of_known_texts(text: str, length: int) -> None:
    assert weighted_length(text) == length


@pytest.mark.parametrize(("text", "_length"), CONFORMANCE)
def test_known_texts_agree_with_the_library(text: str, _length: int) -> None:
    assert weighted_length(text) == library_weight(measure.normal(text))


PLAIN_WORDS = (
    "Urgence 15 17, 18. 112 à l’appel « Orange » 16:45 (1/3) … – € → © 日本 // https:// @org #Orange"
)
SIGNS = "⚠️ ⚠ ☎️ ✅ 📞 ℹ️ 👨‍👩‍👧 1️⃣"
ADDRESSES = """https://example.org https://example.org/ https://www.example.fr/a/b-c_d example.com
    https://example.org/etat. (https://example.org/x) https://example.org/a?b=1 https://exämple.org/
    http://example.info/x, fin.Debut a.b 1.2.fr a@b.fr …fr https://example.gouv.fr/x).
    https://example.orga/x https://a-b.example.eu/1"""
WORDS = st.sampled_from(
    [*PLAIN_WORDS.split(), *SIGNS.split(" "), *ADDRESSES.split(), "04 65 71 00 00", "e\u0301", "\u202f"]
)
SEPARATORS = st.sampled_from([" ", "\n", "\n\n", "\u00a0", "", ".", ", ", "'", "\t"])


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(WORDS, SEPARATORS), max_size=30))
def test_alert_like_texts_weigh_what_the_library_says(pieces: list[tuple[str, str]]) -> None:
    text = "".join(word + separator for word, separator in pieces)
    assert weighted_length(text) == library_weight(measure.normal(text))


@settings(max_examples=examples(200), deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_any_text_weighs_what_the_library_says(text: str) -> None:
    assert weighted_length(text) == library_weight(measure.normal(text))


def test_every_light_character_agrees_with_the_library() -> None:
    characters = [
        chr(point) for point in [*range(0x20, 0x1100), *range(0x2000, 0x2040), *range(0x2190, 0x2200)]
    ]
    lines = ["|".join(characters[start : start + 50]) for start in range(0, len(characters), 50)]
    for line in lines:
        assert weighted_length(line) == library_weight(measure.normal(line))


@pytest.mark.parametrize(
    "word", ["a." * 4000, "a" * 10_000 + ".x", "https://example.org/?" + "a." * 3000]
)
def test_a_hostile_word_is_counted_at_once_and_never_too_little(word: str) -> None:
    assert weighted_length(word) >= len(word)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_utf16_units(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2


def test_measure_chooses_the_rule() -> None:
    assert [measure.measure("⚠️😷", how) for how in Measure] == [4, 4, 3, 2]


def test_the_patterns_are_those_of_the_library() -> None:
    assert PATTERNS.read_text(encoding="utf-8") == written(), "run `make patterns`"


def test_every_emoji_of_the_library_is_one() -> None:
    sequences, _class = patterns()["emoji"].rsplit("|[", 1)
    signs = [re.sub(r"\\(.)", r"\1", sign) for sign in sequences.split("|")]
    assert len(signs) > 2000
    assert {sign for sign in signs if exact_weight(sign) != 2} == set()


ENDINGS = st.sampled_from(
    ["fr", "museum", "co.uk", "gouv.fr", "рф", "한국", "xn--p1ai", "orga", "x", "onion"]
)
NAMES = st.text("ab-_é日.9", min_size=1, max_size=8)
TAILS = st.text("/?=&.,;:#()[]@!~%+*'|-_aé9Я…– ", max_size=12)


@settings(max_examples=examples(600), deadline=None)
@given(
    st.sampled_from(["", "https://", "HTTP://", "@", "#", "(", "é", "…", "/", "."]),
    NAMES,
    ENDINGS,
    TAILS,
)
def test_any_address_weighs_what_the_library_says(
    before: str, name: str, ending: str, tail: str
) -> None:
    text = measure.normal(f"{before}{name}.{ending}{tail}")
    assert exact_weight(text) == library_weight(text)
    assert weighted_length(text) == library_weight(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://t.co/" + "a" * 40,
        "https://t.co/" + "a" * 41,
        "https://t.co/abc?x=1.",
        "https://t.co/abc/def",
        "日本.example.org日本",
        "a.fr.日本.com/x",
        "http://twitter.com/これは日本語です。example.com中国語",
        "https://example.org:8080/a_(b_(c))",
        "x@example.org",
        "." * 30 + "fr",
        "https://" + "é" * 64 + ".fr",
        "1️⃣.fr",
        "👩🏽‍🚒example.org🇫🇷",
    ],
)
def test_odd_addresses_weigh_what_the_library_says(text: str) -> None:
    assert exact_weight(measure.normal(text)) == library_weight(measure.normal(text))


def test_an_ordinary_alert_reads_no_patterns() -> None:
    code = (
        "import pathlib; pathlib.Path.read_text = None\n"
        "from alertbot.texts.posts.measure import weighted_length as w\n"
        "w('⚠️ Numéros d’urgence : depuis 16:45. Voir https://example.org/etat.')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_word_needs_the_library() -> None:
    code = (
        "import sys; sys.modules['twitter_text'] = None\n"
        "from alertbot.texts.posts.measure import weighted_length as w\n"
        "sys.exit(w('👩🏽‍🚒 https://example.org/?q=1&r=2 example.museum') != 2 + 1 + 23 + 1 + 23)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("", 0),
        ("Appelez le 15 : « oui » – l’été…", 32),
        ("e\u0301te\u0301", 3),  # an accent of its own
        (
            "\U0001f469\U0001f3fd\u200d\U0001f692 \U0001f1eb\U0001f1f7 1\ufe0f\u20e3",
            5,
        ),  # a fire-fighter, a flag, a key
        ("\u0e01\u0e33", 1),
        ("a\nb\n", 4),
        ("112\u202f!", 5),
    ],
)
def test_graphemes_are_what_readers_see(text: str, signs: int) -> None:
    assert measure.graphemes(text) == signs


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\r")))
def test_the_short_way_to_count_graphemes_agrees_with_the_long_one(text: str) -> None:
    assert measure.graphemes(text) == sum(1 for _sign in iter_graphemes(text))


def test_bytes_count_where_they_are_the_tighter_limit() -> None:
    spec = ChannelSpec("t", 300, measure=Measure.GRAPHEMES, limit_bytes=3000)
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # one sign of 25 bytes
    assert measure.counted("a" * 300, spec) == 300
    assert measure.counted(family * 120, spec) == 300
    assert measure.counted(family * 120 + "a", spec) == 301


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("Plus : https://alertes.example.org/a/very/long/address/of/a/page.", 7 + 23 + 1),
        ("http://a.fr", 23),
        ("https://example.museum/" + "a" * 40, 63),  # perhaps no address to the platform: never less
        ("alertes.example.org", 19),
    ],
)
def test_an_address_counts_the_same_however_long(text: str, length: int) -> None:
    spec = ChannelSpec("t", 500, measure=Measure.GRAPHEMES, address_length=23)
    assert measure.counted(text, spec) == length
