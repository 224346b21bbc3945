"""Taking back: withdrawing provisional numbers in public, by territory and service, saying which stay
(R6); and retracting, which sends the retraction that was composed, stored and approved with an alert,
word for word (R20)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from alertbot.alerts import (
    apart,
    approving,
    chains,
    following,
    store_alerts,
    store_incidents,
    store_reading,
    views,
    writing,
)
from alertbot.alerts.chains import Chain
from alertbot.alerts.compose import load_kind
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.lists.public_numbers import stop_and_stay
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import (
    Composition,
    Message,
    Omission,
    Person,
    Purpose,
    RawValues,
    Relation,
    Target,
)
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.numbers import lookup, store_numbers
from alertbot.numbers.rules_entry import Entry, NumberRow
from alertbot.people import rules, tasks
from alertbot.people.context import Context
from alertbot.people.rules import Verb
from alertbot.people.tasks import NewTask
from alertbot.texts.digest import digest_of
from alertbot.texts.kinds.catalogue import load_ready_words
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.publisher import effective

WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True)
class NumberSelection:
    """The numbers meant: all that an alert carries, or what a register query finds without `but`.
    `incident`: where the withdrawal belongs, else the incident of the last alert that gave them."""

    alert: str | None = None
    query: str = ""
    but: str = ""
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class _Withdrawable:
    """What is to be withdrawn: entries that the public was told, the alerts that gave them (newest
    first), and the names of matching entries that were never published."""

    entries: tuple[Entry, ...]
    carriers: tuple[Alert, ...]
    untold: tuple[str, ...] = ()


async def withdraw(
    service: Context, actor: Person, which: NumberSelection, said: FollowRequest
) -> AlertView:
    """Draft a withdrawal to everyone who was told the numbers. `unpublished` names matching entries that
    were never published; they stay in the register. Raises `Misuse` for a query that cannot be read,
    `Refused` if nothing can be withdrawn."""
    rules.require_role("draft", actor)
    if bool(which.alert) == bool(which.query):
        raise Misuse(
            _("Give what to withdraw: an alert, or territories or entries (--numbers 22,29/samu,N12).")
        )
    untold: list[str] = []

    async def work(conn: Connection) -> Alert:
        found = await _found(conn, which)
        untold[:] = found.untold
        original = found.carriers[0]
        filed = (
            (await store_incidents.get(conn, which.incident)).id
            if which.incident
            else original.incident
        )
        words = await _words(service, conn, found, filed)
        chain = await chains.read(service, conn, Relation.WITHDRAWAL, found.carriers)
        return await following.add(
            service, conn, actor, WITHDRAWAL, said, chain, below=words, incident=filed
        )

    view = await following.drafted(service, actor, work, said)
    return replace(view, unpublished=tuple(untold))


async def _found(conn: Connection, which: NumberSelection) -> _Withdrawable:
    if which.alert:
        return await _of_alert(conn, which)
    query, entries = await lookup.matching(conn, which.query, but=which.but)
    idle = [part.text for part in query.idle(one.row for one in entries) if part in query.wanted]
    if idle:
        raise Refused(
            _("The register has nothing for {parts}; nothing was done.").format(parts=", ".join(idle))
        )
    return await _still_withdrawable(conn, entries)


async def _of_alert(conn: Connection, which: NumberSelection) -> _Withdrawable:
    alert = await store_reading.get(conn, which.alert or "")
    await following.require_out(conn, alert, _("withdraw"))
    carried = (await store_numbers.carried(conn, [alert.id]))[alert.id]
    ids = [one.entry for one in carried if not one.struck]
    entries = await store_numbers.entries(conn, ids=ids) if ids else ()
    if which.but and entries:
        spared, _rows = await lookup.matching(conn, which.but)
        entries = tuple(one for one in entries if not spared.matches(one.row))
    if not entries:
        raise Refused(
            _("{alert} gives no numbers, so there is nothing to withdraw.").format(alert=alert.id)
        )
    if alert.exercise:
        return _Withdrawable(tuple(entries), (alert,))
    found = await _still_withdrawable(conn, entries)
    first = sorted(found.carriers, key=lambda one: one.id != alert.id)
    return replace(found, carriers=tuple(first), untold=())


async def _still_withdrawable(conn: Connection, entries: Sequence[Entry]) -> _Withdrawable:
    """The entries that the public was told and not yet told to stop calling. Raises `Refused` if there
    is none."""
    if not entries:
        raise Refused(_("There is nothing left to withdraw."))
    ids = [one.id for one in entries]
    still = await store_numbers.published_in(conn, ids, still=True)
    ever = await store_numbers.published_in(conn, ids)
    if not any(ever.values()):
        raise Refused(
            _(
                "{names} was never published. Remove it with `alertbot numbers withdraw`; the public"
                " need not be told."
            ).format(names=", ".join(one.name for one in entries))
        )
    if not any(still.values()):
        raise Refused(await public_numbers.already(conn, [one for one in ids if ever[one]]))
    names = {name for carriers in still.values() for name in carriers}
    carriers = [await store_reading.get(conn, name) for name in names]
    carriers.sort(key=lambda one: (one.drafted_at, one.number), reverse=True)
    return _Withdrawable(
        tuple(one for one in entries if still[one.id]),
        tuple(carriers),
        tuple(one.name for one in entries if not ever[one.id] and one.withdrawn_at is None),
    )


async def _words(service: Context, conn: Connection, found: _Withdrawable, incident: str) -> RawValues:
    """The texts: which numbers stop and which stay; those that stay in the places of the others are given
    again. The incident stays where it is: to these places come all that it told."""
    exercise = found.carriers[0].exercise
    known = await public_numbers.by_incident(conn, incident, service.now, exercise=exercise)
    gone = tuple(one.row for one in found.entries)
    names = {row.entry for row in gone}
    stay = tuple(row for row in known.in_force if row.entry not in names)
    places = list(dict.fromkeys(row.territory.code for row in gone))
    here = [row for row in stay if row.territory.code in places]
    return {
        "wrong_numbers": public_numbers.frozen(await _as_told(conn, found)),
        **stop_and_stay(
            load_ready_words(*service.publisher.folders).spoken(service.publisher.spoken), gone, stay
        ),
        "numbers": public_numbers.frozen(here) or None,
        "where": places,
    }


async def _as_told(conn: Connection, found: _Withdrawable) -> tuple[NumberRow, ...]:
    """The rows with the digits last given to the public, in register order."""
    carried = await store_numbers.carried(conn, [one.id for one in found.carriers])
    last: dict[int, int] = {}
    for alert in reversed(found.carriers):
        last |= {one.entry: one.version for one in carried[alert.id] if not one.struck}
    forms = await store_numbers.forms(
        conn, [(one.id, last.get(one.id, one.row.version)) for one in found.entries]
    )
    return tuple(
        forms.get((one.id, last.get(one.id, one.row.version)), one.row) for one in found.entries
    )


RETRACTED_AS = "correction"  # whose approvals, priority and time to live a retraction has
NEEDS = ("approvals", "messages")  # sections that say who must approve it; others may have faults


async def retract(
    service: Context, actor: Person, reference: str, *, submit: bool = False, now: bool = False
) -> AlertView:
    """Draft the prepared retraction; `submit` asks for approval, `now` also approves it if the rules let
    this person do so alone. Raises `Refused`, before anything is changed, if they do not or nothing
    was prepared."""
    rules.require_role("draft", actor)
    if now:
        rules.require_role(Verb.APPROVE, actor)
        _require_alone(service, reference)

    async def work(conn: Connection) -> AlertView:
        original = await following.to_take_back(conn, reference, _("retract"))
        drafted = await _draft(service, conn, actor, original)
        if now and not drafted.approvals.author_may_approve:
            raise Refused(_not_sent(original))
        if now and not drafted.channels:
            raise Refused(_nowhere(original, drafted))
        await tasks.raise_all(service, conn, _untold(service, original, drafted))
        return await views.full(conn, drafted, service.now)

    view = await service.database.transact(work)
    if submit or now:
        view = await following.submitted(service, actor, view)
    if now:
        view = await approving.approve(service, actor, view.id, view.digest)
    return view


def _require_alone(service: Context, reference: str) -> None:
    """Raises `Refused` if one person's approval is not enough here."""
    kind = load_kind(service.publisher, RETRACTED_AS)
    asked = effective(kind.approvals, service.publisher.overrides.get(RETRACTED_AS))
    if asked.approvers > 1 or not asked.author_may_approve:
        raise Refused(
            _(
                "A retraction needs {count} approvers here. Use `alertbot retract {alert}"
                " --submit`, and have it approved."
            ).format(count=asked.approvers, alert=reference)
        )


def _not_sent(original: Alert) -> str:
    return _(
        "Nothing of {alert} was sent by this program after an approval, so that a second person"
        " must approve its retraction. Use `alertbot retract {alert} --submit`."
    ).format(alert=original.id)


def _nowhere(original: Alert, drafted: Alert) -> str:
    return _(
        "The retraction of {alert} can go out on no channel: {reasons}. Nothing was done; mend that, then retract"
        " it again."
    ).format(alert=original.id, reasons="; ".join(one.reason for one in drafted.omitted) or "–")


def _untold(service: Context, original: Alert, drafted: Alert) -> list[NewTask]:
    """One task for each channel whose readers the retraction cannot reach because of a fault in its settings."""
    sentence = _(
        "{alert} was retracted by {retraction}, but not on {channel}: its settings had a fault. Mend it, then tell its"
        " readers: alertbot correct {retraction}"
    )
    return [
        NewTask(
            key=f"untold:{drafted.id}:{one.channel}"[:200],
            kind="untold",
            text=sentence.format(alert=original.id, retraction=drafted.id, channel=one.channel),
            alert=drafted.id,
            incident=drafted.incident,
        )
        for one in drafted.omitted
        if chains.is_unusable(service.publisher, one.channel)
    ]


async def _draft(service: Context, conn: Connection, actor: Person, original: Alert) -> Alert:
    prepared = tuple((await store_reading.messages_of(conn, original.id, Purpose.RETRACTION)).values())
    if not prepared:
        raise Refused(
            _(
                "{alert} has no prepared retraction. Write what was wrong and what is right with"
                " `alertbot correct {alert}`."
            ).format(alert=original.id)
        )
    kind = load_kind(service.publisher, RETRACTED_AS)
    chain = await chains.read(service, conn, Relation.RETRACTION, [original])
    composition = apart.worked_out(
        f"texts of the retraction of {original.id}",
        (chain, prepared),
        partial(_composition, kind, chain, prepared, exercise=original.exercise),
    )
    number = await store_incidents.next_number(conn, original.incident)
    alert = await store_alerts.insert_draft(
        conn,
        _as_draft(service, kind, original, composition),
        composition,
        incident=original.incident,
        number=number,
        by=actor,
        now=service.now,
        originals=[original],
    )
    left = {one.channel: one.reason for one in composition.omitted}
    more = {"left_out": left} if left else {}
    await writing.note(conn, actor, "draft", alert, service.now, retracts=original.id, **more)
    return alert


def _composition(
    kind: Kind, chain: Chain, prepared: tuple[Message, ...], *, exercise: bool
) -> Composition:
    """The prepared texts for whom the chain reached. Channels without a prepared text are named."""
    spoken = {(one.channel, one.lang) for one in prepared}
    targets = {
        name: tuple(dict.fromkeys(one for each in group for one in _spoken_to(spoken, name, each)))
        for name, group in chain.targets.items()
    }
    silent = [name for name, group in targets.items() if not group]
    targets = {name: group for name, group in targets.items() if group}
    texts = tuple(one for one in prepared if one.channel in targets)
    left = tuple(Omission(name, None, _("no retraction was prepared for it")) for name in silent)
    return Composition(
        kind=kind.name,
        digest=digest_of(kind.name, texts, targets, exercise=exercise),
        messages=texts,
        targets=targets,
        omitted=(*chain.lost, *left),
    )


def _spoken_to(spoken: set[tuple[str, str]], channel: str, target: Target) -> Iterator[Target]:
    """The target with a language that has a text, preferably its own; with each if it gets every language."""
    langs = [lang for name, lang in sorted(spoken) if name == channel]
    if target.lang is not None:
        langs = [target.lang] if target.lang in langs else langs[:1]
    for lang in langs:
        yield Target(target.address, lang, target.topics)


def _as_draft(
    service: Context, kind: Kind, original: Alert, composition: Composition
) -> store_alerts.Draft:
    return store_alerts.Draft(
        kind=kind.name,
        exercise=original.exercise,
        languages=original.languages,
        channels=tuple(composition.targets),
        given={},
        raw={},
        accepted={},
        approvals=effective(kind.approvals, service.publisher.overrides.get(kind.name)),
        priority=kind.priority,
        ttl=kind.ttl,
        when_uncertain=kind.when_uncertain,
        references=(original.id,),
        relation=Relation.RETRACTION,
        original=original.id,
    )
