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
from alertbot.db import audit, backup
from alertbot.db.backup import CompactedView, CopyView, Told
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts, store_archive, store_suppressed
from alertbot.delivery.store_suppressed import Carried

MACHINE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredView:
    """A database put back, and halted. `aside`: where the one before stands now; None if there was none. `audited`:
    whether the halt could be written into the audit. `left_alone`: how many who are not to be written to were taken over
    from the one before; None if that could not be done, since there was none, it could not be read, was of another
    installation, or one of both is of a version that does not know of them."""

    database: str
    copied: CopyView
    aside: str | None
    audited: bool
    left_alone: int | None


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


async def compact(url: str) -> CompactedView:
    """Write the database anew, without what was deleted or changed. Raises `Refused` for PostgreSQL and while anything
    is being sent, which would wait, `StoreFailed`."""
    path = backup.file_of(
        url,
        _(
            "The database {place} is on PostgreSQL: `VACUUM FULL` in it does the same. What it had written before is also"
            " in its WAL archive and in dumps."
        ),
    )
    opened = await Database.open_as_it_is(url)
    try:
        busy = await opened.read(store_archive.under_way)
    finally:
        await opened.close()
    if busy:
        raise Refused(
            _(
                "Something is being sent or waits to be; nothing was done, so that it need not wait. Try again when"
                " `alertbot status` shows nothing open."
            )
        )
    return await in_thread(partial(backup.compact, path))


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
        left_alone = await _left_alone(url, f"sqlite:///{ready}", clock()) if path.exists() else None
        await in_thread(partial(backup.settle, ready))
        aside = await in_thread(partial(backup.put, ready, path, clock().astimezone(UTC)))
    finally:
        _clear(ready)
    return RestoredView(
        database=str(path),
        copied=view,
        aside=None if aside is None else str(aside),
        audited=audited,
        left_alone=left_alone,
    )


async def _left_alone(before: str, restored: str, now: datetime) -> int | None:
    """Take over who is not to be written to from the database that stood there: who unsubscribed or was erased after the
    copy was made must not be written to from it. The worker erases again whom it holds of those."""
    try:
        old, new = await Database.open_as_it_is(before), await Database.open_as_it_is(restored)
    except StoreFailed:
        return None
    try:
        known = await old.read(store_suppressed.carried)
        return None if known is None else await new.transact(partial(_take_over, known=known, at=now))
    except StoreFailed:
        return None
    finally:
        await old.close()
        await new.close()


async def _take_over(conn: Connection, *, known: Carried, at: datetime) -> int | None:
    added = await store_suppressed.take_over(conn, known)
    if added:
        detail = {"addresses": added, "from": "the database that stood there"}
        await audit.append(conn, actor=MACHINE, verb="recipients-carried", at=at, detail=detail)
    return None if added is None else len(added)


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
