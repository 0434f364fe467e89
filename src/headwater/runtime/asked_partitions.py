"""Which partitions of each asset a request means, also where the assets have different partitions.

They are read in the definition that has them, the most upstream one if several do; assets with other partitions get what
follows from that, or what that needs, along the dependencies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from headwater.model.errors.backfill_requests import RequestDoesNotMap, UnclearBackfillRequest
from headwater.model.errors.definition import CheckError
from headwater.model.errors.partition_spelling import RangeWrongWayRoundError
from headwater.model.errors.partitions import (
    InvalidPartitionsDefinitionError,
    PartitionsMismatchError,
)
from headwater.model.keys import AssetKey
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.spelling import read_partitions
from headwater.model.partitions.subset import PartitionsSubset
from headwater.views.partition_spaces import PartitionSpace, PartitionSpaces
from headwater.views.staleness import Part
from headwater.views.words import counted


@dataclass(frozen=True, slots=True)
class AskedPartitions:
    """Partitions as they were asked for: at most one of the three; without any, all that exist."""

    keys: tuple[str, ...] | None = None
    ends: tuple[str, str] | None = None
    spelling: str | None = None

    @property
    def is_all(self) -> bool:
        return self.keys is None and self.ends is None and self.spelling is None

    def __str__(self) -> str:
        if self.keys is not None:
            return ", ".join(self.keys[:3]) + (", ..." if len(self.keys) > 3 else "")
        return "...".join(self.ends) if self.ends is not None else self.spelling or "all"

    def read_in(self, space: PartitionSpace, spaces: PartitionSpaces) -> PartitionsSubset[Any]:
        """Return what they are in one definition. Raises UnknownPartitionError, and CheckError for what no one could mean."""
        definition = space.definition
        if self.keys is not None:
            for key in self.keys:
                definition.validate_partition_key(key, spaces.now, spaces.store)
            return space.existing_among(self.keys)
        if self.ends is not None:
            start, end = self.ends
            between = PartitionKeyRange(start, end)
            found = definition.subset_with_partition_key_range(between, spaces.now, spaces.store) & space.existing
            if not found:
                raise RangeWrongWayRoundError(start, end, definition.describe())
            return found
        if self.spelling is not None:
            return read_partitions(self.spelling, definition, spaces.now, spaces.store) & space.existing
        return space.existing


def asked_parts(
    chosen: Sequence[AssetKey], spaces: PartitionSpaces, asked: AskedPartitions
) -> tuple[dict[AssetKey, Part], list[str]]:
    """Return the partitions of each asset that a request means (True: the whole of one without), and what to warn of.

    Raises UnknownPartitionError when no definition has them, and RequestDoesNotMap when an asset has others that do not
    correspond to them.
    """
    space_of = {key: space for key in chosen if (space := spaces.of(key)) is not None}
    parts: dict[AssetKey, Part] = {key: True for key in chosen if key not in space_of}
    if asked.is_all:
        parts.update({key: space.existing for key, space in space_of.items()})
        return parts, []
    if not space_of:
        raise UnclearBackfillRequest(
            what=f'Partitions "{asked}" were asked for, and nothing that is selected is partitioned.',
            why="There is no partition that they could mean.",
            fix="Leave the partitions out, or select an asset with a partitions_def.",
        )
    distinct = {id(space): space for space in space_of.values()}
    readings: dict[int, PartitionsSubset[Any]] = {}
    problems: list[Exception] = []
    for number, space in distinct.items():
        try:
            readings[number] = asked.read_in(space, spaces)
        except CheckError as error:
            problems.append(error)
    if not readings:
        raise next((each for each in problems if isinstance(each, RangeWrongWayRoundError)), problems[0])
    if len(readings) == len(distinct) == 1:
        (reading,) = readings.values()
        parts.update(dict.fromkeys(space_of, reading))
        return parts, []
    spread = _Spread(space_of, spaces, readings)
    spread.fill()
    missing = next((key for key in space_of if key not in spread.parts), None)
    if missing is not None:
        first = next(key for key, space in space_of.items() if id(space) in spread.read_in)
        raise RequestDoesNotMap(
            str(asked),
            str(first),
            space_of[first].definition.describe(),
            str(missing),
            space_of[missing].definition.describe(),
        )
    parts.update({key: spread.parts[key] for key in space_of})
    return parts, spread.warnings(str(asked))


class _Spread:
    """Brings what was asked for from the definitions that have it to the others."""

    def __init__(
        self,
        space_of: Mapping[AssetKey, PartitionSpace],
        spaces: PartitionSpaces,
        readings: Mapping[int, PartitionsSubset[Any]],
    ) -> None:
        self.spaces = spaces
        self.space_of = space_of
        self.readings = readings
        self.read_in: set[int] = set()
        self.parts: dict[AssetKey, PartitionsSubset[Any]] = {}
        graph = spaces.graph
        between = graph.descendants(space_of) & graph.ancestors(space_of)
        self.order = [
            key for key in graph.toposort() if key in space_of or (key in between and spaces.of(key) is not None)
        ]

    def fill(self) -> None:
        self._downward()
        count = -1
        while count < len(self.parts):
            count = len(self.parts)
            self._upward()
            self._downward()
            self._sideways()

    def warnings(self, asked: str) -> list[str]:
        """Say where the same keys were taken to mean something else than they could."""
        told: list[str] = []
        seen: set[int] = set()
        for key, space in self.space_of.items():
            reading = self.readings.get(id(space))
            if reading is None or id(space) in self.read_in or id(space) in seen or self.parts[key] == reading:
                continue
            seen.add(id(space))
            first = next(each for each in self.space_of if id(self.space_of[each]) in self.read_in)
            told.append(
                f'"{asked}" was read in the partitions of "{first}"; of "{key}" the '
                f"{counted(len(self.parts[key]), 'partition')} that correspond to them would be built."
            )
        return told

    def _downward(self) -> None:
        graph, spaces = self.spaces.graph, self.spaces
        for key in self.order:
            if key in self.parts:
                continue
            space = spaces.of(key)
            if space is None:
                continue
            if id(space) in self.read_in and key in self.space_of:
                self.parts[key] = self.readings[id(space)]
                continue
            found: PartitionsSubset[Any] | None = None
            for parent in graph.parents(key):
                if parent in self.parts:
                    # Definitions that have nothing in common are told of when no other way leads there.
                    with suppress(PartitionsMismatchError, InvalidPartitionsDefinitionError):
                        follows = spaces.downstream_of(parent, self.parts[parent], key)
                        found = follows if found is None else found | follows
            if found is None and key in self.space_of and id(space) in self.readings:
                self.read_in.add(id(space))
                found = self.readings[id(space)]
            if found is not None:
                self.parts[key] = found

    def _upward(self) -> None:
        graph, spaces = self.spaces.graph, self.spaces
        for key in reversed(self.order):
            if key in self.parts:
                continue
            found: PartitionsSubset[Any] | None = None
            for child in graph.children(key):
                if child in self.parts:
                    with suppress(PartitionsMismatchError, InvalidPartitionsDefinitionError):
                        needed = spaces.upstream_of(child, self.parts[child], key)
                        found = needed if found is None else found | needed
            if found is not None:
                self.parts[key] = found

    def _sideways(self) -> None:
        """Give an asset that nothing leads to what others with the same partitions got."""
        for key, space in self.space_of.items():
            if key not in self.parts:
                alike = [
                    self.parts[each] for each in self.space_of if each in self.parts and self.space_of[each] is space
                ]
                if alike:
                    found = alike[0]
                    for each in alike[1:]:
                        found = found | each
                    self.parts[key] = found
