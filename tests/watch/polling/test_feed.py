"""What feeds say: samples of each form, words and their places, dates, and any bytes."""

import time
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.config.sources import FeedSettings, FeedWords
from alertbot.watch.polling import feed
from alertbot.watch.polling.feed import folded, observed, paragraphs_of
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import UnknownShape
from tests.effort import examples

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
WORDS = FeedWords(
    down=["outage", "panne", "hors service"],
    degraded=["degraded", "perturbé"],
    up=["resolved", "rétabli"],
)
SETTINGS = FeedSettings(service="operator", url="https://status.example.org/feed", words=WORDS)
UP, DOWN, DEGRADED, UNKNOWN = Observed.UP, Observed.DOWN, Observed.DEGRADED, Observed.UNKNOWN


def parse(body: bytes | str, now: datetime = NOW) -> tuple[Signal, ...]:
    raw = body.encode() if isinstance(body, str) else body
    return feed.parse(raw, source="operator_feed", now=now, settings=SETTINGS)


def atom(*entries: str) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><id>tag:status.example.org,2005:/history</id>
<title>Status - History</title><updated>2026-03-02T13:59:00Z</updated>{"".join(entries)}</feed>"""


def entry(
    *updates: str,
    title: str = "Emergency calls",
    number: int = 1,
    updated: str = "2026-03-02T13:50:00Z",
) -> str:
    """As Statuspage writes one: the newest update first."""
    html = "".join(f"<p><small>Mar 2</small><br><strong>{one}</strong></p>" for one in updates)
    return (
        f"<entry><id>tag:status.example.org,2005:Incident/{number}</id><title>{title}</title>"
        f"<published>2026-03-02T12:00:00Z</published><updated>{updated}</updated>"
        f'<link rel="alternate" href="https://status.example.org/incidents/{number}"/>'
        f'<content type="html">{escape(html)}</content></entry>'
    )


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>News</title>{"".join(items)}</channel></rss>'


# --- what is read ---------------------------------------------------------------------------------


def test_an_atom_entry() -> None:
    (one,) = parse(atom(entry("Investigating - an outage of 112")))
    assert one == Signal(
        source="operator_feed",
        service="operator",
        observed=DOWN,
        at=datetime(2026, 3, 2, 13, 50, tzinfo=UTC),
        key=one.key,
        title="Emergency calls",
        summary="Mar 2 Investigating - an outage of 112",
        url="https://status.example.org/incidents/1",
        received=NOW,
        told_at=datetime(2026, 3, 2, 13, 50, tzinfo=UTC),
        entry="tag:status.example.org,2005:Incident/1",
    )
    assert one.key.startswith("tag:status.example.org,2005:Incident/1/")


def test_an_rss_item_with_an_offset() -> None:
    item = "<item><guid>n1</guid><title>Panne à Rennes</title><pubDate>Mon, 02 Mar 2026 14:30:00 +0100</pubDate></item>"
    (one,) = parse(rss(item))
    assert (one.observed, one.at) == (DOWN, datetime(2026, 3, 2, 13, 30, tzinfo=UTC))


def test_old_latin_letters() -> None:
    item = "<item><guid>n1</guid><title>Réseau rétabli</title></item>"
    body = '<?xml version="1.0" encoding="iso-8859-1"?>' + rss(item)
    assert [one.observed for one in parse(body.encode("iso-8859-1"))] == [UP]


def test_entries_come_oldest_first() -> None:
    found = parse(
        atom(
            entry("Resolved", number=2, updated="2026-03-02T13:50:00Z"),
            entry("Outage", number=1, updated="2026-03-02T13:00:00Z"),
        )
    )
    assert [one.observed for one in found] == [DOWN, UP]


def test_a_feed_without_entries_says_nothing() -> None:
    assert parse(atom()) == ()
    assert parse(rss()) == ()


def test_no_more_than_fifty_entries_are_read() -> None:
    found = parse(atom(*(entry("Outage", number=n) for n in range(60))))
    assert len(found) == 50


# --- dates ----------------------------------------------------------------------------------------


def test_a_date_that_lies_ahead_is_now() -> None:
    assert parse(atom(entry("Outage", updated="2031-01-01T00:00:00Z")))[0].at == NOW


@pytest.mark.parametrize(("days", "is_history"), [(6.9, False), (7.1, True), (4000, True)])
def test_what_is_older_than_seven_days_is_history(days: float, is_history: bool) -> None:
    said = (NOW - timedelta(days=days)).isoformat()
    assert [one.history for one in parse(atom(entry("Outage", updated=said)))] == [is_history]


def test_without_dates_only_the_first_entry_is_news() -> None:
    found = parse(rss(*(f"<item><guid>{n}</guid><title>Outage {n}</title></item>" for n in range(3))))
    assert {one.title: one.history for one in found} == {
        "Outage 0": False,
        "Outage 1": True,
        "Outage 2": True,
    }
    assert {one.at for one in found} == {NOW}


def test_the_publication_stands_in_for_the_update() -> None:
    (one,) = parse(atom(entry("Outage").replace("<updated>2026-03-02T13:50:00Z</updated>", "")))
    assert one.at == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


# --- keys -----------------------------------------------------------------------------------------


def test_the_same_entry_is_the_same_report_even_if_it_is_dated_anew() -> None:
    first, again = (
        parse(atom(entry("Outage", updated=said)), now)[0]
        for said, now in (
            ("2026-03-02T13:00:00Z", NOW),
            ("2026-03-02T14:05:00Z", NOW + timedelta(minutes=9)),
        )
    )
    assert first.key == again.key


def test_an_entry_that_goes_on_is_another_report_each_time() -> None:
    story = ["Investigating - outage", "Resolved", "Investigating - outage again", "Resolved"]
    told = [parse(atom(entry(*reversed(story[: n + 1]))))[0] for n in range(len(story))]
    assert [one.observed for one in told] == [DOWN, UP, DOWN, UP]
    assert len({one.key for one in told}) == 4


def test_an_entry_without_an_id_has_a_key() -> None:
    found = parse(rss("<item><title>Outage</title></item>", "<item><title>Rétabli</title></item>"))
    assert len({one.key for one in found}) == 2


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "paragraphs", "expected"),
    [
        ("Outage", [], DOWN),
        ("Network", ["an OUTAGE."], DOWN),
        ("Network", ["we look into it", "outage"], DOWN),
        ("Réseau perturbe", [], DEGRADED),
        ("Retabli : panne", ["panne"], UP),
        ("Outage", ["Resolved - all is well", "Investigating - outage"], UP),
        ("Outage", ["Monitoring", "Resolved", "outage"], DOWN),
        ("Network", ["Monitoring", "Resolved"], UNKNOWN),
        ("Network", ["degraded", "outage"], DEGRADED),
        ("Network", ["degraded by an outage"], DOWN),
        ("Outages", ["outageous", "préoutage"], UNKNOWN),
        ("Lignes hors  service", [], DOWN),
        ("Lignes hors de service", [], UNKNOWN),
        ("Planned work", ["tonight"], UNKNOWN),
        ("", [], UNKNOWN),
        ("ＯＵＴＡＧＥ", [], DOWN),
    ],
)
def test_the_word_and_its_place_decide(title: str, paragraphs: list[str], expected: Observed) -> None:
    assert observed(title, paragraphs, WORDS) is expected


def test_without_words_everything_is_unknown() -> None:
    assert observed("outage resolved degraded", [], FeedWords()) is UNKNOWN


def test_empty_phrases_match_nothing() -> None:
    assert observed("anything", ["at all"], FeedWords(down=[" "], up=["\u0301"])) is UNKNOWN


def test_paragraphs() -> None:
    assert paragraphs_of("<p>One<br>line</p>\n<div>two <b>b</b>old</div>") == ("One line", "two bold")
    assert paragraphs_of("first\nstill first\n \nsecond") == ("first still first", "second")
    assert paragraphs_of("a &lt; b &amp; 1 < 2 > 0 <!-- no --> é&eacute;") == ("a < b & 1 < 2 > 0 éé",)
    assert paragraphs_of("") == ()


@settings(deadline=None)
@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("piece", ["<", "<a ", '<a b="', "&", "</", "<!--", "<p>", "\n ", "<![CDATA["])
def test_hostile_markup_is_read_in_one_go(piece: str) -> None:
    """The standard library's own reader would not come back from some of these before the suite gives up."""
    assert len(paragraphs_of(piece * (300_000 // len(piece)))) <= 1


# --- what is no feed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{}",
        b"not a feed",
        b"<html><head><title>Outage</title></head><body><h1>502</h1></body></html>",
        b"<?xml version='1.0'?><other><item/></other>",
        b"\x00\xff\xfe",
        b"https://status.example.org/feed",
        b"file:///etc/passwd",
    ],
)
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(UnknownShape, match=r"operator_feed.*not an RSS or Atom feed"):
        parse(body)


def test_a_feed_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    whole = atom(entry("Outage", number=1), entry("Outage", number=2))
    assert parse(whole[: whole.index("Incident/2")])[0].observed is DOWN


def test_bytes_are_no_file_name(tmp_path: Path) -> None:
    """The library would open it."""
    path = tmp_path / "feed"
    path.write_text(atom(entry("Outage")))
    with pytest.raises(UnknownShape):
        parse(str(path))


def test_a_fault_of_the_library_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_all: object, **_more: object) -> None:
        raise RuntimeError("deep inside")

    monkeypatch.setattr(feedparser, "parse", broken)
    with pytest.raises(UnknownShape):
        parse(atom())


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE rss [<!ENTITY l0 "outage">{ENTITIES}]>',
        f'<!DOCTYPE rss [<!ENTITY l0 "{"x" * 50_000}"><!ENTITY l11 "{"&l0;" * 10_000}">]>',
        '<!DOCTYPE rss [<!ENTITY l11 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd">%p;<!ENTITY l11 "a">]>',
    ],
    ids=["billion", "quadratic", "file", "address"],
)
def test_entities_are_not_expanded(doctype: str) -> None:
    for one in parse(doctype + rss("<item><title>&l11;</title><guid>1</guid></item>")):
        assert "root:" not in one.title
        assert len(one.title) <= 500


# --- anything -------------------------------------------------------------------------------------

PIECES = [
    "<rss", ' version="2.0">', "<channel>", "<item>", "<title>", "</title>", "outage", "resolved", "<feed",
    ' xmlns="http://www.w3.org/2005/Atom">', "<entry>", "<updated>", "2026-03-02T13:00:00Z", "</updated>", "<id>",
    "<pubDate>", "Mon, 32 Mar 20266 25:61:61 +9999", "&amp;", "&#x110000;", "<![CDATA[", "]]>", "<!DOCTYPE a [",
    '<!ENTITY a "b">', "]>", "&a;", "<content type='xhtml'>", "<link href='//[::1'/>", "<georss:point>1 2",
    "</item>", "</entry>", "\x00", "\ud7ff", "<rdf:RDF", "<description>", "<summary type='html'>", "<base href='http://['>",
    ' xml:base="http://[x"', "<guid isPermaLink='true'>", "<enclosure length='x'/>", "<dc:date>", "<updated>0000-00-00",
]  # fmt: skip


def _fine(body: bytes) -> None:
    try:
        found = parse(body)
    except UnknownShape:
        return
    for one in found:
        assert one.at <= NOW
        assert one.key
        assert len(one.key) <= 300
        assert len(one.summary) <= 500
        assert one.title.isprintable()


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_pieces_of_feeds_give_signals_or_a_refusal(body: str) -> None:
    _fine(body.encode())


@settings(deadline=None)
@given(st.binary(max_size=500))
def test_any_bytes_give_signals_or_a_refusal(body: bytes) -> None:
    _fine(body)


@settings(deadline=None)
@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=20))
def test_any_words_in_a_feed_are_read(title: str, text: str, name: str) -> None:
    item = f"<item><title>{escape(title)}</title><guid>{escape(name)}</guid><description>{escape(text)}</description></item>"
    _fine(rss(item).encode(errors="replace"))


def test_a_hostile_entry_takes_no_longer_than_its_length() -> None:
    begun = time.process_time()
    for text in ("<" + "a" * 50_000, "<a" * 25_000, "<!" * 25_000, "\n " * 25_000, "&" * 50_000):
        paragraphs_of(text)
    assert time.process_time() - begun < 5  # the first alone took a minute
