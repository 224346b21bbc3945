"""Who is not to be written to any more: from the next mail on nothing goes there, whoever asks for what."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from alertbot.channels import base
from alertbot.core.errors import Rejected, Scope
from alertbot.core.model import Audience, Post, Purpose, Target
from alertbot.db.database import Database
from alertbot.db.tables import audit, dispatch
from alertbot.delivery import store_suppressed
from alertbot.delivery.ledger import Hooks
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.views import Suppressed
from tests.cli import desk
from tests.cli.desk import Desk
from tests.delivery.scene import NullAdapter, channel, put, rows

MAIL = channel("mail", spec=base.EMAIL)


@pytest.fixture
def team(tmp_path: Path) -> Desk:
    opened = desk.opened(tmp_path)
    mail = {
        "type": "email", "host": "127.0.0.1", "port": 9, "security": "none", "sender": "a@example.org",
        "recipients": "readers.csv", "connect_within": "1s",
    }  # fmt: skip
    (tmp_path / "readers.csv").write_text("address,critical\nSamu@example.org,oui\nb@example.org,\n")
    opened.configure(channels={"mail": mail, "team": {"type": "memory", "audience": "team"}})
    return opened


def listed(team: Desk) -> list[tuple[str | None, str | None]]:
    return [(one["address"], one["reason"]) for one in team.run("recipients", "list", "--json").json]


async def _suppress(database: Database, *addresses: str, reason: str = "unsubscribed") -> None:
    from datetime import UTC, datetime

    async def work(conn) -> None:
        for one in addresses:
            await store_suppressed.add(conn, one, Suppressed(reason), at=datetime.now(UTC))

    await database.transact(work)


async def test_what_is_queued_already_is_skipped_with_the_reason(database: Database) -> None:
    await put(database, ["A@Bücher.example", "b@example.org", "c@example.org"], on=MAIL)
    await _suppress(database, "a@xn--bcher-kva.example")
    await _suppress(database, "C@example.ORG", reason="bounced")
    adapter = NullAdapter(MAIL)
    tally = await LocalRunner(database, {"mail": adapter}).run_once()
    assert [post.target for post in adapter.posts] == ["b@example.org"]
    assert (tally.sent, tally.skipped, tally.waiting) == (1, 2, 0)
    found = [(row.state, row.reason, row.attempts) for row in await rows(database)]
    assert found[0] == ("skipped", "Not sent: the recipient has unsubscribed.", 0)
    assert found[2] == ("skipped", "Not sent: this address does not exist, as its server said.", 0)
    still = select(func.count()).select_from(dispatch).where(~dispatch.c.closed)
    assert await database.read(lambda conn: conn.scalar(still)) == 0


async def test_notices_to_the_team_go_out_all_the_same(database: Database) -> None:
    own = (Target("b@example.org"),)
    team = channel("mail", spec=base.EMAIL, audience=Audience.TEAM, targets=own)
    await put(database, ["b@example.org"], on=team, purpose=Purpose.NOTICE)
    await _suppress(database, "b@example.org")
    adapter = NullAdapter(team)
    await LocalRunner(database, {"mail": adapter}).run_once()
    assert len(adapter.posts) == 1


async def test_an_address_that_a_server_does_not_know_is_told_once(database: Database) -> None:
    await put(database, ["b@example.org", "c@example.org"], on=MAIL)
    told: list[tuple[str, str, str]] = []

    async def gone(*said: str) -> None:
        told.append(said)  # type: ignore[arg-type]

    def answer(post: Post) -> Rejected | None:
        unknown = post.target.startswith("b")
        return Rejected("no", scope=Scope.RECIPIENT, gone="5.1.1" if unknown else "")

    runner = LocalRunner(database, {"mail": NullAdapter(MAIL, answer)}, hooks=Hooks(gone=gone))
    await runner.run_once()
    assert told == [("b@example.org", "5.1.1", "mail")]


def test_at_the_command_line(team: Desk) -> None:
    team.does("recipients", "suppress", "Samu@Example.org", "x@example.org", by="ada")
    said = team.does(
        "recipients", "suppress", "samu@example.org", "y@example.org", "--unsubscribed", by="ada"
    )
    assert said.strip() == "1 address is no longer written to (1 was not written to before)."
    assert sorted(listed(team), key=str) == [
        ("Samu@example.org", "by_hand"), ("x@example.org", "by_hand"), ("y@example.org", "unsubscribed"),
    ]  # fmt: skip
    refused = team.run("recipients", "release", "x@example.org", "y@example.org", by="bo")
    assert refused.code == 1
    assert "y@example.org does not want any mail" in refused.err
    assert len(listed(team)) == 3  # nothing half done
    team.does("recipients", "release", "y@example.org", "--reason", "asked by telephone", by="bo")
    assert ("y@example.org", "unsubscribed") not in listed(team)
    assert "by hand" in team.does("recipients", "list")


def test_an_erased_address_is_forgotten_and_still_not_written_to(team: Desk) -> None:
    team.does("recipients", "suppress", "b@example.org", by="ada")
    team.does("recipients", "suppress", "B@example.org", "--erased", by="bo")
    assert listed(team) == [(None, "erased")]
    assert "b@example.org" not in team.does("audit", "export", "--json").casefold()
    assert team.run("audit", "verify").code == 0
    again = team.run("recipients", "suppress", "b@example.org", "--json", by="ada").json
    assert again == {"reason": "by_hand", "changed": 0, "unchanged": 1}
    assert listed(team) == [(None, "erased")]


def test_bad_input_changes_nothing(team: Desk) -> None:
    file = team.folder / "gone.txt"
    file.write_text("ok@example.org\nnot an address\n")
    answer = team.run("recipients", "suppress", "--file", "gone.txt", by="ada")
    assert answer.code == 2
    assert "“not an address” is not a mail address" in answer.err
    for wrong in (
        ("suppress",),
        ("suppress", "--file", "none.txt"),
        ("suppress", "a@b.fr", "--erased", "--unsubscribed"),
    ):
        answer = team.run("recipients", *wrong, by="ada")
        assert answer.code == 2
        assert "Traceback" not in answer.err
    assert team.run("recipients", "release", "a@example.org", by="ada").code == 1  # needs an approver
    assert listed(team) == []


async def test_a_critical_recipient_that_does_not_exist_is_a_task_for_the_team(team: Desk) -> None:
    from alertbot.app import build
    from alertbot.people import recipients, tasks

    app = build(team.folder / "config.yaml")
    service = await app.open()
    try:
        await recipients.gone(service, "samu@EXAMPLE.org", "5.1.1", "mail")
        await recipients.gone(service, "samu@EXAMPLE.org", "5.1.1", "mail")
        await recipients.gone(service, "b@example.org", "5.1.1", "mail")
        open_ = await tasks.listing(service)
        found = await recipients.listing(service)
        last = select(audit.c.detail).where(audit.c.verb == "task")
        details = [str(one) for one in await service.database.read(lambda conn: conn.scalars(last))]
    finally:
        await app.close()
    assert [one.kind for one in open_ if one.kind == "bounced"] == ["bounced"]
    assert {one.address for one in found} == {"samu@EXAMPLE.org", "b@example.org"}
    assert "samu@" not in "".join(details).casefold()
