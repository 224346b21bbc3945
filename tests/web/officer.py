"""An officer at the desk: a browser without a script, with its cookies, that fills in forms and presses buttons."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from alertbot.core.model import Audience, Channel
from alertbot.db.database import Database
from alertbot.people.context import RequestSettings
from alertbot.texts.publisher import Override
from alertbot.web.app import build
from tests.team import Team, channel, gather

URL = "https://desk.example.org"
FORM = {"content-type": "application/x-www-form-urlencoded"}
SAME = {"sec-fetch-site": "same-origin", "origin": URL}


async def posted(
    client: httpx.AsyncClient, place: str, fields: dict[str, str], headers: dict[str, str] = SAME
) -> httpx.Response:
    """A form as a browser sends it, also without fields."""
    return await client.post(place, content=urlencode(fields), headers=FORM | headers)


@dataclass
class Form:
    """One form of a page: where it goes, its fields as they stand, its buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)


class FormPage(HTMLParser):
    """The forms and the text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self._form: Form | None = None
        self._area: str | None = None
        self._select: str | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        if self._form is None:
            return
        name, kind = given.get("name", ""), given.get("type", "")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            self._form.fields[name] = given.get("value", "on" if kind == "checkbox" else "")
        elif tag == "textarea":
            self._area = name
            self._form.fields[name] = ""
        elif tag == "select":
            self._select = name
            self._form.fields[name] = ""
        elif tag == "option" and self._select and "selected" in given:
            self._form.fields[self._select] = given.get("value", "")
        elif tag == "button":
            self._form.buttons.append(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._form is not None:
            self._form.fields[self._area] += data.removeprefix("\n")
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def form(self, value: str) -> Form:
        """The form with a button of this value, or whose action ends so."""
        for one in self.forms:
            if any(button.get("value") == value for button in one.buttons) or (
                one.action.endswith(value)
            ):
                return one
        raise AssertionError(f"no form for {value} among {[one.action for one in self.forms]}")


@dataclass
class Officer:
    """One person's browser."""

    team: Team | None
    client: httpx.AsyncClient
    page: FormPage = field(default_factory=lambda: FormPage(""))
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(200))
    origin: str = URL

    async def get(self, place: str, **headers: str) -> httpx.Response:
        return self._seen(await self.client.get(place, headers=headers))

    async def send(self, form: Form, button: str = "", **fields: str) -> httpx.Response:
        """Send a form as it stands, with these fields changed (`__` stands for a dot), by this button."""
        given = form.fields | {name.replace("__", "."): text for name, text in fields.items()}
        pressed = next((one for one in form.buttons if one.get("value") == button), {})
        if pressed.get("name"):
            given[pressed["name"]] = button
        action = pressed.get("formaction") or form.action or str(self.answer.url)
        if form.method == "get":
            return self._seen(await self.client.get(action, params=given))
        return self._seen(await posted(self.client, action, given, SAME | {"origin": self.origin}))

    async def press(self, button: str, **fields: str) -> httpx.Response:
        return await self.send(self.page.form(button), button, **fields)

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.answer, self.page = answer, FormPage(answer.text)
        return answer

    async def sign_in(self, name: str) -> None:
        assert self.team is not None
        await self.get("/desk/sign-in")
        form = next(one for one in self.page.forms if "token" in one.fields)
        await self.send(form, token=self.team.tokens[name])
        assert self.answer.status_code == 200, self.page.text
        assert "sign-in" not in str(self.answer.url)


@dataclass
class DeskScene:
    """A team with a desk."""

    team: Team
    web: FastAPI
    officers: list[Officer] = field(default_factory=list)

    def browser(self, address: str = "203.0.113.9") -> Officer:
        transport = httpx.ASGITransport(self.web, client=(address, 4711))
        headers = {"accept-language": "en", "user-agent": "Mozilla (Linux) Firefox"}
        client = httpx.AsyncClient(
            transport=transport, base_url=URL, headers=headers, follow_redirects=True
        )
        self.officers.append(Officer(self.team, client))
        return self.officers[-1]

    async def officer(self, name: str) -> Officer:
        made = self.browser()
        await made.sign_in(name)
        return made

    async def close(self) -> None:
        for one in self.officers:
            await one.client.aclose()


async def scene(
    database: Database,
    channels: tuple[Channel, ...] = (),
    url: str = URL,
    overrides: Mapping[str, Override] | None = None,
) -> DeskScene:
    usual = (channel("public"), channel("team", Audience.TEAM), channel("drill", Audience.EXERCISE))
    team = await gather(database, channels or usual, overrides)
    reach = RequestSettings(secrets={"desk": lambda: url, "api": lambda: url}, desk=url)
    team.service = replace(team.service, reach=reach)
    return DeskScene(team, build(team.service, desk=url))
