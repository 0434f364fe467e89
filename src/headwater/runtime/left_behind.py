"""Values that a killed process had stored and not yet recorded, found when its run is ended as interrupted.

A value takes the place of the one before an instant before that is recorded. A process that dies in between leaves a record
of a value that is no more, and what is built from it would be told to be built from the old one. So the record catches up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from headwater.model.events import AssetMaterialized, Event
from headwater.model.keys import AssetKey
from headwater.model.runs import AssetState, Run, StepStatus
from headwater.store.interface import Store

_TOLD_ALL = frozenset(
    {StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.BLOCKED, StepStatus.SKIPPED, StepStatus.CANCELED}
)
# Clocks of file systems tick every few milliseconds, and network drives have their own.
_CLOCK_TOLERANCE_SECONDS = 1.0


def values_left_behind(store: Store, storage_dir: str, run: Run) -> Sequence[Event]:
    """Return a materialization for each value below `storage_dir` that the run has put in the place of a recorded one.

    Values of assets that were never recorded are left alone: they are missing, and made anew. Reads only files that are
    newer than the run, and of these their whole content.
    """
    ended = {step.step_key for step in store.steps_of(run.run_id) if step.status in _TOLD_ALL}
    steps = (run.plan or {}).get("steps", ())
    return [event for step in steps if step["key"] not in ended for event in _of_step(store, storage_dir, run, step)]


def remove_unfinished_files(storage_dir: str, run: Run) -> None:
    """Remove what the run's process was writing below `storage_dir` when it was killed."""
    from headwater.io.abandoned_files import remove_abandoned_files
    from headwater.io.places import asset_directory, asset_place, run_directory

    directories: set[str] = set()
    for step in (run.plan or {}).get("steps", ()):
        for asset in step["assets"]:
            key = AssetKey.from_user_string(asset["key"])
            is_partitioned = asset["partitions"] is not None
            place = asset_directory(key) if is_partitioned else os.path.dirname(asset_place(key))
            directories.add(os.path.join(storage_dir, place))
    for directory, _, _ in os.walk(os.path.join(storage_dir, run_directory(run.run_id))):
        directories.add(directory)
    remove_abandoned_files(directories)


def _of_step(store: Store, storage_dir: str, run: Run, step: Any) -> Iterator[AssetMaterialized]:
    for asset in step["assets"]:
        key = AssetKey.from_user_string(asset["key"])
        for state in _states(store, key, asset["partitions"]):
            found = _replaced(storage_dir, run, state)
            if found is not None:
                yield AssetMaterialized(
                    run_id=run.run_id,
                    timestamp=time.time(),
                    step_key=step["key"],
                    asset=str(key),
                    partition=state.partition,
                    description="Stored by a run that was interrupted before it could record this. What it read is not known.",
                    data_version=found,
                    has_value=True,
                )


def _states(store: Store, key: AssetKey, partitions: Any) -> Sequence[AssetState]:
    """`partitions` is as in a stored plan: None, a list, or the ends of a long range."""
    if partitions is None:
        state = store.asset_state(key)
        return () if state is None else (state,)
    return list(store.partition_states(key, partitions if isinstance(partitions, list) else None).values())


def _replaced(storage_dir: str, run: Run, state: AssetState) -> str | None:
    """Return the version of the value that is there, when it is another than the recorded one and newer than that."""
    from headwater.io.stored_versions import find_stored_file

    recorded = state.materialization
    if recorded is None or recorded.data_version is None:
        return None
    file = find_stored_file(storage_dir, state.asset_key, state.partition)
    earliest = max(run.created_at - _CLOCK_TOLERANCE_SECONDS, recorded.timestamp)
    if file is None or file.stored_at <= earliest:
        return None
    version = file.data_version()
    return None if version == recorded.data_version else version
