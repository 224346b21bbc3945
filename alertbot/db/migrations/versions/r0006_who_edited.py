"""Everyone who edited an alert, not only the last: whoever wrote some of its words does not approve it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("alert", sa.Column("editors", sa.JSON(), nullable=True))
