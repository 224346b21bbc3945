"""The tables of people, incidents, alerts, the outbox and the audit. One metadata for SQLite and
PostgreSQL; the migrations build exactly this.

Times of people's actions are `Instant` (aware datetime in Python, epoch seconds in UTC in the database).
Times of the outbox (`not_before`, `lease_until`, …) are plain epoch seconds by the *database's* clock.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    event,
    literal_column,
)
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as epoch seconds."""

    impl = Float(53)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy calls it so
        return None if value is None else value.timestamp()

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromtimestamp(value, UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def partial_index(
    name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False
) -> Index:
    """An index of the rows that hold `where`, on both databases.

    PostgreSQL is told of it when it makes the table: the option `postgresql_where` would load its dialect, some
    50 ms, in every command on SQLite.
    """
    index = Index(name, *columns, unique=unique, sqlite_where=where)

    def tell_postgresql(_table: Table, connection: Connection, **_options: Any) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_options["postgresql"]["where"] = where

    event.listen(columns[0].table, "before_create", tell_postgresql)
    return index


Seconds = Float(53)


def _words(*words: str) -> list[Any]:
    """Literals, so that a partial index can be read back and compared."""
    return [literal_column(f"'{word}'") for word in words]


person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("token_expires_at", Instant),
    Column("last_used_at", Instant),
    Column("added_at", Instant, nullable=False),
    Column("added_by", ForeignKey("person.id")),
    Column("confirmed_at", Instant),  # counts once set
    Column("confirmed_by", ForeignKey("person.id")),
    Column("revoked_at", Instant),
    Column("mail", String(320)),  # where links to approve go
    Column("seen_by", JSON),  # ids of others who saw the present token
    Column("renewed_at", Instant),  # by themselves, since another last saw it
    Column("roles_asked", JSON(none_as_null=True)),  # further roles, until another admin confirms them
    Column("roles_asked_by", Integer),  # the admin who asked for them
)

incident = Table(
    "incident",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", ForeignKey("person.id")),
    Column("closed_at", Instant),
    Column("title", String(200)),
    Column("service", String(200)),  # what it is about, where it is watched
    Column("state", String(16)),  # see `incident.log.State`; none for one that is only written about
    Column("state_since", Instant),
    Column("confirmed_by", String(200)),  # who vouched that it works again (R11)
    Column("confirmed_at", Instant),
)
OPEN_INCIDENT = incident.c.closed_at.is_(None)
partial_index(  # a service has one open incident
    "uq_incident_open", incident.c.service, unique=True, where=OPEN_INCIDENT
)

alert = Table(
    "alert",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("incident_id", ForeignKey("incident.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),  # within the incident, from 1
    Column("kind", String(64), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("exercise", Boolean, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("given", JSON, nullable=False),  # field values, relative times resolved
    Column(
        "raw", JSON, nullable=False
    ),  # the same as typed, so that `submit --retime` can resolve anew
    Column("accepted", JSON, nullable=False),  # {rule: reason}
    Column("revision", Integer, nullable=False),  # counts edits, from 1
    Column("author_id", ForeignKey("person.id")),
    Column("last_editor_id", ForeignKey("person.id")),
    Column("submitter_id", ForeignKey("person.id")),
    Column("drafted_at", Instant, nullable=False),
    Column("composed_at", Instant, nullable=False),
    Column("submitted_at", Instant),
    Column("pending_until", Instant),
    Column("approved_at", Instant),
    Column("not_before", Instant),
    Column("digest", String(64), nullable=False),
    Column("approvers", Integer, nullable=False),
    Column("author_may_approve", Boolean, nullable=False),
    Column("expires_after_seconds", Seconds, nullable=False),  # of an approval, and of waiting for one
    Column("priority", Integer, nullable=False),  # lower goes first
    Column("ttl_seconds", Seconds, nullable=False),
    Column("when_uncertain", String(10), nullable=False),
    Column("promised", JSON, nullable=False),  # epoch seconds of the times promised in the text
    Column("faults", JSON, nullable=False),  # what the last composing found
    Column("warnings", JSON, nullable=False),
    Column("omitted", JSON, nullable=False),
    Column("references", JSON, nullable=False),  # ids of earlier alerts
    Column("reason", Text),  # of the last return, rejection, expiry or failure
    Column("break_glass_by", ForeignKey("person.id")),
    Column("break_glass_reason", Text),
    Column("countersigned_by", ForeignKey("person.id")),
    Column("countersigned_at", Instant),
    Column("relation", String(12)),  # how it follows `original`
    Column("original", String(20)),
    Column("guidance", JSON),  # what it tells callers to do, as far as it can be compared (R9)
    Column("editors", JSON),  # ids of everyone who edited it; none before revision 0006
    Column("salt", String(32)),  # in the digest since the submission; none in a draft, or before 0007
    Column("terms", JSON),  # in the digest since the submission too; none in a draft, or before 0009
    Column(
        "hands", JSON
    ),  # ids of all who could have written it: its writers, and who saw their tokens then
    Column("glass_hands", JSON),  # the same for who published it alone
    Column(
        "assistant", String(100)
    ),  # the program that worded it for its author, such as a language model
    Column("content", String(64)),  # since an address of it was erased: the digest of its content,
    Column("named", String(64)),  # and the same with pseudonyms, see `texts.digest`
    UniqueConstraint("incident_id", "number"),
)
TAKEN_BACK = and_(  # an alert is taken back once: of two people who do it at once, one wins
    literal_column("relation").in_(_words("correction", "retraction", "cancel")),
    literal_column("state").in_(
        _words("pending", "approved", "publishing", "published", "partly_published")
    ),
)
partial_index("uq_alert_taken_back", alert.c.original, unique=True, where=TAKEN_BACK)

message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), index=True),  # none: a notice about no alert
    Column(
        "revision", Integer, nullable=False
    ),  # the alert's; an edit leaves older texts for the record
    Column("purpose", String(12), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("type", String(32), nullable=False),
    Column("lang", String(16), nullable=False),
    Column("part", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text),
    Column("subject", Text),
    Column("length", Integer, nullable=False),
    Column("limit", Integer),
    Column("measure", String(12), nullable=False),
    Column("has_link", Boolean, nullable=False),
    Column("action", String(8), nullable=False, server_default="publish"),
    Column("picture", String(64)),
    Column("alt", Text),
    Column("document", Text),  # the alert as data, of a public page: see `texts.document`
)

picture = Table(
    "picture",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("mime", String(40), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

target = Table(
    "target",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False, index=True),
    Column("channel", String(64), nullable=False),
    Column("address", String(320), nullable=False),
    Column("lang", String(16)),
    Column("topics", JSON, nullable=False),
)

approval = Table(
    "approval",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("void", Boolean, nullable=False),  # an edit after it
    Column("hands", JSON),  # ids of the person, and of who saw their token when it was given
)

shown = Table(  # the digest that a person was last shown, so that `approve` needs none
    "shown",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("revision", Integer),  # of the texts that the digest is of; none before 0017
)

record = Table(  # posted by hand, outside alertbot
    "record",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False, index=True),
    Column("channel", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("remote_id", String(200)),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("at", Instant, nullable=False),
)

account = Table(  # one per configured channel
    "account",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("gap", Seconds, nullable=False),  # least seconds between two calls
    Column("chat_gap", Seconds, nullable=False),  # the same, per target
    Column("windows", JSON, nullable=False),  # [[calls, seconds], …]
    Column("budget", Seconds),  # the most to spend per `budget_seconds`
    Column("budget_seconds", Seconds),
    Column("booked_to", Seconds, nullable=False),
    Column("halted", Boolean, nullable=False),
    Column("paused", Text),  # the reason, while the account waits for a person
    Column("blocked_until", Seconds, nullable=False),  # throttled, window full or budget used up
    Column("blocked", Text),  # why
)

pace = Table(  # per chat or group of an account
    "pace",
    metadata,
    Column("key", String(400), primary_key=True),
    Column("next_free", Seconds, nullable=False),
)

halt = Table(  # one row, id 1: everything is halted
    "halt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("halted", Boolean, nullable=False),
    Column(
        "turn", Integer, nullable=False, server_default="0"
    ),  # counts how often anything was resumed
)

dispatch = Table(  # one alert on one account
    "dispatch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), index=True),  # none: a notice about no alert
    Column("account_id", ForeignKey("account.id"), nullable=False),
    Column("purpose", String(12), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("not_before", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False),
    Column("halted", Boolean, nullable=False),
    Column("cancelled", Text),  # the reason; its rows follow in chunks
    Column("started", Boolean, nullable=False),  # a first call was intended
    Column("closed", Boolean, nullable=False),  # no row of it is open
    Column("exercise", Boolean, nullable=False),
    Column("when_uncertain", String(10), nullable=False),
    Column("turn", Integer),  # `halt.turn` at its last first call: judged since the last halt
)
partial_index(
    "ix_dispatch_open",
    dispatch.c.account_id,
    dispatch.c.priority,
    dispatch.c.id,
    where=~dispatch.c.closed,
)
ONE_PUBLICATION = and_(
    dispatch.c.purpose == literal_column("'publication'"), dispatch.c.cancelled.is_(None)
)
partial_index(  # an alert goes out once per account, unless it was cancelled and approved anew
    "uq_dispatch_publication",
    dispatch.c.alert_id,
    dispatch.c.account_id,
    unique=True,
    where=ONE_PUBLICATION,
)

delivery = Table(  # one row, one call
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dispatch_id", ForeignKey("dispatch.id"), nullable=False),
    Column("message_id", ForeignKey("message.id")),  # none where it was skipped
    Column("target", String(320), nullable=False),
    Column("lang", String(16)),
    Column("part", Integer, nullable=False),
    Column("after_id", ForeignKey("delivery.id")),  # the part it continues
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("resent", Boolean, nullable=False, default=False),
    Column("worker", String(64)),
    Column("lease_until", Seconds),
    Column("retry_at", Seconds, nullable=False),  # far ahead while the part before it is not out
    Column("cost", Seconds, nullable=False, default=0.0),
    Column("remote_id", String(200)),
    Column("url", Text),
    Column("note", Text),
    Column("attempted_at", Seconds),
    Column("settled_at", Seconds),
    Column("action", String(8), nullable=False, server_default="publish"),
    Column("remote_ref", String(200)),  # the earlier post that it answers, edits or deletes
    Column("read_back", Text),  # same, unknown, or how what is shown differs
    Column("settled_by", Integer),  # the person whose word its outcome is; none: a worker's
    Column("born", Seconds),  # when its first call began: what is the same over all its attempts
    CheckConstraint(
        "state IN ('pending','claimed','sending','sent','failed','uncertain','cancelled','expired',"
        "'skipped')",
        name="state",
    ),
)
PENDING = delivery.c.state == literal_column(
    "'pending'"
)  # a literal, so that the partial index is usable
partial_index(
    "ix_delivery_due", delivery.c.dispatch_id, delivery.c.retry_at, delivery.c.id, where=PENDING
)
UNCERTAIN = delivery.c.state == literal_column("'uncertain'")
partial_index("ix_delivery_uncertain", delivery.c.dispatch_id, delivery.c.id, where=UNCERTAIN)
LEASED = delivery.c.lease_until.is_not(None)  # claimed, sending, or uncertain and not yet asked about
partial_index("ix_delivery_lease", delivery.c.lease_until, where=LEASED)
FOLLOWS = delivery.c.after_id.is_not(None)
partial_index("ix_delivery_after", delivery.c.after_id, where=FOLLOWS)
REFERS = delivery.c.remote_ref.is_not(None)
partial_index("ix_delivery_ref", delivery.c.remote_ref, where=REFERS)
Index("ix_delivery_target", delivery.c.dispatch_id, delivery.c.target)

spent = Table(  # every attempt on an account with windows or a budget
    "spent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    Column("at", Seconds, nullable=False),
    Column("cost", Seconds, nullable=False),
)
Index("ix_spent_window", spent.c.account_id, spent.c.at)

worker = Table(  # who is alive
    "worker",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("seen_at", Seconds, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", String(40), nullable=False),  # ISO 8601, UTC
    Column("actor", String(200), nullable=False),
    Column("verb", String(40), nullable=False),
    Column("alert", String(20)),
    Column("digest", String(64)),
    Column("remote_id", String(200)),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("facts", JSON(none_as_null=True)),  # what was written in the tables, see `db.facts`
)

APPROVING: Any = literal_column("verb").in_(_words("approve", "break-glass"))
partial_index(  # asked before the first call of every dispatch
    "ix_audit_approving", audit.c.alert, where=APPROVING
)

installation = Table(  # one row: a random key that turns addresses into pseudonyms in the audit
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pseudonym_key", String(64), nullable=False),
)
