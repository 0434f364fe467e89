"""Errors about partitions: definitions that cannot mean anything, keys that do not exist, sets that do not fit."""

from __future__ import annotations

from headwater.model.errors.definition import CheckError, InvalidDefinitionError
from headwater.model.errors.root import HeadwaterError


class InvalidPartitionsDefinitionError(InvalidDefinitionError, CheckError):
    """A partitions definition or mapping cannot mean anything sound as it stands."""

    code = "invalid-partitions-definition"


class UnknownPartitionError(CheckError, ValueError):
    """A partition key was asked for that the definition does not have, at least not now; a ValueError, too."""

    code = "unknown-partition"

    def __init__(self, partition_key: str, definition: str, hint: str) -> None:
        self.partition_key = partition_key
        super().__init__(
            what=f'There is no partition "{partition_key}" among {definition}.',
            why="Nothing could be run, read or recorded for it.",
            fix=hint,
        )


class PartitionsMismatchError(InvalidDefinitionError):
    """Partitions of one definition were asked to stand for those of another that numbers them differently."""

    code = "partitions-mismatch"


class MissingDynamicPartitionsStoreError(HeadwaterError):
    """The keys of a dynamic definition were asked for with nothing to read them from."""

    code = "missing-dynamic-partitions-store"

    def __init__(self, name: str) -> None:
        super().__init__(
            what=f'The keys of the dynamic partitions "{name}" are not known here.',
            why="They are added and removed while the system runs, so they must be read from where they are kept.",
            fix="Pass dynamic_partitions_store=..., such as the instance.",
        )


class UnreadablePartitionsError(HeadwaterError):
    """Stored text is not a set of partitions, a definition or a mapping that this definition can read."""

    code = "unreadable-partitions"
