"""Reading the register: its entries, one entry with its history, the check for coincidences, coverage
and export."""

from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.numbers import changing, lookup, store_numbers
from alertbot.numbers.rules_checks import Coverage, Finding, check_rows, coverage
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, parse_query, standing
from alertbot.numbers.rules_rows import frozen_row
from alertbot.numbers.views import (
    CheckView,
    CoverageView,
    FindingView,
    NumberHistory,
    NumberView,
    PublishedIn,
    RegisterCheck,
    VersionView,
)
from alertbot.people.context import Context
from alertbot.regions.facts import all_territories, find
from alertbot.regions.region import Territory


async def listing(service: Context, query: str | None, wanted: str | None) -> list[NumberView]:
    """The entries of a query, else all that are not withdrawn, in the order that every text uses.
    `wanted`: only of this standing. Raises `Misuse` for a query that cannot be read."""
    only = _standing(wanted) if wanted else None
    now = service.now
    found = await entries(service, query)
    shown = (
        entry
        for entry in found
        if (standing(entry, now) is only if only else query or entry.withdrawn_at is None)
    )
    return [NumberView.of(entry, now) for entry in shown]


async def entries(service: Context, query: str | None) -> tuple[Entry, ...]:
    """The entries of a query, else all, including withdrawn ones. Raises `Misuse` for a query that
    cannot be read."""
    if not query:
        return await service.database.read(store_numbers.entries)
    return (await service.database.read(lambda conn: lookup.matching(conn, query)))[1]


async def check(service: Context, query: str | None, *, covered: bool) -> RegisterCheck:
    """The findings in all entries that are not withdrawn; with `covered` also the services without a
    number in a territory. A query that names territories checks those, even without entries."""
    rows = [one.row for one in await entries(service, query) if one.withdrawn_at is None]
    report = check_rows(rows)
    covers = coverage(rows, _places(query), now=service.now) if covered else ()
    return RegisterCheck(
        entries=len(rows),
        findings=tuple(_finding(one) for one in report.findings),
        coverage=tuple(_cover(one) for one in covers),
    )


async def export(service: Context, query: str | None) -> tuple[NumberRow, ...]:
    """The rows of all entries that are not withdrawn, in order."""
    return tuple(one.row for one in await entries(service, query) if one.withdrawn_at is None)


def _places(query: str | None) -> tuple[Territory, ...] | None:
    """The territories that a query names; None if it names none."""
    parts = parse_query(query).wanted if query and "/" not in query else ()
    found = [find(part.territory) for part in parts if part.territory]
    if any(place and place.whole for place in found):
        return tuple(place for place in all_territories().values() if not place.whole)
    return tuple(place for place in found if place) or None


def _finding(one: Finding) -> FindingView:
    entries = tuple(row.entry for row in one.rows)
    return FindingView(one.rule, one.severity, one.sentence, entries)


def _cover(one: Coverage) -> CoverageView:
    entries = tuple(row.entry for row in one.rows)
    return CoverageView(one.territory.code, one.services, one.cover, one.sentence, entries)


async def show(service: Context, name: str) -> NumberHistory:
    """One entry with all its versions, every attempt to read it back, and the alerts that carried it.
    Raises `Misuse` if there is none."""

    async def work(conn: Connection) -> NumberHistory:
        entry = await changing.one(conn, name)
        versions, checks = await store_numbers.history(conn, entry.id)
        alerts = (await store_numbers.published_in(conn, [entry.id]))[entry.id]
        still = (await store_numbers.published_in(conn, [entry.id], still=True))[entry.id]
        states = await store_numbers.states_of(conn, alerts)
        carried = await store_numbers.carried(conn, alerts)
        forms = {
            alert: next(one.version for one in rows if one.entry == entry.id and not one.struck)
            for alert, rows in carried.items()
        }
        return NumberHistory.of(
            entry,
            service.now,
            versions=tuple(_version(one) for one in versions),
            checks=tuple(_check(one) for one in checks),
            published=tuple(
                PublishedIn(alert, states[alert], alert not in still, forms[alert]) for alert in alerts
            ),
        )

    return await service.database.read(work)


def _version(one: store_numbers.Version) -> VersionView:
    cells = {name: cell for name, cell in frozen_row(one.row).items() if name != "entry"}
    return VersionView(one.version, one.verb, one.by, one.at, cells)


def _check(one: store_numbers.ReadBackCheck) -> CheckView:
    return CheckView(
        version=one.version,
        by=one.by,
        at=one.at,
        matched=one.matched,
        call=one.call_result,
        called_at=one.call_at,
        note=one.note,
    )


def _standing(word: str) -> Standing:
    try:
        return Standing(word.strip().lower().replace("-", "_"))
    except ValueError:
        raise Misuse(
            _("There is no standing '{word}'; the standings are {known}.").format(
                word=word[:40], known=", ".join(one.replace("_", "-") for one in Standing)
            )
        ) from None
