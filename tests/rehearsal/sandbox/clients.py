"""The real client libraries, pointed at a sandbox."""

from typing import Any
from urllib.parse import urlsplit

import requests
import telegram
import tweepy

from alertbot.rehearsal.sandbox.server import Sandbox


class Redirected(requests.adapters.HTTPAdapter):
    """Sends what was meant for X to the sandbox."""

    def __init__(self, base: str) -> None:
        self._base = base
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        address = urlsplit(request.url or "")
        request.url = self._base + str(address.path) + (f"?{address.query!s}" if address.query else "")
        return super().send(request, *args, **{**options, "timeout": 10})


def x_client(sandbox: Sandbox, **changes: str) -> tweepy.Client:
    """tweepy with the sandbox's keys (OAuth 1.0a), some of them changed."""
    account = sandbox.x_account
    names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    keys = {name: getattr(account, name) for name in names} | changes
    client = tweepy.Client(**keys)
    client.session.mount("https://api.twitter.com", Redirected(sandbox.x_url))
    return client


def bearer(sandbox: Sandbox) -> dict[str, str]:
    """The header of an OAuth 2.0 user token."""
    return {"Authorization": f"Bearer {sandbox.x_account.bearer_token}"}


def bot(sandbox: Sandbox, token: str | None = None) -> telegram.Bot:
    """python-telegram-bot with the sandbox's token."""
    root = sandbox.telegram_url
    return telegram.Bot(
        token or sandbox.telegram_account.token,
        base_url=f"{root}/bot",
        base_file_url=f"{root}/file/bot",
    )
