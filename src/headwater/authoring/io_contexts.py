"""What an IO manager is told about the value that it stores or loads.

One is made for each value in a run, so making one only keeps references: everything else is computed when it is read. A
property that the context was not given raises MissingContextValue, which says how to pass it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headwater.authoring.value_context import BuiltResources, ValueContext
from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from headwater.model.metadata import MetadataValue, RawMetadataMapping
    from headwater.model.partitions import PartitionKeyRange, PartitionsDefinition, PartitionsSubset
    from headwater.model.results import AssetMaterialization, AssetObservation
    from headwater.model.specs import AssetSpec

_NOTHING: Mapping[str, Any] = MappingProxyType({})

EPHEMERAL_RUN_ID = "__EPHEMERAL_RUN_ID"
"""The run id of a context that is built outside a run."""


class OutputContext(ValueContext):
    """What an IO manager is told about a value that it stores; through it, it tells what it did."""

    __slots__ = (
        "_asset_spec",
        "_events",
        "_run_id",
        "_step_key",
        "by_partition",
        "data_versions",
        "mapping_key",
        "output_metadata",
        "version",
    )
    _builder = "build_output_context"

    mapping_key: str | None
    """Which of the values of a dynamic output this is."""
    output_metadata: Mapping[str, Any]
    """The metadata that the code gave with the value itself, as in Output(value, metadata=...)."""
    version: str | None
    by_partition: bool
    """Whether the asset is written to make many partitions in one run, and so returns a dict by partition key."""
    data_versions: dict[str | None, str]
    """The data version that was set for each partition key; the key is None for an asset without partitions."""

    def __init__(
        self,
        step_key: str | None = None,
        name: str | None = None,
        job_name: str | None = None,
        run_id: str | None = None,
        definition_metadata: Mapping[str, Any] | None = None,
        mapping_key: str | None = None,
        config: Any = None,
        dagster_type: Any = None,
        log_manager: Any = None,
        version: str | None = None,
        resource_config: Mapping[str, Any] | None = None,
        resources: Any = None,
        step_context: Any = None,
        op_def: Any = None,
        asset_key: AssetKey | None = None,
        partition_key: str | None = None,
        output_metadata: Mapping[str, Any] | None = None,
        asset_partitions_def: PartitionsDefinition[Any] | None = None,
        asset_partitions_subset: PartitionsSubset[Any] | None = None,
        asset_spec: AssetSpec | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        partition_keys: Sequence[str] | None = None,
        annotation: Any = None,
        instance: Any = None,
        by_partition: bool = False,
    ) -> None:
        """Keep what is given. `partition_keys` are the asset's partitions, None when it is not partitioned; without
        them `asset_partitions_subset` says which, and without that, outside of a run, `partition_key`."""
        is_by_hand = step_context is None
        if is_by_hand and partition_keys is None and partition_key is not None and asset_partitions_subset is None:
            partition_keys = (partition_key,)
        self._step_key = step_key
        self._name = name
        self._job_name = job_name
        self._run_id = run_id
        self.definition_metadata = definition_metadata or metadata or _NOTHING
        self.mapping_key = mapping_key
        self.config = config
        self._dagster_type = dagster_type
        self._log = log_manager
        self.version = version
        self.resource_config = resource_config
        self._resources = resources
        self._step_context = step_context
        self._op_def = op_def
        self._asset_key = asset_key
        self._run_partition_key = partition_key
        self.output_metadata = output_metadata or _NOTHING
        self._asset_partitions_def = asset_partitions_def
        self._asset_partitions_subset = asset_partitions_subset
        self._asset_spec = asset_spec
        self._partition_keys = partition_keys
        self.annotation = annotation
        self._instance = instance
        self._exit = None
        self.by_partition = by_partition
        self._events: list[AssetMaterialization | AssetObservation] = []
        self._logged_metadata = {}
        self.data_versions = {}

    def __repr__(self) -> str:
        return f"OutputContext({self._asset_key or self._name or ''})"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata that was declared on the output."""
        return self.definition_metadata

    @property
    def step_key(self) -> str:
        """The step that made the value."""
        if self._step_key is None:
            raise self._missing("step_key")
        return self._step_key

    @property
    def run_id(self) -> str:
        """The run that made the value."""
        if self._run_id is None:
            raise self._missing("run_id")
        return self._run_id

    @property
    def asset_spec(self) -> AssetSpec:
        """What was declared of the asset."""
        if self._asset_spec is None:
            raise self._missing("asset_spec")
        return self._asset_spec

    def get_run_scoped_output_identifier(self) -> Sequence[str]:
        """Return run, step and output name, and the mapping key of a dynamic output: unique to this value."""
        parts = [self.run_id, self.step_key, self.name]
        if self.mapping_key is not None:
            parts.append(self.mapping_key)
        return parts

    def get_identifier(self) -> Sequence[str]:
        """Return run, step and output name, and the mapping key of a dynamic output: unique to this value."""
        return self.get_run_scoped_output_identifier()

    # -- what the IO manager says --------------------------------------------------------------------------------

    def add_output_metadata(self, metadata: RawMetadataMapping) -> None:
        """Record metadata with the materialization. A key that was recorded before takes the new value."""
        from headwater.model.metadata import normalize_metadata

        self._logged_metadata.update(normalize_metadata(metadata))

    def set_data_version(self, version: str, partition_key: str | None = None) -> None:
        """Record what identifies the content that was stored, for the partition if the asset has several here.

        Two values with the same version are taken to be the same data: assets downstream are then not stale.
        """
        if partition_key is None and self._partition_keys is not None and len(self._partition_keys) == 1:
            partition_key = self._partition_keys[0]
        self.data_versions[partition_key] = version

    @property
    def data_version(self) -> str | None:
        """The one data version that was set; None when none was, or one for each of several partitions."""
        return next(iter(self.data_versions.values())) if len(self.data_versions) == 1 else None

    def log_event(self, event: AssetMaterialization | AssetObservation) -> None:
        """Record a materialization or an observation of some asset, beside the one of the value itself."""
        from headwater.model.results import AssetMaterialization, AssetObservation

        if not isinstance(event, (AssetMaterialization, AssetObservation)):
            raise CheckError(
                what=f"log_event was given {kind_of(event)}.",
                why="It records materializations and observations.",
                fix="Pass AssetMaterialization(...) or AssetObservation(...).",
            )
        self._events.append(event)

    def get_logged_events(self) -> Sequence[AssetMaterialization | AssetObservation]:
        """Return what was recorded with log_event, oldest first."""
        return list(self._events)

    def consume_events(self) -> Sequence[AssetMaterialization | AssetObservation]:
        """Return what was recorded with log_event since this was last called."""
        events, self._events = self._events, []
        return events

    def get_logged_metadata(self) -> Mapping[str, MetadataValue]:
        """Return what was recorded with add_output_metadata."""
        return dict(self._logged_metadata)

    def consume_logged_metadata(self) -> Mapping[str, MetadataValue]:
        """Return what was recorded with add_output_metadata since this was last called."""
        recorded, self._logged_metadata = self._logged_metadata, {}
        return recorded


class InputContext(ValueContext):
    """What an IO manager is told about a value that it loads."""

    __slots__ = ("_observations", "_upstream_output")
    _builder = "build_input_context"

    def __init__(
        self,
        *,
        name: str | None = None,
        job_name: str | None = None,
        op_def: Any = None,
        config: Any = None,
        definition_metadata: Mapping[str, Any] | None = None,
        upstream_output: OutputContext | None = None,
        dagster_type: Any = None,
        log_manager: Any = None,
        resource_config: Mapping[str, Any] | None = None,
        resources: Any = None,
        step_context: Any = None,
        asset_key: AssetKey | None = None,
        partition_key: str | None = None,
        asset_partitions_subset: PartitionsSubset[Any] | None = None,
        asset_partitions_def: PartitionsDefinition[Any] | None = None,
        instance: Any = None,
        metadata: Mapping[str, Any] | None = None,
        partition_keys: Sequence[str] | None = None,
        annotation: Any = None,
    ) -> None:
        """Keep what is given. `partition_keys` are the partitions of the upstream asset that are to be loaded, None
        when it is not partitioned; `partition_key` is the one of the run."""
        self._name = name
        self._job_name = job_name
        self._op_def = op_def
        self.config = config
        self.definition_metadata = definition_metadata or metadata or _NOTHING
        self._upstream_output = upstream_output
        self._dagster_type = dagster_type
        self._log = log_manager
        self.resource_config = resource_config
        self._resources = resources
        self._step_context = step_context
        self._asset_key = asset_key
        self._run_partition_key = partition_key
        self._asset_partitions_subset = asset_partitions_subset
        self._asset_partitions_def = asset_partitions_def
        self._instance = instance
        self._partition_keys = partition_keys
        self.annotation = annotation
        self._exit = None
        self._observations: list[AssetObservation] = []
        self._logged_metadata = {}

    def __repr__(self) -> str:
        return f"InputContext({self._name or self._asset_key or ''})"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata that was declared on the parameter."""
        return self.definition_metadata

    @property
    def has_input_name(self) -> bool:
        """Whether there is a parameter that asks; there is none when a value is loaded by hand."""
        return self._name is not None

    @property
    def upstream_output(self) -> OutputContext | None:
        """What is known of the output whose value is loaded; None when nothing is."""
        return self._upstream_output

    def get_identifier(self) -> Sequence[str]:
        """Return the parts that name the value in storage: those of the upstream output, else of the asset."""
        if self._upstream_output is not None:
            return self._upstream_output.get_identifier()
        if self._asset_key is not None:
            return self.get_asset_identifier()
        raise self._missing("upstream_output")

    def add_input_metadata(self, metadata: RawMetadataMapping, description: str | None = None) -> None:
        """Record metadata about what was read, as an observation of the asset if it is one."""
        from headwater.model.metadata import normalize_metadata

        self._logged_metadata.update(normalize_metadata(metadata))
        if self._asset_key is None:
            return
        from headwater.model.results import AssetObservation

        partitions: Sequence[str | None] = self.asset_partition_keys if self.has_asset_partitions else (None,)
        for partition in partitions:
            self._observations.append(
                AssetObservation(
                    asset_key=self._asset_key, description=description, metadata=dict(metadata), partition=partition
                )
            )

    def get_observations(self) -> Sequence[AssetObservation]:
        """Return the observations made with add_input_metadata, oldest first."""
        return list(self._observations)

    def consume_events(self) -> Sequence[AssetObservation]:
        """Return the observations made since this was last called."""
        observations, self._observations = self._observations, []
        return observations

    def consume_logged_metadata(self) -> Mapping[str, MetadataValue]:
        """Return what was recorded with add_input_metadata since this was last called."""
        recorded, self._logged_metadata = self._logged_metadata, {}
        return recorded


def build_output_context(
    step_key: str | None = None,
    name: str | None = None,
    definition_metadata: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    mapping_key: str | None = None,
    config: Any = None,
    dagster_type: Any = None,
    version: str | None = None,
    resource_config: Mapping[str, Any] | None = None,
    resources: Any = None,
    op_def: Any = None,
    asset_key: CoercibleToAssetKey | None = None,
    partition_key: str | None = None,
    asset_partitions_def: PartitionsDefinition[Any] | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    instance: Any = None,
    asset_spec: AssetSpec | None = None,
    metadata: Mapping[str, Any] | None = None,
    output_metadata: Mapping[str, Any] | None = None,
    *,
    annotation: Any = None,
    job_name: str | None = None,
) -> OutputContext:
    """Return a context with which a test can call `handle_output`.

    `partition_key` or `asset_partition_key_range` (with `asset_partitions_def`) say which partitions are stored. With
    resources that are set up and torn down, use it as a context manager.
    """
    built, exit_ = _built_resources(resources)
    if asset_key is None and asset_spec is not None:
        asset_key = asset_spec.key
    context = OutputContext(
        step_key=step_key,
        name=name,
        job_name=job_name,
        run_id=run_id if run_id is not None else EPHEMERAL_RUN_ID,
        definition_metadata=definition_metadata,
        mapping_key=mapping_key,
        config=config,
        dagster_type=dagster_type,
        version=version,
        resource_config=resource_config,
        resources=built,
        op_def=op_def,
        asset_key=None if asset_key is None else AssetKey.from_coercible(asset_key),
        partition_key=partition_key,
        output_metadata=output_metadata,
        asset_partitions_def=asset_partitions_def,
        asset_spec=asset_spec,
        metadata=metadata,
        partition_keys=_partition_keys(partition_key, asset_partitions_def, asset_partition_key_range, instance),
        annotation=annotation,
        instance=instance,
    )
    context._exit = exit_
    return context


def build_input_context(
    name: str | None = None,
    config: Any = None,
    definition_metadata: Mapping[str, Any] | None = None,
    upstream_output: OutputContext | None = None,
    dagster_type: Any = None,
    resource_config: Mapping[str, Any] | None = None,
    resources: Any = None,
    op_def: Any = None,
    step_context: Any = None,
    asset_key: CoercibleToAssetKey | None = None,
    partition_key: str | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    asset_partitions_def: PartitionsDefinition[Any] | None = None,
    instance: Any = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    annotation: Any = None,
    job_name: str | None = None,
) -> InputContext:
    """Return a context with which a test can call `load_input`.

    `partition_key` or `asset_partition_key_range` (with `asset_partitions_def`) say which partitions are loaded;
    `annotation` is the type as which the value is asked for.
    """
    built, exit_ = _built_resources(resources)
    context = InputContext(
        name=name,
        job_name=job_name,
        op_def=op_def,
        config=config,
        definition_metadata=definition_metadata,
        upstream_output=upstream_output,
        dagster_type=dagster_type,
        resource_config=resource_config,
        resources=built,
        step_context=step_context,
        asset_key=None if asset_key is None else AssetKey.from_coercible(asset_key),
        partition_key=partition_key,
        asset_partitions_def=asset_partitions_def,
        instance=instance,
        metadata=metadata,
        partition_keys=_partition_keys(partition_key, asset_partitions_def, asset_partition_key_range, instance),
        annotation=annotation,
    )
    context._exit = exit_
    return context


def _partition_keys(
    partition_key: str | None,
    definition: PartitionsDefinition[Any] | None,
    key_range: PartitionKeyRange | None,
    instance: Any,
) -> Sequence[str] | None:
    if key_range is not None:
        if partition_key is not None:
            raise CheckError(
                what="Both partition_key and asset_partition_key_range were given.",
                why="They would say twice, and differently, which partitions are meant.",
                fix="Give one of them.",
            )
        if definition is None:
            raise CheckError(
                what="asset_partition_key_range was given without asset_partitions_def.",
                why="Only the definition knows which keys lie in between.",
                fix="Pass asset_partitions_def=... too.",
            )
        return tuple(definition.get_partition_keys_in_range(key_range, dynamic_partitions_store=instance))
    return None if partition_key is None else (partition_key,)


def _built_resources(resources: Any) -> tuple[Any, Any]:
    """Return resources ready for use, and what to exit when they are done with (None for plain values)."""
    if not isinstance(resources, Mapping):
        return resources, None
    if not any(_needs_setup(resource) for resource in resources.values()):
        return BuiltResources(resources), None
    from headwater.authoring.resources import build_resources

    opened = build_resources(dict(resources))
    return opened.__enter__(), opened


def _needs_setup(resource: Any) -> bool:
    from headwater.authoring.resources.definition import ResourceDefinition

    if isinstance(resource, ResourceDefinition):
        return True
    return any(hasattr(type(resource), name) for name in ("setup_for_execution", "get_resource_definition"))
