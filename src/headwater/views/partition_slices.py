"""Which partitions are meant: a range of keys, and for partitions of several dimensions keys and ranges of some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partition_slices import ReversedPartitionRange, UnknownDimension
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.ordinals import union_of
from headwater.model.partitions.static import RANGE_MARK
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals


def partitions_in_range(
    definition: PartitionsDefinition[Any],
    partition_range: tuple[str, str],
    store: DynamicPartitionsStore,
    now: datetime | None = None,
) -> PartitionsSubset[Any]:
    """Return the partitions from one key to another, both included; with several dimensions it is a box.

    Raises UnknownPartitionError for an end that does not exist, and ReversedPartitionRange.
    """
    start, end = partition_range
    found = definition.subset_with_partition_key_range(PartitionKeyRange(start, end), now, store)
    if not found:
        raise ReversedPartitionRange(start, end, definition.describe())
    return found


def partitions_with(
    definition: PartitionsDefinition[Any],
    key: AssetKey,
    dimensions: Mapping[str, Sequence[str]],
    store: DynamicPartitionsStore,
    now: datetime | None = None,
) -> PartitionsSubset[Any]:
    """Return the partitions that have, in each dimension named, one of the keys or ranges ("first...last") given for it.

    Raises UnknownDimension, UnknownPartitionError and ReversedPartitionRange.
    """
    known = definition.defs_by_dimension if isinstance(definition, MultiPartitionsDefinition) else {}
    for name in dimensions:
        if name not in known:
            raise UnknownDimension(name, str(key), known)
    assert isinstance(definition, MultiPartitionsDefinition)
    return definition.subset_of_box(
        {
            name: union_of(_side(item, text, store, now) for text in dimensions[name])
            if name in dimensions
            else item.existing_ordinals(now, store)
            for name, item in known.items()
        }
    )


def _side(
    definition: PartitionsDefinition[Any], text: str, store: DynamicPartitionsStore, now: datetime | None
) -> Ordinals:
    first, _, last = text.partition(RANGE_MARK)
    found = partitions_in_range(definition, (first, last or first), store, now)
    assert isinstance(found, OrdinalPartitionsSubset)
    return found.ordinals
