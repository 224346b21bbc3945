"""What links to approve are derived from. Pure: a key and what a link is about in, its secret part out."""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from alertbot.errors import ConfigInvalid
from alertbot.words import _

SHORTEST_SECRET = 32  # characters
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits


@dataclass(frozen=True, slots=True)
class Key:
    """What links are derived from."""

    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "Key":
        """Raises `ConfigInvalid` for one that could be guessed."""
        if len(secret) < SHORTEST_SECRET:
            raise ConfigInvalid(
                _(
                    "approvals_by.mail: the secret needs {n} characters or more; `openssl rand -hex 32`"
                    " makes one."
                ).format(n=SHORTEST_SECRET)
            )
        return cls(secret.encode())

    def token(self, alert: str, digest: str, person_id: int, made_at: datetime) -> str:
        """The secret part of the address of a link."""
        moment = round(made_at.timestamp() * 1_000_000)
        return self._sign("approval-link", alert, digest, str(person_id), str(moment))

    def form(self, token: str) -> str:
        """What the page of a link sends back, so that only its own forms count."""
        return self._sign("approval-form", token)

    def _sign(self, *words: str) -> str:
        signed = hmac.new(self.secret, "\0".join(words).encode(), sha256).digest()
        return urlsafe_b64encode(signed).decode().rstrip("=")


def hash_of(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
