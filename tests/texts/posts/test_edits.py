"""What becomes of the posts that an alert follows, where a channel can edit."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.channels.base import MEMORY, TELEGRAM
from alertbot.core.model import Action, Channel, Composition, Measure, Message, Relation, Target
from alertbot.texts.compose import compose
from alertbot.texts.kinds.catalogue import load_frame, load_prepared
from alertbot.texts.posts import writing
from alertbot.texts.posts.measure import utf16_length
from alertbot.texts.posts.writing import paragraphs
from alertbot.texts.wording.markup import Block, Run
from tests.texts.conftest import CHANNELS, NOW, TEAM, Make, many_rows

PREPARED = load_prepared()
FRAME = load_frame()
LATER = NOW.replace(hour=20, minute=31)
TAGS = {"b", "i", "s", "a", "code"}


def followed(
    request_for: Make, relation: Relation, originals: tuple[Message, ...], **parts: object
) -> Composition:
    values = {"next_update": LATER.replace(hour=22), "numbers": parts.pop("numbers", ())}
    ready = {"prepared": PREPARED, "relation": relation, "originals": originals, "now": LATER, **parts}
    return compose(request_for(values, **ready))


def edits(made: Composition) -> list[Message]:
    return [one for one in made.messages if one.action is Action.EDIT]


@pytest.fixture
def originals(request_for: Make) -> tuple[Message, ...]:
    return compose(request_for(prepared=PREPARED)).messages


@pytest.mark.parametrize("relation", list(Relation))
def test_an_edit_says_what_happened_and_what_stands_now(
    request_for: Make, originals: tuple[Message, ...], relation: Relation
) -> None:
    made = followed(request_for, relation, originals)
    assert made.publishable
    french, english = edits(made)
    assert (french.channel, french.lang, french.part, french.parts) == ("tg", "fr", 1, 1)
    assert english.lang == "en"
    old = next(one for one in originals if one.channel == "tg" and one.lang == "fr")
    first, _blank, rest = french.text.partition("\n\n")
    if relation is not Relation.RETRACTION:
        assert first.endswith(".")
        assert "BKRT-2, situation à 20\u00a0h\u00a031, mercredi 2 juin" in first
    false = relation in (Relation.RETRACTION, Relation.CANCEL)
    assert (rest == old.text) == ("<s>" in (french.html or "")) == false
    if not false:  # the new alert's own lead, not what is no longer true
        assert rest == (
            "Panne\u00a0: 15 et 18 sur mobile.\n\nProchain point\u00a0: 22\u00a0h\u00a031. https://example.org/urgences"
        )
    assert (french.length, french.limit) == (utf16_length(french.text), 4096)
    assert french.subject is french.picture is None


def test_an_edit_gives_the_places_of_the_new_alert_as_far_as_they_fit(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    for limit, shown in ((4096, 5), (300, 2)):
        channel = replace(CHANNELS[1], languages=("fr",), spec=replace(TELEGRAM, limit=limit))
        made = followed(
            request_for, Relation.UPDATE, originals, channels=(channel,), numbers=many_rows(5)
        )
        (one, *_others) = edits(made)
        assert one.length <= limit
        assert one.text.count("appelez\nSAMU") == shown
        assert ("Raccourci faute de place" in one.text) == (shown < 5)


def test_only_posts_on_channels_that_can_are_edited(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    assert edits(followed(request_for, Relation.UPDATE, originals, channels=CHANNELS[:1])) == []
    none = replace(CHANNELS[1], spec=replace(TELEGRAM, can_edit=False))
    assert edits(followed(request_for, Relation.UPDATE, originals, channels=(none,))) == []
    again = followed(request_for, Relation.UPDATE, originals).messages
    assert len(edits(followed(request_for, Relation.CORRECTION, again))) == 2  # edits are not edited


def test_every_part_of_a_thread_is_edited_and_targets_stay_those_of_the_posts(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    one = next(one for one in originals if one.channel == "tg")
    thread = tuple(replace(one, part=part, parts=3) for part in (1, 2, 3))
    made = followed(request_for, Relation.CORRECTION, thread, languages=("en",))
    assert [(each.part, each.parts, each.lang) for each in edits(made)] == [
        (1, 3, "fr"), (2, 3, "fr"), (3, 3, "fr"),
    ]  # fmt: skip
    assert {target.lang for target in made.targets["tg"]} == {"en"}
    assert made.publishable


def test_a_channel_without_markup_gets_words_alone(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    channel = Channel("mem", MEMORY, ("en",), targets=(Target("m"),))
    old = replace(originals[-1], channel="mem", type="memory", html=None, subject=None, limit=None)
    (one,) = edits(followed(request_for, Relation.CANCEL, (old,), channels=(channel,)))
    assert one.html is None
    assert one.text.startswith("FALSE ALERT")
    assert old.text not in one.text  # nothing is struck through there: it would read as still true


def test_the_old_text_is_shortened_between_paragraphs_and_says_so(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    old = next(one for one in originals if one.channel == "tg" and one.lang == "fr")
    pieces = [f"<b>{count}</b> " + "🚒" * 400 for count in range(5)]
    long = replace(old, html="\n\n".join(pieces), text="x")
    (one,) = edits(followed(request_for, Relation.CANCEL, (long,)))
    assert one.length <= 4096
    assert one.html is not None
    assert one.html.endswith(
        "<i>(Raccourci faute de place\u00a0; le reste est dans le nouveau message.)</i>"
    )
    kept = one.text.split("\n\n")[1:-1]
    assert kept == [re.sub("<.*?>", "", piece) for piece in pieces[: len(kept)]]
    assert len(kept) == 4
    (bare,) = edits(followed(request_for, Relation.CANCEL, (replace(long, html="🚒" * 4000),)))
    assert "🚒" not in bare.text


def test_an_exercise_stays_marked(request_for: Make) -> None:
    first = compose(request_for(prepared=PREPARED, exercise=True, channels=TEAM, frame=FRAME)).messages
    made = followed(request_for, Relation.CORRECTION, first, exercise=True, channels=TEAM, frame=FRAME)
    for one in edits(made):
        word = "EXERCICE" if one.lang == "fr" else "EXERCISE"
        assert one.text.startswith(f"{word} {word} {word}\n")
        assert one.text.endswith(f"{word} {word} {word}")
    long = tuple(replace(one, html="mot " * 900 + "\n\n" + "mot " * 900) for one in first)
    for one in edits(
        followed(request_for, Relation.CORRECTION, long, exercise=True, channels=TEAM, frame=FRAME)
    ):
        assert one.text.endswith("EXERCICE" if one.lang == "fr" else "EXERCISE")
        assert one.length <= 4096


def test_a_language_without_words_is_a_judgement(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    prepared = replace(PREPARED, edits={"fr": PREPARED.edits["fr"]})
    made = followed(request_for, Relation.UPDATE, originals, prepared=prepared)
    assert {one.rule for one in made.faults} == {"edit_missing"}
    assert all(one.acceptable and one.lang == "en" for one in made.faults)
    assert [one.lang for one in edits(made)] == ["fr"]


def test_languages_that_disagree_in_the_line_are_a_judgement(
    request_for: Make, originals: tuple[Message, ...]
) -> None:
    other = {**PREPARED.edits["en"], "update": "Updated: {alert}"}
    prepared = replace(PREPARED, edits={**PREPARED.edits, "en": other})
    made = followed(request_for, Relation.UPDATE, originals, prepared=prepared)
    assert "parity" in {one.rule for one in made.faults}


class Checked(HTMLParser):
    """Refuses what Telegram would: unknown tags, tags closed in the wrong order or not at all, and the
    same style inside itself."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert tag not in self.open
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


WORDS = st.text(st.sampled_from("ab <>&\"'é🚒1 "), min_size=1, max_size=300).filter(str.strip)
RUNS = st.builds(
    Run,
    WORDS,
    st.sets(st.sampled_from("bis")).map(lambda styles: tuple(sorted(styles))),
    st.sampled_from(["", "", 'https://example.org/?a=1&b="2"']),
)
LINES = st.lists(RUNS, min_size=1, max_size=4).map(tuple)
BLOCKS = st.lists(
    st.builds(Block, st.lists(LINES, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=8
)


@settings(deadline=None)
@given(BLOCKS, st.sampled_from(list(Relation)), st.integers(260, 700), st.booleans())
def test_whatever_was_posted_the_edit_is_valid_and_fits(
    blocks: list[Block], relation: Relation, limit: int, exercise: bool
) -> None:
    from alertbot.core.model import Identity
    from alertbot.texts.fields.parse import Parsed
    from alertbot.texts.posts import edits
    from alertbot.texts.request import ComposeFindings, ComposeRequest
    from tests.texts.conftest import ORGANISATION, VALUES, make_kind

    html = writing.telegram(blocks)
    post = Message(
        "tg", "telegram", "fr", 1, 1, writing.plain(blocks), html, None, 1, limit, Measure.UTF16
    )
    spec = replace(TELEGRAM, limit=limit)
    channel = Channel("tg", spec, ("fr",), targets=(Target("@a"),))
    ready = ComposeRequest(
        make_kind(), Parsed(VALUES, (), (), {}), (channel,), None, ORGANISATION,
        Identity("BKRT", "BKRT-2"), LATER, exercise, FRAME, prepared=PREPARED,
    )  # fmt: skip
    (one,) = edits.of_posts(ComposeFindings(ready), channel, [post], relation)
    assert one.html is not None
    shown = Checked(one.html)
    assert utf16_length(shown.text) == one.length
    assert one.length <= limit


@settings(deadline=None)
@given(BLOCKS)
def test_what_was_written_is_read_back_the_same(blocks: list[Block]) -> None:
    read = paragraphs(writing.telegram(blocks))
    again = "\n\n".join("\n".join(map(writing.telegram_line, one)) for one in read)
    assert Checked(again).text == Checked(writing.telegram(blocks)).text
