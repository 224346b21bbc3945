"""Links to approve: derived from a key, kept as a hash, sent again as they were, used up by a decision."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.alerts.requests import links
from alertbot.alerts.requests.links import (
    SHORTEST_SECRET,
    TOKEN,
    Key,
    LinkUnknown,
    LinkUsed,
    PageAnswer,
    hash_of,
)
from alertbot.alerts.views import AlertView
from alertbot.core.errors import ConfigInvalid, PastMoment, Refused
from alertbot.db.database import Database
from alertbot.people import store_requests as store
from tests.team import Team, gather

KEY = Key.of("k" * SHORTEST_SECRET)
OTHER = Key.of("o" * SHORTEST_SECRET)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def issue(team: Team, alert: AlertView, name: str = "bo", key: Key = KEY) -> str:
    return await links.issue(
        team.service,
        key,
        alert=alert.id,
        digest=alert.digest,
        person_id=team.people[name].id,
        until=team.clock.now + timedelta(minutes=30),
    )


def approving(token: str) -> PageAnswer:
    return PageAnswer("approve", KEY.form(token), read=True)


@given(st.text(), st.text(), st.integers(0, 10**9), moments)
def test_a_token_depends_on_everything(alert: str, digest: str, person: int, at: datetime) -> None:
    token = KEY.token(alert, digest, person, at)
    assert TOKEN.fullmatch(token)
    assert token == KEY.token(alert, digest, person, at)
    others = {
        OTHER.token(alert, digest, person, at),
        KEY.token(alert + "x", digest, person, at),
        KEY.token(alert, digest + "x", person, at),
        KEY.token(alert, digest, person + 1, at),
        KEY.token(alert, digest, person, at + timedelta(microseconds=1)),
        KEY.form(token),
        hash_of(token),
    }
    assert token not in others
    assert len(others) == 7


@given(moments)
def test_a_token_survives_the_moment_being_stored(at: datetime) -> None:
    stored = datetime.fromtimestamp(at.timestamp(), UTC)
    assert KEY.token("a", "d", 1, at) == KEY.token("a", "d", 1, stored)


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="32"):
        Key.of("k" * (SHORTEST_SECRET - 1))
    assert "kkk" not in repr(KEY)


async def test_a_letter_that_is_sent_again_holds_the_same_link(team: Team) -> None:
    alert = await team.pending()
    first = await issue(team, alert)
    team.clock.forward(minutes=5)
    assert await issue(team, alert) == first
    assert await issue(team, alert, "cy") != first
    assert await issue(team, alert, key=OTHER) != first


async def test_the_database_cannot_make_the_link(team: Team) -> None:
    """The hash is there, and all that went into the link but the key."""
    alert = await team.pending()
    token = await issue(team, alert)
    link = await team.service.database.read(
        lambda conn: store.find_link(conn, hash_of(token), now=team.clock.now)
    )
    assert link is not None
    assert token not in str(link)
    assert OTHER.token(link.alert, link.digest, link.person.id, link.made_at) != token


async def test_a_refusal_leaves_the_link_unused(team: Team) -> None:
    alert = await team.pending()
    token = await issue(team, alert)
    team.clock.forward(minutes=29)
    promise_over = await team.pending(changes={"next_update": "+1m"})
    late = await issue(team, promise_over)
    team.clock.forward(minutes=2)
    with pytest.raises(PastMoment):
        await links.decide(team.service, KEY, late, approving(late))
    assert (await links.open_page(team.service, KEY, late)).obstacle is not None
    decided = await links.decide(
        team.service, KEY, late, PageAnswer("return", KEY.form(late), reason="late")
    )
    assert decided.alert.state == "returned"
    with pytest.raises(Refused):
        await links.decide(team.service, KEY, token, approving(token))


async def test_a_used_link_is_named_so(team: Team) -> None:
    token = await issue(team, await team.pending())
    await links.decide(team.service, KEY, token, approving(token))
    for again in (approving(token), PageAnswer("reject", KEY.form(token), reason="no")):
        with pytest.raises(LinkUsed, match="works only once"):
            await links.decide(team.service, KEY, token, again)


async def test_a_new_key_voids_the_links_of_the_old_one(team: Team) -> None:
    alert = await team.pending()
    token = await issue(team, alert)
    with pytest.raises(LinkUnknown):
        await links.open_page(team.service, OTHER, token)
    with pytest.raises(LinkUnknown):
        await links.decide(team.service, OTHER, token, approving(token))
    assert await team.state(alert.id) == "pending"


async def test_what_is_shown_is_noted_with_the_decision(team: Team) -> None:
    """Opening the page notes nothing: mail programs open links by themselves."""
    alert = await team.pending("provisional_number")
    token = await issue(team, alert)
    await links.open_page(team.service, KEY, token)
    with pytest.raises(Refused, match="not seen"):
        await _approve_as_shown(team, alert.id)
    await links.decide(team.service, KEY, token, approving(token))
    with pytest.raises(Refused, match="already"):
        await _approve_as_shown(team, alert.id)


async def _approve_as_shown(team: Team, alert: str) -> None:
    from alertbot.alerts import approving

    await approving.approve(team.service, team.people["bo"], alert, None)


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 43, "\ud800" * 43])
async def test_what_is_no_link_is_unknown(team: Team, token: str) -> None:
    with pytest.raises(LinkUnknown):
        await links.open_page(team.service, KEY, token)
