"""Taking back with the real client libraries: what each platform of the sandbox shows after it."""

from typing import Any

import httpx

from alertbot.alerts import approving, following, halting, publishing, showing, taking_back, writing
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.config.secrets import SANDBOX_SECRETS
from alertbot.ops import overview, working
from alertbot.people import tasks
from alertbot.rehearsal.sandbox.accounts import XPost
from tests.road.test_road import Road, road  # noqa: F401 - the fixture

WRONG = {
    "what_was_wrong": {"fr": "le 112 marche", "en": "112 works"},
    "what_is_right": {"fr": "le 112 est coupé", "en": "112 is cut off"},
}


async def sent(road: Road, view: AlertView) -> ShownAlertView:  # noqa: F811
    """Submitted and approved by another, and everything sent. Without a channel to the team nobody takes back
    alone."""
    service, (bo, cy) = await road.app.open(), road.approvers[:2]
    if view.state == "draft":
        view = await writing.submit(service, bo, view.id)
    if view.state == "pending":
        await approving.approve(service, cy, view.id, view.digest)
    tally = await working.run_once(road.app)
    rows = await road.deliveries(view.id)
    assert not tally.waiting, rows
    assert tally.failed == tally.uncertain == 0, rows
    return await showing.show(service, view.id, None)


def firsts(posts: list[XPost]) -> list[XPost]:
    """The first post of each language's thread."""
    return [post for post in posts if post.reply_to not in {one.id for one in posts}]


async def corrected(road: Road) -> tuple[str, AlertView]:  # noqa: F811
    service = await road.app.open()
    first = (await road.publish()).id
    await working.run_once(road.app)
    view = await following.correct(service, road.approvers[0], first, FollowRequest(WRONG))
    return first, await sent(road, view)


async def test_a_correction_answers_on_x(road: Road) -> None:  # noqa: F811
    await corrected(road)
    posts = road.sandbox.posts.x()
    before, after = posts[:4], posts[4:]  # a status is two posts in each language
    assert {post.reply_to for post in firsts(after)} == {post.id for post in firsts(before)}
    assert all(post.deleted_at is None for post in posts)


async def test_a_correction_edits_answers_and_pins_on_telegram(road: Road) -> None:  # noqa: F811
    _first, view = await corrected(road)
    posts = road.sandbox.posts.telegram()
    before, after = posts[:2], posts[2:]
    assert all(post.edited_at and view.id in post.text for post in before)
    for post, now in zip(before, ("Le 112 est coupé.", "112 is cut off."), strict=True):
        assert now in post.text
    assert {post.reply_to for post in after} >= {post.id for post in before}
    assert sum(post.pinned for post in after) == 2
    assert not any(post.pinned for post in before)


async def test_a_correction_is_a_mail_in_the_same_thread(road: Road) -> None:  # noqa: F811
    await corrected(road)
    mails: dict[str, list[Any]] = {}
    for mail in road.sandbox.posts.mails():
        mails.setdefault(mail.recipient, []).append(mail)
    assert len(mails) == 3
    for first, second in mails.values():
        assert second.in_reply_to == first.message_id.strip("<>")


async def test_a_retraction_is_out_everywhere_at_once(road: Road) -> None:  # noqa: F811
    service = await road.app.open()
    first = (await road.publish()).id
    await working.run_once(road.app)
    prepared = (await showing.show(service, first, None)).retraction
    view = await sent(road, await taking_back.retract(service, road.approvers[0], first, submit=True))
    assert view.state == "published"
    assert isinstance(view.reached_all_seconds, float)
    words = {one.text for one in prepared if one.action == "publish" and one.type == "x"}
    assert words == {post.text for post in road.sandbox.posts.x()[4:]}


async def test_what_a_person_posted_is_answered(road: Road) -> None:  # noqa: F811
    service = await road.app.open()
    first = (await road.publish()).id
    await working.run_once(road.app)
    async with httpx.AsyncClient() as person:
        said = {"chat_id": "@essai_public", "text": "Le 15 ne répond plus."}
        token = SANDBOX_SECRETS["bot_token"]
        await person.post(f"{road.sandbox.telegram_url}/bot{token}/sendMessage", json=said)
    by_hand = next(post for post in road.sandbox.posts.telegram() if post.text == said["text"])
    other = (await road.publish("holding")).id
    await halting.halt(service, other, None)
    url = f"https://t.me/essai_public/{by_hand.message}"
    await publishing.record(service, road.author, other, "telegram_public", url)
    view = await sent(
        road, await following.correct(service, road.approvers[0], other, FollowRequest(WRONG))
    )
    assert view.references == (other,)
    answers = [post for post in road.sandbox.posts.telegram() if post.reply_to == by_hand.id]
    assert answers
    assert first not in view.references


async def test_a_refused_pin_lets_the_edit_and_later_alerts_go_out(road: Road) -> None:  # noqa: F811
    """A bot that may post but not pin: the wrong text is replaced all the same, and the team hears of the pin once."""
    road.sandbox.faults.add("telegram:no_rights:times=always")
    service = await road.app.open()
    first = (await road.publish()).id
    await working.run_once(road.app)
    view = await following.correct(service, road.approvers[0], first, FollowRequest(WRONG))
    view = await writing.submit(service, road.approvers[0], view.id)
    await approving.approve(service, road.approvers[1], view.id, view.digest)
    tally = await working.run_once(road.app)
    assert (tally.waiting, tally.failed) == (0, 2)  # in both languages
    before = road.sandbox.posts.telegram()[:2]
    assert all(post.edited_at and view.id in post.text for post in before)
    later = (await road.publish("holding")).id
    await working.run_once(road.app)
    assert all(row.state == "sent" for row in await road.deliveries(later))
    status = await overview.status(service, None)
    assert not any(channel.paused for channel in status.channels)
    told = [one for one in await tasks.listing(service) if one.kind == "undone"]
    assert [one.alert for one in told] == [view.id]
    assert "not pinned" in told[0].text
