"""Draws the pictures of the desk in docs/pictures: one evening with fictional numbers, in a browser.

Run it after a change to the pages: python -m tests.pages.desk_picture (needs node, Chromium and what `make pages` brings;
without them the pictures stay as they are)."""

import asyncio
import itertools
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageStat
from sqlalchemy import update

from alertbot.core.errors import Uncertain
from alertbot.core.model import Audience, Organisation, Post, Receipt
from alertbot.db.database import Database
from alertbot.db.tables import delivery
from alertbot.delivery.runners import LocalRunner
from alertbot.people import accounts
from alertbot.people.context import RequestSettings
from alertbot.rehearsal import hiring
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.publisher import Publisher
from alertbot.watch.context import WatchContext
from alertbot.web.app import build
from alertbot.web.serving import listen
from tests.pages.test_desk import served
from tests.pages.test_pages import HERE
from tests.team import Clock, Team, channel, memory
from tests.web.reader import PLATFORMS

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
NAMES = {"ada": "Camille", "bo": "Dominique", "cy": "Sacha"}
ORGANISATION = Organisation(
    "Préfecture de l’Exemple", verification_page="https://alertes.example.fr/", sandbox=True
)
LYON = {"fr": "Lyon", "en": "Lyon"}
NUMBERS: tuple[dict[str, Any], ...] = (
    {"territory": "69", "service": "samu", "number": "04 65 71 69 15"},
    {"territory": "69", "service": "police", "number": "04 65 71 69 17", "zone": LYON},
    {"territory": "01", "service": "samu", "number": "04 65 71 01 15"},
)
WHAT = {
    "what_fails": {"fr": "15, 17 et 18 sur mobile", "en": "15, 17 and 18 on mobiles"},
    "what_works": {"fr": "fixes, 114 par SMS", "en": "landlines, 114 by text"},
}
SAID = WHAT | {"where": ["69", "01"], "since": "-40m", "next_update": "+30m"}
TYPED = {f"f.{name}.{lang}": text for name, said in WHAT.items() for lang, text in said.items()} | {
    "f.what_to_do.fr": "appelez d’un fixe.\nSinon, chez un voisin.",
    "f.what_to_do.en": "call from a landline.\nNone? Ask a neighbour.",
    "f.where": "Rhône, Ain",
    "f.since": "14:46",
    "f.next_update": "in 30 minutes",
}
GAP, COLOURS, NOTICED = 24, 64, 0.05
MESSAGES, ENGLISH = itertools.count(41), itertools.count()


@dataclass(frozen=True)
class Shot:
    token: str
    place: str
    width: int
    height: int
    at: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    dark: bool = False


class Drawn:
    """What is drawn at random is the same in every run: a picture changes where a page does."""

    def __init__(self) -> None:
        self._random = random.Random(2021)
        for name in ("choice", "token_bytes", "token_hex"):
            setattr(secrets, name, getattr(self, name))

    def choice(self, letters: str) -> str:
        return self._random.choice(letters)

    def token_bytes(self, count: int = 32) -> bytes:
        return self._random.randbytes(count)

    def token_hex(self, count: int = 32) -> str:
        return self.token_bytes(count).hex()


def lost(post: Post) -> Receipt:
    if post.lang == "en" and next(ENGLISH) == 1:
        raise Uncertain("The answer was lost.")
    return Receipt(str(next(MESSAGES)))


async def hired(database: Database, url: str) -> Team:
    channels = {one.name: one for one in (*PLATFORMS, channel("team", Audience.TEAM))}
    clock = Clock()
    publisher = Publisher(ORGANISATION, channels, (shipped(),), {}, clock)
    reach = RequestSettings(secrets={"desk": lambda: url}, desk=url)
    adapters = {
        name: memory(one, lost if name.startswith("telegram") else None)
        for name, one in channels.items()
    }
    team = Team(WatchContext(publisher, database, reach=reach), clock, adapters)
    tokens = await hiring.hire(team.service, (NAMES["bo"], NAMES["cy"]), NAMES["ada"])
    for name, called in NAMES.items():
        team.tokens[name] = tokens[called]
        team.people[name] = await accounts.acting(team.service, tokens[called])
    return team


async def evening(team: Team) -> dict[str, list[Shot]]:
    """An evening under way: a first word and a status are out, one post is in doubt, numbers wait. The pictures."""
    advice = {"fr": "Appelez d’un fixe.", "en": "Call from a landline."}
    first = await team.approved("holding", given=SAID | {"what_to_do": advice})
    await worked(team)
    team.clock.forward(minutes=14)
    status = SAID | {"what_to_do": advice, "cause_certainty": "unknown"}
    await team.approved("status", given=status, incident=first.incident)
    await worked(team)
    await team.register(NUMBERS)
    numbers = SAID | {
        "what_to_do": {"fr": "Le 15 ou le 17 d’abord.", "en": "Call 15 or 17 first."},
        "territories": ["69", "01"],
        "review_at": "+4h",
    }
    team.clock.forward(minutes=9)
    waits = await team.pending("provisional_number", given=numbers, incident=first.incident)
    await worked(team)
    team.clock.forward(minutes=2)
    ada, bo = team.tokens["ada"], team.tokens["bo"]
    page, write = f"/desk/alerts/{waits.id}", f"/desk/write/status?incident={first.incident}"
    return {
        "desk-write": [Shot(ada, write, 1280, 1100, "header", TYPED)],
        "desk-now": [Shot(bo, "/desk", 1000, 900)],
        "desk-deliveries": [Shot(bo, "/desk/deliveries", 1000, 900, "h1")],
        "desk-approve-phone": [
            Shot(bo, page, 390, 844, "#numbers"),
            Shot(bo, page, 390, 844, "#decision", dark=True),
        ],
    }


async def worked(team: Team) -> None:
    """What is due goes out, at the time of the evening: the database goes by its own clock."""
    await team.work()
    settled, at = delivery.c.settled_at, team.clock.now.timestamp()
    late = update(delivery).where(settled > at + 3600).values(settled_at=at)
    await team.service.database.transact(lambda conn: conn.execute(late))


async def draw(node: str, chromium: str, folder: Path) -> None:
    database = await Database.open(f"sqlite:///{folder}/alertbot.db")
    with listen("localhost", 0) as place:
        port = place.getsockname()[1]
    url = f"http://localhost:{port}"
    team = await hired(database, url)
    pictures = await evening(team)
    stop = asyncio.Event()
    worker = asyncio.create_task(LocalRunner(database, team.adapters).run(stop))
    async with served(build(team.service, desk=url), port):
        for name, shots in pictures.items():
            paths = [folder / f"{name}-{number}.png" for number in range(len(shots))]
            given = [vars(one) | {"path": str(path)} for one, path in zip(shots, paths, strict=True)]
            env = os.environ | {"BASE": url, "CHROMIUM": chromium, "SHOTS": json.dumps(given)}
            process = await asyncio.create_subprocess_exec(node, "shots.mjs", cwd=HERE, env=env)
            if await process.wait() != 0:
                sys.exit(f"{name}.png stays as it is")
            keep(name, paths)
    stop.set()
    await worker
    await database.close()


def keep(name: str, paths: list[Path]) -> None:
    """The shots side by side, unless the picture shows the same already."""
    shots = [Image.open(path).convert("RGB") for path in paths]
    width = sum(one.width for one in shots) + GAP * (len(shots) - 1)
    whole, left = Image.new("RGB", (width, shots[0].height), "white"), 0
    for one in shots:
        whole.paste(one, (left, 0))
        left += one.width + GAP
    drawn, picture = whole.quantize(COLOURS), PICTURES / f"{name}.png"
    if picture.exists():
        with Image.open(picture) as standing:
            before = standing.convert("RGB")
        now = drawn.convert("RGB")
        if (
            before.size == now.size
            and max(ImageStat.Stat(ImageChops.difference(before, now)).mean) < NOTICED
        ):
            return
    drawn.save(picture, optimize=True)


def main() -> None:
    node, chromium = (shutil.which(name) for name in ("node", "chromium"))
    if not (node and chromium and (HERE / "node_modules").is_dir()):
        sys.exit(
            "node, chromium or what `make pages` brings is missing: the pictures of the desk stay as they are"
        )
    Drawn()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(draw(node, chromium, Path(folder)))


if __name__ == "__main__":
    main()
