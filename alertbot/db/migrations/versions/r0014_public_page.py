"""The alert as data beside a text for the public page, and the editions of that page."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("message", sa.Column("document", sa.Text(), nullable=True))
    op.create_table(
        "page_edition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("holds_until", sa.Float(53), nullable=True),
        sa.Column("site", sa.JSON(), nullable=False),
        sa.Column("wording", sa.String(length=64), nullable=False),
        sa.Column("added", sa.JSON(), nullable=False),
        sa.Column("stood_at", sa.Float(53), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_edition")),
        sa.UniqueConstraint("channel", "sequence", name=op.f("uq_page_edition_channel")),
    )
