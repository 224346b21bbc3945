"""What a report is about: a repeat is one that equals the last report about the same, not any earlier one."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("signal", sa.Column("thread", sa.String(length=300), nullable=True))
    op.add_column("signal", sa.Column("subject", sa.String(length=300), nullable=True))
    op.add_column("signal", sa.Column("tells", sa.Boolean(), nullable=True))
    op.drop_index("ix_signal_service", table_name="signal")
    op.create_index("ix_signal_received", "signal", ["service", "received_at"], unique=False)
    op.create_index("ix_signal_thread", "signal", ["source", "thread", "service"], unique=False)
    _fill()


def _fill() -> None:
    """From the whole report, which every row keeps."""
    if op.get_bind().dialect.name == "postgresql":
        subject, test, history = "row ->> 'subject'", "row ->> 'is_test'", "row ->> 'history'"
        yes = "'true'"
    else:
        subject, test, history = (
            f"json_extract(row, '$.{name}')" for name in ("subject", "is_test", "history")
        )
        yes = "1"
    op.execute(
        f"UPDATE signal SET subject = substr(coalesce({subject}, ''), 1, 300),"  # noqa: S608 - words of ours
        f" thread = substr(coalesce({subject}, ''), 1, 300),"
        f" tells = (observed <> 'unknown' AND coalesce({test}, '') <> {yes} AND coalesce({history}, '') <> {yes})"
    )
