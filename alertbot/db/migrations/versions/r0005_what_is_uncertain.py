"""An index over what was perhaps sent, so that looking for it costs nothing however much was ever sent."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index(
        "ix_delivery_uncertain",
        "delivery",
        ["dispatch_id", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'uncertain'"),
        postgresql_where=sa.text("state = 'uncertain'"),
    )
