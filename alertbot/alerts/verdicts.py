"""How an alert stands: what `submit` and `approve` require, and the same judgement as a verdict for whoever looks
at it; who was asked; what holds it back; what happens next and when. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from alertbot.alerts import conflicts, rules_guidance, rules_policy, sealing, store_reading
from alertbot.alerts.lists import register
from alertbot.alerts.requests import asked
from alertbot.alerts.rules_moves import OUT, state_word
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import AlertbotError, Faulty, PastMoment, Refused, one_line
from alertbot.core.loops import in_thread
from alertbot.core.model import OPEN_STATES, AlertState, DeliveryState, Person, Role
from alertbot.core.words import _, ngettext, told
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.delivery.store_listing import Summary
from alertbot.people import store_people, store_requests
from alertbot.people.context import Context
from alertbot.texts.preview.phrases import Verdict

# --- what the verbs require -----------------------------------------------------------------------


async def require_submittable(service: Context, conn: Connection, alert: Alert, now: datetime) -> None:
    """What `submit` requires of a draft, whose contradictions are as of now (`conflicts.compared`). Raises
    `Faulty` with every fault, `PastMoment` if a promised time is over, `Refused` for everything else."""
    if alert.faults:
        raise Faulty(
            _("{alert} cannot be submitted. Fix it with `alertbot edit {alert} --set …`.").format(
                alert=alert.id
            ),
            alert.faults,
            rules_guidance.stored_contradictions(alert.guidance),
        )
    if not alert.channels:
        raise Refused(_("{alert} has no channel to go to.").format(alert=alert.id))
    moment = rules_policy.passed(service.publisher.local(alert.promised), now)
    if moment is not None:
        raise PastMoment(
            _(
                "{alert} promises a time that has passed ({moment}). Use `alertbot submit"
                " {alert} --retime`."
            ).format(alert=alert.id, moment=told(moment, moment.tzinfo)),
            moment,
        )
    await conflicts.require_free(conn, alert)
    await register.require_in_force(conn, service, alert)


async def require_approvable(
    service: Context, conn: Connection, alert: Alert, now: datetime, *, lasting: bool = True
) -> dict[str, int]:
    """What every approval requires of a pending alert, whoever gives it: sound, not lapsing before its first
    call (unless not `lasting`), free, undisputed, its numbers in force. Returns those numbers with their
    versions. Raises `Refused`, `Faulty` or `PastMoment`."""
    rules_policy.require_sound(as_read(service, alert), now)
    return await require_unhindered(service, conn, alert, now, lasting=lasting)


async def require_unhindered(
    service: Context, conn: Connection, alert: Alert, now: datetime, *, lasting: bool = True
) -> dict[str, int]:
    """As `require_approvable`, for an alert that `rules_policy` has found sound for its approver."""
    if lasting:
        _require_lasting(service, alert, now)
    await conflicts.require_free(conn, alert)
    await conflicts.require_agreement(conn, alert, now)
    return await register.require_in_force(conn, service, alert)


def as_read(service: Context, alert: Alert) -> Alert:
    """The alert with its promised times in the organisation's time zone, for messages to people."""
    return replace(alert, promised=service.publisher.local(alert.promised))


def _require_lasting(service: Context, alert: Alert, now: datetime) -> None:
    """Raises `Refused` if an approval given now lapses before the first call: the worker would refuse it."""
    starts = max(now + service.publish_delay, alert.not_before or now)
    lapses = now + alert.approvals.expires_after
    if starts >= lapses:
        raise Refused(
            _(
                "{alert} goes out at {start}, but an approval given now lapses at {lapse}. Approve it later,"
                " or set `expires_after` for {kind} under `approvals:`."
            ).format(
                alert=alert.id,
                kind=alert.kind,
                start=service.clock(starts),
                lapse=service.clock(lapses),
            )
        )


# --- the verdict ----------------------------------------------------------------------------------


async def of(service: Context, conn: Connection, alert: Alert, reader: Person | None = None) -> Verdict:
    """The verdict on an alert as of now; with a `reader`, also whether they may approve it."""
    if alert.state is AlertState.DRAFT:
        return await _draft(service, conn, alert)
    if alert.state is AlertState.PENDING:
        return await _pending(service, conn, alert, reader)
    if alert.state is AlertState.RETURNED:
        return await _sent_away(
            conn, alert, _("Change it: alertbot edit {alert}").format(alert=alert.id)
        )
    if alert.state in (AlertState.REJECTED, AlertState.DISCARDED, AlertState.EXPIRED):
        return await _sent_away(conn, alert, anew(alert))
    return await _approved(service, conn, alert)


def anew(alert: Alert) -> str:
    """How to use the words of an alert that will never go out."""
    return _("To write a new one with its values: alertbot draft --like {alert}").format(alert=alert.id)


def _never(alert: Alert) -> str:
    return _("{alert}: nothing has been sent").format(alert=alert.id)


async def _draft(service: Context, conn: Connection, alert: Alert) -> Verdict:
    now = service.now
    fresh = await conflicts.compared(conn, alert, now)
    try:
        await require_submittable(service, conn, fresh, now)
    except Refused as refusal:
        return _refused(alert, refusal, fresh)
    said = _("{alert} is a draft. To ask for approval: alertbot submit {alert}").format(alert=alert.id)
    return Verdict(ready=True, said=said, headline=_never(alert))


def _refused(alert: Alert, refusal: AlertbotError, fresh: Alert) -> Verdict:
    """What a verb would answer; faults are only counted, since each is told with the texts."""
    if not isinstance(refusal, Faulty):
        return Verdict(ready=False, said=str(refusal), headline=_never(alert))
    number = len(fresh.faults) or 1
    counted = ngettext(
        "Cannot go out: {number} fault to fix.", "Cannot go out: {number} faults to fix.", number
    )
    said = counted.format(number=number)
    return Verdict(ready=False, said=said, further=(str(refusal),), headline=_never(alert))


async def _pending(service: Context, conn: Connection, alert: Alert, reader: Person | None) -> Verdict:
    now = service.now
    try:
        await require_approvable(service, conn, alert, now)
        await _require_unchanged(conn, alert)
    except Refused as refusal:
        late = alert.pending_until is not None and alert.pending_until <= now
        found = _refused(alert, refusal, await conflicts.compared(conn, alert, now))
        return replace(found, further=(*found.further, anew(alert))) if late else found
    so_far = await store_reading.approvals_of(conn, alert.id, now=now)
    left = rules_policy.approvals_left(alert, so_far, now)
    people = await store_people.persons(conn, now=now)
    able = rules_policy.able(alert, people, so_far, now)
    lacking = rules_policy.too_few(alert, so_far, people, now)
    who = _("These may approve it: {names}.").format(names=", ".join(one.name for one in able))
    said = ngettext(
        "{alert} waits for {left} more approval, until {until}.",
        "{alert} waits for {left} more approvals, until {until}.",
        left,
    ).format(alert=alert.id, left=left, until=service.clock(alert.pending_until or now))
    further = [lacking or who, *await asked.asked_in_words(service, conn, alert)]
    further += await onward(service, conn, alert)
    own = None if reader is None else _obstacle(service, alert, reader, so_far, people)
    if own:
        further.insert(0, own)
    ready = False if lacking else None if own else True
    never = _never(alert)
    return Verdict(ready=ready, said=said, further=tuple(further), own=own or "", headline=never)


async def _require_unchanged(conn: Connection, alert: Alert) -> None:
    stored = await store_reading.stored_texts(conn, alert.id, alert.channels)
    if broken := await in_thread(partial(sealing.disagreement, alert, stored, alert.digest)):
        raise Refused(broken)


def _obstacle(
    service: Context,
    alert: Alert,
    reader: Person,
    so_far: Sequence[rules_policy.Approval],
    people: Sequence[Person],
) -> str | None:
    """Why this reader may not approve what they are being shown; None for somebody who never approves."""
    if Role.APPROVER not in reader.roles:
        return None
    try:
        rules_policy.may_approve(
            as_read(service, alert),
            reader,
            so_far,
            digest=None,
            shown=alert.digest,
            now=service.now,
            people=people,
        )
    except AlertbotError as refusal:
        return _("You cannot approve it: {why}").format(why=refusal)
    return None


async def _sent_away(conn: Connection, alert: Alert, then: str) -> Verdict:
    """The verdict on what did not go out, with the reason and what to do."""
    who = await store_requests.sent_away_by(conn, alert.id) or "?"
    sentences = {
        AlertState.RETURNED: _("{alert} was returned to its author by {name}: {reason}"),
        AlertState.REJECTED: _("{alert} was rejected by {name} and will never go out: {reason}"),
        AlertState.DISCARDED: _("{alert} was discarded and never went out."),
        AlertState.EXPIRED: _("{alert} was not approved in time; it has expired and never went out.")
        if alert.approved_at is None
        else _("{alert} was approved, but expired before any of it went out."),
    }
    said = sentences[alert.state].format(alert=alert.id, name=who, reason=one_line(alert.reason or "–"))
    return Verdict(ready=False, said=said, further=(then,), headline=_never(alert))


async def _approved(service: Context, conn: Connection, alert: Alert) -> Verdict:
    """The verdict on what was approved: what became of its deliveries, and what holds back the rest."""
    counts = await store_listing.publication(conn, alert.id)
    said = _("{alert} is {state}: {counts}.").format(
        alert=alert.id, state=state_word(alert.state), counts=_counted(counts)
    )
    began = alert.state is not AlertState.APPROVED
    headline = (_("{alert}: approved, and sent or being sent") if began else _never(alert)).format(
        alert=alert.id
    )
    if alert.state is AlertState.FAILED:
        headline = _("{alert}: it was to go out and failed").format(alert=alert.id)
    further = []
    if alert.state in (AlertState.APPROVED, AlertState.PUBLISHING):
        further = await onward(service, conn, alert)
    elif counts.get(DeliveryState.UNCERTAIN) or alert.state is not AlertState.PUBLISHED:
        further = [_("For each delivery: alertbot deliveries {alert}").format(alert=alert.id)]
    return Verdict(
        ready=False if alert.state is AlertState.FAILED else None,
        said=said,
        further=tuple(further),
        headline=headline,
        out=began and alert.state in OUT,
    )


def _counted(counts: Mapping[DeliveryState, int]) -> str:
    words = {
        DeliveryState.SENT: _("{number} sent"),
        DeliveryState.FAILED: _("{number} failed"),
        DeliveryState.UNCERTAIN: _("{number} may have been sent"),
        DeliveryState.EXPIRED: _("{number} expired"),
        DeliveryState.CANCELLED: _("{number} cancelled"),
        DeliveryState.SKIPPED: _("{number} left out"),
    }
    said = [words[state].format(number=counts[state]) for state in words if counts.get(state)]
    if waiting := sum(number for state, number in counts.items() if state not in words):
        said.append(_("{number} still to be sent").format(number=waiting))
    return ", ".join(said) or _("no delivery")


# --- what happens next, and when ------------------------------------------------------------------


async def onward(service: Context, conn: Connection, alert: Alert) -> list[str]:
    """What happens next to a pending or approved alert and when, then everything that keeps it from
    happening."""
    found = await store_listing.summary(conn, alert.id)
    return [
        *_start(service, alert, found),
        *await _lapse(service, conn, alert),
        *_held(alert, found),
        *_workers(alert, found),
    ]


def _start(service: Context, alert: Alert, found: Summary) -> list[str]:
    """When its first call may start; nothing once calls have started."""
    if alert.state is AlertState.PUBLISHING:
        return []
    approved = alert.approved_at
    starts = max(alert.not_before or service.now, (approved or service.now) + service.publish_delay)
    if approved is None:
        if alert.not_before and alert.not_before > service.now + service.publish_delay:
            sentence = _("Once approved, it goes out at {time}, not before.")
            return [sentence.format(time=service.clock(starts))]
        if not service.publish_delay:
            return [_("Once approved, it goes out at once.")]
        return [
            _("Once approved, it goes out after {seconds:.0f} s.").format(
                seconds=service.publish_delay.total_seconds()
            )
        ]
    if starts > service.now:
        return [_("Goes out no earlier than {time}.").format(time=service.clock(starts))]
    return [] if not found.alive else [_("The first call starts now.")]


async def _lapse(service: Context, conn: Connection, alert: Alert) -> list[str]:
    """Until when the approvals of what has not begun count."""
    if alert.state is not AlertState.APPROVED or alert.break_glass_by is not None:
        return []
    given = await store_reading.approvals_of(conn, alert.id, now=service.now)
    ends = [one.expires_at for one in rules_policy.standing(alert, given, service.now)]
    if not ends:
        return []
    sentence = _("Its approval lapses at {time}; what has not begun by then is not sent.")
    return [sentence.format(time=service.clock(min(ends)))]


def _held(alert: Alert, found: Summary) -> list[str]:
    """What keeps it from being sent, and how to go on."""
    said = [_("Everything is halted. To resume: alertbot resume")] if found.halted else []
    if alert.id in found.halted_alerts:
        said.append(_("{alert} is halted. To resume: alertbot resume {alert}").format(alert=alert.id))
    for one in found.accounts:
        if one.channel not in alert.channels:
            continue
        if one.halted:
            sentence = _(
                "The channel {channel} is halted. To resume: alertbot resume --channel {channel}"
            )
            said.append(sentence.format(channel=one.channel))
        if one.paused:
            sentence = _(
                "The channel {channel} is paused: {reason} Fix it, then: alertbot resume --channel {channel}"
            )
            said.append(sentence.format(channel=one.channel, reason=one.paused))
        elif one.blocked:
            sentence = _("The channel {channel} accepts nothing for another {seconds:.0f} s: {reason}")
            said.append(
                sentence.format(channel=one.channel, seconds=one.blocked_for, reason=one.blocked)
            )
    return said


def stuck(alert: Alert, found: Summary, channels: Sequence[str]) -> list[str]:
    """Why nothing more of an approved alert will go out on these channels until somebody acts; empty while
    some of it may."""
    if not found.alive:
        return _workers(alert, found)
    stopped = {one.channel for one in found.accounts if one.halted or one.paused}
    if found.halted or alert.id in found.halted_alerts or (channels and stopped.issuperset(channels)):
        return _held(alert, found)
    return _in_hands(found, channels)


def _in_hands(found: Summary, channels: Sequence[str]) -> list[str]:
    """Whom the rest waits for, where all that is left is for people to post by hand."""
    left = [one for one in found.counts if one.channel in channels and one.state in OPEN_STATES]
    if any(one.state is not DeliveryState.SENDING or not one.reason for one in left):
        return []
    lines = dict.fromkeys(f"{one.channel}: {one.reason}" for one in left)
    return [*lines, _("See alertbot task list.")] if lines else []


def _workers(alert: Alert, found: Summary) -> list[str]:
    if found.alive:
        return [_("A worker is running.")]
    if alert.state is AlertState.PENDING:
        return [
            _(
                "NO WORKER is running: requests and notices wait, and nothing goes out, until someone runs"
                " `alertbot serve` or `alertbot run`."
            )
        ]
    return [
        _(
            "NO WORKER is running: nothing goes out until someone runs `alertbot serve` or `alertbot run`."
        )
    ]
