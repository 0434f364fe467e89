"""Requests for backfills: what is refused before anybody looks at the project, and what a trigger adds to its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headwater.model.backfills import BackfillRequest
from headwater.model.errors import did_you_mean
from headwater.model.errors.backfill_requests import UnclearBackfillRequest, UnknownBackfillMode
from headwater.model.errors.triggers import TriggerResultError

if TYPE_CHECKING:
    from headwater.authoring.triggers import TriggerTargets

BACKFILL_MODES: Final = ("requested", "missing", "failed", "stale", "all")


def refuse_unclear(request: BackfillRequest) -> None:
    """Raise UnclearBackfillRequest or UnknownBackfillMode for a request that says two things, or nothing."""
    if request.mode not in BACKFILL_MODES:
        raise UnknownBackfillMode(request.mode, BACKFILL_MODES)
    named = _named(request)
    # What of a job is tried again.
    if len(named) > 1 and named != ["job_name", "keys_by_asset"]:
        raise UnclearBackfillRequest(
            what=f"A backfill names what to build in several ways: {', '.join(named)}.",
            why="It is not known which of them is meant.",
            fix=f"Give {named[0]} alone.",
        )
    given = [
        name
        for name in ("partition_keys", "partition_range", "partitions", "keys_by_asset")
        if getattr(request, name) is not None
    ] + (["all_partitions"] if request.all_partitions else [])
    if len(given) > 1:
        raise UnclearBackfillRequest(
            what=f"A backfill names partitions in several ways: {', '.join(given)}.",
            why="It is not known which of them is meant.",
            fix=f"Give {given[0]} alone.",
        )
    if request.partition_keys is not None and not request.partition_keys:
        raise UnclearBackfillRequest(
            what="No partition was asked for: partition_keys is empty.",
            why="There would be nothing to build.",
            fix="Name at least one partition, or leave the argument out for all of them.",
        )


def _named(request: BackfillRequest) -> list[str]:
    names = ("selection", "asset_keys", "job_name", "keys_by_asset")
    return [name for name in names if getattr(request, name) is not None]


def completed_backfill(
    of: str, request: BackfillRequest, targets: TriggerTargets, tags: Mapping[str, str]
) -> BackfillRequest:
    """Return a request of a trigger as it is launched: with the trigger's tag, and of what it starts where that is all.

    Raises TriggerResultError for a request of what the trigger does not start, and what `refuse_unclear` raises.
    """
    refuse_unclear(request)
    if not targets.names:
        raise TriggerResultError(
            what=f"{of} asked for a backfill, and was not declared to start anything.",
            why="What a trigger may start is declared, so that it is seen before it happens.",
            fix="Give it job=, jobs=, job_name=, target= or asset_selection=.",
        )
    if request.job_name is not None and request.job_name not in targets.names:
        raise TriggerResultError(
            what=f'{of} asked for a backfill of the job "{request.job_name}", which it does not start.',
            why="What a trigger may start is declared, so that it is seen before it happens.",
            fix=f"{did_you_mean(request.job_name, targets.names)}It starts: {', '.join(targets.names)}.",
        )
    if not _named(request):
        if len(targets.names) > 1:
            raise TriggerResultError(
                what=f"{of} asked for a backfill without saying of what.",
                why=f"It may start several jobs: {', '.join(targets.names)}.",
                fix=f'Write BackfillRequest(job_name="{targets.names[0]}", ...).',
            )
        request = replace(request, job_name=targets.names[0])
    return replace(request, options=replace(request.options, tags={**request.options.tags, **tags}))
