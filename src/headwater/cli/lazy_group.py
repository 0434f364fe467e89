"""Commands by name, imported only when they are called: the help page needs none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from headwater.model.errors.root import did_you_mean


class LazyGroup(click.Group):
    """A group whose commands are told by name as ("module:attribute", one line of help)."""

    def __init__(self, *args: Any, places: Mapping[str, tuple[str, str]] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.places = dict(places or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.places) or super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.places:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.places[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            near = did_you_mean(name, known) or f"The commands are: {', '.join(known)}."
            raise click.UsageError(f'There is no command "{ctx.command_path} {name}". {near.strip()}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.places:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in self.places.items()])
