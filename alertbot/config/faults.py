"""From pydantic's errors to sentences with their place in the file and what would be right; and faults
between several settings."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from alertbot.config.root import Config
from alertbot.config.shapes import LANGUAGE, NAME, VARIABLE
from alertbot.config.watching import RuleSettings
from alertbot.config.yaml_faults import LONGEST_SHOWN_KEY, FileFault, Mark, Path
from alertbot.config.yaml_reader import Node, parse
from alertbot.core.words import _

MOST_ERRORS = 1000  # a file with more of them is no configuration
SAYS_IT_ALL = {"value_error", "extra_forbidden", "enum", "literal_error", "union_tag_invalid"}
BRANCH = 2  # `channels.NAME.TYPE.…`: where pydantic names the type it chose


def place(root: Node, path: Path) -> Mark:
    """The place of the value at `path`, or of its nearest parent's key."""
    mark, node = root.mark, root
    for step in path:
        value = node.value
        if isinstance(value, dict) and step in value:
            node = value[step]
            mark = node.key or node.mark
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            node = value[step]
            mark = node.mark
        else:
            return mark
    return mark


def node_at(root: Node, path: Path) -> Node | None:
    """The value at `path`; None if the file has none."""
    node = root
    for step in path:
        if not _has(node, step):
            return None
        node = node.value[step]
    return node


def lines_in(file: FilePath, told: Iterable[tuple[Path, str]]) -> list[str]:
    """Faults found only when a configuration is used, as (keys, sentence), each with its place in the
    file; without the place if the file no longer exists."""
    try:
        root = parse(file.read_text("utf-8-sig")).root
    except (OSError, UnicodeDecodeError):
        root = None
    root = root or Node(Mark())
    return [FileFault(place(root, path), path, sentence).line(str(file)) for path, sentence in told]


def findings(errors: Iterable[ErrorDetails], root: Node, model: type[BaseModel]) -> list[FileFault]:
    """Every error as a sentence; the errors of a union's branches about one value become one."""
    by_path: dict[Path, list[ErrorDetails]] = {}
    for error in islice(errors, MOST_ERRORS):
        by_path.setdefault(_path(error, root), []).append(error)
    # Where one branch of a union got further into a value, what the others say about it is noise.
    passed = {path[:depth] for path in by_path for depth in range(1, len(path))}
    return [
        _finding(path, told, root, model)
        for path, told in by_path.items()
        if path not in passed or _about_key(told[0])
    ]


def _path(error: ErrorDetails, root: Node) -> Path:
    """The file's keys for pydantic's location, without the names of union branches."""
    steps = list(error["loc"])
    if error["type"] in ("missing", "union_tag_not_found"):
        missing = steps.pop() if error["type"] == "missing" else "type"
        return (*_present(steps, root), missing)
    if error["type"] == "union_tag_invalid":
        steps.append("type")
    return _present(steps, root)


def _present(steps: list[str | int], root: Node) -> Path:
    path: Path = ()
    for index, step in enumerate(steps):
        branch = index == BRANCH and len(steps) > BRANCH + 1 and step == _type_at(root, path)
        node = node_at(root, path)
        if node is not None and not branch and _has(node, step):
            path = (*path, step)
    return path


def _type_at(root: Node, path: Path) -> object:
    node = node_at(root, (*path, "type")) if path[:1] == ("channels",) else None
    return None if node is None else node.value


def _has(node: Node, step: str | int) -> bool:
    value = node.value
    if isinstance(value, list):
        return isinstance(step, int) and 0 <= step < len(value)
    return isinstance(value, dict) and step in value


def _about_key(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)


def _finding(path: Path, errors: list[ErrorDetails], root: Node, model: type[BaseModel]) -> FileFault:
    node = node_at(root, path)
    mark = place(root, path) if node is None or _about_key(errors[0]) else node.mark
    sentences = dict.fromkeys(_sentence(error, path, root, model) for error in errors)
    hint = "" if errors[0]["type"] in SAYS_IT_ALL else _hint(path, root, model)
    return FileFault(mark, path, _(", or ").join(sentences) + hint)


def _sentence(error: ErrorDetails, path: Path, root: Node, model: type[BaseModel]) -> str:
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return _("is missing")
        case "extra_forbidden":
            return _unknown_key(str(path[-1]), keys_at(path[:-1], root, model))
        case "value_error":
            return str(context["error"])
        case "union_tag_invalid":
            return _unknown_type(str(context["tag"]), context["expected_tags"].replace("'", ""))
        case "enum" | "literal_error":
            return _("must be {expected}").format(expected=context["expected"].replace("'", ""))
        case "string_pattern_mismatch":
            return _form(context["pattern"])
        case kind:
            return _measure(kind, context) or _type(kind) or error["msg"]


def _type(kind: str) -> str:
    """The type that a value of the wrong type should have had."""
    known = {
        "string_type": _("must be text (put a number in quotes)"),
        "int_type": _("must be a whole number"),
        "int_from_float": _("must be a whole number"),
        "float_type": _("must be a number"),
        "finite_number": _("must be a number"),
        "bool_type": _("must be true or false"),
        "list_type": _("must be a list: [a, b]"),
        "tuple_type": _("must be a list: [a, b]"),
        "dict_type": _("must be a group of keys and values"),
        "model_type": _("must be a group of keys and values"),
        "model_attributes_type": _("must be a group of keys and values"),
        "path_type": _("must be a path"),
    }
    return known.get(kind, "")


def _measure(kind: str, context: Mapping[str, Any]) -> str:
    """What a value that is too large, small, long or short should have been."""
    known = {
        "greater_than": _("must be more than {gt:g}"),
        "greater_than_equal": _("must be at least {ge:g}"),
        "less_than": _("must be less than {lt:g}"),
        "less_than_equal": _("must be at most {le:g}"),
        "string_too_short": _("must have at least {min_length} characters"),
        "string_too_long": _("must have at most {max_length} characters"),
        "too_short": _("must have at least {min_length} entry"),
        "too_long": _("must have at most {max_length} entries"),
    }
    return known[kind].format(**context) if kind in known else ""


def _form(pattern: str) -> str:
    known = {
        NAME: _(
            "must begin with a lower-case letter and contain only lower-case letters, digits and _"
        ),
        LANGUAGE: _("must be a language code of two or three lower-case letters, such as fr"),
        VARIABLE: _("must be the name of an environment variable, in capitals, not the secret itself"),
    }
    return known.get(pattern, _("does not have the right form"))


def _unknown_key(key: str, known: list[str]) -> str:
    near = get_close_matches(key[:LONGEST_SHOWN_KEY], known, 1)
    if near:
        return _("is not a key here; did you mean {key}?").format(key=near[0])
    return _("is not a key here; the keys are {keys}").format(keys=", ".join(known))


def _unknown_type(given: str, expected: str) -> str:
    near = get_close_matches(given[:LONGEST_SHOWN_KEY], expected.split(", "), 1)
    sentence = _("must be one of {expected}").format(expected=expected)
    return sentence + (_("; did you mean {key}?").format(key=near[0]) if near else "")


def _hint(path: Path, root: Node, model: type[BaseModel]) -> str:
    """An example of a right value, if the field has one."""
    fields = {} if not path else _fields(path[:-1], root, model)
    field = fields.get(str(path[-1])) if path else None
    if field is None or not field.examples:
        return ""
    example = field.examples[0]
    text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
    return _(" (for example: {example})").format(example=text)


def keys_at(path: Path, root: Node, model: type[BaseModel]) -> list[str]:
    """The keys allowed at this place of the file."""
    return sorted(_fields(path, root, model))


def _fields(path: Path, root: Node, model: type[BaseModel]) -> dict[str, FieldInfo]:
    models = [model]
    for depth, step in enumerate(path):
        annotations = [m.model_fields[step].annotation for m in models if step in m.model_fields]
        if depth == 1 and path[0] == "channels":
            models = _of_type(models, root, path[:2])
        elif annotations:
            models = [found for annotation in annotations for found in _models(annotation)]
    return {field.alias or key: field for found in models for key, field in found.model_fields.items()}


def _of_type(models: list[type[BaseModel]], root: Node, path: Path) -> list[type[BaseModel]]:
    node = node_at(root, (*path, "type"))
    if node is None:
        return models
    chosen = [m for m in models if node.value in get_args(m.model_fields["type"].annotation)]
    return chosen or models


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


MOST_NAMED = 20


def faults(config: Config) -> Iterator[tuple[Path, str]]:
    """(keys, sentence) for each."""
    if config.serve.public and not any(one.type == "page" for one in config.channels.values()):
        yield ("serve", "public"), _("there is no channel of the type page that could be shown there")
    services = _services(config)
    for name, rule in config.rules.items():
        for at, channel in enumerate(rule.channels or ()):
            if channel not in config.channels:
                sentence = _("there is no channel {name}; {instead}")
                said = sentence.format(name=channel, instead=_instead(channel, config.channels))
                yield ("rules", name, "channels", at), said
        for at, service in enumerate(rule.services):
            if service not in services:
                sentence = _("{name} is not watched: add it under `watch:`; {instead}")
                said = sentence.format(name=service, instead=_instead(service, services))
                yield ("rules", name, "services", at), said
        if sentence := _undecided(rule):
            yield ("rules", name, "auto_after"), sentence


def _services(config: Config) -> frozenset[str]:
    """Every service and group that the configuration names anywhere."""
    found = {*config.watch.services, *config.watch.groups}
    for group in config.watch.groups.values():
        found |= {*group.members} | ({group.parent} if group.parent else set())
    for source in config.sources.values():
        found |= {*source.names.values()}
        found |= {one.service for one in (source.feed, source.probe) if one is not None}
    return frozenset(found)


def _instead(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    if near:
        return _("did you mean {near}?").format(near=near[0])
    return _("the names are {known}").format(known=", ".join(sorted(known)[:MOST_NAMED]) or "–")


def _undecided(rule: RuleSettings) -> str:
    if rule.auto_after is None or "policy" not in rule.model_fields_set or rule.policy == "auto":
        return ""
    return _("use it with `policy: auto`, or alone")
