"""Pages: a template in the reader's language, one style sheet, no script."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from alertbot.preview import page as preview
from alertbot.words import LANGUAGES, language

HERE = Path(__file__).parent
SELF = "'self'"


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """The template's page. It obeys its own style sheet and nothing else, and sends forms only home."""
    from markupsafe import Markup

    text = (
        preview.environment(HERE, preview.HERE)
        .get_template(template)
        .render(
            style=Markup(_style()),  # noqa: S704  our own file
            page_language=language(),
            other=_other(),
            **values,
        )
    )
    policy = f"{preview.policy(_style(), SELF)}; frame-ancestors 'none'"
    return HTMLResponse(text, status, {"content-security-policy": policy, **(headers or {})})


def reader_language(request: Request, default: str) -> str:
    """`?lang=`, else the best that the browser asks for, else `default`."""
    asked = request.query_params.get("lang", "").lower()
    if asked in LANGUAGES:
        return asked
    wanted = _accepted(request.headers.get("accept-language", ""))
    return next((lang for lang in wanted if lang in LANGUAGES), default)


def _accepted(header: str) -> list[str]:
    """`fr-CH, en;q=0.8` as languages, the most wanted first (RFC 9110, 12.5.4)."""
    found = []
    for entry in header[:500].split(","):
        name, _semicolon, weight = entry.partition(";")
        quality = _quality(weight)
        if quality > 0:
            found.append((-quality, name.strip().lower()[:2]))
    return [lang for _quality_, lang in sorted(found, key=lambda pair: pair[0])]


def _quality(weight: str) -> float:
    value = weight.strip().removeprefix("q=")
    try:
        return float(value) if value else 1.0
    except ValueError:
        return 0.0


def _other() -> list[str]:
    """The languages that a page can be had in besides."""
    return [lang for lang in LANGUAGES if lang != language()]


@cache
def _style() -> str:
    return preview.style() + (HERE / "web.css").read_text(encoding="utf-8")
