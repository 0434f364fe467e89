"""Runs that a running service carries out: launched there, watched from here by what is recorded and written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headwater.cli.progress import Progress
from headwater.engine.step_log_files import list_step_logs, read_step_log
from headwater.model.runs import Run, RunStatus
from headwater.service.control import Cancel, Launch, ServiceClient, find_service
from headwater.service.protocol import LaunchRequest

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance

_LOOK_SECONDS = 0.02
_LOGS_SECONDS = 0.2
# Longer steps of looking once a run has gone on for a while.
_MOST_LOOK_SECONDS = 0.25
_RECOVER_SECONDS = 2.0
# How long an interrupted run is waited for: by a service that runs, or by one that may be started again.
_RESUME_SECONDS = 60.0
_RESTART_SECONDS = 5.0


def launch_at_service(client: ServiceClient, request: LaunchRequest) -> str:
    """Have the service launch a run; return its id. Raises what is wrong with the request."""
    run_id: str = client.ask(Launch(request), timeout_seconds=120.0)
    return run_id


def watch(instance: Instance, run_id: str, progress: Progress) -> Run:
    """Tell the progress of a run until it has ended; return how.

    A run whose service died is interrupted; it is waited for while another service may go on with it.
    """
    after = 0
    told: dict[str, int] = {}
    look_seconds = _LOOK_SECONDS
    logs_at = time.monotonic()
    recover_at = time.monotonic() + _RECOVER_SECONDS
    left_at: float | None = None

    def waits_for_service(run: Run) -> bool:
        """Whether a run that a service left behind is about to be gone on with, by one that runs or is being started."""
        nonlocal left_at
        if run.status is not RunStatus.INTERRUPTED or not instance.store.is_launched(run_id):
            left_at = None
            return False
        left_at = left_at or time.monotonic()
        has_service = instance.home is not None and find_service(instance.home) is not None
        return time.monotonic() - left_at < (_RESUME_SECONDS if has_service else _RESTART_SECONDS)

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
        if run is not None and run.is_finished and not waits_for_service(run):
            return run
        if time.monotonic() >= recover_at:
            # The service may be gone: then nobody else says that the run is not running any more.
            instance.store.recover()
            recover_at = time.monotonic() + _RECOVER_SECONDS
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
