"""The fields of a Telegram call, read as strictly as Telegram does."""

import json
import re
from collections.abc import Mapping
from typing import Any

from alertbot.sandbox.telegram_html import BadMarkup, Parsed, parse, plain

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
UNSHOWN_MARKUP = frozenset({"force_reply", "remove_keyboard"})  # shown by the program that people use
BUTTON_BYTES = range(1, 65)


class BadCall(Exception):
    """A call that Telegram refuses."""

    def __init__(self, description: str, code: int = 400, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


def attached(fields: Mapping[str, Any], name: str) -> Any:
    """A file among the fields, or what stands for one."""
    given = fields.get(name)
    if isinstance(given, str) and given.startswith("attach://"):
        return fields.get(given.removeprefix("attach://"))
    return given


def read_text(fields: Mapping[str, Any], name: str, limit: int) -> Parsed:
    """Read a text field with its markup. Raises `BadCall`."""
    source, mode = str(fields.get(name, "")), str(fields.get("parse_mode") or "").lower()
    if mode not in ("", "html"):
        raise BadCall("Bad Request: unsupported parse_mode")
    try:
        read = parse(source) if mode else plain(source)
    except BadMarkup as bad:
        raise BadCall(f"Bad Request: can't parse entities: {bad}") from bad
    if read.length > limit:
        what = "message caption" if name == "caption" else "message"
        raise BadCall(f"Bad Request: {what} is too long")
    return read


def whole(fields: Mapping[str, Any], name: str) -> int:
    """A whole number among the fields; 0 where it is not given. Raises `BadCall`."""
    written = str(fields.get(name) or 0)
    if not re.fullmatch(r"-?[0-9]{1,18}", written):
        raise BadCall(f'Bad Request: field "{name}" must be a valid Number')
    return int(written)


def nested(value: object) -> Any:
    """Nested objects come as JSON in forms and as they are in JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise BadCall("Bad Request: can't parse a JSON-serialized field") from error


def keyboard_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """The buttons under a message. Raises `BadCall`."""
    keyboard = nested(fields.get("reply_markup"))
    if not keyboard or (isinstance(keyboard, dict) and keyboard.keys() & UNSHOWN_MARKUP):
        return None
    rows = keyboard.get("inline_keyboard") if isinstance(keyboard, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadCall("Bad Request: object expected as reply markup")
    for button in (button for row in rows for button in row):
        if not isinstance(button, dict) or not isinstance(button.get("text"), str):
            raise BadCall("Bad Request: inline keyboard button text is empty")
        data = button.get("callback_data")
        if data is not None and len(str(data).encode()) not in BUTTON_BYTES:
            raise BadCall("Bad Request: BUTTON_DATA_INVALID")
    return {"inline_keyboard": rows} if rows else None


def labels_of(keyboard: dict[str, Any] | None) -> tuple[tuple[str, ...], ...]:
    """What stands on the buttons, row by row."""
    rows = keyboard["inline_keyboard"] if keyboard else []
    return tuple(tuple(str(button["text"]) for button in row) for row in rows)
