"""Reads typed values out of a YAML sheet and notes every fault with file and line."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from alertbot.compose.moments import BadMoment, span
from alertbot.settings.yaml_text import Node
from alertbot.words import _

LANGUAGE = re.compile(r"[a-z]{2,3}")
E = TypeVar("E", bound=StrEnum)


@dataclass(slots=True)
class Checker:
    """Reads typed values and notes what is wrong instead of stopping."""

    faults: list[str] = field(default_factory=list)

    def fault(self, node: Node, sentence: str) -> None:
        self.faults.append(f"{node.mark}: {sentence}")

    def keys(self, node: Node, known: Iterable[str], needed: Iterable[str] = ()) -> None:
        """Notes a key that is unknown (with the nearest known one) or missing."""
        if not isinstance(node.value, Mapping):
            self.fault(node, _("Keys and values are expected here."))
            return
        for key, child in node.entries.items():
            if key not in known:
                self.fault(child, unknown(key, known))
        for key in needed:
            if key not in node.entries:
                self.fault(node, _("“{key}” is missing.").format(key=key))

    def text(self, node: Node) -> str:
        if isinstance(node.value, str) and node.value.strip():
            return node.value.strip()
        self.fault(node, _("A text is expected here."))
        return ""

    def words(self, node: Node | None) -> dict[str, str]:
        """A text per language."""
        if node is None:
            return {}
        if not node.entries:
            self.fault(
                node,
                _("A text per language is expected here, such as {example}.").format(
                    example="{fr: …, en: …}"
                ),
            )
        for lang, child in node.entries.items():
            if not LANGUAGE.fullmatch(lang):
                self.fault(child, _("“{lang}” is not a language code.").format(lang=lang))
        return {lang: self.text(child) for lang, child in node.entries.items()}

    def flag(self, node: Node | None, *, default: bool = False) -> bool:
        if node is None:
            return default
        if node.value not in ("true", "false"):
            self.fault(node, _("true or false is expected here."))
        return bool(node.value == "true")

    def number(self, node: Node | None, lowest: int, highest: int) -> int:
        raw = node.value if node else str(lowest)
        digits = isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 7
        if digits and lowest <= int(str(raw)) <= highest:
            return int(str(raw))
        if node:
            self.fault(
                node,
                _("A number from {lowest} to {highest} is expected here.").format(
                    lowest=lowest, highest=highest
                ),
            )
        return lowest

    def length(self, node: Node | None) -> timedelta:
        try:
            return span(node.value) if node else timedelta()
        except BadMoment as bad:
            assert node is not None
            self.fault(node, str(bad))
            return timedelta()

    def one_of(self, node: Node | None, choices: type[E], default: E) -> E:
        if node is None:
            return default
        try:
            return choices(str(node.value))
        except ValueError:
            self.fault(node, unknown(str(node.value), [str(one) for one in choices]))
            return default

    def names(self, node: Node | None, known: Iterable[str] | None) -> tuple[str, ...]:
        """A list of field names."""
        if node is None:
            return ()
        if not isinstance(node.value, list):
            self.fault(node, _("A list is expected here."))
            return ()
        for child in node.value:
            if known is not None and child.value not in known:
                self.fault(child, unknown(str(child.value), known))
        return tuple(self.text(child) for child in node.value)


def unknown(name: str, known: Iterable[str]) -> str:
    """A sentence about a name that is not known, with the nearest known one."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=1)
    if near:
        return _("“{name}” is not known here; did you mean “{near}”?").format(name=name, near=near[0])
    return _("“{name}” is not known here; possible are {choices}.").format(
        name=name, choices=", ".join(sorted(choices))
    )
