"""The public page: every file of HTML from what stands in public. Pure: the same standing and site give the same bytes, and
a page that says the same stays the same, whatever the time of the edition."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from markupsafe import Markup, escape

from alertbot.core.model import Relation
from alertbot.pages import rules_standing
from alertbot.pages.frame import PageFrame, filled
from alertbot.pages.rules_standing import ByPlace
from alertbot.pages.territory import News, PlaceNumbers, Places
from alertbot.pages.views import PageSite, PublicAlert, PublicIncident, PublicStanding
from alertbot.pages.words import Wording
from alertbot.regions.facts import in_force, whole_country
from alertbot.regions.packs import SharedPostcodes, by_start
from alertbot.texts.addresses import (
    alert_path,
    history_path,
    home_path,
    incident_path,
    place_path,
    postcodes_path,
)
from alertbot.texts.document import AlertDocument, DocumentNumber

MOST_SHOWN = 12  # territories whose numbers stand on the home itself
_STATES = {
    Relation.CORRECTION: "it_is_corrected",
    Relation.WITHDRAWAL: "it_is_withdrawn",
    Relation.CANCEL: "it_is_false",
    Relation.RETRACTION: "it_is_false",
}
_HEADING = re.compile(r"(</?h)([1-6])")
_FIRST_HEADING = re.compile(r"\A<h1>.*?</h1>\n?", re.DOTALL)
_STYLE = re.compile(r'(<li) style="[^"]*"')


def pages(standing: PublicStanding, site: PageSite) -> dict[str, bytes]:
    """Every page by its path. Raises `ConfigInvalid` for a broken file of words."""
    made = [LanguagePages(standing, site, lang) for lang in site.languages]
    return {"index.html": made[0].choice(), **dict(one for each in made for one in each.files())}


class LanguagePages:
    """The pages of one language."""

    def __init__(self, standing: PublicStanding, site: PageSite, lang: str) -> None:
        self._standing, self._site = standing, site
        self._w = Wording(lang, site.timezone)
        self._frame = PageFrame(site, self._w)
        self._places = Places(standing, self._w, site.languages)
        self._postcodes = by_start(in_force())

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every page by its path."""
        lang = self._w.lang
        yield home_path(lang), self._home()
        yield history_path(lang), self._history()
        for code in self._places.codes():
            yield place_path(lang, code), self._place(code)
        if self._postcodes:
            yield postcodes_path(lang), self._starts()
        for start, groups in self._postcodes.items():
            yield postcodes_path(lang, start), self._postcodes_of(start, groups)
        for incident in self._standing.incidents:
            yield incident_path(lang, incident.incident), self._incident(incident)
            for alert in incident.alerts:
                yield alert_path(lang, alert.alert), self._alert(incident, alert)

    def choice(self) -> bytes:
        """The page at the top: links to the languages."""
        others = [
            {
                "lang": lang,
                "name": name,
                "link": home_path(lang),
                "site": Wording(lang, "UTC").say("site"),
            }
            for lang, name in self._frame.languages()
        ]
        body = filled("choose", {"organisation": self._site.organisation, "others": others})
        return self._frame.page("index.html", self._frame.name, body)

    # --- home ---

    def _home(self) -> bytes:
        lang, root, places = self._w.lang, "../", self._places
        news = [
            self._state_of(one, one.state, root)
            for one in self._standing.incidents
            if one.state and not one.ended
        ]
        named = places.with_numbers()
        shown = named if len(named) <= MOST_SHOWN else [one for one in named if one == whole_country()]
        numbers = {code: places.numbers(code, root) for code in shown}
        body = filled("home", {
            "w": self._w,
            "title": self._state(news),
            "marked": news[0].marked if len(news) == 1 else "",
            "news": news,
            "emergency": "" if news else self._emergency(),
            "with_numbers": [
                {**self._place_link(code, root), "numbers": self._numbers(place)}
                for code, place in numbers.items()
            ],
            "postcodes": root + postcodes_path(lang) if self._postcodes else "",
            "areas": [
                {
                    "anchor": f"i{letter}",
                    "name": letter,
                    "places": [
                        {**self._place_link(code, root), "has_number": code in named} for code in codes
                    ],
                }
                for letter, codes in places.alphabet()
            ],
            "ended": list(self._lately_ended(root)),
        })  # fmt: skip
        ends = [at for one in news for at in one.ends]
        ends += [at for place in numbers.values() for at in place.ends]
        return self._frame.page(home_path(lang), self._frame.name, body, self._next(ends))

    def _state_of(self, incident: PublicIncident, alert: PublicAlert, root: str) -> News:
        stating = self._stating(incident, alert)
        told = self._places.of_incident(incident, alert, root, told=stating)
        last = incident.last
        if last is None or last == stating:
            return told
        return replace(told, also=self._places.of_incident(incident, last, root))

    def _stating(self, incident: PublicIncident, alert: PublicAlert) -> PublicAlert:
        """Which alert of an incident, up to this one, says how it stands."""
        left = [one for one in incident.alerts if one.alert not in incident.false]
        before = left[: left.index(alert) + 1] if alert in left else [alert]
        states = [one for one in before if rules_standing.tells_state(self._places.document(one))]
        return self._places.still_told(states or [alert])

    def _state(self, news: Sequence[News]) -> Markup | str:
        """How things stand, in one sentence."""
        if not news:
            return self._w.say("nothing_now")
        return news[0].headline if len(news) == 1 else self._w.say("several_now", count=len(news))

    def _place_link(self, code: str, root: str) -> Mapping[str, str]:
        here = home_path(self._w.lang) if code == whole_country() else place_path(self._w.lang, code)
        return {"link": root + here, "title": self._places.title(code)}

    def _lately_ended(self, root: str) -> Iterator[News]:
        for one in self._places.lately_ended():
            if one.state:
                yield self._state_of(one, one.state, root)

    def _emergency(self) -> Markup:
        """The numbers that are always there."""
        pack = in_force()
        lines = [
            {"number": one, "reaches": pack.short[one].reaches_in(self._w.lang)}
            for one in pack.emergency
        ]
        return filled("emergency", {"w": self._w, "lines": lines})

    def _numbers(self, place: PlaceNumbers) -> Markup:
        return filled("numbers", {"w": self._w, "place": place})

    def _next(self, ends: Sequence[datetime]) -> datetime | None:
        """When a page stops to hold by itself."""
        return min((at for at in ends if at > self._standing.at), default=None)

    # --- a territory ---

    def _place(self, code: str) -> bytes:
        root, path = "../", place_path(self._w.lang, code)
        place, news = self._places.numbers(code, root), list(self._places.news(code, root))
        body = filled("place", {
            "w": self._w,
            "place": place,
            "news": news,
            "numbers": self._numbers(place),
            "none": not (place.lines or place.lapsed) and any(not one.over for one in news),
            "emergency": "" if news else self._emergency(),
        })  # fmt: skip
        ends = [*place.ends, *(at for one in news for at in one.ends)]
        return self._frame.page(path, place.title, body, self._next(ends))

    # --- postcodes ---

    def _starts(self) -> bytes:
        """The beginnings of postcodes."""
        links = [
            {"link": "../../" + postcodes_path(self._w.lang, start), "digits": start}
            for start in self._postcodes
        ]
        return self._table(self._w.say("postcode"), postcodes_path(self._w.lang), links, ())

    def _postcodes_of(self, start: str, groups: Sequence[SharedPostcodes]) -> bytes:
        title = self._w.say("postcode_of", digits=f"{start}…")
        return self._table(title, postcodes_path(self._w.lang, start), (), groups)

    def _table(
        self,
        title: Markup,
        path: str,
        starts: Sequence[Mapping[str, str]],
        groups: Sequence[SharedPostcodes],
    ) -> bytes:
        pack = in_force()
        sources = ", ".join(pack.sources[key].title for key in pack.postcodes)
        rows = [
            {
                "codes": ", ".join(one.postcodes),
                "places": [self._place_link(code, "../../") for code in one.territories],
            }
            for one in groups
        ]
        body = filled("postcodes", {
            "w": self._w,
            "title": title,
            "starts": starts,
            "rows": rows,
            "source": self._w.say("postcode_source", source=sources),
        })  # fmt: skip
        return self._frame.page(path, title, body)

    # --- incidents and alerts ---

    def _incident(self, incident: PublicIncident) -> bytes:
        root, path = "../../", incident_path(self._w.lang, incident.incident)
        last = incident.state or incident.alerts[-1]
        told = self._stating(incident, last)
        news = self._places.of_incident(incident, last, root, told=told)
        name = self._w.say("history_of", incident=incident.incident)
        title = f"{self._w.before(name)} {news.headline}"
        body = filled("incident", {
            "title": title,
            "state": self._w.say("ended" if incident.ended else "open"),
            "times": news.times,
            "alerts": [self._told(incident, one, root) for one in reversed(incident.alerts)],
        })  # fmt: skip
        return self._frame.page(path, title, body, self._next(news.ends))

    def _told(self, incident: PublicIncident, alert: PublicAlert, root: str) -> Mapping[str, object]:
        """One alert in a history."""
        said = self._places.document(alert)
        by = incident.superseded.get(alert.alert)
        standing = self._standing_of(incident, alert, root) if by else ""
        return {
            "alert": alert.alert,
            "link": root + alert_path(self._w.lang, alert.alert),
            "headline": said.headline,
            "marked": self._places.marked(said.lang),
            "standing": standing,
            "when": self._w.when(alert.published_at, year=True),
            "lead": _set(_FIRST_HEADING.sub("", said.lead_html), 2),
            "only_in": self._only_in(said),
        }

    def _alert(self, incident: PublicIncident, alert: PublicAlert) -> bytes:
        root, path = "../../", alert_path(self._w.lang, alert.alert)
        said = self._places.document(alert)
        gone = self._gone(said)
        stands = alert == incident.last
        body = filled("alert", {
            "w": self._w,
            "it_is": self._w.say(
                "it_is", alert=alert.alert, when=self._w.when(alert.published_at, year=True)
            ),
            "standing": self._standing_of(incident, alert, root),
            "warn": not stands,
            "numbers_now": [
                self._place_link(code, root) for code in dict.fromkeys(one.territory for one in gone)
            ],
            "incident": incident.incident,
            "incident_link": root + incident_path(self._w.lang, incident.incident),
            "marked": self._places.marked(said.lang),
            "only_in": self._only_in(said),
            "texts": list(self._texts(said, gone, incident)),
        })  # fmt: skip
        return self._frame.page(path, f"{alert.alert}, {said.headline}", body)

    def _standing_of(self, incident: PublicIncident, alert: PublicAlert, root: str) -> Markup:
        """Whether an alert still is the last word, and which one is."""
        by = incident.superseded.get(alert.alert)
        if alert == incident.last:
            return self._w.say("it_stands")
        if by:
            later = next(one for one in incident.alerts if one.alert == by)
            relation = Relation(next(iter(later.documents.values())).relation or Relation.CORRECTION)
            return self._with_link(_STATES[relation], later, root)
        last = incident.last or incident.alerts[-1]
        return self._with_link("it_is_over" if incident.ended else "it_is_followed", last, root)

    def _with_link(self, name: str, alert: PublicAlert, root: str) -> Markup:
        said = self._places.document(alert)
        link = root + alert_path(self._w.lang, alert.alert)
        shown = Markup('<a href="{}"{}>{} ({})</a>').format(
            link, self._places.marked(said.lang), said.headline, alert.alert
        )
        return self._w.say(name) + " " + shown

    def _gone(self, said: AlertDocument) -> list[DocumentNumber]:
        """The numbers of an alert that do not hold any more."""
        now = _called(self._standing.numbers.get(self._w.lang, {}))
        return [one for one in said.numbers if not one.struck and _spot(one) not in now]

    def _texts(
        self, said: AlertDocument, gone: Sequence[DocumentNumber], incident: PublicIncident
    ) -> Iterator[Markup]:
        """An alert as it was published, piece by piece."""
        yield _set(said.lead_html, 2)
        for place in said.places:
            here = [one for one in gone if one.territory == place.territory]
            yield self._text(place.html, here, incident)
        yield _set(said.detail_html, 2)

    def _text(self, html: str, gone: Sequence[DocumentNumber], incident: PublicIncident) -> Markup:
        """An approved text under a heading. Numbers that do not hold any more say so, marked as added, and do not dial."""
        text, over = str(_set(html, 2)), _called(self._standing.over.get(self._w.lang, {}))
        for one in gone:
            late = one.ends_at is not None and one.ends_at <= self._standing.at
            unsure = late and not incident.ended and _spot(one) not in over
            called = escape(one.number.replace(" ", "\u00a0"))
            struck = called if unsure else Markup("<s>{}</s>").format(called)
            said = self._w.say("unsure" if unsure else "gone")
            told = Markup("{} <span data-added>{}</span>").format(struck, said)
            text = re.sub(rf'<a href="tel:[^"]*">{re.escape(called)}</a>', str(told), text)
        return Markup(text)  # noqa: S704 - made by `writing.email`, and approved

    def _only_in(self, said: AlertDocument) -> Markup | str:
        if said.lang == self._w.lang:
            return ""
        return self._w.say("only_in", language=self._w.language(said.lang))

    def _history(self) -> bytes:
        root, path = "../../", history_path(self._w.lang)
        body = filled("history", {
            "w": self._w,
            "incidents": [
                {
                    "link": root + incident_path(self._w.lang, one.incident),
                    "title": self._w.say("history_of", incident=one.incident),
                    "state": self._w.say("ended" if one.ended else "open"),
                    "alerts": [self._told(one, each, root) for each in reversed(one.alerts)],
                }
                for one in self._standing.incidents
            ],
        })  # fmt: skip
        return self._frame.page(path, self._w.say("is_it_ours"), body)


def _spot(one: DocumentNumber) -> tuple[str, str]:
    return one.territory, one.number or one.key


def _called(known: ByPlace) -> set[tuple[str, str]]:
    return {_spot(one.number) for each in known.values() for one in each}


def _set(html: str, below: int) -> Markup:
    """An approved fragment under a heading of this level."""
    lower = _HEADING.sub(lambda found: f"{found[1]}{min(int(found[2]) + below, 6)}", html)
    return Markup(_STYLE.sub(r"\1", lower))  # noqa: S704 - made by `writing.email`, and approved
