"""Sets of partitions of one asset or check. What has no partitions is either in the set or not.

The promise: no operation loops over keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.partitions.subset import PartitionsSubset

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T_EntityKey = TypeVar("T_EntityKey", bound=AssetKey | AssetCheckKey, default=Any)
else:
    from typing import TypeVar

    T_EntityKey = TypeVar("T_EntityKey")

EntityKey = AssetKey | AssetCheckKey
SubsetValue = bool | PartitionsSubset[Any]


@dataclass(frozen=True, slots=True)
class EntitySubset(Generic[T_EntityKey]):
    """A set of partitions of an asset or check: `value` is True or False for one that has none.

    Combined with `|`, `&` and `-`, and asked with `size`, `is_empty` and `in`.
    """

    key: T_EntityKey
    value: SubsetValue

    @property
    def size(self) -> int:
        """How many partitions there are; 1 or 0 for what has none."""
        return int(self.value) if isinstance(self.value, bool) else len(self.value)

    @property
    def is_empty(self) -> bool:
        return not self.value

    @property
    def is_partitioned(self) -> bool:
        return not isinstance(self.value, bool)

    def __or__(self, other: EntitySubset[Any]) -> EntitySubset[T_EntityKey]:
        if isinstance(self.value, bool) or isinstance(other.value, bool):
            return EntitySubset(self.key, bool(self.value) or bool(other.value))
        return EntitySubset(self.key, self.value | other.value)

    def __and__(self, other: EntitySubset[Any]) -> EntitySubset[T_EntityKey]:
        if isinstance(self.value, bool) or isinstance(other.value, bool):
            return EntitySubset(self.key, bool(self.value) and bool(other.value))
        return EntitySubset(self.key, self.value & other.value)

    def __sub__(self, other: EntitySubset[Any]) -> EntitySubset[T_EntityKey]:
        if isinstance(self.value, bool) or isinstance(other.value, bool):
            return EntitySubset(self.key, bool(self.value) and not other.value)
        return EntitySubset(self.key, self.value - other.value)

    def __contains__(self, partition_key: object) -> bool:
        """Return whether a partition is in the set; None asks for what has no partitions."""
        if isinstance(self.value, bool):
            return partition_key is None and self.value
        return partition_key in self.value

    compute_union = __or__
    compute_intersection = __and__
    compute_difference = __sub__

    def compute_intersection_with_partition_keys(self, partition_keys: Iterable[str]) -> EntitySubset[T_EntityKey]:
        """Return those of the set that are among these keys."""
        if isinstance(self.value, bool):
            return EntitySubset(self.key, False)
        definition = self.value.partitions_def
        return EntitySubset(self.key, self.value & definition.subset_with_partition_keys(partition_keys))

    def get_internal_value(self) -> SubsetValue:
        """Return the set of partitions, or whether what has none is in it."""
        return self.value

    def get_internal_subset_value(self) -> PartitionsSubset[Any]:
        """Return the set of partitions. Raises TypeError for what has none."""
        if isinstance(self.value, bool):
            raise TypeError(f'"{self.key}" has no partitions.')
        return self.value

    def get_internal_bool_value(self) -> bool:
        """Return whether what has no partitions is in the set. Raises TypeError for what has some."""
        if not isinstance(self.value, bool):
            raise TypeError(f'"{self.key}" has partitions.')
        return self.value

    def partition_keys(self) -> Set[str | None]:
        """Return the keys one by one; {None} for what has no partitions and is in the set."""
        if isinstance(self.value, bool):
            return {None} if self.value else set()
        return set(self.value)

    def expensively_compute_partition_keys(self) -> Set[str]:
        """Return the keys one by one; none for what has no partitions."""
        return set() if isinstance(self.value, bool) else set(self.value)

    def __repr__(self) -> str:
        return f"EntitySubset({str(self.key)!r}, {self.value!r})"
