"""headwater queue: what the service has to do, and what each thing waits for."""

from __future__ import annotations

import click

from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

_MOST_SHOWN = 50


@click.command(short_help="Show what waits to run, and what for.")
@project_options
def queue(workplace: Workplace, as_json: bool) -> None:
    """Show the runs and steps that wait at the running service, in the order in which they would start, and why they wait."""
    from headwater.model.backfills import BackfillStatus
    from headwater.service.control import Describe, ServiceClient
    from headwater.views.backfills import BACKFILL_WORDS
    from headwater.views.words import duration_in_words

    screen = Screen(as_json)
    with ServiceClient(workplace.settings.home) as service:
        told = service.ask(Describe())
    waiting = {key: told[key] for key in ("waiting_runs", "waiting_steps", "delayed_steps", "pools", "backfills")}
    running = [{**step, "worker": worker["worker"]} for worker in told["workers"] for step in worker["steps"]]
    if as_json:
        screen.document({"running_steps": running, **waiting})
        return
    if running:
        screen.heading("Running")
        screen.table(
            ("run", "step", "attempt", "for", "worker"),
            [
                (
                    step["run_id"][:8],
                    step["step"] + (" (being stopped)" if step["is_ending"] else ""),
                    str(step["attempt"]),
                    duration_in_words(step["running_seconds"]),
                    str(step["worker"]),
                )
                for step in running
            ],
        )
    rows = [(run["run_id"][:8], "(the run)", run["waits_for"]) for run in told["waiting_runs"]]
    rows += [(step["run_id"][:8], step["step"], step["waits_for"]) for step in told["waiting_steps"]]
    rows += [
        (step["run_id"][:8], step["step"], f"its retry in {duration_in_words(step['starts_in_seconds'])}")
        for step in told["delayed_steps"]
    ]
    if rows:
        screen.heading("Waiting")
        screen.table(("run", "step", "waits for"), rows[:_MOST_SHOWN])
        if len(rows) > _MOST_SHOWN:
            screen.say(f"and {len(rows) - _MOST_SHOWN:,} more; --json shows all")
    if told["backfills"]:
        screen.heading("Backfills")
        screen.table(
            ("backfill", "what", "partitions waiting", "runs here", "state"),
            [
                (
                    each["backfill_id"][:8],
                    each["title"],
                    f"{each['waiting']:,} of {each['total']:,}",
                    str(each["runs"]),
                    BACKFILL_WORDS[BackfillStatus[each["status"]]] + (f": {each['cause']}" if each["cause"] else ""),
                )
                for each in told["backfills"]
            ],
            right=("partitions waiting", "runs here"),
        )
    if told["pools"]:
        screen.heading("Pools")
        screen.table(
            ("pool", "taken", "slots"),
            [
                (name, str(pool["taken"]), "-" if pool["limit"] is None else str(pool["limit"]))
                for name, pool in sorted(told["pools"].items())
            ],
            right=("taken", "slots"),
        )
    if not running and not rows and not told["backfills"]:
        screen.result("Nothing runs, and nothing waits.")
