"""Contexts for direct calls: `build_op_context`, `build_asset_context`, `build_asset_check_context`, `build_hook_context`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.authoring.contexts import AssetCheckExecutionContext, AssetExecutionContext, OpExecutionContext
from headwater.authoring.hook_context import HookContext
from headwater.authoring.resources import ResourceSession
from headwater.authoring.step_scope import PARTITION_TAG, StepScope
from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of
from headwater.model.runs import Run, RunStatus

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionKeyRange, PartitionsDefinition

C = TypeVar("C", bound=OpExecutionContext)


class _Direct:
    """What contexts for direct calls add: they hold resources, and give back what the function said."""

    __slots__ = ()

    _scope: StepScope
    _session: ResourceSession

    def __enter__(self: Any) -> Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Tear the resources down."""
        for session in (*reversed(self._scope.own_sessions), self._session):
            session.close()

    def get_events(self) -> Sequence[Any]:
        """Return what was recorded with log_event."""
        return list(self._scope.logged_events)

    consume_events = get_events


class DirectOpContext(_Direct, OpExecutionContext):
    """A context for calling an op directly."""

    __slots__ = ("_session",)

    def __init__(self, scope: StepScope, session: ResourceSession) -> None:
        super().__init__(scope)
        self._session = session


class DirectAssetContext(_Direct, AssetExecutionContext):
    """A context for calling an asset directly."""

    __slots__ = ("_session",)

    def __init__(self, scope: StepScope, session: ResourceSession) -> None:
        super().__init__(scope)
        self._session = session


class DirectCheckContext(_Direct, AssetCheckExecutionContext):
    """A context for calling an asset check directly."""

    __slots__ = ("_session",)

    def __init__(self, scope: StepScope, session: ResourceSession) -> None:
        super().__init__(scope)
        self._session = session


def _scope(
    resources: Mapping[str, Any] | None,
    op_config: Any,
    instance: Any,
    partition_key: str | None,
    partition_key_range: PartitionKeyRange | None,
    partitions_def: PartitionsDefinition[Any] | None,
    run_tags: Mapping[str, str] | None,
    mapping_key: str | None,
    resources_config: Mapping[str, Any] | None,
    retry_number: int = 0,
) -> tuple[StepScope, ResourceSession]:
    if partition_key is not None and partition_key_range is not None:
        raise CheckError(
            what=f'A context was given the partition key "{partition_key}" and a range of keys.',
            why="It is about one partition or about several.",
            fix="Give one of partition_key=... and partition_key_range=....",
        )
    if partition_key is not None and not isinstance(partition_key, str):
        raise CheckError(
            what=f"A context was given {partition_key!r} as its partition_key.",
            why=f"A key is text, and this is {kind_of(partition_key)}.",
            fix=f'Write it as text: partition_key="{partition_key}".',
        )
    session = ResourceSession(resources or {}, resources_config, instance=instance)
    session.open(resources or {})
    keys: tuple[str, ...] | None = None
    if partition_key is not None:
        keys = (partition_key,)
        if partitions_def is not None:
            partitions_def.validate_partition_key(partition_key, None, instance)
    elif partition_key_range is not None:
        if partitions_def is None:
            keys = tuple(dict.fromkeys((partition_key_range.start, partition_key_range.end)))
        else:
            keys = tuple(partitions_def.get_partition_keys_in_range(partition_key_range, None, instance))
    tags = dict(run_tags or {})
    if partition_key is not None:
        tags.setdefault(PARTITION_TAG, partition_key)
    scope = StepScope(
        run=Run("EPHEMERAL", "ephemeral", RunStatus.STARTED, tags=tags),
        instance=instance,
        resources=session.resources_for(resources or {}),
        op_config=op_config,
        attempt=retry_number + 1,
        mapping_key=mapping_key,
        partitions_def=partitions_def,
        run_partition_keys=keys,
        is_bound=False,
    )
    return scope, session


def build_op_context(
    resources: Mapping[str, Any] | None = None,
    op_config: Any = None,
    resources_config: Mapping[str, Any] | None = None,
    instance: Any = None,
    config: Any = None,
    partition_key: str | None = None,
    partition_key_range: PartitionKeyRange | None = None,
    mapping_key: str | None = None,
    run_tags: Mapping[str, str] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    retry_number: int = 0,
) -> DirectOpContext:
    """Return a context with which an op can be called directly. Resources are set up at once; `with` tears them down."""
    scope, session = _scope(
        resources,
        op_config if op_config is not None else config,
        instance,
        partition_key,
        partition_key_range,
        partitions_def,
        run_tags,
        mapping_key,
        resources_config,
        retry_number,
    )
    return DirectOpContext(scope, session)


def build_asset_context(
    resources: Mapping[str, Any] | None = None,
    resources_config: Mapping[str, Any] | None = None,
    asset_config: Any = None,
    instance: Any = None,
    partition_key: str | None = None,
    partition_key_range: PartitionKeyRange | None = None,
    run_tags: Mapping[str, str] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    retry_number: int = 0,
) -> DirectAssetContext:
    """Return a context with which an asset can be called directly. Resources are set up at once; `with` tears them down."""
    scope, session = _scope(
        resources,
        asset_config,
        instance,
        partition_key,
        partition_key_range,
        partitions_def,
        run_tags,
        None,
        resources_config,
        retry_number,
    )
    return DirectAssetContext(scope, session)


def build_asset_check_context(
    resources: Mapping[str, Any] | None = None,
    resources_config: Mapping[str, Any] | None = None,
    asset_config: Any = None,
    instance: Any = None,
    partition_key: str | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
) -> DirectCheckContext:
    """Return a context with which an asset check can be called directly."""
    scope, session = _scope(
        resources, asset_config, instance, partition_key, None, partitions_def, None, None, resources_config
    )
    return DirectCheckContext(scope, session)


def build_hook_context(
    resources: Mapping[str, Any] | None = None,
    op: Any = None,
    run_id: str | None = None,
    job_name: str | None = None,
    op_exception: BaseException | None = None,
    instance: Any = None,
) -> HookContext:
    """Return a context with which a hook can be called directly."""
    session = ResourceSession(resources or {}, instance=instance)
    session.open(resources or {})
    scope = StepScope(
        run=Run(run_id or "EPHEMERAL", job_name or "ephemeral", RunStatus.STARTED),
        instance=instance,
        op_def=getattr(op, "definition", op),
        step_key=str(getattr(op, "name", None) or getattr(getattr(op, "definition", None), "name", "")),
        is_bound=False,
    )
    return HookContext(scope, exception=op_exception, resources=session.resources_for(resources or {}))
