"""What is deployed is what there is: the unit, the image and the pages about them agree with the program."""

import http.server
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from alertbot import cli
from alertbot.channels.email.settings import EmailSettings
from alertbot.config.approvers import ServeSettings
from alertbot.config.sources import SourceSettings
from alertbot.watch.reports import inlets
from alertbot.watch.rules_signals import Observed
from alertbot.web.serving import GOODBYE_SECONDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
HOW_TO = (ROOT / "docs" / "how-to" / "run-as-a-service.md").read_text("utf-8")
UNIT = (DEPLOY / "alertbot.service").read_text("utf-8")
IMAGE = (DEPLOY / "Dockerfile").read_text("utf-8")
PORT = str(ServeSettings().port)
LONGEST_MAIL_SECONDS = EmailSettings.model_fields["dot_within"].default.total_seconds()
STOP = GOODBYE_SECONDS + LONGEST_MAIL_SECONDS


def setting(name: str) -> str:
    """The one value of a setting of the unit."""
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT, flags=re.MULTILINE)
    return str(found)


def instructions() -> list[tuple[str, str]]:
    """The image's instructions with their arguments, each on one line."""
    lines = [line for line in IMAGE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [
        (word, rest) for word, _blank, rest in (x.partition(" ") for x in joined.splitlines()) if word
    ]


def arguments(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def command_named(given: list[str]) -> str:
    """The command that this line calls, as the program itself reads it."""
    root = cli.commands()
    with root.make_context("alertbot", list(given), resilient_parsing=True) as context:
        (name,) = context._protected_args
    assert name in root.listing
    return name


# --- systemd ------------------------------------------------------------------------------------


def test_the_unit_starts_a_command_that_there_is() -> None:
    program, *given = shlex.split(setting("ExecStart"))
    assert Path(program).is_absolute()
    assert command_named(given) == "serve"
    assert "/etc/alertbot/config.yaml" in given
    assert str(Path(program).parent) in HOW_TO


def test_the_unit_waits_for_calls_under_way() -> None:
    assert setting("Type") == "exec"  # it notifies nobody
    assert int(setting("TimeoutStopSec").removesuffix("s")) > STOP
    assert setting("Restart") == "always"


def test_the_unit_hands_secrets_in_under_the_names_of_the_page() -> None:
    name, _colon, folder = setting("LoadCredential").partition(":")
    assert f"/run/credentials/alertbot.service/{name}_telegram" in HOW_TO
    assert folder in HOW_TO
    assert not re.search(r"^Environment=.*(SECRET|TOKEN|PASSWORD)", UNIT, flags=re.MULTILINE)


def test_the_page_keeps_the_database_where_the_unit_may_write() -> None:
    state = f"/var/lib/{setting('StateDirectory')}"
    assert setting("WorkingDirectory") == state
    assert f"sqlite:///{state}/" in HOW_TO
    assert setting("User") in (DEPLOY / "alertbot.sysusers").read_text("utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_the_unit_and_finds_it_safe(tmp_path: Path) -> None:
    path = tmp_path / "alertbot.service"
    here = str(Path(sys.executable).parent / "alertbot")
    path.write_text(UNIT.replace("/opt/alertbot/bin/alertbot", here), "utf-8")
    checked = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    about = [line for line in checked.stderr.splitlines() if "alertbot" in line]
    assert (checked.returncode, about) == (0, [])
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", path],
        capture_output=True,
        text=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    assert found, rated.stderr
    assert float(found[1]) < 2.0


# --- the image ----------------------------------------------------------------------------------


def test_the_image_is_built_from_what_there_is_and_nothing_else() -> None:
    allowed = [
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    for copied in arguments("COPY"):
        *sources, _target = [one for one in copied.split() if not one.startswith("--")]
        for one in sources:
            if "--from" not in copied:
                assert (ROOT / one).exists(), one
                assert any(fnmatch(one, name) or one.startswith(f"{name}/") for name in allowed), one


def test_every_base_is_pinned_and_everything_installed_has_a_hash() -> None:
    (pinned,) = arguments("ARG")
    assert re.fullmatch(r"PYTHON=3\.11\.\d+-slim-\w+", pinned)
    assert {one.split()[0] for one in arguments("FROM")} == {"python:${PYTHON}"}
    for install in re.findall(r"pip install [^&]+", " ".join(arguments("RUN"))):
        assert "--require-hashes" in install or "--no-index" in install, install


def test_the_build_tools_are_those_of_the_development() -> None:
    pins = {
        name: set(
            re.findall(r"^(\S+==\S+) \\$", (ROOT / "requirements" / name).read_text(), re.MULTILINE)
        )
        for name in ("build.txt", "dev.txt")
    }
    assert pins["build.txt"]
    assert pins["build.txt"] <= pins["dev.txt"]
    assert any(one.startswith("hatchling==") for one in pins["build.txt"])


def test_the_image_runs_as_nobody_else_and_holds_no_secret() -> None:
    assert int(arguments("USER")[-1].partition(":")[0]) >= 1000
    assert not re.search(r"(?i)secret|token|password", " ".join(arguments("ENV") + arguments("ARG")))


def test_the_image_serves() -> None:
    (entry,), (command,) = arguments("ENTRYPOINT"), arguments("CMD")
    assert json.loads(entry) == ["alertbot"]
    assert command_named(json.loads(command)) == "serve"
    assert arguments("EXPOSE") == [PORT]
    assert arguments("STOPSIGNAL") == ["SIGTERM"]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Something that answers /readyz like this."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_whether_it_is_ready(status: int, code: int) -> None:
    check = arguments("HEALTHCHECK")[0].partition("CMD ")[2]
    _python, option, script = json.loads(check)
    with answering(status) as port:
        done = subprocess.run([sys.executable, option, script.replace(PORT, str(port))])
    assert done.returncode == code
    assert subprocess.run(
        [sys.executable, option, script.replace(PORT, "9")], capture_output=True
    ).returncode


def test_the_composition_is_closed() -> None:
    made = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    service = made["services"]["alertbot"]
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > STOP
    assert all(one.startswith("127.0.0.1:") for one in service["ports"])
    assert set(service["secrets"]) == set(made["secrets"])
    assert "/etc/alertbot/config.yaml" in " ".join(arguments("ENV"))
    assert any(":/etc/alertbot/config.yaml:ro" in one for one in service["volumes"])


# --- the cluster -----------------------------------------------------------------------------------

CLUSTER = DEPLOY / "cluster"


def composed() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((CLUSTER / "compose.yaml").read_text("utf-8"))
    return made


def test_the_cluster_is_closed() -> None:
    made = composed()
    services = made["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "alertbot"}
    assert len(ours) == 4
    for one in ours.values():
        assert (CLUSTER / one["build"]["context"]).resolve() == ROOT
        assert (ROOT / one["build"]["dockerfile"]).is_file()
        assert (one["read_only"], one["cap_drop"], one.get("ports")) == (True, ["ALL"], None)
        assert int(one["stop_grace_period"].removesuffix("s")) > STOP
        assert any(":/etc/alertbot/config.yaml:ro" in each for each in one["volumes"])
    for one in services.values():
        assert set(one.get("secrets", ())) <= set(made["secrets"])
        assert set(one.get("depends_on", ())) <= set(services)
    named = {each.partition(":")[0] for one in services.values() for each in one.get("volumes", ())}
    assert {one for one in named if not one.startswith(".")} == set(made["volumes"])


def test_every_command_of_the_cluster_is_one() -> None:
    (served,) = arguments("CMD")
    commands = [one.get("command") or json.loads(served) for one in composed()["services"].values()]
    named = [command_named(one) for one in commands[:4]]
    assert sorted(named) == ["serve", "serve", "worker", "worker"]


def test_only_the_proxy_says_whose_request_it_passes_on() -> None:
    services, networks = composed()["services"], composed()["networks"]
    proxy = services["proxy"]["networks"]["alertbot"]["ipv4_address"]
    (network,) = networks["alertbot"]["ipam"]["config"]
    assert ip_address(proxy) in ip_network(network["subnet"])
    told = {
        one["environment"]["FORWARDED_ALLOW_IPS"]
        for one in services.values()
        if one["image"] == "alertbot"
    }
    assert told == {proxy}


def test_the_proxy_leads_to_both(tmp_path: Path) -> None:
    written = (CLUSTER / "nginx.conf").read_text("utf-8")
    servers = re.findall(r"^\s*server (\S+):(\d+) ", written, flags=re.MULTILINE)
    assert servers == [(name, PORT) for name in composed()["services"] if name.startswith("serve")]
    (outside,) = composed()["services"]["proxy"]["ports"]
    assert f"listen {outside.partition(':')[2]} ssl;" in written
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not here")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = ("-nodes", "-days", "1", "-subj", "/CN=example.org")
    made = ("-x509", "-newkey", "rsa:2048", "-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", *made, *options], check=True, capture_output=True)
    here = re.sub(r"serve-[ab]:", "127.0.0.1:", written.replace("/etc/nginx/tls", str(tmp_path)))
    config = tmp_path / "nginx.conf"
    config.write_text(here.replace("/run/nginx.pid", str(tmp_path / "pid")), "utf-8")
    checked = subprocess.run(["nginx", "-t", "-c", config], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


# --- the pages ----------------------------------------------------------------------------------


def test_every_metric_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text("utf-8")
    source = (ROOT / "alertbot" / "web" / "health.py").read_text("utf-8")
    named = set(re.findall(r'"(alertbot_\w+)"', source))
    told = set(re.findall(r"^\| `(alertbot_\w+?)(?:_total)?` \|", page, flags=re.MULTILINE))
    assert len(named) > 10
    assert named == told


def snippets(page: str) -> list[dict[str, Any]]:
    """The sources that are configured in the indented examples of a page."""
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    blocks = re.findall(r"(?:^ {4,}.*\n|^\n(?= {4,}))+", text, flags=re.MULTILINE)
    read = [yaml.safe_load(dedent(one)) for one in blocks if one.lstrip("\n ").startswith("sources:")]
    return [source for one in read for source in one["sources"].values()]


def test_the_examples_of_sources_are_right() -> None:
    found = [SourceSettings.model_validate(one) for one in snippets("receive-signals.md")]
    assert len(found) == 3
    for one in found:
        assert set(inlets({"example": one})) == {"example"}
        assert list(one.wrong()) == []


def test_the_heartbeat_of_the_page_says_nothing_about_any_service() -> None:
    """And yet it is heard."""
    settings = SourceSettings.model_validate(snippets("receive-signals.md")[1])
    body = json.loads((ROOT / "tests/watch/sources/samples/alertmanager.json").read_text("utf-8"))
    found = inlets({"heartbeat": settings})["heartbeat"].parse(
        body, source="heartbeat", now=datetime(2026, 3, 2, tzinfo=UTC), options=settings.options()
    )
    assert found
    assert {one.observed for one in found} == {Observed.UNKNOWN}


def test_the_signature_of_the_page_is_ours() -> None:
    """As it is typed there, in a shell."""
    from alertbot.web.signals import signature_of

    page = (ROOT / "docs" / "how-to" / "receive-signals.md").read_text("utf-8")
    script = page.split("In a shell:", 1)[1].split("```sh\n", 1)[1].split("curl", 1)[0]
    script = script.replace("$(cat secret)", "a-secret").replace("$(date +%s)", "1785577800")
    said = subprocess.run(
        ["bash", "-c", script + 'printf "%s" "$signature"'], capture_output=True, text=True, check=True
    )
    body = re.search(r"body='(.*)'", script)
    assert body
    assert said.stdout == signature_of(b"a-secret", "1785577800", body[1].encode())
