"""The texts of an alert and the targets they go to, written down exactly as they were composed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.model import Composition, Message, Purpose, Target
from alertbot.store import bulk, pictures
from alertbot.store.tables import message, target


async def write(conn: AsyncConnection, alert_id: str, revision: int, composition: Composition) -> None:
    """The texts of this revision; its targets take the place of the earlier ones."""
    rows = [
        _message_row(alert_id, revision, text, purpose)
        for purpose, said in (
            (Purpose.PUBLICATION, composition.messages),
            (Purpose.RETRACTION, composition.retraction),
        )
        for text in said
    ]
    await pictures.keep(conn, composition.pictures)
    if rows:
        await conn.execute(insert(message), rows)
    await conn.execute(delete(target).where(target.c.alert_id == alert_id))
    await bulk.add(conn, target, _target_rows(alert_id, composition.targets))


async def add(
    conn: AsyncConnection,
    alert_id: str | None,
    revision: int,
    messages: Iterable[Message],
    purpose: Purpose,
) -> tuple[int, ...]:
    """Texts besides those of the publication (tests, notices); gives their row ids in order. Only a
    notice may be without an alert."""
    ids = []
    for text in messages:
        row = insert(message).values(**_message_row(alert_id, revision, text, purpose))
        ids.append(int((await conn.execute(row.returning(message.c.id))).scalar_one()))
    return tuple(ids)


def _message_row(
    alert_id: str | None, revision: int, text: Message, purpose: Purpose
) -> dict[str, Any]:
    own = {"alert_id": alert_id, "revision": revision, "purpose": str(purpose)}
    return {**asdict(text), **own, "measure": str(text.measure), "action": str(text.action)}


def _target_rows(alert_id: str, targets: Mapping[str, Sequence[Target]]) -> list[dict[str, Any]]:
    return [
        {
            "alert_id": alert_id,
            "channel": channel,
            "address": one.address,
            "lang": one.lang,
            "topics": list(one.topics),
        }
        for channel, group in targets.items()
        for one in group
    ]
