"""The documents say what the program does: generated pages are current, links lead somewhere, every rule
has its line, and the README's first alert works as it is printed."""

import ast
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.officer import Officer
from tests.web.test_desk_road import HOLDING

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "messages" / "README.md"])
GENERATED = {
    "commands": "reference/commands.md",
    "configuration": "reference/configuration.md",
    "kinds": "reference/kinds.md",
    "openapi": "reference/openapi.json",
    "states": "reference/states.md",
}
LINK = re.compile(r"\]\(([^)\s]+)\)")
RULE = re.compile(r"[a-z]+(_[a-z]+)*")
RAISED_WITH_A_RULE = {"Fault", "FieldError", "BadRow", "RowFault"}
BEGIN_TO_SEND_SECONDS = 60


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


# --- pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_made_from_the_program_is_current(name: str) -> None:
    """`make docs` brings it up to date."""
    code = f"import sys; sys.path.insert(0, {str(DOCS)!r}); import make_{name} as m; sys.stdout.write(m.page())"
    made = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env=os.environ | {"LANGUAGE": "en"},
        capture_output=True,
        check=True,
    )
    assert made.stdout.decode() == (DOCS / GENERATED[name]).read_text("utf-8"), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(_without_code(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _hash, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        assert found.is_relative_to(ROOT), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_path_of_a_machine_and_nothing_outside_the_project(page: Path) -> None:
    text = page.read_text("utf-8")
    for outside in ("/work/", "/tmp/", "/root", "../shared", "/home/"):
        assert outside not in text, f"{page.name} names {outside}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_only_fictional_numbers(page: Path) -> None:
    """Ten digits in a document ring nowhere."""
    allowed = ("019900", "026191", "035301", "046571", "053649", "063998")
    for found in re.findall(r"(?<![\w.-])0[1-9](?:[ .]?\d{2}){4}(?!\w)", page.read_text("utf-8")):
        assert re.sub(r"\D", "", found).startswith(allowed), f"{page.name}: {found}"


def _without_code(text: str) -> str:
    return re.sub(r"^(```|    ).*?(^```$|$)", "", text, flags=re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


# --- faults -------------------------------------------------------------------------------------


def rules_in_the_code() -> set[str]:
    """Every rule that the program gives to a fault or warning."""
    found: set[str] = set()
    for room in ("texts", "numbers", "alerts", "people", "watch"):
        for path in (ROOT / "alertbot" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                found |= _rules(node)
    return found


def _rules(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED_WITH_A_RULE:
        words = [*node.args, *(word.value for word in node.keywords)]
        return {one for one in _texts(words) if RULE.fullmatch(one)}
    if isinstance(node, ast.Assign) and "rule" in [
        getattr(name, "id", "").lower() for name in node.targets
    ]:
        return {one for one in _texts(ast.walk(node.value)) if RULE.fullmatch(one)} - {"cause"}
    return set()


def _texts(nodes: Iterable[ast.AST]) -> set[str]:
    return {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_rule_stands_in_the_reference() -> None:
    from alertbot.texts.kinds.kind_spec import COMPLETENESS

    page = (DOCS / "reference" / "faults.md").read_text("utf-8")
    rules = rules_in_the_code() | {f"incomplete_{row}" for row in COMPLETENESS}
    assert len(rules) > 25
    assert {rule for rule in rules if f"| `{rule}` |" not in page} == set()


def test_every_rule_of_the_reference_exists() -> None:
    from alertbot.texts.kinds.kind_spec import COMPLETENESS

    page = (DOCS / "reference" / "faults.md").read_text("utf-8")
    known = rules_in_the_code() | {"invalid_number", *(f"incomplete_{row}" for row in COMPLETENESS)}
    assert set(re.findall(r"^\| `([a-z_]+)` \|", page, flags=re.MULTILINE)) <= known


def test_every_error_stands_in_the_reference() -> None:
    from alertbot.core import errors

    page = (DOCS / "reference" / "errors.md").read_text("utf-8")
    leaves = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type)
        and issubclass(one, errors.AlertbotError)
        and one not in (errors.AlertbotError, errors.ChannelError)
    }
    assert {name for name in leaves if f"| `{name}` |" not in page} == set()


def test_the_changelog_has_this_version() -> None:
    from alertbot import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# --- the README's first alert -------------------------------------------------------------------

COMMAND = str(Path(sys.executable).parent)
INCIDENT, NAME = "BKRT", "BKRT-2"  # what the README calls them
ENVIRONMENT = os.environ | {
    "PATH": f"{COMMAND}{os.pathsep}{os.environ['PATH']}",
    "LANGUAGE": "en",
    "COLUMNS": "200",
    "NO_COLOR": "1",
    "PYTHONUNBUFFERED": "1",
}


def first_alert() -> list[str]:
    """The command lines of the section, in order."""
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.split("## Your first alert", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Newcomer:
    """Types the README's lines in a folder of their own, on other ports than the usual ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.x, self.telegram, self.smtp, self.wall, self.bluesky, self.mastodon, self.desk = (
            free_ports(7)
        )
        self.name, self.incident = NAME, INCIDENT
        self.umask = ""
        self.terminals: list[subprocess.Popen[bytes]] = []

    def types(self, line: str) -> str:
        line = line.replace(NAME, self.name).replace(f" {INCIDENT} ", f" {self.incident} ")
        if line.startswith("umask"):
            self.umask = f"{line}; "
            return ""
        if line == "alertbot sandbox":
            ports = f"--x-port {self.x} --telegram-port {self.telegram} --smtp-port {self.smtp} --wall-port {self.wall}"
            self.opens(f"{line} {ports} --bluesky-port {self.bluesky} --mastodon-port {self.mastodon}")
            return self.waits_for_the_wall()
        if line == "alertbot serve":
            self.opens(line)
            return self.until("worker", lambda status: bool(status["worker"]["alive"]))
        return self.runs(line)

    def runs(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", self.umask + line],
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        if line == "alertbot init --defaults":
            self.moves_ports()
        if drafted := re.search(r"^Drafted (\S+)", done.stdout, flags=re.MULTILINE):
            self.name = drafted[1]
        return done.stdout

    def opens(self, line: str) -> None:
        """Another terminal."""
        self.terminals.append(
            subprocess.Popen(line.split(), cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        )

    def moves_ports(self) -> None:
        path = self.folder / "config.yaml"
        text = (
            path.read_text("utf-8").replace(":8101", f":{self.x}").replace(":8102", f":{self.telegram}")
        )
        text = text.replace(":8470", f":{self.desk}").replace("port: 8470", f"port: {self.desk}")
        path.write_text(text.replace("port: 8125", f"port: {self.smtp}"), "utf-8")

    def waits_for_the_wall(self) -> str:
        end = time.monotonic() + BEGIN_TO_SEND_SECONDS
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.wall), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return ""
        raise AssertionError("the sandbox did not start")

    def until(self, what: str, fits: Callable[[dict[str, Any]], bool]) -> str:
        end = time.monotonic() + BEGIN_TO_SEND_SECONDS
        while time.monotonic() < end:
            assert all(terminal.poll() is None for terminal in self.terminals), "a terminal has ended"
            status = json.loads(self.runs("alertbot status --json"))
            if fits(status):
                return ""
            time.sleep(0.1)
        raise AssertionError(f"{what}: not in time: {status}")

    def leaves(self) -> None:
        for terminal in self.terminals:
            terminal.send_signal(signal.SIGTERM)
        for terminal in self.terminals:
            terminal.wait(30)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    person = Newcomer(tmp_path)
    yield person
    person.leaves()


async def at_the_desk(camille: str, dominique: str) -> str:
    """What the README says to do in two browsers, from the two links on; returns the alert's name."""
    origin = camille.partition("/desk/")[0]
    browser = partial(
        httpx.AsyncClient, base_url=origin, follow_redirects=True, headers={"accept-language": "en"}
    )
    async with browser() as first, browser() as second:
        author, approver = (Officer(None, one, origin=origin) for one in (first, second))
        for person, link in ((author, camille), (approver, dominique)):
            await person.get(link)
            await person.send(person.page.forms[0])
        await author.get("/desk/write/holding")
        await author.press("submit", **HOLDING)
        assert "was submitted" in author.page.text
        alert = author.answer.url.path.rpartition("/")[2]
        await approver.get("/desk")
        assert f"{alert}" in approver.page.text
        await approver.get(f"/desk/alerts/{alert}")
        await approver.press("approve", read="yes")
        assert "Your approval is recorded" in approver.page.text
        return alert


@pytest.mark.thorough
def test_the_first_alert_works_as_it_is_printed(newcomer: Newcomer) -> None:
    said = {}
    for line in first_alert():
        said[line.partition(" --")[0]] = newcomer.types(line)
        if line == "alertbot serve":
            links = [
                said[f"alertbot people invite {name}"].split()[-1] for name in ("Camille", "Dominique")
            ]
            newcomer.incident = asyncio.run(at_the_desk(*links)).partition("-")[0]
            newcomer.until("published", lambda status: status["alerts"][0]["state"] == "published")
        if line.startswith("alertbot approve"):
            newcomer.until("published", lambda status: status["alerts"][0]["state"] == "published")
    assert "alertbot audit verify" in said
    for one in ("camille", "dominique"):
        path = newcomer.folder / f"{one}.token"
        assert path.stat().st_mode & 0o077 == 0
        assert re.fullmatch(r"\S{30,}\n", path.read_text("utf-8"))
    assert "uncertain" not in said[f"alertbot deliveries {NAME}"]
    assert said[f"alertbot deliveries {NAME}"].count("sent") >= 7
    assert (newcomer.folder / "preview.html").stat().st_size > 5000
