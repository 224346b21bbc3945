"""A mail server that takes everything and keeps nothing, in a process of its own: `python -m benchmarks.sink`
prints its port. It does no more than the protocol needs, so that the client is what is measured; like every
usual server it offers PIPELINING."""

import asyncio

GREETING = b"220 sink\r\n"
OK = b"250 OK\r\n"
HELLO = b"250-sink\r\n250 PIPELINING\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(GREETING)
    while line := await reader.readline():
        word = line[:4].upper()
        if word == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            writer.write(OK)
        elif word == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(HELLO if word == b"EHLO" else OK)
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
