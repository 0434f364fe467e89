"""One attempt of a step: loads its inputs, calls the user's function, stores what it gives, and tells it as events.

The parts are plain functions that return events, so that a synchronous and an asynchronous driver share them: `start`, then
`call`, then `take` for each thing that the function gives, then `finish`; or `fail` with what was raised.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headwater.authoring.contexts import AssetCheckExecutionContext, AssetExecutionContext, OpExecutionContext
from headwater.authoring.io_contexts import OutputContext
from headwater.authoring.nodes import OutputPort
from headwater.authoring.ports import NO_VALUE
from headwater.authoring.step_scope import StepScope
from headwater.authoring.types import require_type
from headwater.engine.error_info import error_info_from
from headwater.engine.input_loading import InputLoader
from headwater.engine.reported_events import metadata_data, reported_events
from headwater.engine.run_scope import RunScope
from headwater.engine.run_state import LaunchStep, retry_after
from headwater.engine.step_hooks import run_hooks
from headwater.engine.time_limit import TimeIsUp
from headwater.model.codec import encode_json
from headwater.model.errors.execution import (
    AssetCheckFailedError,
    CheckResultNotFound,
    NothingToKeep,
    RunTimeoutError,
    StepOutputNotFoundError,
    StepTimeoutError,
    UnknownOutput,
    UnusableResult,
)
from headwater.model.errors.store import EventTooLarge
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    CheckEvaluated,
    Event,
    InputVersion,
    OutputProduced,
    OutputRef,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.metadata import normalize_metadata
from headwater.model.results import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetMaterialization,
    DataVersion,
    DynamicOutput,
    ExpectationResult,
    Failure,
    MaterializeResult,
    ObserveResult,
    Output,
    RetryRequested,
    Skip,
    Unchanged,
    checked_mapping_keys,
)
from headwater.store.size_limit import body_within_limit

if TYPE_CHECKING:
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
        self.given: list[OutputRef] = []
        self.given_names: set[str] = set()
        self.given_keys: set[tuple[str, str]] = set()
        self.settled_assets: set[AssetKey] = set()
        self.evaluated: set[AssetCheckKey] = set()
        self.blocking_failures: list[str] = []
        self.skip_reason: str | None = None
        self.exception: BaseException | None = None
        self._versions: dict[tuple[AssetKey, str | None], tuple[InputVersion, ...]] = {}
        # What is on the disk and not yet told: an attempt that is broken off tells of it, or the record would be older.
        self._storing: tuple[AssetKey, OutputContext] | None = None
        self._stored_untold: list[AssetMaterialized] = []
        self._resources: dict[str, Any] = {}
        self.step_scope: StepScope | None = None
        self.hook_values: dict[str, Any] = {}

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
        scope = self.scope
        config = self._config()
        needed = op.required_resource_keys
        resources = scope.resources.resources_for(needed) if needed else None
        self.step_scope = step_scope = self._step_scope(config, resources)
        arguments: dict[str, Any] = {}
        if self.step.inputs:
            arguments = InputLoader(self).arguments()
        if signature.config is not None:
            arguments[signature.config.name] = config
        for parameter in signature.resources:
            arguments[parameter.name] = getattr(resources, parameter.name)
        if signature.context is None:
            return op.compute_fn(**arguments)
        if self.code.assets_def is None:
            context = OpExecutionContext(step_scope)
        elif self.code.selected_keys or not self.code.selected_checks:
            context = AssetExecutionContext(step_scope)
        else:
            context = AssetCheckExecutionContext(step_scope)
        return op.compute_fn(context, **arguments)

    def take(self, item: Any) -> list[Event]:
        """Store and record one thing that the function gave."""
        events = self._logged()
        if isinstance(item, (Output, DynamicOutput)):
            mapping_key = item.mapping_key if isinstance(item, DynamicOutput) else None
            port = self.op.outs.get(item.output_name)
            if port is None:
                raise UnknownOutput(self.key, item.output_name, "output", self.op.outs)
            if port.is_dynamic and mapping_key is None:
                raise UnusableResult(
                    what=f'"{self.key}" gave an Output for its dynamic output "{item.output_name}".',
                    why="Each value needs a mapping key.",
                    fix="Give DynamicOutput(value, mapping_key=...).",
                )
            version = item.data_version if isinstance(item, Output) else None
            tags = item.tags if isinstance(item, Output) else {}
            events.extend(self._output(port, item.value, item.metadata, version, mapping_key, tags))
        elif isinstance(item, MaterializeResult):
            events.extend(self._materialize_result(item))
        elif isinstance(item, ObserveResult):
            events.extend(self._observe_result(item))
        elif isinstance(item, AssetCheckResult):
            events.extend(self._check(item))
        elif isinstance(item, Unchanged):
            events.extend(self._unchanged(item))
        elif isinstance(item, Skip):
            events.extend(self._skip(item))
        elif isinstance(item, (AssetMaterialization, AssetCheckEvaluation, ExpectationResult)):
            events.extend(reported_events(item, self.run_id, self.key, self.log))
        else:
            shown = repr(item)
            raise UnusableResult(
                what=f'"{self.key}" yielded {shown[:80]}, a {type(item).__name__}.',
                why="A generator says what each thing is.",
                fix="Yield Output(value), MaterializeResult(...) or AssetCheckResult(...), or return the value instead.",
            )
        recordable = self._recordable(events)
        self._stored_untold.clear()
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
        if self.skip_reason is not None and not self.given:
            events.append(
                StepSkipped(run_id=self.run_id, timestamp=time.time(), step_key=self.key, reason=self.skip_reason)
            )
            return events
        events.extend(self._recordable(self._missing_outputs()))
        for check in self.code.selected_checks:
            if check not in self.evaluated:
                raise CheckResultNotFound(self.key, check.name)
        if self.blocking_failures:
            raise AssetCheckFailedError(self.blocking_failures)
        now = time.time()
        events.append(
            StepSucceeded(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                attempt=self.launch.attempt,
                duration_seconds=now - self.started_at,
                outputs=tuple(self.given),
            )
        )
        if self.code.hooks:
            events.extend(run_hooks(self, "success"))
        return events

    def fail(self, error: BaseException) -> list[Event]:
        """Return the facts with which a failed attempt ends. What was built before stays recorded."""
        events = self._of_what_is_stored()
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
        self.scope.exceptions[self.key] = error
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
            requested_retries=error.max_retries if isinstance(error, RetryRequested) else None,
            requested_delay_seconds=error.seconds_to_wait if isinstance(error, RetryRequested) else None,
            metadata=metadata_data(error.metadata) if isinstance(error, Failure) else {},
            outputs=tuple(self.given),
            cause="timeout" if isinstance(error, (StepTimeoutError, RunTimeoutError)) else "user",
        )
        if isinstance(error, RetryRequested) and error.__cause__ is not None:
            self.scope.exceptions[self.key] = error.__cause__
        if self.code.hooks and retry_after(self.run_id, self.step, failed) is None:
            events.append(failed)
            events.extend(run_hooks(self, "failure"))
        else:
            events.append(failed)
        return events

    def broken_off(self) -> list[Event]:
        """Return the facts with which an attempt ends that was told to stop. What was built before stays recorded."""
        now = time.time()
        return [
            *self._of_what_is_stored(),
            StepFailed(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                attempt=self.launch.attempt,
                duration_seconds=now - self.started_at,
                allow_retries=False,
                outputs=tuple(self.given),
                cause="canceled",
            ),
        ]

    def _of_what_is_stored(self) -> list[Event]:
        """Return the materializations of values that are stored although what came after storing them went wrong."""
        untold, self._stored_untold = self._stored_untold, []
        if self._storing is not None:
            asset, context = self._storing
            self._storing = None
            told = [DataVersion(version) for version in context.data_versions.values()]
            partitions = self.scope.partitions_of.get(asset)
            for part, version in zip(context.data_versions, told, strict=True):
                if partitions is None or part is not None:
                    parts = None if part is None else (part,)
                    untold += self._materializations(asset, parts, {}, version, {}, {}, has_value=True)
        events: list[Event] = []
        for event in untold:
            try:
                body_within_limit(event)
            except EventTooLarge:
                event = replace(event, metadata={})
            self.scope.record_built(event)
            events.append(event)
        return events

    # ----------------------------------------------------------------------------------------------------- what is told

    def scope_for_hooks(self) -> StepScope:
        """Return what hooks are told of; an attempt that failed before its function was called has no more to tell."""
        return self.step_scope or self._step_scope(None, None)

    def _config(self) -> Any:
        op = self.op
        if not op.has_config:
            return None
        path = ".".join(("ops", *self.code.path, "config"))
        return op.resolve_own_config(_given(self.scope.op_config(self.code.path)), path)

    def _step_scope(self, config: Any, resources: Any) -> StepScope:
        scope = self.scope
        code = self.code
        definition = code.assets_def
        partitions_def: Any = None
        run_keys: Sequence[str] | None = scope.plan.partition_keys
        if definition is not None:
            partitions_def = self._partitions_def()
            if partitions_def is None:
                run_keys = None
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

    def _partitions_def(self) -> Any:
        definition = self.code.assets_def
        assert definition is not None
        for key in self.code.selected_keys or definition.specs_by_key:
            found = definition.specs_by_key[key].partitions_def
            if found is not None:
                return found
        for spec in definition.check_specs:
            if spec.key in self.code.selected_checks:
                checked = self.scope.partitions_def_of(spec.asset_key)
                return spec.partitions_def or (checked if self.scope.plan.partition_keys is not None else None)
        return None

    def upstream_partitions(self, upstream: AssetKey) -> tuple[str, ...] | None:
        """Return which partitions of an upstream asset this step reads."""
        definition = self.code.assets_def
        if definition is None:
            return None
        reader = next(iter(self.code.selected_keys), None)
        for key in self.code.selected_keys:
            if any(dep.asset_key == upstream for dep in definition.specs_by_key[key].deps):
                reader = key
                break
        if reader is not None:
            return self.scope.upstream_partitions(
                upstream,
                reader=reader,
                reader_def=self.scope.partitions_def_of(reader),
                reader_keys=self.scope.partitions_of.get(reader),
                mapping=definition.partition_mapping_of(reader, upstream),
            )
        spec = next((spec for spec in definition.check_specs if spec.key in self.code.selected_checks), None)
        if spec is None:
            return None
        mapping = next((dep.partition_mapping for dep in spec.additional_deps if dep.asset_key == upstream), None)
        reader_def = self._partitions_def()
        keys = self.scope.plan.partition_keys if reader_def is not None else None
        return self.scope.upstream_partitions(
            upstream, reader=spec.asset_key, reader_def=reader_def, reader_keys=keys, mapping=mapping
        )

    def _load_any(self, key: AssetKey, python_type: Any, partition_key: str | None) -> Any:
        return InputLoader(self).load_asset(
            key, python_type if python_type is not None else NO_VALUE, (partition_key,) if partition_key else None
        )

    def _provenance(self, key: AssetKey) -> Any:
        partitions = self.scope.partitions_of.get(key)
        return self.scope.find_materialization(key, partitions[0] if partitions else None)

    # ------------------------------------------------------------------------------------------------ outputs and assets

    def _output(
        self,
        port: OutputPort,
        value: Any,
        metadata: Mapping[str, Any],
        version: DataVersion | None,
        mapping_key: str | None,
        tags: Mapping[str, str],
    ) -> list[Event]:
        name = port.name
        asset = self.code.asset_by_output.get(name)
        definition = self.code.assets_def
        if (
            asset is None
            and definition is not None
            and name in definition.keys_by_output_name
            and isinstance(self.op, type(definition.node_def))
        ):
            raise UnusableResult(
                what=f'"{self.key}" gave "{definition.keys_by_output_name[name]}", which this run did not ask for.',
                why="It would be built although it was not selected.",
                fix="Give only what is in context.selected_output_names.",
            )
        if mapping_key is None and name in self.given_names:
            raise UnusableResult(
                what=f'"{self.key}" gave its output "{name}" twice.',
                why="An output has one value in a run.",
                fix="Give it once, or declare it with DynamicOut().",
            )
        if mapping_key is not None:
            if (name, mapping_key) in self.given_keys:
                checked_mapping_keys([mapping_key, mapping_key], name)
            self.given_keys.add((name, mapping_key))
        partitions = self.scope.partitions_of.get(asset) if asset is not None else None
        has_value = not (value is None and port.is_nothing)
        context: OutputContext | None = None
        assert self.step_scope is not None
        said = self.step_scope.output_metadata.get((name, mapping_key))
        all_metadata: dict[str, Any] = dict(metadata)
        if said:
            all_metadata.update(normalize_metadata(said))
        if has_value:
            self._check_type(port, value, asset, partitions)
            if all_metadata and asset is not None:
                # What could not be recorded is refused before the value takes the place of the one before.
                encoded = metadata_data(all_metadata)
                body_within_limit(AssetMaterialized(run_id=self.run_id, asset=str(asset), metadata=encoded))
            context = self._stored(port, value, asset, partitions, metadata, mapping_key)
        events: list[Event] = []
        if context is not None:
            all_metadata.update(context.consume_logged_metadata())
            events.extend(
                event
                for item in context.consume_events()
                for event in reported_events(item, self.run_id, self.key, self.log)
            )
        self.given.append(OutputRef(name, mapping_key))
        self.given_names.add(name)
        if self.scope.keeps_values:
            self.scope.values[(self.key, name, mapping_key)] = value
        if self.code.hooks:
            if mapping_key is None:
                self.hook_values[name] = value
            else:
                self.hook_values.setdefault(name, {})[mapping_key] = value
        if asset is None:
            events.append(
                OutputProduced(
                    run_id=self.run_id,
                    timestamp=time.time(),
                    step_key=self.key,
                    output=name,
                    mapping_key=mapping_key,
                    metadata=metadata_data(all_metadata),
                )
            )
        else:
            versions = context.data_versions if context is not None else {}
            made = self._materialized(asset, partitions, all_metadata, version, versions, tags, has_value)
            self._stored_untold.extend(made)
            self._storing = None
            events.extend(made)
        return events

    def _check_type(
        self, port: OutputPort, value: Any, asset: AssetKey | None, partitions: Sequence[str] | None
    ) -> None:
        declared = port.type
        if declared.is_any or (declared.is_nothing and self._is_by_specs(port)):
            return
        owner = f'asset "{asset}"' if asset is not None else f'op "{self.key}"'
        if (
            partitions is not None
            and len(partitions) != 1
            and isinstance(value, Mapping)
            and set(value) <= set(partitions)
        ):
            # Several partitions in one run: each of them has the declared type.
            if declared.type_check(value).success:
                return
            for part in value.values():
                require_type(declared, part, owner=owner, direction="output", name=port.name)
            return
        require_type(declared, value, owner=owner, direction="output", name=port.name)

    def _is_by_specs(self, port: OutputPort) -> bool:
        return self.code.assets_def is not None and port.annotation is None and len(self.code.asset_by_output) > 0

    def _stored(
        self,
        port: OutputPort,
        value: Any,
        asset: AssetKey | None,
        partitions: Sequence[str] | None,
        metadata: Mapping[str, Any],
        mapping_key: str | None,
    ) -> OutputContext:
        scope = self.scope
        definition = self.code.assets_def
        manager_key = port.io_manager_key
        if asset is not None and definition is not None:
            manager_key = definition.io_manager_key_of(asset)
        spec = definition.specs_by_key[asset] if asset is not None and definition is not None else None
        context = OutputContext(
            step_key=self.key,
            name=port.name,
            job_name=scope.job.name,
            run_id=self.run_id,
            definition_metadata=spec.metadata if spec is not None and spec.metadata else port.metadata,
            mapping_key=mapping_key,
            dagster_type=port.type,
            log_manager=self.log,
            version=port.code_version,
            resource_config=scope.resources.config_of(manager_key),
            resources=self._manager_resources(manager_key),
            step_context=self,
            op_def=self.op,
            asset_key=asset,
            partition_key=self._run_partition(),
            output_metadata=metadata,
            asset_partitions_def=spec.partitions_def if spec is not None else None,
            asset_spec=spec,
            partition_keys=partitions,
            annotation=None if port.annotation is NO_VALUE else port.annotation,
            instance=scope.instance,
            by_partition=partitions is not None and self._builds_many(),
        )
        manager = self.manager(manager_key)
        if asset is not None:
            self._storing = asset, context
        handled = manager.handle_output(context, value)
        if handled is not None and hasattr(handled, "__next__"):
            for item in handled:  # an IO manager may be a generator of events and metadata
                if isinstance(item, AssetMaterialization):
                    context.log_event(item)
                elif isinstance(item, Mapping):
                    context.add_output_metadata(item)
        return context

    def _run_partition(self) -> str | None:
        keys = self.scope.plan.partition_keys
        return keys[0] if keys is not None and len(keys) == 1 else None

    def _builds_many(self) -> bool:
        keys = self.scope.plan.partition_keys
        return keys is not None and len(keys) > 1

    def manager(self, key: str) -> Any:
        """Return an IO manager or input manager that is set up."""
        manager = self._resources.get(key)
        if manager is None:
            manager = self._resources[key] = getattr(self.scope.resources.resources_for((key,)), key)
        return manager

    def _manager_resources(self, key: str) -> Any:
        definition = self.scope.resources.definition_by_key.get(key)
        needed = definition.required_resource_keys if definition is not None else ()
        return self.scope.resources.resources_for(needed) if needed else None

    def _materialized(
        self,
        asset: AssetKey,
        partitions: Sequence[str] | None,
        metadata: Mapping[str, Any],
        version: DataVersion | None,
        stored_versions: Mapping[str | None, str],
        tags: Mapping[str, str],
        has_value: bool,
    ) -> list[AssetMaterialized]:
        self.settled_assets.add(asset)
        return self._materializations(asset, partitions, metadata, version, stored_versions, tags, has_value)

    def _materializations(
        self,
        asset: AssetKey,
        partitions: Sequence[str] | None,
        metadata: Mapping[str, Any],
        version: DataVersion | None,
        stored_versions: Mapping[str | None, str],
        tags: Mapping[str, str],
        has_value: bool,
    ) -> list[AssetMaterialized]:
        assert self.step_scope is not None
        definition = self.code.assets_def
        spec = definition.specs_by_key[asset] if definition is not None else None
        name = str(asset)
        for_all = self.step_scope.asset_metadata.get((asset, None))
        base = {**metadata, **normalize_metadata(for_all)} if for_all else metadata
        encoded = metadata_data(base)
        given = version.value if version is not None else self.step_scope.data_versions.get(asset)
        is_range = partitions is not None and len(partitions) > 1
        config_hash = self._config_hash()
        inputs = () if is_range else self._input_versions(asset)
        now = time.time()
        events: list[AssetMaterialized] = []
        for part in (None,) if partitions is None else partitions:
            own = self.step_scope.asset_metadata.get((asset, part)) if part is not None else None
            event = AssetMaterialized(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                asset=name,
                partition=part,
                metadata={**encoded, **metadata_data(normalize_metadata(own))} if own else encoded,
                tags=tags,
                data_version=given or stored_versions.get(part) or stored_versions.get(None),
                code_version=spec.code_version if spec is not None else None,
                config_hash=config_hash,
                inputs=self._input_versions(asset, part) if is_range else inputs,
                has_value=has_value,
            )
            events.append(event)
        return events

    def _config_hash(self) -> str | None:
        """A name for the config that the step was given, as it was given: environment variables count by name."""
        config = self.scope.op_config(self.code.path) if self.op.has_config else None
        if config is None:
            return None
        from hashlib import blake2b

        return blake2b(encode_json(config).encode(), digest_size=8).hexdigest()

    def _input_versions(self, asset: AssetKey, part: str | None = None) -> tuple[InputVersion, ...]:
        """Return the versions of what the asset depends on, for one partition of a range when that is named.

        They are read once an attempt, since they are what was loaded.
        """
        definition = self.code.assets_def
        if definition is None or asset not in definition.specs_by_key:
            return ()
        known = self._versions.get((asset, part))
        if known is None:
            found: list[InputVersion] = []
            for dep in definition.specs_by_key[asset].deps:
                if dep.asset_key in definition.specs_by_key and dep.asset_key != asset:
                    continue
                if part is None:
                    keys = self.upstream_partitions(dep.asset_key)
                else:
                    keys = self.scope.upstream_partitions_of_one(
                        dep.asset_key,
                        reader=asset,
                        reader_def=definition.specs_by_key[asset].partitions_def,
                        reader_key=part,
                        mapping=dep.partition_mapping,
                    )
                found.extend(self.scope.input_versions(dep.asset_key, keys))
            known = self._versions[(asset, part)] = tuple(found)
        return known

    def _materialize_result(self, result: MaterializeResult[Any]) -> list[Event]:
        asset = self._asset_of(result.asset_key, "MaterializeResult")
        definition = self.code.assets_def
        assert definition is not None
        name = next((output for output, key in self.code.asset_by_output.items() if key == asset), None)
        if name is None:
            raise UnusableResult(
                what=f'"{self.key}" gave "{asset}", which this run did not ask for.',
                why="It would be built although it was not selected.",
                fix="Give only what is in context.selected_asset_keys.",
            )
        events: list[Event] = []
        if result.has_value:
            events.extend(
                self._output(self.op.outs[name], result.value, result.metadata, result.data_version, None, result.tags)
            )
        else:
            if name in self.given_names:
                raise UnusableResult(
                    what=f'"{self.key}" gave "{asset}" twice.',
                    why="An asset is built once in a run.",
                    fix="Give it once.",
                )
            assert self.step_scope is not None
            said = self.step_scope.output_metadata.get((name, None))
            metadata = {**result.metadata, **normalize_metadata(said)} if said else result.metadata
            self.given.append(OutputRef(name))
            self.given_names.add(name)
            events.extend(
                self._materialized(
                    asset, self.scope.partitions_of.get(asset), metadata, result.data_version, {}, result.tags, False
                )
            )
        for check in result.check_results:
            events.extend(self._check(check, asset))
        return events

    def _asset_of(self, given: AssetKey | None, what: str) -> AssetKey:
        definition = self.code.assets_def
        known = list(definition.specs_by_key) if definition is not None else []
        if given is None:
            if len(known) == 1:
                return known[0]
            raise UnusableResult(
                what=f'"{self.key}" gave a {what} without an asset_key.',
                why=f"It builds {len(known)} assets." if known else "It builds no asset.",
                fix="Say which asset is meant: asset_key=..." if known else "Use @asset or @multi_asset.",
            )
        if given not in known:
            raise UnknownOutput(self.key, str(given), "asset", map(str, known))
        return given

    def _observe_result(self, result: ObserveResult) -> list[Event]:
        asset = self._asset_of(result.asset_key, "ObserveResult")
        name = next((output for output, key in self.code.asset_by_output.items() if key == asset), None)
        if name is not None and name not in self.given_names:
            self.given.append(OutputRef(name))
            self.given_names.add(name)
        self.settled_assets.add(asset)
        version = result.data_version.value if result.data_version is not None else None
        now = time.time()
        events: list[Event] = [
            AssetObserved(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                asset=str(asset),
                partition=part,
                metadata=metadata_data(result.metadata),
                tags=result.tags,
                data_version=version,
            )
            for part in self.scope.partitions_of.get(asset) or (None,)
        ]
        for check in result.check_results:
            events.extend(self._check(check, asset))
        return events

    def _check(self, result: AssetCheckResult, of: AssetKey | None = None) -> list[Event]:
        definition = self.code.assets_def
        specs = {spec.key: spec for spec in definition.check_specs} if definition is not None else {}
        asset = result.asset_key or of
        candidates = [
            key
            for key in specs
            if (asset is None or key.asset_key == asset)
            and (result.check_name is None or key.name == result.check_name)
        ]
        if len(candidates) != 1:
            given = result.check_name or (f"of {asset}" if asset is not None else "without a name")
            if not candidates:
                raise UnknownOutput(self.key, str(given), "check result", [key.name for key in specs])
            raise UnusableResult(
                what=f'"{self.key}" gave a check result {given}, and has {len(candidates)} checks that it could be of.',
                why="It does not say which of them is meant.",
                fix="Say so: AssetCheckResult(check_name=..., asset_key=...).",
            )
        key = candidates[0]
        self.evaluated.add(key)
        partitions: Sequence[str | None] = (result.partition_key,)
        if result.partition_key is None and self.step_scope is not None:
            keys = self.step_scope.run_partition_keys
            if keys is not None and (len(keys) == 1 or specs[key].partitions_def is not None):
                partitions = keys  # what holds of a range holds of each partition in it
        now = time.time()
        events: list[Event] = []
        for part in partitions:
            event = CheckEvaluated(
                run_id=self.run_id,
                timestamp=now,
                step_key=self.key,
                asset=str(key.asset_key),
                check=key.name,
                partition=part,
                passed=result.passed,
                severity=result.severity.value,
                blocking=specs[key].blocking,
                description=result.description,
                metadata=metadata_data(result.metadata),
            )
            if event.blocks and str(key) not in self.blocking_failures:
                self.blocking_failures.append(str(key))
            events.append(event)
        return events

    def _unchanged(self, result: Unchanged) -> list[Event]:
        asset = self._asset_of(result.asset_key, "Unchanged")
        partitions = self.scope.partitions_of.get(asset)
        events: list[Event] = []
        for part in (None,) if partitions is None else partitions:
            if self.scope.find_materialization(asset, part) is None:
                raise NothingToKeep(str(asset), part)
            events.append(
                AssetUnchanged(
                    run_id=self.run_id,
                    timestamp=time.time(),
                    step_key=self.key,
                    asset=str(asset),
                    partition=part,
                    metadata=metadata_data(result.metadata),
                )
            )
        name = next(output for output, key in self.code.asset_by_output.items() if key == asset)
        self.given.append(OutputRef(name))
        self.given_names.add(name)
        self.settled_assets.add(asset)
        return events

    def _skip(self, result: Skip) -> list[Event]:
        self.skip_reason = result.reason
        if self.code.assets_def is None or not self.code.selected_keys:
            return []
        if result.asset_key is None:
            skipped = [key for key in self.code.selected_keys if key not in self.settled_assets]
        else:
            skipped = [self._asset_of(result.asset_key, "Skip")]
        self.settled_assets.update(skipped)
        return [
            AssetNotMaterialized(
                run_id=self.run_id,
                timestamp=time.time(),
                step_key=self.key,
                asset=str(key),
                partitions=self.scope.partitions_of.get(key) or (),
                outcome="skipped",
                cause=result.reason,
            )
            for key in sorted(skipped)
        ]

    def _missing_outputs(self) -> list[Event]:
        """Give the outputs that carry no value and were not given; raise for a required one that is missing."""
        events: list[Event] = []
        for name, port in self.op.outs.items():
            asset = self.code.asset_by_output.get(name)
            definition = self.code.assets_def
            is_asset_output = definition is not None and name in definition.keys_by_output_name
            if name in self.given_names or (is_asset_output and asset is None):
                continue
            if asset is not None and asset in self.settled_assets:
                continue
            if definition is not None and not definition.specs_by_key:
                continue
            if definition is not None and definition.is_observable:
                continue
            if port.is_dynamic or not port.is_required:
                continue
            if port.is_nothing or (asset is not None and port.is_by_spec):
                events.extend(self._output_without_value(port, asset))
            else:
                kind = "Asset" if asset is not None else "Op"
                raise StepOutputNotFoundError(str(asset) if asset is not None else self.key, name, kind)
        return events

    def _output_without_value(self, port: OutputPort, asset: AssetKey | None) -> list[Event]:
        self.given.append(OutputRef(port.name))
        self.given_names.add(port.name)
        if self.scope.keeps_values:
            self.scope.values[(self.key, port.name, None)] = None
        if asset is None:
            return [OutputProduced(run_id=self.run_id, timestamp=time.time(), step_key=self.key, output=port.name)]
        assert self.step_scope is not None
        said = self.step_scope.output_metadata.get((port.name, None)) or {}
        partitions = self.scope.partitions_of.get(asset)
        return list(self._materialized(asset, partitions, normalize_metadata(said), None, {}, {}, False))

    # --------------------------------------------------------------------------------------------------- said on the way

    def _logged(self) -> list[Event]:
        """Return what the function recorded with context.log_event since the last time."""
        if self.step_scope is None or not self.step_scope.logged_events:
            return []
        logged, self.step_scope.logged_events = self.step_scope.logged_events, []
        return [event for item in logged for event in reported_events(item, self.run_id, self.key, self.log)]


def _given(config: Any) -> Any:
    if config is None:
        from headwater.authoring.config import NO_VALUE as NOTHING_GIVEN

        return NOTHING_GIVEN
    return config
