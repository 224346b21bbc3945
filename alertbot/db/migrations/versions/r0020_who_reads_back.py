"""Who is reading back the numbers of a territory, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

Instant = sa.Float(53)


def upgrade() -> None:
    op.create_table(
        "read_back_claim",
        sa.Column("territory", sa.String(32), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("until", Instant, nullable=False),
    )
