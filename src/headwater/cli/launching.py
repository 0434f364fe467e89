"""A run from the command line: launched, watched while it goes, told of when it has ended."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.error_report import INTERRUPTED, RUN_FAILED, CommandRefused
from headwater.cli.progress import Progress, progress_for
from headwater.cli.run_report import report_end
from headwater.cli.screen import Screen, can_draw
from headwater.cli.workplace import Workplace
from headwater.graph.selection import AssetSelection
from headwater.model.runs import Run, RunStatus
from headwater.plan.missing_upstream import missing_upstream
from headwater.plan.partitions_of_request import keys_in_range, partitions_defs_of
from headwater.runtime.execute import asset_job, launch
from headwater.views.assets import CheckStatus
from headwater.views.runs import run_data, without_templates
from headwater.views.words import counted, listed

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.model.keys import AssetKey
    from headwater.runtime.instance import Instance

MOST_PARTITIONS_UNASKED = 10_000


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was asked for on the command line. Either a selection of assets or the name of a job."""

    selection: str | None = None
    job_name: str | None = None
    partition_key: str | None = None
    partition_range: tuple[str, str] | None = None
    run_config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    adds_missing_upstream: bool = True
    check_only: bool = False
    is_confirmed: bool = False


def launch_and_report(workplace: Workplace, request: RunRequest, *, as_json: bool, full: bool) -> int:
    """Carry out the request; return the exit code."""
    screen = Screen(as_json)
    definitions = workplace.definitions
    with workplace.instance() as instance:
        selection: AssetSelection | None = None
        if request.selection is not None:
            selection = AssetSelection.from_string(request.selection)
            job = asset_job(definitions, selection, checks_only=request.check_only)
        else:
            job = definitions.get_job_def(request.job_name or "")
        keys = _partition_keys(job, instance, request.partition_range)
        _confirm(screen, keys, request)
        if selection is not None and request.adds_missing_upstream and not request.check_only:
            wanted = keys or ([request.partition_key] if request.partition_key is not None else None)
            selection = _with_missing_upstream(screen, workplace, instance, selection, job.asset_keys, wanted)
        progress = progress_for(screen, verbose=full)
        is_interrupted = False
        run: Run | None = None
        try:
            with progress:
                outcome = launch(
                    definitions,
                    instance=instance,
                    selection=selection,
                    job_name=request.job_name,
                    partition_key=request.partition_key,
                    partition_keys=keys,
                    run_config=dict(request.run_config) or None,
                    tags=dict(request.tags) or None,
                    check_only=request.check_only,
                    raise_on_error=False,
                    on_event=progress.on_event,
                    on_plan=progress.on_plan,
                    on_line=progress.on_line,
                )
            run = outcome.run
        except KeyboardInterrupt:
            is_interrupted = True
            run = (progress.run_id and instance.get_run_by_id(progress.run_id)) or None
            if run is None:
                raise
        storage_dir = str(instance.storage_dir)
    _report(screen, run, progress, storage_dir, full)
    if is_interrupted or run.status is RunStatus.CANCELED:
        return INTERRUPTED
    if request.check_only and progress.tally.checks_with(CheckStatus.FAILED):
        return RUN_FAILED
    return 0 if run.is_success else RUN_FAILED


def _report(screen: Screen, run: Run, progress: Progress, storage_dir: str, full: bool) -> None:
    steps = without_templates(progress.tally.steps.values())
    report_end(screen, run, progress.tally, steps, now=time.time(), storage_dir=storage_dir, full=full)
    if screen.as_json:
        screen.document({**run_data(run, progress.tally, steps), "storage": storage_dir})


def _partition_keys(
    job: JobDefinition, instance: Instance, partition_range: tuple[str, str] | None
) -> tuple[str, ...] | None:
    if partition_range is None:
        return None
    definitions = partitions_defs_of(job)
    if not definitions:
        raise CommandRefused(
            what=f"The partitions {'...'.join(partition_range)} were asked for, and nothing selected is partitioned.",
            why="There is no partition that they could mean.",
            fix="Leave --partition-range out.",
        )
    if len(definitions) > 1:
        raise CommandRefused(
            what=f"What is selected has different partitions: {listed([each.describe() for each in definitions])}.",
            why="One range of keys cannot be meant for all of them.",
            fix="Materialize them one after the other, each with its own range.",
        )
    return keys_in_range(definitions[0], partition_range, instance)


def _confirm(screen: Screen, keys: Sequence[str] | None, request: RunRequest) -> None:
    if keys is None or len(keys) <= MOST_PARTITIONS_UNASKED or request.is_confirmed or not can_draw(screen.err):
        return
    click.confirm(f"One run of {counted(len(keys), 'partition')}. Go on?", abort=True, err=True)


def _with_missing_upstream(
    screen: Screen,
    workplace: Workplace,
    instance: Instance,
    selection: AssetSelection,
    selected: Collection[AssetKey],
    keys: Sequence[str] | None,
) -> AssetSelection:
    added = missing_upstream(workplace.graph, instance.store, selected, keys)
    if not added:
        return selection
    named = listed([str(key) for key in added])
    screen.say(f"Needed and never materialized, so made too: {named}  (--no-upstream leaves out)")
    return selection | AssetSelection.keys(*added)
