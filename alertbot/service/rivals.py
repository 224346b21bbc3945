"""Two people at once: what one alert has taken back or ended, another does not take back or end again."""

from alertbot.approval.moves import state_word
from alertbot.errors import Refused
from alertbot.model import Relation
from alertbot.service import told
from alertbot.store import following, incidents, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _


async def require_free(conn: Connection, alert: Alert) -> None:
    """Raises `Refused` where somebody else was faster: what this alert takes back or ends is taken back or
    ended by another. Asked when approval is wanted, and again when it is given."""
    if alert.relation in following.TAKEN_BACK and alert.original:
        original = await reading.get(conn, alert.original)
        await require_not_taken_back(conn, original, but=alert.id)
    if alert.relation is Relation.END:
        await require_open(conn, alert.incident, but=alert.id)
    await told.require_still_told(conn, alert)


async def require_open(conn: Connection, incident: str, *, but: str = "") -> None:
    """Raises `Refused` for an incident that has ended, or is being ended by another alert than `but`."""
    found = await incidents.get(conn, incident)
    if found.closed_at is not None:
        raise Refused(
            _(
                "Incident {incident} has ended already; `alertbot incident show {incident}` says when."
            ).format(incident=incident)
        )
    other = await following.ending(conn, incident, but=but)
    if other is not None:
        raise Refused(
            _("{other} ends incident {incident} already ({state}).").format(
                other=other.id, incident=incident, state=state_word(other.state)
            )
        )


async def require_not_taken_back(conn: Connection, original: Alert, *, but: str = "") -> None:
    """Raises `Refused` where another alert than `but` takes this one back, and names it."""
    other = await following.taken_back_by(conn, original.id, but=but)
    if other is not None:
        raise Refused(
            _(
                "{original} is taken back by {other} already ({state}): look at it with `alertbot show"
                " {other}`, and correct that one if it is wrong."
            ).format(original=original.id, other=other.id, state=state_word(other.state))
        )
