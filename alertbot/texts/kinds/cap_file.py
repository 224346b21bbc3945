"""Reading `messages/cap.yaml`: the values of CAP by kind and stage, every fault with file and line."""

from collections.abc import Collection, Iterable, Mapping

from alertbot.config.yaml_faults import Mark
from alertbot.config.yaml_reader import Node
from alertbot.core.words import _
from alertbot.texts.kinds.cap_table import OUTAGE, CapRow, CapTable
from alertbot.texts.kinds.kind_file import LANGUAGE, NAME, Checker, unknown

URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
RESPONSES = (
    *("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"),
)
NO_WARNING = "none"
MOST_HOURS = 336  # the two weeks that feeds keep an alert
_NEEDED = ("urgency", "severity", "certainty", "responses", "hours")
_OPTIONAL = ("event", "takes_back", "stages")


def read_table(sheets: Iterable[Node], check: Checker) -> CapTable:
    """The table of these files, later ones over earlier ones. Faults go to `check`."""
    rows: dict[tuple[str, str], CapRow | None] = {}
    words: dict[str, Mapping[str, str]] = {}
    sheet = Node(Mark(), {})
    for sheet in sheets:
        check.keys(sheet, ("kinds", "words"))
        for kind, node in _entries(sheet, "kinds"):
            rows = {key: row for key, row in rows.items() if key[0] != kind} | _rows(kind, node, check)
        for lang, node in _entries(sheet, "words"):
            if not LANGUAGE.fullmatch(lang):
                check.fault(node, _("“{lang}” is not a language code.").format(lang=lang))
            said = {name: check.text(one) for name, one in node.entries.items()}
            words[lang] = {**words.get(lang, {}), **said}
    known = {name for texts in words.values() for name in texts}
    for event in {row.event for row in rows.values() if row} - known:
        check.fault(sheet, _("No language has words for the event “{name}”.").format(name=event))
    return CapTable(rows, words)


def _entries(sheet: Node, name: str) -> Iterable[tuple[str, Node]]:
    return sheet.entries[name].entries.items() if name in sheet.entries else ()


def _rows(kind: str, node: Node, check: Checker) -> dict[tuple[str, str], CapRow | None]:
    if not NAME.fullmatch(kind):
        check.fault(node, _("“{name}” is not a valid kind name.").format(name=kind))
    if node.value == NO_WARNING:
        return {(kind, ""): None}
    check.keys(node, (*_NEEDED, *_OPTIONAL), _NEEDED)
    stages = node.entries["stages"].entries if "stages" in node.entries else {}
    found: dict[tuple[str, str], CapRow | None] = {(kind, ""): _row(node.entries, check)}
    for stage, more in stages.items():
        check.keys(more, (*_NEEDED, "event"))
        found[kind, stage] = _row({**node.entries, **more.entries}, check)
    return found


def _row(part: Mapping[str, Node], check: Checker) -> CapRow:
    responses = part.get("responses")
    return CapRow(
        urgency=_one_of(part.get("urgency"), URGENCIES, check),
        severity=_one_of(part.get("severity"), SEVERITIES, check),
        certainty=_one_of(part.get("certainty"), CERTAINTIES, check),
        responses=check.names(responses, RESPONSES),
        hours=check.number(part.get("hours"), 1, MOST_HOURS),
        event=check.text(part["event"]) if "event" in part else OUTAGE,
        takes_back=check.flag(part.get("takes_back")),
    )


def _one_of(node: Node | None, known: Collection[str], check: Checker) -> str:
    if node is not None and node.value not in known:
        check.fault(node, unknown(str(node.value), known))
    return str(node.value) if node is not None else "Unknown"
