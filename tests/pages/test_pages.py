"""The pages that people read, as a browser and a validator see them: axe finds nothing, light and dark, on a phone
and at a desk; none scrolls sideways at 320 pixels; and the Nu HTML checker accepts each."""

import base64
import gzip
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from alertbot.alerts import for_others, halting, showing
from alertbot.alerts.compose import DraftRequest, look
from alertbot.alerts.views import AlertView
from alertbot.core.words import spoken
from alertbot.db.database import Database
from alertbot.people import tasks
from alertbot.rehearsal.sandbox.public_view import render_wall
from alertbot.texts import poster
from alertbot.texts.posts.writing import CODE
from alertbot.texts.preview.html_page import render_page
from alertbot.texts.wording.markup import Block, Run, Shape
from tests.pages import test_public_page as public_page
from tests.pages.evening import FRENCH
from tests.rehearsal.sandbox.test_public_view import evening
from tests.team import hand
from tests.texts import test_whole_posts as whole
from tests.texts.preview import examples
from tests.web.reader import PLATFORMS, Reader, form_in, reader

pytestmark = pytest.mark.thorough  # a browser and a validator; without them: test_public_page.py

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "demo-output" / "wall.html"  # `make demo`, which CI runs before the suite
PATIENCE_SECONDS = 240
NU = (
    "node_modules/vnu-jar/build/dist/vnu.jar", "--stdout", "--format", "gnu", "--exit-zero-always",
    "--filterpattern", ".*violates Content Security Policy.*",  # it computes no hashes; the browser does
)  # fmt: skip
NINETEEN = whole.SITUATIONS["19 territories"]
MAILS = ("example", "19 territories", "9 wrong, 9 right", "part withdrawn", "zones")
IN_A_BROWSER = {  # the validator reads all of them
    "mail-provisional_number-19 territories-fr.html",
    "mail-correction-9 wrong, 9 right-en.html",
    "mail-withdrawal-part withdrawn-fr.html",
    "mail-status-example-en.html",
    *(f"public-{name}.html" for name in ("home", "vendee", "corrected", "messages", "exercise", "rtl")),
}


@pytest.fixture
def tools() -> Mapping[str, str]:
    """The paths of what checks; in CI all of it has to be there."""
    found = {name: shutil.which(name) or "" for name in ("node", "java", "chromium")}
    missing = [name for name, path in found.items() if not path]
    if not (HERE / "node_modules").is_dir():
        missing.append("what `make pages` brings")
    if missing and os.environ.get("CI"):
        pytest.fail(f"to check the pages, install {', '.join(missing)}")
    if missing:
        pytest.skip(f"to check the pages, install {', '.join(missing)}")
    return found


@pytest.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Reader]:
    database = await Database.open(sqlite_url, migrate=False)
    made = await reader(database, (*PLATFORMS, hand()))
    yield made
    await made.client.aclose()
    await database.close()


async def test_every_page_is_valid_and_accessible(
    tools: Mapping[str, str], desk: Reader, tmp_path: Path
) -> None:
    pages = await from_the_database(desk) | without_one() | mails() | public()
    for name, page in pages.items():
        (tmp_path / name).write_text(page, encoding="utf-8")
    for name in ("show.html", "poster.html"):
        assert 'href="tel:+33465711000"' in pages[name]
    read = [tmp_path / name for name in pages]
    if DEMO.exists() or os.environ.get("CI"):
        read.append(DEMO)
    seen = [
        path
        for path in read
        if not path.name.startswith(("mail-", "public-")) or path.name in IN_A_BROWSER
    ]
    axe = started([tools["node"], "axe.mjs", *seen], CHROMIUM=tools["chromium"])
    nu = started([tools["java"], "-Xss2m", "-XX:TieredStopAtLevel=1", "-jar", *NU, *read])
    faults = [*ended(axe), *ended(nu)]
    assert not faults, "\n".join(faults)


def started(command: list[str | Path], **more: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=HERE, env=os.environ | more, stdout=pipe, stderr=pipe, text=True
    )


def ended(process: subprocess.Popen[str]) -> list[str]:
    """What it found, one fault a line."""
    with process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    return out.splitlines()


def without_one() -> dict[str, str]:
    """The pages that need no database."""
    blocked, drill = examples.sheet(examples.BLOCKED), examples.sheet(exercise=True)
    with spoken("fr"):
        french = render_page(examples.sheet())
    wall = render_wall(evening(), "Répétition", lang="fr", live=True)
    return {
        "preview-blocked.html": render_page(blocked),
        "preview-exercise.html": render_page(drill),
        "preview-fr.html": french,
        "wall.html": wall,
    }


def public() -> dict[str, str]:
    """Pages of the public page: each of its kinds, an exercise, another country, from right to left."""
    now, drill = public_page.EVENING, replace(FRENCH, exercise=True)
    later = public_page.edition(now + timedelta(days=2))
    found = {name: public_page.edition(at)[path] for name, (path, at) in public_page.KEPT.items()} | {
        name: public_page.britain()[path] for name, path in public_page.KEPT_BRITISH.items()
    }
    found |= {
        "choice": later["index.html"],
        "messages": later["en/alerts/index.html"],
        "exercise": public_page.edition(now, drill)["fr/69.html"],
        "rtl": public_page.right_to_left()["ar/69.html"],
    }
    return {f"public-{name}.html": page.decode() for name, page in found.items()}


def test_a_number_is_there_in_two_seconds_without_scripts_and_on_one_sheet(
    tools: Mapping[str, str],
) -> None:
    """The line: 400 kbit/s, 400 ms for each way there and back, and two of these before the first request."""
    late = public_page.EVENING + timedelta(hours=2, minutes=5)
    files = {
        **public_page.whole_country(),
        **{f"late/{path}": page for path, page in public_page.edition(late).items()},
        **{f"evening/{path}": page for path, page in public_page.edition().items()},
    }
    sheets = ["fr/69.html", "late/fr/85.html", "evening/en/85.html"]
    stale = "evening/fr/69.html"
    with served(files) as base:
        number = "04 65 71 12 07"
        run = started(
            [tools["node"], "public.mjs", base, number, stale, *sheets], CHROMIUM=tools["chromium"]
        )
        found = json.loads("".join(ended(run)))
    assert found["direct"] <= 2000
    assert found["click"] <= 2000
    assert found["above"] <= 640  # the fold of a phone
    assert found["stale_with"]
    assert not found["stale_without"]
    assert all(one.startswith(base) for one in found["asked"])
    for path, pdf in found["sheets"].items():
        assert len(PdfReader(BytesIO(base64.b64decode(pdf))).pages) == 1, path


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[str]:
    """These files, compressed, on a line that needs two trips before it carries anything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            time.sleep(0.8)

        def do_GET(self) -> None:
            page = files.get(self.path.lstrip("/"))
            content = gzip.compress(page) if page else b""
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def mails() -> dict[str, str]:
    """The mail of every kind in each language."""
    found = {
        f"mail-{kind}-{situation}-{one.lang}.html": one.html
        for kind, situation in whole.CASES
        if situation in MAILS
        for one in whole.made(kind, situation).messages
        if one.type == "email" and one.html
    }
    assert found.keys() >= {name for name in IN_A_BROWSER if name.startswith("mail-")}
    return found


async def from_the_database(desk: Reader) -> dict[str, str]:
    """The pages about an alert with numbers for 19 territories: preview, poster, approval, posting by hand."""
    await desk.team.register(NINETEEN["numbers"])
    view = await desk.team.pending("provisional_number", changes=dict(NINETEEN))
    shown = await showing.show(desk.team.service, view.id, desk.team.tokens["bo"])
    sheet = look(desk.team.service.publisher, DraftRequest(kind="status", given={}))
    posters = await for_others.made(desk.team.service, view.id, "poster", (), {})
    pages = [(one.lang, one.title, one.blocks) for one in posters.texts]
    return {
        "show.html": render_page(shown.sheet),
        "preview.html": render_page(sheet),
        "poster.html": poster.html(pages),
        **await approvals(desk, view),
        **await by_hand(desk),
    }


async def by_hand(desk: Reader) -> dict[str, str]:
    """What somebody sees who is to post where no program can: words and picture, an answer that is not one, the same
    after a halt, and what came of it."""
    view = await desk.team.approved("provisional_number", changes={"card": "yes"})
    await desk.team.work()
    found = await tasks.listing(desk.team.service)
    (task,) = [one.id for one in found if one.kind == tasks.BY_HAND]
    token = await desk.link(view, "ada", task)
    asked = await desk.get(token, "?lang=fr", page="t")
    said = {"page": "t", "form": form_in(asked.text), "answer": "done"}
    wrong = await desk.post(token, **said)
    await halting.halt(desk.team.service, None, None)
    stopped = await desk.get(token, page="t")
    done = await desk.post(token, **said, link="https://whatsapp.com/channel/0029Va/123")
    answers = {"asked": asked, "wrong": wrong, "stopped": stopped, "done": done}
    assert [one.status_code for one in answers.values()] == [200, 422, 200, 200]
    assert "DO NOT POST IT" in stopped.text
    assert "<figure" in asked.text
    return {f"hand-{name}.html": one.text for name, one in answers.items()}


async def approvals(desk: Reader, view: AlertView) -> dict[str, str]:
    """What an approver sees: the question, an answer that is not one, what came of it, and the link's end."""
    token = await desk.link(view)
    asked = await desk.get(token, "?lang=fr")
    wrong = await desk.post(token, form=form_in(asked.text), decision="return", reason="")
    approved, again = await desk.approve(token), await desk.get(token)
    answers = {"asked": asked, "wrong": wrong, "approved": approved, "again": again}
    assert [one.status_code for one in answers.values()] == [200, 422, 200, 410]
    return {f"approve-{name}.html": one.text for name, one in answers.items()}


def test_a_poster_on_paper_never_parts_a_place_from_its_numbers() -> None:
    places = [f"Place {at}" for at in range(1, 20)]
    calls = {
        place: [f"04 65 71 {at:02} {service}" for service in (15, 17, 18)]
        for at, place in enumerate(places)
    }
    blocks = [one for place, numbers in calls.items() for one in printed(place, numbers)]
    pages = [("fr", "Numéros", (*blocks, Block(((Run("Référence BKRT-1"),),))))]
    paper = PdfReader(BytesIO(poster.pdf(pages)))
    assert paper.root_object["/Lang"] == "fr"
    assert paper.metadata is not None
    assert paper.metadata.title == "Place 1"
    texts = [page.extract_text() for page in paper.pages]
    assert len(texts) > 5
    assert "Référence BKRT-1" in texts[-1]
    for place, numbers in calls.items():
        (home,) = [text for text in texts if f"{place}\n" in text]
        assert all(number in home for number in numbers)


def printed(place: str, numbers: Sequence[str]) -> tuple[Block, Block]:
    lines = tuple((Run("SAMU – "), Run(number, (CODE,))) for number in numbers)
    return Block(((Run(place),),), Shape.HEADING, depth=1), Block(lines)
