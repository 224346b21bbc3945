"""Where an incident is: alerts that follow start from what the public was told, and an end tells all of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from alertbot.alerts import approving, following, showing, taking_back, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.taking_back import NumberSelection
from alertbot.alerts.views import AlertView
from alertbot.core.errors import AlertbotError, Faulty, Refused
from alertbot.db import tables
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.watch import incidents
from tests.effort import examples
from tests.team import Team, example, gather

ENDED = {
    "what_works": {"fr": "tous les numéros", "en": "all numbers"},
    "restored_at": "-10m",
    "what_to_do": {"fr": "Faites le 15, 17 ou 18.", "en": "Call 15, 17 or 18."},
    "confirmed_by": {"fr": "le SAMU", "en": "the SAMU"},
}
EXCUSED = {"unconfirmed": "le SAMU l'a confirmé par téléphone"}
WORDS = {
    "what_was_wrong": {"fr": "le 112", "en": "112"},
    "what_is_right": {"fr": "le 15", "en": "15"},
}


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def published(team: Team, *places: str, **options: Any) -> str:
    view = await team.approved(changes={"where": list(places)}, **options)
    await team.work()
    return str(view.id)


async def out(team: Team, view: AlertView) -> AlertView:
    view = await writing.submit(team.service, team.people["ada"], view.id)
    for name in ("bo", "cy"):
        if view.state == "pending":
            view = await team.approve(view.id, name)
    await team.work()
    return view


async def ended(team: Team, incident: str, **changes: Any) -> AlertView:
    said = FollowRequest({**ENDED, **changes}, EXCUSED)
    return await following.end(team.service, team.people["ada"], incident, said)


async def values(team: Team, alert: str) -> Mapping[str, Any]:
    return (await showing.show(team.service, alert, None)).values


async def texts(team: Team, alert: str) -> list[str]:
    """The whole text of each channel and language."""
    found: dict[tuple[str, str], str] = {}
    for one in (await showing.show(team.service, alert, None)).messages:
        key = (one.channel, one.lang)
        found[key] = found.get(key, "") + one.text
    return list(found.values())


def rules(view: AlertView) -> dict[str, str]:
    return {one.rule: one.message for one in (*view.faults, *view.warnings)}


async def test_an_end_names_every_place_that_was_told(team: Team) -> None:
    """Also overseas, which has its own clock."""
    first = await published(team, "69", "974")
    second = await published(team, "42", incident=first[:4])
    view = await ended(team, first[:4])
    assert (await values(team, view.id))["where"] == ["69", "974", "42"]
    note = rules(view)["area_taken_over"]
    assert all(name in note for name in (first, second, "Rhône", "Loire", "Réunion"))
    assert all("Réunion" in text for text in await texts(team, view.id))
    assert (await out(team, view)).state == "approved"


async def test_an_end_of_less_needs_a_reason(team: Team) -> None:
    first = await published(team, "69", "01")
    view = await ended(team, first[:4], where=["01"])
    [fault] = view.faults
    assert fault.rule == "narrower"
    assert "Rhône" in fault.message
    with pytest.raises(Faulty):
        await writing.submit(team.service, team.people["ada"], view.id)
    reason = {"narrower": "le Rhône n'a jamais été touché"}
    view = await writing.edit(team.service, team.people["ada"], view.id, {}, reason)
    assert (await out(team, view)).state == "approved"
    assert (await showing.show(team.service, view.id, None)).values["where"] == ["01"]


async def test_an_edit_judges_the_area_again(team: Team) -> None:
    first = await published(team, "69", "01")
    view = await ended(team, first[:4])
    ada = team.people["ada"]
    view = await writing.edit(team.service, ada, view.id, {"where": ["69"]}, {})
    assert "narrower" in rules(view)
    assert "area_taken_over" not in rules(view)
    view = await writing.edit(team.service, ada, view.id, {"where": ["69", "01"]}, {})
    assert not view.faults


async def test_what_is_told_after_the_end_was_written_stops_it(team: Team) -> None:
    first = await published(team, "69")
    view = await ended(team, first[:4])
    view = await writing.submit(team.service, team.people["ada"], view.id)
    later = await published(team, "42", incident=first[:4])
    with pytest.raises(Refused, match=f"Loire, which {later} told"):
        await team.approve(view.id, "bo")
    fixed = await writing.edit(team.service, team.people["ada"], view.id, {"where": "69,42"}, {})
    assert (await out(team, fixed)).state == "approved"


async def test_a_narrower_update_says_so_to_the_approver(team: Team) -> None:
    first = await published(team, "69", "01")
    said = FollowRequest({"where": ["01"], "next_update": "+30m"})
    view = await following.update(team.service, team.people["ada"], first, said)
    assert not view.faults
    assert "Rhône" in rules(view)["narrower"]
    shown = await showing.show(team.service, view.id, None)
    assert any(one.rule == "narrower" for one in shown.warnings)


async def test_numbers_for_other_places_need_a_reason(team: Team) -> None:
    row = {"territory": "42", "service": "samu", "number": "04 65 71 42 15", "review_at": "+12h"}
    await team.register([row])
    first = await published(team, "69")
    base = {**example(team.service, "provisional_number"), "where": ["69"], "numbers": [row]}
    view = await team.draft("provisional_number", given=base, incident=first[:4])
    assert "Loire" in rules(view)["elsewhere"]
    accepted = {"elsewhere": "le SAMU de la Loire répond pour le Rhône"}
    view = await writing.edit(team.service, team.people["ada"], view.id, {}, accepted)
    assert not view.faults


async def test_an_exercise_stands_apart(team: Team) -> None:
    """Beside a real incident: never in it, never wider by it, and its end closes nothing real."""
    first = await published(team, "69")
    with pytest.raises(Refused, match="never part"):
        await team.draft(exercise=True, incident=first[:4])
    drill = await published(team, "69", "13", exercise=True, new_incident=False)
    assert drill[:4] != first[:4]
    view = await ended(team, first[:4])
    assert (await values(team, view.id))["where"] == ["69"]
    over = await ended(team, drill[:4])
    assert (await values(team, over.id))["where"] == ["69", "13"]
    await out(team, over)
    assert (await incidents.show(team.service, first[:4])).state == "open"
    assert (await incidents.show(team.service, drill[:4])).state == "closed"


# --- joining --------------------------------------------------------------------------------------


async def test_a_draft_asks_to_join_the_open_incident(team: Team) -> None:
    first = await published(team, "69", "01")
    for place in ("69", "Rhône", "FR", "01, 42"):
        with pytest.raises(Refused, match="--new-incident") as refusal:
            await team.draft(changes={"where": place}, new_incident=False)
        assert f"--incident {first[:4]}" in str(refusal.value)
    joined = await team.draft(incident=first[:4])
    assert joined.id == f"{first[:4]}-2"
    other = await team.draft(new_incident=True)
    assert first in rules(other)["other_incident"]
    apart = await team.draft(changes={"where": ["974"]}, new_incident=False)
    assert "other_incident" not in rules(apart)


async def test_what_waits_for_approval_counts_and_what_is_over_does_not(team: Team) -> None:
    pending = await team.pending()
    with pytest.raises(Refused, match=pending.id):
        await team.draft(new_incident=False)
    await writing.discard(team.service, team.people["ada"], pending.id)
    assert (await incidents.show(team.service, pending.incident)).state == "closed"
    first = await published(team, "69")
    await out(team, await ended(team, first[:4]))
    await team.draft(new_incident=False)


async def test_nothing_but_discarded_drafts_closes_an_incident(team: Team) -> None:
    one = await team.draft()
    two = await team.draft(incident=one.incident)
    await writing.discard(team.service, team.people["ada"], one.id)
    assert (await incidents.show(team.service, one.incident)).state == "open"
    await writing.discard(team.service, team.people["ada"], two.id)
    assert (await incidents.show(team.service, one.incident)).state == "closed"
    assert "incident-closed" in await team.verbs()


@pytest.mark.parametrize(
    "ways", [("reject",), ("expire",), ("discard", "reject"), ("expire", "discard")]
)
async def test_an_incident_of_which_nothing_went_out_closes(team: Team, ways: tuple[str, ...]) -> None:
    first = await team.pending()
    views = [first] + [await team.pending(incident=first.incident) for _way in ways[1:]]
    for view, way in zip(views, ways, strict=True):
        assert (await incidents.show(team.service, view.incident)).state == "open"
        if way == "reject":
            await approving.reject(team.service, team.people["bo"], view.id, "not true")
        elif way == "discard":
            await writing.discard(team.service, team.people["ada"], view.id)
        else:
            expires = update(tables.alert).where(tables.alert.c.id == view.id)
            past = expires.values(pending_until=team.clock.now)
            await team.service.database.transact(lambda conn, past=past: conn.execute(past))
            assert await approving.expire_overdue(team.service) == 1
    assert (await incidents.show(team.service, first.incident)).state == "closed"
    (row,) = [
        one for one in await overview.audit_export(team.service) if one["verb"] == "incident-closed"
    ]
    assert "Nothing of it went out" in row["detail"]["reason"]


async def test_an_alert_that_was_returned_keeps_its_incident_open(team: Team) -> None:
    one = await team.pending()
    await approving.return_(team.service, team.people["bo"], one.id, "too long")
    assert (await incidents.show(team.service, one.incident)).state == "open"


async def test_an_alert_like_another_asks_for_its_incident_too(team: Team) -> None:
    """The other's incident is closed, and another is open in the same place."""
    old = await team.pending()
    await approving.reject(team.service, team.people["bo"], old.id, "not true")
    first = await published(team, "69")
    wishes = DraftRequest("", {})
    ada = team.people["ada"]
    with pytest.raises(Refused, match=first[:4]):
        await following.like(team.service, ada, old.id, wishes)
    joined = await following.like(team.service, ada, old.id, wishes, incident=first[:4])
    assert joined.incident == first[:4]
    apart = await following.like(team.service, ada, old.id, wishes, new_incident=True)
    assert apart.incident not in (old.incident, first[:4])


async def test_a_draft_in_an_incident_starts_from_its_places(team: Team) -> None:
    first = await published(team, "69", "01")
    facts = {**example(team.service, "apology")}
    facts.pop("where", None)
    view = await team.draft("apology", given=facts, incident=first[:4])
    assert (await values(team, view.id))["where"] == ["69", "01"]
    assert "area_taken_over" in rules(view)


# --- whatever people do ---------------------------------------------------------------------------

PLACES = ("01", "13", "2A", "42", "69", "75", "971", "974", "987")
REGISTER = [
    {"territory": code, "service": "samu", "number": number, "review_at": "+60h"}
    for code, number in zip(
        ("01", "42", "69", "971"),
        ("04 65 71 01 15", "04 65 71 42 15", "04 65 71 69 15", "05 36 49 97 15"),
        strict=True,
    )
]
some = st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True)
steps = st.one_of(
    st.tuples(st.sampled_from(("draft", "update", "correct")), some),
    st.tuples(
        st.just("withdraw"),
        st.lists(st.sampled_from(("01", "42", "69", "971")), min_size=1, max_size=2),
    ),
    st.tuples(st.just("follow"), st.just([])),
)


@dataclass
class Days:
    """One incident over days, and what the public was told of its places."""

    team: Team
    incident: str = ""
    last: str = ""
    told: set[str] = field(default_factory=set)

    async def do(self, verb: str, places: list[str]) -> None:
        team, ada = self.team, self.team.people["ada"]
        words = WORDS if verb == "correct" else {"next_update": "+9h"}
        said = FollowRequest({"where": places, "numbers": None, **words})
        if verb == "draft":
            view = await team.draft(changes={"where": places}, incident=self.incident)
        elif verb == "update":
            view = await following.update(team.service, ada, self.last, said)
        elif verb == "correct":
            view = await following.correct(team.service, ada, self.last, said)
        elif verb == "follow":
            view = await following.update(
                team.service, ada, self.last, FollowRequest({"next_update": "+9h"})
            )
            assert set((await values(team, view.id))["where"]) == self.told
        else:
            which = NumberSelection(query=",".join(places))
            view = await taking_back.withdraw(team.service, ada, which, FollowRequest())
            assert set((await values(team, view.id))["where"]) == self.told
        view = await out(team, view)
        assert await team.state(view.id) == "published"
        self.told |= set((await values(team, view.id))["where"])
        self.last = view.id
        team.clock.forward(hours=7)

    async def begin(self) -> None:
        team = self.team
        await team.register(REGISTER)
        facts = {
            name: value
            for name, value in example(team.service, "provisional_number").items()
            if name not in ("numbers", "where")
        }
        view = await team.approved("provisional_number", given={**facts, "territories": "01,42,69,971"})
        await team.work()
        self.incident, self.last = view.incident, view.id
        self.told = {"01", "42", "69", "971"}


@pytest.mark.thorough
def test_an_end_tells_everybody_whatever_came_before(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any
) -> None:
    folder = tmp_path_factory.mktemp("area")

    @settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(taken=st.lists(steps, max_size=5))
    def any_days(taken: list[tuple[str, list[str]]]) -> None:
        path = folder / "one.db"
        path.write_bytes(sqlite_template.read_bytes())
        path.chmod(0o600)
        asyncio.run(_live(f"sqlite:///{path}", taken))
        for one in folder.iterdir():
            one.unlink()

    any_days()


async def _live(url: str, taken: list[tuple[str, list[str]]]) -> None:
    database = await Database.open(url, migrate=False)
    try:
        days = Days(await gather(database))
        await days.begin()
        for verb, places in taken:
            try:
                await days.do(verb, places)
            except AlertbotError:
                continue  # refused, and nothing was told
        view = await ended(days.team, days.incident)
        where = (await values(days.team, view.id))["where"]
        assert len(where) == len(set(where))
        assert set(where) == days.told
        assert not [one for one in view.faults if one.rule == "narrower"]
    finally:
        await database.close()


async def test_the_usual_days_lead_to_the_public(database: Database) -> None:
    """Or the property above would hold of a program that refuses everything."""
    days = Days(await gather(database))
    await days.begin()
    for verb, places in (("draft", ["13"]), ("withdraw", ["69"]), ("update", ["2A", "987"])):
        await days.do(verb, places)
    assert days.told == {"01", "42", "69", "971", "13", "2A", "987"}
    view = await out(days.team, await ended(days.team, days.incident))
    assert await days.team.state(view.id) == "published"
