"""What counts as seen, and what the files around it may be (case 23)."""

import asyncio
import shutil
import stat
from pathlib import Path

import pytest

from alertbot.alerts import approving
from alertbot.app import build
from alertbot.people import accounts
from tests.cli.desk import Desk, opened


@pytest.fixture
def sqlite(tmp_path: Path) -> Desk:
    """A desk on SQLite: for what is about its file."""
    return opened(tmp_path)


def submitted(desk: Desk) -> str:
    alert = desk.draft()
    desk.does("submit", alert, by="ada")
    return alert


def test_the_bare_text_does_not_count_as_seen(desk: Desk) -> None:
    alert = submitted(desk)
    desk.does("show", alert, "--text", by="bo")
    refused = desk.run("approve", alert, by="bo")
    assert refused.code == 1
    assert f"bo has not seen {alert} yet" in refused.err
    digest = desk.run("show", alert, "--json").json["digest"]
    assert desk.run("approve", alert, "--digest", digest[:12], by="bo").code == 1
    desk.does("show", alert, by="bo")
    desk.does("show", alert, "--text", by="bo")  # and takes nothing away
    desk.does("approve", alert, by="bo")


@pytest.mark.parametrize("how", [(), ("--json",), ("--html", "page.html"), ("--text", "--json")])
def test_the_whole_counts_as_seen(desk: Desk, how: tuple[str, ...]) -> None:
    alert = submitted(desk)
    desk.does("show", alert, *how, by="bo")
    desk.does("approve", alert, by="bo")


@pytest.mark.parametrize("command", ["show", "preview"])
def test_a_page_replaces_only_pages(desk: Desk, command: str) -> None:
    given = (submitted(desk),) if command == "show" else ("holding",)
    target = desk.folder / "notes.txt"
    target.write_text("what I still have to do", encoding="utf-8")
    refused = desk.run(command, *given, "--html", "notes.txt", by="bo")
    assert refused.code == 2
    assert "notes.txt exists and is no preview of alertbot" in refused.err
    assert target.read_text(encoding="utf-8") == "what I still have to do"
    for _again in range(2):  # its own page is replaced without a question
        desk.does(command, *given, "--html", "page.html", by="bo")
    desk.does(command, *given, "--html", "notes.txt", "--force", by="bo")
    assert "<!doctype html>" in target.read_text(encoding="utf-8")


def test_what_is_refused_to_be_written_was_not_seen(desk: Desk) -> None:
    alert = submitted(desk)
    (desk.folder / "notes.txt").write_text("mine", encoding="utf-8")
    assert desk.run("show", alert, "--html", "notes.txt", by="bo").code == 2
    assert desk.run("approve", alert, by="bo").code == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_token_that_others_can_read_is_spoken_of(desk: Desk, mode: int) -> None:
    file = desk.folder / "bo.token"
    file.write_text(desk.tokens["bo"], encoding="utf-8")
    file.chmod(mode)
    answer = desk.run("people", "link", "bo", "--token-file", "bo.token")
    assert answer.code == 0, answer.err
    assert "other users of this machine can read your token in bo.token" in answer.err
    assert "chmod 600 bo.token" in answer.err
    file.chmod(0o600)
    assert not desk.run("people", "link", "bo", "--token-file", "bo.token").err


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o644, 0o600), (0o666, 0o660), (0o604, 0o600), (0o640, 0o640), (0o600, 0o600)],
)
@pytest.mark.parametrize("command", [("status",), ("task", "list"), ("people", "list")])
def test_a_restored_database_is_taken_from_everyone_else(
    sqlite: Desk, command: tuple[str, ...], before: int, after: int
) -> None:
    file = sqlite.folder / "alertbot.db"
    shutil.copyfile(file, sqlite.folder / "backup.db")
    (sqlite.folder / "backup.db").replace(file)
    file.chmod(before)
    sqlite.run(*command)
    assert stat.S_IMODE(file.stat().st_mode) == after


FORGED = (
    "name the départements\nApprovals               2 of 2 given",
    "a\r\nState  approved",
    "a\tb",
)
HIDDEN = ("a\u2028State  approved", "a\x85State  approved", "a\x0bState  approved")


async def returned(desk: Desk, alert: str, reason: str) -> None:
    """As from an approver's phone, where nothing that was typed is refused."""
    app = build(desk.folder / "config.yaml")
    try:
        service = await app.open()
        bo = await accounts.acting(service, desk.tokens["bo"])
        await approving.return_(service, bo, alert, reason)
    finally:
        await app.close()


@pytest.mark.parametrize("reason", [*FORGED, *HIDDEN])
def test_a_reason_forges_no_line(desk: Desk, reason: str) -> None:
    alert = submitted(desk)
    if reason in HIDDEN:
        refused = desk.run("return", alert, "--reason", reason, by="bo")
        assert (refused.code, "is invisible" in refused.err) == (2, True)
        asyncio.run(returned(desk, alert, reason))
    else:
        desk.does("return", alert, "--reason", reason, by="bo")
    lines = desk.does("show", alert).splitlines()
    said = [line for line in lines if " ".join(reason.split()) in line]
    assert len(said) == 2, lines  # the row of the reason, and the verdict
    assert not any(
        line.startswith(("Approvals               2 of 2", "State  approved")) for line in lines
    )
    assert desk.run("show", alert, "--json").json["reason"] == reason  # kept as typed


@pytest.mark.parametrize("reason", FORGED)
def test_nor_does_the_reason_of_a_broken_glass_or_of_an_accepted_fault(desk: Desk, reason: str) -> None:
    alert = submitted(desk)
    digest = desk.run("show", alert, "--json", by="bo").json["digest"]
    glass = ("approve", alert, "--break-glass", "--reason", reason, "--digest", digest)
    desk.does(*glass, by="bo")
    flat = " ".join(reason.split())
    assert [line for line in desk.does("show", alert).splitlines() if flat in line]
    desk.run("run", "--once")
    other = desk.run("draft", "holding", "--accept", f"contradicts={reason}", "--json", by="ada")
    assert reason == flat or reason not in other.out
