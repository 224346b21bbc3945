"""What an approval covers besides texts and targets; whose word an outcome is; since which halt a dispatch
was judged."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("alert", sa.Column("terms", sa.JSON(), nullable=True))
    op.add_column("halt", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("dispatch", sa.Column("turn", sa.Integer(), nullable=True))
    op.add_column("delivery", sa.Column("settled_by", sa.Integer(), nullable=True))
    approving = sa.text("verb IN ('approve', 'break-glass')")
    op.create_index(
        "ix_audit_approving",
        "audit",
        ["alert"],
        sqlite_where=approving,
        postgresql_where=approving,
    )
