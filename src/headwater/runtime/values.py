"""Loading stored values outside of any run: `load_asset_value`, and a loader that keeps resources set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from headwater.authoring.definitions import Definitions
from headwater.authoring.io_contexts import InputContext, OutputContext
from headwater.authoring.resources import ResourceSession
from headwater.model.errors import CheckError, did_you_mean
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.runtime.instance import Instance

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition


def load_value(
    job: JobDefinition,
    key: AssetKey,
    *,
    instance: Instance,
    python_type: Any = None,
    partition_keys: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    resource_config: Mapping[str, Any] | None = None,
    session: ResourceSession | None = None,
) -> Any:
    """Load one stored value through its IO manager; several partitions arrive as a dict by key."""
    from headwater.io.filesystem import FilesystemIOManager

    index = job.asset_index
    manager_key = index.io_manager_key_of(key) if index is not None else "io_manager"
    spec = index.spec(key) if index is not None else None
    resources = {"io_manager": FilesystemIOManager(base_dir=instance.storage_dir), **job.resource_defs}
    own = session or ResourceSession(resources, resource_config, instance=instance)
    try:
        own.open([manager_key])
        manager = getattr(own.resources_for([manager_key]), manager_key)
        needed = own.definition_by_key[manager_key].required_resource_keys
        partitions_def = spec.partitions_def if spec is not None else None
        upstream = OutputContext(
            name="result",
            step_key=key.to_python_identifier(),
            asset_key=key,
            asset_spec=spec,
            definition_metadata=spec.metadata if spec is not None else None,
            asset_partitions_def=partitions_def,
            partition_keys=partition_keys,
            instance=instance,
        )
        context = InputContext(
            name=key.parts[-1],
            definition_metadata=metadata,
            upstream_output=upstream,
            resource_config=own.config_of(manager_key),
            resources=own.resources_for(needed) if needed else None,
            asset_key=key,
            asset_partitions_def=partitions_def,
            partition_key=partition_keys[0] if partition_keys and len(partition_keys) == 1 else None,
            partition_keys=partition_keys,
            annotation=python_type,
            instance=instance,
        )
        return manager.load_input(context)
    finally:
        if session is None:
            own.close()


def load_asset_value(
    definitions: Definitions,
    asset_key: CoercibleToAssetKey,
    python_type: Any = None,
    instance: Instance | None = None,
    partition_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    resource_config: Mapping[str, Any] | None = None,
) -> Any:
    """Load the stored value of an asset of a project, as `python_type` when that is given."""
    with AssetValueLoader(definitions, instance=instance) as loader:
        return loader.load_asset_value(
            asset_key,
            python_type=python_type,
            partition_key=partition_key,
            metadata=metadata,
            resource_config=resource_config,
        )


class AssetValueLoader:
    """Loads stored values, with resources set up once; they are torn down at the end of the with statement."""

    def __init__(self, definitions: Definitions, *, instance: Instance | None = None) -> None:
        self._definitions = definitions
        self._given = instance
        self._instance: Instance | None = instance
        self._session: ResourceSession | None = None

    def __enter__(self) -> AssetValueLoader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._session is not None:
            self._session.close()
        if self._given is None and self._instance is not None:
            self._instance.close()

    def load_asset_value(
        self,
        asset_key: CoercibleToAssetKey,
        *,
        python_type: Any = None,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        resource_config: Mapping[str, Any] | None = None,
    ) -> Any:
        """Load one stored value; all partitions as a dict by key when the asset is partitioned and none is named."""
        key = AssetKey.from_coercible(asset_key)
        index = self._definitions.index
        spec = index.spec(key)
        if spec is None:
            raise CheckError(
                what=f'There is no asset "{key}".',
                why="It is not known where its value is kept.",
                fix=did_you_mean(str(key), map(str, index.definition_by_key)) or "See `headwater asset list`.",
            )
        if self._instance is None:
            self._instance = Instance.get()
        partitions: tuple[str, ...] | None = None
        if spec.partitions_def is not None:
            if partition_key is not None:
                spec.partitions_def.validate_partition_key(partition_key, None, self._instance)
                partitions = (partition_key,)
            else:
                partitions = tuple(sorted(self._instance.get_materialized_partitions(key)))
        job = self._definitions.global_asset_job
        if self._session is None:
            from headwater.io.filesystem import FilesystemIOManager

            default = FilesystemIOManager(base_dir=self._instance.storage_dir)
            self._session = ResourceSession(
                {"io_manager": default, **job.resource_defs}, resource_config, instance=self._instance
            )
        return load_value(
            job,
            key,
            instance=self._instance,
            python_type=python_type,
            partition_keys=partitions,
            metadata=metadata,
            session=self._session,
        )
