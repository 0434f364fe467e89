"""The resources of a run in a worker: set up when a step first needs them, torn down with the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headwater.authoring.resources import ResourceSession, ScopedResources


class LazyResources(ResourceSession):
    """Resources that open when they are asked for: a worker gets some of the steps of a run, and needs what these need."""

    def resources_for(self, keys: Iterable[str]) -> ScopedResources:
        wanted = tuple(keys)
        self.open(wanted)
        return super().resources_for(wanted)

    def config_of(self, key: str) -> Any:
        if key in self.definition_by_key:
            self.open((key,))
        return super().config_of(key)
