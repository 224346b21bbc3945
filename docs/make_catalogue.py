"""Update the translation catalogues in every language: `make words`.

Extracts each message from the code and its pages, merges it into the catalogues under `alertbot/core/locale`
(translations are kept, nothing is guessed) and compiles them. Lists the messages without a translation on
stderr and then exits with 1.
"""

import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "alertbot"
LOCALE = PACKAGE / "core" / "locale"
DOMAIN = "alertbot"
METHODS = [("**.py", "python"), ("**.html.j2", "jinja2")]
KEYWORDS = {"_": None, "ngettext": (1, 2)}
WIDTH = 100


def template() -> Catalog:
    """Every message of the program, each with the files that use it."""
    found = Catalog(domain=DOMAIN, project="alertbot", charset="utf-8")
    rows = sorted(extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS), key=lambda row: row[:2])
    for file, _line, message, comments, context in rows:
        place = [((PACKAGE / file).relative_to(ROOT).as_posix(), None)]
        found.add(message, locations=place, auto_comments=comments, context=context)
    return found


def catalogues() -> Iterator[Path]:
    """The file that translators edit, one for each language."""
    yield from sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], domain=DOMAIN)


def renewed(old: Catalog, fresh: Catalog) -> Catalog:
    """The catalogue with exactly the messages of `fresh`. A removed message is dropped; a changed one
    counts as new, because a fuzzy guess shown to the public is worse than none."""
    made = old.creation_date
    old.update(fresh, no_fuzzy_matching=True)
    old.obsolete.clear()
    old.creation_date, old.fuzzy = made, False
    old.project, old.version, old.msgid_bugs_address = DOMAIN, "1", ""
    for message in old:
        message.flags -= {"python-format", "python-brace-format"}  # `%` and braces speak for themselves
    return old


def untranslated(messages: Iterable[Message]) -> list[str]:
    """The messages without a translation in this language, or with a fuzzy one."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in messages
        if message.id and (message.fuzzy or not all(_strings(message)))
    ]


def text(catalogue: Catalog) -> bytes:
    """The catalogue as translators read it."""
    made = io.BytesIO()
    write_po(made, catalogue, width=WIDTH, sort_by_file=True, ignore_obsolete=True)
    return made.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as the program reads it."""
    made = io.BytesIO()
    write_mo(made, catalogue)
    return made.getvalue()


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def main() -> int:
    """Update every catalogue; returns 1 if a message is left without a translation."""
    waiting = 0
    for path in catalogues():
        catalogue = renewed(read(path), template())
        path.write_bytes(text(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        for sentence in untranslated(catalogue):
            waiting += 1
            print(f"{path.relative_to(ROOT)}: {sentence!r}", file=sys.stderr)
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
