"""Erasing addresses: nothing says them any more, everything still agrees, and nobody who was erased is written to."""

import asyncio
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from alertbot.alerts import following, publishing, showing, store_incidents, writing
from alertbot.alerts.addresses import erasing
from alertbot.alerts.following import FollowRequest
from alertbot.channels import base
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.core.errors import AlertbotError, Misuse, Refused, Uncertain
from alertbot.core.model import Channel, Post, Target
from alertbot.core.target_list import is_erased
from alertbot.db import backup
from alertbot.db.database import Database
from alertbot.delivery import store_suppressed
from alertbot.delivery.views import Suppressed
from alertbot.ops import archive, overview
from alertbot.people import recipients
from tests.delivery.scene import NullAdapter
from tests.effort import examples
from tests.team import CHANNELS, Team, gather

VICTIM = "Mme.Durand@example.org"
OTHERS = ("b@example.org", "c@example.org")
SEAL = RecipientSeal("press", "a-secret-of-the-links-for-the-tests-only")


def press(*addresses: str) -> Channel:
    return Channel(
        "press", base.EMAIL, ("fr", "en"), targets=tuple(Target(one, "fr") for one in addresses)
    )


WRONG = {
    "what_was_wrong": {"fr": "le 112 marche", "en": "112 works"},
    "what_is_right": {"fr": "le 112 est coupé", "en": "112 is cut off"},
}
LIST = press(VICTIM, *OTHERS)


async def mailing(database: Database, answer: Any = None) -> Team:
    """A team with a list of mail."""
    team = await gather(database, (*CHANNELS, LIST))
    team.adapters["press"] = NullAdapter(LIST, answer)  # type: ignore[assignment]
    return team


@pytest.fixture
async def team(database: Database) -> Team:
    return await mailing(database)


async def erased(team: Team, *addresses: str, **options: Any) -> erasing.ErasedView:
    options.setdefault("reason", "asked by letter")
    return await erasing.erase(
        team.service, team.people["bo"], addresses or (VICTIM,), options.pop("reason"), **options
    )


async def verdict(team: Team) -> tuple[str, ...]:
    return (await overview.audit_verify(team.service, None)).problems


async def told(team: Team, alert: str) -> list[str]:
    """Where the mails of an alert went."""
    seen = await overview.deliveries(team.service, alert, None, None, channel="press")
    return [one.target for one in seen]


async def settled(team: Team) -> None:
    """A person has looked: what was uncertain was not sent."""
    for one in await overview.deliveries(team.service, None, "uncertain", None):
        await publishing.settle(team.service, team.people["cy"], one.id, "drop", None)


def to_victim(team: Team) -> int:
    return sum(post.target.lower() == VICTIM.lower() for post in team.adapters["press"].posts)


async def everything(team: Team) -> str:
    """All that the tables say, as one text."""
    found: list[str] = []
    for table in ("target", "delivery", "suppression", "bounce", "pace", "audit", "message", "task"):
        read = text(f"SELECT * FROM {table}")
        rows = await team.service.database.read(lambda conn, read=read: conn.execute(read))
        found += [str(tuple(row)) for row in rows]
    return "\n".join(found).lower()


async def test_an_erased_address_is_nowhere_and_everything_agrees(team: Team) -> None:
    alert = (await team.approved()).id
    await team.work()
    before = await told(team, alert)
    digest = (await showing.brief(team.service, alert)).digest
    assert VICTIM in before
    shown = await erased(team, VICTIM.lower(), dry_run=True, reason=None)
    assert (shown.alerts, shown.targets, shown.deliveries, shown.asked) == (1, 1, 1, 1)
    assert await told(team, alert) == before
    done = await erased(team, VICTIM.lower())
    assert (done.alerts, done.targets, done.deliveries) == (1, 1, 1)
    assert done.stays == ()
    after = await told(team, alert)
    assert [is_erased(one) for one in after] == [one == VICTIM for one in before]
    assert VICTIM.lower() not in await everything(team)
    assert await verdict(team) == ()
    assert (await showing.brief(team.service, alert)).digest == digest
    rows = await overview.audit_export(team.service)
    [asked] = [row for row in rows if row["verb"] == "recipients-erase"]
    [taken] = [row for row in rows if row["verb"] == "addresses-erased"]
    assert asked["actor"] == "bo"
    assert asked["detail"]["why"] == "asked by letter"
    assert taken["alert"] == alert
    assert (taken["detail"]["targets"], taken["detail"]["deliveries"]) == (1, 1)
    again = await erased(team)
    assert (again.asked, again.targets, again.deliveries) == (0, 0, 0)


async def test_what_is_changed_after_an_erasure_still_shows(team: Team) -> None:
    alert = (await team.approved()).id
    await team.work()
    await erased(team)
    assert await verdict(team) == ()
    database = team.service.database
    mine = {"alert": alert}
    for change, back in (
        ("UPDATE message SET text = text || '!' WHERE alert_id = :alert",
         "UPDATE message SET text = substr(text, 1, length(text) - 1) WHERE alert_id = :alert"),
        ("UPDATE target SET address = 'x' || address WHERE alert_id = :alert AND address = 'b@example.org'",
         "UPDATE target SET address = 'b@example.org' WHERE alert_id = :alert AND address = 'xb@example.org'"),
        ("UPDATE target SET address = replace(address, 'erased:', 'erased:0') WHERE alert_id = :alert",
         "UPDATE target SET address = replace(address, 'erased:0', 'erased:') WHERE alert_id = :alert"),
        ("UPDATE alert SET named = content WHERE id = :alert", None),
    ):  # fmt: skip
        await database.transact(lambda conn, one=change: conn.execute(text(one), mine))
        assert await verdict(team) != (), change
        if back is not None:
            await database.transact(lambda conn, one=back: conn.execute(text(one), mine))
            assert await verdict(team) == ()


async def test_an_alert_of_an_older_program_is_sealed_when_its_first_address_is_erased(
    team: Team,
) -> None:
    """Its terms say nothing of pseudonyms; the chain does since the erasure."""
    import alertbot.alerts.sealing as module

    signed = module.NAMED
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "NAMED", "not-this")
        alert = (await team.approved()).id
    assert signed == "named"
    await team.work()
    done = await erased(team)
    assert done.targets == 1
    assert await verdict(team) == ()
    change = text("UPDATE message SET text = text || '!' WHERE alert_id = :alert")
    await team.service.database.transact(lambda conn: conn.execute(change, {"alert": alert}))
    assert await verdict(team) != ()


async def test_an_alert_that_was_changed_beside_the_program_is_left_for_people_to_look_at(
    team: Team,
) -> None:
    alert = (await team.approved()).id
    await team.work()
    change = text("UPDATE message SET text = text || '!' WHERE alert_id = :alert")
    await team.service.database.transact(lambda conn: conn.execute(change, {"alert": alert}))
    done = await erased(team)
    assert done.targets == 0
    [stays] = done.stays
    assert (stays.alert, "audit verify" in stays.why) == (alert, True)


async def test_who_is_erased_is_written_to_no_more_and_leaves_later_alerts_too(team: Team) -> None:
    await team.approved()
    await team.work()
    await erased(team)
    sent = to_victim(team)
    later = (await team.approved(new_incident=True)).id
    await team.work()
    assert to_victim(team) == sent
    states = [one.state for one in await overview.deliveries(team.service, later, None, None)]
    assert "skipped" in states
    assert VICTIM in await told(team, later)  # the list still says it
    await erasing.tidy(team.service)
    assert VICTIM not in await told(team, later)
    assert VICTIM.lower() not in await everything(team)
    assert await erasing.tidy(team.service) == 0
    assert await verdict(team) == ()
    await recipients.unsubscribe(team.service, VICTIM, "press")  # by the link of an old mail
    assert VICTIM.lower() not in await everything(team)


async def test_who_was_erased_before_is_looked_for_with_who_is_erased_now(team: Team) -> None:
    """An alert that was looked through for one of them only would keep the other for ever."""
    await erased(team)
    later = (await team.approved()).id
    await team.work()
    assert VICTIM in await told(team, later)  # skipped, and not looked through yet
    await erased(team, "b@example.org")
    assert {VICTIM, "b@example.org"}.isdisjoint(await told(team, later))
    await erasing.tidy(team.service)
    assert VICTIM.lower() not in await everything(team)


async def test_what_is_not_over_stays_until_it_is(team: Team) -> None:
    alert = (await team.approved()).id
    done = await erased(team)
    [stays] = done.stays
    assert (stays.alert, stays.rows, "not over" in stays.why) == (alert, 2, True)
    await team.work()
    assert to_victim(team) == 0
    await erasing.tidy(team.service)
    assert VICTIM.lower() not in await everything(team)
    assert await verdict(team) == ()


async def test_what_is_uncertain_stays_until_a_person_has_decided(database: Database) -> None:
    def answer(post: Post) -> Uncertain | None:
        return Uncertain("The connection broke.") if post.target == VICTIM else None

    team = await mailing(database, answer)
    alert = (await team.approved()).id
    await team.work(patience=0)
    done = await erased(team, VICTIM, "b@example.org")
    assert (done.targets, done.deliveries) == (1, 1)  # of the other one
    [stays] = done.stays
    assert (stays.rows, "uncertain" in stays.why) == (2, True)
    await settled(team)
    await erasing.tidy(team.service)
    assert {VICTIM, "b@example.org"}.isdisjoint(await told(team, alert))


async def test_what_is_old_is_erased_by_the_worker(team: Team) -> None:
    alert = (await team.approved()).id
    await team.work()
    await recipients.suppress(
        team.service, team.people["ada"], ["x@example.org"], Suppressed.UNSUBSCRIBED
    )
    assert await erasing.tidy(team.service) == 0
    team.service = replace(team.service, keep_addresses=timedelta(days=400))
    assert await erasing.tidy(team.service) == 0
    later = datetime.now(UTC) + timedelta(days=401)
    team.clock.now = later
    assert await erasing.tidy(team.service) >= 6
    assert all(map(is_erased, await told(team, alert)))
    assert "@example.org" not in await everything(team)
    assert await store_reason(team, "x@example.org") is Suppressed.UNSUBSCRIBED
    assert await verdict(team) == ()
    assert await erasing.tidy(team.service) == 0


async def store_reason(team: Team, address: str) -> Suppressed | None:
    return await team.service.database.read(lambda conn: store_suppressed.known(conn, address))


async def test_a_correction_says_plainly_whom_it_does_not_reach(team: Team) -> None:
    alert = (await team.approved()).id
    await team.work()
    await erased(team)
    said = FollowRequest(WRONG)
    view = await following.correct(team.service, team.people["ada"], alert, said)
    assert any("erased" in one.reason for one in view.omitted if one.channel == "press")


async def test_bad_input_changes_nothing(team: Team) -> None:
    for addresses, reason in (
        (("nobody",), "x"),
        ((VICTIM,), None),
        ((VICTIM,), f"letter of {VICTIM.upper()}"),
        ((), "x"),
    ):
        with pytest.raises(Misuse):
            await erasing.erase(team.service, team.people["bo"], addresses, reason)
    with pytest.raises(Misuse, match="no key"):
        await erasing.erase(team.service, team.people["bo"], (), "x", keys=["zz"])
    with pytest.raises(Refused, match="admin"):
        await erasing.expire(team.service, team.people["ada"], team.service.now)
    with pytest.raises(Misuse, match="How old"):
        await erasing.expire(team.service, team.people["bo"], None)
    with pytest.raises(Misuse, match="still to come"):
        await erasing.expire(team.service, team.people["bo"], team.service.now + timedelta(days=1))
    assert await store_reason(team, VICTIM) is None


# --- any order ------------------------------------------------------------------------------------

STEPS = ("send", "uncertain", "settle", "bounce", "fail", "unsubscribe", "suppress", "erase", "age", "archive", "correct", "compact")  # fmt: skip


@dataclass
class Story:
    """A list of mail over months. `gone`: since when the victim was erased, as mails to them by then."""

    team: Team
    folder: Path
    alerts: list[str] = field(default_factory=list)
    gone: int | None = None
    doubt: bool = False

    async def do(self, step: str) -> None:
        try:
            await getattr(self, step)()
        except AlertbotError:
            return

    async def send(self) -> None:
        self.alerts.append((await self.team.approved("holding", new_incident=True)).id)
        await self.team.work(patience=0)

    async def uncertain(self) -> None:
        self.doubt = True
        await self.send()
        self.doubt = False

    async def settle(self) -> None:
        await settled(self.team)

    async def bounce(self) -> None:
        await self._returned("5.1.1")

    async def fail(self) -> None:
        await self._returned("4.2.2")

    async def _returned(self, status: str) -> None:
        post = self.team.adapters["press"].posts[-1]
        report = (
            f"X-Original-To: {SEAL.returned_to(post.delivery, 'r')}@example.org\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n'
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
            f"Final-Recipient: rfc822; {post.target}\nAction: failed\nStatus: {status}\n\n--b--\n"
        )
        await recipients.returned(self.team.service, {"press": SEAL}, [report.encode()])

    async def unsubscribe(self) -> None:
        await recipients.unsubscribe(self.team.service, VICTIM.upper(), "press")

    async def suppress(self) -> None:
        ada = self.team.people["ada"]
        await recipients.suppress(self.team.service, ada, [VICTIM], Suppressed.BY_HAND, "by telephone")

    async def erase(self) -> None:
        await erased(self.team, VICTIM.lower())
        self.gone = to_victim(self.team)

    async def age(self) -> None:
        with self.today():
            await erasing.tidy(replace(self.team.service, keep_addresses=timedelta(0)))

    async def archive(self) -> None:
        database = self.team.service.database
        for name in self.alerts:
            incident = name.split("-")[0]
            await database.transact(
                lambda conn, one=incident: store_incidents.close(conn, one, now=self.team.service.now)
            )
        for change in (
            "UPDATE delivery SET settled_at = settled_at - 172800",
            "UPDATE task SET done_at = 1 WHERE done_at IS NULL",
        ):
            await database.transact(lambda conn, one=change: conn.execute(text(one)))
        with self.today():
            day = self.team.clock.now.date()
            await archive.archive(self.team.service, self.team.people["bo"], day, self.folder)

    @contextmanager
    def today(self) -> Iterator[None]:
        """The months are over in which the alerts were written."""
        before, self.team.clock.now = self.team.clock.now, datetime.now(UTC)
        yield
        self.team.clock.now = before

    async def correct(self) -> None:
        said = FollowRequest(WRONG)
        view = await following.correct(
            self.team.service, self.team.people["ada"], self.alerts[-1], said
        )
        view = await writing.submit(self.team.service, self.team.people["ada"], view.id)
        await self.team.approve(view.id, "cy")
        await self.team.work(patience=0)

    async def compact(self) -> None:
        backup.compact(Path(str(self.team.service.database.url).removeprefix("sqlite:///")))


async def _lived(database: Database, folder: Path, steps: list[str]) -> None:
    story: Story

    def answer(post: Post) -> Uncertain | None:
        doubtful = story.doubt and post.target == VICTIM
        return Uncertain("The connection broke.") if doubtful else None

    story = Story(await mailing(database, answer), folder)
    for step in ["send", *steps, "send", "settle", "erase"]:
        await story.do(step)
        assert await verdict(story.team) == (), step
    await story.do("send")
    await story.do("correct")
    await erasing.tidy(story.team.service)
    assert to_victim(story.team) == story.gone
    assert VICTIM.lower() not in await everything(story.team)
    assert await verdict(story.team) == ()
    for file in sorted(folder.glob("*.gz")):  # noqa: ASYNC240
        assert (await archive.verify(story.team.service, file)).sound
        assert VICTIM.lower().encode() not in gzip.decompress(file.read_bytes()).lower()


def test_in_any_order_no_byte_of_an_erased_address_is_left(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any
) -> None:
    folder = tmp_path_factory.mktemp("order")
    count = 0

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(steps=st.lists(st.sampled_from(STEPS), max_size=6))
    @example(steps=["uncertain", "erase", "fail", "settle", "archive"])
    @example(steps=["unsubscribe", "age", "correct", "archive"])
    @example(steps=["fail", "suppress", "erase", "bounce", "age"])
    def any_order(steps: list[str]) -> None:
        nonlocal count
        count += 1
        here = folder / str(count)
        here.mkdir()
        path = here / "alertbot.db"
        path.write_bytes(sqlite_template.read_bytes())
        path.chmod(0o600)

        async def whole() -> None:
            database = await Database.open(f"sqlite:///{path}", migrate=False)
            try:
                await _lived(database, here, steps)
                assert backup.compact(path).clean
                for file in here.glob("alertbot.db*"):
                    assert b"durand" not in file.read_bytes().lower(), file.name
            finally:
                await database.close()

        asyncio.run(whole())

    any_order()


async def test_before_it_is_written_anew_the_file_may_hold_traces(
    tmp_path: Path, sqlite_template: Any
) -> None:
    """Or the property above would hold of a promise that costs nothing."""
    path = tmp_path / "alertbot.db"
    path.write_bytes(sqlite_template.read_bytes())
    path.chmod(0o600)
    database = await Database.open(f"sqlite:///{path}", migrate=False)
    try:
        team = await mailing(database)
        await team.approved()
        await team.work()
        await erased(team)
        held = b"".join(one.read_bytes() for one in tmp_path.glob("alertbot.db*"))  # noqa: ASYNC240
        assert b"durand" in held.lower()
    finally:
        await database.close()
