"""Mails per second through the mail adapter to a local sink, which keeps nothing."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alertbot.channels.email.adapter import EmailAdapter
from alertbot.core.model import Channel, Pace, Post, Target

MAILS = 2000
AT_ONCE = 16


def measure() -> dict[str, object]:
    seconds = asyncio.run(_measure())
    return {"mails per second": round(MAILS / seconds), "mails": MAILS, "at once": AT_ONCE}


async def _measure() -> float:
    async with sink() as port:
        return await _send(port)


@asynccontextmanager
async def sink(record: Path | None = None) -> AsyncIterator[int]:
    """A mail server that takes everything, in a process of its own; its port. `record`: where it writes what it
    saw."""
    words = ["-m", "benchmarks.sink", *([] if record is None else [str(record)])]
    server = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        yield int(await server.stdout.readline())
    finally:
        server.terminate()
        await server.wait()


async def _send(port: int) -> float:
    settings = EmailAdapter.settings_type(
        type="email", host="127.0.0.1", port=port, security="none",
        sender="bench@example.org", recipients=("a@example.org",),
    )  # fmt: skip
    target = Target("a@example.org", "fr")
    adapter = EmailAdapter(
        Channel("press", EmailAdapter.spec, ("fr",), targets=(target,), pace=Pace()), settings
    )
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with waiting:
            await adapter.publish(_post(number))

    await adapter.publish(_post(MAILS))
    begun = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(MAILS)))
    spent = time.perf_counter() - begun
    await adapter.close()
    return spent


def _post(number: int) -> Post:
    return Post(
        alert="BNCH-1",
        delivery=number,
        attempt=1,
        target=f"reader-{number}@example.org",
        lang="fr",
        text="Un texte d'essai.\n" * 20,
        html="<!doctype html><html lang=fr><body><p>Un texte d'essai.</p></body></html>",
        subject="Essai",
        message_id=f"bnch-1.{number}@alertbot",
    )
