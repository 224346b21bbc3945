"""What the public could read at the time, according to the case. Pure."""

import re

from alertbot.replay.signals_of import CALM, RESOLVED, TROUBLE, fault_of
from alertbot.replay.timeline import Entry, Timeline

SPOKEN = frozenset({*TROUBLE, *CALM, RESOLVED, "correction"})
"""States of entries that tell the public something, where their channel reaches it."""

_NOBODY = re.compile(
    r"^(none|no|aucun\w*|rien)\b|\b(internal|interne|later|plus tard)\b", re.IGNORECASE
)
_PRIVATE = re.compile(
    r"\b(phone|t[ée]l[ée]phone|calls?|appels?|drill|exercise|exercice|cell|cellule|meeting|r[ée]union|visite?"
    r"|notice to|avis aux?|network|r[ée]seau|alert system|plans?|observation)\b(?! social)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,;+&]")


def is_public(entry: Entry) -> bool:
    """Whether anybody could read it: the case's own `public:`, else what its channel is called. Of several
    channels one is enough; an entry without a channel reached nobody that is known of."""
    if entry.public is not None:
        return entry.public
    channel = re.sub(r"\(.*?\)", "", entry.channel).strip()
    if _NOBODY.search(channel):
        return False
    return any(part.strip() and not _PRIVATE.search(part) for part in _BETWEEN.split(channel))


def first_word(timeline: Timeline) -> Entry | None:
    """The first entry after the fault began that told the public of it; None where nobody did."""
    fault = fault_of(timeline)
    if fault is None:
        return None
    after = timeline.entries[timeline.entries.index(fault) :]
    return next((one for one in after if one.state in SPOKEN and is_public(one)), None)
