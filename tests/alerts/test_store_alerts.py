"""Alerts are written down as they were composed, and two people at once never both win."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.alerts import store_alerts, store_incidents, store_reading
from alertbot.alerts.rules_policy import approvals_left, approved_enough
from alertbot.alerts.store_alerts import Draft
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import (
    AlertState,
    Approvals,
    Composition,
    Fault,
    Measure,
    Message,
    Omission,
    Person,
    Purpose,
    Role,
    Target,
    WhenUncertain,
)
from alertbot.db import audit
from alertbot.db.database import Database
from alertbot.delivery import store_outbox
from alertbot.people import store_people
from alertbot.people.rules import Verb
from alertbot.texts.digest import digest_of

NOW = datetime(2021, 6, 2, 16, 45, 0, 250000, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
HALF_HOUR = timedelta(minutes=30)

SHORT = Message(
    channel="x_main",
    type="x",
    lang="fr",
    part=1,
    parts=1,
    text="Le 15 ne répond pas partout. 😀",
    html=None,
    subject=None,
    length=31,
    limit=280,
    measure=Measure.WEIGHTED,
    has_link=True,
)
LONG = replace(
    SHORT,
    channel="press",
    type="email",
    html="<p>…</p>",
    subject="Alerte",
    limit=None,
    measure=Measure.CHARACTERS,
)
COMPOSITION = Composition(
    kind="holding",
    digest="a" * 64,
    messages=(SHORT, LONG),
    targets={
        "x_main": (Target("@example"),),
        "press": (Target("a@example.org", "fr", ("press",)), Target("b@example.org", "en")),
    },
    faults=(Fault("missing", "what_fails is missing", field="what_fails"),),
    warnings=(Fault("untranslated", "…", lang="en"),),
    omitted=(Omission("x_main", "en", "--lang fr"),),
    promised=(NOW + HALF_HOUR,),
)
DRAFT = Draft(
    kind="holding",
    exercise=False,
    languages=("fr",),
    channels=("x_main", "press"),
    given={"since": "2021-06-02T16:45:00+02:00", "what_fails": {"fr": "é"}},
    raw={"since": "now"},
    accepted={"parity": "names differ"},
    approvals=Approvals(2, False, HALF_HOUR),
    priority=30,
    ttl=timedelta(hours=2),
    when_uncertain=WhenUncertain.ASK,
    not_before=NOW,
    references=("BKRT-1",),
)


class Desk:
    """A database with three approvers, and alerts on demand."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def open(self) -> "Desk":
        async def hire(conn: AsyncConnection) -> list[Person]:
            roles = (Role.AUTHOR, Role.APPROVER)
            ada, _t = await store_people.add(conn, "Ada", roles, by=None, now=NOW)
            ben, _t = await store_people.add(conn, "Ben", roles, by=ada, now=NOW)
            await store_people.add(conn, "Cid", roles, by=ada, now=NOW)
            cid = await store_people.confirm(conn, "Cid", by=ben, now=NOW)
            await store_people.rotate(conn, "Cid", by=cid, now=NOW)
            cid = await store_people.confirm(conn, "Cid", by=ben, now=NOW, own_token=True)
            return [ada, ben, cid]

        self.ada, self.ben, self.cid = await self.database.transact(hire)
        return self

    async def draft(self, incident: str | None = None, at: datetime = NOW) -> Alert:
        async def work(conn: AsyncConnection) -> Alert:
            where = incident or (await store_incidents.start(conn, by=self.ada, now=at)).id
            number = await store_incidents.next_number(conn, where)
            return await store_alerts.insert_draft(
                conn, DRAFT, COMPOSITION, incident=where, number=number, by=self.ada, now=at
            )

        return await self.database.transact(work)

    async def pending(self) -> Alert:
        drafted = await self.draft()
        return await self.write(store_alerts.submit, drafted, by=self.ada, now=NOW)

    async def write(self, function: Any, *given: Any, **named: Any) -> Any:
        return await self.database.transact(lambda conn: function(conn, *given, **named))

    async def read(self, function: Any, *given: Any, **named: Any) -> Any:
        return await self.database.read(lambda conn: function(conn, *given, **named))


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).open()


async def test_a_draft_reads_back_as_it_was_written(desk: Desk) -> None:
    alert = await desk.draft()
    assert alert == await desk.read(store_reading.get, alert.id)
    assert alert.id == f"{alert.incident}-1"
    assert alert.state is AlertState.DRAFT
    assert alert.revision == 1
    assert alert.author_id == alert.last_editor_id == desk.ada.id
    assert alert.drafted_at == NOW
    for name in ("languages", "channels", "given", "raw", "accepted", "approvals", "priority"):
        assert getattr(alert, name) == getattr(DRAFT, name)
    for name in ("ttl", "when_uncertain", "not_before", "references", "kind", "exercise"):
        assert getattr(alert, name) == getattr(DRAFT, name)
    for name in ("digest", "promised", "faults", "warnings", "omitted"):
        assert getattr(alert, name) == getattr(COMPOSITION, name)


async def test_texts_and_targets_read_back_so_that_the_digest_can_be_made_anew(desk: Desk) -> None:
    alert = await desk.draft()
    messages = await desk.read(store_reading.messages_of, alert.id)
    assert tuple(messages.values()) == COMPOSITION.messages
    assert await desk.read(store_reading.targets_of, alert.id) == COMPOSITION.targets


async def test_the_digest_made_anew_is_the_one_signed(desk: Desk) -> None:
    alert = await desk.draft()
    targets = {"x_main": (), "press": COMPOSITION.targets["press"]}  # a channel may have nobody
    signed = digest_of("holding", (LONG,), targets, exercise=False)
    changed = replace(COMPOSITION, digest=signed, messages=(LONG,), targets=targets)
    edited = await desk.write(store_alerts.replace, alert, DRAFT, changed, by=desk.ada, now=NOW)
    messages = (await desk.read(store_reading.messages_of, alert.id)).values()
    stored = await desk.read(store_reading.targets_of, alert.id)
    assert digest_of(edited.kind, messages, stored, exercise=edited.exercise) == signed


async def test_alerts_of_one_incident_are_numbered(desk: Desk) -> None:
    first = await desk.draft()
    second = await desk.draft(first.incident, LATER)
    assert second.id == f"{first.incident}-2"
    found = await desk.read(store_reading.listing, incident=first.incident.lower())
    assert [one.id for one in found] == [second.id, first.id]
    assert await desk.read(store_reading.listing, states=[AlertState.PENDING]) == ()
    assert await desk.read(store_reading.listing, limit=1) == (second,)


async def test_an_alert_is_found_by_any_beginning_that_is_enough(desk: Desk) -> None:
    first = await desk.draft()
    for reference in (first.id, first.id.lower(), first.incident, f" {first.id[:5]} "):
        assert (await desk.read(store_reading.get, reference)).id == first.id
    second = await desk.draft(first.incident)
    assert (await desk.read(store_reading.get, second.id)).id == second.id
    with pytest.raises(Misuse, match=f"{first.id}, {second.id}"):
        await desk.read(store_reading.get, first.incident)


@pytest.mark.parametrize("reference", ["", " ", "BCD", "AEIO-1", "%", "_", "x" * 500])
async def test_an_unknown_alert_is_named(desk: Desk, reference: str) -> None:
    await desk.draft()
    with pytest.raises(Misuse, match="There is no alert"):
        await desk.read(store_reading.get, reference)


async def test_submit_waits_as_long_as_approvals_last(desk: Desk) -> None:
    alert = await desk.pending()
    assert alert.state is AlertState.PENDING
    assert alert.submitter_id == desk.ada.id
    assert alert.pending_until == NOW + HALF_HOUR
    assert await desk.read(store_reading.overdue, now=NOW) == ()
    assert await desk.read(store_reading.overdue, now=NOW + HALF_HOUR) == (alert,)


async def test_two_signatures_approve(desk: Desk) -> None:
    alert = await desk.pending()
    signed = await desk.write(store_alerts.sign, alert, desk.ben, now=NOW)
    assert approvals_left(alert, signed, NOW) == 1
    signed = await desk.write(store_alerts.sign, alert, desk.cid, now=NOW)
    assert [one.person for one in signed] == [desk.ben, desk.cid]
    assert [one.digest for one in signed] == [alert.digest] * 2
    assert signed[0].expires_at == NOW + HALF_HOUR
    assert approved_enough(alert, signed, NOW)
    approved = await desk.write(store_alerts.approve, alert, now=LATER)
    assert approved.state is AlertState.APPROVED
    assert approved.approved_at == LATER


async def test_of_two_who_sign_at_once_the_second_sees_the_first(desk: Desk) -> None:
    alert = await desk.pending()
    both = await asyncio.gather(
        desk.write(store_alerts.sign, alert, desk.ben, now=NOW),
        desk.write(store_alerts.sign, alert, desk.cid, now=NOW),
    )
    assert sorted(approvals_left(alert, signed, NOW) for signed in both) == [0, 1]


async def test_a_signature_falls_away_with_its_person(desk: Desk) -> None:
    alert = await desk.pending()
    await desk.write(store_alerts.sign, alert, desk.cid, now=NOW)
    await desk.write(store_people.revoke, "Cid", by=desk.ada, now=NOW)
    signed = await desk.read(store_reading.approvals_of, alert.id, now=NOW)
    assert approvals_left(alert, signed, NOW) == 2


async def test_an_edit_voids_approvals_and_keeps_the_old_texts_for_the_record(desk: Desk) -> None:
    alert = await desk.pending()
    await desk.write(store_alerts.sign, alert, desk.ben, now=NOW)
    changed = replace(
        COMPOSITION, digest="b" * 64, messages=(LONG,), targets={"press": (Target("c@example.org"),)}
    )
    draft = replace(DRAFT, priority=10)
    edited = await desk.write(store_alerts.replace, alert, draft, changed, by=desk.cid, now=LATER)
    assert edited.state is AlertState.DRAFT
    assert (edited.revision, edited.digest, edited.priority) == (2, "b" * 64, 10)
    assert (edited.author_id, edited.last_editor_id) == (desk.ada.id, desk.cid.id)
    assert edited.submitter_id is edited.pending_until is edited.submitted_at is None
    assert (edited.drafted_at, edited.composed_at) == (NOW, LATER)
    assert tuple((await desk.read(store_reading.messages_of, alert.id)).values()) == (LONG,)
    targets = await desk.read(store_reading.targets_of, alert.id)
    assert targets == {"x_main": (), "press": (Target("c@example.org"),)}
    signed = await desk.read(store_reading.approvals_of, alert.id, now=NOW)
    assert [one.void for one in signed] == [True]


async def test_an_edit_takes_broken_glass_back(desk: Desk) -> None:
    alert = await desk.pending()
    broken = await desk.write(store_alerts.break_glass, alert, by=desk.ada, reason="night", now=NOW)
    edited = await desk.write(store_alerts.replace, broken, DRAFT, COMPOSITION, by=desk.ada, now=NOW)
    assert edited.break_glass_by is edited.break_glass_reason is edited.approved_at is None


async def test_broken_glass_stays_open_until_countersigned(desk: Desk) -> None:
    alert = await desk.pending()
    broken = await desk.write(store_alerts.break_glass, alert, by=desk.ada, reason="night", now=NOW)
    assert broken.state is AlertState.APPROVED
    assert broken.open_glass
    assert broken.break_glass_reason == "night"
    assert await desk.read(store_reading.open_glass) == (broken,)
    signed = await desk.write(store_alerts.countersign, broken, by=desk.ben, now=LATER)
    assert (signed.countersigned_by, signed.countersigned_at) == (desk.ben.id, LATER)
    assert not signed.open_glass
    assert await desk.read(store_reading.open_glass) == ()


@pytest.mark.parametrize("verb", [Verb.RETURN, Verb.REJECT, Verb.DISCARD, Verb.EXPIRE])
async def test_a_reason_is_kept(desk: Desk, verb: Verb) -> None:
    alert = await desk.pending()
    moved = await desk.write(store_alerts.advance, alert, verb, reason="the number is wrong")
    assert moved.reason == "the number is wrong"
    assert moved == await desk.read(store_reading.get, alert.id)


async def test_a_move_that_does_not_exist_changes_nothing(desk: Desk) -> None:
    alert = await desk.draft()
    with pytest.raises(Refused, match="is a draft and cannot be approved"):
        await desk.write(store_alerts.approve, alert, now=NOW)
    assert await desk.read(store_reading.get, alert.id) == alert


async def test_of_two_at_once_one_wins_and_the_other_is_told(desk: Desk) -> None:
    alert = await desk.pending()
    results = await asyncio.gather(
        desk.write(store_alerts.advance, alert, Verb.REJECT, reason="no"),
        desk.write(store_alerts.advance, alert, Verb.RETURN, reason="not yet"),
        desk.write(store_alerts.replace, alert, DRAFT, COMPOSITION, by=desk.ben, now=NOW),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 2
    assert all("Someone else has just changed" in str(refusal) for refusal in refused)


async def test_a_person_and_a_worker_never_wait_for_each_other(desk: Desk) -> None:
    """A worker writes outcomes into the audit and then moves the alert; a person the other way round."""
    alert = await desk.pending()

    async def note(conn: AsyncConnection) -> None:
        await audit.append(conn, actor="alertbot", verb="sent", at=NOW, alert=alert.id)
        if conn.dialect.name == "sqlite":  # runs in a thread, one after the other
            time.sleep(0.02)  # noqa: ASYNC251
        else:
            await asyncio.sleep(0.02)

    async def worker(conn: AsyncConnection) -> None:
        await note(conn)
        await store_reading.get(conn, alert.id, lock=True)

    async def person(conn: AsyncConnection) -> None:
        await store_reading.get(conn, alert.id, lock=True)
        await note(conn)

    both = (desk.database.transact(work) for work in (worker, person) * 3)
    await asyncio.gather(*both)
    assert (await desk.read(audit.verify)).whole


async def test_nobody_signs_what_has_been_edited_meanwhile(desk: Desk) -> None:
    alert = await desk.pending()
    edited = await desk.write(store_alerts.replace, alert, DRAFT, COMPOSITION, by=desk.ada, now=NOW)
    await desk.write(store_alerts.submit, edited, by=desk.ada, now=NOW)
    with pytest.raises(Refused, match="Someone else"):
        await desk.write(store_alerts.sign, alert, desk.ben, now=NOW)
    assert all(a.void for a in await desk.read(store_reading.approvals_of, alert.id, now=NOW))


async def test_what_a_person_was_shown_last_is_known(desk: Desk) -> None:
    alert = await desk.draft()
    assert await desk.read(store_reading.shown_to, desk.ben.id, alert.id) is None
    await desk.write(store_alerts.note_shown, desk.ben, replace(alert, digest="b" * 64), now=NOW)
    await desk.write(store_alerts.note_shown, desk.ben, alert, now=LATER)
    assert await desk.read(store_reading.shown_to, desk.ben.id, alert.id) == alert.digest
    assert await desk.read(store_reading.shown_to, desk.cid.id, alert.id) is None


async def test_posts_made_by_hand_are_recorded(desk: Desk) -> None:
    alert = await desk.draft()
    post = {"channel": "x_main", "url": "https://example.org/1", "remote_id": "1"}
    await desk.write(store_alerts.note_record, alert, **post, by=desk.ben, now=NOW)
    (found,) = await desk.read(store_reading.records_of, alert.id)
    assert found == store_reading.Record(**post, person_id=desk.ben.id, at=NOW)


async def test_tests_and_notices_are_no_part_of_the_publication(desk: Desk) -> None:
    alert = await desk.draft()
    ids = await desk.write(store_outbox.add, alert.id, alert.revision, [LONG, SHORT], Purpose.TEST)
    tests = await desk.read(store_reading.messages_of, alert.id, Purpose.TEST)
    assert tests == dict(zip(ids, (LONG, SHORT), strict=True))
    publication = await desk.read(store_reading.messages_of, alert.id)
    assert tuple(publication.values()) == COMPOSITION.messages


async def test_an_alert_may_have_no_text_and_no_author_yet(desk: Desk) -> None:
    async def work(conn: AsyncConnection) -> Alert:
        opened = await store_incidents.start(conn, by=None, now=NOW)
        empty = Composition(kind="holding", digest="c" * 64, messages=(), targets={})
        return await store_alerts.insert_draft(
            conn, DRAFT, empty, incident=opened.id, number=1, by=None, now=NOW
        )

    alert = await desk.database.transact(work)
    assert alert.hands == frozenset()
    assert await desk.read(store_reading.messages_of, alert.id) == {}
