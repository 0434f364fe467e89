"""One run in this process, from a job and a request to an outcome: plan it, record it, carry it out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.authoring.executors import warn_of_limit
from headwater.authoring.log import Log
from headwater.authoring.resources import ResourceSession
from headwater.authoring.step_scope import PARTITION_RANGE_END_TAG, PARTITION_RANGE_START_TAG, PARTITION_TAG
from headwater.engine.error_info import error_info_from
from headwater.engine.executors.inline import InlineExecutor
from headwater.engine.run_loop import run_to_completion
from headwater.engine.run_scope import RunScope
from headwater.engine.step_logs import StepLogs
from headwater.model.events import Event, RunCanceled, RunFailed
from headwater.model.runs import Run, RunStatus, StepStatus
from headwater.model.tags import Tags
from headwater.plan.already_built import AlreadyBuilt
from headwater.plan.build import Planned, build_plan
from headwater.plan.run_config import (
    full_run_config,
    op_configs,
    refuse_missing_inputs,
    refuse_missing_resources,
    required_keys,
)
from headwater.plan.run_plan import KnownOutputs, RunPlan
from headwater.runtime.instance_repairs import declares_former_keys

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.engine.step_logs import LogLine
    from headwater.runtime.instance import Instance


@dataclass(slots=True)
class RunOutcome:
    """How a run ended: its record, its plan, every fact of it, and where each step stands."""

    run: Run
    plan: RunPlan
    events: list[Event] = field(default_factory=list)
    statuses: Mapping[str, StepStatus] = field(default_factory=dict)
    scope: RunScope | None = None
    error: BaseException | None = None

    @property
    def success(self) -> bool:
        return self.run.status is RunStatus.SUCCESS


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: which partitions, with which config, tags and inputs, and how the run takes a failure."""

    run_config: Any = None
    tags: Mapping[str, str] = field(default_factory=dict)
    partition_key: str | None = None
    partition_keys: Sequence[str] | None = None
    partition_range: tuple[str, str] | None = None
    step_keys: Sequence[str] | None = None
    known_outputs: Mapping[str, KnownOutputs] = field(default_factory=dict)
    built: AlreadyBuilt | None = None
    input_values: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    parent_run_id: str | None = None
    root_run_id: str | None = None
    raise_on_error: bool = True
    keeps_values: bool = True
    # What ops hand to each other stays in memory: for runs that leave nothing behind.
    keeps_ops_in_memory: bool = False


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A request as a plan, with its whole config, the config of each op, and the keys of the resources that it needs."""

    planned: Planned
    config: dict[str, Any]
    op_configs: dict[str, Any]
    resource_keys: Set[str]


def plan_request(job: JobDefinition, request: Request, instance: Instance) -> PlannedRequest:
    """Return what a request comes to. Raises before anything is recorded."""
    config = full_run_config(job, request.run_config, request.partition_key)
    tags = Tags({**job.run_tags, **request.tags})
    start_end = (tags.get(PARTITION_RANGE_START_TAG), tags.get(PARTITION_RANGE_END_TAG))
    partition_range = request.partition_range
    if partition_range is None and start_end[0] and start_end[1]:
        partition_range = (str(start_end[0]), str(start_end[1]))
    partition_key = request.partition_key or (tags.get(PARTITION_TAG) if partition_range is None else None)
    if partition_key is not None and job.partitioned_config is not None:
        job.partitioned_config.partitions_def.validate_partition_key(partition_key, dynamic_partitions_store=instance)
        tags = Tags({**job.partitioned_config.get_tags_for_partition_key(partition_key), **tags})
    planned = build_plan(
        job,
        store=instance,
        run_config=config,
        tags=tags,
        partition_key=partition_key,
        partition_keys=request.partition_keys if partition_key is None else None,
        partition_range=partition_range if partition_key is None and request.partition_keys is None else None,
        step_keys=request.step_keys,
        known_outputs=request.known_outputs,
        built=request.built,
    )
    steps = {key: planned.steps[key] for key in planned.plan.step_keys}
    resource_keys = required_keys(job, steps)
    refuse_missing_resources(job, steps, resource_keys)
    configs = op_configs(job, config, planned.steps, resource_keys)
    refuse_missing_inputs(planned.plan, planned.steps, config, {**job.input_values, **request.input_values})
    return PlannedRequest(planned, config, configs, resource_keys)


def run_job(
    job: JobDefinition,
    request: Request,
    instance: Instance,
    *,
    on_event: Callable[[Event], None] | None = None,
    on_plan: Callable[[RunPlan], None] | None = None,
    on_line: Callable[[LogLine], None] | None = None,
) -> RunOutcome:
    """Run a job in this process. With `raise_on_error`, raises what the user's code raised, after it is recorded."""
    if declares_former_keys(job.asset_index):
        from headwater.runtime.moves import adopt_former_keys

        adopt_former_keys(job, instance)
    asked = plan_request(job, request, instance)
    planned, config = asked.planned, asked.config
    plan = planned.plan
    if on_plan is not None:
        on_plan(plan)
    warn_of_limit(job.given_executor)
    run = new_run(job, plan, request, config)
    resources = with_default_manager(job, instance, in_memory=request.keeps_ops_in_memory)
    outcome = RunOutcome(run, plan)

    def tell(event: Event) -> None:
        outcome.events.append(event)
        if on_event is not None:
            on_event(event)

    store = instance.store
    store.create_run(run)
    logs = StepLogs(instance.logs_dir, on_line=on_line, pass_through=on_line is None)
    loggers = loggers_of(job, config, run)
    log = Log(loggers=loggers) if loggers else None
    session = ResourceSession(resources, config.get("resources"), instance=instance, run=run, log=log)
    scope = RunScope(
        run=run,
        plan=plan,
        job=job,
        steps=planned.steps,
        instance=instance,
        resources=session,
        logs=logs,
        loggers=loggers,
        input_values={**job.input_values, **request.input_values},
        op_configs=asked.op_configs,
        keeps_values=request.keeps_values,
    )
    outcome.scope = scope
    executor = InlineExecutor(scope)

    def end(event: Event) -> None:
        store.append(event)
        tell(event)

    def tear_down() -> BaseException | None:
        try:
            session.close()
        except Exception as error:
            outcome.error = error
            return error
        return None

    try:
        try:
            with logs.capturing():
                session.open(sorted(asked.resource_keys & resources.keys()))
                state = run_to_completion(
                    None,
                    run_id=run.run_id,
                    executor=executor,
                    store=store,
                    on_event=tell,
                    stops_at_first_failure=request.raise_on_error,
                    timeout_seconds=plan.timeout_seconds,
                    before_end=tear_down,
                )
                outcome.statuses = state.statuses
        finally:
            executor.close()
        session.close()
    except KeyboardInterrupt as stop:
        session_close_quietly(session)
        if not any(isinstance(event, RunCanceled) for event in outcome.events):
            reason = str(stop) or "interrupted from the keyboard"
            end(RunCanceled(run_id=run.run_id, timestamp=time.time(), reason=reason))
        store.flush()
        raise
    except BaseException as error:
        session_close_quietly(session)
        outcome.error = error
        if not any(isinstance(event, RunFailed) for event in outcome.events):
            end(RunFailed(run_id=run.run_id, timestamp=time.time(), error=error_info_from(error)))
        store.flush()
        outcome.run = store.find_run(run.run_id) or run
        if request.raise_on_error or not isinstance(error, Exception):
            raise
        return outcome
    store.flush()
    outcome.run = store.find_run(run.run_id) or run
    if not outcome.success:
        outcome.error = outcome.error or _first_exception(outcome)
        if request.raise_on_error and outcome.error is not None:
            raise outcome.error
    return outcome


def session_close_quietly(session: ResourceSession) -> None:
    """Tear resources down while another error is on its way; that one is what the user must see."""
    try:
        session.close()
    except Exception as error:
        import logging

        logging.getLogger("headwater").warning("A resource could not be torn down: %s", error)


def new_run(job: JobDefinition, plan: RunPlan, request: Request, config: Mapping[str, Any]) -> Run:
    """Return the record of a run that has not begun."""
    run_id = request.run_id or str(uuid.uuid4())
    tags = Tags(plan.tags)
    keys = plan.partition_keys
    if keys is not None and len(keys) == 1:
        tags[PARTITION_TAG] = keys[0]
    elif keys is not None:
        tags[PARTITION_RANGE_START_TAG] = keys[0]
        tags[PARTITION_RANGE_END_TAG] = keys[-1]
    return Run(
        run_id=run_id,
        job_name=job.name,
        status=RunStatus.NOT_STARTED,
        tags=tags,
        run_config=config,
        asset_selection=plan.asset_keys,
        check_selection=plan.check_keys,
        step_keys=plan.step_keys,
        parent_run_id=request.parent_run_id,
        root_run_id=request.root_run_id or request.parent_run_id,
        created_at=time.time(),
        plan=plan.to_data(),
    )


def with_default_manager(job: JobDefinition, instance: Instance, *, in_memory: bool) -> dict[str, Any]:
    """Return the job's resources; values are stored as files unless it says otherwise, or nobody could read them later."""
    resources = dict(job.resource_defs)
    if "io_manager" not in resources and in_memory and not job.is_asset_job:
        from headwater.io.memory import InMemoryIOManager

        resources["io_manager"] = InMemoryIOManager()
    if "io_manager" not in resources:
        from headwater.io.filesystem import FilesystemIOManager

        resources["io_manager"] = FilesystemIOManager(base_dir=instance.storage_dir)
    return resources


def loggers_of(job: JobDefinition, config: Mapping[str, Any], run: Run) -> Sequence[Any]:
    """Return the loggers of the user's that a run hands its records to; none unless the job or the config names some."""
    given = config.get("loggers")
    if not job.given_loggers and not given:
        return ()
    from headwater.authoring.loggers import open_loggers

    return open_loggers(job.loggers, given, job_def=job, run_id=run.run_id)


def _first_exception(outcome: RunOutcome) -> BaseException | None:
    scope = outcome.scope
    if scope is None:
        return None
    for event in outcome.events:
        if isinstance(event, RunFailed):
            for key in event.failed_steps:
                if key in scope.exceptions:
                    return scope.exceptions[key]
    from headwater.model.errors.execution import RunFailedError

    return RunFailedError(
        what=f"Run {outcome.run.run_id} ended as {outcome.run.status.value}.",
        why=outcome.run.cause or "It did not come to its end.",
        fix=f"Look at it with `headwater run show {outcome.run.run_id[:8]}`.",
    )


def with_resources_of(job: JobDefinition, resources: Mapping[str, Any] | None) -> JobDefinition:
    """Return the job with these resources in place of its own for the same keys."""
    if not resources:
        return job
    return job.copied(resource_defs={**job.resource_defs, **resources})
