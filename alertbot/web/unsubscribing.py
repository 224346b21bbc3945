"""The page behind the unsubscribe link of a mail (RFC 8058). A POST unsubscribes at once, without a cookie or a form of
ours, because mail programs send it themselves; a GET only shows a button, because mail programs open every link."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alertbot.channels.email.tokens import RecipientSeal
from alertbot.core.errors import StoreFailed
from alertbot.core.words import LANGUAGES, _, spoken
from alertbot.people import recipients
from alertbot.people.context import Context
from alertbot.web.approvals import page, reader_language
from alertbot.web.reading import Attempts, Unreadable, read_body

LARGEST_BODY_BYTES = 8192


@dataclass(frozen=True)
class Unsubscribing:
    """What the page needs. `seals`: of each mail channel with such links."""

    service: Context
    seals: Mapping[str, RecipientSeal]
    attempts: Attempts = field(default_factory=Attempts)

    @property
    def organisation(self) -> str:
        return self.service.publisher.organisation.name

    def language(self, request: Request) -> str:
        first = self.service.publisher.organisation.languages[0]
        return reader_language(request, first if first in LANGUAGES else "en")

    def find(self, token: str) -> tuple[str, str] | None:
        """The channel and address of a token."""
        for channel, seal in self.seals.items():
            if address := seal.address(token):
                return channel, address
        return None


def router(desk: Unsubscribing) -> APIRouter:
    routes = APIRouter()

    @routes.api_route("/u/{token}", methods=["GET", "HEAD"])
    async def show(token: str, request: Request) -> Response:
        with spoken(desk.language(request)):
            return _unknown(desk, request) if desk.find(token) is None else _shown(desk, "ask")

    @routes.post("/u/{token}")
    async def leave(token: str, request: Request) -> Response:
        with spoken(desk.language(request)):
            found = desk.find(token)
            if found is None:
                return _unknown(desk, request)
            try:
                await read_body(request, largest=LARGEST_BODY_BYTES)  # whatever it says
                await recipients.unsubscribe(desk.service, found[1], found[0])
            except Unreadable as error:
                return _shown(desk, "failed", error.status)
            except StoreFailed:
                return _shown(desk, "failed", 503)
            return _shown(desk, "done")

    return routes


def _unknown(desk: Unsubscribing, request: Request) -> Response:
    """A network that tries many tokens has to wait; a right one always works."""
    address = request.client.host if request.client else ""
    if wait := desk.attempts.wait(address):
        headers = {"retry-after": str(int(wait) + 1)}
        return _shown(desk, "unknown", 429, headers)
    desk.attempts.note(address)
    return _shown(desk, "unknown", 404)


def _shown(
    desk: Unsubscribing, what: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    titles = {
        "ask": _("Unsubscribe"),
        "done": _("You are unsubscribed"),
        "unknown": _("No such link"),
        "failed": _("Not working"),
    }
    said = {"organisation": desk.organisation, "title": titles[what], "what": what}
    return page("unsubscribe.html.j2", status, headers, done=what == "done", **said)
