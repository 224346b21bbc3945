"""A preview written to a file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alertbot.errors import Misuse
from alertbot.preview.page import render_page
from alertbot.preview.sheet import Sheet
from alertbot.words import _


def write_preview(path: Path, sheet: Sheet) -> None:
    """Write the page to `path`, whole or not at all; raises `Misuse` where that cannot be done."""
    page = render_page(sheet)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Misuse(
            _(
                "The preview cannot be written to {path}: {why}. Choose another place with --html."
            ).format(path=path, why=error.strerror)
        ) from None


def write_page(path: Path, alert: Mapping[str, Any]) -> None:
    """Write the page of a stored alert, whose sheet stands under the key `_sheet`."""
    write_preview(path, alert["_sheet"])
