"""What every partitions definition can do. A new kind needs only `get_partition_keys`.

Methods that depend on the present take `current_time` (default: the clock) and, where keys are added while the system
runs, `dynamic_partitions_store`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, cast, runtime_checkable

from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.errors.root import did_you_mean
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.ordinals import KeyDictionary, ordinals_of, shared_dictionary

if TYPE_CHECKING:
    # A bare PartitionsDefinition has keys of any kind of text; before Python 3.13 only this TypeVar knows defaults.
    from typing_extensions import TypeVar

    from headwater.model.partitions.ordinals import Ordinals
    from headwater.model.partitions.subset import PartitionsSubset

    T_str = TypeVar("T_str", bound=str, covariant=True, default=str)
else:
    from typing import TypeVar

    T_str = TypeVar("T_str", bound=str, covariant=True)

PARTITION_TAG = "headwater/partition"


@runtime_checkable
class DynamicPartitionsStore(Protocol):
    """Knows which keys the dynamic definitions have now."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Return the keys of one dynamic definition, in the order in which they were added."""
        ...

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool: ...


class PartitionsDefinition(ABC, Generic[T_str]):
    """Which partitions an asset has. Equal definitions have the same partitions in the same order."""

    @abstractmethod
    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[T_str]:
        """Return every key that exists at `current_time`, in order."""

    def get_first_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> T_str | None:
        """Return the first key, or None when there is no partition yet."""
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        return keys[0] if keys else None

    def get_last_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> T_str | None:
        """Return the last key, or None when there is no partition yet."""
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        return keys[-1] if keys else None

    def get_num_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> int:
        return len(self.get_partition_keys(current_time, dynamic_partitions_store))

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        """Return whether the partition exists at `current_time`."""
        return partition_key in self.get_partition_keys(current_time, dynamic_partitions_store)

    def validate_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> None:
        """Raise UnknownPartitionError, with the nearest key or the valid range, unless the partition exists."""
        if not self.has_partition_key(partition_key, current_time, dynamic_partitions_store):
            hint = self.hint_for_unknown_key(partition_key, current_time, dynamic_partitions_store)
            raise UnknownPartitionError(partition_key, self.describe(), hint)

    def hint_for_unknown_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str:
        """Return what to type instead of a key that does not exist."""
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        if not keys:
            return "There are no partitions yet."
        few = ", ".join(keys[:5]) + (f", ... ({len(keys)} in all)" if len(keys) > 5 else "")
        return f"{did_you_mean(partition_key, keys[:10_000])}The keys are: {few}."

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[T_str]:
        """Return the keys from start to end, both included and both existing; none when end comes before start.

        Raises UnknownPartitionError for an end of the range that does not exist.
        """
        for key in partition_key_range:
            self.validate_partition_key(key, current_time, dynamic_partitions_store)
        keys = self.get_partition_keys(current_time, dynamic_partitions_store)
        return keys[keys.index(partition_key_range.start) : keys.index(partition_key_range.end) + 1]

    def filter_valid_partition_keys(
        self,
        partition_keys: AbstractSet[str],
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AbstractSet[T_str]:
        """Return those of the keys that exist."""
        return {
            cast("T_str", key)
            for key in partition_keys
            if self.has_partition_key(key, current_time, dynamic_partitions_store)
        }

    def get_tags_for_partition_key(self, partition_key: str) -> Mapping[str, str]:
        """Return the tags of a run of this one partition."""
        return {PARTITION_TAG: partition_key}

    # Identity

    def to_data(self) -> dict[str, Any]:
        """Return the definition as plain JSON values, which `partitions_definition_from_data` reads back."""
        return {
            "kind": "custom",
            "class": f"{type(self).__module__}.{type(self).__qualname__}",
            "keys": [str(key) for key in self.get_partition_keys()],
        }

    def identity_data(self) -> Any:
        """Return what equal definitions have in common, as plain JSON values."""
        return self.to_data()

    def get_serializable_unique_identifier(self, dynamic_partitions_store: DynamicPartitionsStore | None = None) -> str:
        """Return a fingerprint that equal definitions share across processes and releases."""
        import hashlib
        import json

        text = json.dumps(self.identity_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:40]

    def describe(self) -> str:
        """Return a short phrase for people, such as "daily from 2013-01-01 to 2014-01-01 (UTC)"."""
        return f"the partitions of {type(self).__name__}"

    def __str__(self) -> str:
        return self.describe()

    # Sets

    def empty_subset(self) -> PartitionsSubset[T_str]:
        return self.subset_of_ordinals(ordinals_of(()))

    def subset_with_all_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionsSubset[T_str]:
        """Return the set of all partitions that exist at `current_time`."""
        return self.subset_of_ordinals(self.existing_ordinals(current_time, dynamic_partitions_store))

    def subset_with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionsSubset[T_str]:
        """Return the set of these partitions, whether or not they exist now.

        Raises UnknownPartitionError for a key that this definition could never have.
        """
        return self.subset_of_ordinals(self.ordinals_of_keys(partition_keys))

    def subset_with_partition_key_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionsSubset[T_str]:
        """Return the set of the partitions from start to end, both included and both existing."""
        keys = self.get_partition_keys_in_range(partition_key_range, current_time, dynamic_partitions_store)
        return self.subset_with_partition_keys(keys)

    def deserialize_subset(self, serialized: str) -> PartitionsSubset[T_str]:
        """Read a set that `PartitionsSubset.serialize` wrote, also under another start or end date or key list.

        Raises UnreadablePartitionsError if the text is not a set, or a set of another kind of partitions.
        """
        from headwater.model.partitions.encoding import subset_from_text

        return subset_from_text(self, serialized)

    def subset_of_ordinals(self, ordinals: Ordinals) -> PartitionsSubset[T_str]:
        """Return the set of the partitions with these numbers."""
        from headwater.model.partitions.subset import OrdinalPartitionsSubset

        return OrdinalPartitionsSubset(self, ordinals)

    # Ordinals: by default a dictionary of the keys seen in this process

    @property
    def ordinal_space(self) -> str:
        """The name of the numbering: sets of two definitions can be combined when it is the same."""
        return f"keys:{self.get_serializable_unique_identifier()}"

    def _dictionary(self) -> KeyDictionary:
        return shared_dictionary(self.ordinal_space)

    def find_ordinal(self, partition_key: str) -> int | None:
        """Return the number of a key, whether or not it exists now; None for one that could never be a key here."""
        dictionary = self._dictionary()
        if dictionary.find_ordinal(partition_key) is None:
            dictionary.ordinals(self.get_partition_keys())
        return dictionary.find_ordinal(partition_key)

    def ordinals_of_keys(self, partition_keys: Iterable[str]) -> Ordinals:
        numbers = []
        for key in partition_keys:
            number = self.find_ordinal(key)
            if number is None:
                raise UnknownPartitionError(key, self.describe(), self.hint_for_unknown_key(key))
            numbers.append(number)
        return ordinals_of(numbers)

    def ordinals_of_any_keys(self, partition_keys: Iterable[str]) -> Ordinals:
        """Return the numbers of keys that need not be its own, so that a set can name what is missing."""
        return self._dictionary().ordinals(partition_keys)

    def key_at(self, ordinal: int) -> str:
        """Return the key that has this number."""
        return self._dictionary().key(ordinal)

    def keys_at(self, ordinals: Iterable[int]) -> Iterator[str]:
        """Return the keys that have these numbers, in the same order."""
        return map(self.key_at, ordinals)

    def existing_ordinals(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Ordinals:
        """Return the numbers of all partitions that exist at `current_time`."""
        return self._dictionary().ordinals(self.get_partition_keys(current_time, dynamic_partitions_store))

    def ranges_of(
        self, ordinals: Ordinals, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[PartitionKeyRange]:
        """Return the fewest ranges that hold exactly these partitions."""
        ordinal_by_key = {key: self._dictionary().ordinal(key) for key in self._ordered_keys(dynamic_partitions_store)}
        ranges: list[PartitionKeyRange] = []
        start = end = None
        for key, ordinal in ordinal_by_key.items():
            if ordinal in ordinals:
                start, end = start or key, key
            elif start is not None and end is not None:
                ranges.append(PartitionKeyRange(start, end))
                start = end = None
        if start is not None and end is not None:
            ranges.append(PartitionKeyRange(start, end))
        outside = ordinals - ordinals_of(ordinal_by_key.values())
        return ranges + [PartitionKeyRange(key, key) for key in map(self.key_at, outside)]

    def _ordered_keys(self, dynamic_partitions_store: DynamicPartitionsStore | None) -> Sequence[str]:
        return self.get_partition_keys(None, dynamic_partitions_store)

    def ordinals_to_data(self, ordinals: Ordinals) -> Any:
        """Return a set of ordinals as JSON values that outlive this process."""
        return {"keys": [self.key_at(ordinal) for ordinal in ordinals]}

    def ordinals_from_data(self, data: Any) -> Ordinals:
        return self._dictionary().ordinals(data["keys"])

    def converted(self, ordinals: Ordinals, other: PartitionsDefinition[Any]) -> Ordinals | None:
        """Return ordinals of `other` as ordinals of this definition; None when they number different things."""
        return ordinals if self.ordinal_space == other.ordinal_space else None
