"""What the worker's judgement stops and lets through: after a crash, with people revoked, entries of the register
changed, secrets rotated and folders renamed; and what another configuration leads past the team."""

import asyncio
import shutil
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import text

from alertbot.alerts import approving, showing
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts, tasks
from alertbot.texts.kinds.layers import shipped
from alertbot.watch import watching
from alertbot.watch.preapproval import sample, signing
from alertbot.watch.rules_signals import Observed
from tests.cli.desk import Desk
from tests.team import Team, gather
from tests.trust.test_judged import (
    ACCOUNT,
    CHAT,
    KEYS,
    LIVE,
    MAIL,
    TEAM,
    by_other,
    configured,
    reason,
    rows,
    sent,
)
from tests.watch.preapproval.test_by_itself import SLOW
from tests.watch.test_watching import alerts, says, texts, watched

SHOT = """
import asyncio, os, signal, sys
from alertbot.db.database import Database
from alertbot.delivery import store_accounts, store_claim

async def main():
    database = await Database.open(sys.argv[1], migrate=False)
    async def take(conn):
        (account,) = await store_accounts.named(conn, ["public"])
        return await store_claim.claim(conn, account, 8, worker="shot", lease=0.01)
    if (await database.transact(take)).rows:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def execute(database: Database, statement: str, **values: Any) -> None:
    async def work(conn: Any) -> None:
        await conn.execute(text(statement), values)

    await database.transact(work)


async def due(team: Team) -> None:
    """What waits for its start is due now."""
    await execute(team.service.database, "UPDATE dispatch SET not_before = 1")


async def why(team: Team, alert: str) -> str:
    """The reason why nothing of the alert was sent, which a task tells the team as well."""
    assert not team.adapters["public"].posts
    found = [
        row
        for row in await overview.deliveries(team.service, alert, None, None)
        if row.purpose == "publication"
    ]
    assert {row.state for row in found} == {"failed"}, found
    (said,) = {row.reason for row in found}
    told = [one.text for one in await tasks.listing(team.service)]
    assert any(str(said) in one for one in told), told
    return str(said)


async def signed_by_dan(database: Database) -> Team:
    """A team whose rule cy and dan have approved in advance."""
    team = watched(await gather(database), SLOW)
    await team.join("dan", "approver")
    made = await sample.template(team.service, SLOW)
    for name in ("cy", "dan"):
        await signing.preapprove(team.service, team.people[name], SLOW.name, digest=made.digest)
    return team


async def test_a_rule_whose_signer_was_revoked_during_the_countdown(database: Database) -> None:
    team = await signed_by_dan(database)
    await says(team, Observed.DOWN)
    await accounts.revoke(team.service, team.people["bo"], "dan")
    team.clock.forward(seconds=91)
    await watching.look(team.service)
    await watching.look(team.service)
    await team.work()
    assert await alerts(team) == [("holding", "pending")]
    assert texts(team) == []


async def test_a_rule_whose_signer_was_revoked_before_the_first_call(database: Database) -> None:
    team = await signed_by_dan(database)
    await says(team, Observed.DOWN)
    team.clock.forward(seconds=91)
    await watching.look(team.service)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "approved")]
    await accounts.revoke(team.service, team.people["bo"], "dan")
    await team.work()
    assert texts(team) == []
    shown = await overview.status(team.service, None)
    assert "dan signed it but is no longer an approver" in await why(team, shown.alerts[0].id)


@pytest.mark.parametrize(
    "change",
    [
        "withdrawn_at = 1, withdrawn_by = 1, withdrawn_reason = 'wrong'",
        "version = version + 1",
        "verified_at = NULL, verified_by = NULL",
    ],
)
async def test_an_entry_changed_in_the_database_before_the_first_call(
    database: Database, change: str
) -> None:
    team = await gather(database)
    alert = await team.approved("provisional_number")
    assert alert.state == "approved"
    await execute(database, f"UPDATE number SET {change}")
    await team.work()
    assert "Not sent: " in await why(team, alert.id)


async def test_whoever_broke_the_glass_is_revoked_before_it_starts(database: Database) -> None:
    team = await gather(database)
    await team.join("dan", "approver")
    alert = await team.pending("holding", not_before="+10m")
    shown = await showing.show(team.service, alert.id, team.tokens["dan"])
    await approving.break_glass(team.service, team.people["dan"], alert.id, shown.digest, "fire")
    await accounts.revoke(team.service, team.people["bo"], "dan")
    await due(team)
    await team.work()
    assert "dan, who broke the glass, no longer counts" in await why(team, alert.id)


async def test_whoever_broke_the_glass_and_still_counts_is_heard(database: Database) -> None:
    team = await gather(database)
    alert = await team.pending("holding", not_before="+10m")
    shown = await showing.show(team.service, alert.id, team.tokens["bo"])
    await approving.break_glass(team.service, team.people["bo"], alert.id, shown.digest, "fire")
    await due(team)
    await team.work()
    assert team.adapters["public"].posts
    assert any("alone" in post.text for post in team.adapters["team"].posts)


@pytest.mark.parametrize("gone", [False, True])
def test_a_worker_that_is_killed_between_the_approval_and_the_first_call(
    desk: Desk, gone: bool
) -> None:
    """Whoever starts next judges for itself."""
    desk.join("dan", "approver", by="bo", confirmed_by="cy")
    alert = desk.draft()
    desk.does("submit", alert, by="ada")
    desk.does("show", alert, by="dan")
    desk.does("approve", alert, by="dan")
    shot = subprocess.run(
        [sys.executable, "-c", SHOT, desk.database], cwd=desk.folder, check=False, timeout=60
    )
    assert shot.returncode == -9
    if gone:
        desk.does("people", "revoke", "dan", by="bo")
    desk.run("run", "--once")
    if gone:
        assert "dan was revoked" in reason(desk, alert)
    else:
        sent(desk, alert)


def tried(desk: Desk, alert: str) -> None:
    """It was let through: the call was made, and the server was not there."""
    found = rows(desk, alert)
    assert found
    assert any(row["attempts"] for row in found), found  # the rest of a thread waits
    assert not [row for row in found if "Not sent" in (row["reason"] or "")], found


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("channel", "environment"),
    [
        (CHAT, {"TEST_BOT": "1400000001:another-secret-of-the-same-bot"}),
        (
            ACCOUNT,
            {"TEST_C": "1400000000000000001-two", "TEST_D": "other", "TEST_A": "a", "TEST_B": "b"},
        ),
        (
            MAIL | {"security": "tls", "username_env": "TEST_USER", "password_env": "TEST_PASSWORD"},
            {"TEST_PASSWORD": "new"},
        ),
    ],
    ids=["telegram", "x", "mail"],
)
def test_a_rotated_secret_of_the_same_account_is_no_other_account(
    desk: Desk, channel: dict[str, Any], environment: dict[str, str]
) -> None:
    keys = KEYS | {"TEST_USER": "alertes", "TEST_PASSWORD": "old"}
    configured(desk, channels={"public": channel, "team": TEAM})
    alert = str(
        desk.run("draft", "holding", "--vars", desk.facts("holding"), "--json", by="ada", **keys).json[
            "id"
        ]
    )
    for verb, by in (("submit", "ada"), ("show", "bo"), ("approve", "bo")):
        assert desk.run(verb, alert, by=by, **keys).code == 0
    desk.run("run", "--once", **keys | environment)
    tried(desk, alert)


def test_an_account_that_its_new_token_no_longer_names_is_another(desk: Desk) -> None:
    """The user of an OAuth 1.0a token is known, that of a bearer token is not."""
    nameless = {name: value for name, value in ACCOUNT.items() if name != "account"}
    configured(desk, channels={"public": nameless, "team": TEAM})
    alert = str(
        desk.run("draft", "holding", "--vars", desk.facts("holding"), "--json", by="ada", **KEYS).json[
            "id"
        ]
    )
    for verb, by in (("submit", "ada"), ("show", "bo"), ("approve", "bo")):
        assert desk.run(verb, alert, by=by, **KEYS).code == 0
    bearer = {"type": "x", "api_url": "http://127.0.0.1:9", "bearer_token_env": "TEST_A"}
    configured(desk, channels={"public": bearer, "team": TEAM})
    desk.run("run", "--once", **KEYS)
    assert "public: user was 1400000000000000001 when" in reason(desk, alert)
    assert "Set `account:`" in "\n".join(desk.run("check", "--json", **KEYS).json["warnings"])


def test_a_folder_of_kinds_that_was_renamed_after_the_approval(desk: Desk) -> None:
    folder = desk.folder / "mine" / "crue"
    shutil.copytree(shipped() / "holding", folder)
    configured(desk, messages="mine")
    drafted = desk.run("draft", "crue", "--vars", desk.facts("crue"), "--json", by="ada")
    assert drafted.code == 0, drafted.err
    alert = str(drafted.json["id"])
    desk.does("submit", alert, by="ada")
    desk.does("show", alert, by="bo")
    desk.does("approve", alert, by="bo")
    folder.rename(desk.folder / "mine" / "crues")
    desk.run("run", "--once")
    said = reason(desk, alert)
    assert "crue" in said
    assert "write it again and have it approved" in said


@pytest.mark.usefixtures("impatient")
def test_case_1_a_test_goes_to_the_team_as_the_worker_knows_it(desk: Desk) -> None:
    """Another configuration adds a newspaper to the team's recipients."""
    team = MAIL | {"audience": "team"}
    configured(desk, channels={"public": LIVE, "team": team})
    alert = desk.draft()
    more = team | {"recipients": ["redaction@example.org", "presse@example.com"]}
    configured(desk, "other.yaml", channels={"public": LIVE, "team": more})
    assert by_other(desk, "test-send", alert, "--to", "team", by="ada").code == 0
    desk.run("run", "--once")
    found = {row["target"]: row for row in desk.run("deliveries", alert, "--json").json}
    assert found["redaction@example.org"]["attempts"] > 0
    assert found["presse@example.com"]["state"] == "failed"
    assert "not among those approved" in found["presse@example.com"]["reason"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["elsewhere", "team"])
def test_case_10_the_glass_is_not_broken_in_silence_by_a_configuration_without_the_team(
    desk: Desk, where: str
) -> None:
    """The notice goes to a channel that no worker knows, or to another address."""
    mine = MAIL | {"audience": "team"}
    configured(desk, channels={"public": LIVE, "team": mine})
    alert = desk.draft()
    desk.does("submit", alert, by="ada")
    theirs = mine | {"recipients": ["bo@example.com"]}
    configured(desk, "other.yaml", channels={"public": LIVE, where: theirs})
    digest = by_other(desk, "show", alert, "--json", by="bo").json["digest"]
    glass = ("approve", alert, "--break-glass", "--reason", "fire", "--digest", digest)
    assert by_other(desk, *glass, by="bo").code == 0
    desk.run("run", "--once")
    found = [
        row for row in desk.run("deliveries", alert, "--json").json if row["purpose"] == "publication"
    ]
    assert {row["state"] for row in found} == {"failed"}
    assert all("no notice of it was queued for a team channel" in row["reason"] for row in found)


def test_a_channel_that_was_not_configured_at_the_submission_is_signed_by_nobody(desk: Desk) -> None:
    configured(desk, channels={"public": LIVE, "second": LIVE, "team": TEAM})
    alert = desk.draft()
    configured(desk, "other.yaml", channels={"second": LIVE, "team": TEAM})
    if by_other(desk, "submit", alert, by="ada").code == 0:
        desk.does("show", alert, by="bo")
        desk.does("approve", alert, by="bo")
        desk.run("run", "--once")
        public = [row for row in rows(desk, alert) if row["channel"] == "public"]
        assert {row["state"] for row in public} == {"failed"}
        assert all(
            "public was not configured where it was submitted" in row["reason"] for row in public
        )


def test_an_approval_lasts_as_long_as_the_worker_says(desk: Desk) -> None:
    """Another configuration lets it last for days, so that it still counts when something late starts."""
    configured(desk, "other.yaml", approvals={"holding": {"expires_after": "30d"}})
    facts = desk.facts("holding")
    draft = ("draft", "holding", "--vars", facts, "--not-before", "+20h", "--set", "next_update=+21h")
    alert = str(by_other(desk, *draft, "--json", by="ada").json["id"])
    assert by_other(desk, "submit", alert, by="ada").code == 0
    desk.does("show", alert, by="bo")
    desk.does("approve", alert, by="bo")
    past = 25 * 3600
    asyncio.run(_moved(desk, alert, past))
    desk.run("run", "--once")
    assert "that of bo has lapsed" in reason(desk, alert)


async def _moved(desk: Desk, alert: str, seconds: int) -> None:
    """The approval as if it had been given so much earlier, and its start as due."""
    database = await Database.open(desk.database, migrate=False)
    try:
        await execute(
            database, f"UPDATE approval SET at = at - {seconds} WHERE alert_id = :alert", alert=alert
        )
        await execute(database, "UPDATE dispatch SET not_before = 1")
    finally:
        await database.close()


def test_nobody_has_the_name_of_the_program(desk: Desk) -> None:
    refused = desk.run("people", "add", "AlertBot", "--role", "approver", by="bo")
    assert refused.code == 2
    assert "is the program itself in the audit" in refused.err


@pytest.mark.parametrize("verb", ["retract", "cancel"])
def test_what_is_answered_or_deleted_is_shown_to_whoever_signs_it(desk: Desk, verb: str) -> None:
    alert = desk.shown("status")
    desk.does("approve", alert, "--publish", by="bo")
    denial = ("--text", "fr=Le 15 répond.", "--text", "en=15 answers.") if verb == "cancel" else ()
    back = str(desk.run(verb, alert, *denial, "--submit", "--json", by="ada").json["id"])
    posts = desk.run("show", back, "--json", by="bo").json["posts"]
    ids = {row["url"] or row["remote_id"] for row in rows(desk, alert) if row["channel"] == "public"}
    assert {one["address"] for one in posts if one["channel"] == "public"} == ids - {None}
    assert {one["alert"] for one in posts} == {alert}
    desk.does("show", back, "--html", "page.html", by="bo")
    page = (desk.folder / "page.html").read_text(encoding="utf-8")
    for shown in (desk.does("show", back, by="bo"), page):
        assert "Answers, edits or deletes" in shown
        assert all(one in shown for one in ids)
