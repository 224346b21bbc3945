"""Backing up and restoring an SQLite database. A restored one is halted before anything can send from it: what was
sent after the copy was made still waits in it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from alertbot.alerts import halting
from alertbot.core.errors import Misuse, Refused, StoreFailed
from alertbot.core.loops import in_thread
from alertbot.core.words import _
from alertbot.db import backup
from alertbot.db.backup import CopyView, Told
from alertbot.db.database import Database
from alertbot.delivery import store_accounts

MACHINE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredView:
    """A database put back, and halted. `aside`: where the one before stands now; None if there was none. `audited`:
    whether the halt could be written into the audit."""

    database: str
    copied: CopyView
    aside: str | None
    audited: bool


async def save(url: str, to: Path, told: Told, clock: Callable[[], datetime]) -> CopyView:
    """Copy the database to a new file, or into a folder under a name with the time. Raises `Refused` for PostgreSQL,
    `Misuse` if the file exists, `StoreFailed`."""
    source = backup.file_of(url)
    return await in_thread(partial(backup.copy, source, _place(to, source.stem, clock()), told))


def _place(to: Path, stem: str, now: datetime) -> Path:
    if to.is_dir():
        return to / f"{stem}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"
    if not to.parent.is_dir():
        raise Misuse(_("There is no folder {folder}.").format(folder=to.parent))
    return to


async def restore(url: str, copied: Path, told: Told, clock: Callable[[], datetime]) -> RestoredView:
    """Put a copy in the place of the database, halted. Raises `Refused` while a worker or anything else uses the
    database and for PostgreSQL, `StoreFailed` for a copy that is damaged or of a newer program; nothing has changed
    then."""
    path = backup.file_of(url)
    if _has_database(path, copied):
        await _require_nobody(url, path)
    view = await in_thread(partial(backup.look_through, copied))
    ready = path.with_name(f"{path.name}.restoring")
    _clear(ready)
    try:
        await in_thread(partial(backup.copy, copied, ready, told))
        audited = await _halted(f"sqlite:///{ready}", clock())
        await in_thread(partial(backup.settle, ready))
        aside = await in_thread(partial(backup.put, ready, path, clock().astimezone(UTC)))
    finally:
        _clear(ready)
    return RestoredView(
        database=str(path), copied=view, aside=None if aside is None else str(aside), audited=audited
    )


def _clear(begun: Path) -> None:
    for suffix in ("", *backup.SIDE_FILES):
        begun.with_name(begun.name + suffix).unlink(missing_ok=True)


def _has_database(path: Path, copied: Path) -> bool:
    """Whether something stands where the copy is to stand. Raises `Misuse` if there is no copy, or it stands there."""
    if not copied.is_file():
        raise Misuse(_("There is no file {path}.").format(path=copied))
    if path.exists() and path.samefile(copied):
        raise Misuse(_("{path} is the database itself.").format(path=copied))
    return path.exists()


async def _require_nobody(url: str, path: Path) -> None:
    """Raises `Refused` while a worker is alive. A database that cannot even be read has none that works."""
    try:
        opened = await Database.open_as_it_is(url)
    except StoreFailed:
        return
    try:
        alive = await opened.read(store_accounts.any_alive)
    finally:
        await opened.close()
    if alive:
        raise Refused(
            _(
                "A worker is running on the database {path}; nothing was changed. Stop every `alertbot run` and"
                " `alertbot serve`, then try again."
            ).format(path=path)
        )


async def _halted(url: str, now: datetime) -> bool:
    opened = await Database.open_as_it_is(url)
    try:
        return bool((await halting.stop(opened, None, None, now=now, by=MACHINE)).audited)
    finally:
        await opened.close()
