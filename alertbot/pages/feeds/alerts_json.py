"""`feeds/alerts.json`: what stands and the alerts of the last two weeks, for programs. Its schema is
docs/reference/alerts.schema.json; a change that an older reader would misread is a new `format`. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence

from alertbot.core.json import Json
from alertbot.pages.feeds import addresses
from alertbot.pages.feeds.addresses import place_address
from alertbot.pages.feeds.atom import MOST_BYTES, AtomEntry
from alertbot.pages.feeds.parts import as_object, marked_text, marked_title, moment
from alertbot.pages.feeds.rules_cap import facts
from alertbot.pages.views import PageSite, PublicStanding, StandingNumber
from alertbot.texts.addresses import address, alert_path
from alertbot.texts.document import AlertDocument

FORMAT = 1
_BETWEEN, _END = b",\n", b"]}\n"


def alerts(standing: PublicStanding, entries: Sequence[AtomEntry], site: PageSite) -> bytes:
    """The file: first what stands, then the alerts, the latest first, without the oldest where it would be too long."""
    newest = max((one.updated for one in entries), default=None)
    whole: dict[str, Json] = {
        "format": FORMAT,
        "url": address(site.public_url, addresses.JSON_FEED),
        "page": site.public_url,
        "organisation": site.organisation,
        "sender": addresses.sender(site),
        "exercise": site.exercise,
        "languages": [*site.languages],
        "updated": moment(newest, site),
        "numbers": _by_language(standing, standing.numbers, site),
        "over": _by_language(standing, standing.over, site),
        "incidents": [
            {"incident": one.incident, "ended": one.ended, "last": one.last.alert if one.last else None}
            for one in standing.incidents
        ],
    }
    return _fitting(whole, (_alert(one, site) for one in entries))


def _by_language(
    standing: PublicStanding,
    numbers: Mapping[str, Mapping[str, tuple[StandingNumber, ...]]],
    site: PageSite,
) -> dict[str, Json]:
    shown = {one.alert for each in standing.incidents for one in each.alerts}
    return {
        lang: [
            as_object(one.number, one.alert, site)
            for group in numbers.get(lang, {}).values()
            for one in group
            if one.alert in shown
        ]
        for lang in site.languages
    }


def _alert(one: AtomEntry, site: PageSite) -> dict[str, Json]:
    alert, documents = one.alert.alert, one.alert.documents
    said = next(iter(documents.values()))
    warning = facts(one.alert)
    return {
        "alert": alert,
        "incident": said.incident,
        "kind": said.kind,
        "stage": said.stage or None,
        "relation": said.relation,
        "references": [*said.references],
        "replaced_by": one.replaced_by.alert if one.replaced_by else None,
        "published_at": moment(one.alert.published_at, site),
        "updated": moment(one.updated, site),
        "expires": moment(said.expires, site),
        "next_update": moment(said.next_update, site),
        "territories": [*said.territories],
        "services": [*said.services],
        "cap": address(site.public_url, addresses.cap_path(alert)) if warning else None,
        "texts": {
            lang: _text(alert, documents[lang], site) for lang in site.languages if lang in documents
        },
    }


def _text(alert: str, said: AlertDocument, site: PageSite) -> dict[str, Json]:
    return {
        "url": address(site.public_url, alert_path(said.lang, alert)),
        "headline": marked_title(said.headline, said.lang, site),
        "lead": marked_text(said.lead_text, said.lang, site),
        "instructions": [*said.instructions],
        "relay": said.relay or None,
        "detail": said.detail_text or None,
        "places": [
            {
                "territory": place.territory,
                "territory_name": place.territory_name,
                "struck": place.struck,
                "text": place.text,
                "url": place_address(site, said.lang, place.territory),
            }
            for place in said.places
        ],
        "numbers": [as_object(one, alert, site) for one in said.numbers if not one.struck],
        "withdrawn": [as_object(one, alert, site) for one in said.numbers if one.struck],
    }


def _fitting(whole: dict[str, Json], made: Iterable[dict[str, Json]]) -> bytes:
    """One alert a line, as many as the file may be long."""
    head = _written({**whole, "alerts": []}).removesuffix(b"]}")
    room, kept = MOST_BYTES - len(head) - len(_END), list[bytes]()
    for one in made:
        line = _written(one)
        room -= len(line) + len(_BETWEEN)
        if room < 0:
            break
        kept.append(line)
    return head + _BETWEEN.join(kept) + _END


def _written(value: Mapping[str, Json]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
