"""What people do in a replay, through the same verbs as at the command line: numbers come into the register,
are read back, told and withdrawn; false messages are denied. Nothing here is automatic (R1, R3).

Every verb raises `NotDone` where a rule of the service stands against it.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alertbot.alerts import following, store_incidents, store_reading, taking_back, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.taking_back import Which
from alertbot.core.errors import AlertbotError, Faulty, PastMoment
from alertbot.core.model import RawValues
from alertbot.core.words import _
from alertbot.numbers import consulting, importing, store_numbers, verifying
from alertbot.numbers.reading import RowsRead
from alertbot.numbers.rules_digits import SHORT_NUMBERS, compact
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, standing
from alertbot.numbers.verifying import Verification
from alertbot.regions.territories import find
from alertbot.rehearsal.replay.signals_of import with_end
from alertbot.rehearsal.replay.stage import Stage
from alertbot.rehearsal.replay.timeline import NumberItem
from alertbot.watch.rules_rule import placed

NUMBERS, WITHDRAWAL, CORRECTION, DENIAL = "provisional_number", "withdrawal", "correction", "denial"
OF_A_NUMBER = "denial_of_a_number"
LANGUAGES = ("fr", "en")


class NotDone(Exception):
    """A person could not do it: told in the replay, never leaves it. `reason`: one word."""

    def __init__(self, what: str, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.what, self.reason = what, reason


def reason_of(error: AlertbotError) -> str:
    """One word for what the service says: the rule of the first fault, where there are faults."""
    if isinstance(error, Faulty) and error.faults:
        return error.faults[0].rule
    return "past_moment" if isinstance(error, PastMoment) else "refused"


@dataclass
class ReplayedPeople:
    """The people at work. `by_hand`: by kind, what they write; `words`: by language, what stands for
    {service} and {where} in it; `service`: what the watcher calls what fails; `since`: when it began."""

    stage: Stage
    by_hand: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Mapping[str, str]]
    service: str
    since: datetime | None = None

    # --- numbers ----------------------------------------------------------------------------------

    async def enter(self, rows: Sequence[NumberRow], name: str) -> None:
        """Take rows into the register."""
        service = self.stage.service
        kept = tuple(with_end(row, service.now) for row in rows)
        async with _done("import"):
            await importing.import_(service, self.stage.staff.author, RowsRead(kept, len(kept)), name)

    async def read_back(self) -> int:
        """Another person calls every number that nobody has read back; how many hold now."""
        before = len(await self._entries(Standing.IN_FORCE))
        for entry in await self._entries(Standing.UNVERIFIED):
            async with _done(f"{entry.name} {entry.row}"):
                await verifying.verify(
                    self.stage.service, self.stage.staff.reader, entry.name, _called(entry)
                )
        return len(await self._entries(Standing.IN_FORCE)) - before

    async def tell_numbers(self, wanted: Standing = Standing.IN_FORCE) -> str | None:
        """Write the alert with every number of this standing, and ask for approval. One that carries a
        number nobody has verified is refused by the service, and leaves nothing behind."""
        entries = await self._entries(wanted)
        if not entries:
            return None
        places = list(dict.fromkeys(one.row.territory.code for one in entries))
        given: RawValues = {"territories": places}
        if wanted is not Standing.IN_FORCE:
            given = {"where": places, "numbers": [{"entry": one.name} for one in entries]}
        return await self._ask(NUMBERS, self._values(NUMBERS) | given)

    async def withdraw(self, items: Sequence[NumberItem]) -> str:
        """Withdraw in public what the items name, and nothing else (R6)."""
        gone = await self._meant(items, "withdraw")
        stay = await self._meant(items, "stay")
        names = [one.name for one in gone if one not in stay]
        if not names:
            asked = ", ".join(one.query for one in items if one.action == "withdraw")
            sentence = _("The register has no number for {query}; nothing was withdrawn.")
            raise NotDone(WITHDRAWAL, "no_such_row", sentence.format(query=asked))
        said = FollowRequest(self._values(WITHDRAWAL, but=("where",)), submit=True)
        async with _done(WITHDRAWAL):
            which = Which(query=",".join(names))
            view = await taking_back.withdraw(self.stage.service, self.stage.staff.author, which, said)
        return view.id

    async def missing(self, items: Sequence[NumberItem]) -> list[str]:
        """What is to be withdrawn and was never in the register."""
        entries = await consulting.entries(self.stage.service, None)
        wanted = [one for one in items if one.action == "withdraw"]
        return [one.query for one in wanted if not any(_fits(one, entry) for entry in entries)]

    # --- false messages ---------------------------------------------------------------------------

    async def deny_alert(self) -> str:
        """A false alert is denied in public, in an incident of its own (R21)."""
        return await self._ask(DENIAL, self._values(DENIAL), new=True)

    async def deny_number(self, item: NumberItem | None) -> str:
        """A false number is corrected where we told it, else denied."""
        entry = await self._ours(item) if item else None
        carriers = await self._carriers(entry) if entry else ()
        if entry and carriers:
            values = self._values(CORRECTION, but=("where",))
            values |= {"where": [entry.row.territory.code]}
            async with _done(CORRECTION):
                view = await following.correct(
                    self.stage.service,
                    self.stage.staff.author,
                    carriers[-1],
                    FollowRequest(values, submit=True),
                    wrong=[entry.name],
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
        """Write an alert that follows what was said in the open incident, and ask for approval."""
        service, author = self.stage.service, self.stage.staff.author
        incident, last = (None, None) if new else await self._open()
        async with _done(kind):
            if last and kind == NUMBERS:
                view = await following.update(service, author, last, FollowRequest(values), kind=kind)
            else:
                view = await writing.draft(
                    service, author, DraftRequest(kind, values), incident=incident
                )
        try:
            async with _done(kind):
                await writing.submit(service, author, view.id)
        except NotDone:
            await writing.discard(service, author, view.id)
            raise
        return view.id

    async def _open(self) -> tuple[str | None, str | None]:
        """The open incident, and the last of its alerts that went out."""

        async def look(conn: Any) -> tuple[str | None, str | None]:
            found = await store_incidents.of_service(conn, self.service)
            if found is None or found.closed_at is not None:
                return None, None
            out = await store_reading.listing(conn, incident=found.id, states=writing.OUT)
            return found.id, out[0].id if out else None

        return await self.stage.service.database.read(look)

    def _values(self, kind: str, *, but: Collection[str] = ()) -> RawValues:
        """What a person writes into this kind, with its words filled in."""
        since = {"since": self.since.isoformat()} if self.since else {}
        words = {lang: {**said, **since} for lang, said in self.words.items()}
        given = self.by_hand.get(kind, {})
        return {name: _in_each(value, words) for name, value in given.items() if name not in but}


def _in_each(value: Any, words: Mapping[str, Mapping[str, str]]) -> Any:
    """A value with its words filled in; a text of its own per language where those differ."""
    if isinstance(value, Mapping):
        return {lang: placed(text, words.get(lang, words["en"])) for lang, text in value.items()}
    each = {lang: placed(value, known) for lang, known in words.items()}
    return each["en"] if all(one == each["en"] for one in each.values()) else each


def _fits(item: NumberItem, entry: Entry) -> bool:
    """Whether an item means this entry: its territory, its service and its number, as far as it says."""
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
    """The false number as a row to be struck, where the case says for which service and where."""
    if item is None or not all(item.row.get(key) for key in ("territory", "service", "number")):
        return []
    return [dict(item.row)]


def _called(entry: Entry) -> Verification:
    """What the person who called says; a short number and a place cannot be tried out."""
    number = entry.row.number
    if number and number not in SHORT_NUMBERS:
        return Verification(number, "answered")
    place = next(iter(entry.row.place.values()), "")
    return Verification(number or place, "not-called", note=_("confirmed by its service"))


@asynccontextmanager
async def _done(what: str) -> AsyncIterator[None]:
    """What the service refuses was not done."""
    try:
        yield
    except AlertbotError as error:
        raise NotDone(what, reason_of(error), _sentence(error)) from None


def _sentence(error: AlertbotError) -> str:
    faults = error.faults if isinstance(error, Faulty) else ()
    return " ".join([str(error), *dict.fromkeys(one.message for one in faults[:3])])
