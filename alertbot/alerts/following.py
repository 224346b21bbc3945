"""Alerts that follow an earlier one: update, correct, cancel, end. What they take over from it, and the
draft that results."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import field, replace
from functools import partial
from typing import Any

from alertbot.alerts import (
    approving,
    area,
    chains,
    conflicts,
    for_others,
    rules_area,
    rules_inherited,
    rules_moves,
    store_following,
    store_incidents,
    store_reading,
    views,
    writing,
)
from alertbot.alerts.chains import Chain
from alertbot.alerts.compose import DraftRequest, load_kind, shift_times
from alertbot.alerts.lists import public_numbers, register, wrong_numbers
from alertbot.alerts.lists.rules_lists import NUMBERS, WRONG, in_words, rows_of
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Faulty, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Fault, Person, RawValues, Relation
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.texts.fields import moments
from alertbot.texts.kinds.kind_spec import FieldType, Kind
from alertbot.texts.publisher import effective

NO_NUMBERS = WrongNumbers()
CORRECTION, WITHDRAWAL, END, STATUS = "correction", "withdrawal", "end", "status"
FALSE_ALERT, NO_NEWS, INQUIRY = "false_alert", "no_news", "inquiry"
Work = Callable[[Connection], Awaitable[Alert]]


@dataclass(frozen=True, slots=True)
class FollowRequest:
    """What a person gives with one of these commands. `submit`: ask for approval at once."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    accepted: Mapping[str, str] = field(default_factory=dict)
    submit: bool = False


async def update(
    service: Context, actor: Person, reference: str, said: FollowRequest, *, kind: str | None = None
) -> AlertView:
    """Draft an update that replaces an alert. Raises `Refused` for an alert that was never published. A `kind` that is
    not public replaces nothing: it says the same to those who answer the public, the press or the team."""
    rules.require_role("draft", actor)
    beside = load_kind(service.publisher, kind) if kind else None

    async def work(conn: Connection) -> Alert:
        original = await store_reading.get(conn, reference)
        if beside and beside.audiences:
            wishes = DraftRequest(beside.name, said.changes, accepted=said.accepted)
            return await for_others.add(service, conn, actor, original, beside, wishes)
        await require_out(conn, original, _("update"))
        wanted = kind or _kind_of_update(service, original)
        chain = await chains.read(service, conn, Relation.UPDATE, [original])
        return await add(service, conn, actor, wanted, said, chain)

    return await drafted(service, actor, work, said)


async def like(
    service: Context,
    actor: Person,
    reference: str,
    wishes: DraftRequest,
    *,
    incident: str | None = None,
    new_incident: bool = False,
    not_before: str | None = None,
) -> AlertView:
    """Draft a new alert with the kind, values, languages, channels and references of another, which never went
    out. `wishes`: what the person gives instead. Times ahead are as they were typed; a promise that is over
    is left out with a note. Writers of words that no second hand approved are writers of this one too.

    Raises `Refused` for a retraction, for one that is out or may still go out, and as `writing.draft` does where
    its incident is closed and another is open in the same place.
    """
    rules.require_role("draft", actor)
    await approving.expire_overdue(service)
    starts = writing.start_of(service, not_before, service.now) if not_before else None

    async def work(conn: Connection) -> Alert:
        original = await store_reading.get(conn, reference)
        _require_over_and_gone(original)
        chain = await writing.chain_of(service, conn, original)
        asked = _same(service, original, wishes)
        wanted = None if new_incident else await _wanted(conn, original, incident, asked)
        filed = wanted or await writing.in_incident(conn, None, actor, service.now)
        followed = original.references if filed == original.incident else ()
        if not followed:
            followed = await chains.followed(service, conn, filed, exercise=original.exercise)
        add = partial(writing.add, service, conn, actor, asked, incident=filed, like=original)
        followed = chain.references if chain else followed
        return await add(references=followed, not_before=starts, chain=chain)

    return await drafted(service, actor, work, FollowRequest())


def _require_over_and_gone(original: Alert) -> None:
    """Raises `Refused` for an alert that another verb is for."""
    if original.state in (AlertState.DRAFT, AlertState.PENDING, AlertState.APPROVED):
        sentence = _("{alert} is {state}. To change it: alertbot edit {alert}")
    elif original.state in rules_moves.OUT:
        sentence = _("{alert} is {state}. To follow it up: alertbot update {alert}")
    else:
        return
    raise Refused(sentence.format(alert=original.id, state=state_word(original.state)))


async def _wanted(
    conn: Connection, original: Alert, incident: str | None, asked: DraftRequest
) -> str | None:
    """The incident of an alert like `original`: the named one, else the same while it is open or if nothing of it
    went out, else none yet. What follows another alert stays with that."""
    own = await store_incidents.get(conn, original.incident)
    if original.relation is not None or (incident is None and own.closed_at is None):
        return own.id
    if incident is not None:
        return (await store_incidents.get(conn, incident)).id
    if not original.exercise:
        await area.require_new(conn, asked.given)
    if await area.never_told(conn, own.id):
        await store_incidents.open_again(conn, own.id)
        return own.id
    return None


def _same(service: Context, original: Alert, wishes: DraftRequest) -> DraftRequest:
    """What `original` asked for, with what the person gives instead."""
    kind = load_kind(service.publisher, original.kind)
    given, notes = _kept_times(service, kind, shift_times(original.raw, original.given, kind), original)
    raw = {name: value for name, value in original.raw.items() if name in given}
    values = writing.overlay(given, wishes.given)
    values, _typed = register.anew(values, writing.overlay(raw, wishes.given), wishes.given)
    known = [name for name in original.channels if name in service.publisher.channels]
    gone = [name for name in original.channels if name not in known]
    if gone:
        sentence = _("{channels}, in {alert}, is left out: it is not configured any more.")
        notes.append(Fault("left_out", sentence.format(channels=", ".join(gone), alert=original.id)))
    return DraftRequest(
        kind=original.kind,
        given=values,
        languages=wishes.languages or original.languages,
        channels=wishes.channels or tuple(known),
        accepted={**conflicts.undecided(original.accepted), **wishes.accepted},
        exercise=original.exercise or wishes.exercise,
        notes=(_taken_over(original), *notes),
    )


def _taken_over(original: Alert) -> Fault:
    if original.vouched:
        sentence = _("The values are taken over from {alert} ({state}), as they were approved.")
    else:
        sentence = _(
            "The values are taken over from {alert} ({state}). Nobody approved them there: whoever wrote them"
            " counts as a writer of this alert."
        )
    said = sentence.format(alert=original.id, state=state_word(original.state))
    return Fault("taken_over", said)


def _kept_times(
    service: Context, kind: Kind, given: RawValues, original: Alert
) -> tuple[RawValues, list[Fault]]:
    """The values without the promised times that are over, and a note for each of those."""
    kept, notes = dict(given), []
    for spec in kind.fields:
        if spec.type is not FieldType.DATETIME or spec.past or spec.name not in given:
            continue
        try:
            at = moments.moment(str(given[spec.name]), now=service.now, zone=service.publisher.zone)
        except moments.BadMoment:
            continue  # told when it is composed
        if at <= service.now:
            del kept[spec.name]
            sentence = _("{field} ({time}), in {alert}, is left out: the time has passed.")
            said = sentence.format(field=spec.name, time=service.clock(at), alert=original.id)
            notes.append(Fault("left_out", said, spec.name))
    return kept, notes


async def correct(
    service: Context,
    actor: Person,
    reference: str,
    said: FollowRequest,
    numbers: WrongNumbers = NO_NUMBERS,
) -> AlertView:
    """Draft a correction to everyone whom the alert reached (R20, R22). `numbers`: which of its numbers are
    wrong, and which are right. Raises `Refused` for an alert that was never published, `Misuse` for a
    number that it does not give or that cannot replace another."""
    rules.require_role("draft", actor)

    async def work(conn: Connection) -> Alert:
        original = await to_take_back(conn, reference, _("correct"))
        done = await wrong_numbers.corrected(service, conn, actor, original, numbers, said.changes)
        chain = await chains.read(service, conn, Relation.CORRECTION, [original])
        asked = replace(said, changes=done.asked)
        return await add(service, conn, actor, CORRECTION, asked, chain, below=done.values)

    return await drafted(service, actor, work, said)


async def cancel(
    service: Context, actor: Person, reference: str, text: object, said: FollowRequest
) -> AlertView:
    """Draft the public message that an alert of ours was false. `text`: what is true, one text for all languages or
    one per language; not needed where the alert was written with it (`no_danger`).

    Raises `Refused` without a text for the public: a silent cancel corrects nothing (R21).
    """
    rules.require_role("draft", actor)

    async def work(conn: Connection) -> Alert:
        original = await to_take_back(conn, reference, _("cancel"))
        if not (text or original.given.get("no_danger") or said.changes.get("no_danger")):
            raise Refused(
                _(
                    "A false alert must be denied in public: say what is true (--text). Nothing"
                    " was done."
                )
            )
        chain = await chains.read(service, conn, Relation.CANCEL, [original])
        words = await _false(service, conn, original, text)
        return await add(service, conn, actor, FALSE_ALERT, said, chain, below=words)

    return await drafted(service, actor, work, said)


async def _false(service: Context, conn: Connection, original: Alert, text: object) -> RawValues:
    """The values of the false alert: what is true, when ours went out, and the numbers that it gave."""
    known = (await store_following.first_reached(conn, original.id), original.approved_at)
    at = next((one for one in known if one and one <= service.now), original.drafted_at)
    return {
        **({"no_danger": text} if text else {}),
        "message_at": at.isoformat(timespec="seconds"),
        WRONG: list(rows_of(original.given, NUMBERS)) or None,
    }


async def end(service: Context, actor: Person, incident: str, said: FollowRequest) -> AlertView:
    """Draft the public end of an incident. Raises `Refused` if it has ended already or nothing of it was
    published."""
    rules.require_role("draft", actor)

    async def work(conn: Connection) -> Alert:
        opened = await store_incidents.get(conn, incident)
        await conflicts.require_open(conn, opened.id)
        _require_over(opened)
        told = await chains.told(service, conn, opened.id)
        out = [one for one in told if not one.exercise] or told  # an exercise beside it ends nothing
        if not out:
            raise Refused(
                _("Nothing of incident {incident} went out; there is nothing to end.").format(
                    incident=opened.id
                )
            )
        chain = await chains.read(service, conn, Relation.END, out[:1])
        words = await public_numbers.of_incident(service, conn, opened.id, exercise=out[0].exercise)
        return await add(service, conn, actor, END, said, chain, below=words)

    return await drafted(service, actor, work, said)


def _require_over(opened: store_incidents.Incident) -> None:
    """Raises `Refused` for an incident that is still in trouble. Whether the services concerned have confirmed
    that it is over, and the watch period, are judged with the draft (R11)."""
    if opened.state in area.CAN_END:
        return
    raise Refused(
        _(
            "Incident {id} is {state}; it can only end once it is resolved. Say which of the services"
            " concerned confirms it: alertbot incident set {id} resolved --confirmed-by …"
        ).format(id=opened.id, state=opened.state)
    )


async def to_take_back(conn: Connection, reference: str, verb: str) -> Alert:
    original = await store_reading.get(conn, reference)
    await require_out(conn, original, verb)
    await conflicts.require_not_taken_back(conn, original)
    return original


async def require_out(conn: Connection, alert: Alert, verb: str) -> None:
    """Raises `Refused` for an alert that reached nobody, neither by the program nor by hand."""
    reached = await store_following.any_post(conn, alert.id) or await store_reading.records_of(
        conn, alert.id
    )
    if reached or alert.state is AlertState.PUBLISHING:
        return
    if alert.state is AlertState.APPROVED:
        raise Refused(
            _(
                "{alert} is approved, but nothing has gone out yet. Stop it with `alertbot halt"
                " {alert}`, or change it with `alertbot edit {alert}`."
            ).format(alert=alert.id)
        )
    raise Refused(
        _("{alert} never went out ({state}); there is nothing to {verb}.").format(
            alert=alert.id, state=state_word(alert.state), verb=verb
        )
    )


def _kind_of_update(service: Context, original: Alert) -> str:
    """The same kind if it allows further updates, else a status."""
    if original.kind in ("holding", NO_NEWS):
        return STATUS
    if original.kind == INQUIRY:
        return INQUIRY
    return STATUS if load_kind(service.publisher, original.kind).final else original.kind


async def add(
    service: Context,
    conn: Connection,
    actor: Person,
    kind: str,
    said: FollowRequest,
    chain: Chain,
    *,
    below: Mapping[str, Any] | None = None,
    incident: str | None = None,
) -> Alert:
    """Write a draft of this kind. The person's values override the command's, and those the inherited ones."""
    original = chain.originals[0]
    found = load_kind(service.publisher, kind)
    wait = effective(found.approvals, service.publisher.overrides.get(kind)).expires_after
    told = await _told(conn, original)
    last = await chains.last_word(conn, chain)
    told |= rules_inherited.facts(last.given) if last else {}
    given = rules_inherited.inherited(told, found, chain.relation, now=service.now, wait=wait)
    filed = incident or original.incident
    where = (await store_incidents.get(conn, filed)).state
    stage = rules_inherited.stage_of(where, told.get(rules_inherited.STAGE))
    words = {rules_inherited.STAGE: stage, **(below or {})}
    words = {name: value for name, value in words.items() if found.field(name)}
    taken_over = writing.overlay(given, words)
    if said.changes.keys() & {"territories", "services", NUMBERS}:
        taken_over.pop(NUMBERS, None)  # the person says which
    notes = await _repeatable(service, conn, taken_over, original)
    notes += tuple(_taken_from(taken_over, said, chain, last))
    wishes = DraftRequest(
        kind=kind,
        given=writing.overlay(taken_over, said.changes),
        languages=original.languages,
        accepted=said.accepted,
        exercise=original.exercise,
        notes=notes,
    )
    return await writing.add(
        service, conn, actor, wishes, incident=filed, references=chain.references, chain=chain
    )


def _taken_from(
    taken_over: RawValues, said: FollowRequest, chain: Chain, last: Alert | None
) -> Iterator[Fault]:
    """Notes about what the approver should look at, since nobody typed it for this alert."""
    names = taken_over.keys() - said.changes.keys()
    if last and rules_inherited.FACTS & names:
        sentence = _("What fails, what works and what to do are as {alert} said last.").format(
            alert=last.id
        )
        yield Fault("taken_over", sentence)
    if chain.relation is Relation.WITHDRAWAL and "what_to_do" in names:
        sentence = _("What to do is as {alert} said. Does it hold without these numbers?")
        yield Fault("taken_over", sentence.format(alert=chain.originals[0].id))
    if rules_area.WHERE not in said.changes:
        yield area.from_incident()


async def _told(conn: Connection, original: Alert) -> RawValues:
    """What the public was told by this alert. One that says "nothing new" lets what it follows stand; one that takes
    numbers back does not say again what fails, so that comes from before it."""
    told, whole = dict(original.given), True
    while original.original and (original.kind == NO_NEWS or original.relation is Relation.WITHDRAWAL):
        whole = whole and original.kind == NO_NEWS
        original = await store_reading.get(conn, original.original)
        told = {
            name: value
            for name, value in original.given.items()
            if whole or name in rules_inherited.TROUBLE
        } | told
    return told


async def _repeatable(
    service: Context, conn: Connection, taken_over: RawValues, original: Alert
) -> tuple[Fault, ...]:
    """Leave rows that hold no more out of the values, and note each: what nobody asked for blocks nothing."""
    found = await public_numbers.repeated(conn, rows_of(taken_over, NUMBERS), service.now)
    if not found.left_out:
        return ()
    taken_over[NUMBERS] = list(found.kept)
    if not found.kept:
        del taken_over[NUMBERS]
    sentence = _("{row}, in {alert}, is left out: {why}.")
    return tuple(
        Fault("left_out", sentence.format(row=in_words(row), alert=original.id, why=why), NUMBERS)
        for row, why in found.left_out
    )


async def drafted(service: Context, actor: Person, work: Work, said: FollowRequest) -> AlertView:
    async def write(conn: Connection) -> AlertView:
        return await views.full(conn, await work(conn), service.now)

    view = await service.database.transact(write)
    return await submitted(service, actor, view) if said.submit else view


async def submitted(service: Context, actor: Person, view: AlertView) -> AlertView:
    """Submit a fresh draft for approval. Raises `Faulty` or `Refused` with a message that says the draft
    is kept."""
    try:
        return await writing.submit(service, actor, view.id)
    except Faulty as error:
        raise Faulty(_kept(view, error), error.faults) from None
    except Refused as error:
        raise Refused(_kept(view, error)) from None


def _kept(view: AlertView, error: Refused) -> str:
    return _("{alert} was drafted, but not submitted: {why}").format(alert=view.id, why=error)
