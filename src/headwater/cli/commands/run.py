"""headwater run: what ran, how it went, and what its steps said."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from headwater.cli.error_report import CommandRefused
from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options, traceback_option
from headwater.cli.run_options import joined_selections, read_configs, read_partition_range, read_tags, run_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.engine.step_log_files import LogLine
    from headwater.model.events import StepFailed
    from headwater.model.runs import Run
    from headwater.runtime.instance import Instance

_FOLLOW_SECONDS = 0.3
_MOST_ASSETS_SHOWN = 50


@click.group(cls=LazyGroup)
def run() -> None:
    """List and show runs, and what their steps said. RUN is an id, its first letters, or "latest"."""


@run.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--job", "job_name", metavar="NAME", help="Only runs of this job.")
@click.option(
    "--backfill", "backfill_id", metavar="BACKFILL", help='Only runs of this backfill; "latest" is the newest.'
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["queued", "running", "succeeded", "failed", "canceled", "interrupted"]),
    help="Only runs of this status; may be given again.",
)
@project_options
def list_runs(
    workplace: Workplace,
    as_json: bool,
    limit: int,
    job_name: str | None,
    backfill_id: str | None,
    statuses: tuple[str, ...],
) -> None:
    """List runs, newest first."""
    screen = Screen(as_json)
    from headwater.model.runs import RunsFilter
    from headwater.views.runs import RUN_WORDS, run_cause, run_line_data, run_subject, short_id
    from headwater.views.words import ago, duration_in_words

    wanted = [status for status, word in RUN_WORDS.items() if word in statuses]
    with workplace.instance_to_read() as instance:
        tags: dict[str, str] = {}
        if backfill_id is not None:
            from headwater.cli.backfills import find_backfill
            from headwater.model.backfills import BACKFILL_TAG

            tags[BACKFILL_TAG] = find_backfill(instance, backfill_id).backfill_id
        filters = RunsFilter(job_name=job_name, statuses=wanted, tags=tags)
        runs = instance.store.runs(filters, limit=limit)
        total = instance.store.run_count(filters)
    if as_json:
        screen.document({"runs": [run_line_data(each) for each in runs], "total": total})
        return
    if not runs:
        screen.say("Nothing has run yet." if not (job_name or statuses or backfill_id) else "No such run is recorded.")
        return
    now = time.time()
    screen.table(
        ("run", "status", "of", "started", "took", "cause"),
        [
            (
                short_id(each.run_id),
                RUN_WORDS[each.status],
                run_subject(each),
                ago(each.started_at or each.created_at, now),
                duration_in_words(each.duration_seconds),
                run_cause(each, 80),
            )
            for each in runs
        ],
    )
    if total > len(runs):
        screen.say(f"The newest {len(runs)} of {total:,}; --limit shows more.")


@run.command("show", short_help="Show how a run went.")
@click.argument("run_id", metavar="RUN")
@traceback_option
@project_options
def show(workplace: Workplace, as_json: bool, run_id: str, full: bool) -> None:
    """Show a run: how it went, its steps, assets and checks, and what failed."""
    screen = Screen(as_json)
    from headwater.cli.run_report import report_checks, report_failures
    from headwater.model.runs import StepStatus
    from headwater.views.runs import STEP_WORDS, RunTally, merged_steps, run_data, run_sentence, short_id
    from headwater.views.words import counted, duration_in_words, instant_in_words

    with _instance_with_runs(workplace) as instance:
        found = find_run(instance, run_id)
        tally = RunTally.of(record.event for record in instance.store.events_of_run(found.run_id))
        steps = merged_steps(tally, instance.store.steps_of(found.run_id), found)
        storage_dir = str(instance.storage_dir)
    if as_json:
        screen.document({"run": {**run_data(found, tally, steps), "storage": storage_dir, "plan": found.plan}})
        return
    screen.result(screen.styled(run_sentence(found, time.time()), "bold"))
    screen.fields(
        [
            ("id", found.run_id),
            ("started", instant_in_words(found.started_at or found.created_at)),
            ("retry of", found.parent_run_id),
            ("tags", ", ".join(f"{key}={value}" for key, value in found.tags.items())),
            ("outcome", tally.in_words() if found.is_finished else None),
        ]
    )
    if steps:
        screen.heading("Steps")
        screen.table(
            ("step", "status", "took", "attempts", "cause"),
            [
                (
                    step.key,
                    STEP_WORDS[step.status],
                    duration_in_words(step.duration_seconds),
                    str(step.attempt) if step.started_at is not None else "-",
                    (step.cause or "").split("\n")[0],
                )
                for step in steps
            ],
            right=("took", "attempts"),
        )
    if tally.materialized:
        screen.heading("Assets")
        rows = [
            (
                asset,
                counted(len(events), "partition") if events[0].partition is not None else "-",
                events[-1].data_version or "-",
            )
            for asset, events in tally.materialized.items()
        ]
        screen.table(("asset", "partitions", "data version"), rows[:_MOST_ASSETS_SHOWN])
        if len(rows) > _MOST_ASSETS_SHOWN:
            screen.say(f"and {counted(len(rows) - _MOST_ASSETS_SHOWN, 'other asset')}; --json shows all")
    elif found.is_success and found.asset_selection and not tally.steps:
        screen.say("The history of this run has been trimmed; what it made is shown by: headwater asset show")
    if tally.checks:
        screen.heading("Checks")
        screen.result(tally.checks_in_words())
        report_checks(screen, tally)
    if tally.run_error is not None or any(step.status is StepStatus.FAILED for step in steps):
        screen.heading("What failed")
        report_failures(screen, tally, steps, full=full)
        screen.result(f"What the steps said: headwater run logs {short_id(found.run_id)}")


@run.command("logs", short_help="Print what the steps of a run said.")
@click.argument("run_id", metavar="RUN")
@click.option("--step", metavar="STEP", help="Only this step.")
@click.option("--attempt", type=click.IntRange(min=1), help="Only this attempt of the step.")
@click.option("--follow", is_flag=True, help="Go on as the run does, until it ends.")
@project_options
def logs(workplace: Workplace, as_json: bool, run_id: str, step: str | None, attempt: int | None, follow: bool) -> None:
    """Print what the steps of a run said: by context.log, logging, stdout and stderr."""
    if follow and as_json:
        raise click.UsageError("--follow never ends in one document; leave out --json, or --follow.")
    if attempt is not None and step is None:
        raise click.UsageError("--attempt is of a step: name it with --step.")
    screen = Screen(as_json)
    from headwater.engine.step_log_files import list_step_logs, read_run_log, read_step_log
    from headwater.model.errors import did_you_mean
    from headwater.model.events import StepFailed

    with _instance_with_runs(workplace) as instance:
        found = find_run(instance, run_id)
        known = [record.step_key for record in instance.store.steps_of(found.run_id)]
        spoke = {key for key, _, _ in list_step_logs(instance.logs_dir, found.run_id)}
        if step is not None and step not in known and step not in spoke:
            raise CommandRefused(
                what=f'Run {found.run_id} has no step "{step}".',
                why="There is nothing to print.",
                fix=f"{did_you_mean(step, known)}Its steps are: {', '.join(known[:20]) or 'none'}.",
            )
        if follow:
            _follow(screen, instance, found, step, attempt)
            return
        if step is not None:
            lines = read_step_log(instance.logs_dir, found.run_id, step, attempt)
        else:
            lines = read_run_log(instance.logs_dir, found.run_id)
        failures = [
            record.event
            for record in instance.store.events_of_run(found.run_id)
            if isinstance(record.event, StepFailed) and step in (None, record.event.step_key)
        ]
    if as_json:
        screen.document({"run_id": found.run_id, "lines": [_line_data(line) for line in lines]})
        return
    for line in lines:
        if screen.is_closed:
            return
        screen.result(_line_text(screen, line))
    spoke = {line.step_key for line in lines}
    silent = [event for event in failures if event.step_key not in spoke and attempt in (None, event.attempt)]
    for event in silent:
        screen.result(_failure_text(screen, event))
    if silent:
        screen.say(f"They failed without saying anything; their errors: headwater run show {found.run_id[:8]}")
    elif not lines:
        screen.say("Its steps said nothing.")


@run.command("launch", short_help="Have the running service carry out a run.")
@click.argument("selections", metavar="[SELECTION]...", nargs=-1)
@click.option("--job", "job_name", metavar="NAME", help="A job, in place of a selection of assets.")
@click.option("--location", metavar="NAME", help="The code location; needed when there are several.")
@click.option("--priority", type=int, help="Higher goes first; 0 unless it is said.")
@click.option("--wait", "waits", is_flag=True, help="Watch the run until it has ended.")
@run_options
@traceback_option
@project_options
def launch_run(
    workplace: Workplace,
    as_json: bool,
    selections: tuple[str, ...],
    job_name: str | None,
    location: str | None,
    priority: int | None,
    waits: bool,
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    configs: tuple[str, ...],
    tags: tuple[str, ...],
    full: bool,
) -> int:
    """Launch a run of SELECTION, or of a job, at the running service, and print its id.

    This process imports none of the project's code. Assets that are needed and were never made are made too.
    """
    if bool(selections) == (job_name is not None):
        raise click.UsageError("Name a selection of assets ('*' means all of them), or a job with --job.")
    from headwater.cli.at_service import launch_at_service
    from headwater.service.control import ServiceClient
    from headwater.service.protocol import LaunchRequest

    run_tags = dict(read_tags(tags))
    if priority is not None:
        run_tags["headwater/priority"] = str(priority)
    request = LaunchRequest(
        "",
        job_name=job_name,
        selection=joined_selections(selections) if selections else None,
        partition_key=partition,
        partition_range=read_partition_range(partition, partition_range, first, last),
        run_config=read_configs(configs),
        tags=run_tags,
        adds_missing_upstream=True,
        location=location,
    )
    with ServiceClient(workplace.settings.home) as service:
        run_id = launch_at_service(service, request)
    return _launched(workplace, as_json, run_id, waits=waits, full=full)


@run.command("retry", short_help="Run again what a run did, or what it did not get done.")
@click.argument("run_id", metavar="RUN")
@click.option("--all", "is_whole", is_flag=True, help="All of it, not only what did not succeed.")
@click.option("--step", "steps", multiple=True, metavar="STEP", help="Only this step; may be given again.")
@click.option("--wait", "waits", is_flag=True, help="Watch the run until it has ended.")
@traceback_option
@project_options
def retry(
    workplace: Workplace,
    as_json: bool,
    run_id: str,
    is_whole: bool,
    steps: tuple[str, ...],
    waits: bool,
    full: bool,
) -> int:
    """Launch a run, at the running service, of the steps of RUN that did not succeed; the others' values are used again."""
    if is_whole and steps:
        raise click.UsageError("--all means every step; leave it out, or --step.")
    from headwater.cli.at_service import launch_at_service
    from headwater.service.control import ServiceClient
    from headwater.service.protocol import LaunchRequest

    with _instance_with_runs(workplace) as instance:
        found = find_run(instance, run_id)
    if not found.is_finished:
        raise CommandRefused(
            what=f"Run {found.run_id[:8]} has not ended: it is {found.status.value}.",
            why="What it has not got done is not known yet.",
            fix=f"Wait for it (headwater run watch {found.run_id[:8]}), or stop it: headwater run cancel {found.run_id[:8]}",
        )
    if found.is_success and not is_whole and not steps:
        raise CommandRefused(
            what=f"Run {found.run_id[:8]} succeeded.",
            why="There is nothing that it did not get done.",
            fix=f"Run it again whole: headwater run retry {found.run_id[:8]} --all",
        )
    is_of_assets = bool(found.asset_selection or found.check_selection)
    keys = _partition_keys_of(found)
    request = LaunchRequest(
        "",
        job_name=None if found.job_name.startswith("__") else found.job_name,
        asset_keys=tuple(map(str, found.asset_selection)) if is_of_assets and found.job_name.startswith("__") else None,
        check_keys=tuple(map(str, found.check_selection)) if is_of_assets and found.job_name.startswith("__") else None,
        partition_keys=keys,
        run_config=found.run_config,
        tags={key: value for key, value in found.tags.items() if not key.startswith("headwater/partition")},
        step_keys=steps or None,
        parent_run_id=found.run_id,
        root_run_id=found.root_run_id or found.run_id,
        from_failure=not is_whole and not steps,
    )
    with ServiceClient(workplace.settings.home) as service:
        launched = launch_at_service(service, request)
    return _launched(workplace, as_json, launched, waits=waits, full=full)


@run.command("cancel", short_help="Stop a run.")
@click.argument("run_id", metavar="RUN")
@click.option("--reason", default="canceled from the command line", help="Recorded with it.")
@project_options
def cancel(workplace: Workplace, as_json: bool, run_id: str, reason: str) -> None:
    """Stop RUN at the running service: what waits is given up, and what runs is ended with all that it started."""
    from headwater.cli.at_service import cancel_at_service
    from headwater.service.control import ServiceClient

    screen = Screen(as_json)
    with _instance_with_runs(workplace) as instance:
        found = find_run(instance, run_id)
        # One that a service left behind is gone on with by the next one, unless it is canceled.
        if found.is_finished and not instance.store.is_launched(found.run_id):
            raise CommandRefused(
                what=f"Run {found.run_id[:8]} has ended already: it is {found.status.value}.",
                why="There is nothing to stop.",
                fix="`headwater run list --status running` shows what runs.",
            )
        with ServiceClient(workplace.settings.home) as service:
            cancel_at_service(service, found.run_id, reason)
    screen.result(f"Run {found.run_id[:8]} is being stopped.")
    if as_json:
        screen.document({"run_id": found.run_id, "canceling": True})


@run.command("watch", short_help="Show how a run goes, until it has ended.")
@click.argument("run_id", metavar="RUN")
@traceback_option
@project_options
def watch_run(workplace: Workplace, as_json: bool, run_id: str, full: bool) -> int:
    """Show how RUN goes until it has ended; the exit code says how."""
    with _instance_with_runs(workplace) as instance:
        found = find_run(instance, run_id)
    return _launched(workplace, as_json, found.run_id, waits=True, full=full)


def _launched(workplace: Workplace, as_json: bool, run_id: str, *, waits: bool, full: bool) -> int:
    """Print the id of a run, or watch it; return the exit code."""
    screen = Screen(as_json)
    if not waits:
        screen.result(run_id)
        if as_json:
            screen.document({"run_id": run_id})
        return 0
    from headwater.cli.at_service import watch
    from headwater.cli.launching import EndedRun, told_of
    from headwater.cli.progress import progress_for

    with workplace.instance() as instance:
        progress = progress_for(screen, verbose=full)
        with progress:
            ended = EndedRun(watch(instance, run_id, progress), progress, is_interrupted=False)
        return told_of(screen, ended, str(instance.storage_dir), as_json=as_json, full=full)


def _partition_keys_of(found: Run) -> tuple[str, ...] | None:
    from headwater.runtime.earlier_run import partitions_of_run

    keys = partitions_of_run(found)
    return None if keys is None else tuple(keys)


@contextlib.contextmanager
def _instance_with_runs(workplace: Workplace) -> Iterator[Instance]:
    if not workplace.has_state:
        raise CommandRefused(
            what=f"There is no state at {workplace.settings.state_place} yet.",
            why="Nothing has run yet, so there is no run to show.",
            fix="Materialize something: headwater materialize '*'. Runs of another place: headwater run list -f FILE.",
        )
    with workplace.instance() as instance:
        yield instance


def find_run(instance: Instance, run_id: str) -> Run:
    """Return the run that is meant by an id, by its first letters, or by "latest". Raises CommandRefused."""
    store = instance.store
    if run_id == "latest":
        newest = store.runs(limit=1)
        if not newest:
            raise CommandRefused(
                what="Nothing has run yet.",
                why=f"There is no run in {instance.root_directory}.",
                fix="Materialize something: headwater materialize '*'. Runs of another place: --home DIRECTORY.",
            )
        return newest[0]
    exact = store.find_run(run_id)
    if exact is not None:
        return exact
    matches = [each for each in _all_runs(instance) if each.run_id.startswith(run_id)] if run_id else []
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise CommandRefused(
            what=f'There is no run "{run_id}".',
            why=f"No id of a run in {instance.root_directory} begins so.",
            fix="The runs are listed by: headwater run list. The newest one is called latest.",
        )
    ids = ", ".join(each.run_id for each in matches[:5])
    raise CommandRefused(
        what=f'"{run_id}" begins the ids of {len(matches)} runs: {ids}{", ..." if len(matches) > 5 else ""}.',
        why="It is not clear which one is meant.",
        fix="Type more letters of the id.",
    )


def _all_runs(instance: Instance) -> Iterator[Run]:
    cursor: str | None = None
    while page := instance.store.runs(limit=500, cursor=cursor):
        yield from page
        cursor = page[-1].run_id


def _follow(screen: Screen, instance: Instance, found: Run, step: str | None, attempt: int | None) -> None:
    from headwater.engine.step_log_files import list_step_logs, read_step_log

    told: dict[str, int] = {}
    while not screen.is_closed:
        # Looked at before the logs are read, so that the last lines of a run that ends now are not missed.
        current = instance.store.find_run(found.run_id)
        keys = dict.fromkeys(key for key, _, _ in list_step_logs(instance.logs_dir, found.run_id))
        new = [
            line
            for key in keys
            if step in (None, key)
            for line in read_step_log(instance.logs_dir, found.run_id, key, attempt, told.get(key, 0))
        ]
        for line in sorted(new, key=lambda each: each.timestamp):
            told[line.step_key] = max(told.get(line.step_key, 0), line.line)
            screen.result(_line_text(screen, line))
        if current is None or current.is_finished:
            return
        time.sleep(_FOLLOW_SECONDS)


def _line_text(screen: Screen, line: LogLine) -> str:
    from datetime import datetime

    at = datetime.fromtimestamp(line.timestamp).strftime("%H:%M:%S.%f")[:-3]
    level = line.level or line.source
    style = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow", "stderr": "yellow"}.get(level, "dim")
    return f"{screen.styled(at, 'dim')}  {line.step_key}  {screen.styled(f'{level:<7}', style)}  {line.message}"


def _failure_text(screen: Screen, event: StepFailed) -> str:
    from datetime import datetime

    from headwater.views.runs import failure_in_words

    at = datetime.fromtimestamp(event.timestamp).strftime("%H:%M:%S.%f")[:-3]
    why = f"attempt {event.attempt}: {failure_in_words(event)}"
    return f"{screen.styled(at, 'dim')}  {event.step_key}  {screen.styled('failed ', 'red')}  {why}"


def _line_data(line: LogLine) -> dict[str, object]:
    from headwater.views.words import instant_as_iso

    return {
        "at": instant_as_iso(line.timestamp),
        "step": line.step_key,
        "attempt": line.attempt,
        "source": line.source,
        "level": line.level,
        "logger": line.logger,
        "message": line.message,
    }
