"""Schedules: runs that are asked for at the times of a cron schedule.

These are definitions that can be evaluated for a given time; who watches the clock is elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from headwater.authoring.backfill_requests import completed_backfill
from headwater.authoring.config import RunConfig, run_config_dict
from headwater.authoring.op import json_tags
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.triggers import (
    Trigger,
    TriggerContext,
    TriggerFunction,
    completed_request,
    job_of,
    results_listed,
    targets_of,
)
from headwater.model.backfills import BackfillRequest
from headwater.model.clock import as_utc
from headwater.model.cron import checked_cron, checked_timezone
from headwater.model.errors import CheckError, HeadwaterError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.definition import WrongArgument
from headwater.model.errors.partitions import MissingDynamicPartitionsStoreError
from headwater.model.errors.root import kind_of
from headwater.model.errors.triggers import (
    InvalidCronError,
    MissingTriggerContextValue,
    ScheduleExecutionError,
    TriggerResultError,
)
from headwater.model.named_arguments import spelling_checked
from headwater.model.partitions import (
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from headwater.model.specs import checked_name, checked_tags

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.model.partitions import PartitionsDefinition

SCHEDULE_TAG = "headwater/schedule_name"


class DefaultScheduleStatus(Enum):
    """Whether a schedule runs as soon as it is loaded, or waits until somebody starts it."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class ScheduleEvaluationContext(TriggerContext):
    """What a schedule's function is told: the time that is due, an instance, resources, a log."""

    _builder = "build_schedule_context"

    def __init__(
        self,
        instance: Any = None,
        scheduled_execution_time: datetime | None = None,
        resources: Mapping[str, Any] | None = None,
        definitions: Definitions | None = None,
        schedule_name: str | None = None,
        log: Any = None,
    ) -> None:
        super().__init__(instance, resources, definitions, log)
        self._scheduled_execution_time = scheduled_execution_time
        self.schedule_name = schedule_name

    @property
    def scheduled_execution_time(self) -> datetime:
        """The time at which it was due, aware. Raises MissingTriggerContextValue where none was given."""
        if self._scheduled_execution_time is None:
            raise MissingTriggerContextValue("scheduled_execution_time", self._builder)
        return self._scheduled_execution_time


def build_schedule_context(
    instance: Any = None,
    scheduled_execution_time: datetime | None = None,
    resources: Mapping[str, Any] | None = None,
    repository_def: Definitions | None = None,
) -> ScheduleEvaluationContext:
    """Return a context with which a schedule can be called or evaluated in a test."""
    return ScheduleEvaluationContext(instance, scheduled_execution_time, resources, repository_def)


@dataclass(frozen=True, slots=True)
class ScheduleExecutionData:
    """What one evaluation asked for; without any request, `skip_message` says why."""

    run_requests: Sequence[RunRequest] = ()
    skip_message: str | None = None
    backfill_requests: Sequence[BackfillRequest] = ()


class ScheduleDefinition(Trigger):
    """Asks for runs of a job, or of assets, whenever a cron schedule is due.

    cron_schedule: five fields or an alias such as "@daily", or several of these; read on the clock of
        `execution_timezone` (UTC by default).
    job, job_name or target: what is run; `target` may be assets or a selection of them.
    run_config, tags, or functions of the context that make them; or `execution_fn`, which makes RunRequests itself.
    should_execute: a function of the context; when it returns False, the tick is skipped.

    Raises InvalidCronError, UnknownTimezoneError, and InvalidDefinitionError for anything else that cannot be meant.
    """

    _kind = "Schedule"

    def __init__(
        self,
        name: str | None = None,
        *,
        cron_schedule: str | Sequence[str] | None = None,
        job_name: str | None = None,
        run_config: RunConfig | Mapping[str, Any] | None = None,
        run_config_fn: Callable[..., Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        tags_fn: Callable[[ScheduleEvaluationContext], Mapping[str, str] | None] | None = None,
        metadata: Mapping[str, Any] | None = None,
        should_execute: Callable[[ScheduleEvaluationContext], bool] | None = None,
        environment_vars: Mapping[str, str] | None = None,
        execution_timezone: str | None = None,
        execution_fn: Callable[..., Any] | None = None,
        description: str | None = None,
        job: Any = None,
        default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
        required_resource_keys: Iterable[str] | None = None,
        target: Any = None,
        owners: Sequence[str] | None = None,
        decorated_fn: Callable[..., Any] | None = None,
    ) -> None:
        function = decorated_fn or execution_fn
        if name is None and decorated_fn is not None:
            name = decorated_fn.__name__
        of = f'Schedule "{name}"' if name else "A schedule"
        targets = targets_of(of, name, job=job, job_name=job_name, target=target)
        if not targets.names:
            raise WrongArgument(
                what=f"{of} does not say what it runs.",
                why="It would ask for runs of nothing.",
                fix="Give job=, job_name=, or assets as target=.",
            )
        name = checked_name(name or f"{targets.names[0]}_schedule", "a schedule")
        of = f'Schedule "{name}"'
        _refuse_both(of, "tags", tags, "tags_fn", tags_fn)
        _refuse_both(of, "run_config", run_config, "run_config_fn", run_config_fn)
        if execution_fn is not None:
            for other, given in (
                ("run_config", run_config),
                ("run_config_fn", run_config_fn),
                ("tags", tags),
                ("tags_fn", tags_fn),
                ("should_execute", should_execute),
            ):
                _refuse_both(of, "execution_fn", execution_fn, other, given)
        if cron_schedule is None or (not isinstance(cron_schedule, str) and not cron_schedule):
            raise InvalidCronError(cron_schedule, of, "there is none")
        several = [cron_schedule] if isinstance(cron_schedule, str) else list(cron_schedule)
        self.cron_schedules: tuple[str, ...] = tuple(checked_cron(one, of) for one in several)
        self.cron_schedule: str | Sequence[str] = cron_schedule if isinstance(cron_schedule, str) else several
        if execution_timezone is not None:
            checked_timezone(execution_timezone, of)
        self.execution_timezone = execution_timezone
        super().__init__(
            name,
            targets,
            TriggerFunction(function, of) if function is not None else None,
            description=description,
            tags=json_tags(_own_tags(of, tags)),
            metadata=metadata,
            owners=owners,
            required_resource_keys=required_resource_keys,
        )
        self.is_decorated = decorated_fn is not None
        self.run_config = run_config_dict(run_config)
        self._run_config_fn = TriggerFunction(run_config_fn, of) if run_config_fn is not None else None
        self._tags_fn = tags_fn
        self._should_execute = should_execute
        self.environment_vars: Mapping[str, str] = dict(environment_vars or {})
        self.default_status = default_status

    @property
    def has_job(self) -> bool:
        return bool(self.targets.jobs)

    @property
    def job_name(self) -> str:
        return self.targets.names[0]

    @property
    def job(self) -> Any:
        """The job. Raises InvalidDefinitionError when only its name was given."""
        if not self.targets.jobs:
            raise InvalidDefinitionError(
                what=f"The job of {self._described} was asked for, and only its name is known.",
                why="It was declared with job_name=.",
                fix="Give the job itself, or read job_name.",
            )
        return self.targets.jobs[0]

    def evaluate_tick(self, context: ScheduleEvaluationContext) -> ScheduleExecutionData:
        """Return what it asks for at the context's time.

        Raises ScheduleExecutionError, whose cause it is, when one of its functions raises, and TriggerResultError when
        its function gives what is no request.
        """
        try:
            return self._evaluated(context)
        except HeadwaterError:
            raise
        except Exception as error:
            raise ScheduleExecutionError(self._described, error) from error

    def _evaluated(self, context: ScheduleEvaluationContext) -> ScheduleExecutionData:
        if self._should_execute is not None and not self._should_execute(context):
            return ScheduleExecutionData(skip_message=f'should_execute of "{self.name}" returned False.')
        if self.function is None:
            return self._asked([RunRequest(run_config=self._config(context), tags=self._made_tags(context))], context)
        returned = results_listed(self.function.evaluate(context))
        skip = self._skip_among(returned)
        if skip is not None:
            return ScheduleExecutionData(skip_message=skip.skip_message)
        if not returned:
            return ScheduleExecutionData(skip_message="The schedule's function returned nothing.")
        if len(returned) == 1 and self.is_decorated and isinstance(returned[0], (Mapping, RunConfig)):
            return self._asked([RunRequest(run_config=returned[0], tags=self._made_tags(context))], context)
        return self._asked(returned, context)

    def _config(self, context: ScheduleEvaluationContext) -> Any:
        return self._run_config_fn.evaluate(context) if self._run_config_fn is not None else self.run_config

    def _made_tags(self, context: ScheduleEvaluationContext) -> Mapping[str, str]:
        return (self._tags_fn(context) or {}) if self._tags_fn is not None else self.tags

    def _asked(self, asked: Sequence[Any], context: ScheduleEvaluationContext) -> ScheduleExecutionData:
        tags = {SCHEDULE_TAG: self.name}
        requests = [request for request in asked if not isinstance(request, BackfillRequest)]
        backfills = [
            completed_backfill(self._described, request, self.targets, tags)
            for request in asked
            if isinstance(request, BackfillRequest)
        ]
        for request in requests:
            if not isinstance(request, RunRequest):
                raise TriggerResultError(
                    what=f"{self._described} gave {request!r}, {kind_of(request)}.",
                    why="It asks for nothing.",
                    fix="Give RunRequests, BackfillRequests, a SkipReason, a run config, or None.",
                )
            if len(requests) > 1 and request.run_key is None:
                raise TriggerResultError(
                    what=f"{self._described} gave {len(requests)} run requests, and one has no run_key.",
                    why="By its key a request is known when a tick is evaluated again after a crash.",
                    fix="Give each RunRequest a run_key of its own.",
                )
            self._refuse_unknown_partition(request, context)
        return ScheduleExecutionData(
            [completed_request(self._described, request, self.targets, tags, context) for request in requests],
            backfill_requests=backfills,
        )

    def _refuse_unknown_partition(self, request: RunRequest, context: ScheduleEvaluationContext) -> None:
        partitions_def = getattr(job_of(request, self.targets, context), "partitions_def", None)
        if request.partition_key is None or partitions_def is None:
            return
        # Without an instance, nobody knows the keys of dynamic partitions.
        with suppress(MissingDynamicPartitionsStoreError):
            partitions_def.validate_partition_key(
                request.partition_key,
                context._scheduled_execution_time,
                context.instance if context.has_instance else None,
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function itself."""
        if self.function is None or not self.is_decorated:
            raise InvalidInvocationError(
                what=f"{self._described} was called, and no decorator made it.",
                why="It has no function to call.",
                fix="Use evaluate_tick(build_schedule_context(...)).",
            )
        return self.function.invoke(args, kwargs, ScheduleEvaluationContext, self.required_resource_keys)


# The tags of the system that say how a run is carried out: anyone may set them.
_TAGS_TO_SET = frozenset(
    {"isolation", "max_retries", "max_runtime", "priority", "retry_on_asset_or_op_failure", "retry_strategy"}
)


def _own_tags(of: str, tags: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the tags of a schedule. Raises InvalidDefinitionError for those with which the system says what a run is."""
    for name in tags or ():
        _, prefix, rest = str(name).partition("dagster/")
        if prefix and str(name).startswith(prefix) and rest not in _TAGS_TO_SET:
            raise InvalidDefinitionError(
                what=f'{of} sets the tag "{name}".',
                why='Tags that begin with "dagster/" are set by what starts a run.',
                fix=f'Use a name without it, such as "{rest}".',
            )
    return tags


def _refuse_both(of: str, first: str, first_value: Any, second: str, second_value: Any) -> None:
    if first_value is not None and second_value is not None:
        raise InvalidDefinitionError(
            what=f"{of} was given both {first} and {second}.", why="They would contradict each other.", fix="Keep one."
        )


@spelling_checked
def schedule(
    cron_schedule: str | Sequence[str],
    *,
    job_name: str | None = None,
    name: str | None = None,
    tags: Mapping[str, Any] | None = None,
    tags_fn: Callable[[ScheduleEvaluationContext], Mapping[str, str] | None] | None = None,
    metadata: Mapping[str, Any] | None = None,
    should_execute: Callable[[ScheduleEvaluationContext], bool] | None = None,
    environment_vars: Mapping[str, str] | None = None,
    execution_timezone: str | None = None,
    description: str | None = None,
    job: Any = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    required_resource_keys: Iterable[str] | None = None,
    target: Any = None,
    owners: Sequence[str] | None = None,
) -> Callable[[Callable[..., Any]], ScheduleDefinition]:
    """Make a schedule of a function that is called at each tick, with the context and resources that it asks for.

    It returns or yields RunRequests and BackfillRequests, or returns a SkipReason, a run config, or None. `tags` and
    `tags_fn` are for runs whose config it returned; a request has its own tags.
    """

    def decorate(function: Callable[..., Any]) -> ScheduleDefinition:
        return ScheduleDefinition(
            name,
            cron_schedule=cron_schedule,
            job_name=job_name,
            tags=tags,
            tags_fn=tags_fn,
            metadata=metadata,
            should_execute=should_execute,
            environment_vars=environment_vars,
            execution_timezone=execution_timezone,
            description=description,
            job=job,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            target=target,
            owners=owners,
            decorated_fn=function,
        )

    return decorate


# -------------------------------------------------------------------------------------------------- of partitioned jobs


class UnresolvedPartitionedSchedule:
    """A schedule of a job whose partitions are known when it stands in `Definitions`; `resolve` makes the schedule."""

    def __init__(self, job: Any, name: str, options: Mapping[str, Any]) -> None:
        self.job = job
        self.name = name
        self.options = options

    @property
    def target_jobs(self) -> Sequence[Any]:
        return (self.job,)

    @property
    def job_name(self) -> str:
        return str(self.job.name)

    def resolve(self, job: Any) -> ScheduleDefinition:
        """Return the schedule, for the resolved job. Raises InvalidDefinitionError when that is not partitioned."""
        return _partitioned_schedule(job, self.job, self.name, self.options)

    def __repr__(self) -> str:
        return f"UnresolvedPartitionedSchedule({self.name!r})"


def build_schedule_from_partitioned_job(
    job: Any,
    description: str | None = None,
    name: str | None = None,
    minute_of_hour: int | None = None,
    hour_of_day: int | None = None,
    day_of_week: int | None = None,
    day_of_month: int | None = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    tags: Mapping[str, Any] | None = None,
    cron_schedule: str | None = None,
    execution_timezone: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
) -> Any:
    """Return a schedule that runs each partition of a job once it is over.

    Time partitions bring cron schedule and timezone with them; `minute_of_hour` and so on move it within the window.
    Of a multi-partitioned job with one time dimension, each tick runs all partitions of the latest window; static
    partitions need a `cron_schedule`, and each tick runs all of them. Where the partitions of an asset job follow from
    its assets, the result is an UnresolvedPartitionedSchedule. Raises InvalidDefinitionError for a job that is not
    partitioned so.
    """
    options: dict[str, Any] = {
        "description": description,
        "moved": (minute_of_hour, hour_of_day, day_of_week, day_of_month),
        "default_status": default_status,
        "tags": tags,
        "cron_schedule": cron_schedule,
        "execution_timezone": execution_timezone,
        "metadata": metadata,
        "owners": owners,
    }
    own_name = checked_name(name or f"{job.name}_schedule", "a schedule")
    if job.partitions_def is None and not hasattr(job, "graph_def"):
        return UnresolvedPartitionedSchedule(job, own_name, options)
    return _partitioned_schedule(job, job, own_name, options)


def _partitioned_schedule(job: Any, target: Any, name: str, options: Mapping[str, Any]) -> ScheduleDefinition:
    partitions_def: PartitionsDefinition[Any] | None = job.partitions_def
    time_def = _time_partitions(partitions_def)
    cron, timezone = options["cron_schedule"], options["execution_timezone"]
    if time_def is not None and (cron is not None or timezone is not None):
        raise CheckError(
            what=f'The schedule "{name}" was given cron_schedule or execution_timezone, and job "{job.name}" has time '
            "partitions.",
            why="A partition is run when it is over, which its definition knows.",
            fix="Leave them out; hour_of_day, minute_of_hour and so on move it within the window.",
        )
    if time_def is not None:
        cron, timezone = time_def.get_cron_schedule(*options["moved"]), time_def.timezone
    elif not isinstance(partitions_def, StaticPartitionsDefinition):
        raise WrongArgument(
            what=f'Job "{job.name}" has {partitions_def.describe() if partitions_def else "no partitions"}.',
            why="A schedule of partitions follows time partitions, one time dimension, or a fixed list.",
            fix="Give the job such a partitions_def, or write a function with @schedule.",
        )
    elif cron is None:
        raise CheckError(
            what=f'The schedule "{name}" of job "{job.name}" has no cron_schedule.',
            why="Static partitions do not say when they are due.",
            fix='Give cron_schedule="0 0 * * *".',
        )
    own_tags = json_tags(options["tags"])

    def requests(context: ScheduleEvaluationContext) -> Any:
        keys = _due_keys(partitions_def, time_def, context)
        if not keys:
            return SkipReason(f'Job "{job.name}" has no partition that is over yet.')
        return [job.run_request_for_partition(partition_key=key, run_key=key, tags=own_tags) for key in keys]

    made = ScheduleDefinition(
        name,
        cron_schedule=cron,
        execution_timezone=timezone,
        execution_fn=requests,
        job=target,
        description=options["description"],
        default_status=options["default_status"],
        metadata=options["metadata"],
        owners=options["owners"],
    )
    made.tags = checked_tags(own_tags, f'schedule "{name}"')
    made.description = options["description"]
    return made


def _time_partitions(partitions_def: Any) -> TimeWindowPartitionsDefinition | None:
    if isinstance(partitions_def, TimeWindowPartitionsDefinition):
        return partitions_def
    if isinstance(partitions_def, MultiPartitionsDefinition):
        found = [
            dimension.partitions_def
            for dimension in partitions_def.partitions_defs
            if isinstance(dimension.partitions_def, TimeWindowPartitionsDefinition)
        ]
        return found[0] if len(found) == 1 else None
    return None


def _due_keys(partitions_def: Any, time_def: Any, context: ScheduleEvaluationContext) -> list[str]:
    if time_def is None:
        return list(partitions_def.get_partition_keys())
    latest = time_def.get_last_partition_key(as_utc(context.scheduled_execution_time))
    if latest is None:
        return []
    if time_def is partitions_def:
        return [latest]
    keys: list[dict[str, str]] = [{}]
    store = context.instance if context.has_instance else None
    for dimension in partitions_def.partitions_defs:
        own = (
            [latest]
            if dimension.partitions_def is time_def
            else dimension.partitions_def.get_partition_keys(None, store)
        )
        keys = [{**known, dimension.name: key} for known in keys for key in own]
    return [MultiPartitionKey(key) for key in keys]
