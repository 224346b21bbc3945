"""The values of a new alert, asked for field by field at a terminal. What was answered is in a file of the person's
own after every answer, so that nothing typed is lost, whatever happens."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from alertbot.alerts import compose, live_check
from alertbot.alerts.area import JoinableIncident
from alertbot.alerts.compose import QUERY_FIELDS, DraftRequest
from alertbot.alerts.lists.rules_lists import NUMBERS
from alertbot.cli.frame import say
from alertbot.cli.writing import forms
from alertbot.cli.writing.questions import Ask, Judged, Question
from alertbot.core.model import RawValues
from alertbot.core.words import _, language
from alertbot.regions.facts import all_territories, services
from alertbot.texts.fields import form
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind, in_words
from alertbot.texts.publisher import Publisher

WIDTH = 80  # cells
SAME = "="  # the same words as in the language before
FIGURE_PARTS = ("value", "unit", "at", "source")
WHOLE_FIGURE = {"value": "1", "unit": "–", "at": "now", "source": "–"}
LATER = (FieldType.NUMBERS,)  # where no line can hold them: in the editor


def kind_of(ask: Ask, publisher: Publisher) -> str:
    """Ask for the kind of the alert."""
    kinds = compose.kinds(publisher)
    names = [one.name for one in kinds]
    for count, one in enumerate(kinds, 1):
        say(_wrapped(f"{count:>2} {one.name}: {in_words(one.purpose)}", 3))
    choices = tuple((one.name, in_words(one.title)) for one in kinds)
    return _picked(names, ask(Question(_("Kind"), lambda text: _known(names, text), choices=choices)))


def incident_of(ask: Ask, found: Sequence[JoinableIncident]) -> JoinableIncident | None:
    """Ask which open incident the alert joins; None: a new one."""
    say(_("Open incidents:"))
    for count, one in enumerate(found, 1):
        about = " · ".join(part for part in (one.title, one.places, ", ".join(one.alerts)) if part)
        say(_wrapped(f"{count:>2} {one.id} {about}", 3))
    names = [one.id for one in found]
    choices = tuple((one.id, one.places) for one in found)

    def judge(text: str) -> Judged:
        return _known(names, text) if text else Judged(note=_("A new incident is opened."))

    chosen = ask(Question(_("Join which one? Enter: none, a new one"), judge, choices=choices))
    return found[names.index(_picked(names, chosen))] if chosen else None


def _known(names: Sequence[str], text: str) -> Judged:
    picked = _picked(names, text)
    if picked:
        return Judged(note=picked)
    return Judged(_("Give one of {names}, or its number.").format(names=", ".join(names)))


def _picked(names: Sequence[str], text: str) -> str:
    """The name meant by a number of the list, by its beginning or by itself; empty if that is none or several."""
    if text.isascii() and text.isdigit():
        return names[int(text) - 1] if 0 < int(text) <= len(names) else ""
    wanted = text.casefold()
    found = [name for name in names if wanted and name.casefold().startswith(wanted)]
    exact = [name for name in found if name.casefold() == wanted]
    return (exact or found)[0] if len(exact or found) == 1 else ""


@dataclass
class Composer:
    """One alert that is being written. `last`: what its incident said; `given`: the answers so far; `file`: where
    they are kept."""

    ask: Ask
    publisher: Publisher
    kind: Kind
    wishes: DraftRequest
    last: Mapping[str, Any] = field(default_factory=dict)
    given: RawValues = field(default_factory=dict)
    file: Path | None = None

    def __post_init__(self) -> None:
        self.given = dict(self.wishes.given)
        self.languages = compose.languages_of(self.publisher, self.wishes, self.kind)

    def run(self) -> RawValues:
        """Ask for everything that is needed, then for what else the person wants to say."""
        say(
            _wrapped(
                _(
                    "Enter takes what stands in the line. Tab completes. Ctrl-C stops; what you typed is kept."
                )
            )
        )
        for spec in self._needed():
            self._field(spec, needed=spec.required)
        for group in self.kind.one_of:
            self._one_of([spec for spec in self.kind.fields if spec.name in group])
        for spec in self._wanted():
            self._field(spec, needed=False)
        return self.given

    def _needed(self) -> Iterator[FieldSpec]:
        """The required fields, those that query the register and those that the incident told, without those that are
        answered."""
        queries = bool((numbers := self.kind.field(NUMBERS)) and numbers.required)
        for spec in self.kind.fields:
            queried = queries and spec.name in QUERY_FIELDS
            by_query = spec.name == NUMBERS and self.given.get(QUERY_FIELDS[0])
            told = spec.name in self.last and (spec.past or spec.type is FieldType.TEXT)
            if (spec.required or queried or told) and not by_query and not self._is_whole(spec):
                yield spec

    def _is_whole(self, spec: FieldSpec) -> bool:
        value = self.given.get(spec.name)
        if isinstance(value, Mapping) and spec.type is FieldType.TEXT:
            return all(value.get(lang) for lang in self.languages)
        return value not in (None, "", {})

    def _one_of(self, specs: Sequence[FieldSpec]) -> None:
        """Ask for one of these fields, unless there is one already or one has a default."""
        for spec in specs:
            if any(self._is_whole(one) or one.default is not None for one in specs):
                return
            self._field(spec, needed=spec is specs[-1])

    def _wanted(self) -> Iterator[FieldSpec]:
        """The optional fields that the person names."""
        open_ = [one for one in self.kind.fields if not self._is_whole(one) and one.type not in LATER]
        names = [one.name for one in open_ if one.name not in QUERY_FIELDS]
        if not names:
            return
        choices = tuple((spec.name, in_words(spec.label)) for spec in open_ if spec.name in names)
        say("\n" + _wrapped(_("More can be said: {names}").format(names=", ".join(names))))

        def judge(text: str) -> Judged:
            strange = [one for one in _parts(text) if not _picked(names, one)]
            sentence = _("There is no field {name} left; give some of: {names}.")
            said = sentence.format(name=strange[0], names=", ".join(names)) if strange else ""
            return Judged(said)

        label = _("Which of these? Enter: nothing more")
        chosen = self.ask(Question(label, judge, choices=choices, several=True))
        for one in _parts(chosen):
            yield next(spec for spec in open_ if spec.name == _picked(names, one))

    def _field(self, spec: FieldSpec, *, needed: bool) -> None:
        mark = "" if needed else _("(optional)")
        say("\n" + _wrapped(f"{in_words(spec.label)} {mark}".rstrip()))
        say(_wrapped(in_words(spec.help), 2, first=2))
        if spec.type is FieldType.TEXT:
            self._text(spec, needed=needed)
            return
        if spec.type is FieldType.FIGURE:
            self._figure(spec, needed=needed)
            return
        answer = self.ask(
            Question(
                spec.name,
                lambda text: self._judged(spec, text, needed=needed),
                offered=self._offered(spec),
                choices=_choices(spec),
                several=spec.type in (FieldType.TERRITORY, FieldType.SERVICES),
            )
        )
        if answer:
            self._keep(spec, answer)

    def _text(self, spec: FieldSpec, *, needed: bool) -> None:
        """Ask for a text in one language after the other; the others stand above."""
        before = self.given.get(spec.name)
        texts = dict(before) if isinstance(before, Mapping) else {}
        for lang in self.languages:
            if texts.get(lang):
                continue
            texts |= {lang: self._in_language(spec, lang, texts, needed=needed or bool(texts))}
            if not texts[lang]:
                return
            self._keep(spec, dict(texts))

    def _figure(self, spec: FieldSpec, *, needed: bool) -> None:
        """Ask for one figure, part by part; further ones are for the editor."""
        figure: dict[str, Any] = {}
        for part in FIGURE_PARTS:
            spoken = self.languages if part == "unit" and len(self.languages) > 1 else ("",)
            for lang in spoken:
                judge = partial(
                    self._part_judged, spec, figure, part, lang, needed=needed or bool(figure)
                )
                name = f"{spec.name}.{part}" + (f" ({lang})" if lang else "")
                answer = self.ask(Question(name, judge, offered="now" if part == "at" else ""))
                if not answer:
                    return
                figure = _with_part(figure, part, lang, answer)
        self._keep(spec, [figure])

    def _part_judged(
        self,
        spec: FieldSpec,
        figure: Mapping[str, Any],
        part: str,
        lang: str,
        text: str,
        *,
        needed: bool,
    ) -> Judged:
        """One part of a figure; those that are still to come are taken as right."""
        if not text:
            return self._judged(spec, "", needed=needed)
        whole = {**WHOLE_FIGURE, **_with_part(figure, part, lang, text)}
        if isinstance(whole["unit"], Mapping):
            whole["unit"] = {**dict.fromkeys(self.languages, "–"), **whole["unit"]}
        return Judged(self._judged(spec, [whole], needed=True).fault)

    def _in_language(
        self, spec: FieldSpec, lang: str, texts: Mapping[str, str], *, needed: bool
    ) -> str:
        first = next(iter(texts.values()), "")
        pair = next((one for one in spec.phrases if texts and _is_pair(one, texts)), {})
        last = self.last.get(spec.name)
        said = last.get(lang, "") if isinstance(last, Mapping) else str(last or "")

        def meant(text: str) -> str:
            return first if text == SAME else text

        def judge(text: str) -> Judged:
            if text == SAME and not first:
                return Judged(_("There is no text in another language yet."))
            words = {**texts, lang: meant(text)} if text else ""
            return self._judged(spec, words, needed=needed, lang=lang)

        answer = self.ask(
            Question(
                f"{spec.name} ({lang})" if len(self.languages) > 1 else spec.name,
                judge,
                offered=pair.get(lang, "") or said,
                choices=tuple(_phrases(spec, lang)),
                lines=True,
            )
        )
        return meant(answer)

    def _judged(self, spec: FieldSpec, value: Any, *, needed: bool, lang: str = "") -> Judged:
        if not value:
            if not needed:
                return Judged(note=_("Enter: leave it out."))
            return Judged(_("This is needed."))
        wishes = replace(self.wishes, given={**self.given, spec.name: value})
        found = live_check.check(self.publisher, self.kind, wishes, spec, lang)
        notes = [found.understood and f"= {found.understood}"]
        if found.room:
            left = _("{characters} characters left on {channel} ({lang})")
            room = found.room
            notes.append(left.format(characters=room.characters, channel=room.channel, lang=room.lang))
        return Judged(found.fault, " · ".join(filter(None, notes)), found.warning)

    def _offered(self, spec: FieldSpec) -> str:
        """What stands in the line: what the incident said, else the default; of times only those that count from
        now."""
        last = self.last.get(spec.name)
        if spec.default_from and self.given.get(spec.default_from):
            return str(self.given[spec.default_from])
        if last and (spec.type is not FieldType.DATETIME or spec.past):
            return ", ".join(map(str, last)) if isinstance(last, list) else str(last)
        usual = str(spec.default or (spec.required and self.kind.example.get(spec.name)) or "")
        return usual if spec.type is FieldType.DATETIME and usual.startswith("+") else ""

    def _keep(self, spec: FieldSpec, value: Any) -> None:
        self.given[spec.name] = value
        title = _("{alert}, {kind}").format(alert=self.kind.name, kind=in_words(self.kind.title))
        text = form.written(self.kind, self.given, self.languages, title=title)
        if self.file is None:
            self.file = forms.kept(self.kind.name, text)
        else:
            self.file.write_text(text, encoding="utf-8")


def _with_part(figure: Mapping[str, Any], part: str, lang: str, text: str) -> dict[str, Any]:
    return {**figure, part: {**figure.get(part, {}), lang: text} if lang else text}


def _wrapped(text: str, indent: int = 0, *, first: int = 0) -> str:
    return textwrap.fill(
        text,
        WIDTH - 1,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        break_long_words=False,
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_pair(phrase: Mapping[str, str], texts: Mapping[str, str]) -> bool:
    return any(phrase.get(lang) == text for lang, text in texts.items())


def _phrases(spec: FieldSpec, lang: str) -> Iterator[tuple[str, str]]:
    for phrase in spec.phrases:
        if text := phrase.get(lang):
            own = phrase.get(language(), "")
            yield text, own if own != text else ""


def _choices(spec: FieldSpec) -> tuple[tuple[str, str], ...]:
    """What can be typed into a field, each with its meaning."""
    named: Iterable[tuple[str, str]] = ()
    if spec.type is FieldType.TERRITORY:
        named = ((code, one.name_in(language())) for code, one in all_territories().items())
    elif spec.type is FieldType.SERVICES:
        named = ((key, one.name_in(language())) for key, one in services().items())
    elif spec.choices:
        named = ((key, in_words(words)) for key, words in spec.choices.items())
    return tuple(named)
