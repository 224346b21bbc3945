"""The only YAML reader: text into values that know their line and column, hostile text into messages.

A subset on purpose: no tags, no merge keys, one document, keys are plain words. There are two readings.
`parse` gives a configuration its types; plain scalars that YAML 1.1 reads in surprising ways (`on`,
`0123`, `1:30`) are faults. `parse_written` and `read_written` keep every scalar as written, because
people's `16:45`, `01` and `no` would become 1005, 1 and false; aliases are refused there. Nothing here
needs pydantic, or recurses deeper than `DEEPEST`.

A wheel ships what it read of its own files (`packed`), found again by the text: a preview reads eight of them, and does
without the library, which takes 0.01 s to load. A file of a team's own, and a changed one, is read when it is used.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any

from alertbot.config.yaml_faults import (
    LINE_BREAK,
    FileFault,
    Mark,
    Path,
    mark_at,
    shortened,
    shown_key,
    surprise_sentence,
    syntax_fault,
)
from alertbot.core.errors import ConfigInvalid
from alertbot.core.signs import hidden_place
from alertbot.core.words import _

DEEPEST = 32
LARGEST_FILE = 1_000_000  # bytes
# What the aliases of a file may grow to, in characters and entries: far above any real file of 1 MB.
LARGEST_EXPANSION = 8_000_000
WEIGHT_OF_A_NODE = 8


_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{1,18})?[eE][-+]?[0-9]{1,3})")  # fmt: skip
_SURPRISING = re.compile(
    r"(?i:yes|no|on|off|y|n)|=|<<"
    r"|[-+]?[0-9][0-9_]*"  # leading zeros (octal), underscores, endless numbers
    r"|[-+]?0[xob][0-9a-fA-F_]+"
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"  # sexagesimal
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
_UNPRINTABLE = re.compile(  # as YAML has it; naming what is printable takes ten times longer to compile
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)


@dataclass(slots=True)
class Node:
    """A value and its place. `value`: a scalar, a list of nodes, or a dict of nodes by key. `key`: the
    place of its key, for the value of a mapping. `weight`: roughly how many characters it would take
    when written out."""

    mark: Mark
    value: Any = None
    weight: int = WEIGHT_OF_A_NODE
    key: Mark | None = None

    @property
    def entries(self) -> Mapping[str, "Node"]:
        """The content of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}


@dataclass(slots=True)
class YamlDocument:
    """The content of a text (`root` None: empty), and its faults."""

    root: Node | None = None
    faults: list[FileFault] = field(default_factory=list)


@cache
def library() -> Any:
    """PyYAML, loaded when something is to be read."""
    import yaml

    return yaml


def loader() -> Any:
    """libyaml's where there is one, ten times as fast."""
    return getattr(library(), "CSafeLoader", library().SafeLoader)


class _GiveUp(Exception):  # never leaves this module
    """The rest of the text cannot be read."""


def parse(text: str) -> YamlDocument:
    """Read one document, with types. Never raises; every fault that can be told apart is in `faults`."""
    return _parsed(text, "", written=False)


def parse_written(text: str, name: str) -> Node:
    """Read one document, every scalar as written; only an empty value, `~` and `null` are None. `name`
    stands for the text in messages. Raises `ConfigInvalid` for the first fault, with its line."""
    document = _parsed(text, name, written=True)
    for fault in document.faults:
        sentence = _("{place} {reason}.").format(place=f"{fault.mark}:", reason=fault.told())
        raise ConfigInvalid(sentence)
    return document.root or Node(Mark(file=name))


def read_written(path: FilePath) -> Node:
    """Read a file as `parse_written` does. Raises `ConfigInvalid` also if it cannot be read."""
    text = text_of(path)
    shipped = SHIPPED / packed_name(text)
    if shipped.is_file():
        return _unpacked(json.loads(shipped.read_bytes()), str(path))
    return parse_written(text, str(path))


SHIPPED = FilePath(__file__).parents[1] / "_shipped" / "yaml"  # only a wheel has it


def packed_name(text: str) -> str:
    """The file with what was read from this text."""
    return f"{sha256(text.encode()).hexdigest()[:40]}.json"


def packed(node: Node) -> list[Any]:
    """A node as JSON holds it: line, column, value, and the key's line and column if it has one."""
    value = node.value
    if isinstance(value, dict):
        value = {key: packed(one) for key, one in value.items()}
    elif isinstance(value, list):
        value = [packed(one) for one in value]
    return [node.mark.line, node.mark.column, value, *(node.key[:2] if node.key else ())]


def _unpacked(given: list[Any], name: str) -> Node:
    line, column, value, *key = given
    if isinstance(value, dict):
        value = {key: _unpacked(one, name) for key, one in value.items()}
    elif isinstance(value, list):
        value = [_unpacked(one, name) for one in value]
    return Node(Mark(line, column, name), value, key=Mark(key[0], key[1], name) if key else None)


def text_of(path: FilePath) -> str:
    """The text of a UTF-8 file of up to 1 MB. Raises `ConfigInvalid` if it is not one."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigInvalid(
            _("{path} cannot be read: {reason}.").format(path=path, reason=error.strerror)
        ) from None
    if len(raw) > LARGEST_FILE:
        raise ConfigInvalid(_("{path} is larger than 1 MB.").format(path=path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigInvalid(
            _("{path} is not UTF-8 text; save it as UTF-8.").format(path=path)
        ) from None


def _parsed(text: str, name: str, *, written: bool) -> YamlDocument:
    document = YamlDocument()
    if found := _UNPRINTABLE.search(text):
        sentence = _("contains a character that is not text ({code}); is this a binary file?")
        mark = mark_at(text, found.start(), name)
        code = f"U+{ord(found.group()):04X}"
        document.faults.append(FileFault(mark, (), sentence.format(code=code)))
        return document
    try:
        document.root = _NodeReader(text, document.faults, name, written=written).document()
    except _GiveUp:
        pass
    except library().YAMLError as error:
        document.faults.append(syntax_fault(error, text, name))
    return document


def plain(node: Node) -> Any:
    """Only the value: dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def in_yaml(values: Mapping[str, Any], *, width: int = 10_000) -> str:
    """Values as YAML that a person edits: a text of several lines as such. `width`: where long texts are folded."""
    return str(
        library().dump(dict(values), Dumper=_dumper(), allow_unicode=True, sort_keys=False, width=width)
    )


@cache
def _dumper() -> Any:
    made: Any = type("Dumper", (library().SafeDumper,), {})
    made.add_representer(str, _dumped_text)
    return made


def _dumped_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


class _NodeReader:
    """Builds nodes from the parser's events, which come one at a time and without nesting."""

    def __init__(self, text: str, faults: list[FileFault], name: str, *, written: bool) -> None:
        self._yaml = library()
        self._events: Iterator[Any] = library().parse(text, Loader=loader())
        self._faults = faults
        self._name = name
        self._written = written
        self._lines = LINE_BREAK.split(text)
        self._flow = 0  # depth of brackets
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node | None:
        next(self._events)  # the stream starts
        if isinstance(next(self._events), self._yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), ())
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, self._yaml.StreamEndEvent):
            self._fault(after, (), _("a second document starts here; keep one, without `---`"))
        return root

    def _node(self, event: Any, path: Path) -> Node:
        if isinstance(event, self._yaml.AliasEvent):
            return self._aliased(event, path)
        if len(path) > DEEPEST:
            self._give_up(event, path[:3], _("is nested deeper than {n} levels").format(n=DEEPEST))
        if event.tag not in (None, "!"):
            sentence = _("tags such as !!str or !python are not allowed; write the plain value")
            self._fault(event, path, sentence)
        node = Node(self._mark(event))
        self._fill(node, event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _fill(self, node: Node, event: Any, path: Path) -> None:
        if isinstance(event, self._yaml.MappingStartEvent):
            self._flow += bool(event.flow_style)
            node.value = self._mapping(node, path)
            self._flow -= bool(event.flow_style)
        elif isinstance(event, self._yaml.SequenceStartEvent):
            self._flow += bool(event.flow_style)
            node.value = self._sequence(node, path)
            self._flow -= bool(event.flow_style)
        else:
            self._whole_text(event, path)
            node.value = self._as_written(event) if self._written else self._typed(event, path)
            node.weight += len(event.value)

    def _sequence(self, node: Node, path: Path) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            items.append(self._weighed(node, event, (*path, len(items))))
            if self._written and self._flow and len(items) > 1 and self._goes_on(event):
                sentence = _(
                    "“{item}” is one item of a list in brackets: the commas cut it. Put each text in quotes, or one"
                    " per line after “- ”"
                )
                self._fault(event, path, sentence.format(item=shortened(event.value)))
        return items

    def _mapping(self, node: Node, path: Path) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), self._yaml.MappingEndEvent):
            key = self._key(event, path)
            after = next(self._events)
            self._whole_key(event, after, key, (*path, key))
            value = self._weighed(node, after, (*path, key))
            value.key = self._mark(event)
            node.weight += len(key)
            if key == "<<":
                self._fault(event, path, _("merge keys (<<) are not allowed; write the keys out"))
            elif key in entries:
                sentence = _("is given twice, first on line {line}; keep one")
                first = (entries[key].key or entries[key].mark).line
                self._fault(event, (*path, key), sentence.format(line=first))
            else:
                entries[key] = value
        return entries

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, self._yaml.ScalarEvent):
            self._give_up(event, path, _("a key must be a plain word"))
        if event.tag not in (None, "!"):
            self._fault(event, path, _("a key must be a plain word, without a tag"))
        return _FORBIDDEN.sub("?", str(event.value))

    def _weighed(self, parent: Node, event: Any, path: Path) -> Node:
        node = self._node(event, path)
        parent.weight += node.weight
        if parent.weight > LARGEST_EXPANSION:
            self._give_up(event, path[:3], _("aliases (*name) make this far too large"))
        return node

    def _aliased(self, event: Any, path: Path) -> Node:
        node = self._anchors.get(event.anchor)
        if self._written:
            self._fault(event, path, _("aliases (*name) are not allowed; write the value itself"))
        elif node is None:
            sentence = _("*{name} refers to nothing; put the value in quotes if the * is part of it")
            self._fault(event, path, sentence.format(name=shortened(event.anchor)))
        else:
            return Node(self._mark(event), node.value, node.weight)
        return Node(self._mark(event))

    def _whole_key(self, event: Any, after: Any, key: str, path: Path) -> None:
        """Report a text that a comma or a colon made a key."""
        plain = isinstance(event, self._yaml.ScalarEvent) and event.implicit[0]
        empty = isinstance(after, self._yaml.ScalarEvent) and after.implicit[0] and not after.value
        if plain and empty and self._flow and after.start_mark.index == event.end_mark.index:
            sentence = _(
                'the text ends at the comma; the rest, “{rest}”, is lost. Put the whole text in quotes: "…, {rest}"'
            )
            self._fault(event, path[:-1], sentence.format(rest=shortened(key)))
        elif plain and self._written and not self._flow and _PROSE.search(self._source(event, 2)):
            sentence = _(
                '“{key}” was read as a key because of the colon. Put the text in quotes: "{key}: …"'
            )
            self._fault(event, path[:-1], sentence.format(key=shown_key(key)))

    def _whole_text(self, event: Any, path: Path) -> None:
        """Report a plain text that was cut: by a comment, quotes that are none, an anchor or a tag."""
        if self._written and (event.tag == "!" or (event.anchor and not self._refers_to(event.anchor))):
            sentence = _(
                "the first word, with & or !, is no part of the text that was read. Put the text in quotes"
            )
            self._fault(event, path, sentence)
        if not event.implicit[0] or event.style:
            return
        text = str(event.value)
        if text and text[0] in _OPENING and (self._flow or text[-1:] in _CLOSING):
            sentence = _(
                'typographic quotes do not hold a text together; it was read as {read}. Write straight quotes: "…"'
            )
            self._fault(event, path, sentence.format(read=shortened(text)))
        elif self._commented(event, text):
            sentence = _(
                "read as “{read}”: what follows the # is a comment. Put the text in quotes; before a comment,"
                " write two spaces"
            )
            self._fault(event, path, sentence.format(read=shortened(text)))

    def _refers_to(self, name: str) -> bool:
        return any(f"*{name}" in line for line in self._lines)  # the alias is the fault then

    def _goes_on(self, event: Any) -> bool:
        """Whether an item in brackets reads like the rest of a sentence: `17 ou 18`, `et le 18`."""
        return (
            isinstance(event, self._yaml.ScalarEvent)
            and event.implicit[0]
            and bool(_REST.match(event.value))
        )

    def _commented(self, event: Any, text: str) -> bool:
        """Whether the comment behind a plain text looks like a part of it: `SAMU #15`, `ligne # 2`."""
        mark = event.end_mark
        rest = self._lines[mark.line][mark.column :] if mark.line < len(self._lines) else ""
        stuck = re.match(r"\s*#[^\s#]", rest)
        if not self._written:
            return bool(stuck) and (" " in text or not text)
        return bool(stuck or (" " in text and re.match(r" # ?\S", rest)))

    def _source(self, event: Any, more: int) -> str:
        """What stands in the file for a scalar on one line, with `more` characters behind it."""
        mark = event.start_mark
        line = self._lines[mark.line] if mark.line < len(self._lines) else ""
        return str(line[mark.column : event.end_mark.column + more])

    def _as_written(self, event: Any) -> str | None:
        return None if event.implicit[0] and _NULL.fullmatch(event.value) else str(event.value)

    def _typed(self, event: Any, path: Path) -> Any:
        text = event.value
        if _FORBIDDEN.search(text):
            self._fault(event, path, _("contains a control character; remove it"))
            return _FORBIDDEN.sub("?", text)
        if place := hidden_place(text, "\n\t\x85"):
            sentence = _("contains an invisible character: {place}; type it again")
            self._fault(event, path, sentence.format(place=place))
        if not event.implicit[0]:
            return text
        if (value := _resolved(text)) is not _SURPRISE:
            return value
        self._fault(event, path, surprise_sentence(text))
        return text

    def _mark(self, event: Any) -> Mark:
        at = event.start_mark
        return Mark(at.line + 1, at.column + 1, self._name)

    def _fault(self, event: Any, path: Path, sentence: str) -> None:
        self._faults.append(FileFault(self._mark(event), path, sentence))

    def _give_up(self, event: Any, path: Path, sentence: str) -> Any:
        self._fault(event, path, sentence)
        raise _GiveUp


_OPENING, _CLOSING = "“„‟«‘‚", "”“»’‘"
_PROSE = re.compile(r"[^\W\d_]+[\s,;’'!?-]+[^\W_]+.*:|[A-ZÀ-Þ][^:]*\s:")  # words, or a French colon

_REST = re.compile(r"\d+\s+[^\W\d]|(?:et|ou|and|or|puis|then|mais|but|sauf|except)\s", re.IGNORECASE)

_SURPRISE = object()


def _resolved(text: str) -> Any:
    """The value of a plain scalar, or `_SURPRISE`."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else _SURPRISE
    return _SURPRISE if _SURPRISING.fullmatch(text) else text
