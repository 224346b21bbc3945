"""How often one address may ask for links that do not exist. In memory, forgotten with the process."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

MOST_WRONG = 20
WINDOW_SECONDS = 600.0
MOST_ADDRESSES = 10_000  # remembered; the one that was quiet longest is forgotten first
IPV6_HOUSEHOLD = 64  # bits: whoever has one address there has them all


class Attempts:
    """Wrong asks of the last `WINDOW_SECONDS`, by address."""

    def __init__(self, most: int = MOST_WRONG, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """For how many seconds this address is not answered; 0 where it is."""
        asked = self._wrong.get(_household(address))
        if asked is None:
            return 0.0
        since = self._clock() - WINDOW_SECONDS
        while asked and asked[0] <= since:
            asked.popleft()
        return asked[0] - since if len(asked) >= self._most else 0.0

    def note(self, address: str) -> None:
        """This address asked for something that does not exist."""
        home = _household(address)
        self._wrong.setdefault(home, deque(maxlen=self._most)).append(self._clock())
        self._wrong.move_to_end(home)
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)


def _household(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network(f"{known.packed.hex(':', 2)}/{IPV6_HOUSEHOLD}", strict=False))
