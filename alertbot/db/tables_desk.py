"""The tables of the desk: sessions and the ways to sign in, forms that were sent, what is being typed; and of its API:
tokens, machines that ask for one, answers that were given.

In the same metadata as `tables`, which says how times are stored. `bond` is made of the person's token: with another
token, what was given under the old one no longer holds.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from alertbot.db.tables import Instant, metadata

desk_session = Table(
    "desk_session",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("bond", String(64), nullable=False),
    Column("way", String(12), nullable=False),  # link, token, passkey, recovery, oidc
    Column("device", String(100), nullable=False),
    Column("lang", String(8)),  # the person's choice; none: the browser's
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

invitation = Table(  # a link to sign in with once
    "invitation",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("issued_by", ForeignKey("person.id"), nullable=False),
    Column("bond", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("credential", String(1400), nullable=False, unique=True),  # its id, in base64url
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("bond", String(64), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("name", String(60), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("last_used_at", Instant),
)

challenge = Table(  # what a passkey has to answer, once
    "challenge",
    metadata,
    Column("value_hash", String(64), primary_key=True),
    Column("session_id", ForeignKey("desk_session.id")),  # whose new passkey; none: to sign in
    Column("expires_at", Instant, nullable=False),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("bond", String(64), nullable=False),
    Column("beginning", String(8), nullable=False),  # names the row, and proves nothing
    Column("code_hash", Text, nullable=False),  # Argon2
    Column("made_at", Instant, nullable=False),
    Column("used_at", Instant),
)
Index("ix_recovery_code_person", recovery_code.c.person_id, recovery_code.c.beginning)

identity = Table(  # who a person is at the organisation's sign-in
    "identity",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("bond", String(64), nullable=False),
    Column("issuer", String(200), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("added_at", Instant, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

sign_in_state = Table(  # a sign-in that is under way at the organisation, once
    "sign_in_state",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False),  # whose cookie it is
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("place", Text, nullable=False),  # where it goes on
    Column("invitation_hash", String(64)),  # whose first sign-in it is
    Column("session_id", ForeignKey("desk_session.id")),  # whose person links the account
    Column("expires_at", Instant, nullable=False),
)

form_key = Table(  # forms that were sent, so that none counts twice
    "form_key",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", Text),  # the page that it led to
)

typed = Table(  # what a person is typing and has not saved yet
    "typed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("place", String(80), nullable=False),  # of which form
    Column("fields", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("person_id", "place"),
)

api_token = Table(  # what a person lets a program do in their name
    "api_token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("bond", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("way", String(12), nullable=False),  # desk, device
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)

device_request = Table(  # a machine that asks for a token, until a person at the desk has answered
    "device_request",
    metadata,
    Column("device_hash", String(64), primary_key=True),
    Column("code_hash", String(64), nullable=False, unique=True),  # of what the person types
    Column("token_hash", String(64), nullable=False),  # of the token that it gets
    Column("scopes", JSON, nullable=False),
    Column("machine", String(100), nullable=False),
    Column("address", String(64), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("polled_at", Instant),
    Column("expires_at", Instant, nullable=False),
    Column("allowed", Boolean),  # none: nobody has answered
)

api_answer = Table(  # what a request with a key was answered, for when it comes again
    "api_answer",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("status", Integer),  # none: it is under way
    Column("headers", JSON),
    Column("body", Text),
)
