"""A number card: readable, complete, in black and white, and the same bytes for the same card."""

import io
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alertbot.texts.cards import pictures
from alertbot.texts.cards.card import Card, CardEntry, CardSection, alternative
from alertbot.texts.cards.pictures import WIDTH, draw, unreadable
from tests.effort import examples

SAMU = CardEntry("SAMU (15)\u00a0:", "04 65 71 00 15")
CARD = Card(
    "Numéros provisoires",
    ("Préfecture", "Publié le mercredi 2 juin à 18:30 (heure de Paris)"),
    (
        CardSection("69 Rhône", (SAMU, CardEntry("Police (17)\u00a0:", "04 65 71 00 17", "Lyon – depuis un mobile"))),
        CardSection("49 Maine-et-Loire", (CardEntry("Pompiers (18)\u00a0:", "allez ici\u00a0: caserne d’Angers"),)),
    ),
    ("Valable jusqu’à 22:30 (heure de Paris)", "Référence\u00a0: BKRT-2"),
)  # fmt: skip


def image(card: Card) -> Image.Image:
    return Image.open(io.BytesIO(draw(card).png)).convert("L")


def test_it_is_as_wide_as_a_telephone_and_as_high_as_it_needs_to_be() -> None:
    drawn = draw(CARD)
    assert (drawn.width, drawn.height) == image(CARD).size
    assert drawn.width == WIDTH
    more = Card(CARD.title, CARD.head, (*CARD.sections, *CARD.sections), CARD.foot)
    assert draw(more).height > drawn.height
    assert len(drawn.png) < 200_000


def test_it_is_black_on_white() -> None:
    shades = image(CARD).histogram()
    assert shades[255] > 0.8 * sum(shades)
    assert shades[0] > 0.3 * (sum(shades) - shades[255])  # the grey ones only smooth the edges


def test_nothing_reaches_the_margins() -> None:
    long = Card(
        "Numéros provisoires de tous les services de secours de la région",
        ("x" * 300, "Préfecture " * 30),
        (CardSection("Saint-Pierre-et-Miquelon " * 6, (CardEntry("service " * 9, "04 65 71 00 15", "zone " * 40),)),),
        ("https://www.example.org/" + "chemin/" * 30,),
        "EXERCICE EXERCICE EXERCICE",
    )  # fmt: skip
    for card in (CARD, long):
        shown = image(card)
        inside = shown.crop((pictures.MARGIN - 6, 20, WIDTH - pictures.MARGIN + 10, shown.height - 20))
        assert sum(inside.histogram()[:200]) == sum(shown.histogram()[:200])


def test_the_same_card_has_the_same_bytes_in_every_process() -> None:
    code = (
        "import sys; from tests.texts.cards.test_drawing import CARD; from alertbot.texts.cards.pictures import draw;"
        "sys.stdout.buffer.write(draw(CARD).png)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert other.stdout == draw(CARD).png
    changed = Card(CARD.title, CARD.head, CARD.sections, ("Référence\u00a0: BKRT-3",))
    assert draw(changed).png != draw(CARD).png


@pytest.mark.parametrize(
    "letters",
    ["éèêëçœŒàâùûîïôÿæÉÈÀÇ", "« » – — ’ … ·", "ß ñ ü ö å ø ž ł ğ ő", "Ελλάδα Україна", "0123456789"],
)
def test_it_shows_the_letters_of_the_neighbours(letters: str) -> None:
    assert unreadable(Card(letters, (), (), ())) == ""


def test_it_says_which_letters_it_cannot_show() -> None:
    assert (
        unreadable(Card("112 日本", (), (CardSection("ع", (CardEntry("a", "b", "c"),)),), ()))
        == "日本ع"
    )


def test_a_card_too_high_is_refused() -> None:
    section = CardSection("69 Rhône", (SAMU,) * 100)
    with pytest.raises(ValueError, match="100 rows"):
        draw(Card("x", (), (section,), ()))


def test_the_alternative_says_all_of_it_in_order() -> None:
    marked = Card(CARD.title, CARD.head, CARD.sections, CARD.foot, "EXERCICE")
    assert alternative(marked, "Image\u00a0: Numéros provisoires").splitlines() == [
        "EXERCICE",
        "Image\u00a0: Numéros provisoires",
        *CARD.head,
        "69 Rhône",
        "SAMU (15)\u00a0: 04 65 71 00 15",
        "Police (17)\u00a0: 04 65 71 00 17 – Lyon – depuis un mobile",
        "49 Maine-et-Loire",
        "Pompiers (18)\u00a0: allez ici\u00a0: caserne d’Angers",
        *CARD.foot,
        "EXERCICE",
    ]


WORDS = st.text(st.sampled_from("aé 1–'W\u00a0"), max_size=120)


@settings(deadline=None, max_examples=examples(25))
@given(WORDS, st.lists(st.builds(CardEntry, WORDS, WORDS, WORDS), max_size=4), WORDS)
def test_any_words_can_be_drawn(title: str, entries: list[CardEntry], foot: str) -> None:
    card = Card(title, (foot,), (CardSection(title, tuple(entries)),), (foot,))
    assert image(card).size == (WIDTH, draw(card).height)


def test_pillow_is_loaded_only_for_a_card() -> None:
    code = (
        "import sys; import alertbot.texts.compose, alertbot.texts.preview.html_page, alertbot.texts.cards.pictures;"
        "print('PIL' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
