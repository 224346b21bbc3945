"""The next update that a message promises (R19): the team is reminded before it is due, and where it lapses
the rule on that says what goes out. `service.expiry` tells the team that it is late."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from alertbot.incident import rules
from alertbot.incident.log import State
from alertbot.incident.rules import Transition
from alertbot.service import expiry, reacting, tasks
from alertbot.service.context import Context
from alertbot.service.proposing import Change
from alertbot.service.tasks import Chore
from alertbot.store import expiring, incidents, reading
from alertbot.store import tasks as kept
from alertbot.store.connection import Connection
from alertbot.store.expiring import Spoken
from alertbot.words import _

SOON, LAPSED = "update-due", "update-lapsed"


async def look(service: Context) -> datetime | None:
    """Remind of what is due soon, act on what has lapsed. When the next promise asks for either."""
    now = service.now
    spoken = await service.database.read(lambda conn: expiring.spoken(conn, now=now))
    promises = [one for one in expiry.standing_promises(spoken) if not one.exercise]
    before = service.watch.remind_before
    for one in promises:
        due = expiry.promised_at(one)
        if due <= now:
            await _lapsed(service, one)
        elif due - before <= now:
            await _remind(service, one)
    return _next(promises, service)


def _next(promises: Sequence[Spoken], service: Context) -> datetime | None:
    due = [expiry.promised_at(one) for one in promises]
    moments = [*due, *(moment - service.watch.remind_before for moment in due)]
    return min((moment for moment in moments if moment > service.now), default=None)


async def _remind(service: Context, one: Spoken) -> None:
    said = _("{alert} promised the next update for {time}: alertbot update {alert}").format(
        alert=one.alert, time=_clock(service, one)
    )
    await _once(service, Chore(_key(SOON, one), SOON, said, one.alert, one.incident))


async def _lapsed(service: Context, one: Spoken) -> None:
    """Once for each promise, and only where a rule says what to do."""
    key = _key(LAPSED, one)
    if await service.database.read(lambda conn: kept.ever_raised(conn, [key])):
        return
    change = await service.database.read(partial(_change, one=one))
    rule = rules.first(service.watch.rules, change.service, Transition.LAPSED)
    if rule is None:
        return

    async def work(conn: Connection) -> None:
        said = _("{alert} promised an update for {time}, and none came: the rule {rule} acts.").format(
            alert=one.alert, time=_clock(service, one), rule=rule.name
        )
        if await tasks.raise_(service, conn, Chore(key, LAPSED, said, one.alert, one.incident)):
            led_to = await reacting.react(service, conn, change)
            outcome = led_to.id if led_to else _("nothing was written")
            await tasks.close(service, conn, key, outcome)

    await service.database.transact(work)


async def _change(conn: Connection, one: Spoken) -> Change:
    found = await incidents.get(conn, one.incident)
    return Change(
        service=found.service or found.id,
        incident=found.id,
        transition=Transition.LAPSED,
        state=State(found.state) if found.state else State.INVESTIGATING,
        follows=await reading.get(conn, one.alert),
    )


async def _once(service: Context, chore: Chore) -> None:
    if await service.database.read(lambda conn: kept.ever_raised(conn, [chore.key])):
        return
    await service.database.transact(lambda conn: tasks.raise_(service, conn, chore))


def _key(kind: str, one: Spoken) -> str:
    return f"{kind}:{one.alert}:{one.next_update}"


def _clock(service: Context, one: Spoken) -> str:
    return expiry.promised_at(one).astimezone(service.voice.zone).strftime(_("%H:%M on %d/%m"))
