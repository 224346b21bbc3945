"""Advisory locks: one transaction at a time where two would disturb each other, and the order in which
all are taken.

Transactions that take the same locks in different orders deadlock. So everyone takes them in this order,
leaving out those not needed:

1. `PEOPLE`: who may act;
2. `AUDIT`, which every change ends with: before any row lock, and before the fence is closed;
3. `rule:…` or `service:…`: a rule approved in advance, or a watched service;
4. `SIGNALS`: the reports;
5. the fence (`store_deliveries.fence`): intents pass it shared; halt, pause and cancel close it;
6. rows: accounts before deliveries, reports before their services, each kind by id.

Intents take `AUDIT` only if they will write to it (the first call of an alert on a channel), and then
before the fence, so that many workers need not wait for each other.
"""

import zlib

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PEOPLE = "people"
AUDIT = "audit"
SIGNALS = "signals"


async def take_lock(conn: AsyncConnection, what: str) -> None:
    """Wait until no other open transaction holds the same lock; it is released when this transaction
    ends.

    SQLite needs nothing: its write transactions begin with the only write lock.
    """
    if conn.dialect.name == "postgresql":
        key = zlib.crc32(f"alertbot {what}".encode())
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
