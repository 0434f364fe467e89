"""The part of an instance by which runs are recorded from outside: made without being carried out, ended, told about."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.error_info import ErrorInfo
from headwater.model.event_data import EngineEventData
from headwater.model.events import EngineReport, Event, RunCanceled, RunFailed
from headwater.model.keys import AssetKey
from headwater.model.metadata import metadata_to_data
from headwater.model.runs import Run, RunStatus
from headwater.model.tags import Tags
from headwater.store.interface import Store

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition


class RunReports:
    """Facts about runs that no run loop tells."""

    store: Store

    def create_run_for_job(
        self,
        job_def: JobDefinition,
        *,
        run_id: str | None = None,
        run_config: Mapping[str, Any] | None = None,
        status: RunStatus | None = None,
        tags: Mapping[str, str] | None = None,
        root_run_id: str | None = None,
        parent_run_id: str | None = None,
        asset_selection: Sequence[AssetKey] | None = None,
    ) -> Run:
        """Record a run of a job without carrying it out, and return it. Raises RunAlreadyExists.

        One that has not ended belongs to this process: when the instance is closed it counts as interrupted.
        """
        now = time.time()
        has_ended = status is not None and status.is_finished
        run = Run(
            run_id or str(uuid.uuid4()),
            job_def.name,
            status or RunStatus.NOT_STARTED,
            tags=Tags({**job_def.run_tags, **(tags or {})}),
            run_config=run_config or {},
            asset_selection=tuple(asset_selection or ()),
            parent_run_id=parent_run_id,
            root_run_id=root_run_id or parent_run_id,
            created_at=now,
            started_at=now if has_ended else None,
            ended_at=now if has_ended else None,
        )
        return self.add_run(run)

    def add_run(self, dagster_run: Run) -> Run:
        """Record a run as it is, and return it. Raises RunAlreadyExists."""
        self.store.create_run(dagster_run)
        return dagster_run

    def report_engine_event(
        self,
        message: str,
        dagster_run: Run | None = None,
        engine_event_data: EngineEventData | None = None,
        cls: type[object] | None = None,
        step_key: str | None = None,
        job_name: str | None = None,
        run_id: str | None = None,
    ) -> Event:
        """Record a message about a run that goes on in this process, or about none; return it as an event.

        With `cls` the message begins with the name of that class. `job_name` says nothing that the run does not.
        """
        data = engine_event_data or EngineEventData()
        error = data.error
        event = EngineReport(
            run_id=run_id or (dagster_run.run_id if dagster_run is not None else ""),
            timestamp=time.time(),
            step_key=step_key,
            text=f"[{cls.__name__}] {message}" if cls is not None else message,
            metadata={name: metadata_to_data(value) for name, value in data.metadata.items()},
            error=None if error is None else ErrorInfo(error.cls_name or "Exception", error.message.strip()),
        )
        self.store.append(event)
        self.store.flush()
        return event

    def report_run_failed(self, dagster_run: Run, message: str | None = None, job_failure_data: Any = None) -> Event:
        """End a run of this process that no run loop carries out as failed, and return the fact."""
        error = getattr(job_failure_data, "error", None)
        said = message or (error.message.strip() if error is not None else "This run has been marked as failed.")
        return self._end(
            RunFailed(run_id=dagster_run.run_id, timestamp=time.time(), error=ErrorInfo("RunReportedFailed", said))
        )

    def report_run_canceled(self, dagster_run: Run, message: str | None = None) -> Event:
        """End a run of this process that no run loop carries out as canceled, and return the fact."""
        return self._end(RunCanceled(run_id=dagster_run.run_id, timestamp=time.time(), reason=message or ""))

    def _end(self, event: Event) -> Event:
        self.store.append(event)
        self.store.flush()
        return event
