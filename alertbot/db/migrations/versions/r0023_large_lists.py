"""What of large lists is still to be queued; who is not to be written to any more; failures that may pass."""

import sqlalchemy as sa
from alembic import op

Instant = sa.Float(53)

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "expansion",
        sa.Column("dispatch_id", sa.Integer(), nullable=False),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispatch_id"], ["dispatch.id"], name=op.f("fk_expansion_dispatch_id_dispatch")
        ),
        sa.PrimaryKeyConstraint("dispatch_id", name=op.f("pk_expansion")),
    )
    op.create_table(
        "suppression",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=320)),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=64)),
        sa.Column("note", sa.Text()),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_suppression")),
    )
    op.create_table(
        "bounce",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20)),
        sa.Column("last_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_bounce")),
    )
