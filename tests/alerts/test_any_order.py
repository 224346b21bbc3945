"""Whatever people do in whatever order: only what enough others have signed goes out, whole, and once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alertbot.alerts import approving, halting, showing, writing
from alertbot.core.errors import AlertbotError
from alertbot.db.database import Database
from alertbot.ops import overview
from tests.effort import examples
from tests.team import Team, gather

PEOPLE = ("ada", "bo", "cy")
VERBS = (
    "edit",
    "retime",
    "submit",
    "approve",
    "give_back",
    "reject",
    "discard",
    "halt",
    "resume",
    "work",
    "wait",
)
Step = tuple[str, str]
people = st.sampled_from(PEOPLE)


def _road(before: list[Step], who: tuple[str, str, str]) -> list[Step]:
    """Anything, and then the way to the public, taken by whoever it may be."""
    submits, first, second = who
    return [*before, ("submit", submits), ("approve", first), ("approve", second), ("work", "ada")]


roads = st.builds(
    _road,
    st.lists(st.tuples(st.sampled_from(VERBS), people), max_size=6),
    st.tuples(people, st.sampled_from(("bo", "cy")), st.sampled_from(("bo", "cy"))),
)


@dataclass
class Desk:
    """One alert and those who work on it. Notes who had a hand in it, who signed which digest, and what the
    digest stands for."""

    team: Team
    alert: str
    hands: dict[str, set[str]] = field(default_factory=dict)
    signed: dict[str, set[str]] = field(default_factory=dict)
    says: dict[str, Counter[str]] = field(default_factory=dict)
    edits: int = 0
    editors: set[str] = field(default_factory=lambda: {"ada"})

    async def look(self) -> str:
        """The digest of what stands there now, remembered with its texts."""
        view = await showing.show(self.team.service, self.alert, None)
        texts = [one.text for one in view.messages if one.channel == "public"]
        self.says[view.digest] = Counter(texts)
        return str(view.digest)

    async def do(self, verb: str, who: str) -> None:
        try:
            await getattr(self, verb)(who)
        except AlertbotError:
            return

    async def edit(self, who: str) -> None:
        self.edits += 1
        change = {"next_update": f"+{30 + self.edits}m"}
        await writing.edit(self.team.service, self.team.people[who], self.alert, change, {})
        self.editors.add(who)
        self.hands[await self.look()] = {*self.editors}

    async def retime(self, who: str) -> None:
        await writing.submit(self.team.service, self.team.people[who], self.alert, retime=True)
        self.editors.add(who)
        self.hands[await self.look()] = {*self.editors}

    async def submit(self, who: str) -> None:
        await writing.submit(self.team.service, self.team.people[who], self.alert)
        digest = await self.look()
        self.hands.setdefault(digest, {"ada"}).add(who)

    async def approve(self, who: str) -> None:
        await self.team.approve(self.alert, who)
        self.signed.setdefault(await self.look(), set()).add(who)

    async def give_back(self, who: str) -> None:
        await approving.return_(self.team.service, self.team.people[who], self.alert, "name them")

    async def reject(self, who: str) -> None:
        await approving.reject(self.team.service, self.team.people[who], self.alert, "not ours")

    async def discard(self, who: str) -> None:
        await writing.discard(self.team.service, self.team.people[who], self.alert)

    async def halt(self, _who: str) -> None:
        await halting.halt(self.team.service, self.alert, None)

    async def resume(self, who: str) -> None:
        await halting.resume(self.team.service, self.team.people[who], self.alert, None)

    async def work(self, _who: str) -> None:
        await self.team.work(patience=0)

    async def wait(self, _who: str) -> None:
        self.team.clock.forward(minutes=9)
        await approving.expire_overdue(self.team.service)


def _run(url: str, work: Callable[[Team], Awaitable[None]]) -> None:
    async def whole() -> None:
        database = await Database.open(url, migrate=False)
        try:
            await work(await gather(database))
        finally:
            await database.close()

    asyncio.run(whole())


async def _live(team: Team, kind: str, taken: list[Step]) -> Desk:
    view = await team.draft(kind)
    desk = Desk(team, str(view.id))
    desk.hands[await desk.look()] = {"ada"}
    for verb, who in taken:
        await desk.do(verb, who)
    return desk


async def _check(desk: Desk, needed: int) -> None:
    sent = Counter(post.text for post in desk.team.adapters["public"].posts)
    if not sent:
        return
    [digest] = [one for one, texts in desk.says.items() if sent <= texts and desk.signed.get(one)]
    signers = desk.signed[digest] - desk.hands[digest]
    assert len(signers) >= needed
    assert max(sent.values()) == 1
    shown = await showing.show(desk.team.service, desk.alert, None)
    assert shown.state in ("published", "partly_published", "publishing")
    assert (await overview.audit_verify(desk.team.service, None)).sound


@pytest.mark.parametrize(("kind", "needed"), [("status", 1), ("provisional_number", 2)])
def test_only_what_enough_others_signed_goes_out_whole_and_once(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any, kind: str, needed: int
) -> None:
    folder = tmp_path_factory.mktemp("order")
    count = 0

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(taken=roads)
    @example(taken=_road([], ("bo", "bo", "bo")))
    @example(taken=_road([("edit", "cy")], ("bo", "cy", "bo")))
    @example(taken=_road([("edit", "cy"), ("retime", "bo")], ("ada", "cy", "cy")))
    @example(taken=_road([("edit", "cy"), ("edit", "bo")], ("ada", "cy", "cy")))
    @example(taken=_road([("submit", "ada"), ("approve", "cy"), ("edit", "ada")], ("ada", "bo", "bo")))
    def any_order(taken: list[Step]) -> None:
        nonlocal count
        count += 1
        path = folder / f"{count}.db"
        path.write_bytes(sqlite_template.read_bytes())
        path.chmod(0o600)

        async def work(team: Team) -> None:
            await _check(await _live(team, kind, taken), needed)

        _run(f"sqlite:///{path}", work)
        path.unlink()

    any_order()


async def test_the_usual_road_leads_to_the_public(database: Database) -> None:
    """Or the property above would hold of a program that sends nothing."""
    taken = [("submit", "ada"), ("approve", "bo"), ("work", "ada")]
    desk = await _live(await gather(database), "status", taken)
    await _check(desk, 1)
    assert len(desk.team.adapters["public"].posts) == 2
