"""The feeds of an edition: every file of `feeds/`, by its path. Pure: the same standing gives the same bytes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from alertbot.pages.feeds import addresses, alerts_json, atom, cap, rules_cap
from alertbot.pages.feeds.atom import AtomEntry
from alertbot.pages.views import PageSite, PublicIncident, PublicStanding

KEPT = timedelta(days=14)


def feeds(standing: PublicStanding, site: PageSite) -> Mapping[str, bytes]:
    """Atom per language, JSON, and CAP with its Atom feed. Exercises are only in the feeds of their own address. The
    feeds name the alerts that changed in the last two weeks, and the last word of what is not over; files of CAP stay
    as long as the page knows their alert."""
    shown = tuple(one for one in standing.incidents if one.exercise == site.exercise)
    sent = rules_cap.messages([alert for one in shown for alert in one.alerts], site)
    entries = _latest_first(entry for one in shown for entry in _entries(one, standing.at))
    named = {one.alert.alert for one in entries}
    files = {addresses.atom_path(lang): atom.alerts(entries, lang, site) for lang in site.languages}
    files[addresses.JSON_FEED] = alerts_json.alerts(replace(standing, incidents=shown), entries, site)
    files[addresses.CAP_FEED] = atom.messages([one for one in sent if one.alert.alert in named], site)
    files |= {addresses.cap_path(one.alert.alert): cap.document(one, site) for one in sent}
    return files


def _entries(incident: PublicIncident, at: datetime) -> Iterator[AtomEntry]:
    known = {one.alert: one for one in incident.alerts}
    for alert in incident.alerts:
        entry = AtomEntry(alert, known.get(incident.superseded.get(alert.alert, "")))
        if entry.updated > at - KEPT or (alert == incident.last and not incident.ended):
            yield entry


def _latest_first(entries: Iterator[AtomEntry]) -> list[AtomEntry]:
    """What corrects others before those."""
    return sorted(entries, key=lambda one: (one.updated, one.alert.published_at), reverse=True)
