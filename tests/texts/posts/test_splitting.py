"""Threads: nothing lost, nothing cut, order kept, every part within the limit and complete on its own."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.texts.posts.measure import utf16_length, weighted_length
from alertbot.texts.posts.splitting import Layout, PartLimit, single, split
from alertbot.texts.posts.writing import entities, plain, visible
from alertbot.texts.wording.markup import Block, Line, Run, Shape, read
from tests.effort import examples

X = PartLimit(280, lambda blocks: weighted_length(plain(blocks)))
TELEGRAM = PartLimit(4096, lambda blocks: max(utf16_length(visible(blocks)), 41 * entities(blocks)))
HEAD, FOOT = read("**Préfecture**, 16:45"), read("Prochain point : 18:30. https://example.org/etat")

words = st.lists(
    st.sampled_from(
        ["urgence", "15", "112", "SAMU", "⚠️", "–", "zone", "d’appel", "https://example.org/x"]
    ),
    min_size=1,
    max_size=8,
)
line = words.map(lambda each: (Run(" ".join(each)),))


@st.composite
def paragraphs(draw: st.DrawFn) -> Block:
    lines = draw(st.lists(line, min_size=1, max_size=2))
    shape = draw(st.sampled_from(list(Shape)))
    bullet = "– " if shape is Shape.ITEM else ""
    return Block(tuple(lines), shape, bullet, tight=shape is Shape.ITEM and draw(st.booleans()))


@st.composite
def territories(draw: st.DrawFn) -> Block:
    title: Line = (Run(f"Territoire {draw(st.integers(1, 974))}", ("b",)),)
    return Block((title, *draw(st.lists(line, min_size=1, max_size=12))))


bodies = st.lists(st.one_of(paragraphs(), territories()), min_size=1, max_size=12)


def lines_of(blocks: tuple[Block, ...] | list[Block]) -> list[str]:
    return [text for block in blocks for text in plain((block,)).split("\n")]


@settings(max_examples=examples(100), deadline=None)
@given(bodies)
def test_a_thread_loses_and_cuts_nothing(body: list[Block]) -> None:
    thread = split(Layout(HEAD, tuple(body), FOOT), X, "fr")
    assert not thread.excess
    inner = [part[1:-1] for part in thread.parts]
    said = [line for part in inner for line in lines_of(part)]
    repeated = [line for line in said if line.endswith(" (suite)")]
    assert [line for line in said if line not in repeated] == lines_of(body)


@settings(max_examples=examples(100), deadline=None)
@given(bodies, st.sampled_from([X, TELEGRAM]))
def test_every_part_is_within_the_limit_complete_and_numbered(
    body: list[Block], room: PartLimit
) -> None:
    parts = split(Layout(HEAD, tuple(body), FOOT), room, "fr").parts
    for at, part in enumerate(parts, 1):
        text = plain(part)
        assert room.length(part) <= room.limit
        assert text.startswith(
            "Préfecture, 16:45" + (f" ({at}/{len(parts)})\n" if len(parts) > 1 else "\n")
        )
        assert text.endswith(plain(FOOT))


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(territories(), min_size=2, max_size=8))
def test_every_number_line_stays_under_its_territory(body: list[Block]) -> None:
    whole = {(plain((b,)).split("\n")[0], text) for b in body for text in plain((b,)).split("\n")[1:]}
    for part in split(Layout(HEAD, tuple(body), FOOT), X, "fr").parts:
        for block in part[1:-1]:
            title, *lines = plain((block,)).split("\n")
            assert {(title.removesuffix(" (suite)"), text) for text in lines} <= whole


@settings(max_examples=examples(100), deadline=None)
@given(bodies)
def test_parts_are_evenly_filled_and_no_more_than_needed(body: list[Block]) -> None:
    parts = split(Layout(HEAD, tuple(body), FOOT), X, "fr").parts
    free = X.limit - X.length((*HEAD, *FOOT)) - 8
    total = sum(X.length((block,)) + 2 for block in body)
    assert len(parts) <= 2 * total / free + 2


def test_without_head_or_foot_the_first_line_is_numbered() -> None:
    parts = split(Layout((), read("\n\n".join(["mot " * 30] * 6))), X, "fr").parts
    assert [re.findall(r"\((\d/\d)\)$", plain(p).split("\n")[0]) for p in parts] == [
        ["1/3"],
        ["2/3"],
        ["3/3"],
    ]


def test_a_heading_stays_with_what_follows_it() -> None:
    body = read("\n\n".join(["mot " * 20] * 2 + ["# Titre", "suite " * 20]))
    parts = split(Layout(HEAD, tuple(body), FOOT), X, "fr").parts
    assert all(part[-2].shape is not Shape.HEADING for part in parts)


def test_a_paragraph_that_fits_nowhere_is_named_with_its_excess() -> None:
    long = read("mot " * 100)
    thread = split(Layout(HEAD, (*read("court"), *long), FOOT), X, "fr")
    assert not thread.parts
    (excess,) = thread.excess
    assert excess.blocks == long
    assert excess.over > 150


def test_a_frame_that_leaves_no_room_is_named() -> None:
    (excess,) = split(Layout(read("tête " * 60), read("corps"), FOOT), X, "fr").excess
    assert excess.piece == "frame"


def test_a_channel_without_threads_tells_what_is_over() -> None:
    (excess,) = single(read("a" * 300), X).excess
    assert excess.over == 20


def test_no_limit_means_one_part() -> None:
    assert len(split(Layout(HEAD, tuple(read("a\n\nb")), FOOT), None, "fr").parts) == 1


def test_telegram_entities_are_counted() -> None:
    body = read("\n\n".join(f"**{n}**\n{n}" for n in range(150)))
    parts = split(Layout((), body), TELEGRAM, "fr").parts
    assert all(entities(part) <= 100 for part in parts)
    assert len(parts) == 2


ONCE = read("#Essai https://example.org/une-fois")


@settings(max_examples=examples(300), deadline=None)
@given(bodies, st.sampled_from([FOOT, ()]))
def test_what_stands_once_closes_the_first_part_or_the_thread(
    body: list[Block], foot: tuple[Block, ...]
) -> None:
    parts = split(Layout(HEAD, tuple(body), foot, ONCE), X, "fr").parts
    assert all(X.length(part) <= X.limit for part in parts)
    texts = [plain(part) for part in parts]
    holding = [at for at, text in enumerate(texts) if plain(ONCE) in text]
    assert holding in ([0], [len(texts) - 1])
    assert all(plain(foot) in text for text in texts)
    assert all(len(part) > len(HEAD) + len(foot) for part in parts)
    said = [line for part in parts for line in lines_of(part) if not line.endswith(" (suite)")]
    assert [line for line in lines_of(body) if line not in said] == []
