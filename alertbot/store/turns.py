"""One transaction at a time, where two would spoil each other's sums."""

import zlib

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

AUDIT = "audit"  # taken before any alert is locked
PEOPLE = "people"
INSTALLATION = "installation"


async def take_turn(conn: AsyncConnection, what: str) -> None:
    """Wait until no other open transaction has taken the same turn; it ends with this transaction.

    SQLite needs nothing: its write transactions begin with the only write lock.
    """
    if conn.dialect.name == "postgresql":
        key = zlib.crc32(f"alertbot {what}".encode())
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
