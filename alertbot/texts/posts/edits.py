"""The new text of an earlier post, on channels that can edit (Telegram). Pure.

A line above the old text says what happened and names the new alert. After a correction, a withdrawal, a
retraction and a denial the old text is struck through; after an update and at the end it stays. If it
does not fit, the old text loses paragraphs from its end, and says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from alertbot.core.model import Action, Channel, ChannelSpec, Fault, Markup, Message, Relation
from alertbot.core.words import _
from alertbot.texts import lint
from alertbot.texts.kinds.kind_file import SHORTENED
from alertbot.texts.posts import measure, messages, writing
from alertbot.texts.posts.pieces import Blocks
from alertbot.texts.posts.writing import Paragraph, paragraphs, plain_paragraphs
from alertbot.texts.request import ComposeFindings, ComposeRequest
from alertbot.texts.wording.markup import Line, Run
from alertbot.texts.wording.phrasing import clock_time, day_name, zone_name
from alertbot.texts.wording.render import words

LEFT_STANDING = frozenset({Relation.UPDATE, Relation.END})


@dataclass(frozen=True, slots=True)
class _Text:
    """A text to be made: what is above the old one, the old one, and what is below."""

    above: tuple[Paragraph, ...]
    old: tuple[Paragraph, ...]
    struck: bool
    below: tuple[Paragraph, ...] = ()


def follow(desk: ComposeFindings) -> None:
    """The edits of the posts that this alert follows, after its own messages."""
    request = desk.request
    for channel in request.channels if request.relation else ():
        assert request.relation is not None
        posts = [one for one in request.originals if one.channel == channel.name]
        desk.messages += of_posts(desk, channel, posts, request.relation)


def of_posts(
    desk: ComposeFindings, channel: Channel, posts: Sequence[Message], relation: Relation
) -> list[Message]:
    """An edit for each of these posts, if the channel can. A language without lines for it is a
    judgement: that post stays as it is."""
    published = [one for one in posts if one.action is Action.PUBLISH]
    if not channel.spec.can_edit or desk.request.prepared is None:
        return []
    languages = dict.fromkeys(one.lang for one in published)
    said = {lang: line for lang in languages if (line := _line(desk.request, relation, lang))}
    desk.faults += [_missing(channel, lang) for lang in languages if lang not in said]
    desk.faults += lint.unequal(channel, said)
    made = [
        _edit(desk.request, channel.spec, one, said[one.lang], relation)
        for one in published
        if one.lang in said
    ]
    desk.faults += messages.over_limit(made)
    return made


def _line(request: ComposeRequest, relation: Relation, lang: str) -> str:
    """The line of the edit as plain text; empty if this language has none."""
    assert request.prepared is not None
    here = request.now.astimezone(request.zone)
    return (
        request.prepared.edits.get(lang, {})
        .get(relation, "")
        .format(
            alert=request.identity.alert,
            day=day_name(here.date(), lang),
            time=clock_time(here, lang),
            zone=zone_name(str(request.zone), lang),
        )
    )


def _missing(channel: Channel, lang: str) -> Fault:
    sentence = _(
        "The posts in “{lang}” on {channel} cannot be edited: {file} in your messages folder has no"
        " lines in that language."
    )
    named = sentence.format(lang=lang, channel=channel.name, file="edits.yaml")
    return Fault("edit_missing", named, channel=channel.name, lang=lang, acceptable=True)


def _edit(
    request: ComposeRequest, spec: ChannelSpec, post: Message, line: str, relation: Relation
) -> Message:
    text = next(one for one in _texts(request, post, line, relation) if _fits(spec, one))
    html = _html(text) if spec.markup is Markup.TELEGRAM else None
    plain = measure.normal(_joined(text, writing.plain_line))
    return replace(
        post,
        text=plain,
        html=None if html is None else measure.normal(html),
        length=_length(spec, text),
        limit=spec.limit,
        measure=spec.measure,
        has_link=post.has_link,
        action=Action.EDIT,
        picture=None,
        alt=None,
    )


def _texts(request: ComposeRequest, post: Message, line: str, relation: Relation) -> Iterator[_Text]:
    """The possible texts, the fullest first; the last has nothing of the old text."""
    frame, lang = request.marked, post.lang
    mark = _paragraphs(messages.marks(frame, lang).brief) if frame else ()
    above = (*mark, *_paragraphs(words(line, lang), "b"))
    old = plain_paragraphs(post.text) if post.html is None else paragraphs(post.html)
    struck = relation not in LEFT_STANDING
    if not struck:
        yield _Text(above, old, struck)
    bare = tuple(tuple(map(_bare, paragraph)) for paragraph in old)
    yield _Text(above, bare, struck)
    assert request.prepared is not None
    shortened = words(request.prepared.edits[lang].get(SHORTENED, "…"), lang)
    below = (*_paragraphs(shortened, "i"), *mark)
    yield from (_Text(above, bare[:kept], struck, below) for kept in range(len(bare) - 1, 0, -1))
    yield _Text(above, (), struck, below)
    yield _Text(above, (), struck)


def _paragraphs(blocks: Blocks, *styles: str) -> tuple[Paragraph, ...]:
    return tuple(
        tuple(tuple(replace(run, styles=styles) for run in line) for line in block.lines)
        for block in blocks
    )


def _bare(line: Line) -> Line:
    """The text with links but without other styles: in a struck text more styles would only use up
    entities."""
    return tuple(Run(run.text, (), run.address) for run in line)


# --- writing -------------------------------------------------------------------------------------


def _fits(spec: ChannelSpec, text: _Text) -> bool:
    if spec.limit is None or (not text.old and not text.below):
        return True
    return max(_length(spec, text), messages.entity_length(_entities(text))) <= spec.limit


def _length(spec: ChannelSpec, text: _Text) -> int:
    write = writing.visible_line if spec.markup is Markup.TELEGRAM else writing.plain_line
    return measure.measure(measure.normal(_joined(text, write)), spec.measure)


def _entities(text: _Text) -> int:
    runs = [run for one in (*text.above, *text.old, *text.below) for line in one for run in line]
    return text.struck + sum(len(run.styles) + bool(run.address) for run in runs)


def _joined(text: _Text, write: writing.Writer) -> str:
    return "\n\n".join(_written(one, write) for one in (*text.above, *text.old, *text.below))


def _html(text: _Text) -> str:
    old = "\n\n".join(_written(one, writing.telegram_line) for one in text.old)
    above, below = (
        [_written(one, writing.telegram_line) for one in each] for each in (text.above, text.below)
    )
    return "\n\n".join([*above, *([f"<s>{old}</s>" if text.struck else old] if old else []), *below])


def _written(paragraph: Paragraph, write: writing.Writer) -> str:
    return "\n".join(write(line) for line in paragraph)
