"""The built-in IO managers as definitions in the older style, configured by a run."""

from __future__ import annotations

from typing import Any

from headwater.authoring.config import Field, StringSource
from headwater.authoring.resources import IOManagerDefinition
from headwater.io.custom_path import CustomPathIOManager
from headwater.io.filesystem import FilesystemIOManager
from headwater.io.memory import InMemoryIOManager


def _filesystem(context: Any) -> FilesystemIOManager:
    return FilesystemIOManager((context.resource_config or {}).get("base_dir"))


fs_io_manager = IOManagerDefinition(
    _filesystem,
    config_schema={"base_dir": Field(StringSource, is_required=False)},
    description="Keeps each value in a file, by its type, below base_dir.",
)
"""Keeps each value in a file below `base_dir`, by default the storage directory of the project."""

mem_io_manager = IOManagerDefinition(lambda _context: InMemoryIOManager(), description="Keeps values in memory.")
"""Keeps values in memory for as long as the resource lives."""

custom_path_fs_io_manager = IOManagerDefinition(
    lambda context: CustomPathIOManager(context.resource_config["base_dir"]),
    config_schema={"base_dir": Field(StringSource)},
    description="Pickles each value at the path below base_dir that its output's metadata names.",
)
"""Pickles each value at the path below `base_dir` that its output names: `Out(metadata={"path": "daily/orders"})`."""
