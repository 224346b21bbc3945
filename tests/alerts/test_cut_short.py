"""What takes numbers back is itself stopped on its way, because a number in it leaves the register or a graver word
follows: on every channel the last word names every number that must not be called, and none of them stands."""

import pytest

from alertbot.alerts import following, halting, showing, taking_back, writing
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import still_public
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.alerts.views import AlertView
from alertbot.db.database import Database
from alertbot.numbers import changing, consulting, verifying
from alertbot.people import tasks
from tests.alerts.test_withdrawing import brittany
from tests.team import Team, gather

SAMU, POLICE, FIRE = "02 61 91 29 15", "02 61 91 29 17", "02 61 91 29 18"


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def name_of(team: Team, digits: str) -> str:
    (found,) = [
        one for one in await consulting.listing(team.service, None, None) if one.number == digits
    ]
    return found.entry


async def withdraw(team: Team, query: str) -> AlertView:
    said = FollowRequest(submit=True)
    return await taking_back.withdraw(
        team.service, team.people["bo"], NumberSelection(query=query), said
    )


async def correct(team: Team, alert: str, wrong: str, right: str) -> AlertView:
    which = WrongNumbers([wrong], [right])
    view = await following.correct(team.service, team.people["ada"], alert, FollowRequest(), which)
    return await writing.submit(team.service, team.people["ada"], view.id)


async def half_out(team: Team, view: AlertView) -> None:
    """Approved and sent on every channel but the second, where it waits."""
    await halting.halt(team.service, None, "second")
    await team.approve(view.id, "bo")
    await team.work(0.2)
    await halting.resume(team.service, team.people["bo"], None, "second")
    assert await team.state(view.id) == "publishing"


def spoken(post: object) -> str:
    return str(getattr(post, "text", "")).replace("\xa0", " ")


def require_told(team: Team, *digits: str) -> None:
    """The last word on each channel names these digits in each language, once, and calls none of them."""
    for channel in ("public", "second"):
        for lang in ("fr", "en"):
            posts = [
                spoken(one)
                for one in team.adapters[channel].posts
                if one.action == "publish" and one.lang == lang
                if one.alert == team.adapters[channel].posts[-1].alert
            ]
            assert [sum(one.count(each) for one in posts) for each in digits] == [1] * len(digits), (
                posts
            )


def require_none_stands(team: Team, *digits: str) -> None:
    """Earlier posts show the last word too, where they gave what must not be called."""
    for channel in ("public", "second"):
        adapter = team.adapters[channel]
        old = [one for one in adapter.standing.values() if one.alert != adapter.posts[-1].alert]
        assert [spoken(one) for one in old if any(each in spoken(one) for each in digits)] == []


async def open_tasks(team: Team) -> dict[str | None, str]:
    return {one.number: one.text for one in await tasks.listing(team.service) if one.kind != "lapsing"}


async def test_a_number_that_leaves_during_a_withdrawal_takes_its_first_number_along(
    team: Team,
) -> None:
    """It did not: where the withdrawal had not arrived, its number stood for ever, and nobody was told."""
    await brittany(team)
    samu, police = await name_of(team, SAMU), await name_of(team, POLICE)
    first = await withdraw(team, samu)
    await half_out(team, first)
    done = await still_public.withdraw(team.service, team.people["bo"], police, "no line")
    assert {(one.alert, bool(one.stopped)) for one in done.published if one.alert == first.id} == {
        (first.id, True)
    }
    waiting = await open_tasks(team)
    assert waiting.keys() >= {samu, police}
    assert first.id in waiting[samu]
    await team.work()
    assert await team.state(first.id) == "partly_published"
    second = await withdraw(team, police)
    assert not second.faults
    await team.approve(second.id, "bo")
    await team.work()
    require_told(team, SAMU, POLICE)
    require_none_stands(team, SAMU, POLICE)
    assert not (await open_tasks(team)).keys() & {samu, police}


async def test_it_may_be_taken_back_by_itself_too(team: Team) -> None:
    """The program said that the public had been told."""
    await brittany(team)
    samu, police = await name_of(team, SAMU), await name_of(team, POLICE)
    await half_out(team, await withdraw(team, samu))
    await still_public.withdraw(team.service, team.people["bo"], police, "no line")
    view = await withdraw(team, samu)
    await team.approve(view.id, "bo")
    await team.work()
    require_told(team, SAMU, POLICE)
    require_none_stands(team, SAMU, POLICE)


async def test_a_withdrawal_that_never_began_leaves_its_number_to_be_told(team: Team) -> None:
    await brittany(team)
    samu, police = await name_of(team, SAMU), await name_of(team, POLICE)
    first = await withdraw(team, samu)
    await team.approve(first.id, "bo")
    await still_public.withdraw(team.service, team.people["bo"], police, "no line")
    assert await team.state(first.id) == "failed"
    assert (await open_tasks(team)).keys() >= {samu, police}
    view = await withdraw(team, police)
    await team.approve(view.id, "bo")
    await team.work()
    require_told(team, SAMU, POLICE)
    require_none_stands(team, SAMU, POLICE)


async def test_a_graver_word_says_what_it_stops_others_from_saying(team: Team) -> None:
    """A withdrawal of a number that a withdrawal on its way leaves standing stops that one at its approval."""
    await brittany(team)
    samu, police = await name_of(team, SAMU), await name_of(team, POLICE)
    first = await withdraw(team, samu)
    await half_out(team, first)
    second = await withdraw(team, police)
    await team.approve(second.id, "bo")
    await team.work()
    assert await team.state(first.id) == "partly_published"
    require_told(team, SAMU, POLICE)
    require_none_stands(team, SAMU, POLICE)


async def test_what_changes_again_during_its_correction_names_both_old_numbers(team: Team) -> None:
    told = await brittany(team)
    samu = await name_of(team, SAMU)
    second, third = "02 61 91 29 77", "02 61 91 29 78"
    await change(team, samu, second)
    first = await correct(team, told, samu, samu)
    await half_out(team, first)
    await change(team, samu, third)
    waiting = await open_tasks(team)
    assert f"alertbot correct {first.id} --wrong {samu} --right {samu}" in waiting[samu]
    view = await correct(team, first.id, samu, samu)
    assert not view.faults
    await team.approve(view.id, "bo")
    await team.work()
    require_told(team, SAMU, second, third)
    require_none_stands(team, SAMU, second)


async def change(team: Team, entry: str, digits: str) -> None:
    await still_public.edit(team.service, team.people["ada"], entry, {"number": digits})
    typed = verifying.Verification(digits, "answered")
    await still_public.verify(team.service, team.people["bo"], entry, typed)


async def test_a_number_that_came_back_is_not_called_wrong_again(team: Team) -> None:
    await brittany(team)
    samu, police = await name_of(team, SAMU), await name_of(team, POLICE)
    await half_out(team, await withdraw(team, samu))
    await still_public.withdraw(team.service, team.people["bo"], police, "no line")
    row = {"territory": "29", "service": "samu", "number": SAMU, "review_at": "+12h"}
    await changing.add(team.service, team.people["ada"], row)
    typed = verifying.Verification(SAMU, "answered")
    await still_public.verify(team.service, team.people["bo"], samu, typed)
    view = await withdraw(team, police)
    values = (await showing.show(team.service, view.id, None)).values
    assert not values.get("no_longer_valid")
