"""The witness: an independent reader that looks, after each delivery, whether the public can see it. It never holds up
what is published, and knows no credentials of the accounts it looks at."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.channels.witnessing import (
    Canary,
    CouldNotLook,
    PublicAnswer,
    PublicWitness,
    Shown,
    Sought,
    Witness,
    text_of,
)
from alertbot.core import loops
from alertbot.core.connecting import is_loopback
from alertbot.core.errors import AlertbotError, ConfigInvalid, safe
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import Action, DeliveryState
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.delivery import store_content, store_settle
from alertbot.delivery.ledger import Hooks, Ledger
from alertbot.delivery.readback import differing
from alertbot.delivery.store_settle import Settlement
from alertbot.people import tasks
from alertbot.people.tasks import NewTask
from alertbot.texts.document import DocumentInvalid, from_json
from alertbot.watch.context import WatchContext
from alertbot.watch.polling.network import Network, NotFetched
from alertbot.watch.witness import rules_looks, store_looks
from alertbot.watch.witness.rules_looks import Before, Found, LookVerdict, WitnessPlan
from alertbot.watch.witness.store_looks import Due, Looked, Pulse

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0  # between two rounds
LONGEST_LOOK = timedelta(seconds=15)
UNSEEN = "unseen"  # a kind of task
SIGHTED = "seen"  # the audit's verb


@dataclass(frozen=True, slots=True)
class WitnessedChannel:
    """An account that is looked at."""

    witness: Witness
    plan: WitnessPlan


class Witnesses:
    """One per worker. `hooks`: what follows when an uncertain delivery turns out to be public."""

    def __init__(
        self, service: WatchContext, watched: Mapping[str, WitnessedChannel], hooks: Hooks
    ) -> None:
        self._service = service
        self._watched = watched
        self._ledger = Ledger(service.database, "witness", hooks=hooks)
        self._pulse: Pulse | None = None
        self._looking = True  # at something, perhaps since before this worker began

    async def keep(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set; a look under way is then dropped, and taken again by the next worker."""
        looking = asyncio.create_task(
            loops.keep("Looking at what the public sees", self.round, stop, every=EVERY_SECONDS)
        )
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([looking, stopped], return_when=asyncio.FIRST_COMPLETED)
        for one in (looking, stopped):
            one.cancel()
        await asyncio.gather(looking, stopped, return_exceptions=True)

    async def round(self) -> None:
        """Look at what is due, everywhere at once."""
        if not await self._awake():
            return
        database, names = self._service.database, sorted(self._watched)
        await self._enlist()
        due = await database.read(lambda conn: store_looks.due(conn, names))
        by_channel: dict[str, list[Due]] = {}
        for one in due:
            by_channel.setdefault(one.channel, []).append(one)
        await asyncio.gather(*(self._in_turn(group) for group in by_channel.values()))
        self._looking = await database.read(store_looks.next_due) is not None

    async def _awake(self) -> bool:
        """Whether anything can have changed since nothing was left to look at."""
        names = sorted(self._watched)
        pulse = await self._service.database.read(lambda conn: store_looks.pulse(conn, names))
        same, self._pulse = pulse == self._pulse and not pulse.going, pulse
        return self._looking or not same

    async def _enlist(self) -> None:
        targets = {name: one.witness.target for name, one in self._watched.items()}
        fresh = await self._service.database.read(lambda conn: store_looks.unlooked(conn, targets))
        if fresh:
            first = {
                one.id: max(0.0, self._watched[one.channel].plan.first.total_seconds() - one.age)
                for one in fresh
            }
            await self._service.database.transact(lambda conn: store_looks.enlist(conn, first))

    async def _in_turn(self, group: list[Due]) -> None:
        for one in group:
            if one.changed or one.state not in (DeliveryState.SENT, DeliveryState.UNCERTAIN):
                await self._service.database.transact(partial(store_looks.leave, delivery_id=one.id))
            elif await self._service.database.transact(partial(store_looks.take, one=one)):
                await self._look(one)

    async def _look(self, one: Due) -> None:
        watched = self._watched[one.channel]
        found, shown, said = await _observed(watched.witness, one)
        if found is Found.SEEN and one.remote_id is None and await self._is_anothers(one, shown):
            found, shown = Found.ABSENT, None
        before = Before(
            one.looks, one.age, Found(one.last) if one.last else None, LookVerdict(one.verdict)
        )
        step = rules_looks.after(found, before, watched.plan)
        alarming = (
            step.verdict in (LookVerdict.OTHER, LookVerdict.UNSEEN) and one.state == DeliveryState.SENT
        )
        url = (shown.url if shown else None) or one.url
        looked = Looked(one.id, found, step.verdict, step.pause, said, url, told=one.told or alarming)
        if found is Found.SEEN and one.state == DeliveryState.UNCERTAIN and shown is not None:
            await self._settle(one, shown)
        await self._service.database.transact(lambda conn: self._write(conn, one, looked))

    async def _is_anothers(self, one: Due, shown: Shown | None) -> bool:
        """Whether the post that was found belongs to another delivery."""
        if shown is None:
            return False
        return await self._service.database.read(
            lambda conn: store_content.is_known(conn, one.channel, shown.id, but=one.id)
        )

    async def _settle(self, one: Due, shown: Shown) -> None:
        """The public can read what was perhaps sent: it was."""
        note = _("It was not known whether it was sent; the witness found it in public.")
        settlement = Settlement(
            one.id,
            one.attempts,
            DeliveryState.SENT,
            None,
            shown.id,
            shown.url,
            note,
            followed=one.followed,
        )
        await self._ledger.record(lambda conn: store_settle.settle(conn, [settlement], worker=None))

    async def _write(self, conn: Connection, one: Due, looked: Looked) -> None:
        at = await store_looks.write(conn, looked)
        if looked.verdict != one.verdict:
            moment = datetime.fromtimestamp(at, UTC)
            detail = {
                "delivery": one.id,
                "channel": one.channel,
                "looks": one.looks + 1,
                "url": looked.url,
                "said": looked.said,
            }
            await audit.append(
                conn,
                actor="alertbot",
                verb=f"witness-{looked.verdict}",
                at=moment,
                alert=one.alert,
                remote_id=one.remote_id,
                detail={key: value for key, value in detail.items() if value is not None},
            )
            log.info("%s: %s, %s", one.channel, one.alert, looked.verdict, extra={"alert": one.alert})
        if looked.told and not one.told:
            await tasks.raise_(self._service, conn, await self._alarm(conn, one, looked))
        elif one.told and looked.verdict is LookVerdict.SEEN:
            said = _("The public can read it now.")
            await tasks.close(self._service, conn, _key(one), said)

    async def _alarm(self, conn: Connection, one: Due, looked: Looked) -> NewTask:
        sentence = (
            _("{channel} took {alert}, and shows the public something else: {said}.")
            if looked.verdict is LookVerdict.OTHER
            else _(
                "{channel} took {alert}, and nobody can see it there: looked {n} times in {minutes} min."
            )
        )
        told = sentence.format(
            channel=one.channel,
            alert=one.alert,
            said=looked.said or "–",
            n=one.looks + 1,
            minutes=max(1, round(one.age / 60)),
        )
        elsewhere = await store_looks.others(conn, one.alert, one.channel)
        text = " ".join([told, _elsewhere(one.alert, elsewhere)])
        return NewTask(_key(one), UNSEEN, text, alert=one.alert)


def _key(one: Due) -> str:
    return f"{UNSEEN}:{one.id}"


def _elsewhere(alert: str, channels: Sequence[tuple[str, bool]]) -> str:
    """How to say it elsewhere."""
    names = [_("{channel} (seen)").format(channel=name) if seen else name for name, seen in channels]
    where = _("It was sent on {channels} too.").format(channels=", ".join(names)) if names else ""
    said = _(
        "Say it elsewhere: alertbot show {alert} --as radio (or press, poster, relay) has it ready; alertbot update {alert}"
        " says it again on every channel."
    ).format(alert=alert)
    return f"{where} {said}".strip()


async def _observed(witness: Witness, one: Due) -> tuple[Found, Shown | None, str | None]:
    try:
        sought = _sought(one)
    except DocumentInvalid as error:
        return Found.BLIND, None, str(error)
    return await observe(witness, sought)


def _sought(one: Due) -> Sought:
    since = None if one.attempted_at is None else datetime.fromtimestamp(one.attempted_at, UTC)
    known = one.remote_id if one.state == DeliveryState.SENT or one.action == Action.EDIT else None
    text = one.text if one.document is None else text_of(from_json(one.document).html)
    return Sought(text, known, one.url, since)


async def observe(witness: Witness, sought: Sought) -> tuple[Found, Shown | None, str | None]:
    """One look: what was found, the post, and how it differs or why nobody could look."""
    try:
        found = await shown_to_anybody(witness, sought)
    except (CouldNotLook, NotFetched, ConfigInvalid) as error:
        return Found.BLIND, None, str(error)
    except Exception as error:  # noqa: BLE001 - whatever is shown there, it must not end the witness
        return Found.BLIND, None, f"{type(error).__name__}: {safe(str(error))}"
    if found is None:
        return Found.BLIND, None, _("Nobody can look for a post whose id is not known.")
    one = witness.of(sought, found)
    if one is None:
        return Found.ABSENT, None, None
    if one.place:
        return Found.OTHER, one, one.place
    if witness.same(sought, one):
        return Found.SEEN, one, None
    return Found.OTHER, one, differing(witness.words(sought.text), witness.words(one.text))


async def shown_to_anybody(witness: Witness, sought: Sought) -> tuple[Shown, ...] | None:
    """The posts that anybody sees where this one should be; None if nobody can look for it. Raises `CouldNotLook`,
    `NotFetched` or `ConfigInvalid`."""
    if isinstance(witness, Canary):
        if sought.remote_id is None:
            return None
        seconds = LONGEST_LOOK.total_seconds()
        try:
            async with asyncio.timeout(2 * seconds):
                return await in_thread(partial(witness.look, sought, seconds))
        except TimeoutError:
            raise CouldNotLook(_("The mailbox did not answer in time.")) from None
    assert isinstance(witness, PublicWitness)
    address = witness.address(sought)
    if address is None:
        return None
    network = Network(outward=not is_loopback(address))
    from alertbot.watch.polling import fetch  # httpx: `serve --help` does without

    status, body = await fetch.look(address, timeout=LONGEST_LOOK, network=network)
    return witness.shown(sought, PublicAnswer(status, body))


async def trials(adapters: Mapping[str, Adapter[Any]]) -> dict[str, str]:
    """For each account that is looked at: why nobody can look now, as a sentence; "" if looking works."""
    found: dict[str, str] = {}
    for name, one in watched(adapters).items():
        try:
            await shown_to_anybody(one.witness, one.witness.trial)
        except AlertbotError as error:
            found[name] = str(error)
        else:
            found[name] = ""
    return found


def problems(adapters: Mapping[str, Adapter[Any]]) -> list[str]:
    """Channels whose configuration asks for a witness that they cannot have."""
    told = []
    for name, adapter in adapters.items():
        if adapter.settings.looked_at is None:
            continue
        why = _("nobody can look at what a channel of this type shows the public; take it out")
        try:
            why = "" if type(adapter).witness(adapter.settings) else why
        except ConfigInvalid as error:
            why = str(error)
        told += [f"channels.{name}.witness: {why}"] if why else []
    return told


def watched(adapters: Mapping[str, Adapter[Any]]) -> dict[str, WitnessedChannel]:
    """The accounts whose configuration asks for a witness. One that cannot have it is logged."""
    found: dict[str, WitnessedChannel] = {}
    for name, adapter in adapters.items():
        settings = adapter.settings.looked_at
        if settings is None:
            continue
        try:
            witness = type(adapter).witness(adapter.settings)
        except ConfigInvalid as error:
            log.warning("%s: %s", name, error)
            continue
        if witness is not None:
            found[name] = WitnessedChannel(witness, WitnessPlan(settings.first, settings.within))
    return found
