"""What this program signs, another implementation verifies; what is changed on the way, it refuses."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from alertbot.channels import base
from alertbot.channels.email.adapter import EmailAdapter
from alertbot.channels.email.settings import EmailSettings
from alertbot.core.errors import ChannelDown
from alertbot.core.model import Audience, Channel, Post, Target
from tests.channels import raw

LINK_SECRET = "a-secret-of-the-links-for-the-tests-only"
SIGNED = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "content-type",
}
TEXT = "Bonjour.\n\n.un point  au début \nDeux  espaces\t\n\n\n"


def key(kind: str) -> tuple[bytes, bytes]:
    """A private key in PEM, and what the DNS says of it."""
    made = (
        rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    )
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    from base64 import b64encode

    if isinstance(made, rsa.RSAPrivateKey):
        public = made.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    else:
        public = made.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
    return pem, b"v=DKIM1; k=" + kind.encode() + b"; p=" + b64encode(public)


def dns(record: bytes) -> Callable[..., bytes | None]:
    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        return record if name == b"alertes2026._domainkey.example.fr." else None

    return ask


def adapter(port: int, tmp_path: Path, **more: object) -> EmailAdapter:
    settings = EmailSettings.model_validate(
        {
            "host": "127.0.0.1", "port": port, "security": "none", "recipients": ["a@example.org"],
            "sender": "Préfecture d'essai <alertes@info.example.fr>", "one_click": "https://alertes.example.org",
            "link_secret_env": "LINK_SECRET", "unsubscribe": "mailto:stop@example.fr",
            "dkim": {"selector": "alertes2026", "domain": "example.fr", "key_file": str(tmp_path / "dkim.pem")}, **more,
        }
    )  # fmt: skip
    channel = Channel("press", base.EMAIL, ("fr",), Audience.LIVE, (Target("a@example.org"),))
    return EmailAdapter(channel, settings)


def post(number: int, text: str = TEXT) -> Post:
    return Post(
        "ABCD-1", number, 1, f"lecteur{number}@example.org", "fr", text, html=f"<p>{text}</p>",
        subject="Panne des numéros d’urgence dans le Rhône, le Var et la Réunion", born=datetime.now(UTC),
        references=("ABCD-0.1", "ABCD-0.2"),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_another_implementation_verifies_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINK_SECRET", LINK_SECRET)
    pem, record = key(kind)
    (tmp_path / "dkim.pem").write_bytes(pem)
    one = adapter(1, tmp_path)
    texts = [one.mail(post(number, text)).text for number, text in enumerate((TEXT, TEXT, "Fin."))]
    for sent in texts:
        mail = re.sub(rb"(?m)^\.\.", b".", sent)  # as the server gets it
        assert dkim.verify(mail, dnsfunc=dns(record))
        [names] = re.findall(rb"\n h=([^;]*);", mail)
        assert {name.strip().decode() for name in names.split(b":")} >= SIGNED
        for before, after in (
            (b"Bonjour", b"Bonsoir"),
            (b"Fin.", b"Fini."),
            (b"/u/", b"/v/"),
            (b"To: <l", b"To: <m"),
        ):
            if before in mail:
                assert not dkim.verify(mail.replace(before, after, 1), dnsfunc=dns(record))
        assert not dkim.verify(b"From: x@example.fr\r\n" + mail, dnsfunc=dns(record))


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), (b"nothing", "no private key in PEM"), (b"", "no private key")],
)
async def test_without_a_usable_key_nothing_goes_out_unsigned(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINK_SECRET", LINK_SECRET)
    if content is not None:
        (tmp_path / "dkim.pem").write_bytes(content)
    async with raw.listening(raw.smtp(list(raw.SMTP_TALK))) as port:
        one = adapter(port, tmp_path)
        with pytest.raises(ChannelDown, match=said):
            await one.publish(post(1))
        await one.close()


def test_a_signature_of_another_domain_is_a_fault(tmp_path: Path) -> None:
    other = {"selector": "a", "domain": "example.com", "key_file": "dkim.pem"}
    assert [key for key, _said in adapter(1, tmp_path, dkim=other).settings.faults()] == ["dkim.domain"]
    above = {"selector": "a", "domain": "fr", "key_file": "dkim.pem"}
    assert list(adapter(1, tmp_path, dkim=above).settings.faults()) == []
