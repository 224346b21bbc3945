"""The retraction that every alert has ready before its first post (R20): "disregard our message"."""

from collections.abc import Sequence

from alertbot.compose import editions, edits, lint, messages
from alertbot.compose.kinds import Prepared
from alertbot.compose.request import Desk
from alertbot.model import Channel, Fault, Message, Relation
from alertbot.words import _


def prepare(desk: Desk, said: Sequence[Message]) -> None:
    """Write the retraction of `said`, for the same channels and languages. A language without its templates
    is a judgement: that alert cannot be taken back at once."""
    prepared = desk.request.prepared
    if prepared is None:
        return
    for channel in desk.request.channels:
        posts = [one for one in said if one.channel == channel.name]
        languages = dict.fromkeys(one.lang for one in posts)
        desk.retraction += _for_channel(desk, prepared, channel, tuple(languages))
        desk.retraction += edits.of_posts(desk, channel, posts, Relation.RETRACTION)


def _for_channel(
    desk: Desk, prepared: Prepared, channel: Channel, languages: Sequence[str]
) -> list[Message]:
    alert, texts = desk.request.identity.alert, []
    for lang in languages:
        template = messages.template(prepared.retraction, channel.spec, lang)
        if template is None:
            desk.faults.append(_missing(channel, lang))
        elif one := editions.edition(desk, template, lang, f"[{alert}]", fields=False):
            texts.append(one)
    desk.faults += lint.unequal(channel, {one.lang: messages.whole_text(one) for one in texts})
    return [message for one in texts for message in editions.written(desk, channel, one)]


def _missing(channel: Channel, lang: str) -> Fault:
    sentence = _(
        "No retraction in “{lang}” is prepared: add short.md.j2 and long.md.j2 to {folder} in your folder"
        " of messages."
    )
    words = sentence.format(lang=lang, folder=f"retraction/{lang}")
    return Fault("retraction_missing", words, channel=channel.name, lang=lang, acceptable=True)
