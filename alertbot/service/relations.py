"""What stands around one alert: what it follows, what follows it, how soon it was out."""

from typing import Any

from alertbot.service.chains import ONLY_THOSE_REACHED
from alertbot.store import following, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert


async def around(conn: Connection, alert: Alert) -> dict[str, Any]:
    """`follows`, `followed_by`, and for what takes back `reached_all_seconds`: how long after its approval
    the last of its posts was out (None while some is not)."""
    return {
        "follows": [_brief(await reading.get(conn, one)) for one in alert.references],
        "followed_by": [_brief(one) for one in await following.followers(conn, alert.id)],
        "reached_all_seconds": await reached_all_seconds(conn, alert),
    }


async def reached_all_seconds(conn: Connection, alert: Alert) -> float | None:
    """Seconds from approval until a correction (withdrawal, retraction, denial) was out everywhere."""
    if alert.relation not in ONLY_THOSE_REACHED or alert.approved_at is None:
        return None
    if await following.posts(conn, [alert.id], following.UNSETTLED):
        return None
    last = await following.last_reached(conn, alert.id)
    return None if last is None else round((last - alert.approved_at).total_seconds(), 3)


def _brief(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "state": str(alert.state),
        "relation": alert.relation and str(alert.relation),
    }
