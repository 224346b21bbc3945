"""Mail against what it is for: Postfix takes it, Dovecot shows it as a mail program sees it, and what comes back is read
there. See `mailers`; `.ci/run` installs them."""

import asyncio
import imaplib
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path
from typing import Any

import dkim
import pytest

from alertbot.app import build
from alertbot.channels.email.mailbox import ImapServer, MailboxUnread, ReturnsBox, ReturnsPlace
from alertbot.ops.returning import ReturnsKeeper
from alertbot.people import recipients
from tests import program
from tests.channels.test_dkim import dns, key
from tests.cli import desk as desks
from tests.cli.desk import Desk
from tests.peers import mailers
from tests.peers.mailers import PASSWORD, PostOffice

pytestmark = pytest.mark.thorough  # servers in processes; without them: tests/people/test_returned.py

LINK_SECRET = "a-secret-of-the-links-for-the-tests-only"
SECRETS = {"LINK_SECRET": LINK_SECRET, "BOX_USER": "retours", "BOX_PASSWORD": PASSWORD}
LIMIT = 60.0
GONE = (Path(__file__).parent.parent / "channels" / "returned" / "dsn_12.txt").read_bytes()
PEM, RECORD = key("rsa")


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[PostOffice]:
    mailers.need("postfix", "dovecot", "openssl")
    with mailers.folder_for_servers("mail") as folder:
        opened = PostOffice(folder, certificate)
        try:
            opened.start()
            yield opened
        finally:
            opened.stop()


@pytest.fixture
def empty(office: PostOffice) -> PostOffice:
    """The same, with nothing in any mailbox."""
    for user in mailers.USERS:
        shutil.rmtree(office.boxes / user, ignore_errors=True)
    return office


@pytest.fixture
def team(tmp_path: Path, empty: PostOffice, certificate: tuple[Path, Path]) -> Desk:
    """A team that mails to two mailboxes and to one that does not exist."""
    opened = desks.opened(tmp_path)
    (tmp_path / "dkim.pem").write_bytes(PEM)
    (tmp_path / "dkim.pem").chmod(0o600)
    opened.configure(channels={"mail": settings(empty, certificate[0]), "team": TEAM})
    return opened


TEAM = {"type": "memory", "audience": "team"}


def settings(office: PostOffice, ca_file: Path, **more: Any) -> dict[str, Any]:
    return {
        "type": "email", "host": "127.0.0.1", "port": office.smtp, "security": "none", "ca_file": str(ca_file),
        "sender": "Préfecture d'essai <alertes@info.example.fr>", "link_secret_env": "LINK_SECRET",
        "recipients": ["maire@example.org", "temoin@example.org", "nobody@example.org"], "languages": ["fr"],
        "dkim": {"selector": "alertes2026", "domain": "example.fr", "key_file": "dkim.pem"},
        "one_click": "https://alertes.example.org", "returns": "retours@example.org", "returns_host": "127.0.0.1",
        "returns_port": office.imaps, "returns_username_env": "BOX_USER", "returns_password_env": "BOX_PASSWORD",
        "returns_done": "Traités & lus", "returns_every": "1s",
    } | more  # fmt: skip


@contextmanager
def inbox(office: PostOffice, user: str) -> Iterator[imaplib.IMAP4]:
    box = imaplib.IMAP4("127.0.0.1", office.imap, timeout=LIMIT)
    box.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{PASSWORD}".encode())
    box.select()
    try:
        yield box
    finally:
        box.logout()


def raw_mails(office: PostOffice, user: str) -> list[bytes]:
    with inbox(office, user) as box:
        found = box.fetch("1:*", "(BODY.PEEK[])")[1] if box.select()[1] != [b"0"] else []
    return [one[1] for one in found if isinstance(one, tuple)]


def mails(office: PostOffice, user: str) -> list[Message]:
    return [message_from_bytes(one, policy=policy.default) for one in raw_mails(office, user)]


def until(condition: Callable[[], object], seconds: float = LIMIT) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def approved(team: Desk, *follows: str) -> str:
    """A first word, or what `follows`, approved."""
    if follows:
        answer = team.run(*follows, "--submit", "--json", by="ada")
        assert answer.code == 0, answer.err
        alert = str(answer.json["id"])
        team.does("show", alert, by="bo")
    else:
        alert = team.shown("status", "--new-incident")
    team.does("approve", alert, by="bo")
    return alert


def published(team: Desk, *follows: str, code: int = 0) -> str:
    alert = approved(team, *follows)
    sent = team.run("run", "--once", **SECRETS)
    assert sent.code == code, sent.err
    return alert


def states(team: Desk, alert: str) -> dict[str, str]:
    rows = team.run("deliveries", alert, "--json").json
    return {one["target"]: one["state"] for one in rows if one["channel"] == "mail"}


def suppressed(team: Desk) -> dict[str, str | None]:
    return {one["address"]: one["note"] for one in team.run("recipients", "list", "--json").json}


@contextmanager
def working(team: Desk) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker in a process of its own."""
    command = [program.PROGRAM, "run"]
    with (team.folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            command, cwd=team.folder, env=program.surroundings(**SECRETS), stdout=log, stderr=log
        )
        try:
            yield worker
            worker.terminate()
            assert worker.wait(LIMIT) == 0
        finally:
            worker.kill()
            worker.wait()


WRONG = ("--set", "what_was_wrong=112 marche", "--set", "what_is_right=112 est coupé")


def test_a_whole_alert_through_postfix_as_a_mail_program_sees_it(team: Desk, empty: PostOffice) -> None:
    """First word, update, correction and end stand in one thread, each signed; who does not exist is suppressed by
    the report that Postfix writes, which the worker reads in the mailbox."""
    alert = published(team)
    assert states(team, alert)["nobody@example.org"] == "sent"  # Postfix finds out later
    published(team, "update", alert, "--set", "next_update=+30m")
    published(team, "correct", alert, *WRONG)
    team.does("incident", "set", alert[:4], "resolved", "--confirmed-by", "le SAMU", by="bo")
    over = ("--set", "what_works=tous les numéros", "--set", "what_to_do=Appelez comme avant.")
    last = published(team, "end", alert[:4], *over, "--accept", "unconfirmed=un essai")
    until(empty.idle)
    until(lambda: len(mails(empty, "maire")) == 4)
    for mail in raw_mails(empty, "maire"):
        assert dkim.verify(mail, dnsfunc=dns(RECORD))
        assert re.match(rb"Return-Path: <retours\+[0-9a-z-]+@example\.org>\r\n", mail)
    with inbox(empty, "maire") as box:
        assert "THREAD=REFERENCES" in str(box.capability())
        (threads,) = box.thread("REFERENCES", "UTF-8", "ALL")[1]
    assert sorted(re.findall(rb"\d", threads)) == [b"1", b"2", b"3", b"4"]
    assert _roots(threads) == 1, threads
    assert len(mails(empty, "retours")) == 4  # of the mailbox that does not exist
    with working(team):
        until(lambda: suppressed(team) == {"nobody@example.org": "5.1.1"})
        until(lambda: mails(empty, "retours") == [])
    with inbox(empty, "retours") as box:
        assert box.select('"Trait&AOk-s &- lus"')[1] == [b"4"]
    assert states(team, last)["nobody@example.org"] == "sent"
    again = published(team, code=3)  # not all was sent
    assert states(team, again) == {
        "maire@example.org": "sent", "temoin@example.org": "sent", "nobody@example.org": "skipped",
    }  # fmt: skip


def _roots(threads: bytes) -> int:
    """How many threads there are in an answer of IMAP (RFC 5256)."""
    depth = roots = 0
    for sign in threads.decode():
        depth += {"(": 1, ")": -1}.get(sign, 0)
        roots += sign == "(" and depth == 1
    return roots


def test_postfix_refuses_who_does_not_exist_and_the_others_have_their_mail(
    team: Desk, empty: PostOffice
) -> None:
    """A server that knows its mailboxes says 550 5.1.1 at once, in the middle of what was pipelined."""
    empty.set(smtpd_reject_unlisted_recipient="yes")
    try:
        alert = published(team, code=3)
    finally:
        empty.set(smtpd_reject_unlisted_recipient="no")
    assert states(team, alert) == {
        "maire@example.org": "sent", "temoin@example.org": "sent", "nobody@example.org": "failed",
    }  # fmt: skip
    assert suppressed(team) == {"nobody@example.org": "5.1.1"}
    until(lambda: len(mails(empty, "maire")) == len(mails(empty, "temoin")) == 1)


def test_a_mail_larger_than_postfix_takes_is_refused_for_the_message_not_the_address(
    team: Desk, empty: PostOffice
) -> None:
    empty.set(message_size_limit="2000")
    try:
        alert = approved(team)
        assert team.run("run", "--once", **SECRETS).code == 3
    finally:
        empty.set(message_size_limit="10240000")
    assert set(states(team, alert).values()) == {"failed"}
    assert suppressed(team) == {}
    rows = team.run("deliveries", alert, "--json").json
    assert any("5.3.4" in str(one["reason"]) or "too" in str(one["reason"]) for one in rows)


def test_postfix_that_takes_one_connection_and_refuses_others_with_421_gets_each_mail_once(
    team: Desk, empty: PostOffice, certificate: tuple[Path, Path]
) -> None:
    many = [f"maire+{n}@example.org" for n in range(60)]
    team.configure(channels={"mail": settings(empty, certificate[0], recipients=many), "team": TEAM})
    empty.set(smtpd_client_connection_count_limit="1", smtpd_client_event_limit_exceptions="")
    try:
        alert = approved(team)
        with working(team):
            until(lambda: set(states(team, alert).values()) == {"sent"}, 50)
    finally:
        empty.set(smtpd_client_connection_count_limit="50")
    until(empty.idle)
    until(lambda: len(mails(empty, "maire")) >= 60)
    assert Counter(str(one["X-Original-To"]) for one in mails(empty, "maire")) == Counter(many)
    assert "Connection concurrency limit exceeded" in empty.log
    assert "improper command pipelining" not in empty.log


# --- the mailbox ----------------------------------------------------------------------------------


@pytest.fixture(params=["none", "starttls", "tls"])
def place(
    request: pytest.FixtureRequest, empty: PostOffice, certificate: tuple[Path, Path]
) -> ReturnsPlace:
    port = empty.imaps if request.param == "tls" else empty.imap
    return ReturnsPlace(
        ImapServer("127.0.0.1", port, request.param, lambda: ("retours", PASSWORD), certificate[0])
    )


def taken(place: ReturnsPlace, *, settle: bool = True) -> list[bytes]:
    """What one visit finds."""
    box, found = ReturnsBox(place), []
    box.open()
    try:
        for batch in box.batches():
            found += batch.values()
            if settle:
                box.settled(list(batch))
    finally:
        box.close()
    return found


def test_what_was_read_is_marked_and_found_once(place: ReturnsPlace, empty: PostOffice) -> None:
    whole = [b"Subject: %d\r\n\r\n%s\r\n" % (n, b"x" * 300_000 * (n == 7)) for n in range(45)]
    for number, content in enumerate(whole):
        empty.put("retours", content.replace(b"\r\n", b"\n"), f"{number:03}.test")
    assert len(taken(place, settle=False)) == 45
    found = taken(place)
    assert sorted(found, key=len)[:-1] == sorted((one for one in whole if len(one) < 1000), key=len)
    assert max(map(len, found)) == 262_144  # of one that has more, the first part
    assert taken(place) == []
    with inbox(empty, "retours") as box:
        assert box.select()[1] == [b"45"]


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    empty: PostOffice, certificate: tuple[Path, Path]
) -> None:
    for security, port in (("starttls", empty.imap), ("tls", empty.imaps)):
        server = ImapServer("127.0.0.1", port, security, lambda: ("retours", PASSWORD))  # type: ignore[arg-type]
        with pytest.raises(MailboxUnread, match=r"127\.0\.0\.1 .* certificate is not accepted"):
            ReturnsBox(ReturnsPlace(server)).open()
        other = ImapServer("localhost", port, security, lambda: ("retours", PASSWORD), certificate[0])  # type: ignore[arg-type]
        with pytest.raises(MailboxUnread, match="certificate is not accepted"):
            ReturnsBox(ReturnsPlace(other)).open()
    assert "Login: user=<retours>" not in empty.dovecot_log.rpartition("SSL_accept() failed")[2]


def test_a_worker_that_dies_before_it_puts_mails_away_counts_nothing_twice(
    team: Desk, empty: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the commit and the mailbox; then the mails are there again, for two workers at once."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    asyncio.run(_dies(team, empty, monkeypatch))


async def _dies(team: Desk, office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = published(team)
    (number,) = [
        one["id"]
        for one in team.run("deliveries", alert, "--json").json
        if one["target"] == "maire@example.org"
    ]
    apps = [build(team.folder / "config.yaml") for _ in range(2)]
    services = [await app.open() for app in apps]
    keepers = [
        ReturnsKeeper(service, "mail", app.returns()["mail"], app.seals)
        for app, service in zip(apps, services, strict=True)
    ]
    local = apps[0].seals()["mail"].returned_to(number, "retours")
    full = GONE.replace(b"5.1.1", b"5.2.2")
    until(office.idle)
    shutil.rmtree(office.boxes / "retours")  # the report of Postfix is another test's
    for n in range(30):
        mail = f"X-Original-To: {local}@example.org\nX-Number: {n}\n".encode() + full
        office.put("retours", mail, f"{n}.test")
    with monkeypatch.context() as dying:

        def die(*_: object) -> None:
            raise RuntimeError("dead")

        dying.setattr(ReturnsBox, "settled", die)
        with pytest.raises(RuntimeError, match="dead"):
            await keepers[0].read()
    done = await asyncio.gather(*(one.look() for one in keepers))
    read = [one for one in done if one is not None]
    assert sum(one.counted + one.known for one in read) == 30
    assert sum(one.known for one in read) == 20  # the first portion
    (found,) = await recipients.listing(services[0])
    assert (found.address, found.bounces) == ("maire@example.org", 30)
    for app in apps:
        await app.close()


def test_a_broken_mailbox_is_told_once_and_the_worker_goes_on(team: Desk, empty: PostOffice) -> None:
    def told() -> list[str]:
        tasks = team.run("status", "--json").json["tasks"]
        return [one["text"] for one in tasks if one["kind"] == "returns"]

    alert = approved(team)
    right = dict(SECRETS)
    try:
        SECRETS["BOX_PASSWORD"] = "wrong"
        with working(team):
            until(lambda: len(told()) == 1)
            until(lambda: states(team, alert)["maire@example.org"] == "sent")
        SECRETS["BOX_PASSWORD"] = PASSWORD + " and more"
        with working(team):
            time.sleep(5)
    finally:
        SECRETS.update(right)
    (said,) = told()
    assert said.startswith(
        "Mail that comes back is not read on mail: The mailbox on 127.0.0.1 could not be read: [AUTHENTICATIONFAILED]"
    )
    answer = team.run("recipients", "bounces", "--json", **(SECRETS | {"BOX_PASSWORD": "wrong"}))
    assert answer.code == 1
    assert "could not be read" in answer.json["error"]
    with working(team):
        until(lambda: told() == [])
    assert "wrong" not in (team.folder / "worker.log").read_text()
    read = team.run("recipients", "bounces", "--json", **SECRETS)
    assert read.json["read"] == 0
    seen = team.run("check", "--online", "--json", **SECRETS).json["online"]["mail (returns)"]
    assert seen == {"identity": "the mailbox can be read", "error": ""}
