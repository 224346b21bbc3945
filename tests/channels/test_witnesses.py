"""What the public answers of the platforms show: their own forms, and whatever else may come."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.channels.bluesky.witness import BlueskyWitness
from alertbot.channels.email.witness import Mailbox, MailCanary
from alertbot.channels.mastodon.witness import MastodonWitness
from alertbot.channels.page.witness import PageWitness
from alertbot.channels.telegram.witness import TelegramWitness
from alertbot.channels.witnessing import (
    CouldNotLook,
    PublicAnswer,
    PublicWitness,
    Shown,
    Sought,
    text_of,
)
from alertbot.channels.x.witness import XWitness
from tests.effort import examples
from tests.pages import test_public_page as public_page

TEXT = "Le 15 ne répond plus.\n\nAppelez le 04 65 71 00 15 & restez calmes.\nhttps://www.example.org/alertes"
TELEGRAM = (
    '<div class="tgme_widget_message" data-post="alertes/17"><div class="tgme_widget_message_text'
    ' js-message_text" dir="auto"><b>Le 15</b> ne répond plus.<br/><br/>Appelez le <i class="emoji"><b></b></i>'
    '04 65 71 00 15 &amp; restez calmes.<br/><a href="https://www.example.org/alertes">'
    "https://www.example.org/alertes</a></div></div>"
)
X = (
    '{"html": "<blockquote class=\\"twitter-tweet\\"><p lang=\\"fr\\" dir=\\"ltr\\">Le 15 ne répond plus.<br><br>Appelez'
    ' le 04 65 71 00 15 &amp; restez calmes.<br><a href=\\"https://t.co/a\\">https://t.co/a</a>'
    ' <a href=\\"https://t.co/b\\">pic.twitter.com/b</a></p>&mdash; A (@a)</blockquote>"}'
)
MASTODON = (
    '{"id": "17", "content": "<p>Le 15 ne répond plus.</p><p>Appelez le 04 65 71 00 15 &amp; restez calmes.<br />'
    '<a href=\\"https://www.example.org/alertes\\"><span class=\\"invisible\\">https://www.</span><span>'
    'example.org/alertes</span></a></p>"}'
)
BLUESKY = (
    '{"thread": {"post": {"uri": "at://a/app.bsky.feed.post/3jzfcijpj2z2a", "record": {"text": "Le 15 ne répond'
    ' plus.\\n\\nAppelez le 04 65 71 00 15 & restez calmes.\\nhttps://www.example.org/alertes"}, "labels": []}}}'
)
PAGE = (
    "<html><body><p>It still stands.</p><article><h4>Le 15 ne répond plus.</h4><p>Appelez le <s>04 65 71 00 15</s>"
    ' <span data-added>(n’appelez plus)</span> &amp; restez calmes.<br><a href="https://www.example.org/alertes">'
    "https://www.example.org/alertes</a></p></article></body></html>"
)
KEY = "3jzfcijpj2z2a"
KNOWN: dict[str, tuple[PublicWitness, str, str, str, tuple[int, str]]] = {
    "telegram": (
        TelegramWitness("@alertes"),
        "17",
        TELEGRAM,
        "04 65 71 00 15",
        (200, '<div class="tgme_widget_message_error">Post not found</div>'),
    ),
    "x": (XWitness("alertes"), "17", X, "04 65 71 00 15", (404, "")),
    "mastodon": (MastodonWitness("https://social.example.org"), "17", MASTODON, "00 15", (404, "{}")),
    "bluesky": (BlueskyWitness("a.example.org"), KEY, BLUESKY, "00 15", (400, '{"error": "NotFound"}')),
    "page": (
        PageWitness("https://page.example.org"),
        "fr/alerts/BKRT-1.html",
        PAGE,
        "00 15",
        (404, ""),
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_text_another_text_and_nothing(name: str) -> None:
    witness, number, body, part, (status, nothing) = KNOWN[name]
    sought = Sought(TEXT, number)
    assert str(witness.address(sought)).startswith("https://")
    (shown,) = witness.shown(sought, PublicAnswer(200, body.encode()))
    assert witness.of(sought, (shown,)) == shown
    assert witness.same(sought, shown), shown
    spoiled = body.replace(part, part.replace("15", "16"))
    (other,) = witness.shown(sought, PublicAnswer(200, spoiled.encode()))
    assert not witness.same(sought, other)
    assert witness.shown(sought, PublicAnswer(status, nothing.encode())) == ()


@pytest.mark.parametrize("hours", [0, 2.2, 48])
def test_the_page_of_an_alert_says_its_words_whatever_became_of_its_numbers(hours: float) -> None:
    witness = KNOWN["page"][0]
    files = public_page.edition(public_page.EVENING + timedelta(hours=hours))
    pages = {
        f"{lang}/alerts/{one.alert}.html": document
        for one in public_page.told()
        for lang, document in one.documents.items()
    }
    looked = [path for path in pages if path in files]
    assert len(looked) >= 8
    for path in looked:
        sought = Sought(text_of(pages[path].html), path)
        (shown,) = witness.shown(sought, PublicAnswer(200, files[path]))
        assert witness.same(sought, shown), path


def test_two_numbers_in_each_others_place_are_another_text() -> None:
    witness, path = KNOWN["page"][0], "en/alerts/BKRT-3.html"
    document = next(one for one in public_page.told() if one.alert == "BKRT-3").documents["en"]
    page = public_page.edition()[path].decode().replace("\u00a0", " ")
    for one, other in (
        ("04 65 71 06 15", "04 65 71 06 17"),
        ("do not know whether it works", "know that it works"),
    ):
        assert one in page
        spoiled = page.replace(one, "§").replace(other, one).replace("§", other)
        (shown,) = witness.shown(Sought("", path), PublicAnswer(200, spoiled.encode()))
        assert not witness.same(Sought(text_of(document.html), path), shown)


@pytest.mark.parametrize("name", KNOWN)
@settings(max_examples=examples(60))
@given(
    status=st.sampled_from([200, 204, 401, 429, 500, 503]),
    body=st.binary(max_size=200)
    | st.sampled_from(
        [b"", b"[]", b"null", b'{"html": 1}', b'{"thread": {}}', b"<html>Sign in</html>", b"[" * 9000]
    ),
)
def test_any_other_answer_says_nothing_about_the_post(name: str, status: int, body: bytes) -> None:
    witness, number, _body, _part, _nothing = KNOWN[name]
    try:
        found = witness.shown(Sought(TEXT, number), PublicAnswer(status, body))
    except CouldNotLook:
        return
    assert status == 200
    assert all(not witness.same(Sought(TEXT, number), one) for one in found)


def test_what_is_hidden_from_strangers_is_not_seen() -> None:
    witness = KNOWN["bluesky"][0]
    for label in ("!hide", "!takedown"):
        body = BLUESKY.replace('"labels": []', f'"labels": [{{"val": "{label}"}}]')
        assert witness.shown(Sought(TEXT, KEY), PublicAnswer(200, body.encode())) == ()


def test_an_older_post_with_the_same_words_is_not_the_one_in_doubt() -> None:
    witness = TelegramWitness("alertes")
    begun = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    sought = Sought(TEXT, None, since=begun)
    old, new = (Shown(str(n), TEXT, at=begun + timedelta(minutes=m)) for n, m in ((1, -5), (2, 0)))
    assert witness.of(sought, (old,)) is None
    assert witness.of(sought, (old, new)) == new


# --- the canary -----------------------------------------------------------------------------------

MAIL = "Message-ID: <BKRT-1.9@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nLe 15 ne répond plus.\r\n"


@contextmanager
def mailbox(folder: str = "INBOX", body: str = MAIL) -> Iterator[MailCanary]:
    """A mailbox on a server that speaks as much IMAP as is needed; the mail lies in `folder`."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(server, folder, body.encode()), daemon=True).start()
    box = Mailbox("temoin@example.org", "127.0.0.1", server.getsockname()[1], False, lambda: ("a", "b"))
    try:
        yield MailCanary(box)
    finally:
        server.close()


def _serve(server: socket.socket, folder: str, mail: bytes) -> None:
    with server.accept()[0] as line, line.makefile("rwb", buffering=0) as talk:
        talk.write(b"* OK ready\r\n")
        here = ""
        while words := talk.readline().decode().split():
            tag, verb, rest = words[0], words[1].upper(), words[2:]
            told = b""
            if verb == "CAPABILITY":
                told = b"* CAPABILITY IMAP4rev1\r\n"
            elif verb == "LIST":
                told = b'* LIST (\\HasNoChildren) "/" INBOX\r\n* LIST (\\Junk) "/" "Spam"\r\n'
            elif verb in ("SELECT", "EXAMINE"):
                here, told = rest[0].strip('"'), b"* 1 EXISTS\r\n"
            elif verb == "UID" and rest[0].upper() == "SEARCH":
                found = here == folder and "<BKRT-1.9@example.org>" in " ".join(rest)
                told = b"* SEARCH 1\r\n" if found else b"* SEARCH\r\n"
            elif verb == "UID":
                told = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n" % (len(mail), mail)
            talk.write(told + f"{tag} OK done\r\n".encode())
            if verb == "LOGOUT":
                return


@pytest.mark.parametrize(
    ("folder", "place"), [("INBOX", ""), ("Spam", "it lies in Spam"), ("none", None)]
)
def test_the_canary_finds_the_mail_by_its_id(folder: str, place: str | None) -> None:
    sought = Sought("Le 15 ne répond plus.", "<BKRT-1.9@example.org>")
    with mailbox(folder) as canary:
        found = canary.look(sought, 5.0)
    shown = canary.of(sought, found)
    assert (None if shown is None else shown.place) == place
    if shown is not None:
        assert canary.same(sought, shown)


def test_a_mailbox_that_cannot_be_read_is_no_mail_that_is_missing() -> None:
    box = Mailbox("temoin@example.org", "127.0.0.1", 9, False, lambda: ("a", "b"))
    with pytest.raises(CouldNotLook, match=r"127\.0\.0\.1"):
        MailCanary(box).look(MailCanary.trial, 2.0)
