"""The pages behind links to approve. GET shows; only POST decides (mail programs open every link)."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alertbot.alerts.requests import links
from alertbot.alerts.requests.links import Decided, Key, Opened, PageAnswer, PageDecision, Unanswered
from alertbot.core.errors import AlertbotError, Faulty, Misuse, PastMoment, Refused, StoreFailed
from alertbot.core.words import LANGUAGES, _, ngettext, spoken
from alertbot.people.context import Context
from alertbot.texts.preview import html_page
from alertbot.web import pages
from alertbot.web.pages import page, reader_language
from alertbot.web.reading import Attempts, Unreadable, fields

log = logging.getLogger(__name__)

STATUS: Mapping[type[AlertbotError], int] = {
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
    """What the pages need."""

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

    @routes.post("/a/{token}")
    async def decide(token: str, request: Request) -> Response:
        return await _answered(desk, token, request, _decide)

    return routes


async def _answered(desk: ApprovalPages, token: str, request: Request, act: Act) -> Response:
    """The page that `act` makes, or the one that says why not. Nothing that went wrong is told in the
    words of a library, and nothing is logged that holds the address of the page."""
    address = request.client.host if request.client else ""
    with spoken(reader_language(request, desk.default_language)):
        if wait := desk.attempts.wait(address):
            return _too_often(desk, wait)
        try:
            return await act(desk, token, request)
        except links.LinkUnknown as error:
            desk.attempts.note(address)
            return _refusal(desk, error)
        except AlertbotError as error:
            return _refusal(desk, error)
        except Unreadable as error:
            return _said(desk, error.status, _("Not understood"), pages.bad_form(error.status))
        except Exception as error:  # noqa: BLE001 - the last net: a page, never a traceback
            log.error("a page failed: %s in %s", type(error).__name__, _place(error))  # noqa: TRY400 - its text may hold anything
            return _said(desk, 500, _("Something went wrong"), pages.failed())


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
        **html_page.parts(shown["_sheet"]),
        organisation=desk.service.publisher.organisation.name,
        opened=opened,
        alert=shown["id"],
        facts=pages.facts(desk.service, opened),
        author=shown["author"] or "alertbot",
        error=error,
        reasons={answer.decision: answer.reason} if answer else {},
        longest=links.LONGEST_REASON,
    )


def _outcome(desk: ApprovalPages, decided: Decided) -> Response:
    alert = decided.alert
    if decided.decision is PageDecision.RETURN:
        said = _("{id} went back to {author}.").format(**alert)
        return _said(desk, 200, _("Returned"), said, done=True)
    if decided.decision is PageDecision.REJECT:
        said = _("{id} is rejected; it never goes out.").format(**alert)
        return _said(desk, 200, _("Rejected"), said, done=True)
    return _said(desk, 200, _("Approved"), pages.approved(alert), done=True)


def _refusal(desk: ApprovalPages, error: AlertbotError) -> Response:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    headings = {
        403: _("Not allowed"),
        404: _("No such link"),
        409: _("Not any more"),
        410: _("This link is over"),
        429: _("Too often"),
        503: _("Out of order"),
    }
    said = pages.out_of_order() if status == 503 else str(error)
    return _said(desk, status, headings.get(status, _("Not understood")), said)


def _too_often(desk: ApprovalPages, wait: float) -> Response:
    minutes = int(wait // 60) + 1
    said = ngettext(
        "Too many links that do not exist were asked for from your network. Try again in {n} minute.",
        "Too many links that do not exist were asked for from your network. Try again in {n} minutes.",
        minutes,
    ).format(n=minutes)
    return _said(desk, 429, _("Too often"), said, headers={"retry-after": str(int(wait) + 1)})


def _said(desk: ApprovalPages, status: int, title: str, said: str, **more: Any) -> Response:
    """A page that says one thing."""
    headers, done = more.get("headers"), more.get("done", False)
    return page(
        "said.html.j2",
        status,
        headers,
        organisation=desk.service.publisher.organisation.name,
        title=title,
        said=said,
        done=done,
    )


def _place(error: Exception) -> str:
    """File and line where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
