"""What SpamAssassin says of our mails, offline (`spamassassin -L`): every shipped kind in every language."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from alertbot.alerts.compose import DraftRequest, look
from alertbot.channels import base
from alertbot.channels.email.adapter import EmailAdapter
from alertbot.channels.email.settings import EmailSettings
from alertbot.core.model import Audience, Channel, Message, Picture, Post, Target
from alertbot.regions import packs
from alertbot.regions.facts import using
from alertbot.texts.kinds import catalogue
from tests.channels.test_dkim import key
from tests.peers import mailers
from tests.texts.test_languages import publisher

pytestmark = pytest.mark.thorough

MOST, MOST_WITH_PICTURE = 2.0, 3.0  # points; SpamAssassin calls it spam from 5 on
HOMES = {"fr": "FR", "en": "FR", "nl": "NL", "de": "DE", "cy": "GB", "es": "ES"}
SHOWN = Path(__file__).parents[2] / "docs" / "how-to" / "mail-to-large-lists.md"
RECEIVED = (  # as the last of a line of trusted machines writes it
    b"Return-Path: <retours+2-871b71eb0e678e51@example.org>\r\n"
    b"Received: from mail.example.org (mail.example.org [192.0.2.25]) by mx.example.com (Postfix) with ESMTPS id 4F1\r\n"
    b"\tfor <b@example.com>; %s\r\n"
)


FROM = re.compile(rb"(?m)^From ")
SAID = re.compile(
    rb"X-Spam-Status: (?:Yes|No), score=(-?[\d.]+).*?tests=([\w,\s]*?)\s+autolearn.*?^X-Which: (\d+)",
    re.DOTALL | re.MULTILINE,
)


def _picture() -> Picture:
    """As large as a card."""
    drawn = Image.linear_gradient("L").resize((1200, 675))
    file = BytesIO()
    drawn.save(file, "PNG")
    return Picture(sha256(file.getvalue()).hexdigest(), "image/png", 1200, 675, file.getvalue())


CARD = _picture()


def mail_of(adapter: EmailAdapter, one: Message, picture: Picture | None = None) -> bytes:
    post = Post("BKRT-1", 7, 1, "b@example.com", one.lang, one.text, one.html, one.subject)
    alt = one.text if picture else None
    made = adapter.mail(replace(post, message_id="BKRT-1.7", picture=picture, alt=alt))
    text = re.sub(rb"(?m)^\.\.", b".", made.text)
    date = re.search(rb"(?m)^Date: (.*?)\r$", text)
    assert date is not None
    return RECEIVED % date[1] + text


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> EmailAdapter:
    folder = tmp_path_factory.mktemp("spam")
    (folder / "dkim.pem").write_bytes(key("rsa")[0])
    (folder / "link").write_text("a-secret-of-the-links-for-the-tests-only")
    settings = EmailSettings.model_validate(
        {
            "host": "127.0.0.1", "security": "none", "recipients": ["b@example.com"],
            "sender": "Préfecture d'essai <alertes@example.org>", "one_click": "https://alertes.example.org",
            "returns": "retours@example.org", "unsubscribe": "mailto:stop@example.org",
            "link_secret_file": str(folder / "link"),
            "dkim": {"selector": "alertes2026", "key_file": str(folder / "dkim.pem")},
        }
    )  # fmt: skip
    targets = (Target("b@example.com"),)
    channel = Channel("mail", base.EMAIL, ("fr",), Audience.LIVE, targets=targets)
    made = EmailAdapter(channel, settings)
    made._ready()
    return made


def letters() -> Iterator[tuple[str, str, Message]]:
    """Each kind in each of its languages."""
    for kind in catalogue.load():
        for lang in kind.languages:
            with using(packs.load(HOMES[lang])):
                made = publisher(*dict.fromkeys(["en", lang]))
                if kind.audiences:
                    relay = {
                        n: replace(c, audience=kind.audiences[-1]) for n, c in made.channels.items()
                    }
                    made = replace(made, channels=relay)
                found = look(made, DraftRequest(kind.name)).composition
                texts = [one for one in found.messages if (one.type, one.lang) == ("email", lang)]
            assert texts, (kind.name, lang)
            yield kind.name, lang, texts[0]


def test_every_kind_in_every_language_is_far_from_spam(adapter: EmailAdapter) -> None:
    mailers.need("spamassassin")
    mails, names = [], []
    for kind, lang, text in letters():
        for picture in (None, CARD) if lang == "fr" else (None,):
            names.append((kind, lang, picture is not None))
            mails.append(b"X-Which: %d\r\n" % len(mails) + mail_of(adapter, text, picture))
    box = b"".join(
        b"From a@example.org Mon Jan  1 00:00:00 2026\n" + FROM.sub(b">From ", one.replace(b"\r\n", b"\n"))
        + b"\n" for one in mails
    )  # fmt: skip
    command = ["spamassassin", "-L", "--mbox", "--cf=score RCVD_ILLEGAL_IP 0"]  # an address of examples
    done = subprocess.run(command, input=box, capture_output=True, timeout=280, check=True)
    found = [
        (float(score), *names[int(which)], b"".join(rules.split()).decode())
        for score, rules, which in SAID.findall(done.stdout)
    ]
    assert sorted(one[1:4] for one in found) == sorted(names)
    assert [one for one in found if one[0] >= (MOST_WITH_PICTURE if one[3] else MOST)] == []
    worst = {shown: max(one[0] for one in found if one[3] == shown) for shown in (False, True)}
    said = (
        f"SpamAssassin 4 gives every shipped kind, in each of its languages, at most {worst[False]:.1f} points, and"
        f" {worst[True]:.1f} with a picture"
    )
    assert said in " ".join(SHOWN.read_text("utf-8").split())
