"""After any history of a team and of its texts, one pair of hands publishes nothing alone, and hands enough can
publish. Who could hold which token is reckoned here from what was done, not asked of the program."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alertbot.alerts import approving, following, showing, writing
from alertbot.alerts.following import FollowRequest
from alertbot.core.errors import AlertbotError
from alertbot.db.database import Database
from alertbot.people import accounts
from alertbot.texts.publisher import Override
from tests.effort import examples
from tests.team import Team, gather

NAMES = ("bo", "cy", "ada", "Zoé", "d'Artagnan", "L'Haÿ")
NEEDED = {"holding": 1, "status": 2}  # approvers, by kind
OF_HANDS = ("as one hand", "another approver", "Another approver", "must come from someone else")
ROLES = (["author"], ["approver"], ["admin"], ["author", "approver"], ["approver", "admin"])

person, place = st.sampled_from(NAMES), st.integers(0, 2)
STEP = st.one_of(
    st.tuples(st.just("add"), person, person, st.sampled_from(ROLES)),
    st.tuples(st.sampled_from(["confirm", "renew", "vouch", "rotate", "revoke"]), person, person),
    st.tuples(st.just("draft"), person, st.sampled_from(sorted(NEEDED))),
    st.tuples(st.sampled_from(["edit", "submit", "submit", "approve", "approve"]), person, place),
    st.tuples(st.sampled_from(["give_back", "glass", "countersign", "update"]), person, place),
)


@dataclass
class Text:
    """What is known here of an alert. `writers`: who could have worked on it. `signers`: who could have given
    each approval that stands."""

    id: str
    kind: str
    writers: frozenset[str]
    signers: list[frozenset[str]] = field(default_factory=list)
    vouched: bool = False  # by a second hand


class History:
    """A team, and beside it what each person in it could know."""

    def __init__(self, team: Team) -> None:
        self.team, self.service = team, team.service
        self.knows = {name: frozenset([name]) for name in ("bo", "cy", "ada")}  # by whose token
        self.renewed: set[str] = set()
        self.texts: list[Text] = []
        self.published = 0

    async def step(self, what: str, by: str, *more: Any) -> None:
        """One command; one that is refused has done nothing."""
        self.team.clock.forward(seconds=1)
        if by not in self.team.tokens or (what in WITH_TEXT and not self.texts):
            return
        try:
            await getattr(self, what)(by, *(self.at(one) if what in WITH_TEXT else one for one in more))
        except AlertbotError:
            return

    def at(self, number: int) -> Text:
        return self.texts[-1 - number % len(self.texts)]

    async def acting(self, name: str) -> Any:
        return await accounts.acting(self.service, self.team.tokens[name])

    async def add(self, by: str, name: str, roles: list[str]) -> None:
        issued = await accounts.add(self.service, self.team.tokens[by], name, roles, None)
        self.team.tokens[name] = issued.token
        self.knows[name] = frozenset([name]) | self.knows[by]
        assert not issued.counts

    async def rotate(self, by: str, name: str) -> None:
        issued = await accounts.rotate(self.service, await self.acting(by), name, None)
        self.team.tokens[name] = issued.token
        if by == name:
            self.renewed.add(name)
        else:
            self.knows[name] = frozenset([name]) | self.knows[by]
            self.renewed.discard(name)

    async def renew(self, by: str, _name: str) -> None:
        await self.rotate(by, by)

    async def confirm(self, by: str, name: str) -> None:
        await accounts.confirm(self.service, await self.acting(by), name)
        assert not self.knows[by] & self.knows[name], (
            "somebody confirmed with a hand that has the token"
        )

    async def vouch(self, by: str, name: str) -> None:
        await accounts.confirm(self.service, await self.acting(by), name, own_token=True)
        assert not self.knows[by] & self.knows[name]
        assert name in self.renewed
        self.knows[name] = frozenset([name])

    async def revoke(self, by: str, name: str) -> None:
        await accounts.revoke(self.service, await self.acting(by), name)

    async def draft(self, by: str, kind: str) -> Text:
        self.team.people[by] = await self.acting(by)
        view = await self.team.draft(kind, by=by)
        self.texts.append(Text(view.id, kind, self.knows[by]))
        return self.texts[-1]

    async def update(self, by: str, text: Text) -> None:
        await self.team.work(patience=0)
        more = {} if text.kind == "status" else {"since": "13:40"}
        asked = FollowRequest(changes={"next_update": "+40m", **more})
        view = await following.update(self.service, await self.acting(by), text.id, asked)
        taken_over = frozenset() if text.vouched else text.writers
        self.texts.append(Text(view.id, view.kind, self.knows[by] | taken_over))

    async def edit(self, by: str, text: Text) -> None:
        later = {"next_update": "+50m"}
        await writing.edit(self.service, await self.acting(by), text.id, later, {})
        text.writers |= self.knows[by]
        text.signers.clear()
        text.vouched = False

    async def submit(self, by: str, text: Text) -> None:
        await writing.submit(self.service, await self.acting(by), text.id)
        text.writers |= self.knows[by]
        text.signers.clear()

    async def give_back(self, by: str, text: Text) -> None:
        await approving.return_(self.service, await self.acting(by), text.id, "name them")

    async def approve(self, by: str, text: Text) -> None:
        hands = self.knows[by]
        barred = any(hands & other for other in (text.writers, *text.signers))
        actor = await self.acting(by)
        await showing.show(self.service, text.id, self.team.tokens[by])
        try:
            view = await approving.approve(self.service, actor, text.id, None)
        except AlertbotError as error:
            if not barred and any(words in str(error) for words in OF_HANDS):
                raise AssertionError(f"{by} may approve {text}: {error}; {self.knows}") from error
            raise
        assert not barred, f"{by} approved {text}, and knows {self.knows}"
        text.signers.append(hands)
        if view.state == "approved":
            assert len(text.signers) == NEEDED[text.kind]
            text.vouched = True
            self.published += 1

    async def glass(self, by: str, text: Text) -> None:
        shown = await showing.show(self.service, text.id, self.team.tokens[by])
        actor = await self.acting(by)
        await approving.break_glass(self.service, actor, text.id, shown.digest, "nobody answers")
        text.signers[:] = [self.knows[by]]
        text.vouched = False

    async def countersign(self, by: str, text: Text) -> None:
        await approving.countersign(self.service, await self.acting(by), text.id)
        assert not self.knows[by] & text.signers[0]
        text.vouched = True

    async def hands_enough_can_publish(self) -> None:
        """Whoever may write, and as many others as the kind asks for, of whom no two share a hand."""
        people = [one for one in await accounts.everybody(self.service) if one.counts]
        writers = [one.name for one in people if {"author", "approver"} & {*one.roles}]
        approvers = [one.name for one in people if "approver" in one.roles]
        for (kind, needed), writer in product(NEEDED.items(), writers):
            found = next(filter(self._apart, _crews(writer, approvers, needed)), None)
            text = await self.draft(writer, kind)
            await self.submit(writer, text)
            for one in found[1:] if found else approvers:
                await self._tried(one, text, sure=found is not None)
            approved = (await showing.brief(self.service, text.id)).state == "approved"
            assert approved is (found is not None), (text, self.knows)

    def _apart(self, crew: Iterable[str]) -> bool:
        return all(not self.knows[one] & self.knows[other] for one, other in combinations(crew, 2))

    async def _tried(self, by: str, text: Text, *, sure: bool) -> None:
        try:
            await self.approve(by, text)
        except AlertbotError:
            if sure:
                raise


WITH_TEXT = frozenset({"edit", "submit", "approve", "give_back", "glass", "countersign", "update"})


def _crews(writer: str, approvers: list[str], needed: int) -> Iterable[tuple[str, ...]]:
    return ((writer, *crew) for crew in combinations(approvers, needed))


ZOE = [("add", "bo", "Zoé", ["author", "approver"]), ("confirm", "cy", "Zoé")]  # bo has seen her token
WORDS_OF_A_SEEN_TOKEN = [
    *ZOE,
    *(("draft", "Zoé", "holding"), ("submit", "ada", 0), ("approve", "bo", 0)),
    *(("draft", "ada", "holding"), ("edit", "Zoé", 0), ("submit", "ada", 0), ("approve", "bo", 0)),
    *(("draft", "ada", "holding"), ("submit", "Zoé", 0), ("approve", "bo", 0)),
    *(("draft", "bo", "holding"), ("submit", "ada", 0), ("approve", "Zoé", 0)),
    *(("draft", "ada", "holding"), ("edit", "bo", 0), ("edit", "ada", 0), ("submit", "ada", 0)),
    *(("approve", "bo", 0), ("approve", "Zoé", 0), ("approve", "cy", 0)),
]
"""Words stay those of everyone who could have written them."""
APPROVALS_OF_ONE_HAND = [
    *ZOE,
    *(("draft", "ada", "status"), ("submit", "ada", 0), ("approve", "Zoé", 0), ("approve", "bo", 0)),
    *(("draft", "ada", "status"), ("submit", "ada", 0), ("approve", "bo", 0), ("approve", "Zoé", 0)),
    *(("draft", "ada", "status"), ("submit", "ada", 0), ("approve", "Zoé", 0)),
    *(("renew", "Zoé", "Zoé"), ("vouch", "cy", "Zoé"), ("approve", "bo", 0)),
]
"""Two approvals by one hand are one, also after the token was renewed."""
ALONE = [
    *ZOE,
    *(("draft", "ada", "holding"), ("submit", "ada", 0), ("glass", "Zoé", 0), ("countersign", "bo", 0)),
    *(("draft", "ada", "holding"), ("submit", "ada", 0), ("glass", "bo", 0), ("countersign", "Zoé", 0)),
    *(("draft", "bo", "holding"), ("submit", "bo", 0), ("glass", "cy", 0), ("update", "ada", 0)),
    *(("submit", "ada", 0), ("approve", "bo", 0)),
]
"""Whoever published alone is no second hand for it, nor are those whose words went out that way."""
VOUCHED = [
    *(("draft", "bo", "holding"), ("submit", "bo", 0), ("approve", "cy", 0), ("update", "ada", 0)),
    *(("submit", "ada", 0), ("approve", "bo", 0)),
]
"""Words that a second hand has approved are nobody's any more."""


@pytest.mark.thorough
@example(history=WORDS_OF_A_SEEN_TOKEN)
@example(history=APPROVALS_OF_ONE_HAND)
@example(history=ALONE)
@example(history=VOUCHED)
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=st.lists(STEP, min_size=5, max_size=25))
def test_no_hand_publishes_alone_and_hands_enough_can(
    sqlite_template: Path, history: list[tuple[Any, ...]]
) -> None:
    async def whole(url: str) -> None:
        database = await Database.open(url, migrate=False)
        try:
            overrides = {kind: Override(approvers=count) for kind, count in NEEDED.items()}
            after = History(await gather(database, overrides=overrides))
            for what, by, *more in history:
                await after.step(what, by, *more)
            await after.hands_enough_can_publish()
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alertbot.db"
        shutil.copyfile(sqlite_template, path)
        path.chmod(0o600)
        asyncio.run(whole(f"sqlite:///{path}"))
