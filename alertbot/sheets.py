"""YAML as people write it, with the line of every value: no tags, no aliases, no guessing.

Every scalar stays the text that was written (`16:45`, `01`, `no`), because YAML's own rules would make
1005, 1 and false of them. Only an empty value, `~` and `null` mean nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from alertbot.errors import ConfigInvalid, safe
from alertbot.words import _

LONGEST_FILE = 1_000_000
DEEPEST = 20
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the place where it begins, `file:line`."""

    value: "str | Sequence[Node] | Mapping[str, Node] | None"
    place: str

    @property
    def entries(self) -> "Mapping[str, Node]":
        """What a mapping holds; nothing for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}


Plain: TypeAlias = "str | list[Plain] | dict[str, Plain] | None"


class _BrokenSheetError(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def read_sheet(path: Path) -> Node:
    """The content of a YAML file. Raises `ConfigInvalid` with file and line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(
            _("{path} cannot be read: {reason}.").format(path=path, reason=error.strerror)
        ) from None
    if len(raw) > LONGEST_FILE:
        raise ConfigInvalid(_("{path} is larger than 1 MB.").format(path=path))
    try:
        return parse_sheet(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise ConfigInvalid(_("{path} is not text in UTF-8.").format(path=path)) from None


def parse_sheet(text: str, name: str) -> Node:
    """The content of a YAML text; `name` stands for it in faults. Raises `ConfigInvalid`."""
    try:
        return _Reader(iter(yaml.parse(text, Loader=_Loader)), name).document()
    except _BrokenSheetError as broken:
        line, reason = broken.line, broken.reason
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + 1
        reason = safe(error.problem or _("this is not YAML"))
    except yaml.YAMLError as error:
        line, reason = 1, safe(error)
    raise ConfigInvalid(
        _("{place} {reason}.").format(place=f"{name}:{line}:", reason=reason.rstrip("."))
    )


def plain(node: Node) -> Plain:
    """The value without its places."""
    if isinstance(node.value, Mapping):
        return {key: plain(child) for key, child in node.value.items()}
    if node.value is None or isinstance(node.value, str):
        return node.value
    return [plain(child) for child in node.value]


class _Reader:
    """Builds nodes from the parser's events."""

    def __init__(self, events: Iterator[Any], name: str) -> None:
        self._events = events
        self._name = name

    def document(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _BrokenSheetError(_line(event), _("a second document begins; keep one"))
                root = self._node(next(self._events), 0)
        return root or Node(None, f"{self._name}:1")

    def _node(self, event: Any, depth: int) -> Node:
        _refuse_tricks(event, depth)
        return Node(self._value(event, depth), f"{self._name}:{_line(event)}")

    def _value(self, event: Any, depth: int) -> "str | Sequence[Node] | Mapping[str, Node] | None":
        if isinstance(event, yaml.ScalarEvent):
            nothing = event.implicit[0] and event.value in _NOTHING
            return None if nothing else str(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return tuple(self._items(depth))
        return self._entries(depth)

    def _items(self, depth: int) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._node(event, depth + 1)

    def _entries(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, depth + 1)
            if not isinstance(key.value, str):
                raise _BrokenSheetError(_line(event), _("a key must be one word"))
            if key.value in entries:
                raise _BrokenSheetError(
                    _line(event), _("the key “{key}” stands twice").format(key=safe(key.value))
                )
            entries[key.value] = self._node(next(self._events), depth + 1)
        return entries


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _refuse_tricks(event: Any, depth: int) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise _BrokenSheetError(_line(event), _("aliases (*name) are not allowed; write the value out"))
    if event.tag not in (None, "!"):
        raise _BrokenSheetError(_line(event), _("tags (!name) are not allowed"))
    if depth > DEEPEST:
        raise _BrokenSheetError(
            _line(event), _("this is nested more than {most} deep").format(most=DEEPEST)
        )
