"""What a result tells of a run: its facts, and between them the inputs and outputs that follow from them.

For each step, in this order: it starts; its inputs are loaded, then taken; for each output it is given, the asset is
materialized, the value is handled; it ends. Nothing of this costs a run anything: it is put together when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict, force_setattr

from headwater.model.events import (
    AssetMaterialized,
    AssetObserved,
    CheckEvaluated,
    Event,
    OutputProduced,
    OutputRef,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    TypeCheckTold,
)
from headwater.model.keys import AssetKey
from headwater.model.unrecorded_events import InputLoaded, InputTaken, OutputStored, StepUpForRetry
from headwater.plan.job_steps import JobStep, steps_of_job
from headwater.plan.run_plan import FromAsset, FromCollected, FromInputManager, FromMany, FromStep, PlanStep, Source

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.plan.run_plan import RunPlan

_DEFAULT_MANAGER = "io_manager"


TypeChecks = Mapping[tuple[str, int], Mapping[tuple[str, str, str | None], TypeCheckTold]]


def told_events(
    facts: Sequence[Event], plan: RunPlan, job: JobDefinition, type_checks: TypeChecks | None = None
) -> list[Event]:
    """Return the facts in order, with what follows from them, and each failure that was tried again as one event.

    `type_checks` are what the checks of types said: see RunScope.type_checks.
    """
    told = list(_Telling(facts, plan, job, type_checks or {}).events())
    for event in told:
        force_setattr(event, "job_name", job.name)
    return told


class _Telling:
    def __init__(self, facts: Sequence[Event], plan: RunPlan, job: JobDefinition, type_checks: TypeChecks) -> None:
        self.facts = facts
        self.type_checks = type_checks
        self.attempts: dict[str, int] = {}
        self.planned: Mapping[str, PlanStep] = {step.key: step for step in plan.steps}
        self.code: Mapping[str, JobStep] = {step.key: step for step in steps_of_job(job)}
        self.index = job.asset_index
        # By step and number of the attempt that failed.
        self.retries = {
            (fact.step_key, fact.attempt - 1): fact for fact in facts if isinstance(fact, StepRetryScheduled)
        }
        self.failures = {(fact.step_key, fact.attempt): fact for fact in facts if isinstance(fact, StepFailed)}
        self.given: dict[str, tuple[OutputRef, ...]] = {
            fact.step_key: fact.outputs for fact in facts if isinstance(fact, StepSucceeded) and fact.step_key
        }
        self.told_outputs: set[tuple[str, str]] = set()

    def events(self) -> Iterator[Event]:
        for number, fact in enumerate(self.facts):
            step = None if fact.step_key is None else self.planned.get(_template(fact.step_key))
            if step is None:
                yield fact
                continue
            match fact:
                case StepStarted(attempt=attempt):
                    yield fact
                    self.attempts[fact.step_key or ""] = attempt
                    self.told_outputs = {told for told in self.told_outputs if told[0] != fact.step_key}
                    yield from self._inputs(step, fact)
                case StepFailed(attempt=attempt) if (fact.step_key, attempt) in self.retries:
                    continue  # told with the retry
                case StepFailed():
                    yield from self._refused_output(fact)
                    yield fact
                case StepRetryScheduled():
                    yield from self._refused_output(fact)
                    failed = self.failures.get((fact.step_key, fact.attempt - 1))
                    error = None if failed is None else failed.error
                    yield StepUpForRetry(**asdict(fact), error=error)
                case OutputProduced():
                    yield fact
                    yield from self._stored(fact, fact.output, fact.mapping_key)
                case AssetMaterialized(asset=asset, has_value=has_value):
                    output = next((made.output for made in step.assets if str(made.key) == asset), None)
                    if output is None:
                        yield fact
                        continue
                    yield from self._output(fact, output)
                    yield fact
                    following = self.facts[number + 1] if number + 1 < len(self.facts) else None
                    is_last = not (
                        isinstance(following, AssetMaterialized)
                        and (following.asset, following.step_key) == (asset, fact.step_key)
                    )
                    if has_value and is_last:
                        yield from self._stored(fact, output, None)
                case AssetObserved(asset=asset):
                    yield fact
                    output = next((seen.output for seen in step.assets if str(seen.key) == asset), None)
                    if output is not None:
                        yield from self._output(fact, output)
                case CheckEvaluated(asset=asset, check=check) if fact.check_key in step.checks:
                    is_alone = step.kind == "check" and len(step.checks) == 1
                    name = f"{AssetKey.parse(asset).to_python_identifier()}_{check}"
                    yield from self._output(fact, "result" if is_alone else name)
                    yield fact
                case _:
                    yield fact

    # ---------------------------------------------------------------------------------------------------------- outputs

    def _output(self, fact: Event, output: str) -> Iterator[Event]:
        """Tell once in an attempt that a step gave an output, whatever number of partitions it is about."""
        about = (fact.step_key or "", output)
        if about not in self.told_outputs:
            self.told_outputs.add(about)
            yield OutputProduced(
                **_when(fact), output=output, type_check=self._said_of(fact.step_key).get(("output", output, None))
            )

    def _said_of(self, step_key: str | None) -> Mapping[tuple[str, str, str | None], TypeCheckTold]:
        return self.type_checks.get((step_key or "", self.attempts.get(step_key or "", 1)), {})

    def _refused_output(self, fact: Event) -> Iterator[Event]:
        """Tell of the output whose value was not of its type, before the failure that followed."""
        for (direction, name, mapping_key), said in self._said_of(fact.step_key).items():
            if direction == "output" and not said.success:
                yield OutputProduced(**_when(fact), output=name, mapping_key=mapping_key, type_check=said)

    def _stored(self, fact: Event, output: str, mapping_key: str | None) -> Iterator[Event]:
        code = self.code.get(_template(fact.step_key or ""))
        port = None if code is None else code.op.outs.get(output)
        if code is None or port is None or port.is_nothing:
            return
        asset = code.asset_by_output.get(output)
        manager = port.io_manager_key
        if asset is not None and code.assets_def is not None:
            manager = code.assets_def.io_manager_key_of(asset)
        yield OutputStored(**_when(fact), output=output, mapping_key=mapping_key, manager_key=manager)

    # ----------------------------------------------------------------------------------------------------------- inputs

    def _inputs(self, step: PlanStep, started: StepStarted) -> Iterator[Event]:
        if self._failed_to_load(started):
            return
        code = self.code.get(step.key)
        ports = {} if code is None else code.op.ins
        named = {
            name: source for name, source in step.inputs.items() if name not in ports or not ports[name].is_nothing
        }
        for name, source in named.items():
            own = ports[name].input_manager_key if name in ports else None
            for upstream, output, manager in self._sources(source, started.step_key or ""):
                yield InputLoaded(
                    **_when(started),
                    input=name,
                    manager_key=own or manager,
                    upstream_step=upstream,
                    upstream_output=output,
                )
        for name in named:
            said = self._said_of(started.step_key).get(("input", name, None))
            yield InputTaken(**_when(started), input=name, type_check=said)

    def _failed_to_load(self, started: StepStarted) -> bool:
        """Whether the attempt ended while its inputs were loaded, as its traceback tells."""
        failed = self.failures.get((started.step_key, started.attempt))
        if failed is None or failed.error is None:
            return False
        return any(
            frame.function == "arguments" and frame.path.endswith("input_loading.py") for frame in failed.error.frames
        )

    def _sources(self, source: Source, reader: str) -> Iterator[tuple[str | None, str | None, str]]:
        """Yield the step, its output and the manager of each value that is loaded for an input."""
        match source:
            case FromStep(step=step, output=output):
                instance = f"{step}[{reader.partition('[')[2]}" if "[" in reader else step
                yield instance if instance in self.given else step, output, self._manager_of(step, output)
            case FromAsset(asset=asset, step=step, output=output):
                manager = _DEFAULT_MANAGER if self.index is None else self.index.io_manager_key_of(asset)
                yield step, output, manager
            case FromCollected(step=step, output=output):
                for key, outputs in self.given.items():
                    if _template(key) == step:
                        for ref in outputs:
                            if ref.name == output:
                                yield key, output, self._manager_of(step, output)
            case FromMany(sources=sources):
                for part in sources:
                    if not (isinstance(part, FromStep) and self._gave_nothing(part.step, part.output)):
                        yield from self._sources(part, reader)
            case FromInputManager():
                yield None, None, _DEFAULT_MANAGER
            case _:
                return

    def _gave_nothing(self, step: str, output: str) -> bool:
        """Whether a step of this run was skipped, or succeeded without giving an output: nothing is loaded from it."""
        if step in self.given:
            return all(ref.name != output for ref in self.given[step])
        return any(isinstance(fact, StepSkipped) and fact.step_key == step for fact in self.facts)

    def _manager_of(self, step: str, output: str) -> str:
        code = self.code.get(step)
        port = None if code is None else code.op.outs.get(output)
        return _DEFAULT_MANAGER if port is None else port.io_manager_key


def _template(step_key: str) -> str:
    return step_key.partition("[")[0]


def _when(fact: Event) -> dict[str, Any]:
    return {"run_id": fact.run_id, "timestamp": fact.timestamp, "step_key": fact.step_key}
