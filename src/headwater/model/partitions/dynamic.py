"""Partitions whose keys are added and removed while the system runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError, MissingDynamicPartitionsStoreError
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.loading_context import ambient_partitions_store
from headwater.model.partitions.static import check_keys

if TYPE_CHECKING:
    from headwater.model.partitions.keys import PartitionKeyRange
    from headwater.model.partitions.ordinals import Ordinals


@dataclass(frozen=True, slots=True)
class AddDynamicPartitionsRequest:
    """A sensor's wish that these keys exist."""

    partitions_def_name: str
    partition_keys: Sequence[str]

    def __post_init__(self) -> None:
        check_keys(self.partition_keys)


@dataclass(frozen=True, slots=True)
class DeleteDynamicPartitionsRequest:
    """A sensor's wish that these keys no longer exist."""

    partitions_def_name: str
    partition_keys: Sequence[str]


class DynamicPartitionsDefinition(PartitionsDefinition[str]):
    """Partitions named `name` whose keys are kept by the instance, in the order in which they were added."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise InvalidPartitionsDefinitionError(
                what=f"{name!r} is not a name for dynamic partitions.",
                why="Their keys are kept under it.",
                fix='Write DynamicPartitionsDefinition(name="customers").',
            )
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """Return the keys that the store has now. Raises MissingDynamicPartitionsStoreError without a store."""
        return list(self._store(dynamic_partitions_store).get_dynamic_partitions(self._name))

    def _store(self, given: DynamicPartitionsStore | None) -> DynamicPartitionsStore:
        store = given if given is not None else ambient_partitions_store()
        if store is None:
            raise MissingDynamicPartitionsStoreError(self._name)
        return store

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        return self._store(dynamic_partitions_store).has_dynamic_partition(self._name, partition_key)

    def hint_for_unknown_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str:
        near = super().hint_for_unknown_key(partition_key, current_time, dynamic_partitions_store)
        return f'{near} Add it with add_dynamic_partitions("{self._name}", ["{partition_key}"]).'

    def build_add_request(self, partition_keys: Sequence[str]) -> AddDynamicPartitionsRequest:
        """Return what a sensor hands back to have these keys added."""
        return AddDynamicPartitionsRequest(self._name, partition_keys)

    def build_delete_request(self, partition_keys: Sequence[str]) -> DeleteDynamicPartitionsRequest:
        """Return what a sensor hands back to have these keys removed."""
        return DeleteDynamicPartitionsRequest(self._name, partition_keys)

    def to_data(self) -> dict[str, Any]:
        return {"kind": "dynamic", "name": self._name}

    def describe(self) -> str:
        return f'dynamic partitions "{self._name}"'

    @property
    def ordinal_space(self) -> str:
        return f"dynamic:{self._name}"

    def find_ordinal(self, partition_key: str) -> int | None:
        return self._dictionary().ordinal(partition_key)

    def ordinals_of_keys(self, partition_keys: Iterable[str]) -> Ordinals:
        return self._dictionary().ordinals(partition_keys)

    def ranges_of(
        self, ordinals: Ordinals, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[PartitionKeyRange]:
        """Return ranges in the order of the store; without a store each key is a range of its own."""
        return super().ranges_of(ordinals, dynamic_partitions_store)

    def _ordered_keys(self, dynamic_partitions_store: DynamicPartitionsStore | None) -> Sequence[str]:
        store = dynamic_partitions_store if dynamic_partitions_store is not None else ambient_partitions_store()
        return () if store is None else self.get_partition_keys(None, store)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DynamicPartitionsDefinition) and other._name == self._name

    def __hash__(self) -> int:
        return hash(("dynamic", self._name))

    def __repr__(self) -> str:
        return f"DynamicPartitionsDefinition(name={self._name!r})"
