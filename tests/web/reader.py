"""An approver with a browser: a team, its pages, and a link from a mail."""

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser

import httpx

from alertbot.alerts.requests import links
from alertbot.alerts.requests.links import Key
from alertbot.alerts.views import AlertView
from alertbot.channels import base
from alertbot.core.model import Audience, Channel, Target
from alertbot.db.database import Database
from alertbot.people.context import RequestSettings
from alertbot.people.store_requests import about_task
from alertbot.web.app import build
from tests.team import Team, channel, gather

SECRET = "a-secret-of-the-links-for-the-tests-only"
KEY = Key.of(SECRET)
FORM = {"content-type": "application/x-www-form-urlencoded"}
PLATFORMS = (
    Channel("x_main", base.X, ("fr", "en"), Audience.LIVE, (Target("x"),)),
    Channel("telegram_public", base.TELEGRAM, ("fr", "en"), Audience.LIVE, (Target("@exemple"),)),
    Channel("press", base.EMAIL, ("fr", "en"), Audience.LIVE, (Target("a@example.org", "fr"),)),
)


class Page(HTMLParser):
    """What is in a page: its tags with their attributes, its text, its language."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@dataclass
class Reader:
    """The team's pages, asked from one address."""

    team: Team
    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"accept-language": "en"})

    async def link(
        self, alert: AlertView, name: str = "bo", task: int | None = None, **lasts: float
    ) -> str:
        """The token of a link for this person, as the mail would hold it: to decide on the alert, or about a task."""
        until = self.team.clock.now + timedelta(**(lasts or {"minutes": 30}))
        return await links.issue(
            self.team.service,
            KEY,
            alert=alert.id,
            digest=alert.digest if task is None else about_task(task),
            person_id=self.team.people[name].id,
            until=until,
        )

    async def get(self, token: str, query: str = "", page: str = "a", **headers: str) -> httpx.Response:
        return await self.client.get(f"/{page}/{token}{query}", headers=self.headers | headers)

    async def post(self, token: str, page: str = "a", **fields: str) -> httpx.Response:
        return await self.client.post(f"/{page}/{token}", data=fields, headers=self.headers)

    async def approve(self, token: str) -> httpx.Response:
        form = form_in((await self.get(token)).text)
        return await self.post(token, form=form, decision="approve", read="yes")


def form_in(source: str) -> str:
    found = re.search(r'name="form" value="([\w-]+)"', source)
    return found[1] if found else ""


async def reader(
    database: Database, channels: tuple[Channel, ...] = (), address: str = "203.0.113.9"
) -> Reader:
    team = await gather(database, channels or (channel("public"), channel("team", Audience.TEAM)))
    team.service = replace(team.service, reach=RequestSettings(secrets={"mail": lambda: SECRET}))
    web = build(team.service, key=KEY)
    transport = httpx.ASGITransport(web, client=(address, 4711))
    return Reader(team, httpx.AsyncClient(transport=transport, base_url="http://alertbot.example.org"))
