"""Whether what is shown is what was approved."""

from dataclasses import replace
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.model import Action, Markup, Post
from alertbot.delivery.readback import difference

POST = Post("BKRT-1", 1, 1, "t", "fr", "Appelez le 04 65 71 00 01 : https://example.org/n/")


def shown(text: str | None, **changes: object) -> str | None:
    return difference(replace(POST, **changes), text, Markup.PLAIN)


def html(approved: str, found: str) -> str | None:
    return difference(replace(POST, html=approved), found, Markup.TELEGRAM)


@pytest.mark.parametrize(
    "text",
    [
        POST.text,
        " Appelez  le 04 65 71 00 01 :\nhttps://example.org/n ",
        "Appelez le 04 65 71 00 01 : http://example.org/n",
        "Appelez le 04 65 71 00 01 : example.org/n/",
    ],
)
def test_what_every_platform_does_to_a_text_is_no_difference(text: str) -> None:
    assert shown(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "nothing is there"),
        ("Appelez le 04 65 71 00 02 : https://example.org/n/", "it says “02” where “01”"),
        ("Appelez le 04 65 71 00 01 :", "“example.org/n” is missing"),
        ("Appelez vite le 04 65 71 00 01 : https://example.org/n/", "“vite” was added"),
    ],
)
def test_a_difference_is_named(text: str | None, words: str) -> None:
    assert words in (shown(text) or "")


def test_markup_counts_where_there_is_markup() -> None:
    assert html("<b>a</b> b", "<strong>a</strong>  b") is None
    assert html("<s>15</s> 112", "<del>15</del> 112") is None
    assert "struck" in (html("<s>15</s> 112", "15 112") or "")
    assert html('<a href="https://example.org/">x</a>', '<a href="http://example.org">x</a>') is None
    assert html('<a href="https://example.org/a">x</a>', '<a href="https://example.org/b">x</a>')
    assert "“112”" in (html("<b>15</b>", "<b>112</b>") or "")


def test_a_picture_is_compared_by_its_text_alternative() -> None:
    picture = replace(POST, action=Action.PICTURE, alt="a & b", html="<b>x</b>")
    assert difference(picture, "a &amp; b", Markup.TELEGRAM) is None
    assert difference(picture, "a", Markup.TELEGRAM)


def test_a_text_without_markup_is_compared_as_it_is_read() -> None:
    assert difference(replace(POST, text="1 < 2 & 3"), "1 &lt; 2 &amp; 3", Markup.TELEGRAM) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_it_never_fails_and_equal_texts_are_equal(one: str, other: str) -> None:
    post = replace(POST, text=one, html=escape(one))
    assert difference(post, one, Markup.PLAIN) is None
    assert difference(post, escape(one), Markup.TELEGRAM) is None
    for markup in (Markup.PLAIN, Markup.TELEGRAM):
        assert isinstance(difference(post, other, markup), str | None)


@pytest.mark.parametrize("tag", ["b", "i", "s", "u", "code", "pre", "blockquote"])
def test_every_mark_of_telegram_counts(tag: str) -> None:
    marked = f"<{tag}>15</{tag}> 112"
    assert html(marked, marked) is None
    assert "the words are the same" in (html(marked, "15 112") or "")
    assert "the words are the same" in (html("15 112", marked) or "")
    assert html(marked, f"<{tag}>15 112</{tag}>")  # as far as the mark goes


@pytest.mark.parametrize(
    ("approved", "found", "same"),
    [
        ("<b>15 <i>17</i></b> 18", "<b>15 </b><b><i>17</i></b> 18", True),
        ("<b><i>15</i></b>", "<i><b>15</b></i>", True),
        ("<b>15 <i>17</i></b>", "<i><b>17</b></i>", False),
        ("<b>15</b> <b>17</b>", "<b>15</b> 17", False),
        ('<a href="https://example.org/a">15</a>', "15", False),
        ('<a href="https://example.org/a">15</a>', '<a href="https://example.org/a/">15</a>', True),
    ],
)
def test_marks_within_marks(approved: str, found: str, same: bool) -> None:
    assert html(approved, approved) is None
    assert (html(approved, found) is None) is same


def plain(approved: str, found: str) -> str | None:
    return difference(replace(POST, text=approved, html="<b>never looked at</b>"), found, Markup.PLAIN)


def test_where_there_is_no_markup_a_tag_is_a_word() -> None:
    assert plain("15", "<b>15</b>")
    assert plain("15", "15") is None


@pytest.mark.parametrize(("letters", "quoted"), [(59, 59), (60, 60), (61, 59)])
def test_a_long_difference_is_shortened_to_sixty_letters(letters: int, quoted: int) -> None:
    words = plain("112", "x" * letters) or ""
    end = "" if letters <= 60 else "…"
    assert f"“{'x' * quoted}{end}” where “112”" in words


def test_in_a_long_text_full_of_the_same_word_the_place_is_found() -> None:
    def said(number: str) -> str:
        return " ".join(["le"] * 150 + [number] + ["le"] * 150)

    assert plain(said("15"), said("17")) == "it says “17” where “15” was approved"


def test_several_words_that_part_are_told_together() -> None:
    found = plain("le 112 ce soir", "le 15 ou le 18 ce soir")
    assert found == "it says “15 ou le 18” where “112” was approved"
