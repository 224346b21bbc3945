"""The public page from memory: every file of the edition that stands, prepared and compressed, for those without a web
server of their own. It comes before everything else that is served, and takes nothing from it."""

import asyncio
import gzip
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import brotli
from starlette.types import ASGIApp, Receive, Scope, Send

from alertbot.channels.page.places import Stood, cache_control, media_type, sum_of
from alertbot.core import loops
from alertbot.core.loops import in_thread
from alertbot.pages.keeping import PageKeeper

EXERCISES = "exercise/"  # below the public path: the page of exercises
INDEX = "index.html"
LOOK_SECONDS = 5.0  # between two looks whether another worker has shown an edition
SMALL = 200  # bytes that are not worth compressing
QUALITY = 6  # of brotli: more takes ten times as long for 5 %

Headers = list[tuple[bytes, bytes]]


class PreparedFile(NamedTuple):
    """A file as it is answered in one encoding."""

    etag: bytes
    headers: Headers
    body: bytes


class Encodings(NamedTuple):
    """A file in the encodings that readers' programs take."""

    digest: str
    plain: PreparedFile
    gzip: PreparedFile | None
    brotli: PreparedFile | None


class ServedPage:
    """One page at one path. `refresh` may be called at any time; readers get the last edition meanwhile."""

    def __init__(self, keeper: PageKeeper, path: str) -> None:
        self._keeper, self.path = keeper, path
        self._files: Mapping[str, Encodings] = {}
        self._stands: Stood | None = None
        self._changed = asyncio.Event()
        keeper.changed = self._changed.set

    def find(self, path: str) -> Encodings | None:
        """The file at a path of the host."""
        within = path[len(self.path) :]
        if not within or within.endswith("/"):
            within += INDEX
        return self._files.get(within)

    async def keep(self, stop: asyncio.Event) -> None:
        """Keep to the edition that stands, until `stop` is set."""
        name = f"Serving the page {self._keeper.channel.name}"
        waiting = asyncio.create_task(self._wake_at(stop))
        try:
            await loops.keep(name, partial(self._once, stop), stop)
        finally:
            waiting.cancel()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changed.set()

    async def _once(self, stop: asyncio.Event) -> None:
        self._changed.clear()
        await self.refresh()
        if not stop.is_set():
            await loops.until(self._changed, LOOK_SECONDS)

    async def refresh(self) -> None:
        """Take up the edition that stands, if it is another one. Raises `PlaceFailed`."""
        _place, stands = await self._keeper.look_up()
        if stands == self._stands:
            return
        stands, contents = await self._keeper.contents()
        self._files = await in_thread(partial(_prepared, contents, self._files))
        self._stands = stands


def _prepared(
    contents: Mapping[str, bytes], before: Mapping[str, Encodings]
) -> Mapping[str, Encodings]:
    found = {}
    for path, content in contents.items():
        known = before.get(path)
        same = known is not None and known.digest == sum_of(content)
        found[path] = known if same and known else _encodings(path, content)
    return found


def _encodings(path: str, content: bytes) -> Encodings:
    digest = sum_of(content)
    plain = _answer(path, digest, content, "")
    if len(content) < SMALL:
        return Encodings(digest, plain, None, None)
    zipped = gzip.compress(content, 9, mtime=0)
    return Encodings(
        digest,
        plain,
        _answer(path, digest, zipped, "gzip"),
        _answer(path, digest, brotli.compress(content, quality=QUALITY), "br"),
    )


def _answer(path: str, digest: str, body: bytes, encoding: str) -> PreparedFile:
    etag = f'"{digest[:24]}{"-" + encoding if encoding else ""}"'.encode()
    headers = [
        (b"content-type", media_type(path).encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", cache_control(path).encode()),
        (b"etag", etag),
        (b"vary", b"accept-encoding"),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),  # everything here is for everybody
    ]
    if encoding:
        headers.append((b"content-encoding", encoding.encode()))
    return PreparedFile(etag, headers, body)


class PublicFirst:
    """Answers for the files of the pages, and leaves every other request to the application."""

    def __init__(self, app: ASGIApp, pages: tuple[ServedPage, ...]) -> None:
        self._app, self._pages = app, sorted(pages, key=lambda one: -len(one.path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self._find(scope) if scope["type"] == "http" else None
        if file is None:
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        chosen = _chosen(file, asked.get(b"accept-encoding", b""))
        status, body = 200, chosen.body
        if _has_it(file, asked.get(b"if-none-match", b"")):
            status, body = 304, b""
        elif scope["method"] == "HEAD":
            body = b""
        headers = chosen.headers if status == 200 else [one for one in chosen.headers if one[0] in KEPT]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _find(self, scope: Scope) -> Encodings | None:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return None
        for page in self._pages:
            if path.startswith(page.path) and (found := page.find(path)):
                return found
        return None


KEPT = (
    b"cache-control",
    b"etag",
    b"vary",
    b"access-control-allow-origin",
)  # of an answer without a body


def _chosen(file: Encodings, accepted: bytes) -> PreparedFile:
    takes = {
        one.partition(b";")[0].strip(): one.replace(b" ", b"") for one in accepted.lower().split(b",")
    }
    for name, prepared in ((b"br", file.brotli), (b"gzip", file.gzip)):
        if prepared is not None and name in takes and not takes[name].endswith((b";q=0", b";q=0.0")):
            return prepared
    return file.plain


def _has_it(file: Encodings, known: bytes) -> bool:
    if not known:
        return False
    tags = {one.strip().removeprefix(b"W/") for one in known.split(b",")}
    return b"*" in tags or any(one is not None and one.etag in tags for one in file[1:])


def served(keepers: tuple[PageKeeper, ...], path: str) -> tuple[ServedPage, ...]:
    """The pages to serve below this path: that of the public, and that of exercises."""
    found: dict[str, PageKeeper] = {}
    for keeper in keepers:
        found.setdefault(path + EXERCISES if keeper.site.exercise else path, keeper)
    return tuple(ServedPage(keeper, at) for at, keeper in found.items())
