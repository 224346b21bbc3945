"""Examples and hints of kinds in other countries than the kinds were written for: a pack's own places and numbers, in the
sentences of `messages/regions/example.yaml`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alertbot.config.yaml_reader import plain, read_written
from alertbot.regions import packs
from alertbot.regions.region import Region
from alertbot.texts.kinds.kind_spec import FieldSpec

SENTENCES = "example.yaml"
_PLACES, _NUMBERS, _WRONG = ("where", "territories"), ("numbers",), ("wrong_numbers", "no_longer_valid")


def example_in(region: Region, kind: str, own: Mapping[str, object]) -> Mapping[str, object]:
    """The kind's example under this pack: `own` where the pack has none, else with its values for the same fields."""
    given = region.example
    if not given.numbers or not own:
        return own
    sentences = plain(read_written(packs.shipped() / SENTENCES))
    texts = sentences["every"] | sentences.get(kind, {})
    made = {**own, **{name: _said(texts[name], given.failing) for name in own if name in texts}}
    made |= {name: list(given.places)[: _many(own[name])] for name in _PLACES if name in own}
    made |= {name: list(given.numbers) for name in _NUMBERS if name in own}
    made |= {name: [_bare(given.numbers[0])] for name in _WRONG if name in own}
    return made


def hinted(region: Region, fields: Sequence[FieldSpec]) -> tuple[FieldSpec, ...]:
    """The fields with the country's own places and numbers in their help and ready phrases."""
    places = region.example.places or tuple(region.territories)[1:3]
    words = {
        "{first}": region.example.failing[0],
        "{failing}": ", ".join(region.example.failing),
        "{places}": ", ".join(places),
        "{services}": ", ".join(list(region.services)[:2]),
        "{country}": region.code,
    }
    return tuple(
        replace(
            one,
            help=_filled(one.help, words),
            phrases=tuple(_filled(phrase, words) for phrase in one.phrases),
        )
        for one in fields
    )


def _filled(by_lang: Mapping[str, str], words: Mapping[str, str]) -> Mapping[str, str]:
    found = dict(by_lang)
    for sign, word in words.items():
        found = {lang: text.replace(sign, word) for lang, text in found.items()}
    return found


def _many(value: object) -> int:
    return len(value) if isinstance(value, list) else 1


def _said(by_lang: Mapping[str, str], failing: Sequence[str]) -> Mapping[str, str]:
    return {
        lang: text.format(first=failing[0], failing=_and(failing, lang))
        for lang, text in by_lang.items()
    }


def _and(numbers: Sequence[str], lang: str) -> str:
    from babel.lists import format_list  # not phrasing's: `status` and others do without Jinja

    return str(format_list(numbers, locale="en_GB" if lang == "en" else lang))


def _bare(row: Mapping[str, object]) -> Mapping[str, object]:
    """A row to be taken back, without its verification."""
    return {name: cell for name, cell in row.items() if not name.startswith("verified")}
