"""From rows to posts: what an adapter gets for a delivery that was claimed, is in doubt, or was sent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.model import NEVER, Action, ExercisePost, Picture, Post, Purpose, WhenUncertain
from alertbot.delivery.content import message_id, post, threads
from alertbot.delivery.store_claim import Claimed
from alertbot.delivery.store_content import DispatchFacts, Sent, Words
from alertbot.delivery.store_settle import Doubt

ENVELOPE = DispatchFacts(
    3, "BKRT-2", "x_main", 1, Purpose.PUBLICATION, "d" * 64, False, WhenUncertain.ASK, ("BKRT-1",)
)
WORDS = Words("fr", 2, "le 15", "<b>le 15</b>", "Sujet", "ab", "une carte")
CLAIMED = Claimed(7, 3, 5, "t", "en", 2, 6, 0, False, 0.1, "publish", "r6", False, 60.0, 5.0)
DOUBT = Doubt(7, 3, 5, "t", "en", 2, 6, 1, False, "x_main", "publish", "r6", False, 60.0, 9.0)
SENT = Sent(7, 3, 5, "t", "en", 2, 1, False, "publish", "BKRT-2", "x_main", "r7", 4.0, 60.0, "r6")
PICTURE = Picture("ab", "image/png", 1, 1, b"png")
WHOLE = Post(
    alert="BKRT-2",
    delivery=7,
    attempt=1,
    target="t",
    lang="en",
    text="le 15",
    html="<b>le 15</b>",
    subject="Sujet",
    part=2,
    parts=2,
    reply_to="r6",
    message_id="BKRT-2.7",
    references=("BKRT-1.4",),
    uncertain_before=False,
    action=Action.PUBLISH,
    picture=PICTURE,
    alt="une carte",
    born=datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
)


def made(row: Claimed | Doubt | Sent, envelope: DispatchFacts = ENVELOPE) -> Post:
    return post(row, envelope, WORDS, ("BKRT-1.4",), PICTURE)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (CLAIMED, WHOLE),
        (CLAIMED._replace(attempts=4), replace(WHOLE, attempt=5)),
        (CLAIMED._replace(resent=True), replace(WHOLE, uncertain_before=True)),
        (CLAIMED._replace(lang=None), replace(WHOLE, lang="fr")),  # the language of the text
        (replace(DOUBT, born=None), replace(WHOLE, uncertain_before=True, born=NEVER)),
        (DOUBT, replace(WHOLE, uncertain_before=True)),  # the attempt that nobody knows of
        (replace(DOUBT, attempts=3), replace(WHOLE, attempt=3, uncertain_before=True)),
        (SENT, replace(WHOLE, uncertain_before=True)),
        *((CLAIMED._replace(action=action.value), replace(WHOLE, action=action)) for action in Action),
    ],
)
def test_what_an_adapter_gets(row: Claimed | Doubt | Sent, expected: Post) -> None:
    assert made(row) == expected


def test_an_exercise_is_a_type_of_its_own() -> None:
    drill = made(CLAIMED, replace(ENVELOPE, exercise=True))
    assert type(drill) is ExercisePost
    assert type(made(CLAIMED)) is Post
    assert drill.text == WHOLE.text


@given(st.integers(0, 50), st.booleans())
def test_every_attempt_has_the_same_message_id(attempts: int, resent: bool) -> None:
    again = made(CLAIMED._replace(attempts=attempts, resent=resent))
    assert again.message_id == message_id("BKRT-2", 7) == "BKRT-2.7"
    assert again.message_id != message_id("BKRT-2", 8) != message_id("BKRT-1", 8)


def test_earlier_mails_stand_in_the_order_of_their_alerts() -> None:
    rows = [
        ("b@example.org", "BKRT-3", 9, "m9"),
        ("a@example.org", "BKRT-3", 8, "m8"),
        ("a@example.org", "BKRT-1", 20, "m20"),
        ("a@example.org", "BKRT-2", 5, None),  # a person said that it was sent
    ]
    assert threads(rows, ("BKRT-1", "BKRT-2", "BKRT-3")) == {
        "a@example.org": ("m20", "BKRT-2.5", "m8"),
        "b@example.org": ("m9",),
    }
    assert threads([], ("BKRT-1",)) == {}
