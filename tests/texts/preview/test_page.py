"""The preview as one page: safe, self-contained, readable."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.alerts.compose import DraftRequest, look
from alertbot.core.errors import Misuse
from alertbot.core.model import Action, Fault, Omission, Organisation, Picture
from alertbot.texts.kinds import layers
from alertbot.texts.preview.fragments import SHOWN, fragment, styled
from alertbot.texts.preview.html_page import HERE, render_page, write_preview
from alertbot.texts.preview.phrases import counter
from alertbot.texts.preview.plain import plain
from alertbot.texts.publisher import Publisher
from tests.texts.preview import examples

SENDER = "Standard <standard@example.fr>"  # the configured one, not the organisation
VOID = {"meta", "br", "hr", "img"}


class Outline(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror=alert(1)><b onclick="x()">bold</b>'
    '<a href="javascript:alert(1)">bad</a><a href="https://info.example.fr/?a=1&amp;b=2">good</a>'
    '<style>*{display:none}</style><iframe src="https://example.com"></iframe><base href="//example.com">'
    '</div></main></body>&lt;script&gt;<span style="position:fixed">over</span><svg><a href="x">y</a></svg>'
)


def test_the_page_is_well_formed_and_has_one_heading_of_the_first_rank() -> None:
    outline = Outline(render_page(examples.sheet(examples.BLOCKED)))
    assert outline.open == []
    assert len(outline.all("h1")) == len(outline.all("main")) == len(outline.all("header")) == 1
    ids = [attrs["id"] for _tag, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for section in outline.all("section"):
        assert section.get("aria-labelledby") in ids


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    page = render_page(examples.sheet())
    policy = next(m["content"] for m in Outline(page).all("meta") if m.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = render_page(examples.sheet())
    outline = Outline(page)
    for tag in ("script", "img", "link", "iframe", "object", "form", "base"):
        assert outline.all(tag) == []
    assert not any(
        name.startswith("on") or name in ("src", "style") for _t, a in outline.tags for name in a
    )
    assert "url(" not in page
    assert "@import" not in page


@pytest.mark.parametrize(
    "place", ["text", "html", "subject", "title", "speaker", "fault", "reason", "row"]
)
def test_hostile_words_stay_words(place: str) -> None:
    shown, more = examples.STATUS, {}
    if place in ("text", "html", "subject"):
        shown = replace(shown, messages=tuple(replace(m, **{place: HOSTILE}) for m in shown.messages))
    elif place in ("title", "speaker"):
        more = {place: HOSTILE}
    elif place == "fault":
        shown = replace(shown, faults=(Fault(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "fr"),))
    elif place == "reason":
        shown = replace(shown, omitted=(Omission(HOSTILE, "fr", HOSTILE),))
    else:
        shown = replace(shown, completeness={HOSTILE: False})
    outline = Outline(render_page(examples.sheet(shown, **more)))
    assert outline.open == []
    for tag in ("script", "img", "iframe", "base", "svg"):
        assert outline.all(tag) == []
    for link in outline.all("a"):
        assert link["href"].startswith("https://info.example.fr/")
    assert not any("onclick" in attrs or "onerror" in attrs for _tag, attrs in outline.tags)


def test_every_text_names_its_language() -> None:
    page = render_page(examples.sheet())
    langs = [attrs["lang"] for _tag, attrs in Outline(page).tags if "lang" in attrs]
    assert langs[0] == "en"
    assert langs.count("fr") >= 4


def test_faults_come_before_the_messages() -> None:
    page = render_page(examples.sheet(examples.BLOCKED))
    assert page.index("to fix") < page.index('id="faults"') < page.index('id="channel-1"')


def test_counters_completeness_cost_forecast_approval_and_digest_are_there() -> None:
    page = render_page(examples.sheet())
    for words in (
        "63 of 280 characters left",
        "not applicable",
        "0.40 USD",
        "after the first call",
        "1 approver other than the author",
        examples.DIGEST,
    ):
        assert words in page


def test_a_thread_shows_every_part() -> None:
    page = render_page(examples.sheet(replace(examples.STATUS, messages=examples.thread(parts=3))))
    assert all(f"part {n}/3" in page for n in (1, 2, 3))


def test_without_any_message_it_is_still_a_page() -> None:
    empty = replace(examples.BLOCKED, messages=())
    assert "There are no messages for any channel." in render_page(examples.sheet(empty))


def test_hidden_characters_are_shown() -> None:
    tricky = replace(examples.STATUS.messages[0], text="call \u202e51\u202c")
    page = render_page(examples.sheet(replace(examples.STATUS, messages=(tricky,))))
    assert "\u202e" not in page
    assert "&lt;U+202E&gt;" in page


KINDS = (
    "holding",
    "status",
    "provisional_number",
    "apology",
    "correction",
    "withdrawal",
    "denial",
    "end",
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_every_shipped_kind_makes_a_page(kind: str) -> None:
    publisher = Publisher(
        Organisation("Opérateur Exemple", verification_page=examples.PAGE, sandbox=True),
        {channel.name: channel for channel in examples.CHANNELS},
        (layers.shipped(),),
        identities={"press": lambda: {"sender": SENDER}},
    )
    seen = look(publisher, DraftRequest(kind))
    mails = {one.channel for one in seen.composition.messages if one.type == "email"}
    assert ("press" in mails) is (SENDER in plain(seen, full=True))
    outline = Outline(render_page(seen))
    assert outline.open == []
    shown = "".join(outline.texts)
    for message in seen.composition.messages:
        assert message.text in plain(seen, full=True)
        assert message.subject is None or message.subject in shown
        assert message.type == "email" or counter(message) in shown


@given(st.text(alphabet="<>/ab\"'=&;! spnci-\n", max_size=60))
def test_a_fragment_is_always_closed_and_holds_known_tags_alone(html: str) -> None:
    outline = Outline(fragment(html))
    assert outline.open == []
    assert {tag for tag, _attrs in outline.tags} <= set(SHOWN.values())
    styled(html)


def test_a_fragment_keeps_the_authors_markup() -> None:
    assert fragment("<b>a <i>b</i></b><br>c &amp; d") == "<strong>a <em>b</em></strong><br>c &amp; d"
    assert styled("<b>a</b> <s>b</s>").plain == "a b"


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAIRS = [
    *((front, back) for front in ("ink", "soft", "bad") for back in ("paper", "card", "bubble")),
    *((front, back) for front in ("accent", "care", "good") for back in ("paper", "card", "bubble")),
    ("good", "good-back"),
    ("bad", "bad-back"),
    ("care", "care-back"),
    ("name", "bubble"),
    ("on-avatar", "avatar"),
    ("on-exercise", "exercise"),
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_colours_can_be_read(scheme: int, front: str, back: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (HERE / "page.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[scheme]))
    light, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_page_is_written_whole(tmp_path) -> None:
    path = tmp_path / "preview.html"
    write_preview(path, examples.sheet())
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["preview.html"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path) -> None:
    with pytest.raises(Misuse, match="cannot be written"):
        write_preview(tmp_path / "nowhere" / "preview.html", examples.sheet())


def test_edits_and_the_prepared_retraction_are_shown_apart_from_the_posts() -> None:
    edit = replace(
        examples.STATUS.messages[2], action=Action.EDIT, html="<b>Corrigé</b>\n\n<s>ancien</s>"
    )
    taken_back = replace(examples.STATUS.messages[0], text="Ne tenez pas compte de notre message")
    shown = replace(
        examples.STATUS, messages=(*examples.STATUS.messages, edit), retraction=(taken_back, edit)
    )
    page = render_page(examples.sheet(shown))
    outline = Outline(page)
    assert outline.open == []
    assert "French · new text of the earlier post" in "".join(outline.texts)
    assert page.index("Prepared retraction") < page.index("Ne tenez pas compte de notre message")
    ids = [attrs["id"] for _tag, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    told = plain(examples.sheet(shown), full=True)
    assert told.count("new text of the earlier post") == 2
    assert told.index("Prepared retraction") < told.index("Ne tenez pas compte de notre message")


def test_a_picture_stands_in_the_page_with_its_text_alternative() -> None:
    picture = Picture("ab" * 32, "image/png", 1080, 900, b"PNG")
    with_picture = replace(examples.STATUS.messages[0], picture=picture.digest, alt='SAMU "15" <04>')
    shown = replace(examples.STATUS, messages=(with_picture,), pictures=(picture,))
    (image,) = Outline(render_page(examples.sheet(shown))).all("img")
    assert image["src"] == "data:image/png;base64,UE5H"
    assert image["alt"] == 'SAMU "15" <04>'
    assert 'Picture: SAMU "15" <04>' in plain(examples.sheet(shown))
    assert Outline(render_page(examples.sheet(replace(shown, pictures=())))).all("img") == []
