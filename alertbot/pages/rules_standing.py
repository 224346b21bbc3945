"""What stands in public at a time, from what was published: which numbers hold, which must not be called any more, whose
time has run out, how each incident stands. Pure.

Alerts count in the order of their publication. Of a number the last word counts, whichever incident it is from; what is
struck in an alert goes before what it gives. When in doubt a number does not stand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from itertools import chain

from alertbot.core.frozen import dataclass
from alertbot.core.model import Relation
from alertbot.pages.views import Aftermath, PublicAlert, PublicIncident, PublicStanding, StandingNumber
from alertbot.regions.facts import order_of, services, whole_country
from alertbot.texts.document import AlertDocument, DocumentNumber

SHOWN = timedelta(days=7)  # how long what is over is still named
_NOTHING_HOLDS = frozenset({Relation.RETRACTION, Relation.CANCEL})
_TAKES_BACK = (
    Relation.CORRECTION,
    Relation.WITHDRAWAL,
    Relation.CANCEL,
    Relation.RETRACTION,
)  # graver ones last

Rows = Mapping[str, DocumentNumber]  # one row of an alert, by language
Spot = tuple[str, str, str]  # territory, service, and what is called there or where to go
ByPlace = Mapping[str, tuple[StandingNumber, ...]]


def standing(
    published: Iterable[PublicAlert],
    now: datetime,
    *,
    languages: Sequence[str] = (),
    exercise: bool = False,
) -> PublicStanding:
    """What stands at `now`: of exercises, or of everything else. `languages`: those of the page, in its order; by default
    those of the alerts."""
    alerts = _in_order_of_publication(published, exercise=exercise)
    spoken = tuple(languages) or tuple(dict.fromkeys(lang for one in alerts for lang in one.documents))
    told = _Told()
    for alert in alerts:
        told.take(alert)
    incidents = tuple(_incidents(alerts))
    holding = [one for one in told.given.values() if not _past(one.ends_at, now)]
    over = _over(told, holding, now)
    lapsed = _lapsed(told, [*holding, *over], incidents, now)
    return PublicStanding(
        at=now,
        incidents=incidents,
        numbers={lang: _by_place(holding, lang, spoken) for lang in spoken},
        over={lang: _by_place(over, lang, spoken) for lang in spoken},
        lapsed={lang: _by_place(lapsed, lang, spoken) for lang in spoken},
        changes_at=min((at for at in _moments(told, incidents) if at > now), default=None),
    )


def after_each(
    published: Iterable[PublicAlert], *, languages: Sequence[str] = (), exercise: bool = False
) -> Iterator[Aftermath]:
    """What stood of its incident right after each alert, in the order of publication."""
    told = _Told()
    for alert in _in_order_of_publication(published, exercise=exercise):
        told.take(alert)
        now, name = alert.published_at, _any(alert).incident
        holding = [one for one in told.given.values() if not _past(one.ends_at, now)]
        own = [one for one in holding if one.incident == name]
        gone = [
            one
            for one in _over(told, holding, now)
            if one.struck_by and _any(one.struck_by).incident == name
        ]
        spoken = tuple(languages) or tuple(alert.documents)
        yield Aftermath(
            alert,
            {lang: _flat(_by_place(own, lang, spoken)) for lang in spoken},
            {lang: _flat(_by_place(gone, lang, spoken)) for lang in spoken},
        )


def _flat(places: ByPlace) -> tuple[StandingNumber, ...]:
    return tuple(chain.from_iterable(places.values()))


def _over(told: "_Told", holding: Sequence["_ToldNumber"], now: datetime) -> "list[_ToldNumber]":
    """What must not be called any more, and is right nowhere in its territory."""
    recent = (one for one in told.struck.values() if now < one.struck_at + SHOWN)
    return list({one.called: one for one in recent if not _said(one, holding)}.values())


def _lapsed(
    told: "_Told", known: Sequence["_ToldNumber"], incidents: Sequence[PublicIncident], now: datetime
) -> "list[_ToldNumber]":
    """What ran out without a word, in incidents that are still open."""
    closed = {one.incident for one in incidents if one.ended}
    late = [
        one
        for one in told.given.values()
        if one.ends_at and one.ends_at <= now < one.ends_at + SHOWN and one.incident not in closed
    ]
    return list({one.called: one for one in late if not _said(one, known)}.values())


def _said(number: "_ToldNumber", known: Sequence["_ToldNumber"]) -> bool:
    """Whether these digits are among those known, for the same territory or the whole country."""
    place, called = number.called
    whole = whole_country()
    places = {one.called[0] for one in known if one.called[1] == called}
    return place in places or whole in places or (place == whole and bool(places))


def document(alert: PublicAlert, lang: str, languages: Sequence[str] = ()) -> AlertDocument:
    """What an alert says in this language, else in the first of `languages` in which it was published."""
    found = (alert.documents[one] for one in (lang, *languages) if one in alert.documents)
    return next(found, None) or next(iter(alert.documents.values()))


def _in_order_of_publication(published: Iterable[PublicAlert], *, exercise: bool) -> list[PublicAlert]:
    alerts = _of(published, exercise=exercise)
    return sorted(alerts, key=lambda one: (one.published_at, _number_of(one)))


def _of(published: Iterable[PublicAlert], *, exercise: bool) -> Iterator[PublicAlert]:
    for alert in published:
        if alert.documents and all(one.exercise is exercise for one in alert.documents.values()):
            yield alert


def _number_of(alert: PublicAlert) -> tuple[str, int]:
    incident, _dash, number = alert.alert.rpartition("-")
    return incident, int(number) if number.isdigit() else 0


def _past(end: datetime | None, now: datetime) -> bool:
    return end is not None and end <= now


# --- numbers ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ToldNumber:
    """A row as an alert gave or struck it, in its languages."""

    alert: PublicAlert
    rows: Rows
    struck_by: PublicAlert | None = None

    @property
    def any(self) -> DocumentNumber:
        return next(iter(self.rows.values()))

    @property
    def incident(self) -> str:
        return _any(self.alert).incident

    @property
    def spot(self) -> Spot:
        """Where and for what it is; a place to go to is known by its key alone."""
        row = self.any
        return (row.territory, row.service, row.number or row.key)

    @property
    def called(self) -> tuple[str, str]:
        return self.spot[0], self.spot[2]

    @property
    def ends_at(self) -> datetime | None:
        return min(filter(None, (one.ends_at for one in self.rows.values())), default=None)

    @property
    def struck_at(self) -> datetime:
        return (self.struck_by or self.alert).published_at


@dataclass
class _Told:
    """What the alerts have said so far of each number."""

    given: dict[str, _ToldNumber] = field(default_factory=dict)  # by key
    givers: dict[str, set[str]] = field(default_factory=dict)  # key -> every alert that gave it
    struck: dict[Spot, _ToldNumber] = field(default_factory=dict)

    def take(self, alert: PublicAlert) -> None:
        """Count this alert as the last word."""
        said = _any(alert)
        if said.relation in _NOTHING_HOLDS:
            back = set(said.references)
            self._drop(alert, [one for key, one in self.given.items() if self.givers[key] & back])
        for one in _rows(alert, struck=True):
            self._strike(alert, one)
        if said.relation == Relation.END:
            self._drop(alert, [one for one in self.given.values() if one.incident == said.incident])
        for one in _rows(alert, struck=False):
            self.given[one.any.key] = one
            self.givers.setdefault(one.any.key, set()).add(alert.alert)
            self.struck.pop(one.spot, None)

    def _strike(self, alert: PublicAlert, row: _ToldNumber) -> None:
        self.struck[row.spot] = row
        wrong = any(one.wrong for one in row.rows.values())
        self._drop(
            alert,
            [
                one
                for one in self.given.values()
                if one.spot == row.spot
                or (wrong and row.any.number and one.called[1] == row.any.number)
            ],
        )

    def _drop(self, alert: PublicAlert, gone: Sequence[_ToldNumber]) -> None:
        for one in gone:
            del self.given[one.any.key]
            self.struck.setdefault(one.spot, _ToldNumber(one.alert, one.rows, alert))


def _rows(alert: PublicAlert, *, struck: bool) -> Iterator[_ToldNumber]:
    found: dict[str, dict[str, DocumentNumber]] = {}
    for lang, said in alert.documents.items():
        for row in said.numbers:
            if row.struck is struck:
                found.setdefault(row.key, {})[lang] = row
    yield from (_ToldNumber(alert, rows, alert if struck else None) for rows in found.values())


def _by_place(told: Iterable[_ToldNumber], lang: str, languages: Sequence[str]) -> ByPlace:
    found: dict[str, list[StandingNumber]] = {}
    for one in told:
        spoken = next((each for each in (lang, *languages) if each in one.rows), next(iter(one.rows)))
        by = one.struck_by.alert if one.struck_by else ""
        said = StandingNumber(one.rows[spoken], one.alert.alert, one.alert.published_at, spoken, by)
        found.setdefault(said.number.territory, []).append(said)
    return {code: tuple(sorted(found[code], key=_in_order)) for code in sorted(found, key=order_of)}


def _in_order(one: StandingNumber) -> tuple[object, ...]:
    """As in the lists of the register: by service, zone, condition; a place after the numbers."""
    row, known = one.number, list(services())
    at = known.index(row.service) if row.service in known else len(known)
    return (at, row.service, row.zone, row.condition, row.number or "~", row.key)


# --- incidents -------------------------------------------------------------------------------------


def _any(alert: PublicAlert) -> AlertDocument:
    return next(iter(alert.documents.values()))


def _incidents(alerts: Sequence[PublicAlert]) -> list[PublicIncident]:
    by_incident: dict[str, list[PublicAlert]] = {}
    for alert in alerts:
        by_incident.setdefault(_any(alert).incident, []).append(alert)
    found = [_incident(name, tuple(group)) for name, group in by_incident.items()]
    found.sort(key=lambda one: one.alerts[-1].published_at, reverse=True)
    return sorted(found, key=lambda one: one.ended)


def _incident(name: str, alerts: tuple[PublicAlert, ...]) -> PublicIncident:
    superseded = _superseded(alerts)
    false = frozenset(
        one
        for alert in alerts
        if _any(alert).relation in _NOTHING_HOLDS
        for one in _any(alert).references
        if superseded.get(one) == alert.alert
    )
    left = [one for one in alerts if one.alert not in false]
    return PublicIncident(
        incident=name,
        alerts=alerts,
        last=left[-1] if left else None,
        ended=(ended := _ended(left)),
        superseded=superseded,
        exercise=_any(alerts[0]).exercise,
        false=false,
        next_update=None if ended else _promised(left),
        state=_state(left),
    )


def _state(left: Sequence[PublicAlert]) -> PublicAlert | None:
    """The alert that says how things stand. What is about a few places leaves what was said of more of them, unless it
    says at which stage things are: whoever is elsewhere must not read the instructions of one département."""
    found: PublicAlert | None = None
    for alert in left:
        said = _any(alert)
        if not tells_state(said):
            continue
        if found is None or _tells_stage(said) or not _narrower(said, _any(found)):
            found = alert
    return found or (left[-1] if left else None)


def _tells_stage(said: AlertDocument) -> bool:
    mends = said.relation in (Relation.CORRECTION, Relation.WITHDRAWAL)
    return (
        said.relation == Relation.END
        or said.relation in _NOTHING_HOLDS
        or bool(said.stage and not mends)
    )


def _narrower(one: AlertDocument, other: AlertDocument) -> bool:
    here, there = set(one.territories), set(other.territories)
    if not here or here == there:
        return False
    return not there or whole_country() in there or here < there


def tells_state(said: AlertDocument) -> bool:
    """Whether an alert tells how things stand: it says what to do, gives or takes back something, or promises more."""
    return bool(said.instructions or said.numbers or said.relation or said.next_update)


def only_takes_back(said: AlertDocument) -> bool:
    """Whether an alert puts numbers right or takes them back: its headline says that, not how things stand."""
    takes_back = said.relation in (Relation.CORRECTION, Relation.WITHDRAWAL)
    return takes_back and any(one.struck for one in said.numbers)


def _promised(left: Sequence[PublicAlert]) -> datetime | None:
    """The last promise of a next update, unless something was published at that time or after it."""
    for alert in reversed(left):
        if promise := max(
            filter(None, (one.next_update for one in alert.documents.values())), default=None
        ):
            return promise if left[-1].published_at < promise else None
    return None


def _superseded(alerts: Sequence[PublicAlert]) -> Mapping[str, str]:
    found: dict[str, tuple[int, str]] = {}
    for alert in alerts:
        said = _any(alert)
        if said.relation in _TAKES_BACK:
            weight = _TAKES_BACK.index(Relation(said.relation))
            for one in said.references:
                if one != alert.alert and found.get(one, (0, ""))[0] <= weight:
                    found[one] = (weight, alert.alert)
    return {one: by for one, (_weight, by) in found.items()}


def _ended(left: Sequence[PublicAlert]) -> bool:
    """Whether it is over: the end was told and stands, and nothing after it promises more or gives a number; or
    everything that was told was false."""
    if all(_any(one).relation in _NOTHING_HOLDS for one in left):
        return True
    for alert in reversed(left):
        said = _any(alert)
        if said.relation == Relation.END:
            return True
        if said.next_update or any(not one.struck for one in said.numbers):
            return False
    return False


def _moments(told: _Told, incidents: Sequence[PublicIncident]) -> Iterator[datetime]:
    """When something changes by itself."""
    for number in told.given.values():
        if number.ends_at:
            yield from (number.ends_at, number.ends_at + SHOWN)
    yield from (one.struck_at + SHOWN for one in told.struck.values())
    for one in incidents:
        yield one.alerts[-1].published_at + SHOWN
        if one.next_update:
            yield one.next_update
        if one.last and not one.ended:
            yield from filter(None, (said.expires for said in one.last.documents.values()))
