"""The steps of the evening: what each person did, through the same verbs as the command line."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from alertbot.alerts import approving, following, showing, withdrawing, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.following import FollowRequest
from alertbot.app import App
from alertbot.core.model import Person
from alertbot.numbers import consulting, importing, verifying
from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_entry import Standing
from alertbot.ops import working
from alertbot.people import accounts
from alertbot.watch.context import WatchContext

Entry = Mapping[str, Any]
View = dict[str, Any]


class StoryClock(Protocol):
    def set(self, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class EveningStaff:
    """The people of the evening: an author, and approvers with their tokens."""

    author: Person
    approvers: tuple[tuple[Person, str], ...]


async def hire(service: WatchContext, names: Mapping[str, Any]) -> EveningStaff:
    """Two admins who approve, and an author."""
    tokens: dict[str, str] = {}
    admin: str | None = None
    for name in (*names["approvers"], names["author"]):
        role = "author" if name == names["author"] else "approver"
        added = await accounts.add(service, admin, name, [role], None)
        tokens[name] = added.token
        admin = admin or added.token
    acting = {name: await accounts.acting(service, token) for name, token in tokens.items()}
    approvers = tuple((acting[name], tokens[name]) for name in names["approvers"])
    return EveningStaff(acting[names["author"]], approvers)


@dataclass
class StoryStage:
    """Where the story is played. `told`: the alerts that later steps follow, by the name a step gave."""

    app: App
    service: WatchContext
    clock: StoryClock
    staff: EveningStaff
    incident: str | None = None
    told: dict[str, str] = field(default_factory=dict)

    async def play(self, entry: Entry) -> View | None:
        """Do one step; the alert it published, if any."""
        if "numbers" in entry:
            await self._numbers(entry["numbers"])
            return None
        view = await self._written(entry)
        self.incident = view["incident"]
        self.told[entry.get("as", view["id"])] = view["id"]
        return await self._published(view, entry["at"] + timedelta(minutes=entry["approved_after"]))

    async def _written(self, entry: Entry) -> View:
        """The draft of a step. One of `ways` stands in it."""
        ways: dict[str, Callable[[Any, FollowRequest], Awaitable[View]]] = {
            "draft": self._draft,
            "update": self._update,
            "correct": self._correct,
            "withdraw": self._withdraw,
            "end": self._end,
        }
        way = next(name for name in ways if name in entry)
        return await ways[way](entry[way], FollowRequest(entry.get("values", {})))

    async def _published(self, view: View, at: datetime) -> View:
        await writing.submit(self.service, self.staff.author, view["id"])
        self.clock.set(at)
        for approver, token in self.staff.approvers[: view["approvals"]["needed"]]:
            await showing.show(self.service, view["id"], token)
            await approving.approve(self.service, approver, view["id"], None)
        await working.run_once(self.app)
        return view

    async def _draft(self, kind: str, said: FollowRequest) -> View:
        wishes = DraftRequest(kind, said.changes)
        return await writing.draft(self.service, self.staff.author, wishes, incident=self.incident)

    async def _update(self, alert: str, said: FollowRequest) -> View:
        return await following.update(self.service, self.staff.author, self.told[alert], said)

    async def _correct(self, what: Entry, said: FollowRequest) -> View:
        wrong = [await self._entry(what["wrong"])]
        return await following.correct(
            self.service, self.staff.author, self.told[what["alert"]], said, wrong=wrong
        )

    async def _withdraw(self, what: Entry, said: FollowRequest) -> View:
        which = withdrawing.Which(query=what["numbers"], but=what["but"])
        return await withdrawing.withdraw(self.service, self.staff.author, which, said)

    async def _end(self, _what: object, said: FollowRequest) -> View:
        return await following.end(self.service, self.staff.author, self.incident or "", said)

    async def _numbers(self, step: Entry) -> None:
        """Take a file into the register; then another person reads every new number back, from the list that
        person made of the test calls."""
        read = read_numbers(Path(step["import"]))
        await importing.import_(self.service, self.staff.author, read, step["import"])
        called = {str(row): row.number for row in read.rows}
        person, _token = self.staff.approvers[-1]
        for entry in await consulting.listing(self.service, None, "unverified"):
            heard = verifying.Verification(called[entry.said], "answered")
            await verifying.verify(self.service, person, entry.entry, heard)

    async def _entry(self, query: str) -> str:
        """The oldest entry in force for a query: the one that was published."""
        found = await consulting.listing(self.service, query, "in-force")
        return min((one.entry for one in found), key=lambda name: int(name[1:]))

    async def register(self) -> dict[Standing, int]:
        """How many entries of the register stand where, in the end."""
        rows = [
            row
            for standing in Standing
            for row in await consulting.listing(self.service, None, standing.value)
        ]
        return dict(Counter(row.standing for row in rows))
