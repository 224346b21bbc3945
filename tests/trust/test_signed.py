"""What is signed cannot be prepared: a salt in the digest, and short digests only of what was shown (case 5)."""

import hashlib

import pytest

from tests.cli.desk import Desk


def digest(desk: Desk, alert: str) -> str:
    """The digest of an alert, shown to nobody in particular."""
    return str(desk.run("show", alert, "--json").json["digest"])


def test_the_digest_of_the_draft_says_nothing_about_the_one_that_is_signed(desk: Desk) -> None:
    """Whoever prepares two texts knows the digests of both drafts, and of neither the one to be approved."""
    alert = desk.draft()
    before = digest(desk, alert)
    submitted = desk.run("submit", alert, "--json", by="ada").json["digest"]
    assert submitted == digest(desk, alert) != before
    refused = desk.run("approve", alert, "--digest", before, by="bo")
    assert refused.code == 1
    assert f"The digest of {alert} is not {before[:12]}" in refused.err
    assert desk.run("approve", alert, "--digest", submitted, by="bo").code == 0


def test_each_submission_draws_another_salt(desk: Desk) -> None:
    """The same words, submitted again, have another digest: what was prepared for the first one is worthless."""
    alert = desk.draft("holding", "--set", "next_update=+45m")
    seen = set()
    for _again in range(4):
        desk.run("submit", alert, by="ada")
        seen.add(digest(desk, alert))
        assert desk.run("edit", alert, "--set", "next_update=+45m", by="ada").code == 0
    assert len(seen) == 4


@pytest.mark.parametrize("count", [12, 20, 31])
def test_a_short_digest_is_taken_only_from_whom_the_text_was_shown(desk: Desk, count: int) -> None:
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    typed = digest(desk, alert)[:count]
    unseen = desk.run("approve", alert, "--digest", typed, by="bo")
    assert unseen.code == 1
    assert f"bo has not seen {alert} as it is now" in unseen.err
    assert "32 characters" in unseen.err
    desk.run("show", alert, by="cy")  # somebody else has
    assert desk.run("approve", alert, "--digest", typed, by="bo").code == 1
    desk.run("show", alert, by="bo")
    assert desk.run("approve", alert, "--digest", typed, by="bo").code == 0


def test_what_was_shown_before_the_last_submission_does_not_count(desk: Desk) -> None:
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    desk.run("show", alert, by="bo")
    desk.run("edit", alert, "--set", "next_update=+50m", by="ada")
    desk.run("submit", alert, by="ada")
    typed = digest(desk, alert)[:12]
    refused = desk.run("approve", alert, "--digest", typed, by="bo")
    assert refused.code == 1
    assert "as it is now" in refused.err


def test_thirty_two_digits_need_no_showing(desk: Desk) -> None:
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    assert desk.run("approve", alert, "--digest", digest(desk, alert)[:32], by="bo").code == 0


def test_breaking_the_glass_takes_a_short_digest_as_little(desk: Desk) -> None:
    alert = desk.draft()
    desk.run("submit", alert, by="ada")
    typed = digest(desk, alert)[:12]
    glass = ("approve", alert, "--break-glass", "--reason", "fire", "--digest", typed)
    refused = desk.run(*glass, by="bo")
    assert refused.code == 1
    assert "as it is now" in refused.err
    desk.run("show", alert, by="bo")
    assert desk.run(*glass, by="bo").code == 0


def test_the_salt_is_drawn_at_submission_and_is_in_the_digest(desk: Desk) -> None:
    """The digest that is signed is the salt and the terms of the submission with the digest of the content."""
    alert = desk.draft()
    content = digest(desk, alert)
    desk.run("submit", alert, by="ada")
    rows = desk.run("audit", "export", "--json").json
    (detail,) = (row["detail"] for row in rows if row["verb"] == "submit")
    assert len(detail["salt"]) == 32
    whole = f"{detail['salt']}:{detail['terms']}:{content}"
    assert digest(desk, alert) == hashlib.sha256(whole.encode()).hexdigest()
