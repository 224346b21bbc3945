"""Which assistant worded an alert for its author."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("alert", sa.Column("assistant", sa.String(100), nullable=True))
