"""From draft to published, and every way in which it must not get there."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from alertbot.alerts import approving, halting, publishing, showing, taking_back, writing
from alertbot.core.errors import Faulty, Misuse, PastMoment, Refused
from alertbot.db import tables
from alertbot.db.database import Database
from alertbot.ops import overview
from tests.team import Team, gather


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def test_an_approved_alert_goes_out_everywhere_in_both_languages(team: Team) -> None:
    view = await team.approved()
    assert view.state == "approved"
    tally = await team.work()
    assert (tally.sent, tally.failed, tally.waiting) == (
        5,
        0,
        0,
    )  # 2 channels x 2 languages + the notice
    assert await team.state(view.id) == "published"
    assert {post.lang for post in team.adapters["public"].posts} == {"fr", "en"}
    assert not team.adapters["drill"].posts


async def test_what_is_sent_is_what_was_shown(team: Team) -> None:
    view = await team.approved()
    shown = await showing.show(team.service, view.id, None)
    await team.work()
    texts = {(one.channel, one.lang): one.text for one in shown.messages}
    for name in ("public", "second"):
        assert {
            (name, post.lang): post.text for post in team.adapters[name].posts
        }.items() <= texts.items()


@pytest.mark.parametrize("who", ["ada"])
async def test_the_author_cannot_approve(team: Team, who: str) -> None:
    view = await team.pending()
    with pytest.raises(Refused):
        await team.approve(view.id, who)
    assert await team.state(view.id) == "pending"


async def test_a_submitter_and_an_editor_cannot_approve(team: Team) -> None:
    view = await team.draft()
    await writing.edit(team.service, team.people["cy"], view.id, {"next_update": "+45m"}, {})
    await writing.submit(team.service, team.people["bo"], view.id)
    for name in ("bo", "cy"):
        with pytest.raises(Refused):
            await team.approve(view.id, name)


async def test_numbers_need_two_approvers(team: Team) -> None:
    view = await team.pending("provisional_number")
    view = await team.approve(view.id, "bo")
    assert view.state == "pending"
    with pytest.raises(Refused, match="bo"):
        await team.approve(view.id, "bo")
    assert (await team.approve(view.id, "cy")).state == "approved"


async def test_a_correction_needs_one_who_may_be_its_author(team: Team) -> None:
    wrong = await team.approved()
    await team.work()
    view = await taking_back.retract(team.service, team.people["bo"], wrong.id, submit=True)
    assert (await team.approve(view.id, "bo")).state == "approved"


async def test_approving_without_having_looked_is_refused(team: Team) -> None:
    view = await team.pending()
    with pytest.raises(Refused, match="show"):
        await approving.approve(team.service, team.people["bo"], view.id, None)


async def test_approving_what_was_changed_since_is_refused(team: Team) -> None:
    view = await team.pending()
    await showing.show(team.service, view.id, team.tokens["bo"])
    await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+50m"}, {})
    await writing.submit(team.service, team.people["ada"], view.id)
    with pytest.raises(Refused, match="changed"):
        await approving.approve(team.service, team.people["bo"], view.id, None)


async def test_a_digest_counts_over_what_was_shown(team: Team) -> None:
    view = await team.pending()
    with pytest.raises(Misuse, match="12"):
        await team.approve(view.id, digest=view.digest[:8])
    with pytest.raises(Refused):
        await team.approve(view.id, digest="0" * 64)
    with pytest.raises(Refused, match="32 characters"):
        await team.approve(view.id, digest=view.digest[:31])
    assert (await team.approve(view.id, digest=view.digest[:32])).state == "approved"


def _tampered(what: str, alert: str) -> Any:
    """Somebody with a hand in the database changes what is about to be signed."""
    held = tables.message.c.alert_id == alert
    public = held & (tables.message.c.purpose == "publication")
    texts = update(tables.message).where(public)
    match what:
        case "text":
            return texts.values(text="Appelez le 3900.")
        case "lost":
            return delete(tables.message).where(public, tables.message.c.lang == "en")
        case "language":
            return texts.where(tables.message.c.lang == "en").values(lang="de")
        case "retraction":
            prepared = held & (tables.message.c.purpose == "retraction")
            return update(tables.message).where(prepared).values(text="Rien.")
        case "target":
            return update(tables.target).where(tables.target.c.alert_id == alert).values(address="else")
        case _:
            return update(tables.alert).where(tables.alert.c.id == alert).values(exercise=True)


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        *(
            ("approve", what)
            for what in ("text", "lost", "language", "retraction", "target", "exercise")
        ),
        ("break-glass", "text"),
        ("break-glass", "target"),
    ],
)
async def test_nobody_signs_what_does_not_make_the_digest(team: Team, verb: str, what: str) -> None:
    """The digest stands unchanged in the database; what it was made from does not (promise 2)."""
    view = await team.pending()
    await team.service.database.transact(lambda conn: conn.execute(_tampered(what, view.id)))
    signing = (
        approving.approve(team.service, team.people["bo"], view.id, view.digest)
        if verb == "approve"
        else approving.break_glass(team.service, team.people["bo"], view.id, view.digest, "alone")
    )
    with pytest.raises(Refused, match="not the ones that were approved"):
        await signing
    assert await team.state(view.id) == "pending"
    await team.work()
    assert not any(team.adapters[name].posts for name in ("public", "second", "drill"))
    assert verb not in await team.verbs()


async def test_a_promise_that_has_passed_blocks_until_retimed(team: Team) -> None:
    view = await team.pending()
    team.clock.forward(minutes=29)
    team.clock.forward(minutes=2)
    with pytest.raises(Refused):
        await team.approve(view.id)
    fresh = await team.draft()
    team.clock.forward(minutes=40)
    with pytest.raises(PastMoment, match="retime"):
        await writing.submit(team.service, team.people["ada"], fresh.id)
    again = await writing.submit(team.service, team.people["ada"], fresh.id, retime=True)
    assert again.digest != fresh.digest
    assert (await team.approve(fresh.id)).state == "approved"


async def test_retiming_moves_promises_and_leaves_the_beginning(team: Team) -> None:
    view = await team.draft()
    before = (await showing.show(team.service, view.id, None)).values
    team.clock.forward(minutes=40)
    await writing.submit(team.service, team.people["ada"], view.id, retime=True)
    after = (await showing.show(team.service, view.id, None)).values
    assert after["since"] == before["since"]
    assert after["next_update"] > before["next_update"]


async def test_pending_alerts_expire(team: Team) -> None:
    view = await team.pending()
    team.clock.forward(days=1)
    assert await approving.expire_overdue(team.service) == 1
    assert await team.state(view.id) == "expired"
    assert await approving.expire_overdue(team.service) == 0


async def test_returning_and_rejecting_need_a_reason(team: Team) -> None:
    view = await team.pending()
    with pytest.raises(Misuse):
        await approving.return_(team.service, team.people["bo"], view.id, " ")
    back = await approving.return_(team.service, team.people["bo"], view.id, "name the départements")
    assert (back.state, back.reason) == ("returned", "name the départements")
    await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+20m"}, {})
    await writing.submit(team.service, team.people["ada"], view.id)
    gone = await approving.reject(team.service, team.people["bo"], view.id, "not our network")
    assert gone.state == "rejected"


async def test_submitting_names_every_missing_field_and_never_fills_in_the_example(team: Team) -> None:
    view = await team.draft(given={"what_fails": {"fr": "le 15", "en": "15"}})
    assert view.state == "draft"
    with pytest.raises(Faulty) as caught:
        await writing.submit(team.service, team.people["ada"], view.id)
    missing = {fault.field for fault in caught.value.faults if fault.rule == "missing"}
    assert {"since", "where", "what_to_do", "next_update"} <= missing
    assert await team.state(view.id) == "draft"


async def test_values_that_cannot_be_read_are_refused_and_nothing_is_stored(team: Team) -> None:
    with pytest.raises(Faulty, match="saved"):
        await team.draft(given={"what_failed": "le 15"})
    assert not (await overview.status(team.service, None)).alerts


async def test_breaking_the_glass_is_loud_and_stays_open(team: Team) -> None:
    view = await team.pending("provisional_number")
    with pytest.raises(Misuse, match="--digest"):
        await approving.break_glass(team.service, team.people["bo"], view.id, None, "alone at night")
    with pytest.raises(Misuse, match="reason"):
        await approving.break_glass(team.service, team.people["bo"], view.id, view.digest, "")
    done = await approving.break_glass(
        team.service, team.people["bo"], view.id, view.digest[:32], "alone at night"
    )
    assert done.state == "approved"
    await team.work()
    assert any("alone at night" in post.text for post in team.adapters["team"].posts)
    status = await overview.status(team.service, None)
    assert any("BREAK-GLASS" in one.message for one in status.open)
    with pytest.raises(Refused):
        await approving.countersign(team.service, team.people["bo"], view.id)
    await approving.countersign(team.service, team.people["cy"], view.id)
    status = await overview.status(team.service, None)
    assert not any("BREAK-GLASS" in one.message for one in status.open)


async def test_breaking_the_glass_skips_no_fault(team: Team) -> None:
    rows = [{"territory": "69", "service": "samu", "number": "04 65 71 06 15"}]
    view = await team.draft("provisional_number", changes={"numbers": rows})
    assert "unverified_number" in {fault.rule for fault in view.faults}
    with pytest.raises(Faulty):
        await writing.submit(team.service, team.people["ada"], view.id)
    with pytest.raises(Refused):
        await approving.break_glass(team.service, team.people["bo"], view.id, view.digest, "now")


async def test_an_exercise_reaches_exercise_channels_alone(team: Team) -> None:
    view = await team.approved(exercise=True)
    await team.work()
    assert team.adapters["drill"].posts
    assert not team.adapters["public"].posts
    shut_out = await team.draft(exercise=True, channels=("public",))
    assert "exercise_live" in {fault.rule for fault in shut_out.faults}
    assert view.exercise is True


async def test_an_edit_takes_an_approved_alert_back(team: Team) -> None:
    view = await team.approved()
    again = await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+50m"}, {})
    assert (again.state, again.revision) == ("draft", 2)
    assert again.approvals.given == ()
    await team.work()
    assert not team.adapters["public"].posts
    await writing.submit(team.service, team.people["ada"], view.id)
    await team.approve(view.id)
    await team.work()
    assert await team.state(view.id) == "published"
    assert len(team.adapters["public"].posts) == 2


async def test_only_french(team: Team) -> None:
    view = await team.approved(languages=("fr",))
    await team.work()
    assert {post.lang for post in team.adapters["public"].posts} == {"fr"}
    rows = await overview.deliveries(team.service, view.id, "skipped", None)
    assert {row.lang for row in rows} == {"en"}
    assert all(row.reason for row in rows)


async def test_halting_an_alert_stops_it_and_resuming_lets_it_go(team: Team) -> None:
    view = await team.approved()
    await halting.halt(team.service, view.id, None)
    await team.work(patience=0)
    assert not team.adapters["public"].posts
    await halting.resume(team.service, team.people["bo"], view.id, None)
    await team.work()
    assert len(team.adapters["public"].posts) == 2


async def test_a_test_goes_to_the_team_alone_and_says_so(team: Team) -> None:
    view = await team.draft()
    with pytest.raises(Refused, match="team"):
        await publishing.test_send(team.service, team.people["ada"], view.id, "public")
    await publishing.test_send(team.service, team.people["ada"], view.id, "team")
    await team.work()
    assert team.adapters["team"].posts
    assert all(post.text.startswith("TEST") for post in team.adapters["team"].posts)
    assert await team.state(view.id) == "draft"


async def test_a_publish_delay_leaves_time_to_halt(database: Database) -> None:
    from dataclasses import replace

    team = await gather(database)
    team.service = replace(team.service, publish_delay=timedelta(minutes=5))
    view = await team.approved()
    assert view.start is not None
    assert view.start.seconds == 300
    await team.work(patience=0)
    assert not team.adapters["public"].posts


async def test_everything_is_in_the_audit(team: Team) -> None:
    view = await team.approved()
    await publishing.record(
        team.service, team.people["ada"], view.id, "public", "https://x.com/i/web/status/7"
    )
    await team.work()
    verbs = await team.verbs()
    for verb in (
        "people-add",
        "draft",
        "submit",
        "approve",
        "record",
        "sent",
        "publishing",
        "published",
    ):
        assert verb in verbs
    assert (await overview.audit_verify(team.service, None)).sound


async def test_an_alert_of_the_same_incident_follows_up_the_last_one_that_went_out(team: Team) -> None:
    first = await team.approved()
    await team.work()
    waiting = await team.draft(incident=first.incident)
    second = await team.approved("correction", incident=first.incident)
    assert waiting.references == second.references == (first.id,)
    await team.work()
    assert all(first.id in post.text for post in team.adapters["public"].posts[-2:])
    third = await team.draft("end", incident=first.incident)
    assert third.references == (second.id,)
    with pytest.raises(Refused, match="never part"):
        await team.draft(incident=first.incident, exercise=True)
    assert (await team.draft()).references == ()


async def test_who_edited_an_earlier_revision_approves_none_of_it(team: Team) -> None:
    alert = (await team.draft()).id
    change = {"what_works": {"en": "Calls to 15.", "fr": "Le 15."}}
    await writing.edit(team.service, team.people["cy"], alert, change, {})
    await writing.submit(team.service, team.people["bo"], alert, retime=True)
    with pytest.raises(Refused, match="edited"):
        await team.approve(alert, "cy")
    assert await team.state(alert) == "pending"
