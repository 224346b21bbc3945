"""Addresses that were erased: what their alerts' digests are compared with, and where was looked for them."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("alert", sa.Column("content", sa.String(length=64)))
    op.add_column("alert", sa.Column("named", sa.String(length=64)))
    op.create_table(
        "looked",
        sa.Column("alert_id", sa.String(length=20), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_looked_alert_id_alert")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_looked")),
    )
