"""What a mail carries so that its recipient can be told from all others: the token of its unsubscribe link, and the
address that it comes back to (VERP). Both are sealed with the channel's secret: nobody can make one up, and a token does
not say whose it is."""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256, sha512

from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _

SHORTEST_SECRET = 32  # characters
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,500}")
RETURNED = re.compile(r"(?P<delivery>[0-9a-z]{1,13})-(?P<seal>[0-9a-f]{16})")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class RecipientSeal:
    """Makes and opens them. Raises `ConfigInvalid` for a secret that could be guessed."""

    def __init__(self, channel: str, secret: str) -> None:
        if len(secret) < SHORTEST_SECRET:
            told = _(
                "channels.{channel}: the link secret needs at least {n} characters; `openssl rand -hex 32` makes one."
            )
            raise ConfigInvalid(told.format(channel=channel, n=SHORTEST_SECRET))
        self._channel = channel.encode()
        from cryptography.exceptions import InvalidTag  # loads only where a channel has links
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self._wrong = InvalidTag
        self._box = AESSIV(sha512(b"alertbot recipient link\0" + secret.encode()).digest())
        self._key = sha256(b"alertbot return address\0" + secret.encode()).digest()

    def token(self, address: str) -> str:
        """The same for every mail to this address on this channel."""
        sealed = self._box.encrypt(address.encode(), [self._channel])
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def address(self, token: str) -> str | None:
        """The address in a token; None if it is none of this channel's."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return self._box.decrypt(sealed, [self._channel]).decode()
        except (Error, self._wrong, ValueError):
            return None

    def returned_to(self, delivery: int, local: str) -> str:
        """The local part of the address that mail of this delivery comes back to."""
        number, text = delivery, ""
        while number:
            number, digit = divmod(number, 36)
            text = DIGITS[digit] + text
        return f"{local}+{text or '0'}-{self._sum(delivery)}"

    def delivery(self, local: str) -> int | None:
        """The delivery in such a local part; None if it is none of this channel's."""
        found = RETURNED.fullmatch(local.rpartition("+")[2].lower())
        if found is None:
            return None
        number = int(found["delivery"], 36)
        return number if hmac.compare_digest(self._sum(number), found["seal"]) else None

    def _sum(self, delivery: int) -> str:
        said = self._channel + b"\0" + str(delivery).encode()
        return hmac.new(self._key, said, sha256).hexdigest()[:16]
