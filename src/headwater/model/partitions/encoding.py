"""Definitions, mappings and sets of partitions as plain JSON values, and back.

What is written by one release is read by the next: kinds and fields are only ever added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from headwater.model.errors.partitions import PartitionsMismatchError, UnreadablePartitionsError
from headwater.model.partitions.cadenced import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from headwater.model.partitions.composed_mapping import ChainedPartitionMapping, UnionPartitionMapping
from headwater.model.partitions.definition import PartitionsDefinition
from headwater.model.partitions.dynamic import DynamicPartitionsDefinition
from headwater.model.partitions.mapping import (
    AllPartitionMapping,
    IdentityPartitionMapping,
    LastPartitionMapping,
    PartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
)
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.multi_mapping import (
    DimensionPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
)
from headwater.model.partitions.multi_subset import ProductPartitionsSubset
from headwater.model.partitions.order_mapping import AllEarlierPartitionMapping, LastNPartitionMapping
from headwater.model.partitions.static import StaticPartitionsDefinition
from headwater.model.partitions.subset import PartitionsSubset
from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition

Data = Mapping[str, Any]
Read = TypeVar("Read")


def _time_window_from_data(data: Data) -> PartitionsDefinition[Any]:
    # The class is the author's: equal definitions of different classes are equal, but read better as they were written.
    definition = TimeWindowPartitionsDefinition.__new__(_TIME_WINDOW_CLASSES[data.get("class", "")])
    end = data.get("end")
    TimeWindowPartitionsDefinition.__init__(
        definition,
        start=datetime.fromisoformat(data["start"]),
        end=None if end is None else datetime.fromisoformat(end),
        fmt=data["fmt"],
        timezone=data["timezone"],
        end_offset=data["end_offset"],
        cron_schedule=data["cron_schedule"],
        exclusions=[
            item["cron"] if "cron" in item else datetime.fromisoformat(item["at"])
            for item in data.get("exclusions", ())
        ],
    )
    return definition


_TIME_WINDOW_CLASSES: Mapping[str, type[TimeWindowPartitionsDefinition]] = {
    "": TimeWindowPartitionsDefinition,
    "hourly": HourlyPartitionsDefinition,
    "daily": DailyPartitionsDefinition,
    "weekly": WeeklyPartitionsDefinition,
    "monthly": MonthlyPartitionsDefinition,
}


def _multi_from_data(data: Data) -> PartitionsDefinition[Any]:
    return MultiPartitionsDefinition(
        {name: partitions_definition_from_data(item) for name, item in data["dimensions"].items()}
    )


_DEFINITION_READERS: Mapping[str, Callable[[Data], PartitionsDefinition[Any]]] = {
    "time_window": _time_window_from_data,
    "static": lambda data: StaticPartitionsDefinition(data["partition_keys"]),
    "dynamic": lambda data: DynamicPartitionsDefinition(name=data["name"]),
    "multi": _multi_from_data,
    # The class is the user's and may not be importable here; its keys are what counts.
    "custom": lambda data: StaticPartitionsDefinition(data["keys"]),
}


def partitions_definition_from_data(data: Data) -> PartitionsDefinition[Any]:
    """Return the definition that `to_data` wrote. Raises UnreadablePartitionsError if it is none.

    A definition of a class of the user's own comes back as static partitions of the keys that it had.
    """
    return _read("partitions definition", _DEFINITION_READERS, data)


def _multi_mapping_from_data(data: Data) -> PartitionMapping:
    return MultiPartitionMapping(
        {
            name: DimensionPartitionMapping(item["dimension_name"], partition_mapping_from_data(item["mapping"]))
            for name, item in data["dimensions"].items()
        }
    )


_MAPPING_READERS: Mapping[str, Callable[[Data], PartitionMapping]] = {
    "identity": lambda data: IdentityPartitionMapping(),
    "all": lambda data: AllPartitionMapping(),
    "last": lambda data: LastPartitionMapping(),
    "specific": lambda data: SpecificPartitionsPartitionMapping(data["partition_keys"]),
    "static": lambda data: StaticPartitionMapping(data["downstream_by_upstream"]),
    "time_window": lambda data: TimeWindowPartitionMapping(
        data["start_offset"], data["end_offset"], data["allow_nonexistent_upstream_partitions"]
    ),
    "all_earlier": lambda data: AllEarlierPartitionMapping(data["include_same"]),
    "last_n": lambda data: LastNPartitionMapping(data["count"], data["include_same"]),
    "chained": lambda data: ChainedPartitionMapping(
        partition_mapping_from_data(data["first"]),
        partitions_definition_from_data(data["via"]),
        partition_mapping_from_data(data["second"]),
    ),
    "union": lambda data: UnionPartitionMapping([partition_mapping_from_data(each) for each in data["mappings"]]),
    "multi": _multi_mapping_from_data,
    "multi_to_single": lambda data: MultiToSingleDimensionPartitionMapping(data["partition_dimension_name"]),
}


def partition_mapping_from_data(data: Data) -> PartitionMapping:
    """Return the mapping that `to_data` wrote. Raises UnreadablePartitionsError for a class of the user's own."""
    return _read("partition mapping", _MAPPING_READERS, data)


def _read(what: str, readers: Mapping[str, Callable[[Data], Read]], data: Data) -> Read:
    kind = data.get("kind")
    reader = readers.get(str(kind))
    if reader is None:
        named = f' "{data["class"]}"' if "class" in data else f' of kind "{kind}"'
        raise UnreadablePartitionsError(
            what=f"A {what}{named} cannot be made from data.",
            why="Only what Headwater itself defines is written whole.",
            fix="Ask the code location that defines it.",
        )
    try:
        return reader(data)
    except (KeyError, TypeError) as error:
        raise UnreadablePartitionsError(
            what=f'A {what} of kind "{kind}" is incomplete or malformed ({error!r}).',
            why="It does not say which partitions are meant.",
            fix="It was damaged or written by a newer release; upgrade Headwater or write it again.",
        ) from error


def subset_to_text(subset: PartitionsSubset[Any]) -> str:
    """Return the set as text. It reads back under another start, end or key list of the definition."""
    import json

    return json.dumps(
        {
            "version": 1,
            "definition": subset.partitions_def.get_serializable_unique_identifier(),
            "partitions": subset.to_data(),
        },
        separators=(",", ":"),
    )


def subset_from_text(partitions_def: PartitionsDefinition[Any], text: str) -> PartitionsSubset[Any]:
    """Read what `subset_to_text` wrote. Raises UnreadablePartitionsError if it does not fit the definition."""
    import json

    try:
        data = json.loads(text)["partitions"]
        if isinstance(partitions_def, MultiPartitionsDefinition):
            return ProductPartitionsSubset.from_data(partitions_def, data)
        return partitions_def.subset_of_ordinals(partitions_def.ordinals_from_data(data))
    except (ValueError, KeyError, TypeError, PartitionsMismatchError) as error:
        raise UnreadablePartitionsError(
            what=f"The stored text is not a set of {partitions_def.describe()} ({error}).",
            why="Reading it anyway would name other partitions than were meant.",
            fix="If the definition was changed on purpose, the stored set must be made again.",
        ) from error
