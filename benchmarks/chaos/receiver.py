"""The receiving end: a mail server in a process of its own, which no fault touches. What it took it notes in a
journal, line by line, before it answers: `begun RECIPIENT` when a mail is addressed, `took ID RECIPIENT` when its
last line is here, `told ID` once the answer is on its way. `ID` is what stands before the @ of the Message-ID.

`python -m benchmarks.chaos.receiver JOURNAL SECONDS` prints its port; SECONDS is what an answer takes, at random from
none to twice that.
"""

import asyncio
import os
import random
import re
import sys

GREETING, OK, GO_ON = b"220 receiver\r\n", b"250 OK\r\n", b"354 go on\r\n"
HELLO = b"250-receiver\r\n250 PIPELINING\r\n"
MESSAGE_ID = re.compile(rb"^message-id:\s*<([^@>]+)@", re.IGNORECASE | re.MULTILINE)
ADDRESS = re.compile(rb"<([^>]*)>")
LIMIT = 1 << 20  # bytes of a line, or of a mail


class Receiver:
    """`seconds`: the mean time until an answer."""

    def __init__(self, journal: str, seconds: float) -> None:
        self._file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seconds = seconds
        self._dice = random.Random()

    def _note(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # who called is gone; what it was told stands in the journal
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        recipient = ""
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(GO_ON)
                await self._take(reader, writer, recipient)
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                if word == b"RCPT":
                    recipient = _address(line)
                    self._note(f"begun {recipient}")
                writer.write(HELLO if word == b"EHLO" else OK)
            await writer.drain()

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipient: str
    ) -> None:
        await writer.drain()
        mail = await reader.readuntil(b"\r\n.\r\n")
        found = MESSAGE_ID.search(mail)
        name = found[1].decode() if found else "?"
        self._note(f"took {name} {recipient}")
        await asyncio.sleep(self._dice.random() * 2 * self._seconds)
        writer.write(OK)
        await writer.drain()
        self._note(f"told {name}")


def _address(line: bytes) -> str:
    found = ADDRESS.search(line)
    return found[1].decode() if found else "?"


async def main(journal: str, seconds: float) -> None:
    receiver = Receiver(journal, seconds)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, limit=LIMIT)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
