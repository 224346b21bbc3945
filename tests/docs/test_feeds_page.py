"""docs/how-to/feeds.md: its commands work on the feeds of the evening as they are printed there."""

import re
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.pages.feeds.test_followed import at, story

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "feeds.md"
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The feeds of 2 June 2021, after the fifth alert, on loopback."""
    folder = tmp_path_factory.mktemp("feeds")
    with at("FR", story("FR")[4].published_at, 5) as told:
        for path, content in told.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


SAID = (
    r"\AThe whole of France and Réunion: still not working",
    r"(?m)^Police \| 04 65 71 06 17 \|  \| without landline or Orange mobile \| 2021-06-02T21:00:00\+02:00$",
    r"\Ahttps://alerte\.example\.org/feeds/cap/BKRT-5\.xml\n.*BKRT-1\.xml",
    r"\A<msgType>Update</msgType>\n\Z",
)


@pytest.mark.parametrize(("command", "said"), [*zip(COMMANDS, SAID, strict=True)])
def test_a_command_of_the_page_answers(address: str, command: str, said: str) -> None:
    line = command.replace("https://alert.example.org", address)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert re.search(said, done.stdout, re.DOTALL), done.stdout
