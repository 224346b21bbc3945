"""Who could have acted with whose token: of each person, of each alert's words, of each approval."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

# Of people from before: whoever added them (the first two aside) or ever gave them a new token.
SEEN = """
UPDATE person SET seen_by = (
  SELECT {array} FROM person AS k WHERE k.id <> person.id AND (
    (k.id = person.added_by AND (person.confirmed_by IS NOT NULL
      OR person.id NOT IN (SELECT f.id FROM person AS f ORDER BY f.id LIMIT 2)))
    OR EXISTS (SELECT 1 FROM audit AS a WHERE a.verb = 'people-rotate' AND a.actor = k.name
      AND {named} = person.name)))
"""
# Of alerts that are still to be submitted: whoever worked on them, and who has seen the tokens of these. What
# was submitted before keeps the approvals that it has.
WRITTEN = """
UPDATE alert SET hands = (
  SELECT {array} FROM person AS k WHERE EXISTS (
    SELECT 1 FROM person AS p WHERE (p.id = k.id OR {seen})
      AND (p.id IN (alert.author_id, alert.last_editor_id, alert.submitter_id)
        OR EXISTS (SELECT 1 FROM audit AS a WHERE a.alert = alert.id AND a.actor = p.name
          AND a.verb IN ('draft', 'edit', 'retime', 'submit')))))
WHERE state IN ('draft', 'returned')
"""
WORDS = {
    "sqlite": {
        "array": "json_group_array(k.id)",
        "named": "json_extract(a.detail, '$.person')",
        "seen": "EXISTS (SELECT 1 FROM json_each(p.seen_by) AS j WHERE j.value = k.id)",
    },
    "postgresql": {
        "array": "COALESCE(json_agg(k.id), '[]'::json)",
        "named": "a.detail->>'person'",
        "seen": "CAST(k.id AS text) IN (SELECT json_array_elements_text(p.seen_by))",
    },
}


def upgrade() -> None:
    op.add_column("person", sa.Column("seen_by", sa.JSON(), nullable=True))
    op.add_column("person", sa.Column("renewed_at", sa.Float(53), nullable=True))
    op.add_column("alert", sa.Column("hands", sa.JSON(), nullable=True))
    op.add_column("alert", sa.Column("glass_hands", sa.JSON(), nullable=True))
    op.add_column("approval", sa.Column("hands", sa.JSON(), nullable=True))
    op.add_column("presignature", sa.Column("hands", sa.JSON(), nullable=True))
    words = WORDS[op.get_context().dialect.name]
    op.execute(SEEN.format(**words))
    op.execute(WRITTEN.format(**words))
