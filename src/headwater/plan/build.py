"""From a job and a request to a plan: the steps of the job, with the partitions, config and reasons of this request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.model.errors import CheckError, InvariantViolationError, did_you_mean
from headwater.model.errors.execution import StepNotFound
from headwater.model.tags import MAX_RUNTIME_SECONDS_TAG, Tags
from headwater.plan.already_built import AlreadyBuilt, without_built_assets
from headwater.plan.job_steps import JobStep, steps_of_job
from headwater.plan.partitions_of_request import requested_keys
from headwater.plan.run_plan import (
    FromCollected,
    FromConfig,
    FromMany,
    FromStep,
    KnownOutputs,
    PlannedAsset,
    PlanStep,
    RunPlan,
    Source,
)

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.model.partitions import DynamicPartitionsStore


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and beside it the code of its steps by key."""

    plan: RunPlan
    steps: Mapping[str, JobStep]


def build_plan(
    job: JobDefinition,
    *,
    store: DynamicPartitionsStore,
    run_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    partition_key: str | None = None,
    partition_keys: Sequence[str] | None = None,
    partition_range: tuple[str, str] | None = None,
    step_keys: Sequence[str] | None = None,
    known_outputs: Mapping[str, KnownOutputs] | None = None,
    built: AlreadyBuilt | None = None,
) -> Planned:
    """Return the plan of one run of a job.

    `step_keys` leaves out all other steps: what those would give is taken from `known_outputs`, or must be stored already.
    `built` leaves out assets and partitions of the steps that can do without them.
    Raises UnknownPartitionError, StepNotFound and InvalidDefinitionError.
    """
    keys = requested_keys(job, store, partition_key, partition_keys, partition_range)
    job_steps = steps_of_job(job)
    known = {step.key: step for step in job_steps}
    if step_keys is not None:
        chosen = set(step_keys)
        unknown = [key for key in step_keys if key not in known]
        if unknown:
            raise StepNotFound(
                what=f'Job "{job.name}" has no step "{unknown[0]}".',
                why="Nothing could be selected.",
                fix=f"{did_you_mean(unknown[0], known)}Its steps are: {', '.join(list(known)[:20])}.",
            )
        job_steps = [step for step in job_steps if step.key in chosen]
        given = chosen | set(known_outputs or ())
        job_steps = [_with_inputs_from_outside(step, given) for step in job_steps]
        known |= {step.key: step for step in job_steps}
    if built is not None:
        job_steps = without_built_assets(job_steps, built, keys)
        known |= {step.key: step for step in job_steps}
    steps = tuple(_plan_step(step, keys, built) for step in job_steps)
    if keys is None:
        _refuse_unpartitioned_run(job_steps, job)
    plan = RunPlan(
        job_name=job.name,
        steps=steps,
        run_config=run_config or {},
        tags=Tags(tags),
        partition_keys=keys,
        known_outputs=known_outputs or {},
        timeout_seconds=_time_limit(job, Tags(tags)),
    )
    return Planned(plan, known)


def _time_limit(job: JobDefinition, tags: Tags) -> float | None:
    """Return how many seconds the run may take: what its tags say, or else its job."""
    tag = tags.get(MAX_RUNTIME_SECONDS_TAG)
    if tag is None:
        return job.timeout_seconds
    try:
        seconds = float(tag)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise CheckError(
            what=f'The tag "{MAX_RUNTIME_SECONDS_TAG}" of a run of "{job.name}" is {tag!r}.',
            why="It says after how many seconds the run is stopped.",
            fix='Give a number of seconds as text, such as "3600".',
        )
    return seconds


def _with_inputs_from_outside(step: JobStep, given: set[str]) -> JobStep:
    """Return the step with inputs that no step gives in this run left to the run's config, or to their defaults."""

    def is_given(source: Source) -> bool:
        if isinstance(source, FromMany):
            return any(is_given(part) for part in source.sources)
        return not isinstance(source, (FromStep, FromCollected)) or source.step in given

    def kept(name: str, source: Source) -> Source:
        if not is_given(source):
            return FromConfig((*step.path, name))
        if isinstance(source, FromMany):
            return FromMany(tuple(part for part in source.sources if is_given(part)))
        return source

    return replace(step, inputs={name: kept(name, source) for name, source in step.inputs.items()})


def _plan_step(step: JobStep, keys: tuple[str, ...] | None, built: AlreadyBuilt | None) -> PlanStep:
    definition = step.assets_def
    assets: list[PlannedAsset] = []
    for output, key in step.asset_by_output.items():
        assert definition is not None
        is_partitioned = definition.specs_by_key[key].partitions_def is not None
        assets.append(PlannedAsset(key, output, keys if is_partitioned else None))
    if built is not None and keys is not None:
        # The function is told of one set of partitions, so all of its assets are built in those that one of them lacks.
        left = {part for asset in assets for part in built.left_of(asset.key, asset.partitions) or ()}
        if left:
            ordered = tuple(key for key in keys if key in left)
            assets = [
                asset if asset.partitions is None else PlannedAsset(asset.key, asset.output, ordered)
                for asset in assets
            ]
    return PlanStep(
        key=step.key,
        kind=step.kind,
        inputs=step.inputs,
        needs=tuple(step.needs),
        assets=tuple(assets),
        checks=tuple(sorted(step.selected_checks)) if step.selected_checks else (),
        dynamic_outputs=frozenset(name for name, out in step.op.outs.items() if out.is_dynamic),
        mapped_over=step.mapped_over,
        retry_policy=step.retry_policy,
        timeout_seconds=step.op.timeout_seconds,
        is_async=step.op.signature.is_async,
        pool=step.op.pool,
        tags=step.tags,
    )


def _refuse_unpartitioned_run(steps: Sequence[JobStep], job: JobDefinition) -> None:
    """A partitioned asset cannot be built without saying which partitions are meant."""
    for step in steps:
        definition = step.assets_def
        if definition is None or not definition.is_materializable:
            continue
        for key in step.selected_keys:
            partitions_def = definition.specs_by_key[key].partitions_def
            if partitions_def is not None:
                raise InvariantViolationError(
                    what=f'Asset "{key}" is partitioned ({partitions_def.describe()}), and no partition was asked for.',
                    why="It is not known which partitions to build.",
                    fix="Give partition_key=..., or on the command line `--partition KEY` or `--partition-range FIRST...LAST`.",
                )
