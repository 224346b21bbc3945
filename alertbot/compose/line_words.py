"""`edits.yaml` and `card.yaml`: single lines per language, each with what it may name in braces."""

from collections.abc import Mapping
from string import Formatter

from alertbot.compose.checking import LANGUAGE, Checker
from alertbot.model import Relation
from alertbot.settings.yaml_text import Node
from alertbot.words import _

SHORTENED = "shortened"
_WHEN = ("day", "time", "zone")
# What the edit of an earlier post says, by relation. A retraction is prepared before anybody knows when it
# goes out.
EDITS: Mapping[str, tuple[str, ...]] = {
    **{relation.value: ("alert", *_WHEN) for relation in Relation},
    Relation.RETRACTION.value: (),
    SHORTENED: (),
}
# What a number card says beside its numbers.
CARD: Mapping[str, tuple[str, ...]] = {
    "picture": ("title",),
    "published": _WHEN,
    "urgent": (),
    "until": ("when", "zone"),
    "review": ("when", "zone"),
    "check": ("page",),
    "reference": ("alert",),
}
Lines = Mapping[str, Mapping[str, str]]  # by language, then by key


def read_lines(
    sheet: Node, earlier: Lines, known: Mapping[str, tuple[str, ...]], check: Checker
) -> dict[str, Mapping[str, str]]:
    """The lines by language, laid over those of earlier files. Faults go to `check`."""
    found: dict[str, Mapping[str, str]] = {}
    for lang, node in sheet.entries.items():
        if not LANGUAGE.fullmatch(lang):
            check.fault(node, _("“{lang}” is not a language code.").format(lang=lang))
        said = {key: _line(child, known.get(key, ()), check) for key, child in node.entries.items()}
        found[lang] = {**earlier.get(lang, {}), **said}
        check.keys(node, known, [key for key in known if key not in found[lang]])
    return found


def _line(node: Node, places: tuple[str, ...], check: Checker) -> str:
    text = check.text(node)
    try:
        named = [name for _words, name, _spec, _how in Formatter().parse(text) if name is not None]
    except ValueError:
        named = ["?"]
    for name in named:
        if name not in places:
            sentence = _("In this line braces may hold {places}, not “{name}”.")
            check.fault(node, sentence.format(places=", ".join(places) or "–", name=name))
    return text
