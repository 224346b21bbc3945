"""The topics of guidance, and a contradiction, in words for the team."""

from alertbot.incident.guidance import Contradiction
from alertbot.words import _

LONGEST_QUOTE = 200


def topic_word(topic: str) -> str:
    """What two alerts disagree about; the heading over their two texts."""
    words = {
        "line": _("Which line to use"),
        "first": _("Which number to try first"),
        "number": _("Which number to call instead"),
        "place": _("Where to go instead"),
        "restored": _("Whether it is over"),
    }
    return words[topic]


def sentence(found: Contradiction) -> str:
    """One line, with the texts of both alerts."""
    return _("{topic}: {alert} says “{said}”, this says “{says}”.").format(
        topic=topic_word(found.topic),
        alert=found.alert,
        said=_in_one_line(found.said),
        says=_in_one_line(found.says),
    )


def _in_one_line(text: str) -> str:
    line = " / ".join(filter(None, (part.strip() for part in text.splitlines())))
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"
