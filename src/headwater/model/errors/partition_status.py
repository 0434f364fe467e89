"""Errors about where partitions stand."""

from __future__ import annotations

from headwater.model.errors.definition import CheckError


class NotPartitioned(CheckError):
    """Partitions were asked for of an asset that has none."""

    code = "not-partitioned"

    def __init__(self, asset: str) -> None:
        super().__init__(
            what=f'"{asset}" is not partitioned.',
            why="There are no partitions to show.",
            fix=f"headwater asset show {asset}",
        )
