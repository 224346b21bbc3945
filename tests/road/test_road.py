"""The whole road with the real client libraries: composed, approved, published on the sandbox, accounted for."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from alertbot.alerts import approving, halting, publishing, showing, writing
from alertbot.alerts.compose import DraftRequest, load_kind
from alertbot.alerts.views import AlertView
from alertbot.app import App, build
from alertbot.core.model import Person
from alertbot.delivery.views import DeliveryView
from alertbot.ops import overview, working
from alertbot.people import accounts
from alertbot.rehearsal import hiring
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.texts.views import MessageView
from tests.team import registered

CONFIG = """
organisation:
  name: Préfecture d'essai
  languages: [fr, en]
  timezone: Europe/Paris
  verification_page: https://www.example.org/alerte
  sandbox: true
database: {database}
database_password_env: ROAD_DATABASE_PASSWORD
channels:
  x_main:
    type: x
    api_url: {x}
    consumer_key_env: ROAD_A
    consumer_secret_env: ROAD_B
    access_token_env: ROAD_C
    access_token_secret_env: ROAD_D
    pace: {{per_second: 20}}
  telegram_public: {{type: telegram, api_url: {telegram}, bot_token_env: ROAD_E, chat: "@essai_public", pace: {{per_second: 20, per_chat_second: 5}}}}
  press:
    type: email
    host: 127.0.0.1
    port: {smtp}
    security: none
    sender: alerte@example.org
    recipients: press.csv
"""
PRESS = "address,lang,topics\nune@example.org,fr,\ndeux@example.org,fr,\nthree@example.org,en,\n"


@dataclass
class Road:
    app: App
    sandbox: Sandbox
    author: Person
    approvers: list[Person]

    async def publish(
        self, kind: str = "status", incident: str | None = None, **changes: Any
    ) -> AlertView:
        """Write, submit and approve; nothing is sent yet."""
        service = await self.app.open()
        values = dict(load_kind(service.publisher, kind).example) | changes
        if "numbers" in values:
            await registered(service, self.author, self.approvers[0], values["numbers"])
        accepted = {"unconfirmed": "the SAMU said so on the phone"} if kind == "end" else {}
        view = await writing.draft(
            service,
            self.author,
            DraftRequest(kind, values, accepted=accepted),
            incident=incident,
            new_incident=incident is None,
        )
        view = await writing.submit(service, self.author, view.id)
        for person in self.approvers[: view.approvals.needed]:
            view = await approving.approve(service, person, view.id, view.digest)
        return view

    async def deliveries(self, alert: str) -> list[DeliveryView]:
        return await overview.deliveries(await self.app.open(), alert, None, None)


@pytest.fixture
async def road(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Road]:
    parts = urlsplit(database_url)
    monkeypatch.setenv("ROAD_DATABASE_PASSWORD", parts.password or "none")
    address = urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@")))
    async with Sandbox(speed=1000) as sandbox:
        (tmp_path / "press.csv").write_text(PRESS, encoding="utf-8")
        path = tmp_path / "config.yaml"
        text = CONFIG.format(
            database=address if parts.scheme == "postgresql" else "sqlite:///road.db",
            x=sandbox.x_url,
            telegram=sandbox.telegram_url,
            smtp=sandbox.smtp_port,
        )
        path.write_text(text, encoding="utf-8")
        app = build(path)
        service = await app.open()
        tokens = await hiring.hire(service, ("bo", "cy"), "ada")
        acting = [await accounts.acting(service, tokens[name]) for name in ("ada", "bo", "cy")]
        yield Road(app, sandbox, acting[0], acting[1:])
        await app.close()


def lines(text: str) -> list[str]:
    """A mail ends its lines with CR and LF."""
    return text.strip().splitlines()


async def test_what_was_approved_is_what_each_platform_shows(road: Road) -> None:
    view = await road.publish()
    tally = await working.run_once(road.app)
    assert (tally.sent, tally.failed, tally.waiting) == (9, 0, 0)  # a thread of two on X
    shown = await showing.show(await road.app.open(), view.id, None)
    texts = {(one.type, one.lang): one.text for one in shown.messages if one.type != "x"}
    on_x = [one.text for one in shown.messages if one.type == "x"]
    assert sorted(post.text for post in road.sandbox.posts.x()) == sorted(on_x)
    assert {post.text for post in road.sandbox.posts.telegram()} == {
        texts["telegram", "fr"],
        texts["telegram", "en"],
    }
    mails = {mail.recipient: mail for mail in road.sandbox.posts.mails()}
    assert lines(mails["three@example.org"].text) == lines(texts["email", "en"])
    assert lines(mails["une@example.org"].text) == lines(texts["email", "fr"])
    assert all(row.remote_id for row in await road.deliveries(view.id))


async def test_a_thread_on_x_is_a_thread_and_carries_every_number(road: Road) -> None:
    await road.publish("provisional_number")
    tally = await working.run_once(road.app)
    assert tally.failed == tally.uncertain == tally.waiting == 0
    posts = road.sandbox.posts.x()
    threads = {post.conversation for post in posts}
    assert len(threads) == 2
    assert all(post.reply_to for post in posts if post.id not in threads)
    assert "urgence" in posts[0].text  # the channel's first language
    numbers = [
        row["number"] for row in load_kind(road.app.publisher, "provisional_number").example["numbers"]
    ]
    for thread in threads:
        words = " ".join(post.text for post in posts if post.conversation == thread)
        for number in numbers:
            assert number in words.replace("\u00a0", " ").replace("\u202f", " ")


def languages(road: Road, messages: Sequence[MessageView], platform: str) -> list[str]:
    """The languages of the posts, in the order in which the platform got them."""
    known = {(one.type, one.text): one.lang for one in messages}
    posts = road.sandbox.posts.x() if platform == "x" else road.sandbox.posts.telegram()
    return [known[platform, post.text] for post in posts]


@pytest.mark.parametrize(
    "fault",
    [
        "x:reply_race",
        "x:rate_limited:reset=1:match=SAMU",
        "x:drop_after_commit:match=SAMU",
        "telegram:flood:retry_after=1",
    ],
)
async def test_a_language_is_whole_before_the_next_begins(road: Road, fault: str) -> None:
    road.sandbox.faults.add(fault)
    view = await road.publish("provisional_number")
    tally = await working.run_once(road.app)
    assert (tally.failed, tally.uncertain, tally.waiting) == (0, 0, 0)
    shown = (await showing.show(await road.app.open(), view.id, None)).messages
    for platform in ("x", "telegram"):
        order = languages(road, shown, platform)
        assert order == sorted(order, reverse=True), platform  # fr, then en
    assert languages(road, shown, "x").count("en") > 1


@pytest.mark.parametrize("fault", ["x:503", "x:duplicate", "telegram:drop_after_commit"])
async def test_a_language_that_stops_does_not_stop_the_next(road: Road, fault: str) -> None:
    road.sandbox.faults.add(f"{fault}:match=Pompiers")
    view = await road.publish("provisional_number")
    await working.run_once(road.app)
    left = [row.lang for row in await road.deliveries(view.id) if row.state != "sent"]
    assert set(left) == {"fr"}


async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_twice(road: Road) -> None:
    road.sandbox.faults.add("x:drop_after_commit")
    view = await road.publish()
    tally = await working.run_once(road.app)
    assert tally.uncertain == 0
    assert len(road.sandbox.posts.x()) == 4  # two in each language
    assert all(row.state == "sent" for row in await road.deliveries(view.id))


async def test_a_telegram_message_whose_answer_was_lost_waits_for_a_person(road: Road) -> None:
    road.sandbox.faults.add("telegram:drop_after_commit")
    view = await road.publish()
    tally = await working.run_once(road.app)
    assert tally.uncertain == 1
    assert len(road.sandbox.posts.telegram()) == 2
    service = await road.app.open()
    assert (await showing.brief(service, view.id)).state == "partly_published"
    [row] = await overview.deliveries(service, view.id, "uncertain", None)
    known = {one.remote_id for one in await road.deliveries(view.id)}
    [lost] = [one.message for one in road.sandbox.posts.telegram() if str(one.message) not in known]
    url = f"https://t.me/essai_public/{lost}"
    await publishing.settle(service, road.approvers[0], row.id, "sent", url)
    assert (await showing.brief(service, view.id)).state == "published"
    assert len(road.sandbox.posts.telegram()) == 2


async def test_a_flood_is_waited_out(road: Road) -> None:
    road.sandbox.faults.add("telegram:flood:retry_after=1")
    await road.publish()
    tally = await working.run_once(road.app)
    assert (tally.sent, tally.waiting) == (9, 0)


async def test_one_bad_address_stops_nobody_else(road: Road) -> None:
    road.sandbox.faults.add("smtp:rcpt_550:match=deux@example.org")
    view = await road.publish()
    tally = await working.run_once(road.app)
    assert (tally.sent, tally.failed) == (8, 1)
    [failed] = [row for row in await road.deliveries(view.id) if row.state == "failed"]
    assert failed.target == "deux@example.org"
    assert "5.1.1" in failed.reason
    assert (await showing.brief(await road.app.open(), view.id)).state == "partly_published"


async def test_no_credits_pause_the_channel_and_nothing_is_lost(road: Road) -> None:
    road.sandbox.faults.add("x:credits")
    view = await road.publish()
    tally = await working.run_once(road.app)
    assert tally.waiting >= 1
    service = await road.app.open()
    [x_main] = [one for one in (await overview.status(service, None)).channels if one.name == "x_main"]
    assert x_main.paused
    await halting.resume(service, road.approvers[0], None, "x_main")
    tally = await working.run_once(road.app)
    assert (tally.failed, tally.waiting) == (0, 0)
    assert (await showing.brief(service, view.id)).state == "published"


async def test_every_kinds_example_can_be_published_as_it_is(road: Road) -> None:
    kinds = [
        "holding", "status", "provisional_number", "apology",
        "correction", "withdrawal", "denial", "end",
    ]  # fmt: skip
    published = [(await road.publish(kind)).id for kind in kinds]
    await working.run_once(road.app)
    service = await road.app.open()
    states = {
        kind: (await showing.brief(service, alert)).state
        for kind, alert in zip(kinds, published, strict=True)
    }
    assert states == dict.fromkeys(kinds, "published")


async def test_mails_of_one_incident_stand_in_one_thread(road: Road) -> None:
    first = await road.publish("holding")
    await working.run_once(road.app)
    await road.publish("status", incident=first.incident)
    await working.run_once(road.app)
    earlier, later = (
        mail for mail in road.sandbox.posts.mails() if mail.recipient == "une@example.org"
    )
    assert later.in_reply_to == earlier.message_id
    assert earlier.message_id in later.references
