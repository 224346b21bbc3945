"""Retracting an alert: sends the retraction that was composed, stored and approved with it, word for
word (R20)."""

from typing import Any

from alertbot.alerts import (
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
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Refused
from alertbot.core.model import Composition, Message, Omission, Person, Purpose, Relation, Target, Verb
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.texts.digest import digest_of
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.publisher import effective

KIND = "correction"  # whose approvals, priority and time to live a retraction has


async def retract(
    service: Context, actor: Person, reference: str, *, submit: bool = False, now: bool = False
) -> dict[str, Any]:
    """Draft the prepared retraction; `submit` asks for approval, `now` also approves it if the rules let
    this person do so alone. Raises `Refused`, before anything is changed, if they do not or nothing
    was prepared."""
    rules.require_role("draft", actor)
    if now:
        rules.require_role(Verb.APPROVE, actor)
        _require_alone(service, reference)

    async def work(conn: Connection) -> dict[str, Any]:
        original = await following.to_take_back(conn, reference, _("retract"))
        return await views.full(conn, await _draft(service, conn, actor, original), service.now)

    view = await service.database.transact(work)
    if submit or now:
        view = await following.submitted(service, actor, view)
    if now:
        view = await approving.approve(service, actor, view["id"], view["digest"])
    return view


def _require_alone(service: Context, reference: str) -> None:
    """Raises `Refused` if one person's approval is not enough here."""
    kind = load_kind(service.publisher, KIND)
    asked = effective(kind.approvals, service.publisher.overrides.get(KIND))
    if asked.approvers > 1 or not asked.author_may_approve:
        raise Refused(
            _(
                "A retraction needs {count} approvers here: run `alertbot retract {alert} --submit`, and have"
                " it approved."
            ).format(count=asked.approvers, alert=reference)
        )


async def _draft(service: Context, conn: Connection, actor: Person, original: Alert) -> Alert:
    prepared = tuple((await store_reading.messages_of(conn, original.id, Purpose.RETRACTION)).values())
    if not prepared:
        raise Refused(
            _(
                "No retraction was prepared with {alert}: write what was wrong and what is right with"
                " `alertbot correct {alert}`."
            ).format(alert=original.id)
        )
    kind = load_kind(service.publisher, KIND)
    chain = await chains.read(service, conn, Relation.RETRACTION, [original])
    composition = _composition(kind, chain, prepared, exercise=original.exercise)
    number = await store_incidents.next_number(conn, original.incident)
    alert = await store_alerts.insert_draft(
        conn,
        _as_draft(service, kind, original, composition),
        composition,
        incident=original.incident,
        number=number,
        by=actor,
        now=service.now,
    )
    await writing.note(conn, actor, "draft", alert, service.now, retracts=original.id)
    return alert


def _composition(
    kind: Kind, chain: Chain, prepared: tuple[Message, ...], *, exercise: bool
) -> Composition:
    """The prepared texts for whom the chain reached. Channels without a prepared text are named."""
    spoken = {(one.channel, one.lang) for one in prepared}
    targets = {
        name: tuple(one for one in (_spoken(spoken, name, each) for each in group) if one)
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


def _spoken(spoken: set[tuple[str, str]], channel: str, target: Target) -> Target | None:
    """The target with a language that has a text, preferably its own."""
    langs = [lang for name, lang in sorted(spoken) if name == channel]
    if not langs:
        return None
    lang = target.lang if target.lang in langs else langs[0]
    return Target(target.address, lang, target.topics)


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
