"""When something should be built: conditions evaluated over what is recorded, as sets of partitions.

The names are handed on lazily. Nothing here launches a run, and nothing reads a clock where an instant is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.automation.context import AutomationContext
    from headwater.automation.cursor import AutomationCursor
    from headwater.automation.entity_subset import EntitySubset
    from headwater.automation.evaluate import (
        EvaluateAutomationConditionsResult,
        conditions_in,
        evaluate_automation_conditions,
        evaluate_conditions,
    )
    from headwater.automation.result import AutomationResult

_PLACES = {
    "AutomationContext": "context",
    "AutomationCursor": "cursor",
    "AutomationResult": "result",
    "EntitySubset": "entity_subset",
    "EvaluateAutomationConditionsResult": "evaluate",
    "conditions_in": "evaluate",
    "evaluate_automation_conditions": "evaluate",
    "evaluate_conditions": "evaluate",
}

__all__ = [
    "AutomationContext",
    "AutomationCursor",
    "AutomationResult",
    "EntitySubset",
    "EvaluateAutomationConditionsResult",
    "conditions_in",
    "evaluate_automation_conditions",
    "evaluate_conditions",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
