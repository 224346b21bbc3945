"""What the audit is told of more tables: tasks, decisions, codes, halts, pauses, dispatches and countdowns. A database
in use gets a row in its audit that says which of their rows are older than that (see revision 0011)."""

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import context, op

revision = "0013"
down_revision = "0012"

HIGHEST = ("task", "decision", "account", "halt", "dispatch")
EACH = {
    "link_code": "SELECT code_hash FROM link_code ORDER BY 1",
    "planned": "SELECT alert_id FROM planned ORDER BY 1",
}


def upgrade() -> None:
    if context.is_offline_mode():
        return
    bind = op.get_bind()
    last = bind.execute(sa.text("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")).one_or_none()
    if last is None:
        return
    before: dict[str, object] = {
        name: int(bind.scalar(sa.text(f"SELECT max(id) FROM {name}")) or 0)  # noqa: S608 - our own names
        for name in HIGHEST
    }
    before |= {name: list(bind.scalars(sa.text(question))) for name, question in EACH.items()}
    row: dict[str, object] = {
        "seq": last.seq + 1,
        "at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "actor": "alertbot",
        "verb": "upgrade",
        "alert": None,
        "digest": None,
        "remote_id": None,
        "detail": {"before": before},
        "previous": last.hash,
    }
    row["hash"] = hashlib.sha256(_canonical(row).encode()).hexdigest()
    audit = sa.table(
        "audit", *(sa.column(name) for name in row if name != "detail"), sa.column("detail", sa.JSON())
    )
    bind.execute(sa.insert(audit).values(row))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
