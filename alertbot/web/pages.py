"""Pages: a template in the reader's language, one style sheet, no script."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from alertbot.alerts.requests import text
from alertbot.alerts.requests.links import Opened
from alertbot.core.words import LANGUAGES, _, language, ngettext
from alertbot.people.context import Context
from alertbot.texts.preview import html_page
from alertbot.texts.preview.phrases import language_name, stated

HERE = Path(__file__).parent
SELF = "'self'"


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """The template's page. It obeys its own style sheet and nothing else, and sends forms only home."""

    text = (
        html_page.environment(HERE, html_page.HERE)
        .get_template(template)
        .render(
            style=Markup(_style()),  # noqa: S704  our own file
            page_language=language(),
            other=_other(),
            **values,
        )
    )
    policy = f"{html_page.policy(_style(), SELF)}; frame-ancestors 'none'"
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
    return html_page.page_style() + (HERE / "web.css").read_text(encoding="utf-8")


def facts(service: Context, opened: Opened) -> list[tuple[str, str]]:
    """What a person weighs beside the texts, each in one line."""
    shown, sheet = opened.shown, opened.shown["_sheet"]
    given = [one["person"] for one in shown["approvals"]["given"]]
    said = [
        (_("Kind"), sheet.title),
        (_("Reaches"), text.audience(service, shown)),
        (_("Channels"), ", ".join(shown["channels"])),
        (_("Languages"), ", ".join(map(language_name, _languages(shown)))),
        (_("Written by"), _hands(shown)),
        (_("Approvals"), _signed(shown["approvals"]["needed"], given)),
        (_("Decide until"), _moment(opened.until)),
        (_("Digest"), shown["digest"][:12]),
    ]
    return [*said, *[(_("Follows"), shown["original"])] * bool(shown["original"])]


def _languages(shown: Mapping[str, Any]) -> list[str]:
    """Those that the texts are in, in their order."""
    return list(dict.fromkeys(one["lang"] for one in shown["messages"]))


def _moment(until: datetime) -> str:
    return until.strftime(_("%H:%M on %d/%m")) + f" ({until:%Z})"


def _hands(shown: Mapping[str, Any]) -> str:
    said = [shown["author"] or "alertbot"]
    if shown["last_editor"] not in (None, *said):
        said.append(_("last edited by {name}").format(name=shown["last_editor"]))
    if shown["submitter"] not in (None, shown["author"], shown["last_editor"]):
        said.append(_("submitted by {name}").format(name=shown["submitter"]))
    return ", ".join(said)


def _signed(needed: int, given: list[str]) -> str:
    said = ngettext("{number} needed", "{number} needed", needed).format(number=needed)
    return f"{said}; {stated(_('given'), ', '.join(given))}" if given else said


def approved(alert: Mapping[str, Any]) -> str:
    """What happens next, in one sentence."""
    if "start" not in alert:
        left = alert["approvals"]["needed"] - len(alert["approvals"]["given"])
        return _("Approved by you. {id} waits for {left} more.").format(id=alert["id"], left=left)
    if alert["start"]["worker_alive"]:
        return _(
            "{id} is approved; a worker is alive, the first call starts in {seconds:.0f} s."
        ).format(id=alert["id"], seconds=alert["start"]["seconds"])
    return _(
        "{id} is approved, but NO WORKER is alive: nothing goes out until somebody runs `alertbot serve` or"
        " `alertbot run`."
    ).format(id=alert["id"])


def bad_form(status: int) -> str:
    """What is wrong with a request that none of our pages makes."""
    if status == 413:
        return _("That was too much text. Go back, shorten the reason, and send it again.")
    if status == 408:
        return _("The form did not arrive in time. Go back and send it again; nothing was decided.")
    return _("This is no form of ours. Open the link from the mail again; nothing was decided.")


def out_of_order() -> str:
    return _(
        "The database cannot be reached, so nothing was decided. Try again in a minute, or decide at the"
        " command line."
    )


def failed() -> str:
    return _(
        "Look at the alert before you try again: alertbot show. Nothing was decided unless it says so"
        " there."
    )
