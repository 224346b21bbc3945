"""Notices to the team about one alert: approval requested, emergency publication, countdown started or
stopped."""

from datetime import datetime

from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Refused, one_line
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts
from alertbot.people.context import Context
from alertbot.people.notices import Words, team, tell


async def approval_wanted(service: Context, conn: Connection, alert: Alert) -> None:
    """An alert was submitted and needs approval. Includes the audit head, so that a truncated chain can
    be detected later."""
    head = await audit.head(conn)
    await tell(
        service,
        conn,
        alert,
        lambda: (
            _("Approval needed: {alert} ({kind})").format(alert=alert.id, kind=alert.kind),
            _(
                "{alert} ({kind}) needs approval before {until}.\nDigest {digest}\nCheck it: alertbot show"
                " {alert}\nThen: alertbot approve {alert}\nAudit: {count} rows, head {head}"
            ).format(
                alert=alert.id,
                kind=alert.kind,
                until=_clock(service, alert),
                digest=alert.digest[:12],
                count=head.count,
                head=head.digest,
            ),
        ),
    )


async def countdown(service: Context, conn: Connection, alert: Alert, goes_at: datetime) -> None:
    """An alert will be published automatically unless someone stops it."""
    time = goes_at.astimezone(service.publisher.zone).strftime("%H:%M:%S (%Z)")
    await tell(
        service,
        conn,
        alert,
        lambda: (
            _("{alert} goes out by itself at {time}").format(alert=alert.id, time=time),
            _(
                "{alert} ({kind}) is preapproved and goes out by itself at {time}.\nCheck it: alertbot show"
                " {alert}\nStop it: alertbot rules abort {alert}"
            ).format(alert=alert.id, kind=alert.kind, time=time),
        ),
    )


async def glass_broken(
    service: Context, conn: Connection, alert: Alert, actor: Person, reason: str
) -> None:
    """One person published the alert alone."""
    await _to_be_checked(
        service,
        conn,
        alert,
        lambda: (
            _("BREAK-GLASS: {name} published {alert} alone"),
            _(
                "{name} published {alert} ({kind}) alone.\nReason: {reason}\nAnother approver must check it,"
                " then run: alertbot countersign {alert}\nAudit: {count} rows, head {head}"
            ),
        ),
        name=actor.name,
        reason=one_line(reason),
    )


async def approved_alone(service: Context, conn: Connection, alert: Alert, actor: Person) -> None:
    """One person wrote and approved the alert, which takes back another. Raises `Refused` if nobody can be
    told."""
    await require_way(service, conn, alert)
    await tell_alone(service, conn, alert, actor)


async def tell_alone(service: Context, conn: Connection, alert: Alert, actor: Person) -> None:
    await _to_be_checked(
        service,
        conn,
        alert,
        lambda: (
            _("ALONE: {name} wrote and approved {alert}"),
            _(
                "{name} wrote and approved {alert} ({kind}) alone, which takes back {original}.\nAnother approver"
                " must check it, then run: alertbot countersign {alert}\nAudit: {count} rows, head {head}"
            ),
        ),
        name=actor.name,
        original=alert.original,
    )


async def _to_be_checked(
    service: Context,
    conn: Connection,
    alert: Alert,
    words: Words,
    **given: str | None,
) -> None:
    """Tell the team, past any halt of its channels, what one person did alone; with the head of the audit."""
    head = await audit.head(conn)
    known = {"alert": alert.id, "kind": alert.kind, "count": head.count, "head": head.digest}

    def filled() -> tuple[str, str]:
        title, sentence = words()
        return title.format(**known, **given), sentence.format(**known, **given)

    await tell(service, conn, alert, filled, urgent=True)


async def require_way(service: Context, conn: Connection, alert: Alert) -> None:
    """Raises `Refused` unless a channel to the team can be used: nobody publishes alone unseen."""
    names = [one.name for one in team(service)]
    paused = await store_accounts.paused(conn, names)
    if (
        not names and not service.publisher.unusable
    ):  # else a channel to the team may be among those left out
        raise Refused(
            _(
                "{alert} needs another approver: one person alone can publish only what the team is told of,"
                " and no channel has the audience `team`. Configure one, or have someone else approve it."
            ).format(alert=alert.id)
        )
    if names and len(paused) == len(names):
        raise Refused(
            _(
                "{alert} needs another approver: one person alone can publish only what the team is told of,"
                " and every channel to the team is paused ({names}). Fix one, then: alertbot resume"
                " --channel {first}"
            ).format(alert=alert.id, names=", ".join(names), first=names[0])
        )


async def countdown_stopped(service: Context, conn: Connection, alert: Alert, by: str) -> None:
    """Someone stopped an automatic publication."""
    await tell(
        service,
        conn,
        alert,
        lambda: (
            _("{alert} will not go out by itself").format(alert=alert.id),
            _(
                "{name} stopped the countdown of {alert} ({kind}): it will not go out by itself. It waits"
                " for approval: alertbot show {alert}, then alertbot approve {alert} or alertbot discard"
                " {alert}"
            ).format(name=by, alert=alert.id, kind=alert.kind),
        ),
    )


def _clock(service: Context, alert: Alert) -> str:
    return "–" if alert.pending_until is None else service.clock(alert.pending_until)
