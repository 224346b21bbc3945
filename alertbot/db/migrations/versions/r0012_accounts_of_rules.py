"""Which account each channel of a preapproved rule is."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("preapproval", sa.Column("accounts", sa.JSON(), nullable=True))
