"""Recipients at the desk: who reads what of an address, writing to it no more and again, mail that came back; the country's
facts, confirmed by name; and what the public page shows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from alertbot.app import App
from alertbot.app import build as build_app
from alertbot.delivery.views import Suppressed
from alertbot.ops import overview, public_page, working
from alertbot.people import confirming, recipients
from alertbot.people.accounts import acting
from alertbot.regions import packs
from alertbot.regions.facts import using
from alertbot.web.app import build
from alertbot.web.desk.recipients_page import MOST_ROWS
from alertbot.web.desk.room import DeskRoom
from alertbot.web.desk.ways_out import for_desk
from tests.people.test_returned import SEAL, SECRET, sample, team, to
from tests.team import Clock, Team
from tests.web.officer import SAME, URL, DeskScene, Officer
from tests.web.test_desk_walk import member, nobody

__all__ = ["team"]  # a fixture
MAIRE = "maire@commune.example.fr"


@pytest.fixture
async def desk(team: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DeskScene]:
    """A desk of an application with a list of mail."""
    monkeypatch.setenv("LINK_SECRET", SECRET)
    app: App = build_app(team.folder / "config.yaml")
    service = await app.open()
    people = {name: await acting(service, token) for name, token in team.tokens.items()}
    made = Team(service, Clock(service.now), {}, people, dict(team.tokens))
    scene = DeskScene(made, build(service, desk=DeskRoom(service, URL, seals=app.seals())))
    yield scene
    await scene.close()
    await app.close()


async def rows(desk: DeskScene) -> dict[str | None, Suppressed | None]:
    return {one.address: one.reason for one in await recipients.listing(desk.team.service)}


async def stopped(officer: Officer, addresses: str, why: str = "by_hand", **more: str) -> Officer:
    await officer.get("/desk/recipients")
    await officer.send(officer.page.form("/recipients/suppress"), addresses=addresses, why=why, **more)
    return officer


async def test_lists_with_their_counts_and_masked_addresses(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/deliveries")
    assert 'href="/desk/recipients"' in ada.answer.text
    await stopped(ada, f"{MAIRE}\nb@example.org", note="asked by telephone")
    assert "2 addresses are no longer written to." in ada.page.text, ada.page.text
    assert "mail · 2 addresses" in ada.page.text
    assert "2 suppressed by hand" in ada.page.text
    assert "m…@commune.example.fr" in ada.page.text
    assert MAIRE not in ada.answer.text
    await stopped(ada, MAIRE)
    assert "0 addresses are no longer written to (1 was not written to before)." in ada.page.text
    await stopped(ada, MAIRE, "erased")
    assert await rows(desk) == {None: Suppressed.ERASED, "b@example.org": Suppressed.BY_HAND}
    assert "1 erased" in ada.page.text


async def test_what_is_no_address_changes_nothing_and_stays_typed(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    for addresses, why in (("b@example.org, nobody", "by_hand"), ("", "by_hand"), (MAIRE, "bounced")):
        await stopped(ada, addresses, why)
        assert ada.answer.status_code == 400, ada.page.text
        assert "That was not done" in ada.page.text
        form = ada.page.form("/recipients/suppress")
        assert form.fields["addresses"].strip() == addresses
    assert await rows(desk) == {}


async def test_only_approvers_and_admins_see_an_address_whole_and_release_it(desk: DeskScene) -> None:
    ada, bo = await desk.officer("ada"), await desk.officer("bo")
    await stopped(ada, MAIRE, "unsubscribed")
    (line,) = await recipients.listing(desk.team.service)
    place = f"/desk/recipients/{line.key}"
    assert place not in ada.answer.text
    assert (await ada.get(place)).status_code == 403
    assert MAIRE not in ada.answer.text
    await ada.get("/desk/recipients")
    assert not [one for one in ada.page.forms if one.action.endswith("/release")]
    await bo.get("/desk/recipients")
    assert place in bo.answer.text
    assert MAIRE not in bo.answer.text
    await bo.get(place)
    assert MAIRE in bo.page.text
    await bo.press("/recipients/release")
    assert bo.answer.status_code == 403
    assert "does not want any mail" in bo.page.text
    assert "--reason" not in bo.page.text
    await bo.get(place)
    await bo.press("/recipients/release", reason="asked us by telephone")
    assert "1 address is written to again." in bo.page.text
    assert await rows(desk) == {}
    assert (await bo.get(place)).status_code == 400
    assert {"recipients-suppress", "recipients-release"} <= set(await desk.team.verbs())


async def test_who_has_no_role_reads_counts_alone(desk: DeskScene) -> None:
    ada, nil = await desk.officer("ada"), await nobody(desk)
    await stopped(ada, MAIRE)
    await nil.get("/desk/recipients")
    assert "1 suppressed by hand" in nil.page.text
    assert "commune.example.fr" not in nil.answer.text
    assert not [one for one in nil.page.forms if "/recipients/" in one.action]
    eve = await member(desk, "eve", "admin")
    await eve.get("/desk/recipients")
    await eve.send(eve.page.form("/recipients/release"), addresses=MAIRE)
    assert "1 address is written to again." in eve.page.text


async def test_a_long_list_comes_by_pages_and_small(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    many = "\n".join(f"reader{n}@example.org" for n in range(MOST_ROWS + 5))
    await stopped(ada, many, note="x" * 150)
    assert "Page 1 of 2" in ada.page.text
    assert len(ada.answer.content) <= 40_000
    await ada.get("/desk/recipients?page=2")
    assert ada.answer.text.count("…@example.org") == 5


async def sent(officer: Officer, content: bytes) -> httpx.Response:
    await officer.get("/desk/recipients")
    form = officer.page.form("/recipients/returned")
    files = {"file": ("retours.mbox", content, "application/mbox")}
    answer = await officer.client.post(form.action, data=form.fields, files=files, headers=SAME)
    return officer._seen(answer)


async def test_mail_that_came_back_is_read_as_by_the_command(desk: DeskScene) -> None:
    alert = await desk.team.approved("holding")
    found = await overview.deliveries(desk.team.service, alert.id, None, None, channel="mail")
    number = {one.target: one.id for one in found}
    samu, other = number["Samu@example.org"], number["b@example.org"]
    box = b"From a Mon\n" + to(SEAL.returned_to(samu, "retours"), sample("dsn_12"))
    box += b"\n\nFrom b Tue\n" + to(SEAL.returned_to(other, "retours"), sample("qmail_01"))
    box += b"\n\nFrom c Wed\n" + to("retours", sample("dsn_12")) + b"\n"
    ada, nil = await desk.officer("ada"), await nobody(desk)
    await sent(ada, box)
    said = "3 mails read: 1 addresses that do not exist are no longer written to, 1 failures may pass"
    assert said in ada.page.text, ada.page.text
    assert "S…@example.org · does not exist" in ada.page.text
    assert "b…@example.org · came back 1 time" in ada.page.text
    await sent(ada, box)
    assert "2 were counted before." in ada.page.text, ada.page.text
    await sent(ada, b"")
    assert "Choose a file first." in ada.page.text
    assert (await sent(ada, b"x" * 2_000_000)).status_code == 413
    files = {"file": ("a.eml", box, "message/rfc822")}
    fields = {"key": "k"}
    place = "/desk/recipients/returned"
    refused = await nil.client.post(place, data=fields, files=files, headers=SAME)
    assert refused.status_code == 403
    assert (await ada.client.post(place, data=fields, files=files)).status_code == 403


async def test_without_a_return_address_there_is_a_sentence_instead(desk: DeskScene) -> None:
    desk.web = build(desk.team.service, desk=DeskRoom(desk.team.service, URL))
    ada = await desk.officer("ada")
    await ada.get("/desk/recipients")
    assert "nobody can tell whose mail came back" in ada.page.text
    assert not [one for one in ada.page.forms if one.action.endswith("/returned")]


# --- the country's facts --------------------------------------------------------------------------


async def test_the_facts_in_force_are_read_and_confirmed_by_name(desk: DeskScene) -> None:
    team, british = desk.team, packs.load("GB")
    with using(british):
        ada, bo = await desk.officer("ada"), await desk.officer("bo")
        await ada.get("/desk/country")
        assert "Nobody has confirmed them as they are now" in ada.page.text
        assert "999" in ada.page.text
        assert not [one for one in ada.page.forms if one.action.endswith("/confirm")]
        await bo.get("/desk/country")
        await bo.press("/country/confirm")
        assert bo.answer.status_code == 400
        assert "Tick the box" in bo.page.text
        await bo.press("/country/confirm", read="yes")
        assert "bo has confirmed these facts" in bo.page.text
        assert len(bo.answer.content) <= 40_000
        found = await team.service.database.read(confirming.confirmed)
        assert found is not None
        assert (found.by, found.fingerprint) == ("bo", british.fingerprint)
        opened = bo.page.form("/country/confirm")
    with using(replace(british, fingerprint="changed")):
        await bo.send(opened, read="yes", key="another")
        assert bo.answer.status_code == 400
        assert "has changed since this page was opened" in bo.page.text
        assert "Nobody has confirmed them" in bo.page.text
    assert (await team.verbs()).count(confirming.VERB) == 1


async def test_the_warning_to_approvers_leads_there(desk: DeskScene) -> None:
    with using(packs.load("GB")):
        said = str(for_desk(confirming.unread()))
    assert 'href="/desk/country"' in said
    assert "alertbot regions" not in said


async def test_french_facts_need_nobody_and_may_have_one(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    await bo.get("/desk/country")
    assert "need no confirmation" in bo.page.text
    await bo.press("/country/confirm", read="yes")
    assert "bo has confirmed these facts" in bo.page.text
    await bo.press("fr")
    await bo.get("/desk/country")
    assert "Numéros courts" in bo.page.text, bo.page.text


# --- the public page ------------------------------------------------------------------------------


async def test_the_edition_that_stands_on_the_public_page(tmp_path: Path, team: Any) -> None:
    page = {"type": "page", "folder": "www", "public_url": "https://alert.example.org"}
    path = team.configure(channels={"page": page})
    app: App = build_app(path)
    service = await app.open()
    shown = partial(public_page.show, app, service)
    made = Team(service, Clock(service.now), {}, tokens=dict(team.tokens))
    scene = DeskScene(made, build(service, desk=DeskRoom(service, URL, pages=shown)))
    ada = await scene.officer("ada")
    await ada.get("/desk/public-page")
    assert "nothing was published on it yet" in ada.page.text
    await working.run_once(app)
    await ada.get("/desk/public-page")
    assert "https://alert.example.org" in ada.page.text
    assert "stands now: edition 1 of" in ada.page.text
    bare = DeskScene(made, build(service, desk=URL))
    bo = await bare.officer("bo")
    await bo.get("/desk/public-page")
    assert "No page is configured." in bo.page.text
    for one in (scene, bare):
        await one.close()
    await app.close()
