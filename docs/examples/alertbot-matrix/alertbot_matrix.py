"""A Matrix room as a channel of alertbot: one file and one entry point."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote

import httpx
from pydantic import Field

from alertbot.channels.base import Adapter
from alertbot.channels.outcomes import lost, unreachable, without_id
from alertbot.config.channel import NetworkSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, Variable
from alertbot.core import errors
from alertbot.core.model import ChannelSpec, Pace, Post, PostAddresses, Receipt, Target

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)  # unsent


class MatrixSettings(NetworkSettings):
    """A room on a Matrix server."""

    secrets: ClassVar[tuple[Secret, ...]] = (Secret("access_token", about="The account's token."),)

    type: Literal["matrix"] = Field(default="matrix", description="A room on Matrix.")
    api_url: ServerRoot = Field(description="The server.", examples=["https://matrix.example.org"])
    room: str = Field(pattern=r"^![^\s/]{1,200}$", description="The room's id.")
    access_token_env: Variable | None = None
    access_token_file: FilePath | None = None


class MatrixAdapter(Adapter[MatrixSettings]):
    """Posts messages. The server knows a message by its transaction id: sent again, it is still one."""

    spec = ChannelSpec(
        type="matrix",
        limit=32_000,  # of an event's 65,536 bytes
        form="long",
        can_reply=True,
        repeat_safe=timedelta(minutes=25),  # servers forget transaction ids after half an hour
        pace=Pace(per_second=1.0),
    )
    settings_type = MatrixSettings
    _client: httpx.AsyncClient | None = None
    _token = ""

    @classmethod
    def targets(cls, settings: MatrixSettings) -> tuple[Target, ...]:
        return (Target(settings.room),)

    @classmethod
    def identity(cls, settings: MatrixSettings) -> dict[str, str]:
        return {"server": settings.server, "room": settings.room}

    @classmethod
    def addresses(cls, settings: MatrixSettings) -> PostAddresses:
        place = f"https://matrix.to/#/{settings.room}/"
        return PostAddresses((rf"{place.replace('.', '[.]')}(?P<id>\$[\w-]+)(?:\?.*)?",), f"{place}$a")

    async def close(self) -> None:
        if self._client:
            self._client = await self._client.aclose()

    async def _send(self, post: Post) -> Receipt:
        event, note = {"msgtype": "m.text", "body": post.text}, ""
        if post.reply_to and await self._stands(post):
            event |= {"m.relates_to": {"m.in_reply_to": {"event_id": post.reply_to}}}
        elif post.reply_to:
            note = "Posted alone: what it answers is gone."
        key = quote(f"{post.alert}.{post.delivery}.{post.born.timestamp():.3f}")
        path = f"{self._room}/send/m.room.message/{key}"
        said = await self._call("PUT", path, post.alert, json=event)
        if not isinstance(said.get("event_id"), str):
            raise without_id("Matrix", post.alert, 200)
        return Receipt(said["event_id"], note=note)

    async def identify(self) -> str:
        me = await self._call("GET", "/_matrix/client/v3/account/whoami", self.channel.name)
        return str(me.get("user_id"))

    async def _stands(self, post: Post) -> bool:
        with suppress(errors.Rejected, errors.Uncertain):
            path = f"{self._room}/event/{quote(post.reply_to or '')}"
            return bool(await self._call("GET", path, post.alert))
        return False

    @property
    def _room(self) -> str:
        return f"/_matrix/client/v3/rooms/{quote(self.settings.room, safe='')}"

    def _ready(self) -> httpx.AsyncClient:
        if self._client is None:
            self._token = self.secret("access_token")
            headers, wait = {"Authorization": f"Bearer {self._token}"}, self.settings.within[1]
            url = self.settings.api_url
            self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=wait)
        return self._client

    async def _call(self, method: str, path: str, alert: str, **content: Any) -> dict[str, Any]:
        """The answer's JSON object; anything else is one of the five errors."""
        try:
            answer = await self._ready().request(method, path, **content)
            said = found if isinstance(found := answer.json(), dict) else {}
        except NOT_SENT as error:
            raise unreachable("Matrix", alert, error) from None
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise lost("Matrix", alert, error) from None
        if answer.is_success and said:
            return said
        why, code = errors.safe(said.get("error", "no reason"), self._token), str(answer.status_code)
        if answer.status_code == 429:
            wait = told / 1000 if isinstance(told := said.get("retry_after_ms"), int) else 60.0
            raise errors.Throttled(f"Matrix: too many messages ({why}).", wait=wait, code=code)
        if answer.status_code in (401, 403):
            raise errors.ChannelDown(f"Matrix does not let us post ({why}).", code=code)
        if 400 <= answer.status_code < 500 and answer.status_code != 408:
            raise errors.Rejected(f"Matrix refused {alert}: {why}", code=code)
        raise errors.Uncertain(f"Matrix answered {code}; look whether {alert} is there.", code=code)
