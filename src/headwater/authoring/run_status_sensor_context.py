"""What the function of a sensor of run statuses is told: the run, and the event by which its status changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from headwater.authoring.triggers import TriggerContext
from headwater.model.partitions.definition import PARTITION_TAG

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.sensors import SensorEvaluationContext
    from headwater.model.events import Event, StepFailed
    from headwater.model.runs import Run


class RunStatusSensorContext(TriggerContext):
    """The run whose status changed, the event that says so, an instance, resources, a log."""

    _builder = "build_run_status_sensor_context"

    def __init__(
        self,
        sensor_name: str,
        run: Run,
        event: Event,
        instance: Any,
        resources: Mapping[str, Any] | None = None,
        log: Any = None,
        partition_key: str | None = None,
        definitions: Definitions | None = None,
    ) -> None:
        super().__init__(instance, resources, definitions, log)
        self.sensor_name = sensor_name
        self.run = run
        self.event = event
        self._partition_key = partition_key

    @property
    def dagster_run(self) -> Run:
        """The run."""
        return self.run

    @property
    def dagster_event(self) -> Event:
        """The event by which the run's status changed."""
        return self.event

    @property
    def partition_key(self) -> str | None:
        """The partition of the run, None where it has none."""
        return self._partition_key if self._partition_key is not None else self.run.tags.get(PARTITION_TAG)

    def for_run_failure(self) -> RunFailureSensorContext:
        """Return the context that a function of `@run_failure_sensor` is called with."""
        return RunFailureSensorContext(
            self.sensor_name,
            self.run,
            self.event,
            self._instance,
            self._resource_defs,
            self._log,
            self._partition_key,
            self._definitions,
        )


class RunFailureSensorContext(RunStatusSensorContext):
    """The run that failed, the event that says so, and the failures of its steps."""

    @property
    def failure_event(self) -> Event:
        """The event by which the run failed: RUN_FAILURE, or RUN_INTERRUPTED when its process was gone."""
        return self.event

    def get_step_failure_events(self) -> Sequence[StepFailed]:
        """Return the failure of each step that failed for good, oldest first; attempts that were repeated are left out.

        `event.error` tells what was raised, `event.step_key` where.
        """
        from headwater.model.runs import EventType

        failures: dict[str | None, StepFailed] = {}
        for record in self.instance.all_logs(self.run.run_id, [EventType.STEP_FAILURE, EventType.STEP_UP_FOR_RETRY]):
            if record.event.event_type_value == EventType.STEP_FAILURE.value:
                failures[record.step_key] = cast("StepFailed", record.event)
            else:
                failures.pop(record.step_key, None)
        return list(failures.values())


def build_run_status_sensor_context(
    sensor_name: str,
    dagster_event: Event,
    dagster_instance: Any,
    dagster_run: Run,
    context: SensorEvaluationContext | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    *,
    repository_def: Definitions | None = None,
    definitions: Definitions | None = None,
) -> RunStatusSensorContext:
    """Return a context with which a sensor of run statuses can be called in a test.

    With `context`, resources and definitions that are not given are taken from it. Use `for_run_failure()` of what this
    returns for a function of `@run_failure_sensor`.
    """
    project = definitions if definitions is not None else repository_def
    if context is not None:
        resources = resources if resources is not None else context.resource_defs
        project = project if project is not None else context.definitions
    return RunStatusSensorContext(
        sensor_name, dagster_run, dagster_event, dagster_instance, resources, None, partition_key, project
    )
