"""The page itself: readable without scripts, by everybody, in the reader's language, and nothing but text."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.alerts.requests.links import Opened, Unanswered
from alertbot.core.model import Person, Role
from alertbot.db.database import Database
from alertbot.texts.preview import html_page as preview
from alertbot.web.approvals import page
from tests import effort
from tests.shown import alert_view
from tests.texts.preview import examples
from tests.web.reader import PLATFORMS, Page, Reader, form_in, reader

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "</style><b>",
    "&lt;",
    "\u202e",
)
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "section",
        "article",
    ),
    *(
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "p",
        "dl",
        "div",
        "dt",
        "dd",
        "a",
        "ul",
        "ol",
        "li",
        "span",
        "b",
    ),
    *(
        "form",
        "label",
        "input",
        "textarea",
        "button",
        "details",
        "summary",
        "strong",
        "em",
        "u",
        "del",
        "br",
    ),
    *("blockquote", "pre", "code", "hr"),
}


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Reader]:
    made = await reader(database, PLATFORMS)
    yield made
    await made.client.aclose()


@pytest.mark.parametrize(
    ("query", "accepted", "expected"),
    [
        ("", "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("", "de, en;q=0.5, fr;q=0.4", "en"),
        ("?lang=en", "fr", "en"),
        ("?lang=fr", "en", "fr"),
        ("?lang=xx", "en", "en"),
        ("", "de", "fr"),
        ("", "fr;q=0, en;q=x, *", "fr"),
    ],
)
async def test_it_speaks_the_readers_language(
    desk: Reader, query: str, accepted: str, expected: str
) -> None:
    token = await desk.link(await desk.team.pending())
    answer = await desk.get(token, query, **{"accept-language": accepted})
    assert Page(answer.text).all("html")[0]["lang"] == expected


@pytest.mark.parametrize("kind", ["status", "provisional_number"])
async def test_it_is_accessible(desk: Reader, kind: str) -> None:
    shown = Page((await desk.get(await desk.link(await desk.team.pending(kind)))).text)
    ids = [str(attrs["id"]) for _tag, attrs in shown.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {attrs.get("for") for attrs in shown.all("label")}
    for field in shown.all("input", "textarea"):
        assert field.get("type") == "hidden" or field["id"] in labelled
        for described in str(field.get("aria-describedby") or "").split():
            assert described in ids
    levels = [int(tag[1]) for tag, _attrs in shown.tags if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert any(attrs.get("name") == "viewport" for attrs in shown.all("meta"))
    assert {attrs["lang"] for attrs in shown.all("div") if attrs.get("lang")} == {"fr", "en"}


async def test_forms_post_home_and_nothing_is_loaded(desk: Reader) -> None:
    shown = Page((await desk.get(await desk.link(await desk.team.pending()))).text)
    forms = shown.all("form")
    assert len(forms) == 3
    assert all(form["method"] == "post" and "action" not in form for form in forms)
    assert {tag for tag, _attrs in shown.tags} <= TAGS
    assert not any(name in attrs for _tag, attrs in shown.tags for name in ("src", "style", "onclick"))


async def test_an_error_keeps_what_was_typed(desk: Reader) -> None:
    token = await desk.link(await desk.team.pending())
    form = form_in((await desk.get(token)).text)
    answer = await desk.post(token, form=form, decision="return", reason="long <b> " + "x" * 3000)
    assert answer.status_code == 422
    assert "long &lt;b&gt;" in answer.text
    assert 'role="alert"' in answer.text


text = st.text(max_size=60) | st.sampled_from(NASTY)


@settings(max_examples=effort.examples(60), deadline=None)
@given(words=st.lists(text, min_size=8, max_size=8))
def test_whatever_stands_in_a_field_is_text(words: list[str]) -> None:
    """No field of the alert, the people or the form makes a tag or an attribute of its own."""
    shown = Page(_page(*words))
    assert {tag for tag, _attrs in shown.tags} <= TAGS
    assert not any(
        name.startswith("on") or name == "src" for _tag, attrs in shown.tags for name in attrs
    )
    assert len(shown.all("form")) == 3
    assert len(shown.all("style")) == 1


def _page(
    name: str, author: str, reason: str, body: str, subject: str, html: str, why: str, fact: str
) -> str:
    message = replace(examples.STATUS.messages[0], text=body, subject=subject, html=html or None)
    messages = tuple(
        replace(message, type=type_, channel=f"{type_}{name}")
        for type_ in ("x", "telegram", "email", "other")
    )
    sheet = examples.sheet(replace(examples.STATUS, messages=messages), speaker=author, title=fact)
    person = Person(1, name, frozenset({Role.APPROVER}), counts=True)
    opened = Opened(person, "f" * 43, datetime(2026, 3, 2, tzinfo=UTC), alert_view(sheet=sheet), None)
    values: dict[str, Any] = {
        **preview.parts(sheet),
        "organisation": author,
        "opened": opened,
        "alert": "BKRT-1",
        "author": author,
        "facts": [("Kind", fact)],
        "error": Unanswered(why, "read"),
        "reasons": {"return": reason, "reject": reason},
        "longest": 2000,
        "done": False,
    }
    return bytes(page("approve.html.j2", **values).body).decode()


def test_the_templates_mark_nothing_as_safe() -> None:
    for template in Path(preview.HERE).parent.glob("web/*.j2"):
        source = template.read_text(encoding="utf-8")
        assert "| safe" not in source
        assert "|safe" not in source
        assert "autoescape" not in source
