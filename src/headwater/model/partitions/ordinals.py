"""Sets of ordinals as compressed bitmaps, and the dictionary that numbers keys which have no arithmetic.

A bitmap here is frozen: every operation makes a new one. Ordinals fit 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyroaring import FrozenBitMap

    Ordinals = FrozenBitMap


def no_ordinals() -> Ordinals:
    from pyroaring import FrozenBitMap

    return FrozenBitMap()


def ordinals_of(ordinals: Iterable[int]) -> Ordinals:
    """Return the set of `ordinals`; a `range` costs no more than its ends."""
    from pyroaring import FrozenBitMap

    return FrozenBitMap(ordinals)


def ordinals_between(first: int, last: int) -> Ordinals:
    """Return every ordinal from `first` to `last`, both included; none when `last` is before `first`."""
    from pyroaring import FrozenBitMap

    return FrozenBitMap(range(first, last + 1)) if last >= first else FrozenBitMap()


def union_of(sets: Iterable[Ordinals]) -> Ordinals:
    from pyroaring import BitMap, FrozenBitMap

    total = BitMap()
    for ordinals in sets:
        total |= ordinals
    return FrozenBitMap(total)


def runs(ordinals: Ordinals) -> Iterator[tuple[int, int]]:
    """Yield each unbroken run as (first, last), lowest first; the cost is in the number of runs, not of ordinals."""
    if not ordinals:
        return
    lowest, highest = ordinals.min(), ordinals.max()
    if highest - lowest + 1 == len(ordinals):
        yield lowest, highest
        return
    gaps = ordinals.flip(lowest, highest + 1)
    start = lowest
    while True:
        # The last run has no gap after it.
        if start > gaps.max():
            yield start, highest
            return
        gap = gaps.next_set_bit(start)
        yield start, gap - 1
        start = ordinals.next_set_bit(gap)


def shifted(ordinals: Ordinals, by: int) -> Ordinals:
    """Return the ordinals moved by `by`; those that would fall below zero are dropped."""
    return ordinals.shift(by) if by else ordinals


def ordinals_to_text(ordinals: Ordinals) -> str:
    """Return a compact text, the same for equal sets."""
    from base64 import b64encode

    from pyroaring import BitMap

    compact = BitMap(ordinals)
    compact.run_optimize()
    return b64encode(compact.serialize()).decode("ascii")


def ordinals_from_text(text: str) -> Ordinals:
    from base64 import b64decode

    from pyroaring import FrozenBitMap

    return FrozenBitMap.deserialize(b64decode(text.encode("ascii"), validate=True))


class KeyDictionary:
    """Numbers keys in the order in which they are first seen. It only grows, so a number never changes its meaning."""

    __slots__ = ("_keys", "_lock", "_ordinal_by_key")

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys: list[str] = list(keys)
        self._ordinal_by_key: dict[str, int] = {key: ordinal for ordinal, key in enumerate(self._keys)}
        self._lock = Lock()

    def find_ordinal(self, key: str) -> int | None:
        return self._ordinal_by_key.get(key)

    def ordinal(self, key: str) -> int:
        """Return the number of `key`, giving it the next one if it has none."""
        known = self._ordinal_by_key.get(key)
        if known is not None:
            return known
        with self._lock:
            known = self._ordinal_by_key.get(key)
            if known is None:
                known = len(self._keys)
                self._keys.append(str(key))
                self._ordinal_by_key[str(key)] = known
            return known

    def ordinals(self, keys: Iterable[str]) -> Ordinals:
        wanted = list(keys)
        numbers = list(map(self._ordinal_by_key.get, wanted))
        if None in numbers:
            numbers = list(map(self.ordinal, wanted))
        return ordinals_of(number for number in numbers if number is not None)

    def key(self, ordinal: int) -> str:
        return self._keys[ordinal]


_DICTIONARIES: dict[str, KeyDictionary] = {}
_DICTIONARIES_LOCK = Lock()


def shared_dictionary(space: str, keys: Iterable[str] = ()) -> KeyDictionary:
    """Return this process's dictionary for `space`, begun with `keys` the first time.

    Like interned strings it holds no meaning of its own: equal keys get equal numbers for as long as the process lives,
    and nothing outside the process ever sees a number.
    """
    found = _DICTIONARIES.get(space)
    if found is None:
        with _DICTIONARIES_LOCK:
            found = _DICTIONARIES.setdefault(space, KeyDictionary(keys))
    return found
