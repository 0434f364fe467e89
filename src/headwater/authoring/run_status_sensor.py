"""Sensors of run statuses: called once for each run that reached a status, such as one that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, overload

from headwater.authoring.job_selectors import CodeLocationSelector, JobSelector, RepositorySelector
from headwater.authoring.run_status_sensor_context import RunFailureSensorContext, RunStatusSensorContext
from headwater.authoring.sensors import (
    DefaultSensorStatus,
    RunReaction,
    SensorDefinition,
    SensorEvaluationContext,
    SensorExecutionData,
    SensorReturnTypesUnion,
)
from headwater.authoring.triggers import is_job, results_listed
from headwater.model.errors import CheckError, DefinitionError, InvalidDefinitionError, did_you_mean
from headwater.model.errors.root import kind_of
from headwater.model.errors.triggers import CursorIsNotYours, UnreadableCursor
from headwater.model.named_arguments import spelling_checked
from headwater.model.run_status_changes import EVENT_TYPES_BY_STATUS
from headwater.model.runs import RunStatus

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.model.runs import EventRecord, Run

MonitoredJob: TypeAlias = Any
"""A job, a graph, or a JobSelector, RepositorySelector or CodeLocationSelector."""

_BATCH = 50
_SELECTORS = (JobSelector, RepositorySelector, CodeLocationSelector)


class RunStatusSensorDefinition(SensorDefinition):
    """A sensor whose function is called for each run that reaches a status, in the order in which they do.

    run_status: the status. FAILURE includes runs whose process is gone. QUEUED, STARTING and CANCELING are statuses that
        runs have under a service only.
    monitored_jobs: the jobs whose runs are meant; without any, all of them. An instance holds the runs of one project in
        this release, so of a selector only the job's name is compared.
    request_job, request_jobs: the jobs that it may start.

    Where `run_status` is FAILURE, the function is called with a RunFailureSensorContext. The cursor is the storage id of
    the last event that was looked at. Raises InvalidDefinitionError for what cannot be meant.
    """

    _context_class = RunStatusSensorContext
    _target_arguments: ClassVar[Mapping[str, str]] = {"job": "request_job", "jobs": "request_jobs"}
    _target_fix = "Give it a request_job= or request_jobs=."

    def __init__(
        self,
        name: str,
        run_status: RunStatus,
        run_status_sensor_fn: Callable[..., SensorReturnTypesUnion],
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        monitored_jobs: Sequence[MonitoredJob] | None = None,
        monitor_all_code_locations: bool | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        request_job: Any = None,
        request_jobs: Sequence[Any] | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        required_resource_keys: Iterable[str] | None = None,
    ) -> None:
        super().__init__(
            name,
            evaluation_fn=run_status_sensor_fn,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=request_job,
            jobs=request_jobs,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
        )
        if not isinstance(run_status, RunStatus):
            raise CheckError(
                what=f"{self._described} was given run_status={run_status!r}.",
                why=f"It is {kind_of(run_status)}, not a status.",
                fix=f"{did_you_mean(str(run_status).upper(), RunStatus.__members__)}Write RunStatus.SUCCESS.",
            )
        if run_status not in EVENT_TYPES_BY_STATUS:
            raise InvalidDefinitionError(
                what=f"{self._described} was given run_status=RunStatus.{run_status.name}.",
                why="A run begins so, and never comes to it.",
                fix=f"Use one of {', '.join(status.name for status in EVENT_TYPES_BY_STATUS)}.",
            )
        if monitored_jobs and monitor_all_code_locations:
            raise InvalidDefinitionError(
                what=f"{self._described} was given both monitored_jobs and monitor_all_code_locations=True.",
                why="The one means some jobs, the other all of them.",
                fix="Keep one of them.",
            )
        self.run_status = run_status
        self.monitor_all_code_locations = bool(monitor_all_code_locations)
        self.monitored_jobs = tuple(_checked_monitored(self._described, monitored_jobs))

    def monitors(self, run: Run) -> bool:
        """Whether the run is of a job that is meant."""
        if not self.monitored_jobs:
            return True
        return any(
            run.job_name == (job.job_name if isinstance(job, JobSelector) else job.name)
            if not isinstance(job, (RepositorySelector, CodeLocationSelector))
            else True
            for job in self.monitored_jobs
        )

    def problems_in(self, definitions: Definitions) -> Sequence[DefinitionError]:
        """Return what is wrong with it as a part of a project: monitored jobs that are not defined there."""
        known = [job.name for job in [*definitions.jobs, *definitions.jobs_of_triggers()] if hasattr(job, "name")]
        return [
            InvalidDefinitionError(
                what=f'{self._described} monitors the job "{job.name}", which is not defined.',
                why="None of its runs would ever be seen.",
                fix=f"{did_you_mean(job.name, known)}Add it to jobs=; a job of another project is named by JobSelector.",
            )
            for job in self.monitored_jobs
            if not isinstance(job, _SELECTORS) and job.name not in known
        ]

    # ----------------------------------------------------------------------------------------------------- evaluation

    def evaluate_tick(self, context: SensorEvaluationContext) -> SensorExecutionData:
        """Call the function for the next run that reached the status, and return what it asks for and the new cursor.

        Without a cursor only the cursor is returned: runs of the past are not looked at. One run is dealt with in each
        evaluation, so that the cursor always says which; `is_behind` tells that more are waiting. An error of the
        function is in the reaction and does not hold up the runs that follow. Raises TriggerResultError,
        CursorIsNotYours and UnreadableCursor.
        """
        if not context.cursor:
            latest = [record.storage_id for name in self._event_types for record in self._changes(context, name, None)]
            at = max(latest, default=0)
            return SensorExecutionData(
                skip_message=f"{self._described} begins to watch here: what happened before is left alone.",
                cursor=str(at),
            )
        if not context.cursor.isdigit():
            raise UnreadableCursor(self._described, context.cursor, "the storage id of an event")
        at = int(context.cursor)
        while records := self._next(context, at):
            for number, record in enumerate(records):
                at = record.storage_id
                run = context.instance.get_run_by_id(record.run_id)
                if run is not None and self.monitors(run):
                    reacted = self._react(context, run, record)
                    return replace(reacted, cursor=str(at), is_behind=number + 1 < len(records))
        return SensorExecutionData(
            skip_message=f"No run has come to the status {self.run_status.value}.", cursor=str(at)
        )

    @property
    def _event_types(self) -> Sequence[str]:
        return EVENT_TYPES_BY_STATUS[self.run_status]

    def _changes(self, context: SensorEvaluationContext, name: str, after: int | None) -> Sequence[EventRecord]:
        """Return the changes after a storage id, oldest first; with None the latest one."""
        found: Sequence[EventRecord] = (
            context.instance.fetch_run_status_changes(name, limit=1)
            if after is None
            else context.instance.fetch_run_status_changes(name, limit=_BATCH, cursor=str(after), ascending=True)
        ).records
        return found

    def _next(self, context: SensorEvaluationContext, after: int) -> Sequence[EventRecord]:
        """Return the next changes of status, oldest first, of all the events that mean it."""
        by_type = [self._changes(context, name, after) for name in self._event_types]
        found = sorted((record for records in by_type for record in records), key=lambda record: record.storage_id)
        # Of a full page, more may follow before what another type of event brought.
        ends = [records[-1].storage_id for records in by_type if len(records) == _BATCH]
        return [record for record in found if record.storage_id <= min(ends)] if ends else found

    def _react(self, context: SensorEvaluationContext, run: Run, record: EventRecord) -> SensorExecutionData:
        kind = RunFailureSensorContext if self.run_status is RunStatus.FAILURE else RunStatusSensorContext
        with kind(
            self.name,
            run,
            record.event,
            context.instance,
            context.resource_defs,
            context.log,
            definitions=context.definitions,
        ) as own:
            try:
                returned = results_listed(self.function.evaluate(own))
            except Exception as error:
                return SensorExecutionData(run_reactions=[RunReaction(run, error)])
        if not returned:
            return SensorExecutionData(run_reactions=[RunReaction(run)])
        reactions = [one for one in returned if isinstance(one, RunReaction)]
        if reactions and len(reactions) == len(returned):
            return SensorExecutionData(run_reactions=reactions)
        result = self._result_of([one for one in returned if not isinstance(one, RunReaction)])
        if result.cursor is not None:
            raise CursorIsNotYours(
                self._described, f"SensorResult(cursor={result.cursor!r})", "Leave cursor= out of the SensorResult."
            )
        return replace(self._data_of(result, context), run_reactions=reactions)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, with a context from build_run_status_sensor_context() if it takes one."""
        if self.run_status is RunStatus.FAILURE:
            args = tuple(_for_failure(one) for one in args)
            kwargs = {name: _for_failure(one) for name, one in kwargs.items()}
        return super().__call__(*args, **kwargs)


def _for_failure(given: Any) -> Any:
    is_plain = isinstance(given, RunStatusSensorContext) and not isinstance(given, RunFailureSensorContext)
    return given.for_run_failure() if is_plain else given


def _checked_monitored(of: str, given: Any) -> list[Any]:
    if given is not None and (isinstance(given, str) or not isinstance(given, Iterable)):
        given = [given]
    checked: list[Any] = []
    for one in given or ():
        if is_job(one) or isinstance(one, _SELECTORS):
            checked.append(one)
        elif hasattr(one, "to_job"):
            checked.append(one.to_job())
        else:
            by_name = f'JobSelector(location_name="...", job_name={one!r})' if isinstance(one, str) else "a JobSelector"
            raise CheckError(
                what=f"{of} was given {one!r} in monitored_jobs=.",
                why=f"It is {kind_of(one)}, not a job.",
                fix=f"Give the jobs themselves, or name one with {by_name}.",
            )
    return checked


def _one_of(of: str, name: str, value: Any, older_name: str, older_value: Any) -> Any:
    if value is not None and older_value is not None:
        raise InvalidDefinitionError(
            what=f"{of} was given both {name}= and {older_name}=.",
            why=f"{older_name} is the older name of {name}.",
            fix=f"Keep {name}=.",
        )
    return value if value is not None else older_value


@spelling_checked
def run_status_sensor(
    run_status: RunStatus,
    name: str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    monitored_jobs: Sequence[MonitoredJob] | None = None,
    job_selection: Sequence[MonitoredJob] | None = None,
    monitor_all_code_locations: bool | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_job: Any = None,
    request_jobs: Sequence[Any] | None = None,
    monitor_all_repositories: bool | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., SensorReturnTypesUnion]], RunStatusSensorDefinition]:
    """Make a sensor of a function that is called for each run that reaches a status.

    It is called with a RunStatusSensorContext and the resources that it asks for, and returns what the function of
    `@sensor` returns, or None. `job_selection` and `monitor_all_repositories` are older names of `monitored_jobs` and
    `monitor_all_code_locations`.
    """

    def decorate(function: Callable[..., SensorReturnTypesUnion]) -> RunStatusSensorDefinition:
        own_name = name or function.__name__
        of = f'Sensor "{own_name}"'
        return RunStatusSensorDefinition(
            own_name,
            run_status,
            function,
            minimum_interval_seconds,
            description,
            _one_of(of, "monitored_jobs", monitored_jobs, "job_selection", job_selection),
            _one_of(
                of,
                "monitor_all_code_locations",
                monitor_all_code_locations,
                "monitor_all_repositories",
                monitor_all_repositories,
            ),
            default_status,
            request_job,
            request_jobs,
            tags,
            metadata,
        )

    return decorate


@overload
def run_failure_sensor(name: Callable[..., SensorReturnTypesUnion]) -> RunStatusSensorDefinition: ...


@overload
def run_failure_sensor(
    name: str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    monitored_jobs: Sequence[MonitoredJob] | None = None,
    job_selection: Sequence[MonitoredJob] | None = None,
    monitor_all_code_locations: bool | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_job: Any = None,
    request_jobs: Sequence[Any] | None = None,
    monitor_all_repositories: bool | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., SensorReturnTypesUnion]], RunStatusSensorDefinition]: ...


def run_failure_sensor(
    name: Callable[..., SensorReturnTypesUnion] | str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    monitored_jobs: Sequence[MonitoredJob] | None = None,
    job_selection: Sequence[MonitoredJob] | None = None,
    monitor_all_code_locations: bool | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_job: Any = None,
    request_jobs: Sequence[Any] | None = None,
    monitor_all_repositories: bool | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> RunStatusSensorDefinition | Callable[[Callable[..., SensorReturnTypesUnion]], RunStatusSensorDefinition]:
    """Make a sensor of a function that is called for each run that fails, or whose process is gone.

    It is called with a RunFailureSensorContext. Use it bare, or with what `@run_status_sensor` takes.
    """
    decorate = run_status_sensor(
        RunStatus.FAILURE,
        None if callable(name) else name,
        minimum_interval_seconds,
        description,
        monitored_jobs,
        job_selection,
        monitor_all_code_locations,
        default_status,
        request_job,
        request_jobs,
        monitor_all_repositories,
        tags,
        metadata,
    )
    return decorate(name) if callable(name) else decorate
