"""Sign-in by the organisation; and roles that wait for another admin's confirmation."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

Instant = sa.Float(53)


def upgrade() -> None:
    op.add_column("person", sa.Column("roles_asked", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("person", sa.Column("roles_asked_by", sa.Integer(), nullable=True))
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("bond", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("added_at", Instant, nullable=False),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "sign_in_state",
        sa.Column("state_hash", sa.String(64), primary_key=True),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("invitation_hash", sa.String(64)),
        sa.Column("session_id", sa.Integer(), sa.ForeignKey("desk_session.id")),
        sa.Column("expires_at", Instant, nullable=False),
    )
