"""The stored values of whole assets, through the IO managers that keep them: made loadable under another key, and removed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.keys import AssetKey

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.runtime.instance import Instance

_DEFAULT_MANAGER = "io_manager"


@contextlib.contextmanager
def io_managers(
    definitions: Definitions | JobDefinition | None, instance: Instance
) -> Iterator[Callable[[AssetKey], Any]]:
    """Give a function that returns the IO manager of an asset, opened; without definitions it is the default one.

    Of an asset that no definition (and not the job, where one is given) declares it is the one with the default key.
    """
    from headwater.authoring.resources import ResourceSession
    from headwater.io.filesystem import FilesystemIOManager

    default = FilesystemIOManager(base_dir=instance.storage_dir)
    index = index_of(definitions)
    given: Mapping[str, Any] = {}
    if definitions is not None and index is not None and index.definitions:
        job: Any = getattr(definitions, "global_asset_job", definitions)
        given = job.resource_defs
    session = ResourceSession({_DEFAULT_MANAGER: default, **given}, None, instance=instance)

    def manager_of(key: AssetKey) -> Any:
        is_declared = index is not None and key in index.definition_by_key
        manager_key = index.io_manager_key_of(key) if is_declared and index is not None else _DEFAULT_MANAGER
        session.open([manager_key])
        return getattr(session.resources_for([manager_key]), manager_key)

    try:
        yield manager_of
    finally:
        session.close()


def index_of(definitions: Definitions | JobDefinition | None) -> AssetIndex | None:
    """Return the assets that definitions, or a job, know of."""
    index: AssetIndex | None = getattr(definitions, "index", None) or getattr(definitions, "asset_index", None)
    return index


def name_of(manager: Any) -> str:
    """Return what an IO manager is called in messages."""
    return type(manager).__name__


def can_copy(manager: Any) -> bool:
    return callable(getattr(manager, "copy_values", None)) and can_remove(manager)


def can_remove(manager: Any) -> bool:
    return callable(getattr(manager, "remove_values", None))


def copy_values(manager: Any, former: AssetKey, key: AssetKey, instance: Instance) -> int:
    """Make the values of an asset loadable under another key; return how many there are."""
    return int(manager.copy_values(former, key, instance=instance))


def remove_copied(manager: Any, former: AssetKey, key: AssetKey, instance: Instance) -> None:
    """Remove the values that were made loadable under another key from where they were before."""
    manager.remove_values(former, copied_to=key, instance=instance)


def remove_values(manager: Any, key: AssetKey, partitions: Sequence[str] | None, instance: Instance) -> int:
    """Remove the values of an asset, or of these partitions; return how many there were."""
    return int(manager.remove_values(key, partitions, instance=instance))
