"""The tables of the register of numbers, of tasks, and of how approvers are reached.

In the same metadata as `tables`, which says how times are stored.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from alertbot.db.tables import Instant, metadata, partial_index

number = Table(  # one provisional number (or place) for one service in one place (R1)
    "number",
    metadata,
    Column("id", Integer, primary_key=True),  # shown as N12
    Column("identity", String(64), nullable=False, unique=True),  # SHA-256 of `NumberRow.identity`
    Column("territory", String(32), nullable=False, index=True),
    Column("service", String(32), nullable=False),
    Column("row", JSON, nullable=False),  # the entry as `register` freezes it
    Column("version", Integer, nullable=False),  # counts changes, from 1
    Column("entered_by", ForeignKey("person.id"), nullable=False),  # of the present version
    Column("entered_at", Instant, nullable=False),
    Column("verified_by", ForeignKey("person.id")),  # of the present version (R3)
    Column("verified_at", Instant),
    Column("ends_at", Instant, index=True),  # the earlier of valid until and review at (R5)
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", ForeignKey("person.id")),
    Column("withdrawn_reason", Text),
)

number_version = Table(  # every form an entry ever had
    "number_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number_id", ForeignKey("number.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("row", JSON, nullable=False),
    Column("verb", String(20), nullable=False),  # import, add, edit
    Column("by", ForeignKey("person.id"), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("number_id", "version"),
)

number_check = Table(  # every reading back, the failed ones too (R3)
    "number_check",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number_id", ForeignKey("number.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("by", ForeignKey("person.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("matched", Boolean, nullable=False),  # the digits typed again are the digits of the entry
    Column("call_at", Instant),
    Column("call_result", String(20)),  # answered, no-answer, busy, wrong-service, not-called
    Column("note", Text),
)

read_back_claim = (
    Table(  # who is reading back the numbers of a territory, so that two do not do the same
        "read_back_claim",
        metadata,
        Column("territory", String(32), primary_key=True),
        Column("person_id", ForeignKey("person.id"), nullable=False),
        Column("until", Instant, nullable=False),
    )
)

alert_number = Table(  # which form of which numbers an alert carries (R34)
    "alert_number",
    metadata,
    Column("alert_id", ForeignKey("alert.id"), primary_key=True),
    Column("number_id", ForeignKey("number.id"), primary_key=True, index=True),
    Column("version", Integer, nullable=False),
    Column("struck", Boolean, nullable=False),  # named as no longer to be called
)

task = Table(  # what a person has to do; raised once per key while it is open
    "task",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(200), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("alert_id", String(20)),
    Column("incident_id", String(12)),
    Column("number_id", Integer),
    Column("due_at", Instant),
    Column("raised_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("done_by", String(200)),
    Column("outcome", Text),
)
OPEN_TASK = task.c.done_at.is_(None)
partial_index("uq_task_open", task.c.key, unique=True, where=OPEN_TASK)

contact = Table(  # who a person is on a platform
    "contact",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("platform", String(20), nullable=False),
    Column("user", String(64), nullable=False),  # Telegram: the numeric user id
    Column("linked_at", Instant, nullable=False),
    UniqueConstraint("platform", "user"),
)

link_code = Table(  # a one-time code that links a person to a platform
    "link_code",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("attempts", Integer, nullable=False),  # wrong codes tried while it was open
)

approval_call = Table(  # who was asked to approve, how and when
    "approval_call",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("person_id", ForeignKey("person.id")),  # none: the whole group
    Column("way", String(20), nullable=False),  # telegram, mail
    Column("address", String(320), nullable=False),  # the chat or the mail address
    Column("message_ref", String(64)),  # the platform's id of the request
    Column("at", Instant, nullable=False),
    Column("deputy", Boolean, nullable=False),  # asked because nobody on duty answered in time
    Column("closed_at", Instant),  # the request shows the outcome
    Column("given", Integer, nullable=False),  # how many approvals the request shows
    Column("attempts", Integer, nullable=False),  # calls made since the last one that worked
    Column("retry_at", Instant),  # not before; also the lease of a call under way
    Column("trouble", Text),  # why the last call failed
    UniqueConstraint("alert_id", "digest", "way", "address"),
)

approval_link = Table(  # a link in a mail: bound to person and digest, used once
    "approval_link",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("attempts", Integer, nullable=False),
)
