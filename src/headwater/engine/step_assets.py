"""What one attempt of a step tells of assets: built, observed, kept as they are, or left out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.engine.reported_events import metadata_data
from headwater.engine.step_partitions import upstream_partitions
from headwater.model.data_versions import ObservedPartition
from headwater.model.errors.execution import NothingToKeep, UnknownOutput, UnusableResult
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    Event,
    InputVersion,
)
from headwater.model.keys import AssetKey
from headwater.model.metadata import normalize_metadata
from headwater.model.provenance import version_of
from headwater.model.results import DataVersion, MaterializeResult, ObserveResult, Skip, Unchanged
from headwater.plan.config_hash import config_hash_of, declared_config_hash

if TYPE_CHECKING:
    from headwater.engine.step_attempt import StepAttempt
    from headwater.model.specs import AssetDep


class StepAssets:
    """The assets of which one attempt has told so far."""

    __slots__ = ("_reading_itself", "_versions", "attempt", "settled")

    def __init__(self, attempt: StepAttempt) -> None:
        self.attempt = attempt
        self.settled: set[AssetKey] = set()
        self._versions: dict[tuple[AssetKey, str | None], tuple[InputVersion, ...]] = {}
        definition = attempt.code.assets_def
        specs = definition.specs_by_key if definition is not None else {}
        # Those of the step that read partitions of their own.
        self._reading_itself = {key for key, spec in specs.items() if any(dep.asset_key == key for dep in spec.deps)}

    # ----------------------------------------------------------------------------------------------------------- built

    def built(
        self,
        asset: AssetKey,
        partitions: Sequence[str] | None,
        metadata: Mapping[str, Any],
        version: DataVersion | None,
        stored_versions: Mapping[str | None, str],
        tags: Mapping[str, str],
        has_value: bool,
    ) -> list[AssetMaterialized]:
        """Settle an asset; return the facts that it was built, one for each partition."""
        self.settled.add(asset)
        return self.materializations(asset, partitions, metadata, version, stored_versions, tags, has_value)

    def materializations(
        self,
        asset: AssetKey,
        partitions: Sequence[str] | None,
        metadata: Mapping[str, Any],
        version: DataVersion | None,
        stored_versions: Mapping[str | None, str],
        tags: Mapping[str, str],
        has_value: bool,
    ) -> list[AssetMaterialized]:
        """Return the facts that an asset was built; its version is what was given, or else what storing it came to."""
        attempt = self.attempt
        step_scope = attempt.step_scope
        assert step_scope is not None
        definition = attempt.code.assets_def
        spec = definition.specs_by_key[asset] if definition is not None else None
        name = str(asset)
        for_all = step_scope.asset_metadata.get((asset, None))
        base = {**metadata, **normalize_metadata(for_all)} if for_all else metadata
        encoded = metadata_data(base)
        given = version.value if version is not None else step_scope.data_versions.get(asset)
        is_range = partitions is not None and len(partitions) > 1
        config_hash, declared = self._config_hash(), self._declared_config_hash()
        deps = self._deps(asset)
        inputs = () if is_range else self._input_versions(asset)
        now = time.time()

        def event_of(part: str | None, inputs: tuple[InputVersion, ...]) -> AssetMaterialized:
            own = step_scope.asset_metadata.get((asset, part)) if part is not None else None
            return AssetMaterialized(
                run_id=attempt.run_id,
                timestamp=now,
                step_key=attempt.key,
                asset=name,
                partition=part,
                metadata={**encoded, **metadata_data(normalize_metadata(own))} if own else encoded,
                tags=tags,
                data_version=given or stored_versions.get(part) or stored_versions.get(None),
                code_version=spec.code_version if spec is not None else None,
                config_hash=config_hash,
                inputs=inputs,
                has_value=has_value,
                deps=deps,
                declared_config_hash=declared,
            )

        if not is_range or partitions is None:
            return [event_of(part, inputs) for part in partitions or (None,)]
        if asset in self._reading_itself:
            # What one partition of the range was made from includes earlier ones of the same range, as they are now.
            for part in partitions:
                attempt.scope.record_built(event_of(part, ()))
        return [event_of(part, self._input_versions(asset, part)) for part in partitions]

    def note_inputs(self) -> None:
        """Note the versions of all that is depended on, before anything of it is read: what comes later was not seen."""
        code = self.attempt.code
        if code.assets_def is None or code.assets_def.is_observable:
            return
        for asset in code.selected_keys:
            partitions = self.attempt.scope.partitions_of.get(asset)
            for part in (None,) if partitions is None or len(partitions) == 1 else partitions:
                self._input_versions(asset, part)

    def _deps(self, asset: AssetKey) -> tuple[str, ...] | None:
        definition = self.attempt.code.assets_def
        if definition is None or asset not in definition.specs_by_key:
            return None
        return tuple(str(dep.asset_key) for dep in definition.specs_by_key[asset].deps)

    def _declared_config_hash(self) -> str | None:
        definition = self.attempt.code.assets_def
        return None if definition is None else declared_config_hash(definition.node_def)

    def _config_hash(self) -> str | None:
        """A name for the config that the step was given, as it was given: environment variables count by name."""
        attempt = self.attempt
        config = attempt.scope.op_config(attempt.code.path)
        return None if config is None else config_hash_of(config)

    def _input_versions(self, asset: AssetKey, part: str | None = None) -> tuple[InputVersion, ...]:
        """Return the versions of what the asset depends on, for one partition of a range when that is named.

        They are read once an attempt, since they are what was loaded.
        """
        scope, code = self.attempt.scope, self.attempt.code
        definition = code.assets_def
        if definition is None or asset not in definition.specs_by_key:
            return ()
        siblings = definition.specs_by_key.keys() & code.selected_keys if len(definition.specs_by_key) > 1 else set()
        is_of_range = part is not None and asset in self._reading_itself
        known = self._versions.get((asset, part))
        if known is None:
            found: list[InputVersion] = []
            for dep in definition.specs_by_key[asset].deps:
                if dep.asset_key == asset and is_of_range:
                    # Read now all the same, so that what lies before the range counts as it is now.
                    self._versions_of_dep(asset, dep, part)
                elif dep.asset_key not in siblings or dep.asset_key == asset:
                    found.extend(self._versions_of_dep(asset, dep, part))
            known = self._versions[(asset, part)] = tuple(found)
        if not siblings and not is_of_range:
            return known
        # What the same step builds is an input as far as it has been built by now.
        itself = [
            version
            for dep in definition.specs_by_key[asset].deps
            if dep.asset_key == asset and is_of_range
            for version in self._versions_of_dep(asset, dep, part)
        ]
        beside = [
            version
            for dep in definition.specs_by_key[asset].deps
            if dep.asset_key in siblings and dep.asset_key != asset and str(dep.asset_key) in scope.built_assets
            for version in self._versions_of_dep(asset, dep, part)
        ]
        return (*known, *itself, *beside)

    def _versions_of_dep(self, asset: AssetKey, dep: AssetDep, part: str | None) -> list[InputVersion]:
        scope, code = self.attempt.scope, self.attempt.code
        assert code.assets_def is not None
        if part is None:
            keys = upstream_partitions(scope, code, dep.asset_key)
        else:
            keys = scope.upstream_partitions_of_one(
                dep.asset_key,
                reader=asset,
                reader_def=code.assets_def.specs_by_key[asset].partitions_def,
                reader_key=part,
                mapping=dep.partition_mapping,
            )
        return scope.input_versions(dep.asset_key, keys)

    # --------------------------------------------------------------------------------------------------------- results

    def take(self, result: MaterializeResult[Any] | ObserveResult | Unchanged | Skip) -> list[Event]:
        """Record what the function said of an asset. Raises UnknownOutput, UnusableResult and NothingToKeep."""
        if isinstance(result, MaterializeResult):
            return self._materialize_result(result)
        if isinstance(result, ObserveResult):
            return self._observe_result(result)
        if isinstance(result, Unchanged):
            return self._unchanged(result)
        return self._skip(result)

    def _materialize_result(self, result: MaterializeResult[Any]) -> list[Event]:
        attempt = self.attempt
        asset = self._asset_of(result.asset_key, "MaterializeResult")
        name = self._output_of(asset)
        if name is None:
            raise UnusableResult(
                what=f'"{attempt.key}" gave "{asset}", which this run did not ask for.',
                why="It would be built although it was not selected.",
                fix="Give only what is in context.selected_asset_keys.",
            )
        events: list[Event] = []
        if result.has_value:
            port = attempt.op.outs[name]
            events.extend(
                attempt.outputs.take_value(
                    port, result.value, normalize_metadata(result.metadata), result.data_version, None, result.tags
                )
            )
        else:
            attempt.outputs.refuse_twice(name)
            metadata = attempt.with_said_metadata(normalize_metadata(result.metadata), name)
            attempt.outputs.note(name)
            partitions = attempt.scope.partitions_of.get(asset)
            events.extend(self.built(asset, partitions, metadata, result.data_version, {}, result.tags, False))
        for check in result.check_results:
            events.extend(attempt.checks.take(check, asset))
        return events

    def _observe_result(self, result: ObserveResult) -> list[Event]:
        attempt = self.attempt
        asset = self._asset_of(result.asset_key, "ObserveResult")
        name = self._output_of(asset)
        if name is not None and name not in attempt.outputs.given_names:
            attempt.outputs.note(name)
        self.settled.add(asset)
        version = result.data_version.value if result.data_version is not None else None
        now = time.time()
        parts = attempt.scope.partitions_of.get(asset) or (None,)
        if isinstance(result, ObservedPartition):
            parts = self._checked_partition(asset, result.partition_key)
        events: list[Event] = [
            AssetObserved(
                run_id=attempt.run_id,
                timestamp=now,
                step_key=attempt.key,
                asset=str(asset),
                partition=part,
                metadata=metadata_data(normalize_metadata(result.metadata)),
                tags=result.tags,
                data_version=version,
            )
            for part in parts
        ]
        for check in result.check_results:
            events.extend(attempt.checks.take(check, asset))
        return events

    def _unchanged(self, result: Unchanged) -> list[Event]:
        attempt = self.attempt
        asset = self._asset_of(result.asset_key, "Unchanged")
        partitions = attempt.scope.partitions_of.get(asset)
        spec = attempt.code.assets_def.specs_by_key[asset] if attempt.code.assets_def is not None else None
        is_range = partitions is not None and len(partitions) > 1
        events: list[Event] = []
        for part in (None,) if partitions is None else partitions:
            kept = attempt.scope.find_materialization(asset, part)
            if kept is None:
                raise NothingToKeep(str(asset), part)
            events.append(
                AssetUnchanged(
                    run_id=attempt.run_id,
                    timestamp=time.time(),
                    step_key=attempt.key,
                    asset=str(asset),
                    partition=part,
                    metadata=metadata_data(result.metadata),
                    data_version=version_of(kept),
                    code_version=spec.code_version if spec is not None else None,
                    config_hash=self._config_hash(),
                    inputs=self._input_versions(asset, part if is_range else None),
                    deps=self._deps(asset),
                    declared_config_hash=self._declared_config_hash(),
                )
            )
        name = self._output_of(asset)
        if name is not None:
            attempt.outputs.note(name)
        self.settled.add(asset)
        return events

    def _skip(self, result: Skip) -> list[Event]:
        attempt = self.attempt
        selected = attempt.code.selected_keys
        attempt.skip_reason = result.reason
        if attempt.code.assets_def is None or not selected:
            return []
        if result.asset_key is None:
            skipped = [key for key in selected if key not in self.settled]
        else:
            skipped = [self._asset_of(result.asset_key, "Skip")]
        self.settled.update(skipped)
        return [
            AssetNotMaterialized(
                run_id=attempt.run_id,
                timestamp=time.time(),
                step_key=attempt.key,
                asset=str(key),
                partitions=attempt.scope.partitions_of.get(key) or (),
                outcome="skipped",
                cause=result.reason,
            )
            for key in sorted(skipped)
        ]

    def _checked_partition(self, asset: AssetKey, partition: str) -> tuple[str, ...]:
        """Return the partition that was seen; none when the run asks for others. Raises UnknownPartitionError."""
        asked = self.attempt.scope.partitions_of.get(asset)
        if asked is not None:
            return (partition,) if partition in asked else ()
        definition = self.attempt.scope.partitions_def_of(asset)
        if definition is None:
            raise UnusableResult(
                what=f'"{self.attempt.key}" gave a data version for the partition "{partition}" of "{asset}".',
                why="The asset is not partitioned.",
                fix="Give it a partitions_def, or return DataVersion(...).",
            )
        definition.validate_partition_key(partition, None, self.attempt.scope.instance)
        return (partition,)

    def _output_of(self, asset: AssetKey) -> str | None:
        """Return the output that carries an asset in this run; None for one that the run did not ask for."""
        return next((output for output, key in self.attempt.code.asset_by_output.items() if key == asset), None)

    def _asset_of(self, given: AssetKey | None, what: str) -> AssetKey:
        attempt = self.attempt
        definition = attempt.code.assets_def
        known = list(definition.specs_by_key) if definition is not None else []
        if given is None:
            if len(known) == 1:
                return known[0]
            raise UnusableResult(
                what=f'"{attempt.key}" gave a {what} without an asset_key.',
                why=f"It builds {len(known)} assets." if known else "It builds no asset.",
                fix="Say which asset is meant: asset_key=..." if known else "Use @asset or @multi_asset.",
            )
        if given not in known:
            raise UnknownOutput(attempt.key, str(given), "asset", map(str, known))
        return given
