"""When the first call of a delivery began: record keys derive from it, and for how long a repeat is harmless."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("born", sa.Float(precision=53), nullable=True))
