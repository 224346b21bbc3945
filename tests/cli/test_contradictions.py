"""Two alerts that tell callers different things, as people and programs see them."""

import io

from rich.console import Console

from alertbot.cli.tables import show_alerts
from alertbot.core.model import Conflict
from tests.cli.desk import Desk

ROWS = [
    Conflict(
        rule="contradicts",
        topic="line",
        alert="BKRT-1",
        said="appelez d'un fixe.\nSinon, chez un voisin.",
        says="use a mobile.\x1b[2J",
    )
]
LANDLINE = ("--set", "what_to_do.fr=appelez d'un fixe.", "--set", "what_to_do.en=call from a landline.")
MOBILE = ("--set", "what_to_do.fr=prenez un mobile.", "--set", "what_to_do.en=use a mobile.")


def out(desk: Desk) -> str:
    """An alert that is approved and tells callers to use a landline; its incident."""
    alert = desk.shown("holding", *LANDLINE)
    assert desk.run("approve", alert, by="bo").code == 0
    return alert.partition("-")[0]


def test_draft_show_and_submit_show_both_texts(desk: Desk) -> None:
    incident = out(desk)
    drafted = desk.run(
        "draft", "status", "--vars", desk.facts("status"), "--incident", incident, *MOBILE, by="ada"
    )
    assert drafted.code == 0
    alert = f"{incident}-2"
    for answer in (drafted.out, desk.run("show", alert).out, desk.run("submit", alert, by="ada").err):
        assert f"{incident}-1: appelez d'un fixe." in answer
        assert "This alert: prenez un mobile." in answer
    refused = desk.run("submit", alert, "--json", by="ada")
    assert refused.code == 1
    assert [one["rule"] for one in refused.json["faults"]] == ["contradicts"]
    (found,) = refused.json["contradictions"]
    assert (found["topic"], found["alert"], found["accepted"]) == ("line", f"{incident}-1", None)
    decided = desk.run("edit", alert, "--accept", "contradicts=The operator asks", "--json", by="ada")
    assert decided.json["contradictions"][0]["accepted"] == "The operator asks"
    assert desk.run("submit", alert, by="ada").code == 0


def test_in_a_pipe_each_text_stands_on_its_own_line_after_who_says_it() -> None:
    file = io.StringIO()
    show_alerts.show(Console(file=file), ROWS)
    assert file.getvalue().splitlines() == [
        "This contradicts what callers are already told:",
        "  Which line to use: undecided",
        "    BKRT-1: appelez d'un fixe. / Sinon, chez un voisin.",
        "    This alert: use a mobile.<U+001B>[2J",
        "  Change it, or decide: alertbot edit ALERT --accept contradicts=REASON",
    ]


def test_on_a_terminal_they_stand_side_by_side() -> None:
    file = io.StringIO()
    show_alerts.show(Console(file=file, force_terminal=True, width=100, color_system=None), ROWS)
    lines = file.getvalue().splitlines()
    assert any(
        "BKRT-1: appelez d'un fixe." in line and "This alert: use a mobile." in line for line in lines
    )
    assert "\x1b[2J" not in file.getvalue()


def test_none_is_no_line() -> None:
    file = io.StringIO()
    show_alerts.show(Console(file=file), [])
    assert file.getvalue() == ""
