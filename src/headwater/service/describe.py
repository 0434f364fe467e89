"""What a service does now, as plain values: what `headwater queue` and `headwater worker list` show."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.service.server import Service


def described(service: Service) -> dict[str, Any]:
    """Return locations, workers, what runs and what waits, each waiting item with what it waits for."""
    dispatcher = service.dispatcher
    now = time.time()
    return {
        "started_at": service.started_at,
        "locations": [
            {
                "name": location.name,
                "is_loaded": location.name in service.current,
                "path": ready.path if (ready := _ready(service, location.name)) is not None else None,
                "python": ready.python if (ready := _ready(service, location.name)) is not None else None,
                "host_pid": ready.pid if ready is not None else None,
                "problem": problem.what if (problem := service.broken.get(location.name)) is not None else None,
            }
            for location in service.options.locations
        ],
        "workers": [
            {
                "worker": worker.worker_id,
                "location": worker.unit.rpartition("#")[0],
                "pid": worker.pid,
                "state": _state_of(worker),
                "age_seconds": round(now - worker.started_at, 3),
                "steps_ended": worker.ended,
                "resident_bytes": worker.resident_bytes,
                "steps": [
                    {
                        "run_id": running.attempt.run_id,
                        "step": running.attempt.step_key,
                        "attempt": running.attempt.number,
                        "running_seconds": round(now - running.started_at, 3),
                        "is_ending": running.stopped is not None,
                    }
                    for running in worker.attempts.values()
                ],
            }
            for worker in dispatcher.workers.values()
        ],
        "waiting_runs": [
            {"run_id": run_id, "priority": priority, "waits_for": dispatcher.queued_runs.reason(run_id) or "its turn"}
            for run_id, _, priority in dispatcher.queued_runs.waiting()
        ],
        "waiting_steps": [
            {
                "run_id": attempt.run_id,
                "step": attempt.step_key,
                "attempt": attempt.number,
                "priority": priority,
                "pool": demand.pool,
                "waits_for": reason,
            }
            for attempt, demand, priority, reason in dispatcher.waiting_attempts()
        ],
        "delayed_steps": [
            {
                "run_id": attempt.run_id,
                "step": attempt.step_key,
                "attempt": attempt.number,
                "starts_in_seconds": round(max(0.0, not_before - now), 3),
            }
            for attempt, not_before in dispatcher.delayed_attempts()
        ],
        "backfills": service.backfills.described(),
        "pools": {
            counter[1]: {
                "taken": used,
                "limit": dispatcher.ready.limits.pools.get(counter[1], dispatcher.ready.limits.default_pool),
            }
            for counter, used in dispatcher.ready.used().items()
            if counter[0] == "pool"
        },
    }


def _ready(service: Service, name: str) -> Any:
    snapshot = service.current.get(name)
    return snapshot.ready if snapshot is not None else None


def _state_of(worker: Any) -> str:
    if worker.is_leaving:
        return "leaving"
    if not worker.is_ready:
        return "starting"
    if worker.errand is not None:
        return "planning"
    return "busy" if worker.attempts else "idle"
