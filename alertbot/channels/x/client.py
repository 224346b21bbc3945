"""tweepy's client, set up for the configured server and timeouts. Imported when X is first used."""

import ssl
from io import BytesIO
from typing import Any

import requests
import tweepy
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from alertbot.channels.outcomes import json_of
from alertbot.channels.x.answers import Answer
from alertbot.channels.x.settings import OAUTH1, XSettings
from alertbot.core.connecting import causes
from alertbot.core.logs import quieten

MOST_BODY_BYTES = 4_000_000
NOT_SENT = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)


class Client(tweepy.Client):  # type: ignore[misc] # tweepy has no types
    """For one thread at a time. `secrets`: the four of OAuth 1.0a, or a bearer token, by name."""

    def __init__(self, settings: XSettings, secrets: dict[str, str]) -> None:
        quieten("tweepy", "oauthlib", "requests_oauthlib", "urllib3")
        super().__init__(**secrets, return_type=requests.Response)
        self._root, self._within, self._secrets = settings.api_url, settings.within, secrets
        # The secrets go to `api_url` or nowhere: no proxies of the environment, no redirects.
        self.session.trust_env, self.session.get_redirect_target = False, lambda _answer: None
        self.session.headers["User-Agent"] = self.user_agent
        if self.bearer_token:
            self.session.headers["Authorization"] = f"Bearer {self.bearer_token}"
        else:
            signer = tweepy.OAuth1UserHandler(*(secrets[name] for name in OAUTH1))
            self.session.auth = signer.apply_auth()

    def request(self, method: str, route: str, params: Any = None, json: Any = None, **_: Any) -> Any:
        """All of tweepy's calls end here. Its own version has a fixed address and no timeouts, and
        raises exceptions for answers, for odd ones those of other libraries."""
        answer = self.session.request(
            method, self._root + route, params=params, json=json, timeout=self._within, stream=True
        )
        with answer.raw as body:
            answer.raw = BytesIO(body.read(MOST_BODY_BYTES + 1, decode_content=True))
        return answer

    def answer(self, verb: str, details: dict[str, Any]) -> Answer:
        """The result of one of tweepy's calls."""
        found = getattr(self, verb)(**details)
        body = json_of(found.content)
        return Answer(found.status_code, found.headers, body, tuple(self._secrets.values()))

    def never_asked(self, error: BaseException) -> bool:
        """Whether the failed call definitely did not arrive."""
        return any(isinstance(one, NOT_SENT) for one in causes(error))
