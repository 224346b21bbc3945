"""The worker's own judgement of what it is about to send: before the first call of a dispatch, and again after
anything was resumed. Nothing is believed because a row says so; what cannot be shown to have been approved,
by the worker's own configuration and as things stand now, is not sent."""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from alertbot.alerts import alert_notices, chains, publishing, rules_policy, sealing, store_reading
from alertbot.alerts.compose import load_kind
from alertbot.alerts.lists import register
from alertbot.alerts.rules_policy import Approval
from alertbot.alerts.store_reading import Alert, StoredTexts
from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import (
    MACHINE,
    Approvals,
    Audience,
    Channel,
    Message,
    Purpose,
    Relation,
    Role,
)
from alertbot.core.target_list import AddressSet
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.audit import AuditRow
from alertbot.db.sql import Connection
from alertbot.delivery import store_content, store_outbox
from alertbot.delivery.store_content import DispatchFacts, Judgement
from alertbot.people import notices, store_people, tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask
from alertbot.texts.publisher import effective

Ahead = Callable[[Connection, Alert, str], Awaitable[str | None]]
"""Given an alert and the name of its rule: why the rule may not publish it by itself now, or None."""

KEPT = 8  # alerts whose texts and targets were found to be those approved
NOT_SENT = "not-sent"  # a kind of task


class Judge:
    """One per worker. The texts and targets of an alert are read and hashed once, in a thread; everything
    else is looked up at each judgement."""

    def __init__(self, service: Context, ahead: Ahead) -> None:
        self._service = service
        self._ahead = ahead
        self._sound: OrderedDict[tuple[str, str], _Sound] = OrderedDict()

    async def __call__(self, conn: Connection, facts: DispatchFacts) -> Judgement:
        """Whether this dispatch may be sent. What is wrong with a configuration or a file of this worker is
        a reason not to send."""
        if facts.purpose is not Purpose.PUBLICATION:
            return self._of_the_team(facts)
        alert = await store_reading.get(conn, facts.alert)
        said = await self._said(conn, alert, facts.digest)
        if isinstance(said, str):
            return Judgement(said)
        try:
            why = await self._objection(conn, alert, facts)
        except AlertbotError as error:
            why = str(error)
        if why is not None:
            return Judgement(_told(alert, why))
        return Judgement(None, said.texts, said.addresses.get(facts.channel, frozenset()))

    def _of_the_team(self, facts: DispatchFacts) -> Judgement:
        """Tests and notices go to the team as this worker knows it, and to nobody else."""
        known = self._service.publisher.channels.get(facts.channel)
        if known is not None and known.audience is Audience.TEAM:
            return Judgement(targets=frozenset(one.address for one in known.targets))
        sentence = _(
            "Not sent: a test or notice about {alert} was queued for {channel}, which does not have audience"
            " `team` in the worker's configuration. Find out who queued it, and with which configuration."
        )
        return Judgement(sentence.format(alert=facts.alert, channel=facts.channel))

    async def _said(self, conn: Connection, alert: Alert, digest: str) -> "_Sound | str":
        """The stored texts and the addresses, if they make this digest; else why not."""
        key = (alert.id, digest)
        if alert.digest == digest and (known := self._sound.get(key)) is not None:
            return known
        said = await store_reading.stored_texts(conn, alert.id, alert.channels)
        found = await in_thread(partial(_sound, alert, said, digest))
        if isinstance(found, str):
            return found
        self._sound[key] = found
        while len(self._sound) > KEPT:
            self._sound.popitem(last=False)
        return found

    async def _objection(self, conn: Connection, alert: Alert, facts: DispatchFacts) -> str | None:
        """The first thing that forbids sending this, as a part of a sentence."""
        if why := await sealing.difference(self._service.publisher, alert, facts.channel):
            return why
        if why := await self._unapproved(conn, alert, begun=facts.judged):
            return why
        if why := await self._unheard(conn, alert):
            return why
        if why := await self._foreign_posts(conn, alert, facts):
            return why
        await register.require_in_force(conn, self._service, alert)
        return None

    async def _unapproved(self, conn: Connection, alert: Alert, *, begun: bool) -> str | None:
        """`begun`: it was judged before and nothing was resumed since, so that an approval which lapses
        meanwhile still counts."""
        rows = [row for row in await audit.approving(conn, alert.id) if row["digest"] == alert.digest]
        if not rows:
            return _(
                "the audit holds no approval of it. Do not touch the database, run `alertbot audit verify`"
            )
        if rule := _rule_in(rows):
            return await self._ahead(conn, alert, rule)
        asked = await in_thread(partial(self._asked, alert.kind))
        if not alert.approvals.author_may_approve:  # it takes nothing back that was sent
            asked = replace(asked, author_may_approve=False)
        if alert.break_glass_by is not None and alert.break_glass_reason:
            return await self._broken_glass(conn, alert, asked, rows, begun=begun)
        given = await self._given(conn, alert, asked, begun=begun)
        counted = rules_policy.standing(replace(alert, approvals=asked), given, self._service.now)
        signed = [row for row in rows if row["verb"] == "approve"]
        vouched = {row["actor"] for row in signed if self._proved(row)}
        people = {one.person.id for one in counted if one.person.name in vouched}
        if len(people) >= asked.approvers:
            return None
        others = {row["actor"] for row in signed} - vouched
        return _("{count} of the {needed} approvals that it needs still count ({gone})").format(
            count=len(people),
            needed=asked.approvers,
            gone=_gone(given, people, self._service.now, others),
        )

    def _proved(self, row: AuditRow) -> bool:
        """Whether an approval by a link or a button was given where this worker's configuration sends them. Rows
        from before the audit was told of rows carry no proof."""
        way = row["detail"].get("way")
        if way is None or row["facts"] is None:
            return True
        said = (str(row["alert"]), str(row["digest"]), row["actor"])
        proof = sealing.proof(self._service.reach, str(way), *said)
        return proof is not None and hmac.compare_digest(proof, str(row["detail"].get("proof", "")))

    def _asked(self, kind: str) -> Approvals:
        publisher = self._service.publisher
        return effective(load_kind(publisher, kind).approvals, publisher.overrides.get(kind))

    async def _given(
        self, conn: Connection, alert: Alert, asked: Approvals, *, begun: bool
    ) -> tuple[Approval, ...]:
        """The approvals of these texts; none lasts longer than this worker's configuration says. A new token
        voids none that was given before it; being revoked, losing the role or letting the token lapse does."""
        now = self._service.now
        found: list[Approval] = []
        for one in await store_reading.approvals_of(conn, alert.id, now=now):
            if one.digest != alert.digest or one.void:
                continue
            lapses = min(one.expires_at, one.at + asked.expires_after)
            person, until = one.person, max(lapses, _after(now)) if begun else lapses
            if not person.counts and await self._only_renewed(conn, one, now):
                person = replace(person, counts=True)
            found.append(replace(one, person=person, expires_at=until))
        return tuple(found)

    async def _only_renewed(self, conn: Connection, one: Approval, now: datetime) -> bool:
        entry = await store_people.get(conn, one.person.name, now=now)
        lapsed = entry.token_expires_at is not None and entry.token_expires_at <= now
        if entry.revoked_at is not None or lapsed:
            return False
        return await audit.renewed(conn, one.person.name, one.at)

    async def _broken_glass(
        self,
        conn: Connection,
        alert: Alert,
        asked: Approvals,
        rows: Sequence[AuditRow],
        *,
        begun: bool,
    ) -> str | None:
        now = self._service.now
        everybody = await store_people.everybody(conn, now=now)
        who = next(entry.person for entry in everybody if entry.person.id == alert.break_glass_by)
        if all((row["verb"], row["actor"]) != ("break-glass", who.name) for row in rows):
            return _("the audit does not say that {name} broke the glass").format(name=who.name)
        at = alert.approved_at or now
        one = Approval(who, alert.digest, at, at + asked.expires_after)
        if not who.counts and await self._only_renewed(conn, one, now):
            who = replace(who, counts=True)
        if not who.counts or Role.APPROVER not in who.roles:
            return _("{name}, who broke the glass, no longer counts as approver").format(name=who.name)
        if not begun and one.expires_at <= now:
            return _("what {name} decided alone has lapsed").format(name=who.name)
        return None

    async def _unheard(self, conn: Connection, alert: Alert) -> str | None:
        """What one person published alone, the team must be told of where this worker tells it: whoever typed
        may have had another configuration. Of a retraction this worker tells it (`tell_unheard`)."""
        if alert.break_glass_by is None or alert.terms is None:
            return None
        team = notices.team(self._service)
        if await _heard(conn, alert, team) or (team and alert.relation is Relation.RETRACTION):
            return None
        return _(
            "one person published it alone, and no notice of it was queued for a team channel of the worker's"
            " configuration"
        )

    async def _foreign_posts(self, conn: Connection, alert: Alert, facts: DispatchFacts) -> str | None:
        """Posts that it would answer, edit or delete, which were neither signed with it nor published by this
        program for an alert that it follows; or whose address a person gave, and which are none of the
        channel's posts by this worker's configuration."""
        if alert.terms is None:
            return None
        acted = await store_content.acted_upon(conn, facts.dispatch)
        signed = {post[1]: post[3] for post in alert.terms["posts"] if post[0] == facts.channel}
        left = acted - signed.keys()
        channel = self._service.publisher.channel(facts.channel)
        for remote_id in sorted(acted & signed.keys()):
            url = signed[remote_id]
            if url and channel.hand is None and publishing.id_in(url, channel) != remote_id:
                left |= {remote_id}
        if not left:
            return None
        if alert.relation is None:
            return _foreign(facts.channel, left)
        originals = [await store_reading.get(conn, one) for one in alert.references]
        family = [one.id for one in await chains.members(conn, alert.relation, originals)]
        left -= await store_content.sent_by_us(conn, facts.account, left, family)
        return _foreign(facts.channel, left) if left else None


@dataclass(frozen=True, slots=True)
class _Sound:
    """What was found to be approved: the texts, and by channel whom they go to."""

    texts: Mapping[int, Message]
    addresses: Mapping[str, AddressSet]


def _sound(alert: Alert, said: StoredTexts, digest: str) -> _Sound | str:
    broken = sealing.disagreement(alert, said, digest)
    if broken:
        return broken
    sets = {name: AddressSet(one.address for one in group) for name, group in said.targets.items()}
    return _Sound(said.texts, sets)


async def _heard(conn: Connection, alert: Alert, team: Sequence[Channel]) -> bool:
    told = await store_content.told(conn, alert.id, alert.digest, store_outbox.URGENT)
    return any((one.name, target.address) in told for one in team for target in one.targets)


async def tell_unheard(service: Context, conn: Connection, alerts: Sequence[str]) -> None:
    """Before the first call: tell the team of retractions by one person that it was not told of, since they were
    typed beside a fault in the settings of its channel."""
    for name in sorted(set(alerts)):
        alert = await store_reading.get(conn, name)
        if alert.relation is not Relation.RETRACTION or alert.break_glass_by is None:
            continue
        if not await _heard(conn, alert, notices.team(service)):
            everybody = await store_people.everybody(conn, now=service.now)
            who = next(one.person for one in everybody if one.person.id == alert.break_glass_by)
            await alert_notices.tell_alone(service, conn, alert, who)


async def call_the_team(service: Context, conn: Connection, facts: DispatchFacts, why: str) -> None:
    """Something was approved and is not sent: a task, and a notice to the team."""
    alert = facts.alert if facts.alert != store_content.NOTICE else None
    text = _("{alert} on {channel}: {why}").format(alert=facts.alert, channel=facts.channel, why=why)
    chore = NewTask(f"{NOT_SENT}:{facts.alert}:{facts.digest[:12]}", NOT_SENT, text, alert=alert)
    await tasks.raise_(service, conn, chore)


def _told(alert: Alert, why: str) -> str:
    return _(
        "Not sent: {why}. The worker judged {alert} by its own configuration and sends none of it. If it is"
        " still needed, write it again and have it approved."
    ).format(alert=alert.id, why=why.rstrip("."))


def _rule_in(rows: Sequence[AuditRow]) -> str | None:
    """The rule that let it out by itself, as the audit says."""
    ahead = [row for row in rows if row["verb"] == "approve" and row["actor"] == MACHINE.name]
    return str(ahead[-1]["detail"].get("rule", "?")) if ahead else None


def _after(now: datetime) -> datetime:
    return now + timedelta(seconds=1)


def _gone(
    given: Sequence[Approval], people: Collection[int], now: datetime, others: Collection[str]
) -> str:
    """Who approved and does not count any more, and why. `others`: those whose link or button was of another
    configuration."""
    told = []
    for one in given:
        if one.person.id in people:
            continue
        if not one.person.counts:
            told.append(_("{name} was revoked, or is no longer confirmed").format(name=one.person.name))
        elif Role.APPROVER not in one.person.roles:
            told.append(_("{name} is no longer an approver").format(name=one.person.name))
        elif one.expires_at <= now:
            told.append(_("that of {name} has lapsed").format(name=one.person.name))
        elif one.person.name in others:
            told.append(
                _(
                    "{name} approved by a link or button that the worker's configuration does not send, or"
                    " whose secret has changed since, or at a desk that is not in it"
                ).format(name=one.person.name)
            )
        else:
            told.append(
                _("{name} may not approve it by the worker's rules").format(name=one.person.name)
            )
    return "; ".join(told) or _("nobody else has approved it")


def _foreign(channel: str, ids: Collection[str]) -> str:
    return _(
        "on {channel} it would answer or delete {posts}, which was not part of what was approved"
    ).format(channel=channel, posts=", ".join(sorted(ids)[:5]))
