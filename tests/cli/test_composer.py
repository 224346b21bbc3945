"""Writing an alert question by question: at a terminal that draws, in plain lines, and where it is broken off."""

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertbot.cli.writing import forms
from tests import program
from tests.cli.desk import Desk, opened
from tests.program import Answer
from tests.terminal import Terminal, terminal

X = {
    "type": "x",
    "api_url": "http://127.0.0.1:8101",
    **{f"{name}_env": "UNSET" for name in ("consumer_key", "consumer_secret", "access_token")},
    "access_token_secret_env": "UNSET",
}
TYPED = (
    ("what_fails (fr):", "15, 17 et 18 sur mobile"),
    ("what_fails (en):", "15, 17 and 18 on mobiles"),
    ("what_works (fr):", "fixes, 114 par SMS"),
    ("what_works (en):", "landlines, 114 by text"),
    ("where:", "69, 42"),
    ("what_to_do (fr):", "Appelez d'un fixe."),
    ("what_to_do (en):", "Call from a landline."),
)
CTRL_C, CTRL_D, ALT_ENTER = "\x03", "\x04", "\x1b\r"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = opened(tmp_path)
    desk.configure(channels={"x_main": X})
    return desk


def writing(desk: Desk, *arguments: str, **more: str) -> Any:
    token = {"ALERTBOT_TOKEN": desk.tokens["ada"], "XDG_STATE_HOME": str(desk.folder)}
    return terminal(desk.folder, *(arguments or ("new",)), **token, **more)


def answer(one: Terminal, *steps: tuple[str, str]) -> None:
    for question, keys in steps:
        one.until(question)
        one.press(f"{keys}\r")


def alerts(desk: Desk) -> list[Any]:
    listed = desk.run("incident", "list", "--json").json
    return [desk.run("incident", "show", one["id"], "--json").json for one in listed]


def kept(desk: Desk) -> list[Path]:
    return sorted((desk.folder / "alertbot").glob("*.yaml"))


def test_a_holding_message_in_two_languages_takes_under_150_keys(desk: Desk) -> None:
    """Every word typed by hand, from the choice of the kind to the request for approval."""
    with writing(desk) as one:
        answer(one, ("Kind:", "ho"), *TYPED, ("next_update: +30m", ""), ("nothing more:", ""))
        shown = one.until("Enter: yes; e: edit it; n: leave it as a draft")
        assert "Appelez d" in shown
        one.press("\r")
        one.until("needs 1 approval")
        assert one.leave() == 0
        assert one.keys < 150, one.keys
    (incident,) = alerts(desk)
    (alert,) = [one["id"] for one in incident["alerts"]]
    said = desk.run("show", alert, "--json").json
    assert said["state"] == "pending"
    assert said["values"]["what_to_do"] == {"fr": "Appelez d'un fixe.", "en": "Call from a landline."}
    assert said["values"]["where"] == ["69", "42"]
    assert kept(desk) == []


def test_ready_phrases_bring_their_translation(desk: Desk) -> None:
    with writing(desk, "new", "holding") as one:
        answer(
            one,
            ("what_fails (fr):", "mob\t"),
            ("what_fails (en): 15, 17, 18 from mobile phones", ""),
            ("what_works (fr):", "fix\t"),
            ("what_works (en): Landlines", ""),
            ("where:", "rhô\t"),
            ("what_to_do (fr):", "d'un téléphone fixe\t"),
            ("what_to_do (en): Call from a landline.", f"{ALT_ENTER}Wait."),
            ("next_update: +30m", ""),
            ("nothing more:", ""),
            ("leave it as a draft", "n"),
        )
        one.until("is kept as a draft; nothing goes out")
        assert one.leave() == 0
        assert one.keys < 80, one.keys
    (incident,) = alerts(desk)
    said = desk.run("show", incident["alerts"][0]["id"], "--json").json
    assert said["values"]["what_works"]["en"] == "Landlines"
    assert said["values"]["where"] == ["69"]
    assert said["values"]["what_to_do"]["en"] == "Call from a landline.\nWait."


def test_a_value_is_judged_while_it_is_typed_and_stays_until_it_is_sound(desk: Desk) -> None:
    with writing(desk, "new", "holding") as one:
        answer(one, ("what_fails (fr):", ""))
        one.until("This is needed.")
        one.press("04 65 71 69 15")
        one.until("looks like a telephone number")
        one.press("\x15")
        one.press("Le 15")
        one.until("characters left")
        one.press("\r")
        answer(one, ("what_fails (en):", "="), *TYPED[2:4], ("where:", "Rhone-Alpes"))
        one.until("There is no such territory")
        one.press("\x1569\r")
        answer(one, *TYPED[5:])
        one.until("next_update: +30m")
        one.until("(Europe/Paris)")
        one.press("\x15soon")
        one.until("“soon” is not a time")
        one.press(CTRL_C)
        one.until("Stopped; no alert was written.")
        assert one.leave() == 1


def test_what_was_typed_before_ctrl_c_is_kept_and_taken_up_again(desk: Desk) -> None:
    with writing(desk, "new", "holding") as one:
        answer(one, *TYPED[:3])
        one.until("what_works (en):")
        (path,) = kept(desk)  # there already: a line that is cut loses nothing either
        one.press(CTRL_C)
        one.until("What you typed is kept in ")
        assert one.leave() == 1
    assert alerts(desk) == []
    (path,) = kept(desk)
    assert path.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(path.read_text("utf-8"))["what_fails"]["en"] == "15, 17 and 18 on mobiles"
    assert f"alertbot new holding --vars {path}" in one.seen.replace("\r\n", "")
    with writing(desk, "new", "holding", "--vars", str(path)) as one:
        answer(one, *TYPED[3:], ("next_update: +30m", ""), ("nothing more:", ""))
        one.until("leave it as a draft")
        one.press(CTRL_C)
        one.until("is kept as a draft; nothing goes out")
        assert one.leave() == 0
    assert len(alerts(desk)) == 1


def test_before_anything_is_typed_nothing_is_kept(desk: Desk) -> None:
    with writing(desk) as one:
        one.until("Kind:")
        one.press(CTRL_D)
        one.until("nothing had been typed, and nothing was done.")
        assert one.leave() == 1
    assert (kept(desk), alerts(desk)) == ([], [])


# --- in plain lines -------------------------------------------------------------------------------


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain lines need no terminal but for being asked whether there is one."""
    monkeypatch.setattr(forms, "at_terminal", lambda: True)


def plainly(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *command: str, answers: dict[str, str], **more: str
) -> tuple[Answer, list[str]]:
    """A command whose questions get these answers, by how they begin; Enter to every other. What was asked."""
    asked: list[str] = []
    left = dict(answers)

    def reply(question: str) -> str:
        asked.append(question)
        assert len(asked) < 60, asked
        return left.pop(next((one for one in left if question.startswith(one)), ""), "")

    monkeypatch.setattr(builtins, "input", reply)
    given = {"XDG_STATE_HOME": str(desk.folder), "TERM": "dumb"} | more
    return desk.run(*command, by="ada", **given), asked


@pytest.mark.usefixtures("at_terminal")
def test_it_joins_an_incident_and_starts_from_what_that_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.draft()
    assert desk.run("submit", first, by="ada").code == 0
    assert desk.run("show", first, by="bo").code == 0
    assert desk.run("approve", first, by="bo").code == 0
    answers = {
        "Kind": "status",
        "Join which one": "1",
        "what_works (fr)": "fixes et 112",
        "what_works (en)": "landlines and 112",
        "since": "-1h",
        "Which of these": "nonsense",
        "Which of": "reg",
        "regret (fr)": "Courage.",
        "regret (en)": "Hold on.",
    }
    done, asked = plainly(desk, monkeypatch, "draft", answers=answers)
    assert done.code == 0, done.err
    for question in (
        "what_fails (fr) [15, 17 et 18 sur mobile]",
        "where [69, 42]",
        "next_update [+30m]",
    ):
        assert any(one.startswith(question) for one in asked), asked
    assert "There is no field nonsense left" in done.out
    assert "needs 1 approval" in done.out
    assert "\x1b" not in done.out
    (incident,) = alerts(desk)
    assert [one["kind"] for one in incident["alerts"]] == ["holding", "status"]
    said = desk.run("show", incident["alerts"][1]["id"], "--json").json["values"]
    assert said["what_works"] == {"fr": "fixes et 112", "en": "landlines and 112"}
    assert said["regret"] == {"fr": "Courage.", "en": "Hold on."}
    assert said["where"] == ["69", "42"]


@pytest.mark.usefixtures("at_terminal")
def test_numbers_come_from_the_register(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ("territory=69", "service=samu", "number=04 65 71 69 15")
    desk.does("numbers", "add", *(word for one in cells for word in ("--set", one)), by="ada")
    done = {name: {"fr": "x", "en": "y"} for name in ("what_fails", "what_works", "what_to_do")}
    (desk.folder / "some.yaml").write_text(yaml.safe_dump(done), encoding="utf-8")
    answers = {
        "territories": "69",
        "services": "samu",
        "since": "-1h",
        "valid_until": "-",
        "review_at": "+2h",
    }
    command = ("new", "provisional_number", "--vars", "some.yaml", "--plain")
    written, asked = plainly(desk, monkeypatch, *command, answers=answers | {"Put": "n"}, TERM="xterm")
    assert written.code == 0, written.err
    assert any(one.startswith("where [69]") for one in asked), asked
    (incident,) = alerts(desk)
    said = desk.run("show", incident["alerts"][0]["id"], "--json").json
    assert [row["number"] for row in said["values"]["numbers"]] == ["04 65 71 69 15"]
    assert "unverified_number" in [fault["rule"] for fault in said["faults"]]


@pytest.mark.usefixtures("at_terminal")
def test_a_figure_is_asked_for_part_by_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: {"fr": "x", "en": "y"} for name in ("what_fails", "what_works", "what_to_do")}
    done = {**texts, "where": ["69"], "since": "-1h"}
    (desk.folder / "some.yaml").write_text(yaml.safe_dump(done), encoding="utf-8")
    answers = {
        "Which of": "figures",
        "figures.value": "11 800",
        "figures.unit (fr)": "appels perdus",
        "figures.unit (en)": "calls lost",
        "figures.source": "Opérateur",
        "Put": "n",
    }
    command = ("new", "status", "--vars", "some.yaml", "--plain")
    written, asked = plainly(desk, monkeypatch, *command, answers=answers, TERM="xterm")
    assert written.code == 0, written.err
    assert any(one.startswith("figures.at [now]") for one in asked), asked
    (incident,) = alerts(desk)
    (figure,) = desk.run("show", incident["alerts"][0]["id"], "--json").json["values"]["figures"]
    assert figure["value"] == "11 800"
    assert figure["unit"] == {"fr": "appels perdus", "en": "calls lost"}
    assert figure["source"] == "Opérateur"


@pytest.mark.usefixtures("at_terminal")
def test_a_part_of_a_figure_that_cannot_be_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {name: {"fr": "x", "en": "y"} for name in ("what_fails", "what_works", "what_to_do")}
    done = {**texts, "where": ["69"], "since": "-1h"}
    (desk.folder / "some.yaml").write_text(yaml.safe_dump(done), encoding="utf-8")
    answers = {"Which of": "figures", "figures.value": "many", "Put": "n"}
    command = ("new", "status", "--vars", "some.yaml", "--plain")
    written, asked = plainly(desk, monkeypatch, *command, answers=answers, TERM="xterm")
    assert written.code == 0, written.err
    assert "is not a quantity" in written.out
    assert len([one for one in asked if one.startswith("figures.value")]) == 2  # the second: left out


def test_without_a_terminal_it_says_what_to_give(desk: Desk) -> None:
    refused = desk.run("new", "holding", by="ada")
    assert refused.code == 2
    assert "alertbot draft KIND --vars FILE" in refused.err
    assert desk.run("draft", by="ada").code == 2


@pytest.mark.usefixtures("at_terminal")
def test_what_cannot_be_saved_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    done = {name: {"fr": "x", "en": "y"} for name in ("what_fails", "what_works", "what_to_do")}
    (desk.folder / "some.yaml").write_text(yaml.safe_dump(done | {"wher": 69}), encoding="utf-8")
    command = ("new", "holding", "--vars", "some.yaml")
    refused, _asked = plainly(desk, monkeypatch, *command, answers={"where": "69"})
    assert refused.code == 1
    assert "did you mean “where”" in refused.err
    (path,) = kept(desk)
    assert f"alertbot new holding --vars {path}" in refused.err


def test_its_library_is_loaded_only_to_draw(desk: Desk) -> None:
    code = (
        "import sys; from alertbot import cli;"
        " [cli.run(one.split()) for one in sys.argv[1:]];"
        " print('alertbot.cli.writing.composer' in sys.modules, 'prompt_toolkit' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "draft holding --new-incident", "new --help", "new", "draft"],
        cwd=desk.folder,
        env=program.surroundings(ALERTBOT_TOKEN=desk.tokens["ada"]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1] == "True False", done.stderr
