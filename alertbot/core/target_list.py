"""Many targets in little memory. A list of mayors is tens of thousands of addresses: as objects they take ten times as
much as their letters."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import overload

from alertbot.core.model import Target

ERASED = "erased:"
"""With a pseudonym behind it: what stands in the place of an address that was erased."""

_Traits = tuple[str | None, tuple[str, ...]]  # what many targets have in common: language, topics


def is_erased(address: str) -> bool:
    """Whether only its pseudonym is left of an address."""
    return address.startswith(ERASED)


class TargetList(Sequence[Target]):
    """Targets, each made anew where it is asked for. Equal to every sequence of the same targets."""

    __slots__ = ("_ends", "_kinds", "_letters", "_numbers", "_traits")

    def __init__(self, targets: Iterable[Target] = ()) -> None:
        self._letters, self._ends, self._kinds = bytearray(), array("Q"), array("I")
        self._traits: list[_Traits] = []
        self._numbers: dict[_Traits, int] = {}
        for one in targets:
            self.append(one)

    def append(self, one: Target) -> None:
        """Add one at the end; before the list is given to anybody."""
        self._letters += one.address.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._letters))
        traits = (one.lang, one.topics)
        number = self._numbers.setdefault(traits, len(self._traits))
        if number == len(self._traits):
            self._traits.append(traits)
        self._kinds.append(number)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> Target: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Target]: ...
    def __getitem__(self, place: int | slice) -> Target | Sequence[Target]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        at = range(len(self))[place]
        begin = self._ends[at - 1] if at else 0
        address = self._letters[begin : self._ends[at]].decode("utf-8", "surrogatepass")
        return Target(address, *self._traits[self._kinds[at]])

    def __iter__(self) -> Iterator[Target]:
        begin, letters, traits = 0, self._letters, self._traits
        for end, kind in zip(self._ends, self._kinds, strict=True):
            yield Target(letters[begin:end].decode("utf-8", "surrogatepass"), *traits[kind])
            begin = end

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    def __hash__(self) -> int:
        return hash((bytes(self._letters), len(self)))

    def __repr__(self) -> str:
        return f"TargetList({list(self)!r})" if len(self) < 10 else f"<{len(self)} targets>"

    def in_languages(self, languages: Sequence[str]) -> "TargetList":
        """The same targets, each with its own language if that is among these, else with the first of them."""
        if not languages:
            return TargetList()
        found = TargetList()
        found._letters, found._ends, found._kinds = self._letters, self._ends, self._kinds
        found._traits = [
            (lang if lang in languages else languages[0], topics) for lang, topics in self._traits
        ]
        return found

    def by_language(self) -> Counter[str | None]:
        """How many there are of each language."""
        found: Counter[str | None] = Counter()
        for kind, number in Counter(self._kinds).items():
            found[self._traits[kind][0]] += number
        return found


_KEY = token_bytes(32)  # of this process: nobody can prepare an address that passes for another
_DIGEST_BYTES = 8


class AddressSet(Container[str]):
    """Which addresses are in it, at eight bytes for each."""

    __slots__ = ("_sums",)

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self._sums = array("Q", sorted({_sum(one) for one in addresses}))

    def __contains__(self, address: object) -> bool:
        wanted = _sum(str(address))
        place = bisect_left(self._sums, wanted)
        return place < len(self._sums) and self._sums[place] == wanted

    def __len__(self) -> int:
        return len(self._sums)


def _sum(address: str) -> int:
    whole = blake2b(address.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=_KEY)
    return int.from_bytes(whole.digest(), "big")
