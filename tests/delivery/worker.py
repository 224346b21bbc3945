"""A worker to be killed: `python -m tests.delivery.worker URL FILE CHANNEL MODE …`. Writes a line before
and after each call, so that every delivery can be accounted for afterwards."""

import asyncio
import os
import sys
import time

from alertbot.delivery.runners import LocalRunner
from alertbot.model import Pace, Post
from alertbot.store.database import Database
from tests.delivery.scene import NullAdapter, channel


async def main(url: str, path: str, seconds: float, rate: float, lease: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def call(post: Post) -> None:
        os.write(file, f"before {post.delivery} {time.time():.6f}\n".encode())
        await asyncio.sleep(seconds)
        os.write(file, f"after {post.delivery} {time.time():.6f}\n".encode())

    class Recorder(NullAdapter):
        async def _send(self, post: Post):
            await call(post)
            return await super()._send(post)

    adapter = Recorder(channel(pace=Pace(per_second=rate or None)))
    database = await Database.open(url, migrate=False)
    runner = LocalRunner(database, {"null": adapter}, lease=lease, poll=0.2, concurrency=60)
    print("ready", flush=True)
    await runner.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *(float(word) for word in sys.argv[3:6])))
