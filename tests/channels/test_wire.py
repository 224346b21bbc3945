"""Our own transactions over SMTP connections, at a server that offers PIPELINING."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from alertbot.channels.email.errors import Broken, Phase
from alertbot.channels.email.message import MailEnvelope, as_sent
from alertbot.channels.email.replies import OutgoingMail
from alertbot.channels.email.wire import ONE_GO, Server, SmtpPool
from tests.channels import raw


class One:
    """A supply of mails; what became of each."""

    def __init__(self, *mails: OutgoingMail) -> None:
        self.left = list(mails)
        self.begun: list[OutgoingMail] = []
        self.answers: list[str | Broken] = []
        self.ended: list[OutgoingMail] = []
        self.may = len(mails)  # so many may begin

    def take(self) -> OutgoingMail | None:
        return self.left.pop(0) if self.left else None

    async def begin(self, mail: OutgoingMail) -> bool:
        if len(self.begun) == self.may:
            self.left.clear()
            return False
        self.begun.append(mail)
        return True

    def end(self, mail: OutgoingMail, answer: str | Broken) -> None:
        self.ended.append(mail)
        self.answers.append(answer)


async def hand_over(lines: SmtpPool, envelope: MailEnvelope, text: bytes) -> str:
    one = One(OutgoingMail(envelope, text))
    await lines.serve(one)
    [answer] = one.answers
    if isinstance(answer, Broken):
        raise answer
    return answer


ENVELOPE = MailEnvelope("us@example.org", "you@example.org")
MAIL = as_sent(b"Subject: x\n\n.one\n..two\nthree")


class Post:
    """A server that offers PIPELINING. `answers`: by command, used up one by one; None hangs up, b"" says
    nothing any more."""

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
                if not answer:
                    await asyncio.sleep(30)
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


BEGIN = b"MAIL FROM:<us@example.org>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n"


async def test_a_transaction_takes_two_round_trips_and_arrives_as_it_was_written() -> None:
    post = Post()
    async with pool(post) as lines:
        for _number in range(3):
            assert await hand_over(lines, ENVELOPE, MAIL) == "ok"
    assert post.mails == [b"Subject: x\r\n\r\n..one\r\n...two\r\nthree\r\n"] * 3
    assert post.portions[-5:] == [BEGIN, MAIL + b".\r\n", BEGIN, MAIL + b".\r\n", b"QUIT\r\n"]
    assert post.connections == 1


def several(*names: str) -> One:
    return One(
        *(OutgoingMail(replace(ENVELOPE, recipient=f"{name}@example.org"), MAIL) for name in names)
    )


async def test_with_a_dot_go_the_commands_of_the_next_mail() -> None:
    post, mails = Post(), several("you", "you", "you")
    async with pool(post) as lines:
        await lines.serve(mails)
    assert mails.answers == ["ok"] * 3
    assert mails.begun == mails.ended
    assert post.portions[-4:] == [
        b".\r\n" + BEGIN,
        MAIL + b".\r\n" + BEGIN,
        MAIL + b".\r\n",
        b"QUIT\r\n",
    ]
    assert post.mails == [MAIL] * 3


async def test_without_pipelining_each_command_waits_for_its_answer() -> None:
    post, mails = Post(ehlo=[b"250 post\r\n"]), several("you", "you")
    async with pool(post) as lines:
        await lines.serve(mails)
    assert mails.answers == ["ok"] * 2
    assert post.portions[-5:-1] == [*BEGIN.splitlines(keepends=True), MAIL + b".\r\n"]


@pytest.mark.parametrize("answer", [b"550 5.1.1 unknown\r\n", b"450 4.2.1 busy\r\n"])
async def test_a_refusal_of_the_next_mail_is_its_own(answer: bytes) -> None:
    post = Post(rcpt=[b"250 ok\r\n", answer], dot=[b"250 one\r\n", b"554 for nobody\r\n"])
    mails = several("a", "b", "c")
    async with pool(post) as lines:
        await lines.serve(mails)
    first, second, third = mails.answers
    assert (first, third) == ("one", "ok")
    assert isinstance(second, Broken)
    assert (second.phase, second.code) == (Phase.RCPT, int(answer[:3]))
    assert (len(post.mails), post.connections) == (2, 1)
    assert [mail.envelope.recipient[0] for mail in mails.begun] == ["a", "c"]


async def test_a_text_that_is_refused_leaves_the_next_mail_under_way() -> None:
    post, mails = Post(dot=[b"250 one\r\n", b"554 5.6.0 content\r\n"]), several("a", "b", "c")
    async with pool(post) as lines:
        await lines.serve(mails)
    assert isinstance(mails.answers[1], Broken)
    assert mails.answers[1].code == 554
    assert [mails.answers[0], mails.answers[2]] == ["one", "ok"]
    assert post.connections == 1


async def test_where_a_connection_ends_after_the_dot_only_that_mail_is_in_doubt() -> None:
    """Of the next one only commands were under way: it goes over another connection."""
    post, mails = Post(dot=[b"250 one\r\n", None]), several("a", "b", "c")
    async with pool(post) as lines:
        await lines.serve(mails)
    one, two, three = mails.answers
    assert (one, three) == ("one", "ok")
    assert isinstance(two, Broken)
    assert (two.phase, two.code) == (Phase.DOT, None)
    assert (len(post.mails), post.connections) == (2, 2)


async def test_a_server_that_takes_so_many_mails_per_connection_costs_none() -> None:
    full = b"421 4.7.0 too many mails on this connection\r\n"
    post, mails = Post(mail=[b"250 ok\r\n", b"250 ok\r\n", full]), several("a", "b", "c", "d")
    async with pool(post) as lines:
        await lines.serve(mails)
    assert mails.answers == ["ok"] * 4
    assert (len(post.mails), post.connections) == (4, 2)


async def test_what_may_no_longer_begin_is_left_without_its_text() -> None:
    """The server already waits for it, and would take an empty one: so the connection is closed."""
    post, mails = Post(), several("a", "b", "c")
    mails.may = 1
    async with pool(post) as lines:
        await lines.serve(mails)
        assert mails.answers == ["ok"]
        mails.left, mails.may = [OutgoingMail(ENVELOPE, MAIL)], 2
        await lines.serve(mails)
    assert mails.answers == ["ok"] * 2
    assert (len(post.mails), post.connections) == (2, 2)


async def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_it_may_take() -> None:
    post, mails = Post(dot=[b""]), several("a", "b")
    async with raw.listening(post.handle) as port:
        hasty = Server("127.0.0.1", port, "none", "here", answer_seconds=5.0, dot_seconds=0.2)
        lines = SmtpPool(hasty, 1)
        await lines.serve(mails)
        await lines.close()
    assert isinstance(mails.answers[0], Broken)
    assert (mails.answers[0].phase, mails.answers[0].code) == (Phase.DOT, None)
    assert (len(mails.ended), post.connections) == (2, 2)


@pytest.mark.parametrize("data", [b"354 go\r\n", b"554 5.5.1 no valid recipients\r\n"])
async def test_a_refused_address_sends_nothing_and_the_next_mail_goes_over_the_same_connection(
    data: bytes,
) -> None:
    post = Post(rcpt=[b"550 5.1.1 unknown\r\n"], data=[data], dot=[b"554 5.5.1 for nobody\r\n"] * 1)
    if not data.startswith(b"354"):
        post.answers["dot"].clear()
    async with pool(post) as lines:
        with pytest.raises(Broken) as broken:
            await hand_over(lines, ENVELOPE, MAIL)
        assert (broken.value.phase, broken.value.code) == (Phase.RCPT, 550)
        assert post.mails == []
        await hand_over(lines, ENVELOPE, MAIL)
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
            await hand_over(lines, ENVELOPE, MAIL)
        assert (broken.value.phase, broken.value.code) == (
            phase,
            421 if answer and answer.startswith(b"421") else None,
        )
        post.answers.clear()
        await hand_over(lines, ENVELOPE, MAIL)
    assert (len(post.mails), post.connections) == (1, 2)


async def test_a_farewell_that_nobody_asked_for_ends_the_connection() -> None:
    post = Post(dot=[b"250 ok\r\n421 4.4.2 idle\r\n"])
    async with pool(post) as lines:
        await hand_over(lines, ENVELOPE, MAIL)
        await asyncio.sleep(0.05)
        await hand_over(lines, ENVELOPE, MAIL)
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
        await hand_over(lines, ENVELOPE, MAIL)
        with pytest.raises(Broken) as broken:
            await hand_over(lines, ENVELOPE, large)
    assert broken.value.phase is Phase.DATA
    assert len(post.mails) == 1


async def test_what_would_break_out_of_a_command_is_not_sent() -> None:
    post = Post()
    async with pool(post) as lines:
        with pytest.raises(Broken, match="RCPT"):
            await hand_over(lines, MailEnvelope("us@example.org", "a@b\r\nDATA"), MAIL)
    assert b"MAIL" not in b"".join(post.portions)


class Narrow(Post):
    """A server that takes so many connections, and tells others to come later."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self._takes, self._here = takes, 0
        self.refused = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._here >= self._takes:
            self.refused += 1
            writer.write(b"421 4.7.0 too many connections\r\n")
            return
        self._here += 1
        try:
            await super().handle(reader, writer)
        finally:
            self._here -= 1


@pytest.mark.parametrize("takes", [1, 3])
async def test_a_server_that_takes_fewer_connections_gets_every_mail_over_those(takes: int) -> None:
    narrow = Narrow(takes)
    async with raw.listening(narrow.handle) as port:
        pool = SmtpPool(Server("127.0.0.1", port, "none", "me"), 4)
        supplies = [One(*[OutgoingMail(ENVELOPE, MAIL)] * 10) for _ in range(4)]
        await asyncio.gather(*(pool.serve(one) for one in supplies))
        assert narrow.refused
        assert pool.room == takes
        for one in supplies:  # as the engine does: who gave up a connection comes again
            await pool.serve(one)
        await pool.close()
    answers = [one for supply in supplies for one in supply.answers]
    assert [one for one in answers if isinstance(one, Broken)] == []
    assert len(narrow.mails) == len(answers) == 40


async def test_a_server_that_takes_no_connection_at_all_leaves_nobody_waiting() -> None:
    narrow = Narrow(0)
    async with raw.listening(narrow.handle) as port:
        pool = SmtpPool(Server("127.0.0.1", port, "none", "me"), 4)
        supplies = [One(*[OutgoingMail(ENVELOPE, MAIL)] * 3) for _ in range(4)]
        async with asyncio.timeout(20):
            await asyncio.gather(*(pool.serve(one) for one in supplies))
    answers = [one for supply in supplies for one in supply.answers]
    assert [(one.phase, one.code) for one in answers if isinstance(one, Broken)] == [
        (Phase.CONNECT, 421)
    ] * 12
