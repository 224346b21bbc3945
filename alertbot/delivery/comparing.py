"""Whether a platform shows what was approved. Pure.

Compared is what a reader sees: words and, where there is markup, what is bold, struck or a link. Not
compared is what a platform does to every text: spaces and line ends, the way letters are composed, the
scheme and last slash of an address.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from html import escape

from alertbot.channels.shown import compared_words
from alertbot.compose.spans import Span, spans
from alertbot.model import Action, Markup, Post
from alertbot.words import _

SHOWN_LETTERS = 60

Run = tuple[str, tuple[str, ...]]  # a word and what marks it


def difference(post: Post, shown: str | None, markup: Markup) -> str | None:
    """How what is shown differs from what was approved, in a sentence; None where it does not.

    `shown`: what the platform shows (HTML where `markup` is Telegram's), None where nothing stands there.
    """
    if shown is None:
        return _("nothing stands there any more")
    html = markup is Markup.TELEGRAM
    approved, found = _runs(_approved(post, html), html), _runs(shown, html)
    if approved == found:
        return None
    words, seen = [word for word, _marks in approved], [word for word, _marks in found]
    if words == seen:
        return _("the words are the same, but not what is bold, struck out or a link")
    return _sentence(words, seen)


def _approved(post: Post, html: bool) -> str:
    text = (post.alt or "") if post.action is Action.PICTURE else post.text
    if not html:
        return text
    if post.action is Action.PICTURE or post.html is None:
        return escape(text, quote=False)
    return post.html


def _runs(text: str, html: bool) -> list[Run]:
    if not html:
        return [(word, ()) for word in compared_words(text)]
    return list(_joined([(letter, _marks(span)) for span in spans(text) for letter in span.text]))


def _marks(span: Span) -> tuple[str, ...]:
    target = " ".join(compared_words(span.address))
    return tuple(f"a {target}".strip() if tag == "a" else tag for tag in span.tags)


def _joined(letters: list[Run]) -> Iterator[Run]:
    """Words, each with the marks of its letters."""
    text = "".join(letter for letter, _marks in letters)
    for found in re.finditer(r"\S+", text):
        marks = {mark for _letter, marks in letters[found.start() : found.end()] for mark in marks}
        for word in compared_words(found.group()):
            yield word, tuple(sorted(marks))


def _sentence(approved: list[str], shown: list[str]) -> str:
    """The first place where they part."""
    matcher = SequenceMatcher(a=approved, b=shown, autojunk=False)
    _kind, a, b, c, d = next(step for step in matcher.get_opcodes() if step[0] != "equal")
    was, now = _short(approved[a:b]), _short(shown[c:d])
    if not now:
        return _("“{text}” is missing").format(text=was)
    if not was:
        return _("“{text}” was added").format(text=now)
    return _("“{shown}” stands where “{approved}” was approved").format(shown=now, approved=was)


def _short(words: list[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"
