"""What is stored of looks, on both databases: once, by one of several workers, and told as it is."""

import asyncio
from datetime import timedelta

import pytest

from alertbot.channels.witnessing import Canary, CouldNotLook, Shown, Sought
from alertbot.db.database import Database
from alertbot.ops import overview, working
from alertbot.ops.metrics import Measures
from alertbot.people import tasks
from alertbot.watch.witness.looking import WitnessedChannel, Witnesses
from alertbot.watch.witness.rules_looks import WitnessPlan
from tests.team import Team, gather

PATIENT = WitnessPlan(
    timedelta(seconds=0), timedelta(minutes=1)
)  # it comes in time, however busy the machine
HASTY = WitnessPlan(timedelta(seconds=0), timedelta(seconds=0.2))


class Told(Canary):
    """A witness that says what it is told to, one look after the other, and then nothing but that it sees it."""

    trial = Sought("")

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.looks = 0

    def look(self, sought: Sought, seconds: float) -> tuple[Shown, ...]:
        self.looks += 1
        answer = self._answers.pop(0) if self._answers else sought.text
        if answer == "blind":
            raise CouldNotLook("it is dark")
        return () if answer is None else (Shown(sought.remote_id or "", answer),)


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


def witnesses(team: Team, witness: Told, plan: WitnessPlan = PATIENT) -> Witnesses:
    return Witnesses(
        team.service, {"public": WitnessedChannel(witness, plan)}, working.hooks(team.service)
    )


async def looked(team: Team, alert: str, *several: Witnesses, rounds: int = 40) -> list[str | None]:
    for _round in range(rounds):
        await asyncio.gather(*(one.round() for one in several))
        await asyncio.sleep(0.05)
    rows = await overview.deliveries(team.service, alert, None, None)
    return [one.witness for one in rows if one.channel == "public" and one.witness]


async def test_what_is_seen_is_seen_once_whoever_looks(team: Team) -> None:
    view = await team.approved(languages=("fr",))
    await team.work()
    witness = Told(None)
    pair = [witnesses(team, witness), witnesses(team, witness)]
    assert await looked(team, view.id, *pair, rounds=15) == ["seen"]
    assert witness.looks == 2
    (line,) = (await overview.status(team.service, view.id)).alerts
    (sight,) = line.sights
    assert (sight.channel, sight.witness, bool(sight.visible_since)) == ("public", "seen", True)
    measured = await Measures(team.service).take()
    assert measured.witnessed == {("public", "seen"): 1}
    assert set(measured.visible_after) == {"public"}
    assert (await team.verbs()).count("witness-seen") == 1
    assert (await overview.audit_verify(team.service, None)).sound


async def test_what_nobody_sees_is_told_once_and_nobody_is_alarmed_who_could_not_look(
    team: Team,
) -> None:
    view = await team.approved(languages=("fr",))
    await team.work()
    unseen = witnesses(team, Told(*[None] * 50), HASTY)
    assert await looked(team, view.id, unseen, rounds=12) == ["unseen"]
    (task,) = [one for one in await tasks.listing(team.service) if one.kind == "unseen"]
    assert "second" in task.text  # where it was sent too
    other = await team.approved(languages=("fr",))
    await team.work()
    blind = witnesses(team, Told(*["blind"] * 50), HASTY)
    assert await looked(team, other.id, blind, rounds=15) == ["blind"]
    assert len([one for one in await tasks.listing(team.service) if one.kind == "unseen"]) == 1
