"""Small Markdown: one reading, three writings that say the same; everything else refused."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.texts.posts.writing import document, email, entities, has_link, plain, telegram, visible
from alertbot.texts.wording.markup import MarkupError, link, literal, read

SOURCE = """# Titre

**69 Rhône**
SAMU (15) : ~~04 65 71 00 15~~ *vite*

À faire :
- un
- deux
  suite

1. d'abord
2. ensuite

Voir [la page](https://example.org/a_b?x=1&y=2) ou <https://example.org/>
"""


def test_plain_text() -> None:
    assert plain(read(SOURCE)) == (
        "Titre\n\n69 Rhône\nSAMU (15) : 04 65 71 00 15 vite\n\nÀ faire :\n– un\n– deux\n  suite\n\n"
        "1. d'abord\n2. ensuite\n\nVoir la page https://example.org/a_b?x=1&y=2 ou https://example.org/"
    )


def test_telegram_html() -> None:
    html = telegram(read(SOURCE))
    assert html.startswith(
        "<b>Titre</b>\n\n<b>69 Rhône</b>\nSAMU (15) : <s>04 65 71 00 15</s> <i>vite</i>"
    )
    assert '<a href="https://example.org/a_b?x=1&amp;y=2">la page</a>' in html
    assert set(re.findall(r"</?(\w+)", html)) <= {"b", "i", "s", "a"}


def test_email_html() -> None:
    html = email(read(SOURCE))
    assert "<h1>Titre</h1>" in html
    assert "<p><b>69 Rhône</b><br>\n" in html
    assert "<ul>\n<li>un</li>\n<li>deux<br>\nsuite</li>\n</ul>" in html
    assert '<ol start="1">' in html


def test_telegram_counts_what_is_visible() -> None:
    blocks = read("[la page](https://example.org/) **x**")
    assert visible(blocks) == "la page x"
    assert entities(blocks) == 2
    assert has_link(blocks)


@pytest.mark.parametrize(
    "source",
    [
        "![a](https://example.org/b.png)",
        "a <b>b</b>",
        "`x`",
        "```\nx\n```",
        "> q",
        "---",
        "|a|\n|-|\n",
        "[x](/y)",
    ],
)
def test_other_constructs_are_refused(source: str) -> None:
    with pytest.raises(MarkupError):
        read(source)


def test_a_script_is_no_link() -> None:
    assert not has_link(read("[x](javascript:alert)"))


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]))
)
def test_a_value_comes_out_as_it_is_in_every_writing(value: str) -> None:
    blocks = read(f"a{literal(value)}z")
    assert plain(blocks) == visible(blocks) == f"a{value}z"
    assert unescape(telegram(blocks)) == f"a{value}z"
    assert entities(blocks) == 0


@given(st.text())
def test_no_value_breaks_the_html(value: str) -> None:
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)

    Reader().feed(telegram(read(str(literal(value)))))
    assert tags == []


@given(st.from_regex(r"https://example\.org/[!-~]{0,30}", fullmatch=True))
def test_an_address_stays_one_link(address: str) -> None:
    blocks = read(f"voir {link(address)}, merci")
    assert entities(blocks) == 1
    assert has_link(blocks)
    assert plain(blocks).startswith("voir https://example.org/")


def test_the_mail_document_is_self_contained() -> None:
    html = document(read("**Bonjour** <https://example.org/>"), subject="A & <b>", lang="fr")
    assert '<html lang="fr">' in html
    assert "<title>A &amp; &lt;b&gt;</title>" in html
    assert "prefers-color-scheme:dark" in html
    assert not re.search(r"<(?:img|link|script|iframe)|url\(", html)
