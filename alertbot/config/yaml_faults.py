"""The parser's complaints about YAML in words for the person who has to fix the file. Pure."""

from typing import Any

from alertbot.core.words import _


def shortened(word: str) -> str:
    """At most 60 characters of a word or a text."""
    return word if len(word) <= 60 else word[:59] + "…"


def syntax_sentence(problem: str, line: str, column: int, opened: Any) -> str:
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
