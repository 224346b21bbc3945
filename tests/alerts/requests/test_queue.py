"""Approvers are asked once, on every way that reaches them, and every request shows the outcome."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from alertbot.alerts import approving, showing, writing
from alertbot.alerts.requests import queue
from alertbot.alerts.requests.text import Ask
from alertbot.core.errors import ChannelError, Misuse, Refused, Rejected, Scope, Throttled, Unavailable
from alertbot.core.model import Person
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from alertbot.people.context import RequestSettings
from alertbot.people.rules import Duty, Shift
from tests.team import Team, gather

USERS = {"bo": "5200000001", "cy": "5200000002", "dan": "5200000003"}
PARIS = ZoneInfo("Europe/Paris")
GROUP = "-1001400000002"


@dataclass
class FakeWay:
    """A platform in memory. `down`: what every call raises."""

    name: str = "telegram"
    down: ChannelError | None = None
    asked: list[Ask] = field(default_factory=list)
    updated: list[Ask] = field(default_factory=list)
    closed: list[tuple[Ask, str]] = field(default_factory=list)

    async def ask(self, ask: Ask) -> str | None:
        self._fail()
        self.asked.append(ask)
        return str(len(self.asked))

    async def update(self, ask: Ask) -> None:
        self._fail()
        self.updated.append(ask)

    async def close(self, ask: Ask, outcome: str) -> None:
        self._fail()
        self.closed.append((ask, outcome))

    def _fail(self) -> None:
        if self.down is not None:
            raise self.down

    @property
    def whom(self) -> list[str | None]:
        return [ask.person for ask in self.asked]


@pytest.fixture
async def team(database: Database) -> Team:
    """Ada writes; Bo and Cy approve, both linked; the group is asked too."""
    team = await gather(database)
    for name in ("bo", "cy"):
        await link(team, name)
    return reached(team)


def reached(team: Team, duty: Duty | None = None, ways: tuple[str, ...] = ("telegram",)) -> Team:
    groups = {"telegram": GROUP} if "telegram" in ways else {}
    team.service = replace(team.service, reach=RequestSettings(ways, groups, duty))
    return team


def on_call(*names: str, deputies: tuple[str, ...] = ()) -> Duty:
    shifts = tuple(Shift(name, time(0), time(0)) for name in names)
    return Duty(timedelta(minutes=10), PARIS, shifts, deputies)


async def link(team: Team, name: str) -> None:
    made = await accounts.link(team.service, team.people[name], name)
    assert await accounts.redeem(team.service, made.code, USERS[name])


async def add(team: Team, name: str) -> None:
    """One more approver, whom the two admins agreed on."""
    await team.join(name, "approver")


async def test_the_group_and_every_approver_are_asked_once(team: Team) -> None:
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    await queue.attend(team.service, [way])
    assert way.whom == [None, "bo", "cy"]
    assert [ask.address for ask in way.asked] == [GROUP, USERS["bo"], USERS["cy"]]
    assert {ask.digest for ask in way.asked} == {view.digest}
    assert not way.updated
    assert not way.closed


async def test_a_request_holds_what_is_needed_to_decide(team: Team) -> None:
    view = await team.pending("provisional_number")
    way = FakeWay()
    await queue.attend(team.service, [way])
    ask = way.asked[0]
    shown = await showing.show(team.service, view.id, None)
    assert (ask.alert, ask.kind, ask.digest) == (view.id, "provisional_number", view.digest)
    assert ask.channels == {"public": ("fr", "en"), "second": ("fr", "en")}
    assert ask.first_lines.splitlines()[0] in shown.messages[0].text
    assert ask.page.startswith("<!doctype html")
    assert ask.needed == 2
    assert ask.author == "ada"
    assert ask.until is not None
    assert ask.until.astimezone(UTC) == view.pending_until


async def test_who_wrote_it_is_not_asked_about_it(team: Team) -> None:
    view = await team.draft(by="bo")
    await writing.submit(team.service, team.people["bo"], view.id)
    way = FakeWay()
    await queue.attend(team.service, [way])
    assert way.whom == [None, "cy"]


async def test_nothing_is_written_where_no_way_is_configured(database: Database) -> None:
    team = await gather(database)
    view = await team.pending()
    assert "ask" not in await team.verbs()
    assert (await overview.status(team.service, view.id)).asked == ()


async def test_every_request_shows_the_approval_wherever_it_was_given(team: Team) -> None:
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    await team.approve(view.id, "bo")
    await queue.attend(team.service, [way])
    assert len(way.closed) == 3
    assert {ask.message_ref for ask, _outcome in way.closed} == {"1", "2", "3"}
    assert all("bo" in outcome and view.id in outcome for _ask, outcome in way.closed)
    await queue.attend(team.service, [way])
    assert len(way.closed) == 3


async def test_a_first_approval_of_two_is_shown_and_the_request_stays(team: Team) -> None:
    view = await team.pending("provisional_number")
    way = FakeWay()
    await queue.attend(team.service, [way])
    await team.approve(view.id, "bo")
    await queue.attend(team.service, [way])
    await queue.attend(team.service, [way])
    assert [ask.given for ask in way.updated] == [("bo",)] * 3
    assert not way.closed


@pytest.mark.parametrize("verb", ["return", "reject"])
async def test_a_request_shows_who_sent_it_away_and_why(team: Team, verb: str) -> None:
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    act = approving.return_ if verb == "return" else approving.reject
    await act(team.service, team.people["cy"], view.id, "name the départements")
    await queue.attend(team.service, [way])
    assert len(way.closed) == 3
    assert all("cy" in said and "name the départements" in said for _ask, said in way.closed)


async def test_a_request_shows_that_its_time_is_over_or_its_text_was_changed(team: Team) -> None:
    late, changed = await team.pending(), await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    await writing.edit(team.service, team.people["ada"], changed.id, {"next_update": "+50m"}, {})
    await queue.attend(team.service, [way])
    assert {ask.alert for ask, _outcome in way.closed} == {changed.id}
    team.clock.forward(hours=5)
    await queue.attend(team.service, [way])
    assert {ask.alert for ask, _outcome in way.closed[3:]} == {late.id}


async def test_the_changed_text_is_asked_about_anew(team: Team) -> None:
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+50m"}, {})
    again = await writing.submit(team.service, team.people["ada"], view.id)
    await queue.attend(team.service, [way])
    assert [ask.digest for ask in way.asked] == [view.digest] * 3 + [again.digest] * 3
    assert len(way.closed) == 3


async def test_a_platform_that_is_down_is_tried_again_and_status_says_so(team: Team) -> None:
    view = await team.pending()
    way = FakeWay(down=Unavailable("Telegram could not be reached."))
    await queue.attend(team.service, [way])
    needs = [one.message for one in (await overview.status(team.service, None)).open]
    assert any("could not be reached" in one and view.id in one for one in needs)
    way.down = None
    await queue.attend(team.service, [way])
    assert not way.asked  # not yet: it waits a little first
    team.clock.forward(seconds=5)
    await queue.attend(team.service, [way])
    assert way.whom == [None, "bo", "cy"]
    needs = [one.message for one in (await overview.status(team.service, None)).open]
    assert not any("could not be reached" in one for one in needs)


async def test_another_way_does_not_wait_for_the_one_that_is_down(team: Team) -> None:
    await accounts.set_mail(team.service, team.people["bo"], "bo", "bo@example.org")
    reached(team, ways=("telegram", "mail"))
    await team.pending()
    telegram, mail = FakeWay(down=Unavailable("down")), FakeWay("mail")
    await queue.attend(team.service, [telegram, mail])
    assert [(ask.person, ask.address) for ask in mail.asked] == [("bo", "bo@example.org")]
    assert not telegram.asked


async def test_a_platform_that_asks_for_patience_gets_it(team: Team) -> None:
    await team.pending()
    way = FakeWay(down=Throttled("slowly", wait=40))
    await queue.attend(team.service, [way])
    way.down = None
    team.clock.forward(seconds=39)
    await queue.attend(team.service, [way])
    assert not way.asked
    team.clock.forward(seconds=1)
    await queue.attend(team.service, [way])
    assert len(way.asked) == 3


async def test_one_who_cannot_be_reached_holds_nobody_else_up(team: Team) -> None:
    class Blocked(FakeWay):
        async def ask(self, ask: Ask) -> str | None:
            if ask.person == "bo":
                raise Rejected("bo has blocked the bot", scope=Scope.RECIPIENT)
            return await super().ask(ask)

    view = await team.pending()
    way = Blocked()
    await queue.attend(team.service, [way])
    assert way.whom == [None, "cy"]
    asked = (await overview.status(team.service, view.id)).asked
    assert [one.trouble for one in asked] == [None, "bo has blocked the bot", None]


async def test_a_way_that_breaks_is_postponed_like_one_that_is_down(team: Team) -> None:
    class Broken(FakeWay):
        async def ask(self, ask: Ask) -> str | None:
            raise ZeroDivisionError

    view = await team.pending()
    await queue.attend(team.service, [Broken()])
    asked = (await overview.status(team.service, view.id)).asked
    assert {one.trouble for one in asked} == {"ZeroDivisionError"}


async def test_a_worker_that_died_in_the_call_leaves_a_request_that_is_made_once_more(
    team: Team,
) -> None:
    class Dying(FakeWay):
        async def ask(self, ask: Ask) -> str | None:
            self.asked.append(ask)
            raise asyncio.CancelledError

    reached(team).service.reach.groups.clear()
    await team.pending()
    dying, way = Dying(), FakeWay()
    with pytest.raises(asyncio.CancelledError):
        await queue.attend(team.service, [dying])
    await queue.attend(team.service, [way])
    assert len(dying.asked) == 1
    assert way.whom == ["cy"]  # bo's may stand already; it is made once more after the lease
    team.clock.forward(seconds=60)
    await queue.attend(team.service, [way])
    await queue.attend(team.service, [way])
    assert way.whom == ["cy", "bo"]


async def test_two_workers_ask_once(team: Team) -> None:
    await team.pending()
    one, other = FakeWay(), FakeWay()
    await asyncio.gather(
        queue.attend(team.service, [one]),
        queue.attend(team.service, [other]),
    )
    assert sorted(map(str, one.whom + other.whom)) == ["None", "bo", "cy"]


async def test_those_on_duty_are_asked_and_then_the_deputies_one_by_one(team: Team) -> None:
    await add(team, "dan")
    await link(team, "dan")
    reached(team, on_call("Bo", deputies=("Cy", "Dan", "Zoe")))
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    assert way.whom == [None, "bo"]
    team.clock.forward(minutes=9)
    await queue.attend(team.service, [way])
    assert way.whom == [None, "bo"]
    team.clock.forward(minutes=1)
    await queue.attend(team.service, [way])
    await queue.attend(team.service, [way])
    assert [(ask.person, ask.deputy) for ask in way.asked[2:]] == [("cy", True)]
    team.clock.forward(minutes=10)
    await queue.attend(team.service, [way])
    assert way.whom[3:] == ["dan"]
    status = await overview.status(team.service, view.id)
    needs = " ".join(one.message for one in status.open)
    assert "cy (deputy" in needs
    assert "Zoe" in needs
    verbs = await team.verbs()
    assert (verbs.count("ask"), verbs.count("ask-deputy")) == (1, 2)


async def test_an_answer_in_time_leaves_the_deputies_alone(team: Team) -> None:
    reached(team, on_call("bo", deputies=("cy",)))
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    await team.approve(view.id, "bo")
    team.clock.forward(minutes=30)
    await queue.attend(team.service, [way])
    assert way.whom == [None, "bo"]


async def test_one_on_duty_who_wrote_it_gives_way_to_the_deputy_at_once(team: Team) -> None:
    reached(team, on_call("bo", deputies=("cy",)))
    view = await team.draft(by="bo")
    await writing.submit(team.service, team.people["bo"], view.id)
    way = FakeWay()
    await queue.attend(team.service, [way])
    assert way.whom == [None, "cy"]


async def test_who_is_linked_too_late_is_asked_as_soon_as_it_is_known(database: Database) -> None:
    team = await gather(database)
    team.service = replace(team.service, reach=RequestSettings(("telegram",), {}, None))
    view = await team.pending()
    way = FakeWay()
    await queue.attend(team.service, [way])
    assert not way.asked
    needs = [one.message for one in (await overview.status(team.service, view.id)).open]
    assert any("people link" in one for one in needs)
    await link(team, "bo")
    await queue.attend(team.service, [way])
    assert way.whom == ["bo"]


# Linking


async def test_a_code_links_once_and_lapses(database: Database) -> None:
    team = await gather(database)
    made = await accounts.link(team.service, team.people["bo"], "Bo")
    assert await accounts.redeem(team.service, "AAAA-AAAA-AAAA", "2001") is None
    typed = made.code.lower().replace("-", " ")
    assert (await accounts.redeem(team.service, typed, "2001")) == team.people["bo"]
    assert await accounts.redeem(team.service, made.code, "2009") is None
    assert (await accounts.of_user(team.service, "2001")) == team.people["bo"]
    late = await accounts.link(team.service, team.people["cy"], "cy")
    team.clock.forward(minutes=15)
    assert await accounts.redeem(team.service, late.code, "2002") is None
    assert "people-link" in await team.verbs()


async def test_wrong_codes_void_the_open_ones(database: Database) -> None:
    team = await gather(database)
    made = await accounts.link(team.service, team.people["bo"], "bo")
    for _try in range(10):
        assert await accounts.redeem(team.service, "BBBB-BBBB-BBBB", "6666") is None
    assert await accounts.redeem(team.service, made.code, "2001") is None


async def test_nobody_gets_a_code_or_an_address_for_another(database: Database) -> None:
    team = await gather(database)
    with pytest.raises(Refused, match="bo"):
        await accounts.link(team.service, team.people["cy"], "bo")
    with pytest.raises(Refused, match="bo"):
        await accounts.set_mail(team.service, team.people["cy"], "bo", "cy@example.org")
    with pytest.raises(Refused):
        await accounts.unlink(team.service, team.people["ada"], "bo")
    with pytest.raises(Misuse, match="mail address"):
        await accounts.set_mail(team.service, team.people["bo"], "bo", "bo at example.org")


async def test_one_account_is_one_person_and_one_person_one_account(database: Database) -> None:
    team = await gather(database)
    await link(team, "bo")
    made = await accounts.link(team.service, team.people["cy"], "cy")
    with pytest.raises(Refused, match="bo"):
        await accounts.redeem(team.service, made.code, USERS["bo"])
    again = await accounts.link(team.service, team.people["bo"], "bo")
    assert await accounts.redeem(team.service, again.code, "2999")
    assert await accounts.of_user(team.service, USERS["bo"]) is None
    assert (await accounts.unlink(team.service, team.people["cy"], "bo")).unlinked is True
    assert await accounts.of_user(team.service, "2999") is None
    assert await accounts.redeem(team.service, made.code, USERS["bo"])


async def test_a_linked_person_who_was_revoked_does_not_count(team: Team) -> None:
    await accounts.revoke(team.service, team.people["cy"], "bo")
    who = await accounts.of_user(team.service, USERS["bo"])
    assert isinstance(who, Person)
    assert not who.counts
    view = await team.pending()
    with pytest.raises(Refused):
        await approving.approve(team.service, who, view.id, view.digest)
    way = FakeWay()
    await queue.attend(team.service, [way])
    assert way.whom == [None, "cy"]


async def test_the_account_and_the_code_stand_nowhere_in_the_audit(team: Team) -> None:
    rows = await overview.audit_export(team.service)
    assert not any(user in str(rows) for user in USERS.values())
