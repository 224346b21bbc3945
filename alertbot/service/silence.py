"""A source that falls silent is itself a signal, to the team: absence never means that all is well."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from alertbot.service import tasks
from alertbot.service.context import Context
from alertbot.service.tasks import Chore
from alertbot.store import signals
from alertbot.store.connection import Connection
from alertbot.words import _

KIND = "source-silent"


async def heard(service: Context, conn: Connection, sources: Collection[str]) -> None:
    """They spoke: whoever was told of their silence is told that it is over."""
    for source in await signals.heard(conn, sources, now=service.now):
        await tasks.close(
            service, conn, _key(source), _("{source} is heard again.").format(source=source)
        )


async def look(service: Context) -> datetime | None:
    """Tell the team of sources that have been quiet for longer than their settings say. The next moment at
    which one may be."""
    if not service.watch.silent_after:
        return None
    now = service.now
    seen = await service.database.read(signals.silent)
    for source, patience in service.watch.silent_after.items():
        last, told = seen.get(source, (None, None))
        if last is None:
            await service.database.transact(partial(signals.heard, sources=[source], now=now))
        elif told is None and now - last >= patience:
            await service.database.transact(partial(_tell, service, source=source, last=last))
    ahead = [
        seen[name][0] + patience
        for name, patience in service.watch.silent_after.items()
        if name in seen and seen[name][1] is None
    ]
    return min((moment for moment in ahead if moment > now), default=None)


async def _tell(service: Context, conn: Connection, source: str, last: datetime) -> None:
    await signals.note_silence(conn, source, now=service.now)
    clock = last.astimezone(service.voice.zone).strftime(_("%H:%M on %d/%m"))
    said = _(
        "Nothing has been heard of the source {source} since {time}: its silence does not mean that all is"
        " well. Look at it, and at what it watches."
    ).format(source=source, time=clock)
    await tasks.raise_(service, conn, Chore(_key(source), KIND, said))


def _key(source: str) -> str:
    return f"{KIND}:{source}"
