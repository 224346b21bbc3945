"""Write `docs/reference/configuration.md` from the JSON Schema of the configuration: `make docs`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["LANGUAGE"] = "en"  # before the words are loaded

from alertbot.channels import base
from alertbot.channels.directory import adapter_types
from alertbot.config import reading

PAGE = Path(__file__).parent / "reference" / "configuration.md"
COMMON = ("languages", "audience", "pace", "budget")
HEAD = """# Configuration

Generated from the program by `make docs`; the test suite fails if it is out of date.

The configuration is one YAML file, `config.yaml`. `alertbot init` writes one with comments; `config.example.yaml` is
the same file. `alertbot check` reads it and lists every fault at once, with file, line, column and key.
`alertbot config schema > config.schema.json` writes a schema for completion and checks in your editor.

- Unknown keys, duplicate keys and values of the wrong type are faults. Tags, merge keys and several documents in one
  file are not allowed. `on`, `yes`, `0123` and `1:30` need quotes, because programs read them differently.
- Write durations as `0s`, `90s`, `5m`, `1h30m` or `2d`.
- Paths are relative to the folder of the file.
- Never write a **secret** into the file. `NAME_env` names an environment variable, `NAME_file` a file that contains
  nothing but the secret. Give one of the two. A secret is read when its channel is first used.
- Plain `http://` is allowed to this machine only.
"""
CHANNELS_HEAD = """
## `channels`

Each channel has a name of your choice (`a-z`, `0-9`, `_`), a `type`, and the keys of that type. Every channel accepts:

"""
PACES = """
### Default limits, paces and prices

| type | text | pace | price |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    schema = reading.schema({name: one.settings_type for name, one in adapter_types().items()})
    parts = schema["$defs"]
    shipped = [parts[name] for name in sorted(parts) if _type_of(parts[name]) in base.SHIPPED]
    lines = [HEAD, "## At the top", "", *_table(_without(schema, ("organisation", "channels")))]
    lines += ["", "## `desk`", "", *_table(parts["DeskSettings"])]
    lines += ["", "### `oidc`", "", *_table(parts["OidcSettings"])]
    lines += ["", "## `organisation`", "", *_table(parts["OrganisationSettings"])]
    lines += ["", "## `approvals.KIND`", "", *_table(parts["ApprovalSettings"]), CHANNELS_HEAD.rstrip()]
    lines += ["", *_table(_only(shipped[0], COMMON))]
    lines += ["", "### `pace`", "", *_table(parts["PaceSettings"])]
    lines += ["", "### `budget`", "", *_table(parts["BudgetSettings"])]
    for one in shipped:
        lines += ["", f"### `type: {_type_of(one)}`", "", one["description"], ""]
        lines += _table(_without(one, ("type", *COMMON)))
    return "\n".join([*lines, PACES.rstrip(), *map(_limits, base.SHIPPED.values())]) + "\n"


def _type_of(part: dict[str, Any]) -> str:
    return str(part.get("properties", {}).get("type", {}).get("const", ""))


def _only(part: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return part | {"properties": {k: v for k, v in part["properties"].items() if k in names}}


def _without(part: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return part | {"properties": {k: v for k, v in part["properties"].items() if k not in names}}


def _table(part: dict[str, Any]) -> Iterator[str]:
    if not part["properties"]:
        yield "No keys of its own."
        return
    yield "| key | default | meaning | example |\n|---|---|---|---|"
    for name, one in part["properties"].items():
        needed = name in part.get("required", ())
        default = "required" if needed else _shown(one["default"]) if "default" in one else ""
        example = _shown(one["examples"][0]) if one.get("examples") else ""
        about = one.get("description") or _plain_description(name)
        yield f"| `{name}` | {default} | {about.replace('|', '/')} | {example} |"


def _plain_description(name: str) -> str:
    known = {
        "connect_within": "The longest time to reach the server.",
        "answer_within": "The longest time to wait for an answer.",
    }
    return known.get(name, "")


def _shown(value: object) -> str:
    if isinstance(value, str) and value.startswith("PT"):  # ISO 8601, which the file does not take
        value = value.removeprefix("PT").lower()
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _limits(spec: Any) -> str:
    limit = f"{spec.limit} ({spec.measure})" if spec.limit else "no limit"
    pace = [f"{spec.pace.per_second:g} a second"] if spec.pace.per_second else []
    pace += [f"{spec.pace.per_chat_second:g} a second per chat"] if spec.pace.per_chat_second else []
    group = spec.pace.per_group_minute
    pace += [f"{group} a minute per group or channel"] if group else []
    pace += [f"{calls} in {_minutes(length)}" for calls, length in spec.pace.windows]
    price = f"{spec.price.post:g} {spec.price.currency}, with a link {spec.price.post_with_link:g}"
    shown = price if spec.price.post else "free"
    return f"| `{spec.type}` | {limit} | {', '.join(pace) or 'no limit'} | {shown} |"


def _minutes(length: Any) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
