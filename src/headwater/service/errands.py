"""What a worker works out besides steps: the plans of runs and of backfills that were asked for."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.service.protocol import (
    BackfillPlanned,
    Errand,
    ErrandDone,
    JobReference,
    LaunchRequest,
    PlanBackfill,
    PlanRun,
    PlanRuns,
    Problem,
    RunPlanned,
    RunsPlanned,
    encode_plan,
    encode_run,
)

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.runtime.instance import Instance

_RETRIES_TAG = "headwater/infrastructure_retries"
_DEFAULT_INFRASTRUCTURE_RETRIES = 3


def errand_done(definitions: Definitions, instance: Instance, errand: Errand) -> ErrandDone:
    """Return the answer to an errand; what is wrong with it is part of the answer."""
    match errand:
        case PlanRun():
            try:
                return planned_run(definitions, instance, errand)
            except Exception as error:
                return RunPlanned(errand.errand_id, problem=Problem.of(error))
        case PlanRuns():
            return planned_runs(definitions, instance, errand)
        case PlanBackfill():
            try:
                return _planned_backfill(definitions, instance, errand)
            except Exception as error:
                return BackfillPlanned(errand.errand_id, problem=Problem.of(error))


def job_of(definitions: Definitions, reference: JobReference) -> JobDefinition:
    """Return the job that a reference names. Raises for one that is not there any more."""
    if reference.job_name is not None and reference.asset_keys is None:
        return definitions.get_job_def(reference.job_name)
    whole = definitions.get_job_def(reference.job_name) if reference.job_name else definitions.global_asset_job
    keys = None if reference.asset_keys is None else frozenset(map(AssetKey.parse, reference.asset_keys))
    checks = None if reference.check_keys is None else frozenset(map(AssetCheckKey.parse, reference.check_keys))
    changes: dict[str, Any] = {}
    graph = definitions.index.graph
    unknown = next((key for key in sorted(keys or ()) if not graph.has(key)), None)
    if unknown is not None:
        from headwater.model.errors.graph import UnknownAsset

        raise UnknownAsset(str(unknown), map(str, graph.keys), "The service has other code; `headwater worker reload`.")
    if keys is not None:
        changes["asset_keys"] = keys
        # Checks of assets that are not built say nothing of this run.
        changes["check_keys"] = frozenset(key for key in whole.check_keys if key.asset_key in keys)
    if checks is not None:
        changes["check_keys"] = checks
    return whole.copied(**changes) if changes else whole


def planned_runs(definitions: Definitions, instance: Instance, message: PlanRuns) -> RunsPlanned:
    """Return the runs and plans of several requests, each with what is wrong with it."""
    from headwater.runtime.backfills import config_of_job

    planned: list[RunPlanned] = []
    jobs: dict[JobReference, JobDefinition] = {}
    for asked in message.requests:
        reference = JobReference(asked.job_name, asked.asset_keys)
        try:
            job = jobs.get(reference)
            if job is None:
                job = jobs[reference] = job_of(definitions, reference)
            config = config_of_job(job, job_of(definitions, JobReference(asked.job_name)), asked.run_config)
            planned.append(_planned(job, reference, instance, msgspec.structs.replace(asked, run_config=config)))
        except Exception as error:
            planned.append(RunPlanned(0, problem=Problem.of(error)))
    return RunsPlanned(message.errand_id, tuple(planned))


def _planned_backfill(definitions: Definitions, instance: Instance, message: PlanBackfill) -> BackfillPlanned:
    from headwater.runtime.backfill_planning import planned_backfill

    planned = planned_backfill(definitions, message.request, instance)
    warnings = planned.materialization_plan.warnings
    return BackfillPlanned(message.errand_id, planned.backfill, planned.plan, tuple(warnings))


def planned_run(definitions: Definitions, instance: Instance, message: PlanRun) -> RunPlanned:
    """Return the run and plan of a request. Raises what is wrong with it."""
    from headwater.graph.selection import AssetSelection
    from headwater.runtime.execute import asset_job
    from headwater.runtime.jobs import ReexecutionOptions, continuation

    asked = message.request
    if asked.job_name is not None:
        job = definitions.get_job_def(asked.job_name)
        reference = JobReference(asked.job_name)
    elif asked.asset_keys is not None or asked.check_keys is not None:
        reference = JobReference(None, asked.asset_keys, asked.check_keys)
        job = job_of(definitions, reference)
    else:
        selection = None if asked.selection is None else AssetSelection.from_string(asked.selection)
        job = asset_job(definitions, selection, checks_only=asked.check_only)
        job = _with_missing_upstream(definitions, instance, job, selection, asked)
        reference = JobReference(None, tuple(sorted(map(str, job.asset_keys))), tuple(sorted(map(str, job.check_keys))))
    step_keys: Any = asked.step_keys
    known: Any = {}
    built: Any = None
    if asked.parent_run_id is not None:
        options = ReexecutionOptions(asked.parent_run_id, asked.step_keys or (), asked.from_failure)
        again = continuation(job, instance, options)
        step_keys, known, built = again.step_keys, again.known_outputs, again.built
    planned = _planned(job, reference, instance, asked, step_keys=step_keys, known_outputs=known, built=built)
    return msgspec.structs.replace(planned, errand_id=message.errand_id)


def _planned(
    job: JobDefinition, reference: JobReference, instance: Instance, asked: LaunchRequest, **continued: Any
) -> RunPlanned:
    """Return the run of a job and its plan. `continued` is what is known of an earlier run that this one continues."""
    from headwater.runtime.launch import Request, new_run, plan_request

    request = Request(
        run_config=dict(asked.run_config) or None,
        tags=asked.tags,
        partition_key=asked.partition_key,
        partition_keys=asked.partition_keys,
        partition_range=asked.partition_range,
        run_id=asked.run_id or str(uuid.uuid4()),
        parent_run_id=asked.parent_run_id,
        root_run_id=asked.root_run_id,
        **continued,
    )
    found = plan_request(job, request, instance)
    retries = found.planned.plan.tags.get(_RETRIES_TAG)
    plan = msgspec.structs.replace(
        found.planned.plan,
        infrastructure_retries=int(retries) if retries and retries.isdigit() else _DEFAULT_INFRASTRUCTURE_RETRIES,
    )
    run = new_run(job, plan, request, found.config)
    return RunPlanned(
        0,
        run=encode_run(run),
        plan=encode_plan(plan),
        job=reference,
        in_one_worker=job.given_executor is not None and job.given_executor.name == "in_process",
    )


def _with_missing_upstream(
    definitions: Definitions, instance: Instance, job: JobDefinition, selection: Any, asked: LaunchRequest
) -> JobDefinition:
    """Return the job with what it needs that was never made, when that was asked for."""
    if selection is None or asked.check_only or not asked.adds_missing_upstream:
        return job
    from headwater.graph.selection import AssetSelection
    from headwater.plan.missing_upstream import missing_upstream
    from headwater.runtime.execute import asset_job

    keys = asked.partition_keys or (None if asked.partition_key is None else (asked.partition_key,))
    added = missing_upstream(definitions.index.graph, instance.store, job.asset_keys, keys)
    return asset_job(definitions, selection | AssetSelection.keys(*added)) if added else job
