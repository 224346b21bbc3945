"""A body read piece by piece, never further than allowed: also once it is unpacked."""

import zlib

import httpx

from alertbot.polling.errors import BadAnswer, TooLarge
from alertbot.words import _

_GZIP = 16 + zlib.MAX_WBITS
_PLAIN = ("", "identity")
_PACKED = ("gzip", "x-gzip")


async def read(response: httpx.Response, host: str, largest: int) -> bytes:
    """The body, unpacked. Raises `TooLarge` as soon as it passes `largest` bytes, and `BadAnswer`."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in (*_PLAIN, *_PACKED):
        raise BadAnswer(
            _("{host} packs its answer in a way that we did not ask for.").format(host=host)
        )
    unpack = _Gzip() if coding in _PACKED else None
    kept = bytearray()
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        kept += unpack.more(piece, largest + 1 - len(kept), host) if unpack else piece
        if max(received, len(kept)) > largest:
            raise TooLarge(_("{host} answers with more than {n} bytes.").format(host=host, n=largest))
    if unpack and not unpack.whole:
        raise _broken(host)
    return bytes(kept)


class _Gzip:
    """Unpacks no more than there is room for: a kilobyte can hold a megabyte."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    @property
    def whole(self) -> bool:
        """All that was begun has ended."""
        return self._member.eof or not self._begun

    def more(self, piece: bytes, room: int, host: str) -> bytes:
        """What the next piece unpacks to, at most `room` bytes. Raises `BadAnswer`."""
        found = b""
        while piece and len(found) < room:
            if self._member.eof:  # RFC 1952: one file may follow another
                self._member = zlib.decompressobj(_GZIP)
            self._begun = True
            try:
                found += self._member.decompress(piece, room - len(found))
            except zlib.error:
                raise _broken(host) from None
            piece = self._member.unused_data
        return found


def _broken(host: str) -> BadAnswer:
    return BadAnswer(_("{host} answers with something that cannot be unpacked.").format(host=host))
