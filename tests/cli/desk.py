"""Somebody at the command line: a folder with a configuration, people with tokens, and what was printed."""

import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests import program
from tests.program import Answer

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


@dataclass
class Desk:
    """One team's folder. `printed` holds everything that any command wrote."""

    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    database: str = str(CONFIG["database"])

    def run(
        self, *arguments: str, by: str | None = None, stdin: str = "", **environment: str
    ) -> Answer:
        """One command in this process, in this folder, with the token of `by`."""
        if by is not None:
            environment["ALERTBOT_TOKEN"] = self.tokens[by]
        answer = program.run(*arguments, folder=self.folder, stdin=stdin, **environment)
        if arguments[:2] not in (("people", "add"), ("people", "rotate")):
            self.printed += [answer.out, answer.err]
        return answer

    def add(self, name: str, *roles: str, by: str | None = None) -> None:
        wanted = [word for role in roles for word in ("--role", role)]
        answer = self.run("people", "add", name, *wanted, by=by)
        assert answer.code == 0, answer.err
        self.tokens[name] = answer.out.splitlines()[-1]

    def gather(self) -> None:
        """The team: ada (author), bo and cy (approvers); bo and cy are the first admins."""
        self.add("bo", "approver")
        self.add("cy", "approver", by="bo")
        self.join("ada", "author", by="bo", confirmed_by="cy")

    def join(self, name: str, *roles: str, by: str, confirmed_by: str) -> None:
        """Add a person as a hand of their own: they renew the token that `by` has seen, and an admin vouches."""
        self.add(name, *roles, by=by)
        self.does("people", "confirm", name, by=confirmed_by)
        self.tokens[name] = self.does("people", "rotate", name, by=name).splitlines()[-1]
        self.does("people", "confirm", name, "--own-token", by=confirmed_by)

    def does(self, *arguments: str, by: str | None = None) -> str:
        """What a command printed that has to succeed."""
        answer = self.run(*arguments, by=by)
        assert answer.code == 0, answer.err
        return answer.out

    def configure(self, name: str = "config.yaml", **changes: Any) -> Path:
        path = self.folder / name
        changes.setdefault("database", self.database)
        path.write_text(yaml.safe_dump(CONFIG | changes, allow_unicode=True), encoding="utf-8")
        return path

    def facts(self, kind: str) -> str:
        """A file with the kind's example, for `--vars`."""
        path = self.folder / f"{kind}.yaml"
        path.write_text(self.run("kinds", kind, "--example").out, encoding="utf-8")
        return path.name

    def draft(self, kind: str = "holding", *options: str) -> str:
        beside = () if "--incident" in options else ("--new-incident",)
        given = ("--vars", self.facts(kind), *beside, *options)
        answer = self.run("draft", kind, *given, "--json", by="ada")
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
    """A team of ada (author), bo and cy (approvers); bo and cy are the first admins. Every team of this
    process is a copy of the first one, which the commands themselves have made."""
    folder_of_all, tokens = _first()
    shutil.copytree(folder_of_all.name, folder, dirs_exist_ok=True)
    return Desk(folder, dict(tokens))


def copied(database: Path) -> dict[str, str]:
    """Put such a team's database there, in place of an empty one; the tokens of its people by name."""
    folder_of_all, tokens = _first()
    shutil.copy(Path(folder_of_all.name) / "alertbot.db", database)
    return dict(tokens)


@cache
def _first() -> tuple[tempfile.TemporaryDirectory[str], dict[str, str]]:
    folder = tempfile.TemporaryDirectory(prefix="alertbot-desk-")
    desk = Desk(Path(folder.name))
    desk.configure()
    desk.gather()
    return folder, desk.tokens
