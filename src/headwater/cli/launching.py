"""Runs from the command line: launched, watched while they go, told of when they have ended."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
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
    from headwater.graph.selection import AssetSelection
    from headwater.runtime.instance import Instance
    from headwater.service.control import ServiceClient

MOST_PARTITIONS_UNASKED = 10_000
_PLANNING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class EndedRun:
    """One run that has ended, well or not, and what was seen of it."""

    run: Run
    progress: Progress
    is_interrupted: bool

    def exit_code(self, check_only: bool) -> int:
        if self.is_interrupted or self.run.status is RunStatus.CANCELED:
            return INTERRUPTED
        if check_only and self.progress.tally.checks_with(CheckStatus.FAILED):
            return RUN_FAILED
        return 0 if self.run.is_success else RUN_FAILED

    def to_data(self, storage_dir: str) -> dict[str, Any]:
        tally = self.progress.tally
        return {**run_data(self.run, tally, without_templates(tally.steps.values())), "storage": storage_dir}


@contextlib.contextmanager
def service_of(
    screen: Screen, workplace: Workplace, instance: Instance, *, here: bool, location: str | None = None
) -> Iterator[tuple[ServiceClient, str] | None]:
    """Give the running service of this state and its location with this code, when it is there and is to be used.

    A `location` that is named is taken as it is. Raises ServiceNotRunning when one is named and no service runs.
    """
    if location is not None:
        from headwater.service.control import ServiceClient

        with ServiceClient(workplace.settings.home) as named:
            yield named, location
        return
    if here or instance.home is None or not (instance.home / "service.json").exists():
        yield None
        return
    from headwater.model.errors.service import ServiceNotRunning
    from headwater.service.control import Describe, ServiceClient

    try:
        client = ServiceClient(instance.home)
    except ServiceNotRunning:
        yield None  # one that was killed has left its file
        return
    with client:
        ours = workplace.project.path
        path = None if ours is None else os.path.realpath(ours)
        told = client.ask(Describe())
        names = [each["name"] for each in told["locations"] if each["path"] == path is not None]
        if not names:
            screen.say(f"The service has no code location of {path}, so it is made in this process.")
        yield (client, names[0]) if names else None


def launch_and_report(
    workplace: Workplace, request: RunRequest, *, as_json: bool, full: bool, here: bool = False
) -> int:
    """Carry out the request, at the running service if there is one and not `here`; return the exit code."""
    screen = Screen(as_json)
    definitions = workplace.definitions
    with workplace.instance() as instance, service_of(screen, workplace, instance, here=here) as service:
        intended = intended_runs(definitions, instance, request)
        _confirm(screen, instance, intended, request, workplace.settings.warn_above)
        if intended.added:
            named = listed([str(key) for key in intended.added])
            screen.say(f"Needed and never materialized, so made too: {named}  (--no-upstream refuses instead)")
        storage_dir = str(instance.storage_dir)
        if len(intended.chunks) > 1:
            return _launch_several(screen, instance, intended, request, storage_dir, full, service)
        ended = _launch(screen, instance, intended, intended.chunks[0], request, full, service)
    return told_of(screen, ended, storage_dir, as_json=as_json, full=full, check_only=request.check_only)


def told_of(
    screen: Screen, ended: EndedRun, storage_dir: str, *, as_json: bool, full: bool, check_only: bool = False
) -> int:
    """Tell how a run ended; return the exit code."""
    tally = ended.progress.tally
    steps = without_templates(tally.steps.values())
    report_end(screen, ended.run, tally, steps, now=time.time(), storage_dir=storage_dir, full=full)
    if as_json:
        screen.document(ended.to_data(storage_dir))
    return ended.exit_code(check_only)


def _launch_several(
    screen: Screen,
    instance: Instance,
    intended: IntendedRuns,
    request: RunRequest,
    storage_dir: str,
    full: bool,
    service: tuple[ServiceClient, str] | None,
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
        ended = _launch(screen, instance, intended, chunk, request, full, service)
        tally = ended.progress.tally
        report_one_of_several(screen, ended.run, tally, without_templates(tally.steps.values()), full=full)
        launched += 1
        has_values = has_values or bool(tally.materialized)
        if screen.as_json:
            documents.append(ended.to_data(storage_dir))
        code = ended.exit_code(request.check_only)
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
    service: tuple[ServiceClient, str] | None = None,
) -> EndedRun:
    progress = progress_for(screen, verbose=full)
    selection = intended.selection_for(chunk, instance)
    if service is not None:
        return _launch_at_service(screen, instance, intended, selection, chunk, request, progress, service)
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


def _launch_at_service(
    screen: Screen,
    instance: Instance,
    intended: IntendedRuns,
    selection: AssetSelection | None,
    chunk: tuple[str, ...] | None,
    request: RunRequest,
    progress: Progress,
    service: tuple[ServiceClient, str],
) -> EndedRun:
    """Have the running service do it, and watch. Ctrl-C stops the run, and waits until it has."""
    client, location = service
    run_id = str(uuid.uuid4())
    from headwater.cli.at_service import launch_at_service, watch
    from headwater.runtime.execute import asset_job
    from headwater.service.control import ServiceClient
    from headwater.service.protocol import LaunchRequest

    is_single = chunk is not None and len(chunk) == 1
    asset_keys = check_keys = None
    if request.job_name is None:
        job = asset_job(intended.definitions, selection, checks_only=request.check_only)
        asset_keys = tuple(sorted(map(str, job.asset_keys)))
        check_keys = tuple(sorted(map(str, job.check_keys)))
    asked = LaunchRequest(
        run_id,
        job_name=request.job_name,
        asset_keys=asset_keys,
        check_keys=check_keys,
        partition_key=chunk[0] if chunk is not None and is_single else None,
        partition_keys=None if is_single else chunk,
        run_config=dict(request.run_config),
        tags=dict(request.tags),
        location=location,
    )
    with progress:
        try:
            launch_at_service(client, asked)
            return EndedRun(watch(instance, run_id, progress), progress, is_interrupted=False)
        except KeyboardInterrupt as stop:
            # Another connection: on this one the answer to what was asked may still be on its way.
            with ServiceClient(client.home) as other:
                _stop_at_service(other, instance, run_id, stop)
            return EndedRun(watch(instance, run_id, progress), progress, is_interrupted=True)


def _stop_at_service(client: ServiceClient, instance: Instance, run_id: str, stop: KeyboardInterrupt) -> None:
    """Have the service stop a run, also one that it is still planning; one that has ended meanwhile is left as it is."""
    from headwater.cli.at_service import cancel_at_service
    from headwater.model.errors.service import ServiceError

    until = time.monotonic() + _PLANNING_SECONDS
    while time.monotonic() < until:
        try:
            return cancel_at_service(client, run_id, str(stop) or "interrupted from the keyboard")
        except ServiceError:
            run = instance.store.find_run(run_id)
            if run is not None and run.is_finished:
                return None
            time.sleep(0.05)
    raise stop


def _all_of(intended: IntendedRuns) -> AssetSelection:
    """Return what the runs make: what was selected, and what they add."""
    from headwater.graph.selection import AssetSelection

    assert intended.selection is not None
    return intended.selection | AssetSelection.keys(*intended.added) if intended.added else intended.selection


def _confirm(screen: Screen, instance: Instance, intended: IntendedRuns, request: RunRequest, warn_above: int) -> None:
    """Show the plan on a terminal, and ask; one asset or partition that was named is not asked about."""
    partitions = intended.partitions
    runs = "One run" if len(intended.chunks) == 1 else counted(len(intended.chunks), "run")
    if request.is_confirmed or not can_draw(screen.err):
        if partitions > warn_above:
            screen.say(f"Warning: {runs} of {counted(partitions, 'partition')}.")
        return
    is_small = partitions <= 1 and len(intended.job.asset_keys) == 1 and not intended.added
    if request.selection is not None and not request.check_only and not is_small:
        from headwater.cli.planned_runs import show_and_ask
        from headwater.runtime.plans import plan

        keys = [key for chunk in intended.chunks for key in chunk or ()]
        planned = plan(
            intended.definitions,
            selection=_all_of(intended),
            partition_keys=keys or None,
            instance=instance,
            upstream=False,
            warn_above=warn_above,
        )
        show_and_ask(screen, planned, is_confirmed=False)
        return
    if partitions <= max(warn_above, MOST_PARTITIONS_UNASKED):
        return
    click.confirm(f"{runs} of {counted(partitions, 'partition')}. Go on?", abort=True, err=True)
