"""What one attempt of a step gives as values: checked against their types, stored, and told as events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headwater.authoring.io_contexts import OutputContext
from headwater.authoring.nodes import OutputPort
from headwater.authoring.ports import NO_VALUE
from headwater.engine.reported_events import metadata_data, reported_events
from headwater.model.errors.execution import StepOutputNotFoundError, UnknownOutput, UnusableResult
from headwater.model.errors.store import EventTooLarge
from headwater.model.events import AssetMaterialized, Event, OutputProduced, OutputRef, TypeCheckTold
from headwater.model.keys import AssetKey
from headwater.model.results import AssetMaterialization, DataVersion, DynamicOutput, Output, checked_mapping_keys
from headwater.store.size_limit import body_within_limit

if TYPE_CHECKING:
    from headwater.engine.step_attempt import StepAttempt


class StepOutputs:
    """The outputs that one attempt has given so far."""

    __slots__ = ("_given_keys", "_storing", "_untold", "attempt", "given", "given_names", "values_for_hooks")

    def __init__(self, attempt: StepAttempt) -> None:
        self.attempt = attempt
        self.given: list[OutputRef] = []
        self.given_names: set[str] = set()
        self.values_for_hooks: dict[str, Any] = {}
        self._given_keys: set[tuple[str, str]] = set()
        # What is on the disk and not yet told: an attempt that is broken off tells of it, or the record would be older.
        self._storing: tuple[AssetKey, OutputContext] | None = None
        self._untold: list[AssetMaterialized] = []

    def note(self, name: str, mapping_key: str | None = None) -> None:
        """Note that an output has come."""
        self.given.append(OutputRef(name, mapping_key))
        self.given_names.add(name)

    def refuse_twice(self, name: str) -> None:
        """Raise UnusableResult if an output that has one value has come before."""
        if name not in self.given_names:
            return
        asset = self.attempt.code.asset_by_output.get(name)
        if asset is not None:
            raise UnusableResult(
                what=f'"{self.attempt.key}" gave "{asset}" twice.',
                why="An asset is built once in a run.",
                fix="Give it once.",
            )
        raise UnusableResult(
            what=f'"{self.attempt.key}" gave its output "{name}" twice.',
            why="An output has one value in a run.",
            fix="Give it once, or declare it with DynamicOut().",
        )

    def take(self, item: Output[Any] | DynamicOutput[Any]) -> list[Event]:
        """Store and record the value of an output by its name. Raises UnknownOutput and UnusableResult."""
        attempt = self.attempt
        port = attempt.op.outs.get(item.output_name)
        if port is None:
            raise UnknownOutput(attempt.key, item.output_name, "output", attempt.op.outs)
        if isinstance(item, DynamicOutput):
            return self.take_value(port, item.value, item.metadata, None, item.mapping_key, {})
        if port.is_dynamic:
            raise UnusableResult(
                what=f'"{attempt.key}" gave an Output for its dynamic output "{item.output_name}".',
                why="Each value needs a mapping key.",
                fix="Give DynamicOutput(value, mapping_key=...).",
            )
        return self.take_value(port, item.value, item.metadata, item.data_version, None, item.tags)

    def take_value(
        self,
        port: OutputPort,
        value: Any,
        metadata: Mapping[str, Any],
        version: DataVersion | None,
        mapping_key: str | None,
        tags: Mapping[str, str],
    ) -> list[Event]:
        """Store and record a value of an output."""
        attempt = self.attempt
        name = port.name
        asset = attempt.code.asset_by_output.get(name)
        if asset is None:
            self._refuse_unselected(name)
        if mapping_key is None:
            self.refuse_twice(name)
        else:
            if (name, mapping_key) in self._given_keys:
                checked_mapping_keys([mapping_key, mapping_key], name)
            self._given_keys.add((name, mapping_key))
        partitions = attempt.scope.partitions_of.get(asset) if asset is not None else None
        has_value = not (value is None and port.is_nothing)
        context: OutputContext | None = None
        all_metadata = attempt.with_said_metadata(metadata, name, mapping_key)
        type_check: TypeCheckTold | None = None
        if has_value:
            type_check = self._check_type(port, value, asset, partitions, mapping_key)
            if all_metadata and asset is not None:
                # What could not be recorded is refused before the value takes the place of the one before.
                encoded = metadata_data(all_metadata)
                body_within_limit(AssetMaterialized(run_id=attempt.run_id, asset=str(asset), metadata=encoded))
            context = self._stored(port, value, asset, partitions, metadata, mapping_key)
        events: list[Event] = []
        if context is not None:
            all_metadata = {**all_metadata, **context.consume_logged_metadata()}
            events.extend(
                event
                for item in context.consume_events()
                for event in reported_events(item, attempt.run_id, attempt.key, attempt.log)
            )
        self.note(name, mapping_key)
        if attempt.scope.keeps_values:
            attempt.scope.values[(attempt.key, name, mapping_key)] = value
        if attempt.code.hooks:
            if mapping_key is None:
                self.values_for_hooks[name] = value
            else:
                self.values_for_hooks.setdefault(name, {})[mapping_key] = value
        if asset is None:
            events.append(
                OutputProduced(
                    run_id=attempt.run_id,
                    timestamp=time.time(),
                    step_key=attempt.key,
                    output=name,
                    mapping_key=mapping_key,
                    metadata=metadata_data(all_metadata),
                    type_check=type_check,
                )
            )
        else:
            versions = context.data_versions if context is not None else {}
            made = attempt.assets.built(asset, partitions, all_metadata, version, versions, tags, has_value)
            self._untold.extend(made)
            self._storing = None
            events.extend(made)
        return events

    def told(self) -> None:
        """Note that what is stored has been told."""
        self._untold.clear()

    def stored_and_untold(self) -> list[Event]:
        """Return the materializations of values that are stored although what came after storing them went wrong."""
        attempt = self.attempt
        untold, self._untold = self._untold, []
        if self._storing is not None:
            asset, context = self._storing
            self._storing = None
            told = [DataVersion(version) for version in context.data_versions.values()]
            partitions = attempt.scope.partitions_of.get(asset)
            for part, version in zip(context.data_versions, told, strict=True):
                if partitions is None or part is not None:
                    parts = None if part is None else (part,)
                    untold += attempt.assets.materializations(asset, parts, {}, version, {}, {}, has_value=True)
        events: list[Event] = []
        for event in untold:
            try:
                body_within_limit(event)
            except EventTooLarge:
                event = replace(event, metadata={})
            attempt.scope.record_built(event)
            events.append(event)
        return events

    def missing(self) -> list[Event]:
        """Give the outputs that carry no value and were not given; raise for a required one that is missing."""
        attempt = self.attempt
        code = attempt.code
        definition = code.assets_def
        if definition is not None and (not definition.specs_by_key or definition.is_observable):
            return []
        events: list[Event] = []
        for name, port in attempt.op.outs.items():
            asset = code.asset_by_output.get(name)
            if name in self.given_names or port.is_dynamic or not port.is_required:
                continue
            if asset is None and definition is not None and name in definition.keys_by_output_name:
                continue
            if asset is not None and asset in attempt.assets.settled:
                continue
            if port.is_by_spec and definition is not None and definition.can_subset:
                continue  # what may be built in parts is built as far as it was told
            if port.is_nothing or (asset is not None and port.is_by_spec):
                events.extend(self._without_value(port, asset))
            else:
                is_multi = definition is not None and len(definition.specs_by_key) > 1
                kind = "Multi-asset" if is_multi else "Asset" if asset is not None else "Op"
                owner = attempt.key if asset is None or is_multi else str(asset)
                raise StepOutputNotFoundError(owner, name, kind)
        return events

    def _without_value(self, port: OutputPort, asset: AssetKey | None) -> list[Event]:
        attempt = self.attempt
        self.note(port.name)
        if attempt.scope.keeps_values:
            attempt.scope.values[(attempt.key, port.name, None)] = None
        if asset is None:
            now = time.time()
            return [OutputProduced(run_id=attempt.run_id, timestamp=now, step_key=attempt.key, output=port.name)]
        metadata = attempt.with_said_metadata({}, port.name)
        partitions = attempt.scope.partitions_of.get(asset)
        return list(attempt.assets.built(asset, partitions, metadata, None, {}, {}, False))

    def _refuse_unselected(self, name: str) -> None:
        definition = self.attempt.code.assets_def
        if (
            definition is not None
            and name in definition.keys_by_output_name
            and isinstance(self.attempt.op, type(definition.node_def))
        ):
            raise UnusableResult(
                what=f'"{self.attempt.key}" gave "{definition.keys_by_output_name[name]}", which this run did not ask '
                "for.",
                why="It would be built although it was not selected.",
                fix="Give only what is in context.selected_output_names.",
            )

    def _check_type(
        self,
        port: OutputPort,
        value: Any,
        asset: AssetKey | None,
        partitions: Sequence[str] | None,
        mapping_key: str | None,
    ) -> TypeCheckTold | None:
        declared = port.type
        if declared.is_any:
            return None
        owner = f'asset "{asset}"' if asset is not None else f'op "{self.attempt.key}"'
        context = self.attempt.context_of_check(declared)
        if (
            partitions is not None
            and len(partitions) != 1
            and isinstance(value, Mapping)
            and set(value) <= set(partitions)
        ):
            # Several partitions in one run: each of them has the declared type.
            if declared.type_check(value, context=context).success:
                return None
            for part in value.values():
                self.attempt.require_type(
                    declared, part, owner=owner, direction="output", name=port.name, context=context
                )
            return None
        return self.attempt.require_type(
            declared,
            value,
            owner=owner,
            direction="output",
            name=port.name,
            context=context,
            mapping_key=mapping_key,
        )

    def _stored(
        self,
        port: OutputPort,
        value: Any,
        asset: AssetKey | None,
        partitions: Sequence[str] | None,
        metadata: Mapping[str, Any],
        mapping_key: str | None,
    ) -> OutputContext:
        attempt = self.attempt
        scope = attempt.scope
        definition = attempt.code.assets_def
        manager_key = port.io_manager_key
        if asset is not None and definition is not None:
            manager_key = definition.io_manager_key_of(asset)
        spec = definition.specs_by_key[asset] if asset is not None and definition is not None else None
        run_keys = scope.plan.partition_keys
        context = OutputContext(
            step_key=attempt.key,
            name=port.name,
            job_name=scope.job.name,
            run_id=attempt.run_id,
            definition_metadata=spec.metadata if spec is not None and spec.metadata else port.metadata,
            mapping_key=mapping_key,
            dagster_type=port.type,
            log_manager=attempt.log,
            version=port.code_version,
            resource_config=scope.resources.config_of(manager_key),
            resources=attempt.resources_of_manager(manager_key),
            step_context=attempt,
            op_def=attempt.op,
            asset_key=asset,
            partition_key=attempt.run_partition,
            output_metadata=metadata,
            asset_partitions_def=spec.partitions_def if spec is not None else None,
            asset_spec=spec,
            partition_keys=partitions,
            annotation=None if port.annotation is NO_VALUE else port.annotation,
            instance=scope.instance,
            by_partition=partitions is not None and run_keys is not None and len(run_keys) > 1,
        )
        manager = attempt.manager(manager_key, "handle_output", port.name)
        if asset is not None:
            self._storing = asset, context
        try:
            handled = manager.handle_output(context, value)
            if isinstance(handled, GeneratorType):
                for item in handled:  # an IO manager may be a generator of events and metadata
                    if isinstance(item, AssetMaterialization):
                        context.log_event(item)
                    elif isinstance(item, Mapping):
                        context.add_output_metadata(item)
        except Exception:
            attempt.storing_output = port.name
            raise
        return context
