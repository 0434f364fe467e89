"""`@asset`: a function that becomes the definition of an asset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from headwater.authoring.asset_ops import (
    asset_op,
    checked_check_specs,
    deps_with_mappings,
    loaded_inputs,
    refuse_non_function,
)
from headwater.authoring.assets import Asset
from headwater.authoring.nodes import DEFAULT_IO_MANAGER_KEY, OutputPort
from headwater.authoring.op import docstring_of, name_of, value_annotation
from headwater.authoring.ports import NO_VALUE, AssetIn
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvalidDefinitionError
from headwater.model.keys import AssetKey, CoercibleToAssetKey, CoercibleToAssetKeyPrefix, prefix_parts
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import AssetCheckSpec, AssetSpec, checked_name

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.model.partitions import PartitionsDefinition
    from headwater.model.policies import BackfillPolicy, RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")


@overload
def asset(compute_fn: Callable[P, R], /) -> Asset[P, R]: ...


@overload
def asset(
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    dagster_type: Any = NO_VALUE,
    partitions_def: PartitionsDefinition[Any] | None = None,
    op_tags: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    output_required: bool = True,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    pool: str | None = None,
    compute_kind: str | None = None,
    timeout: float | None = None,
    former_keys: Iterable[CoercibleToAssetKey] | None = None,
) -> Callable[[Callable[P, R]], Asset[P, R]]: ...


@spelling_checked
def asset(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    dagster_type: Any = NO_VALUE,
    partitions_def: PartitionsDefinition[Any] | None = None,
    op_tags: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    output_required: bool = True,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    pool: str | None = None,
    compute_kind: str | None = None,
    timeout: float | None = None,
    former_keys: Iterable[CoercibleToAssetKey] | None = None,
) -> Any:
    """Declare an asset: the function's name is its name, its parameters are the upstream assets whose values it loads.

    The function may return the value, `Output`, `MaterializeResult`, `Unchanged()`, `Skip(reason)` or None, may be a
    generator or `async`, and may yield check results and observations too. `deps` are upstream assets that are not loaded.
    `timeout` is in seconds, for each attempt. `former_keys` are what the asset was called before: what is recorded and
    stored under these becomes its own, unless another asset has the key. Raises InvalidDefinitionError for what cannot be meant.
    """

    def decorate(function: Callable[..., Any]) -> Asset[..., Any]:
        refuse_non_function(function, "@asset")
        signature = read_signature(function)
        function_name = name or name_of(function)
        if key is not None:
            if name is not None or key_prefix is not None:
                raise InvalidDefinitionError(
                    what=f'Asset "{function_name}" has a key, and a name or a key_prefix too.',
                    why="They would contradict each other.",
                    fix="Keep key=, or name= and key_prefix=.",
                )
            asset_key = AssetKey.from_coercible(key)
        else:
            asset_key = AssetKey((*prefix_parts(key_prefix), function_name))
        checked_name(asset_key.to_python_identifier(), f'asset "{asset_key}"')
        if compute_kind is not None and kinds:
            raise InvalidDefinitionError(
                what=f'Asset "{asset_key}" has both kinds and a compute_kind.',
                why="compute_kind is the older way to give one kind.",
                fix="Keep kinds=.",
            )
        if io_manager_def is not None and io_manager_key is not None:
            raise InvalidDefinitionError(
                what=f'Asset "{asset_key}" has both an io_manager_key and an io_manager_def.',
                why="A value is stored in one place.",
                fix="Keep one of them.",
            )
        io_key = io_manager_key or (
            f"{asset_key.to_python_identifier()}__io_manager" if io_manager_def is not None else None
        )
        inputs = loaded_inputs(str(asset_key), signature, ins)
        edges = {name: (in_key, asset_in.partition_mapping) for name, (in_key, asset_in) in inputs.items()}
        spec = AssetSpec(
            asset_key,
            deps=deps_with_mappings(deps, edges) if deps else (deps_with_mappings(None, edges) if edges else None),
            description=description if description is not None else docstring_of(function),
            metadata=metadata,
            skippable=not output_required,
            group_name=group_name,
            code_version=code_version,
            automation_condition=automation_condition,
            owners=owners,
            tags=tags,
            kinds=kinds or ({compute_kind} if compute_kind else None),
            partitions_def=partitions_def,
            freshness_policy=freshness_policy,
            former_keys=former_keys,
        )
        annotation = dagster_type
        if annotation is NO_VALUE and signature.kind not in ("generator", "async_generator"):
            annotation = value_annotation(signature.returns)
        port = OutputPort(
            "result",
            annotation=annotation,
            is_required=output_required,
            io_manager_key=io_key or DEFAULT_IO_MANAGER_KEY,
            metadata=metadata,
            code_version=code_version,
        )
        node = asset_op(
            function,
            asset_key.to_python_identifier(),
            signature,
            inputs,
            {"result": port},
            description=spec.description,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            op_tags=op_tags,
            code_version=code_version,
            retry_policy=retry_policy,
            pool=pool,
            timeout=timeout,
        )
        made: Asset[..., Any] = Asset(
            node_def=node,
            specs=[spec],
            keys_by_output_name={"result": asset_key},
            keys_by_input_name={name: in_key for name, (in_key, _) in inputs.items()},
            check_specs=checked_check_specs(check_specs, [asset_key]),
            resource_defs={
                **(resource_defs or {}),
                **({io_key: io_manager_def} if io_manager_def is not None and io_key else {}),
            },
            backfill_policy=backfill_policy,
            hook_defs=hooks or (),
        )
        return made

    return decorate(compute_fn) if compute_fn is not None else decorate
