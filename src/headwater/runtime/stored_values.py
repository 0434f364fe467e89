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
    from headwater.model.specs import AssetSpec
    from headwater.runtime.instance import Instance

_DEFAULT_MANAGER = "io_manager"


@contextlib.contextmanager
def io_managers(
    definitions: Definitions | JobDefinition | None, instance: Instance
) -> Iterator[Callable[[AssetKey], KeptBy]]:
    """Give a function that returns what keeps the values of an asset, opened; without definitions it is the default one.

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

    def manager_of(key: AssetKey) -> KeptBy:
        is_declared = index is not None and key in index.definition_by_key
        manager_key = index.io_manager_key_of(key) if is_declared and index is not None else _DEFAULT_MANAGER
        session.open([manager_key])
        spec = index.graph.spec(key) if is_declared and index is not None else None
        return KeptBy(getattr(session.resources_for([manager_key]), manager_key), spec, instance)

    try:
        yield manager_of
    finally:
        session.close()


def index_of(definitions: Definitions | JobDefinition | None) -> AssetIndex | None:
    """Return the assets that definitions, or a job, know of."""
    index: AssetIndex | None = getattr(definitions, "index", None) or getattr(definitions, "asset_index", None)
    return index


class KeptBy:
    """What an asset's values are kept by: its IO manager, with the spec that says how."""

    def __init__(self, manager: Any, spec: AssetSpec | None, instance: Instance) -> None:
        self._manager = manager
        self._with: dict[str, Any] = {"asset_spec": spec, "instance": instance}

    @property
    def name(self) -> str:
        """What the IO manager is called in messages."""
        return type(self._manager).__name__

    @property
    def can_remove(self) -> bool:
        return callable(getattr(self._manager, "remove_values", None))

    @property
    def can_copy(self) -> bool:
        is_able = getattr(self._manager, "can_copy_values", True)
        return bool(is_able) and callable(getattr(self._manager, "copy_values", None)) and self.can_remove

    def copy(self, former: AssetKey, key: AssetKey) -> int:
        """Make the values of an asset loadable under another key; return how many there are."""
        return int(self._manager.copy_values(former, key, **self._with))

    def remove_copied(self, former: AssetKey, key: AssetKey) -> None:
        """Remove the values that were made loadable under another key from where they were before."""
        self._manager.remove_values(former, copied_to=key, **self._with)

    def remove(self, key: AssetKey, partitions: Sequence[str] | None) -> int:
        """Remove the values of an asset, or of these partitions; return how many there were."""
        return int(self._manager.remove_values(key, partitions, **self._with))
