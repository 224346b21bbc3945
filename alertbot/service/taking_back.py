"""What takes effect when an alert that follows another is approved, all in the approving transaction."""

from collections.abc import Iterable

from alertbot.errors import Refused
from alertbot.model import Action, Person, Relation
from alertbot.service import chains, settling, tasks, told
from alertbot.service.answering import Reached
from alertbot.service.chains import ONLY_THOSE_REACHED
from alertbot.service.context import Context
from alertbot.service.tasks import Chore
from alertbot.store import following, reading
from alertbot.store import settling as outbox
from alertbot.store.connection import Connection
from alertbot.store.following import Standing
from alertbot.store.reading import Alert
from alertbot.words import _

FALLS_TOO = (None, Relation.UPDATE)  # relations of alerts that fall with the one they belong to


async def take_effect(
    service: Context, conn: Connection, actor: Person, alert: Alert
) -> Reached | None:
    """An alert that follows others is approved: what they have not sent yet is not sent any more, where
    this one takes them back (R35), and numbers that it strikes leave the register. Answers whom they
    reached; None for an alert that follows none."""
    if alert.relation is None:
        return None
    originals = [await reading.get(conn, one) for one in alert.references]
    if alert.relation in ONLY_THOSE_REACHED:
        for original in originals:
            await _stop(service, conn, original, alert)
    await told.take_out(conn, actor, alert, service.now)
    chain = await chains.members(conn, alert.relation, originals)
    ids = [one.id for one in chain if one.id != alert.id]
    records = [one for name in ids for one in await reading.records_of(conn, name)]
    posts = await following.posts(conn, ids)
    pictures = await following.posts(conn, ids, action=Action.PICTURE)
    reached = Reached(posts, tuple(records), await _fallen(conn, posts), pictures)
    _require_somebody(alert, reached)
    await tasks.raise_all(service, conn, _by_hand(alert, reached))
    return reached


def _require_somebody(alert: Alert, reached: Reached) -> None:
    if alert.relation in ONLY_THOSE_REACHED and not reached.posts and not reached.records:
        raise Refused(
            _("{original} reached nobody after all: {alert} is not needed; discard it.").format(
                original=alert.original, alert=alert.id
            )
        )


async def _fallen(conn: Connection, posts: Iterable[Standing]) -> frozenset[str]:
    """The alerts whose posts go with one that is cancelled: itself, what it followed and what followed it
    up; what takes back or denies stays."""
    names = {one.alert for one in posts}
    found = [await reading.get(conn, name) for name in sorted(names)]
    return frozenset(one.id for one in found if one.relation in FALLS_TOO)


async def _stop(service: Context, conn: Connection, original: Alert, by: Alert) -> None:
    """Send nothing more of an alert that is taken back. What is being sent just now ends as it ends."""
    outcomes = await outbox.cancel(conn, original.id, _reason(by))
    await settling.note_outcomes(service, conn, outcomes)
    await settling.advance(service, conn, original.id)


def _reason(by: Alert) -> str:
    words = {
        Relation.CORRECTION: _("Not sent: corrected by {alert}."),
        Relation.WITHDRAWAL: _("Not sent: its numbers are withdrawn by {alert}."),
        Relation.RETRACTION: _("Not sent: retracted by {alert}."),
        Relation.CANCEL: _("Not sent: denied by {alert}."),
    }
    return words[by.relation or Relation.CORRECTION].format(alert=by.id)


def _by_hand(alert: Alert, reached: Reached) -> list[Chore]:
    """What a person has to take back, because a person posted it: one task per post."""
    if alert.relation not in ONLY_THOSE_REACHED:
        return []
    sentence = _("{alert} takes back what was posted by hand on {channel}: mend {url} there.")
    return [
        Chore(
            key=f"by-hand:{alert.id}:{one.url}"[:200],
            kind="by_hand",
            text=sentence.format(alert=alert.id, channel=one.channel, url=one.url),
            alert=alert.id,
            incident=alert.incident,
        )
        for one in reached.records
    ]
