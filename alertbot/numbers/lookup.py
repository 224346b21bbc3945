"""Which rows of the register may reach the public; checked when an alert is written and again when it is
approved (R1, R3, R5)."""

from collections.abc import Sequence
from datetime import datetime

from alertbot.core.model import Fault
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_entry import (
    Entry,
    NumberRow,
    Query,
    Standing,
    entry_id,
    parse_query,
    standing,
)
from alertbot.people.context import Context
from alertbot.regions.facts import whole_country

FIELD = "numbers"


def doubt_about(service: Context, entry: Entry, now: datetime) -> Fault | None:
    """What forbids publishing this entry now; None if nothing does."""
    where, row = standing(entry, now), said(entry)
    if where is Standing.UNVERIFIED:
        sentence = _(
            "{row} is not verified. Someone other than {author} must read it back (`alertbot"
            " numbers verify {entry}`)."
        )
        words = sentence.format(row=row, author=entry.entered_by, entry=entry.name)
        return Fault("unverified_number", words, FIELD)
    if where is Standing.EXPIRED:
        sentence = _(
            "{row} expired or was due for review on {when}. Set a new time (`alertbot numbers edit"
            " {entry} --set review_at=+24h`, then `alertbot numbers verify {entry}`), or withdraw it."
        )
        words = sentence.format(row=row, when=_local(service, entry.row.ends_at), entry=entry.name)
        return Fault("expired_number", words, FIELD)
    if where is Standing.PLANNED:
        sentence = _("{row} is not valid before {when}. Publish it then.")
        words = sentence.format(row=row, when=_local(service, entry.row.valid_from))
        return Fault("planned_number", words, FIELD)
    if where is Standing.WITHDRAWN:
        sentence = _("{row} was withdrawn on {when}: {why}. Leave it out, or add it again.")
        when, why = _local(service, entry.withdrawn_at), entry.withdrawn_reason
        return Fault("withdrawn_number", sentence.format(row=row, when=when, why=why), FIELD)
    return None


def _local(service: Context, when: datetime | None) -> str:
    return service.clock(when) if when else ""


def unregistered(field: str, row: NumberRow, same: Sequence[Entry]) -> Fault:
    """The fault for a row to be called that is not an entry, or not its current version (`same`) (R1)."""
    if same:
        sentence = _("{row} has changed; the register now has version {version}. Use the new version.")
        words = sentence.format(row=said(same[0]), version=same[0].row.version)
    else:
        sentence = _(
            "{row} is not in the register. Add it with `alertbot numbers import` or `alertbot numbers"
            " add`, and have someone else verify it."
        )
        words = sentence.format(row=row)
    return Fault("unregistered_number", words, field)


def said(entry: Entry) -> str:
    """The name of an entry in messages."""
    return f"{entry.name} ({entry.row})"


async def matching(conn: Connection, text: str, *, but: str = "") -> tuple[Query, tuple[Entry, ...]]:
    """The query, and the entries it matches, including withdrawn ones. Raises `Misuse` for a query that
    cannot be read."""
    query = parse_query(text, but=but, free=await store_numbers.free_territories(conn))
    named = {key for part in query.wanted if (key := entry_id(part.entry))}
    places = {part.territory for part in query.wanted if part.territory}
    anywhere = any(part.digits for part in query.wanted)
    whole = anywhere or whole_country() in places
    found = {one.id: one for one in await store_numbers.entries(conn, ids=named)} if named else {}
    if places or anywhere:
        there = await store_numbers.entries(conn, territories=None if whole else places)
        found |= {one.id: one for one in there}
    chosen = (one for one in found.values() if query.matches(one.row))
    return query, tuple(sorted(chosen, key=lambda one: store_numbers.place_in_order(one.row)))
