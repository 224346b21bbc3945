"""`alertbot check` says where one person could publish alone, and where nobody can (case 22)."""

from typing import Any

import pytest

from tests.cli.desk import CONFIG, Desk

CHANNELS: dict[str, Any] = dict(CONFIG["channels"])  # type: ignore[call-overload]
TELEGRAM = {"type": "telegram", "bot_token_env": "BOT", "api_url": "http://127.0.0.1:9"}


def mail(*addresses: str) -> dict[str, Any]:
    return {
        "type": "email",
        "host": "127.0.0.1",
        "port": 9,
        "security": "none",
        "sender": "alerts@example.org",
        "recipients": list(addresses),
    }


def checked(desk: Desk) -> dict[str, Any]:
    answer = desk.run("check", "--json")
    return dict(answer.json)


@pytest.mark.parametrize("audience", ["team", "exercise"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TELEGRAM | {"chat": "@exemple_alertes"}, TELEGRAM | {"chat": "@Exemple_Alertes"}),
        (mail("a@example.org", "b@example.org"), mail("B@example.org")),
    ],
    ids=["telegram", "mail"],
)
def test_an_address_of_two_audiences_is_a_fault(
    desk: Desk, one: dict[str, Any], other: dict[str, Any], audience: str
) -> None:
    desk.configure(channels={**CHANNELS, "one": one, "other": other | {"audience": audience}})
    found = checked(desk)
    (told,) = (each for each in found["problems"] if "lead to the same address" in each)
    assert "channels.one" in told
    assert f"channels.other (audience `{audience}`)" in told
    assert not found["sound"]


def test_an_address_twice_for_one_audience_is_none(desk: Desk) -> None:
    desk.configure(
        channels={
            **CHANNELS,
            "one": mail("a@example.org"),
            "other": mail("a@example.org", "c@example.org"),
        }
    )
    assert not [each for each in checked(desk)["problems"] if "same address" in each]


def test_a_team_of_three_hands_has_nothing_to_be_told(desk: Desk) -> None:
    found = checked(desk)
    assert found["sound"]
    assert not [each for each in found["warnings"] if "one hand" in each], found["warnings"]


def test_the_pairs_that_count_as_one_hand_are_named_with_the_way_out(desk: Desk) -> None:
    desk.add("eve", "approver", by="bo")
    desk.does("people", "confirm", "eve", by="cy")
    (told,) = (each for each in checked(desk)["warnings"] if "count as one hand" in each)
    assert told.startswith("bo and eve count as one hand: bo has seen")
    assert "alertbot people rotate eve" in told
    assert "alertbot people confirm eve --own-token" in told
    desk.tokens["eve"] = desk.does("people", "rotate", "eve", by="eve").splitlines()[-1]
    desk.does("people", "confirm", "eve", "--own-token", by="cy")
    assert not [each for each in checked(desk)["warnings"] if "one hand" in each]


def test_kinds_that_too_few_can_approve(bare: Desk) -> None:
    bare.add("bo", "approver")
    found = "\n".join(checked(bare)["warnings"])
    assert "Nobody can publish: " in found
    assert "holding" in found
    bare.add("cy", "approver", by="bo")
    found = "\n".join(checked(bare)["warnings"])
    assert "Nobody can publish: provisional_number. It takes 2 approvers besides the author" in found
    assert "holding" not in found
    bare.join("ada", "author", by="bo", confirmed_by="cy")
    found = "\n".join(checked(bare)["warnings"])
    assert "What bo writes of provisional_number cannot be published" in found
    assert "and there are 1" in found
    bare.join("eve", "approver", by="cy", confirmed_by="bo")
    assert "cannot be published" not in "\n".join(checked(bare)["warnings"])


def test_hands_are_counted_not_people(desk: Desk) -> None:
    """Four approvers, but three of them have tokens that bo has seen."""
    for name in ("eve", "dan"):
        desk.add(name, "approver", by="bo")
        desk.does("people", "confirm", name, by="cy")
    desk.configure(approvals={"holding": {"approvers": 3}})
    found = "\n".join(checked(desk)["warnings"])
    assert "Nobody can publish: holding. It takes 3 approvers" in found


def test_two_approvers_with_one_mailbox_are_one_person(desk: Desk) -> None:
    desk.does("people", "mail", "bo", "team@example.org", by="bo")
    desk.does("people", "mail", "cy", "Team@example.org", by="cy")
    (told,) = (each for each in checked(desk)["warnings"] if "same mail address" in each)
    assert "bo and cy" in told
    assert "publish alone" in told
