"""headwater check: evaluates checks of what is there already."""

from __future__ import annotations

import click

from headwater.cli.options import here_option, project_options, traceback_option
from headwater.cli.run_options import joined_selections, partition_options, read_partition_range
from headwater.cli.workplace import Workplace


@click.command()
@click.argument("selections", metavar="[SELECTION]...", nargs=-1)
@partition_options
@here_option
@traceback_option
@project_options
def check(
    workplace: Workplace,
    as_json: bool,
    selections: tuple[str, ...],
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    full: bool,
    here: bool,
) -> int:
    """Evaluate the checks of the assets of SELECTION (default: all), on the values that are stored.

    No asset is made. The exit code is 1 when a check of severity ERROR did not pass.
    """
    ends = read_partition_range(partition, partition_range, first, last)
    from headwater.cli.intended_runs import RunRequest
    from headwater.cli.launching import launch_and_report

    request = RunRequest(
        selection=joined_selections(selections or ("*",)),
        partition_key=partition,
        partition_range=ends,
        check_only=True,
    )
    return launch_and_report(workplace, request, as_json=as_json, full=full, here=here)
