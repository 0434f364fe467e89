"""What all steps of one run in one process share: resources, config, logs, and what the run has built so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.events import AssetMaterialized, AssetObserved, InputVersion, TypeCheckTold
from headwater.model.keys import AssetKey
from headwater.model.provenance import digest_of, version_of
from headwater.model.runs import AssetState, Run
from headwater.plan.job_steps import JobStep
from headwater.plan.run_config import given_input
from headwater.plan.run_plan import RunPlan

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.authoring.resources import ResourceSession
    from headwater.engine.step_logs import StepLogs
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition, PartitionsSubset

MAX_RECORDED_INPUTS = 400
MAX_LISTED_EARLIER = 12


class RunScope:
    """The surroundings of every step of one run."""

    def __init__(
        self,
        *,
        run: Run,
        plan: RunPlan,
        job: JobDefinition,
        steps: Mapping[str, JobStep],
        instance: Any,
        resources: ResourceSession,
        logs: StepLogs,
        loggers: Sequence[Any] = (),
        input_values: Mapping[str, Any] | None = None,
        op_configs: Mapping[str, Any] | None = None,
        keeps_values: bool = True,
    ) -> None:
        self.run = run
        self.plan = plan
        self.job = job
        self.steps = steps
        self.plan_steps = {step.key: step for step in plan.steps}
        self.instance = instance
        self.resources = resources
        self.logs = logs
        self.loggers = loggers
        self.input_values: Mapping[str, Any] = input_values or {}
        self.op_configs: Mapping[str, Any] = op_configs or {}
        self.keeps_values = keeps_values
        # When the time limit of the run is over, in seconds since 1970.
        self.ends_at: float | None = None
        self.index = job.asset_index
        # What steps gave, by (step, output, mapping key); kept for the result of an in-process run.
        self.values: dict[tuple[str, str, str | None], Any] = {}
        self.exceptions: dict[str, BaseException] = {}
        # What checks of types said, by (step, attempt): of (direction, input or output, mapping key).
        self.type_checks: dict[tuple[str, int], dict[tuple[str, str, str | None], TypeCheckTold]] = {}
        self.built: dict[tuple[str, str | None], AssetMaterialized] = {}
        self.built_assets: set[str] = set()
        self._recorded: dict[tuple[str, str | None], AssetMaterialized | None] = {}
        self._given: dict[tuple[str, str, str | None], bool] = {}
        self._given_under: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
        self._observed: dict[tuple[str, str | None], str] = {}
        self._upstream: dict[tuple[AssetKey, AssetKey], tuple[str, ...] | None] = {}
        self._missing: dict[tuple[AssetKey, AssetKey], Sequence[str]] = {}
        self._written_keys: dict[AssetKey, dict[int, str]] = {}
        for step, known in plan.known_outputs.items():
            if "[" not in step or step.partition("[")[0] not in plan.known_outputs:
                self.record_given(step, known.outputs)
        self.partitions_of: dict[AssetKey, tuple[str, ...] | None] = {
            asset.key: asset.partitions for step in plan.steps for asset in step.assets
        }

    # ------------------------------------------------------------------------------------------------------ partitions

    def partitions_def_of(self, key: AssetKey) -> PartitionsDefinition[Any] | None:
        spec = self.index.spec(key) if self.index is not None else None
        return spec.partitions_def if spec is not None else None

    def upstream_partitions(
        self,
        upstream: AssetKey,
        *,
        reader: AssetKey,
        reader_def: PartitionsDefinition[Any] | None,
        reader_keys: Sequence[str] | None,
        mapping: PartitionMapping | None,
        is_read: bool = False,
    ) -> tuple[str, ...] | None:
        """Return which partitions of an upstream asset a step stands on; None when the upstream is not partitioned.

        Raises MissingUpstreamPartition where `is_read` and some of them do not exist. What comes only after them runs.
        """
        known = self._upstream.get((reader, upstream), _UNKNOWN)
        if known is _UNKNOWN:
            known = self._upstream_partitions(upstream, reader, reader_def, reader_keys, mapping)
            self._upstream[(reader, upstream)] = known
        missing = self._missing.get((reader, upstream))
        if is_read and missing:
            from headwater.model.errors.execution import MissingUpstreamPartition

            raise MissingUpstreamPartition(str(reader), str(upstream), missing)
        return known  # type: ignore[no-any-return]

    def upstream_partitions_of_one(
        self,
        upstream: AssetKey,
        *,
        reader: AssetKey,
        reader_def: PartitionsDefinition[Any] | None,
        reader_key: str,
        mapping: PartitionMapping | None,
    ) -> tuple[str, ...] | None:
        """Return which partitions of an upstream asset one partition of a range stands on."""
        upstream_def = self.partitions_def_of(upstream)
        if upstream_def is not None and upstream_def == reader_def:
            from headwater.model.partitions import IdentityPartitionMapping

            if mapping is None or isinstance(mapping, IdentityPartitionMapping):
                return (reader_key,)
        return self._upstream_partitions(upstream, reader, reader_def, (reader_key,), mapping)

    def _upstream_partitions(
        self,
        upstream: AssetKey,
        reader: AssetKey,
        reader_def: PartitionsDefinition[Any] | None,
        reader_keys: Sequence[str] | None,
        mapping: PartitionMapping | None,
    ) -> tuple[str, ...] | None:
        upstream_def = self.partitions_def_of(upstream)
        if upstream_def is None:
            return None
        from headwater.model.partitions import default_partition_mapping

        downstream_def = reader_def if reader_keys is not None else None
        chosen = mapping or default_partition_mapping(upstream_def, downstream_def)
        subset = None
        if downstream_def is not None and reader_keys is not None:
            subset = downstream_def.subset_with_partition_keys(reader_keys)
        result = chosen.upstream_of(subset, upstream_def, None, self.instance, (upstream, reader))
        missing = result.required_but_nonexistent_partition_keys
        if missing:
            self._missing[(reader, upstream)] = missing
        return self._keys_of(upstream, result.partitions_subset)

    def _keys_of(self, asset: AssetKey, subset: PartitionsSubset[Any]) -> tuple[str, ...]:
        """Return the keys of a set; each is written once, as the partitions of a range need the same ones again and again."""
        from headwater.model.partitions.subset import OrdinalPartitionsSubset

        if not isinstance(subset, OrdinalPartitionsSubset):
            return tuple(subset)
        written = self._written_keys.setdefault(asset, {})
        key_at = subset.partitions_def.key_at
        for number in subset.ordinals:
            if number not in written:
                written[number] = key_at(number)
        return tuple([written[number] for number in subset.ordinals])

    # --------------------------------------------------------------------------------------------- what is known so far

    def record_built(self, event: AssetMaterialized) -> None:
        self.built[(event.asset, event.partition)] = event
        self.built_assets.add(event.asset)

    def find_materialization(self, key: AssetKey, partition: str | None) -> AssetMaterialized | None:
        """Return the materialization of an asset partition that counts now: of this run, else the recorded one."""
        name = str(key)
        built = self.built.get((name, partition))
        if built is not None:
            return built
        if (name, partition) not in self._recorded:
            self._remember(name, partition, self.instance.store.asset_state(key, partition))
        return self._recorded[(name, partition)]

    def forget_recorded(self) -> None:
        """Read anew what is recorded: other runs may have built it meanwhile."""
        self._recorded.clear()

    def record_observed(self, event: AssetObserved) -> None:
        if event.data_version is not None:
            self._observed[(event.asset, event.partition)] = event.data_version

    def _remember(self, name: str, partition: str | None, state: AssetState | None) -> None:
        materialization = state.materialization if state is not None else None
        self._recorded[(name, partition)] = materialization
        seen = state.latest_observation if state is not None else None
        if seen is not None and seen.data_version is not None and (name, partition) not in self._observed:
            made_id = state.materialization_storage_id if state is not None else None
            seen_id = state.latest_observation_storage_id if state is not None else None
            if materialization is None or (seen_id or 0) > (made_id or 0):
                self._observed[(name, partition)] = seen.data_version

    def _versions(self, name: str, found: Mapping[str | None, AssetMaterialized | None]) -> list[InputVersion]:
        """Return the version of each partition that exists: of what was built here, else as it was last seen."""
        versions: list[InputVersion] = []
        for part, materialization in found.items():
            seen = self._observed.get((name, part)) if (name, part) not in self.built else None
            if seen is not None:
                versions.append(InputVersion(name, part, seen))
            elif materialization is not None:
                versions.append(InputVersion(name, part, version_of(materialization)))
        return versions

    def find_materializations(
        self, key: AssetKey, partitions: Sequence[str]
    ) -> Mapping[str | None, AssetMaterialized | None]:
        """Return the materializations of several partitions, read in one go."""
        name = str(key)
        missing = [part for part in partitions if (name, part) not in self.built and (name, part) not in self._recorded]
        if missing:
            states = self.instance.store.partition_states(key, missing)
            for part in missing:
                self._remember(name, part, states.get(part))
        return {part: self.built.get((name, part)) or self._recorded.get((name, part)) for part in partitions}

    def input_versions(
        self, key: AssetKey, partitions: Sequence[str] | None, mapping: PartitionMapping | None = None
    ) -> list[InputVersion]:
        """Return which version of each upstream partition a step reads; many partitions are told as one digest."""
        name = str(key)
        if partitions is None:
            return self._versions(name, {None: self.find_materialization(key, None)})
        if not partitions:
            return []
        versions = self._versions(name, self.find_materializations(key, partitions))
        # Where each partition reads all before it, listing them all would cost the square of their number.
        most = MAX_LISTED_EARLIER if self._reads_all_before(key, mapping) else MAX_RECORDED_INPUTS
        if len(versions) <= most:
            return versions
        digest = digest_of({version.partition: version.data_version for version in versions})
        return [InputVersion(name, f"{partitions[0]}...{partitions[-1]}", digest)]

    def _reads_all_before(self, key: AssetKey, mapping: PartitionMapping | None) -> bool:
        """Whether partitions need all before them, in an order that every process agrees on."""
        if mapping is None:
            return False
        from headwater.model.partitions import AllEarlierPartitionMapping, has_lasting_order

        upstream_def = self.partitions_def_of(key)
        return (
            type(mapping) is AllEarlierPartitionMapping and upstream_def is not None and has_lasting_order(upstream_def)
        )

    # --------------------------------------------------------------------------------------------------------- helpers

    @property
    def given(self) -> Mapping[tuple[str, str, str | None], bool]:
        """Which outputs have come in this run, by (step, output, mapping key)."""
        return self._given

    def record_given(self, step: str, outputs: Sequence[tuple[str, str | None]]) -> None:
        for output, mapping_key in outputs:
            self._given[(step, output, mapping_key)] = True
            template = step.partition("[")[0]
            self._given_under.setdefault((template, output), []).append((step, mapping_key))

    def given_under(self, step: str, output: str) -> Sequence[tuple[str, str | None]]:
        """Return (step, mapping key) of each value of a dynamic output, or of all instances of a mapped step, in order."""
        return self._given_under.get((step, output), ())

    def input_config(self, path: tuple[str, ...]) -> Any:
        """Return what the run's config gives for an input, NO_VALUE when it gives nothing."""
        return given_input(self.run.run_config, path)

    def op_config(self, path: tuple[str, ...], default: Any = None) -> Any:
        """Return what the run's config says under `ops` for the op at this path, as it was given; else `default`."""
        return self.op_configs.get(".".join(path), default)


_UNKNOWN: Any = object()
