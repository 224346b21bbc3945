"""Write `docs/reference/kinds.md` from the catalogue of kinds: `make docs`."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

os.environ["LANGUAGE"] = "en"  # before the words are loaded

from alertbot.texts.kinds import catalogue, layers
from alertbot.texts.kinds.kind_spec import Kind

PAGE = Path(__file__).parent / "reference" / "kinds.md"
HEAD = """# Kinds of alert

Generated from the program by `make docs`; the test suite fails if it is out of date. `alertbot kinds KIND` shows the
same with help for each field. `alertbot kinds KIND --example > facts.yaml` writes an example to start from.

A lower **priority** is sent first: a correction never waits behind a routine post. **Time to live** is how long after
approval an alert may still start to go out. **When uncertain** says what happens to a mail that may have been sent:
with `ask` a person settles it; with `resend` it is sent once more, with the same Message-ID. A public post is never
blindly sent again, whatever its kind. **Automatic** says whether a rule may publish the kind without a person, if that
was [approved in advance](../how-to/post-by-itself.md), and even then never with numbers or figures in it.

"""
MUST = """
## Which field in which kind

**M**: required. **O**: optional. **–**: forbidden. Empty: the kind does not have the field.
**1**: one of the fields marked so is required.

"""
TYPES = """
## What a field takes

| type | write it as |
|---|---|
| `text` | one text for all languages, or one per language: `--set cause.fr=… --set cause.en=…` |
| `datetime` | `now`, `+30m`, `-1h45m`, `16:45`, or ISO 8601. Relative times are resolved when the draft is made |
| `duration` | `90m`, `1h30m` |
| `territory` | codes or names: `69, 42`, `Rhône`; `FR` for the whole country |
| `numbers` | the path of a CSV or YAML file, or rows in the file given with `--vars` |
| `url` | `https://…` |
| `choice`, `certainty` | one of the words that `alertbot kinds KIND` lists |
| `figure` | value, unit, time and source; provisional unless you say otherwise |

## Columns of a file of numbers

`territory` (or `departement_code`), `name`, `service`, `replaces`, `number`, `zone`, `condition`, `capacity`,
`valid_from`, `valid_until`, `review_at`, `source_url`, `published_at`, `verified_by`, `verified_at`. Only
`territory`, `service` and `number` are required. `service` may be written as `kind:zone or condition`. Zone and
condition may have one column per language (`zone.fr`, `condition.en`). A row without `verified_by` and
`verified_at` cannot be published. In YAML, put numbers in quotes so that no digit is lost.

"""


def page() -> str:
    """The whole page."""
    kinds = sorted(catalogue.load(layers.shipped()), key=lambda kind: (kind.priority, kind.name))
    return "\n".join(
        [HEAD.rstrip(), "", *_facts(kinds), MUST.rstrip(), "", *_fields(kinds), TYPES.rstrip(), ""]
    )


def _facts(kinds: list[Kind]) -> Iterator[str]:
    yield "| kind | what it is for | approvers | approve within | priority | time to live | when uncertain | no next update | automatic |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for kind in kinds:
        rules = kind.approvals
        who = f"{rules.approvers}{', may be the author' if rules.author_may_approve else ''}"
        yield (
            f"| `{kind.name}` | {kind.purpose['en']} | {who} | {_length(rules.expires_after)} | {kind.priority} "
            f"| {_length(kind.ttl)} | {kind.when_uncertain} | {'yes' if kind.final else 'no'} "
            f"| {'may' if kind.automatic else 'never'} |"
        )


def _fields(kinds: list[Kind]) -> Iterator[str]:
    names = list(dict.fromkeys(spec.name for kind in kinds for spec in kind.fields))
    names += sorted({name for kind in kinds for name in kind.forbidden} - set(names))
    yield f"| field | type | {' | '.join(f'`{kind.name}`' for kind in kinds)} |"
    yield f"|---|---|{'---|' * len(kinds)}"
    for name in names:
        found = next((spec for kind in kinds if (spec := kind.field(name))), None)
        yield f"| `{name}` | {found.type if found else ''} | {' | '.join(_mark(k, name) for k in kinds)} |"


def _mark(kind: Kind, name: str) -> str:
    spec = kind.field(name)
    if name in kind.forbidden:
        return "–"
    if spec is None:
        return ""
    return "M" if spec.required else "1" if any(name in group for group in kind.one_of) else "O"


def _length(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} min" if minutes % 60 else f"{minutes // 60} h"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
