"""Two people are two hands: whoever has seen a writer's token, or whose words live on, approves nothing of it
(cases 4 and 8); and a team of three hands can publish in every constellation."""

import pytest

from tests.cli.desk import Desk


def written(desk: Desk, by: str, kind: str = "holding") -> str:
    """An alert that one person wrote and submitted."""
    drafted = desk.run("draft", kind, "--vars", desk.facts(kind), "--new-incident", "--json", by=by)
    assert drafted.code == 0, drafted.err
    alert = str(drafted.json["id"])
    desk.does("submit", alert, by=by)
    return alert


def refused(desk: Desk, alert: str, by: str) -> str:
    """What is said to somebody who may not approve; the alert still waits."""
    desk.does("show", alert, by=by)
    answer = desk.run("approve", alert, by=by)
    assert answer.code == 1, answer.out
    assert desk.state(alert) == "pending"
    return answer.err


def approved(desk: Desk, alert: str, by: str) -> None:
    desk.does("show", alert, by=by)
    desk.does("approve", alert, by=by)


def test_whoever_added_the_author_does_not_approve_her_words(desk: Desk) -> None:
    desk.add("eve", "author", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    alert = written(desk, "eve")
    said = refused(desk, alert, "bo")
    assert "bo counts as one hand with those who wrote" in said
    assert "eve" in said
    assert "cy can approve it." in said
    approved(desk, alert, "cy")


def test_whoever_renewed_her_token_does_not_approve_her_words(desk: Desk) -> None:
    desk.tokens["ada"] = desk.does("people", "rotate", "ada", by="bo").splitlines()[-1]
    desk.does("people", "confirm", "ada", by="cy")
    alert = written(desk, "ada")
    refused(desk, alert, "bo")
    approved(desk, alert, "cy")  # who only confirmed is not barred


def test_it_is_the_last_who_saw_the_token_that_counts(desk: Desk) -> None:
    desk.add("eve", "author", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    desk.tokens["eve"] = desk.does("people", "rotate", "eve", by="cy").splitlines()[-1]
    desk.does("people", "confirm", "eve", by="bo")
    alert = written(desk, "eve")
    refused(desk, alert, "cy")
    approved(desk, alert, "bo")


def test_what_was_written_with_a_seen_token_stays_so_when_the_token_is_renewed(desk: Desk) -> None:
    """bo writes as eve; then another renews eve's token, so that bo no longer knows it."""
    desk.add("eve", "author", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    alert = written(desk, "eve")
    desk.does("people", "rotate", "eve", by="cy")
    desk.does("people", "confirm", "eve", by="bo")
    refused(desk, alert, "bo")


def test_nor_does_one_approve_with_the_token_of_an_approver_whom_one_added(desk: Desk) -> None:
    """The other way round: bo writes as himself, and would approve as eve."""
    desk.add("eve", "approver", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    alert = written(desk, "bo")
    assert "eve counts as one hand with those who wrote" in refused(desk, alert, "eve")
    approved(desk, alert, "cy")


def test_two_whom_one_admin_added_are_one_hand(desk: Desk) -> None:
    for name, role in (("eve", "author"), ("dan", "approver")):
        desk.add(name, role, by="bo")
        desk.does("people", "confirm", name, by="cy")
    alert = written(desk, "eve")
    refused(desk, alert, "dan")
    approved(desk, alert, "cy")


def test_a_chain_of_tokens_leads_back_to_its_beginning(desk: Desk) -> None:
    """bo adds dan as an admin, and as dan adds eve: bo has seen eve's token."""
    desk.add("dan", "admin", by="bo")
    desk.does("people", "confirm", "dan", by="cy")
    desk.add("eve", "author", by="dan")
    blocked = desk.run("people", "confirm", "eve", by="bo")
    assert blocked.code == 1
    assert "count as one hand" in blocked.err
    desk.does("people", "confirm", "eve", by="cy")
    alert = written(desk, "eve")
    refused(desk, alert, "bo")
    approved(desk, alert, "cy")


def test_two_approvals_of_one_hand_are_one(desk: Desk) -> None:
    desk.configure(approvals={"holding": {"approvers": 2}})
    desk.add("eve", "approver", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    alert = written(desk, "ada")
    approved(desk, alert, "eve")
    assert "bo and eve, who approved" in refused(desk, alert, "bo")
    approved(desk, alert, "cy")
    assert desk.state(alert) == "approved"


@pytest.mark.parametrize("roles", [("author",), ("approver",), ("admin",), ("author", "approver")])
def test_nobody_counts_on_one_admins_word(desk: Desk, roles: tuple[str, ...]) -> None:
    desk.add("eve", *roles, by="bo")
    assert "does not count yet" in desk.run("draft", "holding", by="eve").err
    own = desk.run("people", "confirm", "eve", by="bo")
    assert own.code == 1
    assert "another admin must confirm" in own.err
    desk.does("people", "confirm", "eve", by="cy")


def test_a_renewed_author_waits_for_a_second_admin_too(desk: Desk) -> None:
    desk.tokens["ada"] = desk.does("people", "rotate", "ada", by="bo").splitlines()[-1]
    assert "does not count yet" in desk.run("draft", "holding", by="ada").err
    assert desk.run("people", "confirm", "ada", by="bo").code == 1
    desk.does("people", "confirm", "ada", by="cy")
    written(desk, "ada")


def test_a_token_is_ones_own_once_renewed_and_vouched_for(desk: Desk) -> None:
    desk.add("eve", "author", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    early = desk.run("people", "confirm", "eve", "--own-token", by="cy")
    assert early.code == 1
    assert "alertbot people rotate eve" in early.err
    desk.tokens["eve"] = desk.does("people", "rotate", "eve", by="eve").splitlines()[-1]
    refused(desk, written(desk, "eve"), "bo")  # anyone with the first token could have renewed it
    assert desk.run("people", "confirm", "eve", "--own-token", by="bo").code == 1
    desk.does("people", "confirm", "eve", "--own-token", by="cy")
    approved(desk, written(desk, "eve"), "bo")


def test_an_admin_whose_token_was_seen_does_not_vouch_for_whoever_saw_it(desk: Desk) -> None:
    desk.add("dan", "admin", by="bo")
    desk.does("people", "confirm", "dan", by="cy")
    desk.add("eve", "author", by="bo")
    assert "one hand" in desk.run("people", "confirm", "eve", by="dan").err
    desk.does("people", "confirm", "eve", by="cy")
    desk.tokens["eve"] = desk.does("people", "rotate", "eve", by="eve").splitlines()[-1]
    assert "one hand" in desk.run("people", "confirm", "eve", "--own-token", by="dan").err


def test_a_renewed_token_takes_the_ways_to_reach_the_person_along(desk: Desk) -> None:
    """Whoever knew the old token could have entered their own address."""
    desk.does("people", "mail", "ada", "ada@example.org", by="ada")
    desk.does("people", "rotate", "ada", by="bo")
    lines = desk.run("people", "list", "--json").json
    assert next(line for line in lines if line["name"] == "ada")["reached_by"] == []
    desk.does("people", "mail", "cy", "cy@example.org", by="cy")
    desk.tokens["cy"] = desk.does("people", "rotate", "cy", by="cy").splitlines()[-1]
    lines = desk.run("people", "list", "--json").json
    assert next(line for line in lines if line["name"] == "cy")["reached_by"] == ["mail"]


def test_whose_words_live_on_does_not_approve(desk: Desk) -> None:
    """Case 8: bo writes, cy edits, ada edits another field; neither bo nor cy approves."""
    drafted = desk.run("draft", "holding", "--vars", desk.facts("holding"), "--json", by="bo")
    alert = str(drafted.json["id"])
    desk.does("edit", alert, "--set", "next_update=+40m", by="cy")
    desk.does("edit", alert, "--set", "next_update=+45m", by="ada")
    desk.does("submit", alert, by="ada")
    assert "bo wrote" in refused(desk, alert, "bo")
    assert "cy edited" in refused(desk, alert, "cy")


def test_who_returned_it_and_changed_nothing_may_approve(desk: Desk) -> None:
    alert = written(desk, "ada")
    desk.does("return", alert, "--reason", "name the départements", by="bo")
    desk.does("edit", alert, "--set", "next_update=+45m", by="ada")
    desk.does("submit", alert, by="ada")
    approved(desk, alert, "bo")


def test_who_submits_does_not_approve(desk: Desk) -> None:
    alert = desk.draft()
    desk.does("submit", alert, by="bo")
    assert "bo submitted" in refused(desk, alert, "bo")
    approved(desk, alert, "cy")


def test_the_writers_of_unapproved_words_do_not_approve_what_inherits_them(desk: Desk) -> None:
    """cy publishes bo's words alone; the correction that ada drafts from them takes them over."""
    alert = written(desk, "bo", "status")
    digest = desk.run("show", alert, "--json", by="cy").json["digest"]
    glass = ("approve", alert, "--break-glass", "--reason", "fire", "--digest", digest, "--publish")
    desk.does(*glass, by="cy")
    update = desk.run("update", alert, "--set", "next_update=+50m", "--json", by="ada").json["id"]
    desk.does("submit", update, by="ada")
    refused(desk, update, "bo")


def test_words_that_two_hands_approved_are_nobodys_any_more(desk: Desk) -> None:
    alert = written(desk, "bo", "status")
    approved(desk, alert, "cy")
    desk.does("run", "--once")
    update = desk.run("update", alert, "--set", "next_update=+50m", "--json", by="ada").json["id"]
    desk.does("submit", update, by="ada")
    approved(desk, update, "bo")


@pytest.mark.parametrize("author", ["bo", "cy", "ada"])
def test_three_hands_publish_in_every_constellation(desk: Desk, author: str) -> None:
    desk.join("eve", "approver", by="bo", confirmed_by="cy")
    for approver in {"bo", "cy", "eve"} - {author}:
        alert = written(desk, author)
        approved(desk, alert, approver)
        assert desk.state(alert) == "approved"


def test_a_team_of_two_works(bare: Desk) -> None:
    """The first two people of an organisation are two hands, though the first has seen the other's token."""
    bare.add("bo", "approver")
    bare.add("cy", "approver", by="bo")
    approved(bare, written(bare, "bo"), "cy")
    approved(bare, written(bare, "cy"), "bo")
    refused(bare, written(bare, "bo"), "bo")
