"""Cases played on the real road: what goes out, when, who let it out, and what does not go out."""

from datetime import timedelta
from pathlib import Path

import pytest

from alertbot.rehearsal.replay.telling import notes_of
from tests.rehearsal.replay.at_hand import OWN, SHARED, entries, shared, timeline
from tests.rehearsal.replay.stories import MINUTE, Story, at, played, require_honest

QUICK = """
watch: {policy: {watch: 10m, dwell: 1m, confirm_up: {for: 1m}, remind_every: 0s}}
rules:
  first: {when: [open, reopen], kind: holding, policy: auto, set: &words
    {what_fails: "{service}", what_works: {fr: le reste, en: the rest}, where: "{where}",
     what_to_do: {fr: Rappelez., en: Call again.}, next_update: +5h}}
  end: {when: [resolve], kind: end, set:
    {what_fails: "{service}", what_works: {fr: tout, en: all of it}, where: "{where}",
     what_to_do: {fr: Appelez., en: Call.}}}
  rest: {when: [update, stabilise, remind, lapsed], kind: status, policy: "off", set: *words}
"""


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """Short times and few words."""
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK, encoding="utf-8")
    return path


# --- stories of our own -----------------------------------------------------------------------------


@pytest.mark.thorough
def test_an_outage_in_the_west() -> None:
    story = played(OWN / "west-2026-03-02")
    require_honest(story)
    _first_word(story)
    _numbers_only_once_they_were_called(story)
    _over_is_not_the_operators_word(story)
    _only_the_right_rows_are_withdrawn(story)


def _first_word(story: Story) -> None:
    first = story.document["first_public_post"]
    assert first["at"] == "2026-03-02T16:52:00+01:00"
    assert (first["delay_seconds"], first["signal_delay_seconds"]) == (420.0, 0.0)
    assert first["real_delay_seconds"] == 45 * 60  # the entry of 17:30
    (holding,) = story.posts(kind="holding")
    assert (holding["approval"], holding["state"]) == ("auto", "degraded")
    lead, *_more = story.thread(holding["alert"])
    assert lead.split("\n") == [
        (
            "FAILING, Côtes-d’Armor, Finistère, Ille-et-Vilaine and Morbihan: some calls to 15 and 18 in Brittany."
            " Since 16:45."
        ),  # the fault's own time, not that of the first report
        "Working: not known yet.",
        "In an emergency: Let it ring for a minute. No answer? Try another phone.",
        "Next update: 17:52. https://www.example.org/alert",
    ]
    # nobody kept the promise of 17:52: nothing new is said, and nothing that nobody knows
    assert story.decisions(reason="lapsed")[0]["at"] == "2026-03-02T17:52:00+01:00"
    (kept, *_later) = story.posts(kind="no_news")
    assert (kept["approval"], at(kept)) == ("auto", story.moment("2026-03-02T17:52"))
    assert "numbers still hold" not in kept["text"]


def _numbers_only_once_they_were_called(story: Story) -> None:
    assert story.refused("provisional_number") == ["unverified_number"] * 2
    told = story.posts(kind="provisional_number")
    assert [at(one) for one in told] == [
        story.moment("2026-03-02T18:06"),  # 18:00, called after three minutes, approved after three
        story.moment("2026-03-03T07:46"),  # Morbihan's are of the third, and come with the relapse
    ]
    assert all(one["approval"] == "person" for one in told)
    lead, *places = story.thread(told[0]["alert"])
    assert "In an emergency only, call your provisional number." in lead
    assert places[0].split("\n")[:3] == [
        "Côtes-d’Armor (22), 18:03: no answer on 15 or 18? In an emergency only, call:",
        "SAMU (medical) 02 61 91 22 15",
        "Fire and rescue 02 61 91 22 18",
    ]
    assert [one.partition(" (")[0] for one in places[:3]] == [
        "Côtes-d’Armor",
        "Finistère",
        "Ille-et-Vilaine",
    ]
    assert len({len(story.thread(told[0]["alert"], lang)) for lang in ("fr", "en")}) == 1
    assert "02 61 91 56" not in told[0]["text"].replace("\u00a0", " ")
    assert "02 61 91 56 18" in told[1]["text"].replace("\u00a0", " ")
    earlier = [one["text"] for one in story.posts() if at(one) < at(told[0])]
    assert not any("02 61 91" in text for text in earlier)


def _over_is_not_the_operators_word(story: Story) -> None:
    (claim,) = story.decisions(signal="resolved", at="2026-03-03T00:00:00+01:00")
    assert claim["action"] == "hold"
    (relapse,) = story.decisions(at="2026-03-03T07:40:00+01:00")
    assert (relapse["signal"], relapse["action"] in ("update", "reopen")) == ("degraded", True)
    (confirmed,) = story.decisions(at="2026-03-03T10:00:00+01:00")
    assert (confirmed["action"], confirmed["reason"]) == ("hold", "watching")
    _stages(story)
    (end,) = story.posts(state="resolved")
    assert (end["kind"], at(end)) == ("end", story.moment("2026-03-03T12:03"))
    lead = story.thread(end["alert"])[0]
    assert lead.startswith("IT IS OVER, Côtes-d’Armor, Finistère, Ille-et-Vilaine and Morbihan.")
    assert "confirmed by Préfet de Bretagne." in lead
    assert "10:00" in end["text"]  # when it was confirmed, not when somebody claimed it
    assert story.document["to_ask"] == []
    assert {"awaiting_confirmation", "watching"} <= set(story.refused("resolved"))
    assert story.decisions(signal="audit")[0]["reason"] == "history"


def _stages(story: Story) -> None:
    heads = {at(one): story.thread(one["alert"])[0] for one in story.posts(kind="status")}
    calm = heads[story.moment("2026-03-03T00:08")]
    assert calm.startswith("STABLE, not yet restored, Côtes-d’Armor")
    assert "Most calls get through; still failing: a few calls." in calm
    relapse = heads[story.moment("2026-03-03T07:43")]
    assert relapse.startswith("FAILING AGAIN, Côtes-d’Armor")
    assert "not known yet" not in relapse


def _only_the_right_rows_are_withdrawn(story: Story) -> None:
    (gone,) = story.posts(kind="withdrawal")
    assert at(gone) == story.moment("2026-03-03T09:03")
    text = gone["text"].replace("\u00a0", " ")
    struck, stays = text.split("Côtes-d’Armor (22): still valid")
    for row in ("22 18", "29 15", "29 18", "35 15", "35 18", "56 15", "56 18"):
        assert f"02 61 91 {row}" in struck
        assert f"02 61 91 {row}" not in stays
    assert "02 61 91 22 15" not in struck
    assert "02 61 91 22 15" in stays
    lead, *posts = story.thread(gone["alert"])
    assert "Still valid: SAMU (medical) (Côtes-d’Armor)." in lead
    assert [one for one in posts if "still valid" in one] == [
        one for one in posts if one.startswith("Côtes-d’Armor (22): this number is still valid")
    ]


def test_false_numbers() -> None:
    story = played(OWN / "false-number-2026-04-10")
    require_honest(story)
    (correction,) = story.posts(kind="correction")
    assert at(correction) == story.moment("2026-04-10T10:03")
    assert story.thread(correction["alert"])[0].startswith(
        "CORRECTION. Rhône (69): do NOT call 04 65 71 69 18 (Fire and rescue), this number is wrong. Call 18."
    )
    heads = [story.thread(one["alert"])[0] for one in story.posts(kind="denial")]
    assert heads == [
        "Only the numbers that we publish are right.\n"
        f"What is going round is FALSE{number}.\n"
        "In an emergency: the usual number. https://www.example.org/alert"
        for number in (
            ". Rhône (69): do NOT call 04 65 71 00 00 (SAMU, medical)",
            ". Rhône (69): do NOT call 04 65 71 00 01 (All emergencies)",
            ": “an emergency number that is going round”",
        )
    ]
    assert story.posts(state="down")[0]["kind"] == "holding"
    assert [one["action"] for one in story.decisions(signal="false-number")] == ["update"] * 4
    end = story.posts(state="resolved")[0]
    assert at(end) == story.moment("2026-04-10T13:43")
    assert "SDIS 69" in end["text"]


def test_our_own_false_alert_is_said_to_be_ours() -> None:
    case = entries(
        "08:05 exercise A", "08:07 false-alert A", "08:09 investigating A", "08:12 cancelled-silent A"
    )
    story = played(case, delay=MINUTE)
    require_honest(story)
    (pardon,) = story.posts()
    assert (pardon["kind"], pardon["approval"]) == ("false_alert", "person")
    assert at(pardon) == story.moment("2026-03-02T08:08")
    assert story.document["first_public_post"]["signal_delay_seconds"] == 60
    (lead,) = story.thread(pardon["alert"])
    assert lead == (
        "FALSE ALERT, the whole of France. There is no danger. Our alert of 08:07 was a mistake."
        " You need do nothing. We ask your pardon. https://www.example.org/alert"
    )


ELSEWHERE = """
case: hawaii
timezone: Pacific/Honolulu
entries:
- at: "2018-01-13T08:07"
  actor: HI-EMA
  channel: WEA
  state: false-alert
  truth: {en: There is no missile threat to Hawaii., fr: Aucun missile ne menace Hawaï.}
  you_may: {en: You may leave shelter., fr: Vous pouvez sortir.}
"""


def test_the_country_is_that_of_the_case() -> None:
    story = played(timeline(ELSEWHERE), delay=MINUTE)
    require_honest(story)
    assert {one["lang"] for one in story.document["posts"]} == {"en"}
    assert story.thread(story.posts()[0]["alert"]) == [
        (
            "FALSE ALERT, Hawaii. There is no missile threat to Hawaii. Our alert of 08:07 was a mistake."
            " You are safe. You may leave shelter. We ask your pardon. https://www.example.org/alert"
        )
    ]


def test_what_others_spread_is_denied() -> None:
    case = timeline(
        """
region: GB
timezone: Europe/London
entries:
- at: "2026-03-02T08:07"
  actor: a chain message
  state: false-alert
  ours: false
  claim: {en: 999 has been switched off}
  truth: {en: 999 works.}
"""
    )
    story = played(case)
    require_honest(story)
    (denial,) = story.posts()
    assert story.thread(denial["alert"]) == [
        (
            "999 works.\nWhat is going round is FALSE: “999 has been switched off”.\n"
            "In an emergency: the usual number. https://www.example.org/alert"
        )
    ]


def test_an_end_that_nobody_confirmed_says_whom_to_ask() -> None:
    case = entries(
        "10:00 undetected Op @none",
        "10:02 degraded SAMU 69 @internal",
        "10:04 degraded Mairie @press",
        "11:00 resolved Op @press",
    )
    story = played(case)
    require_honest(story)
    assert not story.posts(kind="end")
    assert story.document["to_ask"] == ["SAMU 69", "Mairie"]
    (note,) = [one for one in notes_of(story.replay) if "SAMU 69" in one]
    assert "Op alone cannot" in note


def test_a_service_that_saw_the_fault_is_not_its_operator() -> None:
    case = entries("10:02 degraded SAMU 69 @internal", "11:00 resolved SAMU 69 @press")
    story = played(case)
    (end,) = story.posts(kind="end")
    assert at(end) == story.moment("2026-03-02T13:03")
    assert "SAMU 69" in end["text"]


def test_an_inquiry_is_told_once_it_is_over() -> None:
    case = entries(
        "10:00 undetected Op",
        "10:02 degraded SAMU 69",
        "11:00 resolved SAMU 69",
        "11:30 inquiry Op",
        "12T00:00 inquiry Op",
    )
    story = played(case)
    require_honest(story)
    end, inquiry = story.posts()[-2:]
    assert [one["kind"] for one in (end, inquiry)] == ["end", "inquiry"]
    assert story.thread(inquiry["alert"]) == [
        (
            "INQUIRY OPENED, the whole of France, into the failure of 2 March 2026, by Op. Its findings are due:"
            " Thursday 12 March. We will publish them. https://www.example.org/alert"
        )
    ]


# --- the end, and the beginning again ---------------------------------------------------------------


def test_trouble_after_the_end_reopens_and_a_contradiction_begins_the_watch_anew(quick: Path) -> None:
    case = entries(
        "10:00 undetected Op",
        "10:04 degraded SAMU 69",
        "11:00 resolved SAMU 69",
        "11:05 degraded SAMU 42",  # within the watch period
        "12:00 resolved SAMU 69",
        "13:00 degraded SAMU 69",  # after the end
        "14:00 resolved Op",
    )
    story = played(case, policy=quick)
    require_honest(story)
    assert [one["action"] for one in story.decisions(signal="degraded")][1] in ("update", "reopen")
    assert story.decisions(signal="degraded")[2]["action"] == "reopen"
    (end,) = story.posts(state="resolved")
    assert at(end) == story.moment("2026-03-02T12:13")
    assert [at(one) for one in story.posts(kind="holding")] == [
        story.moment("2026-03-02T10:04"),
        story.moment("2026-03-02T13:00"),
    ]


def test_numbers_that_cannot_be_used_are_told(quick: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (case / "timeline.yaml").write_text(
        """
timezone: Europe/Paris
entries:
- {at: "2026-03-02T10:00", state: undetected}
- {at: "2026-03-02T10:02", state: degraded}
- {at: "2026-03-02T10:10", state: workaround}
- {at: "2026-03-02T11:00", state: retracted-partial, numbers: [35/samu, 69/pompiers]}
- {at: "2026-03-02T11:30", state: retracted-partial}
""",
        encoding="utf-8",
    )
    (case / "provisional-numbers.csv").write_text(
        "territory,service,number,published_at\n"
        "69,samu,04 65 71 69 15,\n"
        "69,pompiers,12,\n"
        "42,samu,04 65 71 42 15,2026-03-05\n",
        encoding="utf-8",
    )
    story = played(case, policy=quick)
    require_honest(story)
    assert story.refused("provisional_number") == ["invalid_number", "too_late", "unverified_number"]
    (told,) = story.posts(kind="provisional_number")
    assert "04 65 71 69 15" in told["text"].replace("\u00a0", " ")
    assert "42 15" not in told["text"].replace("\u00a0", " ")
    assert story.refused("withdrawal") == ["no_such_row"] * 3 + ["names_no_rows"]
    assert not story.posts(kind="withdrawal")


# --- rules and people -------------------------------------------------------------------------------


def test_a_rule_that_cannot_do_its_work_is_told(tmp_path: Path) -> None:
    policy = tmp_path / "bare.yaml"
    policy.write_text("watch: {policy: {remind_every: 0s}}\n", encoding="utf-8")  # no words at all
    story = played(entries("10:00 undetected Op", "10:02 degraded X"), policy=policy)
    assert not story.posts()
    assert story.document["first_public_post"]["at"] is None
    assert story.refused("rule") == ["rule_stuck"]


def test_rules_that_are_off_say_nothing(tmp_path: Path) -> None:
    policy = tmp_path / "silent.yaml"
    policy.write_text(
        "rules: {none: {when: [open, update, stabilise, resolve], kind: holding, policy: 'off'}}\n",
        encoding="utf-8",
    )
    story = played(entries("10:00 undetected Op", "10:02 degraded X @press"), policy=policy)
    require_honest(story)
    assert story.document["first_public_post"] == {
        "at": None,
        "delay_seconds": None,
        "signal_delay_seconds": None,
        "real_delay_seconds": 120.0,
    }
    assert story.decisions(action="open")


def test_numbers_and_apologies_never_go_by_themselves(tmp_path: Path) -> None:
    policy = tmp_path / "bold.yaml"
    policy.write_text(
        "rules:\n"
        "  numbers: {when: [open], kind: provisional_number, policy: auto, set: {territories: [69]}}\n"
        "  sorry: {when: [update], kind: apology, auto_after: 1m}\n"
        "  drill: {when: [stabilise], kind: status, policy: auto, exercise: true}\n",
        encoding="utf-8",
    )
    case = entries("10:00 undetected Op", "10:02 degraded X", "10:20 down X", "10:40 stabilised X")
    story = played(case, policy=policy)
    assert not story.posts(approval="auto")
    assert story.refused("numbers") == story.refused("sorry") == ["not_approved_ahead"]
    assert not story.refused("drill")
    assert not story.posts(state="stabilised")


def test_what_people_answer_too_late_is_told() -> None:
    case = entries("10:00 undetected Op", "10:02 degraded X", "10:30 stabilised X")
    story = played(case, delay=40 * MINUTE)
    require_honest(story)
    assert story.posts()[0]["approval"] == "auto"
    assert "expired" in story.refused("status")


@pytest.mark.parametrize("lines", [(), ("10:00 audit X", "11:00 kaputt Y"), ("10:00 undetected Op",)])
def test_a_case_that_says_nothing(lines: tuple[str, ...]) -> None:
    story = played(entries(*lines))
    require_honest(story)
    assert not story.document["posts"]
    assert {one["action"] for one in story.document["decisions"]} <= {"drop"}
    assert len(story.document["decisions"]) == len(lines)


def test_calm_alone_opens_nothing() -> None:
    story = played(entries("10:00 resolved X", "11:00 monitoring Y"))
    require_honest(story)
    assert not story.document["posts"]
    assert [one["reason"] for one in story.document["decisions"]] == ["nothing_open"] * 2
    assert story.document["fault_at"] is None


def test_a_case_elsewhere_in_its_own_time() -> None:
    case = timeline(
        """
case: reunion
timezone: Indian/Reunion
entries:
- {at: "2026-03-02T20:45", actor: Op, state: undetected}
- {at: "2026-03-02T20:47", actor: SAMU 974, state: outage}
"""
    )
    story = played(case)
    require_honest(story)
    assert story.document["first_public_post"]["at"] == "2026-03-02T20:47:00+04:00"
    assert "Réunion" in story.posts()[0]["text"]


# --- the shared cases -------------------------------------------------------------------------------


@pytest.mark.thorough
def test_orange_2021() -> None:
    story = played(shared("orange-2021-06-02"))
    require_honest(story)
    assert story.document["first_public_post"] == {
        "at": "2021-06-02T16:50:00+02:00",
        "delay_seconds": 300.0,
        "signal_delay_seconds": 0.0,
        "real_delay_seconds": 6300.0,
    }
    assert at(story.posts(kind="holding")[0]) < story.moment("2021-06-02T17:00")
    _orange_numbers(story)
    _orange_is_over_when_others_say_so(story)


def _orange_numbers(story: Story) -> None:
    first, second = story.posts(kind="provisional_number")
    assert at(first) == story.moment("2021-06-02T19:06")
    assert at(second) == story.moment("2021-06-03T08:27")  # those that were published on the third
    assert all(one["approval"] == "person" for one in (first, second))
    assert "unverified_number" in story.refused("provisional_number")
    assert story.refused("withdrawal") == ["names_no_rows"]
    assert not story.posts(kind="withdrawal")
    after = [one for one in story.posts(kind="status") if at(one) > story.moment("2021-06-03T09:00")]
    assert after
    for number in ("02 96 01 90 10", "02 96 01 90 30", "02 96 01 90 39"):
        assert all(
            number in one["text"].replace("\u00a0", " ") for one in after
        )  # the SAMU of Côtes-d'Armor stays


def _orange_is_over_when_others_say_so(story: Story) -> None:
    (midnight,) = story.decisions(at="2021-06-03T00:00:00+02:00")
    assert midnight["action"] == "hold"
    (relapse,) = story.decisions(at="2021-06-03T08:21:00+02:00")
    assert (relapse["signal"], relapse["action"] in ("update", "reopen")) == ("degraded", True)
    assert relapse["reason"] in ("relapse", "relapse_under_watch")
    assert relapse["alert"]
    end, inquiry = story.posts(state="resolved")
    assert [one["kind"] for one in (end, inquiry)] == ["end", "inquiry"]
    assert at(end) == story.moment("2021-06-04T11:03")  # two hours after the Prime Minister
    assert "awaiting_confirmation" in story.refused("resolved")


def test_the_other_shared_cases() -> None:
    again = played(shared("orange-2023-01-17"))
    require_honest(again)
    assert not again.posts(state="resolved")  # nobody but the operator ever said so
    (claim,) = again.decisions(signal="resolved")
    assert claim["reason"] == "awaiting_confirmation"
    hawaii = played(shared("hawaii-false-alert-2018-01-13"))
    require_honest(hawaii)
    assert [one["kind"] for one in hawaii.posts()] == ["false_alert"]
    assert hawaii.thread(hawaii.posts()[0]["alert"])[0].startswith(
        "FALSE ALERT, Hawaii. There is no danger."
    )
    assert again.document["to_ask"] == ["SDIS de 19 départements"]
    assert hawaii.document["first_public_post"]["delay_seconds"] == 180
    assert hawaii.document["first_public_post"]["real_delay_seconds"] == 780


def test_every_shared_case_is_tested() -> None:
    if SHARED.is_dir():
        cases = {one.parent.name for one in SHARED.glob("*/timeline.yaml")}
        assert cases == {
            "orange-2021-06-02",
            "orange-2023-01-17",
            "hawaii-false-alert-2018-01-13",
        }


def test_the_delay_of_people_counts() -> None:
    case = entries("08:07 false-alert A")
    for minutes in (0, 5):
        story = played(case, delay=timedelta(minutes=minutes))
        assert story.document["first_public_post"]["delay_seconds"] == minutes * 60
