"""The whole road by hand: drafted, submitted, approved, sent, looked at, settled, told afterwards."""

import pytest

from tests.cli.desk import Desk


def test_from_the_draft_to_the_outbox(desk: Desk) -> None:
    alert = desk.draft("status")
    assert desk.run("submit", alert, by="ada").code == 0
    unseen = desk.run("approve", alert, by="bo")
    assert unseen.code == 1
    assert "alertbot show" in unseen.err
    assert desk.run("show", alert, by="bo").code == 0
    sent = desk.run("approve", alert, "--publish", "--json", by="bo")
    assert sent.code == 0
    assert sent.json["state"] == "published"
    rows = [row for row in desk.run("deliveries", alert, "--json").json if row["channel"] == "public"]
    assert {(row["lang"], row["state"], row["attempts"]) for row in rows} == {
        ("fr", "sent", 1),
        ("en", "sent", 1),
    }
    assert all(row["remote_id"] and row["settled_at"][10] == "T" for row in rows)


def test_approving_says_that_no_worker_is_alive(desk: Desk) -> None:
    answer = desk.run("approve", desk.shown(), by="bo")
    assert answer.code == 0
    assert "NO WORKER" in answer.out
    assert desk.run("run", "--once").code == 0


def test_approving_and_sending_says_only_that(desk: Desk) -> None:
    alert = desk.shown()
    answer = desk.run("approve", alert, "--publish", by="bo")
    assert "NO WORKER" not in answer.out
    assert f"{alert} is published" in answer.out
    waits = desk.shown("holding", "--not-before", "+10m")
    assert "Goes out no earlier than" in desk.run("approve", waits, "--publish", by="bo").out
    assert desk.run("edit", waits, "--set", "next_update=+50m", by="ada").code == 0  # waits no more


def test_what_waits_leaves_with_three(desk: Desk) -> None:
    alert = desk.shown("holding", "--not-before", "+10m")
    answer = desk.run("approve", alert, "--publish", "--json", by="bo")
    assert answer.code == 3
    assert answer.json["state"] == "approved"
    shown = desk.run("status", alert).out
    assert "no earlier than" in shown
    assert desk.run("edit", alert, "--set", "next_update=+50m", by="ada").code == 0


@pytest.mark.parametrize("time", ["-10m", "nonsense", "2021-06-02T16:45"])
def test_a_start_that_has_passed_or_is_no_time(desk: Desk, time: str) -> None:
    answer = desk.run("draft", "holding", "--not-before", time, by="ada")
    assert answer.code == 2
    assert "--not-before" in answer.err


def test_a_table_in_a_pipe_is_not_folded(desk: Desk) -> None:
    alert = desk.shown()
    desk.run("approve", alert, "--publish", by="bo")
    number = str(desk.run("deliveries", alert, "--json").json[-1]["id"])
    lines = [line.split() for line in desk.run("deliveries", alert).out.splitlines()]
    assert any(line[:2] == [number, "public"] for line in lines)
    purposes = [row["purpose"] for row in desk.run("kinds", "--json").json]
    listed = desk.run("kinds").out
    assert all(purpose in listed for purpose in purposes)


def test_plain_copy_for_the_radio(desk: Desk) -> None:
    answer = desk.run("show", desk.draft(), "--text")
    assert answer.code == 0
    assert "114" in answer.out
    assert "**" not in answer.out


def test_editing_in_an_editor(desk: Desk) -> None:
    alert = desk.draft()
    script = desk.folder / "editor.sh"
    script.write_text("#!/bin/sh\necho 'a noisy editor'\nsed -i.old 's/mobile/portable/' \"$1\"\n")
    script.chmod(0o700)
    answer = desk.run("edit", alert, "--json", by="ada", EDITOR=str(script), VISUAL="")
    assert answer.code == 0
    assert answer.json["revision"] == 2
    assert "portable" in desk.run("show", alert, "--text").out


@pytest.mark.parametrize("editor", ["false", "true", "no-such-editor", "'unclosed"])
def test_an_editor_that_fails_or_changes_nothing(desk: Desk, editor: str) -> None:
    alert = desk.draft()
    answer = desk.run("edit", alert, by="ada", EDITOR=editor, VISUAL="")
    assert answer.code == 2
    assert desk.run("show", alert, "--json").json["revision"] == 1


def test_posted_by_hand(desk: Desk) -> None:
    alert = desk.shown()
    url = "https://www.example.org/posts/7"
    assert desk.run("record", alert, "--channel", "public", "--url", url, by="ada").code == 1
    assert desk.run("approve", alert, by="bo").code == 0
    recorded = desk.run("record", alert, "--channel", "public", "--url", url, "--json", by="ada")
    assert recorded.json["recorded"]["url"] == url
    assert desk.run("record", alert, "--channel", "public", "--url", url, by="ada").code == 1
    for wrong in ("javascript:alert(1)", "https://", "https://a b", "x"):
        assert desk.run("record", alert, "--channel", "public", "--url", wrong, by="ada").code == 2


def test_sent_to_the_team(desk: Desk) -> None:
    alert = desk.draft()
    assert desk.run("test-send", alert, "--to", "public", by="ada").code == 1
    assert desk.run("test-send", alert, "--to", "team", by="ada").code == 0
    assert desk.run("run", "--once").code == 0
    channels = {row["channel"] for row in desk.run("deliveries", alert, "--json").json}
    assert channels == {"team"}


def test_an_exercise_and_a_live_channel(desk: Desk) -> None:
    drafted = desk.run(
        "draft",
        "holding",
        "--vars",
        desk.facts("holding"),
        "--exercise",
        "--channel",
        "public",
        "--json",
        by="ada",
    ).json
    assert "exercise_live" in {fault["rule"] for fault in drafted["faults"]}
    assert desk.run("submit", drafted["id"], by="ada").code == 1


def test_halting_one_alert_shows_and_says_how_to_go_on(desk: Desk) -> None:
    alert = desk.shown()
    assert desk.run("approve", alert, by="bo").code == 0
    assert desk.run("halt", alert).code == 0
    assert f"alertbot resume {alert}" in desk.run("status", alert).out
    assert desk.run("run", "--once").code == 3
    assert desk.run("resume", alert, by="bo").out == f"Resumed: {alert}.\n"
    assert desk.run("run", "--once").code == 0


def test_a_break_glass_stays_loud_until_another_has_looked(desk: Desk) -> None:
    alert = desk.shown()
    digest = desk.run("show", alert, "--json").json["digest"]
    glass = ("approve", alert, "--break-glass", "--reason", "fire")
    assert desk.run(*glass, by="bo").code == 2
    assert desk.run(*glass, "--digest", digest[:11], by="bo").code == 2
    assert desk.run(*glass, "--digest", digest[:12], by="ada").code == 1
    assert desk.run(*glass, "--digest", digest[:12], by="bo").code == 0
    assert "BREAK-GLASS" in desk.run("status").out
    assert desk.run("countersign", alert, by="bo").code == 1
    assert desk.run("countersign", alert, by="cy").code == 0
    assert alert not in "".join(row["message"] for row in desk.run("status", "--json").json["open"])


def test_the_audit_tells_it_all_and_stays_sound(desk: Desk) -> None:
    head = desk.run("audit", "head", "--json").json["head"]
    desk.draft()
    assert desk.run("audit", "verify", "--head", head[:12]).code == 0
    assert desk.run("audit", "verify", "--head", "f" * 64).code == 1
