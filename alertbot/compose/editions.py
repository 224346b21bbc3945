"""One template filled for one language, and its text made into the messages of a channel."""

from collections.abc import Sequence

from alertbot.compose import lint, messages
from alertbot.compose.kinds import Template
from alertbot.compose.messages import Edition
from alertbot.compose.render import TemplateBrokenError, render
from alertbot.compose.request import Desk, context
from alertbot.model import Channel, Fault, Message
from alertbot.words import _


def edition(
    desk: Desk, template: Template, lang: str, title: str, *, fields: bool = True
) -> Edition | None:
    """The text of this template; None where something stands in its way, which is then a fault.
    `fields` False: the template may not ask for any field of the kind."""
    request, key = desk.request, (template.path, lang)
    if key not in desk.rendered:
        seen = context(request, lang, fields=fields)
        try:
            desk.rendered[key] = render(
                template, seen, lang=lang, zone=request.zone, issued=request.now
            )
        except TemplateBrokenError as error:
            desk.rendered[key] = None
            if not (fields and _field_absent(desk)):
                desk.faults.append(Fault("template", str(error), lang=lang))
    text = desk.rendered[key]
    if text is None or not _can_be_marked(desk, lang):
        return None
    return messages.edition(title, lang, text, request.marked)


def _can_be_marked(desk: Desk, lang: str) -> bool:
    """An exercise never goes out without its marks (R23)."""
    frame = desk.request.frame
    if not desk.request.exercise or (frame and frame.opening.get(lang) and frame.closing.get(lang)):
        return True
    sentence = _("The exercise frame has no words in “{lang}”.").format(lang=lang)
    desk.faults.append(Fault("language_missing", sentence, lang=lang))
    return False


def _field_absent(desk: Desk) -> bool:
    """A template that lacks a value which was missing or wrong is no fault of the template."""
    values = desk.request.parsed.values
    return any(fault.field and fault.field not in values for fault in desk.request.parsed.faults)


def written(desk: Desk, channel: Channel, one: Edition, least: int = 1) -> Sequence[Message]:
    """The messages of this channel, cut to its posts (`least`: into at least so many, where it can be done);
    what does not fit or may not be said is a fault."""
    thread = messages.thread(channel.spec, one, least)
    for excess in thread.excess:
        desk.faults.append(messages.too_long(channel, one, excess, desk.request.parsed.values))
    desk.faults += lint.many_parts(channel, one.lang, len(thread.parts))
    if frame := desk.request.marked:
        text = messages.whole_text(one)
        desk.faults += lint.real_words(frame, one.lang, text, channel.name)
    finished = messages.written(channel, one, thread)
    desk.faults += messages.over_limit(finished)
    return finished
