"""Runs from the command line: launched, watched while they go, told of when they have ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.error_report import INTERRUPTED, RUN_FAILED
from headwater.cli.intended_runs import IntendedRuns, RunRequest, intended_runs
from headwater.cli.progress import Progress, progress_for
from headwater.cli.run_report import report_end, report_one_of_several, report_several
from headwater.cli.screen import Screen, can_draw
from headwater.cli.workplace import Workplace
from headwater.model.runs import Run, RunStatus
from headwater.runtime.execute import launch
from headwater.views.assets import CheckStatus
from headwater.views.runs import partitions_in_words, run_data, without_templates
from headwater.views.words import counted, listed

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance

MOST_PARTITIONS_UNASKED = 10_000


@dataclass(frozen=True, slots=True)
class EndedRun:
    """One run that has ended, well or not, and what was seen of it."""

    run: Run
    progress: Progress
    is_interrupted: bool

    def exit_code(self, request: RunRequest) -> int:
        if self.is_interrupted or self.run.status is RunStatus.CANCELED:
            return INTERRUPTED
        if request.check_only and self.progress.tally.checks_with(CheckStatus.FAILED):
            return RUN_FAILED
        return 0 if self.run.is_success else RUN_FAILED

    def to_data(self, storage_dir: str) -> dict[str, Any]:
        tally = self.progress.tally
        return {**run_data(self.run, tally, without_templates(tally.steps.values())), "storage": storage_dir}


def launch_and_report(workplace: Workplace, request: RunRequest, *, as_json: bool, full: bool) -> int:
    """Carry out the request; return the exit code."""
    screen = Screen(as_json)
    with workplace.instance() as instance:
        intended = intended_runs(workplace.definitions, instance, request)
        _confirm(screen, instance, intended, request)
        if intended.added:
            named = listed([str(key) for key in intended.added])
            screen.say(f"Needed and never materialized, so made too: {named}  (--no-upstream refuses instead)")
        storage_dir = str(instance.storage_dir)
        if len(intended.chunks) > 1:
            return _launch_several(screen, instance, intended, request, storage_dir, full)
        ended = _launch(screen, instance, intended, intended.chunks[0], request, full)
    tally = ended.progress.tally
    steps = without_templates(tally.steps.values())
    report_end(screen, ended.run, tally, steps, now=time.time(), storage_dir=storage_dir, full=full)
    if as_json:
        screen.document(ended.to_data(storage_dir))
    return ended.exit_code(request)


def _launch_several(
    screen: Screen, instance: Instance, intended: IntendedRuns, request: RunRequest, storage_dir: str, full: bool
) -> int:
    """Launch one run after the other. A run that fails does not keep the next ones; an interruption does."""
    documents: list[dict[str, Any]] = []
    failed: list[str] = []
    launched = succeeded = exit_code = 0
    has_values = False
    for number, chunk in enumerate(intended.chunks, start=1):
        assert chunk is not None
        named = partitions_in_words(chunk)
        heading = f"Run {number:,} of {len(intended.chunks):,}  [{named}]"
        if screen.as_json:
            screen.say(heading)
        else:
            screen.heading(heading)
        ended = _launch(screen, instance, intended, chunk, request, full)
        tally = ended.progress.tally
        report_one_of_several(screen, ended.run, tally, without_templates(tally.steps.values()), full=full)
        launched += 1
        has_values = has_values or bool(tally.materialized)
        if screen.as_json:
            documents.append(ended.to_data(storage_dir))
        code = ended.exit_code(request)
        exit_code = max(exit_code, code)
        if code == 0:
            succeeded += 1
        if code == RUN_FAILED:
            failed.append(named)
        if code == INTERRUPTED:
            break
    report_several(
        screen,
        launched=launched,
        succeeded=succeeded,
        failed=failed,
        not_started=len(intended.chunks) - launched,
        partitions=intended.partitions,
        storage_dir=storage_dir if has_values else None,
    )
    if screen.as_json:
        screen.document({"runs": documents})
    return exit_code


def _launch(
    screen: Screen,
    instance: Instance,
    intended: IntendedRuns,
    chunk: tuple[str, ...] | None,
    request: RunRequest,
    full: bool,
) -> EndedRun:
    progress = progress_for(screen, verbose=full)
    selection = intended.selection_for(chunk, instance)
    is_single = chunk is not None and len(chunk) == 1
    try:
        with progress:
            outcome = launch(
                intended.definitions,
                instance=instance,
                selection=selection,
                job_name=request.job_name,
                partition_key=chunk[0] if chunk is not None and is_single else None,
                partition_keys=None if is_single else chunk,
                run_config=dict(request.run_config) or None,
                tags=dict(request.tags) or None,
                check_only=request.check_only,
                raise_on_error=False,
                on_event=progress.on_event,
                on_plan=progress.on_plan,
                on_line=progress.on_line,
            )
        return EndedRun(outcome.run, progress, is_interrupted=False)
    except KeyboardInterrupt:
        run = (progress.run_id and instance.get_run_by_id(progress.run_id)) or None
        if run is None:
            raise
        return EndedRun(run, progress, is_interrupted=True)


def _confirm(screen: Screen, instance: Instance, intended: IntendedRuns, request: RunRequest) -> None:
    """Show the plan on a terminal, and ask; one asset or partition that was named is not asked about."""
    partitions = intended.partitions
    if request.is_confirmed or not can_draw(screen.err):
        return
    is_small = partitions <= 1 and len(intended.job.asset_keys) == 1 and not intended.added
    if request.selection is not None and not request.check_only and not is_small:
        from headwater.cli.planned_runs import show_and_ask
        from headwater.runtime.plans import plan

        keys = [key for chunk in intended.chunks for key in chunk or ()]
        planned = plan(
            intended.definitions,
            selection=intended.selection,
            partition_keys=keys or None,
            instance=instance,
            upstream=request.adds_missing_upstream,
        )
        show_and_ask(screen, planned, is_confirmed=False)
        return
    if partitions <= MOST_PARTITIONS_UNASKED:
        return
    runs = "One run" if len(intended.chunks) == 1 else counted(len(intended.chunks), "run")
    click.confirm(f"{runs} of {counted(partitions, 'partition')}. Go on?", abort=True, err=True)
