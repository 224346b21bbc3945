"""Programs that act for a person: their tokens on the page “You”, and the page on which a machine's code is typed."""

from collections.abc import Awaitable
from typing import Any, Protocol

from starlette.responses import Response

from alertbot.core.errors import AlertbotError, Refused
from alertbot.core.words import _, ngettext
from alertbot.people import api_tokens
from alertbot.people.api_tokens import USUAL_DAYS
from alertbot.people.rules import Scope, scopes_of
from alertbot.people.store_api import DeviceRequest
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, said, status_of, whole_number

DAYS = (1, 7, 30, USUAL_DAYS, 366)
HERE = "/device"


class ShowAccount(Protocol):
    """The page “You”, with what was just done."""

    def __call__(self, visit: Visit, status: int = 200, **values: Any) -> Awaitable[Response]: ...


def add(routes: Routes, account: ShowAccount) -> None:
    async def make(visit: Visit) -> Response:
        """Answered at once, without going on: the token is shown only here."""
        days = whole_number(visit.field("days"))
        try:
            made = await api_tokens.make(
                visit.service, visit.person, visit.field("name"), _scopes(visit), days
            )
        except AlertbotError as error:
            return await account(visit, status_of(error), error=str(error))
        return await account(visit, made=made)

    routes.post("/you/tokens", make)
    routes.post("/you/token-revoke", _revoke)
    routes.get(HERE, _device)
    routes.post(HERE, _answered)


def _scopes(visit: Visit) -> list[Scope]:
    return [scope for scope in Scope if scope in visit.fields.get("scope", [])]


async def values(visit: Visit) -> dict[str, object]:
    """What the page “You” shows of programs."""
    return {
        "made": None,
        "tokens": await api_tokens.tokens_of(visit.service, visit.person),
        "scopes": [(str(scope), words(scope)) for scope in Scope if scope in scopes_of(visit.person)],
        "spans": [(days, ngettext("{n} day", "{n} days", days).format(n=days)) for days in DAYS],
        "usual": USUAL_DAYS,
        "url": visit.desk.url,
    }


def words(scope: Scope) -> str:
    """What a scope opens, for people."""
    said_of = {
        Scope.READ: _("look at everything, and preview"),
        Scope.DRAFT: _("write and edit drafts"),
        Scope.SUBMIT: _("ask for approval, read numbers back, say how an incident stands"),
        Scope.APPROVE: _("approve, return and reject; settle deliveries; resume what was stopped"),
    }
    return said_of[scope]


async def _revoke(visit: Visit) -> Response:
    async def act() -> str:
        await api_tokens.revoke(visit.service, visit.person, whole_number(visit.field("token")))
        return f"{ROOT}/you#programs"

    return await once(visit, act)


# --- a machine that asks --------------------------------------------------------------------------


async def _device(visit: Visit) -> Response:
    code = visit.request.query_params.get("code", "")
    return await _asking(visit, code) if code else await _ask_code(visit)


async def _ask_code(visit: Visit, status: int = 200, error: str | None = None) -> Response:
    return await page(
        visit, "device.html.j2", status, error=error, asking=None, code=visit.field("code"), answered=""
    )


async def _asking(visit: Visit, code: str) -> Response:
    """What the machine with this code asks for. Codes that nobody has are counted, as at the entrance."""
    found = await api_tokens.asking(visit.service, code)
    if found is None:
        attempts = visit.desk.attempts
        if attempts.wait(visit.address):
            return said(visit, 429, _("Too many attempts"), _("Try again in ten minutes."))
        attempts.note(visit.address)
        return await _ask_code(visit, 404, api_tokens.not_asking())
    return await _confirm(visit, code, found)


async def _confirm(
    visit: Visit, code: str, found: DeviceRequest, status: int = 200, error: str | None = None
) -> Response:
    mine = scopes_of(visit.person)
    plain = api_tokens.plain_code(code)
    return await page(
        visit,
        "device.html.j2",
        status,
        error=error,
        asking=found,
        code=f"{plain[:4]}-{plain[4:]}",
        offered=[(str(one), words(one)) for one in found.scopes if one in mine],
        beyond=[words(one) for one in found.scopes if one not in mine],
        days=USUAL_DAYS,
        answered="",
    )


async def _answered(visit: Visit) -> Response:
    code, answer = visit.field("code"), visit.field("answer")
    if answer not in ("yes", "no"):
        return await _asking(visit, code)
    try:
        done = await api_tokens.answer(
            visit.service, visit.person, code, _scopes(visit), allowed=answer == "yes"
        )
    except AlertbotError as error:
        found = await api_tokens.asking(visit.service, code)
        if found is None or (isinstance(error, Refused) and not _scopes(visit)):
            return await _ask_code(visit, status_of(error), str(error))
        return await _confirm(visit, code, found, status_of(error), str(error))
    return await page(visit, "device.html.j2", asking=done, code="", answered=answer)
