"""DKIM (RFC 6376, RFC 8463), for servers that do not sign what they relay. What is the same for every recipient is read
once per letter; per mail there remain a few headers and the signature itself, by `cryptography`. Imported only where
mail is signed."""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _

SIGNED = (  # all that readers see or that mail programs act on
    *(b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references"),
    *(b"list-unsubscribe", b"list-unsubscribe-post", b"mime-version", b"content-type"),
    *(b"content-transfer-encoding", b"content-language", b"auto-submitted"),
)
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_LAST_LINES = re.compile(rb"(\r\n)+\Z")

_Headers = Sequence[tuple[bytes, bytes]]


class SignedLetter(NamedTuple):
    """What a signature needs of the part of a mail that all recipients get."""

    headers: _Headers
    body: bytes  # its hash


def prepared(letter: bytes) -> SignedLetter:
    """Of a letter with CRLF, its headers first."""
    head, _blank, body = letter.partition(b"\r\n\r\n")
    lines = (_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    plain = _LAST_LINES.sub(b"", b"\r\n".join(lines))
    return SignedLetter(_relaxed(head), b64encode(sha256(plain + b"\r\n" if plain else b"").digest()))


def _relaxed(head: bytes) -> _Headers:
    found = []
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        name, _colon, value = line.partition(b":")
        if name:
            found.append((name.strip().lower(), _BLANKS.sub(b" ", value).strip(b" ")))
    return found


class DkimSigner:
    """One key. Raises `ConfigInvalid` for a file that holds none that can sign mail."""

    def __init__(self, domain: str, selector: str, file: Path) -> None:
        self._sign: Callable[[bytes], bytes]
        try:
            key = serialization.load_pem_private_key(file.read_bytes(), None)
        except OSError as error:
            told = _("The DKIM key {file} cannot be read: {why}.")
            raise ConfigInvalid(told.format(file=file, why=error.strerror)) from None
        except (ValueError, TypeError):
            raise ConfigInvalid(_not_a_key(file)) from None
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 1024:
            self._algorithm = "rsa-sha256"
            self._sign = lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            self._algorithm = "ed25519-sha256"
            self._sign = lambda text: key.sign(sha256(text).digest())
        else:
            raise ConfigInvalid(_not_a_key(file))
        self._tags = f"v=1; a={self._algorithm}; c=relaxed/relaxed; d={domain}; s={selector}"

    def header(self, own: bytes, letter: SignedLetter, at: int) -> bytes:
        """The signature of one mail. `own`: the headers before the letter's; `at`: epoch seconds."""
        by_name = dict([*letter.headers, *_relaxed(own)])
        names = [name for name in SIGNED if name in by_name]
        signed = b":".join([*names, b"from"])  # a second From could be added to no signed mail
        value = f"{self._tags}; t={at};\r\n h=".encode() + signed.replace(b":list", b":\r\n list", 1)
        value += b";\r\n bh=" + letter.body + b";\r\n b="
        lines = b"".join(name + b":" + by_name[name] + b"\r\n" for name in names)
        mine = _BLANKS.sub(b" ", _FOLD.sub(b"", value)).strip(b" ")
        seal = b64encode(self._sign(lines + b"dkim-signature:" + mine))
        pieces = [seal[start : start + 70] for start in range(0, len(seal), 70)]
        return b"DKIM-Signature: " + value + b"\r\n ".join(pieces) + b"\r\n"


def _not_a_key(file: Path) -> str:
    return _(
        "The DKIM key {file} is no private key in PEM, RSA of 1024 bits or more, or Ed25519, without a password."
        " `openssl genrsa 2048` makes one."
    ).format(file=file)
