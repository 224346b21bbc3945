"""With the real verbs: an alert gives the same numbers in mail, on Telegram, on its page, in Atom, JSON and CAP; and what
stands after it is the same wherever one looks."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import feedparser
import pytest

from alertbot.alerts import following, taking_back
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.channels import base
from alertbot.core.clock import utc_now
from alertbot.core.model import Audience, Channel, Target
from alertbot.db.database import Database
from alertbot.ops.public_page import render
from tests.alerts.test_following import ENDED, EXCUSED
from tests.alerts.test_withdrawing import RIGHT, brittany
from tests.pages.feeds import reading
from tests.pages.feeds.reading import CAP, Follower, said
from tests.pages.site import adapter_of, keep, page_channel
from tests.team import Team, channel, gather

LANGUAGES = ("fr", "en")
DIGITS = re.compile(r"02[ \u00a0]61[ \u00a0]91[ \u00a0]\d\d[ \u00a0]\d\d")
MAIL = Channel(
    "mail", base.SHIPPED["email"], LANGUAGES, Audience.LIVE, (Target("a@example.org", "fr"), Target("b@example.org", "en"))
)  # fmt: skip
TEAM = channel("team", Audience.TEAM)
TELEGRAM = Channel("telegram", base.SHIPPED["telegram"], LANGUAGES, Audience.LIVE, (Target("@essai"),))


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> tuple[Team, Path]:
    page = page_channel()
    team = await gather(database, (MAIL, TELEGRAM, TEAM, page))
    team.clock.now = utc_now()  # as the database's, by which an alert is published
    adapter = adapter_of(page, tmp_path)
    team.adapters["page"] = adapter  # type: ignore[assignment]
    keep(team, adapter, render)
    return team, tmp_path / "www" / "current"


def digits(texts: Iterable[str]) -> set[str]:
    return {
        " ".join(found.replace("\u00a0", " ").split())
        for text in texts
        for found in DIGITS.findall(text)
    }


def numbers(objects: Iterable[dict[str, Any]]) -> set[str]:
    return {one["number"] for one in objects}


def compared(team: Team, root: Path, alert: str) -> set[str]:
    """What this alert says, wherever it says it; the answer is what stands after it."""
    whole = json.loads((root / "feeds/alerts.json").read_bytes())
    (entry,) = [one for one in whole["alerts"] if one["alert"] == alert]
    messages = reading.cap_files(
        {f"feeds/cap/{one.name}": one.read_bytes() for one in (root / "feeds/cap").iterdir()}
    )
    assert reading.lints(messages) == []
    follower = Follower()
    for name in sorted(messages):
        follower.take(name, messages[name])
    for lang in LANGUAGES:
        text = entry["texts"][lang]
        told = numbers(text["numbers"]) | numbers(text["withdrawn"])
        for way in ("mail", "telegram"):
            posts = [
                one
                for one in team.adapters[way].posts
                if one.alert == alert and one.lang == lang and one.action == "publish"
            ]
            assert digits(one.text for one in posts) == told, (way, lang)
        read: Any = feedparser.parse(root / f"feeds/alerts.{lang}.atom")
        (content,) = [
            one.content[0].value for one in read.entries if one.id.endswith(f":{alert}:{lang}")
        ]
        assert digits([content]) == told
        info = next(
            one
            for one in messages[alert].findall(f"{CAP}info")
            if said(one, "language").startswith(lang)
        )
        assert numbers(text["numbers"]) <= digits([said(info, "description")])
        stands = numbers(whole["numbers"][lang])
        assert {number for _place, number in follower.numbers(lang, team.service.now)} == stands
        pages = [one.read_text("utf-8") for one in (root / lang).glob("[0-9]*.html")]
        dialled = {one["dial"] for one in whole["numbers"][lang]}
        assert {
            found for page in pages for found in re.findall(r'href="tel:(\+33[^"]*)"', page)
        } == dialled
    return stands


async def test_over_an_evening_every_channel_and_feed_says_the_same(desk: tuple[Team, Path]) -> None:
    team, root = desk
    first = await brittany(team)
    assert len(compared(team, root, first)) == 12

    entries = json.loads((root / "feeds/alerts.json").read_bytes())["numbers"]["fr"]
    samu = next(
        one["entry"] for one in entries if one["territory"] == "29" and one["service"] == "samu"
    )
    asked = FollowRequest(RIGHT, submit=True)
    view = await following.correct(team.service, team.people["bo"], first, asked, WrongNumbers([samu]))
    await team.approve(view.id, "bo")
    await team.work()
    assert len(compared(team, root, view.id)) == 11
    atom: Any = feedparser.parse(root / "feeds/alerts.fr.atom")
    (corrected,) = [one for one in atom.entries if one.id.endswith(f":{first}:fr")]
    assert corrected.title.startswith(f"Corrigé\u00a0: {view.id}")
    assert corrected.updated_parsed >= corrected.published_parsed

    gone = NumberSelection(query="22,35", but="22/samu")
    view = await taking_back.withdraw(team.service, team.people["bo"], gone, FollowRequest(submit=True))
    await team.approve(view.id, "bo")
    await team.work()
    assert len(compared(team, root, view.id)) == 6

    incident = first.partition("-")[0]
    said_ = FollowRequest(ENDED, EXCUSED, submit=True)
    view = await following.end(team.service, team.people["ada"], incident, said_)
    await team.approve(view.id, "cy")
    await team.work()
    assert compared(team, root, view.id) == set()
