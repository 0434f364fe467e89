"""Partitions as values: definitions, keys, windows, sets and mappings between them.

Every partition has an ordinal (time windows by arithmetic, other keys by a dictionary that only grows), so a set of
partitions is a bitmap: `|`, `&`, `-`, `len` and `in` never loop over keys. Nothing here reads a clock by itself or does
I/O: what is "now" and which dynamic keys exist are arguments. The names are handed on lazily, as most runs need few.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it by name

if TYPE_CHECKING:
    from headwater.model.errors.partitions import (
        InvalidPartitionsDefinitionError,
        MissingDynamicPartitionsStoreError,
        PartitionsMismatchError,
        UnknownPartitionError,
        UnreadablePartitionsError,
    )
    from headwater.model.partitions.cadenced import (
        DailyPartitionsDefinition,
        HourlyPartitionsDefinition,
        MonthlyPartitionsDefinition,
        WeeklyPartitionsDefinition,
    )
    from headwater.model.partitions.composed_mapping import ChainedPartitionMapping, UnionPartitionMapping
    from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
    from headwater.model.partitions.dynamic import (
        AddDynamicPartitionsRequest,
        DeleteDynamicPartitionsRequest,
        DynamicPartitionsDefinition,
    )
    from headwater.model.partitions.encoding import (
        partition_mapping_from_data,
        partitions_definition_from_data,
    )
    from headwater.model.partitions.inference import default_partition_mapping, mapping_problem, self_mapping_problem
    from headwater.model.partitions.keys import MultiPartitionKey, PartitionDimensionKey, PartitionKeyRange
    from headwater.model.partitions.loading_context import (
        PartitionLoadingContext,
        TemporalContext,
        partition_loading_context,
    )
    from headwater.model.partitions.mapping import (
        AllPartitionMapping,
        IdentityPartitionMapping,
        LastPartitionMapping,
        PartitionMapping,
        SpecificPartitionsPartitionMapping,
        StaticPartitionMapping,
        UpstreamPartitionsResult,
    )
    from headwater.model.partitions.multi import MultiPartitionsDefinition, PartitionDimensionDefinition
    from headwater.model.partitions.multi_mapping import (
        DimensionPartitionMapping,
        MultiPartitionMapping,
        MultiToSingleDimensionPartitionMapping,
    )
    from headwater.model.partitions.order_mapping import (
        AllEarlierPartitionMapping,
        LastNPartitionMapping,
        has_lasting_order,
    )
    from headwater.model.partitions.schedule import ScheduleType
    from headwater.model.partitions.static import StaticPartitionsDefinition
    from headwater.model.partitions.subset import PartitionsSubset
    from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
    from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
    from headwater.model.partitions.windows import TimeWindow

_NAMES_BY_MODULE = {
    "errors.partitions": (
        "InvalidPartitionsDefinitionError MissingDynamicPartitionsStoreError PartitionsMismatchError "
        "UnknownPartitionError UnreadablePartitionsError"
    ),
    "partitions.cadenced": (
        "DailyPartitionsDefinition HourlyPartitionsDefinition MonthlyPartitionsDefinition WeeklyPartitionsDefinition"
    ),
    "partitions.composed_mapping": "ChainedPartitionMapping UnionPartitionMapping",
    "partitions.definition": "DynamicPartitionsStore PartitionsDefinition",
    "partitions.dynamic": ("AddDynamicPartitionsRequest DeleteDynamicPartitionsRequest DynamicPartitionsDefinition"),
    "partitions.encoding": "partition_mapping_from_data partitions_definition_from_data",
    "partitions.inference": "default_partition_mapping mapping_problem self_mapping_problem",
    "partitions.keys": "MultiPartitionKey PartitionDimensionKey PartitionKeyRange",
    "partitions.loading_context": "PartitionLoadingContext TemporalContext partition_loading_context",
    "partitions.mapping": (
        "AllPartitionMapping IdentityPartitionMapping LastPartitionMapping PartitionMapping "
        "SpecificPartitionsPartitionMapping StaticPartitionMapping UpstreamPartitionsResult"
    ),
    "partitions.multi": "MultiPartitionsDefinition PartitionDimensionDefinition",
    "partitions.multi_mapping": (
        "DimensionPartitionMapping MultiPartitionMapping MultiToSingleDimensionPartitionMapping"
    ),
    "partitions.order_mapping": "AllEarlierPartitionMapping LastNPartitionMapping has_lasting_order",
    "partitions.schedule": "ScheduleType",
    "partitions.static": "StaticPartitionsDefinition",
    "partitions.subset": "PartitionsSubset",
    "partitions.time_mapping": "TimeWindowPartitionMapping",
    "partitions.time_window": "TimeWindowPartitionsDefinition",
    "partitions.windows": "TimeWindow",
}
_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__all__ = [
    "AddDynamicPartitionsRequest",
    "AllEarlierPartitionMapping",
    "AllPartitionMapping",
    "ChainedPartitionMapping",
    "DailyPartitionsDefinition",
    "DeleteDynamicPartitionsRequest",
    "DimensionPartitionMapping",
    "DynamicPartitionsDefinition",
    "DynamicPartitionsStore",
    "HourlyPartitionsDefinition",
    "IdentityPartitionMapping",
    "InvalidPartitionsDefinitionError",
    "LastNPartitionMapping",
    "LastPartitionMapping",
    "MissingDynamicPartitionsStoreError",
    "MonthlyPartitionsDefinition",
    "MultiPartitionKey",
    "MultiPartitionMapping",
    "MultiPartitionsDefinition",
    "MultiToSingleDimensionPartitionMapping",
    "PartitionDimensionDefinition",
    "PartitionDimensionKey",
    "PartitionKeyRange",
    "PartitionLoadingContext",
    "PartitionMapping",
    "PartitionsDefinition",
    "PartitionsMismatchError",
    "PartitionsSubset",
    "ScheduleType",
    "SpecificPartitionsPartitionMapping",
    "StaticPartitionMapping",
    "StaticPartitionsDefinition",
    "TemporalContext",
    "TimeWindow",
    "TimeWindowPartitionMapping",
    "TimeWindowPartitionsDefinition",
    "UnionPartitionMapping",
    "UnknownPartitionError",
    "UnreadablePartitionsError",
    "UpstreamPartitionsResult",
    "WeeklyPartitionsDefinition",
    "default_partition_mapping",
    "has_lasting_order",
    "mapping_problem",
    "partition_loading_context",
    "partition_mapping_from_data",
    "partitions_definition_from_data",
    "self_mapping_problem",
]


def __getattr__(name: str) -> object:
    module = _MODULE_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    value: object = getattr(import_module(f"headwater.model.{module}"), name)
    globals()[name] = value
    return value
