"""The installed types of channel: every entry point in the group `alertbot.channels`."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.core.errors import ConfigInvalid, safe
from alertbot.core.model import ChannelSpec
from alertbot.core.words import _

GROUP = "alertbot.channels"
OURS = "alertbot"

AdapterType = type[Adapter[Any]]


class _Types(Mapping[str, AdapterType]):
    """Names are known at once; an adapter is imported when first asked for."""

    def __init__(self, announced: Mapping[str, EntryPoint]) -> None:
        self._announced = dict(announced)
        self._loaded: dict[str, AdapterType] = {}

    def __getitem__(self, name: str) -> AdapterType:
        if name not in self._loaded:
            self._loaded[name] = _load(self._announced[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._announced

    def __iter__(self) -> Iterator[str]:
        return iter(self._announced)

    def __len__(self) -> int:
        return len(self._announced)


class _PartOf(Mapping[str, Any]):
    """An attribute of each type; a type is loaded when its own is asked for."""

    def __init__(self, types: Mapping[str, AdapterType], part: str) -> None:
        self._types, self._part = types, part

    def __getitem__(self, name: str) -> Any:
        return getattr(self._types[name], self._part)

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


def settings_types() -> Mapping[str, type[ChannelSettings]]:
    """The settings of each type of channel; see `adapter_types`."""
    return _PartOf(adapter_types(), "settings_type")


def specs() -> Mapping[str, ChannelSpec]:
    """What each type of channel can do; see `adapter_types`."""
    return _PartOf(adapter_types(), "spec")


@cache
def adapter_types() -> Mapping[str, AdapterType]:
    """Every installed type of channel by name. Asking for a broken one raises `ConfigInvalid` with the
    package to fix; the others are not affected."""
    return types_of(entry_points(group=GROUP))


def types_of(
    announced: Iterator[EntryPoint] | tuple[EntryPoint, ...] | Any,
) -> Mapping[str, AdapterType]:
    """The types of channel in the given entry points. The shipped ones come last, so that no package can
    take their names."""
    return _Types({point.name: point for point in sorted(announced, key=_is_ours)})


def _is_ours(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == OURS


def _load(point: EntryPoint) -> AdapterType:
    try:
        found = point.load()
    except Exception as error:  # noqa: BLE001 - foreign code; its fault becomes a sentence
        raise _broken(point, f"{type(error).__name__}: {safe(error)}") from None
    if wrong := _what_is_wrong(point.name, found):
        raise _broken(point, wrong)
    adapter: AdapterType = found
    return adapter


def _what_is_wrong(name: str, found: object) -> str:
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        return _("it is not a subclass of alertbot.channels.base.Adapter")
    spec, settings = getattr(found, "spec", None), getattr(found, "settings_type", None)
    if not isinstance(spec, ChannelSpec) or spec.type != name:
        return _("its `spec` is not a ChannelSpec of the type {name}").format(name=name)
    if not (isinstance(settings, type) and issubclass(settings, ChannelSettings)):
        return _("its `settings_type` is not a subclass of ChannelSettings")
    return ""


def _broken(point: EntryPoint, why: str) -> ConfigInvalid:
    package = point.dist.name if point.dist is not None else point.value
    return ConfigInvalid(
        _(
            "The channel type {name} from the package {package} cannot be used: {why}. Fix or"
            " uninstall the package, or remove its channels from the configuration."
        ).format(name=point.name, package=package, why=why)
    )
