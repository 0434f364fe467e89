"""headwater job: jobs, listed, executed and backfilled."""

from __future__ import annotations

import click

from headwater.cli.backfill_options import (
    GivenOptions,
    HowToLaunch,
    launch_options,
    read_request,
    refuse_contradictions,
)
from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import here_option, project_options, traceback_option
from headwater.cli.run_options import read_configs, read_partition_range, read_tags, run_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace


@click.group(cls=LazyGroup)
def job() -> None:
    """List, execute and backfill jobs."""


@job.command("list")
@project_options
def list_jobs(workplace: Workplace, as_json: bool) -> None:
    """List the jobs of the project."""
    screen = Screen(as_json)
    jobs = workplace.definitions.get_all_job_defs()
    rows = []
    for definition in jobs:
        partitions_def = definition.partitions_def
        rows.append(
            {
                "name": definition.name,
                "kind": "assets" if definition.is_asset_job else "ops",
                "partitions": partitions_def.describe() if partitions_def is not None else None,
                "description": definition.description,
            }
        )
    if as_json:
        screen.document({"jobs": rows})
    elif rows:
        screen.table(
            ("job", "kind", "partitions", "description"),
            [
                (row["name"] or "", row["kind"] or "", row["partitions"] or "", _first_line(row["description"]))
                for row in rows
            ],
        )
    else:
        screen.say("The project declares no jobs. One is made with @job or define_asset_job(...).")


@job.command("execute")
@click.argument("name")
@run_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a run of very many partitions.")
@here_option
@traceback_option
@project_options
def execute(
    workplace: Workplace,
    as_json: bool,
    name: str,
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    configs: tuple[str, ...],
    tags: tuple[str, ...],
    yes: bool,
    full: bool,
    here: bool,
) -> int:
    """Execute the job NAME."""
    ends = read_partition_range(partition, partition_range, first, last)
    run_config, run_tags = read_configs(configs), read_tags(tags)
    from headwater.cli.intended_runs import RunRequest
    from headwater.cli.launching import launch_and_report

    request = RunRequest(
        job_name=name,
        partition_key=partition,
        partition_range=ends,
        run_config=run_config,
        tags=run_tags,
        is_confirmed=yes,
    )
    return launch_and_report(workplace, request, as_json=as_json, full=full, here=here)


@job.command("backfill", short_help="Run a job for many partitions.")
@click.argument("name", metavar="JOB")
@launch_options
@project_options
def backfill(workplace: Workplace, as_json: bool, name: str, given: GivenOptions, how: HowToLaunch) -> int:
    """Make partitions of the assets of JOB, in the order in which they need each other; a job of ops is run for each.

    Without partitions, all that exist are meant. A running service carries it out; without one this command does.
    `headwater backfill list` and `show` tell of it.
    """
    refuse_contradictions(how, given)
    request = read_request(given, job_name=name)
    from headwater.cli.backfills import launch_backfill

    return launch_backfill(workplace, request, how, as_json=as_json)


def _first_line(text: str | None) -> str:
    from headwater.views.words import first_line

    return first_line(text, 80)
