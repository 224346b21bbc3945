"""One transaction at a time, where two would spoil each other's sums, and the order in which all take turns.

Two transactions that take the same locks in different orders wait for each other until the database ends one
of them. So everybody takes them in this order, leaving out what they do not need:

1. `PEOPLE`, the list of those who may act;
2. `AUDIT`, which every change ends with: before any row is locked, and before the fence is closed;
3. `rule:…` or `service:…`, a preapproved rule or a watched service;
4. `SIGNALS`, the reports;
5. the fence (`deliveries.fence`): intents pass it shared, halt, pause and cancel close it;
6. rows: accounts before deliveries, reports before the services they speak of, each kind by its id.

Intents take `AUDIT` only where they will write into it (the first call of an alert on a channel), and then
before the fence, so that many workers need not wait for each other.
"""

import zlib

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PEOPLE = "people"
AUDIT = "audit"
SIGNALS = "signals"


async def take_lock(conn: AsyncConnection, what: str) -> None:
    """Wait until no other open transaction has taken the same turn; it ends with this transaction.

    SQLite needs nothing: its write transactions begin with the only write lock.
    """
    if conn.dialect.name == "postgresql":
        key = zlib.crc32(f"alertbot {what}".encode())
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
