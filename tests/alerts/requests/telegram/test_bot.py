"""The bot against the sandbox, over real HTTP: what approvers see, press and write, and what comes of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from html import escape

import pytest

from alertbot.alerts import showing, writing
from alertbot.alerts.requests import queue
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from tests.alerts.requests.telegram.chat import GROUP, STRANGER, USERS, Chat, connected, listening


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """SQLite alone: what the bot does to a database is tested with the service, on both."""
    opened = await Database.open(sqlite_url, migrate=False)
    yield opened
    await opened.close()


@pytest.fixture
async def chat(database: Database) -> AsyncIterator[Chat]:
    async with listening(database) as one:
        yield one


async def test_a_request_has_what_is_needed_to_decide(chat: Chat) -> None:
    view = await chat.team.pending("provisional_number")
    await chat.ask()
    shown = await showing.show(chat.team.service, view.id, None)
    for where in (GROUP, USERS["bo"], USERS["cy"]):
        post = chat.request(where)
        assert post.buttons == (("Approve", "Return", "Reject"),)
        for part in (view.id, view.digest[:12], "THE PUBLIC", "ada", "public (fr, en)"):
            assert part in post.text
        assert "2 more approvals are needed" in post.text
        assert shown.messages[0].text[:40] in post.text
        page = chat.document(post)
        assert page.filename == f"{view.id}-{view.digest[:12]}.html"
        assert all(escape(one.text[:9]) in page.content.decode() for one in shown.messages)


async def test_a_press_approves_and_every_message_shows_it(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    said = await chat.told(chat.press("Approve", "bo"))
    assert view.id in said
    assert await chat.team.state(view.id) == "approved"
    places = (GROUP, USERS["bo"], USERS["cy"])
    await chat.until(lambda: not any(chat.request(where).buttons for where in places))
    for where in places:
        assert "approved by bo" in chat.request(where).text
    rows = await overview.audit_export(chat.team.service)
    (approval,) = [row for row in rows if row["verb"] == "approve"]
    assert approval["actor"] == "bo"
    assert approval["detail"]["way"] == "telegram"


async def test_two_approvers_press_and_the_first_is_shown_meanwhile(chat: Chat) -> None:
    view = await chat.team.pending("provisional_number")
    await chat.ask()
    assert "1 more" in await chat.told(chat.press("Approve", "bo"))
    await chat.until(lambda: "Approved by bo" in chat.request(USERS["cy"]).text)
    assert "bo" in await chat.told(chat.press("Approve", "bo", chat.request(USERS["bo"])))
    assert await chat.team.state(view.id) == "pending"
    await chat.told(chat.press("Approve", "cy", chat.request(USERS["cy"])))
    assert await chat.team.state(view.id) == "approved"


async def test_four_eyes_hold(chat: Chat) -> None:
    view = await chat.team.draft(by="bo")
    await writing.submit(chat.team.service, chat.team.people["bo"], view.id)
    await chat.ask()
    assert "bo wrote" in await chat.told(chat.press("Approve", "bo"))
    await chat.link("ada")
    assert "role" in await chat.told(chat.press("Approve", "ada"))
    assert await chat.team.state(view.id) == "pending"


async def test_what_was_pressed_counts_as_shown(chat: Chat) -> None:
    view = await chat.team.pending("provisional_number")
    await chat.ask()
    await chat.told(chat.press("Approve", "bo"))
    await chat.told(chat.press("Return", "cy"))
    from alertbot.alerts import approving

    done = await approving.approve(chat.team.service, chat.team.people["cy"], view.id, None)
    assert done.state == "approved"


@pytest.mark.parametrize(("label", "state"), [("Return", "returned"), ("Reject", "rejected")])
async def test_a_reason_is_asked_for_and_shown(chat: Chat, label: str, state: str) -> None:
    view = await chat.team.pending()
    await chat.ask()
    number = chat.request().message
    await chat.told(chat.press(label, "bo"))
    question = await chat.answered(GROUP, number)
    assert "bo" in question
    asked = next(post for post in chat.posts() if post.text == question).message
    assert await chat.team.state(view.id) == "pending"
    other = chat.say("because", "cy", GROUP, asked)
    assert "Someone else" in await chat.answered(GROUP, other)
    mine = chat.say("name the départements", "bo", GROUP, asked)
    assert view.id in await chat.answered(GROUP, mine)
    assert await chat.team.state(view.id) == state
    await chat.until(lambda: "name the départements" in chat.request(USERS["cy"]).text)
    again = chat.say("once more", "bo", GROUP, asked)
    assert "expired" in await chat.answered(GROUP, again)


async def test_a_reason_that_does_not_come_changes_nothing_and_is_told(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    number = chat.request().message
    await chat.told(chat.press("Return", "bo"))
    question = await chat.answered(GROUP, number)
    asked = next(post for post in chat.posts() if post.text == question)
    chat.team.clock.forward(minutes=10)
    await chat.until(lambda: "No reason was given" in chat.posts()[asked.message - 1].text)
    late = chat.say("too late", "bo", GROUP, asked.message)
    assert await chat.team.state(view.id) == "pending"
    assert chat.posts()[-1].message <= late + 1


async def test_a_request_whose_text_was_changed_approves_nothing(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    old = chat.request()
    buttons = chat.sandbox.telegram.buttons(GROUP, old.message)
    await writing.edit(chat.team.service, chat.team.people["ada"], view.id, {"next_update": "+50m"}, {})
    await writing.submit(chat.team.service, chat.team.people["ada"], view.id)
    for label in ("Approve", "Return", "Reject"):
        said = await chat.told(chat.press_data(buttons[label], "bo", old))
        assert "changed" in said
    assert await chat.team.state(view.id) == "pending"
    await chat.until(lambda: chat.request().message != old.message)
    await chat.told(chat.press("Approve", "bo"))
    assert await chat.team.state(view.id) == "approved"


async def test_the_outcome_of_the_command_line_is_shown_and_a_stale_button_says_so(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    post = chat.request()
    data = chat.sandbox.telegram.buttons(GROUP, post.message)["Approve"]
    await chat.team.approve(view.id, "cy")
    await chat.ask()
    assert "approved by cy" in chat.request().text
    assert "approved by cy" in await chat.told(chat.press_data(data, "bo", post))


async def test_an_alert_that_nobody_approved_shows_that_it_expired(chat: Chat) -> None:
    await chat.team.pending()
    await chat.ask()
    chat.team.clock.forward(hours=5)
    await chat.ask()
    assert "expired" in chat.request().text
    assert not chat.request().buttons


async def test_forged_and_broken_buttons_do_nothing(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    for data in ("a:ZZZZ-1:" + "0" * 32, f"a:{view.id}:" + "0" * 32, "a:", "resume:", "é"):
        assert await chat.told(chat.press_data(data, "bo", chat.request()))
    assert await chat.team.state(view.id) == "pending"


# Who somebody is


async def test_a_stranger_is_told_how_to_link_and_nothing_else(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    said = {await chat.told(chat.press(label, STRANGER)) for label in ("Approve", "Return", "Reject")}
    for text in ("/start", "/status", "/halt", "hello", "/help"):
        said.add(await chat.answered(STRANGER, chat.say(text, STRANGER)))
    assert len(said) == 1
    assert "people link" in said.pop()
    assert await chat.team.state(view.id) == "pending"


async def test_linking_by_a_code(chat: Chat) -> None:
    team = chat.team
    made = await accounts.link(team.service, team.people["ada"], "ada")
    assert "wrong" in await chat.answered(USERS["ada"], chat.say("/link BBBB-BBBB-BBBB", "ada"))
    assert "ada" in await chat.answered(USERS["ada"], chat.say(f"/link {made.code}", "ada"))
    who = await accounts.of_user(team.service, str(USERS["ada"]))
    assert who is not None
    assert who.name == "ada"


async def test_a_code_shown_in_the_group_is_void(chat: Chat) -> None:
    made = await accounts.link(chat.team.service, chat.team.people["ada"], "ada")
    number = chat.say(f"/link {made.code}", "ada", GROUP)
    assert "private" in await chat.answered(GROUP, number)
    assert await accounts.redeem(chat.team.service, made.code, str(STRANGER)) is None


async def test_codes_cannot_be_guessed_for_long(chat: Chat) -> None:
    for _try in range(5):
        assert "wrong" in await chat.answered(STRANGER, chat.say("/link QQQQ-QQQQ-QQQQ", STRANGER))
    made = await accounts.link(chat.team.service, chat.team.people["ada"], "ada")
    answer = await chat.answered(STRANGER, chat.say(f"/link {made.code}", STRANGER))
    assert "Too many" in answer
    assert await accounts.of_user(chat.team.service, str(STRANGER)) is None


async def test_a_revoked_approver_can_do_nothing(chat: Chat) -> None:
    view = await chat.team.pending()
    await chat.ask()
    await accounts.revoke(chat.team.service, chat.team.people["cy"], "bo")
    assert "bo" in await chat.told(chat.press("Approve", "bo"))
    assert await chat.team.state(view.id) == "pending"


# Halt and status


async def test_anybody_in_the_group_halts_with_one_more_press(chat: Chat) -> None:
    number = chat.say("/halt@sandbox_bot", STRANGER, GROUP)
    await chat.answered(GROUP, number)
    post = chat.posts()[-1]
    assert not (await overview.status(chat.team.service, None)).halted
    await chat.told(chat.press("Do nothing", STRANGER, post))
    assert not (await overview.status(chat.team.service, None)).halted
    await chat.answered(GROUP, chat.say("/halt", STRANGER, GROUP))
    await chat.told(chat.press("Halt everything", STRANGER, chat.posts()[-1]))
    assert (await overview.status(chat.team.service, None)).halted
    assert "alertbot resume" in chat.posts()[-1].text
    rows = await overview.audit_export(chat.team.service)
    assert [row["actor"] for row in rows if row["verb"] == "halt"] == [
        f"anybody ({STRANGER}, Telegram)"
    ]


async def test_one_alert_is_halted_by_its_name(chat: Chat) -> None:
    view = await chat.team.approved()
    assert "no alert" in await chat.answered(GROUP, chat.say("/halt ZZZZ-9", "bo", GROUP))
    await chat.answered(GROUP, chat.say(f"/halt {view.id}", "bo", GROUP))
    await chat.told(chat.press(f"Halt {view.id}", "bo", chat.posts()[-1]))
    assert (await overview.status(chat.team.service, None)).halted_alerts == (view.id,)


async def test_halting_is_for_the_group_alone(chat: Chat) -> None:
    assert "group" in await chat.answered(USERS["bo"], chat.say("/halt", "bo"))
    elsewhere = chat.say("/halt", "bo", -1001400000777)
    await chat.answered(USERS["bo"], chat.say("/status", "bo"))
    assert not [post for post in chat.posts(-1001400000777) if post.message > elsewhere]
    view = await chat.team.pending()
    await chat.ask()
    private = chat.request(USERS["bo"])
    assert "group" in await chat.told(chat.press_data("halt:", "bo", private))
    assert not (await overview.status(chat.team.service, None)).halted
    assert await chat.team.state(view.id) == "pending"


async def test_status_for_the_group_and_for_linked_people(chat: Chat) -> None:
    view = await chat.team.pending()
    for where, who in ((GROUP, STRANGER), (USERS["bo"], "bo")):
        text = await chat.answered(where, chat.say("/status", who, where))
        assert f"{view.id} status: pending" in text
        assert "NO WORKER" in text


# The platform


async def test_telegram_that_is_down_is_tried_again_and_nothing_is_doubled(database: Database) -> None:
    async with connected(database) as chat:
        await chat.link("bo")
        await chat.team.pending()
        chat.sandbox.faults.add("telegram:drop_before:times=1")
        await chat.ask()
        assert not chat.posts()
        needs = [one.message for one in (await overview.status(chat.team.service, None)).open]
        assert any("telegram did not accept" in one for one in needs)
        chat.team.clock.forward(minutes=1)
        await chat.ask()
        await chat.ask()
        assert len(chat.posts()) == len(chat.posts(USERS["bo"])) == 1


async def test_a_new_worker_goes_on_where_the_last_one_stopped(database: Database) -> None:
    async with listening(database) as chat:
        view = await chat.team.pending()
        await chat.ask()
        chat.stop.set()
        query = chat.press("Approve", "bo")
        after = type(chat.way)(chat.team.service, chat.way.settings, chat.way._listen)
        stop = asyncio.Event()
        hearing = asyncio.create_task(after.listen(stop))
        await queue.attend(chat.team.service, (after,))
        assert len(chat.posts()) == 1
        await chat.told(query)
        stop.set()
        await hearing
        await after.shut()
        assert await chat.team.state(view.id) == "approved"


async def test_the_group_s_new_number_is_followed(database: Database) -> None:
    async with listening(database) as chat:
        await chat.team.pending()
        chat.sandbox.faults.add(f"telegram:migrated:to={GROUP - 7}:times=1")
        await chat.ask()
        assert chat.request(GROUP - 7).buttons
        await chat.answered(GROUP - 7, chat.say("/status", "bo", GROUP - 7))


async def test_an_unknown_token_is_told_and_never_shown(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "1400000001:not-the-sandbox-token-at-all-0123456"
    monkeypatch.setenv("ALERTBOT_BOT", token)
    caplog.set_level(logging.DEBUG)
    async with connected(database) as chat:
        hearing = asyncio.create_task(chat.way.listen(chat.stop))
        await chat.until(lambda: "token" in caplog.text)
        await chat.team.pending()
        await chat.ask()
        chat.stop.set()
        await hearing
        needs = str((await overview.status(chat.team.service, None)).open)
        assert "BotFather" in needs
    assert token not in caplog.text + needs
    assert token.partition(":")[2] not in caplog.text + needs


async def test_the_token_stands_in_no_log(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening(database) as chat:
        token = chat.sandbox.telegram_account.token
        await chat.team.pending()
        for fault in ("html", "drop_before", "bad_entities"):
            chat.sandbox.faults.add(f"telegram:{fault}:on=any:times=2")
            await chat.ask()
            chat.team.clock.forward(minutes=6)
        chat.sandbox.faults.clear()
        await chat.ask()
        await chat.told(chat.press("Approve", "bo"))
    assert token not in caplog.text
    assert token.partition(":")[2] not in caplog.text


async def test_asked_as_deputy_says_so(database: Database) -> None:
    from datetime import time, timedelta
    from zoneinfo import ZoneInfo

    from alertbot.people.rules import Duty, Shift

    shifts = (Shift("bo", time(0), time(0)),)
    duty = Duty(timedelta(minutes=10), ZoneInfo("Europe/Paris"), shifts, ("cy",))
    async with connected(database, duty=duty) as chat:
        await chat.link("bo", "cy")
        await chat.team.pending()
        await chat.ask()
        assert not chat.posts(USERS["cy"])
        chat.team.clock.forward(minutes=10)
        await chat.ask()
        assert "deputy" in chat.request(USERS["cy"]).text
