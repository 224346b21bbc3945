"""db backup and db restore: a copy of a database in use, and one put back, which sends nothing by itself."""

import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import program
from tests.cli.desk import Desk, opened


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return opened(tmp_path)


def head(desk: Desk) -> str:
    return str(desk.run("audit", "head", "--json").json["head"])


def copied(desk: Desk, name: str = "copy.db") -> Path:
    done = desk.run("db", "backup", name, "--json")
    assert done.code == 0, done.err
    assert done.json["head"] == head(desk)
    return desk.folder / name


@contextmanager
def somebody_writes(path: Path) -> Iterator[None]:
    """Commits, one after the other, as long as the block lasts."""
    ended, begun = threading.Event(), threading.Event()

    def write() -> None:
        with sqlite3.connect(path, isolation_level=None, timeout=30) as connection:
            connection.execute("create table busy (n integer)")
            while not ended.is_set():
                connection.execute("insert into busy values (1)")
                begun.set()
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(30)
        yield
    finally:
        ended.set()
        thread.join()


def scribbled(content: bytes) -> bytes:
    """One page of many overwritten."""
    middle = len(content) // 2 // 4096 * 4096
    return content[:middle] + b"\x7f" * 4096 + content[middle + 4096 :]


@contextmanager
def running(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, from its first heartbeat on."""
    process = subprocess.Popen([program.PROGRAM, "run"], cwd=desk.folder)
    try:
        until = time.monotonic() + 30
        while not desk.run("status", "--json").json["worker"]["alive"]:
            assert time.monotonic() < until
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_a_copy_is_whole_private_and_made_while_others_write(desk: Desk) -> None:
    with somebody_writes(desk.folder / "alertbot.db"):
        copy = copied(desk)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(desk.folder.glob("copy.db?*"))
    again = desk.run("db", "backup", "copy.db")
    assert (again.code, "already exists" in again.err) == (2, True)
    into = desk.run("db", "backup", ".", "--json")
    assert Path(into.json["path"]).name.startswith("alertbot-2")


def test_what_is_put_back_is_halted_and_the_one_before_is_kept(desk: Desk) -> None:
    before = head(desk)
    copy = copied(desk)
    desk.run("halt", "--channel", "public")
    later = head(desk)
    done = desk.run("db", "restore", "copy.db", "--json")
    assert done.code == 0, done.err
    assert done.json["copied"]["head"] == before
    assert "record ALERT" in done.err
    assert desk.run("status", "--json").json["halted"] is True
    assert desk.run("audit", "verify").code == 0
    aside = Path(done.json["aside"])
    with sqlite3.connect(aside) as old:
        assert old.execute("select hash from audit order by seq desc limit 1").fetchone()[0] == later
    old.close()
    assert copy.exists()
    assert not list(desk.folder.glob("*.restoring*"))


def test_nothing_is_put_back_under_a_worker_even_one_that_hangs(desk: Desk) -> None:
    copied(desk)
    before = (desk.folder / "alertbot.db").stat().st_ino
    with running(desk) as process:
        beaten = desk.run("db", "restore", "copy.db")
        assert (beaten.code, "A worker is running" in beaten.err) == (1, True)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            with sqlite3.connect(desk.folder / "alertbot.db") as connection:
                connection.execute("update worker set seen_at = seen_at - 3600")
            connection.close()
            hanging = desk.run("db", "restore", "copy.db")
            assert (hanging.code, "still has the database" in hanging.err) == (1, True)
        finally:
            os.kill(process.pid, signal.SIGCONT)
    assert (desk.folder / "alertbot.db").stat().st_ino == before
    assert not list(desk.folder.glob("*before-restore*"))


def test_a_damaged_database_is_replaced_and_kept(desk: Desk) -> None:
    copied(desk)
    path = desk.folder / "alertbot.db"
    path.write_bytes(b"not a database any more" * 1000)
    done = desk.run("db", "restore", "copy.db", "--json")
    assert done.code == 0, done.err
    assert Path(done.json["aside"]).read_bytes().startswith(b"not a database")
    assert desk.run("status", "--json").json["halted"] is True


def test_where_no_database_is_left_a_copy_takes_its_place(desk: Desk) -> None:
    copied(desk)
    for one in desk.folder.glob("alertbot.db*"):
        one.unlink()
    assert desk.run("db", "restore", "copy.db", "--json").json["aside"] is None
    assert desk.run("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda copy: copy.write_bytes(b"x" * 9000), "cannot be read"),
        (lambda copy: copy.write_bytes(copy.read_bytes()[:-8192]), "malformed"),
        (lambda copy: copy.write_bytes(scribbled(copy.read_bytes())), "damaged|malformed"),
        (lambda copy: copy.unlink(), "There is no file"),
    ],
)
def test_a_copy_that_is_not_whole_changes_nothing(desk: Desk, spoilt: object, said: str) -> None:
    copy = copied(desk)
    spoilt(copy)  # type: ignore[operator]
    before = head(desk)
    done = desk.run("db", "restore", "copy.db")
    assert (done.code, bool(re.search(said, done.err))) == (2, True), done.err
    assert head(desk) == before
    assert desk.run("status", "--json").json["halted"] is False


def test_a_copy_of_a_newer_program_is_refused(desk: Desk) -> None:
    copy = copied(desk)
    with sqlite3.connect(copy) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    done = desk.run("db", "restore", "copy.db")
    assert (done.code, "newer than this program" in done.err) == (2, True)


def test_postgresql_has_tools_of_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.configure(database="postgresql://somebody@127.0.0.1:1/alerts")
    done = desk.run("db", "backup", "copy.db")
    assert (done.code, "pg_dump" in done.err) == (1, True)
