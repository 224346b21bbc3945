"""The tables of large lists: what of them is still to be queued, who is not to be written to any more, and where was
looked for those who asked to be erased.

In the same metadata as `tables`, which says how times are stored. `key`: of an address, see
`delivery.store_suppressed`; it stays when the address itself is erased.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text

from alertbot.db.tables import Instant, metadata

expansion = Table(  # recipients of a dispatch that are not in its deliveries yet
    "expansion",
    metadata,
    Column("dispatch_id", ForeignKey("dispatch.id"), primary_key=True),
    Column("after_id", Integer, nullable=False),  # of `target`: up to it they are
    Column("waiting", Integer, nullable=False),  # how many follow
)

suppression = Table(
    "suppression",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("address", String(320)),  # none: erased
    Column("reason", String(16), nullable=False),
    Column("channel", String(64)),  # where it came from
    Column("note", Text),  # what a server said
    Column("at", Instant, nullable=False),
)

bounce = Table(  # failures that may pass, of addresses that are still written to
    "bounce",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("address", String(320), nullable=False),
    Column("count", Integer, nullable=False),
    Column("status", String(20)),  # RFC 3463
    Column("last_at", Instant, nullable=False),
)

returned = Table(  # reports that were counted, so that none is counted again
    "returned",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the mail
    Column("at", Instant, nullable=False),
)

archived = Table(  # deliveries that left the database for a file
    "archived",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dispatch_id", ForeignKey("dispatch.id"), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("number", Integer, nullable=False),
    Column("file", String(200), nullable=False),  # its name
    Column("sha256", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

looked = Table(  # alerts in which nothing is left of those who asked to be erased
    "looked",
    metadata,
    Column("alert_id", ForeignKey("alert.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("whole", Boolean, nullable=False),  # nor of anybody: it is older than addresses are kept
)
