"""A page in a test: a team with a channel of the type `page` in a folder, and a renderer that writes little."""

from collections.abc import Mapping
from pathlib import Path

from alertbot.channels import base
from alertbot.channels.page.adapter import PageAdapter, PageSettings
from alertbot.core.model import Channel
from alertbot.db.database import Database
from alertbot.pages import editions
from alertbot.pages.editions import Render
from alertbot.pages.keeping import PageKeeper
from alertbot.pages.views import PageSite, PublicStanding
from tests.team import CHANNELS, Team, gather

URL = "https://alert.example.org"


def plainly(standing: PublicStanding, site: PageSite) -> Mapping[str, bytes]:
    """Every alert and every number, in as few words as possible."""
    files: dict[str, bytes] = {"index.html": b"<a href=fr/>", "assets/style.0a.css": b"body{}"}
    for lang in site.languages:
        holding = [one.number.line for rows in standing.numbers.get(lang, {}).values() for one in rows]
        files[f"{lang}/index.html"] = f"{standing.at:%H:%M} {holding}".encode()
        for incident in standing.incidents:
            for alert in incident.alerts:
                if lang in alert.documents:
                    text = (
                        f"{alert.documents[lang].headline} {incident.superseded.get(alert.alert, '')}"
                    )
                    files[f"{lang}/alerts/{alert.alert}.html"] = text.encode()
    return files


def page_channel(name: str = "page", **more: object) -> Channel:
    settings = PageSettings.model_validate({"folder": "www", "public_url": URL, **more}, strict=False)
    spec = settings.narrowed(base.PAGE)
    return Channel(
        name,
        spec,
        ("fr", "en"),
        settings.audience,
        PageAdapter.targets(settings),
        addresses=PageAdapter.addresses(settings),
    )


def adapter_of(channel: Channel, folder: Path) -> PageAdapter:
    settings = PageSettings(type="page", folder="www", public_url=channel.targets[0].address)
    settings.bind(f"channels.{channel.name}", folder)
    return PageAdapter(channel, settings)


def keep(team: Team, adapter: PageAdapter, render: Render = plainly) -> PageKeeper:
    """The keeper of a page, wired to its adapter."""
    site = editions.site_of(team.service.publisher, adapter.channel, adapter.settings.public_url)
    keeper = PageKeeper(team.service, adapter.channel, site, adapter.place, render)
    adapter.editions = keeper
    return keeper


async def team_with_page(
    database: Database, folder: Path, **more: object
) -> tuple[Team, PageKeeper, Path]:
    """A team, the keeper of its page, and what a web server would show."""
    page = page_channel(**more)
    team = await gather(database, (*CHANNELS, page))
    adapter = adapter_of(page, folder)
    team.adapters["page"] = adapter  # type: ignore[assignment]
    return team, keep(team, adapter), folder / "www" / "current"
