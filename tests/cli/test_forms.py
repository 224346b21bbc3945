"""The values of an alert as a file in a person's editor: all fields with hints, faults at their line, nothing lost."""

import re
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.program import Answer
from tests.terminal import terminal


def edits(desk: Desk, alert: str, script: str, by: str = "ada", **more: str) -> Answer:
    """`edit` with an editor that runs this script, in which $1 is the file."""
    path = desk.folder / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o700)
    environment = {"EDITOR": str(path), "VISUAL": "", "XDG_STATE_HOME": str(desk.folder)} | more
    return desk.run("edit", alert, "--json", by=by, **environment)


def values(desk: Desk, alert: str) -> dict[str, object]:
    return dict(desk.run("show", alert, "--json").json["values"])


def kept(desk: Desk, alert: str) -> list[Path]:
    return sorted((desk.folder / "alertbot").glob(f"{alert}-*.yaml"))


def test_every_field_has_its_hint_in_both_languages(desk: Desk) -> None:
    alert = desk.draft()
    assert edits(desk, alert, f'cp "$1" {desk.folder}/seen.yaml').code == 2
    seen = (desk.folder / "seen.yaml").read_text("utf-8")
    for field in desk.run("kinds", "holding", "--json").json["fields"]:
        assert re.search(rf"^#?{field['name']}:", seen, re.MULTILINE), field
        assert " ".join(field["help"].split()[:3]) in " ".join(seen.replace("\n# ", " ").split())
    assert "\nwhat_fails:\n  fr: 15, 17 et 18 sur mobile\n  en: 15, 17 and 18 on mobiles\n" in seen
    assert "\n#regret:\n#  fr:\n#  en:\n" in seen
    assert kept(desk, alert) == []


def test_a_field_is_given_by_removing_its_sign_and_taken_away_by_putting_it(desk: Desk) -> None:
    alert = desk.draft()
    script = (
        "sed -i -e 's/^#noticed_at:/noticed_at: -10m/' -e '/^#regret/,/fr:/s/^#  fr:/  fr: Courage./'"
        " -e 's/^#regret:/regret:/' \"$1\""
    )
    assert edits(desk, alert, script).code == 0
    assert values(desk, alert)["regret"] == {"fr": "Courage."}
    assert "noticed_at" in values(desk, alert)
    script = "sed -i -e 's/^noticed_at/#&/' -e '/^regret/,/^ /s/^/#/' \"$1\""
    assert edits(desk, alert, script).code == 0
    assert not {"noticed_at", "regret"} & values(desk, alert).keys()
    assert edits(desk, alert, "sed -i '/en: 15, 17/d' \"$1\"").code == 0
    assert values(desk, alert)["what_fails"] == {"fr": "15, 17 et 18 sur mobile"}
    assert kept(desk, alert) == []


def test_a_fault_stands_at_its_line_and_the_file_is_kept(desk: Desk) -> None:
    alert = desk.draft()
    answer = edits(desk, alert, "sed -i -e 's/^next_update.*/nextupdate: +30m/' \"$1\"")
    assert answer.code == 1
    (path,) = kept(desk, alert)
    lines = path.read_text("utf-8").splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("nextupdate")]
    assert lines[place - 1].startswith("# ! ")
    assert "did you mean “next_update”" in lines[place - 1]
    assert re.search(rf"unknown_field \(nextupdate\): line {place}: ", answer.err)
    assert f"alertbot edit {alert} --vars {path}" in answer.err
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text("utf-8").replace("nextupdate:", "next_update:"))
    assert desk.run("edit", alert, "--vars", str(path), by="ada").code == 0
    assert desk.run("submit", alert, by="ada").code == 0


def test_a_file_that_is_no_yaml_is_kept_with_the_line(desk: Desk) -> None:
    alert = desk.draft()
    answer = edits(desk, alert, "echo 'regret: [' >> \"$1\"")
    assert answer.code == 2
    (path,) = kept(desk, alert)
    last = len(path.read_text("utf-8").splitlines())
    assert re.search(rf"{re.escape(str(path))}:({last}|{last + 1})\b", answer.err), answer.err


def test_what_someone_else_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    alert = desk.draft()
    there = desk.folder / "there"
    there.write_text(desk.tokens["ada"])
    other = (
        f"ALERTBOT_TOKEN=$(cat {there}) alertbot edit {alert} --set what_works.en=landlines >/dev/null"
    )
    answer = edits(desk, alert, f"{other}\nsed -i 's/sur mobile/sur portable/' \"$1\"", PATH=_path())
    assert answer.code == 1
    assert f"Someone else changed {alert} meanwhile" in answer.err
    assert values(desk, alert)["what_works"] == {"fr": "fixes, 114 par SMS", "en": "landlines"}
    assert "sur portable" in kept(desk, alert)[0].read_text("utf-8")


def _path() -> str:
    import os
    import sys

    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def test_an_approval_given_while_the_editor_was_open_counts_no_longer(desk: Desk) -> None:
    alert = desk.shown()
    there = desk.folder / "there"
    there.write_text(desk.tokens["bo"])
    approve = f"ALERTBOT_TOKEN=$(cat {there}) alertbot approve {alert} >/dev/null"
    answer = edits(desk, alert, f"{approve}\nsed -i 's/sur mobile/sur portable/' \"$1\"", PATH=_path())
    assert answer.code == 0
    assert desk.state(alert) == "draft"
    assert desk.run("approve", alert, by="bo").code == 1


@pytest.mark.parametrize("editor", ["false", "no-such-editor"])
def test_an_editor_that_fails_leaves_nothing(desk: Desk, editor: str) -> None:
    alert = desk.draft()
    answer = desk.run(
        "edit", alert, by="ada", EDITOR=editor, VISUAL="", XDG_STATE_HOME=str(desk.folder)
    )
    assert answer.code == 2
    assert kept(desk, alert) == []


def test_at_a_terminal_the_file_opens_again_with_its_faults(desk: Desk) -> None:
    alert = desk.draft()
    path = desk.folder / "editor.sh"
    path.write_text(
        "#!/bin/sh\ngrep -q '^# !' \"$1\" && sed -i 's/^nowhere/where/' \"$1\" || sed -i 's/^where/nowhere/' \"$1\"\n"
    )
    path.chmod(0o700)
    given = {"EDITOR": str(path), "VISUAL": "", "XDG_STATE_HOME": str(desk.folder)}
    with terminal(desk.folder, "edit", alert, ALERTBOT_TOKEN=desk.tokens["ada"], **given) as one:
        one.until("There is no field “nowhere”")
        one.until("again? Enter: yes; n: no")
        one.press("\r")
        one.until("Nothing changed")
        assert one.leave() == 2
    assert kept(desk, alert) == []


def test_a_blank_form_is_a_file_of_values(desk: Desk) -> None:
    blank = desk.run("kinds", "holding", "--form")
    assert blank.code == 0
    text = blank.out
    for line, value in {"#where:": "where: [69]", "#next_update:": "next_update: +30m"}.items():
        text = text.replace(f"\n{line}\n", f"\n{value}\n")
    text = re.sub(r"#(what_\w+:)\n#  fr:\n#  en:", r"\1\n  fr: Du fixe.\n  en: Landline.", text)
    (desk.folder / "form.yaml").write_text(text, encoding="utf-8")
    answer = desk.run("draft", "holding", "--vars", "form.yaml", "--new-incident", "--json", by="ada")
    assert answer.code == 0, answer.err
    assert answer.json["faults"] == []
