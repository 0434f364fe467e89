"""headwater plan: what would be made, and why."""

from __future__ import annotations

from typing import Any

import click

from headwater.cli.options import project_options
from headwater.cli.run_options import joined_selections, partition_options, read_configs, read_partition_range
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

SOMETHING_TO_DO = 2


@click.command(short_help="Show what would be made, and why.")
@click.argument("selections", metavar="[SELECTION]...", nargs=-1)
@partition_options
@click.option("--stale", "wants_stale", is_flag=True, help="Only what is stale.")
@click.option("--missing", "wants_missing", is_flag=True, help="Only what was never made.")
@click.option("--all", "wants_all", is_flag=True, help="Everything that is selected, and everything upstream of it.")
@click.option("--no-upstream", is_flag=True, help="Leave out what is needed and missing.")
@click.option(
    "-c", "--config", "configs", multiple=True, metavar="FILE|JSON", help="The run config that is to be given."
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help=f"Exit with 0 when there is nothing to do, {SOMETHING_TO_DO} when there is.",
)
@project_options
def plan(
    workplace: Workplace,
    as_json: bool,
    selections: tuple[str, ...],
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    wants_stale: bool,
    wants_missing: bool,
    wants_all: bool,
    no_upstream: bool,
    configs: tuple[str, ...],
    detailed_exitcode: bool,
) -> int:
    """Show what is to be made for SELECTION (default: all assets), and why: also what it needs and is missing.

    Nothing is made. Without partitions, all partitions that exist are meant. --stale and --missing may be given together.
    """
    screen = Screen(as_json)
    ends = read_partition_range(partition, partition_range, first, last)
    from headwater.runtime.plans import plan as planned

    modes = modes_of(wants_stale, wants_missing, wants_all)
    definitions = workplace.definitions
    selection = joined_selections(selections) if selections else None
    with workplace.telling_of_renames(selection), workplace.instance_to_read() as instance:
        found = planned(
            definitions,
            selection=selection,
            partitions=partition,
            partition_range=ends,
            instance=instance,
            mode=modes,
            upstream=not no_upstream,
            run_config=read_configs(configs) or None,
            warn_above=workplace.settings.warn_above,
        )
        document = found.to_data() if as_json else {}
        lines = [] if as_json else list(found.tree_lines())
    if as_json:
        screen.document({"plan": document})
    for line in lines:
        screen.result(line)
    if lines:
        screen.result()
    screen.result(found.summary)
    for warning in found.warnings:
        screen.say(f"Warning: {warning}")
    return SOMETHING_TO_DO if detailed_exitcode and not found.is_empty else 0


def modes_of(wants_stale: bool, wants_missing: bool, wants_all: bool = False) -> Any:
    """Return the modes of a plan that options name; "requested" where they name none."""
    if wants_all and (wants_stale or wants_missing):
        raise click.UsageError("--all is everything: leave out --stale and --missing.")
    named = [("stale", wants_stale), ("missing", wants_missing), ("all", wants_all)]
    return [mode for mode, is_wanted in named if is_wanted] or ["requested"]
