"""Errors about partitions that people type: texts that cannot be read, and what they name that is not there."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import CheckError
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.errors.root import did_you_mean


class UnreadablePartitionSpelling(CheckError, ValueError):
    """A text that should name partitions does not."""

    code = "unreadable-partition-spelling"

    def __init__(self, text: str, problem: str, fix: str) -> None:
        super().__init__(
            what=f'"{text}" names no partitions: {problem}.',
            why="It is not known which partitions are meant.",
            fix=fix,
        )


class UnknownDimensionError(CheckError, ValueError):
    """A dimension was named that the definition does not have."""

    code = "unknown-dimension"

    def __init__(self, name: str, definition: str, known: Iterable[str]) -> None:
        names = list(known)
        super().__init__(
            what=f'There is no dimension "{name}" in {definition}.',
            why="Its partitions were asked for.",
            fix=f"{did_you_mean(name, names)}The dimensions are: {', '.join(names)}.",
        )


class RangeWrongWayRoundError(UnknownPartitionError):
    """A range of partitions ends before it starts."""

    code = "range-wrong-way-round"

    def __init__(self, start: str, end: str, definition: str) -> None:
        self.partition_key = f"{start}...{end}"
        super(UnknownPartitionError, self).__init__(
            what=f'The range "{start}...{end}" is the wrong way round: "{end}" comes before "{start}" in {definition}.',
            why="There is no partition in it.",
            fix=f'Write "{end}...{start}".',
        )
