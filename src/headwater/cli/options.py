"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from headwater.cli.workplace import Workplace

Function = TypeVar("Function", bound=Callable[..., Any])


def state_options(function: Function) -> Function:
    """Add --home and --json to a command that reads or writes state; it takes `home` and `as_json`."""
    return home_option(json_option(function))


def project_options(function: Function) -> Function:
    """Add -m, -f, --home and --json; the command takes `workplace` and `as_json`."""

    @click.option("-m", "--module", metavar="MODULE", help="The module that holds the definitions.")
    @click.option(
        "-f", "--file", metavar="FILE", type=click.Path(dir_okay=True), help="The file that holds the definitions."
    )
    @home_option
    @json_option
    def with_workplace(
        *args: Any, module: str | None, file: str | None, home: str | None, as_json: bool, **options: Any
    ) -> Any:
        if module is not None and file is not None:
            raise click.UsageError("Name the definitions by --module or by --file, not by both.")
        return function(*args, workplace=Workplace(module, file, home), as_json=as_json, **options)

    dressed: Function = _dressed_as(function, with_workplace)
    return dressed


def home_option(function: Function) -> Function:
    option = click.option(
        "--home", metavar="DIRECTORY", help="The state directory, in place of the one that the settings name."
    )
    return option(function)


def json_option(function: Function) -> Function:
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    return option(function)


def traceback_option(function: Function) -> Function:
    option = click.option(
        "--full-traceback", "--verbose", "full", is_flag=True, help="Show all frames of errors, and debug messages."
    )
    return option(function)


def here_option(function: Function) -> Function:
    option = click.option(
        "--here", is_flag=True, help="Run in this process, also when a service runs that could do it."
    )
    return option(function)


def _dressed_as(function: Any, wrapper: Any) -> Any:
    """Give the wrapper the name, the help and the parameters that were declared for the function."""
    declared = getattr(function, "__click_params__", [])
    wrapper.__click_params__ = [*declared, *wrapper.__click_params__]
    wrapper.__name__ = function.__name__
    wrapper.__doc__ = function.__doc__
    return wrapper
