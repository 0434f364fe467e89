"""headwater serve: the service, until it is told to end."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace


@click.command(short_help="Run the service.")
@click.option("--workers", type=click.IntRange(min=1), help="How many steps run at a time.")
@click.option("--no-resume", is_flag=True, help="Leave runs interrupted that a server before left unfinished.")
@project_options
def serve(workplace: Workplace, as_json: bool, workers: int | None, no_resume: bool) -> int:
    """Carry runs out that are launched with `headwater run launch` and `headwater materialize`, until Ctrl-C.

    Code is imported in a process for each code location and steps run in workers that are kept warm. What a server that
    was killed left unfinished goes on from its recorded steps.
    """
    return _serve(workplace, as_json=as_json, workers=workers, resumes=not no_resume, reloads=False)


@click.command(short_help="Run the service, and load code anew when it changes.")
@click.option("--workers", type=click.IntRange(min=1), help="How many steps run at a time.")
@project_options
def dev(workplace: Workplace, as_json: bool, workers: int | None) -> int:
    """Run the service as `headwater serve` does, and import code anew when a file of it changes.

    Runs that go on keep the code with which they began. Code that does not import is told of, and the last that did stays.
    """
    return _serve(workplace, as_json=as_json, workers=workers, resumes=True, reloads=True)


def _serve(workplace: Workplace, *, as_json: bool, workers: int | None, resumes: bool, reloads: bool) -> int:
    import asyncio

    from headwater.service.options import options_from
    from headwater.service.server import Service

    screen = Screen(as_json)
    began = time.monotonic()
    options = options_from(workplace.settings, module=workplace.module, file=workplace.file, workers=workers)
    options.resumes = options.resumes and resumes
    options.reloads = reloads
    options.on_loaded = lambda name, problem: screen.say(
        f'The code location "{name}" is loaded anew.'
        if problem is None
        else f'The code location "{name}" does not load: {problem.what} {problem.fix}'
    )

    def tell(service: Service) -> None:
        resumed = len(service.dispatcher.runs)
        if as_json:
            screen.document({"pid": os.getpid(), "locations": list(service.current), "resumed_runs": resumed})
            return
        names = ", ".join(service.current) or "none"
        screen.result(f"Serving {names} after {time.monotonic() - began:.2f} s; state in {workplace.settings.home}")
        if resumed:
            screen.say(f"{resumed} {'run goes' if resumed == 1 else 'runs go'} on that were left unfinished.")
        screen.say("Ctrl-C ends the service.")

    async def run(instance: Any) -> None:
        await Service(instance, options).run(tell)

    with workplace.instance() as instance:
        asyncio.run(run(instance))
    screen.say("The service has ended.")
    return 0
