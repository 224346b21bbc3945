"""The tables of watching: signals, decisions, rules approved in advance.

In the same metadata as `tables`, which says how times are stored.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from alertbot.db.tables import Instant, Seconds, metadata, partial_index

signal = Table(  # one report of a source, stored before the source is answered
    "signal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("service", String(200), nullable=False),
    Column(
        "key", String(300), nullable=False
    ),  # the report's own; with the number of times it was news, from 2
    Column("observed", String(12), nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("row", JSON, nullable=False),  # the whole signal as `incident.signals` has it
    Column("repeats", Integer, nullable=False),  # how often it came again
    Column("last_at", Instant, nullable=False),
    Column("incident_id", ForeignKey("incident.id"), index=True),
    Column("action", String(12)),  # the decision when it came
    Column("reason", String(32)),
    Column("thread", String(300)),  # a repeat equals the last report of the same thread
    Column("subject", String(300)),  # of each the last state stands
    Column(
        "tells", Boolean
    ),  # something about the state now: no test, not unknown, not told afterwards
    UniqueConstraint("source", "key"),
)
Index("ix_signal_received", signal.c.service, signal.c.received_at)
Index("ix_signal_thread", signal.c.source, signal.c.thread, signal.c.service)

quarantine = Table(  # bodies that no parser understood
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("why", Text, nullable=False),
    Column("keys", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

watched = Table(  # one row per service: its present incident, and what is waited for
    "watched",
    metadata,
    Column("service", String(200), primary_key=True),
    Column("incident_id", ForeignKey("incident.id")),  # the open one, or the last
    Column("action", String(12)),  # the last decision, holds and drops too
    Column("reason", String(32)),
    Column("decided_at", Instant),
    Column("look_again_at", Instant),  # what is held may be done then
)

decision = Table(  # what changed something: the log that `incident.decide` reads
    "decision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service", String(200), nullable=False),
    Column("incident_id", ForeignKey("incident.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("action", String(12), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("state", String(16), nullable=False),  # after it
    Column("before", String(16)),
    Column("failing", JSON, nullable=False),  # of a group: the services that fail
    Column("by", String(200), nullable=False),  # a person, or alertbot
    Column("note", Text),
    Column("alert_id", String(20)),  # what it led to
)
Index("ix_decision_service", decision.c.service, decision.c.id)

preapproval = Table(  # a rule whose alerts may go out by themselves (R33)
    "preapproval",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rule", String(60), nullable=False, index=True),
    Column("digest", String(64), nullable=False),  # of the rule, its texts and the kind's files
    Column("proposed_at", Instant, nullable=False),
    Column("lasts_seconds", Seconds, nullable=False),  # once enough people have signed
    Column("approved_at", Instant),
    Column("expires_at", Instant, nullable=False),  # the proposal; once approved, the approval
    Column("revoked_at", Instant),
    Column("revoked_by", String(200)),
    Column("reason", Text),
    Column("accounts", JSON),  # by channel, the facts of the account that it is
)

presignature = Table(  # who signed it: first whoever proposed it
    "presignature",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("preapproval_id", ForeignKey("preapproval.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("hands", JSON),  # ids of the person, and of who saw their token when it was signed
    UniqueConstraint("preapproval_id", "person_id"),
)

rule_shown = Table(  # the digest of a rule's texts that a person was last shown
    "rule_shown",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("rule", String(60), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

planned = Table(  # an automatic alert whose countdown runs
    "planned",
    metadata,
    Column("alert_id", ForeignKey("alert.id"), primary_key=True),
    Column("service", String(200), nullable=False),
    Column("rule", String(60), nullable=False),
    Column("goes_at", Instant, nullable=False, index=True),
    Column("settled_at", Instant),  # gone out, aborted, or overtaken
    Column("outcome", String(200)),
)

source_seen = Table(  # when each source was last heard
    "source_seen",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("silent_since", Instant),  # the team was told
)

sighting = (
    Table(  # what the public was seen to see of a delivery; times are the database's, as in the outbox
        "sighting",
        metadata,
        Column("delivery_id", ForeignKey("delivery.id"), primary_key=True),
        Column("verdict", String(8), nullable=False),  # looking, seen, other, unseen, blind, changed
        Column("looks", Integer, nullable=False),
        Column("last", String(8)),  # what the last look found
        Column("looked_at", Seconds),
        Column("seen_at", Seconds),  # the first look that found the approved text
        Column("next_at", Seconds),  # none: nobody looks any more
        Column("said", Text),  # how it differs, or why nobody could look
        Column("told", Boolean, nullable=False),  # the team knows that it was not seen
    )
)
LOOKED_FOR = sighting.c.next_at.is_not(None)
partial_index("ix_sighting_due", sighting.c.next_at, where=LOOKED_FOR)

lead = Table(  # who has a duty that one process has at a time: see `ops.leading`
    "lead",
    metadata,
    Column("duty", String(20), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("mark", String(200), nullable=False),  # tells the process from every other on its machine
    Column("term", Integer, nullable=False),
    Column("until", Seconds, nullable=False),
)

standby = Table(  # who waits to take it over
    "standby",
    metadata,
    Column("duty", String(20), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("seen_at", Seconds, nullable=False),
)
