"""What an in-process run gives back: its events, its outputs, and what became of each node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import force_setattr

from headwater.model.errors import CheckError, InvariantViolationError, did_you_mean
from headwater.model.events import (
    AssetMaterialized,
    AssetObserved,
    CheckEvaluated,
    Event,
    ExpectationTold,
    RunFailed,
    RunSucceeded,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepSucceeded,
)
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.model.results import AssetCheckEvaluation, AssetMaterialization, AssetObservation, ExpectationResult
from headwater.model.runs import Run, RunStatus, StepStatus

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.model.event_data import StepFailureData
    from headwater.plan.run_plan import RunPlan
    from headwater.runtime.told_events import TypeChecks

Values = Mapping[tuple[str, str, str | None], Any]


class ExecuteInProcessResult:
    """The outcome of a run in this process."""

    def __init__(
        self,
        *,
        run: Run,
        plan: RunPlan,
        job: JobDefinition,
        events: Sequence[Event],
        values: Values,
        statuses: Mapping[str, StepStatus],
        asset_outputs: Mapping[AssetKey, tuple[str, str]],
        load_asset: Callable[[AssetKey], Any],
        instance: Any,
        type_checks: TypeChecks | None = None,
    ) -> None:
        self._run = run
        self.plan = plan
        self._job = job
        self._events = list(events)
        for event in self._events:
            force_setattr(event, "job_name", job.name)
        self._type_checks = type_checks
        self._values = values
        self._statuses = statuses
        self._asset_outputs = asset_outputs
        self._load_asset = load_asset
        self.instance = instance

    # ----------------------------------------------------------------------------------------------------------- the run

    @property
    def success(self) -> bool:
        """Whether the run ended well: no step failed, and no blocking check did."""
        return self._run.status is RunStatus.SUCCESS

    @property
    def run(self) -> Run:
        """The run as it is recorded."""
        return self._run

    dagster_run = run

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._run.run_id

    @property
    def job_def(self) -> JobDefinition:
        """The job that ran."""
        return self._job

    @property
    def step_statuses(self) -> Mapping[str, StepStatus]:
        """Where each step ended, by step key; instances of mapped steps are steps of their own."""
        return self._statuses

    # -------------------------------------------------------------------------------------------------------- the events

    @property
    def all_events(self) -> list[Event]:
        """What happened in the run, in order: the facts that are recorded, and the inputs and outputs between them.

        A step tells STEP_START, LOADED_INPUT and STEP_INPUT for its inputs, STEP_OUTPUT, ASSET_MATERIALIZATION and
        HANDLED_OUTPUT for each output, and STEP_SUCCESS. An attempt that is tried again ends with STEP_UP_FOR_RETRY.
        """
        return self._told

    @cached_property
    def _told(self) -> list[Event]:
        from headwater.runtime.told_events import told_events

        return told_events(self._events, self.plan, self._job, self._type_checks)

    @property
    def all_node_events(self) -> list[Event]:
        """Every event about a step, in order."""
        return [event for event in self._told if event.step_key is not None]

    def filter_events(self, event_filter: Callable[[Event], bool]) -> list[Event]:
        """Return the events for which the function is true, in order."""
        return [event for event in self._told if event_filter(event)]

    def events_for_node(self, node_name: str) -> list[Event]:
        """Return the facts about a node by its name, or by its dotted path in nested graphs; none of one not in the run."""
        return [event for event in self._told if event.step_key is not None and _is_of(event.step_key, node_name)]

    def get_asset_materialization_events(self) -> list[AssetMaterialized]:
        """Return the materializations of the run as events, in order."""
        return [event for event in self._events if isinstance(event, AssetMaterialized)]

    def get_asset_observation_events(self) -> list[AssetObserved]:
        """Return the observations of the run as events, in order."""
        return [event for event in self._events if isinstance(event, AssetObserved)]

    def get_asset_check_evaluations(self) -> list[AssetCheckEvaluation]:
        """Return what each check found, in the order in which they ended."""
        return [event.asset_check_evaluation for event in self._events if isinstance(event, CheckEvaluated)]

    def asset_materializations_for_node(self, node_name: str) -> list[AssetMaterialization]:
        """Return what a node materialized, in order: one for each asset and partition."""
        return [e.materialization for e in self.events_for_node(node_name) if isinstance(e, AssetMaterialized)]

    def asset_observations_for_node(self, node_name: str) -> list[AssetObservation]:
        """Return what a node observed, in order."""
        return [e.asset_observation for e in self.events_for_node(node_name) if isinstance(e, AssetObserved)]

    def expectation_results_for_node(self, node_str: str) -> list[ExpectationResult]:
        """Return what a node told of its expectations, in order."""
        return [e.expectation_result for e in self.events_for_node(node_str) if isinstance(e, ExpectationTold)]

    def failure_data_for_node(self, node_str: str) -> StepFailureData | None:
        """Return how a node failed for good; None when it did not."""
        failed = [event for event in self.events_for_node(node_str) if isinstance(event, StepFailed)]
        return failed[-1].event_specific_data if failed else None

    def get_asset_materialization_planned_events(self) -> list[Event]:
        """Return no event: what was to be materialized is said by `plan` and by `run.asset_selection`."""
        return []

    def get_step_success_events(self) -> list[StepSucceeded]:
        """Return one event for each step that succeeded, in order."""
        return [event for event in self._events if isinstance(event, StepSucceeded)]

    def get_step_failure_events(self) -> list[StepFailed]:
        """Return the failures that were final; attempts that were tried again are not among them."""
        failed = {key for key, status in self._statuses.items() if status is StepStatus.FAILED}
        last: dict[str, StepFailed] = {}
        for event in self._events:
            if isinstance(event, StepFailed) and event.step_key in failed:
                last[event.step_key] = event
        return list(last.values())

    def get_step_skipped_events(self) -> list[StepSkipped]:
        """Return one event for each step that was skipped, in order."""
        return [event for event in self._events if isinstance(event, StepSkipped)]

    def get_failed_step_keys(self) -> set[str]:
        """Return the keys of the steps that failed for good."""
        return {event.step_key for event in self.get_step_failure_events() if event.step_key is not None}

    def get_job_failure_event(self) -> RunFailed:
        """Return the fact that the run failed. Raises InvariantViolationError when it did not."""
        found: RunFailed = self._ending(RunFailed, "failed")
        return found

    get_run_failure_event = get_job_failure_event

    def get_job_success_event(self) -> RunSucceeded:
        """Return the fact that the run succeeded. Raises InvariantViolationError when it did not."""
        found: RunSucceeded = self._ending(RunSucceeded, "succeeded")
        return found

    get_run_success_event = get_job_success_event

    def _ending(self, kind: Any, how: str) -> Any:
        for event in reversed(self._events):
            if isinstance(event, kind):
                return event
        raise InvariantViolationError(
            what=f"Run {self.run_id} was asked how it {how}, and it ended as {self._run.status.value}.",
            why="There is no such event.",
            fix="Check .success first.",
        )

    # --------------------------------------------------------------------------------------------------------- the nodes

    def _known(self, node_name: str) -> None:
        if any(_is_of(key, node_name) for key in self._statuses):
            return
        names = sorted({key.partition("[")[0] for key in self._statuses})
        raise InvariantViolationError(
            what=f'Run {self.run_id} has no node "{node_name}".',
            why="Nothing could be looked up.",
            fix=f"{did_you_mean(node_name, names)}Its nodes are: {', '.join(names[:20])}.",
        )

    def _statuses_of(self, node_name: str) -> list[StepStatus]:
        return [status for key, status in self._statuses.items() if _is_of(key, node_name)]

    def is_node_success(self, node_str: str) -> bool:
        """Whether every step of a node succeeded; False of one that is not in the run."""
        return {StepStatus.SUCCEEDED} == set(self._statuses_of(node_str))

    def is_node_failed(self, node_str: str) -> bool:
        """Whether a step of a node failed for good."""
        return any(status is StepStatus.FAILED for status in self._statuses_of(node_str))

    def is_node_skipped(self, node_str: str) -> bool:
        """Whether every step of a node was skipped; False of one that is not in the run."""
        return {StepStatus.SKIPPED} == set(self._statuses_of(node_str))

    def is_node_untouched(self, node_str: str) -> bool:
        """Whether no step of the node was ever attempted or skipped."""
        return all(
            status in (StepStatus.BLOCKED, StepStatus.WAITING, StepStatus.CANCELED)
            for status in self._statuses_of(node_str)
        )

    def retry_attempts_for_node(self, node_str: str) -> int:
        """Return how many times the steps of a node were tried again."""
        return sum(isinstance(event, StepRetryScheduled) for event in self.events_for_node(node_str))

    # -------------------------------------------------------------------------------------------------------- the values

    def output_for_node(self, node_str: str, output_name: str = "result") -> Any:
        """Return the value of a node's output; by mapping key for a dynamic one, or for a node that is mapped over one."""
        step, output = self._resolved(node_str, output_name)
        if (step, output, None) in self._values:
            return self._values[(step, output, None)]
        mapped = {
            (mapping_key or key[len(step) + 1 : -1]): value
            for (key, name, mapping_key), value in self._values.items()
            if name == output and (key == step or key.startswith(f"{step}["))
        }
        if mapped:
            return mapped
        self._known(node_str)
        names = sorted({name for key, name, _ in self._values if _is_of(key, node_str)})
        raise InvariantViolationError(
            what=f'Node "{node_str}" of run {self.run_id} has no value for its output "{output_name}".',
            why="It was not given, or the node did not run.",
            fix=did_you_mean(output_name, names) or f"It gave: {', '.join(names) or 'nothing'}.",
        )

    def _resolved(self, node: str, output: str) -> tuple[str, str]:
        """Follow a graph's output down to the op that gives it."""
        from headwater.authoring.composition import NodeOutput
        from headwater.authoring.graph_definition import GraphDefinition

        first, *rest = node.split(".")
        definition: Any
        if self._job.graph_def is not None:
            use = self._job.graph_def.uses.get(first)
            definition = use.definition if use is not None else None
        else:
            nodes = (found.node_def for found, _, _ in self._job.assets_definitions())
            definition = next((found for found in nodes if found is not None and found.name == first), None)
        path = [first]
        for name in rest:
            path.append(name)
            use = definition.uses.get(name) if isinstance(definition, GraphDefinition) else None
            definition = use.definition if use is not None else None
        while isinstance(definition, GraphDefinition):
            source = definition.output_sources.get(output)
            if not isinstance(source, NodeOutput):
                break
            path.append(source.node)
            output = source.output
            definition = definition.uses[source.node].definition
        return ".".join(path), output

    def output_value(self, output_name: str = "result") -> Any:
        """Return the value of an output of the job's graph."""
        from headwater.authoring.composition import NodeOutput

        source = self._job.graph.output_sources.get(output_name)
        if not isinstance(source, NodeOutput):
            raise InvariantViolationError(
                what=f'Job "{self._job.name}" has no output "{output_name}".',
                why="Only what the body of a graph returns is an output of it.",
                fix=did_you_mean(output_name, self._job.graph.output_sources) or "Use output_for_node(...).",
            )
        return self.output_for_node(source.node, source.output)

    def asset_value(self, asset_key: CoercibleToAssetKey) -> Any:
        """Return the value that this run gave an asset, or the one that is stored when it was not kept."""
        key = AssetKey.from_coercible(asset_key)
        if key not in self._asset_outputs:
            raise CheckError(
                what=f'Run {self.run_id} did not build the asset "{key}".',
                why="It has no value of it.",
                fix=did_you_mean(str(key), map(str, self._asset_outputs)) or "Load it with load_asset_value(...).",
            )
        step, output = self._asset_outputs[key]
        if (step, output, None) in self._values:
            return self._values[(step, output, None)]
        return self._load_asset(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave everything as it is: a result holds nothing open."""

    def __repr__(self) -> str:
        return f"ExecuteInProcessResult({self.run_id}, {self._run.status.value})"


JobExecutionResult = ExecuteInProcessResult
"""What `execute_job` gives back. It can be used in a with statement; its values can be asked for after that, too."""


def _is_of(step_key: str, node: str) -> bool:
    """Whether a step is the node, an instance of it, or inside it."""
    plain = step_key.partition("[")[0] if "[" not in node else step_key
    return plain == node or plain.startswith(f"{node}.")
