"""The calls of one account on Bluesky, and its session, which is kept: log-ins are limited to 300 a day."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alertbot.channels.base import json_caller
from alertbot.channels.bluesky.answers import is_gone, refusal, session_lapsed
from alertbot.channels.bluesky.records import COLLECTION, Reference
from alertbot.channels.bluesky.settings import BlueskySettings
from alertbot.channels.outcomes import JsonAnswer, read_only
from alertbot.core.errors import ChannelDown, ChannelError, Unavailable
from alertbot.core.words import _

if TYPE_CHECKING:
    from alertbot.channels.calling import JsonCaller

LOG_IN, REFRESH = "com.atproto.server.createSession", "com.atproto.server.refreshSession"


class BlueskyCalls:
    """Logs in with the first call. `password` reads the secret, and raises `ChannelDown` without it."""

    def __init__(self, settings: BlueskySettings, password: Callable[[], str]) -> None:
        self._settings, self._password = settings, password
        self._caller: JsonCaller | None = None
        self._session: JsonAnswer | None = None
        self._logging_in = asyncio.Lock()

    def warm(self) -> None:
        self._password()
        self._ready()

    async def close(self) -> None:
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.close()

    def _ready(self) -> "JsonCaller":
        if self._caller is None:
            self._caller = json_caller("Bluesky", self._settings.api_url, self._settings)
        return self._caller

    async def session(self, alert: str, *, instead_of: JsonAnswer | None = None) -> JsonAnswer:
        """The session; another one than `instead_of`, which has lapsed. Raises the channel errors."""
        async with self._logging_in:
            if self._session is None or self._session is instead_of:
                old, self._session = self._session, None
                self._session = await self._refreshed(old, alert) or await self._new_session(alert)
            return self._session

    async def did(self, alert: str) -> str:
        """The account's permanent name."""
        return (await self.session(alert)).text("did")

    async def _refreshed(self, old: JsonAnswer | None, alert: str) -> JsonAnswer | None:
        if old is None:
            return None
        answer = await self._quietly("POST", REFRESH, alert, token=old.text("refreshJwt"))
        return answer if _is_session(answer) else None

    async def _new_session(self, alert: str) -> JsonAnswer:
        password = self._password()
        given = {"identifier": self._settings.handle, "password": password}
        answer = await self._quietly("POST", LOG_IN, alert, password, json=given)
        if not answer.ok:
            raise read_only("Bluesky", refusal(answer, alert))
        if not _is_session(answer):
            raise Unavailable(_("Bluesky did not say which account this is."), code=str(answer.status))
        if answer.fields.get("active") is False:
            told = _("Bluesky does not let this account post: {why}. Fix this with Bluesky.")
            raise ChannelDown(told.format(why=answer.why("status")), code=answer.text("status"))
        return answer

    async def _quietly(
        self, method: str, verb: str, alert: str, *secrets: str, token: str = "", **content: Any
    ) -> JsonAnswer:
        """A call that readers do not notice. Raises `Unavailable` where there is no answer."""
        try:
            return await self._ready().ask(
                method, f"/xrpc/{verb}", alert, *secrets, token=token, **content
            )
        except ChannelError as error:
            raise read_only("Bluesky", error) from None

    async def write(self, alert: str, verb: str, body: dict[str, Any]) -> JsonAnswer:
        """A call that changes the account's records, once more if the session has lapsed."""
        session = await self.session(alert)
        for last in (False, True):
            whole = {"repo": session.text("did"), **body}
            path, token = f"/xrpc/com.atproto.repo.{verb}", session.text("accessJwt")
            answer = await self._ready().ask("POST", path, alert, token=token, json=whole)
            if last or not session_lapsed(answer):
                break
            session = await self.session(alert, instead_of=session)
        return answer

    async def upload(self, alert: str, content: bytes, mime: str) -> JsonAnswer:
        """Hand over a picture; nobody sees it yet."""
        session = await self.session(alert)
        for last in (False, True):
            answer = await self._quietly(
                "POST",
                "com.atproto.repo.uploadBlob",
                alert,
                token=session.text("accessJwt"),
                content=content,
                headers={"Content-Type": mime},
            )
            if last or not session_lapsed(answer):
                break
            session = await self.session(alert, instead_of=session)
        return answer

    async def record(self, alert: str, key: str, collection: str = COLLECTION) -> JsonAnswer | None:
        """A record of the account, None if there is none. Raises the channel errors."""
        wanted = {"repo": await self.did(alert), "collection": collection, "rkey": key}
        answer = await self._quietly("GET", "com.atproto.repo.getRecord", alert, params=wanted)
        if is_gone(answer):
            return None
        if answer.ok and Reference.of(answer.body) and answer.part("value"):
            return answer
        if answer.ok:
            raise Unavailable(_("Bluesky gave no answer that can be used."), code="200")
        raise read_only("Bluesky", refusal(answer, alert))


def _is_session(answer: JsonAnswer) -> bool:
    return answer.ok and all(answer.text(name) for name in ("did", "handle", "accessJwt", "refreshJwt"))
