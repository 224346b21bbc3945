"""`people link`, `unlink` and `mail`; names in `duty:` that nobody has."""

from tests.cli.desk import Desk


def test_a_code_stands_alone_on_the_last_line(desk: Desk) -> None:
    answer = desk.run("people", "link", "Bo", by="bo")
    assert answer.code == 0
    command, code = answer.out.splitlines()[-1].split()
    assert command == "/link"
    assert [len(group) for group in code.split("-")] == [4, 4, 4]
    again = desk.run("people", "link", "bo", "--json", by="bo")
    assert again.json["name"] == "bo"
    assert again.json["code"] != code
    assert again.err


def test_a_code_for_another_is_refused(desk: Desk) -> None:
    answer = desk.run("people", "link", "bo", by="cy")
    assert answer.code == 1
    assert "bo's own token" in answer.err
    assert desk.run("people", "link", "bo").code == 1
    assert desk.run("people", "link", "nobody", by="bo").code == 2


def test_unlinking_says_whether_there_was_a_link(desk: Desk) -> None:
    assert "was not linked" in desk.run("people", "unlink", "bo", by="bo").out
    assert desk.run("people", "unlink", "bo", "--json", by="cy").json == {
        "name": "bo",
        "unlinked": False,
    }
    assert desk.run("people", "unlink", "bo", by="ada").code == 1


def test_a_mail_address_is_given_shown_and_taken_away(desk: Desk) -> None:
    assert desk.run("people", "mail", "bo", "bo@example.org", by="bo").code == 0
    rows = desk.run("people", "list", "--json").json
    assert next(row for row in rows if row["name"] == "bo")["reached_by"] == ["mail"]
    assert desk.run("people", "mail", "bo", "cy@example.org", by="cy").code == 1
    assert desk.run("people", "mail", "bo", "not an address", by="bo").code == 2
    assert desk.run("people", "mail", "bo", by="bo").code == 2
    gone = desk.run("people", "mail", "bo", "--remove", "--json", by="cy")
    assert gone.json == {"name": "bo", "mail": None}


def test_a_name_on_duty_that_nobody_has_is_a_warning(desk: Desk) -> None:
    shifts = [{"person": "Bo", "from": "20:00", "until": "21:00"}]
    desk.configure("duty.yaml", duty={"shifts": shifts, "deputies": ["Zoe", "ada"]})
    answer = desk.run("--config", "duty.yaml", "check", "--json")
    assert answer.code == 0, answer.err
    told = [one for one in answer.json["warnings"] if one.startswith("duty:")]
    assert len(told) == 2
    assert "Zoe" in told[0]
    assert "ada" in told[1]


def test_an_invitation_is_a_link_to_the_desk_and_says_who_has_seen_it(desk: Desk) -> None:
    assert "There is no desk" in desk.run("people", "invite", "bo", by="bo").err
    desk.configure(desk={"url": "https://desk.example.org"})
    own = desk.run("people", "invite", "bo", by="bo")
    assert own.out.splitlines()[-1].startswith("https://desk.example.org/desk/in/")
    assert own.err == ""
    other = desk.run("people", "invite", "ada", "--json", by="cy")
    assert (other.json["name"], other.json["shared"]) == ("ada", True)
    assert "one hand" in other.err
    assert desk.run("people", "invite", "bo", by="ada").code != 0
