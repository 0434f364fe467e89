"""Which mapping joins two definitions when the author named none, and what is wrong with a mapping."""

from __future__ import annotations

from headwater.model.errors.root import HeadwaterError
from headwater.model.partitions.mapping import (
    AllPartitionMapping,
    AnyDefinition,
    IdentityPartitionMapping,
    PartitionMapping,
)
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.multi_mapping import (
    DimensionPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
    matching_dimension,
)
from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition


def default_partition_mapping(
    upstream_def: AnyDefinition | None, downstream_def: AnyDefinition | None
) -> PartitionMapping:
    """Return the mapping between two assets whose edge names none.

    A side without partitions: all. Windows of time on both sides: overlap. Several dimensions and one of them: by that
    dimension. Several dimensions of the same names: dimension by dimension. Otherwise equal keys; whether there can be
    any is for `mapping_problem` to say.
    """
    if upstream_def is None or downstream_def is None:
        return AllPartitionMapping()
    if isinstance(upstream_def, TimeWindowPartitionsDefinition) and isinstance(
        downstream_def, TimeWindowPartitionsDefinition
    ):
        return TimeWindowPartitionMapping()
    if upstream_def == downstream_def:
        return IdentityPartitionMapping()
    if isinstance(upstream_def, MultiPartitionsDefinition):
        if not isinstance(downstream_def, MultiPartitionsDefinition):
            return _by_dimension(upstream_def, downstream_def)
        if upstream_def.partition_dimension_names == downstream_def.partition_dimension_names:
            return MultiPartitionMapping(
                {
                    name: DimensionPartitionMapping(
                        name, default_partition_mapping(definition, downstream_def.defs_by_dimension[name])
                    )
                    for name, definition in upstream_def.defs_by_dimension.items()
                }
            )
    elif isinstance(downstream_def, MultiPartitionsDefinition):
        return _by_dimension(downstream_def, upstream_def)
    return IdentityPartitionMapping()


def _by_dimension(several: MultiPartitionsDefinition, single: AnyDefinition) -> PartitionMapping:
    if matching_dimension(several, single) is None:
        return IdentityPartitionMapping()
    return MultiToSingleDimensionPartitionMapping()


def mapping_problem(
    upstream_def: AnyDefinition | None,
    downstream_def: AnyDefinition | None,
    mapping: PartitionMapping | None = None,
) -> str | None:
    """Return why a mapping (None: the default one) cannot join two definitions, or None when it can."""
    if upstream_def is None or (downstream_def is None and mapping is None):
        return None
    chosen = mapping or default_partition_mapping(upstream_def, downstream_def)
    try:
        chosen.validate_partition_mapping(upstream_def, downstream_def)
    except (HeadwaterError, ValueError) as error:
        return str(error)
    return None
