"""The commands about the public page, on a page that a worker has begun."""

import json
from pathlib import Path

import pytest

from tests import program

CONFIG = """
organisation: {name: Essai, languages: [fr, en], verification_page: "https://www.example.org/", sandbox: true}
database: sqlite:///alertbot.db
channels:
  page: {type: page, folder: www, public_url: "https://alert.example.org"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def test_a_page_is_shown_verified_and_made_again(folder: Path) -> None:
    assert program.run("run", "--once", folder=folder).code == 0
    shown = program.run("page", "show", folder=folder)
    assert "→ edition 1 of" in shown.out
    (page,) = json.loads(program.run("page", "show", "--json", folder=folder).out)
    assert (page["stands"], page["needs"]) == (1, None)
    assert program.run("page", "verify", folder=folder).code == 0
    again = program.run("page", "rebuild", "--at", "-1h", "--to", "evening", folder=folder)
    assert (again.code, "No edition of the page page stood" in again.err) == (1, True)
    again = program.run("page", "rebuild", "--at", "now", "--to", "evening", folder=folder)
    assert "Byte for byte what stood then" in again.out
    made = {one.relative_to(folder / "evening") for one in (folder / "evening").rglob("*.html")}
    for path in made:
        assert (folder / "evening" / path).read_bytes() == (folder / "www/current" / path).read_bytes()
    assert program.run("page", "rebuild", "--edition", "1", folder=folder).code == 0
    none = program.run("page", "rebuild", "--edition", "2", folder=folder)
    assert (none.code, "has no edition 2" in none.err) == (1, True)
    assert program.run("page", "rebuild", folder=folder).code == 2
    full = program.run("page", "rebuild", "--edition", "1", "--to", "evening", folder=folder)
    assert (full.code, "is not empty" in full.err) == (2, True)


def test_a_file_that_somebody_changed_is_named(folder: Path) -> None:
    program.run("run", "--once", folder=folder)
    home = folder / "www/current/fr/index.html"
    home.unlink()
    home.write_text("tout va bien", encoding="utf-8")
    found = program.run("page", "verify", folder=folder)
    assert found.code == 1
    assert "1 file of edition 1 is not as it was written: fr/index.html." in found.out


def test_a_page_is_verified_beside_a_list_of_recipients_that_is_gone(folder: Path) -> None:
    mail = "\n  press: {type: email, host: 127.0.0.1, port: 8125, security: none, sender: a@example.org, recipients: r.csv}"
    (folder / "r.csv").write_text("address,lang\nb@example.org,fr\n", encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG.rstrip() + mail, encoding="utf-8")
    assert program.run("run", "--once", folder=folder).code == 0
    (folder / "r.csv").unlink()
    for verb in (("verify",), ("rebuild", "--edition", "1"), ("show",)):
        found = program.run("page", *verb, folder=folder)
        assert (found.code, "runs without: channels.press" in found.err) == (0, True), verb
    (folder / "config.yaml").write_text(
        CONFIG.replace("folder: www", "folder: 3") + mail, encoding="utf-8"
    )
    broken = program.run("page", "verify", folder=folder)
    assert (broken.code, "config.yaml" in broken.err) == (2, True)


def test_without_a_page_it_is_said_where_to_read_how(folder: Path) -> None:
    text = CONFIG.replace(
        'page: {type: page, folder: www, public_url: "https://alert.example.org"}',
        "s: {type: console, audience: team}",
    )
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    program.run("run", "--once", folder=folder)
    assert "docs/how-to/public-page.md" in program.run("page", "show", folder=folder).out
    gone = program.run("page", "rebuild", "--at", "now", folder=folder)
    assert (gone.code, "There is no such page" in gone.err) == (2, True)


def test_check_finds_somebody_elses_files_where_the_page_should_stand(folder: Path) -> None:
    (folder / "www/current").mkdir(parents=True)
    found = program.run("check", folder=folder)
    assert found.code == 2
    assert "channels.page.folder: The page cannot be put into" in found.out + found.err


def test_check_warns_of_a_desk_at_a_port_where_nobody_listens(folder: Path) -> None:
    desk = "desk: {url: 'http://localhost:8471'}\n"
    for more, warned in (("", True), ("serve: {port: 8471}\n", False)):
        (folder / "config.yaml").write_text(CONFIG + desk + more, encoding="utf-8")
        found = program.run("check", folder=folder)
        assert ("leads nowhere" in found.out + found.err) is warned
