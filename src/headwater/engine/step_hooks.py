"""Hooks: what users want called when a step has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headwater.authoring.hook_context import HookContext
from headwater.engine.error_info import error_info_from
from headwater.model.events import Event, HookRan

if TYPE_CHECKING:
    from headwater.engine.step_attempt import StepAttempt


def run_hooks(attempt: StepAttempt, outcome: str) -> list[Event]:
    """Call the hooks of an attempt that succeeded or failed for good. What goes wrong in one is recorded, and no more."""
    events: list[Event] = []
    for hook in sorted(attempt.code.hooks, key=lambda hook: hook.name):
        if outcome not in hook.outcomes:
            continue
        said, error = "completed", None
        try:
            needed = hook.required_resource_keys
            resources = attempt.scope.resources.resources_for(needed) if needed else None
            scope = attempt.scope_for_hooks()
            context = HookContext(
                scope,
                hook_def=hook,
                exception=attempt.exception,
                outputs=attempt.outputs.values_for_hooks,
                resources=resources,
            )
            hook.hook_fn(context)
        except Exception as raised:
            said, error = "errored", error_info_from(raised)
            if attempt.log is not None:
                attempt.log.exception("Hook %r failed", hook.name)
        events.append(
            HookRan(
                run_id=attempt.run_id,
                timestamp=time.time(),
                step_key=attempt.key,
                hook=hook.name,
                outcome=said,
                error=error,
            )
        )
    return events
