"""A small HTTP server on h11 that lets a platform hang up at any point, which frameworks do not."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from email import message_from_bytes
from email.policy import HTTP
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from alertbot.core.frozen import dataclass

LARGEST_BODY_BYTES = 20_000_000
READ_BYTES = 65_536
IDLE_SECONDS = 120.0

log = logging.getLogger(__name__)


class Drop(Exception):
    """Hang up without an answer."""


FormFields: TypeAlias = dict[str, Any]  # of a form or a JSON object, by name; `Upload` for files


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Header names are in lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON; raises `ValueError`."""
        return json.loads(self.body)

    def fields(self) -> FormFields:
        """The fields of a form, a multipart form or a JSON object, and the query; `Upload` for files."""
        found: FormFields = dict(self.query)
        if self.media_type == "application/json" and self.body:
            content = self.json()
            found.update(content if isinstance(content, dict) else {})
        elif self.media_type == "multipart/form-data":
            found.update(_multipart(self.headers["content-type"], self.body))
        elif self.body:
            found.update(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, content: object, status: int = 200, *, media_type: str = "application/json", **headers: str
    ) -> "Reply":
        """An answer that carries JSON. Header names are given with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(content, ensure_ascii=False).encode(), media_type, named)


Handler = Callable[[HttpRequest], Awaitable[Reply]]


def _multipart(content_type: str, body: bytes) -> FormFields:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = message_from_bytes(head + body, policy=HTTP)
    found: FormFields = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", "", header="content-disposition"))
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        filename = part.get_filename()
        found[name] = data.decode("utf-8", "replace") if filename is None else Upload(filename, data)
    return found


class HttpServer:
    """Answers HTTP/1.1 on loopback with one handler; connections stay open between requests."""

    def __init__(self, handler: Handler, name: str) -> None:
        self._handler = handler
        self._name = name
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises `OSError` where the port is taken."""
        self._server = await asyncio.start_server(self._connected, host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening and cut every open connection."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._converse(reader, writer)
        except (Drop, ConnectionError, TimeoutError, asyncio.CancelledError):
            pass
        except h11.RemoteProtocolError as error:
            log.info("%s: not HTTP: %s", self._name, error)
            writer.write(_turned_away(error.error_status_hint))
        except Exception:
            log.exception("%s: the sandbox itself failed", self._name)
        finally:
            self._open.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request = await _read(connection, reader, writer)
            if request is None:
                return
            reply = await self._handler(request)
            writer.write(_answer(connection, reply, head_only=request.method == "HEAD"))
            await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()


async def _read(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> HttpRequest | None:
    """The next request, or None if the client has gone. Raises `h11.RemoteProtocolError` for something
    that is not a request."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                writer.write(connection.send(go_on))
            async with asyncio.timeout(IDLE_SECONDS):
                connection.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY_BYTES:
                raise h11.RemoteProtocolError("too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, bytes(body))
        else:
            return None


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    target = urlsplit(head.target.decode("ascii", "replace"))
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
    return HttpRequest(head.method.decode("ascii"), unquote(target.path), target.query, headers, body)


def _turned_away(status: int) -> bytes:
    """The response to something that is not a request."""
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    return (head + "connection: close\r\ncontent-length: 0\r\n\r\n").encode("ascii")


def _answer(connection: h11.Connection, reply: Reply, *, head_only: bool) -> bytes:
    headers = [
        ("content-type", reply.media_type),
        ("content-length", str(len(reply.body))),
        *reply.headers.items(),
    ]
    response = h11.Response(
        status_code=reply.status, reason=HTTPStatus(reply.status).phrase, headers=headers
    )
    sent = connection.send(response) or b""
    if reply.body and not head_only:
        sent += connection.send(h11.Data(data=reply.body)) or b""
    return sent + (connection.send(h11.EndOfMessage()) or b"")
