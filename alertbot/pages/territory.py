"""What the page says of one territory: its numbers, what must not be called there, which alerts are about it. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from markupsafe import Markup, escape

from alertbot.core.frozen import dataclass
from alertbot.pages import rules_standing
from alertbot.pages.views import PublicAlert, PublicIncident, PublicStanding, StandingNumber
from alertbot.pages.words import Wording, direction_of
from alertbot.regions.facts import all_territories, in_force, whole_country
from alertbot.texts.addresses import alert_path, place_path
from alertbot.texts.document import AlertDocument, DocumentNumber
from alertbot.texts.lint import LONGEST_SHORT
from alertbot.texts.wording.language import phrase
from alertbot.texts.wording.phrasing import capital


@dataclass(frozen=True, slots=True)
class StandingLine:
    """One number as a page shows it. `marked`: the attribute of its language, where that is another. `because`: why it
    must not be called, or is not confirmed any more."""

    label: Markup
    told: Markup
    details: str = ""
    until: Markup | str = ""
    because: Markup | str = ""
    marked: Markup | str = ""


@dataclass(frozen=True, slots=True)
class PlaceNumbers:
    """The numbers of a territory. `until`: the end that all of them share. `ends`: when some of this runs out."""

    title: str
    ask: Markup
    lines: tuple[StandingLine, ...]
    until: Markup | str
    relay: str
    stop: tuple[StandingLine, ...]
    lapsed: tuple[StandingLine, ...]
    ends: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class News:
    """How an incident stands, in a territory or as a whole. `also`: what was said since of what has been."""

    headline: str
    alert: str
    link: str
    times: Markup
    steps: tuple[str, ...]
    marked: Markup | str
    over: bool
    ends: tuple[datetime, ...]
    also: "News | None" = None


class Places:
    """The territories of a page in one language."""

    def __init__(self, standing: PublicStanding, w: Wording, languages: Sequence[str]) -> None:
        self._standing, self._w, self._languages = standing, w, languages
        self._told = dict(_named(standing))  # of free codes, which the pack does not know

    def codes(self) -> list[str]:
        """Every territory with a page, in the order of the pack; the whole country is the home."""
        found = [code for code, place in all_territories().items() if not place.whole]
        return [*found, *sorted(code for code in self._told if code not in all_territories())]

    def title(self, code: str) -> str:
        """`Rhône (69)`."""
        place = all_territories().get(code)
        name = place.name_in(self._w.lang) if place else self._told.get(code, code)
        return self._w.set(capital(name) if place and place.whole else f"{name} ({code})")

    def link(self, code: str, root: str) -> str:
        """The address of its page, from a page `root` below the top."""
        return root + place_path(self._w.lang, code)

    def alphabet(self) -> list[tuple[str, list[str]]]:
        """The territories by the first letter of their names."""
        found: dict[str, list[str]] = {}
        for code in sorted(self.codes(), key=lambda one: _plain(self.title(one))):
            found.setdefault(_plain(self.title(code))[:1].upper(), []).append(code)
        return list(found.items())

    def with_numbers(self) -> list[str]:
        """The territories that have numbers of their own to call; the whole country too."""
        return list(self._standing.numbers.get(self._w.lang, {}))

    def numbers(self, code: str, root: str) -> PlaceNumbers:
        """The numbers of a territory, with those of the whole country."""
        standing, lang = self._standing, self._w.lang
        called, over, lapsed = (
            [one for place in self._covering(code) for one in known.get(lang, {}).get(place, ())]
            for known in (standing.numbers, standing.over, standing.lapsed)
        )
        shared = {_end(one.number) for one in called}
        zone = self._zone(code)
        until = self._until(called[0].number, zone) if called and len(shared) == 1 else ""
        return PlaceNumbers(
            title=self.title(code),
            ask=self._ask(called),
            lines=tuple(self._line(one, zone, until=not until) for one in called),
            until=until,
            relay=self._relay(code, ended=bool(called)),
            stop=tuple(self._stop(one, root) for one in over),
            lapsed=tuple(self._lapsed(one, zone) for one in lapsed),
            ends=tuple(one.number.ends_at for one in called if one.number.ends_at),
        )

    def news(self, code: str, root: str) -> Iterator[News]:
        """The last word of each incident that is open, or was until lately, about this territory."""
        for incident in self._standing.incidents:
            if not self._old(incident) and self._concerns(incident, code):
                about = [
                    one
                    for one in incident.alerts
                    if one.alert not in incident.false
                    and self._names(one, code)
                    and rules_standing.tells_state(self.document(one))
                ]
                if about:
                    told = about[-1] if self._strikes(about[-1], code) else self.still_told(about)
                    yield self.of_incident(incident, about[-1], root, zone=self._zone(code), told=told)

    def still_told(self, alerts: Sequence[PublicAlert]) -> PublicAlert:
        """Which of these alerts says in its headline how things stand: the last, unless it only takes numbers back and
        others still hold."""
        last = self.document(alerts[-1])
        if not any(self._standing.numbers.get(self._w.lang, {}).values()):
            return alerts[-1]
        for one in reversed(alerts):
            said = self.document(one)
            if said.lang == last.lang and not rules_standing.only_takes_back(said):
                return one
        return alerts[-1]

    def _strikes(self, alert: PublicAlert, code: str) -> bool:
        """Whether an alert takes back a number here."""
        here = {*self._covering(code)}
        return any(one.struck and one.territory in here for one in self.document(alert).numbers)

    def of_incident(
        self,
        incident: PublicIncident,
        alert: PublicAlert,
        root: str,
        *,
        zone: str = "",
        told: PublicAlert | None = None,
    ) -> News:
        """What an alert says, with the times of its incident; under the headline of `told`, if that is another."""
        said, promise, w = self.document(alert), incident.next_update, self._w
        times = w.say("last_message", when=w.when(alert.published_at, zone=zone))
        if promise:
            name = "next_update" if promise > self._standing.at else "update_due"
            times += " " + w.say(name, when=w.when(promise, zone=zone))
        return News(
            headline=self.document(told or alert).headline,
            alert=alert.alert,
            link=root + alert_path(w.lang, alert.alert),
            times=times,
            steps=() if alert.alert in incident.false else said.instructions,
            marked=self.marked(said.lang),
            over=incident.ended,
            ends=(promise,) if promise else (),
        )

    def lately_ended(self) -> Iterator[PublicIncident]:
        """The incidents that are over, but not for long."""
        return (one for one in self._standing.incidents if one.ended and not self._old(one))

    def document(self, alert: PublicAlert) -> AlertDocument:
        """The alert in this language, or in the one there is."""
        return rules_standing.document(alert, self._w.lang, self._languages)

    def marked(self, lang: str) -> Markup | str:
        """The attribute of a text in another language than the page's."""
        if lang == self._w.lang:
            return ""
        direction = direction_of(lang)
        side = "" if direction == self._w.direction else Markup(' dir="{}"').format(direction)
        return Markup(' lang="{}"{}').format(lang, side)

    # --- one territory ---

    def _covering(self, code: str) -> tuple[str, ...]:
        """The places whose numbers hold here too."""
        known = all_territories()
        within = code in known and not known[code].whole and in_force().covers(code)
        return (code, whole_country()) if within else (code,)

    def _zone(self, code: str) -> str:
        place = all_territories().get(code)
        return place.zone if place else ""

    def _old(self, incident: PublicIncident) -> bool:
        end = incident.alerts[-1].published_at + rules_standing.SHOWN
        return incident.ended and self._standing.at >= end

    def _concerns(self, incident: PublicIncident, code: str) -> bool:
        return any(self._names(one, code, strict=True) for one in incident.alerts)

    def _names(self, alert: PublicAlert, code: str, *, strict: bool = False) -> bool:
        """Whether an alert is about this territory; one that names no place is about every place of its incident."""
        said = next(iter(alert.documents.values()))
        if not said.territories and not said.numbers:
            return not strict
        named = {*said.territories, *(one.territory for one in said.numbers)}
        return any(one in named for one in self._covering(code)) or code == whole_country()

    def _relay(self, code: str, *, ended: bool) -> str:
        """The last that was said of the relay line here; of an incident that is over only with `ended`."""
        for incident in self._standing.incidents:
            if not ended and (incident.ended or not self._concerns(incident, code)):
                continue
            for alert in reversed(incident.alerts):
                said = self.document(alert)
                if said.relay and alert.alert not in incident.false and self._names(alert, code):
                    return said.relay if said.lang == self._w.lang else ""
        return ""

    # --- one number ---

    def _ask(self, called: Sequence[StandingNumber]) -> Markup:
        """`Le 15, 17 ou 18 ne répond pas ? …`"""
        replaced = {one.number.replaces for one in called if one.number.replaces}
        if not replaced:
            return self._w.say("urgent_only")
        short = sorted(replaced, key=lambda one: (len(one), one))
        return self._w.say("no_answer", numbers=self._w.any_of(short))

    def _line(self, one: StandingNumber, zone: str, *, until: bool) -> StandingLine:
        row = one.number
        return StandingLine(
            label=escape(self._w.before(_label(row))),
            told=self._told_link(row),
            details=_details(row),
            until=self._until(row, zone) if until else "",
            marked=self.marked(one.lang),
        )

    def _told_link(self, row: DocumentNumber) -> Markup:
        if not row.number:
            return Markup('<strong class="where">{}</strong>').format(
                phrase("go_to", self._w.lang, place=row.place)
            )
        told = row.number.replace(" ", "\u00a0")
        if _short(row):
            name = "instead" if row.replaces else "dial"
            told = phrase(name, self._w.lang, number=row.number, replaces=row.replaces)
        side = Markup(' dir="ltr"') if self._w.direction == "rtl" else ""
        return Markup('<a href="tel:{}"{}>{}</a>').format(row.dial, side, told)

    def _until(self, row: DocumentNumber, zone: str) -> Markup | str:
        end = row.ends_at
        if end is None:
            return ""
        name = "valid_until" if end == row.valid_until else "review_at"
        return self._w.say(name, when=self._w.when(end, zone=zone))

    def _stop(self, one: StandingNumber, root: str) -> StandingLine:
        link = Markup('<a href="{}">{}</a>').format(
            root + alert_path(self._w.lang, one.struck_by), one.struck_by
        )
        because = self._w.say("stop_because", alert=link)
        return self._unlinked(one, because)

    def _lapsed(self, one: StandingNumber, zone: str) -> StandingLine:
        end = one.number.ends_at or one.given_at
        name = "lapsed_since" if end == one.number.valid_until else "lapsed_review"
        return self._unlinked(one, self._w.say(name, when=self._w.when(end, zone=zone)))

    def _unlinked(self, one: StandingNumber, because: Markup) -> StandingLine:
        """A number that nobody should call by a touch."""
        row = one.number
        return StandingLine(
            label=escape(self._w.before(_label(row))),
            told=escape((row.number or row.place).replace(" ", "\u00a0" if row.number else " ")),
            details=_details(row),
            because=because,
            marked=self.marked(one.lang),
        )


def _label(row: DocumentNumber) -> str:
    """`SAMU (15)`."""
    return row.service_name + (f" ({row.replaces})" if row.replaces and not _short(row) else "")


def _short(row: DocumentNumber) -> bool:
    return 0 < len(row.number) <= LONGEST_SHORT


def _details(row: DocumentNumber) -> str:
    return ", ".join(filter(None, (row.zone, row.condition)))


def _end(row: DocumentNumber) -> tuple[datetime | None, bool]:
    return row.ends_at, row.ends_at == row.valid_until


def _plain(name: str) -> str:
    spread = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in spread if not unicodedata.combining(sign))


def _named(standing: PublicStanding) -> Iterator[tuple[str, str]]:
    """The names of territories as the alerts say them, the last one counts."""
    alerts: Iterable[PublicAlert] = (
        one for incident in reversed(standing.incidents) for one in incident.alerts
    )
    for alert in alerts:
        for said in alert.documents.values():
            yield from ((one.territory, one.territory_name) for one in said.numbers)
