"""Mappings made of mappings: one after another, or any of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.partitions.definition import DynamicPartitionsStore
from headwater.model.partitions.mapping import (
    AnyDefinition,
    AnySubset,
    PartitionMapping,
    UpstreamPartitionsResult,
)


@dataclass(frozen=True)
class ChainedPartitionMapping(PartitionMapping):
    """Two mappings, one after the other: `first` joins the upstream with `via`, `second` joins `via` with the downstream.

    `via` is a partitions definition that no asset need have; only those of its partitions that exist join anything.
    `first.then(second, via=...)` writes the same.
    """

    first: PartitionMapping
    via: AnyDefinition
    second: PartitionMapping

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        from headwater.model.partitions.inference import check_mapping

        check_mapping(self.first, upstream_partitions_def, self.via)
        check_mapping(self.second, self.via, downstream_partitions_def)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        between = self.second.upstream_of(
            downstream_partitions_subset, self.via, current_time, dynamic_partitions_store
        ).partitions_subset
        return self.first.upstream_of(between, upstream_partitions_def, current_time, dynamic_partitions_store)

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        between = self.first.downstream_of(upstream_partitions_subset, self.via, current_time, dynamic_partitions_store)
        return self.second.downstream_of(between, downstream_partitions_def, current_time, dynamic_partitions_store)

    @property
    def description(self) -> str:
        from headwater.model.partitions.own_mapping import description_of

        return (
            f"In two steps, by way of {self.via.describe()}. From the upstream to there: {description_of(self.first)} "
            f"From there to the downstream: {description_of(self.second)}"
        )

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": "chained",
            "first": self.first.to_data(),
            "via": self.via.to_data(),
            "second": self.second.to_data(),
        }


@dataclass(frozen=True)
class UnionPartitionMapping(PartitionMapping):
    """Each downstream partition needs what any of several mappings says. `one | other` writes the same."""

    partition_mappings: Sequence[PartitionMapping]

    def __post_init__(self) -> None:
        flat: list[PartitionMapping] = []
        for each in self.partition_mappings:
            flat.extend(each.partition_mappings if isinstance(each, UnionPartitionMapping) else (each,))
        if not flat:
            raise InvalidPartitionsDefinitionError(
                what="A UnionPartitionMapping has no mappings.",
                why="No partition would need anything.",
                fix="Write UnionPartitionMapping([IdentityPartitionMapping(), ...]).",
            )
        object.__setattr__(self, "partition_mappings", tuple(flat))

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        from headwater.model.partitions.inference import check_mapping

        for each in self.partition_mappings:
            check_mapping(each, upstream_partitions_def, downstream_partitions_def)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        results = [
            each.upstream_of(
                downstream_partitions_subset, upstream_partitions_def, current_time, dynamic_partitions_store
            )
            for each in self.partition_mappings
        ]
        return UpstreamPartitionsResult(
            reduce(lambda left, right: left | right, (each.partitions_subset for each in results)),
            reduce(lambda left, right: left | right, (each.required_but_nonexistent_subset for each in results)),
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        return reduce(
            lambda left, right: left | right,
            (
                each.downstream_of(
                    upstream_partitions_subset, downstream_partitions_def, current_time, dynamic_partitions_store
                )
                for each in self.partition_mappings
            ),
        )

    @property
    def description(self) -> str:
        from headwater.model.partitions.own_mapping import description_of

        return "What any of these says: " + " Or: ".join(map(description_of, self.partition_mappings))

    def to_data(self) -> dict[str, Any]:
        return {"kind": "union", "mappings": [each.to_data() for each in self.partition_mappings]}
