"""Which mapping joins two definitions when the author named none, and what is wrong with a mapping."""

from __future__ import annotations

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.errors.root import HeadwaterError
from headwater.model.partitions.composed_mapping import ChainedPartitionMapping, UnionPartitionMapping
from headwater.model.partitions.mapping import (
    AllPartitionMapping,
    AnyDefinition,
    IdentityPartitionMapping,
    PartitionMapping,
    StaticPartitionMapping,
)
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.multi_mapping import (
    DimensionPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
    matching_dimension,
)
from headwater.model.partitions.order_mapping import AllEarlierPartitionMapping, LastNPartitionMapping
from headwater.model.partitions.own_mapping import description_of, name_of, problem_of_class, raised
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
    problem = problem_of_class(chosen, downstream_def is not None)
    if problem is not None:
        return problem
    try:
        chosen.validate_partition_mapping(upstream_def, downstream_def)
    except (HeadwaterError, ValueError) as error:
        return str(error)
    except Exception as error:
        return f"{name_of(chosen)}.validate_partition_mapping raised {raised(error)}."
    return None


def check_mapping(mapping: PartitionMapping, upstream_def: AnyDefinition, downstream_def: AnyDefinition | None) -> None:
    """Raise InvalidPartitionsDefinitionError if a mapping cannot join two definitions."""
    problem = mapping_problem(upstream_def, downstream_def, mapping)
    if problem is not None:
        raise InvalidPartitionsDefinitionError(
            what=problem,
            why=f"{name_of(mapping)} is a part of the mapping between the two assets.",
            fix="Use a mapping there that fits.",
        )


def self_mapping_problem(definition: AnyDefinition | None, mapping: PartitionMapping) -> str | None:
    """Return why an asset cannot depend on itself by a mapping, or None when it can or that is not to be seen from it.

    A partition must need earlier ones only. Mappings of the user's own are believed: what they say is met by who asks.
    """
    if definition is None:
        return "It has no partitions, so it could only need the very value that it is to build."
    if _may_go_back_only(definition, mapping):
        return None
    return (
        f"{description_of(mapping)} So a partition would need itself, or a later one. An asset can depend on earlier "
        "partitions of its own: use TimeWindowPartitionMapping(start_offset=-1, end_offset=-1), "
        "AllEarlierPartitionMapping(include_same=False) or LastNPartitionMapping(count, include_same=False)."
    )


def _may_go_back_only(definition: AnyDefinition, mapping: PartitionMapping) -> bool:
    match mapping:
        case _ if mapping._is_own:
            return True
        case TimeWindowPartitionMapping():
            return mapping.end_offset < 0
        case AllEarlierPartitionMapping() | LastNPartitionMapping():
            return not mapping.include_same
        case UnionPartitionMapping():
            return all(_may_go_back_only(definition, each) for each in mapping.partition_mappings)
        case MultiPartitionMapping():
            # One dimension that only goes back is enough to tell what comes before.
            return isinstance(definition, MultiPartitionsDefinition) and any(
                name == item.dimension_name
                and name in definition.defs_by_dimension
                and _may_go_back_only(definition.defs_by_dimension[name], item.partition_mapping)
                for name, item in mapping.downstream_mappings_by_upstream_dimension.items()
            )
        case ChainedPartitionMapping():
            return True
        case StaticPartitionMapping():
            return not any(key in keys for key, keys in mapping.downstream_by_upstream.items())
    return False
