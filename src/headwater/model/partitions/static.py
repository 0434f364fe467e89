"""Partitions whose keys are written down in the declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.ordinals import KeyDictionary, ordinals_between, runs, shared_dictionary

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals
    from headwater.model.partitions.subset import PartitionsSubset

# The command line and the UI write a range as "first...last".
RANGE_MARK = "..."
_AT_ONCE = 10_000
# To look through so many keys for one takes as long as to make an index of them, and nothing stays in memory.
_FEW_AMONG = 500


class StaticPartitionsDefinition(PartitionsDefinition[str]):
    """A fixed list of partition keys, in the order given."""

    def __init__(self, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, str):
            raise InvalidPartitionsDefinitionError(
                what=f"The partition keys are one string, {partition_keys!r}.",
                why="Each of its letters would become a partition.",
                fix=f"Write StaticPartitionsDefinition([{partition_keys!r}]).",
            )
        self._keys = tuple(partition_keys)
        check_keys(self._keys)
        _refuse_unprinted(self._keys)

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """Return the keys, in the order in which they were declared."""
        return list(self._keys)

    @cached_property
    def _ordinal_by_key(self) -> dict[str, int]:
        return {key: ordinal for ordinal, key in enumerate(self._keys)}

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        return partition_key in self._ordinal_by_key

    def get_num_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> int:
        return len(self._keys)

    def get_first_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str | None:
        return self._keys[0] if self._keys else None

    def get_last_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str | None:
        return self._keys[-1] if self._keys else None

    @cached_property
    def fingerprint(self) -> str:
        """A text that definitions of the same keys in the same order share, and others do not."""
        import hashlib

        digest = hashlib.blake2b(digest_size=16)
        for start in range(0, len(self._keys), _AT_ONCE):
            # A key holds no end of a line.
            some = "\n".join((*self._keys[start : start + _AT_ONCE], ""))
            digest.update(some.encode(errors="surrogatepass"))
        return digest.hexdigest()

    def places_of(self, keys: Sequence[str]) -> list[int | None]:
        """Return the place of each key in the list, None for one that is not there.

        A few among very many are looked for without an index of all.
        """
        if len(keys) * _FEW_AMONG < len(self._keys) and "_ordinal_by_key" not in self.__dict__:
            wanted = set(keys)
            found = {key: place for place, key in enumerate(self._keys) if key in wanted}
            return list(map(found.get, keys))
        return list(map(self._ordinal_by_key.get, keys))

    def to_data(self) -> dict[str, Any]:
        return {"kind": "static", "partition_keys": list(self._keys)}

    def describe(self) -> str:
        shown = ", ".join(f'"{key}"' for key in self._keys[:4])
        count = len(self._keys)
        return f"{count} static key{'' if count == 1 else 's'} ({shown}{', ...' if count > 4 else ''})"

    @cached_property
    def ordinal_space(self) -> str:
        return f"static:{self.get_serializable_unique_identifier()}"

    def _dictionary(self) -> KeyDictionary:
        return shared_dictionary(self.ordinal_space, self._keys)

    def find_ordinal(self, partition_key: str) -> int | None:
        return self._ordinal_by_key.get(partition_key)

    def key_at(self, ordinal: int) -> str:
        return self._keys[ordinal] if ordinal < len(self._keys) else self._dictionary().key(ordinal)

    def existing_ordinals(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Ordinals:
        return ordinals_between(0, len(self._keys) - 1)

    def subset_with_partition_key_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionsSubset[str]:
        for key in partition_key_range:
            self.validate_partition_key(key)
        first, last = (self._ordinal_by_key[key] for key in partition_key_range)
        return self.subset_of_ordinals(ordinals_between(first, last))

    def ranges_of(
        self, ordinals: Ordinals, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[PartitionKeyRange]:
        own = ordinals_between(0, len(self._keys) - 1)
        ranges = [PartitionKeyRange(self._keys[first], self._keys[last]) for first, last in runs(ordinals & own)]
        return ranges + [PartitionKeyRange(key, key) for key in map(self.key_at, ordinals - own)]

    def __eq__(self, other: object) -> bool:
        return other is self or (isinstance(other, StaticPartitionsDefinition) and other._keys == self._keys)

    def __hash__(self) -> int:
        return hash(("static", self._keys))

    def __repr__(self) -> str:
        return f"StaticPartitionsDefinition(partition_keys={list(self._keys)!r})"


# NUL, and what lies from the bell to the carriage return: tabs and ends of lines.
_UNPRINTED = frozenset("\0\a\b\t\n\v\f\r")


def _refuse_unprinted(keys: Sequence[str]) -> None:
    for key in keys:
        if not _UNPRINTED.isdisjoint(key):
            raise InvalidPartitionsDefinitionError(
                what=f"The partition key {key!r} contains a tab, the end of a line or another character that is not shown.",
                why="Who reads or types the key cannot see it.",
                fix="Choose a key without it.",
            )


def check_keys(keys: Sequence[str]) -> None:
    """Raise InvalidPartitionsDefinitionError unless keys are strings, each once, and none holds the mark of a range."""
    for key in keys:
        if not isinstance(key, str):
            raise InvalidPartitionsDefinitionError(
                what=f"The partition key {key!r} is not a string but {type(key).__name__}.",
                why="Keys name partitions in commands, tags and paths, so they are text.",
                fix=f'Write "{key}".',
            )
        if RANGE_MARK in key:
            raise InvalidPartitionsDefinitionError(
                what=f'The partition key "{key}" contains "{RANGE_MARK}".',
                why=f'A range of partitions is written "first{RANGE_MARK}last", so the key could not be told from one.',
                fix="Choose a key without it.",
            )
    repeated = sorted(key for key, count in Counter(keys).items() if count > 1)
    if repeated:
        raise InvalidPartitionsDefinitionError(
            what=f"Partition keys appear more than once: {', '.join(repeated)}.",
            why="A key names one partition.",
            fix="Write each key once.",
        )
