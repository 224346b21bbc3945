"""Mail: the contract, phases, every row of the reply codes, headers, recipients."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.header import decode_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alertbot.channels.email import message, recipients, wire
from alertbot.channels.email.adapter import EmailAdapter
from alertbot.channels.email.errors import About, Broken, Phase, meaning
from alertbot.channels.email.settings import EmailSettings
from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    ConfigInvalid,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.core.model import Audience, Channel, Post, Target
from alertbot.rehearsal.sandbox.accounts import SmtpAccount
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels import raw
from tests.channels.contract import CARD, PATIENT, NetworkChannelContract
from tests.effort import examples

PASSWORD = "correct horse battery"
SOON = timedelta(seconds=0.3)
HTML = "<!doctype html><html><body><p>Panne &amp; <b>numéros</b></p></body></html>"


class TestContract(NetworkChannelContract):
    adapter_type = EmailAdapter
    target = "redaction@example.org"
    html = HTML
    hasty: ClassVar[dict[str, timedelta]] = {
        "connect_within": SOON,
        "answer_within": SOON,
        "dot_within": SOON,
    }

    def secrets(self) -> dict[str, str]:
        return {"SMTP_PASSWORD": PASSWORD, "SMTP_USERNAME": "alerts-user"}

    def settings(self, port: int, **more: Any) -> Any:
        given = {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": "Alertes Télécom <alertes@example.fr>",
            "recipients": ["redaction@example.org"],
        }
        return EmailSettings(**(PATIENT | given | more))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with Sandbox() as sandbox:
            yield sandbox.smtp_port

    def hanging_up(self) -> raw.Handler:
        return raw.smtp([*raw.SMTP_TALK[:5], None])

    def silent(self) -> raw.Handler:
        return raw.smtp([*raw.SMTP_TALK[:5], b""])

    def rambling(self, answer: bytes) -> raw.Handler:
        replies: list[bytes | None] = list(raw.SMTP_TALK)
        replies[sum(answer) % len(replies)] = answer
        return raw.smtp(replies)

    def refusing_credentials(self) -> raw.Handler:
        return raw.smtp([*raw.SMTP_TALK[:2], b"530 5.7.0 Authentication required\r\n"])

    async def test_a_missing_secret_stops_the_channel_and_names_the_variable(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SMTP_PASSWORD")
        adapter = self.adapter(1, username_env="SMTP_USERNAME", password_env="SMTP_PASSWORD")
        with pytest.raises(ChannelDown, match="SMTP_PASSWORD"):
            await adapter.publish(self.post())


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    monkeypatch.setenv("SMTP_USERNAME", "alerts-user")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


def adapter_for(port: int, **more: Any) -> EmailAdapter:
    settings = TestContract().settings(port, **more)
    return EmailAdapter(Channel("press", EmailAdapter.spec, ("fr",), Audience.TEAM), settings)


@pytest.fixture
async def press(sandbox: Sandbox) -> AsyncIterator[EmailAdapter]:
    adapter = adapter_for(sandbox.smtp_port)
    yield adapter
    await adapter.close()


def a_post(**changes: Any) -> Post:
    return replace(TestContract().post(subject="Panne des numéros d'urgence"), **changes)


async def outcome(replies: list[bytes | None], **more: Any) -> Any:
    async with raw.listening(raw.smtp(replies)) as port:
        adapter = adapter_for(port, **more)
        try:
            return await adapter.publish(a_post())
        except ChannelError as error:
            return error
        finally:
            await adapter.close()


async def test_a_mail_arrives_whole(press: EmailAdapter, sandbox: Sandbox) -> None:
    receipt = await press.publish(a_post())
    mail = sandbox.posts.mails()[0]
    headers = dict(mail.headers)
    assert receipt.id == "<BKRT-1.7@example.fr>"
    assert mail.message_id == "BKRT-1.7@example.fr"
    assert mail.recipient == "redaction@example.org"
    assert mail.subject == "Panne des numéros d'urgence"
    assert mail.text.splitlines() == a_post().text.splitlines()
    assert mail.html is not None
    assert "numéros" in mail.html
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["From"] == "Alertes Télécom <alertes@example.fr>"
    assert {"Date", "To", "MIME-Version"} <= set(headers)
    assert "Bcc" not in headers


async def test_updates_hang_together(press: EmailAdapter, sandbox: Sandbox) -> None:
    await press.publish(a_post(references=("BKRT-0.3", "BKRT-0.5@example.fr")))
    mail = sandbox.posts.mails()[0]
    assert mail.in_reply_to == "BKRT-0.5@example.fr"
    assert mail.references == ("BKRT-0.3@example.fr", "BKRT-0.5@example.fr")


@pytest.mark.parametrize(
    ("address", "one_click"), [("mailto:stop@example.fr", False), ("https://example.fr/stop", True)]
)
async def test_readers_can_leave(sandbox: Sandbox, address: str, one_click: bool) -> None:
    press = adapter_for(sandbox.smtp_port, unsubscribe=address)
    await press.publish(a_post())
    await press.close()
    headers = dict(sandbox.posts.mails()[0].headers)
    assert headers["List-Unsubscribe"] == f"<{address}>"
    assert ("List-Unsubscribe-Post" in headers) is one_click


async def test_connections_are_few_and_used_again() -> None:
    opened = 0
    talk = [*raw.SMTP_TALK, *raw.SMTP_TALK[2:] * 5]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        writer.write(talk[0])
        for reply in talk[1:]:
            end = b"\r\n.\r\n" if reply == raw.SMTP_TALK[5] else b"\r\n"
            await reader.readuntil(end)
            writer.write(reply)

    async with raw.listening(handle) as port:
        press = adapter_for(port, connections=2)
        await asyncio.gather(*(press.publish(a_post(delivery=number)) for number in range(6)))
        await press.close()
    assert opened == 2


async def test_a_connection_that_has_grown_stale_is_replaced_without_a_word() -> None:
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        closing: list[bytes | None] = [*raw.SMTP_TALK, b"421 4.4.2 idle too long\r\n"]
        await raw.smtp(closing if opened == 1 else raw.SMTP_TALK)(reader, writer)

    async with raw.listening(handle) as port:
        press = adapter_for(port)
        await press.publish(a_post())
        await press.publish(a_post(delivery=8))
        await press.close()
    assert opened == 2


async def test_a_refused_recipient_leaves_the_connection_to_the_next(
    press: EmailAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("smtp:rcpt_550:match=gone@")
    with pytest.raises(Rejected):
        await press.publish(a_post(target="gone@example.org"))
    await press.publish(a_post())
    assert [mail.recipient for mail in sandbox.posts.mails()] == ["redaction@example.org"]


@pytest.fixture
def listens_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that hangs up during the text is heard before the dot, however busy the machine."""
    monkeypatch.setattr(wire, "LISTEN_SECONDS", 0.3)


@pytest.mark.usefixtures("listens_long")
@pytest.mark.parametrize(
    ("fault", "error", "scope"),
    [
        ("smtp:greeting_421", Unavailable, None),
        ("smtp:greeting_554", ChannelDown, None),
        ("smtp:mail_451", Unavailable, None),
        ("smtp:mail_550", ChannelDown, None),
        ("smtp:rcpt_450", Unavailable, None),
        ("smtp:rcpt_452", Unavailable, None),
        ("smtp:rcpt_550", Rejected, Scope.RECIPIENT),
        ("smtp:rcpt_571", ChannelDown, None),
        ("smtp:data_451", Unavailable, None),
        ("smtp:data_554", Rejected, Scope.MESSAGE),
        ("smtp:drop_before_dot", Unavailable, None),
        ("smtp:drop_after_dot", Uncertain, None),
    ],
)
async def test_error_map(
    press: EmailAdapter,
    sandbox: Sandbox,
    fault: str,
    error: type[ChannelError],
    scope: Scope | None,
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(error) as caught:
        await press.publish(a_post())
    assert getattr(caught.value, "scope", None) == scope


async def test_a_late_answer_to_the_dot_is_uncertain(sandbox: Sandbox) -> None:
    sandbox.faults.add("smtp:slow:delay=1")
    hasty = adapter_for(sandbox.smtp_port, dot_within=SOON)
    with pytest.raises(Uncertain):
        await hasty.publish(a_post())
    await hasty.close()


@pytest.mark.usefixtures("listens_long")
@pytest.mark.parametrize("step", range(5))
async def test_a_connection_that_breaks_before_the_dot_has_surely_not_delivered(step: int) -> None:
    assert isinstance(await outcome([*raw.SMTP_TALK[:step], None]), Unavailable)


@pytest.mark.parametrize("step", range(1, 5))
async def test_a_server_that_falls_silent_before_the_dot_has_surely_not_delivered(step: int) -> None:
    silent = [*raw.SMTP_TALK[:step], b""]
    assert isinstance(await outcome(silent, answer_within=SOON), Unavailable)


@pytest.mark.parametrize(
    ("phase", "code", "text", "error", "scope"),
    [
        (Phase.CONNECT, 421, "4.3.2 busy", Unavailable, None),
        (Phase.CONNECT, 521, "host takes no mail", ChannelDown, None),
        (Phase.AUTH, 535, "5.7.8 bad credentials", ChannelDown, None),
        (Phase.AUTH, 454, "4.7.0 later", Throttled, None),
        (Phase.AUTH, 454, "later", Unavailable, None),
        (Phase.MAIL, 530, "5.7.0 log in", ChannelDown, None),
        (Phase.MAIL, 452, "4.3.1 disk full", Unavailable, None),
        (Phase.MAIL, 552, "5.3.4 too big", Rejected, Scope.MESSAGE),
        (Phase.MAIL, 550, "no", ChannelDown, None),
        (Phase.RCPT, 450, "4.2.1 busy", Unavailable, None),
        (Phase.RCPT, 451, "4.7.1 greylisted", Throttled, None),
        (Phase.RCPT, 452, "4.2.2 full", Unavailable, None),
        (Phase.RCPT, 550, "5.1.1 unknown", Rejected, Scope.RECIPIENT),
        (Phase.RCPT, 551, "not here", Rejected, Scope.RECIPIENT),
        (Phase.RCPT, 552, "5.2.2 full", Rejected, Scope.RECIPIENT),
        (Phase.RCPT, 552, "over quota", Rejected, Scope.RECIPIENT),
        (Phase.RCPT, 553, "bad name", Rejected, Scope.RECIPIENT),
        (Phase.RCPT, 554, "5.1.10 null MX", Rejected, Scope.RECIPIENT),
        (Phase.RCPT, 550, "5.7.1 relaying denied", ChannelDown, None),
        (Phase.DATA, 550, "5.7.26 no SPF or DKIM", ChannelDown, None),
        (Phase.DATA, 451, "4.3.0 later", Unavailable, None),
        (Phase.DOT, 421, "4.7.28 unusual rate", Throttled, None),
        (Phase.DOT, 552, "5.3.4 too big", Rejected, Scope.MESSAGE),
        (Phase.DOT, 554, "5.6.0 content", Rejected, Scope.MESSAGE),
        (Phase.DOT, 550, "5.7.1 looks like spam", ChannelDown, None),
        (Phase.DOT, 354, "what", Uncertain, None),
        (Phase.DOT, None, "", Uncertain, None),
        (Phase.DATA, None, "", Unavailable, None),
        (Phase.RCPT, 999, "nonsense", Unavailable, None),
    ],
)
def test_what_a_reply_means(
    phase: Phase, code: int | None, text: str, error: type[ChannelError], scope: Scope | None
) -> None:
    found = meaning(Broken(phase, code, text), About("BKRT-1", "mx.example.org"))
    assert type(found) is error
    assert getattr(found, "scope", None) == scope


def test_greylisting_holds_back_one_recipient_and_a_rate_limit_all() -> None:
    about = About("BKRT-1", "mx.example.org")
    grey = meaning(Broken(Phase.RCPT, 451, "4.7.1 greylisted"), about)
    rate = meaning(Broken(Phase.MAIL, 421, "4.7.28 unusual rate"), about)
    assert isinstance(grey, Throttled)
    assert isinstance(rate, Throttled)
    assert (grey.whole_account, rate.whole_account) == (False, True)


@given(st.sampled_from(Phase), st.none() | st.integers(-1, 1000), st.text(max_size=40))
def test_before_the_dot_nothing_is_ever_uncertain(phase: Phase, code: int | None, text: str) -> None:
    found = meaning(Broken(phase, code, text), About("BKRT-1", "mx.example.org"))
    assert type(found) in (Rejected, Throttled, Unavailable, Uncertain, ChannelDown)
    assert phase is Phase.DOT or not isinstance(found, Uncertain)
    str(found).encode()


def test_an_error_repeats_neither_the_address_nor_a_secret() -> None:
    about = About("BKRT-1", "mx.example.org", ("hunter2", "bob@example.org"))
    text = str(meaning(Broken(Phase.RCPT, 550, "5.1.1 <bob@example.org> hunter2"), about))
    assert "bob@" not in text
    assert "hunter2" not in text


async def test_login(sandbox: Sandbox) -> None:
    account = SmtpAccount("alerts-user", PASSWORD)
    async with Sandbox(smtp=account) as strict:
        press = adapter_for(
            strict.smtp_port, username_env="SMTP_USERNAME", password_env="SMTP_PASSWORD"
        )
        await press.publish(a_post())
        assert "alertes@example.fr" in await press.identify()
        await press.close()
        assert len(strict.posts.mails()) == 1


async def test_a_wrong_password_stops_the_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Sandbox(smtp=SmtpAccount("alerts-user", "another")) as strict:
        press = adapter_for(
            strict.smtp_port, username_env="SMTP_USERNAME", password_env="SMTP_PASSWORD"
        )
        for call in (press.publish(a_post()), press.identify()):
            with pytest.raises(ChannelDown) as caught:
                await call
            TestContract().tells_no_secret(caught.value)
        await press.close()


async def test_a_server_without_login_or_without_starttls_is_a_matter_for_a_person(
    sandbox: Sandbox,
) -> None:
    for more in (
        {"username_env": "SMTP_USERNAME", "password_env": "SMTP_PASSWORD"},
        {"security": "starttls"},
    ):
        press = adapter_for(sandbox.smtp_port, **more)
        with pytest.raises(ChannelDown):
            await press.publish(a_post())
        await press.close()


@pytest.fixture
async def encrypted(certificate: tuple[Path, Path]) -> AsyncIterator[Sandbox]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with Sandbox(tls=context, smtp=SmtpAccount("alerts-user", PASSWORD)) as running:
        yield running


LOGIN = {"username_env": "SMTP_USERNAME", "password_env": "SMTP_PASSWORD"}


async def test_starttls_with_a_certificate_we_trust(
    encrypted: Sandbox, certificate: tuple[Path, Path]
) -> None:
    press = adapter_for(encrypted.smtp_port, security="starttls", ca_file=certificate[0], **LOGIN)
    await press.publish(a_post())
    await press.close()
    assert len(encrypted.posts.mails()) == 1


async def test_a_certificate_that_nobody_vouches_for_is_a_matter_for_a_person(
    encrypted: Sandbox,
) -> None:
    press = adapter_for(encrypted.smtp_port, security="starttls", **LOGIN)
    with pytest.raises(ChannelDown):
        await press.publish(a_post())
    await press.close()
    assert encrypted.posts.mails() == []


async def test_tls_to_a_server_that_speaks_none(sandbox: Sandbox) -> None:
    press = adapter_for(sandbox.smtp_port, security="tls")
    with pytest.raises(Unavailable):
        await press.publish(a_post())
    await press.close()


async def test_letters_beyond_ascii_need_a_server_that_takes_them(
    press: EmailAdapter, sandbox: Sandbox
) -> None:
    await press.publish(a_post(target="rené@bücher.example"))
    assert sandbox.posts.mails()[0].recipient == "rené@xn--bcher-kva.example"
    refused = await outcome_for("rené@example.org")
    assert isinstance(refused, Rejected)
    assert refused.scope is Scope.RECIPIENT


async def outcome_for(target: str) -> Any:
    async with raw.listening(raw.smtp()) as port:
        press = adapter_for(port)
        try:
            return await press.publish(a_post(target=target))
        except ChannelError as error:
            return error
        finally:
            await press.close()


@pytest.mark.parametrize(
    "target",
    ["bob", "a@b@", "@example.org", "bob@", "bob@exa mple.org", "bob\r\nRCPT TO:<eve@example.org>@example.org",
     "bob@example.org\r\nBcc: eve@example.org", "bob>@example.org", "b,eve@example.org", ".bob@example.org",
     "bob@-example.org", "bob@example..org", "x" * 65 + "@example.org", "bob@" + "a." * 130 + "org", ""],
)  # fmt: skip
async def test_a_target_that_is_no_address_never_reaches_the_server(target: str) -> None:
    refused = await outcome_for(target)
    assert isinstance(refused, Rejected)
    assert refused.scope is Scope.RECIPIENT


def parsed(post: Post, target: str = "bob@example.org") -> EmailMessage:
    common = message.shared(post, Address("A", addr_spec="alertes@example.fr"), None)
    own = message.addressed(post, "example.fr", target, datetime(2021, 6, 2, tzinfo=UTC))
    mail = own + common
    found = BytesParser(policy=default).parsebytes(mail)
    assert isinstance(found, EmailMessage)
    return found


HEADERS = {"Date", "To", "Message-ID", "From", "Subject", "Content-Language", "Auto-Submitted",
           "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "In-Reply-To", "References"}  # fmt: skip


@given(
    st.text(max_size=200),
    st.text(max_size=80),
    st.text(max_size=40),
    st.lists(st.text(max_size=30), max_size=3),
)
def test_no_text_can_add_a_header(text: str, subject: str, name: str, earlier: list[str]) -> None:
    post = a_post(text=text, subject=subject, message_id=name, references=tuple(earlier), html=None)
    mail = parsed(post)
    assert set(mail.keys()) <= HEADERS
    assert len(mail.keys()) == len(set(mail.keys()))
    assert mail["To"] == "bob@example.org"


def test_a_text_comes_back_as_it_went() -> None:
    text = "é ☎ " * 200 + "\n.\n..\nFrom here\n\tend"
    mail = parsed(a_post(text=text))
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == text.splitlines()


def test_a_long_id_is_neither_folded_nor_encoded() -> None:
    name = "a" * 200
    mail = parsed(a_post(message_id=name, references=(name,)))
    assert mail["Message-ID"] == f"<{name}@example.fr>"
    assert str(mail["References"]) == f"<{name}@example.fr>"


def test_many_references_keep_the_first_and_the_newest() -> None:
    found = str(parsed(a_post(references=tuple(f"m{n}" for n in range(100))))["References"]).split()
    assert (len(found), found[0], found[-1]) == (20, "<m0@example.fr>", "<m99@example.fr>")


async def test_a_line_of_one_dot_does_not_end_the_mail(press: EmailAdapter, sandbox: Sandbox) -> None:
    await press.publish(a_post(text="before\n.\nafter\n..\n", html=None))
    assert sandbox.posts.mails()[0].text.splitlines() == ["before", ".", "after", ".."]


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "no address"},
        {"sender": "A <a@example.org>\r\nBcc: eve@example.org"},
        {"sender": "rené@example.org"},
        {"unsubscribe": "http://example.org"},
        {"unsubscribe": "https://example.org/>\r\nBcc: x"},
        {"host": "mx.example.org/x"},
        {"security": "maybe"},
        {"connections": 0},
    ],
)
def test_wrong_settings(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TestContract().settings(25, **more)


def test_a_password_never_goes_over_an_open_line() -> None:
    login = {"username_env": "SMTP_USERNAME", "password_env": "SMTP_PASSWORD"}
    settings = TestContract().settings
    assert [key for key, _why in settings(25, host="mx.example.org", **login).faults()] == ["security"]
    assert not list(settings(25, **login).faults())
    assert not list(settings(25, host="mx.example.org").faults())
    assert not list(settings(25, host="mx.example.org", security="starttls", **login).faults())


# ---------------------------------------------------------------- recipients


def targets(tmp_path: Path, content: str | bytes) -> tuple[Target, ...]:
    path = tmp_path / "recipients.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    settings = TestContract().settings(25, recipients=Path("recipients.csv"))
    settings.bind("channels.press", tmp_path)
    return EmailAdapter.targets(settings)


def test_a_list_in_the_configuration() -> None:
    settings = TestContract().settings(
        25,
        recipients=[
            "Maire@Example.ORG",
            "maire@example.org",
            "a@bücher.example",
            "A@xn--bcher-kva.example",
        ],
    )
    assert [target.address for target in EmailAdapter.targets(settings)] == [
        "Maire@example.org",
        "a@bücher.example",
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("comma", [",", ";"])
def test_a_csv_file(tmp_path: Path, comma: str, mark: str) -> None:
    rows = [
        ["Address", "lang", "topics"],
        ["a@example.org", "fr", "samu|fire"],
        ["b@example.org", "", ""],
    ]
    found = targets(tmp_path, mark + "\r\n".join(comma.join(row) for row in rows) + "\r\n\r\n")
    assert found == (Target("a@example.org", "fr", ("samu", "fire")), Target("b@example.org"))


def test_one_column_is_enough_and_doubles_are_one(tmp_path: Path) -> None:
    assert targets(tmp_path, "address\na@example.org\na@EXAMPLE.org\n") == (Target("a@example.org"),)


def test_a_double_adds_its_topics_and_fills_in_the_language(tmp_path: Path) -> None:
    found = targets(tmp_path, "address,lang,topics\na@example.org,,x\na@Example.org,en,y x\n")
    assert found == (Target("a@example.org", "en", ("x", "y")),)


def test_every_wrong_row_is_named(tmp_path: Path) -> None:
    rows = [
        "address,lang",
        "good@example.org,fr",
        "bad,fr",
        "b@example.org,French",
        "c@example.org,fr,x,y",
    ]
    with pytest.raises(ConfigInvalid) as caught:
        targets(tmp_path, "\n".join(rows))
    assert [line.partition("csv:")[2][0] for line in caught.value.lines] == ["3", "4", "5"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        "",
        "mail,lang\na@example.org,fr\n",
        "address,address\n",
        "address,phone\n",
        "address\n\x00\n",
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_sentence(
    tmp_path: Path, content: str | bytes
) -> None:
    with pytest.raises(ConfigInvalid, match=r"recipients\.csv"):
        targets(tmp_path, content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    settings = TestContract().settings(25, recipients=Path("nowhere.csv"))
    settings.bind("channels.press", tmp_path)
    with pytest.raises(ConfigInvalid, match=r"nowhere\.csv"):
        EmailAdapter.targets(settings)


@given(st.text(max_size=40))
def test_an_address_that_passes_is_one_line_without_brackets(text: str) -> None:
    try:
        found = message.checked(text)
    except ValueError:
        return
    assert not set(found) & set("\r\n<> ,;:\0")


async def test_an_update_answers_the_id_that_the_receipt_of_the_first_mail_gave(
    press: EmailAdapter, sandbox: Sandbox
) -> None:
    first = await press.publish(a_post(message_id="BKRT-1.7"))
    await press.publish(a_post(message_id="BKRT-2.9", references=(first.id,)))
    mails = sandbox.posts.mails()
    assert first.id == f"<{mails[0].message_id}>" == "<BKRT-1.7@example.fr>"
    assert mails[1].in_reply_to == mails[0].message_id


async def test_a_picture_stands_inside_the_html_and_the_text_is_whole_without_it(
    press: EmailAdapter, sandbox: Sandbox
) -> None:
    page = "<html><body><main><p>Panne</p></main></body></html>"
    post = a_post(html=page, picture=CARD, alt='SAMU "Rhône" : 04 65 71 00 01')
    await press.publish(post)
    await press.publish(replace(post, picture=None, alt=None))
    with_it, without = sandbox.posts.mails()
    assert [(one.description, one.content) for one in with_it.pictures] == [(post.alt, CARD.content)]
    assert with_it.text.split() == without.text.split() == post.text.split()
    assert (with_it.html or "").index("<img") < (with_it.html or "").index("</main>")
    assert without.pictures == ()
    types = [
        part.get_content_type() for part in BytesParser(policy=default).parsebytes(with_it.raw).walk()
    ]
    assert types == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]


SUBJECT_WORDS = (
    "les appels d'urgence en Haute-Savoie et en Isère échouent", "au 15, au 17 et au 18 dans le Rhône et à Béziers",
    "Point de 16:13 : 112", "numéros d’urgence", "«\u00a0non joignables\u00a0»", "=?utf-8?q?non?=", "l'Haÿ-les-Roses",
    "Œuf", "🚨", "emergency calls fail", "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson", "(suite)", "a@b", "é", "-", "?=",
    'dit "coupé"', "; fin", "C:\\réseau", "<Rhône>", "% 50", "à", "[BKRT-1]",
)  # fmt: skip


def _subjects(most: int) -> st.SearchStrategy[str]:
    words = st.sampled_from(SUBJECT_WORDS) | st.text(
        st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Mn"]), min_size=1, max_size=30
    )
    return st.lists(words, min_size=1, max_size=most).map(" ".join)


def _arrived(mail: bytes) -> EmailMessage:
    found = BytesParser(EmailMessage, policy=default).parsebytes(mail)
    assert isinstance(found, EmailMessage)
    lines = mail.partition(b"\r\n\r\n")[0].split(b"\r\n")
    # RFC 5322, 2.1.1: at most 78 where it can be folded; the library leaves a name in quotes whole
    assert all(len(line) <= (998 if line.startswith(b'From: "') else 78) for line in lines)
    return found


@settings(max_examples=examples(5000), deadline=None)
@given(_subjects(9), _subjects(3))
def test_subject_and_sender_arrive_as_they_were_approved(subject: str, name: str) -> None:
    sender = Address(name, addr_spec="a@example.org")
    found = _arrived(message.shared(a_post(subject=subject), sender, None))
    assert str(found["Subject"]) == subject
    if len(name.encode()) <= 45:  # of longer ones the parser spoils even what is right
        (address,) = found["From"].addresses
        assert (address.display_name, address.addr_spec) == (name, "a@example.org")


def test_thousands_of_everyday_subjects_arrive_as_they_were_approved() -> None:
    """As often as the library loses a blank, thousands of these would be altered (everyday only a few are tried)."""
    chance = random.Random(16)
    for _number in range(examples(50_000)):
        subject = " ".join(chance.choices(SUBJECT_WORDS, k=chance.randint(1, 8)))
        arrived = "".join(
            word.decode(charset or "ascii") if isinstance(word, bytes) else word
            for word, charset in decode_header(message.encoded(subject).replace("\r\n", ""))
        )
        assert arrived == subject


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("EXERCICE: Préfecture <a@example.org>", "EXERCICE: Préfecture", "a@example.org"),
        ("Préfecture, presse <a@example.org>", "Préfecture, presse", "a@example.org"),
        ('"Préfecture; \\"presse\\"" <a@example.org>', 'Préfecture; "presse"', "a@example.org"),
        ("Alertes (112) <a@example.org>", "Alertes (112)", "a@example.org"),
        ("a@example.org", "", "a@example.org"),
        ("<a@example.org>", "", "a@example.org"),
        ("Presse <a@straße.example>", "Presse", "a@xn--strae-oqa.example"),
    ],
)
async def test_the_whole_name_of_the_sender_arrives(
    sandbox: Sandbox, written: str, name: str, address: str
) -> None:
    press = adapter_for(sandbox.smtp_port, sender=written)
    await press.publish(a_post())
    await press.close()
    found = _arrived(message.shared(a_post(), message.parted(written), None))["From"].addresses[0]
    assert (found.display_name, found.addr_spec) == (name, address)
    assert len(sandbox.posts.mails()) == 1


@pytest.mark.parametrize(
    "written", ["a\nb <a@example.org>", "Presse <é@example.org>", "Presse", "a <b> <c@example.org>", ""]
)
def test_a_sender_that_is_none_is_told(written: str) -> None:
    with pytest.raises(ValidationError):
        TestContract().settings(25, sender=written)


@pytest.mark.parametrize(
    ("domain", "ascii_"),
    [
        ("straße.example", "xn--strae-oqa.example"),  # not strasse.example, which is somebody else's
        ("faß.example", "xn--fa-hia.example"),
        ("Préfecture.example", "xn--prfecture-c4a.example"),
        ("example.ORG", "example.org"),
    ],
)
def test_a_domain_is_never_taken_for_another(domain: str, ascii_: str) -> None:
    assert message.in_ascii(domain) == ascii_
    assert message.checked(f"a@{domain}").startswith("a@")


@pytest.mark.parametrize("domain", ["☃.example", "a‍b.example", "é" * 64 + ".example"])
def test_a_domain_that_idna_2008_does_not_know_is_told_early(domain: str) -> None:
    with pytest.raises(ConfigInvalid):
        recipients.listed([f"a@{domain}"], Path())


def test_letters_beyond_ascii_before_the_at_are_told_early() -> None:
    found = list(TestContract().settings(25, recipients=["é@example.org", "a@example.org"]).warnings())
    assert [key for key, _told in found] == ["recipients"]
    assert "é@example.org" in found[0][1]
    assert not list(TestContract().settings(25).warnings())


def test_an_address_that_a_server_repeats_in_other_letters_is_kept_out_of_the_record() -> None:
    """The audit keeps reasons for ever, so that nobody could be erased from them."""
    about = About("BKRT-1", "mx.example.org", ("Maire@example.org",))
    broken = Broken(Phase.RCPT, 550, "5.1.1 <MAIRE@EXAMPLE.ORG> is unknown")
    assert "maire" not in str(meaning(broken, about)).lower()
