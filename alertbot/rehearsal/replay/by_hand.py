"""What people do in a replay, through the verbs of the command line: numbers are entered, read back,
published and withdrawn; false messages are denied. Nothing here is automatic (R1, R3).

Every method raises `NotDone` if a rule forbids it.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alertbot.alerts import following, store_incidents, store_reading, taking_back, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.core.errors import AlertbotError, Faulty, PastMoment
from alertbot.core.model import RawValues
from alertbot.core.words import _
from alertbot.numbers import changing, consulting, store_numbers, verifying
from alertbot.numbers.reading import RowsRead
from alertbot.numbers.rules_digits import compact
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, standing
from alertbot.numbers.verifying import Verification
from alertbot.regions.facts import find, in_force
from alertbot.rehearsal.replay.signals_of import with_end
from alertbot.rehearsal.replay.stage import Stage
from alertbot.rehearsal.replay.timeline import NumberItem
from alertbot.watch.rules_rule import placed

NUMBERS, WITHDRAWAL, CORRECTION, DENIAL = "provisional_number", "withdrawal", "correction", "denial"
OF_A_NUMBER = "denial_of_a_number"
LANGUAGES = ("fr", "en")


class NotDone(Exception):
    """A person could not do it: reported in the replay, never raised out of it. `reason`: one word."""

    def __init__(self, what: str, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.what, self.reason = what, reason


def reason_of(error: AlertbotError) -> str:
    """One word for a refusal: the rule of the first fault, if there are faults."""
    if isinstance(error, Faulty) and error.faults:
        return error.faults[0].rule
    return "past_moment" if isinstance(error, PastMoment) else "refused"


@dataclass
class ReplayedPeople:
    """The people at work. `by_hand`: what they write, by kind; `words`: the values of {service} and
    {where}, by language; `service`: the watched service's name; `since`: when the fault began."""

    stage: Stage
    by_hand: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Mapping[str, str]]
    service: str
    since: datetime | None = None

    # --- numbers ----------------------------------------------------------------------------------

    async def enter(self, rows: Sequence[NumberRow], name: str) -> None:
        """Enter rows into the register. Raises `NotDone`."""
        service = self.stage.service
        kept = tuple(with_end(row, service.now) for row in rows)
        async with _done("import"):
            await changing.import_(service, self.stage.staff.author, RowsRead(kept, len(kept)), name)

    async def read_back(self) -> int:
        """Another person reads back and calls every unverified number; returns how many are verified."""
        before = len(await self._entries(Standing.IN_FORCE))
        for entry in await self._entries(Standing.UNVERIFIED):
            async with _done(f"{entry.name} {entry.row}"):
                await verifying.verify(
                    self.stage.service, self.stage.staff.reader, entry.name, _called(entry)
                )
        return len(await self._entries(Standing.IN_FORCE)) - before

    async def tell_numbers(self, wanted: Standing = Standing.IN_FORCE) -> str | None:
        """Draft the alert with every number of this standing, and submit it. An alert with an unverified
        number is refused and leaves nothing behind."""
        entries = await self._entries(wanted)
        if not entries:
            return None
        places = list(dict.fromkeys(one.row.territory.code for one in entries))
        given: RawValues = {"territories": places}
        if wanted is not Standing.IN_FORCE:
            given = {"where": places, "numbers": [{"entry": one.name} for one in entries]}
        return await self._ask(NUMBERS, self._values(NUMBERS) | given)

    async def withdraw(self, items: Sequence[NumberItem]) -> str:
        """Withdraw in public what the items name, and nothing else (R6). Raises `NotDone`."""
        gone = await self._meant(items, "withdraw")
        stay = await self._meant(items, "stay")
        names = [one.name for one in gone if one not in stay]
        if not names:
            asked = ", ".join(one.query for one in items if one.action == "withdraw")
            sentence = _("The register has no number for {query}; nothing was withdrawn.")
            raise NotDone(WITHDRAWAL, "no_such_row", sentence.format(query=asked))
        said = FollowRequest(self._values(WITHDRAWAL, but=("where",)), submit=True)
        async with _done(WITHDRAWAL):
            which = NumberSelection(query=",".join(names))
            view = await taking_back.withdraw(self.stage.service, self.stage.staff.author, which, said)
        return view.id

    async def missing(self, items: Sequence[NumberItem]) -> list[str]:
        """What is to be withdrawn but was never in the register."""
        entries = await consulting.entries(self.stage.service, None)
        wanted = [one for one in items if one.action == "withdraw"]
        return [one.query for one in wanted if not any(_fits(one, entry) for entry in entries)]

    # --- false messages ---------------------------------------------------------------------------

    async def deny_alert(self) -> str:
        """Deny a false alert in public, in its own incident (R21). Raises `NotDone`."""
        return await self._ask(DENIAL, self._values(DENIAL), new=True)

    async def deny_number(self, item: NumberItem | None) -> str:
        """Correct a false number if we published it, else deny it. Raises `NotDone`."""
        entry = await self._ours(item) if item else None
        carriers = await self._carriers(entry) if entry else ()
        if entry and carriers:
            values = self._values(CORRECTION, but=("where",))
            async with _done(CORRECTION):
                view = await following.correct(
                    self.stage.service,
                    self.stage.staff.author,
                    carriers[-1],
                    FollowRequest(values, submit=True),
                    WrongNumbers([entry.name]),
                )
            return view.id
        wrong = _as_wrong(item)
        values = self._values(OF_A_NUMBER) | ({"wrong_numbers": wrong} if wrong else {})
        return await self._ask(DENIAL, values)

    async def _ours(self, item: NumberItem) -> Entry | None:
        found = await self._meant([item], item.action)
        return found[0] if found else None

    async def _carriers(self, entry: Entry) -> tuple[str, ...]:
        told = await self.stage.service.database.read(
            lambda conn: store_numbers.published_in(conn, [entry.id], still=True)
        )
        return told[entry.id]

    # --- what they share --------------------------------------------------------------------------

    async def _entries(self, wanted: Standing) -> list[Entry]:
        now = self.stage.service.now
        found = await consulting.entries(self.stage.service, None)
        return [one for one in found if standing(one, now) is wanted]

    async def _meant(self, items: Sequence[NumberItem], action: str) -> list[Entry]:
        """The entries, not withdrawn, that items of this action name."""
        wanted = [one for one in items if one.action == action]
        entries = await consulting.entries(self.stage.service, None)
        return [
            entry
            for entry in entries
            if entry.withdrawn_at is None and any(_fits(one, entry) for one in wanted)
        ]

    async def _ask(self, kind: str, values: Mapping[str, Any], *, new: bool = False) -> str:
        """Draft an alert that follows the open incident's earlier ones, and submit it."""
        service, author = self.stage.service, self.stage.staff.author
        incident, last = (None, None) if new else await self._open()
        async with _done(kind):
            if last and kind == NUMBERS:
                view = await following.update(service, author, last, FollowRequest(values), kind=kind)
            else:
                wishes = DraftRequest(kind, values)
                view = await writing.draft(
                    service, author, wishes, incident=incident, new_incident=incident is None
                )
        try:
            async with _done(kind):
                await writing.submit(service, author, view.id)
        except NotDone:
            await writing.discard(service, author, view.id)
            raise
        return view.id

    async def _open(self) -> tuple[str | None, str | None]:
        """The open incident, and the last of its published alerts."""

        async def look(conn: Any) -> tuple[str | None, str | None]:
            found = await store_incidents.of_service(conn, self.service)
            if found is None or found.closed_at is not None:
                return None, None
            out = await store_reading.listing(conn, incident=found.id, states=writing.OUT)
            return found.id, out[0].id if out else None

        return await self.stage.service.database.read(look)

    def _values(self, kind: str, *, but: Collection[str] = ()) -> RawValues:
        """What a person writes into this kind, with the placeholders filled in."""
        since = {"since": self.since.isoformat()} if self.since else {}
        words = {lang: {**said, **since} for lang, said in self.words.items()}
        given = self.by_hand.get(kind, {})
        return {name: _in_each(value, words) for name, value in given.items() if name not in but}


def _in_each(value: Any, words: Mapping[str, Mapping[str, str]]) -> Any:
    """A value with the placeholders filled in; one text per language if they differ."""
    if isinstance(value, Mapping):
        return {lang: placed(text, words.get(lang, words["en"])) for lang, text in value.items()}
    each = {lang: placed(value, known) for lang, known in words.items()}
    return each["en"] if all(one == each["en"] for one in each.values()) else each


def _fits(item: NumberItem, entry: Entry) -> bool:
    """Whether an item means this entry, by the territory, service and number that it gives."""
    row = item.row
    place, what = str(row.get("territory") or ""), str(row.get("service") or "").partition(":")[0]
    digits = str(row.get("number") or "")
    return (
        (not place or _same_place(place, entry.row))
        and (not what or what.strip().casefold() in {entry.row.service, *entry.row.replaces.split("/")})
        and (not digits or compact(digits) == compact(entry.row.number))
    )


def _same_place(text: str, row: NumberRow) -> bool:
    found = find(text)
    return (found.code if found else text.strip().upper()) == row.territory.code


def _as_wrong(item: NumberItem | None) -> list[RawValues]:
    """The false number as a row to be struck, if the case gives its service and place."""
    if item is None or not all(item.row.get(key) for key in ("territory", "service", "number")):
        return []
    return [dict(item.row)]


def _called(entry: Entry) -> Verification:
    """The result of the test call; a short number and a place cannot be tested."""
    number = entry.row.number
    if number and number not in in_force().short:
        return Verification(number, "answered")
    place = next(iter(entry.row.place.values()), "")
    return Verification(number or place, "not-called", note=_("confirmed by its service"))


@asynccontextmanager
async def _done(what: str) -> AsyncIterator[None]:
    """Turn a refusal into `NotDone`."""
    try:
        yield
    except AlertbotError as error:
        raise NotDone(what, reason_of(error), _sentence(error)) from None


def _sentence(error: AlertbotError) -> str:
    faults = error.faults if isinstance(error, Faulty) else ()
    return " ".join([str(error), *dict.fromkeys(one.message for one in faults[:3])])
