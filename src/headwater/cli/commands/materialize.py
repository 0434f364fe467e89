"""headwater materialize: makes the selected assets."""

from __future__ import annotations

import click

from headwater.cli.options import here_option, project_options, traceback_option
from headwater.cli.run_options import joined_selections, read_configs, read_partition_range, read_tags, run_options
from headwater.cli.workplace import Workplace


@click.command(short_help="Make the selected assets.")
@click.argument("selections", metavar="[SELECTION]...", nargs=-1)
@click.option("--select", "selected", metavar="SELECTION", help="The selection, said as an option.")
@run_options
@click.option(
    "--no-upstream", is_flag=True, help="Refuse when something is needed and missing, rather than make it too."
)
@click.option("--stale", "wants_stale", is_flag=True, help="Only what is stale (and what that needs and is missing).")
@click.option("--missing", "wants_missing", is_flag=True, help="Only what was never made.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: on a terminal the plan is shown first otherwise.")
@here_option
@traceback_option
@project_options
def materialize(
    workplace: Workplace,
    as_json: bool,
    selections: tuple[str, ...],
    selected: str | None,
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    configs: tuple[str, ...],
    tags: tuple[str, ...],
    no_upstream: bool,
    wants_stale: bool,
    wants_missing: bool,
    yes: bool,
    full: bool,
    here: bool,
) -> int:
    """Make the assets of SELECTION, and what they need that is missing.

    A selection is an asset (orders), its lineage (+orders, orders+2), a group (group:gold), a tag, a kind or an owner,
    joined by and, or, not; '*' means all assets. Several selections mean all that any of them selects.

    A range of partitions takes one run for each partition, or for as many as the backfill policy of the assets says.
    --stale and --missing mean all partitions unless some are named, and all assets unless some are selected.
    """
    if (wants_stale or wants_missing) and not selections and selected is None:
        selected = "*"
    if bool(selections) == (selected is not None):
        raise click.UsageError(
            "Name the selection once."
            if selections
            else "What is to be made? Name a selection of assets; '*' means all of them."
        )
    ends = read_partition_range(partition, partition_range, first, last)
    run_config, run_tags = read_configs(configs), read_tags(tags)
    from headwater.cli.intended_runs import RunRequest
    from headwater.cli.launching import launch_and_report

    request = RunRequest(
        selection=selected if selected is not None else joined_selections(selections),
        partition_key=partition,
        partition_range=ends,
        run_config=run_config,
        tags=run_tags,
        adds_missing_upstream=not no_upstream,
        is_confirmed=yes,
    )
    if wants_stale or wants_missing:
        from headwater.cli.commands.plan import modes_of
        from headwater.cli.planned_runs import materialize_planned

        with workplace.telling_of_renames(request.selection):
            modes = modes_of(wants_stale, wants_missing)
            return materialize_planned(workplace, request, modes, as_json=as_json, full=full)
    with workplace.telling_of_renames(request.selection):
        return launch_and_report(workplace, request, as_json=as_json, full=full, here=here)
