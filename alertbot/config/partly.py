"""The valid parts of a configuration with faults: halting and showing must not wait until it is fixed.

Nothing read here is used to publish, but for a retraction, whose texts were approved before. Sections with a fault
are left out and named.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny

from alertbot.config.channel import ChannelSettings
from alertbot.config.faults import findings
from alertbot.config.reading import BrokenType, content, invalid, type_of, validated
from alertbot.config.root import Config, DatabaseSettings
from alertbot.config.shapes import Name
from alertbot.config.yaml_faults import FileFault, Mark
from alertbot.config.yaml_reader import Node, parse, plain
from alertbot.core.json import Json
from alertbot.core.words import _

_TOP = re.compile(r"""(["']?)([A-Za-z_]\w*)\1\s*:(\s|$)""")
_NAMES_A_DATABASE = re.compile(r"""^[^#\n]*\bdatabase["']?\s*:""", re.MULTILINE)
_STAND_IN = {"name": "–"}  # for an organisation that cannot be read: nothing is published in its name


class _Partial(Config):
    """A configuration with some or all channels missing."""

    channels: dict[Name, SerializeAsAny[ChannelSettings]] = Field(default_factory=dict)


@dataclass(slots=True)
class _Sections:
    """The valid sections of a file, and the faults of the others, by name."""

    entries: dict[str, Node] = field(default_factory=dict)
    faults: dict[str, list[FileFault]] = field(default_factory=dict)

    @property
    def root(self) -> Node:
        return Node(Mark(), self.entries)


def database_settings(path: Path | str) -> DatabaseSettings:
    """The database's address, whatever else is wrong in the file. Touches no secret. Raises
    `ConfigInvalid` if the file cannot be read or its database section is wrong."""
    path = Path(path)
    found = _sections(path)
    names = DatabaseSettings.model_fields.keys()
    if wrong := [fault for name in names for fault in found.faults.get(name, ())]:
        raise invalid(path, wrong)
    given = {name: plain(found.entries[name]) for name in names if name in found.entries}
    settings, errors = validated(DatabaseSettings, given)
    if settings is None:
        raise invalid(path, findings(errors, found.root, DatabaseSettings))
    assert isinstance(settings, DatabaseSettings)
    settings.bind("database", path.parent)
    return settings


def read_partly(
    path: Path | str, settings_types: Mapping[str, type[ChannelSettings]]
) -> tuple[Config, tuple[str, ...]]:
    """The configuration without its invalid sections, and their names (`rules`, `channels.mail`).
    Touches no network and no secret. Raises `ConfigInvalid` as `database_settings` does."""
    path = Path(path)
    place = database_settings(path)
    found = _sections(path)
    data = {name: plain(entry) for name, entry in found.entries.items()}
    channels, wrong = _channels(data.pop("channels", None), settings_types)
    config, left_out = _rest(data)
    missing = sorted({*left_out, *wrong, *found.faults, *(() if channels else ("channels",))})
    whole = config.model_copy(update={"channels": channels})
    whole.bind("database", place.home)
    for name, settings in channels.items():
        settings.bind(f"channels.{name}", place.home, sandbox=config.organisation.sandbox)
    return whole, tuple(missing)


def _rest(data: dict[str, Json]) -> tuple[Config, set[str]]:
    """Everything but the channels, and the names of what was left out."""
    kept = {name: value for name, value in data.items() if value is not None}
    left_out = data.keys() - kept.keys()
    while True:
        config, errors = validated(_Partial, {"organisation": _STAND_IN} | kept)
        if config is not None:
            return config, left_out | ({"organisation"} - kept.keys())
        wrong = {str(error["loc"][0]) for error in errors} & kept.keys()
        assert wrong, errors
        left_out |= wrong
        kept = {name: value for name, value in kept.items() if name not in wrong}


def _channels(
    given: Any, types: Mapping[str, type[ChannelSettings]]
) -> tuple[dict[str, ChannelSettings], set[str]]:
    """The valid channels, and the names of the others."""
    right: dict[str, ChannelSettings] = {}
    wrong: set[str] = set()
    for name, values in given.items() if isinstance(given, dict) else ():
        settings_type = type_of(values, types)
        try:
            settings = validated(settings_type, values)[0] if settings_type else None
        except BrokenType:
            settings = None
        if settings is None:
            wrong.add(f"channels.{name}")
        else:
            right[name] = settings
    return right, wrong


def _sections(path: Path) -> _Sections:
    text = content(path).decode("utf-8-sig", errors="replace")
    document = parse(text)
    found = _Sections()
    if not document.faults and document.root and isinstance(document.root.value, dict):
        found.entries = document.root.value
        return found
    for name, block in _blocks(text):
        _take(found, name, block)
    if "database" not in {*found.entries, *found.faults} and _NAMES_A_DATABASE.search(text):
        raise invalid(path, document.faults)
    return found


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The text cut at every key that begins a line, so that a fault in one block does not affect the
    next. Lines are counted as in the file."""
    lines = text.splitlines(keepends=True)
    tops = [(index, top[2]) for index, line in enumerate(lines) if (top := _TOP.match(line))]
    for (start, name), (end, _next) in pairwise([*tops, (len(lines), "")]):
        yield name, "\n" * start + "".join(lines[start:end])


def _take(found: _Sections, name: str, block: str) -> None:
    document = parse(block)
    faults = list(document.faults)
    if name in found.entries or name in found.faults:
        mark = Mark(block.count("\n", 0, len(block) - len(block.lstrip("\n"))) + 1)
        faults.append(FileFault(mark, (name,), _("is given twice; keep one")))
        found.entries.pop(name, None)
    if faults or document.root is None or not isinstance(document.root.value, dict):
        found.faults.setdefault(name, []).extend(faults)
        return
    found.entries.update(document.root.value)
