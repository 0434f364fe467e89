"""Partitions of several dimensions, multiplied only as far as someone looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import product as cartesian
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError, UnknownPartitionError
from headwater.model.errors.root import did_you_mean
from headwater.model.partitions import product
from headwater.model.partitions.definition import PARTITION_TAG, DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.keys import DIMENSION_SEPARATOR, MultiPartitionKey, PartitionKeyRange
from headwater.model.partitions.multi_subset import ProductPartitionsSubset
from headwater.model.partitions.static import StaticPartitionsDefinition
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.model.partitions.windows import TimeWindow

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals


class PartitionDimensionDefinition(NamedTuple):
    """One dimension of a definition of several."""

    name: str
    partitions_def: PartitionsDefinition[Any]


class MultiPartitionsDefinition(PartitionsDefinition[MultiPartitionKey]):
    """Every combination of the partitions of any number of named dimensions, which are ordered by name.

    Raises InvalidPartitionsDefinitionError without dimensions, for a dimension that has several itself, and for static
    keys that hold a "|", which joins the parts of a key.
    """

    def __init__(self, partitions_defs: Mapping[str, PartitionsDefinition[Any]]) -> None:
        if not partitions_defs:
            raise InvalidPartitionsDefinitionError(
                what="A MultiPartitionsDefinition has no dimensions.",
                why="Its partitions are the combinations of its dimensions.",
                fix='Write MultiPartitionsDefinition({"date": DailyPartitionsDefinition(...), ...}).',
            )
        self._defs = {name: partitions_defs[name] for name in sorted(partitions_defs)}
        for name, definition in self._defs.items():
            _check_dimension(name, definition)

    @property
    def partitions_defs(self) -> Sequence[PartitionDimensionDefinition]:
        """The dimensions, in order of name."""
        return [PartitionDimensionDefinition(name, definition) for name, definition in self._defs.items()]

    @property
    def defs_by_dimension(self) -> Mapping[str, PartitionsDefinition[Any]]:
        """The definition of each dimension, by name, in order of name."""
        return self._defs

    @property
    def partition_dimension_names(self) -> list[str]:
        return list(self._defs)

    def get_partitions_def_for_dimension(self, dimension_name: str) -> PartitionsDefinition[Any]:
        """Return the definition of a dimension. Raises InvalidPartitionsDefinitionError if there is no such one."""
        try:
            return self._defs[dimension_name]
        except KeyError:
            raise InvalidPartitionsDefinitionError(
                what=f'There is no dimension "{dimension_name}" in {self.describe()}.',
                why="Its partitions were asked for.",
                fix=f"{did_you_mean(dimension_name, self._defs)}The dimensions are: {', '.join(self._defs)}.",
            ) from None

    @property
    def time_window_dimensions(self) -> list[PartitionDimensionDefinition]:
        """The dimensions that are windows of time."""
        return [
            item for item in self.partitions_defs if isinstance(item.partitions_def, TimeWindowPartitionsDefinition)
        ]

    @property
    def has_time_window_dimension(self) -> bool:
        return bool(self.time_window_dimensions)

    @property
    def time_window_dimension(self) -> PartitionDimensionDefinition:
        """The one dimension of time windows. Raises InvalidPartitionsDefinitionError unless there is exactly one."""
        found = self.time_window_dimensions
        if len(found) != 1:
            raise InvalidPartitionsDefinitionError(
                what=f"{len(found) or 'None'} of the dimensions of {self.describe()} are windows of time.",
                why="The window of a partition is asked for, so there must be exactly one.",
                fix="Ask the definition of a dimension: get_partitions_def_for_dimension(name).",
            )
        return found[0]

    @property
    def time_window_partitions_def(self) -> TimeWindowPartitionsDefinition:
        definition = self.time_window_dimension.partitions_def
        assert isinstance(definition, TimeWindowPartitionsDefinition)
        return definition

    @property
    def primary_dimension(self) -> PartitionDimensionDefinition:
        """The dimension of time windows if there is exactly one, else the first by name."""
        found = self.time_window_dimensions
        return found[0] if len(found) == 1 else self.partitions_defs[0]

    @property
    def secondary_dimension(self) -> PartitionDimensionDefinition:
        """The first dimension by name that is not the primary one."""
        primary = self.primary_dimension.name
        others = [item for item in self.partitions_defs if item.name != primary]
        if not others:
            raise InvalidPartitionsDefinitionError(
                what=f"{self.describe()} has one dimension only.",
                why="A second one was asked for.",
                fix="Read partitions_defs instead.",
            )
        return others[0]

    # Keys

    def find_key(self, partition_key: str) -> MultiPartitionKey | None:
        """Return the parts of a written key, or None when it has not one for each dimension."""
        if isinstance(partition_key, MultiPartitionKey):
            return partition_key if list(partition_key.keys_by_dimension) == list(self._defs) else None
        parts = partition_key.split(DIMENSION_SEPARATOR)
        return MultiPartitionKey(dict(zip(self._defs, parts, strict=True))) if len(parts) == len(self._defs) else None

    def get_partition_key_from_str(self, partition_key_str: str) -> MultiPartitionKey:
        """Return the parts of a written key. Raises UnknownPartitionError when it has not one for each dimension."""
        key = self.find_key(partition_key_str)
        if key is None:
            raise UnknownPartitionError(partition_key_str, self.describe(), self._hint_for_form())
        return key

    def is_valid_key_format(self, partition_key: str) -> bool:
        return self.find_key(partition_key) is not None

    def _hint_for_form(self) -> str:
        form = DIMENSION_SEPARATOR.join(f"<{name}>" for name in self._defs)
        parts = ", ".join(f'"{name}": ...' for name in self._defs)
        return f'Keys are written "{form}", or MultiPartitionKey({{{parts}}}).'

    def hint_for_unknown_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str:
        key = self.find_key(partition_key)
        if key is None:
            return self._hint_for_form()
        for name, part in key.keys_by_dimension.items():
            if not self._defs[name].has_partition_key(part, current_time, dynamic_partitions_store):
                hint = self._defs[name].hint_for_unknown_key(part, current_time, dynamic_partitions_store)
                return f'Dimension "{name}" has no "{part}". {hint}'
        return self._hint_for_form()

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[MultiPartitionKey]:
        """Return every combination; the last dimension by name moves fastest."""
        return list(self.iterate_partition_keys(current_time, dynamic_partitions_store))

    def iterate_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Iterator[MultiPartitionKey]:
        """Yield every combination without holding them all."""
        keys = [item.get_partition_keys(current_time, dynamic_partitions_store) for item in self._defs.values()]
        for parts in cartesian(*keys):
            yield MultiPartitionKey(dict(zip(self._defs, parts, strict=True)))

    def _key_of(self, parts: Iterable[str | None]) -> MultiPartitionKey | None:
        found = {name: part for name, part in zip(self._defs, parts, strict=True) if part is not None}
        return MultiPartitionKey(found) if len(found) == len(self._defs) else None

    def get_first_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> MultiPartitionKey | None:
        return self._key_of(
            item.get_first_partition_key(current_time, dynamic_partitions_store) for item in self._defs.values()
        )

    def get_last_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> MultiPartitionKey | None:
        return self._key_of(
            item.get_last_partition_key(current_time, dynamic_partitions_store) for item in self._defs.values()
        )

    def get_num_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> int:
        return prod(item.get_num_partitions(current_time, dynamic_partitions_store) for item in self._defs.values())

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        key = self.find_key(partition_key)
        return key is not None and all(
            self._defs[name].has_partition_key(part, current_time, dynamic_partitions_store)
            for name, part in key.keys_by_dimension.items()
        )

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[MultiPartitionKey]:
        """Return the combinations of the range of each dimension, both ends included and existing."""
        keys = [
            self._defs[name].get_partition_keys_in_range(side, current_time, dynamic_partitions_store)
            for name, side in self._sides(partition_key_range).items()
        ]
        return [MultiPartitionKey(dict(zip(self._defs, parts, strict=True))) for parts in cartesian(*keys)]

    def _sides(self, partition_key_range: PartitionKeyRange) -> dict[str, PartitionKeyRange]:
        start, end = map(self.get_partition_key_from_str, partition_key_range)
        return {
            name: PartitionKeyRange(start.keys_by_dimension[name], end.keys_by_dimension[name]) for name in self._defs
        }

    def get_multipartition_keys_with_dimension_value(
        self,
        dimension_name: str,
        dimension_partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[MultiPartitionKey]:
        """Return the keys that have this key in that dimension."""
        return self.get_multipartition_keys_with_dimension_values(
            dimension_name, [dimension_partition_key], current_time, dynamic_partitions_store
        )

    def get_multipartition_keys_with_dimension_values(
        self,
        dimension_name: str,
        dimension_partition_keys: Sequence[str],
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[MultiPartitionKey]:
        """Return the keys that have one of these keys in that dimension."""
        self.get_partitions_def_for_dimension(dimension_name)
        keys = [
            dimension_partition_keys
            if name == dimension_name
            else item.get_partition_keys(current_time, dynamic_partitions_store)
            for name, item in self._defs.items()
        ]
        return [MultiPartitionKey(dict(zip(self._defs, parts, strict=True))) for parts in cartesian(*keys)]

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """Return the window of the one dimension of time."""
        part = self.get_partition_key_from_str(partition_key).keys_by_dimension[self.time_window_dimension.name]
        return self.time_window_partitions_def.time_window_for_partition_key(part)

    def get_tags_for_partition_key(self, partition_key: str) -> Mapping[str, str]:
        parts = self.get_partition_key_from_str(partition_key).keys_by_dimension
        return {PARTITION_TAG: partition_key, **{f"{PARTITION_TAG}/{name}": part for name, part in parts.items()}}

    # Sets

    @property
    def depth(self) -> int:
        return len(self._defs)

    def empty_subset(self) -> ProductPartitionsSubset:
        return ProductPartitionsSubset(self, product.empty(self.depth))

    def subset_of_box(self, sides: Mapping[str, Ordinals]) -> ProductPartitionsSubset:
        """Return the set of all combinations of the given ordinals of each dimension."""
        return ProductPartitionsSubset(self, product.of_box([sides[name] for name in self._defs]))

    def subset_with_all_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> ProductPartitionsSubset:
        return self.subset_of_box(
            {name: item.existing_ordinals(current_time, dynamic_partitions_store) for name, item in self._defs.items()}
        )

    def find_ordinals(self, partition_key: str) -> tuple[int, ...] | None:
        """Return a key's number in each dimension, or None for one that could never be a key here."""
        key = self.find_key(partition_key)
        if key is None:
            return None
        found = tuple(self._defs[name].find_ordinal(part) for name, part in key.keys_by_dimension.items())
        return None if None in found else tuple(number for number in found if number is not None)

    def key_of_ordinals(self, ordinals: Sequence[int]) -> MultiPartitionKey:
        return MultiPartitionKey(
            {name: item.key_at(number) for (name, item), number in zip(self._defs.items(), ordinals, strict=True)}
        )

    def subset_with_partition_keys(self, partition_keys: Iterable[str]) -> ProductPartitionsSubset:
        found = []
        known: dict[tuple[str, str], int | None] = {}
        for key in partition_keys:
            parts = self.find_key(key)
            ordinals: list[int] = []
            for place in parts._keys_by_dimension.items() if parts is not None else ():
                if place not in known:
                    known[place] = self._defs[place[0]].find_ordinal(place[1])
                ordinal = known[place]
                if ordinal is not None:
                    ordinals.append(ordinal)
            if len(ordinals) != len(self._defs):
                hint = self._hint_for_form() if self.find_key(key) is None else self._hint_for_misfit(key)
                raise UnknownPartitionError(key, self.describe(), hint)
            found.append(tuple(ordinals))
        return ProductPartitionsSubset(self, product.of_tuples(found, self.depth))

    def _hint_for_misfit(self, partition_key: str) -> str:
        for name, part in self.get_partition_key_from_str(partition_key).keys_by_dimension.items():
            if self._defs[name].find_ordinal(part) is None:
                return f'Dimension "{name}" has no "{part}". {self._defs[name].hint_for_unknown_key(part)}'
        return self._hint_for_form()

    def subset_with_partition_key_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> ProductPartitionsSubset:
        sides = {}
        for name, wanted in self._sides(partition_key_range).items():
            item = self._defs[name]
            keys = item.subset_with_partition_key_range(wanted, current_time, dynamic_partitions_store)
            sides[name] = keys.ordinals  # type: ignore[attr-defined]
        return self.subset_of_box(sides)

    # Identity

    @cached_property
    def ordinal_space(self) -> str:
        return "multi:" + ";".join(f"{name}={item.ordinal_space}" for name, item in self._defs.items())

    def to_data(self) -> dict[str, Any]:
        return {"kind": "multi", "dimensions": {name: item.to_data() for name, item in self._defs.items()}}

    def identity_data(self) -> Any:
        return {"kind": "multi", "dimensions": {name: item.identity_data() for name, item in self._defs.items()}}

    def describe(self) -> str:
        return " × ".join(f'"{name}": {item.describe()}' for name, item in self._defs.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiPartitionsDefinition) and other._defs == self._defs

    def __hash__(self) -> int:
        return hash(tuple(self._defs.items()))

    def __repr__(self) -> str:
        return f"MultiPartitionsDefinition({self._defs!r})"


def _check_dimension(name: str, definition: object) -> None:
    if isinstance(definition, MultiPartitionsDefinition) or not isinstance(definition, PartitionsDefinition):
        raise InvalidPartitionsDefinitionError(
            what=f'Dimension "{name}" is {definition!r}.',
            why="Each dimension is a time-window, static or dynamic partitions definition.",
            fix="Give each of its own dimensions a name at the top."
            if isinstance(definition, MultiPartitionsDefinition)
            else "Pass a partitions definition.",
        )
    if isinstance(definition, StaticPartitionsDefinition):
        for key in definition.get_partition_keys():
            if DIMENSION_SEPARATOR in key:
                raise InvalidPartitionsDefinitionError(
                    what=f'The key "{key}" of dimension "{name}" contains "{DIMENSION_SEPARATOR}".',
                    why="That character joins the parts of a key of several dimensions.",
                    fix="Choose a key without it.",
                )
    if isinstance(definition, TimeWindowPartitionsDefinition) and DIMENSION_SEPARATOR in definition.fmt:
        raise InvalidPartitionsDefinitionError(
            what=f'The format "{definition.fmt}" of dimension "{name}" contains "{DIMENSION_SEPARATOR}".',
            why="That character joins the parts of a key of several dimensions.",
            fix="Choose a format without it.",
        )
