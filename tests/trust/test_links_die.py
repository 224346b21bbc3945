"""A link to approve works as long as its person has the same mail address, token and role; and wrong guesses
keep nobody out (case 17)."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from alertbot.db import tables
from alertbot.db.database import Database
from alertbot.people import accounts
from alertbot.web.reading import MOST_WRONG
from tests.web import reader as web
from tests.web.reader import Reader, form_in


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[Reader]:
    made = await web.reader(database)
    await _mail(made, "bo@example.org")
    yield made
    await made.client.aclose()


async def _mail(reader: Reader, address: str | None) -> None:
    team = reader.team
    await accounts.set_mail(team.service, team.people["bo"], "bo", address)


async def _demoted(reader: Reader) -> None:
    changed = (
        update(tables.person).where(tables.person.c.name == "bo").values(roles=["author", "admin"])
    )
    await reader.team.service.database.transact(lambda conn: conn.execute(changed))


async def _done(reader: Reader, what: str) -> None:
    """What happens to bo after the link was sent."""
    team = reader.team
    match what:
        case "removed":
            await _mail(reader, None)
        case "changed":
            await _mail(reader, "bo@example.com")
        case "renewed":
            await accounts.rotate(team.service, team.people["bo"], "bo", None)
        case "renewed by an admin":
            await team.join("eve", "admin")
            await accounts.rotate(team.service, team.people["cy"], "bo", None)
            await accounts.confirm(team.service, team.people["eve"], "bo")
        case "revoked":
            await accounts.revoke(team.service, team.people["cy"], "bo")
        case _:
            await _demoted(reader)


DEATHS = ["removed", "changed", "renewed", "renewed by an admin", "revoked", "demoted"]


@pytest.mark.parametrize("what", DEATHS)
async def test_a_link_dies_with_what_it_was_sent_to(reader: Reader, what: str) -> None:
    alert = await reader.team.pending()
    token = await reader.link(alert)
    form = form_in((await reader.get(token)).text)
    await _done(reader, what)
    page = await reader.get(token)
    assert page.status_code in (403, 410)
    answer = await reader.post(token, form=form, decision="approve", read="yes")
    assert answer.status_code in (403, 410)
    assert await reader.team.state(alert.id) == "pending"


@pytest.mark.parametrize("what", DEATHS)
async def test_it_neither_returns_nor_rejects_any_more(reader: Reader, what: str) -> None:
    alert = await reader.team.pending()
    token = await reader.link(alert)
    form = form_in((await reader.get(token)).text)
    await _done(reader, what)
    for decision in ("return", "reject"):
        fields = {"form": form, "decision": decision, f"{decision}-reason": "no", "reason": "no"}
        assert (await reader.post(token, **fields)).status_code in (403, 410)
    assert await reader.team.state(alert.id) == "pending"


async def test_an_address_that_comes_back_brings_its_link_back_and_no_other(reader: Reader) -> None:
    alert = await reader.team.pending()
    token = await reader.link(alert)
    await _mail(reader, "bo@example.com")
    other = await reader.link(alert)
    assert other != token
    assert (await reader.get(other)).status_code == 200
    assert (await reader.get(token)).status_code == 410


async def test_a_dead_link_is_no_guess(reader: Reader) -> None:
    token = await reader.link(await reader.team.pending())
    await _mail(reader, None)
    for _again in range(MOST_WRONG + 1):
        assert (await reader.get(token)).status_code == 410


async def test_wrong_guesses_keep_no_right_link_of_the_network_out(reader: Reader) -> None:
    alert = await reader.team.pending()
    token = await reader.link(alert)
    for number in range(MOST_WRONG + 5):
        await reader.get(f"{number:043d}")
    assert (await reader.get("x" * 43)).status_code == 429
    assert (await reader.approve(token)).status_code == 200
    assert await reader.team.state(alert.id) == "approved"
