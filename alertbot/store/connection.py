"""The connection that every store function takes first; other rooms pass it on and never look inside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection as Connection

__all__ = ["Connection", "savepoint"]


@asynccontextmanager
async def savepoint(conn: Connection) -> AsyncIterator[None]:
    """What is written inside is taken back where it raises; what was written before stays."""
    async with conn.begin_nested():
        yield
