"""A place without an API: a person posts there, and says so; at the command line."""

import re
from pathlib import Path

import pytest

from tests.cli import desk as desks
from tests.cli.desk import CONFIG, Desk

HAND = {"type": "hand", "where": "WhatsApp « Préfet 69 »", "who": "ada", "languages": ["fr"]}
LINK = "https://whatsapp.com/channel/0029Va/123"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = desks.opened(tmp_path)
    made.configure(channels={**CONFIG["channels"], "whatsapp": HAND})
    return made


def published(desk: Desk, *options: str, kind: str = "holding") -> str:
    alert = desk.shown(kind, "--channel", "public", "--channel", "whatsapp", *options)
    answer = desk.run("approve", alert, "--publish", by="bo")
    assert answer.code == 3, answer.err  # a person has it
    return alert


def tasks_of(desk: Desk) -> list[dict[str, object]]:
    return [one for one in desk.run("task", "list", "--json").json if one["kind"] == "by-hand"]


def deliveries(desk: Desk, alert: str) -> list[dict[str, object]]:
    rows = desk.run("deliveries", alert, "--json").json
    return [one for one in rows if one["channel"] == "whatsapp"]


def test_the_words_are_given_out_posted_and_recorded(desk: Desk) -> None:
    alert = published(desk)
    (row,) = deliveries(desk, alert)
    assert (row["state"], row["settled_at"]) == ("sending", None)
    assert "ada" in row["reason"]
    assert desk.state(alert) == "publishing"
    (task,) = tasks_of(desk)
    status = desk.run("status").out
    assert f"alertbot task show {task['id']}" in status
    shown = desk.run("task", "show", str(task["id"]))
    said = desk.run("show", alert, "--json").json
    (words,) = [one["text"] for one in said["messages"] if one["channel"] == "whatsapp"]
    assert shown.out.strip() == words.strip()
    assert "WhatsApp « Préfet 69 »" in shown.err
    bare = desk.run("task", "done", str(task["id"]), by="ada")
    assert (bare.code, "--link" in bare.err) == (2, True)
    told = desk.run("task", "done", str(task["id"]), "--link", LINK, by="bo")
    assert told.code == 0, told.err
    (row,) = deliveries(desk, alert)
    assert (row["state"], row["url"]) == ("sent", LINK)
    assert re.fullmatch(r"sent by bo \d\d:\d\d", str(row["note"]))
    assert desk.state(alert) == "published"
    again = desk.run("task", "done", str(task["id"]), "--at", "now", by="ada")
    assert again.code == 1
    assert "by bo" in again.err
    rows = desk.run("audit", "export", "--json").json
    (kept,) = [one for one in rows if one["verb"] == "task-done"]
    assert (kept["actor"], kept["detail"]["asked"]) == ("bo", ["ada"])
    assert desk.run("audit", "verify").code == 0


def test_what_was_not_posted_has_failed_with_the_reason(desk: Desk) -> None:
    alert = published(desk)
    (task,) = tasks_of(desk)
    assert desk.run("task", "not-done", str(task["id"]), "--reason", " ", by="ada").code == 2
    desk.does("task", "not-done", str(task["id"]), "--reason", "the account is locked", by="ada")
    (row,) = deliveries(desk, alert)
    assert (row["state"], "the account is locked" in row["reason"]) == ("failed", True)
    assert desk.state(alert) == "partly_published"
    assert desk.run("audit", "verify").code == 0


@pytest.mark.parametrize("given", ["31:12", "23:59x", "ftp://example.org/1", "2020-01-01T10:00"])
def test_an_answer_that_cannot_be_is_refused(desk: Desk, given: str) -> None:
    published(desk)
    (task,) = tasks_of(desk)
    option = "--link" if "://" in given else "--at"
    answer = desk.run("task", "done", str(task["id"]), option, given, by="ada")
    assert (answer.code, answer.err.count("\n")) == (2, 1), answer.err


def test_after_a_halt_it_says_stop_and_what_was_done_can_still_be_told(desk: Desk) -> None:
    alert = published(desk)
    (task,) = tasks_of(desk)
    desk.does("halt")
    shown = desk.run("task", "show", str(task["id"]))
    assert "DO NOT POST IT" in shown.err
    assert "DO NOT POST IT" in re.sub(r"[\s│]+", " ", desk.does("task", "list"))
    assert "DO NOT POST IT" in re.sub(r"\s+", " ", desk.does("status"))
    assert "Post exactly these words" not in shown.err
    desk.does("task", "done", str(task["id"]), "--at", "now", by="ada")
    (row,) = deliveries(desk, alert)
    assert row["state"] == "sent"
    rows = desk.run("audit", "export", "--json").json
    (kept,) = [one for one in rows if one["verb"] == "task-done"]
    assert "halted" in kept["detail"]["despite"]


def test_what_follows_goes_to_the_same_place_with_the_earlier_address(desk: Desk) -> None:
    alert = published(desk)
    (task,) = tasks_of(desk)
    desk.does("task", "done", str(task["id"]), "--link", LINK, by="ada")
    taken = desk.run("retract", alert, "--submit", "--json", by="ada").json["id"]
    desk.does("show", taken, by="bo")
    assert desk.run("approve", taken, "--publish", by="bo").code == 3
    shown = [desk.run("task", "show", str(one["id"])).err for one in tasks_of(desk)]
    assert shown
    assert all(LINK in one for one in shown)


def test_what_follows_a_post_that_was_never_made_names_no_earlier_post(desk: Desk) -> None:
    alert = published(desk)
    (task,) = tasks_of(desk)
    taken = desk.run("retract", alert, "--submit", "--json", by="ada").json["id"]
    desk.does("show", taken, by="bo")
    assert desk.run("approve", taken, "--publish", by="bo").code == 3
    desk.does("task", "not-done", str(task["id"]), "--reason", "locked", by="ada")
    retraction, edit = (desk.run("task", "show", str(one["id"])).err for one in tasks_of(desk))
    assert "Post exactly these words in" in retraction
    assert "earlier post" not in retraction
    assert "was never made" in edit


def test_check_tells_where_nobody_is_asked_to_post(desk: Desk) -> None:
    desk.join("dee", "admin", by="bo", confirmed_by="cy")
    places = {
        who.lower(): HAND | {"where": f"The place of {who}", "who": who}
        for who in ("Ada", "dee", "nobody", "duty")
    }
    desk.configure(channels={**CONFIG["channels"], **places})
    checked = desk.run("check", "--json").json
    told = [one for one in checked["warnings"] if ".who:" in one]
    assert {one.partition(":")[0] for one in told} == {
        f"channels.{name}.who" for name in ("dee", "nobody", "duty")
    }
    assert len(told) == 3
    assert checked["sound"]
    duty = {"shifts": [{"person": "bo", "from": "20:00", "until": "21:00"}]}
    desk.configure(channels={**CONFIG["channels"], "duty": places["duty"]}, duty=duty)
    assert not [one for one in desk.run("check", "--json").json["warnings"] if ".who:" in one]
