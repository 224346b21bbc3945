"""Which older programs may go on with this database."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("alembic_version", sa.Column("oldest", sa.String(32), nullable=True))
