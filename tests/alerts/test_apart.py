"""What takes long is composed outside the write transaction, and never written from what is no longer so."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from alertbot.alerts import (
    apart,
    approving,
    following,
    publishing,
    sealing,
    showing,
    store_incidents,
    store_reading,
    taking_back,
    writing,
)
from alertbot.alerts.compose import Composed
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Refused
from alertbot.core.model import Target
from alertbot.db.database import MOST_RUNS, Database
from alertbot.db.sql import Connection
from alertbot.numbers import consulting
from alertbot.watch import incidents
from tests.alerts.test_following import WRONG, published
from tests.numbers.test_register import ROWS, draft, withdraw
from tests.pausing import Pause
from tests.team import CHANNELS, Team, channel, gather

READERS = 3000


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


class Held:
    """Composing that waits in the middle until it is let go on; it counts how often it was begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.times = 0
        self._compose: Callable[..., Composed] = apart.compose_wishes
        monkeypatch.setattr(apart, "compose_wishes", self)

    def __call__(self, *given: Any, **named: Any) -> Composed:
        self.times += 1
        self.begun.set()
        assert self.go_on.wait(20)
        return self._compose(*given, **named)

    async def until_begun(self) -> None:
        async with asyncio.timeout(20):
            while not self.begun.is_set():
                await asyncio.sleep(0.005)


async def correcting(team: Team, alert: str) -> AlertView:
    said = FollowRequest(WRONG)
    return await following.correct(team.service, team.people["bo"], alert, said)


async def test_others_write_while_a_correction_to_many_readers_is_composed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = tuple(Target(f"r{n}@example.org", "en") for n in range(READERS))
    public = channel("public")
    many = replace(public, spec=replace(public.spec, per_recipient=True), targets=readers)
    team = await gather(database, (many, *CHANNELS[1:]))
    first = await team.approved("status")
    sent = "UPDATE delivery SET state = 'sent', settled_at = 1, remote_id = 'm' || id"
    await database.transact(lambda conn: conn.execute(text(sent)))
    await database.transact(lambda conn: conn.execute(text("UPDATE alert SET state = 'published'")))
    held = Held(monkeypatch)
    work = asyncio.create_task(correcting(team, first.id))
    await held.until_begun()
    begun = time.monotonic()
    for _other in range(20):  # the event loop turns, and every other writer gets in
        await database.transact(lambda conn: conn.execute(text("UPDATE incident SET title = 'seen'")))
    assert time.monotonic() - begun < 5
    assert not work.done()
    held.go_on.set()
    view = await work
    assert held.times == 1
    shown = await database.read(lambda conn: store_reading.targets_of(conn, view.id))
    assert len(shown["public"]) == READERS
    await writing.submit(team.service, team.people["ada"], view.id)
    done = await team.approve(view.id, "cy")
    assert done.state == "approved"
    assert await _rows_for_readers(database) == {("publish", 0), ("pin", 0), ("edit", 0)}


async def _rows_for_readers(database: Database) -> set[tuple[str, int]]:
    """The actions of the correction, each with how many readers lack its row, or have one that names a post of
    somebody else."""
    rows = text(
        "SELECT d.action, count(*) FROM delivery d"
        " LEFT JOIN delivery post ON post.id = d.after_id"
        " LEFT JOIN delivery earlier ON earlier.remote_id = d.remote_ref"
        " WHERE d.state = 'pending' AND d.target LIKE 'r%@example.org'"
        " AND CASE d.action WHEN 'pin' THEN post.target = d.target AND d.retry_at > 1e11"
        "  ELSE earlier.target = d.target AND d.after_id IS NULL AND d.retry_at < 1e11 END"
        " GROUP BY d.action"
    )
    found = (await database.read(lambda conn: conn.execute(rows))).all()
    return {(action, READERS - number) for action, number in found}


async def test_a_draft_whose_number_was_taken_meanwhile_is_composed_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await team.draft()
    held = Held(monkeypatch)
    late = asyncio.create_task(team.draft(incident=first.incident))
    await held.until_begun()
    held.go_on.set()
    early = asyncio.create_task(team.draft(incident=first.incident))
    views = await asyncio.gather(late, early)
    assert sorted(one.id for one in views) == [f"{first.incident}-{n}" for n in (2, 3)]
    for one in views:
        assert await _sound(team, one.id)
    assert held.times == 3


async def test_others_write_while_an_approver_looks_and_what_was_seen_is_what_counts(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many readers `show` takes seconds; a halt must not wait for it."""
    view = await team.pending()
    pause = Pause()
    sheet = showing.stored_sheet

    async def slow(*given: Any) -> Any:
        await pause.here()
        return await sheet(*given)

    monkeypatch.setattr(showing, "stored_sheet", slow)
    work = asyncio.create_task(showing.show(team.service, view.id, team.tokens["bo"]))
    async with asyncio.timeout(20):
        await pause.reached.wait()
        other = await Database.open(team.service.database.url, migrate=False)
        await other.transact(
            lambda conn: conn.execute(text("UPDATE incident SET title = 'seen'")), patience=1.0
        )
        await other.close()
        fresh = {"what_fails": {"en": "Calls to 17.", "fr": "Le 17."}}
        newer = await writing.edit(team.service, team.people["ada"], view.id, fresh, {})
        await writing.submit(team.service, team.people["ada"], view.id)
    pause.go_on.set()
    assert (await work).digest == view.digest != newer.digest
    with pytest.raises(Refused):
        await approving.approve(team.service, team.people["bo"], view.id, None)
    monkeypatch.undo()
    await showing.show(team.service, view.id, team.tokens["bo"])
    assert (await approving.approve(team.service, team.people["bo"], view.id, None)).state != "draft"


async def _sound(team: Team, alert: str) -> bool:
    """The stored texts make the digest."""

    async def look(conn: Connection) -> str | None:
        stored = await store_reading.get(conn, alert)
        said = await store_reading.stored_texts(conn, stored.id, stored.channels)
        return sealing.disagreement(stored, said, stored.digest)

    return await team.service.database.read(look) is None


async def test_a_number_that_is_withdrawn_meanwhile_is_never_written_as_it_was(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await team.register(ROWS)
    held = Held(monkeypatch)
    work = asyncio.create_task(draft(team, "01,69"))
    await held.until_begun()
    await withdraw(team, "01/pompiers")
    held.go_on.set()
    view = await work
    assert held.times == 2
    values = (await showing.show(team.service, view.id, None)).values
    withdrawn = {
        one.row.number for one in await consulting.entries(team.service, None) if one.withdrawn_at
    }
    assert withdrawn
    assert not withdrawn & {one["number"] for one in values["numbers"]}


async def test_an_edit_of_what_was_edited_meanwhile_takes_the_newer_words(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = (await team.draft()).id

    async def edit(by: str, **values: object) -> AlertView:
        return await writing.edit(team.service, team.people[by], alert, values, {})

    held = Held(monkeypatch)
    slow = asyncio.create_task(edit("bo", what_works={"en": "Calls to 15.", "fr": "Le 15."}))
    await held.until_begun()
    held.go_on.set()
    await asyncio.gather(edit("cy", what_fails={"en": "Calls to 17.", "fr": "Le 17."}), slow)
    values = (await showing.show(team.service, alert, None)).values
    assert values["what_fails"]["en"] == "Calls to 17."
    assert values["what_works"]["en"] == "Calls to 15."
    assert await _sound(team, alert)


async def test_what_never_holds_still_is_refused_and_leaves_nothing_behind(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await team.draft()
    held = Held(monkeypatch)
    held.go_on.set()

    async def number(*_given: object) -> int:
        return 100 + held.times  # each time somebody else was faster

    monkeypatch.setattr(store_incidents, "next_number", number)
    with pytest.raises(Refused, match="kept changing"):
        await team.draft(incident=first.incident)
    assert held.times == MOST_RUNS
    shown = await incidents.show(team.service, first.incident)
    assert [one.id for one in shown.alerts] == [first.id]


async def test_a_test_send_and_a_retraction_are_composed_apart_too(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await published(team)
    held = Held(monkeypatch)
    work = asyncio.create_task(publishing.test_send(team.service, team.people["ada"], first, "team"))
    await held.until_begun()
    await team.service.database.transact(
        lambda conn: conn.execute(text("UPDATE incident SET title = 'seen'"))
    )
    held.go_on.set()
    await work
    assert held.times == 1
    view = await taking_back.retract(team.service, team.people["bo"], first)
    assert await _sound(team, view.id)


async def test_the_event_loop_goes_on_while_texts_are_composed(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    ticks = 0
    work = asyncio.create_task(team.draft())
    await held.until_begun()
    for _tick in range(20):
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks == 20
    assert not work.done()
    held.go_on.set()
    assert (await work).state == "draft"


async def test_an_approval_that_meets_new_texts_signs_nothing(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await team.pending()
    await showing.show(team.service, view.id, team.tokens["bo"])
    checking, go_on = threading.Event(), threading.Event()
    check = sealing.disagreement

    def slow(*given: Any) -> str | None:
        checking.set()
        assert go_on.wait(20)
        return check(*given)

    monkeypatch.setattr(sealing, "disagreement", slow)
    work = asyncio.create_task(approving.approve(team.service, team.people["bo"], view.id, view.digest))
    async with asyncio.timeout(20):
        while not checking.is_set():
            await asyncio.sleep(0.005)
    fresh = {"what_fails": {"en": "Calls to 17.", "fr": "Le 17."}}
    await writing.edit(team.service, team.people["ada"], view.id, fresh, {})
    go_on.set()
    with pytest.raises(Refused):
        await work
    assert await team.state(view.id) == "draft"


async def test_an_edit_leaves_the_readers_of_other_alerts_alone(team: Team) -> None:
    first, second = await team.draft(), await team.draft()
    before = {
        one.id: (await showing.show(team.service, one.id, None)).targets for one in (first, second)
    }
    fresh = {"what_fails": {"en": "Calls to 17.", "fr": "Le 17."}}
    await writing.edit(team.service, team.people["ada"], first.id, fresh, {})
    for alert, targets in before.items():
        assert sum(targets.values()) > 0
        assert (await showing.show(team.service, alert, None)).targets == targets
        assert await _sound(team, alert)
