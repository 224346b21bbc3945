"""Deciding by a link from a mail: who may, once, on exactly what was shown, and never by opening it."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from alertbot.alerts import approving, showing, writing
from alertbot.alerts.requests.links import MOST_WRONG_FORMS
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from alertbot.web.reading import LARGEST_BODY_BYTES, MOST_WRONG
from tests.web.reader import FORM, PLATFORMS, Page, Reader, form_in, reader


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Reader]:
    made = await reader(database)
    yield made
    await made.client.aclose()


async def rows(database: Database) -> dict[str, list[str]]:
    """Everything in the database, as text."""
    names = ("alert", "approval", "approval_link", "audit", "delivery", "message", "shown", "person")

    async def look(conn: object) -> dict[str, list[str]]:
        found = {}
        for name in names:
            result = await conn.execute(text(f"SELECT * FROM {name}"))  # type: ignore[attr-defined]
            found[name] = sorted(map(str, result))
        return found

    return await database.read(look)


async def test_a_link_approves_what_it_showed(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    shown = await desk.get(token)
    assert shown.status_code == 200
    answer = await desk.approve(token)
    assert answer.status_code == 200
    assert "is approved" in answer.text
    assert "Last recipient reached" in answer.text
    assert "NO WORKER" in answer.text
    assert await desk.team.state(alert.id) == "approved"
    await desk.team.work()
    assert await desk.team.state(alert.id) == "published"


async def test_the_page_shows_what_a_decision_needs(database: Database) -> None:
    desk = await reader(database, PLATFORMS)
    alert = await desk.team.pending()
    answer = await desk.get(await desk.link(alert))
    page = Page(answer.text)
    for words in (
        "bo",
        "THE PUBLIC",
        "Status update",
        "x_main, telegram_public, press",
        "ada",
        "French",
    ):
        assert words in page.text
    assert alert.digest in page.text
    for message in (await showing.show(desk.team.service, alert.id, None)).messages:
        for line in message.text.splitlines():
            assert " ".join(line.split()) in page.text


@pytest.mark.parametrize(
    ("verb", "state", "said"),
    [("return", "returned", "went back to ada"), ("reject", "rejected", "never")],
)
async def test_a_link_returns_and_rejects_with_a_reason(
    desk: Reader, verb: str, state: str, said: str
) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    silent = await desk.post(token, form=form, decision=verb, reason=" \n ")
    assert silent.status_code == 422
    assert await desk.team.state(alert.id) == "pending"
    answer = await desk.post(token, form=form, decision=verb, reason="Name the <places>.")
    assert answer.status_code == 200
    assert said in answer.text
    view = await showing.brief(desk.team.service, alert.id)
    assert (view.state, view.reason) == (state, "Name the <places>.")


async def test_the_audit_says_which_way_it_came(desk: Reader) -> None:
    alert = await desk.team.pending()
    await desk.approve(await desk.link(alert))
    row = next(
        one for one in await overview.audit_export(desk.team.service) if one["verb"] == "approve"
    )
    assert (row["actor"], row["detail"]["way"], row["digest"]) == ("bo", "mail", alert.digest)


@pytest.mark.parametrize("query", ["", "?decision=approve&read=yes&lang=fr"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_link_changes_nothing(
    desk: Reader, database: Database, method: str, query: str
) -> None:
    token = await desk.link(await desk.team.pending())
    before = await rows(database)
    for _time in range(3):
        answer = await desk.client.request(method, f"/a/{token}{query}", headers=desk.headers)
        assert answer.status_code == 200
    assert await rows(database) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_no_other_method_is_known(desk: Reader, method: str) -> None:
    token = await desk.link(await desk.team.pending())
    assert (await desk.client.request(method, f"/a/{token}")).status_code == 405


async def test_approving_takes_the_tick(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    answer = await desk.post(token, form=form, decision="approve")
    assert answer.status_code == 422
    page = Page(answer.text)
    assert any(field.get("aria-invalid") == "true" for field in page.all("input"))
    assert await desk.team.state(alert.id) == "pending"


async def test_a_link_works_once(desk: Reader) -> None:
    alert = await desk.team.pending("provisional_number")
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    assert (await desk.approve(token)).status_code == 200
    again = await desk.post(token, form=form, decision="reject", reason="changed my mind")
    assert again.status_code == 410
    assert (await desk.get(token)).status_code == 410
    assert await desk.team.state(alert.id) == "pending"  # this kind takes two
    given = (await showing.brief(desk.team.service, alert.id)).approvals.given
    assert [one.person for one in given] == ["bo"]


async def test_of_two_answers_at_once_one_counts(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    answers = await asyncio.gather(
        *(desk.post(token, form=form, decision="approve", read="yes") for _time in range(4)),
        *(desk.post(token, form=form, decision="reject", reason="no") for _time in range(4)),
    )
    codes = sorted(one.status_code for one in answers)
    assert codes == [200] + [410] * 7
    verbs = await desk.team.verbs()
    assert verbs.count("approve") + verbs.count("reject") == 1


async def test_two_people_approve_by_two_links(desk: Reader) -> None:
    alert = await desk.team.pending("provisional_number")
    links = [await desk.link(alert, name) for name in ("bo", "cy")]
    answers = await asyncio.gather(*(desk.approve(one) for one in links))
    assert [one.status_code for one in answers] == [200, 200]
    assert await desk.team.state(alert.id) == "approved"


async def test_four_eyes_hold(desk: Reader) -> None:
    """An approver who wrote the alert sees why not, and a forged form meets the same rule."""
    alert = await desk.team.draft(by="bo")
    alert = await writing.submit(desk.team.service, desk.team.people["bo"], alert.id)
    token = await desk.link(alert, "bo")
    shown = await desk.get(token)
    assert "bo wrote" in shown.text
    assert 'value="approve"' not in shown.text
    forced = await desk.post(token, form=form_in(shown.text), decision="approve", read="yes")
    assert forced.status_code == 403
    assert await desk.team.state(alert.id) == "pending"


async def test_who_may_not_approve_sees_no_text(desk: Reader) -> None:
    alert = await desk.team.pending()
    answer = await desk.get(await desk.link(alert, "ada"))
    assert answer.status_code == 403
    assert alert.digest[:12] not in answer.text
    assert "Rhône" not in answer.text


async def test_who_was_revoked_is_out(desk: Reader) -> None:
    alert = await desk.team.pending()
    service, cy = desk.team.service, desk.team.people["cy"]
    token = await desk.link(alert, "bo")
    form = form_in((await desk.get(token)).text)
    await accounts.rotate(service, cy, "bo", None)  # until another admin confirms, bo does not count
    assert (await desk.get(token)).status_code == 410
    answer = await desk.post(token, form=form, decision="approve", read="yes")
    assert answer.status_code == 410
    assert await desk.team.state(alert.id) == "pending"


async def test_a_text_that_changed_cannot_be_approved(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    ada, service = desk.team.people["ada"], desk.team.service
    await writing.edit(service, ada, alert.id, {"next_update": "+50m"}, {})
    assert (await desk.get(token)).status_code == 409
    fresh = await writing.submit(service, ada, alert.id)
    assert fresh.digest != alert.digest
    late = await desk.post(token, form=form, decision="approve", read="yes")
    assert late.status_code == 409
    assert "has changed since this link was sent" in late.text
    assert await desk.team.state(alert.id) == "pending"
    assert (await desk.approve(await desk.link(fresh))).status_code == 200


async def test_what_others_decided_is_told(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    await approving.return_(desk.team.service, desk.team.people["cy"], alert.id, "Too vague.")
    answer = await desk.get(token)
    assert answer.status_code == 409
    assert "nothing left to decide" in answer.text


@pytest.mark.parametrize("minutes", [29, 31])
async def test_a_link_lapses_with_the_time_to_approve(desk: Reader, minutes: int) -> None:
    alert = await desk.team.pending(changes={"next_update": "+3h"})
    token = await desk.link(alert, minutes=30)
    form = form_in((await desk.get(token)).text)
    desk.team.clock.forward(minutes=minutes)
    answer = await desk.post(token, form=form, decision="approve", read="yes")
    assert answer.status_code == (200 if minutes < 30 else 410)
    assert (await desk.get(token)).status_code == 410


async def test_wrong_forms_close_a_link(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    for _time in range(MOST_WRONG_FORMS):
        wrong = await desk.post(token, form="x" * 43, decision="approve", read="yes")
        assert wrong.status_code == 403
    answer = await desk.post(token, form=form, decision="approve", read="yes")
    assert answer.status_code == 429
    assert await desk.team.state(alert.id) == "pending"


@pytest.mark.parametrize("wrong", ["", "é" * 43, "\udcff", "0", "x" * 5000])
async def test_a_wrong_form_is_no_form(desk: Reader, wrong: str) -> None:
    token = await desk.link(await desk.team.pending())
    fields = {"form": wrong.encode("utf-8", "surrogateescape"), "decision": "approve", "read": "yes"}
    answer = await desk.client.post(f"/a/{token}", data=fields)
    assert answer.status_code in (400, 403)


async def test_the_form_of_one_link_does_not_serve_another(desk: Reader) -> None:
    alert = await desk.team.pending("provisional_number")
    bo, cy = await desk.link(alert, "bo"), await desk.link(alert, "cy")
    form = form_in((await desk.get(bo)).text)
    assert (await desk.post(cy, form=form, decision="approve", read="yes")).status_code == 403


async def test_guessing_links_is_capped_per_address(desk: Reader) -> None:
    token = await desk.link(await desk.team.pending())
    for number in range(MOST_WRONG):
        assert (await desk.get(f"{number:043d}")).status_code == 404
    answer = await desk.get("x" * 43)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert (await desk.get(token)).status_code == 200  # a right link is no guess


@pytest.mark.parametrize("token", ["x", "../a", "%00", "é" * 43, "a" * 9000, "A" * 42 + "="])
async def test_what_is_no_token_is_no_link(desk: Reader, token: str) -> None:
    assert (await desk.get(token)).status_code == 404


async def test_a_body_is_short_and_a_form(desk: Reader) -> None:
    token = await desk.link(await desk.team.pending())
    long = await desk.post(token, form="x", decision="return", reason="x" * LARGEST_BODY_BYTES)
    assert long.status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _time in range(LARGEST_BODY_BYTES):
            yield b"x" * 1024

    assert (await desk.client.post(f"/a/{token}", content=endless(), headers=FORM)).status_code == 413
    json = await desk.client.post(f"/a/{token}", json={"decision": "approve"})
    assert json.status_code == 415
    many = "&".join(f"a{number}=1" for number in range(50))
    answer = await desk.client.post(f"/a/{token}", content=many, headers=FORM)
    assert answer.status_code == 400


async def test_a_form_on_another_site_is_refused(desk: Reader) -> None:
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    answer = await desk.client.post(
        f"/a/{token}",
        data={"form": form, "decision": "approve", "read": "yes"},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403
    assert await desk.team.state(alert.id) == "pending"


async def test_no_token_in_the_database_or_a_log(
    desk: Reader, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    alert = await desk.team.pending()
    token = await desk.link(alert)
    form = form_in((await desk.get(token)).text)
    await desk.post(token, form="x" * 43, decision="approve", read="yes")
    await desk.approve(token)
    kept = str(await rows(database))
    logged = "\n".join(
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))
    )  # the browser of this test may log where it goes
    for secret in (token, form):
        assert secret not in kept
        assert secret not in logged


async def test_every_answer_is_private(desk: Reader) -> None:
    token = await desk.link(await desk.team.pending())
    for path in (f"/a/{token}", f"/a/{'x' * 43}", "/healthz", "/readyz", "/nothing"):
        headers = (await desk.client.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "set-cookie" not in headers


async def test_a_failure_is_a_page_without_a_traceback(
    desk: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = await desk.link(await desk.team.pending())
    await desk.team.service.database.close()

    async def broken(*_given: object) -> None:
        raise RuntimeError(f"/a/{token}")

    monkeypatch.setattr("alertbot.alerts.requests.links.open_page", broken)
    answer = await desk.get(token)
    assert answer.status_code == 500
    assert "RuntimeError" not in answer.text
    assert token not in caplog.text.replace("http://alertbot.example.org/a/" + token, "")
