"""The 101 départements, four services, French and English, for X, Telegram and mail at once."""

import statistics
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import Channel, Identity, Organisation, Target
from alertbot.regions.facts import all_territories
from alertbot.regions.region import Territory
from alertbot.texts.compose import compose
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds.catalogue import load_kind, load_prepared
from alertbot.texts.request import ComposeRequest

RUNS = 7
OVERSEAS = frozenset({"971", "972", "973", "974", "976"})  # those that are départements
SERVICES = ("samu", "pompiers", "police", "gendarmerie")
CHANNELS = (
    Channel("x", X, ("fr", "en"), targets=(Target("x"),)),
    Channel("telegram", TELEGRAM, ("fr", "en"), targets=(Target("@chat"),)),
    Channel("mail", EMAIL, ("fr", "en"), targets=(Target("desk@example.org"),)),
)


def measure() -> dict[str, object]:
    """Milliseconds from the values as they were stored to every text: the first time in a process (which
    compiles the templates), and the median of later ones."""
    where, spent, posts = places(), [], 0
    for _run in range(RUNS + 1):
        begun = time.perf_counter()
        made = compose(_request(where))
        spent.append((time.perf_counter() - begun) * 1000)
        posts = len(made.messages)
        assert made.publishable, made.faults
    return {
        "first composing (ms)": round(spent[0]),
        "later ones (ms, median)": round(statistics.median(spent[1:])),
        "territories": len(where),
        "numbers": len(where) * len(SERVICES),
        "messages": posts,
    }


def places() -> list[str]:
    """The codes of the 101 départements."""
    return [one.code for one in all_territories().values() if one.code in OVERSEAS or _mainland(one)]


def _mainland(place: Territory) -> bool:
    return len(place.code) == 2 and not place.whole


def _request(where: list[str]) -> ComposeRequest:
    now = datetime.now(UTC)
    kind = load_kind("provisional_number")
    zone = ZoneInfo("Europe/Paris")
    given = {**kind.example, "where": where, "numbers": rows(where)}
    parsed = parse(kind, given, languages=("fr", "en"), timezone=zone, now=now)
    return ComposeRequest(
        kind=kind,
        parsed=parsed,
        channels=CHANNELS,
        languages=None,
        organisation=Organisation("Bench", verification_page="https://www.example.org/", sandbox=True),
        identity=Identity("BNCH", "BNCH-1"),
        now=now,
        accepted={"too_many_parts": "all of them at once"},
        prepared=load_prepared(),
    )


def rows(where: list[str]) -> list[dict[str, str]]:
    """Numbers in a range kept for fiction, one for each territory and service."""
    cases = [(place, service) for place in where for service in SERVICES]
    return [
        {
            "territory": place,
            "service": service,
            "number": f"04 65 71 {at // 100:02} {at % 100:02}",
            "verified_by": "Bench",
            "verified_at": "-20m",
        }
        for at, (place, service) in enumerate(cases)
    ]
