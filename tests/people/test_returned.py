"""Mail that came back: who does not exist is written to no more, and nobody can have others struck off."""

from pathlib import Path

import pytest
from sqlalchemy import insert

from alertbot.app import build
from alertbot.channels.email.returned import BounceVerdict, read_returned, split
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.people import recipients
from tests.cli import desk
from tests.cli.desk import Desk
from tests.delivery.scene import add_alert, add_message

SAMPLES = Path(__file__).parent.parent / "channels" / "returned"
SECRET = "a-secret-of-the-links-for-the-tests-only"
SEAL = RecipientSeal("mail", SECRET)
POLICY = b"""Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; samu@example.org
Action: failed
Status: 5.7.26

--b--
"""
READ = {
    "dsn_12": (BounceVerdict.GONE, "5.1.1"),
    "dsn_10": (BounceVerdict.FOR_NOW, "5.0.0"),
    "dsn_17": (BounceVerdict.FOR_NOW, "4.3.0"),
    "dsn_18": (BounceVerdict.NOTHING, "5.0.0"),
    "qmail_01": (BounceVerdict.FOR_NOW, None),
    "postfix_02": (BounceVerdict.FOR_NOW, None),
    "simple_36": (BounceVerdict.FOR_NOW, None),
    "microsoft_04": (BounceVerdict.FOR_NOW, None),
}


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.txt").read_bytes()


def to(local: str, content: bytes) -> bytes:
    return f"X-Original-To: {local}@example.org\n".encode() + content


@pytest.mark.parametrize("name", READ)
def test_what_servers_write_is_read(name: str) -> None:
    found = read_returned(sample(name))
    assert (found.verdict, found.status) == READ[name]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00\n\n\xfe", b"Subject: hello\n\nHow are you?", b"From \n"]
)
def test_what_is_no_report_says_nothing(content: bytes) -> None:
    assert [read_returned(one).verdict for one in split(content)] in ([], [BounceVerdict.NOTHING])


def test_a_refusal_of_our_mail_is_not_about_the_address() -> None:
    assert read_returned(POLICY).verdict is BounceVerdict.OURS


def test_an_mbox_holds_several() -> None:
    box = b"From a Mon\n" + sample("dsn_12") + b"\n\nFrom b Tue\n" + sample("qmail_01") + b"\n"
    assert [read_returned(one).verdict for one in split(box)] == [
        BounceVerdict.GONE,
        BounceVerdict.FOR_NOW,
    ]


@pytest.fixture
def team(tmp_path: Path) -> Desk:
    opened = desk.opened(tmp_path)
    mail = {
        "type": "email", "host": "127.0.0.1", "port": 9, "security": "none", "sender": "a@example.org",
        "recipients": "readers.csv", "returns": "retours@example.org", "link_secret_env": "LINK_SECRET",
    }  # fmt: skip
    (tmp_path / "readers.csv").write_text("address,critical\nSamu@example.org,oui\nb@example.org,\n")
    opened.configure(channels={"mail": mail, "team": {"type": "memory", "audience": "team"}})
    return opened


async def queued(team: Desk) -> list[int]:
    """The ids of deliveries to the two recipients."""
    from sqlalchemy import select

    from alertbot.db.tables import account, delivery, dispatch
    from alertbot.delivery import store_accounts
    from tests.delivery.scene import filled

    app = build(team.folder / "config.yaml")
    service = await app.open()

    async def work(conn) -> list[int]:
        await store_accounts.sync(conn, service.publisher.channels.values())
        owner = await conn.scalar(select(account.c.id).where(account.c.name == "mail"))
        name = await add_alert(conn)
        text = await add_message(conn, name, "mail")
        sent = filled(
            dispatch, {"alert_id": name, "account_id": owner, "purpose": "publication", "closed": True}
        )
        number = await conn.scalar(insert(dispatch).values(**sent).returning(dispatch.c.id))
        rows = [
            filled(
                delivery,
                {
                    "dispatch_id": number,
                    "message_id": text,
                    "target": one,
                    "state": "sent",
                    "action": "publish",
                },
            )
            for one in ("Samu@example.org", "b@example.org")
        ]
        await conn.execute(insert(delivery), rows)
        return list(await conn.scalars(select(delivery.c.id).order_by(delivery.c.id)))

    try:
        return await service.database.transact(work)
    finally:
        await app.close()


async def test_only_a_return_address_of_ours_says_whose_it_was(
    team: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINK_SECRET", SECRET)
    samu, other = await queued(team)
    mine, his = SEAL.returned_to(samu, "retours"), SEAL.returned_to(other, "retours")
    mails = [
        to("retours", sample("dsn_12")),  # whoever wrote it
        to(mine.replace(mine[-1], "0" if mine[-1] != "0" else "1"), sample("dsn_12")),
        to(his, sample("dsn_17")), to(his, sample("qmail_01")), to(his, POLICY), to(his, b"Subject: away\n\nI am away."),
        to(mine.upper(), sample("dsn_12")), to(mine, sample("dsn_12")),
        to(SEAL.returned_to(999, "retours"), sample("dsn_12")),
    ]  # fmt: skip
    app = build(team.folder / "config.yaml")
    service = await app.open()
    try:
        view = await recipients.returned(service, app.seals(), mails)
        found = {
            one.address: (one.reason, one.note, one.bounces)
            for one in await recipients.listing(service)
        }
    finally:
        await app.close()
    assert (view.read, view.suppressed, view.counted, view.ours, view.foreign, view.nothing) == (
        9,
        2,
        2,
        1,
        3,
        1,
    )
    assert found == {"Samu@example.org": ("bounced", "5.1.1", 0), "b@example.org": (None, None, 2)}


def test_at_the_command_line(team: Desk) -> None:
    (team.folder / "one.eml").write_bytes(to("retours", sample("dsn_12")))
    said = team.run("recipients", "bounces", "one.eml", "--json", LINK_SECRET=SECRET)
    assert said.json == {
        "read": 1,
        "suppressed": 0,
        "counted": 0,
        "ours": 0,
        "foreign": 1,
        "nothing": 0,
        "known": 0,
        "erased": 0,
    }
    missing = team.run("recipients", "bounces", "none.eml", LINK_SECRET=SECRET)
    assert missing.code == 2
    assert "none.eml cannot be read" in missing.err


async def test_each_mail_has_a_return_address_of_its_own(
    team: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alertbot.channels.email.adapter import EmailAdapter
    from alertbot.core.model import Post, TeamPost

    monkeypatch.setenv("LINK_SECRET", SECRET)
    app = build(team.folder / "config.yaml")
    adapter = app.adapters()["mail"]
    assert isinstance(adapter, EmailAdapter)
    sender = adapter.mail(Post("ABCD-1", 77, 1, "b@example.org", "fr", "Bonjour.")).envelope.sender
    assert sender.endswith("@example.org")
    assert SEAL.delivery(sender.rpartition("@")[0]) == 77
    assert isinstance(TeamPost("ABCD-1", 77, 1, "b@example.org", "fr", "Bonjour."), Post)
    await app.close()


async def test_the_same_mail_is_counted_once(team: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINK_SECRET", SECRET)
    _samu, other = await queued(team)
    full = to(SEAL.returned_to(other, "retours"), sample("dsn_17"))
    app = build(team.folder / "config.yaml")
    service = await app.open()
    try:
        first = await recipients.returned(service, app.seals(), [full])
        again = await recipients.returned(service, app.seals(), [full, full.replace(b"\n", b"\r\n")])
        (found,) = await recipients.listing(service)
    finally:
        await app.close()
    assert (first.counted, first.known, again.counted, again.known) == (1, 0, 0, 2)
    assert found.bounces == 1


def test_without_a_file_the_mailboxes_are_read_and_without_one_it_is_said(team: Desk) -> None:
    none = team.run("recipients", "bounces", LINK_SECRET=SECRET)
    assert none.code == 2
    assert "returns_host" in none.err


BOX = {
    "returns": "retours@example.org", "returns_host": "imap.example.org", "link_secret_env": "LINK_SECRET",
    "returns_username_env": "A", "returns_password_env": "B",
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"returns": None}, "needs `returns`"),
        ({"returns_username_env": None, "returns_password_env": None}, "needs `returns_username_env`"),
        ({"returns_password_env": None}, "returns_password"),
        ({"returns_security": "none"}, "a password must not be sent unencrypted"),
        ({"returns_done": "INBOX"}, "another folder"),
        ({"returns_folder": "a\nb"}, "returns_folder"),
    ],
)
def test_a_mailbox_that_cannot_be_right_is_refused(team: Desk, wrong: dict, said: str) -> None:
    mail = {
        "type": "email",
        "host": "mx.example.org",
        "sender": "a@example.org",
        "recipients": ["b@example.org"],
    }
    given = {key: value for key, value in (mail | BOX | wrong).items() if value is not None}
    team.configure(channels={"mail": given, "team": {"type": "memory", "audience": "team"}})
    answer = team.run("check")
    assert answer.code != 0
    assert said in answer.out + answer.err
    given = mail | BOX
    team.configure(channels={"mail": given, "team": {"type": "memory", "audience": "team"}})
    assert said not in team.run("check").err
