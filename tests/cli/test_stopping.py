"""Halt asks for the database's address alone, and looking or going on for no more than it needs (promise 4)."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from alertbot.texts.kinds.layers import shipped
from tests.cli.desk import CONFIG, Desk, opened

CSV = "address,lang\nzoe@example.org,fr\n"
MAIL = {
    "type": "email",
    "host": "127.0.0.1",
    "port": 1025,
    "security": "none",
    "sender": "Alertes <alertes@example.org>",
    "recipients": "people.csv",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with mail from a file, and one approved alert whose deliveries wait."""
    desk = opened(tmp_path_factory.mktemp("whole"))
    (desk.folder / "people.csv").write_text(CSV)
    desk.configure(channels=CONFIG["channels"] | {"mail": MAIL})
    alert = desk.shown()
    assert desk.run("approve", alert, by="bo").code == 0
    return desk


@pytest.fixture
def desk(whole: Desk, tmp_path: Path) -> Desk:
    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    return Desk(folder, whole.tokens)


def halted(desk: Desk) -> bool:
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        return bool(connection.execute("SELECT halted FROM halt").fetchone() == (1,))


def config(desk: Desk) -> Path:
    return desk.folder / "config.yaml"


def no_recipients(desk: Desk) -> None:
    (desk.folder / "people.csv").unlink()


def a_bad_recipient(desk: Desk) -> None:
    (desk.folder / "people.csv").write_text(CSV + "nobody at all,fr\n")


def a_lost_brace(desk: Desk) -> None:
    config(desk).write_text(config(desk).read_text() + "rules: {one: {when: [failing\n")


def a_lost_brace_above(desk: Desk) -> None:
    config(desk).write_text("numbers: {warn_before: 30m\n" + config(desk).read_text())


def a_tab(desk: Desk) -> None:
    config(desk).write_text(config(desk).read_text().replace("  public:", "\tpublic:"))


def an_unknown_key(desk: Desk) -> None:
    config(desk).write_text(config(desk).read_text() + "promisses: {}\n")


def an_unknown_key_in_a_channel(desk: Desk) -> None:
    desk.configure(channels=CONFIG["channels"] | {"mail": MAIL | {"hosst": "x"}})


def an_unknown_type(desk: Desk) -> None:
    desk.configure(channels=CONFIG["channels"] | {"pigeon": {"type": "pigeon"}})


def no_organisation(desk: Desk) -> None:
    text = config(desk).read_text()
    config(desk).write_text(text.replace("organisation:", "organization:"))


def no_channels(desk: Desk) -> None:
    desk.configure(channels={})


def not_utf8(desk: Desk) -> None:
    config(desk).write_bytes(config(desk).read_bytes() + b"# caf\xe9\n")


def an_empty_section(desk: Desk) -> None:
    config(desk).write_text(config(desk).read_text() + "watch:\n")


FAULTS = (
    no_recipients,
    a_bad_recipient,
    a_lost_brace,
    a_lost_brace_above,
    a_tab,
    an_unknown_key,
    an_unknown_key_in_a_channel,
    an_unknown_type,
    no_organisation,
    no_channels,
    not_utf8,
    an_empty_section,
)
broken = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)


@broken
def test_halt_works_whatever_is_wrong_in_the_configuration(desk: Desk, fault) -> None:
    fault(desk)
    assert desk.run("check").code != 0
    answer = desk.run("halt")
    assert answer.code == 0, answer.err
    assert "no new call starts" in answer.out
    assert halted(desk)
    assert desk.run("audit", "verify").code == 0


@broken
def test_looking_and_going_on_work_beside_a_section_that_is_wrong(desk: Desk, fault) -> None:
    assert desk.run("halt").code == 0
    fault(desk)
    for command in ("status", "deliveries", "audit verify", "audit head", "audit export"):
        answer = desk.run(*command.split())
        assert answer.code == 0, answer.err
        assert "alertbot check" in answer.err
    assert desk.run("settle", "1", "--drop", by="bo").err.endswith("there is nothing to settle.\n")
    answer = desk.run("resume", by="bo")
    assert answer.code == 0, answer.err
    assert not halted(desk)


def test_what_is_left_out_is_named(desk: Desk) -> None:
    no_recipients(desk)
    answer = desk.run("status", "--json")
    assert "channels.mail" in answer.err
    assert {one["name"] for one in answer.json["channels"]} == {"public", "team", "drill"}


def test_what_publishes_still_asks_for_a_whole_configuration(desk: Desk) -> None:
    an_unknown_key(desk)
    for command in ("run --once", "draft holding", "show BKRT-1"):
        assert desk.run(*command.split()).code == 2


def test_halting_a_channel_or_an_alert_beside_a_broken_section(desk: Desk) -> None:
    alert = desk.run("status", "--json").json["alerts"][0]["id"]
    a_lost_brace(desk)
    no_channels_now = desk.run("halt", "--channel", "public", "--json")
    assert no_channels_now.code == 0, no_channels_now.err
    assert desk.run("halt", alert).code == 0
    status = desk.run("status", "--json").json
    assert status["halted_alerts"] == [alert]
    assert {one["name"]: one["halted"] for one in status["channels"]}["public"] is True


def test_a_channel_that_nobody_knows_is_not_halted(desk: Desk) -> None:
    answer = desk.run("halt", "--channel", "publik")
    assert answer.code == 2
    assert "public" in answer.err


def test_halt_works_from_another_folder(desk: Desk, tmp_path: Path) -> None:
    elsewhere = Desk(tmp_path)
    answer = elsewhere.run("--config", str(config(desk)), "halt")
    assert answer.code == 0, answer.err
    assert halted(desk)
    assert not list(tmp_path.glob("*.db"))  # a relative path is not read from where one stands


def test_halt_works_by_the_address_alone(desk: Desk, tmp_path: Path) -> None:
    elsewhere = Desk(tmp_path)
    answer = elsewhere.run("halt", "--database", f"sqlite:///{desk.folder}/alertbot.db")
    assert answer.code == 0, answer.err
    assert halted(desk)


@pytest.mark.postgres
def test_halt_works_by_the_address_alone_on_postgresql(tmp_path: Path, postgres_emptied: str) -> None:
    answer = Desk(tmp_path).run("halt", "--database", postgres_emptied, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["audited"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("halt",),
        ("halt", "--database", "sqlite:///alertbot.db"),
        ("halt", "--database", "postgresql://nobody@127.0.0.1:1/nothing"),
        ("halt", "--database", "mysql://localhost/a"),
    ],
)
def test_where_nothing_can_be_halted_it_says_how_to_stop_the_worker(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    answer = Desk(tmp_path).run(*arguments)
    assert answer.code == 2
    assert "Nothing was halted" in answer.err
    assert "systemctl stop alertbot" in answer.err
    assert not list(tmp_path.iterdir())  # and no new database is taken for the one that is meant


def test_a_lost_brace_that_swallows_the_address_is_not_guessed_over(desk: Desk) -> None:
    config(desk).write_text('{"organisation": {"name": "A", "database": "sqlite:///other.db"\n')
    answer = desk.run("halt")
    assert answer.code == 2
    assert "systemctl stop alertbot" in answer.err
    assert not halted(desk)


def test_two_addresses_are_not_chosen_between(desk: Desk) -> None:
    config(desk).write_text(config(desk).read_text() + "database: sqlite:///other.db\n")
    answer = desk.run("halt")
    assert answer.code == 2
    assert "given twice" in answer.err


def test_a_password_that_is_missing_is_named(desk: Desk) -> None:
    desk.configure(database="postgresql://a@127.0.0.1:1/b", database_password_env="NO_SUCH_PASSWORD")
    answer = desk.run("halt")
    assert answer.code == 2
    assert "NO_SUCH_PASSWORD" in answer.err
    assert "systemctl stop alertbot" in answer.err


def test_secrets_of_channels_are_not_asked_for(desk: Desk) -> None:
    x = {"type": "telegram", "chat": "@example", "bot_token_file": "no-such-file"}
    desk.configure(
        organisation=CONFIG["organisation"] | {"sandbox": False},
        channels=CONFIG["channels"] | {"telegram": x},
    )
    assert desk.run("halt").code == 0
    assert halted(desk)


def test_an_audit_that_cannot_be_written_does_not_stop_a_halt(desk: Desk) -> None:
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        connection.execute("ALTER TABLE audit RENAME TO audit_lost")
    answer = desk.run("halt", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["audited"] is False
    assert halted(desk)


@pytest.mark.parametrize("version", ["9999", "0003"])
def test_halt_works_on_a_database_of_another_version(desk: Desk, version: str) -> None:
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?, oldest = ?", (version, version))
    assert desk.run("halt").code == 0
    assert halted(desk)
    refused = desk.run("status")
    assert refused.code == 2
    assert ("alertbot db upgrade" if version == "0003" else "newer") in refused.err
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (version,)


# --- retracting at the worst moment -----------------------------------------------------------------


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk whose one alert was posted, and mailed (as the table says)."""
    desk = opened(tmp_path_factory.mktemp("sent"))
    (desk.folder / "people.csv").write_text(CSV)
    pack = desk.folder / "messages" / "regions" / "FR"
    shutil.copytree(shipped() / "regions" / "FR", pack)
    desk.configure(messages="messages", channels=CONFIG["channels"] | {"mail": MAIL})
    alert = desk.shown("status")
    assert desk.run("approve", alert, by="bo").code == 0
    desk.run("halt", "--channel", "mail")  # no mail server runs here
    desk.run("run", "--once")
    desk.run("resume", "--channel", "mail", by="bo")
    mails = [
        one["id"] for one in desk.run("deliveries", alert, "--json").json if one["channel"] == "mail"
    ]
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        connection.executemany(
            "UPDATE delivery SET state = 'sent' WHERE id = ?", [(one,) for one in mails]
        )
    assert mails
    return desk


@pytest.fixture
def sorry(sent: Desk, tmp_path: Path) -> Desk:
    folder = tmp_path / "copy"
    shutil.copytree(sent.folder, folder)
    return Desk(folder, sent.tokens)


def a_broken_pack(desk: Desk) -> None:
    (desk.folder / "messages" / "regions" / "FR" / "region.yaml").write_text("name: [\n")


def an_unknown_key_in_mail(desk: Desk) -> None:
    channels = CONFIG["channels"] | {"mail": MAIL | {"hosst": "x"}}
    desk.configure(messages="messages", channels=channels)


def the_teams_channel(desk: Desk) -> None:
    channels = CONFIG["channels"] | {"mail": MAIL, "team": {"type": "memory", "audience": "teem"}}
    desk.configure(messages="messages", channels=channels)


WORDS = ("--set", "what_was_wrong=112 works", "--set", "what_is_right=112 is cut off")
WITHOUT_MAIL = (no_recipients, an_unknown_key_in_mail)
BESIDE = (a_lost_brace, no_organisation, a_broken_pack, the_teams_channel)
NOWHERE = (a_tab, no_channels)


@pytest.mark.parametrize("fault", [*BESIDE, *WITHOUT_MAIL, *NOWHERE], ids=lambda fault: fault.__name__)
def test_a_retraction_goes_out_where_it_still_can(sorry: Desk, fault) -> None:
    (alert,) = (one["id"] for one in sorry.run("status", "--json").json["alerts"])
    whole = {
        path: path.read_bytes() for path in sorry.folder.rglob("*") if path.suffix in (".yaml", ".csv")
    }
    fault(sorry)
    assert sorry.run("check").code != 0
    answer = sorry.run("retract", alert, "--now", by="bo")
    if fault in NOWHERE:
        assert answer.code == 1, answer.err
        assert "can go out on no channel: the settings of" in answer.err
        assert [one["id"] for one in sorry.run("status", "--json").json["alerts"]] == [alert]
        return
    assert answer.code == 0, answer.err
    back = answer.out.split()[0]
    places = (answer.out, sorry.run("status", back).out, sorry.run("audit", "export", "--json").out)
    for said in places:
        assert ("the settings of mail" in " ".join(said.split())) is (fault in WITHOUT_MAIL), said
    for path, content in whole.items():  # the worker has the configuration that it started with
        path.write_bytes(content)
    sorry.run("halt", "--channel", "mail")  # no mail server runs here
    sorry.run("run", "--once")
    told = {one["channel"]: one["state"] for one in sorry.run("deliveries", back, "--json").json}
    assert (told["public"], told["team"]) == ("sent", "sent")
    assert ("mail" in told) is (fault not in WITHOUT_MAIL)
    tasks = sorry.run("task", "list").out
    assert (f"alertbot correct {back}" in tasks) is (fault in WITHOUT_MAIL)
    if fault in WITHOUT_MAIL:
        mended = sorry.run("correct", back, *WORDS, "--json", by="bo")
        assert mended.code == 0, mended.err
        assert "mail" in mended.json["channels"]


def test_who_must_approve_a_retraction_is_not_guessed(sorry: Desk) -> None:
    (alert,) = (one["id"] for one in sorry.run("status", "--json").json["alerts"])
    config(sorry).write_text(config(sorry).read_text() + "approvals: {correction: {approvers: two}}\n")
    answer = sorry.run("retract", alert, "--now", by="bo")
    assert answer.code == 2
    assert "approvers" in answer.err


def test_an_alert_that_is_halted_while_it_waits_for_approval_does_not_go_out_by_one(
    tmp_path: Path,
) -> None:
    """Whoever was told that no new call starts is right, whoever approves afterwards."""
    desk = opened(tmp_path)
    alert = desk.shown()
    assert "no new call starts" in desk.run("halt", alert).out
    approved = desk.run("approve", alert, "--publish", by="bo")
    assert approved.code == 3
    assert "halted" in approved.out
    assert "2 still to be sent" in approved.out
    assert "alertbot resume" in desk.run("status", alert).out
    assert desk.run("resume", alert, by="ada").code == 1
    assert desk.run("resume", alert, by="bo").code == 0
    desk.run("run", "--once")
    assert desk.state(alert) == "published"


def test_a_halt_of_another_alert_or_of_an_earlier_one_holds_nothing_back(tmp_path: Path) -> None:
    desk = opened(tmp_path)
    stopped, other = desk.shown(), desk.shown()
    assert desk.run("halt", stopped).code == 0
    desk.run("approve", other, "--publish", by="bo")
    assert desk.state(other) == "published"
    assert desk.run("resume", stopped, by="bo").code == 0
    assert desk.run("approve", stopped, "--publish", by="bo").code == 0
