"""Running jobs against an instance, again and in part: `execute_job`, re-execution, and checking config beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.authoring.job import JobDefinition
from headwater.model.errors import InvariantViolationError
from headwater.model.errors.execution import StepNotFound
from headwater.plan.job_steps import steps_of_job
from headwater.plan.run_config import full_run_config, resolved_run_config
from headwater.plan.run_plan import KnownOutputs
from headwater.plan.step_selection import selected_step_keys
from headwater.runtime.earlier_run import built_by, earlier_run, is_done, outputs_of, partitions_of_run
from headwater.runtime.execute import execute_job_in_process
from headwater.runtime.instance import Instance
from headwater.runtime.reconstructable import ReconstructableJob
from headwater.runtime.results import ExecuteInProcessResult


@dataclass(frozen=True, slots=True)
class ReexecutionOptions:
    """Run again what an earlier run did: all of it, the steps of `step_selection`, or only what did not succeed.

    What did not succeed is told by step; in a multi-asset that can be built in parts, by asset; and in a run of several
    partitions, by partition.
    """

    parent_run_id: str
    step_selection: Sequence[str] = ()
    is_from_failure: bool = False

    @staticmethod
    def from_failure(run_id: str, instance: Instance) -> ReexecutionOptions:
        """Return options that run the failed steps of a run, and what depends on them.

        Raises InvariantViolationError for a run that succeeded or has not ended, CheckError when there is none.
        """
        run = earlier_run(instance, run_id)
        if run.is_success:
            raise InvariantViolationError(
                what=f"Run {run_id} was to be continued from where it failed, and it succeeded.",
                why="There is nothing left to run.",
                fix="Run it whole: ReexecutionOptions(parent_run_id=...).",
            )
        if not run.is_finished:
            raise InvariantViolationError(
                what=f"Run {run_id} was to be continued from where it failed, and it has not ended.",
                why="It is not known yet what will be left to run.",
                fix="Wait until it has ended.",
            )
        return ReexecutionOptions(run_id, is_from_failure=True)


def execute_job(
    job: ReconstructableJob | JobDefinition,
    instance: Instance,
    run_config: Any = None,
    tags: Mapping[str, str] | None = None,
    raise_on_error: bool = False,
    op_selection: Sequence[str] | None = None,
    reexecution_options: ReexecutionOptions | None = None,
    asset_selection: Sequence[Any] | None = None,
    partition_key: str | None = None,
) -> ExecuteInProcessResult:
    """Run a job in this process against an instance, from the start or continuing an earlier run."""
    definition = job.get_definition() if isinstance(job, ReconstructableJob) else job
    if reexecution_options is None:
        return execute_job_in_process(
            definition,
            run_config=run_config,
            instance=instance,
            tags=tags,
            raise_on_error=raise_on_error,
            op_selection=op_selection,
            asset_selection=asset_selection,
            partition_key=partition_key,
        )
    parent = earlier_run(instance, reexecution_options.parent_run_id)
    again = continuation(definition, instance, reexecution_options)
    return execute_job_in_process(
        definition,
        run_config=run_config if run_config is not None else parent.run_config,
        instance=instance,
        tags={**parent.tags, **(tags or {})},
        raise_on_error=raise_on_error,
        partition_keys=partitions_of_run(parent),
        step_keys=again.step_keys,
        known_outputs=again.known_outputs,
        built=again.built,
        parent_run_id=parent.run_id,
        root_run_id=parent.root_run_id or parent.run_id,
    )


@dataclass(frozen=True, slots=True)
class Continuation:
    """Which steps of an earlier run are to run again, what the others gave, and what they had built already."""

    step_keys: Sequence[str]
    known_outputs: Mapping[str, KnownOutputs]
    built: Any


def continuation(definition: JobDefinition, instance: Instance, options: ReexecutionOptions) -> Continuation:
    """Return what of an earlier run is to run again."""
    parent = earlier_run(instance, options.parent_run_id)
    known = outputs_of(instance, parent.run_id)
    steps = steps_of_job(definition)
    planned = [step.key for step in steps if not parent.step_keys or step.key in parent.step_keys]
    if options.is_from_failure:
        chosen = [key for key in planned if not is_done(key, known, instance, parent.run_id)]
    elif options.step_selection:
        chosen = list(selected_step_keys(definition, options.step_selection, unmatched=StepNotFound))
    else:
        chosen = planned
    kept = {key: value for key, value in known.items() if key.partition("[")[0] not in chosen}
    if options.is_from_failure:
        # Instances of mapped steps that succeeded are not run again, as long as what they are mapped over stays.
        mapped = {step.key for step in steps if step.mapped_over is not None and step.mapped_over[0] in kept}
        done = (key for key in known if "[" in key and key.partition("[")[0] in mapped and key not in kept)
        kept |= {key: known[key] for key in done if is_done(key, known, instance, parent.run_id)}
    built = built_by(instance, parent, steps, is_continued=options.is_from_failure)
    return Continuation(chosen, kept, built)


def validate_run_config(job_def: JobDefinition, run_config: Any = None) -> dict[str, Any]:
    """Return the whole config that a run would have, with defaults. Raises InvalidConfigError with every fault there is."""
    config = full_run_config(job_def, run_config, None)
    return resolved_run_config(job_def, config, {step.key: step for step in steps_of_job(job_def)})
