"""The register of numbers, what follows an alert, tasks, and where approvers are reached."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TAKEN_BACK = sa.text(
    "relation IN ('correction', 'retraction', 'cancel')"
    " AND state IN ('pending', 'approved', 'publishing', 'published', 'partly_published')"
)


def upgrade() -> None:
    _without_alert()
    _columns()
    _pictures()
    _register()
    _tasks()
    _contacts()
    _approval_calls()


def _without_alert() -> None:
    """A notice to the team may be about no alert at all. SQLite has to copy the two tables for it; their
    shape is given, so that the statements can be printed without a database."""
    for table in (_message_before(), _dispatch_before()):
        with op.batch_alter_table(table.name, copy_from=table) as batch:
            batch.alter_column("alert_id", existing_type=sa.String(length=20), nullable=True)


def _message_before() -> sa.Table:
    return sa.Table(
        "message",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("lang", sa.String(length=16), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=True),
        sa.Column("measure", sa.String(length=12), nullable=False),
        sa.Column("has_link", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_message_alert_id_alert"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.Index("ix_message_alert_id", "alert_id"),
    )


def _dispatch_before() -> sa.Table:
    published = sa.text("purpose = 'publication' AND cancelled IS NULL")
    return sa.Table(
        "dispatch",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at", sa.Float(precision=53), nullable=False),
        sa.Column("halted", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Text(), nullable=True),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("when_uncertain", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_dispatch_account_id_account"),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_dispatch_alert_id_alert"),
        sa.PrimaryKeyConstraint("id", name="pk_dispatch"),
        sa.Index("ix_dispatch_alert_id", "alert_id"),
        sa.Index(
            "ix_dispatch_open",
            "account_id",
            "priority",
            "id",
            sqlite_where=sa.text("closed = 0"),
            postgresql_where=sa.text("NOT closed"),
        ),
        sa.Index(
            "uq_dispatch_publication",
            "alert_id",
            "account_id",
            unique=True,
            sqlite_where=published,
            postgresql_where=published,
        ),
    )


def _columns() -> None:
    op.add_column("alert", sa.Column("relation", sa.String(length=12), nullable=True))
    op.add_column("alert", sa.Column("original", sa.String(length=20), nullable=True))
    op.add_column("alert", sa.Column("guidance", sa.JSON(), nullable=True))
    op.create_index(
        "uq_alert_taken_back",
        "alert",
        ["original"],
        unique=True,
        sqlite_where=TAKEN_BACK,
        postgresql_where=TAKEN_BACK,
    )
    op.add_column(
        "delivery", sa.Column("action", sa.String(length=8), server_default="publish", nullable=False)
    )
    op.add_column("delivery", sa.Column("remote_ref", sa.String(length=200), nullable=True))
    op.add_column("delivery", sa.Column("read_back", sa.Text(), nullable=True))
    refers = sa.text("remote_ref IS NOT NULL")
    op.create_index(
        "ix_delivery_ref",
        "delivery",
        ["remote_ref"],
        unique=False,
        sqlite_where=refers,
        postgresql_where=refers,
    )
    op.add_column("incident", sa.Column("title", sa.String(length=200), nullable=True))
    op.add_column(
        "message", sa.Column("action", sa.String(length=8), server_default="publish", nullable=False)
    )
    op.add_column("message", sa.Column("picture", sa.String(length=64), nullable=True))
    op.add_column("message", sa.Column("alt", sa.Text(), nullable=True))
    op.add_column("person", sa.Column("mail", sa.String(length=320), nullable=True))


def _pictures() -> None:
    op.create_table(
        "picture",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mime", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_picture")),
    )


def _register() -> None:
    op.create_table(
        "number",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("territory", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entered_by", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.Float(53), nullable=False),
        sa.Column("verified_by", sa.Integer(), nullable=True),
        sa.Column("verified_at", sa.Float(53), nullable=True),
        sa.Column("ends_at", sa.Float(53), nullable=True),
        sa.Column("withdrawn_at", sa.Float(53), nullable=True),
        sa.Column("withdrawn_by", sa.Integer(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_number_entered_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["verified_by"], ["person.id"], name=op.f("fk_number_verified_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["person.id"], name=op.f("fk_number_withdrawn_by_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number")),
        sa.UniqueConstraint("identity", name=op.f("uq_number_identity")),
    )
    op.create_index(op.f("ix_number_ends_at"), "number", ["ends_at"], unique=False)
    op.create_index(op.f("ix_number_territory"), "number", ["territory"], unique=False)
    op.create_table(
        "number_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("call_at", sa.Float(53), nullable=True),
        sa.Column("call_result", sa.String(length=20), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_number_check_by_person")),
        sa.ForeignKeyConstraint(
            ["number_id"], ["number.id"], name=op.f("fk_number_check_number_id_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_check")),
    )
    op.create_index(op.f("ix_number_check_number_id"), "number_check", ["number_id"], unique=False)
    op.create_table(
        "number_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_number_version_by_person")),
        sa.ForeignKeyConstraint(
            ["number_id"], ["number.id"], name=op.f("fk_number_version_number_id_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_version")),
        sa.UniqueConstraint("number_id", "version", name=op.f("uq_number_version_number_id")),
    )
    op.create_table(
        "alert_number",
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("number_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("struck", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name=op.f("fk_alert_number_alert_id_alert")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["number.id"], name=op.f("fk_alert_number_number_id_number")
        ),
        sa.PrimaryKeyConstraint("alert_id", "number_id", name=op.f("pk_alert_number")),
    )
    op.create_index(op.f("ix_alert_number_number_id"), "alert_number", ["number_id"], unique=False)


def _tasks() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.String(length=20), nullable=True),
        sa.Column("incident_id", sa.String(length=12), nullable=True),
        sa.Column("number_id", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.Float(53), nullable=True),
        sa.Column("raised_at", sa.Float(53), nullable=False),
        sa.Column("done_at", sa.Float(53), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_key"), "task", ["key"], unique=False)
    op.create_index(
        "uq_task_open",
        "task",
        ["key"],
        unique=True,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )


def _contacts() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("linked_at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_contact_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("platform", "user", name=op.f("uq_contact_platform")),
    )
    op.create_index(op.f("ix_contact_person_id"), "contact", ["person_id"], unique=False)
    op.create_table(
        "link_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.Column("used_at", sa.Float(53), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_link_code_person_id_person")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_link_code")),
    )


def _approval_calls() -> None:
    op.create_table(
        "approval_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("message_ref", sa.String(length=64), nullable=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("deputy", sa.Boolean(), nullable=False),
        sa.Column("closed_at", sa.Float(53), nullable=True),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.Float(53), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name=op.f("fk_approval_call_alert_id_alert")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_approval_call_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_call")),
        sa.UniqueConstraint(
            "alert_id", "digest", "way", "address", name=op.f("uq_approval_call_alert_id")
        ),
    )
    op.create_index(op.f("ix_approval_call_alert_id"), "approval_call", ["alert_id"], unique=False)
    op.create_table(
        "approval_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.Column("used_at", sa.Float(53), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name=op.f("fk_approval_link_alert_id_alert")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_approval_link_person_id_person")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_approval_link")),
    )
