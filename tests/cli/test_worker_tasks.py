"""The worker raises a task exactly once, however often it is started again."""

import asyncio
from pathlib import Path

from alertbot.app import build
from alertbot.ops import working
from alertbot.people import tasks
from tests.cli.desk import Desk, opened


def worked(desk: Desk) -> list[str]:
    """Run a worker until it has raised a task, or for one look at the clock; what is there afterwards."""

    async def go() -> list[str]:
        app = build(desk.folder / "config.yaml")
        try:
            service = await app.open()
            stop = asyncio.Event()
            worker = asyncio.create_task(working.work_until(app, service, stop))
            while not await tasks.listing(service, every=True):
                await asyncio.sleep(0.02)
            stop.set()
            await worker
            return [str(one.kind) for one in await tasks.listing(service, every=True)]
        finally:
            await app.close()

    return asyncio.run(go())


def test_a_worker_that_is_started_again_raises_nothing_again(tmp_path: Path) -> None:
    desk = opened(tmp_path)
    row = ("territory=69", "service=samu", "number=04 65 71 00 15", "valid_until=+10m")
    sets = [word for one in row for word in ("--set", one)]
    added = desk.run("numbers", "add", *sets, by="ada")
    assert added.code == 0, added.err
    verified = desk.run(
        "numbers", "verify", "N1", "--digits", "0465710015", "--call", "answered", by="bo"
    )
    assert verified.code == 0, verified.err
    for _start in range(3):
        assert worked(desk) == ["number-ends"]
        assert desk.run("run", "--once").code == 0
    told = [row for row in desk.run("deliveries", "--json").json if row["alert"] is None]
    assert [row["state"] for row in told] == ["sent"]
