"""The new text of an earlier post, on channels that can edit (Telegram, Mastodon). Pure.

A line says what happened and names the new alert. Below it stands what is true now: the new alert's own lead, and its
places as far as they fit. Only after a retraction and a false alert, where nothing of it holds, the old text stays,
struck through; if it does not fit, it loses paragraphs from its end, and says so. Where nothing can be struck through,
only the line stays: readers find the old text in the post's history.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, Channel, ChannelSpec, Fault, Markup, Message, Relation
from alertbot.core.words import _
from alertbot.texts import lint
from alertbot.texts.kinds.kind_file import SHORTENED
from alertbot.texts.posts import measure, messages, pieces, writing
from alertbot.texts.posts.pieces import Blocks
from alertbot.texts.posts.writing import Paragraph, paragraphs, plain_paragraphs
from alertbot.texts.request import ComposeFindings, ComposeRequest
from alertbot.texts.wording.markup import Line, Run
from alertbot.texts.wording.phrasing import clock_time, day_name, zone_name
from alertbot.texts.wording.render import LEAD, PLACE, STOP, words

FALSE = frozenset({Relation.RETRACTION, Relation.CANCEL})  # nothing of the old text holds


@dataclass(frozen=True, slots=True)
class _Text:
    """A text to be made: what is above the old one, the old one, struck through, and what is below."""

    above: tuple[Paragraph, ...]
    old: tuple[Paragraph, ...] = ()
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
    said = {lang: line for lang in languages if (line := line_above(desk.request, relation, lang))}
    desk.faults += [_missing(channel, lang) for lang in languages if lang not in said]
    desk.faults += lint.unequal(channel, said)
    made = [
        _edit(desk, channel, one, said[one.lang], relation) for one in published if one.lang in said
    ]
    desk.faults += messages.over_limit(made)
    return made


def line_above(request: ComposeRequest, relation: Relation, lang: str) -> str:
    """The line of the edit as plain text; empty if this language has none."""
    if request.prepared is None:
        return ""
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
    desk: ComposeFindings, channel: Channel, post: Message, line: str, relation: Relation
) -> Message:
    spec = channel.spec
    if relation in FALSE:
        struck = _struck(desk.request, post, line)
        if spec.markup is not Markup.TELEGRAM:  # nothing is struck through there: the line alone stays
            *_longer, bare = struck
            struck = iter((bare,))
        text = next(one for one in struck if _fits(spec, one))
        plain, html, length = _joined(text, writing.plain_line), _html(text), _length(spec, text)
    else:
        blocks = _standing(desk, channel, post.lang, line)
        plain, html, length = (
            writing.plain(blocks),
            writing.telegram(blocks),
            messages.length(spec, blocks),
        )
    return replace(
        post,
        text=measure.normal(plain),
        html=measure.normal(html) if spec.markup is Markup.TELEGRAM else None,
        length=length,
        limit=spec.limit,
        measure=spec.measure,
        has_link="://" in plain,
        action=Action.EDIT,
        picture=None,
        alt=None,
    )


def _standing(desk: ComposeFindings, channel: Channel, lang: str, line: str) -> Blocks:
    """What stands now, as much of it as fits: the line alone where the new alert says nothing in this language."""
    frame, one = desk.request.marked, desk.editions.get((channel.name, lang))
    mark = messages.marks(frame, lang).brief if frame else ()
    head = (*mark, *_bold(words(line, lang)))
    found = [*pieces.pieces(one)] if one else []
    parts = [piece.full for piece in found if piece.name == LEAD]
    parts += [piece.full for piece in found if piece.name in (PLACE, STOP)]
    room = messages.room(channel.spec)
    for kept in range(len(parts), 0, -1):
        note = () if kept == len(parts) else _shortened(desk.request, lang)
        blocks = (*head, *(block for part in parts[:kept] for block in part), *note, *mark)
        if room is None or room.over(blocks) <= 0:
            return blocks
    return head


def _bold(blocks: Blocks) -> Blocks:
    return tuple(
        replace(
            block,
            lines=tuple(tuple(replace(run, styles=("b",)) for run in line) for line in block.lines),
        )
        for block in blocks
    )


def _shortened(request: ComposeRequest, lang: str) -> Blocks:
    assert request.prepared is not None
    return words(request.prepared.edits[lang].get(SHORTENED, "…"), lang)


def _struck(request: ComposeRequest, post: Message, line: str) -> Iterator[_Text]:
    """The possible texts, the fullest first; the last has nothing of the old text."""
    frame, lang = request.marked, post.lang
    mark = _paragraphs(messages.marks(frame, lang).brief) if frame else ()
    above = (*mark, *_paragraphs(words(line, lang), "b"))
    old = plain_paragraphs(post.text) if post.html is None else paragraphs(post.html)
    bare = tuple(tuple(map(_bare, paragraph)) for paragraph in old)
    yield _Text(above, bare)
    below = (*_paragraphs(_shortened(request, lang), "i"), *mark)
    yield from (_Text(above, bare[:kept], below) for kept in range(len(bare) - 1, 0, -1))
    yield _Text(above, (), below)
    yield _Text(above)


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
    return measure.counted(measure.normal(_joined(text, write)), spec)


def _entities(text: _Text) -> int:
    runs = [run for one in (*text.above, *text.old, *text.below) for line in one for run in line]
    return 1 + sum(len(run.styles) + bool(run.address) for run in runs)


def _joined(text: _Text, write: writing.Writer) -> str:
    return "\n\n".join(_written(one, write) for one in (*text.above, *text.old, *text.below))


def _html(text: _Text) -> str:
    old = "\n\n".join(_written(one, writing.telegram_line) for one in text.old)
    above, below = (
        [_written(one, writing.telegram_line) for one in each] for each in (text.above, text.below)
    )
    return "\n\n".join([*above, *([f"<s>{old}</s>"] if old else []), *below])


def _written(paragraph: Paragraph, write: writing.Writer) -> str:
    return "\n".join(write(line) for line in paragraph)
