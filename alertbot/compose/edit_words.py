"""`edits.yaml`: per language and relation, the line that an edit puts above an earlier text."""

from collections.abc import Mapping
from string import Formatter

from alertbot.compose.checking import LANGUAGE, Checker
from alertbot.model import Relation
from alertbot.sheets import Node
from alertbot.words import _

SHORTENED = "shortened"
KEYS = (*map(str, Relation), SHORTENED)
PLACES = ("alert", "day", "time", "zone")  # what a line may name in braces
UNKNOWN_YET = Relation.RETRACTION  # prepared before anybody knows when it goes out


def read_edit_words(
    sheet: Node, earlier: Mapping[str, Mapping[str, str]], check: Checker
) -> dict[str, Mapping[str, str]]:
    """The words by language, laid over those of earlier files. Faults go to `check`."""
    found: dict[str, Mapping[str, str]] = {}
    for lang, node in sheet.entries.items():
        if not LANGUAGE.fullmatch(lang):
            check.fault(node, _("“{lang}” is not a language code.").format(lang=lang))
        said = {key: _line(key, child, check) for key, child in node.entries.items()}
        found[lang] = {**earlier.get(lang, {}), **said}
        check.keys(node, KEYS, [key for key in KEYS if key not in found[lang]])
    return found


def _line(key: str, node: Node, check: Checker) -> str:
    text = check.text(node)
    try:
        named = [name for _words, name, spec, how in Formatter().parse(text) if name is not None]
    except ValueError:
        named = ["?"]
    known = () if key in (UNKNOWN_YET, SHORTENED) else PLACES
    for name in named:
        if name not in known:
            sentence = _("In this line braces may hold {places}, not “{name}”.")
            check.fault(node, sentence.format(places=", ".join(known) or "–", name=name))
    return text
