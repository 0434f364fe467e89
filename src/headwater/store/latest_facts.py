"""The latest facts about an asset or one of its partitions as ids and words: what is asked of many at once."""

from __future__ import annotations

from typing import NamedTuple


class LatestFacts(NamedTuple):
    """`data_version` is that of the materialization. Ids grow with time; None is what never happened."""

    partition: str | None
    materialization_id: int | None
    observation_id: int | None
    data_version: str | None
    attempt_id: int | None
    attempt_outcome: str | None
    attempt_run_id: str | None
