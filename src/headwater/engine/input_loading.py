"""How a step's parameters get their values: from other steps, stored assets, config or defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from headwater.authoring.contexts import OpExecutionContext
from headwater.authoring.input_config import input_from_config
from headwater.authoring.io_contexts import InputContext, OutputContext
from headwater.authoring.nodes import InputPort
from headwater.authoring.ports import NO_VALUE
from headwater.engine.run_state import instance_key
from headwater.model.errors.execution import InputNotGiven
from headwater.model.keys import AssetKey
from headwater.plan.run_config import place_of_input
from headwater.plan.run_plan import (
    FromAsset,
    FromCollected,
    FromConfig,
    FromInputManager,
    FromMany,
    FromStep,
    Source,
)

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.runtime_type import HeadwaterTypeLoader
    from headwater.engine.step_attempt import StepAttempt
    from headwater.model.partitions import PartitionsDefinition

_ABSENT: Any = object()


def _takes_mapping(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", annotation) in (dict, Mapping)


class InputLoader:
    """Loads the inputs of one attempt."""

    def __init__(self, attempt: StepAttempt) -> None:
        self.attempt = attempt
        self.scope = attempt.scope

    def arguments(self) -> dict[str, Any]:
        """Return the value of each parameter that is an input."""
        arguments: dict[str, Any] = {}
        ports = self.attempt.op.ins
        for name, source in self.attempt.step.inputs.items():
            port = ports[name]
            if port.is_nothing:
                continue
            try:
                value = self._value(source, port)
            except Exception:
                if not isinstance(source, FromConfig):
                    self.attempt.loading_input = name
                raise
            if value is _ABSENT:
                continue
            declared = port.type
            if not declared.is_any and not self._is_valueless(source, value):
                self._check(port, value, source)
            arguments[name] = value
        return arguments

    def _is_valueless(self, source: Source, value: Any) -> bool:
        """A value-less materialization is handed on as None, whatever the parameter's annotation says."""
        return value is None and isinstance(source, FromAsset)

    def _check(self, port: InputPort, value: Any, source: Source) -> None:
        attempt = self.attempt
        definition = attempt.code.assets_def
        assets = list(attempt.code.selected_keys)
        owner = f'asset "{assets[0]}"' if definition is not None and len(assets) == 1 else f'op "{attempt.key}"'
        declared = port.type
        said = attempt.context_of_check(declared)
        if isinstance(source, FromAsset) and isinstance(value, dict):
            partitions = attempt.upstream_partitions(source.asset)
            if partitions is not None and len(partitions) != 1 and set(value) <= set(partitions):
                if declared.type_check(value, context=said).success:
                    return
                for part in value.values():
                    attempt.require_type(declared, part, owner=owner, direction="input", name=port.name, context=said)
                return
        if isinstance(source, (FromMany, FromCollected)) and isinstance(value, list):
            if declared.type_check(value, context=said).success:
                return
            if not declared.supports_fan_in:
                return
        attempt.require_type(declared, value, owner=owner, direction="input", name=port.name, context=said)

    def _value(self, source: Source, port: InputPort) -> Any:
        match source:
            case FromAsset(asset=key):
                return self._asset(key, port)
            case FromStep(step=step, output=output):
                return self._step_value(step, output, port)
            case FromCollected(step=step, output=output):
                return self._collected(step, output, port)
            case FromMany(sources=sources):
                found: list[Any] = []
                for part in sources:
                    if isinstance(part, FromStep) and not self._came(part):
                        continue
                    if isinstance(part, FromCollected):
                        found.extend(self._collected(part.step, part.output, port))
                    else:
                        found.append(self._value(part, port))
                return found
            case FromConfig(path=path):
                return self._from_config(path, port)
            case FromInputManager():
                return self._load(port, port.input_manager_key or "io_manager", None, None, None)
        raise AssertionError(source)

    def _has_own_default(self, port: InputPort) -> bool:
        """Whether the function's own parameter has the default, so that it can be left to Python."""
        return any(p.name == port.name and p.default is not NO_VALUE for p in self.attempt.op.signature.inputs) and all(
            p.default is port.default_value for p in self.attempt.op.signature.inputs if p.name == port.name
        )

    # ------------------------------------------------------------------------------------------------------------ ops

    def _instance_of(self, step: str, output: str) -> tuple[str, str | None]:
        """Return the step that gave the value for this attempt, and the mapping key under which it gave it."""
        mapping_key = self.attempt.launch.mapping_key
        origin = self.attempt.step.mapped_over
        if mapping_key is None or origin is None:
            return step, None
        if step == origin[0]:
            return step, mapping_key if output == origin[1] else None
        upstream = self.scope.plan_steps.get(step)
        if upstream is not None and upstream.mapped_over == origin:
            return instance_key(step, mapping_key), None
        return step, None

    def _came(self, source: FromStep) -> bool:
        step, mapping_key = self._instance_of(source.step, source.output)
        if source.step in self.scope.plan.known_outputs:
            return (source.output, mapping_key) in self.scope.plan.known_outputs[source.step].outputs
        return (step, source.output, mapping_key) in self.scope.given

    def _step_value(self, step: str, output: str, port: InputPort) -> Any:
        name, mapping_key = self._instance_of(step, output)
        return self._load_step(step, name, output, mapping_key, port)

    def _load_step(self, template: str, step: str, output: str, mapping_key: str | None, port: InputPort) -> Any:
        scope = self.scope
        code = scope.steps[template]
        out = code.op.outs[output]
        if out.is_nothing:
            return None
        known = scope.plan.known_outputs.get(step) or scope.plan.known_outputs.get(template)
        asset = code.asset_by_output.get(output)
        if asset is not None:
            return self._asset(asset, port)
        upstream = OutputContext(
            step_key=step,
            name=output,
            job_name=scope.job.name,
            run_id=known.run_id if known is not None else scope.run.run_id,
            definition_metadata=out.metadata,
            mapping_key=mapping_key,
            dagster_type=out.type,
            resource_config=scope.resources.config_of(out.io_manager_key),
            op_def=code.op,
            log_manager=self.attempt.log,
            partition_key=self.attempt.run_partition,
            partition_keys=None,
            instance=scope.instance,
        )
        manager = port.input_manager_key or out.io_manager_key
        return self._load(port, manager, None, None, upstream)

    def _collected(self, step: str, output: str, port: InputPort) -> list[Any]:
        scope = self.scope
        given: Sequence[tuple[str, str | None]]
        if step in scope.plan.known_outputs:
            given = [
                (
                    instance_key(step, mapping_key) if scope.steps[step].mapped_over and mapping_key else step,
                    mapping_key,
                )
                for name, mapping_key in scope.plan.known_outputs[step].outputs
                if name == output
            ]
        else:
            given = self._given_in_order(step, output)
        is_mapped = scope.steps[step].mapped_over is not None
        return [
            self._load_step(step, name, output, None if is_mapped else mapping_key, port) for name, mapping_key in given
        ]

    def _given_in_order(self, step: str, output: str) -> Sequence[tuple[str, str | None]]:
        """Return (step, mapping key) of each collected value, in the order in which the dynamic output gave its keys."""
        origin = self.scope.steps[step].mapped_over
        given = self.scope.given_under(step, output)
        if origin is None:
            return given
        keys = [mapping_key for _, mapping_key in self.scope.given_under(*origin)]
        position = {instance_key(step, mapping_key): number for number, mapping_key in enumerate(keys) if mapping_key}
        return sorted(given, key=lambda pair: position.get(pair[0], len(position)))

    def _from_config(self, path: tuple[str, ...], port: InputPort) -> Any:
        scope = self.scope
        if len(path) == 1 and path[0] in scope.input_values:
            return scope.input_values[path[0]]
        given = scope.input_config(path)
        if given is NO_VALUE:
            if port.has_default_value:
                return _ABSENT if self._has_own_default(port) else port.default_value
            raise InputNotGiven(self.attempt.key, port.name)
        return input_from_config(port.type, given, place_of_input(path), self._context_for)

    def _context_for(self, loader: HeadwaterTypeLoader) -> OpExecutionContext:
        """Return the step's context with the resources that a loader of values asks for."""
        step_scope = copy(self.attempt.step_scope)
        assert step_scope is not None
        needed = loader.required_resource_keys()
        step_scope.resources = self.scope.resources.resources_for(needed) if needed else None
        return OpExecutionContext(step_scope)

    # --------------------------------------------------------------------------------------------------------- assets

    def _asset(self, key: AssetKey, port: InputPort) -> Any:
        if key in self.attempt.code.stored_assets:
            partitions = self._partitions_for_an_op(self._partitions_def_of(key))
        else:
            partitions = self.attempt.upstream_partitions(key)
        return self._load_asset(key, port, partitions)

    def _partitions_for_an_op(self, partitions_def: PartitionsDefinition[Any] | None) -> tuple[str, ...] | None:
        """An op reads the partitions that its run is about, and all of them in a run that is about none."""
        if partitions_def is None:
            return None
        of_run = self.scope.plan.partition_keys
        if of_run is not None and self.scope.job.partitions_def == partitions_def:
            return of_run
        return tuple(partitions_def.get_partition_keys(dynamic_partitions_store=self.scope.instance))

    def load_asset(self, key: AssetKey, annotation: Any, partitions: Sequence[str] | None) -> Any:
        """Load the value of any asset for code that asks for it by key."""
        return self._load_asset(key, InputPort(key.parts[-1], annotation=annotation), partitions)

    def _load_asset(self, key: AssetKey, port: InputPort, partitions: Sequence[str] | None) -> Any:
        if self._was_built_without_value(key, partitions):
            return None
        scope = self.scope
        definition = self._definition_of(key)
        spec = definition.specs_by_key[key] if definition is not None else None
        own_manager = definition.io_manager_key_of(key) if definition is not None else "io_manager"
        manager = port.input_manager_key or own_manager
        upstream = OutputContext(
            name="result",
            step_key=key.to_python_identifier(),
            job_name=scope.job.name,
            run_id=scope.run.run_id,
            definition_metadata=spec.metadata if spec is not None else None,
            asset_key=key,
            asset_spec=spec,
            asset_partitions_def=spec.partitions_def if spec is not None else None,
            partition_keys=partitions,
            instance=scope.instance,
            log_manager=self.attempt.log,
        )
        value = self._load(port, manager, key, partitions, upstream)
        if partitions == () and isinstance(value, dict) and not value and not _takes_mapping(port.annotation):
            return None  # nothing upstream, such as for the first partition of an asset that reads its previous one
        return value

    def _definition_of(self, key: AssetKey) -> AssetsDefinition | None:
        """Return what says how an asset is stored: what was handed to this op in its graph, or the job's assets."""
        handed = self.attempt.code.stored_assets.get(key)
        if handed is not None or self.scope.index is None:
            return handed
        return self.scope.index.definition_by_key.get(key)

    def _partitions_def_of(self, key: AssetKey) -> PartitionsDefinition[Any] | None:
        definition = self._definition_of(key)
        return definition.specs_by_key[key].partitions_def if definition is not None else None

    def _was_built_without_value(self, key: AssetKey, partitions: Sequence[str] | None) -> bool:
        """Whether what is recorded of the asset says that there is nothing to load: a materialization without a value."""
        if partitions is None:
            found = self.scope.find_materialization(key, None)
            return found is not None and not found.has_value and bool(found.step_key) and self._is_ours(key)
        if not partitions:
            return False
        first = self.scope.find_materialization(key, partitions[0])
        return first is not None and not first.has_value and bool(first.step_key) and self._is_ours(key)

    def _is_ours(self, key: AssetKey) -> bool:
        definition = self.scope.index.definition_by_key.get(key) if self.scope.index is not None else None
        return definition is not None and definition.is_materializable

    def _load(
        self,
        port: InputPort,
        manager_key: str,
        asset: AssetKey | None,
        partitions: Sequence[str] | None,
        upstream: OutputContext | None,
    ) -> Any:
        scope = self.scope
        attempt = self.attempt
        context = InputContext(
            name=port.name,
            job_name=scope.job.name,
            op_def=attempt.op,
            config=self._input_config(port) if port.input_manager_key else None,
            definition_metadata=port.metadata,
            upstream_output=upstream,
            dagster_type=port.type,
            log_manager=attempt.log,
            resource_config=scope.resources.config_of(manager_key),
            resources=attempt.resources_of_manager(manager_key),
            step_context=attempt,
            asset_key=asset,
            partition_key=attempt.run_partition,
            asset_partitions_def=self._partitions_def_of(asset) if asset is not None else None,
            instance=scope.instance,
            partition_keys=partitions,
            annotation=None if port.annotation is NO_VALUE else port.annotation,
        )
        return attempt.manager(manager_key, "load_input", port.name).load_input(context)

    def _input_config(self, port: InputPort) -> Any:
        given = self.scope.input_config((*self.attempt.code.path, port.name))
        return None if given is NO_VALUE else given
