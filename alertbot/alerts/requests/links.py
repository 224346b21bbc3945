"""Approving by a link in a mail: deriving the links from a key, opening the page, and deciding once."""

import hmac
import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from alertbot.alerts import approving, rules_policy, showing, store_alerts, store_reading, verdicts
from alertbot.alerts.approving import DecisionOrigin
from alertbot.alerts.requests import text
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.errors import ConfigInvalid, Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Person
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import rules, store_people, store_requests
from alertbot.people.context import Context
from alertbot.people.rules import Verb
from alertbot.people.store_requests import Link

SHORTEST_SECRET = 32  # characters
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits


@dataclass(frozen=True, slots=True)
class Key:
    """The key that links are derived from."""

    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "Key":
        """The key in these bytes. Raises `ConfigInvalid` if it could be guessed."""
        if len(secret) < SHORTEST_SECRET:
            raise ConfigInvalid(
                _(
                    "approvals_by.mail: the secret needs at least {n} characters; `openssl rand -hex 32` makes one."
                ).format(n=SHORTEST_SECRET)
            )
        return cls(secret.encode())

    def token(self, alert: str, digest: str, person_id: int, made_at: datetime, bond: str = "") -> str:
        """The secret part of the address of a link. `bond`: of the person's token and mail address."""
        moment = round(made_at.timestamp() * 1_000_000)
        return self._sign("approval-link", alert, digest, str(person_id), str(moment), bond)

    def form(self, token: str) -> str:
        """The value that a link's page sends back, so that only its own forms count."""
        return self._sign("approval-form", token)

    def _sign(self, *words: str) -> str:
        signed = hmac.new(self.secret, "\0".join(words).encode(), sha256).digest()
        return urlsafe_b64encode(signed).decode().rstrip("=")


def hash_of(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


log = logging.getLogger(__name__)

WAY = "mail"
MOST_WRONG_FORMS = 10  # per link; then it is closed
LONGEST_REASON = 2000  # characters


class LinkUnknown(Refused):
    """There is no such link."""


class LinkDead(LinkUnknown):
    """The person's mail address or token is another than when the link was sent, or the program's key."""


class LinkUsed(Refused):
    """The link has already been used for a decision."""


class LinkLapsed(Refused):
    """The deadline for the decision has passed."""


class LinkStale(Refused):
    """The alert has changed since the link was sent, or no longer waits for approval."""


class LinkClosed(Refused):
    """The link was answered wrongly too often."""


class LinkForged(Refused):
    """The answer does not come from the page of this link."""


class Unanswered(Misuse):
    """The form is incomplete; `field` names the missing part."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class PageDecision(StrEnum):
    """The decisions a page offers."""

    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """A form as it was sent."""

    decision: str
    form: str = field(repr=False)
    read: bool = False  # "I have read these texts"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a page shows. `shown` as from `showing.show`; `obstacle`: why this person cannot approve the
    alert."""

    person: Person
    form: str = field(repr=False)
    until: datetime
    shown: ShownAlertView
    obstacle: str | None


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """A decision made through a link, and the alert after it."""

    decision: PageDecision
    alert: AlertView


async def issue(
    service: Context,
    key: Key,
    *,
    alert: str,
    digest: str,
    person_id: int,
    until: datetime,
    address: str | None = None,
) -> str:
    """The token of a link to decide on this text until the given time: the unused one if there is one,
    so that a repeated mail contains the same link, else a new one. It works as long as the person has the
    same token, and the mail `address` that it is sent to (None: the one of now)."""

    async def work(conn: Connection) -> str:
        now = service.now
        bond = await store_requests.bond_of(conn, person_id, address)
        known = await store_requests.open_for(conn, alert, digest, person_id, now=now)
        if known is not None:
            token = key.token(alert, digest, person_id, known.made_at, bond)
            if hmac.compare_digest(hash_of(token), known.token_hash):  # else the key is another by now
                return token
        token = key.token(alert, digest, person_id, now, bond)
        await store_requests.add_link(
            conn,
            hash_of(token),
            alert=alert,
            digest=digest,
            person_id=person_id,
            made_at=now,
            expires_at=until,
        )
        return token

    return await service.database.transact(work)


async def open_page(service: Context, key: Key, token: str) -> Opened:
    """What this link's person needs to decide. Read only. Raises a subclass of `Refused` for an unknown,
    used, expired, outdated or closed link, and for a person who may no longer approve."""
    link = await service.database.read(lambda conn: _find(service, conn, key, token))
    shown = await showing.show(service, link.alert, None)

    async def look(conn: Connection) -> str | None:
        alert = await store_reading.get(conn, link.alert)
        await _require_open(service, conn, link, alert, shown.digest)
        return await _obstacle(service, conn, link, alert)

    obstacle = await service.database.read(look)
    return Opened(link.person, key.form(token), _until(service, link), shown, obstacle)


async def decide(service: Context, key: Key, token: str, answer: PageAnswer) -> LinkDecision:
    """Carry out the decision for the link's person; the link is used up in the same transaction, and
    stays usable if the decision is refused. Raises `Refused` (`LinkForged` for a form that is not
    this link's), `Faulty`, or `Unanswered` for an incomplete form."""
    link = await service.database.read(lambda conn: _find(service, conn, key, token))
    if not hmac.compare_digest(answer.form.encode("utf-8", "replace"), key.form(token).encode()):
        await count_wrong(service, link)
        raise LinkForged(
            _("This form does not belong to this link. Open the link from the mail again.")
        )
    decision = _complete(answer)
    origin = DecisionOrigin(WAY, _precheck(service, link))
    person, alert, reason = link.person, link.alert, answer.reason
    if decision is PageDecision.APPROVE:
        view = await approving.approve(service, person, alert, link.digest, origin)
    elif decision is PageDecision.RETURN:
        view = await approving.return_(service, person, alert, reason, origin)
    else:
        view = await approving.reject(service, person, alert, reason, origin)
    return LinkDecision(decision, view)


async def _find(service: Context, conn: Connection, key: Key, token: str) -> Link:
    """The unused link to decide of this token. Raises as `find`, and `Refused` for a person who may not approve."""
    link = await find(service, conn, key, token)
    if store_requests.task_in(link.digest) is not None:
        raise LinkUnknown(_("This link is not about an approval."))
    rules.require_role(Verb.APPROVE, link.person)
    if link.used_at is not None:
        raise _used(link)
    return link


async def find(service: Context, conn: Connection, key: Key, token: str) -> Link:
    """The link of this token. Raises `LinkUnknown` or `LinkClosed`."""
    link = None
    if TOKEN.fullmatch(token):
        link = await store_requests.find_link(conn, hash_of(token), now=service.now)
    if link is None:
        raise LinkUnknown(
            _("This link does not exist. Copy the whole address from the mail, or ask for a new link.")
        )
    if not hmac.compare_digest(_derived(key, link), token):
        raise dead(link)
    if link.attempts >= MOST_WRONG_FORMS:
        raise LinkClosed(
            _(
                "This link is closed: it received too many wrong answers. Decide on the command line:"
                " alertbot show {alert}"
            ).format(alert=link.alert)
        )
    return link


def _derived(key: Key, link: Link) -> str:
    """The token that the current key makes, with the person's current token and address: whatever of these is
    new invalidates every old link."""
    return key.token(link.alert, link.digest, link.person.id, link.made_at, link.bond)


async def _require_open(
    service: Context, conn: Connection, link: Link, alert: Alert, digest: str
) -> None:
    """Raises `LinkStale` if the alert has changed since the link was made or no longer waits for
    approval."""
    if digest != link.digest or alert.digest != link.digest or alert.state is AlertState.DRAFT:
        raise LinkStale(
            _(
                "{alert} has changed since this link was sent; the link no longer works. When {alert}"
                " is submitted again, you will get a new link."
            ).format(alert=alert.id)
        )
    late = alert.pending_until is not None and alert.pending_until <= service.now
    if alert.state is AlertState.EXPIRED or (late and alert.state is AlertState.PENDING):
        raise _lapsed(alert)
    if alert.state is not AlertState.PENDING:
        outcome = await text.outcome(service, conn, alert, link.digest)
        raise LinkStale(_("There is nothing left to decide. {outcome}").format(outcome=outcome))
    if link.expires_at <= service.now:
        raise _lapsed(alert)


async def _obstacle(service: Context, conn: Connection, link: Link, alert: Alert) -> str | None:
    """Why this person cannot approve, as a sentence; returning and rejecting may still be possible."""
    so_far = await store_reading.approvals_of(conn, alert.id, now=service.now)
    try:
        rules_policy.may_approve(
            verdicts.as_read(service, alert),
            link.person,
            so_far,
            digest=link.digest,
            shown=None,
            now=service.now,
            people=await store_people.persons(conn, now=service.now),
        )
        await verdicts.require_unhindered(service, conn, alert, service.now)
    except Refused as refusal:
        return str(refusal)
    return None


def _complete(answer: PageAnswer) -> PageDecision:
    """The decision in the form. Raises `Unanswered` if the decision, the tick or the reason is missing,
    or the reason is too long."""
    try:
        decision = PageDecision(answer.decision)
    except ValueError:
        raise Unanswered(_("Choose: approve, return or reject."), "decision") from None
    if decision is PageDecision.APPROVE and not answer.read:
        raise Unanswered(_("Tick the box to say you have read the texts, then approve."), "read")
    if decision is not PageDecision.APPROVE and not answer.reason.strip():
        raise Unanswered(_("Give a reason; the author needs it."), f"{decision}-reason")
    if len(answer.reason) > LONGEST_REASON:
        raise Unanswered(
            _("The reason is too long: {n} characters at most.").format(n=LONGEST_REASON),
            f"{decision}-reason",
        )
    return decision


def _precheck(service: Context, link: Link) -> Callable[[Connection], Awaitable[None]]:
    """Check the link and use it up, in the decision's transaction."""

    async def work(conn: Connection) -> None:
        fresh = await store_requests.find_link(conn, link.token_hash, now=service.now) or link
        rules.require_role(Verb.APPROVE, fresh.person)
        if fresh.bond != link.bond:
            raise dead(link)
        alert = await store_reading.get(conn, link.alert)
        if not await store_requests.use(conn, link.token_hash, now=service.now):
            raise _used(fresh)
        await _require_open(service, conn, link, alert, alert.digest)
        await store_alerts.note_shown(conn, link.person, alert, now=service.now)

    return work


async def count_wrong(service: Context, link: Link) -> None:
    """Count an answer that does not come from the link's own page."""
    about = {"alert": link.alert}
    log.warning("%s: a wrong form was sent to a link of %s", link.alert, link.person.name, extra=about)
    await service.database.transact(lambda conn: store_requests.count_wrong(conn, link.token_hash))


def dead(link: Link) -> LinkDead:
    """That the link is not this person's any more."""
    return LinkDead(
        _(
            "This link no longer works: since it was sent, your mail address, your token or the key of the"
            " links has changed. Decide on the command line: alertbot show {alert}"
        ).format(alert=link.alert)
    )


def _used(link: Link) -> LinkUsed:
    return LinkUsed(
        _("This link has been used for a decision on {alert}. It works only once.").format(
            alert=link.alert
        )
    )


def _lapsed(alert: Alert) -> LinkLapsed:
    return LinkLapsed(
        _("It is too late to decide on {alert}. It needs a new draft; you will be asked again.").format(
            alert=alert.id
        )
    )


def _until(service: Context, link: Link) -> datetime:
    return link.expires_at.astimezone(service.publisher.zone)
