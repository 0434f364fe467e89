"""headwater worker: the processes of the service that run steps, and the code that they have imported."""

from __future__ import annotations

import click

from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace


@click.group(cls=LazyGroup)
def worker() -> None:
    """List the workers of the running service; have it load code anew."""


@worker.command("list")
@project_options
def list_workers(workplace: Workplace, as_json: bool) -> None:
    """List the workers, what each one does, and the code locations."""
    from headwater.service.control import Describe, ServiceClient
    from headwater.views.words import duration_in_words

    screen = Screen(as_json)
    with ServiceClient(workplace.settings.home) as service:
        told = service.ask(Describe())
    if as_json:
        screen.document({"locations": told["locations"], "workers": told["workers"]})
        return
    screen.table(
        ("worker", "location", "pid", "state", "age", "steps", "memory", "runs"),
        [
            (
                str(each["worker"]),
                each["location"],
                str(each["pid"] or "-"),
                each["state"],
                duration_in_words(each["age_seconds"]),
                str(each["steps_ended"]),
                f"{each['resident_bytes'] / (1 << 20):.0f} MB" if each["resident_bytes"] else "-",
                ", ".join(f"{step['run_id'][:8]} {step['step']}" for step in each["steps"][:3]) or "-",
            )
            for each in told["workers"]
        ],
        right=("steps", "memory"),
    )
    for location in told["locations"]:
        if location["problem"]:
            screen.say(f'The code location "{location["name"]}" does not load: {location["problem"]}')


@worker.command("reload")
@click.argument("location", required=False)
@project_options
def reload(workplace: Workplace, as_json: bool, location: str | None) -> None:
    """Import the code of LOCATION, or of all, anew. Runs that go on keep the code with which they began."""
    from headwater.service.control import Reload, ServiceClient

    screen = Screen(as_json)
    with ServiceClient(workplace.settings.home) as service:
        service.ask(Reload(location))
    screen.result("Loading anew; `headwater worker list` shows when it is done.")
    if as_json:
        screen.document({"reloading": location})
