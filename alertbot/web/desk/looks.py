"""The style sheet, the script and the sign of the desk, under addresses that change with their content."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from alertbot.texts.preview import html_page
from alertbot.web.desk.ways_out import ROOT

HERE = Path(__file__).parent


@cache
def files() -> Mapping[str, tuple[str, bytes]]:
    """The style sheet, the script and the sign of the desk, by the name that changes with their content: type and
    bytes. The script goes without its comments and indentation."""
    css = html_page.page_style().encode() + (HERE / "static" / "desk.css").read_bytes()
    js = re.sub(rb"(?m)^(\s+|//.*\n)|  // .*$", b"", (HERE / "static" / "desk.js").read_bytes())
    for wide in (b" => ", b" = ", b") {", b"; "):  # none of them stands in a text
        js = js.replace(wide, wide.replace(b" ", b""))
    found = {}
    for stem, suffix, kind, body in (
        ("desk", "css", "text/css; charset=utf-8", css),
        ("desk", "js", "text/javascript; charset=utf-8", js),
        ("desk", "svg", "image/svg+xml", (HERE / "static" / "desk.svg").read_bytes()),
    ):
        found[f"{stem}.{sha256(body).hexdigest()[:12]}.{suffix}"] = (kind, body)
    return found


def asset(suffix: str) -> str:
    """The address of the file with this ending."""
    name = next(name for name in files() if name.endswith(f".{suffix}"))
    return f"{ROOT}/static/{name}"
