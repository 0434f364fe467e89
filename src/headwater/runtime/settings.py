"""Settings: where a project is, which module declares it, where its state lives and how long it is kept.

They come from `[tool.headwater]` in pyproject.toml, and from HEADWATER_HOME and HEADWATER_DATABASE, which win; each one
knows from where.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from headwater.model.database_url import DatabaseUrl, redacted
from headwater.model.errors.postgres import InvalidDatabaseUrl
from headwater.model.errors.project import ConflictingSettings, InvalidSetting, UnknownSetting, UnreadableSettings
from headwater.runtime.home import HOME_NAME

SETTINGS: Final = (
    *("module", "file", "home", "storage", "database", "database_direct", "durability", "retention_days", "warn_above"),
)
# What only the service reads: see service/options.py.
SERVICE_SETTINGS: Final = ("service", "pools", "tag_limits", "locations")
HOME_VARIABLE: Final = "HEADWATER_HOME"
# The environment's names of settings that hold a URL of PostgreSQL.
DATABASE_VARIABLES: Final = {"database": "HEADWATER_DATABASE", "database_direct": "HEADWATER_DATABASE_DIRECT"}
DEFAULT: Final = "default"
_FILE: Final = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project says about itself. Paths are absolute; `sources` tells by name where each setting comes from."""

    # The folder of the project: state lives beside it, and its modules are imported from it.
    project_dir: Path
    home: Path
    # At most one of these two.
    module: str | None = None
    file: Path | None = None
    # Where the default IO manager keeps values; None means "storage" in the home.
    storage: Path | None = None
    # The PostgreSQL that holds runs and assets; None means a file in the home. It is shown without its password.
    database: DatabaseUrl | None = None
    # The same one past a pooler, to hear of changes; None where `database` is no pooler.
    database_direct: DatabaseUrl | None = None
    durability: Literal["normal", "full"] = "normal"
    retention_days: int = 90
    # Plans of more partitions than these come with a warning.
    warn_above: int = 1_000
    # What the service is set up by, as it is written.
    service: Mapping[str, Any] = field(default_factory=dict)
    # The file with [tool.headwater], if there is one.
    path: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def storage_dir(self) -> Path:
        """Where the default IO manager keeps values."""
        return self.storage or self.home / "storage"

    @property
    def state_place(self) -> str:
        """Where runs and assets are recorded, to be shown: a database without its password, or the home."""
        return str(self.database or self.home)

    def source_of(self, name: str) -> str:
        """Return where a setting comes from: a file, an environment variable, or "default"."""
        return self.sources.get(name, DEFAULT)

    @classmethod
    def load(cls, start: Path | str | None = None, *, looks_for_state: bool = True) -> Settings:
        """Return the settings that hold in the directory `start`, by default the current one.

        The project is the nearest folder, upward, whose pyproject.toml has [tool.headwater], or [tool.dagster] with a
        `module_name`; without one the nearest
        with a pyproject.toml; else, with `looks_for_state`, the nearest that has state already; else `start`. Raises
        UnreadableSettings, UnknownSetting, InvalidSetting or ConflictingSettings.
        """
        begin = Path(start or Path.cwd()).expanduser().absolute()
        found_dir, path, table = _find_table(begin)
        project_dir = found_dir or (_folder_with_state(begin) if looks_for_state else None) or begin
        if path is not None:
            _check(table, str(path))
        sources = {name: str(path) for name in table if name in SETTINGS}
        home = _absolute(project_dir, table.get("home", HOME_NAME))
        if given_home := os.environ.get(HOME_VARIABLE):
            home = _absolute(Path.cwd(), given_home)
            sources["home"] = HOME_VARIABLE
        databases: dict[str, DatabaseUrl | None] = {}
        for name, variable in DATABASE_VARIABLES.items():
            given = os.environ.get(variable, "").strip()
            if given:
                sources[name] = variable
            url = given or table.get(name)
            databases[name] = None if url is None else _database_url(sources[name], name, url)
        return cls(
            project_dir=project_dir,
            home=home,
            module=table.get("module"),
            file=_absolute(project_dir, table["file"]) if "file" in table else None,
            storage=_absolute(project_dir, table["storage"]) if "storage" in table else None,
            database=databases["database"],
            database_direct=databases["database_direct"],
            durability=table.get("durability", "normal"),
            retention_days=table.get("retention_days", 90),
            warn_above=table.get("warn_above", 1_000),
            service={name: table[name] for name in SERVICE_SETTINGS if name in table},
            path=path,
            sources=sources,
        )


def _absolute(directory: Path, path: str) -> Path:
    return Path(os.path.abspath(directory / Path(path).expanduser()))


def _database_url(source: str, name: str, url: str) -> DatabaseUrl:
    try:
        return DatabaseUrl(url)
    except InvalidDatabaseUrl as error:
        shown = redacted(url) if "://" in url else "..."
        raise InvalidSetting(source, name, shown, "a URL of PostgreSQL", error.fix) from None


def _folder_with_state(start: Path) -> Path | None:
    """Return the nearest folder, upward, that has state. What lies in the user's own folder is not a project's."""
    own = Path("~").expanduser()
    for directory in (start, *start.parents):
        if directory == own and directory != start:
            return None
        if (directory / HOME_NAME).is_dir():
            return directory
    return None


def _find_table(start: Path) -> tuple[Path | None, Path | None, Mapping[str, Any]]:
    """Return the project's folder if a pyproject.toml tells, the file with [tool.headwater], and what it says."""
    nearest: Path | None = None
    for directory in (start, *start.parents):
        path = directory / _FILE
        if not path.is_file():
            continue
        nearest = nearest or directory
        table = _read_table(path)
        if table is not None:
            return directory, path, table
    return nearest, None, {}


def _read_table(path: Path) -> Mapping[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableSettings(str(path), getattr(error, "strerror", None) or str(error)) from error
    if "headwater" not in text and "tool.dagster" not in text:
        # Most files that are met on the way up are other projects': they need not be understood.
        return None
    import tomllib

    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise UnreadableSettings(str(path), f"it is not TOML: {error}") from error
    table = tool.get("headwater") if isinstance(tool, Mapping) else None
    if table is None and isinstance(tool, Mapping):
        return _told_to_dagster(tool.get("dagster"))
    if table is not None and not isinstance(table, Mapping):
        raise InvalidSetting(
            str(path), "tool.headwater", table, "a table", "Write [tool.headwater] on a line by itself."
        )
    return table


def _told_to_dagster(table: object) -> Mapping[str, Any] | None:
    """Return what a project that was written for Dagster says of itself: the module of its definitions."""
    module = table.get("module_name") if isinstance(table, Mapping) else None
    return {"module": module} if isinstance(module, str) else None


def _check(table: Mapping[str, Any], path: str) -> None:
    for name in table:
        if name not in SETTINGS and name not in SERVICE_SETTINGS:
            raise UnknownSetting(path, name, (*SETTINGS, *SERVICE_SETTINGS))
    for name in ("module", "file", "home", "storage", *DATABASE_VARIABLES):
        if name in table and (not isinstance(table[name], str) or not table[name].strip()):
            raise InvalidSetting(path, name, table[name], "text", f'Write {name} = "...".')
    for name in ("home", "storage"):
        if "://" in table.get(name, ""):
            fix = "Give a folder. To keep values in an object store, give the project an IO manager of your own."
            raise InvalidSetting(path, name, table[name], "a folder on this machine", fix)
    if table.get("durability", "normal") not in ("normal", "full"):
        expected = '"normal" (survives kill -9) or "full" (survives a power cut as well)'
        raise InvalidSetting(path, "durability", table["durability"], expected, 'Write durability = "full".')
    days = table.get("retention_days", 90)
    if type(days) is not int or days < 1:
        raise InvalidSetting(path, "retention_days", days, "a whole number of days, at least 1", "Write 90, or more.")
    above = table.get("warn_above", 1_000)
    if type(above) is not int or above < 0:
        raise InvalidSetting(
            path, "warn_above", above, "a whole number of partitions", "Write 1000, or 0 to be always warned."
        )
    if "module" in table and "file" in table:
        raise ConflictingSettings(path, "module", "file")
