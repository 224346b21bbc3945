"""What one person publishes alone is loud: breaking the glass, and the author who approves what takes an alert
back (cases 3 and 10)."""

from typing import Any

import pytest
import yaml

from tests.cli.desk import CONFIG, Desk

TAKES_BACK = ("denial", "correction", "withdrawal")


def told(desk: Desk, alert: str) -> list[dict[str, Any]]:
    """The notices about an alert, with what became of them."""
    rows = desk.run("deliveries", alert, "--json").json
    return [row for row in rows if row["purpose"] == "notice"]


def published(desk: Desk, kind: str = "status") -> str:
    """An alert of ada's that bo approved and that was sent."""
    alert = desk.shown(kind)
    desk.does("approve", alert, "--publish", by="bo")
    return alert


def broken(desk: Desk, alert: str, by: str = "bo") -> Any:
    """The glass broken over an alert."""
    digest = desk.run("show", alert, "--json", by=by).json["digest"]
    glass = ("approve", alert, "--break-glass", "--reason", "alone at night", "--digest", digest)
    return desk.run(*glass, by=by)


def in_status(desk: Desk, alert: str) -> str:
    return "\n".join(
        row["message"] for row in desk.run("status", "--json").json["open"] if alert in row["message"]
    )


@pytest.mark.parametrize("kind", TAKES_BACK)
def test_what_follows_nothing_is_not_approved_by_its_author(desk: Desk, kind: str) -> None:
    """Case 3: `draft denial` is a text like any other, whatever it calls itself."""
    drafted = desk.run("draft", kind, "--vars", desk.facts(kind), "--json", by="bo")
    assert drafted.code == 0, drafted.err
    alert = str(drafted.json["id"])
    assert drafted.json["approvals"]["author_may_approve"] is False
    desk.does("submit", alert, by="bo")
    desk.does("show", alert, by="bo")
    refused = desk.run("approve", alert, by="bo")
    assert refused.code == 1
    assert "bo wrote" in refused.err
    assert "cy can approve it." in refused.err
    assert desk.state(alert) == "pending"


def test_what_follows_a_post_made_by_hand_is_not_approved_by_its_author(desk: Desk) -> None:
    """alertbot sent nothing of it: who knows what stands there?"""
    alert = desk.shown("status")
    desk.does("approve", alert, by="bo")
    desk.does("halt", alert)
    desk.does("record", alert, "--channel", "public", "--url", "https://example.org/p/7", by="bo")
    follows = desk.run("correct", alert, "--json", by="bo")
    assert follows.code == 0, follows.err
    assert follows.json["approvals"]["author_may_approve"] is False
    early = desk.run("retract", alert, "--now", by="bo")
    assert early.code == 1
    assert "was sent by this program after an approval" in early.err


@pytest.mark.parametrize("verb", ["cancel", "correct", "retract"])
def test_the_author_approves_what_takes_back_what_was_sent_and_it_is_loud(
    desk: Desk, verb: str
) -> None:
    alert = published(desk)
    text = ("--set", "what_is_right.fr=Le 15 répond.", "--set", "what_is_right.en=15 answers.")
    more = {
        "cancel": ("--text", "fr=Le 15 répond.", "--text", "en=15 answers."),
        "correct": (
            *text,
            "--set",
            "what_was_wrong.fr=Le lieu.",
            "--set",
            "what_was_wrong.en=The place.",
        ),
        "retract": (),
    }[verb]
    answer = desk.run(verb, alert, *more, "--submit", "--json", by="bo")
    assert answer.code == 0, answer.err
    back = str(answer.json["id"])
    desk.does("show", back, by="bo")
    desk.does("approve", back, "--publish", by="bo")
    assert desk.state(back) in ("published", "partly_published")
    assert any(row["state"] == "sent" for row in told(desk, back))
    assert "countersign" in in_status(desk, back)
    glass = desk.run("show", back, "--json").json["break_glass"]
    assert glass == {"by": "bo", "reason": None, "countersigned_by": None}
    alone = desk.run("countersign", back, by="bo")
    assert alone.code == 1
    desk.does("countersign", back, by="cy")
    assert not in_status(desk, back)


def test_a_second_hand_makes_no_noise(desk: Desk) -> None:
    alert = published(desk)
    back = str(desk.run("retract", alert, "--submit", "--json", by="bo").json["id"])
    desk.does("show", back, by="cy")
    desk.does("approve", back, "--publish", by="cy")
    assert desk.run("show", back, "--json").json["break_glass"] is None
    assert not in_status(desk, back)


def test_who_has_seen_the_token_of_the_one_alone_does_not_countersign(desk: Desk) -> None:
    desk.add("eve", "approver", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    alert = desk.shown()
    assert broken(desk, alert, by="eve").code == 0
    refused = desk.run("countersign", alert, by="bo")
    assert refused.code == 1
    assert "count as one hand" in refused.err
    desk.does("people", "rotate", "eve", by="cy")  # what was done with the token stays done
    assert desk.run("countersign", alert, by="bo").code == 1
    desk.does("countersign", alert, by="cy")


@pytest.mark.parametrize("before", [True, False])
def test_a_halted_team_channel_does_not_silence_it(desk: Desk, before: bool) -> None:
    """Case 10: halting takes no token."""
    warm = desk.shown()  # the channels have been used
    desk.does("approve", warm, "--publish", by="bo")
    alert = desk.shown()
    if before:
        desk.does("halt", "--channel", "team")
    assert broken(desk, alert).code == 0
    if not before:
        desk.does("halt", "--channel", "team")
    desk.run("run", "--once")
    loud = [row for row in told(desk, alert) if row["state"] == "sent"]
    assert len(loud) == 1, told(desk, alert)


def test_halting_the_alert_does_not_silence_it(desk: Desk) -> None:
    alert = desk.shown()
    assert broken(desk, alert).code == 0
    desk.does("halt", alert)
    desk.run("run", "--once")
    assert "sent" in [row["state"] for row in told(desk, alert)]
    publication = [
        row["state"]
        for row in desk.run("deliveries", alert, "--json").json
        if row["purpose"] == "publication"
    ]
    assert set(publication) == {"pending"}


def test_a_halt_of_everything_stops_everything(desk: Desk) -> None:
    """Then nothing of the alert goes out either; the notice is there when it does."""
    alert = desk.shown()
    assert broken(desk, alert).code == 0
    desk.does("halt")
    desk.run("run", "--once")
    assert {row["state"] for row in desk.run("deliveries", alert, "--json").json} == {"pending"}
    desk.does("resume", by="bo")
    desk.run("run", "--once")
    assert "sent" in [row["state"] for row in told(desk, alert)]


def test_editing_it_afterwards_does_not_silence_it(desk: Desk) -> None:
    alert = desk.shown("holding", "--not-before", "+10m")
    assert broken(desk, alert).code == 0
    desk.does("edit", alert, "--set", "next_update=+50m", by="bo")  # takes the publication back
    desk.run("run", "--once")
    assert "sent" in [row["state"] for row in told(desk, alert)]
    assert "cancelled" not in [row["state"] for row in told(desk, alert)]


def test_a_halted_team_channel_still_holds_other_notices(desk: Desk) -> None:
    desk.does("approve", desk.shown(), "--publish", by="bo")
    desk.does("halt", "--channel", "team")
    alert = desk.draft()
    desk.does("submit", alert, by="ada")
    desk.run("run", "--once")
    assert [row["state"] for row in told(desk, alert)] == ["pending"]


def test_without_a_way_to_the_team_nobody_publishes_alone(desk: Desk) -> None:
    channels = {name: each for name, each in CONFIG["channels"].items() if name != "team"}  # type: ignore[attr-defined]
    desk.configure(channels=channels)
    alert = desk.shown()
    refused = broken(desk, alert)
    assert refused.code == 1
    assert "no channel has the audience `team`" in refused.err
    assert desk.state(alert) == "pending"
    assert (
        yaml.safe_load((desk.folder / "config.yaml").read_text())["channels"].keys() == channels.keys()
    )
