"""The register at the command line: from a file to a query, read back in between."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.desk import Desk, opened
from tests.program import Answer
from tests.shown import held

HEADING = "territory,service,number,zone\n"
ROWS = HEADING + "69,samu,04 65 71 69 15,\n69,police,04 65 71 69 17,Lyon\n01,samu,04 65 71 01 15,\n"
CASE = Path(__file__).parents[3] / "shared/cases/orange-2021-06-02/provisional-numbers.csv"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return opened(tmp_path)


def put(desk: Desk, text: str | bytes, name: str = "numbers.csv") -> str:
    content = text if isinstance(text, bytes) else text.encode()
    (desk.folder / name).write_bytes(content)
    return name


def imported(desk: Desk, text: str | bytes = ROWS, *options: str, name: str = "numbers.csv") -> Answer:
    return desk.run("numbers", "import", put(desk, text, name), *options, by="ada")


def verify(desk: Desk, entry: str, digits: str, *options: str, by: str = "bo") -> Answer:
    given = ("--digits", digits, *(options or ("--call", "answered")))
    return desk.run("numbers", "verify", entry, *given, by=by)


def session(desk: Desk, *answers: str, by: str = "bo") -> Answer:
    typed = "".join(f"{one}\n" for one in answers)
    return desk.run("numbers", "verify", "--session", "69", by=by, stdin=typed)


def standings(desk: Desk) -> dict[str, str]:
    return {one["entry"]: one["standing"] for one in desk.run("numbers", "list", "--json").json}


def test_the_story_of_a_number(desk: Desk) -> None:
    assert imported(desk).code == 0
    assert standings(desk) == dict.fromkeys(("N1", "N2", "N3"), "unverified")
    assert verify(desk, "N1", "0465716915").code == 0
    assert verify(desk, "N2", "+33 4 65 71 69 17").code == 0  # as a source may write it
    facts = desk.facts("provisional_number")
    query = ("--vars", facts, "--set", "territories=69")
    refused = desk.run("draft", "provisional_number", *query, "--json", by="ada")
    assert refused.code == 2  # the example's own rows and a query
    path = desk.folder / facts
    values = yaml.safe_load(path.read_text())
    values = {name: value for name, value in values.items() if name not in ("numbers", "where")}
    path.write_text(yaml.safe_dump(values, allow_unicode=True))
    alert = desk.run("draft", "provisional_number", *query, "--json", by="ada")
    assert (alert.code, alert.json["faults"]) == (0, [])
    seen = desk.run("preview", "provisional_number", *query)
    assert seen.code == 0
    assert held("04 65 71 69 15") in seen.out
    gone = desk.run("numbers", "withdraw", "69/police", "--reason", "17 works again", by="bo")
    assert gone.code == 0
    assert "N2 (69 police Lyon 04 65 71 69 17)" in gone.out
    assert standings(desk) == {"N1": "in_force", "N3": "unverified"}
    shown = desk.run("numbers", "show", "N2")
    assert "withdrawn" in shown.out
    assert "17 works again" in shown.out


def test_an_import_says_what_it_did(desk: Desk) -> None:
    first = imported(desk)
    assert "3 rows, 3 entries: 3 new" in first.out
    again = imported(desk, ROWS, "--json")
    assert again.json["same"] == 3
    assert "3 unchanged" in again.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADING + "69,samu,122,\n", "112"),
        (HEADING + "69,samu,12,\n", "112"),
        (HEADING + "Atlantis,samu,0465716915,\n", "Atlantis"),
        (HEADING + "69,kebab,0465716915,\n", "kebab"),
        (HEADING + "69,samu,=1+1,\n", "=1+1"),
        (HEADING + "69,samu,0465716915,=HYPERLINK(1)\n", "Row 1"),
        (HEADING + '69,samu,0465716915,"Lyon",more\n', "more cells"),
        ("territory,service,number,colour\n69,samu,0465716915,red\n", "colour"),
        (HEADING + "69,samu,0465716915,Lyon\n69,samu,0465716915\x00,\n", ""),
    ],
)
def test_a_bad_row_is_told_and_nothing_is_kept(desk: Desk, text: str, said: str) -> None:
    answer = imported(desk, text + ("69,pompiers,0465716918\n" if "colour" not in text else ""))
    assert answer.code in (1, 2), answer.out
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert standings(desk) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00\x01\x02\xff\xfe",
        b"territory,number\n69,0465716915\n",
        b"{]",
        HEADING.encode(),
        b'"' * 10_000,
    ],
)
def test_what_is_no_file_of_numbers_is_one_sentence(desk: Desk, content: bytes) -> None:
    for name in ("numbers.csv", "numbers.yaml", "numbers.json"):
        answer = imported(desk, content, "--json", name=name)
        assert answer.code in (1, 2)
        assert answer.json["error"]
        assert "Traceback" not in answer.err
    assert standings(desk) == {}


def test_a_file_that_is_not_there(desk: Desk) -> None:
    for name in ("nowhere.csv", "."):
        answer = desk.run("numbers", "import", name, by="ada")
        assert answer.code == 2
        assert "cannot be read" in answer.err


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode("utf-8-sig"),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode(),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("Lyon", "Écully").encode("latin-1"),
        ROWS.encode("utf-16"),
        ROWS.replace("territory", "departement_code").encode(),
    ],
    ids=["bom", "semicolons", "tabs", "crlf", "latin-1", "utf-16", "other names"],
)
def test_other_delimiters_and_encodings_are_read(desk: Desk, content: bytes) -> None:
    answer = imported(desk, content)
    assert answer.code == 0, answer.err
    assert len(standings(desk)) == 3


def test_sound_rows_are_kept_when_asked(desk: Desk) -> None:
    answer = imported(desk, ROWS + "69,samu,122,\n", "--keep-valid", "--json")
    assert answer.code == 3
    assert (len(answer.json["new"]), len(answer.json["faults"])) == (3, 1)
    assert "Row 4" in answer.err


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_case_file_loads_in_a_sandbox_and_live(desk: Desk, sandbox: bool) -> None:
    if not CASE.exists():
        pytest.skip("the case file lies beside the project")
    organisation = {
        "name": "Préfecture d'essai",
        "verification_page": "https://www.example.org/",
        "sandbox": sandbox,
    }
    desk.configure(organisation=organisation)
    answer = desk.run("numbers", "import", str(CASE), "--json", by="ada")
    assert answer.code == 0, answer.err
    assert (answer.json["rows"], answer.json["entries"]) == (98, 73)
    assert "03 80 40 28 29 serves several territories: 21, 58" in answer.err


def test_reading_back_refuses_other_digits(desk: Desk) -> None:
    imported(desk)
    answer = verify(desk, "N1", "0465716916")
    assert answer.code == 1
    assert "69 15" not in answer.err + answer.out
    assert verify(desk, "N1", "0465716915", by="ada").code == 1
    assert verify(desk, "N1", "0465716915", "--call", "busy").code == 1
    assert standings(desk)["N1"] == "unverified"


def test_digits_and_call_are_asked_for(desk: Desk) -> None:
    imported(desk)
    answer = desk.run("numbers", "verify", "N1", "--json", by="bo", stdin="0465716915\nyes\nanswered\n")
    assert answer.code == 0
    assert answer.json["verified_by"] == "bo"
    assert "69 15" not in answer.err.split("was verified")[0]


def test_a_territory_is_read_back_left_and_resumed(desk: Desk) -> None:
    imported(desk)
    first = session(desk, "0465716915", "answered", "q")
    assert first.code == 3
    assert "1/2  N1 69 Rhône SAMU" in first.out
    assert "2/2  N2 69 Rhône Police Lyon" in first.out
    assert "04 65 71" not in first.out + first.err
    assert standings(desk) == {"N1": "in_force", "N2": "unverified", "N3": "unverified"}
    second = session(desk, "0465716999", "answered")
    assert second.code == 3
    third = session(desk, "0465716917", "answered")
    assert third.code == 0
    assert "2/2  N2" in third.out
    assert "Verified now: 1. Still to verify" in third.out


def test_no_single_key_verifies_anything(desk: Desk) -> None:
    imported(desk)
    answer = session(desk, *["y"] * 20)
    assert answer.code == 3
    assert set(standings(desk).values()) == {"unverified"}


def test_a_session_of_one_s_own_numbers_has_nothing_to_ask(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(desk)
    answer = session(desk, by="ada")
    assert answer.code == 0
    assert "You entered N1, N2 yourself" in answer.out


def test_adding_editing_and_showing(desk: Desk) -> None:
    sets = ("--set", "territory=69", "--set", "service=samu", "--set", "number=04 65 71 69 15")
    added = desk.run("numbers", "add", *sets, "--json", by="ada")
    assert added.json["entry"] == "N1"
    edited = desk.run("numbers", "edit", "N1", "--set", "capacity=15", by="ada")
    assert "N1 is now version 2" in edited.out
    assert desk.run("numbers", "add", *sets, by="ada").code == 1
    document = desk.run("numbers", "show", "n1", "--json").json
    assert [one["version"] for one in document["versions"]] == [1, 2]
    words = desk.run("numbers", "show", "N1").out
    for said in ("04 65 71 69 15", "not verified", "15 calls at once", "capacity=15"):
        assert said in words


def test_list_check_and_export(desk: Desk) -> None:
    imported(desk)
    assert "04 65 71 01 15" in desk.run("numbers", "list", "01").out
    assert [one["entry"] for one in desk.run("numbers", "list", "69/police", "--json").json] == ["N2"]
    assert desk.run("numbers", "list", "--standing", "in-force", "--json").json == []
    covers = desk.run("numbers", "check", "69,42", "--coverage", "--json").json["coverage"]
    assert {one["cover"] for one in covers} == {"none"}
    assert {one["territory"] for one in covers} == {"69", "42"}
    assert "42 Loire: no number in force" in desk.run("numbers", "check", "--coverage", "42").out
    exported = desk.run("numbers", "export", "69")
    again = imported(desk, exported.out, "--json", name="again.csv")
    assert (again.json["same"], again.json["new"], again.json["changed"]) == (2, [], [])
    assert len(json.loads(desk.run("numbers", "export", "--format", "json").out)) == 3


def test_the_template_can_be_imported(desk: Desk) -> None:
    template = desk.run("numbers", "template").out
    assert imported(desk, template).code == 0
    assert "territory" in desk.run("numbers", "template", "--json").json["columns"]


def test_a_formula_is_exported_as_text(desk: Desk) -> None:
    imported(desk, "territory,service,number,source_url\n69,samu,0465716915,https://www.example.org/\n")
    out = desk.run("numbers", "export").out
    assert not any(
        cell.startswith(("=", "+", "@")) for line in out.splitlines() for cell in line.split(",")
    )


@pytest.mark.parametrize(
    "command",
    [
        "numbers",
        "numbers import",
        "numbers show N99",
        "numbers show twelve",
        "numbers list Atlantis",
        "numbers list --standing shiny",
        "numbers check Atlantis",
        "numbers export --format pdf",
        "numbers show N99999999999999999999",
    ],
)
def test_misuse_is_a_sentence(desk: Desk, command: str) -> None:
    answer = desk.run(*command.split(), "--json")
    assert answer.code == 2
    assert answer.json["error"]
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "command",
    [
        "numbers add",
        "numbers verify",
        "numbers verify N1 --session 69",
        "numbers verify --session 69 --digits 1",
        "numbers edit N1",
        "numbers withdraw N1 --reason x --but Atlantis",
    ],
)
def test_misuse_of_what_changes_is_a_sentence(desk: Desk, command: str) -> None:
    answer = desk.run(*command.split(), "--json", by="ada")
    assert answer.code == 2
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "command",
    [
        "numbers import numbers.csv",
        "numbers add --set service=samu",
        "numbers edit N1 --set capacity=5",
        "numbers verify N1 --digits 1 --call answered",
        "numbers verify --session 69",
        "numbers withdraw N1 --reason over",
    ],
)
def test_changing_needs_a_token(desk: Desk, command: str) -> None:
    answer = desk.run(*command.split(), "--json")
    assert answer.code == 1
    assert "ALERTBOT_TOKEN" in answer.json["error"]


def test_a_query_without_a_configuration_asks_for_one(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    nowhere = Desk(tmp_path / "empty")
    answer = nowhere.run("preview", "provisional_number", "--set", "territories=69")
    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert nowhere.run("preview", "provisional_number").code == 0
