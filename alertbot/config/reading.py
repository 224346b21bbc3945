"""Reading `config.yaml`: from its bytes to a `Config`, or every fault at once; and its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alertbot.config import faults
from alertbot.config.approvers import SECTIONS, approver_faults, sections
from alertbot.config.channel import ChannelSettings, beyond
from alertbot.config.faults import findings, node_at, place
from alertbot.config.root import Config, whole
from alertbot.config.secrets import WithSecrets
from alertbot.config.shapes import Settings
from alertbot.config.sources import SourceSettings, bindable
from alertbot.config.yaml_faults import FileFault, Mark
from alertbot.config.yaml_reader import Node, parse, plain
from alertbot.core.connecting import is_loopback, leaves_sandbox
from alertbot.core.errors import ConfigInvalid
from alertbot.core.json import Json
from alertbot.core.model import ChannelSpec
from alertbot.core.words import _, ngettext

LARGEST_BYTES = 1_000_000
MOST_LINES = 200


class BrokenType(Exception):  # never leaves this room
    """A channel type raised something other than a fault."""


def read(
    path: Path | str,
    settings_types: Mapping[str, type[ChannelSettings]],
    specs: Mapping[str, ChannelSpec] | None = None,
) -> Config:
    """Read and check a configuration file. Touches no network and no secret.

    `settings_types`: the settings of each type of channel; `specs`: what each can do. Those of a type that no
    channel has are asked for only if there are faults, since sentences name every type. Raises `ConfigInvalid` with
    one line for every fault: file, line, column, keys, and what would be right.
    """
    path = Path(path)
    document = parse(_decoded(path, content(path)))
    found = document.faults
    root = document.root
    if root is None or not isinstance(root.value, dict):
        raise invalid(path, found or [_not_a_mapping(root)])
    told = {one.path for one in found}
    config, more = _checked(root, _used(root, settings_types), path.parent, told)
    if more:
        config, more = _checked(root, dict(settings_types), path.parent, told)
    channels = config.channels if config else {}
    more += [_found(root, path, sentence) for path, sentence in beyond(channels, specs or {})]
    if found or more or config is None:
        raise invalid(path, found + more)
    return config


def _used(root: Node, types: Mapping[str, type[ChannelSettings]]) -> dict[str, type[ChannelSettings]]:
    """The types that channels have; all of them where a channel has none that is known, or there is no channel."""
    named = [
        given.get("type") if isinstance(given, dict) else None
        for given in _group(plain(root), "channels").values()
    ]
    known = dict.fromkeys(name for name in named if isinstance(name, str) and name in types)
    return {name: types[name] for name in known or types}


def schema(settings_types: Mapping[str, type[ChannelSettings]]) -> dict[str, Json]:
    """The JSON Schema (2020-12) of the configuration, for editors and other programs."""
    made = _without_null(whole(**settings_types).model_json_schema())
    for group in ("approvals", "channels", "rules", "sources"):
        made["properties"][group]["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "alertbot"}


def _without_null(schema: Any) -> Any:
    """Optional keys may be left out but not empty; see `_empty`."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema if part != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    kept = {k: _without_null(v) for k, v in schema.items() if (k, v) != ("default", None)}
    return kept | kept.pop("anyOf")[0] if len(kept.get("anyOf", ())) == 1 else kept


def _checked(
    root: Node, types: dict[str, type[ChannelSettings]], folder: Path, told: set[tuple[str | int, ...]]
) -> tuple[Config | None, list[FileFault]]:
    data = plain(root)
    model = whole(**types)
    found = [*_empty(root), *_secret_findings(root, data, types)]
    try:
        config, errors = validated(model, data)
    except BrokenType:
        return None, found + list(_broken_types(root, data, types))
    told = told | {one.path for one in found}
    found += [one for one in findings(errors, root, model) if one.path not in told]
    sandbox = _at(data, "organisation", "sandbox") is True
    channels = dict(_channels(config, data, types))
    _bind(config, channels, folder, sandbox=sandbox)
    found += _between_fields(root, folder, channels, sandbox=sandbox)
    if config is not None:
        found += _about_approvers(root, config, sandbox=sandbox)
        found += _about_sources(root, config, sandbox=sandbox)
        if config.runner != "local" and config.on_this_machine:
            found.append(_found(root, ("runner",), _no_server()))
    return config, found


def _no_server() -> str:
    return _(
        "procrastinate needs a PostgreSQL database: give `database: postgresql://USER@HOST:PORT/NAME`, or take"
        " `runner: local`"
    )


def _empty(root: Node, path: tuple[str | int, ...] = ()) -> Iterator[FileFault]:
    """Faults for keys without a value; reading them as absent would silently ignore `hashtag: #word`."""
    if root.value is None:
        sentence = _("is empty; give a value or remove the key (# starts a comment)")
        yield FileFault(root.mark, path, sentence)
    elif isinstance(root.value, dict):
        for key, child in root.value.items():
            yield from _empty(child, (*path, key))
    elif isinstance(root.value, list):
        for index, node in enumerate(root.value):
            yield from _empty(node, (*path, index))


def validated(model: type[Any], data: Any) -> tuple[Any, list[Any]]:
    """(settings, no errors) or (None, the errors). Raises `BrokenType` if foreign code fails."""
    try:
        # In JSON mode strictness speaks of what a file can hold: a list is a tuple, text a path.
        return model.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_input=False)
    except Exception as error:  # noqa: BLE001 - a type of channel is foreign code
        raise BrokenType(type(error).__name__) from None


def _broken_types(
    root: Node, data: Any, types: Mapping[str, type[ChannelSettings]]
) -> Iterator[FileFault]:
    """Channels whose own type fails to check them. Its error text is not shown, because it may contain
    the value."""
    for name, given in _group(data, "channels").items():
        settings_type = type_of(given, types)
        try:
            validated(settings_type or Settings, given)
        except BrokenType as error:
            sentence = _("the type {type} cannot check this ({why}); fix or uninstall its package")
            kind = str(given["type"])
            yield _found(root, ("channels", name), sentence.format(type=kind, why=error))


def _channels(
    config: Config | None, data: Any, types: Mapping[str, type[ChannelSettings]]
) -> Iterator[tuple[str, ChannelSettings]]:
    """The valid channels, even if the file as a whole is not."""
    if config is not None:
        yield from config.channels.items()
        return
    for name, given in _group(data, "channels").items():
        settings_type = type_of(given, types)
        settings = validated(settings_type, given)[0] if settings_type else None
        if settings is not None:
            yield name, settings


def _bind(
    config: Config | None, channels: Mapping[str, ChannelSettings], folder: Path, *, sandbox: bool
) -> None:
    if config is not None:
        config.bind("database", folder)
        for path, section in sections(config):
            section.bind(".".join(path), folder, sandbox=sandbox)
        for path, section in bindable(config.sources):
            section.bind(".".join(path), folder, sandbox=sandbox)
    for name, settings in channels.items():
        settings.bind(f"channels.{name}", folder, sandbox=sandbox)


def _between_fields(
    root: Node, folder: Path, channels: Mapping[str, ChannelSettings], *, sandbox: bool
) -> Iterator[FileFault]:
    """Faults between several fields."""
    given = _at(plain(root), "messages")
    if isinstance(given, str) and not (folder / given).expanduser().is_dir():
        sentence = _("there is no folder {folder}").format(folder=folder / given)
        yield _found(root, ("messages",), sentence)
    for name, settings in channels.items():
        path = ("channels", name)
        if sandbox and not settings.on_loopback():
            yield _found(root, (*path, _address_key(settings)), leaves_sandbox())
        for key, sentence in settings.faults():
            yield _found(root, (*path, key), sentence)


def _about_approvers(root: Node, config: Config, *, sandbox: bool) -> Iterator[FileFault]:
    for path, settings in sections(config):
        if sandbox and not settings.on_loopback():
            yield _found(root, (*path, _address_key(settings)), leaves_sandbox())
    types = {name: settings.type for name, settings in config.channels.items()}
    for path, sentence in approver_faults(config.approvals_by, types):
        yield _found(root, path, sentence)


def _about_sources(root: Node, config: Config, *, sandbox: bool) -> Iterator[FileFault]:
    for name, settings in config.sources.items():
        if sandbox and not settings.on_loopback():
            yield _found(root, ("sources", name), leaves_sandbox())
        for key, sentence in settings.wrong():
            yield _found(root, ("sources", name, key), sentence)
    for path, sentence in faults.faults(config):
        yield _found(root, path, sentence)
    if sandbox and not all(map(is_loopback, config.watch.online_checks)):
        yield _found(root, ("watch", "online_checks"), leaves_sandbox())


def _address_key(settings: WithSecrets) -> str:
    keys = ("api_url", "host", "base_url", "issuer")
    return next((key for key in keys if key in type(settings).model_fields), "type")


def _secret_findings(
    root: Node, data: Any, types: Mapping[str, type[ChannelSettings]]
) -> Iterator[FileFault]:
    """Secrets written into the file, named twice, or not named. No value is read."""
    yield from _secrets_at(root, (), data, Config)
    for name, given in _group(data, "channels").items():
        if settings_type := type_of(given, types):
            yield from _secrets_at(root, ("channels", name), given, settings_type)
    for name, given in _group(data, "sources").items():
        if isinstance(given, dict):
            yield from _secrets_at(root, ("sources", name), given, SourceSettings)
    for path, section in SECTIONS.items():
        if isinstance(given := _at(data, *path), dict):
            yield from _secrets_at(root, path, given, section)


def _secrets_at(
    root: Node, path: tuple[str, ...], given: Mapping[str, Any], settings: type[WithSecrets]
) -> Iterator[FileFault]:
    named = {secret.name for secret in settings.secrets if set(secret.keys) & set(given)}
    for secret in settings.secrets:
        env, file = secret.keys
        if secret.name in given:
            sentence = _("a secret is never written here; give {env}: VARIABLE or {file}: PATH")
            yield _found(root, (*path, secret.name), sentence.format(env=env, file=file))
        if env in given and file in given:
            sentence = _("give {env} or {file}, not both")
            yield _found(root, (*path, file), sentence.format(env=env, file=file))
    inline = {secret.name for secret in settings.secrets} & set(given)
    if sentence := _incomplete(named | inline, settings):
        yield FileFault(place(root, path), path, sentence)


def _incomplete(named: set[str], settings: type[WithSecrets]) -> str:
    """What is missing for one of the sets of secrets, or which of them exclude each other."""
    everything = tuple(secret.name for secret in settings.secrets)
    sets = [set(one) for one in settings.secret_sets or (everything,)]
    if named in sets:
        return ""
    open_sets = [one for one in sets if one and named <= one]
    if not open_sets:
        sentence = _("these secrets do not go together; give {sets}")
        return sentence.format(sets=_(", or ").join(_listed(one, everything) for one in sets if one))
    if named:
        open_sets = [min(open_sets, key=len)]
    absent = [_listed(one - named, everything) for one in open_sets]
    example = absent[0].partition(" ")[0]
    return _("{names} missing; give it with {example}_env: VARIABLE or {example}_file: PATH").format(
        names=_(", or ").join(absent), example=example
    )


def _listed(names: set[str], order: tuple[str, ...]) -> str:
    return " + ".join(name for name in order if name in names)


def type_of(given: Any, types: Mapping[str, type[ChannelSettings]]) -> type[ChannelSettings] | None:
    """The settings class for a channel's `type`; None for an unknown type."""
    name = given.get("type") if isinstance(given, dict) else None
    return types.get(name) if isinstance(name, str) else None


def _group(data: Any, key: str) -> Mapping[str, Any]:
    found = _at(data, key)
    return found if isinstance(found, dict) else {}


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _found(root: Node, path: tuple[str | int, ...], sentence: str) -> FileFault:
    node = node_at(root, path)
    return FileFault(place(root, path) if node is None else node.mark, path, sentence)


def content(path: Path) -> bytes:
    """The bytes of a configuration file. Raises `ConfigInvalid` if it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            found = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        sentence = _("{path} does not exist. `alertbot init` writes one.")
        raise ConfigInvalid(sentence.format(path=path)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigInvalid(_("{path} cannot be read: {why}.").format(path=path, why=why)) from None
    if len(found) > LARGEST_BYTES:
        sentence = _("{path} is larger than 1 MB. Put recipients in a separate CSV file.")
        raise ConfigInvalid(sentence.format(path=path))
    return found


def _decoded(path: Path, found: bytes) -> str:
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = found[: error.start]
        mark = Mark(before.count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1)
    raise invalid(path, [FileFault(mark, (), _("is not UTF-8; save the file as UTF-8"))])


def _not_a_mapping(root: Node | None) -> FileFault:
    if root is None or root.value is None:
        return FileFault(Mark(), (), _("the file is empty; `alertbot init` writes a complete one"))
    sentence = _(
        "the file must contain keys (organisation:, channels:, …), not a list or a single value"
    )
    return FileFault(root.mark, (), sentence)


def invalid(path: Path, found: list[FileFault]) -> ConfigInvalid:
    """The error with every fault and its place."""
    found = sorted(dict.fromkeys(found), key=lambda one: one.mark)
    lines = [one.line(str(path)) for one in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        lines.append(_("… and {n} more.").format(n=len(found) - MOST_LINES))
    head = ngettext("{path} has {n} fault:", "{path} has {n} faults:", len(found))
    return ConfigInvalid(head.format(path=path, n=len(found)), lines)
