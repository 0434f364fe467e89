"""Runs that a running service carries out: launched there, watched from here by what is recorded and written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headwater.cli.progress import Progress
from headwater.engine.step_log_files import list_step_logs, read_step_log
from headwater.model.runs import Run
from headwater.service.control import Cancel, Launch, ServiceClient
from headwater.service.protocol import LaunchRequest

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance

_LOOK_SECONDS = 0.02
_LOGS_SECONDS = 0.2
# Longer steps of looking once a run has gone on for a while.
_MOST_LOOK_SECONDS = 0.25


def launch_at_service(client: ServiceClient, request: LaunchRequest) -> str:
    """Have the service launch a run; return its id. Raises what is wrong with the request."""
    run_id: str = client.ask(Launch(request), timeout_seconds=120.0)
    return run_id


def watch(instance: Instance, run_id: str, progress: Progress) -> Run:
    """Tell the progress of a run until it has ended; return how."""
    after = 0
    told: dict[str, int] = {}
    look_seconds = _LOOK_SECONDS
    logs_at = time.monotonic()
    while True:
        # Looked at before its events are read, so that the last ones of a run that ends now are not missed.
        run = instance.store.find_run(run_id)
        events = instance.store.events_of_run(run_id, after=after)
        is_over = run is None or run.is_finished
        if events or is_over or time.monotonic() >= logs_at:
            _tell_lines(instance, run_id, progress, told)
            logs_at = time.monotonic() + _LOGS_SECONDS
        for record in events:
            after = record.storage_id
            progress.on_event(record.event)
        if run is not None and run.is_finished:
            return run
        look_seconds = _LOOK_SECONDS if events else min(_MOST_LOOK_SECONDS, look_seconds * 1.2)
        time.sleep(look_seconds)


def _tell_lines(instance: Instance, run_id: str, progress: Progress, told: dict[str, int]) -> None:
    lines = [
        line
        for key in dict.fromkeys(key for key, _, _ in list_step_logs(instance.logs_dir, run_id))
        for line in read_step_log(instance.logs_dir, run_id, key, None, told.get(key, 0))
    ]
    for line in sorted(lines, key=lambda each: each.timestamp):
        told[line.step_key] = max(told.get(line.step_key, 0), line.line)
        progress.on_line(line)


def cancel_at_service(client: ServiceClient, run_id: str, reason: str) -> None:
    """Have the service stop a run. Raises RunNotActive."""
    client.ask(Cancel(run_id, reason))
