"""headwater init: a new project that runs."""

from __future__ import annotations

import os
from pathlib import Path

import click

from headwater.cli.options import json_option
from headwater.cli.screen import Screen


@click.command()
@click.argument("name")
@click.option("--in", "parent", metavar="DIRECTORY", default=".", help="Where the new folder goes (default: here).")
@json_option
def init(name: str, parent: str, as_json: bool) -> None:
    """Make a new project NAME, in a folder of that name: assets, a check, a test, and settings."""
    screen = Screen(as_json)
    from headwater.runtime.new_project import create_project

    folder = Path(parent) / name
    files = create_project(folder)
    if as_json:
        screen.document({"path": str(folder.absolute()), "files": [str(file) for file in files]})
        return
    shown = os.path.relpath(folder)
    screen.result(f"Made the project {name} in {shown}:")
    for file in files:
        screen.result(f"  {os.path.relpath(file)}")
    screen.result("\nNext:")
    screen.result(f"  cd {shown}")
    screen.result("  headwater materialize '*'")
    screen.result("  headwater asset list")
