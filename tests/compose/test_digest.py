"""The digest changes with everything a reader or recipient could notice, and with nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from alertbot.approval.digest import digest
from alertbot.model import Measure, Message, Target

MESSAGE = Message("x", "x", "fr", 1, 1, "texte", "<b>", "sujet", 5, 280, Measure.WEIGHTED)
OTHER = replace(MESSAGE, lang="en", text="text")
TARGETS = {"x": (Target("a", "fr"), Target("b", "en"))}
DIGEST = digest("holding", [MESSAGE, OTHER], TARGETS, exercise=False)


def test_order_does_not_matter() -> None:
    turned = {"x": TARGETS["x"][::-1]}
    assert digest("holding", [OTHER, MESSAGE], turned, exercise=False) == DIGEST
    assert len(DIGEST) == 64


def test_every_part_of_a_message_counts() -> None:
    changed = [
        {"channel": "y"}, {"type": "y"}, {"lang": "de"}, {"part": 2}, {"parts": 2}, {"text": "texte "},
        {"html": None}, {"subject": ""},
    ]  # fmt: skip
    digests = {
        digest("holding", [replace(MESSAGE, **change), OTHER], TARGETS, exercise=False)
        for change in changed
    }
    assert len({*digests, DIGEST}) == len(changed) + 1


def test_kind_exercise_and_targets_count() -> None:
    messages = [MESSAGE, OTHER]
    assert digest("status", messages, TARGETS, exercise=False) != DIGEST
    assert digest("holding", messages, TARGETS, exercise=True) != DIGEST
    assert digest("holding", messages, {"x": TARGETS["x"][:1]}, exercise=False) != DIGEST
    assert (
        digest("holding", messages, {"x": (Target("a", "en"), Target("b", "en"))}, exercise=False)
        != DIGEST
    )
    assert digest("holding", [MESSAGE], TARGETS, exercise=False) != DIGEST


@given(st.text(), st.text())
def test_two_texts_never_share_a_digest(one: str, other: str) -> None:
    def of(text: str) -> str:
        return digest("k", [replace(MESSAGE, text=text)], {}, exercise=False)

    assert (of(one) == of(other)) == (one == other)
