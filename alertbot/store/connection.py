"""The connection that every store function takes first; other rooms pass it on and never look inside."""

from sqlalchemy.ext.asyncio import AsyncConnection as Connection

__all__ = ["Connection"]
