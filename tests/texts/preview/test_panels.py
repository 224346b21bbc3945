"""The preview in the terminal, in a pipe, and the tables around it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from alertbot.alerts.views import ApprovalsView, BreakGlassView, SignatureView
from alertbot.channels.base import SHIPPED
from alertbot.cli.tables import show_tables
from alertbot.cli.tables.show_alerts import show_alert
from alertbot.core.model import AlertState, Approvals, Audience, DeliveryState, Fault, Omission
from alertbot.ops.views import (
    AlertLineView,
    ChannelView,
    NeedView,
    ReasonView,
    StatusView,
    WorkerView,
)
from alertbot.people.views import PersonLine
from alertbot.texts.kinds.catalogue import load_kind
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.preview import phrases
from alertbot.texts.preview.panels import Wrapped, show
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.preview.plain import plain, plain_copy
from alertbot.texts.views import kind_details_view
from tests.shown import alert_view, delivery_view
from tests.texts.preview import examples

PARIS = ZoneInfo("Europe/Paris")
ESCAPES = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture
def seen(tmp_path):
    def look(sheet: Sheet, width: int = 80, **more: object) -> str:
        with (tmp_path / "out").open("w") as out:
            console = Console(
                width=width, file=out, **({"force_terminal": True, "_environ": {}} | more)
            )
            show(console, sheet)
        return (tmp_path / "out").read_text()

    return look


def drawn(thing: RenderableType, width: int = 80) -> str:
    console = Console(width=width, force_terminal=False, _environ={})
    with console.capture() as captured:
        console.print(thing)
    return captured.get()


def test_every_text_and_counter_is_shown(seen) -> None:
    shown = seen(examples.sheet())
    for words in (
        "Prochain point à 19:00",
        "an emergency: keep trying",
        "63 of 280 characters left",
        "X · x_main · French",
    ):
        assert words in shown
    assert "Opérateur Exemple <alerte@example.fr>" in shown
    assert "Update: emergency calls disrupted since 16:45" in shown
    assert "1 approver other than the author, within 1 h" in shown
    assert "9f2c4e7ab1d0" in shown
    assert examples.DIGEST not in shown


@pytest.mark.parametrize("width", [40, 80, 110, 120, 200])
def test_no_line_is_wider_than_the_terminal(seen, width: int) -> None:
    shown = ESCAPES.sub("", seen(examples.sheet(examples.BLOCKED), width))
    assert max(cell_len(line) for line in shown.splitlines()) <= width


def test_languages_stand_side_by_side_where_there_is_room(seen) -> None:
    wide = ESCAPES.sub("", seen(examples.sheet(), 120)).splitlines()
    assert any("x_main · French" in line and "x_main · English" in line for line in wide)
    narrow = ESCAPES.sub("", seen(examples.sheet(), 80)).splitlines()
    assert not any("x_main · French" in line and "x_main · English" in line for line in narrow)


def test_without_colour_nothing_is_lost(seen) -> None:
    bare = seen(examples.sheet(examples.BLOCKED), _environ={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[(?:\d+;)*3\d", bare)
    for words in ("✗", "Cannot go out", "Faults", "Warnings"):
        assert words in bare


def test_how_it_stands_and_what_is_wrong_come_before_the_texts(seen) -> None:
    shown = seen(examples.sheet(examples.BLOCKED))
    places = [shown.index(words) for words in ("Cannot go out", "Faults", "Warnings", "X · x_main")]
    assert places == sorted(places)


def test_a_text_that_several_channels_share_is_shown_once_unless_asked_for_in_full() -> None:
    first, other = examples.STATUS.messages[2], examples.STATUS.messages[4]
    shared = replace(other, text=first.text)
    sheet = examples.sheet(replace(examples.STATUS, messages=(first, shared), retraction=(first,)))
    short, whole = plain(sheet), plain(sheet, full=True)
    assert (short.count(first.text), whole.count(first.text)) == (1, 3)
    assert f"The same text as on {first.channel}." in short
    assert "A retraction is prepared" in short
    assert "What happens: yes" in whole


def test_parts_are_panels_of_their_own(seen) -> None:
    shown = seen(examples.sheet(replace(examples.STATUS, messages=examples.thread(parts=3))))
    for part in ("part 1/3", "part 2/3", "part 3/3"):
        assert part in shown


def test_what_is_too_long_says_by_how_much(seen) -> None:
    long = replace(examples.STATUS.messages[0], length=303)
    assert "23 characters too many (280 allowed)" in seen(
        examples.sheet(replace(examples.STATUS, messages=(long,)))
    )


def test_what_a_no_break_space_holds_is_never_torn_apart(seen) -> None:
    number = "04\u00a065\u00a071\u00a000\u00a015"
    text = " ".join([f"SAMU{'x' * n} {number}." for n in range(12)])
    shown = seen(
        examples.sheet(
            replace(examples.STATUS, messages=(examples.message("x_main", "x", "fr", text),))
        )
    )
    assert shown.count(number) == text.count(number)


@given(st.text(alphabet="ab é\u00a0😀漢", max_size=120), st.integers(2, 30))
def test_wrapping_loses_nothing_and_never_runs_over(text: str, width: int) -> None:
    with (console := Console(width=width, _environ={})).capture() as captured:
        console.print(Wrapped(Text(text)))
    shown = captured.get()
    assert max((cell_len(line) for line in shown.splitlines()), default=0) <= width
    assert re.sub(r"[ \n]", "", shown) == text.replace(" ", "")


def test_in_a_pipe_texts_stand_unwrapped_and_undrawn(seen) -> None:
    piped = seen(examples.sheet(), 40, force_terminal=False)
    for message in examples.STATUS.messages:
        assert message.text in piped
    assert not re.search(r"[\x1b╭│─]", piped)


def test_a_dumb_terminal_gets_the_plain_form(seen) -> None:
    assert "╭" not in seen(examples.sheet(), _environ={"TERM": "dumb"})


@pytest.mark.parametrize("terminal_kind", [True, False])
def test_a_text_cannot_give_orders_to_the_terminal(seen, terminal_kind: bool) -> None:
    evil = examples.message(
        "x_main", "x", "fr", "call \x1b[2J\x1b]0;title\x07 \u202e11\u202c [bold]now[/]\r"
    )
    shown = seen(
        examples.sheet(replace(examples.STATUS, messages=(evil,))), force_terminal=terminal_kind
    )
    assert "\x1b[2J" not in shown
    assert "\x1b]" not in shown
    assert "\u202e" not in shown
    assert "<U+001B>" in shown
    assert "[bold]now[/]" in shown


def test_telegram_markup_is_shown_and_a_link_says_where_it_leads(seen) -> None:
    shown = ESCAPES.sub("", seen(examples.sheet()))
    assert "<b>" not in shown
    assert f"Vérifier cette alerte ({examples.PAGE})" in shown


def test_each_fault_says_what_to_do(seen) -> None:
    shown = seen(examples.sheet(examples.BLOCKED), 120)
    assert "--set next_update=…" in shown
    assert "--accept parity=REASON" in shown
    assert "3 faults to fix" in shown


def test_left_out_channels_have_a_reason(seen) -> None:
    assert "elsewhere · English: this channel speaks French alone" in seen(examples.sheet())


def test_an_exercise_says_so_first(seen) -> None:
    assert seen(examples.sheet(exercise=True), force_terminal=False).startswith(
        "EXERCISE: Status update"
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_type_of_channel_can_be_shown(seen, name: str) -> None:
    one = examples.message("any", name, "fr", "Bonjour", html="<p>Bonjour</p>", subject="S")
    assert "Bonjour" in seen(examples.sheet(replace(examples.STATUS, messages=(one,))))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (320, "5 min 20 s"),
        (3600, "1 h"),
        (11_400, "3 h 10 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert phrases.span(seconds) == words


def test_who_must_approve_in_words() -> None:
    two = Approvals(2, author_may_approve=False, expires_after=timedelta(minutes=30))
    assert phrases.must_approve(two) == "2 approvers other than the author, within 30 min"
    alone = Approvals(1, author_may_approve=True, expires_after=timedelta(hours=1))
    assert "the author may be one" in phrases.must_approve(alone)


def test_prices_say_why() -> None:
    assert phrases.price(examples.sheet()) == "0.40 USD; 2 of 2 posts have a link"
    bare = replace(
        examples.STATUS, messages=tuple(replace(m, has_link=False) for m in examples.STATUS.messages)
    )
    assert phrases.price(examples.sheet(bare)) == "0.03 USD; no post has a link"
    mails = replace(examples.STATUS, messages=examples.STATUS.messages[-1:])
    assert phrases.price(examples.sheet(mails)) == "free"


def test_a_language_nobody_named_is_named_by_babel_or_by_its_code() -> None:
    assert phrases.language_name("de") == "German"
    assert phrases.language_name("zz-nowhere") == "zz-nowhere"


def test_plain_copy_takes_the_long_form_of_each_language() -> None:
    copy = plain_copy(examples.STATUS.messages)
    assert copy.count("— FRENCH —") == copy.count("— ENGLISH —") == 1
    assert "Insistez : plusieurs essais peuvent être nécessaires." in copy
    assert "#PanneUrgences" not in copy
    assert "<b>" not in copy


def test_plain_copy_of_x_alone_joins_the_parts() -> None:
    copy = plain_copy(examples.thread(parts=2))
    assert "1/2 Point de situation" in copy
    assert "2/2 Point de situation" in copy


ALERT = alert_view(
    approvals=ApprovalsView(
        needed=2,
        author_may_approve=False,
        given=(
            SignatureView(
                person="Léa",
                at=datetime(2021, 6, 2, 16, 5, tzinfo=UTC),
                expires_at=datetime(2021, 6, 2, 17, 5, tzinfo=UTC),
            ),
        ),
    ),
    break_glass=BreakGlassView(by="Léa", reason="nobody else is awake", countersigned_by=None),
)


@pytest.mark.parametrize("terminal_kind", [True, False])
def test_a_stored_alert_says_who_when_and_how_far(tmp_path, terminal_kind: bool) -> None:
    with (tmp_path / "out").open("w") as out:
        console = Console(width=100, file=out, force_terminal=terminal_kind, _environ={})
        show_alert(console, ALERT)
    shown = ESCAPES.sub("", (tmp_path / "out").read_text())
    for words in (
        "BKRT-2",
        "2021-06-02 18:00:00 CEST by Ana",
        "1 of 2 given",
        "2021-06-02 18:05:00 CEST by Léa",
        examples.DIGEST,
        "nobody else is awake",
        "still to be countersigned",
        "63 of 280 characters left",
    ):
        assert words in shown


DELIVERIES = [
    delivery_view(part=2, parts=3, remote_id="1400", url="https://x.example.org/i/1400"),
    delivery_view(
        channel="press",
        target="a-very-long-address-of-a-newsroom@a-long-name.example.com",
        lang="en",
        state=DeliveryState.FAILED,
        attempts=3,
        reason="The mailbox does not exist (550 5.1.1); take the address off the list.",
    ),
    delivery_view(
        channel="press",
        target="b@example.fr",
        state=DeliveryState.PENDING,
        retry_at=datetime(2021, 6, 2, 16, 10, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize("width", [80, 120])
def test_deliveries_keep_long_addresses_and_reasons_whole(width: int) -> None:
    shown = drawn(show_tables.deliveries_table(DELIVERIES, PARIS), width)
    columns = " ".join(shown.split())
    for words in ("✓ sent", "✗ failed", "· waiting", "fr 2/3", "18:10:00", "3 attempts"):
        assert words in columns
    squeezed = re.sub(r"\s", "", shown)
    assert "…" not in shown
    if width == 120:
        assert "a-very-long-address-of-a-newsroom" in squeezed
    assert max(map(cell_len, shown.splitlines())) <= width


def test_no_delivery_is_said_in_words() -> None:
    assert drawn(show_tables.deliveries_table([])) == "There are no deliveries.\n"


def test_status_says_in_words_what_is_wrong() -> None:
    lost = ReasonView(
        channel="press", state=DeliveryState.FAILED, reason="the mailbox does not exist", count=1
    )
    line = AlertLineView(
        id="BKRT-2",
        kind="status",
        state=AlertState.PARTLY_PUBLISHED,
        exercise=False,
        since=datetime(2021, 6, 2, 16, 0, tzinfo=UTC),
        reason=None,
        reached_all_seconds=None,
        deliveries={"sent": 12, "failed": 1, "uncertain": 0},
        reasons=(lost,),
        omitted=(Omission("elsewhere", "en", "it speaks French alone"),),
    )
    paused = ChannelView(
        name="x_main",
        type="x",
        audience=Audience.LIVE,
        halted=False,
        paused="credits are used up",
        blocked=None,
        failing=None,
        blocked_seconds=0.0,
        waiting=3,
    )
    status = StatusView(
        now=datetime(2021, 6, 2, 16, 10, tzinfo=UTC),
        halted=True,
        halted_alerts=(),
        worker=WorkerView(alive=False),
        oldest_waiting_seconds=None,
        alerts=(line,),
        channels=(paused,),
        asked=(),
        open=(NeedView(message="Delivery 7 is uncertain: settle it."),),
        tasks=(),
    )
    shown = drawn(show_tables.status_view(status), 120)
    for words in (
        "Everything is halted",
        "No worker is running",
        "! partly published",
        "✓ 12 sent, ✗ 1 failed",
        "paused: credits are used up",
        "1 × the mailbox does not exist",
        "left out: it speaks French alone (elsewhere)",
        "settle it",
    ):
        assert words in shown
    assert "0 uncertain" not in shown


def test_kinds_and_fields() -> None:
    kind = kind_details_view(load_kind("status", shipped()))
    assert "Say where the fault stands" in drawn(show_tables.kinds_table([kind]))
    details = drawn(show_tables.kind_details(kind))
    for words in ("M required", "O optional", "- not allowed", "what_fails"):
        assert words in details


def test_people_count_in_words() -> None:
    added = datetime(2026, 3, 1, tzinfo=UTC)
    times = (added, None, None, None, None, ())
    rows = [
        PersonLine(1, "Ana", ("admin",), True, "", *times),
        PersonLine(2, "Léa", ("approver",), False, "waits for another admin", *times),
    ]
    shown = drawn(show_tables.people_table(rows), 120)
    assert "✓ yes" in shown
    assert "✗ waits for another admin" in shown


def test_a_fault_names_a_place_once() -> None:
    named = Fault("too_long", "Shorten “cause”.", field="cause", channel="x_main", lang="fr")
    assert phrases.place(named) == "x_main · French"
    assert phrases.place(replace(named, message="x_main (fr): 10 too long.")) == "cause"


def test_a_mail_says_when_nobody_reads_it(seen) -> None:
    english = {"press": examples.CHANNELS[2].targets[1:]}
    assert "no one in this language" in seen(examples.sheet(replace(examples.STATUS, targets=english)))
    assert "no recipients yet" in seen(examples.sheet(replace(examples.STATUS, targets={})))
