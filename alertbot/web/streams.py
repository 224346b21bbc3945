"""Reading the body of a request: so much at most, and not for ever."""

import asyncio

from starlette.requests import ClientDisconnect, Request

BODY_SECONDS = 10.0
MOST_DIGITS = 20  # of a length


class Unreadable(Exception):
    """The body did not arrive as it should; `status` is the answer to it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


async def body(request: Request, *, largest: int) -> bytes:
    """The whole body. Raises `Unreadable`: 413 for more than `largest` bytes, announced or sent; 408 where
    it takes longer than `BODY_SECONDS`; 400 where it breaks off."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > MOST_DIGITS or int(announced) > largest:
        raise Unreadable(413)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size > largest:
                    raise Unreadable(413)
    except TimeoutError:
        raise Unreadable(408) from None
    except ClientDisconnect:
        raise Unreadable(400) from None
    return b"".join(pieces)
