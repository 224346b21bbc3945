"""Our own transactions over SMTP connections, at a server that offers PIPELINING."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from alertbot.channels.email.errors import Broken, Phase
from alertbot.channels.email.message import MailEnvelope, as_sent
from alertbot.channels.email.wire import ONE_GO, Server, SmtpPool
from tests.channels import raw

ENVELOPE = MailEnvelope("us@example.org", "you@example.org")
MAIL = as_sent(b"Subject: x\n\n.one\n..two\nthree")


class Post:
    """A server that offers PIPELINING. `answers`: by command, used up one by one; None hangs up."""

    def __init__(self, **answers: list[bytes | None]) -> None:
        self.answers = answers
        self.portions: list[bytes] = []  # what was there at once, from the greeting on
        self.mails: list[bytes] = []
        self.connections = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"220 ready\r\n")
        rest, text = b"", None
        while portion := await reader.read(1 << 20):
            self.portions.append(portion)
            rest += portion
            while (end := b"\r\n" if text is None else b"\r\n.\r\n") in rest or rest == b".\r\n":
                one, _end, rest = rest.partition(end) if end in rest else (b"", b"", b"")
                word = "dot" if text is not None else one[:4].decode().lower()
                text = None
                answer = self._answer(word)
                if answer is None:
                    return
                if word == "dot" and answer.startswith(b"2"):
                    self.mails.append(one + b"\r\n")
                text = b"" if answer.startswith(b"354") else None
                writer.write(answer)
                if answer.startswith(b"421"):
                    return

    def _answer(self, word: str) -> bytes | None:
        if self.answers.get(word):
            return self.answers[word].pop(0)
        usual = {
            "ehlo": b"250-post\r\n250 PIPELINING\r\n",
            "data": b"354 go\r\n",
            "quit": b"221 bye\r\n",
        }
        return usual.get(word, b"250 ok\r\n")


@asynccontextmanager
async def pool(post: Post, connections: int = 1) -> AsyncIterator[SmtpPool]:
    async with raw.listening(post.handle) as port:
        made = SmtpPool(Server("127.0.0.1", port, "none", "here", answer_seconds=5.0), connections)
        yield made
        await made.close()


async def test_a_transaction_takes_two_round_trips_and_arrives_as_it_was_written() -> None:
    post = Post()
    async with pool(post) as lines:
        for _number in range(3):
            assert await lines.hand_over(ENVELOPE, MAIL) == "ok"
    assert post.mails == [b"Subject: x\r\n\r\n..one\r\n...two\r\nthree\r\n"] * 3
    begin = b"MAIL FROM:<us@example.org>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n"
    assert post.portions[-5:] == [begin, MAIL + b".\r\n", begin, MAIL + b".\r\n", b"QUIT\r\n"]
    assert post.connections == 1


@pytest.mark.parametrize("data", [b"354 go\r\n", b"554 5.5.1 no valid recipients\r\n"])
async def test_a_refused_address_sends_nothing_and_the_next_mail_goes_over_the_same_connection(
    data: bytes,
) -> None:
    post = Post(rcpt=[b"550 5.1.1 unknown\r\n"], data=[data], dot=[b"554 5.5.1 for nobody\r\n"] * 1)
    if not data.startswith(b"354"):
        post.answers["dot"].clear()
    async with pool(post) as lines:
        with pytest.raises(Broken) as broken:
            await lines.hand_over(ENVELOPE, MAIL)
        assert (broken.value.phase, broken.value.code) == (Phase.RCPT, 550)
        assert post.mails == []
        await lines.hand_over(ENVELOPE, MAIL)
    assert len(post.mails) == post.connections == 1
    assert b"RSET\r\nMAIL" in b"".join(post.portions)


@pytest.mark.parametrize(
    ("word", "phase"),
    [("mail", Phase.MAIL), ("rcpt", Phase.RCPT), ("data", Phase.DATA), ("dot", Phase.DOT)],
)
@pytest.mark.parametrize("answer", [None, b"421 4.3.2 closing\r\n", b"nonsense\r\n"])
async def test_a_break_is_told_from_the_first_command_that_was_not_answered(
    word: str, phase: Phase, answer: bytes | None
) -> None:
    post = Post(**{word: [answer] * 2})
    async with pool(post) as lines:
        with pytest.raises(Broken) as broken:
            await lines.hand_over(ENVELOPE, MAIL)
        assert (broken.value.phase, broken.value.code) == (
            phase,
            421 if answer and answer.startswith(b"421") else None,
        )
        post.answers.clear()
        await lines.hand_over(ENVELOPE, MAIL)
    assert (len(post.mails), post.connections) == (1, 2)


async def test_a_farewell_that_nobody_asked_for_ends_the_connection() -> None:
    post = Post(dot=[b"250 ok\r\n421 4.4.2 idle\r\n"])
    async with pool(post) as lines:
        await lines.hand_over(ENVELOPE, MAIL)
        await asyncio.sleep(0.05)
        await lines.hand_over(ENVELOPE, MAIL)
    assert (len(post.mails), post.connections) == (2, 2)


async def test_a_large_text_that_a_known_server_does_not_take_was_surely_not_delivered() -> None:
    """The dot waits until the text is out, so that a hang-up during it shows before."""
    post = Post()
    large = as_sent(b"Subject: x\n\n" + b"word " * (50 * ONE_GO))

    class Full(Post):
        async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await post.handle(Limited(reader), writer)  # type: ignore[arg-type]
            finally:
                writer.transport.abort()

    class Limited:
        def __init__(self, reader: asyncio.StreamReader) -> None:
            self._reader = reader

        async def read(self, most: int) -> bytes:
            portion = await self._reader.read(most)
            return b"" if portion.count(b"word ") > 1000 else portion

    async with pool(Full()) as lines:
        await lines.hand_over(ENVELOPE, MAIL)
        with pytest.raises(Broken) as broken:
            await lines.hand_over(ENVELOPE, large)
    assert broken.value.phase is Phase.DATA
    assert len(post.mails) == 1


async def test_what_would_break_out_of_a_command_is_not_sent() -> None:
    post = Post()
    async with pool(post) as lines:
        with pytest.raises(ValueError, match="line end"):
            await lines.hand_over(MailEnvelope("us@example.org", "a@b\r\nDATA"), MAIL)
    assert b"MAIL" not in b"".join(post.portions)
