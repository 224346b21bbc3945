"""After the first post: what follows an alert goes to whom it reached, in answer to what they have."""

from dataclasses import replace
from typing import Any

import pytest

from alertbot.alerts import approving, following, publishing, showing, taking_back, writing
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Faulty, Misuse, Refused
from alertbot.core.model import Action, Channel, OnCancel, Receipt
from alertbot.db.database import Database
from alertbot.delivery.views import DeliveryView
from alertbot.ops import overview
from alertbot.watch import incidents
from tests.team import CHANNELS, Team, channel, gather

WRONG = {
    "what_was_wrong": {"fr": "le 112 marche", "en": "112 works"},
    "what_is_right": {"fr": "le 112 est coupé", "en": "112 is cut off"},
}
SOON = {"next_update": "+30m"}


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def published(team: Team, kind: str = "status", **options: Any) -> str:
    view = await team.approved(kind, **options)
    await team.work()
    assert await team.state(view.id) == "published"
    return str(view.id)


async def correct(team: Team, alert: str, **options: Any) -> AlertView:
    said = FollowRequest({**WRONG, **options.pop("changes", {})}, submit=options.pop("submit", False))
    return await following.correct(team.service, team.people["bo"], alert, said, **options)


async def approved(team: Team, view: AlertView, by: str = "bo") -> AlertView:
    if view.state == "draft":
        view = await writing.submit(team.service, team.people["bo"], view.id)
    return await team.approve(view.id, by)


async def rows(team: Team, alert: str) -> list[DeliveryView]:
    return await overview.deliveries(team.service, alert, None, None)


async def test_a_correction_inherits_what_is_not_given(team: Team) -> None:
    first = await published(team)
    view = await correct(team, first)
    shown = await showing.show(team.service, view.id, None)
    original = await showing.show(team.service, first, None)
    assert view.relation == "correction"
    assert view.original == first
    assert view.references == (first,)
    assert not view.faults
    for name in ("what_fails", "what_works", "since", "where", "what_to_do"):
        assert shown.values[name] == original.values[name]
    assert "next_update" not in shown.values  # promised anew or not at all


async def test_a_correction_of_an_old_alert_does_not_undo_what_was_said_since(team: Team) -> None:
    first = await published(team)
    fails = {"fr": "15 et 18, des fixes aussi", "en": "15 and 18, from landlines too"}
    todo = {"fr": "Appelez le 112.", "en": "Call 112."}
    said = FollowRequest({**SOON, "what_fails": fails, "what_to_do": todo})
    later = await following.update(team.service, team.people["ada"], first, said)
    later = await writing.submit(team.service, team.people["ada"], later.id)
    await team.approve(later.id, "bo")
    await team.work()
    view = await correct(team, first)
    shown = await showing.show(team.service, view.id, None)
    assert shown.values["what_fails"] == fails
    assert shown.values["what_to_do"] == todo
    told = [one.message for one in shown.warnings if one.rule == "taken_over"]
    assert any(later.id in one for one in told)


async def test_what_has_passed_is_not_promised_again(team: Team) -> None:
    first = await published(team, changes={"valid_until": "+20m"})
    view = await correct(team, first)
    shown = await showing.show(team.service, view.id, None)
    assert "valid_until" not in shown.values
    assert not view.faults


async def test_a_correction_answers_every_post_on_every_channel(team: Team) -> None:
    first = await published(team)
    await approved(team, await correct(team, first))
    await team.work()
    for name in ("public", "second"):
        before, after = (
            [one for one in team.adapters[name].posts if one.action is Action.PUBLISH][:2],
            [one for one in team.adapters[name].posts if one.action is Action.PUBLISH][2:],
        )
        assert {one.lang for one in after} == {"fr", "en"}
        for one in after:
            place = [post.lang for post in before].index(one.lang)
            assert one.reply_to == f"memory-{place + 1}"
            assert "112" in one.text
    pinned = [one for one in team.adapters["public"].posts if one.action is Action.PIN]
    assert len(pinned) == 2


async def test_one_approver_who_may_be_its_author(team: Team) -> None:
    first = await published(team)
    view = await correct(team, first, submit=True)
    assert view.state == "pending"
    assert (await team.approve(view.id, "bo")).state == "approved"


async def test_a_correction_goes_out_after_the_incident_has_ended(team: Team) -> None:
    first = await published(team)
    end = await following.end(
        team.service, team.people["ada"], first[:4], FollowRequest(ENDED, EXCUSED)
    )
    view = await writing.submit(team.service, team.people["ada"], end.id)
    await team.approve(view.id, "bo")
    await team.work()
    shown = await incidents.show(team.service, first[:4])
    assert shown.state == "closed"
    fix = await approved(team, await correct(team, first))
    await team.work()
    assert await team.state(fix.id) == "published"


ENDED = {
    "what_works": {"fr": "tous les numéros", "en": "all numbers"},
    "restored_at": "-10m",
    "what_to_do": {"fr": "Faites le 15, 17 ou 18.", "en": "Call 15, 17 or 18."},
    "which_stop": {"fr": "aucun", "en": "none"},
    "which_stay": {"fr": "aucun", "en": "none"},
    "confirmed_by": {"fr": "le SAMU", "en": "the SAMU"},
}
EXCUSED = {"unconfirmed": "the SAMU said so on the phone"}


async def test_an_incident_ends_once(team: Team) -> None:
    first = await published(team)
    view = await following.end(
        team.service, team.people["ada"], first[:4], FollowRequest(ENDED, EXCUSED, submit=True)
    )
    with pytest.raises(Refused, match=view.id):
        await following.end(team.service, team.people["ada"], first[:4], FollowRequest(ENDED, EXCUSED))
    await team.approve(view.id, "bo")
    await team.work()
    with pytest.raises(Refused, match="is already closed"):
        await following.end(team.service, team.people["ada"], first[:4], FollowRequest(ENDED, EXCUSED))
    assert "incident-closed" in await team.verbs()


async def test_an_end_says_anew_what_works(team: Team) -> None:
    first = await published(team)
    view = await following.end(team.service, team.people["ada"], first[:4], FollowRequest({}))
    missing = {fault.field for fault in view.faults if fault.rule == "missing"}
    assert {"what_works", "what_to_do"} <= missing


async def test_there_is_nothing_to_end(team: Team) -> None:
    view = await team.draft()
    with pytest.raises(Refused, match="nothing to end"):
        await following.end(
            team.service, team.people["ada"], view.incident, FollowRequest(ENDED, EXCUSED)
        )


async def test_what_never_went_out_is_not_taken_back(team: Team) -> None:
    draft = await team.draft()
    for act in (
        lambda: correct(team, draft.id),
        lambda: following.update(team.service, team.people["ada"], draft.id, FollowRequest(SOON)),
        lambda: following.cancel(team.service, team.people["ada"], draft.id, "no", FollowRequest()),
        lambda: taking_back.retract(team.service, team.people["bo"], draft.id),
    ):
        with pytest.raises(Refused, match="never went out"):
            await act()
    pending = await team.pending()
    await approving.reject(team.service, team.people["bo"], pending.id, "no")
    with pytest.raises(Refused, match="rejected"):
        await following.update(team.service, team.people["ada"], pending.id, FollowRequest(SOON))


async def test_what_is_approved_and_not_out_is_edited_instead(team: Team) -> None:
    view = await team.approved()
    with pytest.raises(Refused, match="alertbot edit"):
        await correct(team, view.id)


async def test_two_corrections_one_winner(team: Team) -> None:
    first = await published(team)
    one, two = await correct(team, first), await correct(team, first)
    await writing.submit(team.service, team.people["bo"], one.id)
    with pytest.raises(Refused, match=one.id):
        await writing.submit(team.service, team.people["cy"], two.id)
    with pytest.raises(Refused, match=one.id):
        await correct(team, first)


async def test_a_second_correction_may_follow_a_rejected_one(team: Team) -> None:
    first = await published(team)
    one = await correct(team, first, submit=True)
    await approving.reject(team.service, team.people["cy"], one.id, "not so")
    two = await correct(team, first, submit=True)
    assert two.state == "pending"


async def test_corrections_overtake_what_has_not_gone_out(team: Team) -> None:
    view = await team.approved()
    posted: list[str] = []

    def refuse_some(post: Any) -> Receipt:
        posted.append(post.lang)
        if len(posted) > 1:
            from alertbot.core.errors import Unavailable

            raise Unavailable("later")
        return Receipt("first")

    team.adapters["second"].handler = refuse_some
    await team.work(patience=0.1)
    first = view.id
    assert await team.state(first) == "publishing"
    fix = await approved(team, await correct(team, first))
    left = await rows(team, first)
    assert [one.state for one in left if one.purpose == "publication"].count("cancelled") == 1
    assert await team.state(first) == "partly_published"
    team.adapters["second"].handler = lambda post: Receipt(f"later-{post.delivery}")
    await team.work()
    sent = [one for one in await rows(team, fix.id) if one.state == "sent"]
    skipped = [one for one in await rows(team, fix.id) if one.state == "skipped"]
    assert {(one.channel, one.lang) for one in skipped} == {("second", left_out(posted))}
    assert first in skipped[0].reason
    assert {(one.channel, one.lang) for one in sent} >= {("public", "fr"), ("public", "en")}


def left_out(posted: list[str]) -> str:
    return next(lang for lang in ("fr", "en") if lang != posted[0])


async def test_one_failing_channel_does_not_hold_the_others(team: Team) -> None:
    from alertbot.core.errors import Rejected

    def never(_post: Any) -> Receipt:
        raise Rejected("no")

    first = await published(team)
    team.adapters["second"].handler = never
    fix = await approved(team, await correct(team, first))
    await team.work()
    assert await team.state(fix.id) == "partly_published"
    states = {(one.channel, one.state) for one in await rows(team, fix.id)}
    assert ("public", "sent") in states
    assert ("second", "failed") in states


async def test_what_was_posted_by_hand_is_answered_and_a_person_told(team: Team) -> None:
    view = await team.approved(channels=("public",))
    await team.work()
    url = "https://example.org/posts/77"
    await publishing.record(team.service, team.people["ada"], view.id, "second", url)
    fix = await approved(team, await correct(team, view.id))
    await team.work()
    after = [one for one in team.adapters["second"].posts if one.action is Action.PUBLISH]
    assert {one.reply_to for one in after} == {"77"}
    status = await overview.status(team.service, fix.id)
    assert any(url in one.message for one in status.open)


async def test_an_update_is_of_the_same_kind_and_goes_to_all(team: Team) -> None:
    first = await published(team)
    view = await following.update(team.service, team.people["ada"], first, FollowRequest(SOON))
    assert (view.kind, view.relation, view.references) == ("status", "update", (first,))
    view = await writing.submit(team.service, team.people["ada"], view.id)
    with pytest.raises(Refused):  # an update has no privilege: four eyes
        await team.approve((await pending_by(team, "bo", first)).id, "bo")
    await team.approve(view.id, "bo")
    await team.work()
    assert await team.state(view.id) == "published"


async def pending_by(team: Team, name: str, first: str) -> AlertView:
    view = await following.update(team.service, team.people[name], first, FollowRequest(SOON))
    return await writing.submit(team.service, team.people[name], view.id)


async def test_an_update_promises_a_time_anew(team: Team) -> None:
    first = await published(team)
    view = await following.update(team.service, team.people["ada"], first, FollowRequest())
    assert [fault.field for fault in view.faults] == ["next_update"]
    with pytest.raises(Faulty, match="was drafted, but not submitted"):
        await following.update(team.service, team.people["ada"], first, FollowRequest(submit=True))


async def test_an_edit_keeps_what_it_follows(team: Team) -> None:
    first = await published(team)
    view = await correct(team, first)
    after = await writing.edit(
        team.service, team.people["bo"], view.id, {"regret": {"fr": "Pardon.", "en": "Sorry."}}, {}
    )
    for key in ("relation", "original", "references", "channels"):
        assert getattr(after, key) == getattr(view, key)


async def test_a_false_alert_is_denied_in_public(team: Team) -> None:
    first = await published(team)
    with pytest.raises(Refused, match="must be denied in public"):
        await following.cancel(team.service, team.people["bo"], first, None, FollowRequest())
    text = {"fr": "Il n'y a pas de panne.", "en": "Nothing has failed."}
    view = await following.cancel(team.service, team.people["bo"], first, text, FollowRequest())
    assert not view.faults, view.faults
    shown = await showing.show(team.service, view.id, None)
    assert (shown.kind, shown.values["no_danger"]) == ("false_alert", text)
    posts = [one.text for one in shown.messages if one.lang == "en" and one.action is Action.PUBLISH]
    assert posts
    assert all("Nothing has failed" in post and "was a mistake" in post for post in posts)
    await approved(team, view)
    await team.work()
    assert await team.state(view.id) == "published"


async def test_a_number_that_is_not_carried_is_not_called_wrong(team: Team) -> None:
    first = await published(team)
    with pytest.raises(Misuse, match="does not give N12"):
        await correct(team, first, numbers=WrongNumbers(["N12"]))


async def test_the_prepared_retraction_goes_out_word_for_word(team: Team) -> None:
    first = await published(team)
    prepared = (await showing.show(team.service, first, None)).retraction
    words = {(one.channel, one.lang): one.text for one in prepared if one.action == "publish"}
    assert words
    view = await taking_back.retract(team.service, team.people["bo"], first, now=True)
    assert (view.state, view.relation, view.original) == ("approved", "retraction", first)
    await team.work()
    assert await team.state(view.id) == "published"
    for name in ("public", "second"):
        posts = [one for one in team.adapters[name].posts if one.action is Action.PUBLISH]
        assert {one.lang: one.text for one in posts[2:]} == {
            lang: text for (channel, lang), text in words.items() if channel == name
        }
        assert {one.reply_to for one in posts[2:]} == {"memory-1", "memory-2"}
    around = await showing.show(team.service, first, None)
    assert [one.id for one in around.followed_by] == [view.id]


async def test_a_retraction_cannot_be_written_anew(team: Team) -> None:
    first = await published(team)
    view = await taking_back.retract(team.service, team.people["bo"], first)
    for act in (
        lambda: writing.edit(team.service, team.people["bo"], view.id, {"what_fails": {"fr": "x"}}, {}),
        lambda: writing.submit(team.service, team.people["bo"], view.id, retime=True),
    ):
        with pytest.raises(Refused, match="exactly as it was prepared"):
            await act()


async def test_an_author_cannot_retract_alone(team: Team) -> None:
    first = await published(team)
    before = await incidents.show(team.service, first[:4])
    with pytest.raises(Refused, match="may not"):
        await taking_back.retract(team.service, team.people["ada"], first, now=True)
    assert await incidents.show(team.service, first[:4]) == before
    view = await taking_back.retract(team.service, team.people["ada"], first, submit=True)
    assert view.state == "pending"


async def test_what_is_retracted_is_not_corrected(team: Team) -> None:
    first = await published(team)
    view = await taking_back.retract(team.service, team.people["bo"], first, now=True)
    with pytest.raises(Refused, match=view.id):
        await correct(team, first)


async def test_a_correction_strikes_the_posts_it_corrects(team: Team) -> None:
    first = await published(team)
    view = await approved(team, await correct(team, first))
    await team.work()
    for name in ("public", "second"):
        edited = [one for one in team.adapters[name].posts if one.action is Action.EDIT]
        assert {one.reply_to for one in edited} == {"memory-1", "memory-2"}
        assert all(view.id in one.text for one in edited)


@pytest.mark.parametrize("policy", list(OnCancel))
async def test_a_false_post_goes_as_the_team_wants(database: Database, policy: OnCancel) -> None:
    team = await gather(database, (replace(channel("public"), on_cancel=policy),))
    first = await published(team)
    text = {"fr": "Il n'y a pas de panne.", "en": "Nothing has failed."}
    view = await following.cancel(team.service, team.people["bo"], first, text, FollowRequest())
    await approved(team, view, by="cy")  # nobody takes back alone unless the team can be told
    await team.work()
    posts = team.adapters["public"].posts
    done = {one.action for one in posts if one.reply_to in ("memory-1", "memory-2")}
    also = {OnCancel.KEEP: set(), OnCancel.STRIKE: {Action.EDIT}, OnCancel.DELETE: {Action.DELETE}}
    assert done == {Action.PUBLISH} | also[policy]
    assert await team.state(view.id) == "published"


async def test_nothing_is_deleted_in_silence(database: Database) -> None:
    team = await gather(database, (replace(channel("public"), on_cancel=OnCancel.DELETE),))
    first = await published(team)

    def no_denial(post: Any) -> Receipt:
        from alertbot.core.errors import Rejected

        raise Rejected("no")

    team.adapters["public"].handler = no_denial
    text = {"fr": "Il n'y a pas de panne.", "en": "Nothing has failed."}
    view = await following.cancel(team.service, team.people["bo"], first, text, FollowRequest())
    await approved(team, view, by="cy")  # nobody takes back alone unless the team can be told
    await team.work()
    assert Action.DELETE not in {one.action for one in team.adapters["public"].posts}
    assert {one.state for one in await rows(team, view.id)} == {"failed", "skipped"}


async def test_how_soon_a_correction_was_out_is_shown(team: Team) -> None:
    first = await published(team)
    view = await approved(team, await correct(team, first))
    assert (await showing.show(team.service, view.id, None)).reached_all_seconds is None
    await team.work()
    shown = await showing.show(team.service, view.id, None)
    assert isinstance(shown.reached_all_seconds, float)
    assert (await showing.show(team.service, first, None)).reached_all_seconds is None


WORDY = "Call 112. " + "Stay where you are until you are told. " * 5 + "Thank you for your help."


def short_public() -> Channel:
    """A channel on which a long instruction does not fit."""
    one = channel("public")
    return replace(one, spec=replace(one.spec, form="short", limit=260, can_edit=False))


async def test_a_language_that_did_not_fit_at_first_gets_what_follows(database: Database) -> None:
    team = await gather(database, (short_public(), *CHANNELS[1:]))
    wordy = {"fr": "Appelez le 112.", "en": WORDY}
    first = await published(team, changes={"what_to_do": wordy})
    posts = team.adapters["public"].posts
    assert {one.lang for one in posts} == {"fr"}
    brief = FollowRequest({**SOON, "what_to_do": {"fr": "Appelez le 112.", "en": "Call 112."}})
    view = await following.update(team.service, team.people["ada"], first, brief)
    view = await writing.submit(team.service, team.people["ada"], view.id)
    await team.approve(view.id, "bo")
    posts.clear()
    await team.work()
    opening = {
        one.lang: one.reply_to for one in posts if one.action is Action.PUBLISH and one.part == 1
    }
    assert opening == {"fr": "memory-1", "en": None}  # what has no first post begins its own thread
    assert len(posts) == len({(one.action, one.lang, one.part) for one in posts})
    posts.clear()
    await approved(team, await correct(team, first))  # English readers never had what was wrong there
    await team.work()
    assert {one.lang for one in posts if one.action is Action.PUBLISH} == {"fr", "en"}


async def test_a_language_posted_by_hand_is_corrected_too(database: Database) -> None:
    team = await gather(database, (short_public(), *CHANNELS[1:]))
    wordy = {"fr": "Appelez le 112.", "en": WORDY}
    first = await published(team, changes={"what_to_do": wordy})
    url = "https://example.org/by-hand/77"
    await publishing.record(team.service, team.people["bo"], first, "public", url)
    brief = {"what_to_do": {"fr": "Appelez le 112.", "en": "Call 112."}}
    team.adapters["public"].posts.clear()
    await approved(team, await correct(team, first, changes=brief))
    await team.work()
    posts = team.adapters["public"].posts
    opening = {
        one.lang: one.reply_to for one in posts if one.action is Action.PUBLISH and one.part == 1
    }
    assert opening == {"fr": "memory-1", "en": "77"}


async def test_a_retraction_goes_out_in_each_language_though_a_post_was_made_by_hand(
    team: Team,
) -> None:
    first = await published(team)
    url = "https://example.org/by-hand/77"
    await publishing.record(team.service, team.people["bo"], first, "public", url)
    posts = team.adapters["public"].posts
    posts.clear()
    view = await taking_back.retract(team.service, team.people["bo"], first, submit=True)
    await team.approve(view.id, "cy")
    await team.work()
    assert {one.lang for one in posts if one.action is Action.PUBLISH} == {"fr", "en"}
