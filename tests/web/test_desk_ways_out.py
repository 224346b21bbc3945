"""No sentence on the desk sends its reader to the command line: every sentence of the program that names a command or an
option, in both languages, as the desk shows it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from starlette.routing import Route

from alertbot.core.words import spoken
from alertbot.db.database import Database
from alertbot.web.desk import entrance
from alertbot.web.desk.room import DeskRoom
from alertbot.web.desk.ways_out import for_desk
from tests.web.officer import URL, scene

CATALOGUE = Path("alertbot/core/locale/fr/LC_MESSAGES/alertbot.po")
COMMAND = re.compile(r"alertbot [a-z]|(?<![\w-])--[a-z]")
ELSEWHERE = re.compile(  # never on the desk: the command line itself, mails, chats, and what stops a start
    r"alertbot/(cli/|rehearsal/|config/|db/|app\.py|alerts/requests/|alerts/alert_notices|texts/preview/html_page"
    r"|web/serving|web/approvals|people/accounts|channels/page|ops/(check|trust|working|public_page))"
)
NOT_SHOWN = (  # the desk has its own words in their place
    "A retraction is prepared and approved with this alert; --full",
    "Change it, or accept it: --accept",
    "Give it: --set",
    "This token is not known here.",  # at sign-in
    "People have already been added.",
    "Task {id} needs where the post stands, or when it was made: --link",
    "{verb} {alert} needs a reason: --reason",
    "Give a role: --role",
    "How old? Give --before DAY",
    "Say where it stands or when it was posted: alertbot",
)
GIVEN = {
    "alert": "KXQW-3",
    "original": "KXQW-1",
    "other": "KXQW-2",
    "id": "KXQW",
    "incident": "KXQW",
    "entry": "N12",
}


def sentences(lang: str) -> Iterator[str]:
    """Every sentence that may reach the desk and names a command or an option, filled in."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    for one in catalogue:
        ids = [one.id] if isinstance(one.id, str) else list(one.id)
        if not any(COMMAND.search(text) for text in ids) or ids[0].startswith(NOT_SHOWN):
            continue
        if all(ELSEWHERE.match(place) for place, _line in one.locations):
            continue
        texts = ids if lang == "en" else [one.string] if isinstance(one.string, str) else one.string
        for text in texts:
            yield re.sub(r"{(\w+)[^}]*}", lambda found: GIVEN.get(found[1], "X1"), text)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_sentence_of_the_desk_names_a_command(lang: str) -> None:
    found = list(sentences(lang))
    assert len(found) > 100
    with spoken(lang):
        left = [shown for text in found if COMMAND.search(shown := str(for_desk(text)))]
    assert left == []


async def test_every_way_out_leads_to_a_page_of_the_desk(database: Database) -> None:
    made = await scene(database)
    routes = entrance.router(DeskRoom(made.team.service, URL)).routes
    known = [
        one.path_regex for one in routes if isinstance(one, Route) and "GET" in (one.methods or ())
    ]
    places = {
        place.partition("#")[0].partition("?")[0]
        for text in sentences("en")
        for place in re.findall(r'href="([^"]+)"', str(for_desk(text)))
    }
    assert len(places) > 8
    assert [one for one in places if not any(each.match(one) for each in known)] == []
    await made.close()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "KXQW-3 is halted. To resume: alertbot resume KXQW-3",
            'KXQW-3 is halted. To resume: <a href="/desk/deliveries">“Deliveries and stop”</a>',
        ),
        (
            "Fix it with `alertbot edit KXQW-3 --set …`.",
            'Fix it with <a href="/desk/alerts/KXQW-3/edit">“Change it”</a>.',
        ),
        (
            "write an alert by hand: alertbot draft status --incident KXQW",
            'write an alert by hand: <a href="/desk/write/status?incident=KXQW">“Write”</a>',
        ),
        ("Withdrawing numbers needs a reason (--reason TEXT).", "Withdrawing numbers needs a reason."),
        ("The bot alertbot\u202e sent <b>", "The bot alertbot&lt;U+202E&gt; sent &lt;b&gt;"),
        (
            "Add one (`alertbot check` or `alertbot check`).",
            "Add one (the check by whoever runs this machine).",
        ),
    ],
)
def test_a_command_becomes_a_link_and_the_rest_stays(said: str, shown: str) -> None:
    assert str(for_desk(said)) == shown
