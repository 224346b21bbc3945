"""Calls of JSON APIs by httpx, as Bluesky and Mastodon are called. Imported when one of them is first used."""

import asyncio
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

from alertbot.channels.outcomes import JsonAnswer, json_of, lost, unreachable
from alertbot.core.lean import without
from alertbot.core.logs import quieten

with without("pygments", "rich"):  # of its command line
    import httpx

if TYPE_CHECKING:
    from alertbot.config.channel import NetworkSettings

MOST_BODY_BYTES = 4_000_000
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@cache
def trusted() -> ssl.SSLContext:
    """Whom calls of this process trust: one list of authorities for all clients, each is half a megabyte."""
    return httpx.create_ssl_context(trust_env=False)


class JsonCaller:
    """One server. The secrets go to it or nowhere: no proxies of the environment, no redirects."""

    def __init__(self, platform: str, api_url: str, settings: "NetworkSettings") -> None:
        quieten("httpx", "httpcore", "hpack")
        connect, answer = settings.within
        self._platform, self._most = platform, settings.most_seconds
        self._client = httpx.AsyncClient(
            base_url=api_url,
            timeout=httpx.Timeout(answer, connect=connect),
            trust_env=False,
            verify=trusted(),
            follow_redirects=False,
        )

    async def ask(
        self, method: str, path: str, alert: str, *secrets: str, token: str = "", **content: Any
    ) -> JsonAnswer:
        """The server's answer, whatever it says. `content`: as httpx takes it (`json`, `params`, `content`, `files`,
        `data`, `headers`). Raises `Unavailable` if the call surely did not arrive, else `Uncertain`."""
        headers = {
            **content.pop("headers", {}),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        try:
            async with (  # httpx limits each read: a server could drip bytes for ever
                asyncio.timeout(self._most),
                self._client.stream(method, path, headers=headers, **content) as answer,
            ):
                body = await _read(answer)
        except NOT_SENT as error:
            raise unreachable(self._platform, alert, error) from None
        except Exception as error:  # noqa: BLE001 - what a body can make the decoders raise has no list
            raise lost(self._platform, alert, error) from None
        return JsonAnswer(answer.status_code, dict(answer.headers), body, (token, *secrets))

    async def close(self) -> None:
        await self._client.aclose()


async def _read(answer: httpx.Response) -> Any:
    """The JSON of a body, None if it has none or is too long to be one."""
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > MOST_BODY_BYTES:
            return None
    return json_of(found)
