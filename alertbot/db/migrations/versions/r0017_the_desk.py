"""The desk: sessions, invitations, passkeys, recovery codes, forms; and which revision a person was last shown."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

Instant = sa.Float(53)


def _person(*, index: bool = False) -> sa.Column[int]:
    return sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False, index=index)


def upgrade() -> None:
    op.add_column("shown", sa.Column("revision", sa.Integer(), nullable=True))
    _sessions()
    _ways_in()
    _forms()


def _sessions() -> None:
    op.create_table(
        "desk_session",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        _person(index=True),
        sa.Column("bond", sa.String(64), nullable=False),
        sa.Column("way", sa.String(12), nullable=False),
        sa.Column("device", sa.String(100), nullable=False),
        sa.Column("lang", sa.String(8)),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
    )


def _ways_in() -> None:
    op.create_table(
        "invitation",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        _person(),
        sa.Column("issued_by", sa.Integer(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("bond", sa.String(64), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("credential", sa.String(1400), nullable=False, unique=True),
        _person(index=True),
        sa.Column("bond", sa.String(64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("added_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant),
    )
    op.create_table(
        "challenge",
        sa.Column("value_hash", sa.String(64), primary_key=True),
        sa.Column("session_id", sa.Integer(), sa.ForeignKey("desk_session.id")),
        sa.Column("expires_at", Instant, nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), primary_key=True),
        _person(),
        sa.Column("bond", sa.String(64), nullable=False),
        sa.Column("beginning", sa.String(8), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
    )
    op.create_index("ix_recovery_code_person", "recovery_code", ["person_id", "beginning"])


def _forms() -> None:
    op.create_table(
        "form_key",
        sa.Column("key_hash", sa.String(64), primary_key=True),
        _person(),
        sa.Column("at", Instant, nullable=False),
        sa.Column("answer", sa.Text()),
    )
    op.create_table(
        "typed",
        sa.Column("id", sa.Integer(), primary_key=True),
        _person(),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.UniqueConstraint("person_id", "place"),
    )
