"""Partition keys of several dimensions, and ranges of keys.

A key is a string. One of several dimensions is a string too: its parts joined by "|", dimensions in the order of their
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError

DIMENSION_SEPARATOR = "|"


class PartitionKeyRange(NamedTuple):
    """The partitions from `start` to `end`, both included, in the order of the definition.

    With several dimensions it is a box: the range in each dimension, multiplied.
    """

    start: str
    end: str


class PartitionDimensionKey(NamedTuple):
    """The part of a key that belongs to one dimension."""

    dimension_name: str
    partition_key: str


class MultiPartitionKey(str):
    """A partition key of several dimensions: {"date": "2024-01-01", "color": "red"} is written "red|2024-01-01"."""

    __slots__ = ("_keys_by_dimension",)

    _keys_by_dimension: Mapping[str, str]

    def __new__(cls, keys_by_dimension: Mapping[str, str]) -> MultiPartitionKey:
        parts = {name: keys_by_dimension[name] for name in sorted(keys_by_dimension)}
        for name, part in parts.items():
            if not isinstance(part, str):
                raise InvalidPartitionsDefinitionError(
                    what=f'The partition key of dimension "{name}" is {part!r}, which is not a string.',
                    why="Partition keys are strings.",
                    fix=f'Write MultiPartitionKey({{"{name}": {str(part)!r}, ...}}).',
                )
        written = str.__new__(cls, DIMENSION_SEPARATOR.join(parts.values()))
        written._keys_by_dimension = parts
        return written

    @property
    def keys_by_dimension(self) -> dict[str, str]:
        """The key in each dimension, by the name of the dimension, in order of name."""
        return dict(self._keys_by_dimension)

    @property
    def dimension_keys(self) -> list[PartitionDimensionKey]:
        """The key in each dimension, in order of the dimension's name."""
        return [PartitionDimensionKey(name, key) for name, key in self._keys_by_dimension.items()]

    def __reduce__(self) -> tuple[type[MultiPartitionKey], tuple[dict[str, str]]]:
        return (MultiPartitionKey, (dict(self._keys_by_dimension),))
