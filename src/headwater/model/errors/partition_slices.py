"""Errors about which partitions are looked at: ranges and dimensions that name none."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import CheckError
from headwater.model.errors.root import did_you_mean


class ReversedPartitionRange(CheckError):
    """A range of partitions ends before it begins."""

    code = "reversed-partition-range"

    def __init__(self, start: str, end: str, definition: str) -> None:
        super().__init__(
            what=f'The range "{start}...{end}" ends before it begins.',
            why=f"Among {definition} there is no partition in it.",
            fix=f'Write it the other way round: "{end}...{start}".',
        )


class UnknownDimension(CheckError):
    """A dimension was named that the partitions of an asset do not have."""

    code = "unknown-dimension"

    def __init__(self, dimension: str, asset: str, known: Iterable[str]) -> None:
        names = list(known)
        super().__init__(
            what=f'The partitions of "{asset}" have no dimension "{dimension}".',
            why="It was to say which of them are meant.",
            fix=f"{did_you_mean(dimension, names)}The dimensions are: {', '.join(names)}."
            if names
            else "They have one dimension: name a range of keys instead.",
        )


class NotPartitioned(CheckError):
    """Partitions were asked for of an asset that has none."""

    code = "not-partitioned"

    def __init__(self, asset: str) -> None:
        super().__init__(
            what=f'"{asset}" is not partitioned.',
            why="There are no partitions to show.",
            fix=f"headwater asset show {asset}",
        )
