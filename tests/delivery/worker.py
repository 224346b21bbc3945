"""Workers to be killed. Each writes a line before and after every call, so that every delivery can be
accounted for afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from alertbot.core.model import Pace, Post, Receipt
from alertbot.db.database import Database
from alertbot.delivery.jobs import JobRunner
from alertbot.delivery.runners import LocalRunner, Runner
from tests.delivery.scene import NullAdapter, channel


async def main(url: str, path: str, seconds: float, rate: float, lease: float, jobs: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def call(post: Post) -> None:
        os.write(file, f"before {post.delivery} {time.time():.6f}\n".encode())
        await asyncio.sleep(seconds)
        os.write(file, f"after {post.delivery} {time.time():.6f}\n".encode())

    class Recorder(NullAdapter):
        async def _send(self, post: Post):
            await call(post)
            return await super()._send(post)

        async def edit(self, post: Post):
            await call(post)
            return Receipt(post.reply_to or "")

    adapter = Recorder(channel(pace=Pace(per_second=rate or None)))
    database = await Database.open(url, migrate=False)
    kind: type[Runner] = JobRunner if jobs else LocalRunner
    runner = kind(database, {"null": adapter}, lease=lease, poll=0.2, concurrency=60)
    os.write(file, b"ready\n")
    await runner.run(asyncio.Event())


class Nursery:
    """Starts workers and shoots them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.worker"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.alive: list[int] = []

    def start(
        self, url: str, path: Path, seconds: float, rate: float, lease: float, *, jobs: bool = False
    ) -> int:
        """The process id of a new worker."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{url} {path} {seconds} {rate} {lease} {int(jobs)}\n")
        self._process.stdin.flush()
        self.alive.append(int(self._process.stdout.readline()))
        return self.alive[-1]

    def kill(self, pid: int) -> None:
        """Without warning."""
        self.alive.remove(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        for pid in list(self.alive):
            self.kill(pid)
        self._process.communicate()


def nursery() -> None:
    """For each line of arguments on stdin fork a worker and tell its process id. The libraries are
    loaded once; a worker then starts in some milliseconds."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        url, path, *numbers = line.split()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            asyncio.run(main(url, path, *(float(word) for word in numbers)))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    nursery()
