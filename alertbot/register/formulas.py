"""Cells that a spreadsheet would run: told where a file is read, quoted where one is written."""

import re

_RISKY = "[=+\\-@\uff0b\uff0d\uff1d\uff20]"  # the wide signs too: some spreadsheets take them alike
_FORMULA = re.compile(rf"[\t\r]|\s*{_RISKY}")
_QUOTED = re.compile(rf"'+(?:[\t\r]|\s*{_RISKY})")
_ABROAD = re.compile(r"\s*\+[0-9][0-9 .\-()]*\s*", re.ASCII)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run this cell. A telephone number that begins with + is none."""
    return bool(_FORMULA.match(cell)) and not _ABROAD.fullmatch(cell)


def quoted(cell: str) -> str:
    """The cell so that a spreadsheet shows it: an apostrophe before what it would run."""
    return f"'{cell}" if is_formula(cell) or _QUOTED.match(cell) else cell


def unquoted(cell: str) -> str:
    """The cell that `quoted` was given."""
    return cell[1:] if _QUOTED.match(cell) else cell
