"""What is found in words: telephone numbers, addresses, mentions, claims; and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.channels.base import X
from alertbot.core.model import Channel, Measure, Message
from alertbot.numbers import rules_words
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import find
from alertbot.texts import lint
from alertbot.texts.fields.findings import differences, figures
from alertbot.texts.fields.values import Figure, Text
from tests.texts.conftest import NOW, make_kind


@pytest.mark.parametrize(
    "text",
    [
        "04 65 71 00 15", "0465710015", "04.65.71.00.15", "04-65-71-00-15", "+33 4 65 71 00 15",
        "(04) 65 71 00 15", "04\u00a065\u202f71 00 15", "０４ ６５ ７１ ００ １５", "٠٤ ٦٥ ٧١ ٠٠ ١٥", "04\u200b65 71 00 15",
        "04 – 65 – 71 – 00 – 15", "appelez le 3900", "call 3900.", "0800 12 34", "04_65_71_00_15", "04·65·71·00·15",
    ],
)  # fmt: skip
def test_telephone_numbers_are_found(text: str) -> None:
    assert list(rules_words.dialled(f"Bonjour {text}"))


@pytest.mark.parametrize(
    "text",
    [
        "15, 17 et 18", "15 17 18 112", "15/17/18/112", "appelez le 15 ou le 112", "call 116117", "le 3114",
        "depuis 16:45", "11 800 appels", "environ 10 000", "20 départements", "dans 30 minutes", "2021",
        "appelez 3 fois", "rappelez dans 30 minutes", "le 114 par SMS", "3 juin", "5G", "12,5 %",
    ],
)  # fmt: skip
def test_short_numbers_and_quantities_are_left_alone(text: str) -> None:
    assert list(rules_words.dialled(text)) == []
    assert list(rules_words.misprinted(text)) == []


@given(st.integers(0, 9_999_999), st.sampled_from([" ", ".", "-", "", "\u00a0", "/"]))
def test_a_full_number_is_found_however_it_is_separated(tail: int, separator: str) -> None:
    digits = f"046{tail:07}"
    written = separator.join(digits[at : at + 2] for at in range(0, 10, 2))
    assert list(rules_words.dialled(f"x {written} x"))


@pytest.mark.parametrize("text", ["appelez le 12", "call 122", "15, 17, 18 et 122", "composez le 12."])
def test_misprints_of_112_are_found(text: str) -> None:
    assert list(rules_words.misprinted(text))


@pytest.mark.parametrize(
    "text", ["le 12 juin", "12 départements", "122 appels", "15, 17 et 12 départements fermés"]
)
def test_other_twelves_are_left_alone(text: str) -> None:
    assert list(rules_words.misprinted(text)) == [] or "15" in text


@pytest.mark.parametrize(
    "text",
    ["https://x.test", "HTTP://a", "www.a.b", "example.org", "a.example.fr/x", "t.me/x", "nom@example.org",
     "ｅｘａｍｐｌｅ.ｃｏｍ", "bit.ly/a", "exam\u200bple.org"],
)  # fmt: skip
def test_addresses_are_found(text: str) -> None:
    assert list(rules_words.links(f"voir {text} vite"))


@pytest.mark.parametrize("text", ["Fin. Début", "M. Dupont", "etc.", "3.5", "16.45", "a/b", "n° 3"])
def test_ordinary_dots_are_no_addresses(text: str) -> None:
    assert list(rules_words.links(text)) == []


@pytest.mark.parametrize(
    "text", ["@orange", "voir @orange", "#urgence", "＃urgence", "＠orange", "$ORAN"]
)
def test_mentions_and_tags_are_found(text: str) -> None:
    assert list(rules_words.mentions(text))


@pytest.mark.parametrize("text", ["n°1", "C#", "#1", "5 $", "100 $", "a@b"])
def test_other_signs_are_left_alone(text: str) -> None:
    assert list(rules_words.mentions(text)) == []


def test_field_faults_name_field_and_language() -> None:
    values = {"what_fails": Text({"fr": "voir example.org", "en": "ok"})}
    (fault,) = lint.fields(make_kind(), values)
    assert (fault.rule, fault.field, fault.lang, fault.acceptable) == (
        "link_in_text",
        "what_fails",
        "fr",
        False,
    )


def test_zones_conditions_and_figures_are_read_too() -> None:
    place = find("69")
    assert place
    row = NumberRow(
        place, "samu", "04 65 71 00 15", zone={"fr": "04 65 71 00 16"}, condition={"": "@x"}
    )
    figure = Figure("11 800 000", Text({}, "appels"), NOW, Text({}, "example.org"))
    found = lint.fields(make_kind(), {"numbers": (row,), "figures": (figure,)})
    assert [one.rule for one in found] == ["digits_in_text", "mention_in_text", "link_in_text"]


def test_warnings_on_fields() -> None:
    country = find("FR")
    assert country
    values = {
        "what_fails": Text({"fr": "PANNE TRÈS GRAVE partout", "en": "SAMU and SDIS"}),
        "where": (country,),
    }
    assert [one.rule for one in lint.field_warnings(values)] == ["everywhere", "capitals", "everywhere"]


def test_warnings_on_texts() -> None:
    message = Message(
        "x", "x", "fr", 1, 1, "⚠️ a\n✅ b", None, None, 9, 280, Measure.WEIGHTED, has_link=True
    )
    found = [one.rule for one in lint.text_warnings(Channel("x", X, ("fr",)), [message])]
    assert found == ["emoji", "link_cost"]


def test_parity_reads_figures_however_they_are_written() -> None:
    assert figures("Le 04 65 71 00 15 à 16 h") == {"0465710015", "16:00"}
    assert figures("à 8 h") == figures("à 8 h") == figures("at 08:00") == {"08:00"}
    assert figures("en 3 heures") == figures("within 3 hours")
    assert figures("16h45, 11 800") == figures("16:45, 11,800") == {"16:45", "11800"}
    assert figures("12,5 % https://example.org/a.") == figures("12.5% (https://example.org/a)")


def test_parity_names_what_is_missing_where() -> None:
    (one,) = differences({"fr": "15 et 17 à 18:30", "en": "15 at 18:30"})
    assert (one.lang, one.without, one.pieces) == ("fr", "en", ("17",))
    assert not list(differences({"fr": "15"}))
    assert not list(differences({}))


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"fr": "15 et 17", "en": "15"}, [("fr", "en", ("17",))]),
        ({"fr": "15", "en": "15 and 17"}, [("en", "fr", ("17",))]),
        ({"fr": "le 15", "en": "17"}, [("fr", "en", ("15",)), ("en", "fr", ("17",))]),
        ({"fr": "15", "en": "15", "de": "15, 112"}, [("de", "fr", ("112",))]),
        ({"fr": "15", "en": "fifteen"}, [("fr", "en", ("15",))]),
        ({"fr": "panne", "en": "at 18:30"}, [("en", "fr", ("18:30",))]),
        ({"fr": "panne", "en": "see https://example.org/a."}, [("en", "fr", ("https://example.org/a",))]),
        ({"fr": "3,5 %, 18h30, 10 000", "en": "3.5 %, 18:30, 10,000"}, []),
        ({"fr": "01 99 00 12 34", "en": "0199001234"}, []),
        ({"fr": "01 99 00 12 34", "en": "01 99 00 12 35"}, [
            ("fr", "en", ("0199001234",)), ("en", "fr", ("0199001235",)),
        ]),
        ({"fr": "8h05", "en": "08:05"}, []),
        ({"fr": "8h05", "en": "8:50"}, [("fr", "en", ("08:05",)), ("en", "fr", ("08:50",))]),
    ],
)  # fmt: skip
def test_parity_looks_both_ways(
    texts: dict[str, str], found: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert [(one.lang, one.without, one.pieces) for one in differences(texts)] == found
