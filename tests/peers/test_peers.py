"""The adapters against what they are for: the real Bluesky server, and a Mastodon server that others wrote.

`make peers` brings both; CI has to have them. Each server runs for the whole file, each test has its own texts.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from alertbot.channels.base import Adapter
from alertbot.channels.bluesky.adapter import BlueskyAdapter
from alertbot.channels.bluesky.settings import BlueskySettings
from alertbot.channels.mastodon.adapter import MastodonAdapter
from alertbot.channels.mastodon.settings import MastodonSettings
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Uncertain
from alertbot.core.model import Action, Channel, Picture, Post
from alertbot.delivery.readback import difference
from tests.channels import raw
from tests.channels.contract import ODD_TEXTS, POST

pytestmark = pytest.mark.thorough  # servers in processes; without them: tests/channels

HERE = Path(__file__).parent
BROUGHT = HERE / "node_modules"
PATIENCE_SECONDS = 120.0
PASSWORD, TOKEN = "a-password-of-the-account", "mock_token"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # one sign of 25 bytes
LONG = "Numéros d’urgence 🚨 : https://example.org/a?b=1&c=2. Suite (https://example.fr/) #AlerteRhône"


def _need(name: str, *, there: bool) -> None:
    """In CI every peer has to be there; elsewhere its tests are skipped without it."""
    if not there and os.environ.get("CI"):
        pytest.fail(f"to test against {name}, run `make peers`")
    if not there:
        pytest.skip(f"to test against {name}, run `make peers`")


@pytest.fixture(scope="module")
def bluesky_server() -> Iterator[str]:
    node = shutil.which("node")
    _need("Bluesky", there=node is not None and (BROUGHT / "@atproto").is_dir())
    command = [str(node), "bluesky.mjs"]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        address = server.stdout.readline().decode().strip()
        assert address.startswith("http://"), "the server did not start"
        account = {"handle": "alertes.test", "email": "a@example.org", "password": PASSWORD}
        made = httpx.post(f"{address}/xrpc/com.atproto.server.createAccount", json=account, timeout=60)
        assert made.is_success, made.text
        yield address
        server.communicate(timeout=30)


@pytest.fixture(scope="module")
def mastodon_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    _need("Mastodon", there=(BROUGHT / "mastodon_mock").is_dir())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(BROUGHT)}
    folder = tmp_path_factory.mktemp("mastodon")
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        _wait_for(f"{address}/api/v2/instance", server)
        yield address
        server.terminate()


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        assert server.poll() is None, "the server ended"
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail("the server did not start")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEER_PASSWORD", PASSWORD)
    monkeypatch.setenv("PEER_TOKEN", TOKEN)


def bluesky(address: str, **more: Any) -> BlueskyAdapter:
    known = {"account": "alertes.test", "app_password_env": "PEER_PASSWORD"}
    settings = BlueskySettings(**{"api_url": address, **known, **more})
    return BlueskyAdapter(Channel("sky", BlueskyAdapter.spec, ("fr",)), settings)


def mastodon(address: str, **more: Any) -> MastodonAdapter:
    settings = MastodonSettings(**{"api_url": address, "access_token_env": "PEER_TOKEN", **more})
    return MastodonAdapter(Channel("toots", MastodonAdapter.spec, ("fr",)), settings)


Make = Callable[..., Adapter[Any]]


@pytest.fixture(params=["bluesky", "mastodon"])
def peer(request: pytest.FixtureRequest) -> Make:
    """Makes an adapter for the server of one of them; at another address where one is given."""
    address = request.getfixturevalue(f"{request.param}_server")
    make = bluesky if request.param == "bluesky" else mastodon
    return lambda there=address, **more: make(there or address, **more)


_made = 0


def a_post(text: str, **changes: Any) -> Post:
    global _made
    _made += 1
    own = {"text": text, "delivery": _made, "message_id": f"PEER-1.{_made}"}
    return replace(POST, **own, alert="PEER-1", born=datetime.now(UTC), **changes)


def a_picture() -> Picture:
    written = BytesIO()
    Image.new("RGB", (80, 42), (10, 90, 160)).save(written, "PNG")
    content = written.getvalue()
    return Picture(sha256(content).hexdigest(), "image/png", 80, 42, content)


async def refusal(adapter: Adapter[Any], post: Post) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await adapter.publish(post)
    return caught.value


async def test_from_the_first_post_to_the_last_deletion(peer: Make) -> None:
    adapter = peer()
    assert (await adapter.identify()).startswith("@")
    first = a_post(LONG, picture=a_picture(), alt="Rhône : 04 65 71 00 01")
    posted = await adapter.publish(first)
    assert (posted.note, posted.without) == ("", "")
    shown = await adapter.read_back(first, posted)
    assert difference(first, shown, adapter.spec.markup) is None
    again = replace(first, attempt=2, uncertain_before=True)
    assert (await adapter.publish(again)).id == posted.id
    found = await adapter.find(first)
    assert found is not None
    assert found.id == posted.id
    second = await adapter.publish(a_post("La suite", part=2, reply_to=posted.id))
    third = await adapter.publish(a_post("La fin", part=3, reply_to=second.id))
    assert not third.note
    for _twice in range(2):
        await adapter.publish(a_post("", action=Action.PIN, reply_to=posted.id))
    gone = [await adapter.publish(a_post("", action=Action.DELETE, reply_to=posted.id)) for _ in "12"]
    assert [bool(one.note) for one in gone] == [False, True]
    assert await adapter.read_back(first, posted) is None
    assert isinstance(
        await refusal(adapter, a_post("", action=Action.PIN, reply_to=posted.id)), Rejected
    )
    await adapter.close()


@pytest.mark.parametrize("text", ODD_TEXTS)
async def test_no_letter_of_an_odd_text_is_lost(peer: Make, text: str) -> None:
    adapter = peer()
    post = a_post(text)
    shown = await adapter.read_back(post, await adapter.publish(post))
    await adapter.close()
    assert difference(post, shown, adapter.spec.markup) is None


async def test_lost_answers_leave_one_post_each(peer: Make) -> None:
    """A proxy passes each post on and hangs up instead of its answer."""
    straight = peer()
    address = straight.settings.api_url.removeprefix("http://")
    losing = True

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await raw.read_request(reader)
        host, _colon, port = address.rpartition(":")
        there, away = await asyncio.open_connection(host, int(port))
        away.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        answer = await there.read(-1)
        away.close()
        lost = losing and (b"putRecord" in request or b"POST /api/v1/statuses" in request)
        writer.write(b"" if lost else answer)
        await writer.drain()

    posts = [a_post(f"Réponse perdue {number}") for number in range(8)]
    async with raw.listening(pass_on) as port:
        adapter = peer(f"http://127.0.0.1:{port}")
        for post in posts:
            assert isinstance(await refusal(adapter, post), Uncertain)
        losing = False
        again = [
            await adapter.publish(replace(post, attempt=2, uncertain_before=True)) for post in posts
        ]
        await adapter.close()
    found = [await straight.find(post) for post in posts]
    await straight.close()
    assert [one and one.id for one in found] == [one.id for one in again]
    assert len({one.id for one in again}) == len(posts)


async def test_wrong_secrets_stop_the_channel(peer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEER_PASSWORD", "wrong")
    monkeypatch.setenv("PEER_TOKEN", "wrong")
    adapter = peer()
    assert isinstance(await refusal(adapter, a_post("Bonjour")), ChannelDown)
    await adapter.close()


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("é" * 300, True),
        ("é" * 301, False),
        (FAMILY * 120, True),
        (FAMILY * 121, False),
        ("🇫🇷" * 300, True),
        ("🇫🇷" * 301, False),
    ],
)
async def test_bluesky_counts_as_we_do(bluesky_server: str, text: str, fits: bool) -> None:
    adapter = bluesky(bluesky_server)
    if fits:
        assert (await adapter.publish(a_post(text))).id
    else:
        assert isinstance(await refusal(adapter, a_post(text)), Rejected)
    await adapter.close()


async def test_a_thread_on_bluesky_keeps_its_root(bluesky_server: str) -> None:
    adapter = bluesky(bluesky_server)
    first = await adapter.publish(a_post("1/3"))
    second = await adapter.publish(a_post("2/3", part=2, reply_to=first.id))
    by_hand = await adapter.publish(a_post("3/3", part=3, reply_to=second.id.partition(":")[0]))
    await adapter.close()
    assert second.id.endswith(f":{first.id}")
    assert by_hand.id.endswith(f":{first.id}")


async def test_bluesky_does_not_replace_another_post(bluesky_server: str) -> None:
    adapter = bluesky(bluesky_server)
    post = a_post("Le premier texte")
    posted = await adapter.publish(post)
    assert isinstance(await refusal(adapter, replace(post, text="Un autre texte")), Rejected)
    assert await adapter.read_back(post, posted) == "Le premier texte"
    await adapter.close()


async def test_an_edit_on_mastodon_keeps_the_old_text_in_its_history(mastodon_server: str) -> None:
    adapter = mastodon(mastodon_server)
    posted = await adapter.publish(a_post("Faites le 15.", picture=a_picture(), alt="15"))
    edit = a_post("Faites le 112.", action=Action.EDIT, reply_to=posted.id)
    for _twice in range(2):
        assert (await adapter.publish(edit)).id == posted.id
    assert await adapter.read_back(edit, posted) == "Faites le 112."
    await adapter.close()
    status = f"/api/v1/statuses/{posted.id}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=mastodon_server, headers=headers) as reader:
        history = (await reader.get(f"{status}/history")).json()
    assert (
        "15" in history[0]["content"]
    )  # that the picture goes, this server does not know; the sandbox does


async def test_too_much_for_mastodon_is_told_before_anything_is_posted(mastodon_server: str) -> None:
    settings = {"most_characters": 1000}
    adapter = mastodon(mastodon_server, **settings)
    adapter.channel = replace(adapter.channel, spec=adapter.settings.narrowed(adapter.spec))
    with pytest.raises(ChannelDown, match="most_characters: 500"):
        await adapter.identify()
    await adapter.close()
