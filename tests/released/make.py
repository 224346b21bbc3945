"""Make `0.1.0.sql`: a database with an alert in every state, written by the code of a release.

    git worktree add /tmp/old 45eed51 && cd /tmp/old && PYTHONPATH=. python …/tests/released/make.py FILE

`FILE` then holds every statement that makes the database again. Tokens are known to the tests alone.
"""

import sqlite3
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from tests.cli.desk import Desk, opened

HOUR = 3600


def sql(desk: Desk, statement: str, *values: object) -> None:
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        connection.execute(statement, values)
    connection.close()


def approved(desk: Desk, kind: str = "holding", *options: str) -> str:
    alert = desk.shown(kind, *options)
    assert desk.run("approve", alert, by="bo").code == 0
    return alert


def rows(alert: str) -> str:
    return f"(SELECT id FROM dispatch WHERE alert_id = '{alert}' AND purpose = 'publication')"


def work(desk: Desk) -> None:
    assert desk.run("run", "--once").code in (0, 3)


def fill(desk: Desk) -> None:
    """Alerts that went their way first, then those that are still on it."""
    approved(desk)
    sql(desk, "UPDATE alert SET pending_until = 1 WHERE id = ?", desk.shown())  # expired
    one = f"delivery SET state = 'failed' WHERE lang = 'en' AND dispatch_id IN {rows(approved(desk))}"
    sql(desk, f"UPDATE {one}")  # partly published
    sql(desk, f"UPDATE delivery SET state = 'failed' WHERE dispatch_id IN {rows(approved(desk))}")
    later = f"retry_at = ? WHERE lang = 'en' AND dispatch_id IN {rows(approved(desk))}"
    sql(desk, f"UPDATE delivery SET {later}", time.time() + HOUR)  # publishing
    work(desk)
    assert desk.run("discard", desk.draft(), by="ada").code == 0
    for verb in ("return", "reject"):
        assert desk.run(verb, desk.shown(), "--reason", "not yet", by="bo").code == 0
    desk.draft()
    desk.shown()
    desk.shown("holding", "--exercise")
    approved(desk, "provisional_number")  # by one of two
    approved(desk, "status")
    approved(desk, "holding", "--exercise")
    approved(desk)


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = opened(Path(folder))
        fill(desk)
        for name in desk.tokens:
            token = sha256(f"{name} of 0.1.0".encode()).hexdigest()
            hashed = sha256(token.encode()).hexdigest()
            sql(desk, "UPDATE person SET token_hash = ? WHERE name = ?", hashed, name)
        with sqlite3.connect(desk.folder / "alertbot.db") as connection:
            target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
