"""Old, finished deliveries of alerts that are over: moved to a file for each alert, which the audit knows by its
hash. The file stands first; one transaction then takes the rows out and says so in the audit. Killed at any moment,
an alert's rows are all in the tables or all in its file, and the command goes on when it is run again."""

import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from pathlib import Path

from alertbot.core.errors import Misuse, Refused, StoreFailed, safe
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.loops import in_thread
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db import audit, comparing, facts
from alertbot.db.comparing import ARCHIVE, ChainSaid, Differences
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.delivery import store_archive
from alertbot.delivery.store_archive import Finished
from alertbot.people import rules
from alertbot.people.context import Context

FORMAT = "alertbot deliveries 1"
SUFFIX = ".jsonl.gz"
_PAGE = 1000
_LONGEST_LINE = 1_000_000
_WHY = {
    "state": _("it is not over"),
    "open": _("something of it is still to be sent"),
    "uncertain": _("it is uncertain whether something of it was sent: `alertbot settle`"),
    "young": _("something became of it after that day"),
    "promise": _("it promises a time that is still to come"),
    "task": _("a task about it is open: `alertbot task list`"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertArchived:
    """What left of one alert. `file`: None in a dry run."""

    alert: str
    deliveries: int
    file: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStays:
    """Why the deliveries of an alert stay where they are."""

    alert: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveView:
    """What `archive` did, or would do."""

    dry_run: bool
    archived: tuple[AlertArchived, ...]
    stays: tuple[AlertStays, ...]

    @property
    def deliveries(self) -> int:
        return sum(one.deliveries for one in self.archived)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveVerdict:
    """Whether a file is the one that the audit knows, and says what the audit says."""

    sound: bool
    file: str
    deliveries: int
    problems: tuple[str, ...]


async def archive(
    service: Context, actor: Person, before: date, to: Path, *, dry_run: bool = False
) -> ArchiveView:
    """Move what is finished and older. Raises `Refused` while anything is being sent, `Misuse` for a day to come
    or a folder that is none, `StoreFailed` if a file cannot be written."""
    rules.require_role("archive", actor)
    moment = datetime.combine(before, time(), service.publisher.zone)
    if moment > service.now:
        raise Misuse(_("{day} is still to come.").format(day=before))
    if not dry_run:
        await in_thread(partial(_require_folder, to))
        await _require_quiet(service)
    done: list[AlertArchived] = []
    stays: list[AlertStays] = []
    for name in await service.database.read(lambda conn: store_archive.candidates(conn, moment)):
        why = await service.database.read(partial(_held, name=name, before=moment, now=service.now))
        found = await service.database.read(partial(_finished, name=name))
        if not found.ids:
            continue
        if why is not None:
            stays.append(AlertStays(alert=name, why=_WHY[why]))
        elif dry_run:
            count = len(found.ids)
            done.append(AlertArchived(alert=name, deliveries=count, file=None, sha256=None))
        else:
            done.append(await _move(service, actor, found, to, moment))
    return ArchiveView(dry_run=dry_run, archived=tuple(done), stays=tuple(stays))


def _require_folder(to: Path) -> None:
    try:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(to, error) from None


def _unwritable(path: Path, error: OSError) -> StoreFailed:
    why = safe(error.strerror or str(error))
    return StoreFailed(_("{path} cannot be written: {why}.").format(path=path, why=why))


async def _require_quiet(service: Context) -> None:
    if await service.database.read(store_archive.under_way):
        raise Refused(
            _(
                "Something is being sent or waits to be; nothing was archived, so that it need not wait. Try again when"
                " `alertbot status` shows nothing open."
            )
        )


async def _held(conn: Connection, *, name: str, before: datetime, now: datetime) -> str | None:
    return await store_archive.held_by(conn, name, before, now)


async def _finished(conn: Connection, *, name: str) -> Finished:
    return await store_archive.finished(conn, name)


async def _move(
    service: Context, actor: Person, found: Finished, to: Path, before: datetime
) -> AlertArchived:
    content = await _content(service, found)
    sha256 = hashlib.sha256(content).hexdigest()
    path = to / f"{found.alert}-{sha256[:8]}{SUFFIX}"
    await in_thread(partial(_put, path, content))

    async def take_out(conn: Connection) -> None:
        await take_lock(conn, AUDIT)
        held = await store_archive.held_by(conn, found.alert, before, service.now)
        at = service.now
        same = held is None and await store_archive.remove(
            conn, found, file=path.name, sha256=sha256, at=at
        )
        if not same:
            sentence = _("Something became of {alert} meanwhile; it was not archived. Try again.")
            raise Refused(sentence.format(alert=found.alert))
        await audit.append(
            conn,
            actor=actor.name,
            verb=ARCHIVE,
            at=at,
            alert=found.alert,
            detail={
                "file": path.name,
                "sha256": sha256,
                "deliveries": len(found.ids),
                "ids": store_archive.ranges(found.ids),
            },
        )

    await service.database.transact(take_out)
    return AlertArchived(alert=found.alert, deliveries=len(found.ids), file=str(path), sha256=sha256)


async def _content(service: Context, found: Finished) -> bytes:
    """The file: the same bytes for the same rows, whenever it is made."""
    packed, key = io.BytesIO(), await service.database.transact(facts.pseudonym_key)
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as file:
        file.write(_line({"format": FORMAT, "alert": found.alert, "deliveries": len(found.ids)}))
        for start in range(0, len(found.ids), _PAGE):
            ids = found.ids[start : start + _PAGE]
            rows = await service.database.read(partial(_told, ids=ids, key=key))
            file.write(b"".join(map(_line, rows)))
    return packed.getvalue()


async def _told(conn: Connection, *, ids: Sequence[int], key: bytes) -> list[dict[str, Json]]:
    return await store_archive.told(conn, ids, key)


def _line(row: dict[str, Json]) -> bytes:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _put(path: Path, content: bytes) -> None:
    """One whole file, readable by its owner only, or none; what a killed run left gives way."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


async def verify(service: Context, path: Path) -> ArchiveVerdict:
    """Whether a file is one that the audit knows, byte for byte, and each of its deliveries ended as the audit says.
    Raises `Misuse` if it cannot be read."""
    try:
        content = await in_thread(path.read_bytes)
    except OSError as error:
        why = safe(error.strerror or str(error))
        raise Misuse(_("{path} cannot be read: {why}.").format(path=path, why=why)) from None
    sha256 = hashlib.sha256(content).hexdigest()
    known = await service.database.read(lambda conn: audit.of_verb(conn, ARCHIVE))
    if not any(row["detail"].get("sha256") == sha256 for row in known):
        sentence = _(
            "{path} is no archive that the audit knows: it was changed, or is of another database."
        )
        problem = sentence.format(path=path)
        return ArchiveVerdict(sound=False, file=str(path), deliveries=0, problems=(problem,))
    rows = await in_thread(partial(_rows, content))
    problems = await service.database.read(partial(_compared, rows=rows))
    return ArchiveVerdict(sound=not problems, file=str(path), deliveries=len(rows), problems=problems)


def _rows(content: bytes) -> list[dict[str, Json]]:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return list(_read(file))[1:]


def _read(file: gzip.GzipFile) -> Iterator[dict[str, Json]]:
    while line := file.readline(_LONGEST_LINE):
        yield json.loads(line)


async def _compared(conn: Connection, *, rows: Sequence[dict[str, Json]]) -> tuple[str, ...]:
    said, found = ChainSaid(keeps_archived=True), Differences()
    try:
        chain = await audit.verify(conn, None, said.row)
        key = await facts.pseudonym_key(conn, make=False)
        comparing.compare_outcomes((_plainly(one, said, key) for one in rows), key, said, found)
    finally:
        said.close()
    return (*chain.problems, *found.sentences())


def _plainly(row: dict[str, Json], said: ChainSaid, key: bytes) -> dict[str, Json]:
    """The row with its target as the audit names it, which is no pseudonym for a post."""
    told = said.get("delivery", str(row["id"])) or {}
    target = told.get("target")
    same = isinstance(target, str) and facts.keyed_hash(key, target) == row["target"]
    return {**row, "target": target} if same else row
