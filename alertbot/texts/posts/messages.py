"""From a rendered text to the finished messages of one channel and language: choosing the template,
splitting into posts, marks of exercises, length. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alertbot.core.model import Channel, ChannelSpec, Fault, Markup, Message
from alertbot.core.words import _
from alertbot.texts.fields.values import Value
from alertbot.texts.kinds.kind_spec import Frame, Template
from alertbot.texts.lint import free_words
from alertbot.texts.posts import measure, splitting, writing
from alertbot.texts.posts.splitting import Excess, Layout, PartLimit, Thread, single, split
from alertbot.texts.wording.markup import Block
from alertbot.texts.wording.render import Rendered, words

OTHER_FORM = {"short": "long", "long": "short"}
_ENTITY_WEIGHT = 41  # 4096 / 100, rounded up
_QUOTED = 60
LEAST_FOR_INDEX = 1000  # in a shorter post an index would take all the room

Blocks = tuple[Block, ...]
Templates = Mapping[tuple[str, str], Template]  # by (language, form or channel type)


@dataclass(frozen=True, slots=True)
class Marks:
    """What opens and closes every part of an exercise; `brief`: only the word, where space is short.
    `notice` and `farewell`: what the full marks say in addition."""

    opening: Blocks
    closing: Blocks
    brief: Blocks
    notice: Blocks
    farewell: Blocks


@dataclass(frozen=True, slots=True)
class Edition:
    """One language of an alert before it is fitted to a channel. `marks`: it is an exercise."""

    lang: str
    head: Blocks
    body: Blocks
    foot: Blocks
    once: Blocks
    subject: str
    marks: Marks | None = None


def template(templates: Templates, spec: ChannelSpec, lang: str) -> Template | None:
    """The channel type's own template, else that of its form, else the other form's."""
    forms = (spec.type, spec.form, OTHER_FORM.get(spec.form, "long"))
    return next((found for form in forms if (found := templates.get((lang, form)))), None)


def edition(title: str, lang: str, text: Rendered, frame: Frame | None) -> Edition:
    """The text with its subject (`title` if the template has none), and the marks of an exercise if
    there is a frame."""
    subject = text.subject or title
    if frame is None:
        return Edition(lang, text.head, text.body, text.foot, text.once, subject)
    marked = f"{frame.subject.get(lang, '')} {subject}".strip()
    return Edition(lang, text.head, text.body, text.foot, text.once, marked, marks(frame, lang))


def marks(frame: Frame, lang: str) -> Marks:
    """The marks of an exercise in this language (R23)."""
    opening, closing = frame.opening.get(lang, ""), frame.closing.get(lang, "")
    subject = frame.subject.get(lang, "")
    word = subject.rstrip(" \u00a0:")
    pieces = (opening, closing, word, opening.removeprefix(subject), closing.removesuffix(word))
    return Marks(*(words(_capitalised(piece.strip()), lang) for piece in pieces))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def whole_text(one: Edition) -> str:
    """Subject and text in one piece, before splitting, without the marks of an exercise."""
    return f"{one.subject}\n\n{writing.plain((*one.head, *one.body, *one.foot, *one.once))}"


def thread(spec: ChannelSpec, one: Edition, least: int = 1) -> Thread:
    """The parts for this channel: the first layout in which everything fits. A long text with many
    regions has an index, which in a thread lists the messages and is in the first of them. `least`:
    the minimum number of parts."""
    if spec.limit is None:
        body = splitting.placed(one.body, one.lang, anchors=spec.markup is Markup.EMAIL)
        return _cut(spec, replace(one, body=body))
    cut = _cut(spec, one, least)
    if len(cut.parts) < 2 or spec.limit < LEAST_FOR_INDEX or not splitting.headings(one.body):
        return cut
    for first in (False, True):
        tried = _cut(spec, replace(one, body=splitting.counted(one.body, one.lang, first=first)), least)
        if tried.parts and (parts := splitting.filled(tried.parts, one.lang)):
            return Thread(parts)
    return cut


def _cut(spec: ChannelSpec, one: Edition, least: int = 1) -> Thread:
    free = room(spec)
    cut = Thread(())
    for layout in _layouts(one):
        cut = split(layout, free, one.lang, least) if spec.parts else single(layout.whole, free)
        if not cut.excess:
            break
    return cut


def _layouts(one: Edition) -> Iterator[Layout]:
    """The layouts to try. Marks of an exercise take space: if it is short, every part is opened and
    closed by the word only; then head and foot appear once instead of in each part."""
    marks = one.marks
    if marks is None:
        yield Layout(one.head, one.body, one.foot, one.once)
        return
    yield Layout((*marks.opening, *one.head), one.body, one.foot, one.once, marks.closing)
    told = (*marks.notice, *one.body, *marks.farewell)
    yield Layout((*marks.brief, *one.head), told, one.foot, one.once, marks.brief)
    all_once = (*marks.notice, *one.head, *one.body, *one.foot, *one.once, *marks.farewell)
    yield Layout(marks.brief, all_once, tail=marks.brief)


def room(spec: ChannelSpec) -> PartLimit | None:
    """How much one post of this channel may contain; None: no limit."""
    if spec.limit is None:
        return None
    if spec.markup is Markup.TELEGRAM:
        return PartLimit(
            spec.limit,
            lambda blocks: max(length(spec, blocks), entity_length(writing.entities(blocks))),
        )
    return PartLimit(spec.limit, lambda blocks: length(spec, blocks))


def entity_length(entities: int) -> int:
    """How much this many entities count against the limit of a Telegram message, which allows 100."""
    return _ENTITY_WEIGHT * entities


def length(spec: ChannelSpec, blocks: Sequence[Block]) -> int:
    """The length as the platform counts it."""
    shown = writing.visible(blocks) if spec.markup is Markup.TELEGRAM else writing.plain(blocks)
    return measure.measure(measure.normal(shown), spec.measure)


def written(channel: Channel, one: Edition, thread: Thread) -> list[Message]:
    """The finished messages."""
    return [
        _message(channel, one, part, blocks, len(thread.parts))
        for part, blocks in enumerate(thread.parts, 1)
    ]


def over_limit(finished: Sequence[Message]) -> list[Fault]:
    """Finished messages that a platform would refuse. Splitting should never leave one; this is the
    safety net, because a refused first part would take its whole thread with it."""
    return [
        Fault(
            "too_long",
            _("{channel} ({lang}), part {part}: {over} characters too long. Shorten the text.").format(
                channel=one.channel, lang=one.lang, part=one.part, over=one.length - one.limit
            ),
            None,
            one.channel,
            one.lang,
        )
        for one in finished
        if one.limit is not None and one.length > one.limit
    ]


def misread(channel: Channel, finished: Sequence[Message]) -> list[Fault]:
    """What the service would not show as it stands, but as markup or as a mention."""
    if not channel.spec.misread:
        return []
    sentence = _(
        "{channel} ({lang}): the service would read “{text}” as formatting or as a mention. Write it without these signs."
    )
    return [
        Fault(
            "misread",
            sentence.format(channel=channel.name, lang=one.lang, text=_quoted(found[0])),
            None,
            channel.name,
            one.lang,
        )
        for one in finished
        if (found := re.search(channel.spec.misread, one.text))
    ]


def _message(channel: Channel, one: Edition, part: int, blocks: Sequence[Block], parts: int) -> Message:
    spec = channel.spec
    html = _html(spec, one, blocks)
    return Message(
        channel=channel.name,
        type=channel.type,
        lang=one.lang,
        part=part,
        parts=parts,
        text=measure.normal(writing.plain(blocks)),
        html=None if html is None else measure.normal(html),
        subject=measure.normal(one.subject) if spec.markup is Markup.EMAIL else None,
        length=length(spec, blocks),
        limit=spec.limit,
        measure=spec.measure,
        has_link=writing.has_link(blocks),
    )


def _html(spec: ChannelSpec, one: Edition, blocks: Sequence[Block]) -> str | None:
    if spec.markup is Markup.TELEGRAM:
        return writing.telegram(blocks)
    if spec.markup is Markup.EMAIL:
        return writing.document(blocks, subject=one.subject, lang=one.lang)
    return None


def too_long(channel: Channel, one: Edition, excess: Excess, values: Mapping[str, Value]) -> Fault:
    """What to shorten, and by how much."""
    text = writing.plain(excess.blocks)
    field = _longest_field(text, one.lang, values)
    place = {"channel": channel.name, "lang": one.lang, "over": excess.over}
    if field:
        sentence = _("{channel} ({lang}): {over} characters too long. Shorten “{field}”.").format(
            **place, field=field
        )
    elif excess.piece == "frame":
        sentence = _(
            "{channel} ({lang}): header and footer leave no room for the text; {over} characters too long."
        )
        sentence = sentence.format(**place)
    else:
        sentence = _("{channel} ({lang}): {over} characters too long. Shorten the paragraph “{text}”.")
        sentence = sentence.format(**place, text=_quoted(text))
    return Fault("too_long", sentence, field or None, channel.name, one.lang)


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else line[:_QUOTED].rstrip() + "…"


def _longest_field(text: str, lang: str, values: Mapping[str, Value]) -> str:
    """The field whose text takes the most space in this message."""
    said = " ".join(text.split())
    found = {
        len(wording): field
        for field, of_lang, wording in free_words(values)
        if of_lang in ("", lang) and wording.strip() and " ".join(wording.split()).rstrip(".") in said
    }
    return found[max(found)] if found else ""
