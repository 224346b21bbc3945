"""What an approval signs: the stored texts, which still make the digest, and the terms of an alert, drawn up at its
submission; and in what the configuration of whoever looks differs from those.

The terms are a JSON object: `channels`, which account each one is, by fact (see
`Adapter.identity`); `files`, the fingerprint of the kind's files; `approvers`, `author_may_approve`,
`not_before` (epoch seconds); `relation`, `original`, `references`; `on_cancel`, by channel, for a denial;
`posts`, the earlier posts that were known then, each `[channel, id on the platform, alert, address]`; `named`, by which
the digest still belongs to the alert when addresses of it were erased (see `texts.digest`).
"""

import hmac
from collections.abc import Mapping
from functools import partial
from typing import cast

from alertbot.alerts import chains, store_following, store_reading
from alertbot.alerts.store_following import KnownPost
from alertbot.alerts.store_reading import Alert, StoredTexts
from alertbot.core.errors import Refused
from alertbot.core.json import Json
from alertbot.core.loops import in_thread
from alertbot.core.model import Relation
from alertbot.core.words import _
from alertbot.db import facts
from alertbot.db.database import prepared
from alertbot.db.sql import Connection
from alertbot.people.context import Context, RequestSettings
from alertbot.texts.digest import NAMED, Terms, agrees, digest_of
from alertbot.texts.kinds.layers import fingerprint
from alertbot.texts.publisher import Publisher


def disagreement(alert: Alert, said: StoredTexts, digest: str) -> str | None:
    """The message for texts or targets that do not make the digest; None if they do."""
    agreed = agrees(
        digest,
        alert.kind,
        said.texts.values(),
        said.targets,
        exercise=alert.exercise,
        retraction=said.retraction.values(),
        salt=alert.salt,
        terms=alert.terms,
        erasure=said.erasure,
    )
    if agreed and digest == alert.digest:
        return None
    return _(
        "The texts of {alert} are not the ones that were approved; none of it is sent. Do not touch"
        " the database, run `alertbot audit verify`, and write a new draft."
    ).format(alert=alert.id)


async def signed(service: Context, alert: Alert) -> StoredTexts:
    """The stored texts, which still make the digest that is signed (promise 2). For a write transaction, which
    does not wait for it (see `prepared`). Raises `Refused` where they do not make it."""

    async def look() -> StoredTexts:
        read = partial(store_reading.stored_texts, alert_id=alert.id, channels=alert.channels)
        said = await service.database.read(read)
        broken = await in_thread(partial(disagreement, alert, said, alert.digest))
        if broken:
            raise Refused(broken)
        return said

    grounds = (alert.revision, alert.digest, alert.kind, alert.exercise, alert.channels)
    return prepared(f"stored texts of {alert.id}", grounds, look)


async def signed_here(conn: Connection, alert: Alert) -> StoredTexts:
    """As `signed`, for an alert that was written in this very transaction."""
    said = await store_reading.stored_texts(conn, alert.id, alert.channels)
    if broken := disagreement(alert, said, alert.digest):
        raise Refused(broken)
    return said


def proof(reach: RequestSettings, way: str, alert: str, digest: str, person: str) -> str | None:
    """What only a configuration with this way's secret can say of an approval by a link or a button: whoever has
    the database and a configuration of their own can send links, and answer as a platform would. Of one at the desk
    it says at which desk. None without such a way. Raises `ConfigInvalid` if the secret cannot be read."""
    read = reach.secrets.get(way)
    if read is None:
        return None
    said = "\0".join(("approval", way, alert, digest, person))
    return hmac.new(read().encode(), said.encode(), "sha256").hexdigest()


async def terms(service: Context, conn: Connection, alert: Alert, *, fresh: bool = False) -> Terms:
    """The terms of an alert that is being submitted. `fresh`: it was written in this very transaction."""
    key = await facts.pseudonym_key(conn)
    if fresh:
        said = await store_reading.stored_texts(conn, alert.id, alert.channels)
        digest = await in_thread(partial(named, alert, said, key))
    else:
        digest = _named_apart(service, alert, key)
    posts = await known_posts(service, conn, alert)
    found = await in_thread(partial(_terms, service.publisher, alert, posts))
    return {**found, NAMED: digest}


def _named_apart(service: Context, alert: Alert, key: bytes) -> str:
    """As `named`, outside the transaction: a large list takes seconds."""

    async def look() -> str:
        read = partial(store_reading.stored_texts, alert_id=alert.id, channels=alert.channels)
        said = await service.database.read(read)
        return await in_thread(partial(named, alert, said, key))

    grounds = (alert.revision, alert.digest, alert.kind, alert.exercise, alert.channels, key)
    return prepared(f"pseudonyms of {alert.id}", grounds, look)


def named(alert: Alert, said: StoredTexts, key: bytes) -> str:
    """The digest of the stored texts with the pseudonyms of all targets in the places of their addresses. `key`: of
    the pseudonyms."""
    return digest_of(
        alert.kind,
        said.texts.values(),
        store_reading.with_pseudonyms(said.targets, key),
        exercise=alert.exercise,
        retraction=said.retraction.values(),
    )


def _terms(publisher: Publisher, alert: Alert, posts: tuple[KnownPost, ...]) -> Mapping[str, Json]:
    here = [name for name in alert.channels if name in publisher.channels]
    found: dict[str, Json] = {
        "channels": {name: dict(publisher.identity(name)) for name in here},
        "files": fingerprint(alert.kind, *publisher.folders),
        "approvers": alert.approvals.approvers,
        "author_may_approve": alert.approvals.author_may_approve,
        "not_before": alert.not_before.timestamp() if alert.not_before else None,
        "relation": str(alert.relation) if alert.relation else None,
        "original": alert.original,
        "references": list(alert.references),
        "posts": [list(one) for one in posts],
    }
    if alert.relation is Relation.CANCEL:
        found["on_cancel"] = {name: str(publisher.channels[name].on_cancel) for name in here}
    return found


async def known_posts(service: Context, conn: Connection, alert: Alert) -> tuple[KnownPost, ...]:
    """The posts that this alert may answer, edit or delete, as far as they are known now: what its chain
    has posted on its channels, and what people posted by hand. Without mails, which nothing is done to."""
    if alert.relation is None:
        return ()
    known = service.publisher.channels
    public = [one for one in alert.channels if one in known and not known[one].spec.per_recipient]
    originals = [await store_reading.get(conn, one) for one in alert.references]
    family = [one.id for one in await chains.members(conn, alert.relation, originals)]
    return await store_following.known_posts(conn, family, public)


async def difference(publisher: Publisher, alert: Alert, channel: str) -> str | None:
    """In what this configuration differs from the terms that were signed, as a sentence; None if in
    nothing, or for an alert that was submitted before there were terms. Channels that are not configured
    here are not compared: nothing is sent on them from here. `channel`: that on which it is to be sent."""
    return await in_thread(partial(_difference, publisher, alert, channel))


def _difference(publisher: Publisher, alert: Alert, channel: str) -> str | None:
    if alert.terms is None:
        return None
    channels = cast(Mapping[str, Mapping[str, str]], alert.terms["channels"])
    if channel not in channels:
        return _("{channel} was not configured where it was submitted").format(channel=channel)
    for name, signed in channels.items():
        if name not in publisher.channels:
            continue
        if told := _changed(name, signed, publisher.identity(name), here=name == channel):
            return told
    cancelled = cast(Mapping[str, str], alert.terms.get("on_cancel", {}))
    for name, signed_word in cancelled.items():
        if name in publisher.channels and str(publisher.channels[name].on_cancel) != signed_word:
            return _said(name, "on_cancel", signed_word, str(publisher.channels[name].on_cancel))
    if alert.terms["files"] != fingerprint(alert.kind, *publisher.folders):
        return _("the files of the kind {kind} are not those it was submitted with").format(
            kind=alert.kind
        )
    return None


def _changed(
    name: str, signed: Mapping[str, str], found: Mapping[str, str], *, here: bool
) -> str | None:
    """The first fact that differs. What could not be known at the submission is not compared: it depends on a
    secret that only the service can read. What was known then is known wherever it is sent (`here`)."""
    for fact in sorted(signed.keys() | found.keys()):
        before, now = signed.get(fact, ""), found.get(fact, "")
        if before and before != now and (now or here):
            return _said(name, fact, before, now or _("not known"))
    return None


def _said(name: str, fact: str, before: str, now: str) -> str:
    return _("{channel}: {fact} was {before} when it was submitted and is {now} here").format(
        channel=name, fact=fact, before=before, now=now
    )
