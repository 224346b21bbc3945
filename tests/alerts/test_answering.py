"""The rows of what follows an alert, whoever was reached: nobody twice, nobody forgotten, nothing in silence."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.alerts import chains
from alertbot.alerts.chains import Reached
from alertbot.alerts.publishing import entries
from alertbot.alerts.store_following import StandingPost
from alertbot.alerts.store_reading import Record
from alertbot.channels import base
from alertbot.core.model import (
    Action,
    Channel,
    DeliveryState,
    Measure,
    Message,
    OnCancel,
    Relation,
    Target,
)

LANGS = ("fr", "en")
NAMES = ("one", "two", "three")


class Alert:
    """What the rows depend on."""

    def __init__(self, relation: Relation) -> None:
        self.id, self.original, self.references = "BKRT-2", "BKRT-1", ("BKRT-1",)
        self.relation = relation


def channel(on_cancel: OnCancel) -> Channel:
    targets = tuple(Target(name, lang) for name in NAMES for lang in LANGS)
    return Channel("public", base.MEMORY, LANGS, targets=targets, on_cancel=on_cancel)


def message(lang: str, part: int, action: Action) -> Message:
    return Message(
        "public", "memory", lang, part, 2, "x", None, None, 1, None, Measure.CHARACTERS, action=action
    )


standings = st.lists(
    st.builds(
        StandingPost,
        alert=st.just("BKRT-1"),
        channel=st.sampled_from(["public", "elsewhere"]),
        target=st.sampled_from(NAMES),
        lang=st.sampled_from(LANGS),
        part=st.integers(1, 2),
        state=st.just(DeliveryState.SENT),
        remote_id=st.one_of(st.none(), st.sampled_from(["r1", "r2", "r3"])),
    ),
    unique_by=lambda one: (one.channel, one.target, one.lang, one.part),
)
relations = st.sampled_from(sorted(chains.ONLY_THOSE_REACHED))
records = st.lists(
    st.just(Record("public", "https://example.org/9", "9", 1, datetime(2026, 3, 2, tzinfo=UTC))),
    max_size=1,
)


def rows_of(
    posts: Any, relation: Relation, by_hand: Any, on_cancel: OnCancel
) -> tuple[list[Any], Reached]:
    public, alert = channel(on_cancel), Alert(relation)
    reached = Reached(tuple(posts), tuple(by_hand), frozenset({"BKRT-1"}))
    texts = {
        place: message(lang, part, action)
        for place, (lang, part, action) in enumerate(
            (lang, part, action)
            for action in (Action.PUBLISH, Action.EDIT)
            for lang in LANGS
            for part in (1, 2)
        )
    }
    own = {key: one for key, one in texts.items() if one.action is Action.PUBLISH}
    those, never = chains.partition(public, alert, public.targets, reached)  # type: ignore[arg-type]
    made = [*entries(public, own, those), *never]
    return chains.answering(public, alert, made, texts, reached), reached  # type: ignore[arg-type]


@given(relations, st.sampled_from(OnCancel))
def test_a_picture_of_what_is_taken_back_goes_after_the_new_post(
    relation: Relation, on_cancel: OnCancel
) -> None:
    post = StandingPost("BKRT-1", "public", "one", "fr", 1, DeliveryState.SENT, "r1")
    picture = replace(post, remote_id="r2")
    reached = Reached((post,), pictures=(picture, replace(picture, channel="elsewhere")))
    public, alert = channel(on_cancel), Alert(relation)
    own = {1: message("fr", 1, Action.PUBLISH)}
    made = entries(public, own, [Target("one", "fr")])
    rows = chains.answering(public, alert, made, own, replace(reached, fallen=frozenset({"BKRT-1"})))  # type: ignore[arg-type]
    gone = [row for row in rows if row.action is Action.DELETE and row.remote_ref == "r2"]
    kept = relation is Relation.CANCEL and on_cancel is OnCancel.KEEP
    assert len(gone) == (0 if kept else 1)
    assert all(row.after == 0 for row in gone)


@given(standings, relations, records, st.sampled_from(OnCancel))
def test_every_target_gets_it_or_a_reason(
    posts: Any, relation: Relation, by_hand: Any, on_cancel: OnCancel
) -> None:
    rows, _reached = rows_of(posts, relation, by_hand, on_cancel)
    here = {(one.target, one.lang) for one in posts if one.channel == "public"}
    for name in NAMES:
        for lang in LANGS:
            mine = [row for row in rows if (row.target, row.lang) == (name, lang)]
            published = [
                row for row in mine if row.action is Action.PUBLISH and row.message_id is not None
            ]
            skipped = [row for row in mine if row.action is Action.PUBLISH and row.skipped]
            told = (name, lang) in here or bool(by_hand)
            assert len(published) == (2 if told else 0)
            assert len(skipped) == (0 if told else 1)


@given(standings, relations, records, st.sampled_from(OnCancel))
def test_what_acts_on_a_post_names_it(
    posts: Any, relation: Relation, by_hand: Any, on_cancel: OnCancel
) -> None:
    rows, _reached = rows_of(posts, relation, by_hand, on_cancel)
    for row in rows:
        if row.action in (Action.EDIT, Action.DELETE):
            assert row.skipped or row.remote_ref
        if row.action is Action.PIN:
            assert row.after is not None
            assert rows[row.after].action is Action.PUBLISH
        if row.action is Action.DELETE and row.after is not None:
            assert rows[row.after].action is Action.PUBLISH
            assert rows[row.after].skipped is None
    acted = [(row.action, row.target, row.lang, row.part) for row in rows if row.action in ACTING]
    assert len(acted) == len(set(acted))


ACTING = (Action.EDIT, Action.DELETE, Action.PIN)


@given(standings, records)
def test_a_post_is_deleted_only_where_the_team_says_so_and_after_a_denial(
    posts: Any, by_hand: Any
) -> None:
    for policy in OnCancel:
        rows, _reached = rows_of(posts, Relation.CANCEL, by_hand, policy)
        gone = [row for row in rows if row.action is Action.DELETE]
        assert bool(gone) == (
            policy is OnCancel.DELETE and any(one.channel == "public" for one in posts)
        )
        assert all(row.after is not None for row in gone)


@given(standings, relations)
def test_a_channel_that_cannot_answer_posts_anew(posts: Any, relation: Relation) -> None:
    public = channel(OnCancel.KEEP)
    mute = replace(public, spec=replace(public.spec, can_reply=False, can_pin=False))
    alert, reached = Alert(relation), Reached(tuple(posts))
    own = {0: message("fr", 1, Action.PUBLISH)}
    made = entries(mute, own, mute.targets)
    rows = chains.answering(mute, alert, made, own, reached)  # type: ignore[arg-type]
    assert all(row.remote_ref is None for row in rows)
    assert len(rows) == len(made)


class Counted(str):
    """An address that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


@pytest.mark.parametrize("relation", sorted(chains.ONLY_THOSE_REACHED))
def test_the_work_grows_with_the_readers_and_not_with_their_square(relation: Relation) -> None:
    readers = 2000
    names = [f"reader-{number}@example.org" for number in range(readers)]
    targets = tuple(Target(Counted(name), "fr") for name in names)
    mail = Channel("mail", replace(base.EMAIL, can_reply=True), ("fr",), targets=targets)
    posts = tuple(
        StandingPost("BKRT-1", "mail", Counted(name), "fr", 1, DeliveryState.SENT, name)
        for name in names[: readers // 2]
    )
    alert: Any = Alert(relation)
    Counted.compared = 0
    those, others = chains.partition(mail, alert, targets, Reached(posts))
    rows = entries(mail, {1: replace(message("fr", 1, Action.PUBLISH), channel="mail")}, those)
    found = chains.answering(mail, alert, rows, {}, Reached(posts))
    assert (len(those), len(others), len(found)) == (readers // 2, readers // 2, readers // 2)
    assert [row.remote_ref for row in found] == names[: readers // 2]
    assert Counted.compared < 20 * readers
