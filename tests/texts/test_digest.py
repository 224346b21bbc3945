"""The digest changes with everything a reader or recipient could notice, and with nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.model import Action, Measure, Message, Target
from alertbot.texts.digest import agrees, digest_of, new_salt, salted

MESSAGE = Message("x", "x", "fr", 1, 1, "texte", "<b>", "sujet", 5, 280, Measure.WEIGHTED)
OTHER = replace(MESSAGE, lang="en", text="text")
TARGETS = {"x": (Target("a", "fr"), Target("b", "en"))}
DIGEST = digest_of("holding", [MESSAGE, OTHER], TARGETS, exercise=False)


def test_order_does_not_matter() -> None:
    turned = {"x": TARGETS["x"][::-1]}
    assert digest_of("holding", [OTHER, MESSAGE], turned, exercise=False) == DIGEST
    assert len(DIGEST) == 64


def test_every_part_of_a_message_counts() -> None:
    changed = [
        {"channel": "y"}, {"type": "y"}, {"lang": "de"}, {"part": 2}, {"parts": 2}, {"text": "texte "},
        {"html": None}, {"subject": ""}, {"action": Action.EDIT}, {"picture": "ab"}, {"alt": "une carte"},
    ]  # fmt: skip
    digests = {
        digest_of("holding", [replace(MESSAGE, **change), OTHER], TARGETS, exercise=False)
        for change in changed
    }
    assert len({*digests, DIGEST}) == len(changed) + 1


def test_kind_exercise_and_targets_count() -> None:
    messages = [MESSAGE, OTHER]
    assert digest_of("status", messages, TARGETS, exercise=False) != DIGEST
    assert digest_of("holding", messages, TARGETS, exercise=True) != DIGEST
    assert digest_of("holding", messages, {"x": TARGETS["x"][:1]}, exercise=False) != DIGEST
    assert (
        digest_of("holding", messages, {"x": (Target("a", "en"), Target("b", "en"))}, exercise=False)
        != DIGEST
    )
    assert digest_of("holding", [MESSAGE], TARGETS, exercise=False) != DIGEST


def test_the_prepared_retraction_is_signed_too() -> None:
    def of(*retraction: Message) -> str:
        return digest_of("holding", [MESSAGE], TARGETS, exercise=False, retraction=retraction)

    nothing, one, two = of(), of(OTHER), of(OTHER, MESSAGE)
    assert len({nothing, one, two, of(replace(OTHER, text="another"))}) == 4
    assert of(MESSAGE, OTHER) == two
    swapped = digest_of("holding", [OTHER], TARGETS, exercise=False, retraction=[MESSAGE])
    assert swapped != of(OTHER)  # what is said and what takes it back are not the same


def test_the_alert_as_data_is_signed_where_there_is_one() -> None:
    said = [replace(MESSAGE, document=text) for text in (None, "{}", '{"lang":"fr"}')]
    found = {digest_of("holding", [one, OTHER], TARGETS, exercise=False) for one in said}
    assert DIGEST in found
    assert len(found) == 3


def test_how_much_room_a_text_had_is_nobodys_business() -> None:
    roomy = replace(MESSAGE, length=9, limit=4096, measure=Measure.CHARACTERS)
    assert digest_of("holding", [roomy, OTHER], TARGETS, exercise=False) == DIGEST


@given(
    st.lists(st.sampled_from("abcd"), max_size=4),
    st.lists(st.sampled_from("abcd"), max_size=4),
    st.sampled_from([(), ("fr",), ("fr", "en")]),
)
def test_two_lists_of_recipients_share_a_digest_only_if_they_hold_the_same(
    one: list[str], other: list[str], languages: tuple[str, ...]
) -> None:
    def of(addresses: list[str]) -> str:
        aims = [Target(at, lang) for at in addresses for lang in languages or (None,)]
        return digest_of("k", [MESSAGE], {"x": tuple(aims)}, exercise=False)

    assert (of(one) == of(other)) == (sorted(one) == sorted(other))


@given(st.text(), st.text())
def test_two_texts_never_share_a_digest(one: str, other: str) -> None:
    def of(text: str) -> str:
        return digest_of("k", [replace(MESSAGE, text=text)], {}, exercise=False)

    assert (of(one) == of(other)) == (one == other)


SIGNED = "a65d75ddb9af346065ff015919bc287843ac20f419f8ea2924f711aabe60d24d"
SIGNED_BY_0_1_0 = "d360a52ef5bde1086b22b6e3dad4fb3546be1a50c5e4f9577c37062648b9e19e"


def agreed(signed: str, kind: str = "holding", exercise: bool = False, **more: Any) -> bool:
    messages = more.get("messages", [MESSAGE, OTHER])
    retraction = more.get("retraction", ())
    targets = more.get("targets", TARGETS)
    return agrees(signed, kind, messages, targets, exercise=exercise, retraction=retraction)


def test_what_was_signed_yesterday_is_signed_today() -> None:
    """Digests are stored: the same content must make the same digits in every version with this format."""
    assert DIGEST == SIGNED
    assert agreed(SIGNED)
    assert agreed(SIGNED_BY_0_1_0)


@pytest.mark.parametrize("signed", [SIGNED, SIGNED_BY_0_1_0])
def test_a_digest_of_either_format_belongs_to_one_content(signed: str) -> None:
    assert not agreed(signed, kind="status")
    assert not agreed(signed, exercise=True)
    assert not agreed(signed, targets={"x": TARGETS["x"][:1]})
    assert not agreed(signed, targets={"y": TARGETS["x"]})
    assert not agreed(signed, messages=[MESSAGE])
    assert not agreed(signed, messages=[MESSAGE, replace(OTHER, text="another")])
    assert not agreed(signed[:-1])
    assert not agreed("")


@pytest.mark.parametrize(
    "change",
    [{"picture": "ab"}, {"alt": "une carte"}, {"action": Action.EDIT}, {"action": Action.DELETE}],
)
def test_an_old_digest_does_not_cover_what_came_later(change: dict[str, Any]) -> None:
    """Its formula is blind to these: whoever adds one would otherwise keep the approval."""
    changed = replace(MESSAGE, **change)
    assert not agreed(SIGNED_BY_0_1_0, messages=[changed, OTHER])
    assert not agreed(SIGNED_BY_0_1_0, messages=[OTHER, changed])
    today = digest_of("holding", [changed, OTHER], TARGETS, exercise=False)
    assert agreed(today, messages=[OTHER, changed])


def test_an_old_digest_does_not_cover_a_prepared_retraction() -> None:
    assert not agreed(SIGNED_BY_0_1_0, retraction=[OTHER])
    both = digest_of("holding", [MESSAGE, OTHER], TARGETS, exercise=False, retraction=[OTHER])
    assert agreed(both, retraction=[OTHER])
    assert not agreed(both)


@pytest.mark.parametrize("content", [SIGNED, SIGNED_BY_0_1_0])
def test_a_salt_belongs_to_its_digest_in_either_format(content: str) -> None:
    salt = new_salt()
    signed = salted(content, salt)
    messages = [MESSAGE, OTHER]

    def agree(given: str, salt: str | None, texts: list[Message] = messages) -> bool:
        return agrees(given, "holding", texts, TARGETS, exercise=False, salt=salt)

    assert agree(signed, salt)
    assert not agree(signed, None)
    assert not agree(content, salt)
    assert not agree(signed, new_salt())
    assert not agree(signed, salt, [MESSAGE, replace(OTHER, text="another")])
    assert salted(content, None) == content


def test_no_salt_is_drawn_twice() -> None:
    assert len({new_salt() for _again in range(1000)}) == 1000
