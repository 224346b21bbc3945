"""People at the desk: inviting, confirming, roles, sessions, revoking; and who may do which of these."""

import re
from collections.abc import AsyncIterator

import pytest

from alertbot.core.errors import Refused
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from tests.web.officer import URL, DeskScene, Officer, posted, scene


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


def link(officer: Officer) -> str:
    """The address in the page's one link to sign in, as it is shown."""
    found = officer.answer.text.partition('readonly value="')[2].partition('"')[0]
    assert found.startswith(f"{URL}/desk/in/"), officer.page.text
    return found.removeprefix(URL)


async def number(desk: DeskScene, name: str) -> int:
    return next(one.id for one in await accounts.everybody(desk.team.service) if one.name == name)


async def at(officer: Officer, desk: DeskScene, name: str) -> Officer:
    await officer.get(f"/desk/people/{await number(desk, name)}")
    assert officer.answer.status_code == 200, officer.page.text
    return officer


async def test_somebody_new_from_the_link_to_a_hand_of_their_own(desk: DeskScene) -> None:
    """The whole way of a newcomer, without a command."""
    bo, cy = await desk.officer("bo"), await desk.officer("cy")
    await bo.get("/desk/people")
    await bo.press("/desk/people", name="dana", role="approver")
    place = link(bo)
    assert "works once another admin has confirmed dana" in bo.page.text
    dana = desk.browser()
    await dana.get(place)
    await dana.send(dana.page.forms[0])
    assert dana.answer.status_code == 403
    assert "does not count yet" in dana.page.text
    await at(bo, desk, "dana")
    await bo.press("/confirm")
    assert "bo gave dana the token; another admin must confirm" in bo.page.text
    await cy.get("/desk/people")
    assert "added or given a new token by bo" in cy.page.text
    await at(cy, desk, "dana")
    await cy.press("/confirm")
    await dana.get(place)
    await dana.send(dana.page.forms[0])
    assert dana.answer.url.path == "/desk/you"
    await cy.get("/desk/people")
    assert "bo and dana count as one hand" in cy.page.text
    await at(cy, desk, "dana")
    await cy.press("/own-token")
    assert "First dana renews the token under their own name" in cy.page.text
    assert "alertbot people" not in cy.page.text
    await dana.press("/you/renew")
    await at(cy, desk, "dana")
    await cy.press("/own-token")
    assert cy.answer.status_code == 200, cy.page.text
    await cy.get("/desk/people")
    assert "one hand" not in cy.page.text.partition("Invite")[0]
    assert (await overview.audit_verify(desk.team.service, None)).sound


async def test_a_link_is_shown_once_and_a_form_sent_again_makes_no_second(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    await at(bo, desk, "ada")
    form = bo.page.form("/invite")
    await bo.send(form)
    first = link(bo)
    await bo.send(form)
    assert "/desk/in/" not in bo.answer.text
    assert "Open invitation" in bo.page.text
    ada = desk.browser()
    assert (await ada.get(first)).status_code == 200


async def test_further_roles_wait_for_another_admin_and_lost_ones_go_at_once(desk: DeskScene) -> None:
    bo, cy, ada = [await desk.officer(name) for name in ("bo", "cy", "ada")]
    await at(bo, desk, "ada")
    await bo.send(bo.page.form("/roles"), role="approver")  # a form has one value of each name here
    line = next(one for one in await accounts.everybody(desk.team.service) if one.name == "ada")
    assert (line.roles, line.roles_asked, line.counts) == ((), ("approver",), True)
    await bo.press("/confirm")
    assert bo.answer.status_code == 403
    assert "bo asked for the roles of ada; another admin must confirm them" in bo.page.text
    await at(ada, desk, "ada")
    assert not [one for one in ada.page.forms if one.action.endswith("/confirm")]
    await at(cy, desk, "ada")
    await cy.press("/confirm")
    line = next(one for one in await accounts.everybody(desk.team.service) if one.name == "ada")
    assert (line.roles, line.roles_asked) == (("approver",), ())
    assert (await overview.audit_verify(desk.team.service, None)).sound


async def test_nobody_gives_themselves_a_role(desk: DeskScene) -> None:
    team = desk.team
    await team.join("eve", "admin")
    await accounts.change_roles(team.service, team.people["eve"], "eve", ["admin", "approver"])
    with pytest.raises(Refused, match="asked for the roles"):
        await accounts.confirm(team.service, team.people["eve"], "eve")
    await accounts.change_roles(team.service, team.people["bo"], "eve", ["admin", "approver"])
    with pytest.raises(Refused, match="Nobody confirms themselves"):
        await accounts.confirm(team.service, team.people["eve"], "eve")
    await accounts.confirm(team.service, team.people["cy"], "eve")
    for name in ("bo", "cy"):
        await accounts.change_roles(team.service, team.people["eve"], name, ["approver"])
    with pytest.raises(Refused, match="last admin"):
        await accounts.change_roles(team.service, team.people["eve"], "eve", ["approver"])


async def test_revoking_says_what_hangs_on_it_and_asks_for_the_name(desk: DeskScene) -> None:
    team = desk.team
    alert = await team.pending()
    await team.approve(alert.id, "bo")
    bo, cy = await desk.officer("bo"), await desk.officer("cy")
    await at(cy, desk, "bo")
    assert f"{alert.id} approved: without it 0 of 1 approvals are left" in cy.page.text
    await cy.press("/revoke", typed="ada")
    assert cy.answer.status_code == 400
    await cy.press("/revoke", typed="Bo")
    assert cy.answer.status_code == 200, cy.page.text
    assert "Revoked" in cy.page.text
    assert "sign-in" in str((await bo.get("/desk")).url)
    await team.work()
    assert await team.state(alert.id) != "published"


async def test_an_admin_ends_the_sessions_of_a_lost_phone(desk: DeskScene) -> None:
    phone, office, bo = [await desk.officer(name) for name in ("ada", "ada", "bo")]
    await at(bo, desk, "ada")
    assert bo.page.text.count("Firefox · Linux · by token") == 2
    form = next(one for one in bo.page.forms if one.action.endswith("/end"))
    await bo.send(form, session=form.buttons[0]["value"])  # the newest first
    assert "sign-in" in str((await office.get("/desk")).url)
    assert (await phone.get("/desk")).url.path == "/desk"
    await bo.send(bo.page.form("/end"), session="all")
    assert "Nowhere." in bo.page.text
    assert "sign-in" in str((await phone.get("/desk")).url)


async def test_who_is_no_admin_sees_people_and_changes_nothing(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/people")
    assert "Admins invite, confirm, change roles and revoke." in ada.page.text
    bo = await number(desk, "bo")
    await ada.get(f"/desk/people/{bo}")
    assert "Where they are signed in" not in ada.page.text
    before = len(await desk.team.verbs())
    for act, fields in {
        "": {"name": "eve", "role": "admin"},
        f"/{bo}/invite": {},
        f"/{bo}/confirm": {},
        f"/{bo}/own-token": {},
        f"/{bo}/roles": {"role": "author"},
        f"/{bo}/revoke": {"typed": "bo"},
        f"/{bo}/end": {"session": "all"},
        f"/{bo}/forget-mail": {},
        f"/{bo}/forget-telegram": {},
    }.items():
        answer = await posted(ada.client, f"/desk/people{act}", {"key": f"k{act}"} | fields)
        assert answer.status_code == 403, (act, answer.text)
    assert len(await desk.team.verbs()) == before
    assert (await ada.get("/desk/people/77")).status_code == 400


# --- how one is asked -----------------------------------------------------------------------------


async def test_each_person_enters_their_own_mail_address_and_links_their_own_telegram(
    desk: DeskScene,
) -> None:
    ada, bo = await desk.officer("ada"), await desk.officer("bo")
    person = desk.team.people["ada"].id
    await ada.get("/desk/you")
    assert f'href="/desk/people/{person}#asked"' in ada.answer.text
    place = f"/desk/people/{person}"
    await ada.get(place)
    await ada.press("/mail", address="nobody")
    assert ada.answer.status_code == 400
    assert "is not a mail address" in ada.page.text
    await ada.press("/mail", address="")
    assert "Type the mail address." in ada.page.text
    await ada.press("/mail", address="Ada@example.org")
    assert "Asked to approve by mail" in ada.page.text, ada.page.text
    form = ada.page.form("/telegram")
    await ada.send(form)
    assert "shown only this once" in ada.page.text
    code = next(one.split()[1] for one in re.findall(r'value="(/link [^"]+)"', ada.answer.text))
    await ada.send(form)
    assert code not in ada.answer.text
    team = desk.team
    assert await accounts.redeem(team.service, code, "4711") is not None
    await ada.get(place)
    assert "Asked to approve by telegram, mail" in ada.page.text
    await ada.press("/forget-mail")
    assert "Asked to approve by telegram" in ada.page.text
    await ada.press("/forget-telegram")
    assert "Asked to approve by –" in ada.page.text
    await bo.get(place)
    assert not [one for one in bo.page.forms if one.action.endswith(("/mail", "/telegram"))]
    for name in ("mail", "telegram"):
        fields = {"key": f"k {name}", "address": "bo@example.org"}
        answer = await posted(bo.client, f"{place}/{name}", fields)
        assert answer.status_code == 403, name
    assert (await team.verbs()).count("people-mail") == 2
