"""The public page of 101 territories in two languages: from approval until its new bytes stand, with a worker in a process
of its own; and how many readers a second get it, beside a static server, where wrk and nginx are at hand."""

import asyncio
import gzip
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alertbot.alerts import approving, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.app import App, build
from alertbot.core.model import RawValues
from alertbot.numbers import changing, consulting, verifying
from alertbot.numbers.reading import read_numbers
from alertbot.ops import overview, public_page
from alertbot.pages import store_editions
from alertbot.people import accounts
from alertbot.texts.kinds.catalogue import load_kind
from alertbot.watch.context import WatchContext
from benchmarks import composing

ALERTS = 6
GOAL = 2.0  # seconds
PORT, STATIC = 18471, 18472
SECONDS, CONNECTIONS = 5, 32
CONFIG = f"""
organisation: {{name: Bench, languages: [fr, en], verification_page: "https://www.example.org/", sandbox: true}}
database: sqlite:///bench.db
approvals: {{provisional_number: {{approvers: 1}}}}
serve: {{host: 127.0.0.1, port: {PORT}, public: /public/}}
channels:
  page: {{type: page, folder: page, public_url: "http://127.0.0.1:{PORT}/public"}}
"""
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{ access_log off; include /etc/nginx/mime.types; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; root {root}; gzip on; gzip_min_length 200; gzip_types text/css application/json; }} }}
"""


def measure() -> dict[str, object]:
    """Seconds over `ALERTS` approvals of all numbers, sizes, and requests a second."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, object]:
    config = folder / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    program = str(Path(sys.executable).parent / "alertbot")
    app = build(config)
    service = await app.open()
    server = await asyncio.create_subprocess_exec(
        program, "--config", str(config), "serve", stdout=asyncio.subprocess.DEVNULL
    )
    try:
        spent = await _publish_all(app, service, folder / "page/current")
        (made,) = await public_page.show(app, service)
        exported = await _exported(app, service)
        readers = await asyncio.to_thread(_readers, folder)
    finally:
        server.terminate()
        await server.wait()
        await app.close()
    return {
        "approve -> new bytes stand (s, median)": round(statistics.median(spent), 2),
        f"worst (s; goal: {GOAL:.0f})": round(max(spent), 2),
        "editions": made.editions[0].sequence,
        **exported,
        **readers,
    }


async def _publish_all(app: App, service: WatchContext, root: Path) -> list[float]:
    first = await accounts.add(service, None, "Ada", ["author"], None)
    second = await accounts.add(service, first.token, "Bo", ["approver"], None)
    author = await accounts.acting(service, first.token)
    approver = await accounts.acting(service, second.token)
    read = read_numbers(_rows())
    await changing.import_(service, author, read, "bench")
    for entry in await consulting.entries(service, None):
        heard = verifying.Verification(entry.row.number, "answered")
        await verifying.verify(service, approver, entry.name, heard)
    while not (await overview.status(service, None)).worker.alive:
        await asyncio.sleep(0.05)
    spent, incident = [], None
    for number in range(ALERTS):
        wishes = DraftRequest("provisional_number", _values(app, number))
        view = await writing.draft(service, author, wishes, incident=incident, new_incident=not number)
        incident = view.incident
        view = await writing.submit(service, author, view.id)
        begun = time.perf_counter()
        await approving.approve(service, approver, view.id, view.digest)
        page = root / f"en/alerts/{view.id}.html"
        async with asyncio.timeout(60):
            while not page.exists():
                await asyncio.sleep(0.005)
        spent.append(time.perf_counter() - begun)
    return spent


def _rows() -> list[dict[str, str]]:
    names = ("territory", "service", "number")
    return [{name: row[name] for name in names} for row in composing.rows(composing.places())]


def _values(app: App, number: int) -> RawValues:
    example = load_kind("provisional_number", *app.publisher.folders).example
    more = {
        "where": composing.places(),
        "numbers": _rows(),
        "what_fails": f"le 15, relevé {number + 1}",
    }
    return {**example, **more}


async def _exported(app: App, service: WatchContext) -> dict[str, object]:
    """The export alone: rendering, then writing into an empty folder and over an edition that stands."""
    (keeper,) = public_page.keepers(app, service)
    name = keeper.channel.name
    last = await service.database.read(lambda conn: store_editions.latest(conn, name))
    assert last is not None
    spent = []
    for _run in range(3):
        begun = time.perf_counter()
        made = await keeper.rebuild(last)
        spent.append(time.perf_counter() - begun)
    home, place = made.files["fr/index.html"], made.files["fr/69.html"]
    return {
        "files of an edition": len(made.files),
        "reading the record and rendering (ms, median)": round(statistics.median(spent) * 1000),
        "home (bytes, gzip)": len(gzip.compress(home, 9)),
        "a territory (bytes, gzip)": len(gzip.compress(place, 9)),
    }


def _readers(folder: Path) -> dict[str, object]:
    """Requests a second for a territory's page over kept connections, from the program and from nginx."""
    if not (shutil.which("wrk") and shutil.which("nginx")):
        return {"requests a second": "not measured: wrk or nginx is not at hand"}
    ours = _asked(f"http://127.0.0.1:{PORT}/public/fr/69.html")
    with _nginx(folder):
        static = _asked(f"http://127.0.0.1:{STATIC}/fr/69.html")
    return {
        "alertbot serve: requests a second, gzip": ours,
        "nginx on the same folder, one process": static,
        "connections": CONNECTIONS,
    }


@contextmanager
def _nginx(folder: Path) -> Iterator[None]:
    text = NGINX.format(folder=folder, port=STATIC, root=folder / "page/current")
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    for path in (folder, folder / "page"):
        path.chmod(0o755)
    server = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf")])
    try:
        time.sleep(1.0)
        yield
    finally:
        server.terminate()
        server.wait()


def _asked(url: str) -> int:
    order = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", "Accept-Encoding: gzip", url]
    said = subprocess.run(order, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    return round(float(re.findall(r"Requests/sec:\s+([0-9.]+)", said)[0]))
