"""Every route of the desk, as the application has it: without sign-in, with each role, from another site, with another's
session, after revocation; and the headers of every answer. A page that is added is walked without a line here."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.routing import Route

from alertbot.db.database import Database
from alertbot.people import accounts, tasks
from alertbot.people.tasks import NewTask
from tests.web.officer import FORM, SAME, URL, DeskScene, Form, Officer, posted, scene

DOORS = ("/desk/static/", "/desk/sign-in", "/desk/in/")
ENDLESS = ("/desk/stream",)
OWN = (
    "/desk/you",
    "/desk/sign-out",
    "/desk/stay",
    "/desk/language",
)  # one's own account, whoever one is
FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": URL},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
)


def served(routes: Iterable[Any]) -> Iterator[Route]:
    """Every route of the application, those of its routers too."""
    for one in routes:
        inner = getattr(one, "original_router", None)
        if inner is not None:
            yield from served(inner.routes)
        elif isinstance(one, Route):
            yield one


@dataclass
class Walk:
    """A desk with something behind most of its addresses."""

    desk: DeskScene
    values: dict[str, str]

    def place(self, path: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.values.get(found[1], "1"), path)

    def routes(self, method: str) -> list[tuple[str, str]]:
        """Path and address of every route that takes this method."""
        every = [one for one in served(self.desk.web.routes) if one.path.startswith("/desk")]
        found = [one.path for one in every if method in (one.methods or ()) and one.path != "/desk/"]
        return [(path, self.place(path)) for path in found]

    async def verbs(self) -> list[str]:
        return await self.desk.team.verbs()


@pytest.fixture
async def walk(sqlite_url: str) -> AsyncIterator[Walk]:
    database = await Database.open(sqlite_url, migrate=False)
    desk = await scene(database)
    team = desk.team
    alert = await team.pending("provisional_number")
    chore = NewTask("walk", "call", "Call the SAMU.")
    await team.service.database.transact(lambda conn: tasks.raise_(team.service, conn, chore))
    number = (await tasks.listing(team.service))[0].id
    values = {
        "alert": alert.id,
        "incident": alert.incident,
        "task": str(number),
        "kind": "status",
        "channel": "public",
        "lang": "fr",
        "entry": "N1",
        "territory": "69",
    }
    yield Walk(desk, values)
    await desk.close()
    await database.close()


async def member(desk: DeskScene, name: str, *roles: str) -> Officer:
    await desk.team.join(name, *roles)
    return await desk.officer(name)


def is_door(path: str) -> bool:
    return path.startswith(DOORS)


async def test_the_walk_sees_the_desk(walk: Walk) -> None:
    assert len(walk.routes("GET")) > 20
    assert len(walk.routes("POST")) > 30
    every = [one for one in served(walk.desk.web.routes) if one.path.startswith("/desk")]
    assert {method for one in every for method in one.methods or ()} <= {"GET", "HEAD", "POST"}


async def test_nothing_but_the_doors_answers_who_is_not_signed_in(walk: Walk) -> None:
    stranger = walk.desk.browser()
    stranger.client.follow_redirects = False
    before = await walk.verbs()
    for path, place in walk.routes("GET"):
        if not is_door(path):
            answer = await stranger.client.get(place)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/desk/sign-in"), path
    for path, place in walk.routes("POST"):
        if not is_door(path):
            answer = await stranger.client.post(place, headers=SAME | FORM)
            assert answer.status_code == 401, path
    assert await walk.verbs() == before


async def test_no_changing_route_takes_a_form_from_elsewhere(walk: Walk) -> None:
    bo = await walk.desk.officer("bo")
    before = await walk.verbs()
    for path, place in walk.routes("POST"):
        for headers in FOREIGN:
            answer = await posted(bo.client, place, {"key": "k"}, headers)
            assert answer.status_code == 403, (path, headers)
    assert await walk.verbs() == before


async def test_every_answer_has_the_headers_and_no_page_fails_for_any_role(walk: Walk) -> None:
    desk = walk.desk
    officers = [await desk.officer("ada"), await member(desk, "eve", "admin"), await nobody(desk)]
    for officer in officers:
        for path, place in walk.routes("GET"):
            if path in ENDLESS:
                continue
            answer = await officer.client.get(place, follow_redirects=False)
            assert answer.status_code < 500, (path, answer.text)
            require_headers(path, answer.headers)
    for path, place in walk.routes("POST"):
        if not path.startswith("/desk/sign-out"):
            answer = await posted(officers[0].client, place, {"key": f"k {path}"})
            assert answer.status_code < 500, (path, answer.text)
            require_headers(path, answer.headers)


def require_headers(path: str, headers: object) -> None:
    given = dict(headers)  # type: ignore[call-overload]
    assert given["x-content-type-options"] == "nosniff", path
    assert given["x-frame-options"] == "DENY", path
    policy = given["content-security-policy"]
    assert policy.startswith("default-src 'none'"), path
    assert "unsafe" not in policy, path
    assert "http" not in policy, path
    if not path.startswith("/desk/static/"):
        assert given["cache-control"] == "no-store", path


async def nobody(desk: DeskScene) -> Officer:
    """Somebody who is signed in and has no role any more."""
    officer = await member(desk, "nil", "author")
    team = desk.team
    await accounts.change_roles(team.service, team.people["bo"], "nil", ["approver"])
    return officer


async def forms_of(walk: Walk, officer: Officer) -> list[tuple[str, Form]]:
    """Every form that any page offers this officer, with where it goes."""
    found: dict[tuple[str, str], tuple[str, Form]] = {}
    for path, place in walk.routes("GET"):
        if path in ENDLESS or is_door(path):
            continue
        await officer.get(place)
        for form in officer.page.forms:
            action = form.action or officer.answer.url.path
            buttons = [one for one in form.buttons if one.get("name")] or [{}]
            for button in buttons if form.method == "post" else ():
                where = button.get("formaction") or action
                value = button.get("value", "")
                fields = dict(form.fields) | ({button["name"]: value} if button else {})
                found.setdefault((where, value), (where, Form(where, "post", fields)))
    return list(found.values())


async def test_who_has_no_role_changes_nothing_by_any_form_that_others_are_offered(walk: Walk) -> None:
    """Each form as the page gives it to an approver and admin, sent by somebody without a role. Whoever is signed in
    may halt."""
    bo, nil = await walk.desk.officer("bo"), await nobody(walk.desk)
    sent = 0
    forms = await forms_of(walk, bo)
    before = len(await walk.verbs())
    for count, (place, form) in enumerate(forms):
        if place.startswith(OWN):
            continue
        fields = form.fields | {"key": f"own key {count}"}
        answer = await posted(nil.client, place, fields)
        assert answer.status_code < 500, (place, answer.text)
        sent += 1
    assert sent > 15
    assert set((await walk.verbs())[before:]) <= {"halt"}


async def test_a_session_that_is_another_persons_opens_nothing_of_theirs(walk: Walk) -> None:
    """Forms with the numbers of ada's sessions and passkeys, and her keys, sent by bo."""
    ada, bo = await walk.desk.officer("ada"), await walk.desk.officer("bo")
    await ada.get("/desk/you")
    for form in [one for one in ada.page.forms if one.action.startswith("/desk/you/")]:
        if form.action in ("/desk/you/renew", "/desk/you/codes"):
            continue  # about whoever sends it
        for button in form.buttons:
            named = {button["name"]: button["value"]} if button.get("name") else {}
            answer = await posted(bo.client, form.action, form.fields | named)
            assert answer.status_code < 500
    assert (await ada.get("/desk")).url.path == "/desk"
    for path, place in walk.routes("GET"):
        if path not in ENDLESS and not is_door(path):
            await bo.get(place)
            assert "Signed in as ada" not in bo.page.text, path


@pytest.mark.parametrize("how", ["revoked", "signed out", "renewed", "idle"])
async def test_nothing_opens_after_the_session_is_over(walk: Walk, how: str) -> None:
    ada, team = await walk.desk.officer("ada"), walk.desk.team
    forms = await forms_of(walk, ada)
    kept = dict(ada.client.cookies.items())
    if how == "revoked":
        await accounts.revoke(team.service, team.people["bo"], "ada")
    elif how == "renewed":
        await accounts.rotate(team.service, team.people["ada"], "ada", None)
    elif how == "idle":
        team.clock.forward(minutes=31)
    else:
        await ada.get("/desk")
        await ada.press("/desk/sign-out")
        for name, value in kept.items():  # as of a cookie that somebody kept
            ada.client.cookies.set(name, value, domain="desk.example.org")
    before = await walk.verbs()
    ada.client.follow_redirects = False
    for path, place in walk.routes("GET"):
        if not is_door(path):
            assert (await ada.client.get(place)).status_code == 303, path
    for place, form in forms:
        assert (await posted(ada.client, place, form.fields)).status_code == 401, place
    assert await walk.verbs() == before
