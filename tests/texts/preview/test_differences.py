"""What differs between two texts: nothing is lost, and whole phrases stay together."""

from hypothesis import given
from hypothesis import strategies as st

from alertbot.texts.preview.differences import PieceChange, words

TEXTS = st.text(alphabet="ab ,.\n1", max_size=30)


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str) -> None:
    found = list(words(before, after))
    assert "".join(text for piece, text in found if piece is not PieceChange.NEW) == before
    assert "".join(text for piece, text in found if piece is not PieceChange.GONE) == after
    assert all(text for _piece, text in found)


def test_a_phrase_that_changed_is_one_piece() -> None:
    found = list(
        words("Call 15 or 17 from a landline.\nThanks.", "Call 112 and wait for a landline.\nThanks.")
    )
    assert found == [
        (PieceChange.SAME, "Call "),
        (PieceChange.GONE, "15 or 17 from"),
        (PieceChange.NEW, "112 and wait for"),
        (PieceChange.SAME, " a landline.\n"),
        (PieceChange.SAME, "Thanks."),
    ]
