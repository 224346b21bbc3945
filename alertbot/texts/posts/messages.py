"""From a filled template to the finished messages of one channel and language: choosing the template, marks of
exercises, length. Pure."""

import re
from collections.abc import Mapping, Sequence

from alertbot.core.frozen import dataclass
from alertbot.core.model import Channel, ChannelSpec, Fault, Markup, Message
from alertbot.core.words import _, ngettext
from alertbot.texts.fields.values import Value
from alertbot.texts.kinds.kind_spec import Frame, Template
from alertbot.texts.lint import free_words
from alertbot.texts.posts import measure, pieces, writing
from alertbot.texts.posts.pieces import Edition, Excess, Marks, Place, PostLimit, Thread
from alertbot.texts.wording.markup import Block
from alertbot.texts.wording.phrasing import capital
from alertbot.texts.wording.render import TemplateText, words

MOST_BESIDE_PAGE = 5  # posts of a thread, the lead and four places, where a page has the whole list
OTHER_FORM = {"short": "long", "long": "short"}
_ENTITY_WEIGHT = 41  # 4096 / 100, rounded up
_QUOTED = 60

Templates = Mapping[tuple[str, str], Template]  # by (language, form or channel type)


@dataclass(frozen=True, slots=True)
class PlacedMessage:
    """A finished message, and the territories whose numbers to call it gives."""

    message: Message
    territories: tuple[str, ...] = ()


def template(templates: Templates, spec: ChannelSpec, lang: str) -> Template | None:
    """The channel type's own template, else that of its form, else the other form's."""
    forms = (spec.type, spec.form, OTHER_FORM.get(spec.form, "long"))
    return next((found for form in forms if (found := templates.get((lang, form)))), None)


def edition(
    title: str,
    lang: str,
    text: TemplateText,
    places: tuple[Place, ...],
    frame: Frame | None,
    *,
    has_page: bool = False,
) -> Edition:
    """The text with its subject (`title` if the template has none), and the marks of an exercise if there is a
    frame. `has_page`: it stands on a public page too. Raises `TemplateBrokenError`."""
    subject = capital(text.subject() or title)
    if frame is None:
        return Edition(lang, text, places, subject, brief=title, has_page=has_page)
    mark = frame.subject.get(lang, "")
    marked, brief = f"{mark} {subject}".strip(), f"{mark} {title}".strip()
    return Edition(lang, text, places, marked, marks(frame, lang), brief, has_page)


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
    """Subject and text in one piece, without the marks of an exercise. Raises `TemplateBrokenError`."""
    blocks = [block for piece in pieces.pieces(one) for block in piece.full]
    return f"{one.subject}\n\n{writing.plain((*blocks, *one.text.piece('foot')))}"


def thread(spec: ChannelSpec, one: Edition) -> Thread:
    """The posts for this channel. Raises `TemplateBrokenError`."""
    if spec.form == "short" and spec.parts:
        most = spec.most_posts
        if one.has_page and most is not None:  # the list stands there, place by place
            most = min(most, MOST_BESIDE_PAGE)
        return pieces.thread(one, room(spec), most)
    kept = spec.markup is not Markup.PAGE  # a page says itself whose a message is, and when it went out
    anchors = spec.markup is Markup.EMAIL
    return pieces.long_text(one, room(spec), parts=spec.parts, anchors=anchors, foot=kept)


def room(spec: ChannelSpec) -> PostLimit | None:
    """How much one post of this channel may contain; None: no limit."""
    if spec.limit is None:
        return None
    if spec.markup is Markup.TELEGRAM:
        return PostLimit(
            spec.limit,
            lambda blocks: max(length(spec, blocks), entity_length(writing.entities(blocks))),
        )
    return PostLimit(spec.limit, lambda blocks: length(spec, blocks))


def entity_length(entities: int) -> int:
    """How much this many entities count against the limit of a Telegram message, which allows 100."""
    return _ENTITY_WEIGHT * entities


def length(spec: ChannelSpec, blocks: Sequence[Block]) -> int:
    """The length as the platform counts it."""
    shown = writing.visible(blocks) if spec.markup is Markup.TELEGRAM else writing.plain(blocks)
    return measure.counted(measure.normal(shown), spec)


def written(channel: Channel, one: Edition, thread: Thread) -> list[Message]:
    """The finished messages."""
    return [
        _message(channel, one, part, post.blocks, len(thread.posts))
        for part, post in enumerate(thread.posts, 1)
    ]


def over_limit(finished: Sequence[Message]) -> list[Fault]:
    """Finished messages that a platform would refuse. There should never be one; this is the safety net, because a
    refused first part would take its whole thread with it."""
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


def untitled(channel: Channel, finished: Sequence[Message]) -> list[Fault]:
    """Titles that the service would cut."""
    most = channel.spec.longest_title
    sentence = _(
        "{channel} ({lang}): the title “{text}” is {over} characters too long. Shorten the title of the kind."
    )
    return [
        Fault(
            "too_long",
            sentence.format(
                channel=channel.name, lang=one.lang, text=one.subject, over=len(one.subject) - most
            ),
            None,
            channel.name,
            one.lang,
        )
        for one in finished
        if most and one.subject and len(one.subject) > most
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
        if (found := re.search(channel.spec.misread, f"{one.subject or ''}\n{one.text}"))
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
        subject=_subject(spec, one),
        length=length(spec, blocks),
        limit=spec.limit,
        measure=spec.measure,
        has_link=writing.has_link(blocks),
    )


def _subject(spec: ChannelSpec, one: Edition) -> str | None:
    """The subject of a mail; the title of a service that shows one: a shorter one if that is too long for it."""
    subject = measure.normal(one.subject)
    if spec.markup in (Markup.EMAIL, Markup.PAGE):
        return subject
    if not spec.longest_title:
        return None
    return subject if len(subject) <= spec.longest_title else measure.normal(one.brief)


def _html(spec: ChannelSpec, one: Edition, blocks: Sequence[Block]) -> str | None:
    if spec.markup is Markup.TELEGRAM:
        return writing.telegram(blocks)
    if spec.markup is Markup.EMAIL:
        return writing.document(blocks, subject=one.subject, lang=one.lang)
    return writing.email(blocks) if spec.markup is Markup.PAGE else None


def too_long(channel: Channel, one: Edition, excess: Excess, values: Mapping[str, Value]) -> Fault:
    """Which post is too long, by how much, and what to shorten."""
    text = writing.plain(excess.blocks)
    field = _longest_field(text, one.lang, values)
    place = {
        "channel": channel.name,
        "lang": one.lang,
        "over": excess.over,
        "post": _quoted(text),
        "field": field,
    }
    sentence = ngettext(
        "{channel} ({lang}): the post “{post}” is {over} character too long.",
        "{channel} ({lang}): the post “{post}” is {over} characters too long.",
        excess.over,
    ).format(**place)
    if field:
        sentence += " " + _("Shorten “{field}”.").format(field=field)
    return Fault("too_long", sentence, field or None, channel.name, one.lang)


def too_many(channel: Channel, one: Edition, needed: int) -> Fault:
    """The fault of a text that would need more posts than the channel takes, and has no link that could stand for
    them."""
    sentence = _(
        "{channel} ({lang}) would need {needed} posts, more than {most}, and the text has no link that could stand for"
        " them. Set organisation.verification_page, or send fewer territories at once."
    ).format(channel=channel.name, lang=one.lang, needed=needed, most=channel.spec.most_posts or 1)
    return Fault("too_many_posts", sentence, None, channel.name, one.lang)


def unsaid(channel: Channel, one: Edition, names: Sequence[str]) -> Fault | None:
    """The warning that pieces went for lack of posts."""
    if not names:
        return None
    if set(names) <= {"detail"}:
        sentence = _("{channel} ({lang}): the details are left out there, for lack of room.")
    else:
        sentence = _(
            "{channel} ({lang}): only the first post goes out there; the numbers of each place stand behind its link."
        )
    return Fault(
        "shortened", sentence.format(channel=channel.name, lang=one.lang), None, channel.name, one.lang
    )


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
