"""The pack in force. One program serves one country: its pack is set where the configuration is read (`use`), and
asked for where it is needed (`in_force`), like the reader's language in `core.words`. Without a configuration that
names another it is France's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from alertbot.regions import packs
from alertbot.regions.region import ByLanguage, Region, Service, Territory

_region: ContextVar[Region | None] = ContextVar("region", default=None)


def in_force() -> Region:
    """The pack that this program goes by; France's without a configuration that names another."""
    return _region.get() or _default()


@cache
def _default() -> Region:
    return packs.load(packs.DEFAULT)


def use(region: Region) -> None:
    """From here on, in this task and those it starts, go by this pack."""
    _region.set(region)


@contextmanager
def using(region: Region) -> Iterator[None]:
    """Within it the program goes by this pack."""
    before = _region.set(region)
    try:
        yield
    finally:
        _region.reset(before)


def services() -> Mapping[str, Service]:
    """The services of the pack in force, by key."""
    return in_force().services


def service_named(key: str) -> Service:
    """The service with this key; one that the pack does not know is called by its key: a register outlives packs."""
    return services().get(key) or Service(key, {"en": key})


def all_territories() -> Mapping[str, Territory]:
    """Every territory of the pack in force by its code, the whole country first."""
    return in_force().territories


def find(text: str) -> Territory | None:
    """See `Region.find`."""
    return in_force().find(text)


def free_territory(code: str, names: ByLanguage, zone: str = "") -> Territory | None:
    """See `Region.free_territory`."""
    return in_force().free_territory(code, names, zone)


def order_of(code: str) -> tuple[int, str]:
    """See `Region.order_of`."""
    return in_force().order_of(code)


def whole_country() -> str:
    """The code of the whole country."""
    return in_force().code


@cache
def top_level_domains() -> frozenset[str]:
    """Every top-level domain of IANA in its registered form (`xn--p1ai`). The file says of which day;
    `make domains` renews it."""
    lines = Path(__file__).with_name("domains.txt").read_text(encoding="ascii").split("\n")
    return frozenset(line.strip() for line in lines if line and not line.startswith("#"))
