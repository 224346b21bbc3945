"""Reading what a form sent: little, soon, and of the one type that our forms use."""

import asyncio
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

LARGEST_BODY_BYTES = 32_768
MOST_FIELDS = 20
BODY_SECONDS = 10.0
FORM = "application/x-www-form-urlencoded"


class BadForm(Exception):
    """The request is none of our forms; `status` is the answer to it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


async def fields(request: Request) -> dict[str, str]:
    """The fields, the last of each name. Raises `BadForm`."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise BadForm(403)  # another site's form
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise BadForm(415)
    body = await _body(request)
    try:
        read = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadForm(400) from None
    return {name: values[-1] for name, values in read.items()}


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > LARGEST_BODY_BYTES:
        raise BadForm(413)
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST_BODY_BYTES:
                    raise BadForm(413)
    except TimeoutError:
        raise BadForm(408) from None
    except ClientDisconnect:
        raise BadForm(400) from None
    return body
