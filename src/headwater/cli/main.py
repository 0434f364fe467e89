"""The `headwater` command: which commands there are, and how any of them ends.

Exit codes: 0 done, 1 the run failed, 2 the command was wrong, 3 the definitions do not load, 4 the state cannot be read
or written, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from headwater.cli.lazy_group import LazyGroup

_PLACES = {
    "materialize": ("headwater.cli.commands.materialize:materialize", "Make the selected assets."),
    "backfill": ("headwater.cli.commands.backfill:backfill", "Make many partitions; pause, resume and retry them."),
    "plan": ("headwater.cli.commands.plan:plan", "Show what would be made, and why."),
    "why": ("headwater.cli.commands.why:why", "Explain why an asset is stale, missing or fresh."),
    "diff": ("headwater.cli.commands.why:diff", "Show what changed between two materializations."),
    "check": ("headwater.cli.commands.check:check", "Evaluate the checks of assets, without making them."),
    "asset": ("headwater.cli.commands.asset:asset", "List, show, materialize, backfill and repair assets."),
    "partition": ("headwater.cli.commands.partition:partition", "List and show partitions of an asset."),
    "job": ("headwater.cli.commands.job:job", "List, execute and backfill jobs."),
    "serve": ("headwater.cli.commands.serve:serve", "Run the service: one server, its code locations, warm workers."),
    "dev": ("headwater.cli.commands.serve:dev", "Run the service, and load code anew when it changes."),
    "queue": ("headwater.cli.commands.queue:queue", "Show what waits to run, and what for."),
    "worker": ("headwater.cli.commands.worker:worker", "List the workers of the service; load its code anew."),
    "run": ("headwater.cli.commands.run:run", "Launch, watch, cancel and retry runs; list and show them."),
    "definitions": ("headwater.cli.commands.definitions:definitions", "Validate and list what a project declares."),
    "init": ("headwater.cli.commands.init:init", "Make a new project that runs."),
    "doctor": ("headwater.cli.commands.doctor:doctor", "Examine this installation, its settings and its state."),
    "db": ("headwater.cli.commands.db:db", "Bring the database up to date, or trim its history."),
    "completion": ("headwater.cli.commands.completion:completion", "Print the script that completes commands."),
}


class HeadwaterGroup(LazyGroup):
    """The root command: whatever goes wrong in a command ends in words and an exit code here."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        if standalone_mode:
            _take_termination_as_interrupt()
        try:
            answer = super().main(given, prog_name or "headwater", complete_var, standalone_mode=False, **extra)
            exit_code = answer if isinstance(answer, int) else 0
        except Exception as error:
            # Most commands end well: what tells of errors is loaded when there is one.
            from headwater.cli.error_report import report_error

            exit_code = report_error(error, given)
        if standalone_mode:
            sys.exit(exit_code)
        return exit_code


def _take_termination_as_interrupt() -> None:
    """What stops a service or a container ends a run as Ctrl-C does: recorded as canceled, its resources torn down."""
    import signal

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt("stopped by a TERM signal")

    signal.signal(signal.SIGTERM, stop)


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"headwater {version('headwater')}")
        ctx.exit()


@click.group(
    name="headwater",
    cls=HeadwaterGroup,
    places=_PLACES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 the run failed, 2 the command was wrong, 3 the definitions do not load, "
    "4 the state cannot be read or written, 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def main() -> None:
    """Headwater: declare the data that should exist; it is made, recorded and explained."""
