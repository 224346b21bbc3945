"""`feeds/alerts.json`: what stands and the alerts of the last two weeks, for programs. Its schema is
docs/reference/alerts.schema.json; a change that an older reader would misread is a new `format`. Pure."""

import json
from collections.abc import Mapping, Sequence

from alertbot.core.json import Json
from alertbot.pages.feeds import addresses
from alertbot.pages.feeds.addresses import address
from alertbot.pages.feeds.atom import MOST_BYTES, Entry
from alertbot.pages.feeds.numbers import as_object, moment
from alertbot.pages.feeds.rules_cap import facts
from alertbot.pages.views import PageSite, Standing, StandingNumber
from alertbot.texts.document import AlertDocument

FORMAT = 1


def alerts(standing: Standing, entries: Sequence[Entry], site: PageSite) -> bytes:
    """The file: first what stands, then the alerts, the latest first, without the oldest where it would be too long."""
    newest = max((one.updated for one in entries), default=None)
    whole: dict[str, Json] = {
        "format": FORMAT,
        "url": address(site, addresses.JSON_FEED),
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
    return _fitting(whole, [_alert(one, site) for one in entries])


def _by_language(
    standing: Standing,
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


def _alert(one: Entry, site: PageSite) -> dict[str, Json]:
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
        "cap": address(site, addresses.cap_path(alert)) if warning else None,
        "texts": {
            lang: _text(alert, documents[lang], site) for lang in site.languages if lang in documents
        },
    }


def _text(alert: str, said: AlertDocument, site: PageSite) -> dict[str, Json]:
    return {
        "url": address(site, addresses.alert_path(said.lang, alert)),
        "headline": said.headline,
        "lead": said.lead_text,
        "instructions": [*said.instructions],
        "relay": said.relay or None,
        "detail": said.detail_text or None,
        "places": [
            {
                "territory": place.territory,
                "territory_name": place.territory_name,
                "struck": place.struck,
                "text": place.text,
                "url": address(site, addresses.territory_path(said.lang, place.territory)),
            }
            for place in said.places
        ],
        "numbers": [as_object(one, alert, site) for one in said.numbers if not one.struck],
        "withdrawn": [as_object(one, alert, site) for one in said.numbers if one.struck],
    }


def _fitting(whole: dict[str, Json], made: Sequence[dict[str, Json]]) -> bytes:
    room = MOST_BYTES - len(_written(whole))
    kept: list[Json] = []
    for one in made:
        room -= len(_written({"alerts": [one]}))
        if room < 0:
            break
        kept.append(one)
    return _written({**whole, "alerts": kept})


def _written(value: Mapping[str, Json]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
