"""The page as a channel, and the places where its files stand."""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import obstore
import pytest
from obstore.store import MemoryStore

from alertbot.channels.base import Adapter
from alertbot.channels.page import places
from alertbot.channels.page.adapter import PageAdapter, PageSettings
from alertbot.channels.page.bucket import BucketPlace
from alertbot.channels.page.places import (
    EditionFiles,
    FolderPlace,
    PagePlace,
    PlaceFailed,
    PlaceOvertaken,
    PlaceTaken,
    Stood,
    digest_of,
    sum_of,
)
from alertbot.core.errors import ChannelDown, Rejected, Unavailable
from alertbot.core.model import Audience, Post
from tests.channels.contract import ChannelContract
from tests.effort import examples

URL = "https://alert.example.org"


class Shown:
    """What makes the page, in its place: it notes what it was asked to show."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Post]] = []
        self.trouble: Exception | None = None

    async def publish(self, posts: Sequence[Post]) -> None:
        if self.trouble:
            raise self.trouble
        self.batches.append(posts)

    async def find(self, post: Post) -> bool:
        return any(post in batch for batch in self.batches)


class TestPage(ChannelContract):
    adapter_type: ClassVar[type[PageAdapter]] = PageAdapter
    target: ClassVar[str] = URL

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.home = tmp_path

    def settings(self, port: int, **more: Any) -> PageSettings:
        made = PageSettings(type="page", folder="www", public_url=URL, **more)
        made.bind("channels.page", self.home)
        return made

    def adapter(self, port: int, audience: Audience = Audience.LIVE, **more: Any) -> Adapter[Any]:
        made = super().adapter(port, audience, **more)
        assert isinstance(made, PageAdapter)
        made.editions = Shown()
        return made

    def post(self, **changes: Any) -> Post:
        made = super().post(**{"document": "{}", **changes})
        return replace(made, alert=f"BKRT-{made.delivery}") if "text" in changes else made

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        (self.home / "www").mkdir(exist_ok=True)
        yield 1

    async def test_the_languages_of_an_alert_are_shown_together(self) -> None:
        adapter = self.adapter(1)
        posts = [self.post(lang=lang) for lang in ("fr", "en")]
        receipts = await asyncio.gather(*map(adapter.publish, posts))
        assert [one.url for one in receipts] == [
            f"{URL}/{lang}/alerts/BKRT-1.html" for lang in ("fr", "en")
        ]
        assert isinstance(adapter, PageAdapter)
        assert isinstance(adapter.editions, Shown)
        assert [list(batch) for batch in adapter.editions.batches] == [posts]
        assert await adapter.find(posts[0]) == receipts[0]
        assert await adapter.find(self.post(delivery=99)) is None

    @pytest.mark.parametrize(
        ("trouble", "told"), [(PlaceFailed("full"), Unavailable), (PlaceTaken("theirs"), ChannelDown)]
    )
    async def test_trouble_with_the_place_is_the_engines_trouble(
        self, trouble: Exception, told: type[Exception]
    ) -> None:
        adapter = self.adapter(1)
        assert isinstance(adapter, PageAdapter)
        assert isinstance(adapter.editions, Shown)
        adapter.editions.trouble = trouble
        with pytest.raises(told, match=str(trouble)):
            await adapter.publish(self.post())

    async def test_an_alert_composed_before_there_was_a_page_is_refused(self) -> None:
        with pytest.raises(Rejected, match="before there was one"):
            await self.adapter(1).publish(self.post(document=None))


# --- places ---------------------------------------------------------------------------------------


def an_edition(number: int, files: int = 12) -> EditionFiles:
    """Every file says which edition it is of; one never changes, and each has an asset of its own."""
    pages = {f"fr/{at}.html": f"{number} {at}".encode() * 300 for at in range(files)}
    found = {**pages, "index.html": b"always", f"assets/style.{number}.css": b"body{}"}
    digest = digest_of(found)
    found["state.json"] = json.dumps({"sequence": number, "hash": digest}).encode()
    return EditionFiles(number, digest, found)


def show(place: PagePlace, edition: EditionFiles) -> None:
    place.prepare(edition)
    place.switch(edition)


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PagePlace:
    if request.param == "folder":
        return FolderPlace(tmp_path / "www")
    monkeypatch.setattr("alertbot.channels.page.bucket.from_url", lambda *_a, **_k: MemoryStore())
    return BucketPlace("s3://alert", {}, seconds=1.0)


def test_an_edition_stands_with_every_file(place: PagePlace) -> None:
    assert place.stands() is None
    assert place.read("index.html") is None
    for number in range(1, 6):
        edition = an_edition(number)
        show(place, edition)
        place.tidy()
        assert place.stands() == Stood(number, edition.digest)
        found = place.paths()
        assert {
            path: sum_of(content) for path, content in edition.files.items()
        }.items() <= found.items()
    assert {path for path in found if path.startswith("assets/")} == {
        f"assets/style.{n}.css" for n in range(1, 6)
    }


def test_an_earlier_edition_never_takes_the_place_of_a_later_one(place: PagePlace) -> None:
    show(place, an_edition(2))
    with pytest.raises(PlaceOvertaken, match="edition 2 stands there already"):
        show(place, an_edition(1))
    assert place.stands() == Stood(2, an_edition(2).digest)


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "www")
    inodes = []
    for number in (1, 2):
        show(place, an_edition(number))
        inodes.append({path: (place.root / path).stat().st_ino for path in ("index.html", "fr/1.html")})
    assert inodes[0]["index.html"] == inodes[1]["index.html"]
    assert inodes[0]["fr/1.html"] != inodes[1]["fr/1.html"]


def test_what_is_somebody_elses_stays(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "www")
    show(place, an_edition(1))
    theirs = [
        tmp_path / "www/robots.txt",
        place.root.resolve() / "fr/note.txt",
        tmp_path / "www/editions/mine/a",
    ]
    for path in theirs:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    for number in range(2, 8):
        show(place, an_edition(number))
        place.tidy()
    assert [path.read_text() for path in theirs] == ["mine"] * 3
    assert len([*(tmp_path / "www/editions").glob("*.list")]) == 3


@pytest.mark.parametrize(
    "trouble", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")]
)
def test_a_disk_that_takes_nothing_leaves_what_stands(
    tmp_path: Path, trouble: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = FolderPlace(tmp_path / "www")
    show(place, an_edition(1))
    written: list[Path] = []

    def fail(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) > 5:
            raise trouble
        with path.open("wb") as file:
            return file.write(content)

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", fail)
        with pytest.raises(PlaceFailed, match=str(trouble.strerror)):
            show(place, an_edition(2))
    assert place.stands() == Stood(1, an_edition(1).digest)
    show(place, an_edition(2))
    assert place.stands() == Stood(2, an_edition(2).digest)


def test_a_link_of_somebody_else_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "www/current").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PlaceTaken, match="was not made by this program"):
        show(FolderPlace(tmp_path / "www"), an_edition(1))


# --- killed at any moment --------------------------------------------------------------------------


ROUNDS = 250 if examples(100) == 100 else 12


def _export_for_ever(folder: Path, first: int) -> None:
    places._keep = lambda _path: None  # a process is killed, not the machine
    place = FolderPlace(folder)
    for number in range(first, first + 1000):
        show(place, an_edition(number, files=40))
        if number % 2:
            place.tidy()


def _exporting(folder: Path, first: int) -> Any:
    process = multiprocessing.get_context("fork").Process(
        target=_export_for_ever, args=(folder, first), daemon=True
    )
    process.start()
    return process


def test_an_export_that_is_killed_never_leaves_a_mix(tmp_path: Path) -> None:
    """SIGKILL at random moments: what stands is one edition, whole; the next export goes on from there."""
    place = FolderPlace(tmp_path / "www")
    dice, stood = random.Random(20210602), 0
    show(place, an_edition(1, files=40))
    for _round in range(ROUNDS):
        before = place.stands()
        assert before is not None
        process = _exporting(tmp_path / "www", before.sequence + 1)
        time.sleep(dice.random() * 0.25)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        stands = place.stands()
        assert stands is not None
        assert stands.sequence >= before.sequence
        wanted = an_edition(stands.sequence, files=40)
        found = {path: sum_ for path, sum_ in place.paths().items() if path in wanted.files}
        assert found == {path: sum_of(content) for path, content in wanted.files.items()}
        stood += stands.sequence > before.sequence
    assert stood


def test_an_upload_that_was_cut_off_is_completed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was put and whatever was not: the next edition is whole, and until then the pointer is the old one."""
    for cut in range(1, 18):
        store = MemoryStore()
        monkeypatch.setattr("alertbot.channels.page.bucket.from_url", lambda *_a, _to=store, **_k: _to)
        place = BucketPlace("s3://alert", {}, seconds=1.0)
        show(place, an_edition(1))
        left = [cut]
        put = obstore.put

        def fails(*given: Any, _left: list[int] = left, _put: Any = put, **more: Any) -> Any:
            _left[0] -= 1
            if _left[0] < 0:
                raise OSError("cut off")
            return _put(*given, **more)

        with monkeypatch.context() as broken:
            broken.setattr(obstore, "put", fails)
            with suppress(PlaceFailed):
                show(place, an_edition(2))
        assert place.stands() in (Stood(1, an_edition(1).digest), Stood(2, an_edition(2).digest))
        edition = an_edition(3)
        show(place, edition)
        wanted = {path: sum_of(content) for path, content in edition.files.items()}
        assert wanted.items() <= place.paths().items()
