"""The worker judges again, by its own configuration: cases 1, 2, 6 and 7, and links to approve. Whoever types has another
configuration, or something changed between the approval and the first call."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertbot.alerts import showing
from alertbot.alerts.requests import buttons, links
from alertbot.alerts.views import AlertView
from alertbot.app import App, build
from alertbot.core.model import Person
from alertbot.people import store_people
from alertbot.people.context import Context
from alertbot.texts.kinds.layers import shipped
from tests.cli.desk import CONFIG, Desk
from tests.program import Answer

LIVE = {"type": "memory"}
TEAM = {"type": "memory", "audience": "team"}
CHAT = {
    "type": "telegram",
    "api_url": "http://127.0.0.1:9",
    "bot_token_env": "TEST_BOT",
    "chat": "@alertes_exemple",
}
ACCOUNT = {
    "type": "x",
    "api_url": "http://127.0.0.1:9",
    "account": "@alertes_exemple",
    "consumer_key_env": "TEST_A",
    "consumer_secret_env": "TEST_B",
    "access_token_env": "TEST_C",
    "access_token_secret_env": "TEST_D",
}
MAIL = {
    "type": "email",
    "host": "127.0.0.1",
    "port": 9,
    "security": "none",
    "sender": "Alertes <alertes@example.org>",
    "recipients": ["redaction@example.org"],
}
HOOK = {"type": "apprise", "url_env": "TEST_URL"}
KEYS = {
    "TEST_A": "key",
    "TEST_B": "secret",
    "TEST_C": "1400000000000000001-one",
    "TEST_D": "secret",
    "TEST_BOT": "1400000001:one",
    "TEST_URL": "json://127.0.0.1:9/one",
}


def configured(desk: Desk, name: str = "config.yaml", **changes: Any) -> Path:
    """A configuration of the same database; `changes` replace whole sections."""
    present = yaml.safe_load((desk.folder / "config.yaml").read_text(encoding="utf-8"))
    path = desk.folder / name
    text = yaml.safe_dump(CONFIG | present | changes, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path


def by_other(desk: Desk, *arguments: str, by: str | None = None, **environment: str) -> Answer:
    return desk.run("--config", "other.yaml", *arguments, by=by, **environment)


def rows(desk: Desk, alert: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.run("deliveries", alert, "--json").json
    return [row for row in found if row["channel"] != "team"]


def reason(desk: Desk, alert: str, *, states: tuple[str, ...] = ("failed",)) -> str:
    """Why nothing of it was sent, which the team was told; each of its calls says so."""
    found = rows(desk, alert)
    assert found
    assert {row["state"] for row in found} == set(states), found
    assert all(row["attempts"] == 0 for row in found)
    (why,) = {row["reason"] for row in found}
    told = " ".join(one["text"] for one in desk.run("task", "list", "--json").json)
    assert alert in told
    assert why in told
    assert why.startswith("Not sent: ")
    return str(why)


def sent(desk: Desk, alert: str) -> None:
    found = rows(desk, alert)
    assert found
    assert {row["state"] for row in found} == {"sent"}, found


@pytest.mark.parametrize("more", [{}, {"second": TEAM}])
def test_case_1_a_test_is_not_published_because_another_configuration_calls_the_channel_team(
    desk: Desk, more: dict[str, Any]
) -> None:
    channels = {"public": TEAM, "team": TEAM, "drill": CONFIG["channels"]["drill"], **more}  # type: ignore[index]
    configured(desk, "other.yaml", channels=channels)
    alert = desk.draft()
    assert by_other(desk, "test-send", alert, "--to", "public", by="ada").code == 0
    desk.run("run", "--once")
    assert "does not have audience `team`" in reason(desk, alert)


def test_case_2_approvals_are_counted_by_the_rules_of_the_worker(desk: Desk) -> None:
    """Another configuration asks for fewer people."""
    configured(desk, "other.yaml", approvals={"holding": {"approvers": 1}})
    configured(desk, approvals={"holding": {"approvers": 2}})
    alert = str(
        by_other(desk, "draft", "holding", "--vars", desk.facts("holding"), "--json", by="ada").json[
            "id"
        ]
    )
    assert by_other(desk, "submit", alert, by="ada").code == 0
    by_other(desk, "show", alert, by="bo")
    assert by_other(desk, "approve", alert, by="bo").code == 0
    desk.run("run", "--once")
    assert "1 of the 2 approvals" in reason(desk, alert)


def test_case_2_nobody_approves_alone_by_a_folder_of_kinds_of_their_own(desk: Desk) -> None:
    kind = desk.folder / "mine" / "holding"
    kind.mkdir(parents=True)
    text = (shipped() / "holding" / "kind.yaml").read_text(encoding="utf-8")
    lenient = text.replace("author_may_approve: false", "author_may_approve: true")
    assert lenient != text
    (kind / "kind.yaml").write_text(lenient, encoding="utf-8")
    configured(desk, "other.yaml", messages="mine")
    drafted = by_other(desk, "draft", "holding", "--vars", desk.facts("holding"), "--json", by="bo")
    alert = str(drafted.json["id"])
    assert by_other(desk, "submit", alert, by="bo").code == 0
    by_other(desk, "show", alert, by="bo")
    if by_other(desk, "approve", alert, by="bo").code == 0:  # the rules of approval may refuse it first
        desk.run("run", "--once")
        assert "the files of the kind holding" in reason(desk, alert)
    assert not [row for row in rows(desk, alert) if row["state"] == "sent"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("channel", "change", "environment", "fact"),
    [
        (CHAT, {"chat": "@autre_exemple"}, {}, "chat"),
        (CHAT, {"api_url": "http://127.0.0.1:10"}, {}, "server"),
        (CHAT, {}, {"TEST_BOT": "1400000002:other"}, "bot"),
        (ACCOUNT, {}, {"TEST_C": "1400000000000000002-one"}, "user"),
        (ACCOUNT, {"account": "@autre_exemple"}, {}, "account"),
        (MAIL, {"sender": "Alertes <autre@example.com>"}, {}, "sender"),
        (MAIL, {"host": "127.0.0.2"}, {}, "server"),
        (HOOK, {}, {"TEST_URL": "json://127.0.0.1:9/other"}, "address"),
        (CHAT, {"audience": "team"}, {}, "audience"),
        (LIVE, {"type": "console"}, {}, "type"),
    ],
)
def test_case_6_what_a_channel_is_may_not_change_after_the_submission(
    desk: Desk, channel: dict[str, Any], change: dict[str, Any], environment: dict[str, str], fact: str
) -> None:
    configured(desk, channels={"public": channel, "team": TEAM})
    alert = str(
        desk.run("draft", "holding", "--vars", desk.facts("holding"), "--json", by="ada", **KEYS).json[
            "id"
        ]
    )
    assert desk.run("submit", alert, by="ada", **KEYS).code == 0
    desk.run("show", alert, by="bo", **KEYS)
    assert desk.run("approve", alert, by="bo", **KEYS).code == 0
    configured(desk, channels={"public": channel | change, "team": TEAM})
    desk.run("run", "--once", **KEYS | environment)
    assert f"public: {fact} was " in reason(desk, alert)


def test_case_6_the_files_of_the_kind_may_not_change_after_the_submission(desk: Desk) -> None:
    alert = desk.shown()
    assert desk.run("approve", alert, by="bo").code == 0
    folder = desk.folder / "mine" / "holding" / "fr"
    folder.mkdir(parents=True)
    (folder / "short.md.j2").write_text("Tout va bien.", encoding="utf-8")
    configured(desk, messages="mine")
    desk.run("run", "--once")
    assert "the files of the kind holding" in reason(desk, alert)


def test_case_7_an_approver_who_is_revoked_before_the_first_call(desk: Desk) -> None:
    desk.add("dan", "approver", by="bo")
    assert desk.run("people", "confirm", "dan", by="cy").code == 0
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    desk.run("show", alert, by="dan")
    assert desk.run("approve", alert, by="dan").code == 0
    assert desk.run("people", "revoke", "dan", by="bo").code == 0
    desk.run("run", "--once")
    assert "dan was revoked" in reason(desk, alert)


def test_case_7_an_approver_who_is_revoked_while_it_is_halted(desk: Desk) -> None:
    desk.add("dan", "approver", by="bo")
    assert desk.run("people", "confirm", "dan", by="cy").code == 0
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    desk.run("show", alert, by="dan")
    assert desk.run("approve", alert, by="dan").code == 0
    assert desk.run("halt", alert).code == 0
    desk.run("run", "--once")
    assert {row["state"] for row in rows(desk, alert)} == {"pending"}
    assert desk.run("people", "revoke", "dan", by="bo").code == 0
    assert desk.run("resume", alert, by="cy").code == 0
    desk.run("run", "--once")
    assert "dan was revoked" in reason(desk, alert)


def test_case_7_an_approval_that_would_lapse_before_the_start_is_not_taken(desk: Desk) -> None:
    alert = desk.draft("holding", "--not-before", "+20h")
    desk.run("submit", alert, by="ada")
    desk.run("show", alert, by="bo")
    refused = desk.run("approve", alert, by="bo")
    assert refused.code == 1
    assert "an approval given now lapses at" in refused.err


def test_a_new_token_voids_no_approval_that_was_given_before(desk: Desk) -> None:
    """Neither one that the person drew, nor one that an admin did and nobody has confirmed yet."""
    desk.add("dan", "approver", by="bo")
    assert desk.run("people", "confirm", "dan", by="cy").code == 0
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    desk.run("show", alert, by="dan")
    assert desk.run("approve", alert, by="dan").code == 0
    assert desk.run("people", "rotate", "dan", by="bo").code == 0
    desk.run("run", "--once")
    sent(desk, alert)


def test_what_does_not_bear_on_it_may_change(desk: Desk) -> None:
    """The organisation's name, the team's channel, paces and other kinds; and two workers, one after another."""
    alert = desk.shown()
    assert desk.run("approve", alert, by="bo").code == 0
    other = desk.folder / "mine" / "status" / "fr"
    other.mkdir(parents=True)
    (other / "short.md.j2").write_text("Point.", encoding="utf-8")
    organisation = CONFIG["organisation"] | {"name": "Préfecture d'ailleurs"}  # type: ignore[operator]
    configured(
        desk,
        organisation=organisation,
        messages="mine",
        channels={"public": LIVE | {"pace": {"per_second": 5}}, "equipe": TEAM},
    )
    desk.run("run", "--once")
    desk.run("run", "--once")
    sent(desk, alert)


def test_a_halt_and_a_resume_alone_stop_nothing(desk: Desk) -> None:
    alert = desk.shown()
    assert desk.run("approve", alert, by="bo").code == 0
    for what in ((), ("--channel", "public"), (alert,)):
        assert desk.run("halt", *what).code == 0
        desk.run("run", "--once")
        assert desk.run("resume", *what, by="cy").code == 0
    desk.run("run", "--once")
    sent(desk, alert)


WAYS: dict[str, dict[str, Any]] = {
    "mail": {"channel": "press", "base_url": "http://127.0.0.1:8470", "secret_env": "TEST_KEY"},
    "telegram": {"api_url": "http://127.0.0.1:9", "bot_token_env": "TEST_KEY"},
}
OWN_KEY, OTHER_KEY = "k" * 40, "o" * 40


async def _approved_on(way: str, path: Path, alert: str, name: str) -> None:
    """What `serve` with this configuration does when this person answers a link or presses a button."""
    app = build(path)
    service = await app.open()
    try:
        digest = (await showing.brief(service, alert)).digest
        person = next(one for one in await _people(service) if one.name == name)
        if way == "telegram":
            assert await buttons.see(service, person, alert, digest) is None
            view = await buttons.approve_by_button(service, person, alert, digest, way=way)
        else:
            view = await _by_link(app, service, person, alert, digest)
        assert view.state == "approved"
    finally:
        await app.close()


async def _people(service: Context) -> tuple[Person, ...]:
    return await service.database.read(lambda conn: store_people.persons(conn, now=service.now))


async def _by_link(app: App, service: Context, person: Person, alert: str, digest: str) -> AlertView:
    key = app.link_key()
    assert key is not None
    later = service.now + timedelta(hours=1)
    token = await links.issue(
        service, key, alert=alert, digest=digest, person_id=person.id, until=later
    )
    answer = links.PageAnswer("approve", key.form(token), read=True)
    return (await links.decide(service, key, token, answer)).alert


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key", "change"),
    [(OWN_KEY, {}), (OTHER_KEY, {}), (OWN_KEY, {"approvals_by": {}})],
    ids=["the worker's", "another key", "none"],
)
def test_a_link_or_button_that_the_workers_configuration_does_not_send_approves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, key: str, change: dict[str, Any], way: str
) -> None:
    """Whoever can write to the database serves the pages with a key of their own and reads the links there, or
    lets a bot of their own say that somebody pressed."""
    channels = CONFIG["channels"] | {"press": {**MAIL, "audience": "exercise"}}  # type: ignore[operator]
    configured(desk, channels=channels, approvals_by={way: WAYS[way]})
    alert = desk.shown()
    monkeypatch.setenv("TEST_KEY", key)
    asyncio.run(_approved_on(way, desk.folder / "config.yaml", alert, "bo"))
    configured(desk, **change)
    desk.run("run", "--once", TEST_KEY=OWN_KEY)
    if key == OWN_KEY and not change:
        sent(desk, alert)
    else:
        assert "bo approved by a link or button" in reason(desk, alert)
