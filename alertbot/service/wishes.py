"""What somebody asks for when they write an alert, and how the values arrive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alertbot.errors import Misuse
from alertbot.model import Fault
from alertbot.words import _

LARGEST_VALUES_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """An alert as somebody asked for it. Empty `languages`: each channel's own; empty `channels`:
    every channel of the audience. `doubts`: what the register says against it."""

    kind: str
    given: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    exercise: bool = False
    doubts: tuple[Fault, ...] = ()


def read_values(text: str, name: str) -> dict[str, Any]:
    """A YAML mapping of field values. Raises `Misuse` with the line of what is wrong."""
    from alertbot.compose.values_file import load_values

    return load_values(text, name)


def field_values(sets: list[str] | None, file: Path | None) -> dict[str, Any]:
    """The values of `--vars FILE`, with those of `--set` laid over them. Raises `Misuse`."""
    from alertbot.compose.fields import merge_sets

    return merge_sets(sets or [], read_values(text_of(file), str(file)) if file else {})


def text_of(path: Path) -> str:
    """The text of a file of values. Raises `Misuse` for one that cannot be read, is no text or too large."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_VALUES_FILE + 1)  # a device or a pipe has no size to ask for
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misuse(_("{path} is not text in UTF-8; save it as UTF-8.").format(path=path)) from None
    except OSError as error:
        raise Misuse(_("{path} cannot be read: {why}.").format(path=path, why=error.strerror)) from None
    if len(content) > LARGEST_VALUES_FILE:
        raise Misuse(_("{path} is larger than 1 MB; values are small.").format(path=path))
    return text
