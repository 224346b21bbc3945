"""`record` and `settle` are believed within bounds (cases 9 and 19): what was approved, the channel's own posts,
each once; and what a later alert answers or deletes was signed with it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml

from alertbot.alerts import publishing
from alertbot.core.errors import Misuse, Refused, Uncertain
from alertbot.core.model import Post, PostAddresses, Receipt
from alertbot.db.database import Database
from alertbot.ops import overview
from tests import team
from tests.cli.desk import Desk
from tests.trust.test_judged import ACCOUNT, CHAT, KEYS, MAIL, TEAM, configured, rows

OURS = {
    "x_main": "https://x.com/alertes_exemple/status/1400000000000000007",
    "telegram_public": "https://t.me/alertes_exemple/17",
}


@pytest.fixture
def posting(desk: Desk) -> Desk:
    configured(desk, channels={"x_main": ACCOUNT, "telegram_public": CHAT, "press": MAIL, "team": TEAM})
    return desk


def ran(desk: Desk, *arguments: str, by: str | None = None) -> Any:
    return desk.run(*arguments, by=by, **KEYS)


def approved(desk: Desk) -> str:
    facts = ("--vars", desk.facts("holding"), "--new-incident")
    drafted = ran(desk, "draft", "holding", *facts, "--json", by="ada")
    alert = str(drafted.json["id"])
    assert ran(desk, "submit", alert, by="ada").code == 0
    ran(desk, "show", alert, by="bo")
    assert ran(desk, "approve", alert, by="bo").code == 0
    return alert


def record(desk: Desk, alert: str, channel: str, url: str) -> Any:
    return ran(desk, "record", alert, "--channel", channel, "--url", url, by="ada")


@pytest.mark.parametrize("verbs", [(), ("submit",), ("submit", "return"), ("submit", "reject")])
def test_case_9_nothing_is_recorded_for_what_was_not_approved(
    posting: Desk, verbs: Sequence[str]
) -> None:
    drafted = ran(posting, "draft", "holding", "--vars", posting.facts("holding"), "--json", by="ada")
    alert = str(drafted.json["id"])
    for verb in verbs:
        more = () if verb == "submit" else ("--reason", "no")
        assert ran(posting, verb, alert, *more, by="ada" if verb == "submit" else "bo").code == 0
    refused = record(posting, alert, "telegram_public", OURS["telegram_public"])
    assert refused.code == 1
    assert "only what was approved can have been posted" in refused.err
    assert ran(posting, "retract", alert, "--now", by="bo").code == 1


@pytest.mark.parametrize(
    ("channel", "url"),
    [
        ("telegram_public", "https://t.me/stranger_exemple/17"),
        ("telegram_public", "https://t.me/alertes_exemple_2/17"),
        ("telegram_public", "https://t.me/c/1234567890/17"),
        ("telegram_public", "https://example.org/alertes_exemple/17"),
        ("telegram_public", "https://t.me.example.org/alertes_exemple/17"),
        ("telegram_public", "https://t.me/alertes_exemple/17/../../stranger/18"),
        ("telegram_public", "http://t.me/alertes_exemple/17"),
        ("x_main", "https://x.com/stranger/status/1400000000000000007"),
        ("x_main", "https://x.com/i/web/status/1400000000000000007"),
        ("x_main", "https://x.com@example.org/alertes_exemple/status/1400000000000000007"),
        ("x_main", "https://x.com/alertes_exemple/status/14a"),
        ("press", "https://example.org/1"),
    ],
)
def test_case_9_the_address_belongs_to_the_channel(posting: Desk, channel: str, url: str) -> None:
    alert = approved(posting)
    refused = record(posting, alert, channel, url)
    assert refused.code == 2
    assert channel in refused.err


def test_an_account_without_a_name_says_what_to_do(posting: Desk) -> None:
    alert = approved(posting)
    nameless = {key: value for key, value in ACCOUNT.items() if key != "account"}
    configured(posting, channels={"x_main": nameless, "team": TEAM})
    refused = record(posting, alert, "x_main", OURS["x_main"])
    assert refused.code == 2
    assert "Set `account:`" in refused.err


@pytest.mark.parametrize("channel", sorted(OURS))
def test_a_post_is_recorded_once(posting: Desk, channel: str) -> None:
    first, second = approved(posting), approved(posting)
    url = OURS[channel]
    assert record(posting, first, channel, url).code == 0
    for alert, again in ((first, url), (second, url), (second, url + "?s=20")):
        refused = record(posting, alert, channel, again)
        assert refused.code == 1
        assert f"already recorded for {first}" in refused.err


def test_what_a_retraction_answers_was_signed_with_it(posting: Desk) -> None:
    """A post that was recorded between the submission and the approval was shown to nobody."""
    alert = approved(posting)
    assert record(posting, alert, "telegram_public", OURS["telegram_public"]).code == 0
    retraction = str(ran(posting, "retract", alert, "--submit", "--json", by="ada").json["id"])
    late = "https://t.me/alertes_exemple/99"
    assert record(posting, alert, "telegram_public", late).code == 0
    ran(posting, "show", retraction, by="bo")
    assert ran(posting, "approve", retraction, by="bo").code == 0
    ran(posting, "halt", alert)
    ran(posting, "run", "--once")
    mine = [row for row in rows(posting, retraction) if row["channel"] == "telegram_public"]
    assert mine
    assert all(row["state"] == "failed" for row in mine), mine
    assert all("it would answer or delete 99" in row["reason"] for row in mine)


async def test_case_19_settle_takes_only_a_post_of_the_channel_that_no_delivery_has(
    database: Database,
) -> None:
    """Else a cancellation would delete somebody's post, or that of another alert."""

    def unknown(_post: Post) -> Receipt:
        raise Uncertain("no answer")

    ours = PostAddresses((r"https://t\.me/ours/(?P<id>\d+)",), "https://t.me/ours/17")
    public = replace(team.CHANNELS[0], addresses=ours)
    channels = (public, team.CHANNELS[2])
    people = await team.gather(database, channels, handlers={"public": unknown})
    service, ada = people.service, people.people["ada"]
    first, second = await people.approved(), await people.approved()
    await publishing.record(service, ada, first.id, "public", "https://t.me/ours/17")
    await people.work()
    doubts = await overview.deliveries(service, second.id, None, None)
    number = next(row.id for row in doubts if row.state == "uncertain" and row.channel == "public")
    with pytest.raises(Misuse, match="is not a post of public"):
        await publishing.settle(
            service, people.people["bo"], number, "sent", "https://t.me/stranger/18"
        )
    with pytest.raises(Refused, match=f"already recorded for {first.id}"):
        await publishing.settle(service, people.people["bo"], number, "sent", "https://t.me/ours/17")
    settled = await publishing.settle(
        service, people.people["bo"], number, "sent", "https://t.me/ours/18"
    )
    assert settled.state == "sent"


def test_case_9_the_address_is_judged_by_the_worker_too(posting: Desk) -> None:
    """Another configuration names a stranger's account; the retraction would answer the stranger."""
    alert = approved(posting)
    channels = yaml.safe_load((posting.folder / "config.yaml").read_text(encoding="utf-8"))["channels"]
    theirs = channels | {"telegram_public": channels["telegram_public"] | {"chat": "@etranger"}}
    configured(posting, "other.yaml", channels=theirs)
    url = "https://t.me/etranger/98"
    command = ("record", alert, "--channel", "telegram_public", "--url", url)
    assert posting.run("--config", "other.yaml", *command, by="ada", **KEYS).code == 0
    retraction = str(ran(posting, "retract", alert, "--submit", "--json", by="ada").json["id"])
    ran(posting, "show", retraction, by="bo")
    assert ran(posting, "approve", retraction, by="bo").code == 0
    ran(posting, "halt", alert)
    ran(posting, "run", "--once")
    mine = [row for row in rows(posting, retraction) if row["channel"] == "telegram_public"]
    assert mine
    assert all(row["state"] == "failed" for row in mine), mine
    assert all("is not a post of telegram_public" in row["reason"] for row in mine)
