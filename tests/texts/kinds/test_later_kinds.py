"""Nothing new, a false alert of ours, an inquiry and planned works, with the values of 2 June 2021: on X each text is whole."""

from typing import Any

import pytest

from alertbot.core.model import Composition, Identity, Relation
from alertbot.texts.compose import compose
from alertbot.texts.fields import parse
from alertbot.texts.kinds import catalogue
from alertbot.texts.posts.measure import weighted_length
from alertbot.texts.request import ComposeRequest
from tests.texts.kinds.test_kinds import CHANNELS, EVENING, KINDS, ORGANISATION, PARIS

WHERE = ["69", "75", "85", "974"]
FAILS = {"fr": "des appels au 15, 17, 18 et 112", "en": "some calls to 15, 17, 18 and 112"}
CALL = {
    "fr": "Pas de réponse ? Essayez d'un autre téléphone.",
    "en": "No answer? Try from another phone.",
}
MISSILE = {"fr": "Aucun missile ne menace Hawaï.", "en": "There is no missile threat to Hawaii."}
LEAVE = {"fr": "Vous pouvez sortir.", "en": "You may leave shelter."}
REAL: dict[str, dict[str, Any]] = {
    "no_news": {"what_fails": FAILS, "where": WHERE, "what_to_do": CALL, "next_update": "+30m"},
    "false_alert": {
        "no_danger": {"fr": "Le 15, le 17, le 18 et le 112 marchent.", "en": "15, 17, 18 and 112 work."},
        "message_at": "-12m",
        "where": WHERE,
    },
    "inquiry": {
        "who": {"fr": "l'enquête interne de l'opérateur", "en": "the operator's internal inquiry"},
        "looks_at": {"fr": "la panne du 2 juin 2021", "en": "the failure of 2 June 2021"},
        "findings": {
            "fr": "un défaut de logiciel a coupé des appels d'urgence ; l'alerte aux autorités est partie deux heures trop tard",
            "en": "a software fault cut emergency calls off; the warning to the authorities went out two hours late",
        },
        "measures": {
            "fr": "Une cellule de crise en 30 minutes au lieu de 2 heures.\nUne ligne dédiée, jour et nuit, pour les secours.",
            "en": "A crisis cell within 30 minutes instead of 2 hours.\nA dedicated line, day and night, for rescue services.",
        },
    },
    "planned_works": {
        "works": {"fr": "remplacement d'un équipement du 15", "en": "replacing equipment of 15"},
        "what_fails": {"fr": "15 et 18 depuis un fixe", "en": "15 and 18 from landlines"},
        "where": ["69", "42"],
        "starts_at": "+9h",
        "ends_at": "+13h",
        "what_to_do": {"fr": "Faites le 112 d'un mobile.", "en": "Call 112 from a mobile."},
    },
}  # fmt: skip


def made(name: str, **changes: Any) -> Composition:
    kind = KINDS[name]
    given = {**REAL.get(name, kind.example), **changes}
    parsed = parse.parse(kind, given, languages=("fr", "en"), timezone=PARIS, now=EVENING, base=None)
    identity = Identity("BKRT", "BKRT-2", ("BKRT-1",))
    prepared = catalogue.load_prepared()
    return compose(
        ComposeRequest(
            kind,
            parsed,
            CHANNELS,
            None,
            ORGANISATION,
            identity,
            EVENING,
            prepared=prepared,
            relation=None,
        )
    )


@pytest.mark.parametrize("name", REAL)
def test_on_x_the_first_post_is_whole(name: str) -> None:
    found = made(name)
    assert found.faults == ()
    assert found.omitted == ()
    posts = [one for one in found.messages if one.type == "x"]
    assert {one.lang for one in posts} == {"fr", "en"}
    for one in posts:
        assert weighted_length(one.text) <= 280
        if one.part == 1:
            assert "https://" in one.text


def test_nothing_new_is_one_line_with_instruction_and_time() -> None:
    english = next(one.text for one in made("no_news").messages if one.type == "x" and one.lang == "en")
    assert english.startswith("NOTHING NEW, ")
    assert "\n" not in english
    assert "Try from another phone." in english
    assert "Next update: " in english


def test_hawaii_could_have_read_this_at_once() -> None:
    """The alert brings what its false alert would say; it is approved with it."""
    found = made("holding", no_danger=MISSILE, you_may=LEAVE)
    said = {(one.type, one.lang): one.text for one in found.retraction if one.action == "publish"}
    english = said["x", "en"]
    assert english.startswith("FALSE ALERT. There is no missile threat to Hawaii. Our message of ")
    assert "was a mistake. You are safe. You may leave shelter." in english
    assert "Vous êtes en sécurité. Vous pouvez sortir." in said["x", "fr"].replace("\u00a0", " ")
    other = made("holding", no_danger=MISSILE)
    assert other.digest != found.digest
    bare = {(one.type, one.lang): one.text for one in made("holding").retraction}
    assert "follow neither its instructions nor its numbers" in bare["x", "en"]
    assert "You are safe" not in bare["x", "en"]


def test_a_false_alert_does_not_say_of_itself_that_it_is_false() -> None:
    prepared = [one for one in made("false_alert").retraction if one.action == "publish"]
    texts = [one.text for one in prepared if one.lang == "en"]
    assert texts
    assert not any("15, 17, 18 and 112 work" in text for text in texts)


def test_an_inquiry_that_is_opened_says_who_into_what_and_by_when() -> None:
    opened = {"findings": None, "measures": None, "findings_at": "+60d"}
    english = next(
        one.text for one in made("inquiry", **opened).messages if one.type == "x" and one.lang == "en"
    )
    assert english.startswith(
        "INQUIRY OPENED, into the failure of 2 June 2021, by the operator’s internal inquiry."
    )
    assert made("inquiry", findings=None, measures=None).faults  # neither found nor due


def test_what_was_retracted_or_false_is_struck_and_an_update_shows_what_stands() -> None:
    first = made("holding").messages
    kind = KINDS["status"]
    parsed = parse.parse(
        kind, kind.example, languages=("fr", "en"), timezone=PARIS, now=EVENING, base=None
    )
    for relation, struck in (
        (Relation.UPDATE, False),
        (Relation.WITHDRAWAL, False),
        (Relation.CANCEL, True),
    ):
        found = compose(
            ComposeRequest(
                kind, parsed, CHANNELS, None, ORGANISATION, Identity("BKRT", "BKRT-2", ("BKRT-1",)), EVENING,
                prepared=catalogue.load_prepared(), relation=relation, originals=first,
            )
        )  # fmt: skip
        edits = [one for one in found.messages if one.action == "edit"]
        assert len(edits) == 2
        new = {
            one.lang: one.text
            for one in found.messages
            if one.type == "telegram" and one.action == "publish"
        }
        for one in edits:
            assert ("<s>" in (one.html or "")) is struck
            assert "BKRT-2" in one.text.partition("\n")[0]
            lead = new[one.lang].partition("\n")[0]
            assert (lead in one.text) is not struck
