"""Entering, reading back and withdrawing: who may, what is kept of it, and what the public still reads."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from alertbot.alerts import writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.lists import still_public
from alertbot.core.errors import Faulty, Misuse, Refused
from alertbot.db.database import Database
from alertbot.numbers import changing, consulting, verifying
from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_sheet import to_csv
from alertbot.numbers.views import ImportView, NumberHistory, NumberView
from alertbot.ops import overview
from alertbot.people import tasks
from tests.team import Team, example, gather

SAMU = {"territory": "69", "service": "samu", "number": "04 65 71 69 15"}
POLICE = {"territory": "69", "service": "police", "number": "04 65 71 69 17", "zone": "Lyon"}
CASE = Path(__file__).parents[3] / "shared/cases/orange-2021-06-02/provisional-numbers.csv"


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def add(team: Team, by: str = "ada", **cells: Any) -> NumberView:
    return await changing.add(team.service, team.people[by], SAMU | cells)


async def edit(team: Team, name: str, by: str = "ada", **cells: Any) -> NumberView:
    return await changing.edit(team.service, team.people[by], name, cells)


async def verify(
    team: Team, name: str, digits: str, call: str = "answered", by: str = "bo", **more: Any
) -> NumberView:
    given = verifying.Verification(digits, call, **more)
    return await verifying.verify(team.service, team.people[by], name, given)


async def import_(team: Team, text: str, **options: Any) -> ImportView:
    reading = read_numbers(text)
    return await changing.import_(team.service, team.people["ada"], reading, "a.csv", **options)


async def shown(team: Team, name: str) -> NumberHistory:
    return await consulting.show(team.service, name)


# --- importing ------------------------------------------------------------------------------------


async def test_a_file_is_taken_in_whole_or_not_at_all(team: Team) -> None:
    text = "territory,service,number\n69,samu,04 65 71 69 15\n69,samu,122\n"
    with pytest.raises(Faulty) as caught:
        await import_(team, text)
    assert "1 of 2 rows" in str(caught.value)
    assert [fault.rule for fault in caught.value.faults] == ["invalid_number"]
    assert not await consulting.listing(team.service, None, None)
    done = await import_(team, text, keep_valid=True)
    assert (done.new, len(done.faults)) == (("N1",), 1)


async def test_where_no_row_is_sound_nothing_is_kept(team: Team) -> None:
    with pytest.raises(Faulty):
        await import_(team, "territory,service,number\n69,samu,122\n", keep_valid=True)


async def test_a_file_cannot_verify(team: Team) -> None:
    done = await import_(
        team,
        "territory,service,number,verified_by,verified_at\n"
        "69,samu,04 65 71 69 15,Sacha,2026-03-02T14:00:00+00:00\n",
    )
    assert "verification_left_out" in {one.rule for one in done.warnings}
    assert (await shown(team, "N1")).standing == "unverified"


async def test_what_an_import_did_stands_in_the_audit(team: Team) -> None:
    await import_(team, "territory,service,number\n69,samu,04 65 71 69 15\n01,samu,04 65 71 01 15\n")
    await import_(team, "territory,service,number,capacity\n69,samu,04 65 71 69 15,15\n")
    rows = [row for row in await overview.audit_export(team.service) if row["verb"] == "numbers-import"]
    assert rows[0]["detail"]["new"] == ["N1-N2"]
    assert rows[1]["detail"]["changed"] == {"N1": 2}
    assert rows[0]["actor"] == "ada"


async def test_an_export_with_a_new_number_changes_the_entry_that_it_names(team: Team) -> None:
    await add(team)
    await verify(team, "N1", "0465716915")
    text = "entry,version,territory,service,number\nN1,1,69,samu,04 65 71 69 16\n"
    assert (await import_(team, text)).changed == ("N1",)
    after = await shown(team, "N1")
    assert (after.number, after.version, after.standing) == ("04 65 71 69 16", 2, "unverified")
    assert (await import_(team, text.replace("69 16", "69 18"))).new == ("N2",)  # N1 is at version 2


async def test_the_case_file_loads_as_it_is(team: Team) -> None:
    if not CASE.exists():
        pytest.skip("the case file lies beside the project")
    reading = changing.read(CASE, team.service.now)
    done = await changing.import_(team.service, team.people["ada"], reading, CASE.name)
    assert (done.rows, done.entries, len(done.new)) == (98, 73, 73)
    assert not done.faults
    assert done.warnings
    again = await changing.import_(team.service, team.people["ada"], reading, CASE.name)
    assert (again.same, again.new, again.changed) == (73, (), ())


async def test_the_same_from_two_pages_is_one_entry_with_two_sources(team: Team) -> None:
    await import_(
        team,
        "territory,service,number,source_url\n"
        "69,samu,04 65 71 69 15,https://a.example.org\n69,samu,04.65.71.69.15,https://b.example.org\n",
    )
    (row,) = await consulting.listing(team.service, None, None)
    assert row.sources == ("https://a.example.org", "https://b.example.org")


# --- entering by hand -----------------------------------------------------------------------------


async def test_a_place_may_stand_instead_of_a_number(team: Team) -> None:
    view = await changing.add(
        team.service,
        team.people["ada"],
        {"territory": "69", "service": "pompiers", "place": {"fr": "la caserne", "en": "fire station"}},
    )
    assert view.place == {"fr": "la caserne", "en": "fire station"}
    with pytest.raises(Refused):
        await verify(team, "N1", "la caserne", "not-called")
    assert (await verify(team, "N1", "LA  CASERNE", "not-called", note="seen")).verified_by == "bo"


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"number": "122"}, "invalid_number"),
        ({"number": "12"}, "invalid_number"),
        ({"territory": "Atlantis"}, "invalid_number"),
        ({"service": "kebab"}, "invalid_number"),
        ({"capacity": "many"}, "wrong_type"),
        ({"zone": "https://www.example.org"}, "link_in_text"),
    ],
)
async def test_what_makes_no_row(team: Team, cells: dict[str, str], rule: str) -> None:
    with pytest.raises(Faulty) as caught:
        await add(team, **cells)
    assert [fault.rule for fault in caught.value.faults] == [rule]


async def test_nobody_enters_a_verification(team: Team) -> None:
    with pytest.raises(Misuse, match="verified_by"):
        await add(team, verified_by="Sacha")


async def test_the_same_twice_is_refused_and_named(team: Team) -> None:
    await add(team)
    with pytest.raises(Refused, match="N1"):
        await add(team)


async def test_an_edit_of_nothing_is_refused(team: Team) -> None:
    await add(team, capacity="15")
    with pytest.raises(Refused, match="Nothing changed"):
        await edit(team, "N1", capacity="15")


async def test_an_edit_lays_cells_over_and_takes_them_away(team: Team) -> None:
    await add(team, capacity="15", zone={"fr": "Lyon", "en": "Lyon"}, valid_until="+4h")
    view = await edit(team, "N1", capacity="", zone={"en": "the city of Lyon"})
    assert (view.capacity, view.zone) == (None, {"fr": "Lyon", "en": "the city of Lyon"})
    assert view.valid_until


# --- reading back ---------------------------------------------------------------------------------


async def test_another_person_reads_the_digits_back_and_calls(team: Team) -> None:
    await add(team)
    view = await verify(team, "n1", "04.65-71 69 15", called_at="-5m", note="answered at once")
    assert (view.standing, view.verified_by) == ("in_force", "bo")
    (check,) = (await shown(team, "N1")).checks
    assert (check.matched, check.call, check.note) == (True, "answered", "answered at once")
    assert check.called_at < check.at


async def test_nobody_verifies_what_he_or_she_entered(team: Team) -> None:
    await add(team, by="bo")
    with pytest.raises(Refused, match="someone else must"):
        await verify(team, "N1", "0465716915", by="bo")
    await edit(team, "N1", capacity="15")  # ada enters the present version
    with pytest.raises(Refused, match="someone else must"):
        await verify(team, "N1", "0465716915", by="ada")
    assert (await verify(team, "N1", "0465716915", by="bo")).verified_by == "bo"


@pytest.mark.parametrize("digits", ["0465716916", "04657169", "", "04657169155", "zero"])
async def test_other_digits_are_kept_and_refused_without_being_shown(team: Team, digits: str) -> None:
    await add(team)
    with pytest.raises(Refused) as caught:
        await verify(team, "N1", digits)
    assert "69 15" not in str(caught.value)
    one = await shown(team, "N1")
    assert one.standing == "unverified"
    assert [check.matched for check in one.checks] == [False]


@pytest.mark.parametrize("call", ["no-answer", "busy", "wrong-service", "not-called"])
async def test_only_an_answered_call_verifies(team: Team, call: str) -> None:
    await add(team)
    with pytest.raises(Refused, match="not verified"):
        await verify(team, "N1", "0465716915", call, note="a reason")
    one = await shown(team, "N1")
    assert (one.standing, one.checks[0].call) == ("unverified", call)


async def test_a_short_number_is_verified_with_a_reason_instead_of_a_call(team: Team) -> None:
    await add(team, number="112")
    with pytest.raises(Refused, match="--note"):
        await verify(team, "N1", "112", "not-called")
    assert (await verify(team, "N1", "112", "not-called", note="the centre agreed")).verified_by == "bo"


async def test_a_wrong_service_takes_the_verification_away(team: Team) -> None:
    await add(team)
    await verify(team, "N1", "0465716915")
    with pytest.raises(Refused):
        await verify(team, "N1", "0465716915", "busy", by="cy")
    assert (await shown(team, "N1")).standing == "in_force"
    with pytest.raises(Refused, match="the wrong service"):
        await verify(team, "N1", "0465716915", "wrong-service", by="cy")
    assert (await shown(team, "N1")).standing == "unverified"


async def test_what_has_ended_or_was_withdrawn_is_not_verified(team: Team) -> None:
    await add(team, valid_until="+1h")
    team.clock.forward(hours=2)
    with pytest.raises(Refused, match="alertbot numbers edit N1"):
        await verify(team, "N1", "0465716915")
    await still_public.withdraw(team.service, team.people["bo"], "N1", "over")
    with pytest.raises(Refused, match="withdrawn"):
        await verify(team, "N1", "0465716915")


@pytest.mark.parametrize(
    ("call", "more"),
    [("rang", {}), ("answered", {"called_at": "tomorrow-ish"}), ("answered", {"note": "x" * 600})],
)
async def test_what_is_no_reading_back_is_misuse(team: Team, call: str, more: dict[str, str]) -> None:
    await add(team)
    with pytest.raises(Misuse):
        await verify(team, "N1", "0465716915", call, **more)
    assert not (await shown(team, "N1")).checks


async def test_the_audit_keeps_readings_back_and_no_digits_that_were_typed(team: Team) -> None:
    await add(team)
    with pytest.raises(Refused):
        await verify(team, "N1", "0465710000")
    await verify(team, "N1", "0465716915")
    rows = [row for row in await overview.audit_export(team.service) if row["verb"] == "numbers-verify"]
    assert [row["detail"]["verified"] for row in rows] == [False, True]
    assert all(row["detail"]["entries"] == {"N1": 1} for row in rows)
    assert "0465710000" not in str(rows)


async def test_a_round_leaves_out_what_one_entered(team: Team) -> None:
    await team.register([SAMU, POLICE], verified=False)
    await add(team, by="bo", service="pompiers", number="04 65 71 69 18")
    first = await verifying.take(team.service, team.people["bo"], "69")
    assert [one.name for one in first.waiting] == ["N1", "N2"]
    assert ([one.name for one in first.own], first.done, first.whole) == (["N3"], 0, 2)
    await verify(team, "N1", "0465716915")
    second = await verifying.take(team.service, team.people["bo"], "69")
    assert ([one.name for one in second.waiting], second.done, second.whole) == (["N2"], 1, 2)
    with pytest.raises(Misuse):
        await verifying.take(team.service, team.people["bo"], "01")


async def test_two_people_never_read_the_same_territory_back(team: Team) -> None:
    """Whoever takes it has it for a quarter of an hour since the last number, or until they leave it."""
    await team.register([SAMU, {**POLICE, "territory": "42"}], verified=False)
    bo, cy = team.people["bo"], team.people["cy"]
    both = await asyncio.gather(
        verifying.take(team.service, bo, "69,42"), verifying.take(team.service, cy, "69,42")
    )
    assert sorted(len(one.waiting) for one in both) == [0, 2]
    first, second = (bo, cy) if both[0].waiting else (cy, bo)
    other = await verifying.round_of(team.service, second, "69")
    assert other is not None
    assert [(one.territory, one.person) for one in other.claims] == [("69", first.name)]
    team.clock.forward(minutes=14)
    await verify(team, "N1", "0465716915", by=first.name)
    await verifying.leave(team.service, first, ["42"])
    team.clock.forward(minutes=14)
    left = await verifying.take(team.service, second, "69,42")
    assert [one.row.territory.code for one in left.waiting] == ["42"]
    team.clock.forward(minutes=16)
    assert not [one for one in await verifying.places(team.service, first) if one.claim]


# --- withdrawing ----------------------------------------------------------------------------------


async def test_a_withdrawal_by_territory_and_service_spares_the_rest(team: Team) -> None:
    """R6: Brittany dropped its numbers in three départements and kept the SAMU of one."""
    rows = [
        {"territory": place, "service": service, "number": f"02 61 91 {place} {short}"}
        for place in ("22", "29", "35")
        for service, short in (("samu", "15"), ("police", "17"), ("pompiers", "18"))
    ]
    await team.register(rows)
    done = await still_public.withdraw(
        team.service, team.people["ada"], "22,29,35", "numbers are back", but="22/samu"
    )
    assert len(done.withdrawn) == 8
    left = await consulting.listing(team.service, None, None)
    assert [one.number for one in left] == ["02 61 91 22 15"]


async def test_what_is_withdrawn_already_is_said_in_one_sentence(team: Team) -> None:
    await team.register([SAMU])
    await still_public.withdraw(team.service, team.people["ada"], "69", "back")
    with pytest.raises(Refused, match=r"already withdrawn, on .* by ada: back"):
        await still_public.withdraw(team.service, team.people["bo"], "N1", "again")


@pytest.mark.parametrize("query", ["42", "69,42", "N9", "69/samu"])
async def test_a_slip_withdraws_nothing(team: Team, query: str) -> None:
    await team.register([POLICE])
    with pytest.raises(Refused, match="has nothing"):
        await still_public.withdraw(team.service, team.people["bo"], query, "back")
    assert await consulting.listing(team.service, None, None)


async def test_a_withdrawn_entry_comes_back_by_hand_alone(team: Team) -> None:
    await team.register([SAMU])
    await still_public.withdraw(team.service, team.people["bo"], "N1", "back")
    assert (await import_(team, "territory,service,number\n69,samu,0465716915\n")).withdrawn == ("N1",)
    with pytest.raises(Refused, match="numbers add"):
        await edit(team, "N1", capacity="15")
    view = await add(team)
    assert (view.entry, view.version, view.standing) == ("N1", 2, "unverified")
    assert view.withdrawn_at is None


async def test_what_stands_in_public_is_named_loudly_and_becomes_a_task(team: Team) -> None:
    await team.register(example(team.service, "provisional_number")["numbers"])
    first = await team.approved("provisional_number")
    await team.work()
    second = await team.approved("provisional_number", incident=first.incident)
    done = await still_public.withdraw(team.service, team.people["bo"], "69/samu", "wrong")
    told = {(one.alert, one.state) for one in done.published}
    assert told == {(first.id, "published"), (second.id, "approved")}
    (task,) = [one for one in await tasks.listing(team.service) if one.kind == "withdrawn_number"]
    assert first.id in task.text
    assert "alertbot withdraw --numbers" in task.text


async def test_a_withdrawal_needs_a_reason(team: Team) -> None:
    await team.register([SAMU])
    with pytest.raises(Misuse, match="--reason"):
        await still_public.withdraw(team.service, team.people["bo"], "N1", "  ")


async def test_an_admin_alone_changes_nothing(team: Team) -> None:
    from alertbot.people import accounts

    added = await accounts.add(team.service, team.tokens["bo"], "eve", ["admin"], None)
    await accounts.confirm(team.service, team.people["cy"], "eve")
    team.people["eve"] = await accounts.acting(team.service, added.token)
    await team.register([SAMU], verified=False)
    for work in (
        add(team, by="eve", number="04 65 71 69 16"),
        edit(team, "N1", by="eve", capacity="15"),
        verify(team, "N1", "0465716915", by="eve"),
        still_public.withdraw(team.service, team.people["eve"], "N1", "over"),
    ):
        with pytest.raises(Refused, match="role"):
            await work


async def test_draft_and_register_belong_together(team: Team) -> None:
    """What `show` says of an entry names the alerts in which the public reads it."""
    await team.register(example(team.service, "provisional_number")["numbers"])
    view = await team.approved("provisional_number")
    assert (await shown(team, "N1")).published[0].alert == view.id
    await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+40m"}, {})
    assert not (await shown(team, "N1")).published


# --- translations ---------------------------------------------------------------------------------

TRANSLATED = SAMU | {
    "zone": {"fr": "Lyon nord", "en": "North Lyon"},
    "condition": {"fr": "depuis un mobile", "en": "from a mobile"},
}


async def test_a_file_in_one_language_makes_no_second_entry_beside_a_translated_one(team: Team) -> None:
    """It did: the same number stood twice in the register, once without its English words."""
    await changing.add(team.service, team.people["ada"], TRANSLATED)
    for heading in ("zone,condition", "zone.fr,condition.fr"):
        line = "69,samu,04 65 71 69 15,Lyon nord,depuis un mobile\n"
        done = await import_(team, f"territory,service,number,{heading}\n{line}")
        assert (done.new, done.changed, done.same) == ((), (), 1)
    (entry,) = await consulting.listing(team.service, None, None)
    assert (entry.zone, entry.condition) == (TRANSLATED["zone"], TRANSLATED["condition"])


async def test_a_translation_is_a_new_version_of_the_entry_that_lacks_it(team: Team) -> None:
    plain = {"zone": "Lyon nord", "condition": {"fr": "depuis un mobile"}, "capacity": "8"}
    await add(team, **plain)
    await verify(team, "N1", "04 65 71 69 15")
    text = (
        "territory,service,number,zone.fr,zone.en,condition.fr,condition.en\n"
        "69,samu,04 65 71 69 15,Lyon nord,North Lyon,depuis un mobile,from a mobile\n"
    )
    done = await import_(team, text)
    assert (done.new, done.changed) == ((), ("N1",))
    (entry,) = await consulting.listing(team.service, None, None)
    assert (entry.zone, entry.condition) == (TRANSLATED["zone"], TRANSLATED["condition"])
    assert (entry.version, entry.capacity, entry.verified_by) == (2, 8, None)
    again = await import_(team, to_csv(await consulting.export(team.service, None)))
    assert (again.same, again.new, again.changed) == (1, (), ())


@pytest.mark.parametrize(
    "cells",
    [
        {"zone": "Lyon sud", "condition": "depuis un mobile"},
        {"zone": "", "condition": "depuis un mobile"},
        {"zone": {"fr": "Lyon nord", "en": "Northern Lyon"}, "condition": "depuis un mobile"},
        {"zone": "Lyon nord", "condition": "depuis un mobile", "number": "04 65 71 69 16"},
    ],
)
async def test_other_words_are_another_entry(team: Team, cells: dict[str, Any]) -> None:
    await changing.add(team.service, team.people["ada"], TRANSLATED)
    assert (await add(team, **cells)).entry == "N2"


async def test_a_zone_that_is_not_translated_is_a_warning(team: Team) -> None:
    await add(team, zone={"fr": "Lyon nord"}, condition={"fr": "la nuit", "en": "at night"})
    wishes = DraftRequest(
        "status", example(team.service, "status") | {"territories": "69", "where": "69"}
    )

    async def warned() -> list[tuple[str | None, str | None]]:
        view = await writing.draft(team.service, team.people["ada"], wishes, new_incident=True)
        return [(one.field, one.lang) for one in view.warnings if one.rule == "untranslated"]

    assert await warned() == [("numbers", "en")]
    await edit(team, "N1", **{"zone.en": "North Lyon"})
    assert await warned() == []
