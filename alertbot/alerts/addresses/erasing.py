"""Erasing the addresses of recipients: those who asked for it, and all that are older than addresses are kept. A
pseudonym takes the place of each: the audit names the same one, so that everything still agrees. Portion by portion, each
with its row in the audit; killed at any moment, the worker goes on.

Who asked to be erased is known by the key of their address (see `delivery.store_suppressed`), which is looked for in
every alert that is over, once, and in each later one when it is over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from alertbot.alerts import sealing, store_reading
from alertbot.alerts.addresses import store_erasing
from alertbot.alerts.addresses.store_erasing import FoundAddresses, Place, Unit
from alertbot.alerts.store_reading import Alert, StoredTexts
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import Person
from alertbot.core.words import _, told
from alertbot.db import audit, facts
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.delivery import store_suppressed
from alertbot.delivery.views import Suppressed
from alertbot.people import recipients, rules, store_api
from alertbot.people.context import Context
from alertbot.texts.digest import NAMED, content_of

MACHINE = "alertbot"
ASKED = "recipients-erase"  # a verb of the audit: a person had somebody erased
ERASED = "addresses-erased"  # another: a portion of rows
_ROWS_TOLD = 10_000
_NOTED = 100  # alerts in one transaction
_OPEN, _UNKNOWN, _CHANGED = "open", "uncertain", "changed"


def _why(word: str) -> str:
    """Why addresses stay, in the reader's language."""
    words = {
        _OPEN: _("it is not over"),
        _UNKNOWN: _("it is uncertain whether something of it was sent: `alertbot settle`"),
        _CHANGED: _("its texts or targets do not make its digest: `alertbot audit verify`"),
    }
    return words[word]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressesStay:
    """An alert that still holds addresses that are to be erased, in so many rows, and why. The worker erases them when
    it can."""

    alert: str
    rows: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedView:
    """What `recipients erase` or `expire` did, or would do. `asked`: the addresses that were not known as erased
    before. `alerts`: those that held some. `targets`: rows of approved recipients, `deliveries` of mails;
    `suppressed`: addresses of those who are not written to, whose keys stay, and of failures that were counted.
    `before`: only what was over then."""

    dry_run: bool
    asked: int
    alerts: int
    targets: int
    deliveries: int
    suppressed: int
    stays: tuple[AddressesStay, ...]
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Errand:
    """What is to be erased, on whose word, and whether only to look."""

    unit: Unit
    actor: str
    at: datetime
    dry_run: bool = False

    def of(self, name: str | None) -> "_Errand":
        return replace(self, unit=replace(self.unit, alert=name))


class _Tally:
    """What was done so far."""

    def __init__(self) -> None:
        self.alerts = self.targets = self.deliveries = 0
        self.stays: list[AddressesStay] = []

    def view(
        self, dry_run: bool, *, asked: int = 0, suppressed: int = 0, before: datetime | None = None
    ) -> ErasedView:
        return ErasedView(
            dry_run=dry_run,
            asked=asked,
            alerts=self.alerts,
            targets=self.targets,
            deliveries=self.deliveries,
            suppressed=suppressed,
            stays=tuple(self.stays),
            before=before,
        )


async def erase(
    service: Context,
    actor: Person,
    addresses: Iterable[str],
    reason: str | None,
    *,
    keys: Iterable[str] = (),
    dry_run: bool = False,
) -> ErasedView:
    """Erase everything that says these addresses, and write to them no more. `keys`: of addresses that are known no
    more, such as after a backup was restored. Raises `Misuse` for what is no address, without a reason, or for one
    that says the address: the audit keeps it."""
    rules.require_role("erase", actor)
    wanted, given = recipients.checked(addresses, empty=bool(keys)), _keys(keys)
    why = _reason(reason, wanted, dry_run=dry_run)
    read = service.database.read if dry_run else service.database.transact
    secret = await read(partial(facts.pseudonym_key, make=not dry_run))
    meant = frozenset(given) | {store_suppressed.key_of(secret, one) for one in wanted}
    known = await service.database.read(store_erasing.erased_keys)
    listed = await service.database.read(partial(store_suppressed.addressed, keys=meant))
    if not dry_run:
        await service.database.transact(
            partial(_ask, service, actor, wanted=wanted, keys=meant, given=given, why=why)
        )
    # everybody who ever asked: an alert that was looked through is not looked through again for them
    tally = await _look_everywhere(
        service, actor.name, meant if dry_run else meant | known, dry_run=dry_run
    )
    return tally.view(dry_run, asked=len(meant - known), suppressed=listed)


def _keys(keys: Iterable[str]) -> list[str]:
    found = [one.strip().lower() for one in keys]
    for one in found:
        if len(one) != store_suppressed.KEY_DIGITS or not set(one) <= set("0123456789abcdef"):
            told = _("“{key}” is no key of an address; `alertbot recipients list --json` has them.")
            raise Misuse(told.format(key=one[:40]))
    return found


def _reason(reason: str | None, addresses: Sequence[str], *, dry_run: bool) -> str:
    why = (reason or "").strip()
    if not why and not dry_run:
        raise Misuse(_("Say why they are erased (--reason TEXT); the audit keeps it."))
    recipients.require_silent(why, addresses)
    return why


async def _ask(
    service: Context,
    actor: Person,
    conn: Connection,
    *,
    wanted: Sequence[str],
    keys: frozenset[str],
    given: Sequence[str],
    why: str,
) -> None:
    await take_lock(conn, AUDIT)
    for one in wanted:
        await store_suppressed.add(conn, one, Suppressed.ERASED, at=service.now)
    for one in given:
        await store_suppressed.add_key(conn, one, at=service.now)
    await store_suppressed.look_again(conn)
    detail = {"addresses": sorted(keys), "why": why}
    await audit.append(conn, actor=actor.name, verb=ASKED, at=service.now, detail=detail)


async def _look_everywhere(
    service: Context, actor: str, keys: frozenset[str], *, dry_run: bool
) -> _Tally:
    tally, errand = _Tally(), await _errand(service, actor, keys, dry_run=dry_run)
    await _in_alerts(service, errand, await service.database.read(store_erasing.unlooked), tally)
    await _portions(service, errand.of(None), tally)
    return tally


async def tidy(service: Context) -> int:
    """A chore of the worker: those who asked to be erased, in alerts that are over since; and what is older than
    addresses are kept. Returns how many rows it was."""
    await service.database.transact(partial(store_api.forget_answers, now=service.now))
    keys = await service.database.read(store_erasing.erased_keys)
    tally = _Tally()
    if keys:
        errand = await _errand(service, MACHINE, keys)
        names = await service.database.read(partial(store_erasing.unlooked, over=True))
        await _in_alerts(service, errand, names, tally)
    rows = tally.targets + tally.deliveries
    if service.keep_addresses is not None:
        done = await _expire(service, MACHINE, service.now - service.keep_addresses)
        rows += done.targets + done.deliveries
    return rows


async def expire(
    service: Context, actor: Person, before: datetime | None, *, dry_run: bool = False
) -> ErasedView:
    """Erase all addresses of what was over before this moment; None: before what `retention:` says. Raises `Misuse`
    if nothing says it, or for a moment to come."""
    rules.require_role("expire", actor)
    moment = before
    if moment is None and service.keep_addresses is not None:
        moment = service.now - service.keep_addresses
    if moment is None:
        raise Misuse(
            _(
                "How old? Give --before DAY, or say in config.yaml how long addresses are kept:"
                " `retention: {addresses: 400d}`."
            )
        )
    if moment > service.now:
        raise Misuse(_("{day} is still to come.").format(day=moment.date()))
    return await _expire(service, actor.name, moment, dry_run=dry_run)


async def _expire(
    service: Context, actor: str, before: datetime, *, dry_run: bool = False
) -> ErasedView:
    tally, errand = _Tally(), await _errand(service, actor, None, dry_run=dry_run)
    names = await service.database.read(partial(store_erasing.old, before=before))
    await _in_alerts(service, errand, names, tally)
    notices = replace(errand, unit=replace(errand.unit, settled_before=before))
    await _portions(service, notices, tally)
    suppressed = await _suppressed(service, actor, before, dry_run=dry_run)
    return tally.view(dry_run, suppressed=suppressed, before=before)


async def _suppressed(service: Context, actor: str, before: datetime, *, dry_run: bool) -> int:
    if dry_run:
        return sum(
            await service.database.read(partial(store_erasing.count_old_suppressed, before=before))
        )

    async def work(conn: Connection) -> int:
        await take_lock(conn, AUDIT)
        stopped, passing = await store_erasing.forget_suppressed(conn, before)
        if stopped or passing:
            detail = {"suppressed": stopped, "bounces": passing, "before": before.isoformat()}
            await audit.append(conn, actor=actor, verb=ERASED, at=service.now, detail=detail)
        return stopped + passing

    total = 0
    while done := await service.database.transact(work):
        total += done
    return total


async def _errand(
    service: Context, actor: str, keys: frozenset[str] | None, *, dry_run: bool = False
) -> _Errand:
    mine = [name for name, one in service.publisher.channels.items() if one.spec.per_recipient]
    names = await service.database.read(partial(store_erasing.channels_of_people, configured=mine))
    return _Errand(Unit(None, names, keys), actor, service.now, dry_run)


async def _in_alerts(service: Context, errand: _Errand, names: Sequence[str], tally: _Tally) -> None:
    """Erase what is meant in these alerts, or note why it stays; and note where none is left."""
    done: list[str] = []
    whole = errand.unit.keys is None
    for place, name in enumerate(names, 1):
        if await _in_alert(service, errand.of(name), tally):
            done.append(name)
        if done and (len(done) == _NOTED or place == len(names)):
            note = partial(store_erasing.note_looked, names=tuple(done), at=errand.at, whole=whole)
            await service.database.transact(note)
            done.clear()


async def _in_alert(service: Context, errand: _Errand, tally: _Tally) -> bool:
    """Whether nothing of what is meant is left in it, for certain."""
    name = str(errand.unit.alert)
    is_open = await service.database.read(partial(store_erasing.still_open, name=name))
    if errand.dry_run or is_open:
        rows = await _count(service, errand, tally if not is_open else _Tally())
        if is_open and rows:
            tally.stays.append(AddressesStay(alert=name, rows=rows, why=_why(_OPEN)))
        return False
    why = await _portions(service, errand, tally)
    if why is not None:
        left = await _count(service, errand, _Tally())
        if left:
            tally.stays.append(AddressesStay(alert=name, rows=left, why=_why(why)))
        return not left
    return True


async def _count(service: Context, errand: _Errand, tally: _Tally) -> int:
    """How many rows hold what is meant, and none of it is erased."""
    place: Place | None = await service.database.read(partial(store_erasing.begin, unit=errand.unit))
    rows = 0
    while place is not None:
        found = await service.database.read(partial(store_erasing.read, unit=errand.unit, place=place))
        tally.targets += len(found.targets)
        tally.deliveries += len(found.deliveries)
        rows, place = rows + len(found), found.next
    tally.alerts += 1 if rows and errand.unit.alert else 0
    return rows


async def _portions(service: Context, errand: _Errand, tally: _Tally) -> str | None:
    """Erase portion by portion. Why something may be left, if anything may."""
    if errand.dry_run:
        await _count(service, errand, tally)
        return None
    place: Place | None = await service.database.read(partial(store_erasing.begin, unit=errand.unit))
    rows, met, name = 0, 0, errand.unit.alert
    seal: tuple[str, str] | None = None
    while place is not None:
        found = await service.database.read(partial(store_erasing.read, unit=errand.unit, place=place))
        if len(found) and name is not None and seal is None:
            seal = await _sealing(service, name)
            if seal is None:
                return _CHANGED
        if len(found):
            take_out = partial(_take_out, errand=errand, found=found, seal=seal, busy=place.busy)
            done = await service.database.transact(take_out)
            if done is None:
                return _OPEN
            tally.targets += done[0]
            tally.deliveries += done[1]
            rows, met = rows + sum(done), met + len(found)
        place = found.next
    tally.alerts += 1 if rows and name is not None else 0
    return _UNKNOWN if met > rows else None


async def _sealing(service: Context, name: str) -> tuple[str, str] | None:
    """What the alert's digest will be compared with: the digest of its content, and the same with pseudonyms. None if
    its texts or targets do not make the digest that was signed."""

    async def look(conn: Connection) -> tuple[Alert, StoredTexts, bytes]:
        alert = await store_reading.get(conn, name)
        said = await store_reading.stored_texts(conn, alert.id, alert.channels)
        return alert, said, await facts.pseudonym_key(conn, make=False)

    alert, said, key = await service.database.read(look)
    if await in_thread(partial(sealing.disagreement, alert, said, alert.digest)):
        return None
    if alert.content is not None and alert.named is not None:
        return alert.content, alert.named
    return await in_thread(partial(_sealed, alert, said, key))


def _sealed(alert: Alert, said: StoredTexts, key: bytes) -> tuple[str, str] | None:
    content = content_of(
        alert.digest,
        alert.kind,
        said.texts.values(),
        said.targets,
        exercise=alert.exercise,
        retraction=said.retraction.values(),
        salt=alert.salt,
        terms=alert.terms,
    )
    named = sealing.named(alert, said, key)
    signed = (alert.terms or {}).get(NAMED, named)
    return None if content is None or signed != named else (content, named)


async def _take_out(
    conn: Connection,
    *,
    errand: _Errand,
    found: FoundAddresses,
    seal: tuple[str, str] | None,
    busy: frozenset[str],
) -> tuple[int, int] | None:
    """Take out a portion; None, with nothing done, if something of the alert is being sent again."""
    await take_lock(conn, AUDIT)
    digest = None
    if errand.unit.alert is not None:
        alert = await store_reading.get(conn, errand.unit.alert, lock=True)
        if await store_erasing.still_open(conn, alert.id):
            return None
        digest = alert.digest
        if alert.content is None and seal is not None:
            await store_erasing.seal(conn, alert.id, *seal)
    targets, deliveries = await store_erasing.erase(conn, errand.unit, found, busy)
    if targets or deliveries:
        detail = {
            "targets": targets,
            "deliveries": deliveries,
            "why": "old" if errand.unit.keys is None else "asked",
        }
        await audit.append(
            conn,
            actor=errand.actor,
            verb=ERASED,
            at=errand.at,
            alert=errand.unit.alert,
            digest=digest,
            detail=detail,
        )
    return targets, deliveries


async def of_alert(conn: Connection, alert: Alert, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    """What of an alert was erased, for its page."""
    if alert.content is None:
        return ()
    wanted = audit.AuditQuery(alert=alert.id, verb=ERASED)
    rows = await audit.search(conn, wanted, limit=_ROWS_TOLD)
    if not rows:
        return ()
    last = max(datetime.fromisoformat(row["at"]) for row in rows)
    sentence = _("recipients: {n}; deliveries: {deliveries}; last on {time}")
    said = sentence.format(
        n=sum(int(row["detail"].get("targets", 0)) for row in rows),
        deliveries=sum(int(row["detail"].get("deliveries", 0)) for row in rows),
        time=told(last, zone),
    )
    return ((_("Addresses erased"), said),)
