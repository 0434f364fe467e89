"""Recorded keys read as sets of a definition, a million in well under a second, and sets as bytes to be kept.

A key counts for what the definition of today calls by it. Keys that it cannot have at all are *strange*; those that it could
have, and has not now, stay in the sets, so that they count again when they exist again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headwater.model.partitions import product
from headwater.model.partitions.definition import PartitionsDefinition
from headwater.model.partitions.dynamic import DynamicPartitionsDefinition
from headwater.model.partitions.keys import DIMENSION_SEPARATOR
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.multi_subset import ProductPartitionsSubset
from headwater.model.partitions.ordinals import ordinals_from_text, ordinals_of, ordinals_to_text
from headwater.model.partitions.static import StaticPartitionsDefinition
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.model.partitions.windows import DailyCadence, HourlyCadence

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals

# Reads keys: the numbers of those that could be keys here, and the others.
_ReadKeys = Callable[[Sequence[str]], tuple[list[int], list[str]]]
# The windows whose keys begin alike: the number of the first, and how far from it the one with each ending is.
_Block = tuple[int, Mapping[str, int]]

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})-")


def recorded_space(definition: PartitionsDefinition[Any]) -> str | None:
    """Return the name of what recorded keys mean: where it is the same, kept sets can be read. None: they cannot be kept.

    Of windows of time neither start nor end counts: whatever they are, a key is the same window.
    """
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return f"{definition.ordinal_space}:{definition.fmt}"
    if isinstance(definition, StaticPartitionsDefinition):
        return f"static:{definition.fingerprint}"
    if isinstance(definition, MultiPartitionsDefinition):
        spaces = {name: recorded_space(item) for name, item in definition.defs_by_dimension.items()}
        if all(space is not None for space in spaces.values()):
            return "multi:" + ";".join(f"{name}={space}" for name, space in spaces.items())
    # The numbers of other kinds mean something in this process alone.
    return None


class KeyReader:
    """Reads recorded keys by a definition."""

    def __init__(self, definition: PartitionsDefinition[Any]) -> None:
        self.definition = definition
        self._read_one = (
            None if isinstance(definition, MultiPartitionsDefinition) else _reading_of_one_dimension(definition)
        )
        self._numbers_by_dimension: list[dict[str, int | None]] = []
        if isinstance(definition, MultiPartitionsDefinition):
            self._numbers_by_dimension = [_Numbers(item) for item in definition.defs_by_dimension.values()]

    def read(self, keys: Sequence[str]) -> tuple[PartitionsSubset[Any], list[str]]:
        """Return the set of these keys, and those of them that can be no key of the definition."""
        if not keys:
            return self.definition.empty_subset(), []
        if isinstance(self.definition, DynamicPartitionsDefinition):
            # Whatever was recorded was a key once, and may be one again.
            return self.definition.subset_of_ordinals(self.definition.ordinals_of_keys(keys)), []
        if self._read_one is not None:
            numbers, strange = self._read_one(keys)
            return self.definition.subset_of_ordinals(ordinals_of(numbers)), strange
        return self._read_cells(keys)

    def _read_cells(self, keys: Sequence[str]) -> tuple[PartitionsSubset[Any], list[str]]:
        assert isinstance(self.definition, MultiPartitionsDefinition)
        dimensions, strange = self._numbers_by_dimension, []
        depth = len(dimensions)
        cells: list[tuple[int, ...]] = []
        for key in keys:
            parts = key.split(DIMENSION_SEPARATOR)
            cell = tuple([numbers[part] for numbers, part in zip(dimensions, parts, strict=False)])
            if len(parts) != depth or None in cell:
                strange.append(key)
            else:
                cells.append(cell)  # type: ignore[arg-type]
        return ProductPartitionsSubset(self.definition, product.of_tuples(cells, depth)), strange


class _Numbers(dict[str, "int | None"]):
    """The numbers of the keys of one dimension, each looked for once."""

    def __init__(self, definition: PartitionsDefinition[Any]) -> None:
        super().__init__()
        self._find = definition.find_ordinal

    def __missing__(self, key: str) -> int | None:
        number = self[key] = self._find(key)
        return number


def _reading_of_one_dimension(definition: PartitionsDefinition[Any]) -> _ReadKeys:
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        if isinstance(definition, StaticPartitionsDefinition):
            return lambda keys: _each(keys, definition.places_of(keys))
        return lambda keys: _each(keys, map(definition.find_ordinal, keys))
    cadence = definition.cadence
    if isinstance(cadence, DailyCadence) and definition.fmt == "%Y-%m-%d":
        return _Blocks(definition, _days_of_month)
    if isinstance(cadence, HourlyCadence) and definition.fmt == "%Y-%m-%d-%H:%M":
        return _Blocks(definition, _HoursOfMonth(definition, cadence.minutes))
    return lambda keys: _each(keys, _following(definition, keys))


def _each(keys: Sequence[str], found: Iterable[int | None]) -> tuple[list[int], list[str]]:
    looked_up = list(found)
    numbers = [number for number in looked_up if number is not None]
    if len(numbers) == len(looked_up):
        return numbers, []
    return numbers, [key for key, number in zip(keys, looked_up, strict=True) if number is None]


def _following(definition: TimeWindowPartitionsDefinition, keys: Sequence[str]) -> Iterable[int | None]:
    """Yield the numbers of keys. Most come in their order, and to write the next key is quicker than to read it."""
    expected: int | None = None
    for key in keys:
        number = expected if expected is not None and _key_at(definition, expected) == key else None
        if number is None:
            number = definition.find_ordinal(key)
        yield number
        expected = None if number is None else number + 1


def _key_at(definition: TimeWindowPartitionsDefinition, number: int) -> str | None:
    try:
        return definition.key_at(number)
    except (ValueError, OverflowError):
        return None


class _Blocks(dict[str, _Block]):
    """Keys of windows, read by the month that they begin with and what they end with."""

    def __init__(self, definition: TimeWindowPartitionsDefinition, find_block: Callable[[str], _Block]) -> None:
        super().__init__()
        self._definition = definition
        self._find_block = find_block

    def __missing__(self, prefix: str) -> _Block:
        try:
            block = self._find_block(prefix)
        except (ValueError, OverflowError):
            # Such as a 13th month, or the first of the year 10000.
            block = (0, {})
        self[prefix] = block
        return block

    def __call__(self, keys: Sequence[str]) -> tuple[list[int], list[str]]:
        try:
            return [(block := self[key[:8]])[0] + block[1][key[8:]] for key in keys], []
        except KeyError:
            return _each(keys, map(self._find, keys))

    def _find(self, key: str) -> int | None:
        first, places = self[key[:8]]
        place = places.get(key[8:])
        # The second of two hours that read alike says so behind the minute.
        return self._definition.find_ordinal(key) if place is None else first + place


_DAYS: Mapping[int, Mapping[str, int]] = {
    length: {f"{day:02d}": day - 1 for day in range(1, length + 1)} for length in (28, 29, 30, 31)
}


def _month(prefix: str) -> tuple[datetime, int]:
    """Return the first day of the month that keys begin with, and how many days it has. Raises ValueError."""
    read = _MONTH.fullmatch(prefix)
    if read is None:
        raise ValueError(prefix)
    first = datetime(int(read[1]), int(read[2]), 1)
    if first.year == 9999 and first.month == 12:
        return first, 31
    return first, ((first + timedelta(days=31)).replace(day=1) - first).days


def _days_of_month(prefix: str) -> _Block:
    first, length = _month(prefix)
    return first.toordinal(), _DAYS[length]


class _HoursOfMonth:
    """Blocks of windows of hours. In most months every day is like the other; where the clock is changed, one is not."""

    def __init__(self, definition: TimeWindowPartitionsDefinition, minutes: Sequence[int]) -> None:
        self._definition = definition
        self._cadence = definition.cadence
        self._usual_day = _endings(minutes)
        self._usual = {
            length: {
                f"{day}-{ending}": place * len(self._usual_day) + position
                for day, place in days.items()
                for ending, position in self._usual_day.items()
            }
            for length, days in _DAYS.items()
        }

    def __call__(self, prefix: str) -> _Block:
        first, length = _month(prefix)
        number = self._cadence.number_from_local(first)
        zone = self._definition.zone
        midnights = [first + timedelta(days=day) for day in range(length + 1)]
        if len({zone.utcoffset(midnight) for midnight in midnights}) == 1:
            return number, self._usual[length]
        found: dict[str, int] = {}
        for day, (midnight, following) in enumerate(pairwise(midnights), start=1):
            start, after = self._cadence.number_from_local(midnight), self._cadence.number_from_local(following)
            if after - start == len(self._usual_day) and zone.utcoffset(midnight) == zone.utcoffset(following):
                found.update(
                    (f"{day:02d}-{ending}", start - number + place) for ending, place in self._usual_day.items()
                )
                continue
            keys = ((each, self._definition.key_at(each)) for each in range(start, after))
            found.update((key[len(prefix) :], each - number) for each, key in keys if key.startswith(prefix))
        return number, found


def _endings(minutes: Sequence[int]) -> dict[str, int]:
    """Return the place in a day of 24 hours of each window, by how its key ends."""
    return {
        f"{hour:02d}:{minute:02d}": hour * len(minutes) + place
        for hour in range(24)
        for place, minute in enumerate(minutes)
    }


# --------------------------------------------------------------------------------------------------------- to be kept


def set_to_data(subset: PartitionsSubset[Any]) -> Any:
    """Return a set as JSON values that `set_from_data` reads where `recorded_space` is the same."""
    if isinstance(subset, ProductPartitionsSubset):
        return [[ordinals_to_text(side) for side in box.values()] for box in subset.boxes()]
    assert isinstance(subset, OrdinalPartitionsSubset)
    return ordinals_to_text(subset.ordinals)


def set_from_data(definition: PartitionsDefinition[Any], data: Any) -> PartitionsSubset[Any]:
    """Return the set that `set_to_data` wrote. Raises ValueError for what is none."""
    if isinstance(definition, MultiPartitionsDefinition):
        boxes: list[list[Ordinals]] = [[ordinals_from_text(side) for side in box] for box in data]
        return ProductPartitionsSubset(definition, product.of_boxes(boxes, definition.depth))
    return definition.subset_of_ordinals(ordinals_from_text(data))
