"""What `alertbot check` says of the languages that somebody publishes in: texts that are not there, that no native speaker
has read, or that are partly in English."""

from collections.abc import Iterator

from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Markup
from alertbot.core.words import _
from alertbot.pages import words
from alertbot.texts.kinds import catalogue
from alertbot.texts.kinds.catalogue import Catalogue
from alertbot.texts.kinds.layers import RETRACTION
from alertbot.texts.publisher import Publisher
from alertbot.texts.wording.language import lacks_words


def warnings(publisher: Publisher) -> list[str]:
    """What each language in which a channel publishes lacks: texts, readers, words."""
    try:
        kinds = catalogue.load(*publisher.folders)
    except ConfigInvalid:
        return []  # told as a problem
    spoken = sorted({lang for one in publisher.channels.values() for lang in one.languages})
    on_pages = (one for one in publisher.channels.values() if one.spec.markup is Markup.PAGE)
    read = sorted({lang for one in on_pages for lang in one.languages})
    found = [told for lang in spoken for told in _lacking(kinds, lang)]
    found += [_page_words(lang) for lang in read if words.lacks_words(lang)]
    unread = [lang for lang in read if words.is_unread(lang, *publisher.folders)]
    return [*found, *map(_unread_page, unread)]


def _unread_page(lang: str) -> str:
    return _(
        "no native speaker has read what frames the texts on the public page in {lang}. Have one read {file}, and put your"
        " own copy in your messages folder."
    ).format(lang=lang, file=f"page/{lang}.yaml")


def _page_words(lang: str) -> str:
    sentence = _(
        "what frames the texts on the public page is partly in English in {lang}: copy {example} to {file} in your"
        " messages folder and translate it."
    )
    return sentence.format(lang=lang, example="page/en.yaml", file=f"page/{lang}.yaml")


def _lacking(kinds: Catalogue, lang: str) -> Iterator[str]:
    if absent := [kind.name for kind in kinds if lang not in kind.languages]:
        yield _(
            "no text in {lang} for: {kinds}. Alerts of these kinds go out without that language."
        ).format(lang=lang, kinds=", ".join(absent))
    texts = {kind.name: kind.templates for kind in kinds}
    texts[RETRACTION] = kinds.prepared.retraction
    unread = [
        name
        for name, each in texts.items()
        if any(one.unread for (spoken, _form), one in each.items() if spoken == lang)
    ]
    if unread:
        yield _(
            "no native speaker has read the shipped texts in {lang} of: {kinds}. Have one read them, and put your own in"
            " {folder} in your messages folder."
        ).format(lang=lang, kinds=", ".join(unread), folder=f"<kind>/{lang}")
    if lacks_words(lang):
        yield _(
            "times, dates and what stands beside numbers are partly in English in {lang}: copy {example} to {file} in"
            " your messages folder and translate it."
        ).format(lang=lang, example="ready_words/en.yaml", file=f"ready_words/{lang}.yaml")
