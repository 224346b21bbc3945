"""Reading numbers back: another person than the one who entered the row types its digits again and says
how the test call went (R3). Every attempt is recorded, including failed ones."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _, language
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import changing, lookup, store_changes, store_numbers
from alertbot.numbers.lookup import said
from alertbot.numbers.rules_digits import InvalidNumber, compact, is_short, written
from alertbot.numbers.rules_entry import Entry, Standing, TestCall, standing
from alertbot.numbers.store_changes import ReadBackClaim
from alertbot.numbers.store_numbers import ReadBackCheck
from alertbot.numbers.views import EntryToRead, NumberView, ReadBackHolder, ReadingView
from alertbot.people import rules, tasks
from alertbot.people.context import Context
from alertbot.regions.facts import order_of
from alertbot.regions.region import Territory
from alertbot.texts.fields import moments

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Verification:
    """A person's statement about a number. `called_at` as typed, else now. `version`: the form of the entry that
    they were shown; None where they were not."""

    digits: str
    call: str
    called_at: str | None = None
    note: str | None = None
    version: int | None = None


class NotVerified(Refused):
    """The attempt is recorded, and does not verify the entry."""


@dataclass(frozen=True, slots=True)
class VerificationRound:
    """The entries of a territory that this person can read back now. `done`: the number already
    verified; `own`: the number that this person entered and another must verify; `claims`: who is reading back
    which of the territories."""

    waiting: tuple[Entry, ...]
    done: int
    own: tuple[Entry, ...]
    claims: tuple[ReadBackClaim, ...] = ()

    @property
    def whole(self) -> int:
        return len(self.waiting) + self.done


@dataclass(frozen=True, slots=True)
class PlaceToRead:
    """A territory with numbers to be read back: how many this person can do, how many are done, how many others
    must do; and who is at it."""

    territory: Territory
    waiting: int
    done: int
    own: int
    claim: ReadBackClaim | None


CLAIM_LASTS = timedelta(minutes=15)  # since the last number that was read back


OnWrong: TypeAlias = Callable[[Connection, Entry], Awaitable[None]]


async def verify(
    service: Context,
    actor: Person,
    name: str,
    given: Verification,
    on_wrong: OnWrong | None = None,
) -> NumberView:
    """Read one entry back; the attempt is recorded whatever the result. `on_wrong` is awaited, in the same
    transaction, if the call reached the wrong service.

    The entry is verified if the digits match and the right service answered; a short number or a place,
    which cannot be tested, needs a note instead. Raises `Refused` with the reason if it stays
    unverified (`NotVerified` where the attempt counts), `Misuse` for an unknown entry or an unreadable time.
    """
    rules.require_role("numbers_verify", actor)
    call, note, now = _call(given.call), _note_text(given.note), service.now
    called_at = _called_at(service, given, call, now)

    async def work(conn: Connection) -> tuple[NumberView, str | None]:
        entry = await changing.one(conn, name)
        _require_open(entry, actor, now)
        _require_as_shown(entry, given.version)
        matched = _alike(given.digits, entry)
        why = _objection(entry, call, note, matched=matched)
        check = ReadBackCheck(entry.row.version, actor.name, now, matched, called_at, str(call), note)
        await _claim_longer(service, conn, actor, entry)
        verified = True if why is None else False if _is_wrong(call, matched=matched) else None
        await store_changes.note_check(conn, entry, check, by=actor, verified=verified)
        await _note(conn, actor, entry, check, now, verified=why is None)
        if verified is False and on_wrong:
            await on_wrong(conn, entry)
        if verified:
            key = f"read-back:{entry.name}:{entry.row.version}"
            await tasks.close(service, conn, key, _("{who} read it back.").format(who=actor.name))
        return NumberView.of(await changing.one(conn, name), now), why

    view, why = await service.database.transact(work)
    if why is not None:
        raise NotVerified(why)
    return view


async def open_entry(service: Context, actor: Person, name: str) -> Entry:
    """The entry, if this person may read it back now. Raises `Refused` if not, `Misuse` if there is
    none."""
    rules.require_role("numbers_verify", actor)
    entry = await service.database.read(lambda conn: changing.one(conn, name))
    _require_open(entry, actor, service.now)
    return entry


def described(entry: Entry) -> str:
    """An entry as shown to the person reading it back: without its digits."""
    row, lang = entry.row, language()
    worded = (row.service_in(lang), row.zone_in(lang), row.condition_in(lang))
    return " ".join(
        filter(None, (entry.name, row.territory.code, row.territory.name_in(lang), *worded))
    )


async def take(service: Context, actor: Person, query: str) -> VerificationRound:
    """What is to be read back in a territory or for a query. Its territories are this person's for a while, but for
    those that somebody else is at: their entries are left out. Raises `Misuse` if there is nothing."""
    rules.require_role("numbers_verify", actor)
    now = service.now

    async def work(conn: Connection) -> VerificationRound:
        _asked, found = await lookup.matching(conn, query)
        here = _round(found, actor, now)
        if here is None:
            raise Misuse(_("The register has nothing to verify for {query}.").format(query=query))
        places = {one.row.territory.code for one in here.waiting}
        await store_changes.claim(conn, places, by=actor, now=now, until=now + CLAIM_LASTS)
        held = await store_changes.claims(conn, now=now)
        others = {code for code in places if held[code].person != actor.name}
        waiting = tuple(one for one in here.waiting if one.row.territory.code not in others)
        return replace(here, waiting=waiting, claims=tuple(held[code] for code in sorted(places)))

    return await service.database.transact(work)


async def leave(service: Context, actor: Person, territories: Iterable[str]) -> None:
    """Others may read these territories back from now on."""
    await service.database.transact(lambda conn: store_changes.release(conn, territories, by=actor))


async def leave_all(service: Context, actor: Person, query: str) -> ReadingView:
    """Leave every territory of a query that this person is at; what is still to be read back there."""
    here = await round_of(service, actor, query)
    held = here.claims if here else ()
    await leave(service, actor, [one.territory for one in held if one.person == actor.name])
    return reading_of(await round_of(service, actor, query))


def reading_of(here: VerificationRound | None) -> ReadingView:
    """A round for whoever reads it back: without digits."""
    if here is None:
        return ReadingView((), 0, (), ())
    return ReadingView(
        waiting=tuple(
            EntryToRead(
                one.name,
                one.row.version,
                one.row.territory.code,
                described(one),
                tuple(one.row.sources),
            )
            for one in here.waiting
        ),
        done=here.done,
        own=tuple(one.name for one in here.own),
        holders=tuple(ReadBackHolder(one.territory, one.person, one.until) for one in here.claims),
    )


async def round_of(service: Context, actor: Person, query: str) -> VerificationRound | None:
    """What this person can read back in a territory, without claiming it; None if there is nothing."""

    async def look(conn: Connection) -> VerificationRound | None:
        _asked, found = await lookup.matching(conn, query)
        held = await store_changes.claims(conn, now=service.now)
        here = _round(found, actor, service.now)
        territories = {one.row.territory.code for one in found}
        known = tuple(held[code] for code in sorted(territories & held.keys()))
        return here and replace(here, claims=known)

    return await service.database.read(look)


async def places(service: Context, actor: Person) -> tuple[PlaceToRead, ...]:
    """Every territory with something to be read back, in order."""

    async def look(conn: Connection) -> tuple[PlaceToRead, ...]:
        held = await store_changes.claims(conn, now=service.now)
        groups: dict[str, list[Entry]] = defaultdict(list)
        for one in await store_numbers.entries(conn):
            groups[one.row.territory.code].append(one)
        rounds = ((code, _round(group, actor, service.now)) for code, group in groups.items())
        return tuple(
            PlaceToRead(
                groups[code][0].row.territory,
                len(here.waiting),
                here.done,
                len(here.own),
                held.get(code),
            )
            for code, here in sorted(rounds, key=lambda one: order_of(one[0]))
            if here and (here.waiting or here.own)
        )

    return await service.database.read(look)


def _round(found: Iterable[Entry], actor: Person, now: datetime) -> VerificationRound | None:
    over = (Standing.WITHDRAWN, Standing.EXPIRED)
    open_ = [one for one in found if standing(one, now) not in over]
    unread = [one for one in open_ if not one.row.verified]
    own = tuple(one for one in unread if one.entered_by == actor.name)
    waiting = tuple(one for one in unread if one.entered_by != actor.name)
    return VerificationRound(waiting, len(open_) - len(unread), own) if open_ else None


async def _claim_longer(service: Context, conn: Connection, actor: Person, entry: Entry) -> None:
    """Whoever reads back a territory has it for longer."""
    code, now = entry.row.territory.code, service.now
    held = (await store_changes.claims(conn, now=now)).get(code)
    if held and held.person == actor.name:
        await store_changes.claim(conn, [code], by=actor, now=now, until=now + CLAIM_LASTS)


def _require_as_shown(entry: Entry, version: int | None) -> None:
    if version is not None and version != entry.row.version:
        raise Refused(
            _("{entry} has changed since you opened it. Read it again, then type its digits.").format(
                entry=described(entry)
            )
        )


def _require_open(entry: Entry, actor: Person, now: datetime) -> None:
    where = standing(entry, now)
    if where is Standing.WITHDRAWN:
        raise Refused(_("{entry} was withdrawn; there is nothing to verify.").format(entry=said(entry)))
    if where is Standing.EXPIRED:
        raise Refused(
            _(
                "{entry} has expired or is due for review. First set a new time, for example `alertbot"
                " numbers edit {name} --set review_at=+24h`."
            ).format(entry=said(entry), name=entry.name)
        )
    if entry.entered_by == actor.name:
        raise Refused(
            _("{who} entered {entry}; someone else must verify it.").format(
                who=actor.name, entry=said(entry)
            )
        )


def _alike(typed: str, entry: Entry) -> bool:
    """Whether the digits (or the words of a place) match the entry's, ignoring separators; a source may write
    the number as it is dialled from abroad."""
    if entry.row.number:
        try:
            return written(typed, entry.row.territory.region) == entry.row.number
        except InvalidNumber:
            return compact(typed) == compact(entry.row.number)
    words = {_plain(text) for text in entry.row.place.values()}
    return bool(_plain(typed)) and _plain(typed) in words


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _objection(entry: Entry, call: TestCall, note: str | None, *, matched: bool) -> str | None:
    """Why this does not verify the entry; None if it does."""
    if not matched:
        sentence = _(
            "The digits you typed do not match the register for {entry}. Compare both with the source;"
            " correct the register with `alertbot numbers edit`, or type again."
        )
        return sentence.format(entry=described(entry))
    if call is TestCall.ANSWERED:
        return None
    untried = is_short(entry.row.number) or not entry.row.number
    if call is TestCall.NOT_CALLED and untried and note:
        return None
    if call is TestCall.WRONG_SERVICE:
        sentence = _(
            "{entry} reaches the wrong service and is not verified. Correct it with `alertbot numbers"
            " edit {name}`, or withdraw it."
        )
    elif call is TestCall.NOT_CALLED and untried:
        sentence = _("{entry} cannot be test-called; say how it was confirmed (--note).")
    elif call is TestCall.NOT_CALLED:
        sentence = _("{entry} is not verified: it was not called. Call it, then verify it again.")
    else:
        sentence = _(
            "{entry} is not verified: no one answered. The call is recorded; call again later, then verify again."
        )
    return sentence.format(entry=said(entry), name=entry.name)


def _is_wrong(call: TestCall, *, matched: bool) -> bool:
    """Whether the call contradicts an earlier verification."""
    return matched and call is TestCall.WRONG_SERVICE


def _call(word: str) -> TestCall:
    try:
        return TestCall(word.strip().lower())
    except ValueError:
        raise Misuse(
            _("There is no call result '{word}'; the results are {known}.").format(
                word=word[:40], known=", ".join(TestCall)
            )
        ) from None


def _note_text(note: str | None) -> str | None:
    text = " ".join((note or "").split())
    if len(text) > LONGEST_NOTE:
        raise Misuse(_("The note is longer than {most} characters.").format(most=LONGEST_NOTE))
    return text or None


def _called_at(service: Context, given: Verification, call: TestCall, now: datetime) -> datetime | None:
    """When the call was made. Raises `Misuse` for an unreadable or future time."""
    if call is TestCall.NOT_CALLED:
        return None
    if not given.called_at:
        return now
    try:
        at = moments.moment(given.called_at, now=now, zone=service.publisher.zone, past=True)
    except moments.BadMoment as error:
        raise Misuse(_("The time of the test call: {why}").format(why=error)) from None
    if at > now:
        raise Misuse(
            _("The time of the test call, {time}, is in the future.").format(time=given.called_at)
        )
    return at


async def _note(
    conn: Connection,
    actor: Person,
    entry: Entry,
    check: ReadBackCheck,
    now: datetime,
    *,
    verified: bool,
) -> None:
    """Write the audit row, without the digits typed: a typing error is nobody's number."""
    await audit.append(
        conn,
        actor=actor.name,
        verb="numbers-verify",
        at=now,
        detail={
            "entries": {entry.name: entry.row.version},
            "matched": check.matched,
            "call": check.call_result,
            "called_at": check.call_at and check.call_at.isoformat(timespec="seconds"),
            "note": check.note,
            "verified": verified,
        },
    )
