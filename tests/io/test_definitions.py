"""The built-in IO managers in the older style of definitions."""

from __future__ import annotations

from headwater.authoring.resources import build_resources
from headwater.io.definitions import fs_io_manager, mem_io_manager
from headwater.io.filesystem import FilesystemIOManager
from headwater.io.memory import InMemoryIOManager


def test_the_filesystem_one_takes_its_directory_from_the_run(tmp_path):
    config = {"io_manager": {"config": {"base_dir": str(tmp_path)}}}
    with build_resources({"io_manager": fs_io_manager}, resource_config=config) as resources:
        assert isinstance(resources.io_manager, FilesystemIOManager)
        assert resources.io_manager.base_dir == str(tmp_path)


def test_the_memory_one_needs_nothing():
    with build_resources({"io_manager": mem_io_manager}) as resources:
        assert isinstance(resources.io_manager, InMemoryIOManager)
