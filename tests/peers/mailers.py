"""Real mail servers, each private to a test run: Postfix, which takes our mail and delivers it, and Dovecot, whose
mailboxes it delivers to. Both on loopback, with folders of their own; both need root, as they do anywhere."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PASSWORD = "mot de passe «à l'envers»"  # of every mailbox
DOMAIN = "example.org"
USERS = ("retours", "maire", "temoin")
OWNER = "mail"  # a user that Debian always has: whose the mailboxes are
BIN = Path("/usr/sbin")
START_SECONDS = 30.0


def need(*programs: str) -> None:
    """In CI every peer has to be there; elsewhere its tests are skipped without it, or without root."""
    missing = [one for one in programs if shutil.which(one, path=f"{os.environ['PATH']}:{BIN}") is None]
    why = f"needs {', '.join(missing)}" if missing else "needs root" if os.geteuid() else ""
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder_for_servers(name: str) -> Iterator[Path]:
    """A folder that the servers' own users may enter."""
    made = Path(tempfile.mkdtemp(prefix=f"alertbot-{name}-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


class PostOffice:
    """`imap`, `imaps`, `smtp`: ports. Mailboxes are made by the first mail to them. `strict`: whether unknown
    recipients are refused at once, or their mail is sent back."""

    def __init__(self, folder: Path, certificate: tuple[Path, Path]) -> None:
        self.folder, self.boxes = folder, folder / "boxes"
        self.imap, self.imaps, self.smtp = free_port(), free_port(), free_port()
        self._certificate = certificate
        self._running: list[subprocess.Popen[bytes]] = []
        self.boxes.mkdir()
        shutil.chown(self.boxes, OWNER, OWNER)

    def start(self) -> None:
        self._write_dovecot()
        self._write_postfix()
        self._begin("dovecot", "-F", "-c", str(self.folder / "dovecot.conf"))
        self._begin("postfix", "-c", str(self.folder / "postfix"), "start-fg")
        for port in (self.imap, self.imaps, self.smtp):
            _wait_for(port)

    def stop(self) -> None:
        if (master := self.folder / "queue" / "pid" / "master.pid").exists():
            with suppress(ProcessLookupError):
                os.kill(int(master.read_text()), signal.SIGTERM)
        for one in self._running:
            one.terminate()
        for one in self._running:
            one.wait(START_SECONDS)

    def put(self, user: str, content: bytes, name: str) -> None:
        """A mail in a mailbox, as if it had been delivered."""
        new = self.boxes / user / "new"
        for folder in (new, new.parent / "cur", new.parent / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(content)
        for path in (new.parent, *new.parent.rglob("*")):
            shutil.chown(path, OWNER, OWNER)

    def set(self, **settings: str) -> None:
        """Change how Postfix is set, while it runs."""
        here = ("-c", str(self.folder / "postfix"))
        self._run("postconf", *here, *(f"{key} = {value}" for key, value in settings.items()))
        self._run("postfix", *here, "reload")

    def idle(self) -> bool:
        """Whether nothing waits in the queue of Postfix."""
        done = self._run("postqueue", "-c", str(self.folder / "postfix"), "-j")
        return not done.strip()

    @property
    def log(self) -> str:
        return (self.folder / "postfix.log").read_text(errors="replace")

    @property
    def dovecot_log(self) -> str:
        return (self.folder / "dovecot.log").read_text(errors="replace")

    def _begin(self, program: str, *words: str) -> None:
        quiet = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        self._running.append(subprocess.Popen([_found(program), *words], **quiet))

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run([_found(program), *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def _write_dovecot(self) -> None:
        cert, key = self._certificate
        base = self.folder / "dovecot"
        (self.folder / "dovecot.conf").write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {base}
state_dir = {base}/state
log_path = {self.folder}/dovecot.log
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = maildir:~
mail_uid = {OWNER}
mail_gid = {OWNER}
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = username_format=%n {self.folder}/users
}}
userdb {{
  driver = static
  args = uid={OWNER} gid={OWNER} home={self.boxes}/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.imaps}
    ssl = yes
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
""")
        lines = "".join(f"{one}:{{PLAIN}}{PASSWORD}::::::\n" for one in USERS)
        (self.folder / "users").write_text(lines)

    def _write_postfix(self) -> None:
        home = self.folder / "postfix"
        shutil.copytree("/etc/postfix", home)
        data = self.folder / "postfix-data"
        data.mkdir()
        shutil.chown(data, "postfix", "postfix")
        boxes = "".join(f"{one}@{DOMAIN} {one}/\n" for one in USERS)
        (home / "boxes").write_text(boxes)
        (home / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {data}
maillog_file = {self.folder}/postfix.log
maillog_file_prefixes = {self.folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{DOMAIN}
mydestination =
local_transport = error:there are no local users
alias_maps =
relayhost =
default_transport = error:5.7.1 nothing leaves this machine
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
smtp_host_lookup = native
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {self.boxes}
virtual_mailbox_maps = texthash:{home}/boxes
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_minimum_uid = 1
recipient_delimiter = +
smtpd_reject_unlisted_recipient = no
smtputf8_autodetect_classes = all
minimal_backoff_time = 2s
queue_run_delay = 2s
bounce_queue_lifetime = 1d
""")
        (home / "main.cf").chmod(0o644)
        master = (home / "master.cf").read_text()
        lines = [f"127.0.0.1:{self.smtp} inet n - n - - smtpd"]
        for line in master.splitlines():
            words = line.split()
            if not line.startswith(("#", " ")) and len(words) > 7 and words[:2] != ["smtp", "inet"]:
                lines.append(" ".join([*words[:4], "n", *words[5:]]))  # not in a chroot
        (home / "master.cf").write_text("\n".join(lines) + "\n")
        (self.folder / "queue").mkdir()


def _found(program: str) -> str:
    found = shutil.which(program, path=f"{os.environ['PATH']}:{BIN}")
    assert found is not None
    return found


def _wait_for(port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        assert time.monotonic() < ends, f"nothing listens on port {port}"
        time.sleep(0.1)
