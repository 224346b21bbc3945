"""The command `alertbot` as tests call it: in this process, where only its words, its files and its exit code
matter, or as a program of its own (`PROGRAM`), where the process is what is tested: signals, pipes, terminals,
crashes, what is loaded at the start.

A command in this process costs a few milliseconds, one in a process of its own a second of a core.
"""

import asyncio
import contextlib
import gc
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import alertbot.cli as cli

PROGRAM = str(Path(sys.executable).parent / "alertbot")
PATIENCE_SECONDS = 120.0  # after which a test gives up on a process
_HOME = tempfile.TemporaryDirectory(
    prefix="alertbot-home-"
)  # what commands keep is not this person's own
HOME_OF_ALL = _HOME.name
USUAL = {
    "LANGUAGE": "en",
    "NO_COLOR": "1",
    "XDG_STATE_HOME": HOME_OF_ALL,
    "XDG_CONFIG_HOME": HOME_OF_ALL,
}


@dataclass(frozen=True)
class Answer:
    """What a command printed on each stream, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def surroundings(**more: str) -> dict[str, str]:
    """The variables of this test run without those of somebody's alertbot, in English and without colour,
    but for what is said here."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ALERTBOT")}
    return plain | USUAL | more


def run(*arguments: str, folder: Path | None = None, stdin: str = "", **environment: str) -> Answer:
    """One command in this process, in `folder`, with `environment` beside what there is; it finds `stdin`
    where it reads and a pipe where it prints. Variables, folder, streams and logging are as before afterwards.

    LANGUAGE changes nothing here: a process reads its catalogue once, at its start (see `answers`).
    """
    out, err = _pipe(), _pipe()
    with _within(folder, surroundings(**environment)), _streams(stdin, out, err):
        code = _outside_any_loop(list(arguments))
        out.flush()
        err.flush()
    return Answer(code, _written(out), _written(err))


def started(*arguments: str, folder: Path | None = None, **environment: str) -> Answer:
    """One command as a program of its own, to its end."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=surroundings(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def answers(commands: Sequence[Sequence[str]], folder: Path, **environment: str) -> list[Answer]:
    """Many commands, one after the other, in one process that was started with this environment: for what is
    read once a process, such as the language."""
    done = subprocess.run(
        [sys.executable, "-P", __file__],
        cwd=folder,
        env=surroundings(**environment),
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return [Answer(**one) for one in json.loads(done.stdout)]


def _pipe() -> io.TextIOWrapper:
    """As `cli.main` sets a stream up: what cannot be written becomes a question mark."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", newline="")


def _written(pipe: io.TextIOWrapper) -> str:
    pipe.seek(0)
    return pipe.read()


def _outside_any_loop(arguments: list[str]) -> int:
    """Commands start an event loop of their own, which a thread can that is in none."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return cli.run(arguments)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(cli.run, arguments).result()


@contextlib.contextmanager
def _within(folder: Path | None, environment: dict[str, str]) -> Iterator[None]:
    """The folder and the variables as the command sees them; and what a command sets for its process."""
    before = dict(os.environ)
    ours, root, collecting = logging.getLogger("alertbot"), logging.getLogger(), gc.isenabled()
    levels, handlers = (ours.level, root.level), list(root.handlers)
    os.environ.clear()
    os.environ.update(environment)
    try:
        with contextlib.chdir(folder or Path.cwd()):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        ours.setLevel(levels[0])
        root.setLevel(levels[1])
        root.handlers[:] = handlers
        (gc.enable if collecting else gc.disable)()


@contextlib.contextmanager
def _streams(stdin: str, out: io.TextIOWrapper, err: io.TextIOWrapper) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        sys.stdin = before


if __name__ == "__main__":
    print(json.dumps([asdict(run(*one, **os.environ)) for one in json.loads(sys.stdin.read())]))
