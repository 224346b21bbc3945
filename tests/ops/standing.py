"""A process that may lead, to be killed, stopped and cut off. While it leads it notes what it does, and when it looked
whether it may: one line each, `act TERM MOMENT`."""

import asyncio
import os
import sys

from alertbot.db.database import Database
from alertbot.delivery.leaps import uptime
from alertbot.ops.leading import WATCH, Leadership, Term


async def main(url: str, path: str, name: str, lease: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def act(term: asyncio.Event) -> None:
        assert isinstance(term, Term)
        while True:
            moment = uptime()
            if term.is_set():
                return
            os.write(file, f"act {term.number} {moment:.6f}\n".encode())
            await asyncio.sleep(0.02)

    database = await Database.open(url, migrate=False)
    print("ready", flush=True)
    await Leadership(database, WATCH, name, lease=lease).keep(act, asyncio.Event())


if __name__ == "__main__":
    url, path, name, lease = sys.argv[1:]
    asyncio.run(main(url, path, name, float(lease)))
