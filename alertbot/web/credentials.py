"""Authentication of reports: by the source's secret, or by a signature. Pure.

Comparisons take constant time, and an unknown source costs as much as a known one, so that nobody learns
which sources exist.
"""

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from secrets import token_bytes

from starlette.datastructures import Headers

from alertbot.core.errors import Refused
from alertbot.core.words import _

TIMESTAMP = "x-alertbot-timestamp"
SIGNATURE = "x-alertbot-signature"
SCHEME = "sha256="
LONGEST_TIMESTAMP = 12  # digits of Unix seconds


class Stranger(Refused):
    """There is no source with this name, or the secret is wrong."""


class OutOfTime(Refused):
    """The signature is right, but its time is too far from our clock."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with a report. `token`: the secret itself; `signature`: None if there is none."""

    token: bytes = field(default=b"", repr=False)
    timestamp: str = ""
    signature: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Door:
    """What a source accepts: its secret, or a signature no older than `window`."""

    secret: bytes = field(repr=False)
    signed: bool = False
    window: timedelta = timedelta(minutes=5)


def shown(headers: Headers, in_path: str | None) -> Credentials:
    """The secret that was sent; the header takes precedence over the path."""
    return Credentials(
        _bearer(headers) or (in_path or "").encode("utf-8", "replace"),
        headers.get(TIMESTAMP, ""),
        headers.get(SIGNATURE),
    )


def admit(door: Door | None, given: Credentials, body: bytes, now: float) -> None:
    """Check the credentials. Raises `Stranger` or `OutOfTime`. `door`: None for an unknown source;
    `body`: complete if it is signed; `now`: Unix seconds."""
    known = door or Door(token_bytes(32))
    by_signature = given.signature is not None
    genuine = (
        _signed_by(known.secret, given, body) if by_signature else _same(known.secret, given.token)
    )
    if door is None or not genuine or by_signature is not door.signed:
        raise Stranger
    if by_signature:
        _refuse_old(door, given, now)


def signature_of(secret: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body, in hexadecimal."""
    signed = timestamp.encode("latin-1", "replace") + b"." + body
    return hmac.new(secret, signed, sha256).hexdigest()


def _signed_by(secret: bytes, given: Credentials, body: bytes) -> bool:
    expected = SCHEME + signature_of(secret, given.timestamp, body)
    return _same(expected.encode(), (given.signature or "").encode("latin-1", "replace"))


def _refuse_old(door: Door, given: Credentials, now: float) -> None:
    seconds = _seconds(given.timestamp)
    longest = door.window.total_seconds()
    if seconds is None or abs(now - seconds) > longest:
        raise OutOfTime(
            _(
                "The report is signed for another time: its clock may differ from ours by at most {n}"
                " s. Check the sender's clock."
            ).format(n=int(longest))
        )


def _seconds(timestamp: str) -> int | None:
    fits = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= LONGEST_TIMESTAMP
    return int(timestamp) if fits else None


def _same(one: bytes, other: bytes) -> bool:
    """Constant-time comparison, also for different lengths: digests are compared."""
    return hmac.compare_digest(sha256(one).digest(), sha256(other).digest())


def _bearer(headers: Headers) -> bytes:
    """The bearer token (RFC 6750, 2.1), as the bytes that arrived."""
    scheme, _blank, token = headers.get("authorization", "").partition(" ")
    return token.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""
