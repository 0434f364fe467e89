"""headwater completion: the script by which a shell completes commands and options."""

from __future__ import annotations

import click

from headwater.cli.options import json_option
from headwater.cli.screen import Screen


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the script that completes commands in SHELL. Load it with: source <(headwater completion bash)."""
    from click.shell_completion import get_completion_class

    screen = Screen(as_json)
    makes = get_completion_class(shell)
    assert makes is not None
    completer = makes(ctx.find_root().command, {}, "headwater", "_HEADWATER_COMPLETE")
    # Not .source(): that starts the shell to ask for its version, and the script may be written on another machine.
    script = completer.source_template % completer.source_vars()
    if as_json:
        screen.document({"shell": shell, "script": script})
    screen.result(script)
