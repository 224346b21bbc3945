"""A laptop without a database or a configuration, and a running service whose desk its commands ask."""

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alertbot.app import build
from alertbot.core.model import Person
from alertbot.people import api_tokens
from alertbot.people.accounts import acting
from alertbot.people.rules import scopes_of
from alertbot.watch.context import WatchContext
from tests import program
from tests.cli.desk import Desk, opened
from tests.cli.test_assistant import HOLDING
from tests.program import Answer

Service = tuple[Desk, str, dict[str, str]]
"""The team's folder, the address of its desk, and a token of the API for each person."""


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Service]:
    """A team whose service runs as a process of its own. `settings`: of its configuration."""
    team = opened(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    team.configure(desk={"url": url}, serve={"port": port}, **settings)
    tokens = {name: with_person(team, name, _made) for name in team.tokens}
    process = served(team, url)
    try:
        yield team, url, tokens
    finally:
        process.kill()
        process.wait()


def served(team: Desk, url: str) -> "subprocess.Popen[str]":
    """`alertbot serve` in this folder, once it listens."""
    process = subprocess.Popen(
        [program.PROGRAM, "serve"],
        cwd=team.folder,
        env=program.surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    while url not in (line := process.stdout.readline()):
        assert line, process.poll()
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return process


def with_person(team: Desk, name: str, work: Callable[[WatchContext, Person], Awaitable[str]]) -> str:
    """What `work` makes of the service and this person, beside what runs."""

    async def go() -> str:
        app = build(team.folder / "config.yaml")
        try:
            context = await app.open()
            who = await acting(context, team.tokens[name])
            return await work(context, who)
        finally:
            await app.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, go()).result()


async def _made(context: WatchContext, who: Person) -> str:
    return await api_tokens.make(context, who, "laptop", scopes_of(who))


class Laptop:
    """An empty folder with its own home, and the address of a desk."""

    def __init__(self, folder: Path, url: str, tokens: dict[str, str]) -> None:
        self.folder, self.url, self.tokens = folder, url, tokens
        folder.mkdir(exist_ok=True)

    def run(self, *arguments: str, by: str | None = None, stdin: str = "", **more: str) -> Answer:
        home = str(self.folder / "home")
        given = {"XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home} | more
        given |= {"ALERTBOT_TOKEN": self.tokens[by]} if by else {}
        return program.run("--server", self.url, *arguments, folder=self.folder, stdin=stdin, **given)

    def does(self, *arguments: str, by: str) -> Answer:
        answer = self.run(*arguments, by=by)
        assert answer.code == 0, answer.err
        return answer

    def draft(self) -> str:
        (self.folder / "v.yaml").write_text(json.dumps(HOLDING), encoding="utf-8")
        given = ("draft", "holding", "--vars", "v.yaml", "--new-incident", "--json")
        return str(self.does(*given, by="ada").json["id"])
