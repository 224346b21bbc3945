"""Who can get a text out alone, and what must stop it: a desk on each database, through the command line."""

import re
from pathlib import Path

import pytest

from alertbot.delivery.runners import Runner
from tests.cli.desk import Desk, copied


@pytest.fixture
def bare(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A folder with a configuration and an empty database: nobody has been added."""
    found = re.match(r"(postgresql://[^:@/]*):([^@/]*)@", database_url)
    if found:  # a password stands in no configuration
        monkeypatch.setenv("PGPASSWORD", found[2])
        database_url = f"{found[1]}@{database_url[found.end() :]}"
    desk = Desk(tmp_path, database=database_url)
    desk.configure()
    return desk


@pytest.fixture
def desk(bare: Desk) -> Desk:
    """A team of ada (author), bo and cy (approvers and the first two admins). On SQLite the database is a copy of the
    first such team's; what the commands do to make one is tried on PostgreSQL each time."""
    if bare.database.startswith("sqlite:///"):
        bare.tokens |= copied(Path(bare.database.removeprefix("sqlite:///")))
    else:
        bare.gather()
    return bare


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run --once` tries again only what is due at once, where no server will ever be there."""
    monkeypatch.setattr(Runner.run_once, "__defaults__", (0.2,))
