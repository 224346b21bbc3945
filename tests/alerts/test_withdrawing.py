"""Numbers taken back: by a correction, by territory and service, at the end; in the register and in public."""

import asyncio
from typing import Any

import pytest

from alertbot.alerts import approving, following, showing, taking_back, writing
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import still_public
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.errors import AlertbotError, Misuse, Refused
from alertbot.db.database import Database
from alertbot.numbers import changing, consulting
from alertbot.numbers.rules_entry import Standing, standing
from alertbot.watch import incidents
from tests.team import Team, example, gather

BRITTANY = tuple(
    {"territory": code, "service": service, "number": f"02 61 91 {code} {short}", "review_at": "+12h"}
    for code in ("22", "29", "35", "56")
    for service, short in (("samu", "15"), ("police", "17"), ("pompiers", "18"))
)
PLACES = "22,29,35,56"
RIGHT = {
    "what_was_wrong": {"fr": "le numéro du SAMU", "en": "the number of the SAMU"},
    "what_is_right": {"fr": "un autre numéro", "en": "another number"},
}


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def brittany(team: Team) -> str:
    """Twelve numbers of four départements, verified and published."""
    await team.register(BRITTANY)
    values = {
        name: value
        for name, value in example(team.service, "provisional_number").items()
        if name not in ("numbers", "where")
    }
    view = await team.approved("provisional_number", given={**values, "territories": PLACES})
    await team.work()
    return str(view.id)


async def in_force(team: Team) -> set[str]:
    return {
        f"{one.row.territory.code}/{one.row.service}"
        for one in await consulting.entries(team.service, None)
        if standing(one, team.service.now) is Standing.IN_FORCE
    }


async def withdraw(team: Team, by: str = "bo", submit: bool = True, **which: Any) -> AlertView:
    return await taking_back.withdraw(
        team.service, team.people[by], NumberSelection(**which), FollowRequest(submit=submit)
    )


async def shown(team: Team, alert: str) -> ShownAlertView:
    return await showing.show(team.service, alert, None)


async def test_brittany_withdraws_all_but_one(team: Team) -> None:
    told = await brittany(team)
    view = await withdraw(team, query=PLACES, but="22/samu")
    assert not view.faults
    assert view.references == (told,)
    seen = await shown(team, view.id)
    assert len(seen.values["wrong_numbers"]) == 11
    assert seen.values["which_stay"]["fr"] == "SAMU (Côtes-d'Armor)"
    assert [row["service"] for row in seen.values["numbers"]] == ["samu"]
    assert len(await in_force(team)) == 12  # nothing before the approval
    await team.approve(view.id, "bo")
    assert await in_force(team) == {"22/samu"}
    await team.work()
    assert await team.state(view.id) == "published"
    for adapter in (team.adapters["public"], team.adapters["second"]):
        last = [one.text.replace("\xa0", " ") for one in adapter.posts if one.action == "publish"][-2:]
        assert [text for text in last if "02 61 91 29 15" not in text] == []
    known = await incidents.show(team.service, told[:4])
    assert [one.row.split()[:2] for one in known.numbers] == [["22", "samu"]]


async def test_what_is_withdrawn_is_not_withdrawn_again(team: Team) -> None:
    told = await brittany(team)
    view = await withdraw(team, query="29")
    await team.approve(view.id, "bo")
    with pytest.raises(Refused, match=view.id):
        await withdraw(team, query="29/samu")
    again = await withdraw(team, alert=told)
    assert len((await shown(team, again.id)).values["wrong_numbers"]) == 9
    await team.approve(again.id, "bo")
    with pytest.raises(Refused, match="told not to call"):
        await withdraw(team, alert=told)


async def test_two_withdrawals_at_once_one_winner(team: Team) -> None:
    await brittany(team)
    one, two = await withdraw(team, query="29"), await withdraw(team, query="29", by="cy")
    for name, view in (("bo", one), ("cy", two)):
        await showing.show(team.service, view.id, team.tokens[name])
    done = await asyncio.gather(
        approving.approve(team.service, team.people["bo"], one.id, None),
        approving.approve(team.service, team.people["cy"], two.id, None),
        return_exceptions=True,
    )
    assert sorted(isinstance(each, AlertbotError) for each in done) == [False, True]
    assert (await team.verbs()).count("numbers-withdraw") == 1


async def test_what_the_public_was_never_told_is_not_named(team: Team) -> None:
    await brittany(team)
    extra = {"territory": "29", "service": "samu", "number": "02 61 91 29 99", "zone": "Brest"}
    (name,) = await team.register([{**extra, "review_at": "+12h"}])
    view = await withdraw(team, query="29/samu")
    assert view.unpublished == (name,)
    seen = await shown(team, view.id)
    assert [row["number"] for row in seen.values["wrong_numbers"]] == ["02 61 91 29 15"]
    with pytest.raises(Refused, match="never published"):
        await withdraw(team, query=name)
    await team.approve(view.id, "bo")
    assert "29/samu" in await in_force(team)  # the other one


async def test_a_withdrawal_says_what_is_meant(team: Team) -> None:
    told = await brittany(team)
    with pytest.raises(Misuse, match="Give what"):
        await withdraw(team)
    with pytest.raises(Misuse, match="Give what"):
        await withdraw(team, alert=told, query="22")
    with pytest.raises(Refused, match="has nothing for 69"):
        await withdraw(team, query="22,69")
    status = await team.approved()
    await team.work()
    with pytest.raises(Refused, match="gives no number"):
        await withdraw(team, alert=status.id)


async def test_a_number_out_of_the_register_is_still_taken_back_in_public(team: Team) -> None:
    await brittany(team)
    await still_public.withdraw(team.service, team.people["bo"], "35/samu", "no line")
    view = await withdraw(team, query="35/samu")
    seen = await shown(team, view.id)
    assert [row["number"] for row in seen.values["wrong_numbers"]] == ["02 61 91 35 15"]
    assert not seen.values.get("no_longer_valid")
    assert (await team.approve(view.id, "bo")).state == "approved"


async def test_a_wrong_number_leaves_text_and_register(team: Team) -> None:
    told = await brittany(team)
    rows = (await shown(team, told)).values["numbers"]
    wrong = rows[0]["entry"]
    view = await following.correct(
        team.service, team.people["bo"], told, FollowRequest(RIGHT, submit=True), WrongNumbers([wrong])
    )
    values = (await shown(team, view.id)).values
    assert [row["entry"] for row in values["wrong_numbers"]] == [wrong]
    assert [row["entry"] for row in values["numbers"]] == [row["entry"] for row in rows[1:]]
    assert len(await in_force(team)) == 12
    await team.approve(view.id, "bo")
    assert len(await in_force(team)) == 11
    assert "numbers-withdraw" in await team.verbs()


async def test_a_rejected_correction_leaves_the_register_alone(team: Team) -> None:
    told = await brittany(team)
    wrong = (await shown(team, told)).values["numbers"][0]["entry"]
    view = await following.correct(
        team.service, team.people["bo"], told, FollowRequest(RIGHT, submit=True), WrongNumbers([wrong])
    )
    await approving.reject(team.service, team.people["cy"], view.id, "it is right")
    assert len(await in_force(team)) == 12


async def test_a_wrong_number_that_was_mended_stays_in_the_register(team: Team) -> None:
    told = await brittany(team)
    wrong = (await shown(team, told)).values["numbers"][0]
    await changing.edit(team.service, team.people["ada"], wrong["entry"], {"number": "02 61 91 22 77"})
    view = await following.correct(
        team.service, team.people["bo"], told, FollowRequest(RIGHT), WrongNumbers([wrong["entry"]])
    )
    changes = {"regret": {"fr": "Pardon.", "en": "Sorry."}}
    await writing.edit(team.service, team.people["bo"], view.id, changes, {})
    struck = (await shown(team, view.id)).values["wrong_numbers"]
    assert [row["number"] for row in struck] == [wrong["number"]]  # as it was told
    view = await writing.submit(team.service, team.people["bo"], view.id)
    await team.approve(view.id, "bo")
    entry = [one for one in await consulting.entries(team.service, None) if one.name == wrong["entry"]]
    assert entry[0].withdrawn_at is None


async def test_an_update_names_what_holds_no_more(team: Team) -> None:
    told = await brittany(team)
    await still_public.withdraw(team.service, team.people["bo"], "56", "no line")
    said = FollowRequest({"next_update": "+30m"})
    view = await following.update(team.service, team.people["ada"], told, said)
    values = (await shown(team, view.id)).values
    assert {row["territory"] for row in values["no_longer_valid"]} == {"56"}
    assert "56" not in {row["territory"] for row in values["numbers"]}
    assert not view.faults


async def test_the_end_takes_every_number_back(team: Team) -> None:
    told = await brittany(team)
    ended = {
        "what_works": {"fr": "tous les numéros", "en": "all numbers"},
        "restored_at": "-10m",
        "what_to_do": {"fr": "Faites le 15, 17 ou 18.", "en": "Call 15, 17 or 18."},
        "confirmed_by": {"fr": "le SAMU", "en": "the SAMU"},
    }
    excused = {"unconfirmed": "the SAMU said so on the phone"}
    view = await following.end(
        team.service, team.people["ada"], told[:4], FollowRequest(ended, excused, submit=True)
    )
    values = (await shown(team, view.id)).values
    assert len(values["no_longer_valid"]) == 12
    assert values["which_stay"] == {"fr": "aucun", "en": "none"}
    await team.approve(view.id, "bo")
    assert await in_force(team) == set()
    await team.work()
    known = await incidents.show(team.service, told[:4])
    assert (known.state, known.numbers) == ("closed", ())


async def test_an_exercise_takes_nothing_out(team: Team) -> None:
    await team.register(BRITTANY)
    values = {
        name: value
        for name, value in example(team.service, "provisional_number").items()
        if name not in ("numbers", "where")
    }
    view = await team.approved(
        "provisional_number", given={**values, "territories": PLACES}, exercise=True
    )
    await team.work()
    back = await withdraw(team, alert=view.id)
    assert back.exercise
    await team.approve(back.id, "bo")
    assert len(await in_force(team)) == 12
