"""How a service is set up by `[tool.headwater]` in pyproject.toml: its code locations, workers, pools and limits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from headwater.model.errors.project import InvalidSetting, UnknownSetting
from headwater.runtime.settings import Settings
from headwater.service.active import Policy
from headwater.service.hosting import ServiceOptions
from headwater.service.location import LocationSettings
from headwater.service.waiting import Limits, TagLimit

_SERVICE: Final = {
    "workers": "how many steps of a code location run at a time",
    "warm_workers": "how many workers are kept when nothing runs",
    "max_runs": "how many runs go on at a time",
    "steps_per_worker": "after how many steps a worker is replaced",
    "worker_memory_mb": "above how much memory a worker is replaced",
    "worker_hours": "after how many hours a worker is replaced",
    "grace_seconds": "how long a step that is stopped may take to end",
    "teardown_seconds": "how long the resources of a run may take to be torn down at its end",
    "async_steps_per_worker": "how many async steps one worker runs at a time",
    "share_by": "the tag by whose values workers are shared out fairly",
    "resume": "whether runs go on that a server before left unfinished",
    "default_pool_limit": "how many slots a pool has that is not named",
}
_LOCATION: Final = ("name", "module", "file", "python", "directory", "max_steps", "spawn_workers")
_TAG_LIMIT: Final = ("key", "value", "limit", "each_value", "of")


def options_from(
    settings: Settings, *, module: str | None = None, file: str | Path | None = None, workers: int | None = None
) -> ServiceOptions:
    """Return the options of the service of a project. Raises UnknownSetting and InvalidSetting.

    A module or file that is given is the only code location; else those of the settings, else the project's own.
    """
    table = settings.service
    place = str(settings.path or "pyproject.toml")
    service: Mapping[str, Any] = table.get("service", {})
    _known(place, "service", service, tuple(_SERVICE))
    locations = _locations(settings, place, module, file)
    at_once = workers if workers is not None else _whole(place, service, "workers", max(2, os.cpu_count() or 2))
    step_tags, run_tags = _tag_limits(place, table.get("tag_limits", ()))
    step_locations = {
        each["name"]: _whole(place, each, "max_steps", 1)
        for each in table.get("locations", ())
        if "max_steps" in each and "name" in each
    }
    named_pools = table.get("pools", {})
    _known(place, "pools", named_pools, None)
    pools = {name: _whole(place, named_pools, name, 0, least=0) for name in named_pools}
    policy = Policy(
        workers=at_once,
        steps_of_a_worker=_whole(place, service, "steps_per_worker", 1_000),
        worker_seconds=_number(place, service, "worker_hours", 1.0) * 3_600,
        worker_bytes=_whole(place, service, "worker_memory_mb", 2_048) << 20,
        grace_seconds=_number(place, service, "grace_seconds", 5.0),
        teardown_seconds=_number(place, service, "teardown_seconds", 60.0),
        async_steps_of_a_worker=_whole(place, service, "async_steps_per_worker", 1_000),
    )
    return ServiceOptions(
        locations=locations,
        policy=policy,
        run_limits=Limits(total=_whole(place, service, "max_runs", 1_000), tags=run_tags),
        step_limits=Limits(
            locations=step_locations,
            pools=pools,
            default_pool=_whole(place, service, "default_pool_limit", 0) or None,
            tags=step_tags,
        ),
        share_tag=_text(place, service, "share_by"),
        warm_workers=_whole(place, service, "warm_workers", min(2, at_once), least=0),
        resumes=_yes_or_no(place, service, "resume", True),
    )


def _locations(
    settings: Settings, place: str, module: str | None, file: str | Path | None
) -> Sequence[LocationSettings]:
    directory = settings.project_dir
    if module is not None or file is not None:
        path = None if file is None else Path(file).expanduser().absolute()
        name = (module or "").partition(":")[0] or (path.stem if path is not None else "project")
        return [LocationSettings(name, module, path, directory=Path.cwd() if module is not None else directory)]
    tables = settings.service.get("locations", ())
    if not tables:
        name = settings.module or (settings.file.stem if settings.file is not None else directory.name)
        return [LocationSettings(name.partition(":")[0], settings.module, settings.file, directory=directory)]
    found: list[LocationSettings] = []
    for each in _listed(place, "locations", tables):
        _known(place, "locations", each, _LOCATION)
        name = each.get("name") or str(each.get("module") or each.get("file") or "")
        if not name or ("module" in each) == ("file" in each):
            raise InvalidSetting(
                place,
                "locations",
                dict(each),
                "a name, and a module or a file",
                'Write name = "etl", module = "etl.defs".',
            )
        if name in {known.name for known in found}:
            raise InvalidSetting(place, "locations", name, "names that differ", "Give one of them another name.")
        folder = directory / str(each.get("directory", "."))
        python = _text(place, each, "python")
        found.append(
            LocationSettings(
                name,
                _text(place, each, "module"),
                folder / str(each["file"]) if "file" in each else None,
                # Not resolved: a virtual environment is told by the link that its interpreter is.
                python=None if python is None else os.path.abspath(directory / Path(python).expanduser()),
                directory=folder,
                spawns_workers=_yes_or_no(place, each, "spawn_workers", False),
            )
        )
    return found


def _tag_limits(place: str, tables: Any) -> tuple[tuple[TagLimit, ...], tuple[TagLimit, ...]]:
    """Return the limits of steps and of runs."""
    steps: list[TagLimit] = []
    runs: list[TagLimit] = []
    for each in _listed(place, "tag_limits", tables):
        _known(place, "tag_limits", each, _TAG_LIMIT)
        of = each.get("of", "runs")
        if "key" not in each or of not in ("runs", "steps"):
            raise InvalidSetting(
                place,
                "tag_limits",
                dict(each),
                'a key, a limit, and of = "runs" or "steps"',
                'Write key = "team", limit = 2.',
            )
        limit = TagLimit(
            str(each["key"]),
            _whole(place, each, "limit", 1, least=0),
            None if each.get("value") is None else str(each["value"]),
            _yes_or_no(place, each, "each_value", False),
        )
        (steps if of == "steps" else runs).append(limit)
    return tuple(steps), tuple(runs)


def _listed(place: str, name: str, tables: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(tables, Sequence) or isinstance(tables, str) or not all(isinstance(e, Mapping) for e in tables):
        raise InvalidSetting(place, name, tables, "a list of tables", f"Write [[tool.headwater.{name}]].")
    return tables


def _known(place: str, name: str, table: Any, known: Sequence[str] | None) -> None:
    if not isinstance(table, Mapping):
        raise InvalidSetting(place, name, table, "a table", f"Write [tool.headwater.{name}] on a line by itself.")
    for key in table:
        if known is not None and key not in known:
            raise UnknownSetting(place, f"{name}.{key}", [f"{name}.{each}" for each in known])


def _whole(place: str, table: Mapping[str, Any], name: str, default: int, *, least: int = 1) -> int:
    value = table.get(name, default)
    if type(value) is not int or (name in table and value < least):
        raise InvalidSetting(
            place, name, value, f"a whole number, at least {least}", f"Write {name} = {max(least, 2)}."
        )
    return value


def _number(place: str, table: Mapping[str, Any], name: str, default: float) -> float:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise InvalidSetting(place, name, value, "a number, not negative", f"Write {name} = {default:g}.")
    return float(value)


def _text(place: str, table: Mapping[str, Any], name: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidSetting(place, name, value, "text", f'Write {name} = "...".')
    return value


def _yes_or_no(place: str, table: Mapping[str, Any], name: str, default: bool) -> bool:
    value = table.get(name, default)
    if not isinstance(value, bool):
        raise InvalidSetting(place, name, value, "true or false", f"Write {name} = {str(not default).lower()}.")
    return value
