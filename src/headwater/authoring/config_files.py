"""Run config from YAML: files, data files of packages, and text. Later ones are laid over earlier ones, key by key.

PyYAML is imported here alone, when a function is called. Dates in YAML stay the text that was written.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from headwater.model.errors.definition import CheckError, InvariantViolationError
from headwater.model.errors.tables import LibraryNotInstalled


def config_from_files(config_files: Sequence[str]) -> dict[str, Any]:
    """Return the run config that these YAML files give together; each may be a pattern such as "config/*.yaml".

    Shape: later files win, and the files of one pattern come in the order of their names; mappings are merged, anything
    else, lists too, is replaced. Raises InvariantViolationError for a pattern without files and for what is not YAML,
    CheckError for a file that is not a mapping.
    """
    if isinstance(config_files, str):
        raise CheckError(
            what=f'config_from_files was given the text "{config_files}".',
            why="It takes several files, and each letter would be taken for one.",
            fix=f'Write config_from_files(["{config_files}"]).',
        )
    documents: list[tuple[str, str]] = []
    for pattern in config_files:
        found = sorted(path for path in glob.glob(str(pattern), recursive=True) if Path(path).is_file())
        if not found:
            raise InvariantViolationError(
                what=f'"{pattern}" names no file.',
                why="The run config that it should give would be missing.",
                fix=f'Relative paths begin at "{Path.cwd()}"; file_relative_path(__file__, ...) begins at a module.',
            )
        documents += [(f'file "{path}"', Path(path).read_text(encoding="utf-8")) for path in found]
    return _merged(documents)


def config_from_pkg_resources(pkg_resource_defs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the run config that these YAML files of packages give together: ("shop.config", "prod.yaml"), ...

    Later ones win, as in `config_from_files`. Raises InvariantViolationError for a package or file that is not there and
    for what is not YAML, CheckError for a file that is not a mapping.
    """
    from importlib import resources

    documents: list[tuple[str, str]] = []
    for package, name in pkg_resource_defs:
        try:
            text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
        except (ModuleNotFoundError, OSError) as error:
            raise InvariantViolationError(
                what=f'"{name}" of the package "{package}" could not be read: {error}.',
                why="The run config that it should give would be missing.",
                fix="Give (package, file in it); data files must be part of what is installed.",
            ) from error
        documents.append((f'file "{name}" of the package "{package}"', text))
    return _merged(documents)


def config_from_yaml_strings(yaml_strings: Sequence[str]) -> dict[str, Any]:
    """Return the run config that these YAML texts give together; later ones win, as in `config_from_files`.

    Raises InvariantViolationError for what is not YAML, CheckError for a text that is not a mapping.
    """
    return _merged((f"text {number}", text) for number, text in enumerate(yaml_strings, start=1))


def _merged(documents: Iterable[tuple[str, str]]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for source, text in documents:
        _lay_over(config, _read(source, text))
    return config


def _lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        known = below.get(key)
        if isinstance(known, dict) and isinstance(value, Mapping):
            _lay_over(known, value)
        else:
            below[key] = value


def _read(source: str, text: str) -> dict[str, Any]:
    yaml, loader = _yaml()
    try:
        # The loader is PyYAML's safe one, which makes nothing but plain values.
        found = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise InvariantViolationError(
            what=f"The {source} is not YAML: {' '.join(str(error).split())}.",
            why="It should give the config of a run.",
            fix="Mend it at the line that is named.",
        ) from error
    if not isinstance(found, dict):
        raise CheckError(
            what=f"The {source} holds {found!r}, of the type {type(found).__name__}.",
            why="The config of a run is a mapping.",
            fix='Begin it with a section such as "ops:" or "resources:".',
        )
    return found


@cache
def _yaml() -> tuple[Any, Any]:
    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise LibraryNotInstalled("pyyaml", "Reading run config from YAML", "yaml") from error

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined,misc]
        """Takes for a date what is called one, not what looks like one."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml, Loader
