"""What is wrong in a file of YAML: its place, and words for the person who has to fix it. Pure."""

import re
from typing import Any, NamedTuple

from alertbot.core.words import _

LONGEST_SHOWN_KEY = 60
LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in a file; line and column count from 1. Line 0 is the file as a whole."""

    line: int = 1
    column: int = 1
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class FileFault(NamedTuple):
    """One fault of a file. `path`: the keys that lead to it."""

    mark: Mark
    path: Path
    sentence: str

    def line(self, file: str) -> str:
        """The fault with its place, for a list of faults of `file`."""
        return f"{file}:{self.mark.line}:{self.mark.column} {self.told()}"

    def told(self) -> str:
        """The fault with the keys that lead to it."""
        keys = shown_path(self.path)
        return f"{keys}: {self.sentence}" if keys else self.sentence


def shortened(word: str) -> str:
    """At most 60 characters of a word or a text."""
    return word if len(word) <= 60 else word[:59] + "…"


def _syntax_sentence(problem: str, line: str, column: int, opened: Any) -> str:
    """What is wrong at this column of a line. `problem`: the parser's own words; `opened`: where what is not
    closed began, else None."""
    sign = line[column - 1 : column]
    if sign == "\t" or "tab character" in problem:
        return _("indent with spaces, not with a tab")
    if sign and sign in "@`%" and "cannot start" in problem:
        return _('a value cannot begin with {sign}; put it in quotes: "{sign}…"').format(sign=sign)
    rest = line[column - 1 :].strip()
    if rest and line[: column - 1].rstrip()[-1:] in ("'", '"') and "did not find expected" in problem:
        sentence = _("the quoted text ends before “{rest}”; put the whole text in one pair of quotes")
        return sentence.format(rest=shortened(rest))
    if "mapping values are not allowed" in problem:
        return _(
            "there is a second `: ` on this line; put the value in quotes, or check the indentation"
        )
    if "unexpected end of stream" in problem and opened is not None:
        return _("the quote opened on line {line} is not closed").format(line=opened.line + 1)
    if "',' or" in problem and opened is not None:
        sentence = _("the bracket opened on line {line} is not closed, or a comma is missing")
        return sentence.format(line=opened.line + 1)
    if "expected key" in problem or "block end" in problem or "'-' indicator" in problem:
        return _("check the indentation: this line does not line up with the ones above it")
    return _("this is not valid YAML ({why})").format(why=shortened(problem))


def surprise_sentence(text: str) -> str:
    """Why a plain scalar is refused that YAML 1.1 reads in surprising ways."""
    if text.lower() in ("yes", "on", "y", "no", "off", "n"):
        return _("write true or false, or put the word in quotes")
    if ":" in text:
        return _(
            'programs read this in different ways; put it in quotes, or write a duration such as "1h30m"'
        )
    return _("programs read this number or sign in different ways; put it in quotes")


def shown_path(path: Path) -> str:
    """`channels.x_main.windows[0]`; the file's own keys are shortened to one line."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{shown_key(step)}" for step in path
    ).removeprefix(".")


def shown_key(key: str) -> str:
    """A key of a file on one line, shortened."""
    line = " ".join(key.split())
    return line if len(line) <= LONGEST_SHOWN_KEY else line[: LONGEST_SHOWN_KEY - 1] + "…"


def syntax_fault(error: Exception, text: str, name: str) -> FileFault:
    """A YAML syntax error in words for the person who has to fix it."""
    place = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    mark = Mark(file=name) if place is None else Mark(place.line + 1, place.column + 1, name)
    problem = str(getattr(error, "problem", None) or error)
    opened = getattr(error, "context_mark", None)
    return FileFault(mark, (), _syntax_sentence(problem, _line(text, mark), mark.column, opened))


def _line(text: str, mark: Mark) -> str:
    lines = LINE_BREAK.split(text)
    return lines[mark.line - 1] if mark.line <= len(lines) else ""


def mark_at(text: str, index: int, name: str) -> Mark:
    """The place of a character in a text."""
    before = text[:index]
    return Mark(before.count("\n") + 1, index - before.rfind("\n"), name)
