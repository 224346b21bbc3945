"""What the small lexicon sees in a text, in French and English, and what it leaves alone."""

import pytest

from alertbot.texts.wording.advice import first_in, line_in, says_over


@pytest.mark.parametrize(
    "text",
    [
        "appelez d'un fixe.",
        "Appelez d’une ligne fixe",
        "prenez un téléphone FIXE, pas un mobile",
        "Évitez les mobiles",
        "n'utilisez pas votre portable",
        "N'utilisez pas votre mobile, prenez un fixe",
        "un fixe plutôt qu'un portable",
        "Si possible, appelez d'un fixe",
        "appelez d'un fixe, sinon d'un mobile",
        "Essayez d'abord le 15 d'un fixe, puis d'un portable",
        "N'appelez pas pour tester. Prenez un fixe.",
        "fixes, 114 par SMS",
        "call from a landline.",
        "use a landline, not a cell phone",
        "do not use mobile phones",
        "Avoid mobiles",
        "rather a landline than a mobile",
        "call from a landline if you can, otherwise from a mobile",
        "landlines, 114 by text",
    ],
)
def test_a_landline(text: str) -> None:
    assert line_in(text) == "landline"


@pytest.mark.parametrize(
    "text",
    [
        "prenez un mobile",
        "Essayez avec votre téléphone portable",
        "évitez le fixe",
        "ne passez pas par une ligne fixe",
        "use a mobile",
        "try a cell phone",
        "avoid landlines: use a smartphone",
        "don't use a landline",
    ],
)
def test_a_mobile(text: str) -> None:
    assert line_in(text) == "mobile"


@pytest.mark.parametrize(
    "text",
    ["fixe ou mobile", "alternez fixe et portable", "landlines and mobiles", "les fixes, les mobiles"],
)
def test_either(text: str) -> None:
    assert line_in(text) == "any"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "appelez le 15.",
        "tous les numéros",
        "Sinon, allez chez un voisin.",
        "Si vous n'avez pas de fixe, prenez un mobile",
        "Sans fixe, prenez un mobile",
        "No landline? Use a mobile.",
        "If your landline is dead, use a mobile",
        "ask a neighbour",
    ],
)
def test_no_line_or_only_for_some_callers(text: str) -> None:
    assert line_in(text) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Essayez d'abord le 15, le 17 ou le 18 d'un fixe.\nSans réponse, …", {"15", "17", "18"}),
        ("Try 15, 17 or 18 from a landline first.\nNo answer? Call …", {"15", "17", "18"}),
        ("D’abord le 15/17/18", {"15", "17", "18"}),
        ("112 first, then 15", {"112"}),
        ("Composez le 112 en premier, puis le 15", {"112"}),
        ("Composez d'abord le numéro court", {"short"}),
        ("Try the ten-digit number first, then 15", {"long"}),
        ("Appelez d’abord le 04 65 71 00 15", {"long"}),
        ("appelez le 15.", set()),
        ("Essayez d'abord avant 18 h", set()),
        ("Essayez d'abord vers 18:30", set()),
        ("N'appelez pas d'abord le 15", set()),
        ("First aid: 15 seconds, 17 times", set()),
        ("le 15/06 d'abord", set()),
    ],
)
def test_which_number_first(text: str, numbers: set[str]) -> None:
    assert first_in(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "le 15 est rétabli",
        "RETOUR A LA NORMALE",
        "Tout est rétabli, n'appelez pas pour tester.",
        "la panne est terminée",
        "service is restored",
        "all numbers are back to normal",
        "the outage is over",
    ],
)
def test_it_is_over(text: str) -> None:
    assert says_over(text)


@pytest.mark.parametrize(
    "text",
    [
        "Le service n'est pas encore rétabli",
        "vers un retour à la normale",
        "sera rétabli à 20 h",
        "nous dirons quand le service est rétabli",
        "partiellement rétabli",
        "will be restored soon",
        "until service is restored",
        "partly restored",
        "not yet back to normal",
        "tous les numéros",
        "the rétablissement continues",
    ],
)
def test_it_is_not_over(text: str) -> None:
    assert not says_over(text)
