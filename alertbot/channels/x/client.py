"""Calls of X's API, over httpx and signed by oauthlib. Imported when X is first used."""

import asyncio
from typing import Any

import httpx
from oauthlib import oauth1

from alertbot.channels.x.answers import Answer
from alertbot.channels.x.settings import OAUTH1, XSettings
from alertbot.core.connecting import reason_of
from alertbot.core.errors import Unavailable, Uncertain
from alertbot.core.logs import quieten
from alertbot.core.words import _

# TLS is part of connecting: what fails there was never sent.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
DROPPED = (httpx.NetworkError, httpx.ProtocolError)


class Client:
    """Redirects are not followed and the environment's proxies are not used: the secrets go to the server
    at `api_url` or nowhere. `secrets`: the four of OAuth 1.0a, or a bearer token, by name."""

    def __init__(self, settings: XSettings, secrets: dict[str, str]) -> None:
        quieten("httpx", "httpcore", "hpack", "oauthlib")
        self._secrets = tuple(secrets.values())
        self._signer = oauth1.Client(*map(secrets.get, OAUTH1)) if OAUTH1[0] in secrets else None
        headers = {} if self._signer else {"Authorization": f"Bearer {secrets['bearer_token']}"}
        connect, answer = (
            settings.connect_within.total_seconds(),
            settings.answer_within.total_seconds(),
        )
        within = httpx.Timeout(answer, connect=connect)
        self._http = httpx.AsyncClient(
            base_url=settings.api_url, headers=headers, timeout=within, trust_env=False
        )
        # The library's limits are per read; a server that drips bytes has to end some time too.
        self._most_seconds = connect + 2 * answer
        self.close = self._http.aclose

    async def ask(self, method: str, path: str, alert: str, **details: Any) -> Answer:
        """Make one call; whatever the server answers is an `Answer`. `details`: `json` and `params`.
        Raises `Unavailable` where the call surely did not arrive, else `Uncertain`."""
        request = self._http.build_request(method, path, **details)
        if self._signer:  # for the address that is really called; JSON is not part of a signature
            request.headers.update(self._signer.sign(str(request.url), method)[1])
        try:
            async with asyncio.timeout(self._most_seconds):
                response = await self._http.send(request)
        except NOT_SENT as error:
            sentence = _("X could not be reached for {alert}: {why}.")
            told = sentence.format(alert=alert, why=reason_of(error))
            raise Unavailable(told, code=type(error).__name__) from None
        except Exception as error:  # noqa: BLE001 - h11, ssl and decoders leak through httpx
            sentence = _(
                "X was reached, but its answer on {alert} was lost, so the post may stand. Look at the "
                "account, then settle the delivery."
            )
            code = "ConnectionError" if isinstance(error, DROPPED) else type(error).__name__
            raise Uncertain(sentence.format(alert=alert), code=code) from None
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        known = body if isinstance(body, dict) else {}
        return Answer(response.status_code, response.headers, known, self._secrets)
