"""What people do in a replay, through the verbs of the command line: numbers are entered, read back,
published and withdrawn; false messages are denied. Nothing here is automatic (R1, R3).

Every method raises `NotDone` if a rule forbids it.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from babel.dates import format_date

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
from alertbot.rehearsal.replay.timeline import CaseEntry, NumberItem
from alertbot.texts.wording.phrasing import locale
from alertbot.watch.rules_rule import placed

NUMBERS, WITHDRAWAL, CORRECTION, DENIAL = "provisional_number", "withdrawal", "correction", "denial"
OF_A_NUMBER, FALSE_ALERT, INQUIRY, END = "denial_of_a_number", "false_alert", "inquiry", "end"


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
    {where}, by language; `places`: the codes of the case's territories; `service`: the watched service's name;
    `since`: when the fault began, else when it was first seen."""

    stage: Stage
    by_hand: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Mapping[str, str]]
    places: str
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

    async def deny_alert(self, entry: CaseEntry) -> str:
        """Say in public, in an incident of its own, that an alert was false: that ours was a mistake, or that what
        others spread is not so (R21). Raises `NotDone`."""
        if entry.ours:
            said = {"no_danger": entry.truth, "you_may": entry.you_may}
            known = {"message_at": entry.at.isoformat()}
            return await self._ask(FALSE_ALERT, self._written(FALSE_ALERT, said) | known, new=True)
        said = {"what_was_wrong": entry.claim, "what_is_right": entry.truth}
        return await self._ask(DENIAL, self._written(DENIAL, said), new=True)

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
        wrong = self._as_wrong(item)
        values = self._values(OF_A_NUMBER) | ({"wrong_numbers": wrong} if wrong else {})
        return await self._ask(OF_A_NUMBER, values)

    def _as_wrong(self, item: NumberItem | None) -> list[RawValues]:
        """The false number as a row to be denied; where the case does not say for which place and service it was
        passed off, it is for all services of the case's first place."""
        if item is None or not item.row.get("number"):
            return []
        region = in_force()
        place = next(iter(self.places.split(","))).strip()
        every = next((key for key, one in region.services.items() if one.every), None)
        service = every or next(iter(region.services))
        return [{"territory": place, "service": service} | {k: v for k, v in item.row.items() if v}]

    async def _ours(self, item: NumberItem) -> Entry | None:
        found = await self._meant([item], item.action)
        return found[0] if found else None

    async def _carriers(self, entry: Entry) -> tuple[str, ...]:
        told = await self.stage.service.database.read(
            lambda conn: store_numbers.published_in(conn, [entry.id], still=True)
        )
        return told[entry.id]

    # --- the end, and after it -----------------------------------------------------------------------

    async def note_confirmation(self, actor: str) -> None:
        """Write down who of those concerned says that it works again (R11)."""
        database = self.stage.service.database
        found = await database.read(lambda conn: store_incidents.of_service(conn, self.service))
        if found is None or found.closed_at is not None:
            return
        now = self.stage.service.now
        await database.transact(lambda conn: store_incidents.confirm(conn, found.id, by=actor, now=now))

    async def date_end(self, alert: str, confirmed: datetime) -> None:
        """Put the time of the confirmation into a drafted end: earlier reports only claimed that it worked. Raises
        `NotDone`."""
        async with _done(END):
            service, author = self.stage.service, self.stage.staff.author
            await writing.edit(service, author, alert, {"restored_at": confirmed.isoformat()}, {})
            await writing.submit(service, author, alert)

    async def tell_inquiry(self, entry: CaseEntry, findings: datetime) -> str:
        """Tell the public who is to find out why, and by when. Raises `NotDone`."""
        begun = (self.since or entry.at).astimezone(entry.at.tzinfo).date()
        more = {
            lang: {"actor": entry.actor, "day": format_date(begun, "d MMMM y", locale(lang))}
            for lang in self.words
        }
        values = self._values(INQUIRY, more=more) | {"findings_at": findings.isoformat()}
        found = await self.stage.service.database.read(
            lambda conn: store_incidents.of_service(conn, self.service)
        )
        return await self._ask(INQUIRY, values, incident=found.id if found else None)

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

    async def _ask(
        self, kind: str, values: Mapping[str, Any], *, new: bool = False, incident: str | None = None
    ) -> str:
        """Draft an alert that follows the earlier ones of this incident, else of the open one, and submit it."""
        service, author = self.stage.service, self.stage.staff.author
        last = None
        if incident is None and not new:
            incident, last = await self._open()
        async with _done(kind):
            if last and kind == NUMBERS:
                view = await following.update(service, author, last, FollowRequest(values), kind=kind)
            else:
                wishes = DraftRequest(DENIAL if kind == OF_A_NUMBER else kind, values)
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

    def _values(
        self,
        kind: str,
        *,
        but: Collection[str] = (),
        more: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> RawValues:
        """What a person writes into this kind, with the placeholders filled in."""
        since = {"since": self.since.isoformat()} if self.since else {}
        words = {lang: {**said, **since, **more.get(lang, {})} for lang, said in self.words.items()}
        given = self.by_hand.get(kind, {})
        return {name: _in_each(value, words) for name, value in given.items() if name not in but}

    def _written(self, kind: str, said: Mapping[str, Mapping[str, str]]) -> RawValues:
        """The same, with what the case itself says in place of it."""
        known = {
            name: {lang: text for lang, text in texts.items() if lang in self.words}
            for name, texts in said.items()
        }
        return self._values(kind) | {name: texts for name, texts in known.items() if texts}


def _in_each(value: Any, words: Mapping[str, Mapping[str, str]]) -> Any:
    """A value with the placeholders filled in; one text per language if they differ."""
    if isinstance(value, Mapping):
        return {lang: placed(text, words[lang]) for lang, text in value.items() if lang in words}
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
