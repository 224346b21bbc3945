"""Words that the program fills in: which numbers stop and which stay, whatever the split."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import ConfigInvalid
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import all_territories, services
from alertbot.texts.kinds.catalogue import KEYS, LONGEST_LIST, load_ready_words

WORDS = load_ready_words()
PLACES = [place for code, place in all_territories().items() if code != "FR"]
rows = st.lists(
    st.builds(
        NumberRow,
        territory=st.sampled_from(PLACES),
        service=st.sampled_from(sorted(services())),
        number=st.just("02 61 91 00 15"),
        zone=st.sampled_from([{}, {"": "Brest"}]),
    ),
    max_size=30,
)


def test_every_language_has_every_word() -> None:
    for texts in WORDS.texts.values():
        assert texts.keys() == set(KEYS)


@given(rows, rows)
def test_what_stops_is_named_by_service(gone: list[NumberRow], stay: list[NumberRow]) -> None:
    said = WORDS.numbers(gone, stay)
    assert said.keys() == WORDS.texts.keys()
    for lang, text in said.items():
        assert 0 < len(text) <= LONGEST_LIST
        assert "02 61" not in text
        if not gone:
            assert text == WORDS.texts[lang]["none"]
        elif str(len(gone)) not in text:
            assert all(services()[one.service].name_in(lang) in text for one in gone)
            left = {one.service for one in stay} - {one.service for one in gone}
            assert not any(
                f"{services()[key].name_in(lang)} (" in text.replace("Gendarmerie (police)", "")
                for key in left
            )


def test_what_is_partly_taken_back_says_so() -> None:
    rhone = all_territories()["69"]
    one = NumberRow(rhone, "samu", "04 65 71 00 15", zone={"": "Lyon"})
    two = NumberRow(rhone, "samu", "04 65 71 00 16")
    assert WORDS.numbers([one], [two])["fr"] == "SAMU (Rhône Lyon)"
    assert WORDS.numbers([two], [one])["en"] == "SAMU (medical) (Rhône in part)"
    assert WORDS.numbers([two])["fr"] == "SAMU (Rhône)"


def test_a_team_has_words_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "ready_words"
    folder.mkdir()
    (folder / "fr.yaml").write_text("none: plus aucun\n", encoding="utf-8")
    assert load_ready_words(tmp_path).numbers(())["fr"] == "plus aucun"
    (folder / "fr.yaml").write_text("nothing: rien\n", encoding="utf-8")
    with pytest.raises(ConfigInvalid, match="nothing"):
        load_ready_words(tmp_path)
