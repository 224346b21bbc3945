"""Somebody at the command line: a folder with a configuration, people with tokens, and what was printed."""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import alertbot.cli as cli

CONFIG = {
    "organisation": {
        "name": "Préfecture d'essai",
        "languages": ["fr", "en"],
        "timezone": "Europe/Paris",
        "verification_page": "https://www.example.org/alertes",
        "sandbox": True,
    },
    "database": "sqlite:///alertbot.db",
    "channels": {
        "public": {"type": "memory"},
        "team": {"type": "memory", "audience": "team"},
        "drill": {"type": "memory", "audience": "exercise"},
    },
}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """One team's folder. `printed` holds everything that any command wrote."""

    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def run(self, *arguments: str, by: str | None = None, **environment: str) -> Answer:
        """One command in this process, in this folder, with the token of `by`."""
        known = {"LANGUAGE": "en", "NO_COLOR": "1"} | environment
        if by is not None:
            known["ALERTBOT_TOKEN"] = self.tokens[by]
        out, err = io.StringIO(), io.StringIO()
        with (
            surroundings(self.folder, known),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = cli.run(list(arguments))
        answer = Answer(code, out.getvalue(), err.getvalue())
        if arguments[:2] not in (("people", "add"), ("people", "rotate")):
            self.printed += [answer.out, answer.err]
        return answer

    def add(self, name: str, *roles: str, by: str | None = None) -> None:
        wanted = [word for role in roles for word in ("--role", role)]
        answer = self.run("people", "add", name, *wanted, by=by)
        assert answer.code == 0, answer.err
        self.tokens[name] = answer.out.splitlines()[-1]

    def configure(self, name: str = "config.yaml", **changes: Any) -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump(CONFIG | changes, allow_unicode=True), encoding="utf-8")
        return path

    def facts(self, kind: str) -> str:
        """A file with the kind's example, for `--vars`."""
        path = self.folder / f"{kind}.yaml"
        path.write_text(self.run("kinds", kind, "--example").out, encoding="utf-8")
        return path.name

    def draft(self, kind: str = "holding", *options: str) -> str:
        answer = self.run("draft", kind, "--vars", self.facts(kind), *options, "--json", by="ada")
        assert answer.code == 0, answer.err
        return str(answer.json["id"])

    def shown(self, kind: str = "holding", *options: str) -> str:
        """An alert that was submitted and that bo has looked at."""
        alert = self.draft(kind, *options)
        assert self.run("submit", alert, by="ada").code == 0
        assert self.run("show", alert, by="bo").code == 0
        return alert

    def state(self, alert: str) -> str:
        return str(self.run("show", alert, "--json").json["state"])


def opened(folder: Path) -> Desk:
    """A team of ada (author), bo and cy (approvers); bo and cy are the first admins."""
    desk = Desk(folder)
    desk.configure()
    desk.add("bo", "approver")
    desk.add("cy", "approver", by="bo")
    desk.add("ada", "author", by="bo")
    return desk


@contextlib.contextmanager
def surroundings(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """The folder and the variables as the command sees them; as before afterwards."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("ALERTBOT")]:
        del os.environ[name]
    os.environ.update(environment)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
