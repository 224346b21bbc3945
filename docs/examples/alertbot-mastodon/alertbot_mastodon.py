"""Mastodon as a channel of alertbot: one file and one entry point."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field

from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, SomeDuration, Variable
from alertbot.core import errors
from alertbot.core.model import ChannelSpec, Pace, Post, Receipt

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)  # unsent
DOWN = frozenset({301, 302, 307, 308, 401, 403, 404, 405, 410})  # account or address are wrong


class MastodonSettings(ChannelSettings):
    """An account on a Mastodon server."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("access_token", about="A token with the scopes write:statuses and read:accounts."),
    )

    type: Literal["mastodon"] = Field(default="mastodon", description="An account on Mastodon.")
    api_url: ServerRoot = Field(description="The server.", examples=["https://social.example.org"])
    access_token_env: Variable | None = None
    access_token_file: FilePath | None = None
    answer_within: SomeDuration = timedelta(seconds=20)


class MastodonAdapter(Adapter[MastodonSettings]):
    """Posts statuses. Sent again within the hour, one is still one: `Idempotency-Key` sees to it."""

    spec = ChannelSpec(
        type="mastodon",
        limit=480,  # of 500, as Mastodon counts every address as 23
        parts=True,
        can_reply=True,
        pace=Pace(per_second=1.0, windows=((300, timedelta(minutes=5)),)),
    )
    settings_type = MastodonSettings
    _client: httpx.AsyncClient | None = None
    _token = ""

    async def warm(self) -> None:
        self._ready()

    async def close(self) -> None:
        if self._client:
            self._client = await self._client.aclose()

    async def _send(self, post: Post) -> Receipt:
        status = {"status": post.text, "language": post.lang}
        status |= {"in_reply_to_id": post.reply_to} if post.reply_to else {}
        key, note = {"Idempotency-Key": post.message_id or f"{post.alert}.{post.delivery}"}, ""
        try:
            said = await self._call("POST", "/api/v1/statuses", json=status, headers=key)
        except errors.ChannelDown as refusal:  # 404: what it answers is gone
            if refusal.code != "404" or not status.pop("in_reply_to_id", None):
                raise
            said = await self._call("POST", "/api/v1/statuses", json=status, headers=key)
            note = "Posted alone: what it answers is gone."
        return Receipt(said["id"], said.get("url") if isinstance(said.get("url"), str) else None, note)

    async def identify(self) -> str:
        said = await self._call("GET", "/api/v1/accounts/verify_credentials")
        return f"@{said.get('acct', said['id'])}"

    def _ready(self) -> httpx.AsyncClient:
        if self._client is None:
            self._token = self.secret("access_token")
            headers = {"Authorization": f"Bearer {self._token}"}
            wait, url = self.settings.answer_within.total_seconds(), self.settings.api_url
            self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=wait)
        return self._client

    async def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The answer's JSON object, which has an `id`; anything else is one of the five errors."""
        try:
            answer = await self._ready().request(method, path, **more)
        except NOT_SENT as error:
            raise errors.Unavailable(f"Mastodon is not reached ({type(error).__name__}).") from None
        except httpx.HTTPError as error:
            raise errors.Uncertain(f"Mastodon's answer was lost ({type(error).__name__}).") from None
        said = _json(answer)
        if answer.is_success and isinstance(said.get("id"), str) and said["id"]:
            return said
        raise self._refusal(answer, said)

    def _refusal(self, answer: httpx.Response, said: dict[str, Any]) -> errors.ChannelError:
        why, code = errors.safe(said.get("error", "no reason"), self._token), str(answer.status_code)
        if answer.status_code == 429:
            return errors.Throttled(f"Mastodon: too many posts ({why}).", wait=_wait(answer), code=code)
        if answer.status_code in DOWN:
            return errors.ChannelDown(f"Mastodon does not let us post ({why}).", code=code)
        if 400 <= answer.status_code < 500 and answer.status_code != 408:
            return errors.Rejected(f"Mastodon refused the text: {why}", code=code)
        return errors.Uncertain(f"Mastodon answered {code}; look whether the post stands.", code=code)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        return said if isinstance(said := answer.json(), dict) else {}
    except (ValueError, RecursionError):
        return {}


def _wait(answer: httpx.Response) -> float:
    """Seconds until `X-RateLimit-Reset`, which Mastodon gives in ISO 8601; a minute where it does not."""
    try:
        reset = datetime.fromisoformat(answer.headers["x-ratelimit-reset"])
        return min(max((reset - datetime.now(UTC)).total_seconds(), 1.0), 86_400.0)
    except (KeyError, ValueError, TypeError):
        return 60.0
