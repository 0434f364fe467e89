"""Sensors: functions that look at the world every so often and ask for runs.

These are definitions that can be evaluated once; who evaluates them again and again, and keeps the cursor, is
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from headwater.authoring.backfill_requests import completed_backfill
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.triggers import (
    Trigger,
    TriggerContext,
    TriggerFunction,
    checked_interval,
    completed_request,
    results_listed,
    targets_of,
)
from headwater.model.backfills import BackfillRequest
from headwater.model.errors import CheckError, InvalidDefinitionError, InvariantViolationError
from headwater.model.errors.root import kind_of
from headwater.model.errors.triggers import TriggerResultError
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import checked_name

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.model.partitions import AddDynamicPartitionsRequest, DeleteDynamicPartitionsRequest
    from headwater.model.results import AssetCheckEvaluation, AssetMaterialization, AssetObservation
    from headwater.model.runs import Run

SENSOR_TAG = "headwater/sensor_name"
DEFAULT_INTERVAL_SECONDS = 30


class DefaultSensorStatus(Enum):
    """Whether a sensor runs as soon as it is loaded, or waits until somebody starts it."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class SensorEvaluationContext(TriggerContext):
    """What a sensor's function is told: where it left off (`cursor`), an instance, resources, a log.

    Times are seconds since 1970. `last_run_key` is that of the last request that became a run.
    """

    _builder = "build_sensor_context"

    def __init__(
        self,
        instance: Any = None,
        cursor: str | None = None,
        last_run_key: str | None = None,
        last_tick_completion_time: float | None = None,
        last_sensor_start_time: float | None = None,
        sensor_name: str | None = None,
        repository_name: str | None = None,
        resources: Mapping[str, Any] | None = None,
        definitions: Definitions | None = None,
        log: Any = None,
    ) -> None:
        super().__init__(instance, resources, definitions, log)
        self._cursor = cursor
        self._cursor_updated = False
        self.last_run_key = last_run_key
        self.last_tick_completion_time = last_tick_completion_time
        self.last_sensor_start_time = last_sensor_start_time
        self.sensor_name = sensor_name
        self.repository_name = repository_name

    @property
    def last_completion_time(self) -> float | None:
        """When the last tick ended, in seconds since 1970; None before the first."""
        return self.last_tick_completion_time

    @property
    def cursor(self) -> str | None:
        """What the evaluation before left behind, or what `update_cursor` set in this one."""
        return self._cursor

    @property
    def cursor_updated(self) -> bool:
        """Whether this evaluation called `update_cursor`."""
        return self._cursor_updated

    def update_cursor(self, cursor: str | None) -> None:
        """Leave this for the next evaluation; it is kept only if this one succeeds. None forgets what was left."""
        if cursor is not None and not isinstance(cursor, str):
            raise CheckError(
                what=f"update_cursor was given {cursor!r}, {kind_of(cursor)}.",
                why="A cursor is kept as text.",
                fix="Write update_cursor(str(...)), or json.dumps(...) for more than one value.",
            )
        self._cursor = cursor
        self._cursor_updated = True

    @property
    def is_first_tick_since_sensor_start(self) -> bool:
        """Whether the sensor was not evaluated yet since somebody started it."""
        if self.last_sensor_start_time is None or self.last_tick_completion_time is None:
            return True
        return self.last_tick_completion_time < self.last_sensor_start_time


def build_sensor_context(
    instance: Any = None,
    cursor: str | None = None,
    repository_name: str | None = None,
    repository_def: Definitions | None = None,
    sensor_name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    definitions: Definitions | None = None,
    *,
    last_sensor_start_time: float | None = None,
    last_run_key: str | None = None,
    last_tick_completion_time: float | None = None,
) -> SensorEvaluationContext:
    """Return a context with which a sensor can be called or evaluated in a test. It brings only what it is given."""
    return SensorEvaluationContext(
        instance,
        cursor,
        last_run_key,
        last_tick_completion_time,
        last_sensor_start_time,
        sensor_name,
        repository_name,
        resources,
        definitions if definitions is not None else repository_def,
    )


@dataclass(frozen=True, slots=True, init=False)
class SensorResult:
    """All that one evaluation of a sensor gives.

    Requests of runs and of backfills or why there are none, the new cursor, partitions, events.
    """

    run_requests: Sequence[RunRequest]
    skip_reason: SkipReason | None
    cursor: str | None
    dynamic_partitions_requests: Sequence[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest]
    asset_events: Sequence[AssetMaterialization | AssetObservation | AssetCheckEvaluation]
    backfill_requests: Sequence[BackfillRequest]

    def __init__(
        self,
        run_requests: Sequence[RunRequest] | None = None,
        skip_reason: str | SkipReason | None = None,
        cursor: str | None = None,
        dynamic_partitions_requests: Sequence[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest]
        | None = None,
        asset_events: Sequence[AssetMaterialization | AssetObservation | AssetCheckEvaluation] | None = None,
        backfill_requests: Sequence[BackfillRequest] | None = None,
    ) -> None:
        requests = list(run_requests or ())
        backfills = list(backfill_requests or ())
        if (requests or backfills) and skip_reason:
            raise CheckError(
                what=f"SensorResult was given both {'run' if requests else 'backfill'}_requests and a skip_reason.",
                why="Either something is to run, or nothing is.",
                fix="Keep one of them.",
            )
        if cursor is not None and not isinstance(cursor, str):
            raise CheckError(
                what=f"SensorResult(cursor={cursor!r}) is {kind_of(cursor)}.",
                why="A cursor is kept as text.",
                fix="Write cursor=str(...), or json.dumps(...) for more than one value.",
            )
        for request in requests:
            if not isinstance(request, RunRequest):
                raise CheckError(
                    what=f"SensorResult(run_requests=...) holds {request!r}, {kind_of(request)}.",
                    why="It asks for nothing.",
                    fix="Give RunRequests.",
                )
        for backfill in backfills:
            if not isinstance(backfill, BackfillRequest):
                raise CheckError(
                    what=f"SensorResult(backfill_requests=...) holds {backfill!r}, {kind_of(backfill)}.",
                    why="It asks for no backfill.",
                    fix="Give BackfillRequests.",
                )
        put = object.__setattr__
        put(self, "run_requests", requests)
        put(self, "skip_reason", SkipReason(skip_reason) if isinstance(skip_reason, str) else skip_reason)
        put(self, "cursor", cursor)
        put(self, "dynamic_partitions_requests", list(dynamic_partitions_requests or ()))
        put(self, "asset_events", list(asset_events or ()))
        put(self, "backfill_requests", backfills)


@dataclass(frozen=True, slots=True)
class RunReaction:
    """That a sensor has looked at a run whose status changed; `error` is what its function raised, None if nothing."""

    run: Run
    error: Exception | None = None


SensorReturnTypesUnion: TypeAlias = (
    Iterator[SkipReason | RunRequest | BackfillRequest | SensorResult | RunReaction]
    | Sequence[RunRequest | BackfillRequest]
    | SkipReason
    | RunRequest
    | BackfillRequest
    | SensorResult
    | RunReaction
    | None
)
"""What the function of a sensor may return or, if it is a generator, yield."""


@dataclass(frozen=True, slots=True)
class SensorExecutionData:
    """What one evaluation asked for; without any request, `skip_message` says why. `cursor` is for the next one.

    `run_reactions` are those of a sensor of run statuses whose function asked for nothing; `is_behind` tells that it
    could be evaluated again at once, as more runs are waiting. `automation_condition_evaluations` are the trees of reasons
    of a sensor of automation conditions, as `evaluate_automation_conditions` gives them.
    """

    run_requests: Sequence[RunRequest] = ()
    skip_message: str | None = None
    cursor: str | None = None
    dynamic_partitions_requests: Sequence[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest] = field(
        default=()
    )
    asset_events: Sequence[AssetMaterialization | AssetObservation | AssetCheckEvaluation] = ()
    run_reactions: Sequence[RunReaction] = ()
    is_behind: bool = False
    automation_condition_evaluations: Sequence[Any] = ()
    backfill_requests: Sequence[BackfillRequest] = ()


class SensorDefinition(Trigger):
    """Asks for runs when its function finds a reason to; it is evaluated at least `minimum_interval_seconds` apart.

    job, jobs, job_name, target or asset_selection: what it may start; without any it can only record events, add
    partitions and skip. Raises InvalidDefinitionError for what cannot be meant.
    """

    _kind = "Sensor"
    function: TriggerFunction
    # The context with which it is called.
    _context_class: ClassVar[type[TriggerContext]] = SensorEvaluationContext
    # How many parameters after the context the function is given by position.
    _values_after_context: ClassVar[int] = 0
    # The names of the arguments that say what it starts, where they differ from those of @sensor.
    _target_arguments: ClassVar[Mapping[str, str]] = {}
    # What to write so that it may start something.
    _target_fix: ClassVar[str] = "Give @sensor a job=, jobs=, job_name= or target=."

    def __init__(
        self,
        name: str | None = None,
        *,
        evaluation_fn: Callable[..., Any] | None = None,
        job_name: str | None = None,
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        asset_selection: Any = None,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        target: Any = None,
        owners: Sequence[str] | None = None,
    ) -> None:
        if evaluation_fn is None:
            raise InvalidDefinitionError(
                what=f"Sensor {name!r} has no evaluation_fn.",
                why="Nothing would ever be looked at.",
                fix="Put @sensor above a function.",
            )
        name = checked_name(name or str(getattr(evaluation_fn, "__name__", "")), "a sensor")
        of = f'Sensor "{name}"'
        targets = targets_of(
            of,
            name,
            job=job,
            jobs=jobs,
            job_name=job_name,
            target=target,
            asset_selection=asset_selection,
            called=self._target_arguments,
        )
        checked_interval(of, minimum_interval_seconds)
        super().__init__(
            name,
            targets,
            TriggerFunction(evaluation_fn, of, extra=self._values_after_context),
            description=description,
            tags=tags,
            metadata=metadata,
            owners=owners,
            required_resource_keys=required_resource_keys,
        )
        self.minimum_interval_seconds = (
            DEFAULT_INTERVAL_SECONDS if minimum_interval_seconds is None else minimum_interval_seconds
        )
        self.asset_selection = asset_selection
        self.default_status = default_status

    @property
    def has_jobs(self) -> bool:
        return bool(self.targets.jobs)

    @property
    def jobs(self) -> Sequence[Any]:
        return self.targets.jobs

    @property
    def job_name(self) -> str | None:
        """The name of the one job that it starts, None where there is none. Raises when there are several."""
        if len(self.targets.names) > 1:
            raise InvalidDefinitionError(
                what=f"The job_name of {self._described} was asked for, and it starts {len(self.targets.names)} jobs.",
                why="It does not say which of them is meant.",
                fix="Use .jobs.",
            )
        return self.targets.names[0] if self.targets.names else None

    @property
    def job(self) -> Any:
        """The one job that it starts. Raises InvalidDefinitionError when there is none, or are several."""
        if len(self.targets.jobs) != 1:
            raise InvalidDefinitionError(
                what=f"The job of {self._described} was asked for, and it was given {len(self.targets.jobs)} jobs.",
                why="There is no single answer.",
                fix="Use .jobs, or .job_name where it was declared by name.",
            )
        return self.targets.jobs[0]

    def evaluate_tick(self, context: SensorEvaluationContext) -> SensorExecutionData:
        """Return what it asks for now.

        An error of the user's function comes through, with a note that names the sensor. Raises TriggerResultError when
        its function gives what is no request, or a request for what it may not start.
        """
        return self._data_of(self._result_of(self._returned(context)), context)

    def _returned(self, context: SensorEvaluationContext) -> list[Any]:
        return results_listed(self.function.evaluate(context))

    def _result_of(self, returned: Sequence[Any]) -> SensorResult:
        """Return what the function gave as one result. Raises TriggerResultError for what cannot be one."""
        whole = [one for one in returned if isinstance(one, SensorResult)]
        if whole and len(returned) > 1:
            raise TriggerResultError(
                what=f"{self._described} gave a SensorResult and {len(returned) - 1} other result(s).",
                why="A SensorResult is all that an evaluation gives.",
                fix="Put everything into one SensorResult.",
            )
        if whole:
            return whole[0]
        skip = self._skip_among(returned)
        if skip is not None:
            return SensorResult(skip_reason=skip)
        for one in returned:
            if not isinstance(one, (RunRequest, BackfillRequest)):
                raise TriggerResultError(
                    what=f"{self._described} gave {one!r}, {kind_of(one)}.",
                    why="It asks for nothing.",
                    fix="Give RunRequests, BackfillRequests, a SkipReason, a SensorResult, or None.",
                )
        return SensorResult(
            run_requests=[one for one in returned if isinstance(one, RunRequest)],
            backfill_requests=[one for one in returned if isinstance(one, BackfillRequest)],
        )

    def _data_of(self, result: SensorResult, context: SensorEvaluationContext) -> SensorExecutionData:
        if result.cursor is not None and context.cursor_updated:
            raise InvariantViolationError(
                what=f"{self._described} called context.update_cursor and gave SensorResult(cursor={result.cursor!r}).",
                why="It does not say which of them to keep.",
                fix="Keep one of them.",
            )
        requests = [self._completed(request, context) for request in result.run_requests]
        backfills = [
            completed_backfill(self._described, request, self.targets, {SENSOR_TAG: self.name})
            for request in result.backfill_requests
        ]
        skip = result.skip_reason.skip_message if result.skip_reason is not None else None
        if not requests and not backfills and result.skip_reason is None:
            skip = "The sensor's function asked for nothing."
        return SensorExecutionData(
            requests,
            skip,
            result.cursor if result.cursor is not None else context.cursor,
            result.dynamic_partitions_requests,
            result.asset_events,
            backfill_requests=backfills,
        )

    def _completed(self, request: RunRequest, context: SensorEvaluationContext) -> RunRequest:
        names = self.targets.names
        if not names:
            raise TriggerResultError(
                what=f"{self._described} asked for a run, and was not declared to start anything.",
                why="What a trigger may start is declared, so that it is seen before it happens.",
                fix=self._target_fix,
            )
        if len(names) > 1 and request.job_name is None:
            raise TriggerResultError(
                what=f"{self._described} asked for a run without saying of which job.",
                why=f"It may start several: {', '.join(names)}.",
                fix=f'Write RunRequest(job_name="{names[0]}", ...).',
            )
        return completed_request(self._described, request, self.targets, {SENSOR_TAG: self.name}, context)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, with a context from build_sensor_context() if it takes one."""
        return self.function.invoke(args, kwargs, self._context_class, self.required_resource_keys)


@spelling_checked
def sensor(
    job_name: str | None = None,
    *,
    name: str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    asset_selection: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    target: Any = None,
    owners: Sequence[str] | None = None,
) -> Callable[[Callable[..., Any]], SensorDefinition]:
    """Make a sensor of a function that is called again and again, with the context and resources that it asks for.

    It returns or yields RunRequests and BackfillRequests, or returns a SkipReason, a SensorResult, or None.
    """

    def decorate(function: Callable[..., Any]) -> SensorDefinition:
        return SensorDefinition(
            name,
            evaluation_fn=function,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            asset_selection=asset_selection,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            target=target,
            owners=owners,
        )

    return decorate
