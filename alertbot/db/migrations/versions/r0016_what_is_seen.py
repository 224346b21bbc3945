"""What the public was seen to see of deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "sighting",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("last", sa.String(length=8), nullable=True),
        sa.Column("looked_at", sa.Float(53), nullable=True),
        sa.Column("seen_at", sa.Float(53), nullable=True),
        sa.Column("next_at", sa.Float(53), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_sighting_delivery_id_delivery")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_sighting")),
    )
    going = sa.text("next_at IS NOT NULL")
    op.create_index(
        "ix_sighting_due", "sighting", ["next_at"], sqlite_where=going, postgresql_where=going
    )
