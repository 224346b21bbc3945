"""The queue of approval requests: who is asked about an alert, in which order and by which way; sending
requests, asking deputies, showing outcomes. `Way` is what a way to reach approvers must provide."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol, runtime_checkable

from alertbot.alerts import rules_policy, store_reading
from alertbot.alerts.requests import hand_links, text
from alertbot.alerts.requests.text import Ask
from alertbot.alerts.store_reading import Alert
from alertbot.core import loops
from alertbot.core.errors import ChannelError, Rejected, Throttled
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Person
from alertbot.core.words import spoken
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people import rules, store_contacts, store_people, store_requests
from alertbot.people.context import Context
from alertbot.people.rules import Candidate
from alertbot.people.store_requests import ApprovalRequest, NewRequest


class Way(Protocol):
    """A way to reach approvers. Its calls raise `ChannelError`; a call that succeeded is not repeated."""

    name: str

    async def ask(self, ask: Ask) -> str | None:
        """Send a request. Returns the platform's name for it, or None."""

    async def close(self, ask: Ask, outcome: str) -> None:
        """Show the outcome, one sentence, in a request; nothing can be decided there afterwards. Only
        for requests with a platform name (`ask.message_ref`)."""


@runtime_checkable
class Updating(Protocol):
    """A way whose requests can show who has approved so far."""

    async def update(self, ask: Ask) -> None:
        """Show `ask.given`."""


@runtime_checkable
class Listening(Protocol):
    """A way that receives answers in the worker process. `is_called`: the platform brings them to every process that
    has pages; else one process at a time fetches them."""

    @property
    def is_called(self) -> bool: ...

    async def listen(self, stop: asyncio.Event) -> None:
        """Receive answers until `stop` is set. Never raises because the platform is down: it retries."""


log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # between two looks at what is to be asked
LEASE = timedelta(seconds=60)  # after which a call whose worker died is made again
SHORTEST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=5), timedelta(minutes=5)


async def enqueue(service: Context, conn: Connection, alert: Alert) -> None:
    """Write the requests about an alert, in the transaction that submits it."""
    fresh, asked = await _first(service, conn, alert)
    await _write(service, conn, alert, fresh, asked, "ask")


async def keep(
    service: Context, ways: Sequence[Way], stop: asyncio.Event, *, every: float = LOOK_SECONDS
) -> None:
    """Process requests until `stop` is set, every `every` seconds."""
    await loops.keep("Asking approvers", partial(attend, service, ways), stop, every=every)


async def attend(service: Context, ways: Sequence[Way]) -> None:
    """One round: ask deputies whose turn has come, send waiting requests, show outcomes; in the organisation's
    first language."""
    if not ways:
        return
    await _ask_further(service)
    with spoken(service.publisher.organisation.languages[0]):
        await asyncio.gather(*(_serve(service, way) for way in ways))


# Who is asked


async def _first(
    service: Context, conn: Connection, alert: Alert
) -> tuple[list[NewRequest], tuple[Candidate, ...]]:
    """The first requests: to the groups, and to the people on duty."""
    reach = service.reach
    if not reach.ways:
        return [], ()
    able = await _able(service, conn, alert)
    asked = rules.first_asked(reach.duty, tuple(able), alert.approvals.approvers, service.now)
    groups = [NewRequest(way, reach.groups[way]) for way in reach.ways if way in reach.groups]
    return groups + await _addressed(service, conn, able, asked), asked


async def _able(service: Context, conn: Connection, alert: Alert) -> dict[str, Person]:
    """The approvers whose approval of this alert would count now, by name."""
    approvers = await store_people.approvers(conn, now=service.now)
    signed = await store_reading.approvals_of(conn, alert.id, now=service.now)
    free = rules_policy.able(alert, approvers, signed, service.now)
    return {person.name: person for person in free}


async def _addressed(
    service: Context, conn: Connection, able: Mapping[str, Person], asked: Iterable[Candidate]
) -> list[NewRequest]:
    """One request per person for every way that reaches them."""
    known = await store_contacts.reaches(conn)
    return [
        NewRequest(way, address, able[one.name].id, one.deputy)
        for one in asked
        for way in service.reach.ways
        if (address := known[able[one.name].id].address(way))
    ]


async def _ask_further(service: Context) -> None:
    """Ask about alerts that nobody has been asked about yet, and ask deputies where nobody has answered."""

    async def waiting(conn: Connection) -> list[str]:
        pending = await store_reading.listing(conn, states=(AlertState.PENDING,))
        return [alert.id for alert in pending if (await _further(service, conn, alert))[0]]

    for alert_id in await service.database.read(waiting):
        await _ask_more(service, alert_id)


async def _ask_more(service: Context, alert_id: str) -> None:
    async def work(conn: Connection) -> None:
        alert = await store_reading.get(conn, alert_id, lock=True)
        fresh, asked = await _further(service, conn, alert)
        only_deputies = bool(asked) and all(one.deputy for one in asked)
        await _write(service, conn, alert, fresh, asked, "ask-deputy" if only_deputies else "ask")

    await service.database.transact(work)


async def _further(
    service: Context, conn: Connection, alert: Alert
) -> tuple[list[NewRequest], tuple[Candidate, ...]]:
    """The next people to ask, in addition to those already asked."""
    if not text.open_to_answers(alert, service.now):
        return [], ()
    before = [
        call
        for call in await store_requests.of_alert(conn, alert.id, alert.digest)
        if call.closed_at is None
    ]
    if not before:
        return await _first(service, conn, alert)
    last = max(call.at for call in before)
    if service.reach.duty is None or service.now < last + service.reach.duty.answer_within:
        return [], ()
    able = await _reachable(service, conn, alert)
    asked_before = [call.person for call in before if call.person]
    name = rules.next_deputy(service.reach.duty, tuple(able), asked_before, last, service.now)
    asked = () if name is None else (Candidate(name, deputy=True),)
    return await _addressed(service, conn, able, asked), asked


async def _reachable(service: Context, conn: Connection, alert: Alert) -> dict[str, Person]:
    """Of the people who may approve the alert, those whom some way reaches."""
    able = await _able(service, conn, alert)
    known = await store_contacts.reaches(conn)
    ways = service.reach.ways
    return {name: one for name, one in able.items() if any(map(known[one.id].address, ways))}


async def _write(
    service: Context,
    conn: Connection,
    alert: Alert,
    fresh: Sequence[NewRequest],
    asked: Sequence[Candidate],
    verb: str,
) -> None:
    if not fresh:
        return
    await store_requests.add(conn, alert.id, alert.digest, fresh, now=service.now)
    detail = {
        "asked": [one.name for one in asked],
        "deputies": [one.name for one in asked if one.deputy],
        "ways": sorted({one.way for one in fresh}),
    }
    await audit.append(
        conn,
        actor="alertbot",
        verb=verb,
        at=service.now,
        alert=alert.id,
        digest=alert.digest,
        detail=detail,
    )


# What is done about a request


@dataclass(frozen=True, slots=True)
class _Step:
    """The next call for a request: send it (`ref` None), update its approvals, or show its outcome."""

    call: ApprovalRequest
    given: int
    outcome: str | None = None


async def _serve(service: Context, way: Way) -> None:
    """Make every call due on this way. If the platform cannot be reached, the others wait too."""
    steps = await service.database.read(lambda conn: _steps(service, conn, way))
    for index, step in enumerate(steps):
        if not await _claimed(service, step.call):
            continue
        try:
            await _take(service, way, step)
        except Rejected as error:
            await _refused(service, step, error)
        except ChannelError as error:
            await _postpone(service, [one.call for one in steps[index:]], error)
            return
        except Exception as error:
            log.exception("%s failed on a request", way.name)
            await _postpone(service, [step.call], ChannelError(type(error).__name__))


async def _steps(service: Context, conn: Connection, way: Way) -> list[_Step]:
    found = []
    for call in await store_requests.open_calls(conn, way.name):
        if call.retry_at is not None and call.retry_at > service.now:
            continue
        if (task := store_requests.task_in(call.digest)) is not None:
            found += await _hand_steps(conn, way, call, task)
            continue
        alert = await store_reading.get(conn, call.alert)
        given = rules_policy.standing(
            alert, await store_reading.approvals_of(conn, alert.id, now=service.now), service.now
        )
        outcome = await text.outcome(service, conn, alert, call.digest)
        shows = call.message_ref is not None and call.given == len(given)
        if outcome or not (shows or (call.message_ref is not None and not isinstance(way, Updating))):
            found.append(_Step(call, len(given), outcome))
    return found


async def _hand_steps(conn: Connection, way: Way, call: ApprovalRequest, task: int) -> list[_Step]:
    """As `_steps`, for a request to post by hand; one that was sent shows 1 where it must not be posted any more."""
    outcome = await hand_links.outcome(conn, task)
    given = 0 if outcome else int(await hand_links.stopped(conn, task))
    unsent = call.message_ref is None
    changes = not unsent and given != call.given and isinstance(way, Updating)
    return [_Step(call, given, outcome)] if outcome or unsent or changes else []


async def _claimed(service: Context, call: ApprovalRequest) -> bool:
    now = service.now
    return await service.database.transact(
        lambda conn: store_requests.claim(conn, call, now=now, until=now + LEASE)
    )


async def _take(service: Context, way: Way, step: _Step) -> None:
    """Make one call and record the result."""
    call, ref, closed = step.call, None, None
    if step.outcome is None:
        by_hand = store_requests.task_in(call.digest) is not None
        ask = await (hand_links if by_hand else text).compose(service, call)
        if ask is None:
            return  # it has changed since: the next look sees what it needs
        if call.message_ref is None:
            ref = await way.ask(ask) or ""
        elif isinstance(way, Updating):
            await way.update(ask)
    else:
        closed = service.now
        if call.message_ref:
            await way.close(text.brief(call), step.outcome)
    await service.database.transact(
        lambda conn: store_requests.settle(
            conn, call, given=step.given, message_ref=ref, closed_at=closed
        )
    )


async def _refused(service: Context, step: _Step, error: Rejected) -> None:
    """Handle a refused call: a request that cannot show its outcome is dropped; one that cannot be sent
    is retried."""
    if step.outcome is None:
        await _postpone(service, [step.call], error)
        return
    await service.database.transact(
        lambda conn: store_requests.settle(conn, step.call, given=step.given, closed_at=service.now)
    )


async def _postpone(service: Context, late: Sequence[ApprovalRequest], error: ChannelError) -> None:
    wait = backoff(late[0].attempts)
    if isinstance(error, Throttled):
        wait = timedelta(seconds=error.wait)
    ids, until = [call.id for call in late], service.now + wait
    log.warning("%s: %s", late[0].way, error)
    await service.database.transact(
        lambda conn: store_requests.postpone(conn, ids, until=until, trouble=str(error))
    )


def backoff(attempts: int) -> timedelta:
    """How long to wait before the next attempt after this many failures."""
    doubled: timedelta = SHORTEST_BACKOFF * 2 ** min(attempts, 10)
    return min(doubled, LONGEST_BACKOFF)
