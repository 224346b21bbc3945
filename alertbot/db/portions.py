"""The same comparison as `comparing.compare`, in portions: each call reads a bounded number of rows, in one snapshot and
off the event loop, and goes on where the last one stopped. What the chain says is heard once in each round; new rows
of it are heard first, so that what is written meanwhile is no difference."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import field
from functools import partial
from typing import Any, cast

from sqlalchemy import Integer, Select, Table, select, tuple_

from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.db import comparing, facts, tables
from alertbot.db.audit import AuditRow, Check
from alertbot.db.comparing import ChainSaid, Differences
from alertbot.db.facts import WATCHED
from alertbot.db.sql import Connection
from alertbot.db.tables import alert, approval, delivery, person

OtherTexts = Callable[[Connection, Sequence[str]], Awaitable[list[str]]]
"""What differs between the texts of these alerts and their digests."""

_PAGE = 500
_ALERTS = 10  # whose texts are read at once
_OF_TEXTS = 50  # an alert's texts and targets count as so many rows


@dataclass
class _Round:
    said: ChainSaid = field(default_factory=ChainSaid)
    found: Differences = field(default_factory=Differences)
    check: Check = field(default_factory=lambda: Check(None))
    texts: list[str] = field(default_factory=list)
    heard: int = 0  # up to which row of the audit
    begun: bool = False  # the whole chain was heard once
    stage: int = 0
    after: Any = None  # the key at which this stage goes on


class Portions:
    """One per worker. `texts` reads what is no table of its own: the words of alerts."""

    def __init__(self, texts: OtherTexts) -> None:
        self._texts = texts
        self._now = _Round()

    def close(self) -> None:
        self._now.said.close()

    async def go_on(self, conn: Connection, rows: int) -> tuple[str, ...] | None:
        """Compare about so many rows more. At the end of a round, what was found; the next call begins anew."""
        if not self._now.begun:
            if await self._hear(conn, rows) == rows:
                return None
            self._now.begun = True
        else:
            while await self._hear(conn, _PAGE) == _PAGE:
                pass
        left = rows
        while left > 0 and self._now.stage < len(_STAGES) + 3:
            left -= await self._portion(conn)
        if left <= 0:
            return None
        done, self._now = self._now, _Round()
        problems = (*done.check.verdict().problems, *done.found.sentences(), *done.texts)
        done.said.close()
        return problems

    async def _hear(self, conn: Connection, limit: int) -> int:
        now, heard = self._now, 0
        while heard < limit:
            page = (
                select(tables.audit).where(tables.audit.c.seq > now.heard).order_by(tables.audit.c.seq)
            )
            found = (await conn.execute(page.limit(min(_PAGE, limit - heard)))).mappings().all()
            await in_thread(partial(_heard, now, [cast(AuditRow, dict(row)) for row in found]))
            heard += len(found)
            if len(found) < _PAGE:
                break
        return heard

    async def _portion(self, conn: Connection) -> int:
        """The next page of the present stage; how many rows it counts as."""
        now = self._now
        if now.stage < len(_STAGES):
            return await self._rows(conn, _STAGES[now.stage])
        if now.stage == len(_STAGES):
            return await self._gone(conn)
        if now.stage == len(_STAGES) + 1:
            return await self._words(conn)
        for name, actor in list(now.said.unsigned()):
            if not await _signed(conn, name, actor):
                comparing.unsigned(name, actor, now.found)
        now.stage += 1
        return 1

    async def _rows(self, conn: Connection, stage: "_Stage") -> int:
        now = self._now
        page = stage.query.order_by(*stage.key).limit(_PAGE)
        if now.after is not None:
            page = page.where((stage.key[0] if len(stage.key) == 1 else tuple_(*stage.key)) > now.after)
        rows = (await conn.execute(page)).mappings().all()
        if stage.table is not None:
            seal: Any = await facts.sealer(conn, stage.table, rows, make=False)
        else:
            seal = await facts.pseudonym_key(conn, make=False)
        await in_thread(partial(stage.compare, rows, seal, now.said, now.found))
        self._went(len(rows) < _PAGE, [tuple(row[one.name] for one in stage.key) for row in rows[-1:]])
        return max(1, len(rows))

    async def _gone(self, conn: Connection) -> int:
        now = self._now
        keys = await in_thread(partial(now.said.after, now.after or ("", ""), _PAGE))
        for kind in dict.fromkeys(one[0] for one in keys):
            table = WATCHED.get(kind, delivery)
            of_kind = [key for name, key in keys if name == kind]
            there = await _there(conn, table, of_kind)
            for key in of_kind:
                if key not in there:
                    now.found.gone(kind, key)
        self._went(len(keys) < _PAGE, keys[-1:])
        return max(1, len(keys))

    async def _words(self, conn: Connection) -> int:
        now = self._now
        page = select(alert.c.id).order_by(alert.c.id).limit(_ALERTS)
        if now.after is not None:
            page = page.where(alert.c.id > now.after)
        names = list(await conn.scalars(page))
        now.texts += await self._texts(conn, names)
        self._went(len(names) < _ALERTS, [(name,) for name in names[-1:]])
        return max(1, len(names) * _OF_TEXTS)

    def _went(self, last: bool, keys: Sequence[tuple[Any, ...]]) -> None:
        now = self._now
        if last:
            now.stage, now.after = now.stage + 1, None
        elif keys:
            now.after = keys[0][0] if len(keys[0]) == 1 else keys[0]


@dataclass(frozen=True)
class _Stage:
    query: Select[Any]
    key: tuple[Any, ...]
    compare: Callable[[Iterable[Any], Any, ChainSaid, Differences], object]
    table: Table | None = None


def _heard(now: _Round, rows: Sequence[AuditRow]) -> None:
    for row in rows:
        now.check.row(row)
        now.said.row(row)
        now.heard = row["seq"]


def _whole(table: Table, rows: Iterable[Any], seal: Any, said: ChainSaid, found: Differences) -> None:
    for _key in comparing.compare_rows(table, rows, seal, said, found):
        pass


_STAGES = (
    *(
        _Stage(select(table), tuple(table.primary_key.columns), partial(_whole, table), table)
        for table in WATCHED.values()
    ),
    _Stage(comparing.deliveries(), (delivery.c.id,), comparing.compare_outcomes),
    _Stage(
        comparing.approvals(),
        (approval.c.id,),
        lambda rows, _key, said, found: comparing.compare_approvals(rows, said, found),
    ),
    _Stage(
        comparing.published(),
        (alert.c.id,),
        lambda rows, _key, said, found: comparing.compare_published(rows, said, found),
    ),
)


async def _there(conn: Connection, table: Table, keys: Sequence[str]) -> set[str]:
    """Which of these keys, as the audit names them, are in the table."""
    primary = list(table.primary_key.columns)
    wanted = [
        tuple(
            int(part) if isinstance(one.type, Integer) else part
            for one, part in zip(primary, key.rsplit("/", len(primary) - 1), strict=True)
        )
        for key in keys
    ]
    here = (
        primary[0].in_([key[0] for key in wanted])
        if len(primary) == 1
        else tuple_(*primary).in_(wanted)
    )
    return {facts.key_text(tuple(row)) for row in await conn.execute(select(*primary).where(here))}


async def _signed(conn: Connection, name: str, actor: str) -> bool:
    query = select(approval.c.id).join(person, person.c.id == approval.c.person_id)
    query = query.where(approval.c.alert_id == name, person.c.name == actor)
    return await conn.scalar(query.limit(1)) is not None
