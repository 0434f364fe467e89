"""Windows of time depend on the windows that overlap them, whatever the lengths of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.partitions.definition import DynamicPartitionsStore
from headwater.model.partitions.mapping import AnyDefinition, AnySubset, PartitionMapping, UpstreamPartitionsResult
from headwater.model.partitions.ordinals import no_ordinals, ordinals_between, runs, union_of
from headwater.model.partitions.subset import OrdinalPartitionsSubset
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition


@dataclass(frozen=True)
class TimeWindowPartitionMapping(PartitionMapping):
    """Each downstream window needs the upstream windows that overlap it.

    start_offset, end_offset: move the start and the end of what is needed by this many downstream windows; -1 and 0
        need the window before as well.
    allow_nonexistent_upstream_partitions: leave out what is needed but does not exist, instead of reporting it. What
        is needed only because of an offset, such as the day before the first, is left out when it does not exist.
    """

    start_offset: int = 0
    end_offset: int = 0
    allow_nonexistent_upstream_partitions: bool = False

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        _windows("upstream", upstream_partitions_def)
        _windows("downstream", downstream_partitions_def)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        upstream = _windows("upstream", upstream_partitions_def)
        downstream = _windows("downstream", downstream_partitions_def)
        assert isinstance(downstream_partitions_subset, OrdinalPartitionsSubset)
        existing = upstream.existing_ordinals(current_time)
        shifted, own = [], []
        for first, last in runs(downstream_partitions_subset.ordinals):
            # A window that is moved to nothing or less overlaps nothing.
            if self.end_offset >= self.start_offset:
                shifted.append(_overlapping(upstream, downstream, first + self.start_offset, last + self.end_offset))
            own.append(_overlapping(upstream, downstream, first, last))
        needed = union_of(ordinals_between(*bounds) for bounds in shifted)
        missing = no_ordinals()
        if not self.allow_nonexistent_upstream_partitions and self.start_offset <= 0 <= self.end_offset:
            never_there = upstream.existing_ordinals_or_excluded(current_time)
            missing = union_of(ordinals_between(*bounds) for bounds in own) - never_there
        return UpstreamPartitionsResult(
            upstream.subset_of_ordinals(needed & existing), upstream.subset_of_ordinals(missing)
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        upstream = _windows("upstream", upstream_partitions_def)
        downstream = _windows("downstream", downstream_partitions_def)
        if self.end_offset < self.start_offset:
            return downstream.empty_subset()
        assert isinstance(upstream_partitions_subset, OrdinalPartitionsSubset)

        def following() -> Iterator[tuple[int, int]]:
            for first, last in runs(upstream_partitions_subset.ordinals):
                overlapped = _overlapping(downstream, upstream, first, last)
                yield overlapped[0] - self.end_offset, overlapped[1] - self.start_offset

        needing = union_of(ordinals_between(max(first, 0), last) for first, last in following())
        return downstream.subset_of_ordinals(needing & downstream.existing_ordinals(current_time))

    @property
    def description(self) -> str:
        if not self.start_offset and not self.end_offset:
            return "Each window needs the upstream windows that overlap it."
        return (
            "Each window, its start moved by "
            f"{self.start_offset} and its end by {self.end_offset} windows, needs the upstream windows that overlap it."
        )

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": "time_window",
            "start_offset": self.start_offset,
            "end_offset": self.end_offset,
            "allow_nonexistent_upstream_partitions": self.allow_nonexistent_upstream_partitions,
        }


def _windows(side: str, definition: AnyDefinition | None) -> TimeWindowPartitionsDefinition:
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return definition
    found = "no partitions" if definition is None else definition.describe()
    raise InvalidPartitionsDefinitionError(
        what=f"Partitions do not match: a TimeWindowPartitionMapping is used, but {side} is {found}.",
        why="It joins windows of time by their overlap.",
        fix="Use time-window partitions on both sides, or another mapping.",
    )


def _overlapping(
    wanted: TimeWindowPartitionsDefinition, given: TimeWindowPartitionsDefinition, first: int, last: int
) -> tuple[int, int]:
    """Return the first and last window of `wanted` that overlap the time from window `first` to `last` of `given`."""
    if wanted.cadence is given.cadence:
        return first, last
    start, end = given.cadence.instant(first), given.cadence.instant(last + 1)
    return max(wanted.cadence.number_at(start), 0), wanted.cadence.number_before(end)
