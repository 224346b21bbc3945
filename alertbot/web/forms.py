"""Reading what a form sent: little, soon, and of the one type that our forms use."""

from urllib.parse import parse_qs

from starlette.requests import Request

from alertbot.web import streams
from alertbot.web.streams import Unreadable

LARGEST_BODY_BYTES = 32_768
MOST_FIELDS = 20
FORM = "application/x-www-form-urlencoded"


async def fields(request: Request) -> dict[str, str]:
    """The fields, the last of each name. Raises `Unreadable` for what is none of our forms."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Unreadable(403)  # another site's form
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unreadable(415)
    body = await streams.body(request, largest=LARGEST_BODY_BYTES)
    try:
        read = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Unreadable(400) from None
    return {name: values[-1] for name, values in read.items()}
