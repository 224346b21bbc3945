"""tweepy, made to talk to the server we name, within the times we name. Imported when X is first used."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
import tweepy
from requests import exceptions
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

from alertbot.channels.logs import quieten
from alertbot.channels.x_errors import Answer
from alertbot.errors import ChannelError, Unavailable, Uncertain
from alertbot.words import _

TWEEPY_ROOT = "https://api.twitter.com"  # fixed in tweepy; X serves the same there as on api.x.com
MOST_BODY_BYTES = 4_000_000


class Session(requests.Session):
    """Sends what tweepy asks for to `root`, and keeps the last answer.

    The address is changed before the request is signed, so that an OAuth 1.0a signature is right on any
    root. Redirects are not followed and the environment's proxies are not used: the secrets go to the
    configured server or nowhere.
    """

    def __init__(self, root: str, connect_seconds: float, answer_seconds: float) -> None:
        super().__init__()
        self.trust_env = False
        self.root = root
        self.within = (connect_seconds, answer_seconds)
        self.answer: requests.Response | None = None

    def request(  # type: ignore[override]
        self, method: str, url: str, **details: Any
    ) -> requests.Response:
        self.answer = None
        moved = self.root + url.removeprefix(TWEEPY_ROOT)
        details |= {"timeout": self.within, "allow_redirects": False}
        self.answer = super().request(method, moved, **details)
        return self.answer


class Wire:
    """One client in one thread: calls go one after another. Answers come back as `Answer`."""

    def __init__(
        self, root: str, secrets: Mapping[str, str], connect_seconds: float, answer_seconds: float
    ) -> None:
        quieten("tweepy", "oauthlib", "requests_oauthlib", "urllib3")
        self._root, self._secrets = root, secrets
        self._within = (connect_seconds, answer_seconds)
        # The library's own limits are per read; a server that drips bytes has to end some time too.
        self._most_seconds = connect_seconds + 2 * answer_seconds
        self._turn = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._client: tweepy.Client | None = None

    async def ask(
        self, call: Callable[[tweepy.Client], Any], alert: str, fingerprint: str = ""
    ) -> Answer:
        """Make one call. Raises `Unavailable` where it surely did not arrive, else `Uncertain`."""
        async with self._turn:
            asked = asyncio.get_running_loop().run_in_executor(self._worker(), self._ask, call)
            try:
                return await asyncio.wait_for(asked, self._most_seconds)
            except asyncio.CancelledError:
                self._abandon()
                raise
            except Exception as error:  # noqa: BLE001 - requests, urllib3 and http.client all leak through
                if isinstance(error, TimeoutError):
                    self._abandon()
                raise _lost(error, alert, fingerprint) from None

    async def close(self) -> None:
        self._abandon()

    def _ask(self, call: Callable[[tweepy.Client], Any]) -> Answer:
        if self._client is None:
            self._client = _client(Session(self._root, *self._within), self._secrets)
        return ask(self._client, call)

    def _worker(self) -> ThreadPoolExecutor:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="x")
        return self._thread

    def _abandon(self) -> None:
        """Leave thread and client to themselves: a call may still hang in them."""
        thread, self._thread, self._client = self._thread, None, None
        if thread is not None:
            thread.shutdown(wait=False, cancel_futures=True)


def _client(session: Session, secrets: Mapping[str, str]) -> tweepy.Client:
    """A client that never waits by itself: with tweepy's waiting on, a 429 without a reset time recurses
    for ever."""
    made = tweepy.Client(**secrets, return_type=requests.Response, wait_on_rate_limit=False)
    made.session = session
    return made


def ask(client: tweepy.Client, call: Callable[[tweepy.Client], Any]) -> Answer:
    """Make one call; whatever the server answers is an `Answer`.

    tweepy turns many bodies into exceptions of other libraries, so the answer itself is what counts.
    Raises the exceptions of `requests` where there was none.
    """
    try:
        call(client)
    except Exception:
        if client.session.answer is None:
            raise
    return _answer(client.session.answer)


def _answer(response: requests.Response) -> Answer:
    try:
        body = response.json() if len(response.content) <= MOST_BODY_BYTES else None
    except (ValueError, RecursionError):
        body = None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body if isinstance(body, dict) else {})


def _lost(error: Exception, alert: str, fingerprint: str) -> ChannelError:
    """`ConnectionError` is both "refused" and "dropped"; only what is inside it tells."""
    name = type(error).__name__
    if _surely_not_sent(error):
        return Unavailable(_("X could not be reached for {alert}.").format(alert=alert), code=name)
    return Uncertain(
        _(
            "X was reached, but its answer on {alert} was lost, so the post may stand. Look at the "
            "account, then settle the delivery."
        ).format(alert=alert),
        fingerprint=fingerprint,
        code=name,
    )


def _surely_not_sent(error: Exception) -> bool:
    if isinstance(error, exceptions.SSLError):
        return "CERTIFICATE_VERIFY" in str(error)
    if isinstance(error, exceptions.ConnectTimeout | exceptions.InvalidURL | exceptions.InvalidHeader):
        return True
    inside = error.args[0] if error.args else None
    reason = getattr(inside, "reason", inside)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError | ProxyError)
