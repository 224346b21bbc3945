"""After the first post: update, correct, cancel, end. Each makes a draft of an alert that follows another."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alertbot.approval import policy
from alertbot.approval.moves import state_word
from alertbot.approval.policy import effective
from alertbot.errors import Faulty, Refused
from alertbot.model import AlertState, Person, Relation
from alertbot.service import chains, drafting, rivals, told, views, writing
from alertbot.service.chains import Chain
from alertbot.service.composing import load_kind
from alertbot.service.context import Context
from alertbot.service.inheriting import inherited
from alertbot.service.wishes import Wishes
from alertbot.store import following, incidents, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _

CORRECTION, WITHDRAWAL, DENIAL, END, STATUS = "correction", "withdrawal", "denial", "end", "status"
Work = Callable[[Connection], Awaitable[Alert]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a person gives with one of these verbs. `submit`: ask for approval at once."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    accepted: Mapping[str, str] = field(default_factory=dict)
    submit: bool = False


async def update(
    service: Context, actor: Person, reference: str, said: Said, *, kind: str | None = None
) -> dict[str, Any]:
    """Follow an alert up in place. Raises `Refused` for one that never went out."""
    policy.require_role("draft", actor)

    async def work(conn: Connection) -> Alert:
        original = await reading.get(conn, reference)
        await require_out(conn, original, _("update"))
        wanted = kind or _kind_of_update(service, original)
        chain = await chains.read(service, conn, Relation.UPDATE, [original])
        return await add(service, conn, actor, wanted, said, chain)

    return await drafted(service, actor, work, said)


async def correct(
    service: Context, actor: Person, reference: str, said: Said, *, wrong: Sequence[str] = ()
) -> dict[str, Any]:
    """Say what was wrong and what is right, to everybody whom the alert reached (R20, R22). `wrong`: the
    entries of the register (`N12`) that the alert carries and that must not be called any more."""
    policy.require_role("draft", actor)

    async def work(conn: Connection) -> Alert:
        original = await to_take_back(conn, reference, _("correct"))
        words = told.apart(original, wrong)
        chain = await chains.read(service, conn, Relation.CORRECTION, [original])
        return await add(service, conn, actor, CORRECTION, said, chain, below=words)

    return await drafted(service, actor, work, said)


async def cancel(
    service: Context, actor: Person, reference: str, text: object, said: Said
) -> dict[str, Any]:
    """A public denial of a false alert. `text`: the words for every language, or one per language.

    Raises `Refused` without words for the public: a technical cancel is not a correction (R21).
    """
    policy.require_role("draft", actor)
    if not text:
        raise Refused(
            _(
                "A false alert is denied in public: say what is true with --text (R21); nothing was done."
            )
        )

    async def work(conn: Connection) -> Alert:
        original = await to_take_back(conn, reference, _("cancel"))
        chain = await chains.read(service, conn, Relation.CANCEL, [original])
        words = _denied(service, original, text)
        return await add(service, conn, actor, DENIAL, said, chain, below=words)

    return await drafted(service, actor, work, said)


def _denied(service: Context, original: Alert, text: object) -> dict[str, Any]:
    """What the denial of an alert says: that what it said is wrong, what is true, and that nothing it
    named has failed."""
    from alertbot.compose.ready_words import load_ready_words

    words = load_ready_words(*service.voice.folders)
    wrong = original.given.get("what_was_wrong") or original.given.get("what_fails")
    said = {"what_was_wrong": wrong} if wrong else {}
    return {
        **said,
        "what_is_right": text,
        "what_fails": words.each("nothing_failed"),
        "what_works": words.each("all_works"),
        "what_to_do": words.each("disregard"),
    }


async def end(service: Context, actor: Person, incident: str, said: Said) -> dict[str, Any]:
    """Close an incident in public. Raises `Refused` for one that has ended, or of which nothing went out."""
    policy.require_role("draft", actor)

    async def work(conn: Connection) -> Alert:
        from alertbot.service import withdrawing

        opened = await incidents.get(conn, incident)
        await rivals.require_open(conn, opened.id)
        _require_over(opened)
        out = await reading.listing(conn, incident=opened.id, states=drafting.OUT)
        if not out:
            raise Refused(
                _("Nothing of incident {incident} went out: there is nothing to end.").format(
                    incident=opened.id
                )
            )
        chain = await chains.read(service, conn, Relation.END, out[:1])
        words = await withdrawing.of_incident(service, conn, opened.id, exercise=out[0].exercise)
        return await add(service, conn, actor, END, said, chain, below=words)

    return await drafted(service, actor, work, said)


def _require_over(opened: incidents.Incident) -> None:
    """R11: a watched incident ends in public once it is resolved, which takes a confirmation by the
    services concerned and a watch period."""
    if opened.state in (None, "resolved"):
        return
    raise Refused(
        _(
            "{id} is {state}: it ends once it is resolved (R11). Say who of the services concerned confirms"
            " it: alertbot incident set {id} resolved --confirmed-by …"
        ).format(id=opened.id, state=opened.state)
    )


async def to_take_back(conn: Connection, reference: str, verb: str) -> Alert:
    original = await reading.get(conn, reference)
    await require_out(conn, original, verb)
    await rivals.require_not_taken_back(conn, original)
    return original


async def require_out(conn: Connection, alert: Alert, verb: str) -> None:
    """Raises `Refused` for an alert of which nothing reached anybody, by the program or by hand."""
    reached = await following.posts(conn, [alert.id]) or await reading.records_of(conn, alert.id)
    if reached or alert.state is AlertState.PUBLISHING:
        return
    if alert.state is AlertState.APPROVED:
        raise Refused(
            _(
                "{alert} is approved and nothing of it has gone out yet: stop it with `alertbot halt"
                " {alert}`, or change it with `alertbot edit {alert}`."
            ).format(alert=alert.id)
        )
    raise Refused(
        _("{alert} never went out ({state}): there is nothing to {verb}.").format(
            alert=alert.id, state=state_word(alert.state), verb=verb
        )
    )


def _kind_of_update(service: Context, original: Alert) -> str:
    """The same kind again where that is one of those that go on, else the state of things."""
    if original.kind in ("holding", "apology"):
        return STATUS
    return STATUS if load_kind(service.voice, original.kind)[0].final else original.kind


async def add(
    service: Context,
    conn: Connection,
    actor: Person,
    kind: str,
    said: Said,
    chain: Chain,
    *,
    below: Mapping[str, Any] | None = None,
    incident: str | None = None,
) -> Alert:
    """A draft of this kind: what it takes over, under what the verb says, under what the person says."""
    original = chain.originals[0]
    found = load_kind(service.voice, kind)[0]
    wait = effective(found.approvals, service.voice.overrides.get(kind)).expires_after
    given = inherited(original.given, found, chain.relation, now=service.now, wait=wait)
    if "numbers" in given:
        given["numbers"] = await told.still_in_force(conn, given["numbers"], service.now) or None
    words = {name: value for name, value in (below or {}).items() if found.field(name)}
    taken_over = drafting.overlay(given, words)
    if said.changes.keys() & {"territories", "services"}:
        taken_over.pop("numbers", None)  # the person asks the register anew
    wishes = Wishes(
        kind=kind,
        given=drafting.overlay(taken_over, said.changes),
        languages=original.languages,
        accepted=said.accepted,
        exercise=original.exercise,
    )
    return await writing.add(
        service,
        conn,
        actor,
        wishes,
        incident=incident or original.incident,
        references=chain.references,
        chain=chain,
    )


async def drafted(service: Context, actor: Person, work: Work, said: Said) -> dict[str, Any]:
    async def write(conn: Connection) -> dict[str, Any]:
        return await views.full(conn, await work(conn), service.now)

    view = await service.database.transact(write)
    return await submitted(service, actor, view) if said.submit else view


async def submitted(service: Context, actor: Person, view: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for approval of a fresh draft. Where that is refused the draft stays, and the sentence says so."""
    try:
        return await drafting.submit(service, actor, view["id"])
    except Faulty as error:
        raise Faulty(_kept(view, error), error.faults) from None
    except Refused as error:
        raise Refused(_kept(view, error)) from None


def _kept(view: Mapping[str, Any], error: Refused) -> str:
    return _("{alert} is drafted, but not submitted: {why}").format(alert=view["id"], why=error)
