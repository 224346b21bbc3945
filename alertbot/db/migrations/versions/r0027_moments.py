"""When the latest calls began, and paces of kinds of targets."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("pace", sa.Column("begun", sa.JSON()))
    op.add_column("account", sa.Column("shares", sa.JSON()))
