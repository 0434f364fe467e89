"""Why a partition does not exist: in words, for who wonders where it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.dynamic import DynamicPartitionsDefinition
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.model.partitions.windows import instant_in, seconds_of


def why_absent(
    definition: PartitionsDefinition[Any],
    partition_key: str,
    current_time: datetime | None = None,
    dynamic_partitions_store: DynamicPartitionsStore | None = None,
) -> str | None:
    """Return why the definition does not have a partition at `current_time`; None when it has it."""
    if definition.has_partition_key(partition_key, current_time, dynamic_partitions_store):
        return None
    if isinstance(definition, MultiPartitionsDefinition):
        key = definition.find_key(partition_key)
        if key is None:
            return "it has not one part for each dimension"
        for name, part in key.keys_by_dimension.items():
            why = why_absent(definition.defs_by_dimension[name], part, current_time, dynamic_partitions_store)
            if why is not None:
                return f'in the dimension "{name}", "{part}" is {why}'
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return _why_no_window(definition, partition_key, current_time)
    if isinstance(definition, DynamicPartitionsDefinition):
        return f'not among the keys of "{definition.name}" now: it was never added, or removed since'
    return "not among the keys"


def _why_no_window(definition: TimeWindowPartitionsDefinition, key: str, now: datetime | None) -> str:
    number = definition.find_ordinal(key)
    if number is None:
        return "not the start of a window"
    first = definition.get_first_partition_key(now)
    over_at = instant_in(definition.zone, definition.cadence.instant(number + 1))
    if definition.cadence.instant(number) < seconds_of(definition.start):
        return f'before the start, "{definition.key_at(definition.cadence.number_from(seconds_of(definition.start)))}"'
    if definition.end is not None and seconds_of(over_at) > seconds_of(definition.end):
        return f'after the end: the last one is "{definition.get_last_partition_key(now)}"'
    if definition.is_excluded(number):
        return "left out by the exclusions"
    if first is None or definition.end_offset == 0:
        return f"not over before {over_at.isoformat()}"
    return f'not there yet: the last one is "{definition.get_last_partition_key(now)}"'
