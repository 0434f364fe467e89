"""Options of commands that launch a run, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from headwater.cli.error_report import CommandRefused

Function = TypeVar("Function", bound=Callable[..., Any])


def partition_options(function: Function) -> Function:
    """Add --partition, --partition-range, --from and --to."""
    for option in reversed(
        (
            click.option(
                "--partition",
                metavar="KEY|SLICE",
                help="One partition, or several: KEY,KEY...KEY, or by dimension: DIMENSION=KEY,DIMENSION=FIRST...LAST.",
            ),
            click.option("--partition-range", metavar="FIRST...LAST", help="All partitions from FIRST to LAST."),
            click.option("--from", "first", metavar="KEY", help="The first partition of a range."),
            click.option("--to", "last", metavar="KEY", help="The last partition of a range."),
        )
    ):
        function = option(function)
    return function


def run_options(function: Function) -> Function:
    """Add the partition options, --config and --tag."""
    for option in reversed(
        (
            click.option(
                "-c",
                "--config",
                "configs",
                multiple=True,
                metavar="FILE|JSON",
                help="Run config: a .json, .toml or .yaml file, or JSON. A later one goes over an earlier.",
            ),
            click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the run."),
        )
    ):
        function = option(function)
    return partition_options(function)


def read_partition_range(
    partition: str | None, partition_range: str | None, first: str | None, last: str | None
) -> tuple[str, str] | None:
    """Return the ends of the range that the options name, None when they name none."""
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together.")
    ways = (partition, partition_range, first)
    if sum(way is not None for way in ways) > 1:
        raise click.UsageError("Use one of --partition, --partition-range, and --from with --to.")
    if first is not None and last is not None:
        return first, last
    if partition_range is None:
        return None
    start, dots, end = partition_range.partition("...")
    if not dots or not start or not end:
        raise click.UsageError(
            f'--partition-range "{partition_range}" is no range. Write FIRST...LAST, with three dots; '
            "for one partition use --partition."
        )
    return start, end


def joined_selections(selections: Sequence[str]) -> str:
    """Return one selection that means any of several. "or" binds least of all, so each stays what it is."""
    return " or ".join(selections)


def read_tags(tags: Sequence[str]) -> dict[str, str]:
    """Return KEY=VALUE texts as a mapping."""
    read: dict[str, str] = {}
    for tag in tags:
        key, equals, value = tag.partition("=")
        if not key or not equals:
            raise click.UsageError(f'--tag "{tag}" is no tag. Write KEY=VALUE.')
        read[key] = value
    return read


def read_configs(configs: Sequence[str]) -> dict[str, Any]:
    """Return the run config that several texts or files give together; a later one goes over an earlier."""
    merged: dict[str, Any] = {}
    for config in configs:
        _merge(merged, _read_config(config))
    return merged


def _merge(into: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _read_config(given: str) -> Mapping[str, Any]:
    import json

    try:
        if given.lstrip().startswith("{"):
            source, config = "the JSON of --config", json.loads(given)
        else:
            source, config = f'"{given}"', _read_file(Path(given).expanduser())
    except OSError as error:
        raise CommandRefused(
            what=f'The config file "{given}" cannot be read: {error.strerror or error}.',
            why="The run was not started without it.",
            fix="""Name a file, or write JSON that begins with a brace: --config '{"ops": {...}}'.""",
        ) from None
    except json.JSONDecodeError as error:
        raise CommandRefused(
            what=f'The config "{given}" is broken JSON: {error.msg} at line {error.lineno}, column {error.colno}.',
            why="The run was not started without it.",
            fix=f"Mend it there: {_around(error)}",
        ) from None
    except ValueError as error:
        raise CommandRefused(
            what=f'The config "{given}" cannot be read: {error}.',
            why="The run was not started without it.",
            fix="Files are read by their ending: .json, .toml, .yaml or .yml.",
        ) from None
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise CommandRefused(
            what=f"The config in {source} is a {type(config).__name__}, not a mapping.",
            why="Run config has sections such as ops and resources.",
            fix='Write {"ops": {"NAME": {"config": {...}}}}.',
        )
    return config


def _around(error: Any) -> str:
    """Return the line in which JSON breaks off, cut to what is near."""
    line = error.doc.splitlines()[error.lineno - 1] if error.doc.strip() else ""
    begin = max(0, error.colno - 40)
    return line[begin : error.colno + 40].strip() or "there is nothing in it."


def _read_file(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    match path.suffix.lower():
        case ".toml":
            import tomllib

            return tomllib.loads(text)
        case ".yaml" | ".yml":
            try:
                import yaml  # type: ignore[import-untyped, unused-ignore]
            except ImportError:
                raise CommandRefused(
                    what=f'"{path}" is YAML, and PyYAML is not installed.',
                    why="Headwater does not depend on it.",
                    fix="Install it (pip install pyyaml), or write the config as JSON or TOML.",
                ) from None
            try:
                return yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise ValueError(str(error)) from error
        case ".json":
            import json

            return json.loads(text)
    raise ValueError(f"it ends in {path.suffix or 'no suffix'!r}")
