"""The completeness table: does the alert say what a public alert should? Warnings, never a block."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from alertbot.compose.kinds import COMPLETENESS, Kind
from alertbot.compose.values import Value
from alertbot.model import Fault
from alertbot.words import _


def table(kind: Kind, values: Mapping[str, Value], *, source: bool) -> dict[str, bool | None]:
    """Row by row: said, not said, or None where this kind does not call for it. `source`: whether the
    organisation has a verification page."""
    return {
        row: _said(kind, row, values, source=source) for row in {**COMPLETENESS, **kind.completeness}
    }


def _said(kind: Kind, row: str, values: Mapping[str, Value], *, source: bool) -> bool | None:
    if row not in kind.completeness:
        return None
    names = kind.completeness[row]
    said = any(values.get(name) for name in names) if names else source
    return True if said else (False if not names or _called_for(kind, row, names) else None)


def _called_for(kind: Kind, row: str, names: Sequence[str]) -> bool:
    """A row is called for where one of its fields must be given; while the fault lasts, its beginning too:
    of nine real posts none gave it."""
    one_of = {name for group in kind.one_of for name in group}
    required = {spec.name for spec in kind.fields if spec.required}
    return any(name in required | one_of for name in names) or (row == "since" and not kind.final)


def warnings(rows: Mapping[str, bool | None]) -> Iterator[Fault]:
    """One for each row that is called for and not said."""
    sentences = _sentences()
    for row, said in rows.items():
        if said is False:
            sentence = (
                sentences[row]() if row in sentences else _("It does not say: {row}.").format(row=row)
            )
            yield Fault(f"incomplete_{row}", sentence)


@cache
def _sentences() -> Mapping[str, Callable[[], str]]:
    return {
        "fact": lambda: _("It does not say what fails."),
        "since": lambda: _("It does not say since when."),
        "where": lambda: _("It does not say where."),
        "what_to_do": lambda: _("It does not say what people should do."),
        "number": lambda: _("It gives no number to call instead."),
        "until": lambda: _("It does not say until when it holds, or when that is reviewed."),
        "next_update": lambda: _("It does not say when the next update comes."),
        "source": lambda: _(
            "It names no page where people can check it: set organisation.verification_page."
        ),
    }
