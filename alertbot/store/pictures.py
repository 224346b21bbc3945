"""Pictures that go beside texts, kept once by their digest."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.model import Picture
from alertbot.store.tables import picture


async def keep(conn: AsyncConnection, wanted: Iterable[Picture]) -> None:
    """Store what is not there yet."""
    by_digest = {one.digest: one for one in wanted}
    if not by_digest:
        return
    there = set((await conn.execute(_known(by_digest))).scalars())
    for digest, one in by_digest.items():
        if digest not in there:
            await conn.execute(insert(picture).values(**_row(one)))


async def get(conn: AsyncConnection, digests: Collection[str]) -> dict[str, Picture]:
    """Pictures by digest; what is missing is missing in the answer."""
    rows = await conn.execute(select(picture).where(picture.c.digest.in_(sorted(digests))))
    return {row.digest: Picture(*row) for row in rows}


def _known(digests: Collection[str]) -> Select[Any]:
    return select(picture.c.digest).where(picture.c.digest.in_(sorted(digests)))


def _row(one: Picture) -> dict[str, object]:
    return {
        "digest": one.digest,
        "mime": one.mime,
        "width": one.width,
        "height": one.height,
        "content": one.content,
    }
