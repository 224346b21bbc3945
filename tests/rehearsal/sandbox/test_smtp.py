"""The mail server of the sandbox, called by aiosmtplib."""

import shutil
import ssl
import subprocess
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from alertbot.rehearsal.sandbox.accounts import SmtpAccount
from alertbot.rehearsal.sandbox.faults import FAULTS
from alertbot.rehearsal.sandbox.server import Sandbox

TO = "redaction@example.org"


def mail(to: str = TO, subject: str = "Numéros d’urgence") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Alerte <alerte@example.fr>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<BKRT-1.redaction@example.fr>"
    message["In-Reply-To"] = "<BKRT-0.redaction@example.fr>"
    message["References"] = "<BKRT-0.redaction@example.fr>"
    message.set_content("Les appels au 15 échouent.\n.\nUn point seul ne finit rien.\n")
    message.add_alternative("<p>Les appels au <b>15</b> échouent.</p>", subtype="html")
    message["Content-Language"] = "fr"
    return message


def client(sandbox: Sandbox, **options: object) -> aiosmtplib.SMTP:
    settings = {"hostname": "127.0.0.1", "port": sandbox.smtp_port, "timeout": 5, "start_tls": None}
    return aiosmtplib.SMTP(**{**settings, **options})


async def test_a_mail_is_kept_whole(sandbox: Sandbox) -> None:
    async with client(sandbox) as smtp:
        refused, answer = await smtp.send_message(mail())
    assert (refused, answer) == ({}, "2.0.0 OK queued as Q1")
    (kept,) = sandbox.posts.mails()
    assert kept.subject == "Numéros d’urgence"
    assert kept.text.splitlines()[:2] == ["Les appels au 15 échouent.", "."]
    assert kept.html is not None
    assert "<b>15</b>" in kept.html
    assert (kept.sender, kept.recipient, kept.language) == ("alerte@example.fr", TO, "fr")
    assert kept.message_id == "BKRT-1.redaction@example.fr"
    assert kept.references == (kept.in_reply_to,) == ("BKRT-0.redaction@example.fr",)


async def test_each_recipient_gets_a_copy(sandbox: Sandbox) -> None:
    people = ["un@example.org", "deux@example.org", "trois@example.org"]
    sandbox.faults.add("smtp:rcpt_550:match=deux@")
    async with client(sandbox) as smtp:
        refused, _answer = await smtp.send_message(mail(), recipients=people)
    assert list(refused) == ["deux@example.org"]
    assert refused["deux@example.org"].code == 550
    assert [kept.recipient for kept in sandbox.posts.mails()] == ["un@example.org", "trois@example.org"]


async def test_a_mail_that_cannot_be_read_is_kept_as_it_came(sandbox: Sandbox) -> None:
    raw = b"Subject: =?utf-9?Q?x?=\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff\xfe"
    async with client(sandbox) as smtp:
        await smtp.sendmail("a@example.fr", [TO], raw)
        await smtp.sendmail("a@example.fr", [TO], b"no header at all")
    first, second = sandbox.posts.mails()
    assert first.raw.startswith(b"Subject:")
    assert (second.recipient, second.message_id) == (TO, "")


REFUSED: dict[str, tuple[type[aiosmtplib.SMTPException], int]] = {
    "mail_451": (aiosmtplib.SMTPSenderRefused, 451),
    "mail_550": (aiosmtplib.SMTPSenderRefused, 550),
    "data_451": (aiosmtplib.SMTPDataError, 451),
    "data_554": (aiosmtplib.SMTPDataError, 554),
}
RECIPIENT = {"rcpt_450": 450, "rcpt_452": 452, "rcpt_550": 550, "rcpt_571": 550}
GREETING = {"greeting_421": 421, "greeting_554": 554}
DROPPED = {"drop_before_dot": 0, "drop_after_dot": 1}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_leaves_the_connection_usable(sandbox: Sandbox, name: str) -> None:
    kind, code = REFUSED[name]
    sandbox.faults.add(f"smtp:{name}")
    async with client(sandbox) as smtp:
        with pytest.raises(kind) as raised:
            await smtp.send_message(mail())
        assert raised.value.code == code  # type: ignore[attr-defined]
        assert not sandbox.posts
        await smtp.send_message(mail())
    assert len(sandbox.posts) == 1


@pytest.mark.parametrize("name", RECIPIENT)
async def test_a_recipient_is_refused(sandbox: Sandbox, name: str) -> None:
    sandbox.faults.add(f"smtp:{name}")
    async with client(sandbox) as smtp:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as raised:
            await smtp.send_message(mail())
    assert raised.value.recipients[0].code == RECIPIENT[name]


@pytest.mark.parametrize("name", GREETING)
async def test_a_greeting_that_turns_away(sandbox: Sandbox, name: str) -> None:
    sandbox.faults.add(f"smtp:{name}")
    with pytest.raises(aiosmtplib.SMTPConnectResponseError) as raised:
        await client(sandbox).connect()
    assert raised.value.code == GREETING[name]
    async with client(sandbox) as smtp:
        await smtp.send_message(mail())


@pytest.mark.parametrize("name", DROPPED)
async def test_hanging_up_in_the_text(sandbox: Sandbox, name: str) -> None:
    sandbox.faults.add(f"smtp:{name}:match={TO}")
    smtp = client(sandbox)
    await smtp.connect()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await smtp.send_message(mail())
    smtp.close()
    assert len(sandbox.posts) == DROPPED[name]
    async with client(sandbox) as again:
        await again.send_message(mail())
    assert len(sandbox.posts) == DROPPED[name] + 1


async def test_a_slow_answer_is_too_late_for_the_impatient(sandbox: Sandbox) -> None:
    sandbox.faults.add("smtp:slow:delay=0.3")
    smtp = client(sandbox, timeout=0.1)
    await smtp.connect()
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await smtp.send_message(mail())
    smtp.close()


async def test_a_login_where_one_is_asked_for() -> None:
    async with Sandbox(smtp=SmtpAccount("alerte", "secret")) as sandbox:
        async with client(sandbox) as smtp:
            with pytest.raises(aiosmtplib.SMTPSenderRefused) as raised:
                await smtp.send_message(mail())
            assert raised.value.code == 530
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await smtp.login("alerte", "wrong")
        async with client(sandbox) as smtp:
            await smtp.login("alerte", "secret")
            await smtp.send_message(mail())
        assert len(sandbox.posts) == 1


async def test_without_a_certificate_no_starttls_is_offered(sandbox: Sandbox) -> None:
    async with client(sandbox) as smtp:
        assert not smtp.supports_extension("starttls")
        assert not smtp.supports_extension("auth")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, path = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    make += " -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", key, "-out", path], check=True, capture_output=True)
    path.write_text(key.read_text() + path.read_text())
    return path


async def test_starttls_with_a_certificate_of_the_caller(certificate: Path) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with Sandbox(tls=serving) as sandbox:
        async with client(sandbox, start_tls=True, tls_context=trusting) as smtp:
            await smtp.send_message(mail())
        assert len(sandbox.posts) == 1
        with pytest.raises(ssl.SSLCertVerificationError):
            await client(sandbox, start_tls=True).connect()


def test_every_fault_of_mail_is_tried_here() -> None:
    tried = {*REFUSED, *RECIPIENT, *GREETING, *DROPPED, "slow"}
    assert tried == {kind.name for kind in FAULTS if kind.platform == "smtp"}
