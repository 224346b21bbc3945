"""The salt of an alert's submission, so that nobody can prepare two texts whose digests begin alike."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("alert", sa.Column("salt", sa.String(32), nullable=True))
