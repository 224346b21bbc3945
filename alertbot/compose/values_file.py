"""A file of field values (`--vars`): YAML or JSON in which every value stays as it was written."""

from typing import Any

from alertbot.errors import Misuse
from alertbot.settings.yaml_text import parse_written, plain
from alertbot.words import _


def load_values(text: str, name: str) -> dict[str, Any]:
    """The values by field. `name` stands for the file in faults, which name the line. `16:45`, `01` and
    `no` stay texts. Raises `Misuse`."""
    values = plain(parse_written(text, name))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise Misuse(
            _("{name} must hold fields and their values, such as {example}.").format(
                name=name, example="since: -1h30"
            )
        )
    return dict(values)
