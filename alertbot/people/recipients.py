"""Who is not to be written to any more: suppressing addresses, letting them have mail again, unsubscribing, and what
came back from mail servers.

The audit gets the keys of addresses, never addresses.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

from alertbot.channels.email import message
from alertbot.channels.email.recipients import CRITICAL, mailbox
from alertbot.channels.email.returned import BounceVerdict, ReturnedMail, read_returned
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Markup, Person
from alertbot.core.target_list import is_erased
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.delivery import store_suppressed
from alertbot.delivery.views import Suppressed, SuppressedAddress
from alertbot.people import rules, tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask

MACHINE = "alertbot"
MOST_OF_A_MAIL = 200_000  # bytes that tell it from others: no more than a mailbox gives of one
KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class SuppressionView:
    """What became of addresses: how many are no longer written to, or are again, and how many were so before."""

    reason: str
    changed: int
    unchanged: int


async def listing(service: Context) -> list[SuppressedAddress]:
    """The addresses that are not written to, and those whose mail has failed for now."""
    return await service.database.read(store_suppressed.listing)


async def tally(service: Context) -> Mapping[Suppressed | None, int]:
    """How many addresses are not written to, by the reason; with None, those whose mail has failed for now."""
    return await service.database.read(store_suppressed.tally)


async def suppress(
    service: Context,
    actor: Person,
    addresses: Sequence[str],
    reason: Suppressed,
    note: str | None = None,
) -> SuppressionView:
    """Write to these addresses no more, on no channel. Raises `Misuse` for what is no address; then none is changed."""
    rules.require_role("suppress", actor)
    wanted = checked(addresses)
    if reason is Suppressed.ERASED:
        require_silent(note, wanted)

    async def work(conn: Connection) -> SuppressionView:
        await take_lock(conn, AUDIT)
        done = [
            await store_suppressed.add(conn, one, reason, at=service.now, note=note) for one in wanted
        ]
        keys = [one for one in done if one is not None]
        await _note(service, conn, actor.name, "recipients-suppress", keys, reason)
        return SuppressionView(reason.value, len(keys), len(wanted) - len(keys))

    return await service.database.transact(work)


async def release(
    service: Context, actor: Person, addresses: Sequence[str], why: str | None
) -> SuppressionView:
    """Write to these addresses again. Raises `Refused` for one that its owner had unsubscribed or erased, without a
    reason why that no longer holds."""
    rules.require_role("release", actor)
    wanted = checked(addresses)
    require_silent(why, wanted)

    async def work(conn: Connection) -> SuppressionView:
        await take_lock(conn, AUDIT)
        keys = []
        for one in wanted:
            gone = await store_suppressed.remove(conn, one)
            if gone is None:
                continue
            key, reason = gone
            if reason in (Suppressed.UNSUBSCRIBED, Suppressed.ERASED) and not (why or "").strip():
                told = _(
                    "The owner of {address} does not want any mail. Say how you know that they want it again"
                    " (--reason TEXT)."
                )
                raise Refused(told.format(address=one))
            keys.append(key)
        await _note(service, conn, actor.name, "recipients-release", keys, "released", why)
        return SuppressionView("released", len(keys), len(wanted) - len(keys))

    return await service.database.transact(work)


async def unsubscribe(service: Context, address: str, channel: str) -> None:
    """The owner of this address wants no more mail."""

    async def work(conn: Connection) -> None:
        await take_lock(conn, AUDIT)
        key = await store_suppressed.add(
            conn, address, Suppressed.UNSUBSCRIBED, at=service.now, channel=channel
        )
        if key is not None:
            await _note(service, conn, MACHINE, "unsubscribe", [key], Suppressed.UNSUBSCRIBED)

    await service.database.transact(work)


async def bounced(
    service: Context, conn: Connection, address: str, status: str | None, channel: str | None
) -> bool:
    """A mail server says that this address does not exist, for good: write to it no more, and if the recipient is a
    critical one, call the team. Returns whether it was written to until now. In the caller's transaction, which has the
    lock of the audit."""
    key = await store_suppressed.add(
        conn, address, Suppressed.BOUNCED, at=service.now, channel=channel, note=status
    )
    if key is None:
        return False
    await _note(service, conn, MACHINE, "bounce", [key], Suppressed.BOUNCED, status)
    if mailbox(address) in critical(service):
        domain = address.rpartition("@")[2]
        told = _(
            "The mail of a critical recipient came back for good: an address at {domain} ({status}). Reach them in"
            " another way, and correct the list. `alertbot recipients list` shows the address."
        )
        text = told.format(domain=domain, status=status or "?")
        await tasks.raise_(service, conn, NewTask(f"bounced:{key}", "bounced", text))
    return True


async def gone(service: Context, address: str, status: str, channel: str) -> None:
    """As `bounced`, of what a server answered while it was given a mail."""

    async def work(conn: Connection) -> None:
        await take_lock(conn, AUDIT)
        await bounced(service, conn, address, status, channel)

    await service.database.transact(work)


@dataclass(frozen=True, slots=True)
class ReturnedView:
    """What mail that came back led to. `suppressed`: addresses that do not exist. `counted`: failures that may pass.
    `ours`: our mail was refused, by policy. `foreign`: no mail of ours, or nothing that says whose it was. `nothing`: no
    failure. `known`: counted before. `erased`: the address was erased since, so nothing is noted."""

    read: int = 0
    suppressed: int = 0
    counted: int = 0
    ours: int = 0
    foreign: int = 0
    nothing: int = 0
    known: int = 0
    erased: int = 0


async def returned(
    service: Context, seals: Mapping[str, RecipientSeal], mails: Iterable[bytes]
) -> ReturnedView:
    """Take in mail that came back. Only what came to a return address of ours counts, so nobody can have others
    struck off a list."""
    done: Counter[str] = Counter()
    for content in mails:
        one = read_returned(content)
        owners = [
            (channel, number)
            for channel, seal in seals.items()
            for local in one.to
            if (number := seal.delivery(local)) is not None
        ]
        done["read"] += 1
        done[await _take_in(service, one, owners, _digest(content))] += 1
    if done["suppressed"] or done["counted"]:
        old = service.now - KNOWN_FOR
        await service.database.transact(lambda conn: store_suppressed.forget_returned(conn, before=old))
    return ReturnedView(**done)


def _digest(content: bytes) -> str:
    """The same for the same mail, from wherever and in whatever line ends."""
    return sha256(content.replace(b"\r\n", b"\n")[:MOST_OF_A_MAIL]).hexdigest()


async def _take_in(
    service: Context, one: ReturnedMail, owners: Sequence[tuple[str, int]], digest: str
) -> str:
    if not owners:
        return "foreign"
    if one.verdict in (BounceVerdict.NOTHING, BounceVerdict.OURS):
        return one.verdict.value
    channel, number = owners[0]

    async def work(conn: Connection) -> str:
        await take_lock(conn, AUDIT)
        address = await store_suppressed.target_of(conn, number, channel)
        if address is None:
            return "foreign"
        if is_erased(address):
            return "erased"
        if not await store_suppressed.is_new(conn, digest, at=service.now):
            return "known"
        if one.verdict is BounceVerdict.GONE:
            await bounced(service, conn, address, one.status, channel)
            return "suppressed"
        await store_suppressed.failed_for_now(conn, address, one.status, at=service.now)
        return "counted"

    return await service.database.transact(work)


def critical(service: Context) -> frozenset[str]:
    """The mailboxes of critical recipients, by today's configuration."""
    return frozenset(
        mailbox(one.address)
        for channel in service.publisher.channels.values()
        if channel.spec.markup is Markup.EMAIL
        for one in channel.targets
        if CRITICAL in one.topics
    )


def checked(addresses: Iterable[str], *, empty: bool = False) -> list[str]:
    """The addresses, each mailbox once. Raises `Misuse` for what is none, and unless `empty` if there are none."""
    found: dict[str, str] = {}
    for one in addresses:
        try:
            address = message.checked(one)
            found.setdefault(mailbox(address), address)
        except ValueError as fault:
            raise Misuse(f"{fault}.") from None
    if not found and not empty:
        raise Misuse(_("Which address? Give at least one."))
    return list(found.values())


def require_silent(reason: str | None, addresses: Iterable[str]) -> None:
    """Raises `Misuse` for a reason that says one of the addresses."""
    said = (reason or "").casefold()
    if any(one.casefold() in said for one in addresses):
        raise Misuse(_("The reason says the address itself, and would keep it. Leave it out."))


async def _note(
    service: Context,
    conn: Connection,
    actor: str,
    verb: str,
    keys: Sequence[str],
    reason: str,
    why: str | None = None,
) -> None:
    if keys:
        detail = {"addresses": list(keys), "reason": str(reason), **({"why": why} if why else {})}
        await audit.append(conn, actor=actor, verb=verb, at=service.now, detail=detail)
