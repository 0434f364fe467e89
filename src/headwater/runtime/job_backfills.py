"""Backfills of a job of ops: one run for each partition of the job, and what became of it is what became of its run."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from headwater.model.backfills import BackfillGroup, BackfillPlan, BackfillRequest, key_of_job
from headwater.model.clock import utc_now
from headwater.model.errors.backfill_requests import NothingToBackfill, UnclearBackfillRequest
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import PARTITION_TAG
from headwater.model.partitions.subset import PartitionsSubset
from headwater.model.runs import RunsFilter, RunStatus
from headwater.runtime.asked_partitions import AskedPartitions
from headwater.views.materialization_plan import MaterializationPlan, PlannedStep
from headwater.views.partition_spaces import PartitionSpace, PartitionSpaces
from headwater.views.words import counted

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.runtime.instance import Instance

_RUNS_FOR_AN_ESTIMATE = 5
_REASONS = {"missing": "never succeeded", "failed": "failed when last run"}


def plan_of_job(
    definitions: Definitions, job: JobDefinition, request: BackfillRequest, instance: Instance, warn_above: int
) -> tuple[BackfillPlan, MaterializationPlan]:
    """Return the runs of a job of ops that a request comes to.

    Raises NothingToBackfill, UnknownPartitionError, and UnclearBackfillRequest for a job without partitions.
    """
    if job.partitions_def is None:
        raise UnclearBackfillRequest(
            what=f'Job "{job.name}" has no partitions, so it cannot be backfilled.',
            why="A backfill runs it for each of them.",
            fix=f"Run it once with `headwater run launch {job.name}`, or give it a partitions_def or a PartitionedConfig.",
        )
    if request.mode == "stale":
        raise UnclearBackfillRequest(
            what=f'Job "{job.name}" builds no assets, so nothing of it is stale.',
            why="What is stale is told by what a value was made from.",
            fix="Ask for what is missing, or for what failed.",
        )
    key = key_of_job(job.name)
    spaces = PartitionSpaces(definitions.index.graph, instance, utc_now())
    space = PartitionSpace(job.partitions_def, instance, spaces.now)
    if request.keys_by_asset is None:
        asked = AskedPartitions(request.partition_keys, request.partition_range, request.partitions)
    else:
        asked = AskedPartitions(request.keys_by_asset.get(key))
    part = _of_mode(request.mode, job, space, asked.read_in(space, spaces), instance)
    if not part:
        raise NothingToBackfill(request.mode, [key])
    step = PlannedStep(
        AssetKey([key]),
        part,
        _REASONS.get(request.mode, "requested"),
        (request.mode if request.mode in _REASONS else "requested",),
        seconds=_seconds(job, instance, len(part)),
    )
    warnings: tuple[str, ...] = ()
    if len(part) > warn_above:
        warnings = (f'{counted(len(part), "partition")} of job "{job.name}" would be run.',)
    group = BackfillGroup((key,), tuple(map(str, part)))
    return BackfillPlan((group,)), MaterializationPlan((step,), warnings, instance)


def _of_mode(
    mode: str, job: JobDefinition, space: PartitionSpace, part: PartitionsSubset[Any], instance: Instance
) -> PartitionsSubset[Any]:
    if mode not in _REASONS:
        return part
    last: dict[str, RunStatus] = {}
    succeeded: set[str] = set()
    for run in instance.store.runs(RunsFilter(job_name=job.name)):
        partition = run.tags.get(PARTITION_TAG)
        if partition is not None:
            last.setdefault(partition, run.status)
            if run.status is RunStatus.SUCCESS:
                succeeded.add(partition)
    if mode == "missing":
        return part - space.existing_among(succeeded)
    return part & space.existing_among([key for key, status in last.items() if status is RunStatus.FAILURE])


def _seconds(job: JobDefinition, instance: Instance, count: int) -> float | None:
    """Return what so many runs are likely to take, by the median of the last that succeeded."""
    filters = RunsFilter(job_name=job.name, statuses=[RunStatus.SUCCESS])
    known = [
        run.ended_at - run.started_at
        for run in instance.store.runs(filters, limit=_RUNS_FOR_AN_ESTIMATE)
        if run.ended_at is not None and run.started_at is not None
    ]
    return statistics.median(known) * count if known else None
