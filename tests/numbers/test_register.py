"""Numbers come from the register alone: asked for when an alert is written, and judged again when it is
approved."""

from datetime import timedelta
from typing import Any

import pytest

from alertbot.alerts import approving, showing, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.lists import register, still_public
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Faulty, Misuse, Refused
from alertbot.db.database import Database
from alertbot.numbers import changing, store_numbers
from alertbot.numbers.views import NumbersWithdrawn
from alertbot.ops import overview
from tests.shown import held
from tests.team import Team, example, gather

ROWS = [
    {"territory": "69", "service": "samu", "number": "04 65 71 69 15"},
    {"territory": "01", "service": "pompiers", "number": "04 65 71 01 18"},
    {"territory": "01", "service": "samu", "number": "04 65 71 01 15", "zone": "Bourg"},
]
SAMU_01, POMPIERS_01, SAMU_69 = "04 65 71 01 15", "04 65 71 01 18", "04 65 71 69 15"


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


def asked(team: Team, query: str, **more: Any) -> dict[str, Any]:
    """The kind's example with a query of the register instead of rows and places."""
    values = example(team.service, "provisional_number")
    del values["numbers"], values["where"]
    return values | {"territories": query} | more


async def draft(team: Team, query: str, **more: Any) -> AlertView:
    values = asked(team, query, **more.pop("changes", {}))
    return await team.draft("provisional_number", given=values, **more)


async def published(team: Team, query: str, **more: Any) -> AlertView:
    view = await draft(team, query, **more)
    await writing.submit(team.service, team.people["ada"], view.id)
    for name in ("bo", "cy"):
        view = await team.approve(view.id, name)
    await team.work()
    return view


async def given(team: Team, alert: str) -> dict[str, Any]:
    return dict((await showing.opened(team.service, alert)).values)


def rules(view: AlertView) -> set[str]:
    return {fault.rule for fault in view.faults}


async def withdraw(team: Team, query: str) -> NumbersWithdrawn:
    return await still_public.withdraw(team.service, team.people["bo"], query, "17 works again")


# --- asking ---------------------------------------------------------------------------------------


async def test_a_query_gives_the_rows_in_order_and_the_places(team: Team) -> None:
    await team.register(ROWS)
    view = await draft(team, "69,01")
    assert not view.faults
    values = await given(team, view.id)
    assert [one["number"] for one in values["numbers"]] == [SAMU_01, POMPIERS_01, SAMU_69]
    assert values["where"] == ["01", "69"]
    assert all(one["entry"] and one["version"] == 1 for one in values["numbers"])
    shown = await showing.show(team.service, view.id, None)
    assert all(held(SAMU_69) in one.text for one in shown.messages if one.channel == "public")


@pytest.mark.parametrize(
    ("query", "more", "expected"),
    [
        ("01", {"services": "samu"}, [SAMU_01]),
        ("01,69", {"services": ["samu"]}, [SAMU_01, SAMU_69]),
        (["01/pompiers", "69"], {}, [POMPIERS_01, SAMU_69]),
        ("Ain", {"services": "samu, pompiers"}, [SAMU_01, POMPIERS_01]),
        ("N1,01/samu", {}, [SAMU_01, SAMU_69]),
        ("FR", {}, [SAMU_01, POMPIERS_01, SAMU_69]),
    ],
)
async def test_what_can_be_asked(
    team: Team, query: object, more: dict[str, Any], expected: list[str]
) -> None:
    await team.register(ROWS)
    view = await team.draft("provisional_number", given=asked(team, "", territories=query, **more))
    values = await given(team, view.id)
    assert [one["number"] for one in values["numbers"]] == expected


@pytest.mark.parametrize("query", ["Atlantis", "01/kebab", ""])
async def test_a_query_that_means_nothing_is_misuse(team: Team, query: str) -> None:
    values = asked(team, "", territories=query, services="samu")
    with pytest.raises(Misuse):
        await team.draft("provisional_number", given=values)


async def test_rows_and_a_query_at_once_are_misuse(team: Team) -> None:
    await team.register(ROWS)
    with pytest.raises(Misuse, match="not both"):
        await draft(team, "69", changes={"numbers": ROWS})


async def test_a_place_without_a_number_is_named(team: Team) -> None:
    await team.register(ROWS)
    view = await draft(team, "69,42")
    assert rules(view) == {"unregistered_number"}
    assert any("42" in fault.message for fault in view.faults)


async def test_a_place_may_lack_one_of_the_services_but_not_all(team: Team) -> None:
    await team.register(ROWS)
    assert not (await draft(team, "69,01", changes={"services": "samu,pompiers"})).faults
    view = await draft(team, "69,01", changes={"services": "pompiers"})
    assert rules(view) == {"unregistered_number"}
    assert len(view.faults) == 1


async def test_a_preview_asks_the_register_too(team: Team) -> None:
    await team.register(ROWS)
    seen = await register.look_up(team.service, DraftRequest("provisional_number", asked(team, "69")))
    assert [one["number"] for one in seen.given["numbers"]] == [SAMU_69]


# --- rows that were typed -------------------------------------------------------------------------


async def test_a_typed_row_that_is_an_entry_takes_its_form(team: Team) -> None:
    await team.register([ROWS[0] | {"capacity": "15"}])
    typed = ROWS[0] | {"verified_by": "nobody", "verified_at": "-1m"}
    view = await team.draft("provisional_number", changes={"numbers": [typed], "where": ["69"]})
    assert not view.faults
    (row,) = (await given(team, view.id))["numbers"]
    assert (row["verified_by"], row["capacity"]) == ("bo", "15")


async def test_digits_that_are_not_in_the_register_are_refused(team: Team) -> None:
    typed = ROWS[0] | {"verified_by": "Salle de veille", "verified_at": "-1m"}
    view = await team.draft("provisional_number", changes={"numbers": [typed], "where": ["69"]})
    assert rules(view) == {"unregistered_number"}
    message = next(fault.message for fault in view.faults)
    assert SAMU_69 in message
    assert "alertbot numbers import" in message
    with pytest.raises(Faulty):
        await writing.submit(team.service, team.people["ada"], view.id)


async def test_another_zone_is_another_entry(team: Team) -> None:
    await team.register(ROWS)
    view = await team.draft("provisional_number", changes={"numbers": [ROWS[0] | {"zone": "Lyon"}]})
    assert "unregistered_number" in rules(view)


async def test_an_older_version_is_not_the_entry(team: Team) -> None:
    (name,) = await team.register(ROWS[:1])
    await changing.edit(team.service, team.people["ada"], name, {"capacity": "15"})
    old = ROWS[0] | {"entry": name, "version": 1}
    view = await team.draft("provisional_number", changes={"numbers": [old]})
    assert "unregistered_number" in rules(view)
    assert any("version 2" in fault.message for fault in view.faults)


async def test_the_team_and_exercises_may_see_anything(team: Team) -> None:
    for more in ({"channels": ("team",)}, {"exercise": True}):
        view = await team.draft(
            "provisional_number", changes={"numbers": ROWS[:1], "where": ["69"]}, **more
        )
        assert not view.faults


# --- standing -------------------------------------------------------------------------------------


async def test_unverified_rows_are_each_named(team: Team) -> None:
    await team.register(ROWS, verified=False)
    view = await draft(team, "01,69")
    assert rules(view) == {"unverified_number"}
    assert len(view.faults) == 3
    for number in (SAMU_01, POMPIERS_01, SAMU_69):
        assert sum(number in fault.message for fault in view.faults) == 1


async def test_expired_planned_and_withdrawn_rows_are_each_named(team: Team) -> None:
    names = await team.register(
        [
            ROWS[0] | {"valid_until": "+10m"},
            ROWS[1] | {"valid_from": "+3h", "valid_until": "+5h"},
            ROWS[2],
        ]
    )
    await withdraw(team, names[2])
    team.clock.forward(minutes=11)
    view = await draft(team, ",".join(names))
    assert {"expired_number", "planned_number", "withdrawn_number"} <= rules(view)
    for rule, number in (
        ("expired_number", SAMU_69),
        ("planned_number", POMPIERS_01),
        ("withdrawn_number", SAMU_01),
    ):
        assert any(f.rule == rule and number in f.message for f in view.faults)


async def test_a_query_leaves_out_what_was_withdrawn(team: Team) -> None:
    await team.register(ROWS)
    await withdraw(team, "01/pompiers")
    values = await given(team, (await draft(team, "01,69")).id)
    assert [one["number"] for one in values["numbers"]] == [SAMU_01, SAMU_69]


async def test_a_review_that_nobody_made_ends_a_number_after_a_day(team: Team) -> None:
    await team.register(ROWS)
    team.clock.forward(hours=24, minutes=1)
    assert "expired_number" in rules(await draft(team, "69"))


# --- approving ------------------------------------------------------------------------------------


async def test_what_was_withdrawn_meanwhile_cannot_be_approved(team: Team) -> None:
    await team.register(ROWS)
    view = await draft(team, "01,69")
    await writing.submit(team.service, team.people["ada"], view.id)
    await team.approve(view.id, "bo")
    await withdraw(team, "01/pompiers")
    with pytest.raises(Refused, match=r"alertbot edit .* --set territories=01,69"):
        await team.approve(view.id, "cy")
    assert await team.state(view.id) == "pending"
    with pytest.raises(Refused):
        await approving.break_glass(
            team.service, team.people["cy"], view.id, view.digest, "it is urgent"
        )


async def test_what_was_withdrawn_after_the_approval_does_not_go_out(team: Team) -> None:
    await team.register(ROWS)
    view = await draft(team, "01,69")
    await writing.submit(team.service, team.people["ada"], view.id)
    for name in ("bo", "cy"):
        await team.approve(view.id, name)
    done = await withdraw(team, "01/pompiers")
    assert [(one.state, one.stopped > 0) for one in done.published] == [("approved", True)]
    tally = await team.work()
    assert not team.adapters["public"].posts
    to_the_team = sum(len(one.posts) for name, one in team.adapters.items() if name != "public")
    assert tally.sent == to_the_team  # notices are not taken back


async def test_what_has_changed_meanwhile_cannot_be_approved_and_an_edit_takes_it(team: Team) -> None:
    names = await team.register(ROWS[:1])
    view = await draft(team, "69")
    await writing.submit(team.service, team.people["ada"], view.id)
    await changing.edit(team.service, team.people["ada"], names[0], {"number": "04 65 71 69 16"})
    with pytest.raises(Refused, match="changed since"):
        await team.approve(view.id, "bo")
    view = await writing.edit(team.service, team.people["ada"], view.id, {"territories": "69"}, {})
    assert rules(view) == {"unverified_number"}
    await team.register([ROWS[0] | {"number": "04 65 71 69 16"}])
    await writing.submit(team.service, team.people["ada"], view.id, retime=True)
    for name in ("bo", "cy"):
        view = await team.approve(view.id, name)
    assert view.state == "approved"


async def test_an_edit_of_anything_else_takes_the_rows_as_they_are_now(team: Team) -> None:
    await team.register(ROWS)
    view = await draft(team, "01,69")
    await withdraw(team, "01/samu")
    await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+45m"}, {})
    values = await given(team, view.id)
    assert [one["number"] for one in values["numbers"]] == [POMPIERS_01, SAMU_69]


async def test_an_edit_changes_from_rows_to_a_query_and_back(team: Team) -> None:
    await team.register(ROWS)
    view = await team.draft("provisional_number", changes={"numbers": ROWS[:1]})
    edit = writing.edit
    await edit(team.service, team.people["ada"], view.id, {"territories": "01"}, {})
    assert [one["number"] for one in (await given(team, view.id))["numbers"]] == [
        SAMU_01,
        POMPIERS_01,
    ]
    await edit(team.service, team.people["ada"], view.id, {"numbers": ROWS[:1]}, {})
    assert [one["number"] for one in (await given(team, view.id))["numbers"]] == [SAMU_69]
    await edit(team.service, team.people["ada"], view.id, {"next_update": "+50m"}, {})
    assert [one["number"] for one in (await given(team, view.id))["numbers"]] == [SAMU_69]


async def test_the_audit_names_entries_and_versions_that_were_approved(team: Team) -> None:
    names = await team.register(ROWS)
    view = await published(team, "01,69")
    rows = [row for row in await overview.audit_export(team.service) if row["verb"] == "approve"]
    assert [row["detail"]["numbers"] for row in rows] == [dict.fromkeys(sorted(names), 1)] * 2
    carried = await team.service.database.read(lambda conn: store_numbers.carried(conn, [view.id]))
    assert len(carried[view.id]) == 3


# --- no longer valid (R5) -------------------------------------------------------------------------


async def test_what_was_told_and_is_over_is_named_in_the_next_update(team: Team) -> None:
    await team.register([ROWS[0] | {"valid_until": "+5h"}, *ROWS[1:]])
    first = await published(team, "01,69")
    await withdraw(team, "01/pompiers")
    team.clock.forward(hours=6)
    view = await draft(team, "01/samu", incident=first.incident)
    values = await given(team, view.id)
    assert [one["number"] for one in values["no_longer_valid"]] == [POMPIERS_01, SAMU_69]
    assert [one["number"] for one in values["numbers"]] == [SAMU_01]
    assert not view.faults
    await published(team, "01/samu", incident=first.incident)
    again = await draft(team, "01/samu", incident=first.incident)
    assert "no_longer_valid" not in await given(team, again.id)


async def test_digits_that_were_corrected_are_named_as_they_were_told(team: Team) -> None:
    (name,) = await team.register(ROWS[:1])
    first = await published(team, "69")
    await changing.edit(team.service, team.people["ada"], name, {"number": "04 65 71 69 16"})
    view = await draft(team, "69", incident=first.incident)
    values = await given(team, view.id)
    assert [one["number"] for one in values["no_longer_valid"]] == [SAMU_69]
    assert [one["number"] for one in values["numbers"]] == ["04 65 71 69 16"]


async def test_a_number_that_came_to_its_end_under_way_cannot_be_approved(team: Team) -> None:
    await team.register([ROWS[0] | {"valid_until": "+20m"}])
    view = await draft(team, "69")
    await writing.submit(team.service, team.people["ada"], view.id)
    team.clock.forward(minutes=21)
    with pytest.raises(Refused):
        await team.approve(view.id, "bo")
    assert timedelta(minutes=21) < timedelta(minutes=30)  # and not because nobody approved in time
