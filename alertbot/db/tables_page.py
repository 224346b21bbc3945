"""The table of the public page: its editions.

In the same metadata as `tables`, which says how times are stored.
"""

from sqlalchemy import JSON, Column, Integer, String, Table, UniqueConstraint

from alertbot.db.tables import Instant, metadata

page_edition = Table(  # one state of one page, written down before it is shown
    "page_edition",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),  # counts the editions of the channel, from 1
    Column("base", Integer),  # the sequence of the edition that it continues
    Column("at", Instant, nullable=False),
    Column("hash", String(64), nullable=False),  # over every file but the pointer
    Column("holds_until", Instant),
    Column("site", JSON, nullable=False),  # what all its files have in common
    Column("wording", String(64), nullable=False),  # which program wrote it
    Column(
        "added", JSON, nullable=False
    ),  # [[delivery, epoch seconds, sum of its text], …] that `base` has not
    Column("stood_at", Instant),  # none: never seen to stand
    UniqueConstraint("channel", "sequence"),
)
