"""One attempt of a step: loads its inputs, calls the user's function, stores what it gives, and tells it as events.

The parts are plain functions that return events, so that a synchronous and an asynchronous driver share them: `start`, then
`call`, then `take` for each thing that the function gives, then `finish`; or `fail` with what was raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from headwater.authoring.contexts import AssetCheckExecutionContext, AssetExecutionContext, OpExecutionContext
from headwater.authoring.ports import NO_VALUE
from headwater.authoring.returned_items import items_of
from headwater.authoring.runtime_type import PASSED, HeadwaterType, TypeCheck, TypeCheckContext, require_type
from headwater.authoring.step_scope import StepScope, speak_for
from headwater.engine.error_info import error_info_from
from headwater.engine.input_loading import InputLoader
from headwater.engine.reported_events import metadata_data, reported_events
from headwater.engine.run_scope import RunScope
from headwater.engine.run_state import LaunchStep, retry_after
from headwater.engine.step_assets import StepAssets
from headwater.engine.step_checks import StepChecks
from headwater.engine.step_hooks import run_hooks
from headwater.engine.step_logs import current_attempt
from headwater.engine.step_outputs import StepOutputs
from headwater.engine.step_partitions import partitions_def_of_step, upstream_partitions
from headwater.engine.time_limit import TimeIsUp
from headwater.model.errors.execution import (
    AssetCheckFailedError,
    RunTimeoutError,
    StepTimeoutError,
    UnusableResult,
)
from headwater.model.errors.resources import NotAManager
from headwater.model.errors.types import TypeCheckDidNotPass
from headwater.model.events import (
    AssetMaterialized,
    AssetObserved,
    Event,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    TypeCheckTold,
)
from headwater.model.keys import AssetKey
from headwater.model.metadata import normalize_metadata
from headwater.model.results import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetMaterialization,
    DynamicOutput,
    ExpectationResult,
    Failure,
    MaterializeResult,
    ObserveResult,
    Output,
    RetryRequested,
    Skip,
    Unchanged,
)
from headwater.store.size_limit import body_within_limit

if TYPE_CHECKING:
    from headwater.model.data_versions import DataProvenance
    from headwater.plan.job_steps import JobStep


class StepAttempt:
    """One attempt of one step."""

    def __init__(self, scope: RunScope, launch: LaunchStep, code: JobStep) -> None:
        self.scope = scope
        self.launch = launch
        self.code = code
        self.step = launch.step
        self.key = launch.key
        self.op = code.op
        self.run_id = scope.run.run_id
        self.started_at = 0.0
        self.log: Any = None
        self.step_scope: StepScope | None = None
        self.outputs = StepOutputs(self)
        self.assets = StepAssets(self)
        self.checks = StepChecks(self)
        self.skip_reason: str | None = None
        self.exception: BaseException | None = None
        # What an IO manager was about when it raised: see StepFailed.
        self.loading_input: str | None = None
        self.storing_output: str | None = None
        self._managers: dict[str, Any] = {}

    # ------------------------------------------------------------------------------------------------------- the parts

    def start(self) -> Event:
        """Return the fact that the attempt has begun."""
        self.started_at = time.time()
        return StepStarted(
            run_id=self.run_id, timestamp=self.started_at, step_key=self.key, attempt=self.launch.attempt
        )

    @property
    def ends_at(self) -> float | None:
        """When the attempt's time is up: by its own limit or by that of the run, whichever comes first."""
        own = None if self.step.timeout_seconds is None else self.started_at + self.step.timeout_seconds
        of_run = self.scope.ends_at
        return own if of_run is None else of_run if own is None else min(own, of_run)

    def call(self, log: Any) -> Any:
        """Load the inputs and call the user's function; return what it returned, which may be a generator or coroutine."""
        self.log = log
        op = self.op
        signature = op.signature
        config = self._config()
        needed = op.required_resource_keys
        resources = self.scope.resources.resources_for(needed) if needed else None
        self.step_scope = step_scope = self._step_scope(config, resources)
        speak_for(step_scope, current_attempt())
        self.assets.note_inputs()
        arguments: dict[str, Any] = {}
        if self.step.inputs:
            arguments = InputLoader(self).arguments()
        if signature.config is not None:
            arguments[signature.config.name] = config
        for parameter in signature.resources:
            arguments[parameter.name] = getattr(resources, parameter.name)
        if signature.context is None:
            return op.function(**arguments)
        if self.code.assets_def is None:
            context = OpExecutionContext(step_scope)
        elif self.code.selected_keys or not self.code.selected_checks:
            context = AssetExecutionContext(step_scope)
        else:
            context = AssetCheckExecutionContext(step_scope)
        return op.function(context, **arguments)

    def items_of(self, returned: Any) -> Iterator[Any]:
        """Yield what the function gave, when it is no generator, as the results that `take` takes."""
        code = self.code
        return items_of(code.op, code.assets_def, self.key, returned, is_only_checked=not code.selected_keys)

    def take(self, item: Any) -> list[Event]:
        """Store and record one thing that the function gave."""
        events = self._logged()
        if isinstance(item, (Output, DynamicOutput)):
            events.extend(self.outputs.take(item))
        elif isinstance(item, (MaterializeResult, ObserveResult, Unchanged, Skip)):
            events.extend(self.assets.take(item))
        elif isinstance(item, AssetCheckResult):
            events.extend(self.checks.take(item))
        elif isinstance(item, (AssetMaterialization, AssetCheckEvaluation, ExpectationResult)):
            events.extend(reported_events(item, self.run_id, self.key, self.log))
        else:
            raise UnusableResult(
                what=f'"{self.key}" yielded {repr(item)[:80]}, a {type(item).__name__}.',
                why="A generator says what each thing is.",
                fix="Yield Output(value), MaterializeResult(...) or AssetCheckResult(...), or return the value instead.",
            )
        recordable = self._recordable(events)
        self.outputs.told()
        return recordable

    def _recordable(self, events: list[Event]) -> list[Event]:
        """Note what was built. Raises EventTooLarge for metadata that could not be recorded."""
        for event in events:
            if getattr(event, "metadata", None):
                body_within_limit(event)
            if isinstance(event, AssetMaterialized):
                self.scope.record_built(event)
            elif isinstance(event, AssetObserved):
                self.scope.record_observed(event)
        return events

    def finish(self) -> list[Event]:
        """Check that everything that must come has come; return the facts with which the attempt ends."""
        events = self._logged()
        if self.skip_reason is not None and not self.outputs.given:
            events.append(
                StepSkipped(run_id=self.run_id, timestamp=time.time(), step_key=self.key, reason=self.skip_reason)
            )
            return events
        events.extend(self._recordable(self.outputs.missing()))
        self.checks.require_all()
        now = time.time()
        events.append(
            StepSucceeded(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                attempt=self.launch.attempt,
                duration_seconds=now - self.started_at,
                outputs=tuple(self.outputs.given),
            )
        )
        if self.code.hooks:
            events.extend(run_hooks(self, "success"))
        return events

    def fail(self, error: BaseException) -> list[Event]:
        """Return the facts with which a failed attempt ends. What was built before stays recorded."""
        events = self.outputs.stored_and_untold()
        try:
            events.extend(self._logged())
        except Exception as in_log:
            error.add_note(f"While recording what was logged before: {in_log!r}")
        if isinstance(error, TimeIsUp):
            of_run = self.scope.ends_at
            if of_run is not None and of_run == self.ends_at:
                error = RunTimeoutError(self.scope.plan.timeout_seconds or 0.0, self.key)
            else:
                error = StepTimeoutError(self.key, self.step.timeout_seconds or 0.0)
        self.exception = error
        asks_again = error if isinstance(error, RetryRequested) else None
        known = asks_again.__cause__ if asks_again is not None and asks_again.__cause__ is not None else error
        self.scope.exceptions[self.key] = known
        now = time.time()
        failed = StepFailed(
            run_id=self.run_id,
            timestamp=now,
            step_key=self.key,
            attempt=self.launch.attempt,
            duration_seconds=now - self.started_at,
            error=error_info_from(error),
            allow_retries=not (isinstance(error, Failure) and not error.allow_retries)
            and not isinstance(error, (AssetCheckFailedError, RunTimeoutError)),
            requested_retries=asks_again.max_retries if asks_again is not None else None,
            requested_delay_seconds=asks_again.seconds_to_wait if asks_again is not None else None,
            metadata=metadata_data(error.metadata) if isinstance(error, Failure) else {},
            outputs=tuple(self.outputs.given),
            cause="timeout" if isinstance(error, (StepTimeoutError, RunTimeoutError)) else "user",
            loading_input=self.loading_input,
            storing_output=self.storing_output,
        )
        events.append(failed)
        if self.code.hooks and retry_after(self.run_id, self.step, failed) is None:
            events.extend(run_hooks(self, "failure"))
        return events

    def broken_off(self) -> list[Event]:
        """Return the facts with which an attempt ends that was told to stop. What was built before stays recorded."""
        now = time.time()
        return [
            *self.outputs.stored_and_untold(),
            StepFailed(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                attempt=self.launch.attempt,
                duration_seconds=now - self.started_at,
                allow_retries=False,
                outputs=tuple(self.outputs.given),
                cause="canceled",
            ),
        ]

    # ------------------------------------------------------------------------------------------------ what the step sees

    def scope_for_hooks(self) -> StepScope:
        """Return what hooks are told of; an attempt that failed before its function was called has no more to tell."""
        return self.step_scope or self._step_scope(None, None)

    def _config(self) -> Any:
        from headwater.authoring.config import NO_VALUE as NOTHING_GIVEN

        op = self.op
        if not op.has_config:
            return self.scope.op_config(self.code.path)
        path = ".".join(("ops", *self.code.path, "config"))
        return op.resolve_own_config(self.scope.op_config(self.code.path, NOTHING_GIVEN), path)

    def _step_scope(self, config: Any, resources: Any) -> StepScope:
        scope = self.scope
        code = self.code
        definition = code.assets_def
        partitions_def: Any = None
        run_keys: Sequence[str] | None = scope.plan.partition_keys
        if definition is not None:
            partitions_def = partitions_def_of_step(scope, code)
            if partitions_def is None:
                run_keys = None
            else:  # fewer than the run is about, where an earlier run has built the others
                run_keys = next((asset.partitions for asset in self.step.assets if asset.partitions), run_keys)
        elif run_keys is not None:
            partitions_def = scope.job.partitions_def
        plain = config
        if config is not None and code.op.config_annotation is not NO_VALUE and hasattr(config, "model_dump"):
            plain = config.model_dump()
        return StepScope(
            step_key=self.key,
            run=scope.run,
            run_config=scope.run.run_config,
            instance=scope.instance,
            job_def=scope.job,
            op_def=self.op,
            assets_def=definition,
            log=self.log,
            resources=resources,
            op_config=plain,
            attempt=self.launch.attempt,
            mapping_key=self.launch.mapping_key,
            partitions_def=partitions_def,
            run_partition_keys=run_keys,
            partition_keys_by_asset={
                asset.key: asset.partitions for asset in self.step.assets if asset.partitions is not None
            },
            upstream_partition_keys=self.upstream_partitions if definition is not None else None,
            upstream_definition=scope.partitions_def_of,
            selected_asset_keys=code.selected_keys,
            selected_check_keys=code.selected_checks,
            load_value=self._load_any,
            provenance=self._provenance,
        )

    def upstream_partitions(self, upstream: AssetKey) -> tuple[str, ...] | None:
        """Return which partitions of an upstream asset this step reads."""
        return upstream_partitions(self.scope, self.code, upstream, is_read=True)

    @property
    def run_partition(self) -> str | None:
        """The partition that the run is about; None when it is about none or several."""
        keys = self.scope.plan.partition_keys
        return keys[0] if keys is not None and len(keys) == 1 else None

    def _load_any(self, key: AssetKey, python_type: Any, partition_key: str | None) -> Any:
        return InputLoader(self).load_asset(
            key, python_type if python_type is not None else NO_VALUE, (partition_key,) if partition_key else None
        )

    def _provenance(self, key: AssetKey) -> DataProvenance | None:
        partitions = self.scope.partitions_of.get(key)
        last = self.scope.find_materialization(key, partitions[0] if partitions else None)
        if last is None:
            return None
        from headwater.model.data_versions import provenance_of

        return provenance_of(last)

    def manager(self, key: str, method: Literal["load_input", "handle_output"], port: str) -> Any:
        """Return an IO manager or input manager that is set up. Raises NotAManager for what cannot do what is asked."""
        manager = self._managers.get(key)
        if manager is None:
            manager = self._managers[key] = getattr(self.scope.resources.resources_for((key,)), key)
        if not hasattr(manager, method):
            raise NotAManager(key, manager, method, self.key, port)
        return manager

    def context_of_check(self, declared: HeadwaterType) -> TypeCheckContext | None:
        """Return what the check of a type of one's own is called with; those of annotations ask for nothing."""
        if declared.is_annotation:
            return None
        needed = declared.check_resource_keys
        resources = self.scope.resources.resources_for(needed) if needed else None
        return TypeCheckContext(self.run_id, self.log, resources)

    def require_type(
        self,
        declared: HeadwaterType,
        value: Any,
        *,
        owner: str,
        direction: Literal["output", "input"],
        name: str,
        context: TypeCheckContext | None,
        mapping_key: str | None = None,
    ) -> TypeCheckTold | None:
        """Note what the check of a type says, for the run's result. Raises TypeCheckDidNotPass where it does not pass."""
        passed: TypeCheck | TypeCheckDidNotPass
        try:
            passed = require_type(declared, value, owner=owner, direction=direction, name=name, context=context)
        except TypeCheckDidNotPass as error:
            self._note_check(direction, name, mapping_key, error)
            raise
        if passed is PASSED or not (passed.description or passed.metadata):
            return None
        return self._note_check(direction, name, mapping_key, passed)

    def _note_check(
        self, direction: str, name: str, mapping_key: str | None, said: TypeCheck | TypeCheckDidNotPass
    ) -> TypeCheckTold:
        metadata = metadata_data(said.metadata) if said.metadata else {}
        told = TypeCheckTold(isinstance(said, TypeCheck), said.description, metadata)
        noted = self.scope.type_checks.setdefault((self.key, self.launch.attempt), {})
        noted[direction, name, mapping_key] = told
        return told

    def resources_of_manager(self, key: str) -> Any:
        """Return the resources that an IO manager or input manager asked for; None when it asked for none."""
        definition = self.scope.resources.definition_by_key.get(key)
        needed = definition.required_resource_keys if definition is not None else ()
        return self.scope.resources.resources_for(needed) if needed else None

    # --------------------------------------------------------------------------------------------------- said on the way

    def with_said_metadata(
        self, metadata: Mapping[str, Any], output: str, mapping_key: str | None = None
    ) -> Mapping[str, Any]:
        """Return the metadata of an output together with what the function added to it by its context."""
        said = self.step_scope.output_metadata.get((output, mapping_key)) if self.step_scope is not None else None
        return {**metadata, **normalize_metadata(said)} if said else metadata

    def _logged(self) -> list[Event]:
        """Return what the function recorded with context.log_event since the last time."""
        if self.step_scope is None or not self.step_scope.logged_events:
            return []
        logged, self.step_scope.logged_events = self.step_scope.logged_events, []
        return [event for item in logged for event in reported_events(item, self.run_id, self.key, self.log)]
