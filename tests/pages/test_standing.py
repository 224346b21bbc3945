"""What stands in public: no number that was struck, that ran out or whose incident is over; and none is right and wrong
at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.core.model import Relation
from alertbot.pages.rules_standing import SHOWN, standing
from alertbot.pages.views import PublicAlert, PublicStanding
from alertbot.texts.document import AlertDocument, DocumentNumber
from tests.effort import examples

START = datetime(2021, 6, 2, 15, 8, tzinfo=UTC)
BOTH = ("fr", "en")


def number(digits: int, territory: str = "29", *, key: str = "", **more: object) -> DocumentNumber:
    written = f"02 61 91 00 {digits:02}"
    one = DocumentNumber(
        key or f"{territory}/{digits}",
        territory,
        territory,
        "samu",
        "SAMU",
        written,
        "+33" + str(digits),
    )
    return replace(one, **more)  # type: ignore[arg-type]


def alert(
    name: str,
    at: datetime = START,
    *numbers: DocumentNumber,
    relation: Relation | None = None,
    of: Sequence[str] = (),
    languages: Sequence[str] = BOTH,
    next_update: datetime | None = None,
    exercise: bool = False,
) -> PublicAlert:
    def said(lang: str) -> AlertDocument:
        return AlertDocument(
            name, name.partition("-")[0], "status", lang, exercise, relation, tuple(of), at, f"Titre {name}",
            "", "", "", "", "", (), tuple(numbers), (), ("29",), (), next_update=next_update,
        )  # fmt: skip

    return PublicAlert(name, at, {lang: said(lang) for lang in languages})


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def called(standing: PublicStanding, lang: str = "fr", which: str = "numbers") -> set[tuple[str, str]]:
    by_place: Mapping[str, Sequence[object]] = getattr(standing, which)[lang]
    return {(code, one.number.number) for code, group in by_place.items() for one in group}  # type: ignore[attr-defined]


FIRST = number(1, valid_until=hours(4))
A = ("29", FIRST.number)


def test_a_number_holds_until_its_end_and_then_its_time_has_run_out() -> None:
    told = [alert("BKRT-1", START, FIRST)]
    before = standing(told, hours(3.9))
    assert called(before) == {A}
    assert before.changes_at == hours(4)
    after = standing(told, hours(4))
    assert not called(after)
    assert called(after, which="lapsed") == {A}
    assert not called(after, which="over")
    assert not called(standing(told, hours(4) + SHOWN), which="lapsed")


def test_a_correction_calls_the_digits_wrong_wherever_they_stand() -> None:
    told = [
        alert("BKRT-1", START, FIRST, number(1, "22"), number(2, "22")),
        alert("CDFG-1", hours(1), number(1, "35")),
        alert(
            "BKRT-2",
            hours(2),
            replace(FIRST, struck=True, wrong=True),
            number(3),
            relation=Relation.CORRECTION,
            of=["BKRT-1"],
        ),
    ]
    found = standing(told, hours(2))
    assert called(found) == {("29", number(3).number), ("22", number(2).number)}
    assert called(found, which="over") == {(code, FIRST.number) for code in ("29", "22", "35")}
    (incident,) = (one for one in found.incidents if one.incident == "BKRT")
    assert incident.superseded == {"BKRT-1": "BKRT-2"}


def test_a_withdrawal_leaves_the_same_digits_elsewhere() -> None:
    told = [
        alert("BKRT-1", START, FIRST, number(1, "22")),
        alert(
            "BKRT-2", hours(1), replace(FIRST, struck=True), relation=Relation.WITHDRAWAL, of=["BKRT-1"]
        ),
    ]
    found = standing(told, hours(1))
    assert called(found) == {("22", FIRST.number)}
    assert called(found, which="over") == {A}


def test_a_retraction_and_a_false_alert_take_the_numbers_back() -> None:
    for relation in (Relation.RETRACTION, Relation.CANCEL):
        told = [
            alert("BKRT-1", START, FIRST, next_update=hours(1)),
            alert("BKRT-2", hours(1), relation=relation, of=["BKRT-1"]),
        ]
        found = standing(told, hours(1))
        assert not called(found)
        assert called(found, which="over") == {A}
        (incident,) = found.incidents
        assert incident.ended
        assert incident.last == told[1]


def test_after_the_end_nothing_holds_but_what_the_end_says_stays() -> None:
    told = [
        alert("BKRT-1", START, FIRST, number(2), next_update=hours(1)),
        alert("BKRT-2", hours(1), number(2), relation=Relation.END, of=["BKRT-1"]),
        alert("BKRT-3", hours(2)),  # an apology promises nothing
    ]
    found = standing(told, hours(2))
    assert called(found) == {("29", number(2).number)}
    assert called(found, which="over") == {A}
    assert found.incidents[0].ended
    assert not called(standing(told, hours(1) + SHOWN), which="over")


def test_trouble_that_comes_back_opens_the_incident_and_a_number_given_again_holds() -> None:
    told = [
        alert("BKRT-1", START, FIRST),
        alert("BKRT-2", hours(1), relation=Relation.END, of=["BKRT-1"]),
        alert("BKRT-3", hours(2), FIRST, next_update=hours(3)),
    ]
    assert standing(told[:2], hours(2)).incidents[0].ended
    found = standing(told, hours(2))
    assert not found.incidents[0].ended
    assert called(found) == {A}
    assert not called(found, which="over")


def test_an_end_that_is_taken_back_opens_the_incident_and_brings_no_number_back() -> None:
    told = [
        alert("BKRT-1", START, FIRST, next_update=hours(1)),
        alert("BKRT-2", hours(1), relation=Relation.END, of=["BKRT-1"]),
        alert("BKRT-3", hours(2), relation=Relation.RETRACTION, of=["BKRT-2"]),
    ]
    found = standing(told, hours(2))
    assert not found.incidents[0].ended
    assert not called(found)


def test_a_language_that_was_left_out_loses_no_number_and_keeps_none_that_is_wrong() -> None:
    told = [
        alert("BKRT-1", START, FIRST, number(2)),
        alert(
            "BKRT-2",
            hours(1),
            replace(FIRST, struck=True),
            number(3),
            relation=Relation.CORRECTION,
            languages=["fr"],
        ),
    ]
    found = standing(told, hours(1), languages=["en", "fr", "nl"])
    for lang in ("en", "fr", "nl"):
        assert called(found, lang) == {("29", number(one).number) for one in (2, 3)}
    spoken = {one.number.number: one.lang for one in found.numbers["en"]["29"]}
    assert spoken == {number(2).number: "en", number(3).number: "fr"}


def test_exercises_and_real_alerts_never_stand_together() -> None:
    told = [alert("BKRT-1", START, FIRST), alert("DRLL-1", START, number(2), exercise=True)]
    assert called(standing(told, START)) == {A}
    drill = standing(told, START, exercise=True)
    assert called(drill) == {("29", number(2).number)}
    assert [one.incident for one in drill.incidents] == ["DRLL"]


def test_a_number_for_the_whole_country_is_not_wrong_in_a_part_of_it() -> None:
    told = [
        alert(
            "BKRT-1", START, replace(FIRST, struck=True), number(1, "FR"), relation=Relation.WITHDRAWAL
        )
    ]
    found = standing(told, START)
    assert called(found) == {("FR", FIRST.number)}
    assert not called(found, which="over")


# --- any sequence of verbs ---------------------------------------------------------------------------

VERBS = [None, Relation.UPDATE, Relation.CORRECTION, Relation.WITHDRAWAL, Relation.END, Relation.CANCEL, Relation.RETRACTION]  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[PublicAlert]:
    """Alerts of two incidents over two days, each with any verb about any of the numbers."""
    made: list[PublicAlert] = []
    for at in range(draw(st.integers(1, 9))):
        incident = draw(st.sampled_from(["BKRT", "CDFG"]))
        earlier = [one.alert for one in made if one.alert.startswith(incident)]
        relation = draw(st.sampled_from(VERBS)) if earlier else None
        when = hours(at * draw(st.sampled_from([0.5, 1, 5])) if at else 0)
        when = max(when, made[-1].published_at + timedelta(minutes=1)) if made else when
        spots = [(digits, code) for digits in (1, 2, 3) for code in ("29", "22")]
        struck = draw(st.lists(st.sampled_from(spots), max_size=2, unique=True)) if relation else []
        wrong = relation in (Relation.CORRECTION, Relation.CANCEL)
        rows = [number(*spot, struck=True, wrong=wrong) for spot in struck]
        if relation is not Relation.RETRACTION:
            free = [spot for spot in spots if spot not in struck]
            free = [spot for spot in free if not wrong or spot[0] not in {one[0] for one in struck}]
            for spot in draw(st.lists(st.sampled_from(free), max_size=3, unique=True)) if free else []:
                lasts = draw(st.sampled_from([None, 1, 3, 30]))
                rows.append(number(*spot, valid_until=when + timedelta(hours=lasts) if lasts else None))
        made.append(
            alert(
                f"{incident}-{at + 1}",
                when,
                *rows,
                relation=relation,
                of=[draw(st.sampled_from(earlier))] if relation else [],
                next_update=draw(st.sampled_from([None, when + timedelta(hours=1)])),
                languages=draw(st.sampled_from([BOTH, ("fr",), ("en",)])),
            )
        )
    return made


def said(one: PublicAlert) -> AlertDocument:
    return next(iter(one.documents.values()))


def taken_back(later: Sequence[PublicAlert], giver: PublicAlert, row: DocumentNumber) -> bool:
    """Whether one of these alerts, all after the giver, ends what it said of this row."""
    for one in later:
        text = said(one)
        if text.relation in (Relation.RETRACTION, Relation.CANCEL) and giver.alert in text.references:
            return True
        if text.relation is Relation.END and text.incident == said(giver).incident:
            return True
        for struck in (other for other in text.numbers if other.struck):
            if struck.number == row.number and (struck.wrong or struck.territory == row.territory):
                return True
    return False


@settings(max_examples=examples(300), deadline=None)
@given(histories(), st.sampled_from([0, 0.4, 2, 7, 24, 300]))
def test_what_stands_was_said_and_not_taken_back(told: list[PublicAlert], later: float) -> None:
    now = told[-1].published_at + timedelta(hours=later)
    found = standing(told, now, languages=BOTH)
    assert called(found, "fr") == called(found, "en")
    for numbers in found.numbers["fr"].values():
        for one in numbers:
            giver = next(each for each in told if each.alert == one.alert)
            assert one.number.ends_at is None or one.number.ends_at > now
            assert not taken_back(told[told.index(giver) + 1 :], giver, one.number)
    standing_now = called(found)
    for which in ("over", "lapsed"):
        assert not standing_now & called(found, which=which)
        for numbers in getattr(found, which)["fr"].values():
            assert len({one.number.number for one in numbers}) == len(numbers)
    assert not called(found, which="over") & called(found, which="lapsed")


@settings(max_examples=examples(200), deadline=None)
@given(histories())
def test_what_was_said_last_and_nobody_took_back_stands(told: list[PublicAlert]) -> None:
    """The last alert alone: whatever it gives holds, and whatever it strikes does not."""
    now = told[-1].published_at
    found = called(standing(told, now, languages=BOTH))
    for row in said(told[-1]).numbers:
        assert ((row.territory, row.number) in found) is not row.struck


@settings(max_examples=examples(100), deadline=None)
@given(histories())
def test_nothing_changes_before_it_is_said_to(told: list[PublicAlert]) -> None:
    moments = [told[-1].published_at]
    while (following := standing(told, moments[-1]).changes_at) and len(moments) < 12:
        moments.append(following)
    for begun, ended in pairwise(moments):
        early, late = standing(told, begun), standing(told, ended - timedelta(seconds=1))
        assert replace(early, at=begun) == replace(late, at=begun)


def test_the_numbers_of_a_few_places_do_not_take_the_place_of_what_everybody_was_told() -> None:
    def about(told: PublicAlert, *territories: str, stage: str = "") -> PublicAlert:
        said = {
            lang: replace(
                one, territories=territories, stage=stage, instructions=("Appelez d’un fixe.",)
            )
            for lang, one in told.documents.items()
        }
        return replace(told, documents=said)

    told = [
        about(alert("BKRT-1", START), "FR"),
        about(alert("BKRT-2", hours(1), FIRST, number(2, "22")), "29", "22"),
        about(
            alert("BKRT-3", hours(2), number(3), relation=Relation.CORRECTION, of=["BKRT-2"]),
            "29",
        ),
    ]
    (incident,) = standing(told, hours(2)).incidents
    assert incident.state == told[0]
    assert incident.last == told[2]
    (without,) = standing(told[1:], hours(2)).incidents
    assert without.state == told[1]
    told.append(
        about(alert("BKRT-4", hours(3)), "29")
    )  # trouble in one place, which had been named before
    (still,) = standing(told, hours(3)).incidents
    assert still.state == told[0]
    told.append(about(alert("BKRT-5", hours(4), number(3)), "29", stage="stabilised"))
    told.append(about(alert("BKRT-6", hours(5), relation=Relation.END, of=["BKRT-5"]), "29"))
    assert [standing(told[:n], hours(n)).incidents[0].state for n in (5, 6)] == told[4:]
