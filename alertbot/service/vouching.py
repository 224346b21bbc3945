"""Which rows of the register may reach the public, asked when an alert is written and again when it is
approved (R1, R3, R5)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from alertbot.errors import Refused
from alertbot.model import Audience, Fault
from alertbot.register.entry import Entry, NumberRow, entry_name
from alertbot.register.standing import Standing, in_words, standing
from alertbot.service.context import Context
from alertbot.store import numbers
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _

FIELD = "numbers"


async def require_in_force(conn: Connection, service: Context, alert: Alert) -> dict[str, int]:
    """What an alert carries that people are to dial, by name of the entry, with its version.

    Raises `Refused` where it is to reach the public and an entry is no longer in force, or has changed
    since the alert was written (R3, R5).
    """
    carried = [one for one in (await numbers.carried(conn, [alert.id]))[alert.id] if not one.struck]
    if not carried:
        return {}
    present = {one.id: one for one in await numbers.entries(conn, ids=[one.entry for one in carried])}
    wrong = []
    for one in carried:
        entry = present[one.entry]
        where = standing(entry, service.now)
        if entry.row.version != one.version and entry.withdrawn_at is None:
            wrong.append(_("{row} has changed since").format(row=said(entry)))
        elif where is not Standing.IN_FORCE:
            wrong.append(_("{row} is {standing}").format(row=said(entry), standing=in_words(where)))
    channels = (service.voice.channels.get(name) for name in alert.channels)
    if wrong and any(one and one.audience is Audience.LIVE for one in channels):
        raise Refused(_refusal(alert, wrong, present.values()))
    return {entry_name(one.entry): one.version for one in carried}


def doubt(service: Context, entry: Entry, now: datetime) -> Fault | None:
    """What stands against publishing this entry now."""
    where, row = standing(entry, now), said(entry)
    if where is Standing.UNVERIFIED:
        sentence = _(
            "{row} is not verified: another person than {author} runs `alertbot numbers verify {entry}`."
        )
        words = sentence.format(row=row, author=entry.entered_by, entry=entry.name)
        return Fault("unverified_number", words, FIELD)
    if where is Standing.EXPIRED:
        sentence = _(
            "{row} reached its end or its review on {when}: give it a new one (`alertbot numbers edit"
            " {entry} --set review_at=+24h`, then `alertbot numbers verify {entry}`), or withdraw it."
        )
        words = sentence.format(row=row, when=_local(service, entry.row.ends_at), entry=entry.name)
        return Fault("expired_number", words, FIELD)
    if where is Standing.PLANNED:
        sentence = _("{row} is not valid before {when}; publish it then.")
        words = sentence.format(row=row, when=_local(service, entry.row.valid_from))
        return Fault("planned_number", words, FIELD)
    if where is Standing.WITHDRAWN:
        sentence = _("{row} was withdrawn on {when}: {why}. Leave it out, or enter it anew.")
        when, why = _local(service, entry.withdrawn_at), entry.withdrawn_reason
        return Fault("withdrawn_number", sentence.format(row=row, when=when, why=why), FIELD)
    return None


def _local(service: Context, when: datetime | None) -> str:
    return f"{when.astimezone(service.voice.zone):%Y-%m-%d %H:%M}" if when else ""


def unregistered(field: str, row: NumberRow, same: Sequence[Entry]) -> Fault:
    """A row to be dialled that is no entry, or not as the entry is now (`same`) (R1)."""
    if same:
        sentence = _(
            "{row} has changed: the register is at version {version} of it. Take the row anew."
        )
        words = sentence.format(row=said(same[0]), version=same[0].row.version)
    else:
        sentence = _(
            "{row} is not in the register: enter it with `alertbot numbers import` or `alertbot numbers"
            " add`, and have it verified by another person."
        )
        words = sentence.format(row=row)
    return Fault("unregistered_number", words, field)


def _refusal(alert: Alert, wrong: Sequence[str], present: Iterable[Entry]) -> str:
    asked = alert.raw.get("territories") or [one.name for one in present if one.withdrawn_at is None]
    return _(
        "{alert} cannot go out as it is: {rows}. Take the rows as they are now with `alertbot edit {alert}"
        " --set territories={query}`, and have it approved anew."
    ).format(
        alert=alert.id,
        rows="; ".join(wrong),
        query=asked if isinstance(asked, str) else ",".join(map(str, asked)),
    )


def said(entry: Entry) -> str:
    """An entry as sentences name it."""
    return f"{entry.name} ({entry.row})"
