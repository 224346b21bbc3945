"""Commands at a desk (`--server`): a laptop without a database or a configuration, against a real `serve`."""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mcp import Client, StdioServerParameters

from alertbot.cli import account
from alertbot.cli.remote import server
from alertbot.core.model import Person
from alertbot.people import api_tokens
from alertbot.people.rules import Scope, scopes_of
from alertbot.watch.context import WatchContext
from tests import program
from tests.cli.laptop import Laptop, Service, serving, with_person
from tests.cli.test_assistant import HOLDING

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def laptop(service: Service, tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop", service[1], service[2])


def _until(look: Callable[[], bool]) -> None:
    end = datetime.now(UTC) + timedelta(seconds=PATIENCE_SECONDS)
    while not look():
        assert datetime.now(UTC) < end


# --- an evening -----------------------------------------------------------------------------------


def test_an_evening_from_a_laptop(laptop: Laptop) -> None:
    assert "holding" in laptop.does("kinds", by="ada").out
    assert "what_fails" in laptop.does("kinds", "holding", by="ada").out
    assert "what_fails" in laptop.does("kinds", "holding", "--example", by="ada").out
    seen = laptop.does("preview", "holding", by="ada")
    assert "=== " in seen.out
    alert = laptop.draft()
    edited = laptop.does("edit", "--set", "next_update=+45m", by="ada")
    assert f"Alert {alert} (the last one you worked on)" in edited.err
    assert "is a draft again (revision 2)" in edited.out
    assert f"alertbot approve {alert}" in laptop.does("submit", alert, by="ada").out
    assert laptop.run("approve", alert, by="bo").code == 1  # not shown yet
    shown = laptop.does("show", alert, by="bo").out
    assert "15, 17 et 18 sur mobile" in shown
    assert "Prepared retraction" in shown
    digest = laptop.does("show", alert, "--json", by="bo").json["digest"]
    assert digest[:12] in shown
    assert "is approved" in laptop.does("approve", alert, by="bo").out
    _until(lambda: laptop.does("show", alert, "--json", by="ada").json["state"] == "published")
    sent = laptop.does("deliveries", alert, "--json", by="ada").json
    assert {one["state"] for one in sent} == {"sent"}
    assert sent == laptop.does("deliveries", alert, "--json", by="bo").json
    assert alert in laptop.does("status", by="ada").out
    assert alert in laptop.does("now", by="ada").out
    words = ("--set", "what_was_wrong=112 works", "--set", "what_is_right=112 is cut off")
    follows = laptop.does("correct", alert, *words, "--json", by="ada").json
    assert (follows["original"], follows["state"]) == (alert, "draft")
    ended = laptop.does("end", alert.partition("-")[0], "--json", by="ada").json
    assert (ended["kind"], ended["state"]) == ("end", "draft")


def test_the_same_json_and_codes_as_here(laptop: Laptop, service: Service) -> None:
    team, alert = service[0], laptop.draft()
    for command in (("show", alert), ("deliveries", alert), ("kinds", "status"), ("numbers", "list")):
        here = team.run(*command, "--json").json
        there = laptop.does(*command, "--json", by="ada").json
        if isinstance(here, dict):
            here.pop("verdict", None)
            there.pop("verdict", None)
        assert there == here, command
    for wrong in (("show", "NO-1"), ("submit", "NO-1"), ("deliveries", "--state", "lost")):
        here, there = team.run(*wrong, by="ada"), laptop.run(*wrong, by="ada")
        assert (there.code, there.out) == (here.code, here.out), there.err
    given = ("draft", "holding", "--set", "wher=69", "--new-incident")
    here, there = team.run(*given, by="ada"), laptop.run(*given, by="ada")
    assert (there.code, there.err) == (here.code, here.err)
    assert laptop.run("return", alert, "--reason", "no", by="ada").code == 1


def test_approvals_of_what_changed_are_refused(laptop: Laptop) -> None:
    alert = laptop.draft()
    laptop.does("submit", alert, by="ada")
    laptop.does("show", alert, by="bo")
    laptop.does("edit", alert, "--set", "where=69", by="ada")
    laptop.does("submit", alert, by="ada")
    refused = laptop.run("approve", alert, by="bo")
    assert refused.code == 1
    assert "nothing was done" in refused.err
    first = laptop.does("show", alert, "--json", by="bo").json["digest"]
    assert laptop.run("approve", alert, "--digest", "0" * 12, by="bo").code == 1
    back = laptop.does("return", alert, "--reason", "name the places", by="bo")
    assert f"{alert} went back to ada" in back.out
    assert first == laptop.does("show", alert, "--json", by="cy").json["digest"]


def test_halting_and_the_register(laptop: Laptop, service: Service) -> None:
    drill = ("--channel", "drill")
    assert "Halted drill" in laptop.does("halt", *drill, by="ada").out
    assert laptop.run("resume", *drill, by="ada").code == 1
    assert "Resumed: drill" in laptop.does("resume", *drill, by="bo").out
    add = ("--set", "territory=69", "--set", "service=samu", "--set", "number=04 65 71 00 15")
    entry = service[0].run("numbers", "add", *add, "--json", by="ada").json["entry"]
    assert "04 65 71 00 15" in laptop.does("numbers", "list", by="bo").out
    wrong = laptop.run("numbers", "verify", entry, "--digits", "1", "--call", "answered", by="bo")
    assert wrong.code == 1
    read = ("--digits", "04 65 71 00 15", "--call", "answered")
    assert "was verified by bo" in laptop.does("numbers", "verify", entry, *read, by="bo").out
    here = service[0].run("withdraw", "--numbers", entry, by="ada")
    there = laptop.run("withdraw", "--numbers", entry, by="ada")
    assert there.code == here.code == 1
    assert here.err == there.err


def test_the_address_may_stand_behind_the_command(laptop: Laptop) -> None:
    for address in (("--server", laptop.url), (f"--server={laptop.url}",)):
        answer = program.run(
            "whoami", *address, folder=laptop.folder, ALERTBOT_TOKEN=laptop.tokens["ada"]
        )
        assert answer.code == 0, answer.err
        assert "ada" in answer.out


def test_what_no_server_offers_is_said_in_one_sentence(laptop: Laptop) -> None:
    for command in (
        ["run"],
        ["people", "list"],
        ["record", "X-1", "--channel", "public", "--url", "https://example.org/1"],
        ["numbers", "import", "x.csv"],
        ["approve", "X-1", "--break-glass"],
        ["preview", "holding", "--html", "x.html"],
        ["numbers", "add"],
    ):
        answer = laptop.run(*command, by="bo")
        assert answer.code == 2, command
        assert "service's machine" in answer.err
        assert len(answer.err.splitlines()) == 1
    assert laptop.run("completion", "bash", by="bo").code == 0
    assert list(laptop.folder.iterdir()) in ([], [laptop.folder / "home"])


# --- who asks -------------------------------------------------------------------------------------


def test_login_by_a_code_typed_on_the_desk(
    laptop: Laptop,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    codes: list[str] = []

    def waits(_seconds: float) -> None:
        if not codes:
            return
        code = codes.pop()

        async def allow(context: WatchContext, who: Person) -> str:
            asked = frozenset(Scope) & scopes_of(who)
            return str(await api_tokens.answer(context, who, code, asked, allowed=True))

        with_person(service[0], "bo", allow)

    def noted(text: str, as_json: bool = False) -> None:
        codes.extend(re.findall(r"\b[A-Z]{4}-[A-Z]{4}\b", text)[:1])

    monkeypatch.setattr(account.time, "sleep", waits)
    said = account.say
    monkeypatch.setattr(account, "say", lambda text, as_json=False: (noted(text), said(text, as_json)))
    answer = laptop.run("login")
    assert answer.code == 0, answer.err
    assert laptop.url in answer.err
    assert "You are bo" in answer.out
    home = str(laptop.folder / "home")
    kept = {"XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home}
    plain = program.run("whoami", "--json", folder=laptop.folder, **kept).json
    assert (plain["person"]["name"], plain["place"]) == ("bo", laptop.url)
    assert program.run("status", folder=laptop.folder, **kept).code == 0
    assert "revoke it on the desk" in program.run("logout", folder=laptop.folder, **kept).out
    assert laptop.run("whoami").code == 1


def test_a_token_that_opens_nothing_and_scopes(laptop: Laptop, service: Service) -> None:
    laptop.tokens = laptop.tokens | {"x": "abt_wrong"}
    wrong = laptop.run("status", by="x")
    assert wrong.code == 1
    assert f"alertbot login --server {laptop.url}" in wrong.err
    assert laptop.run("login", by="x").code == 1
    assert laptop.run("status").code == 1

    async def reader(context: WatchContext, who: Person) -> str:
        return await api_tokens.make(context, who, "reads", [Scope.READ])

    laptop.tokens["r"] = with_person(service[0], "bo", reader)
    refused = laptop.run("submit", "X-1", by="r")
    assert refused.code == 1
    assert "scope submit" in refused.err
    assert laptop.run("status", by="r").code == 0


async def test_an_assistant_at_a_server(laptop: Laptop) -> None:
    started = StdioServerParameters(
        command=program.PROGRAM,
        args=["--server", laptop.url, "mcp"],
        cwd=laptop.folder,
        env=program.surroundings(ALERTBOT_TOKEN=laptop.tokens["ada"]),
    )
    async with Client(started) as client:
        asked = {"kind": "holding", "values": HOLDING, "new_incident": True}
        assert not (await client.call_tool("preview", {"kind": "holding", "values": HOLDING})).is_error
        answer = await client.call_tool("draft", asked)
        assert not answer.is_error, answer
        alert = json.loads(answer.content[0].text)["id"]  # type: ignore[union-attr]
        assert not (await client.call_tool("deliveries", {"alert": alert})).is_error
    shown = laptop.does("show", alert, "--json", by="bo").json
    assert shown["assistant"].startswith("mcp")


# --- what goes wrong between ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://desk.example.org", "not encrypted"),
        ("desk.example.org", "no address of a server"),
        ("https://ada:secret@desk.example.org", "no address of a server"),
        ("https://127.0.0.1:9", "cannot be reached"),
    ],
)
def test_addresses(tmp_path: Path, url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAUSES", ())
    answer = Laptop(tmp_path / "l", url, {"ada": "abt_x"}).run("status", by="ada")
    assert answer.code == 2
    assert said in answer.err
    assert "secret" not in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_server_or_a_configuration_not_both(laptop: Laptop) -> None:
    answer = laptop.run("--config", "config.yaml", "status", by="ada")
    assert answer.code == 2
    assert "only one" in answer.err


NOT_THERE = json.dumps(
    {
        "type": "urn:alertbot:problem:not-found",
        "title": "Nothing here",
        "status": 404,
        "detail": "There is nothing at this address.",
    }
).encode()


class Between(ThreadingHTTPServer):
    """A way to the service that loses answers. `lose`: how many of the next; `said`: instead of the service's own; `older`:
    a part of addresses that the service does not know yet; `silent`: one of addresses at which it is dead."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind, self.lose, self.said = url, 0, ""
        self.older = self.silent = "nowhere"
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    server: Between

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.server.said:
            self._answer(200, self.server.said.encode(), "application/json")
            return
        if self.server.silent in self.path:
            self.close_connection = True
            return
        if self.server.older in self.path:
            self._answer(404, NOT_THERE, "application/problem+json")
            return
        names = ("authorization", "content-type", "idempotency-key", "accept-language")
        headers = {name: self.headers[name] for name in names if self.headers[name]}
        url = self.server.behind + self.path
        found = httpx.request(self.command, url, content=body, headers=headers, timeout=30)
        if self.server.lose and self.command != "GET":
            self.server.lose -= 1
            self.close_connection = True
            return
        self._answer(found.status_code, found.content, found.headers["content-type"])

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by the library
        pass


@contextmanager
def _between(url: str) -> Iterator[Between]:
    made = Between(url)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()


def test_a_lost_answer_doubles_nothing(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAUSES", (0.0, 0.0))
    (laptop.folder / "v.yaml").write_text(json.dumps(HOLDING), encoding="utf-8")
    given = ("draft", "holding", "--vars", "v.yaml", "--new-incident", "--json")

    def drafts() -> list[str]:
        return [one["id"] for one in laptop.does("status", "--json", by="ada").json["alerts"]]

    before = set(drafts())
    with _between(laptop.url) as way:
        through = Laptop(laptop.folder, way.url, laptop.tokens)
        way.lose = 1
        alert = through.does(*given, by="ada").json["id"]
        assert set(drafts()) - before == {alert}
        way.lose = 3
        lost = through.run(*given, by="ada")
        assert lost.code == 2
        assert "it is not done twice" in json.loads(lost.out)["error"]
        again = through.does(*given, by="ada").json["id"]
        assert set(drafts()) - before == {alert, again}
        third = through.does(*given, by="ada").json["id"]
        assert third not in (alert, again)
        way.said = '{"some": "thing"}'
        other = through.run("status", by="ada")
        assert other.code == 2
        assert "another version" in other.err
        way.said = "<html>"
        assert "no desk of alertbot" in through.run("status", by="ada").err


def test_a_service_that_dies_while_it_is_waited_for_has_approved_all_the_same(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PAUSES", (0.0,))
    with _between(laptop.url) as way:
        through = Laptop(laptop.folder, way.url, laptop.tokens)
        for option, place in (("--wait", "silent"), ("--publish", "silent"), ("--wait", "older")):
            way.older = way.silent = "nowhere"
            alert = through.draft()
            through.does("submit", alert, by="ada")
            through.does("show", alert, by="bo")
            setattr(way, place, "/progress")
            answer = through.run("approve", alert, option, "--json", by="bo")
            assert answer.code == 2
            assert f"{alert} is approved all the same" in answer.json["error"]
            assert "Traceback" not in answer.err


def test_what_is_opened_there_is_opened_once(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAUSES", (0.0,))
    given = ("incident", "open", "--title", "15 in Rhône", "--json")

    def opened() -> int:
        found = laptop.does("incident", "list", "--json", by="ada").json
        return sum(one["title"] == "15 in Rhône" for one in found)

    before = opened()
    with _between(laptop.url) as way:
        through = Laptop(laptop.folder, way.url, laptop.tokens)
        way.lose = 2
        assert through.run(*given, by="ada").code == 2
        name = through.does(*given, by="ada").json["id"]
        assert opened() == before + 1
        assert through.does(*given, by="ada").json["id"] != name


def test_an_older_server_says_so_in_one_sentence(laptop: Laptop) -> None:
    with _between(laptop.url) as way:
        way.older = "/api/v1/"
        through = Laptop(laptop.folder, way.url, laptop.tokens)
        for given in (
            ("retract", "X-1"),
            ("cancel", "X-1", "--text", "No."),
            ("incident", "timeline", "X"),
            ("incident", "open"),
            ("numbers", "verify", "--session", "69"),
        ):
            answer = through.run(*given, by="bo")
            assert answer.code == 2, given
            assert "is of another version than this alertbot" in answer.err
            assert len(answer.err.splitlines()) == 1


def test_a_token_that_was_revoked_in_the_middle_of_a_sitting(
    laptop: Laptop, service: Service, tmp_path: Path
) -> None:
    """What was read back until then stays; then there is one sentence."""
    team = service[0]
    rows = "territory,service,number\n07,samu,04 65 71 07 15\n07,police,04 65 71 07 17\n"
    (team.folder / "r.csv").write_text(rows, encoding="utf-8")
    assert team.run("numbers", "import", "r.csv", by="ada").code == 0

    async def another(context: WatchContext, who: Person) -> str:
        return await api_tokens.make(context, who, "sitting", list(Scope))

    async def revoke(context: WatchContext, who: Person) -> str:
        ((number, _name),) = [
            (one.id, one.name)
            for one in await api_tokens.tokens_of(context, who)
            if one.name == "sitting"
        ]
        return str(await api_tokens.revoke(context, who, number))

    tokens = laptop.tokens | {"bo": with_person(team, "bo", another)}
    other = Laptop(tmp_path / "other", laptop.url, tokens)
    first = other.run(
        *("numbers", "verify", "--session", "07"), by="bo", stdin="0465710715\nanswered\nq\n"
    )
    assert first.code == 3
    with_person(team, "bo", revoke)
    answer = other.run("numbers", "verify", "--session", "07", by="bo", stdin="0465710717\n")
    assert answer.code == 1
    assert "was revoked" in answer.err
    assert f"alertbot login --server {laptop.url}" in answer.err
    found = laptop.does("numbers", "list", "07", "--json", by="cy").json
    assert sorted(one["standing"] for one in found) == ["in_force", "unverified"]


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    pem = key.private_bytes(*plain, serialization.NoEncryption())
    pem += made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "pem").write_bytes(pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pem")
    with _between("http://127.0.0.1:9") as way:
        way.socket = tls.wrap_socket(way.socket, server_side=True)
        url = f"https://localhost:{way.server_port}"
        answer = Laptop(tmp_path / "l", url, {"ada": "abt_x"}).run("status", by="ada")
    assert answer.code == 2
    assert "certificate" in answer.err
