"""The same commands at the database and at a server say the same, print the same documents and leave with the same codes:
each story is told twice, once by each face, and what came of it is compared."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from alertbot.cli.remote import commands
from tests.cli.desk import Desk, opened
from tests.cli.laptop import Laptop, Service, serving
from tests.cli.test_assistant import HOLDING
from tests.program import Answer

TEXTS = ("--text", "fr=Il n’y a pas de panne.", "--text", "en=Nothing has failed.")


class Face(Protocol):
    """Where a command is given."""

    folder: Path

    def run(self, *arguments: str, by: str, stdin: str = "") -> Answer: ...


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def faces(service: Service, tmp_path: Path) -> tuple[Face, Face]:
    """The machine of the service, and a laptop."""
    return service[0], Laptop(tmp_path / "laptop", service[1], service[2])


class Story:
    """What one face was asked, and what it said; names, times and digests as they do not differ."""

    def __init__(self, face: Face) -> None:
        self.face, self.said, self.names = face, list[Any](), dict[str, str]()

    def run(self, *arguments: str, by: str = "ada", code: int = 0, stdin: str = "") -> Answer:
        answer = self.face.run(*arguments, by=by, stdin=stdin)
        assert answer.code == code, (arguments, answer)
        return answer

    def tell(self, *arguments: str, by: str = "ada", code: int = 0, stdin: str = "") -> Answer:
        """As `run`, and what it says is part of the story: in words, or as a document."""
        answer = self.run(*arguments, by=by, code=code, stdin=stdin)
        told = answer.json if "--json" in arguments and code != 2 else [answer.out, answer.err]
        self.said.append([arguments[0], answer.code, told])
        return answer

    def known(self, name: str, word: str) -> str:
        self.names[name] = word
        return name

    def draft(self, *options: str) -> str:
        (self.face.folder / "v.yaml").write_text(json.dumps(HOLDING), encoding="utf-8")
        given = ("draft", "holding", "--vars", "v.yaml", *(options or ("--new-incident",)), "--json")
        found = self.run(*given).json
        self.known(found["incident"], f"INCIDENT{len(self.names)}")
        return self.known(found["id"], f"ALERT{len(self.names)}")

    def waits(self) -> str:
        """An alert that bo has looked at."""
        alert = self.draft()
        self.run("submit", alert)
        self.run("show", alert, by="bo")
        return alert

    def out(self) -> str:
        """An alert that the public has."""
        alert = self.waits()
        self.run("approve", alert, "--wait", by="bo")
        return alert

    def plain(self) -> str:
        text = json.dumps(self.said, ensure_ascii=False, indent=1)
        for name in sorted(self.names, key=len, reverse=True):
            text = re.sub(rf"\b{re.escape(name)}\b", self.names[name], text)
        text = re.sub(r"\((approved|being published|published)\)", "(OUT)", text)
        text = re.sub(r"\b[0-9a-f]{12,64}\b", "DIGEST", text)
        text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:?(\d\d)?(\+\d\d:\d\d|Z)?", "TIME", text)
        text = re.sub(r"\d\d:\d\d(?: UTC| CEST?| \(.*?\))?", "TIME", text)
        text = re.sub(r'again_at": (null|"TIME")', 'again_at": "AS THE WORKER GETS TO IT"', text)
        return re.sub(r'"(seconds|attempt|id)": [\d.]+', r'"\1": 0', text)


def alike(faces: tuple[Face, Face], tell: Callable[[Story], None]) -> None:
    here, there = (Story(one) for one in faces)
    for story in (here, there):
        tell(story)
    assert there.plain() == here.plain()


def test_an_incident_from_opening_to_its_timeline(faces: tuple[Face, Face]) -> None:
    def tell(story: Story) -> None:
        opened = story.run("incident", "open", "--title", "15 in Rhône", "--json").json
        name = story.known(opened["id"], "INCIDENT")
        assert "is open" in story.tell("incident", "open", "--title", "18 in Loire").out.replace(
            found_in(story), "INCIDENT"
        )
        story.tell("incident", "open", "--state", "down", code=2)
        story.tell("incident", "set", name, "down", "--note", "trunk B", by="bo")
        story.tell("incident", "set", name, "down", by="bo", code=1)
        story.tell("incident", "set", name, "gone", by="bo", code=2)
        story.tell("incident", "set", "NOPE", "down", by="bo", code=2)
        story.tell("incident", "set", name, "degraded", "--json", by="bo")
        story.tell("incident", "show", name, "--json")
        lines = []
        for _try in range(100):  # the worker beside decides on reports when it gets to them
            lines = story.run("incident", "timeline", name, "--json").json
            if any("partly out of order" in one["said"] for one in lines if one["what"] == "signal"):
                break
            time.sleep(0.1)
        story.said.append(sorted((one["what"], one["said"], one["by"] or "") for one in lines))
        shown = story.run("incident", "show", name).out
        assert "trunk B" in shown
        assert name in story.run("incident", "list").out
        assert "trunk B" in story.run("incident", "timeline", name).out
        story.tell("incident", "timeline", "NOPE", code=2)
        listed = story.run("incident", "list", "--json").json
        assert name in [one["id"] for one in listed]
        story.said.append(sorted(listed[0]))

    def found_in(story: Story) -> str:
        (name,) = re.findall(r"\b[A-Z]{4}\b", story.run("incident", "list", "--json").json[0]["id"])
        return story.known(name, "INCIDENT2")

    alike(faces, tell)


def test_an_approval_that_waits_until_all_is_out(faces: tuple[Face, Face]) -> None:
    def tell(story: Story) -> None:
        first = story.waits()
        words = story.run("approve", first, "--wait", by="bo")
        assert "is approved" in words.out
        assert "public: 2 sent" in words.err
        second = story.waits()
        found = story.run("approve", second, "--wait", "--json", by="bo").json
        assert found["state"] == "published"
        story.said.append([sorted(found), found["delivered"], found["verdict"]["said"]])
        third = story.waits()
        story.tell("approve", third, "--wait", "--publish", by="bo", code=2)
        story.run("halt", "--channel", "public")
        held = story.run("approve", third, "--wait", by="bo", code=3)
        assert "halted" in held.err
        story.run("resume", "--channel", "public", by="bo")

    alike(faces, tell)


def test_what_needs_a_second_approver_goes_out_by_no_option_of_the_first(
    faces: tuple[Face, Face],
) -> None:
    def tell(story: Story) -> None:
        team = faces[0]
        assert isinstance(team, Desk)
        for option in ("--publish", "--wait"):
            alert = two_needed(story, team)
            found = story.run("approve", alert, option, "--json", by="bo", code=code_of(option)).json
            assert found["state"] == "pending"
            assert len(found["approvals"]["given"]) == found["approvals"]["needed"] - 1
            story.said.append([sorted(found), found["verdict"]["said"]])
            story.run("approve", alert, option, by="bo", code=1)
            rows = story.run("deliveries", alert, "--json").json
            assert "publication" not in [one["purpose"] for one in rows]
            story.run("show", alert, by="cy")
            assert story.run("approve", alert, "--wait", "--json", by="cy").json["state"] == "published"
        own = story.draft()
        story.run("submit", own)
        story.run("show", own, by="ada")
        for option in ("--publish", "--wait"):
            story.run("approve", own, option, by="ada", code=1)

    def code_of(option: str) -> int:
        return 3 if option == "--wait" else 0

    alike(faces, tell)


def two_needed(story: Story, team: Desk) -> str:
    """An alert with numbers, which two have to approve; bo has looked at it."""
    team.facts("provisional_number")
    register(team)
    query = ("--set", "territories=69", "--set", "where=69", "--new-incident")
    texts = ("--vars", str(team.folder / "short.yaml"))
    example = team.run("kinds", "provisional_number", "--example", "--json").json
    kept = {name: value for name, value in example.items() if name not in ("numbers", "where")}
    (team.folder / "short.yaml").write_text(json.dumps(kept), encoding="utf-8")
    found = story.run("draft", "provisional_number", *texts, *query, "--json").json
    story.known(found["incident"], f"INCIDENT{len(story.names)}")
    alert = story.known(found["id"], f"ALERT{len(story.names)}")
    story.run("submit", alert)
    story.run("show", alert, by="bo")
    return alert


def register(team: Desk) -> None:
    (team.folder / "n.csv").write_text(
        "territory,service,number\n69,samu,04 65 71 69 15\n", encoding="utf-8"
    )
    team.run("numbers", "import", "n.csv", by="ada")
    entry = team.run("numbers", "list", "69/samu", "--json").json[0]["entry"]
    team.run("numbers", "verify", entry, "--digits", "0465716915", "--call", "answered", by="bo")


def test_publishing_says_what_went_out(service: Service, tmp_path: Path) -> None:
    """At the database by itself, at a server by the service: the same counts, documents and codes."""
    alone = opened(tmp_path / "alone")
    laptop = Laptop(tmp_path / "laptop", service[1], service[2])
    told = []
    for face in (alone, laptop):
        story = Story(face)
        words = story.run("approve", story.waits(), "--publish", by="bo")
        assert "is approved; " in words.out
        counts = re.sub(r"Sent \d", "Sent n", words.out.splitlines()[-1])
        document = story.run("approve", story.waits(), "--publish", "--json", by="bo").json
        told.append(
            (counts, sorted(document), document["state"], document["verdict"]["said"].partition(" ")[2])
        )
    assert told[0] == told[1]
    assert told[0][0] == "Sent n, failed 0, uncertain 0, still waiting 0."


def test_publishing_tells_what_is_left_when_nothing_happens_any_more(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start later this evening is not waited for, at the database or at a server."""
    monkeypatch.setattr(commands, "QUIET_SECONDS", 0.5)
    alone = opened(tmp_path / "alone")
    laptop = Laptop(tmp_path / "laptop", service[1], service[2])
    told = []
    for face in (alone, laptop):
        story = Story(face)
        alert = story.draft("--new-incident", "--not-before", "+8m")
        story.run("submit", alert)
        story.run("show", alert, by="bo")
        words = story.run("approve", alert, "--publish", by="bo", code=3).out
        told.append(re.sub(r"Sent \d", "Sent n", words.splitlines()[-1]))
    assert told == ["Sent n, failed 0, uncertain 0, still waiting 2."] * 2


@pytest.mark.thorough  # twelve alerts; each verb by itself: tests/web/test_api.py
def test_taking_back(faces: tuple[Face, Face]) -> None:
    def tell(story: Story) -> None:
        for options in ((), ("--submit",), ("--now",)):
            alert = story.out()
            made = story.run("retract", alert, *options, "--json", by="bo").json
            story.known(made["id"], f"FOLLOWS{len(story.names)}")
            story.said.append(
                [sorted(made), made["kind"], made["state"] in ("approved", "published", "publishing")]
            )
        story.tell("retract", alert, by="bo", code=1)
        story.tell("retract", "NOPE-1", code=2)
        alert = story.out()
        story.tell("cancel", alert, "--text", "fr=Non.", "--text", "No.", code=2)
        made = story.run("cancel", alert, *TEXTS, "--json").json
        story.known(made["id"], f"FOLLOWS{len(story.names)}")
        story.said.append([sorted(made), made["kind"], made["state"], made["original"] == alert])
        story.run("discard", made["id"])
        words = story.run("cancel", alert, *TEXTS, "--submit").out
        follows = re.findall(r"\b[A-Z]{4}-\d+\b", words)[0]
        story.known(follows, f"FOLLOWS{len(story.names)}")
        story.said.append(words.splitlines()[0])
        assert story.run("show", follows, "--json").json["state"] == "pending"

    alike(faces, tell)


def test_a_territory_is_read_back_in_sittings(faces: tuple[Face, Face]) -> None:
    team = faces[0]
    told = []
    for place, face in (("01", team), ("42", faces[1])):
        rows = f"{place},samu,04 65 71 {place} 15\n{place},police,04 65 71 {place} 17\n"
        (team.folder / "r.csv").write_text("territory,service,number\n" + rows, encoding="utf-8")
        assert team.run("numbers", "import", "r.csv", by="ada").code == 0
        told.append(sittings(face, place))
    assert told[0] == told[1]


def sittings(face: Face, place: str) -> list[object]:
    """One number right, then left; others wait; then typed wrongly; then done."""

    def sitting(*typed: str, by: str = "bo", more: tuple[str, ...] = ()) -> Answer:
        given = "".join(f"{one}\n" for one in typed)
        return face.run("numbers", "verify", "--session", place, *more, by=by, stdin=given)

    own = sitting(by="ada", more=("--json",))
    first = sitting(f"04657 1{place}15", "yes", "answered", "q")
    wrong = sitting(f"04657 1{place}99", "answered", more=("--json",))
    third = sitting(f"04657 1{place}17", "no-answer")
    last = sitting(f"04657 1{place}17", "answered", more=("--json",))
    nothing = face.run("numbers", "verify", "--session", "99999", by="bo")
    both = face.run("numbers", "verify", "N1", "--session", place, by="bo")
    every = (own, first, wrong, third, last, nothing, both)
    assert f"04 65 71 {place}" not in "".join(one.out + one.err for one in every[:3])
    known = face.run("numbers", "list", place, "--json", by="bo").json
    names = {one["entry"]: f"ENTRY{index}" for index, one in enumerate(known)}
    assert {one["standing"] for one in known} == {"in_force"}
    found: list[object] = []
    for one in every:
        text = one.out + ("" if one.code in (0, 3) and "✗" in one.err else one.err)
        for name, word in names.items():
            text = re.sub(rf"\b{name}\b", word, text)
        found.append((one.code, re.sub(r"04 65 71 \d\d", "04 65 71", worded(text, place))))
    return found


def worded(text: str, place: str) -> str:
    name = {"01": "Ain", "42": "Loire"}[place]
    return text.replace(f"{place} {name}", "PLACE").replace(name, "PLACE").replace(place, "PLACE")
