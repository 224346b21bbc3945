"""After the first post, at the command line."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from alertbot.texts.kinds import layers
from tests.cli.desk import Desk

WRONG = ("--set", "what_was_wrong=112 works", "--set", "what_is_right=112 is cut off")


@pytest.fixture(scope="module")
def told(desk: Desk) -> str:
    """A published alert; its tests take back others."""
    return published(desk)


def published(desk: Desk, kind: str = "status") -> str:
    alert = desk.shown(kind)
    assert desk.run("approve", alert, "--publish", by="bo").code == 0
    return alert


def drafted(desk: Desk, *arguments: str, by: str = "bo") -> dict[str, Any]:
    answer = desk.run(*arguments, "--json", by=by)
    assert answer.code == 0, answer.err
    return dict(answer.json)


def test_an_update_is_drafted_and_submitted_in_one_go(desk: Desk, told: str) -> None:
    view = drafted(desk, "update", told, "--set", "next_update=+30m", "--submit", by="ada")
    assert (view["state"], view["relation"], view["original"]) == ("pending", "update", told)
    assert view["id"]


def test_a_correction_from_draft_to_figure(desk: Desk) -> None:
    alert = published(desk)
    answer = desk.run("correct", alert, *WRONG, by="bo")
    assert answer.code == 0, answer.err
    assert alert in answer.out
    view = drafted(desk, "incident", "show", alert[:4])
    fix = view["alerts"][-1]["id"]
    assert desk.run("submit", fix, by="bo").code == 0
    assert desk.run("show", fix, by="bo").code == 0
    assert desk.run("approve", fix, "--publish", by="bo").code == 0
    assert "s after approval" in desk.run("show", fix).out
    assert "s after approval" in desk.run("status", fix).out
    assert f"{fix} corrects (published)" in desk.run("show", alert).out
    assert f"corrects {alert}" in desk.run("incident", "show", alert[:4]).out
    again = desk.run("correct", alert, *WRONG, by="bo")
    assert again.code == 1
    assert fix in again.err


def test_one_command_retracts(desk: Desk) -> None:
    alert = published(desk)
    assert f"alertbot retract {alert} --now" in desk.run("show", alert).out
    view = drafted(desk, "retract", alert, "--now")
    assert (view["state"], view["relation"]) == ("approved", "retraction")
    assert desk.run("run", "--once").code == 0
    assert desk.run("show", view["id"], "--json").json["state"] == "published"


def test_a_false_alert_is_denied_with_words(desk: Desk) -> None:
    alert = published(desk)
    silent = desk.run("cancel", alert, by="bo")
    assert silent.code == 1
    assert "must be denied in public" in silent.err
    mixed = desk.run("cancel", alert, "--text", "fr=Non.", "--text", "No.", by="bo")
    assert mixed.code == 2
    words = ("--text", "fr=Il n'y a pas de panne.", "--text", "en=Nothing has failed.")
    view = drafted(desk, "cancel", alert, *words, "--submit")
    assert (view["kind"], view["state"]) == ("false_alert", "pending")


def test_what_never_went_out_is_refused(desk: Desk) -> None:
    alert = desk.draft("status")
    for command in (("correct", alert, *WRONG), ("retract", alert), ("withdraw", alert)):
        answer = desk.run(*command, "--json", by="bo")
        assert answer.code == 1
        assert "never went out" in answer.json["error"]


def test_a_withdrawal_says_what_is_meant(desk: Desk, told: str) -> None:
    assert desk.run("withdraw", by="bo").code == 2
    assert desk.run("withdraw", told, by="bo").code == 1
    unknown = desk.run("withdraw", "--numbers", "22/sammu", by="bo")
    assert unknown.code == 2
    assert "samu" in unknown.err


def test_an_incident_is_opened_before_anything_is_said(desk: Desk) -> None:
    opened = drafted(desk, "incident", "open", "--title", "15 and 18 in Rhône", by="ada")
    assert opened["state"] == "open"
    empty = desk.run("end", opened["id"], by="bo")
    assert empty.code == 1
    assert "nothing to end" in empty.err
    answer = desk.run("draft", "status", "--incident", opened["id"], "--json", by="ada")
    assert answer.json["incident"] == opened["id"]
    listed = desk.run("incident", "list")
    assert "15 and 18 in Rhône" in listed.out
    assert opened["id"] in listed.out
    long = desk.run("incident", "open", "--title", "x" * 201, by="ada")
    assert long.code == 2


def test_a_draft_asks_whether_it_belongs_to_the_open_incident(desk: Desk) -> None:
    alert = published(desk)
    told = ("draft", "status", "--vars", desk.facts("status"))
    answer = desk.run(*told, by="ada")
    assert answer.code == 1
    assert f"({alert})" in answer.err
    assert "--new-incident" in answer.err
    assert answer.err.count("\n") == 1
    both = desk.run(*told, "--incident", alert[:4], "--new-incident", by="ada")
    assert both.code == 2
    joined = drafted(desk, *told, "--incident", alert[:4], by="ada")
    assert joined["incident"] == alert[:4]
    assert joined["references"] == [alert]
    beside = drafted(desk, *told, "--new-incident", by="ada")
    assert alert in next(
        one["message"] for one in beside["warnings"] if one["rule"] == "other_incident"
    )


def test_check_names_a_text_of_an_end_that_does_not_say_who_confirmed_it(desk: Desk) -> None:
    """A text of the team's own, from before every end said so."""
    shipped = Path(layers.shipped()) / "end"
    own = desk.folder / "messages" / "end"
    shutil.copytree(shipped, own)
    before = desk.run("check", "--json").json["warnings"]
    text = (own / "fr" / "short.md.j2").read_text(encoding="utf-8")
    (own / "fr" / "short.md.j2").write_text(
        "\n".join(line for line in text.splitlines() if "confirmed_by" not in line) + "\n",
        encoding="utf-8",
    )
    desk.configure(messages="messages")
    after = desk.run("check", "--json").json["warnings"]
    desk.configure()
    assert not [one for one in before if "confirmed_by" in one]
    (said,) = [one for one in after if "confirmed_by" in one]
    assert "{{ confirmed_by|sentence }}" in said
    assert " fr " in said
