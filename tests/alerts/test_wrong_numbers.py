"""Corrections of numbers cannot lie: what is called wrong is right nowhere else, neither in the message nor in the
register; and what the public was told last is what the register holds, or the team is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alertbot.alerts import following, showing, taking_back, writing
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import still_public
from alertbot.alerts.lists.rules_lists import NO_LONGER, NUMBERS, WRONG, rows_of
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.errors import AlertbotError, Faulty, Misuse, Refused
from alertbot.db.database import Database
from alertbot.numbers import changing, consulting, store_numbers
from alertbot.numbers.rules_entry import Entry, Standing, standing
from alertbot.numbers.verifying import Verification
from alertbot.people import tasks
from tests.effort import examples
from tests.team import Team, gather
from tests.team import example as example_of

RHONE = tuple(
    {"territory": code, "service": service, "number": f"04 65 71 {code} {short}", "review_at": "+12h"}
    for code in ("69", "42")
    for service, short in (("samu", "15"), ("pompiers", "18"))
)
SHARED = {"territory": "69", "service": "police", "number": "04 65 71 69 15", "review_at": "+12h"}
MORE = {"next_update": "+30m"}


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def told(team: Team, *, territories: str = "69,42", incident: str | None = None) -> str:
    """An alert that gives the register's numbers of these territories, published."""
    values = {
        name: value
        for name, value in example_of(team.service, "provisional_number").items()
        if name not in ("numbers", "where")
    }
    values |= {"territories": territories}
    view = await team.approved("provisional_number", given=values, incident=incident)
    assert view.state == "approved", view.faults
    await team.work()
    return str(view.id)


async def correct(
    team: Team, alert: str, *wrong: str, right: tuple[str, ...] = (), by: str = "bo", **changes: Any
) -> AlertView:
    said = FollowRequest(changes)
    return await following.correct(
        team.service, team.people[by], alert, said, WrongNumbers(wrong, right)
    )


async def shown(team: Team, alert: str) -> ShownAlertView:
    return await showing.show(team.service, alert, None)


async def approved(team: Team, view: AlertView) -> AlertView:
    await writing.submit(team.service, team.people["ada"], view.id)
    return await team.approve(view.id, "bo")


async def entry(team: Team, name: str) -> Entry:
    return next(one for one in await consulting.entries(team.service, None) if one.name == name)


async def read_back(team: Team, name: str, by: str = "cy") -> None:
    found = await entry(team, name)
    typed = Verification(found.row.number, "answered")
    await still_public.verify(team.service, team.people[by], name, typed)


def digits(values: Any, name: str) -> list[str]:
    return [str(row["number"]) for row in rows_of(values, name)]


@pytest.mark.parametrize("typed", ["04 65 71 69 15", "0465716915", "+33 4 65.71.69.15", "N1", "n1"])
async def test_a_wrong_number_is_named_as_it_was_published(team: Team, typed: str) -> None:
    await team.register(RHONE)
    first = await told(team)
    view = await correct(team, first, typed)
    seen = await shown(team, view.id)
    assert digits(seen.values, WRONG) == ["04 65 71 69 15"]
    assert "04 65 71 69 15" not in digits(seen.values, NUMBERS)
    assert len(digits(seen.values, NUMBERS)) == 3
    assert "SAMU (Rhône)" in seen.values["what_was_wrong"]["fr"]
    assert seen.values["what_is_right"]["en"].startswith("do not call it")


async def test_a_number_that_was_not_given_is_told_with_those_that_were(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    with pytest.raises(Misuse, match=r"does not give 04 65 71 69 99; it gives .*N1 \(69 samu 04"):
        await correct(team, first, "04 65 71 69 99")


async def test_territories_asked_again_do_not_bring_the_wrong_number_back(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    view = await correct(team, first, "N1", territories="69,42")
    seen = await shown(team, view.id)
    assert digits(seen.values, WRONG) == ["04 65 71 69 15"]
    assert "04 65 71 69 15" not in digits(seen.values, NUMBERS)
    again = await writing.edit(
        team.service, team.people["ada"], view.id, {"territories": "69", "services": "samu"}, {}
    )
    seen = await shown(team, again.id)
    assert digits(seen.values, NUMBERS) == []
    assert digits(seen.values, WRONG) == ["04 65 71 69 15"]


async def test_the_right_number_takes_the_place_of_the_wrong_one(team: Team) -> None:
    rows = ({**RHONE[0], "zone": "Lyon", "condition": {"fr": "mobiles", "en": "mobiles"}}, *RHONE[1:])
    await team.register(rows)
    first = await told(team)
    view = await correct(team, first, "0465716915", right=("04 65 71 69 51",), by="ada")
    (fault,) = [one for one in view.faults if one.rule == "unverified_number"]
    assert "alertbot numbers verify N5" in fault.message
    with pytest.raises(Faulty):
        await writing.submit(team.service, team.people["ada"], view.id)
    new = await entry(team, "N5")
    assert set(new.row.zone.values()) == {"Lyon"}
    assert new.row.condition == {"fr": "mobiles", "en": "mobiles"}
    assert (new.row.territory.code, new.row.service) == ("69", "samu")
    waiting = [one for one in await tasks.listing(team.service) if one.kind == "unverified_number"]
    assert [one.number for one in waiting] == ["N5"]
    await read_back(team, "N5")
    assert not [one for one in await tasks.listing(team.service) if one.kind == "unverified_number"]
    await approved(team, view)
    seen = await shown(team, view.id)
    assert seen.values["what_is_right"]["en"] == "the right number is in this message"
    assert "04 65 71 69 51" in digits(seen.values, NUMBERS)
    assert (await entry(team, "N1")).withdrawn_at is not None
    await team.work()
    texts = "".join(post.text for post in team.adapters["public"].posts)
    assert "04 65 71 69 51" in texts.replace("\u00a0", " ")


async def test_a_right_number_is_for_the_same_place_and_service(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    with pytest.raises(Misuse, match="another territory or service"):
        await correct(team, first, "N1", right=("N3",))
    with pytest.raises(Misuse, match="has the digits that you call wrong"):
        await correct(team, first, "N1", right=("04 65 71 69 15",), by="ada")
    with pytest.raises(Misuse, match="--right 12: "):
        await correct(team, first, "N1", right=("12",), by="ada")
    with pytest.raises(Misuse, match="Give a wrong number for each right one"):
        await correct(team, first, "N1", right=("N3", "N4"))


async def test_digits_are_not_wrong_and_right_in_one_message(team: Team) -> None:
    await team.register([*RHONE, SHARED])
    first = await told(team)
    with pytest.raises(Misuse, match="Name every row with these digits: N1,N5"):
        await correct(team, first, "N1")
    view = await correct(team, first, "04 65 71 69 15")
    seen = await shown(team, view.id)
    assert [row["service"] for row in rows_of(seen.values, WRONG)] == ["samu", "police"]
    assert "04 65 71 69 15" not in digits(seen.values, NUMBERS)


async def test_the_same_digits_elsewhere_are_read_back_again(team: Team) -> None:
    await team.register([*RHONE, {**SHARED, "territory": "42"}])
    first = await told(team, territories="69")
    other = next(
        one
        for one in await consulting.entries(team.service, None)
        if (one.row.territory.code, one.row.service) == ("42", "police")
    )
    await approved(team, await correct(team, first, "N1"))
    present = await entry(team, other.name)
    assert standing(present, team.service.now) is Standing.UNVERIFIED
    assert [one.number for one in await tasks.listing(team.service)] == [other.name]


async def test_a_changed_capacity_does_not_keep_a_wrong_number_in_force(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    view = await correct(team, first, "N1")
    await changing.edit(team.service, team.people["ada"], "N1", {"capacity": "15"})
    await read_back(team, "N1")
    await approved(team, view)
    assert (await entry(team, "N1")).withdrawn_at is not None


@pytest.mark.parametrize("gone", ["expired", "withdrawn", "edited", "unverified"])
async def test_what_holds_no_more_is_left_out_with_a_note(team: Team, gone: str) -> None:
    """Nobody asked for it; it does not block the correction."""
    await team.register(RHONE)
    first = await told(team)
    if gone == "expired":
        await changing.edit(team.service, team.people["ada"], "N2", {"valid_until": "+10m"})
        await read_back(team, "N2")
        team.clock.forward(minutes=20)
    elif gone == "withdrawn":
        await still_public.withdraw(team.service, team.people["bo"], "N2", "no line")
    elif gone == "edited":
        await still_public.edit(team.service, team.people["ada"], "N2", {"number": "04 65 71 69 81"})
    else:
        await changing.edit(team.service, team.people["ada"], "N2", {"capacity": "3"})
    for view in (
        await correct(team, first, "N1"),
        await following.update(team.service, team.people["ada"], first, FollowRequest(MORE)),
    ):
        assert not view.faults
        (note,) = [one for one in view.warnings if one.rule == "left_out"]
        assert "N2 (69 pompiers 04 65 71 69 18)" in note.message
        assert first in note.message
        seen = await shown(team, view.id)
        assert "04 65 71 69 18" not in digits(seen.values, NUMBERS)
        again = await writing.edit(
            team.service, team.people["ada"], view.id, {"regret": {"fr": "Pardon.", "en": "Sorry."}}, {}
        )
        assert [one for one in again.warnings if one.rule == "left_out"]


async def test_a_list_that_is_announced_is_there(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    view = await correct(team, first, "N1", right=("04 65 71 69 51",), by="ada")
    changed = await writing.edit(team.service, team.people["ada"], view.id, {NUMBERS: None}, {})
    (fault,) = [one for one in changed.faults if one.field == "what_is_right"]
    assert "there are none" in fault.message


async def test_an_edit_of_a_published_number_shouts(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    done = await still_public.edit(team.service, team.people["ada"], "N1", {"number": "04 65 71 69 51"})
    assert [(one.entry, one.alert) for one in done.published] == [("N1", first)]
    (task,) = await tasks.listing(team.service)
    assert f"alertbot correct {first} --wrong N1 --right N1" in task.text
    assert "04 65 71 69 15" in task.text
    view = await correct(team, first, "N1", right=("N1",))
    await read_back(team, "N1")
    await approved(team, view)
    seen = await shown(team, view.id)
    assert digits(seen.values, WRONG) == ["04 65 71 69 15"]
    assert "04 65 71 69 51" in digits(seen.values, NUMBERS)
    present = await entry(team, "N1")
    assert standing(present, team.service.now) is Standing.IN_FORCE
    assert not [one for one in await tasks.listing(team.service) if one.kind == "changed_number"]


async def test_an_edit_that_callers_do_not_notice_is_quiet(team: Team) -> None:
    await team.register(RHONE)
    await told(team)
    done = await still_public.edit(team.service, team.people["ada"], "N1", {"capacity": "15"})
    assert not done.published
    assert not await tasks.listing(team.service)


async def test_a_published_number_that_reaches_the_wrong_service_shouts(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    typed = Verification("04 65 71 69 15", "wrong-service")
    with pytest.raises(Refused, match="wrong service"):
        await still_public.verify(team.service, team.people["cy"], "N1", typed)
    (task,) = await tasks.listing(team.service)
    assert f"alertbot correct {first} --wrong N1" in task.text


async def test_a_number_on_its_way_that_changes_is_not_sent(team: Team) -> None:
    await team.register(RHONE)
    values = {
        name: value
        for name, value in example_of(team.service, "provisional_number").items()
        if name not in ("numbers", "where")
    }
    view = await team.approved("provisional_number", given={**values, "territories": "69,42"})
    done = await still_public.edit(team.service, team.people["ada"], "N1", {"number": "04 65 71 69 51"})
    assert [(one.alert, str(one.state)) for one in done.published] == [(view.id, "approved")]
    await team.work()
    assert not team.adapters["public"].posts


async def test_a_denied_alert_takes_its_numbers_along(team: Team) -> None:
    await team.register(RHONE)
    first = await told(team)
    text = {"fr": "Il n'y a pas de panne.", "en": "Nothing has failed."}
    view = await following.cancel(team.service, team.people["bo"], first, text, FollowRequest({}))
    assert len(digits((await shown(team, view.id)).values, WRONG)) == 4
    await approved(team, view)
    present = await consulting.entries(team.service, None)
    assert all(one.withdrawn_at for one in present)


# --- whatever is done, in whatever order ------------------------------------------------------------

NAMES = ("N1", "N2", "N3", "N4")
NEW_DIGITS = ("04 65 71 69 51", "04 65 71 69 15", "04 65 71 42 99")
VERBS = (
    *("publish", "verify", "edit", "recap", "unregister", "withdraw", "correct", "replace"),
    *("update", "end", "hour"),
)
steps = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 3)), min_size=1, max_size=7)


class Story:
    """One incident, by people who do things in any order. What is refused is not done."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.incident: str | None = None
        self.out: list[str] = []

    async def do(self, verb: str, at: int) -> None:
        try:
            await getattr(self, verb)(NAMES[at], at)
        except AlertbotError:
            return

    async def publish(self, _name: str, at: int) -> None:
        places = ("69,42", "69", "42", "69/samu")[at]
        alert = await told(self.team, territories=places, incident=self.incident)
        self.incident = alert.partition("-")[0]
        self.out.append(alert)

    async def verify(self, name: str, _at: int) -> None:
        await read_back(self.team, name)

    async def edit(self, name: str, at: int) -> None:
        number = {"number": NEW_DIGITS[at % 3]}
        await still_public.edit(self.team.service, self.team.people["ada"], name, number)

    async def recap(self, name: str, at: int) -> None:
        capacity = {"capacity": str(at + 1)}
        await still_public.edit(self.team.service, self.team.people["ada"], name, capacity)

    async def unregister(self, name: str, _at: int) -> None:
        await still_public.withdraw(self.team.service, self.team.people["bo"], name, "no line")

    async def withdraw(self, name: str, _at: int) -> None:
        await self._go(
            await taking_back.withdraw(
                self.team.service, self.team.people["ada"], NumberSelection(query=name), FollowRequest()
            )
        )

    async def correct(self, name: str, _at: int) -> None:
        await self._go(await correct(self.team, self.out[-1], name, by="ada"))

    async def replace(self, name: str, at: int) -> None:
        view = await correct(self.team, self.out[-1], name, right=(NEW_DIGITS[at % 3],), by="ada")
        for one in await consulting.entries(self.team.service, None):
            if not one.row.verified:
                await read_back(self.team, one.name)
        await self._go(view)

    async def update(self, _name: str, _at: int) -> None:
        said = FollowRequest(MORE)
        await self._go(
            await following.update(self.team.service, self.team.people["ada"], self.out[-1], said)
        )

    async def end(self, _name: str, _at: int) -> None:
        said = FollowRequest(
            {
                "what_works": {"fr": "tous les numéros", "en": "all numbers"},
                "restored_at": "-10m",
                "what_to_do": {"fr": "Faites le 15, 17 ou 18.", "en": "Call 15, 17 or 18."},
                "confirmed_by": {"fr": "le SAMU", "en": "the SAMU"},
            },
            {"unconfirmed": "the SAMU said so on the phone"},
        )
        await self._go(
            await following.end(self.team.service, self.team.people["ada"], self.incident or "", said)
        )

    async def hour(self, _name: str, _at: int) -> None:
        self.team.clock.forward(hours=1)

    async def _go(self, view: AlertView) -> None:
        await writing.submit(self.team.service, self.team.people["ada"], view.id)
        for name in ("bo", "cy"):
            if (await self.team.state(view.id)) == "pending":
                await self.team.approve(view.id, name)
        await self.team.work()
        self.out.append(view.id)
        await self._lists_agree(view.id)

    async def _lists_agree(self, alert: str) -> None:
        """No number in two lists; what is struck is not in force once the alert is approved."""
        values = (await shown(self.team, alert)).values
        named = [
            {(row.get("entry"), row.get("number")) for row in rows_of(values, name)}
            for name in (WRONG, NO_LONGER, NUMBERS)
        ]
        assert not named[0] & named[1]
        assert not (named[0] | named[1]) & named[2]
        relation = (await shown(self.team, alert)).relation
        now = self.team.service.now
        present = await consulting.entries(self.team.service, None)
        if relation == "correction":
            wrong = set(digits(values, WRONG))
            assert not wrong & set(digits(values, NUMBERS))
            assert not [
                one
                for one in present
                if one.row.number in wrong and standing(one, now) is Standing.IN_FORCE
            ]
        if relation in ("withdrawal", "end"):
            struck = {row.get("entry") for row in rows_of(values, WRONG)}
            struck |= {row.get("entry") for row in rows_of(values, NO_LONGER)}
            assert not [
                one for one in present if one.name in struck and standing(one, now) is Standing.IN_FORCE
            ]

    async def agrees(self) -> None:
        """What the public was told last about each number is what the register holds, or a task is open."""
        if self.incident is None:
            return
        incident = self.incident
        last = await self.team.service.database.read(
            lambda conn: store_numbers.last_of_incident(conn, incident, exercise=False)
        )
        forms = await self.team.service.database.read(
            lambda conn: store_numbers.forms(conn, [(one.entry, one.version) for one in last])
        )
        present = {one.id: one for one in await consulting.entries(self.team.service, None)}
        open_ = {one.number for one in await tasks.listing(self.team.service)}
        for one in last:
            there = present[one.entry]
            form = forms[one.entry, one.version]
            if one.struck:
                continue
            if there.withdrawn_at or there.row.number != form.number:
                assert there.name in open_, f"{form} is public, the register holds {there.row}"


async def _told(team: Team, taken: list[tuple[str, int]]) -> None:
    await team.register(RHONE)
    story = Story(team)
    await story.do("publish", 0)
    assert story.out
    for verb, at in taken:
        await story.do(verb, at)
        await story.agrees()


def _run(url: str, work: Callable[[Team], Awaitable[None]]) -> None:
    async def whole() -> None:
        database = await Database.open(url, migrate=False)
        try:
            await work(await gather(database))
        finally:
            await database.close()

    asyncio.run(whole())


@pytest.mark.thorough
def test_register_and_public_agree_after_any_sequence(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any
) -> None:
    folder = tmp_path_factory.mktemp("agree")
    count = 0

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(taken=steps)
    @example(taken=[("edit", 0), ("verify", 0), ("correct", 0), ("update", 0)])
    @example(taken=[("replace", 0), ("update", 0), ("end", 0)])
    @example(taken=[("recap", 1), ("verify", 1), ("correct", 1), ("publish", 0)])
    @example(taken=[("unregister", 2), ("update", 0), ("withdraw", 2), ("end", 0)])
    @example(taken=[("edit", 0), ("end", 0)])
    @example(taken=[("correct", 0), ("edit", 1), ("verify", 1), ("publish", 1)])
    def any_sequence(taken: list[tuple[str, int]]) -> None:
        nonlocal count
        count += 1
        path = folder / f"{count}.db"
        path.write_bytes(sqlite_template.read_bytes())
        path.chmod(0o600)

        async def work(team: Team) -> None:
            await _told(team, taken)

        _run(f"sqlite:///{path}", work)
        path.unlink()

    any_sequence()


async def test_the_stories_reach_the_public(database: Database) -> None:
    """Or the property above would hold of a program that refuses everything."""
    team = await gather(database)
    await team.register(RHONE)
    story = Story(team)
    for verb, at in (("publish", 0), ("correct", 0), ("replace", 1), ("withdraw", 2), ("end", 0)):
        await story.do(verb, at)
    kinds = [(await shown(team, alert)).relation for alert in story.out]
    assert kinds == [None, "correction", "correction", "withdrawal", "end"]
