"""Where everything is put together: instances, projects, and running things in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.runtime.automation_tick import evaluate_automation_sensor
    from headwater.runtime.execute import (
        execute_job_in_process,
        launch,
        materialize,
        materialize_to_memory,
        observe,
    )
    from headwater.runtime.instance import Instance, instance_for_test
    from headwater.runtime.results import ExecuteInProcessResult
    from headwater.runtime.values import AssetValueLoader, load_asset_value

_PLACES = {
    "AssetValueLoader": "values",
    "ExecuteInProcessResult": "results",
    "Instance": "instance",
    "evaluate_automation_sensor": "automation_tick",
    "execute_job_in_process": "execute",
    "instance_for_test": "instance",
    "launch": "execute",
    "load_asset_value": "values",
    "materialize": "execute",
    "materialize_to_memory": "execute",
    "observe": "execute",
}

__all__ = [
    "AssetValueLoader",
    "ExecuteInProcessResult",
    "Instance",
    "evaluate_automation_sensor",
    "execute_job_in_process",
    "instance_for_test",
    "launch",
    "load_asset_value",
    "materialize",
    "materialize_to_memory",
    "observe",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
