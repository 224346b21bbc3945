"""The wall: what the public saw, on one page."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import httpx
from hypothesis import given
from hypothesis import strategies as st

from alertbot.rehearsal.sandbox.accounts import (
    Mail,
    PostedPicture,
    Seen,
    TelegramPost,
    XPost,
    guess_language,
)
from alertbot.rehearsal.sandbox.public_view import ViewPicture, cards_of, render_wall
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.rehearsal.sandbox.telegram_chats import parse
from tests.rehearsal.sandbox.clients import bearer, bot

EVENING = datetime(2021, 6, 2, 16, 29, 30, tzinfo=UTC)
CARD = "data:image/png;base64,iVBORw=="
PARIS = ZoneInfo("Europe/Paris")


def x(number: int, text: str, **more: object) -> XPost:
    fields = {"id": str(number), "at": EVENING + timedelta(minutes=number), "text": text}
    return XPost(**{"author": "sandbox", "conversation": str(number), **fields, **more})  # type: ignore[arg-type]


def message(number: int, source: str, **more: object) -> TelegramPost:
    read = parse(source)
    return TelegramPost(
        id=f"-1001/{number}",
        at=EVENING + timedelta(minutes=number),
        text=read.text,
        html=read.html,
        chat=-1001,
        chat_title="Alertes",
        message=number,
        **more,  # type: ignore[arg-type]
    )


def letter(number: int, to: str, subject: str = "Panne", **more: object) -> Mail:
    fields = {
        "id": f"{number}/{to}",
        "at": EVENING + timedelta(minutes=number),
        "sender": "alerte@example.fr",
        "recipient": to,
        "subject": subject,
        "text": "Les appels échouent.",
        "html": None,
        "message_id": f"{number}.{to}",
        "headers": (("From", "Alerte <alerte@example.fr>"),),
        "raw": b"",
    }
    return Mail(**{**fields, **more})  # type: ignore[arg-type]


class Page(HTMLParser):
    """What is in a page: its tags with their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def evening() -> list[Seen]:
    return [
        x(1, "Les numéros d’urgence 15, 17, 18 et 112 sont en panne."),
        x(
            2,
            "La suite",
            conversation="1",
            reply_to="1",
            pictures=(PostedPicture("p", "Carte", b"\x89PNG"), PostedPicture("q")),
        ),
        x(3, "Faux", deleted_at=EVENING + timedelta(minutes=9)),
        message(1, "<b>Panne</b> & suite", pinned=True),
        message(
            2,
            "Corrigé",
            reply_to="-1001/1",
            edited_at=EVENING + timedelta(minutes=30),
            earlier=((EVENING + timedelta(minutes=30), "Faux"),),
        ),
        message(3, "À approuver", buttons=(("Approuver", "Refuser"),)),
        letter(1, "un@example.org"),
        letter(1, "deux@example.org"),
        letter(2, "un@example.org", "Suite", in_reply_to="1.un@example.org"),
    ]


def test_the_page_needs_nothing_from_outside_and_runs_nothing() -> None:
    source = render_wall([*evening(), x(9, "Voir https://example.org")], "Répétition")
    page = Page(source)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "form")
        assert tag != "img" or (attributes["src"] or "").startswith("data:image/png;base64,")
        assert "style" not in attributes
        assert not (attributes.get("href") or "#").startswith(("http", "//"))
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    policies = [
        attributes["content"]
        for tag, attributes in page.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    allowed = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    assert policies == [f"{allowed}; base-uri 'none'; form-action 'none'"]
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


def test_threads_replies_and_marks() -> None:
    cards = {card.anchor: card for card in cards_of(evening(), PARIS)}
    assert (cards["x-2"].part, cards["x-2"].parts, cards["x-2"].answers) == (2, 2, "x-1")
    assert cards["x-3"].marks == ("deleted at 18:38:30",)
    assert cards["x-3"].struck
    assert cards["x-2"].pictures == (ViewPicture("Carte", CARD), ViewPicture(""))
    assert cards["t-1001-1"].marks == ("pinned",)
    assert cards["t-1001-2"].marks == ("edited at 18:59:30",)
    assert cards["t-1001-2"].answers == "t-1001-1"
    assert cards["t-1001-2"].earlier == (("18:59:30", "Faux"),)
    assert cards["m1-un-example-org"].to == "un@example.org and 1 more"
    assert cards["m2-un-example-org"].answers == "m1-un-example-org"


def test_a_picture_is_shown_with_its_description_and_an_edit_with_what_stood_there() -> None:
    page = Page(render_wall(evening()))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images == [{"src": CARD, "alt": "Carte"}]
    words = " ".join(page.words)
    assert "What it said before" in words
    assert "until 18:59:30" in words
    assert "Picture without a description" in words


def test_what_answers_links_to_what_is_there() -> None:
    page = Page(render_wall(evening()))
    anchors = {attributes.get("id") for _tag, attributes in page.tags}
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    assert links
    assert all(link[1:] in anchors for link in links)
    assert len(anchors) == len([1 for _tag, attributes in page.tags if "id" in attributes]) + 1


def test_times_are_local_and_in_order() -> None:
    page = Page(render_wall(reversed(evening()), zone="Europe/Paris"))
    times = [str(attributes["datetime"]) for tag, attributes in page.tags if tag == "time"]
    assert times[0] == "2021-06-02T18:30:30+02:00"
    assert times[:3] == sorted(times[:3])
    assert "18:30:30" in " ".join(page.words)
    assert "T12:30:30-04:00" in render_wall(evening(), zone="America/Guadeloupe")


def test_each_post_says_its_language() -> None:
    assert guess_language("Les appels au 15 sont en panne") == "fr"
    assert guess_language("Calls to 15 are not answered, call the number") == "en"
    assert guess_language("112 114") is None
    page = Page(render_wall(evening(), lang="fr"))
    bodies = [attributes for tag, attributes in page.tags if attributes.get("class") == "body"]
    assert bodies[0]["lang"] == "fr"
    assert ("html", {"lang": "fr"}) in page.tags


@given(st.text(max_size=80))
def test_no_text_becomes_markup(text: str) -> None:
    plain = len(Page(render_wall([x(1, "a"), letter(1, "b", "c", text="d")])).tags)
    hostile = render_wall([x(1, f"<script>{text}"), letter(1, "b", "<i>", text=f"<img src=x>{text}")])
    tags = Page(hostile).tags
    assert len(tags) == plain
    assert not {"script", "img", "i"} & {tag for tag, _attributes in tags}


def test_an_empty_wall() -> None:
    assert render_wall([]).count("Nothing yet.") == 5


async def test_the_wall_is_served_with_its_policy(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.wall_url) as http, bot(sandbox) as me:
        await http.post(sandbox.x_url + "/2/tweets", json={"text": "un"}, headers=bearer(sandbox))
        await me.send_message("@alertes_exemple", "<b>deux</b>", parse_mode="HTML")
        page = await http.get("/")
        assert "<b>deux</b>" in page.text
        assert page.headers["content-security-policy"].startswith(
            "default-src 'none'; img-src data:; style-src 'sha256-"
        )
        assert 'http-equiv="refresh"' not in page.text
        assert 'http-equiv="refresh"' in (await http.get("/?live")).text
        assert (await http.head("/")).content == b""
        posts = (await http.get("/posts")).json()
        assert [(post["network"], post["text"]) for post in posts] == [
            ("x", "un"),
            ("telegram", "deux"),
        ]
        assert datetime.fromisoformat(posts[0]["at"]).tzinfo is not None


async def test_the_wall_speaks_its_readers_language(sandbox: Sandbox) -> None:
    """It spoke that of whoever had started the sandbox."""
    async with httpx.AsyncClient(base_url=sandbox.wall_url) as http:
        french = await http.get("/", headers={"accept-language": "de, fr-CH;q=0.9, en;q=0.8"})
        english = await http.get("/", headers={"accept-language": "en-GB, fr;q=0.5"})
        assert '<html lang="fr">' in french.text
        assert "Ce que le public a vu" in french.text
        assert '<html lang="en">' in english.text
        assert "What the public saw" in english.text
        chosen = await http.get("/?lang=fr&live", headers={"accept-language": "en"})
        assert "Ne plus recharger" in chosen.text
        assert 'href="/?lang=fr"' in chosen.text  # stays French when it stops
        assert 'href="/?lang=en&amp;live" hreflang="en"' in chosen.text
