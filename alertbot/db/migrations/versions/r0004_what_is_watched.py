"""What is watched: signals, decisions, and what was approved ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _incidents()
    _signals()
    _decisions()
    _approved_ahead()


def _incidents() -> None:
    op.add_column("incident", sa.Column("service", sa.String(length=200), nullable=True))
    op.add_column("incident", sa.Column("state", sa.String(length=16), nullable=True))
    op.add_column("incident", sa.Column("state_since", sa.Float(53), nullable=True))
    op.add_column("incident", sa.Column("confirmed_by", sa.String(length=200), nullable=True))
    op.add_column("incident", sa.Column("confirmed_at", sa.Float(53), nullable=True))
    op.create_index(
        "uq_incident_open",
        "incident",
        ["service"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _signals() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.Float(53), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "source_seen",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.Float(53), nullable=False),
        sa.Column("silent_since", sa.Float(53), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_seen")),
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("observed", sa.String(length=12), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("received_at", sa.Float(53), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Float(53), nullable=False),
        sa.Column("incident_id", sa.String(length=12), nullable=True),
        sa.Column("action", sa.String(length=12), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_signal_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_signal_source")),
    )
    op.create_index(op.f("ix_signal_incident_id"), "signal", ["incident_id"], unique=False)
    op.create_index("ix_signal_service", "signal", ["service", "at"], unique=False)


def _decisions() -> None:
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=200), nullable=False),
        sa.Column("incident_id", sa.String(length=12), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("failing", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("alert_id", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_decision_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_incident_id"), "decision", ["incident_id"], unique=False)
    op.create_index("ix_decision_service", "decision", ["service", "id"], unique=False)
    op.create_table(
        "watched",
        sa.Column("service", sa.String(length=200), nullable=False),
        sa.Column("incident_id", sa.String(length=12), nullable=True),
        sa.Column("action", sa.String(length=12), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.Float(53), nullable=True),
        sa.Column("look_again_at", sa.Float(53), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_watched_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_watched")),
    )


def _approved_ahead() -> None:
    op.create_table(
        "preapproval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", sa.Float(53), nullable=False),
        sa.Column("lasts_seconds", sa.Float(53), nullable=False),
        sa.Column("approved_at", sa.Float(53), nullable=True),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.Column("revoked_at", sa.Float(53), nullable=True),
        sa.Column("revoked_by", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preapproval")),
    )
    op.create_index(op.f("ix_preapproval_rule"), "preapproval", ["rule"], unique=False)
    op.create_table(
        "presignature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("preapproval_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_presignature_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["preapproval_id"],
            ["preapproval.id"],
            name=op.f("fk_presignature_preapproval_id_preapproval"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presignature")),
        sa.UniqueConstraint("preapproval_id", "person_id", name=op.f("uq_presignature_preapproval_id")),
    )
    op.create_table(
        "rule_shown",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_rule_shown_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", "rule", name=op.f("pk_rule_shown")),
    )
    op.create_table(
        "planned",
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("service", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("goes_at", sa.Float(53), nullable=False),
        sa.Column("settled_at", sa.Float(53), nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_planned_alert_id_alert")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_planned")),
    )
    op.create_index(op.f("ix_planned_goes_at"), "planned", ["goes_at"], unique=False)
