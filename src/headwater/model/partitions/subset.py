"""Sets of partitions as frozen values.

A set belongs to one definition. It may hold partitions that do not exist now (not yet, or no longer): which ones exist
is asked of the definition. No operation between sets looks at keys.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, cast

from headwater.model.errors.partitions import PartitionsMismatchError
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition, T_str
from headwater.model.partitions.keys import PartitionKeyRange

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals


class PartitionsSubset(ABC, Generic[T_str]):
    """A set of partitions of one definition, with `|`, `&`, `-`, `^`, `len`, `in`, `==`, `<=` and lazy iteration."""

    __slots__ = ()

    @property
    @abstractmethod
    def partitions_def(self) -> PartitionsDefinition[T_str]: ...

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __contains__(self, partition_key: object) -> bool: ...

    @abstractmethod
    def __iter__(self) -> Iterator[T_str]: ...

    @abstractmethod
    def __or__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]: ...

    @abstractmethod
    def __and__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]: ...

    @abstractmethod
    def __sub__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]: ...

    @abstractmethod
    def ranges(self, dynamic_partitions_store: DynamicPartitionsStore | None = None) -> Sequence[PartitionKeyRange]:
        """Return ranges of keys that together hold exactly these partitions.

        Several dimensions give boxes. Dynamic keys have an order only in a store; without one each is its own range.
        """

    @abstractmethod
    def to_data(self) -> Any:
        """Return the set as plain JSON values, without the definition."""

    @property
    def is_empty(self) -> bool:
        return not self

    def __bool__(self) -> bool:
        return len(self) > 0

    def __xor__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]:
        return (self - other) | (other - self)

    def __le__(self, other: PartitionsSubset[Any]) -> bool:
        return (self - other).is_empty

    def __ge__(self, other: PartitionsSubset[Any]) -> bool:
        return other <= self

    def __lt__(self, other: PartitionsSubset[Any]) -> bool:
        return self <= other and self != other

    def __gt__(self, other: PartitionsSubset[Any]) -> bool:
        return other < self

    def isdisjoint(self, other: PartitionsSubset[Any]) -> bool:
        return (self & other).is_empty

    def get_partition_keys(self) -> Iterable[T_str]:
        """Return the keys one by one, in order of their numbers."""
        return iter(self)

    def get_partition_key_ranges(
        self,
        partitions_def: PartitionsDefinition[Any] | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[PartitionKeyRange]:
        """Return `ranges()`."""
        return self.ranges(dynamic_partitions_store)

    def get_partition_keys_not_in_subset(
        self,
        partitions_def: PartitionsDefinition[Any] | None = None,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Iterable[T_str]:
        """Return the keys that exist and are not in the set."""
        return iter(self.partitions_def.subset_with_all_partitions(current_time, dynamic_partitions_store) - self)

    def with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionsSubset[T_str]:
        """Return the set with these partitions added."""
        return self | self.partitions_def.subset_with_partition_keys(partition_keys)

    def with_partition_key_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionsSubset[T_str]:
        """Return the set with the partitions of the range added; both ends must exist."""
        return self.with_partition_key_ranges((partition_key_range,), current_time, dynamic_partitions_store)

    def with_partition_key_ranges(
        self,
        partition_key_ranges: Iterable[PartitionKeyRange],
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionsSubset[T_str]:
        """Return the set with the partitions of all the ranges added; their ends must exist."""
        result: PartitionsSubset[T_str] = self
        for wanted in partition_key_ranges:
            result = result | self.partitions_def.subset_with_partition_key_range(
                wanted, current_time, dynamic_partitions_store
            )
        return result

    def empty_subset(self) -> PartitionsSubset[T_str]:
        return self.partitions_def.empty_subset()

    def serialize(self) -> str:
        """Return the set as text that `deserialize` reads back, in this process or another."""
        from headwater.model.partitions.encoding import subset_to_text

        return subset_to_text(self)

    @staticmethod
    def deserialize(partitions_def: PartitionsDefinition[T_str], serialized: str) -> PartitionsSubset[T_str]:
        """Read what `serialize` wrote. Raises UnreadablePartitionsError if it does not fit the definition."""
        return partitions_def.deserialize_subset(serialized)

    def __repr__(self) -> str:
        shown = ", ".join(f"{start}...{end}" if start != end else start for start, end in self.ranges()[:5])
        return f"<{len(self)} of {self.partitions_def.describe()}: {shown}>"


class OrdinalPartitionsSubset(PartitionsSubset[T_str]):
    """A set of partitions of one dimension, as a bitmap of their numbers."""

    __slots__ = ("_ordinals", "_partitions_def")

    def __init__(self, partitions_def: PartitionsDefinition[T_str], ordinals: Ordinals) -> None:
        self._partitions_def = partitions_def
        self._ordinals = ordinals

    @property
    def partitions_def(self) -> PartitionsDefinition[T_str]:
        return self._partitions_def

    @property
    def ordinals(self) -> Ordinals:
        return self._ordinals

    def _ordinals_from(self, other: object) -> Ordinals:
        """Return another set's ordinals in this definition's numbering."""
        if isinstance(other, OrdinalPartitionsSubset):
            if other._partitions_def is self._partitions_def:
                return other._ordinals
            converted = self._partitions_def.converted(other._ordinals, other._partitions_def)
            if converted is not None:
                return converted
        raise mismatch(self, other)

    def __len__(self) -> int:
        return len(self._ordinals)

    def __bool__(self) -> bool:
        return bool(self._ordinals)

    def __contains__(self, partition_key: object) -> bool:
        if not isinstance(partition_key, str):
            return False
        ordinal = self._partitions_def.find_ordinal(partition_key)
        return ordinal is not None and ordinal in self._ordinals

    def __iter__(self) -> Iterator[T_str]:
        return cast("Iterator[T_str]", self._partitions_def.keys_at(self._ordinals))

    def __or__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]:
        return OrdinalPartitionsSubset(self._partitions_def, self._ordinals | self._ordinals_from(other))

    def __and__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]:
        return OrdinalPartitionsSubset(self._partitions_def, self._ordinals & self._ordinals_from(other))

    def __sub__(self, other: PartitionsSubset[Any]) -> PartitionsSubset[T_str]:
        return OrdinalPartitionsSubset(self._partitions_def, self._ordinals - self._ordinals_from(other))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrdinalPartitionsSubset):
            return NotImplemented
        converted = self._partitions_def.converted(other._ordinals, other._partitions_def)
        return converted is not None and bool(self._ordinals == converted)

    def __hash__(self) -> int:
        return hash(len(self._ordinals))

    def ranges(self, dynamic_partitions_store: DynamicPartitionsStore | None = None) -> Sequence[PartitionKeyRange]:
        return self._partitions_def.ranges_of(self._ordinals, dynamic_partitions_store)

    def to_data(self) -> Any:
        return self._partitions_def.ordinals_to_data(self._ordinals)

    def __reduce__(self) -> tuple[Any, ...]:
        # Numbers of keys in a dictionary mean nothing in another process.
        return (_from_parts, (self._partitions_def, self.to_data()))


def _from_parts(partitions_def: PartitionsDefinition[T_str], data: Any) -> PartitionsSubset[T_str]:
    return OrdinalPartitionsSubset(partitions_def, partitions_def.ordinals_from_data(data))


def mismatch(subset: PartitionsSubset[Any], other: object) -> PartitionsMismatchError:
    described = other.partitions_def.describe() if isinstance(other, PartitionsSubset) else repr(other)
    return PartitionsMismatchError(
        what=f"A set of {subset.partitions_def.describe()} was combined with {described}.",
        why="The same place in both does not mean the same partition.",
        fix="Map one set to the other's definition with a partition mapping first.",
    )
