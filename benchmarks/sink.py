"""A mail server that takes everything, in a process of its own: `python -m benchmarks.sink` prints its port. It
does no more than the protocol needs, so that the client is what is measured; like every usual server it offers
PIPELINING. With a file as argument it writes there, a line each, when the text of a mail begins to arrive and
when it has taken it: the word, the system's monotonic clock, the recipient."""

import asyncio
import os
import sys
import time

GREETING = b"220 sink\r\n"
OK = b"250 OK\r\n"
HELLO = b"250-sink\r\n250 PIPELINING\r\n"
GO_ON = b"354 go on\r\n"
BEGUN, TAKEN = "begun", "taken"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, record: int | None) -> None:
        self._record = record
        self._rest = b""
        self._recipient = ""
        self._in_text = False
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        answers: list[bytes] = []
        while self._step(answers):
            pass
        self._transport.write(b"".join(answers))
        if b"221 bye\r\n" in answers:
            self._transport.close()

    def _step(self, answers: list[bytes]) -> bool:
        """Take one command or one text, if it is whole."""
        if self._in_text:
            return self._take_text(answers)
        line, end, rest = self._rest.partition(b"\r\n")
        if not end:
            return False
        self._rest, word = rest, line[:4].upper()
        if word == b"RCPT":
            self._recipient = line.partition(b"<")[2].rstrip(b">").decode()
        self._in_text = word == b"DATA"
        known = {b"DATA": GO_ON, b"QUIT": b"221 bye\r\n", b"EHLO": HELLO}
        answers.append(known.get(word, OK))
        return True

    def _take_text(self, answers: list[bytes]) -> bool:
        if self._rest and not self._begun:
            self._begun = True
            self._note(BEGUN)
        _text, end, rest = self._rest.partition(b"\r\n.\r\n")
        if not end:
            return False
        self._rest, self._in_text, self._begun = rest, False, False
        self._note(TAKEN)
        answers.append(OK)
        return True

    def _note(self, word: str) -> None:
        if self._record is not None:
            os.write(self._record, f"{word} {time.monotonic():.6f} {self._recipient}\n".encode())


async def main(path: str | None) -> None:
    record = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if path else None
    server = await asyncio.get_running_loop().create_server(lambda: Sink(record), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
