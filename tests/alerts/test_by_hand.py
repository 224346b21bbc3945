"""Posts that a person makes: whoever is asked gets exactly the words, and nothing but their answer settles the
delivery."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from alertbot.alerts import halting, showing, taking_back
from alertbot.alerts.hand import doing, giving
from alertbot.alerts.hand.doing import HandAnswer
from alertbot.alerts.requests import links, queue
from alertbot.core.errors import Refused
from alertbot.core.model import Audience, ExercisePost
from alertbot.db.database import Database
from alertbot.delivery import store_listing
from alertbot.delivery.runners import LocalRunner
from alertbot.ops import overview, working
from alertbot.people import tasks
from alertbot.people.context import RequestSettings
from alertbot.people.store_requests import about_task
from alertbot.people.views import TaskView
from alertbot.watch import reminders
from alertbot.web.app import build
from tests.alerts.requests.telegram.chat import GROUP, listening
from tests.team import CHANNELS, Team, gather, hand
from tests.web.reader import KEY, SECRET, form_in

PLACES = (*CHANNELS, hand())
LINK = "https://whatsapp.com/channel/0029Va/123"


async def given(team: Team) -> list[TaskView]:
    return [one for one in await tasks.listing(team.service) if one.kind == "by-hand"]


async def out(team: Team, **options: Any) -> str:
    view = await team.approved(**options)
    await team.work()
    return view.id


async def rows(team: Team, alert: str) -> list[Any]:
    found = await team.service.database.read(lambda conn: store_listing.deliveries(conn, alert))
    return [one for one in found if one.channel == "whatsapp"]


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database, PLACES)


async def test_a_worker_that_dies_before_the_task_leaves_one_task_and_no_doubt(team: Team) -> None:
    view = await team.approved()
    broken = replace(working.hooks(team.service), outcomes=_fails)
    runner = LocalRunner(team.service.database, team.adapters, hooks=broken, lease=0.2)
    running = asyncio.create_task(runner.run(asyncio.Event()))
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await team.work(patience=5.0)
    assert len(await given(team)) == 1
    assert [str(one.state) for one in await rows(team, view.id)] == ["sending"]
    await team.work(patience=3.0)  # as long as a lease: nothing ends what a person has
    assert [str(one.state) for one in await rows(team, view.id)] == ["sending"]


async def _fails(_conn: object, outcomes: object) -> None:
    raise RuntimeError("the machine is gone")


async def test_an_exercise_gives_nobody_anything_to_post(team: Team) -> None:
    channel = team.service.publisher.channels["whatsapp"]
    assert channel.audience is Audience.LIVE
    await out(team, exercise=True, channels=("drill",))
    assert await given(team) == []
    post = ExercisePost("BKRT-1", 1, 1, channel.targets[0].address, "fr", "Exercice")
    with pytest.raises(Exception, match="exercise"):
        await team.adapters["whatsapp"].publish(post)


async def test_what_nobody_answers_alarms_the_team_once_until_it_is_told(team: Team) -> None:
    alert = await out(team)
    (task,) = await given(team)
    await reminders.look(team.service)
    assert not [one for one in await tasks.listing(team.service) if one.kind == "hand-late"]
    team.clock.forward(minutes=16)
    for _twice in range(2):
        await reminders.look(team.service)
    (late,) = [one for one in await tasks.listing(team.service) if one.kind == "hand-late"]
    assert "OVERDUE" in late.text
    await team.work()
    notices = [one.text for one in team.adapters["team"].posts if "OVERDUE" in one.text]
    assert len(notices) == 1
    needs = [one.message for one in (await overview.status(team.service, alert)).open]
    assert any("OVERDUE" in one for one in needs)
    await doing.answer(team.service, team.people["ada"], task.id, HandAnswer(at="now"))
    await reminders.look(team.service)
    assert await tasks.listing(team.service) == []


async def test_two_people_at_once_and_the_second_is_told(team: Team) -> None:
    await out(team)
    (task,) = await given(team)
    answers = await asyncio.gather(
        *(
            doing.answer(team.service, team.people[name], task.id, HandAnswer(link=LINK))
            for name in ("ada", "bo")
        ),
        return_exceptions=True,
    )
    refused = [one for one in answers if isinstance(one, Refused)]
    assert len(refused) == 1
    assert "already done" in str(refused[0])


async def test_every_language_is_given_out_whatever_becomes_of_the_others(database: Database) -> None:
    team = await gather(database, (*CHANNELS, hand(languages=("fr", "en"))))
    alert = await out(team)
    french, english = await given(team)
    assert ("(fr)" in french.text, "(en)" in english.text) == (True, True)
    ada = team.people["ada"]
    await doing.answer(team.service, ada, english.id, HandAnswer(link=LINK))
    await doing.answer(team.service, ada, french.id, HandAnswer(why_not="the account is locked"))
    assert [str(one.state) for one in await rows(team, alert)] == ["failed", "sent"]
    back = await taking_back.retract(team.service, team.people["bo"], alert, submit=True)
    await team.approve(back.id, "cy")
    await team.work()
    told = [one.text for one in await given(team)]
    assert any("changed" in one and "(en)" in one for one in told), told
    assert any("changed" not in one and "(en)" in one for one in told), told


async def test_what_is_taken_back_meanwhile_is_not_to_be_posted_any_more(team: Team) -> None:
    alert = await out(team)
    (task,) = await given(team)
    back = await taking_back.retract(team.service, team.people["bo"], alert, submit=True)
    await team.approve(back.id, "cy")
    view, _picture = await giving.shown(team.service, task.id)
    assert view.stop is not None
    assert back.id in view.stop
    await team.work()
    (later,) = [one for one in await given(team) if one.id != task.id and "changed" not in one.text][:1]
    shown, _picture = await giving.shown(team.service, later.id)
    assert "if it was not, do not make it any more" in shown.instruction


async def test_by_mail_the_page_has_the_words_and_takes_the_answer(team: Team) -> None:
    team.service = replace(team.service, reach=RequestSettings(secrets={"mail": lambda: SECRET}))
    alert = await out(team)
    (task,) = await given(team)
    token = await links.issue(
        team.service,
        KEY,
        alert=alert,
        digest=about_task(task.id),
        person_id=team.people["ada"].id,
        until=team.clock.now.replace(year=2027),
    )
    transport = httpx.ASGITransport(build(team.service, key=KEY), client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://a.example.org") as client:
        page = await client.get(f"/t/{token}", headers={"accept-language": "en"})
        assert page.status_code == 200
        said = await showing.show(team.service, alert, None)
        (words,) = [one.text for one in said.messages if one.channel == "whatsapp"]
        assert words.splitlines()[0] in page.text
        assert "WhatsApp « Préfet 69 »" in page.text
        form = form_in(page.text)
        english = {"accept-language": "en"}
        bare = await client.post(f"/t/{token}", data={"form": form, "answer": "done"}, headers=english)
        assert (bare.status_code, "--link" in bare.text) == (422, False)
        wrong = {"form": "x", "answer": "done", "link": LINK}
        assert (await client.post(f"/t/{token}", data=wrong)).status_code == 403
        assert (await client.get(f"/a/{token}")).status_code == 404
        done = {"form": form, "answer": "done", "link": LINK}
        assert (await client.post(f"/t/{token}", data=done, headers=english)).status_code == 200
        again = await client.get(f"/t/{token}", headers=english)
        assert "sent by ada" in again.text
    (row,) = await rows(team, alert)
    assert (str(row.state), row.url) == ("sent", LINK)
    assert await team.state(alert) == "published"


async def test_by_telegram_the_words_stand_alone_and_the_answer_is_a_reply(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, migrate=False)
    async with listening(database, channels=PLACES) as chat:
        await chat.link("ada")
        alert = await out(chat.team)
        await chat.ask()
        said = await showing.show(chat.team.service, alert, None)
        (words,) = [one.text for one in said.messages if one.channel == "whatsapp"]
        assert words in [one.text for one in chat.posts()]
        post = chat.request()
        assert "WhatsApp « Préfet 69 »" in post.text
        await chat.told(chat.press("It is posted", "ada", post))
        question = chat.posts()[-1].message
        number = chat.say(LINK, "ada", GROUP, reply_to=question)
        assert LINK in await chat.answered(GROUP, number)
        (row,) = await rows(chat.team, alert)
        assert (str(row.state), row.url) == ("sent", LINK)
        await chat.until(lambda: "sent by ada" in chat.request().text)
        assert not chat.request().buttons
    await database.close()


async def test_a_request_that_is_out_says_stop_after_a_halt(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, migrate=False)
    async with listening(database, channels=PLACES) as chat:
        await out(chat.team)
        await chat.ask()
        assert "DO NOT POST IT" not in chat.request().text
        await halting.halt(chat.team.service, None, None)
        await queue.attend(chat.team.service, (chat.way,))
        assert "DO NOT POST IT" in chat.request().text
    await database.close()
