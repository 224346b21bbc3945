"""The evening of 2 June 2021 as `alertbot demo` tells it, played once: what a reader of X reads, in order."""

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import yaml
from rich.console import Console

from alertbot.cli.tables.show_rehearsal import show_evening
from alertbot.rehearsal.demo.evening import CASE, Evening, tell_evening
from tests.web.officer import Officer
from tests.web.test_serve import MARGIN_SECONDS

README = Path(__file__).parents[3] / "README.md"


@dataclass(frozen=True)
class Played:
    evening: Evening
    threads: dict[str, list[list[str]]]  # on X, by language: the posts of each alert

    def told(self, lang: str = "en") -> str:
        return "\n".join(text for thread in self.threads[lang] for text in thread)

    def alert(self, start: str, lang: str = "en") -> list[str]:
        """The posts of the first alert that begins so."""
        return next(thread for thread in self.threads[lang] if thread[0].startswith(start))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("evening") / "demo"
    evening = asyncio.run(tell_evening(folder, Console(file=io.StringIO())))
    return Played(evening, _threads(folder / "alertbot.db"))


def _threads(database: Path) -> dict[str, list[list[str]]]:
    query = sa.text(
        "select lang, alert_id, text from message where type = 'x' and purpose = 'publication' order by id"
    )
    found: dict[str, dict[str, list[str]]] = {}
    engine = sa.create_engine(f"sqlite:///{database}")
    with engine.connect() as conn:
        for lang, alert, text in conn.execute(query):
            found.setdefault(lang, {}).setdefault(alert, []).append(text.replace("\u00a0", " "))
    engine.dispose()
    return {lang: list(alerts.values()) for lang, alerts in found.items()}


def test_everything_is_published_in_under_a_minute(played: Played) -> None:
    assert played.evening.complete, [row for row in played.evening.rows if row.state != "sent"]
    assert set(played.threads) == {"fr", "en"}
    assert [len(thread) for thread in played.threads["fr"]] == [
        len(thread) for thread in played.threads["en"]
    ]
    limit = 120  # twice what people are told: tests share the machine
    assert played.evening.seconds < limit


def test_the_first_post_has_its_instruction_and_the_next_time(played: Played) -> None:
    assert played.threads["en"][0][0].split("\n") == [
        "FAILING, the whole of France: some calls to 15, 17, 18 and 112.",
        "Working: some of the calls.",
        "In an emergency: Let it ring for a minute. No answer? Try another phone.",
        "Next update: 17:20. https://alerte.example.org/en/",
    ]


def test_numbers_are_one_post_for_each_departement(played: Played) -> None:
    _lead, *posts = played.alert("Rhône, Paris, Vendée et La Réunion : le 15", "fr")
    with_numbers = [one for one in posts if "ne répond pas ?" in one]
    assert [one.partition(" (")[0] for one in with_numbers] == [
        "Rhône",
        "Paris",
        "Vendée",
        "La Réunion",
    ]
    assert all("en urgence seulement" in one.casefold() for one in with_numbers)
    assert "(sans fixe ni mobile Orange)" in with_numbers[0]
    assert "20 h 45, heure locale" in with_numbers[3]


def test_a_false_number_is_corrected_in_one_post(played: Played) -> None:
    assert played.alert("CORRECTION") == [
        (
            "CORRECTION. Vendée (85): do NOT call 02 61 91 85 81 (Fire and rescue), this number is wrong."
            " Call 02 61 91 85 18, or 18.\n"
            "We apologise. Did you share it? Share this. https://alerte.example.org/en/85.html"
        )
    ]


def test_the_stages_have_words_of_their_own(played: Played) -> None:
    stable = played.alert("STABLE, not yet restored")[0]
    assert "Most calls get through; still failing: a few calls." in stable
    assert "Your provisional number is still valid." in stable
    again = played.alert("FAILING AGAIN, Côte-d’Or, Saône-et-Loire and Yonne")[0]
    assert "In an emergency: Try another phone." in again
    order = [thread[0] for thread in played.threads["en"]]
    assert order.index(stable) < order.index(again)


def test_a_partial_withdrawal_says_what_stays(played: Played) -> None:
    lead, *posts = played.alert("Rhône, Paris and Vendée: DO NOT CALL")
    assert "Still valid: SAMU (medical) (Vendée, Réunion)." in lead
    (stays,) = [one for one in posts if "still valid" in one]
    assert stays.startswith("Vendée (85): this number is still valid, in an emergency only:")
    assert "02 61 91 85 15" in stays
    assert not any("02 61 91 85 15" in one for one in posts if one is not stays)


def test_the_end_names_who_confirmed_it_and_the_inquiry_follows(played: Played) -> None:
    *_before, end, opened, found = played.threads["fr"]
    assert end[0].startswith("C’EST FINI, toute la France et La Réunion.")
    assert "depuis 7 h, confirmé par les SAMU et les pompiers." in end[0]
    assert opened[0].startswith("ENQUÊTE OUVERTE, toute la France, sur la panne du 2 juin 2021, par")
    assert found[0].startswith("ENQUÊTE : Une erreur de logiciel")


def test_the_evening_is_compared_by_the_figures_of_the_readme(played: Played) -> None:
    printed = io.StringIO()
    show_evening(Console(file=printed, width=200), played.evening)
    assert "First message: 10 min after the fault began (that evening: 1 h 45)." in printed.getvalue()
    assert (
        "First numbers: 1 h 23 after the fault began (that evening: 2 h 15; the first national list, a picture: 3 h 35)."
    ) in printed.getvalue()
    readme = " ".join(README.read_text(encoding="utf-8").split())
    for figure in ("after 1 h 45", "after 2 h 15", "after 3 h 35, as a picture"):
        assert figure in readme
    real = yaml.safe_load(CASE.read_text(encoding="utf-8"))["in_reality"]
    assert (real["first_word"], real["first_numbers"], real["first_list"]) == (105, 135, 215)


def test_nothing_false_is_said(played: Played) -> None:
    for sentence in (
        "Call again at once",
        "proof enough",
        "numbers in this thread",
        "nothing at this hour",
    ):
        assert sentence not in played.told()


LINK = re.compile(r"^  (\w+) \((.+)\)  (http://localhost:\d+)(/desk/in/\S+)$", re.MULTILINE)
ENDS_SECONDS = 3.0


@pytest.mark.thorough
async def test_the_desk_of_the_evening_stays_open_for_two_people(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).parent / "alertbot"), "demo", "--desk"),
        cwd=tmp_path,
        env=os.environ | {"LANGUAGE": "en"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout
        told = await asyncio.wait_for(process.stdout.readuntil(b"Stop with Ctrl-C."), 120)
        links = LINK.findall(told.decode())
        assert [(name, roles) for name, roles, *_link in links] == [
            ("Camille", "author"),
            ("Dominique", "admin, approver"),
        ]
        for name, _roles, url, link in links:
            await looks_around(name, url, link)
        assert os.listdir(tmp_path) == ["demo-output"]  # noqa: PTH208 - as the process left it
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        assert await process.wait() == 0
        assert time.monotonic() - asked < ENDS_SECONDS + MARGIN_SECONDS
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(links[0][2])


@pytest.mark.thorough
async def test_ctrl_c_as_the_links_appear_ends_it_without_a_word(tmp_path: Path) -> None:
    """It ended with 130 there, and a traceback now and then: nobody listened before the pages did."""
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).parent / "alertbot"), "demo", "--desk"),
        cwd=tmp_path,
        env=os.environ | {"LANGUAGE": "en", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout
        await asyncio.wait_for(process.stdout.readuntil(b"The desk is open."), 120)
        process.send_signal(signal.SIGINT)
        _told, said = await asyncio.wait_for(process.communicate(), ENDS_SECONDS + MARGIN_SECONDS)
        assert process.returncode == 0
        assert "Traceback" not in said.decode()
        assert "nterrupted" not in said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def looks_around(name: str, url: str, link: str) -> None:
    """Sign in by the link, once; see the evening, marked as a rehearsal, and the wall that still stands."""
    english = {"accept-language": "en"}
    async with httpx.AsyncClient(base_url=url, follow_redirects=True, headers=english) as client:
        visitor = Officer(None, client, origin=url)
        assert (await visitor.get("/desk")).url.path == "/desk/sign-in"
        await visitor.get(link)
        await visitor.send(visitor.page.forms[0])
        assert (await visitor.get("/desk")).url.path == "/desk", visitor.page.text
        assert "REHEARSAL" in visitor.page.text
        assert name in visitor.page.text
        wall = re.search(r'href="(http://127\.0\.0\.1:\d+)', visitor.answer.text)
        assert wall
        assert "CORRECTION. Vendée (85)" in (await client.get(wall[1])).text
        again = await client.get(link)
        assert "This invitation does not exist, was used, or is over." in again.text
