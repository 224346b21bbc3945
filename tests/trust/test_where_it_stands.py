"""What `show`, its page and its JSON say about where an alert stands is what the verb that comes next does; what
`submit` and `approve` say about whom, when and whether. By hand, through the command line, on both databases."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
import yaml

from alertbot.texts.publisher import Publisher
from tests import program
from tests.cli.desk import Desk

TOWN = "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson"  # the longest name of a commune
TICK = "✓"


def page(desk: Desk, alert: str) -> str:
    path = desk.folder / f"{alert}.html"
    assert desk.run("show", alert, "--html", path.name).code == 0
    return path.read_text(encoding="utf-8")


def verdict(desk: Desk, alert: str, by: str | None = None) -> dict[str, object]:
    answer = desk.run("show", alert, "--json", by=by)
    assert answer.code == 0, answer.err
    return dict(answer.json["verdict"])


def verdict_shown(desk: Desk, alert: str, by: str | None = None) -> str:
    """The block below the facts of the alert and its title, before everything that is long."""
    return desk.run("show", alert, by=by).out.split("\n\n")[2]


def later(monkeypatch: pytest.MonkeyPatch, after: timedelta) -> None:
    """From now on, the clock of every command is ahead by this much."""
    ahead = partial(Publisher, clock=lambda: datetime.now(UTC) + after)
    monkeypatch.setattr("alertbot.app.Publisher", ahead)


def test_a_draft_has_a_tick_only_where_submit_takes_it(desk: Desk) -> None:
    good = desk.draft("holding", "--set", f"what_fails.fr=le 18 à {TOWN}", "--lang", "fr")
    assert verdict(desk, good)["ready"] is True
    assert f"alertbot submit {good}" in verdict_shown(desk, good)
    bad = desk.run("draft", "holding", "--set", "where=69", "--json", by="ada").json["id"]
    refused = desk.run("submit", bad, by="ada")
    assert refused.code == 1
    said = verdict(desk, bad)
    assert said["ready"] is False
    assert str(said["further"][0]) in refused.err  # type: ignore[index]
    assert 'class="verdict bad"' in page(desk, bad)


def test_one_who_wrote_it_sees_no_tick_and_the_others_do(desk: Desk) -> None:
    alert = desk.run("draft", "holding", "--vars", desk.facts("holding"), "--json", by="bo").json["id"]
    assert desk.run("submit", alert, by="bo").code == 0
    mine, others = verdict(desk, alert, by="bo"), verdict(desk, alert, by="cy")
    refused = desk.run("approve", alert, by="bo")
    assert refused.code == 1
    assert mine["ready"] is None
    assert refused.err.removeprefix("alertbot: ").strip() in mine["further"][0]  # type: ignore[index]
    assert others["ready"] is True
    assert desk.run("approve", alert, by="cy").code == 0


def test_what_was_returned_or_rejected_says_why_by_whom_and_what_then(desk: Desk) -> None:
    back, gone = desk.shown(), desk.shown()
    desk.run("return", back, "--reason", "Le 18 aussi est coupé, à vérifier", by="bo")
    desk.run("reject", gone, "--reason", "pas notre réseau", by="cy")
    said = verdict_shown(desk, back)
    assert "bo: Le 18 aussi est coupé, à vérifier" in said
    assert f"alertbot edit {back}" in said
    said = verdict_shown(desk, gone)
    assert "cy" in said
    assert "pas notre réseau" in said
    assert f"alertbot draft --like {gone}" in said
    for alert in (back, gone):
        assert verdict(desk, alert)["ready"] is False
        assert TICK not in page(desk, alert).split("<main>")[0]


def test_a_promise_that_is_over_takes_the_tick_away(desk: Desk, monkeypatch) -> None:
    alert = desk.shown("holding", "--set", "next_update=+10m")
    assert verdict(desk, alert, by="bo")["ready"] is True
    later(monkeypatch, timedelta(minutes=12))
    said = verdict(desk, alert, by="bo")
    refused = desk.run("approve", alert, by="bo")
    assert refused.code == 1
    assert said["ready"] is False
    assert str(said["said"]) in refused.err
    assert re.search(r"\(\d\d:\d\d on \d\d/\d\d \(CES?T\)\)", str(said["said"]))


def test_what_expired_says_so_before_a_worker_has_noticed(desk: Desk, monkeypatch) -> None:
    alert = desk.shown("holding", "--set", "next_update=+3d")
    later(monkeypatch, timedelta(days=2))
    said = verdict(desk, alert)
    assert said["ready"] is False
    assert "expired" in str(said["said"])
    assert str(said["said"]) in desk.run("approve", alert, by="bo").err
    desk.run("run", "--once")
    said = verdict(desk, alert)
    assert said["ready"] is False
    assert f"alertbot draft --like {alert}" in said["further"][0]  # type: ignore[index]


def test_the_page_of_what_is_out_never_says_that_nothing_was_sent(desk: Desk) -> None:
    alert = desk.shown("status")
    before = page(desk, alert)
    assert "nothing has been sent" in before
    assert "Before it goes out" in before
    assert desk.run("approve", alert, "--publish", by="bo").code == 0
    after = page(desk, alert)
    assert "nothing has been sent" not in after
    assert "Before it goes out" not in after
    assert "is published: 2 sent" in after
    assert "bo" in after.split("Who did what")[1]
    assert verdict(desk, alert)["ready"] is None


def test_what_was_approved_and_waits_says_since_when_and_why(desk: Desk) -> None:
    alert = desk.shown("holding", "--not-before", "+10m")
    said = desk.run("approve", alert, by="bo").out
    assert "NO WORKER" in said
    assert re.search(r"no earlier than \d\d:\d\d on \d\d/\d\d \(CES?T\)", said)
    assert "lapses at" in said
    assert "Last recipient reached" in said
    assert desk.run("halt", "--channel", "public").code == 0
    assert desk.run("halt", alert).code == 0
    shown = verdict_shown(desk, alert)
    assert "alertbot resume --channel public" in shown
    assert f"alertbot resume {alert}" in shown
    assert "nothing has been sent" in page(desk, alert)
    desk.run("resume", "--channel", "public", by="bo")
    desk.run("resume", alert, by="bo")


def test_who_verified_each_number_stands_with_the_alert(desk: Desk) -> None:
    rows = {"69": "04 65 71 01 69", "01": "04 65 71 01 01", "42": "04 65 71 01 42"}
    entries = []
    for place, number in rows.items():
        cells = {"territory": place, "service": "samu", "number": number}
        sets = [word for name, value in cells.items() for word in ("--set", f"{name}={value}")]
        answer = desk.run("numbers", "add", *sets, "--json", by="ada")
        assert answer.code == 0, answer.err
        entries.append(answer.json["entry"])
    for entry, number in list(zip(entries, rows.values(), strict=True))[:2]:
        more = ["--digits", number, "--call", "answered", "--note", f"appel depuis {TOWN}"]
        answer = desk.run("numbers", "verify", entry, *more, by="cy")
        assert answer.code == 0, answer.err
    facts = desk.folder / "facts.yaml"
    example = yaml.safe_load(desk.run("kinds", "provisional_number", "--example").out)
    example.pop("numbers")
    facts.write_text(yaml.safe_dump(example, allow_unicode=True), encoding="utf-8")
    wishes = ["--vars", facts.name, "--set", "territories=69,01,42", "--lang", "fr"]
    answer = desk.run("draft", "provisional_number", *wishes, "--json", by="ada")
    assert answer.code == 0, answer.err
    shown = desk.run("show", answer.json["id"], "--json").json["numbers"]
    assert sorted((one["verified_by"] or "", one["call"] or "") for one in shown) == [
        ("", ""),
        ("cy", "answered"),
        ("cy", "answered"),
    ]
    for said in (desk.run("show", answer.json["id"]).out, page(desk, answer.json["id"])):
        assert said.count("verified by cy at") == 2
        assert f"the service answered the test call (appel depuis {TOWN})" in said
        assert "NOT VERIFIED (entered by ada)" in said


def test_submit_says_who_may_who_was_asked_and_what_comes_next(desk: Desk) -> None:
    alert = desk.draft("holding")
    answer = desk.run("submit", alert, "--json", by="ada")
    assert answer.json["asked"] == []
    for words in (
        "bo, cy",
        "no `approvals_by:` is configured",
        "told on team",
        "NO WORKER",
        "Once approved",
    ):
        assert words in answer.err


def drafted_like(desk: Desk, alert: str, *more: str, by: str = "ada") -> dict[str, object]:
    answer = desk.run("draft", "--like", alert, *more, "--json", by=by)
    assert answer.code == 0, answer.err
    return dict(answer.json)


def test_a_draft_like_one_that_never_went_out_keeps_all_but_the_promise_that_is_over(
    desk: Desk, monkeypatch
) -> None:
    words = f"le 15, le 17 et le 18 à {TOWN}"
    alert = desk.shown("holding", "--lang", "fr", "--set", f"what_fails.fr={words}")
    soon = (datetime.now(ZoneInfo("Europe/Paris")) + timedelta(minutes=30)).isoformat("T", "minutes")
    desk.run("edit", alert, "--set", f"next_update={soon}", by="ada")
    assert desk.run("submit", alert, by="ada").code == 0
    refused = desk.run("draft", "--like", alert, by="ada")
    assert refused.code == 1
    assert f"alertbot edit {alert}" in refused.err
    later(monkeypatch, timedelta(hours=6))
    fresh = drafted_like(desk, alert)
    assert (fresh["kind"], fresh["languages"], fresh["channels"]) == ("holding", ["fr"], ["public"])
    shown = desk.run("show", str(fresh["id"]), "--json").json
    assert shown["values"]["what_fails"]["fr"] == words
    assert "next_update" not in shown["values"]
    notes = {one["rule"]: one["message"] for one in shown["warnings"]}
    assert f"next_update ({soon[11:16]} on " in notes["left_out"]
    assert f"{alert} (expired)" in notes["taken_over"]
    assert fresh["incident"] == alert.split("-")[0]
    edited = desk.run("edit", str(fresh["id"]), "--set", "next_update=+40m", "--json", by="ada")
    assert {one["rule"] for one in edited.json["warnings"]} >= {"taken_over", "left_out"}
    assert desk.run("submit", str(fresh["id"]), by="ada").code == 0
    assert desk.run("show", str(fresh["id"]), by="bo").code == 0
    assert desk.run("approve", str(fresh["id"]), by="bo").code == 0


@pytest.mark.parametrize("end", ["reject", "discard", "return"])
def test_whoever_wrote_words_that_nobody_approved_writes_what_is_drafted_like_them(
    desk: Desk, end: str
) -> None:
    facts = desk.facts("holding")
    alert = str(desk.run("draft", "holding", "--vars", facts, "--json", by="bo").json["id"])
    assert desk.run("submit", alert, by="bo").code == 0
    reason = [] if end == "discard" else ["--reason", "trop tôt"]
    assert desk.run(end, alert, *reason, by="cy").code == 0
    fresh = str(drafted_like(desk, alert)["id"])
    assert desk.run("submit", fresh, by="ada").code == 0
    assert desk.run("show", fresh, by="bo").code == 0
    refused = desk.run("approve", fresh, by="bo")
    assert refused.code == 1
    assert verdict(desk, fresh, by="bo")["ready"] is None
    assert desk.run("show", fresh, by="cy").code == 0
    assert desk.run("approve", fresh, by="cy").code == 0


def test_a_kind_and_like_or_neither_is_a_sentence(desk: Desk) -> None:
    for words in ((), ("holding", "--like", "ABCD-1")):
        answer = desk.run("draft", *words, by="ada")
        assert (answer.code, "--like ALERT" in answer.err) == (2, True)


def tasks_about(desk: Desk, alert: str) -> dict[str, str]:
    return {
        one["kind"]: one["text"]
        for one in desk.run("task", "list", "--json").json
        if one["alert"] == alert
    }


def told_the_team(desk: Desk) -> int:
    """How many notices about tasks the team has got."""
    rows = desk.run("deliveries", "--json").json
    return sum(1 for one in rows if one["channel"] == "team" and one["alert"] is None)


def test_an_approval_about_to_lapse_and_one_lapsed_are_told_once_and_close_by_themselves(
    desk: Desk, monkeypatch
) -> None:
    alert = desk.shown("holding", "--set", "next_update=+3d")
    desk.run("status")
    assert tasks_about(desk, alert) == {}
    before = told_the_team(desk)
    until = datetime.fromisoformat(desk.run("show", alert, "--json").json["pending_until"])
    later(monkeypatch, until - datetime.now(UTC) - timedelta(minutes=2))
    for _twice in range(2):
        said = desk.run("status").out
    found = tasks_about(desk, alert)
    assert set(found) == {"approval-lapses"}
    assert "by ada" in found["approval-lapses"]
    assert found["approval-lapses"] in said
    assert told_the_team(desk) == before + 1
    later(monkeypatch, until - datetime.now(UTC) + timedelta(minutes=2))
    assert desk.run("return", alert, "--reason", "trop tard", by="bo").code == 1  # it expires first
    said = desk.run("status").out
    found = tasks_about(desk, alert)
    assert set(found) == {"approval-lapsed"}
    assert f"alertbot draft --like {alert}" in found["approval-lapsed"]
    assert found["approval-lapsed"] in said
    drafted_like(desk, alert)
    desk.run("status")
    assert tasks_about(desk, alert) == {}


def test_waiting_without_a_worker_says_what_to_do_and_leaves_with_three(desk: Desk) -> None:
    alert = desk.shown("status")
    answer = desk.run("approve", alert, "--wait", "--json", by="bo")
    assert answer.code == 3
    assert "NO WORKER" in answer.err
    assert answer.json["state"] == "approved"
    assert desk.run("approve", alert, "--wait", "--publish", by="cy").code == 2


@contextmanager
def a_worker(desk: Desk) -> Iterator[None]:
    """A worker in a process of its own, from its first heartbeat on."""
    command = [program.PROGRAM, "run"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=desk.folder, env=program.surroundings(), **quiet) as worker:
        try:
            while not desk.run("status", "--json").json["worker"]["alive"]:
                assert worker.poll() is None
                time.sleep(0.2)
            yield
        finally:
            worker.terminate()


def test_waiting_shows_channel_by_channel_until_all_is_out(desk: Desk) -> None:
    alert, late = desk.shown("status"), desk.shown("holding", "--not-before", "+10m")
    with a_worker(desk):
        answer = desk.run("approve", alert, "--wait", "--json", by="bo")
        assert answer.code == 0, answer.err
        assert "public: 2 sent" in answer.err
        assert answer.json["delivered"] == [{"channel": "public", "deliveries": {"sent": 2}}]
        assert answer.json["state"] == "published"
        stopped = _waited_and_interrupted(desk, late)
    assert stopped.code == 3
    assert f"Stopped waiting; {late}" in stopped.err
    assert stopped.json["state"] == "approved"


def _waited_and_interrupted(desk: Desk, alert: str) -> program.Answer:
    """Ctrl-C while `approve --wait` waits."""
    environment = program.surroundings(ALERTBOT_TOKEN=desk.tokens["bo"])
    command = [program.PROGRAM, "approve", alert, "--wait", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=desk.folder, env=environment, **pipes) as waiting:
        assert waiting.stderr is not None
        read = []
        while not any("2 waiting" in line for line in read):
            read.append(waiting.stderr.readline())
            assert read[-1], read
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=program.PATIENCE_SECONDS)
    return program.Answer(waiting.returncode, out, err)
