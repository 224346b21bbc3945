"""Apprise: the contract, what its results mean, and that nothing is cut, split or repeated."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
import yaml
from apprise.manager_plugins import NotificationManager
from apprise.result import AppriseResultStatus as Status

from alertbot.channels.apprise import client
from alertbot.channels.apprise.adapter import (
    ENCRYPTED,
    LIMITS,
    PLAIN,
    TITLES,
    AppriseAdapter,
    AppriseSettings,
)
from alertbot.channels.apprise.client import AppriseOutcome
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Throttled, Unavailable, Uncertain
from alertbot.core.model import Audience, Channel, Message, Post
from alertbot.texts.posts import messages
from tests import program
from tests.channels import raw
from tests.channels.contract import PATIENT, NetworkChannelContract
from tests.cli.desk import CONFIG

TOKEN = "s3cr3t-hook-token-0123456789"
OK = raw.http_answer(200, b"ok")


class TestContract(NetworkChannelContract):
    adapter_type = AppriseAdapter
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": timedelta(seconds=0.3)}

    @pytest.fixture(autouse=True)
    def _url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def secrets(self) -> dict[str, str]:
        return {"APPRISE_URL": f"json://127.0.0.1:9/{TOKEN}"}

    def settings(self, port: int, **more: Any) -> Any:
        if "APPRISE_URL" in os.environ:
            self.monkeypatch.setenv("APPRISE_URL", f"json://127.0.0.1:{port}/{TOKEN}")
        return AppriseSettings(url_env="APPRISE_URL", **(PATIENT | more))

    def tells_no_secret(self, error: BaseException) -> None:
        super().tells_no_secret(error)
        assert TOKEN not in str(error) + repr(vars(error))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with raw.listening(raw.http(OK)) as port:
            yield port


def adapter_for(monkeypatch: pytest.MonkeyPatch, url: str) -> AppriseAdapter:
    monkeypatch.setenv("APPRISE_URL", url)
    settings = AppriseSettings(url_env="APPRISE_URL")
    return AppriseAdapter(Channel("elsewhere", AppriseAdapter.spec, ("fr",), Audience.TEAM), settings)


def a_post(**changes: Any) -> Post:
    return replace(TestContract().post(), **changes)


async def test_the_text_goes_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    text = "Panne & <15> *urgent* :smile: \\n {{x}}\nSuite"
    async with raw.listening(raw.http(OK, seen)) as port:
        await adapter_for(monkeypatch, f"json://127.0.0.1:{port}/x").publish(
            a_post(text=text, subject="S")
        )
    body = json.loads(seen[0].partition(b"\r\n\r\n")[2])
    assert (body["title"], body["message"]) == ("S", text)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Uncertain),
        (400, Rejected),
        (401, ChannelDown),
        (403, ChannelDown),
        (404, ChannelDown),
        (413, Rejected),
        (429, Throttled),
        (500, Uncertain),
        (503, Uncertain),
    ],
)
async def test_what_a_service_answers(
    monkeypatch: pytest.MonkeyPatch, status: int, error: type[ChannelError]
) -> None:
    async with raw.listening(raw.http(raw.http_answer(status, b""))) as port:
        with pytest.raises(error):
            await adapter_for(monkeypatch, f"json://127.0.0.1:{port}/x").publish(a_post())


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (AppriseOutcome(Status.NOMATCH), ChannelDown),
        (AppriseOutcome(Status.TIMEOUT), Uncertain),
        (AppriseOutcome(Status.PARTIAL, (401,)), Uncertain),
        (AppriseOutcome(Status.FAILURE), Uncertain),
        (AppriseOutcome(Status.FAILURE, not_sent=True), Unavailable),
    ],
)
def test_what_a_result_means(outcome: AppriseOutcome, error: type[ChannelError]) -> None:
    assert type(client.meaning(outcome, "BKRT-1", "elsewhere")) is error


async def test_nothing_is_repeated_whatever_the_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    async with raw.listening(raw.http(raw.http_answer(500, b""), seen)) as port:
        url = f"json://127.0.0.1:{port}/x?retry=3&wait=0&overflow=split"
        with pytest.raises(Uncertain):
            await adapter_for(monkeypatch, url).publish(a_post())
    assert len(seen) == 1


async def test_what_goes_to_this_machine_goes_by_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[bytes] = []
    seen: list[bytes] = []
    async with raw.listening(raw.http(OK, reached)) as proxy, raw.listening(raw.http(OK, seen)) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("no_proxy", "example.org")
        await adapter_for(monkeypatch, f"json://127.0.0.1:{port}/x").publish(a_post())
    assert (len(reached), len(seen)) == (0, 1)


async def test_two_posts_need_no_wait_between(monkeypatch: pytest.MonkeyPatch) -> None:
    service = client.service("ntfys://example.org/topic", 1, 1)
    assert service is not None
    assert service.request_rate_per_sec == 0


async def test_a_redirect_is_not_followed_whatever_the_address_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached: list[bytes] = []
    async with raw.listening(raw.http(OK, reached)) as other:
        moved = raw.http_answer(307, b"", Location=f"http://127.0.0.1:{other}/")
        async with raw.listening(raw.http(moved)) as port:
            with pytest.raises(Uncertain):
                await adapter_for(monkeypatch, f"json://127.0.0.1:{port}/x?redirect=yes").publish(
                    a_post()
                )
    assert reached == []


@pytest.mark.parametrize("post", [{"text": "x" * 32_769}, {"subject": "x" * 251}])
async def test_too_long_is_refused_and_not_cut(
    monkeypatch: pytest.MonkeyPatch, post: dict[str, Any]
) -> None:
    seen: list[bytes] = []
    async with raw.listening(raw.http(OK, seen)) as port:
        with pytest.raises(Rejected) as caught:
            await adapter_for(monkeypatch, f"json://127.0.0.1:{port}/x").publish(a_post(**post))
    assert caught.value.code == "too_long"
    assert seen == []


@pytest.mark.parametrize(
    "url",
    [
        "mailto://user:pass@example.org",
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        "dbus://",
        "syslog://",
        f"json://example.org/{TOKEN}",
        f"ntfy://example.org/{TOKEN}",
        "nonsense://example.org",
        "slack://",
        f"ntfys://example.org/{TOKEN}/second",
        "just words",
    ],
)
async def test_addresses_that_are_not_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ChannelDown) as caught:
        await adapter_for(monkeypatch, url).publish(a_post())
    assert TOKEN not in str(caught.value)
    assert caught.value.code == "config"


async def test_identify_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await adapter_for(monkeypatch, "ntfys://example.org/topic").identify() == "ntfy"


def test_apprise_knows_every_service_that_is_allowed() -> None:
    import apprise

    known = {
        schema
        for service in apprise.Apprise().details()["schemas"]
        for kind in ("protocols", "secure_protocols")
        for schema in service[kind] or ()
    }
    assert known >= ENCRYPTED | PLAIN


def test_the_limits_known_before_a_call_are_those_of_the_library() -> None:
    known = NotificationManager()
    for schema in ENCRYPTED | PLAIN:
        limit = LIMITS.get(schema, LIMITS.get(schema.removesuffix("s")))
        assert limit, schema
        most = known[schema].body_maxlen
        assert not isinstance(most, int) or limit == most, schema


ADDRESSES = {
    "nctalk": "nctalks://user:word@example.org/room",
    "opsgenie": "opsgenie://8b799edf-6f98-4d3a-9be7-2862fb4e5752",
    "pover": "pover://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "zulip": "zulip://botname@apprise/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/channel",
    "gotify": "gotifys://example.org/token",
    "ntfy": "ntfys://example.org/topic",
    "mmost": "mmosts://example.org/3ccdd113474722377935511fc85d3dd4",
    "gchat": "gchat://workspace/key/token",
}  # fmt: skip


def sent(monkeypatch: pytest.MonkeyPatch, url: str, title: str, body: str) -> str:
    """What the service is sent, without the network."""
    bodies: list[str] = []

    def post(*_given: object, data: Any = None, json: Any = None, **_more: object) -> Any:
        bodies.append(str(data if json is None else json))
        raise requests.RequestException

    monkeypatch.setattr(requests, "post", post)
    service = client.service(url, 1, 1)
    assert service is not None
    client.notify(service, title, body, 5)
    assert len(bodies) == 1, bodies
    return bodies[0]


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_service_shows_the_approved_title_and_none_that_apprise_makes_up(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Pushover, Zulip and Nextcloud Talk showed “Apprise Notifications” above an approved text; Opsgenie the first
    130 characters of it, cut."""
    body = "Les numeros d'urgence ne repondent pas. " * 10
    most = TITLES.get(name, 0)
    title = "T" * most
    said = sent(monkeypatch, ADDRESSES[name], title, body)
    assert "Apprise Notifications" not in said
    assert "..." not in said
    assert said.count("T" * 50) == most // 50
    assert "Apprise Notifications" not in sent(monkeypatch, ADDRESSES[name], "", body)


@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_is_posted_in_apprise_s_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Mattermost and Matrix hooks showed “Apprise” and its picture above the words of an authority."""
    address = ADDRESSES[name].replace("apprise", "server")
    assert "apprise" not in sent(monkeypatch, address, "", "Faites le 15.").lower()


def test_the_name_above_the_posts_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[str] = []

    def post(*_given: object, data: Any = None, **_more: object) -> Any:
        bodies.append(str(data))
        raise requests.RequestException

    monkeypatch.setattr(requests, "post", post)
    for more in ({}, {"shown_as": "Préfecture"}):
        monkeypatch.setenv("ELSEWHERE", ADDRESSES["mmost"] + "?image=yes")
        settings = AppriseSettings(url_env="ELSEWHERE", **more)
        channel = Channel("elsewhere", AppriseAdapter.spec, ("fr",), Audience.TEAM)
        service = AppriseAdapter(channel, settings)._service()
        client.notify(service, "", "Faites le 15.", 5)
    assert [json.loads(body)["username"] for body in bodies] == ["alertbot", "Préfecture"]
    assert not any("icon_url" in body for body in bodies)


def test_another_format_in_the_address_changes_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `format=html` Apprise would send `&lt;15&gt;`, longer than what was judged."""
    said = sent(monkeypatch, ADDRESSES["pover"] + "?format=html", "", "Faites le <15> & le 18.")
    assert "Faites le <15> & le 18." in said


def test_the_title_of_a_service_is_shown_before_approval(tmp_path: Path) -> None:
    channel = {"type": "apprise", "url_env": "ELSEWHERE", "languages": ["en"]}
    organisation = {**CONFIG["organisation"], "sandbox": False}
    config = CONFIG | {"channels": {"elsewhere": channel}, "organisation": organisation}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    facts = program.run("kinds", "holding", "--example", folder=tmp_path).out
    (tmp_path / "facts.yaml").write_text(facts, encoding="utf-8")
    for address, shown in (("pover", "Rhône and Loire"), ("zulip", "[XXXX-1]"), ("mmost", "")):
        more = {"ELSEWHERE": ADDRESSES[address]}
        given = ("preview", "holding", "--vars", "facts.yaml")
        answer = program.run(*given, "--json", folder=tmp_path, **more)
        (message,) = answer.json["messages"]
        assert shown in (message["subject"] or ""), address
        assert bool(message["subject"]) == bool(shown)
        assert len(message["subject"] or "") <= TITLES.get(address, 0)
        said = program.run(*given, folder=tmp_path, **more).out
        assert ("Title: " + (message["subject"] or "")) in said or not shown
        program.run(*given, "--html", "page.html", folder=tmp_path, **more)
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert f"<b>{message['subject']}</b>" in page or not shown


def test_the_limits_of_titles_are_those_of_the_library() -> None:
    known = NotificationManager()
    for name, most in TITLES.items():
        library = known[name if name in known else f"{name}s"]
        room = min(library.title_maxlen, getattr(library, "opsgenie_body_minlen", 1000))
        assert most == room - len("TEST "), name


@pytest.mark.parametrize(
    ("url", "limit", "form"),
    [
        ("mastodons://token@example.org", 500, "short"),
        ("bluesky://user:password@handle", 280, "short"),
        ("discord://1/2", 2000, "long"),
        ("slack://a/b/c", 35000, "long"),
        ("unknown://x", None, "long"),
    ],
)
def test_the_limit_of_the_service_is_known_before_approval(
    monkeypatch: pytest.MonkeyPatch, url: str, limit: int | None, form: str
) -> None:
    monkeypatch.setenv("ELSEWHERE", url)
    spec = AppriseSettings(url_env="ELSEWHERE").narrowed(AppriseAdapter.spec)
    assert (spec.limit, spec.form) == (limit, form)
    monkeypatch.delenv("ELSEWHERE")
    assert AppriseSettings(url_env="ELSEWHERE").narrowed(AppriseAdapter.spec).limit is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<@&123> panne", True),
        ("@**all** panne", True),
        ("le *112* marche", True),
        ("le ~~112~~ marche", True),
        ("_112_", True),
        ("[ici](https://example.org)", True),
        ("# Panne", True),
        ("|| 112 ||", True),
        ("- 15, 17 et 18 < 112 > rien * 3 [BKRT-1]", False),
        ("https://example.org/a_b/c_d?x=1&y=2", False),
        ("Les numéros d'urgence (15 & 18) ne répondent pas.\n\nProchain point à 17 h.", False),
    ],
)
def test_what_a_service_reads_as_markup_or_mention_is_judged_before_approval(
    monkeypatch: pytest.MonkeyPatch, text: str, wrong: bool
) -> None:
    monkeypatch.setenv("ELSEWHERE", "discord://1/2")
    spec = AppriseSettings(url_env="ELSEWHERE").narrowed(AppriseAdapter.spec)
    message = Message(
        "elsewhere", "apprise", "fr", 1, 1, text, None, None, len(text), 2000, spec.measure
    )
    found = messages.misread(Channel("elsewhere", spec, ("fr",)), [message])
    assert [one.rule for one in found] == ["misread"] * wrong
