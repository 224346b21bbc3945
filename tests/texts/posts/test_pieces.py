"""Texts as pieces: nothing lost, nothing cut, the order kept, every post within its limit and whole by itself."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import Territory, find
from alertbot.texts.kinds.kind_spec import Template
from alertbot.texts.posts.measure import utf16_length, weighted_length
from alertbot.texts.posts.pieces import (
    Edition,
    Marks,
    PostLimit,
    Thread,
    long_text,
    pieces,
    places_of,
    thread,
)
from alertbot.texts.posts.writing import entities, plain, visible
from alertbot.texts.wording.render import TemplateText, words
from tests.effort import examples

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2021, 6, 2, 16, 45, tzinfo=PARIS)
X = PostLimit(280, lambda blocks: weighted_length(plain(blocks)))
TELEGRAM = PostLimit(4096, lambda blocks: max(utf16_length(visible(blocks)), 41 * entities(blocks)))
PAGE = "https://example.org/etat"
TEXT = """
{% block lead %}
PANNE : {{ news }} {{ page }}
{% endblock %}
{% block lead_tight %}
PANNE. {{ page }}
{% endblock %}
{% block place %}
{{ [place]|names }} : appelez
{{ rows|calls }}

Jusqu’à demain.
{% endblock %}
{% block stop %}
{{ [place]|names }} : n’appelez PAS
{{ rows|calls }}
{% endblock %}
{% block detail %}
{% for one in more %}
{{ one }}

{% endfor %}
{% endblock %}
{% block foot %}
Référence.
{% endblock %}
"""
MARKS = Marks(
    words("EXERCICE : rien à faire.", "fr"),
    words("Fin. EXERCICE", "fr"),
    words("EXERCICE", "fr"),
    (),
    (),
)
SERVICES = ("samu", "pompiers", "police")
CODES = ("69", "42", "01", "38", "974", "2A", "15", "29", "35")


def territory(code: str) -> Territory:
    found = find(code)
    assert found is not None
    return found


def edition(
    rows: Sequence[NumberRow] = (),
    struck: Sequence[NumberRow] = (),
    *,
    news: str = "le 15.",
    more: Sequence[str] = (),
    page: str = PAGE,
    text: str = TEXT,
    marks: Marks | None = None,
) -> Edition:
    values = {"news": news, "more": more, "page": page}
    filled = TemplateText(Template(text, "k/fr/short.md.j2"), values, lang="fr", zone=PARIS, issued=NOW)
    return Edition("fr", filled, places_of(((rows, False), (struck, True))), "Panne", marks)


def row(code: str, at: int = 10, service: str = "samu", **parts: object) -> NumberRow:
    return NumberRow(territory(code), service, f"04 65 71 00 {at:02}", "15", **parts)  # type: ignore[arg-type]


@st.composite
def lists(draw: st.DrawFn, most: int = 14) -> tuple[NumberRow, ...]:
    """Rows with numbers of their own, in any order of territories and services."""
    zone = st.sampled_from([{}, {"fr": "Lyon"}, {"fr": "la ville et les communes du nord du fleuve"}])
    cells = st.tuples(st.sampled_from(CODES), st.sampled_from(SERVICES), zone)
    found = draw(st.lists(cells, max_size=most))
    return tuple(
        row(code, at, service, zone=zone) for at, (code, service, zone) in enumerate(found, 10)
    )


sentences = st.lists(
    st.sampled_from(["panne", "le 15", "SAMU", "⚠️", "urgence"]), min_size=1, max_size=30
)
paragraphs = st.lists(sentences.map(" ".join), max_size=5)


def texts(made: Thread) -> list[str]:
    return [plain(post.blocks) for post in made.posts]


def numbers(text: str) -> list[str]:
    return [
        one.replace("\u00a0", " ") for one in re.findall(r"04\u00a065\u00a071\u00a000\u00a0\d\d", text)
    ]


def in_order(rows: Sequence[NumberRow]) -> list[str]:
    return [one.number for place in places_of(((rows, False),)) for one in place.rows]


# --- short forms -----------------------------------------------------------------------------------


@settings(max_examples=examples(150), deadline=None)
@given(lists(), paragraphs, st.sampled_from([None, MARKS]))
def test_a_thread_loses_and_cuts_nothing_and_keeps_the_order(
    rows: tuple[NumberRow, ...], more: list[str], marks: Marks | None
) -> None:
    made = thread(edition(rows, more=more, marks=marks), X, None)
    assert not made.excess
    assert [one for text in texts(made) for one in numbers(text)] == in_order(rows)
    said = [line.strip() for text in texts(made) for line in text.split("\n")]
    assert [one for one in said if one in more] == [" ".join(one.split()) for one in more]
    assert all(X.over(post.blocks) <= 0 for post in made.posts)


@settings(max_examples=examples(150), deadline=None)
@given(lists())
def test_every_post_with_numbers_is_whole(rows: tuple[NumberRow, ...]) -> None:
    known = {one.number: one for one in rows}
    for post in thread(edition(rows), X, None).posts[1:]:
        text = plain(post.blocks)
        (code,) = {known[number].territory.code for number in numbers(text)}
        assert text.startswith(f"{territory(code).name_in('fr')} ({code})\u00a0: appelez\n")
        assert text.endswith("\n\nJusqu’à demain.")
        assert post.territories == (code,)
        for number in numbers(text):
            (line,) = [one for one in text.split("\n") if number in one.replace("\u00a0", " ")]
            assert known[number].service_in("fr") in line
            assert known[number].zone_in("fr") in line


@settings(max_examples=examples(100), deadline=None)
@given(lists(most=30), lists(most=5), paragraphs, st.integers(1, 12), st.sampled_from([None, MARKS]))
def test_a_channel_never_takes_more_posts_than_it_wants_and_says_what_is_missing(
    rows: tuple[NumberRow, ...],
    struck: tuple[NumberRow, ...],
    more: list[str],
    most: int,
    marks: Marks | None,
) -> None:
    one = edition(rows, struck, more=more, marks=marks)
    whole, made = thread(one, X, None), thread(one, X, most)
    assert 1 <= len(made.posts) <= most
    if len(whole.posts) <= most:
        assert made == whole
    elif made.unsaid == ("detail",):
        assert list(made.posts) == [post for post in whole.posts if post in made.posts]
        assert [n for text in texts(made) for n in numbers(text)] == in_order(rows) + in_order(struck)
    else:
        assert texts(made) == [text for text in texts(whole) if text.find(PAGE) >= 0]
        assert set(made.unsaid) == {
            name for name, given in (("place", rows), ("stop", struck), ("detail", more)) if given
        }


def test_a_territory_too_long_for_a_post_is_divided_between_services_then_between_numbers() -> None:
    zone = {"fr": "la ville et toutes les communes du nord du fleuve, jusqu’à la limite du département"}
    rows = [row("69", at, SERVICES[at // 14], zone=zone) for at in range(10, 18)]
    assert len({one.service for one in rows}) == 2
    made = thread(edition(rows), X, None)
    shown = [numbers(text) for text in texts(made)[1:]]
    assert [number for each in shown for number in each] == [one.number for one in rows]
    assert max(len(each) for each in shown) < 4  # four with such a zone fill more than a post
    short = [
        row("69", at, SERVICES[at // 14], zone={"fr": "secteur nord du fleuve"}) for at in range(10, 18)
    ]
    by_service = [numbers(text) for text in texts(thread(edition(short), X, None))[1:]]
    assert [len(each) for each in by_service] == [4, 4]


def test_the_tighter_wording_is_used_only_where_the_full_one_does_not_fit() -> None:
    full, tight = thread(edition(), X, 9), thread(edition(news="mot " * 80), X, 9)
    assert texts(full) == [f"PANNE\u00a0: le 15. {PAGE}"]
    assert texts(tight) == [f"PANNE. {PAGE}"]
    assert [one.posts[0].tight for one in (full, tight)] == [False, True]


def test_what_fits_in_no_wording_is_told_with_its_excess() -> None:
    made = thread(edition(page=PAGE + " " + "mot " * 80), X, 9)
    assert made.posts == ()
    (excess,) = made.excess
    assert excess.over == X.over(excess.blocks) > 0
    assert plain(excess.blocks).startswith("PANNE. ")
    number = row("69", zone={"fr": "mot " * 80})
    (excess,) = thread(edition([number]), X, 9).excess
    assert excess.piece.place is not None
    assert excess.piece.place.rows == (number,)


def test_too_many_posts_without_a_link_are_told_by_their_count() -> None:
    made = thread(edition([row(code) for code in CODES], page=""), X, 9)
    assert (made.posts, made.excess, made.needed) == ((), (), 10)
    long = thread(edition([row(code) for code in CODES], news="mot " * 80, page="mot " * 80), X, 9)
    assert long.needed == 0
    assert [one.piece.name for one in long.excess] == ["lead"]


def test_the_lead_comes_first_wherever_the_template_declares_it() -> None:
    text = "{% block place %}{{ rows|calls }}{% endblock %}{% block lead %}D’abord{% endblock %}"
    assert texts(thread(edition([row("69")], text=text), X, None))[0] == "D’abord"


def test_a_list_stays_with_what_announces_it_and_a_heading_with_what_follows() -> None:
    text = (
        "{% block lead %}A{% endblock %}{% block detail %}\nQue faire :\n\n1. un\n2. deux\n\n# Titre\n\nsuite\n\nfin\n"
        "{% endblock %}"
    )
    assert texts(thread(edition(text=text), X, None)) == [
        "A", "Que faire\u00a0:\n\n1. un\n2. deux", "Titre\n\nsuite", "fin",
    ]  # fmt: skip


# --- exercises -------------------------------------------------------------------------------------


@settings(max_examples=examples(100), deadline=None)
@given(lists(), st.integers(1, 60))
def test_every_post_of_an_exercise_is_marked_at_both_ends(
    rows: tuple[NumberRow, ...], count: int
) -> None:
    for made in (
        thread(edition(rows, news="mot " * count, marks=MARKS), X, None),
        long_text(edition(rows, news="mot " * count, marks=MARKS), TELEGRAM, parts=True, anchors=False),
    ):
        found = texts(made)
        assert all("EXERCICE" in (text.split()[0], text.split()[-1]) for text in found)
        assert all(text.startswith("EXERCICE") and text.endswith("EXERCICE") for text in found[1:-1])
        assert found[0].startswith("EXERCICE\u00a0: rien à faire.")
        assert found[-1].endswith("Fin. EXERCICE")


# --- long forms ------------------------------------------------------------------------------------


@settings(max_examples=examples(100), deadline=None)
@given(lists(most=30), lists(most=4), paragraphs, st.integers(260, 900))
def test_a_long_form_loses_nothing_and_each_message_ends_at_the_end_of_a_piece(
    rows: tuple[NumberRow, ...], struck: tuple[NumberRow, ...], more: list[str], limit: int
) -> None:
    one = edition(rows, struck, more=more)
    room = PostLimit(limit, TELEGRAM.length)
    made = long_text(one, room, parts=True, anchors=False)
    assert not made.excess
    found = texts(made)
    assert [n for text in found for n in numbers(text)] == in_order(rows) + in_order(struck)
    assert all(room.over(post.blocks) <= 0 for post in made.posts)
    ends = {plain(piece.full).rsplit("\n", 1)[-1] for piece in pieces(one)} | {"Référence."}
    whole = long_text(one, None, parts=True, anchors=False)
    assert texts(whole)[0].endswith("Référence.")
    for at, text in enumerate(found, 1):
        body = text.removesuffix(f"\n\n{at}/{len(found)}")
        assert (body != text) == (len(found) > 1)
        assert body.rsplit("\n", 1)[-1] in ends or numbers(body)  # a territory may be divided
    if all(piece.place is None or len(piece.place.rows) < 3 for piece in pieces(one)):
        bodies = [text.removesuffix(f"\n\n{at}/{len(found)}") for at, text in enumerate(found, 1)]
        assert "\n\n".join(bodies) == texts(whole)[0]


def test_as_few_messages_as_possible() -> None:
    one = edition([row(code) for code in CODES])
    limit = utf16_length(visible(long_text(one, None, parts=True, anchors=False).posts[0].blocks))
    fitting = PostLimit(limit, lambda blocks: utf16_length(visible(blocks)))
    assert len(long_text(one, fitting, parts=True, anchors=False).posts) == 1
    assert len(long_text(one, replace(fitting, limit=limit - 1), parts=True, anchors=False).posts) == 2


def test_one_message_alone_keeps_its_numbers_rather_than_its_details() -> None:
    room = PostLimit(400, lambda blocks: len(plain(blocks)))
    one = edition([row(code) for code in CODES[:4]], more=["mot " * 50])
    made = long_text(one, room, parts=False, anchors=False)
    assert made.unsaid == ("detail",)
    assert len(numbers(plain(made.posts[0].blocks))) == 4


@pytest.mark.parametrize(
    ("limit", "tight", "unsaid"), [(600, False, ()), (440, True, ()), (240, False, ("place",))]
)
def test_one_message_alone_is_tighter_or_only_its_lead(
    limit: int, tight: bool, unsaid: tuple[str, ...]
) -> None:
    room = PostLimit(limit, lambda blocks: len(plain(blocks)))
    one = edition([row(code) for code in CODES[:4]], news="mot " * 50)
    made = long_text(one, room, parts=False, anchors=False)
    (post,) = made.posts
    assert (post.tight, made.unsaid) == (tight, unsaid)
    assert PAGE in plain(post.blocks)
    assert (len(numbers(plain(post.blocks))) == 4) == (not unsaid)
    assert post.territories == (() if unsaid else CODES[:4])


def test_one_message_without_room_or_link_is_told() -> None:
    room = PostLimit(100, lambda blocks: len(plain(blocks)))
    one = edition([row(code) for code in CODES[:4]], page="")
    made = long_text(one, room, parts=False, anchors=False)
    assert made.posts == ()
    (excess,) = made.excess
    assert (made.needed, excess.over > 0) == (0, True)


def test_telegram_entities_are_counted() -> None:
    text = "{% block lead %}A{% endblock %}{% block detail %}{% for n in range(150) %}**{{ n }}**\n\n{% endfor %}{% endblock %}"
    made = long_text(edition(text=text), TELEGRAM, parts=True, anchors=False)
    assert [entities(post.blocks) <= 99 for post in made.posts] == [True, True]
