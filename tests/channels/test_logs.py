"""With every logger at DEBUG and real handlers, nothing that is printed holds a secret."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from alertbot.core.errors import ChannelError
from alertbot.core.logs import quieten
from tests.channels import (
    raw,
    test_apprise,
    test_bluesky,
    test_email,
    test_mastodon,
    test_telegram,
    test_x,
)
from tests.channels.contract import NetworkChannelContract, all_texts

CONTRACTS = [
    test_x.TestContract,
    test_telegram.TestContract,
    test_bluesky.TestContract,
    test_mastodon.TestContract,
    test_email.TestContract,
    test_apprise.TestContract,
]


LIBRARIES = (
    "tweepy",
    "oauthlib",
    "requests_oauthlib",
    "urllib3",
    "telegram",
    "httpx",
    "httpcore",
    "apprise",
)


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    """What a handler on the root logger prints at DEBUG, no library being quiet yet."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def contract(
    kind: type[NetworkChannelContract], monkeypatch: pytest.MonkeyPatch
) -> NetworkChannelContract:
    made = kind()
    for variable, value in made.secrets().items():
        monkeypatch.setenv(variable, value)
    made.monkeypatch = monkeypatch  # type: ignore[attr-defined]
    return made


def must_not_show(made: NetworkChannelContract) -> list[str]:
    values = list(made.secrets().values())
    return [test_apprise.TOKEN, *values] if isinstance(made, test_apprise.TestContract) else values


async def use(made: NetworkChannelContract, port: int, said: list[str], **more: Any) -> None:
    adapter = made.adapter(port, **more)
    for call in (adapter.warm, adapter.identify, lambda: adapter.publish(made.post())):
        try:
            said.append(repr(await call()))  # type: ignore[operator]
        except ChannelError as error:
            said.append(all_texts(error))
    said += [repr(adapter), str(adapter), repr(adapter.settings), repr(adapter.channel)]
    await adapter.close()


@pytest.mark.parametrize("kind", CONTRACTS)
async def test_no_secret_where_all_goes_well(
    kind: type[NetworkChannelContract], printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, said = contract(kind, monkeypatch), list[str]()
    async with made.accepting() as port:
        await use(made, port, said)
    for secret in must_not_show(made):
        assert secret not in printed.getvalue() + "".join(said)


@pytest.mark.parametrize("kind", CONTRACTS)
@pytest.mark.parametrize(
    "trouble", ["hanging_up", "silent", "refusing_credentials", "repeating", "refused"]
)
async def test_no_secret_where_something_goes_wrong(
    kind: type[NetworkChannelContract],
    trouble: str,
    printed: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, said = contract(kind, monkeypatch), list[str]()
    more: dict[str, Any] = dict(made.hasty)
    if kind is test_email.TestContract:
        more |= {"username_env": "SMTP_USERNAME", "password_env": "SMTP_PASSWORD"}
    secrets = " ".join(must_not_show(made)).encode()
    handlers = {
        "repeating": lambda: made.rambling(raw.http_answer(400, b'{"description":"' + secrets + b'"}')),
        "refused": lambda: raw.http(b""),
    }
    handler = handlers.get(trouble) or getattr(made, trouble)
    if trouble == "refused":
        await use(made, await raw.free_port(), said, **more)
    else:
        async with raw.listening(made.after_login(handler())) as port:
            await use(made, port, said, **more)
    for secret in must_not_show(made):
        assert secret not in printed.getvalue() + "".join(said)


def test_a_level_is_raised_and_never_lowered() -> None:
    logger = logging.getLogger("some.library")
    logger.setLevel(logging.ERROR)
    quieten("some.library")
    assert logger.level == logging.ERROR
    quieten("some.library", level=logging.CRITICAL)
    assert logger.level == logging.CRITICAL
