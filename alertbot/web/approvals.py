"""The pages behind approval links: a template in the reader's language, one style sheet, no script. GET
shows; only POST decides, because mail programs open every link."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alertbot.alerts import showing
from alertbot.alerts.requests import hand_links, links, text
from alertbot.alerts.requests.hand_links import OpenedTask, TaskAnswer
from alertbot.alerts.requests.links import (
    Key,
    LinkDecision,
    Opened,
    PageAnswer,
    PageDecision,
    Unanswered,
)
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.errors import AlertbotError, Faulty, Misuse, PastMoment, Refused, StoreFailed
from alertbot.core.words import LANGUAGES, _, language, ngettext, preferred, spoken
from alertbot.people.context import Context
from alertbot.texts.preview import html_page
from alertbot.texts.preview.phrases import stated
from alertbot.texts.wording.language import language_name
from alertbot.web.reading import Attempts, Unreadable, fields

HERE = Path(__file__).parent
SELF = "'self'"


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """The page of a template. It allows only its own style sheet, and forms only to this site."""
    text = html_page.page_template(template, HERE, html_page.HERE).render(
        style=Markup(_style()),  # noqa: S704  our own file
        page_language=language(),
        other=_other(),
        **values,
    )
    policy = f"{html_page.policy(_style(), SELF)}; frame-ancestors 'none'"
    return HTMLResponse(text, status, {"content-security-policy": policy, **(headers or {})})


def reader_language(request: Request, default: str) -> str:
    """`?lang=`, else the browser's preferred available language, else `default`."""
    accepted = request.headers.get("accept-language", "")
    return preferred(request.query_params.get("lang", ""), accepted, default)


def _other() -> list[str]:
    """The other languages in which the page is available."""
    return [lang for lang in LANGUAGES if lang != language()]


@cache
def _style() -> str:
    return html_page.page_style() + (HERE / "web.css").read_text(encoding="utf-8")


def facts(service: Context, opened: Opened) -> list[tuple[str, str]]:
    """The facts to consider besides the texts, each in one line."""
    shown, sheet = opened.shown, opened.shown.sheet
    given = [one.person for one in shown.approvals.given]
    said = [
        (_("Kind"), sheet.title),
        (_("Reaches"), text.audience(service, shown)),
        (_("Channels"), ", ".join(shown.channels)),
        (_("Languages"), ", ".join(map(language_name, _languages(shown)))),
        (_("Written by"), _hands(shown)),
        (_("Approvals"), _signed(shown.approvals.needed, given)),
        (_("Decide before"), service.clock(opened.until)),
        (_("Digest"), shown.digest[:12]),
    ]
    return [*said, (_("Follows"), shown.original)] if shown.original else said


def _languages(shown: ShownAlertView) -> list[str]:
    """The languages of the texts, in order."""
    return list(dict.fromkeys(one.lang for one in shown.messages))


def _hands(shown: ShownAlertView) -> str:
    said = [shown.written_by]
    if shown.last_editor not in (None, shown.author or "alertbot"):
        said.append(_("last edited by {name}").format(name=shown.last_editor))
    if shown.submitter not in (None, shown.author, shown.last_editor):
        said.append(_("submitted by {name}").format(name=shown.submitter))
    return ", ".join(said)


def _signed(needed: int, given: list[str]) -> str:
    said = ngettext("{number} needed", "{number} needed", needed).format(number=needed)
    return f"{said}; {stated(_('given'), ', '.join(given))}" if given else said


def approved(alert: AlertView) -> str:
    """What was done, in one sentence."""
    if alert.start is None:
        said = _("You approved {id}. It needs {left} more.")
        return said.format(id=alert.id, left=alert.approvals.left)
    return _("{id} is approved.").format(id=alert.id)


def bad_form(status: int) -> str:
    """The message for a request that none of our pages makes."""
    if status == 413:
        return _("The text is too long. Go back, shorten the reason, and send it again.")
    if status == 408:
        return _("The form did not arrive in time. Go back and send it again; nothing was decided.")
    return _("This form is not valid. Open the link from the mail again; nothing was decided.")


def out_of_order() -> str:
    return _(
        "The database cannot be reached; nothing was decided. Try again in a minute, or decide on the command line."
    )


def failed() -> str:
    return _(
        "Check the alert before you try again: alertbot show. If it shows no decision, nothing was decided."
    )


log = logging.getLogger(__name__)

STATUS: Mapping[type[AlertbotError], int] = {
    links.LinkDead: 410,
    links.LinkUnknown: 404,
    links.LinkUsed: 410,
    links.LinkLapsed: 410,
    links.LinkStale: 409,
    links.LinkClosed: 429,
    links.LinkForged: 403,
    Faulty: 409,
    PastMoment: 409,
    Refused: 403,
    StoreFailed: 503,
    Misuse: 400,
    AlertbotError: 500,
}
"""The first that fits, narrow before wide."""


Act = Callable[["ApprovalPages", str, Request], Awaitable[Response]]


@dataclass(frozen=True)
class ApprovalPages:
    """The dependencies of the pages."""

    service: Context
    key: Key
    attempts: Attempts = field(default_factory=Attempts)

    @property
    def default_language(self) -> str:
        first = self.service.publisher.organisation.languages[0]
        return first if first in LANGUAGES else "en"


def router(desk: ApprovalPages) -> APIRouter:
    routes = APIRouter()

    @routes.api_route("/a/{token}", methods=["GET", "HEAD"])
    async def show(token: str, request: Request) -> Response:
        return await _answered(desk, token, request, _show)

    @routes.api_route("/t/{token}", methods=["GET", "HEAD"])
    async def show_task(token: str, request: Request) -> Response:
        return await _answered(desk, token, request, _show_task)

    @routes.post("/t/{token}")
    async def answer_task(token: str, request: Request) -> Response:
        return await _answered(desk, token, request, _answer_task)

    @routes.post("/a/{token}")
    async def decide(token: str, request: Request) -> Response:
        return await _answered(desk, token, request, _decide)

    return routes


async def _answered(desk: ApprovalPages, token: str, request: Request, act: Act) -> Response:
    """The page that `act` makes, or one that says why not. A library's own message is never shown, and
    nothing with the page's address is logged. After many wrong links a network is told to wait, but a right
    link works: nobody can keep an approver of the same network from deciding."""
    address = request.client.host if request.client else ""
    with spoken(reader_language(request, desk.default_language)):
        try:
            return await act(desk, token, request)
        except links.LinkDead as error:
            return _refusal(desk, error)
        except links.LinkUnknown as error:
            if wait := desk.attempts.wait(address):
                return _too_often(desk, wait)
            desk.attempts.note(address)
            return _refusal(desk, error)
        except AlertbotError as error:
            return _refusal(desk, error)
        except Unreadable as error:
            return _message_page(
                desk, error.status, _("Request not understood"), bad_form(error.status)
            )
        except Exception as error:  # noqa: BLE001 - the last net: a page, never a traceback
            log.error("a page failed: %s in %s", type(error).__name__, place_of(error))  # noqa: TRY400 - its text may hold anything
            return _message_page(desk, 500, _("Something went wrong"), failed())


async def _show(desk: ApprovalPages, token: str, request: Request) -> Response:  # noqa: ARG001 - like `_decide`
    return _form(desk, await links.open_page(desk.service, desk.key, token))


async def _decide(desk: ApprovalPages, token: str, request: Request) -> Response:
    given = await fields(request)
    answer = PageAnswer(
        decision=given.get("decision", ""),
        form=given.get("form", ""),
        read=given.get("read") == "yes",
        reason=given.get("reason", ""),
    )
    try:
        decided = await links.decide(desk.service, desk.key, token, answer)
    except Unanswered as error:
        opened = await links.open_page(desk.service, desk.key, token)
        return _form(desk, opened, error, answer)
    if decided.decision is PageDecision.APPROVE:
        decided = replace(decided, alert=await showing.outlook(desk.service, decided.alert))
    return _outcome(desk, decided)


def _form(
    desk: ApprovalPages,
    opened: Opened,
    error: Unanswered | None = None,
    answer: PageAnswer | None = None,
) -> Response:
    shown = opened.shown
    return page(
        "approve.html.j2",
        422 if error else 200,
        done=False,
        **html_page.parts(shown.sheet),
        organisation=desk.service.publisher.organisation.name,
        opened=opened,
        alert=shown.id,
        facts=facts(desk.service, opened),
        author=shown.author or "alertbot",
        error=error,
        reasons={answer.decision: answer.reason} if answer else {},
        longest=links.LONGEST_REASON,
    )


async def _show_task(desk: ApprovalPages, token: str, request: Request) -> Response:  # noqa: ARG001 - like `_decide`
    return _task_page(desk, await hand_links.open_task(desk.service, desk.key, token))


async def _answer_task(desk: ApprovalPages, token: str, request: Request) -> Response:
    given = await fields(request)
    done = given.get("answer") == "done"
    said = hand_links.TaskAnswer(
        done=done,
        form=given.get("form", ""),
        link=given.get("link", "").strip(),
        at=given.get("at", "").strip(),
        reason=given.get("reason", ""),
    )
    try:
        view = await hand_links.answer(desk.service, desk.key, token, said)
    except Unanswered as error:
        opened = await hand_links.open_task(desk.service, desk.key, token)
        return _task_page(desk, opened, error, said)
    title = _("Posted") if done else _("Not posted")
    return _message_page(desk, 200, title, view.task.outcome or "", done=True)


def _task_page(
    desk: ApprovalPages,
    opened: OpenedTask,
    error: Unanswered | None = None,
    said: TaskAnswer | None = None,
) -> Response:
    view, picture = opened.view, opened.picture
    if view.task.done_at is not None:
        return _message_page(desk, 200, _("Answered"), view.task.outcome or "", done=True)
    return page(
        "hand.html.j2",
        422 if error else 200,
        done=False,
        organisation=desk.service.publisher.organisation.name,
        name=opened.person.name,
        form=opened.form,
        view=view,
        due=desk.service.clock(view.task.due_at) if view.task.due_at else "",
        image=html_page.inline(picture) if picture else "",
        error=error,
        said=said,
        longest=links.LONGEST_REASON,
    )


def _outcome(desk: ApprovalPages, decided: LinkDecision) -> Response:
    alert = decided.alert
    if decided.decision is PageDecision.RETURN:
        said = _("{id} went back to {author}.").format(id=alert.id, author=alert.author)
        return _message_page(desk, 200, _("Returned"), said, done=True)
    if decided.decision is PageDecision.REJECT:
        said = _("{id} is rejected; it will never go out.").format(id=alert.id)
        return _message_page(desk, 200, _("Rejected"), said, done=True)
    further = alert.verdict.further if alert.verdict else ()
    return _message_page(desk, 200, _("Approved"), approved(alert), done=True, further=further)


def _refusal(desk: ApprovalPages, error: AlertbotError) -> Response:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    headings = {
        403: _("Not allowed"),
        404: _("No such link"),
        409: _("No longer possible"),
        410: _("This link no longer works"),
        429: _("Too many attempts"),
        503: _("Not working"),
    }
    said = out_of_order() if status == 503 else str(error)
    return _message_page(desk, status, headings.get(status, _("Request not understood")), said)


def _too_often(desk: ApprovalPages, wait: float) -> Response:
    minutes = int(wait // 60) + 1
    said = ngettext(
        "Your network asked for too many links that do not exist. Try again in {n} minute.",
        "Your network asked for too many links that do not exist. Try again in {n} minutes.",
        minutes,
    ).format(n=minutes)
    return _message_page(
        desk, 429, _("Too many attempts"), said, headers={"retry-after": str(int(wait) + 1)}
    )


def _message_page(desk: ApprovalPages, status: int, title: str, said: str, **more: Any) -> Response:
    """A page with one message."""
    headers, done = more.get("headers"), more.get("done", False)
    return page(
        "said.html.j2",
        status,
        headers,
        organisation=desk.service.publisher.organisation.name,
        title=title,
        said=said,
        done=done,
        further=more.get("further", ()),
    )


def place_of(error: Exception) -> str:
    """The file and line where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
