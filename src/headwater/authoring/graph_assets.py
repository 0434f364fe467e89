"""`@graph_asset` and `@graph_multi_asset`: assets that several ops build together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from headwater.authoring.asset_ops import PLAIN_IN, checked_check_specs, deps_with_mappings, refuse_repeated_keys
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.graph_definition import graph_of_function
from headwater.authoring.nodes import NodeDefinition
from headwater.authoring.op import name_of
from headwater.authoring.ports import AssetIn, AssetOut
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.keys import AssetKey, CoercibleToAssetKey, CoercibleToAssetKeyPrefix, prefix_parts
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import AssetCheckSpec

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition
    from headwater.model.policies import BackfillPolicy

P = ParamSpec("P")
R = TypeVar("R")


@overload
def graph_asset(compose_fn: Callable[..., Any], /) -> AssetsDefinition: ...


@overload
def graph_asset(
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    config: Any = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    group_name: str | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    code_version: str | None = None,
    key: CoercibleToAssetKey | None = None,
) -> Callable[[Callable[..., Any]], AssetsDefinition]: ...


@spelling_checked
def graph_asset(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    config: Any = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    group_name: str | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    kinds: Iterable[str] | None = None,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    code_version: str | None = None,
    key: CoercibleToAssetKey | None = None,
) -> Any:
    """Declare an asset that several ops build together: the body calls them and returns the last one's output."""

    def decorate(function: Callable[..., Any]) -> AssetsDefinition:
        asset_key = (
            AssetKey.from_coercible(key)
            if key is not None
            else AssetKey((*prefix_parts(key_prefix), name or name_of(function)))
        )
        node = graph_of_function(
            function,
            asset_key.to_python_identifier(),
            kind="graph asset",
            description=description,
            output_names=["result"],
            config=config,
        )
        if len(node.outs) != 1:
            raise InvalidDefinitionError(
                what=f'Graph asset "{asset_key}" returns {len(node.outs)} outputs.',
                why="One asset is one output.",
                fix="Return one output, or use @graph_multi_asset.",
            )
        (output,) = node.outs
        return _graph_assets(
            node,
            ins,
            {
                output: AssetOut(
                    key=asset_key,
                    description=node.description,
                    metadata=metadata,
                    group_name=group_name,
                    code_version=code_version,
                    automation_condition=automation_condition,
                    freshness_policy=freshness_policy,
                    owners=owners,
                    tags=tags,
                    kinds=kinds,
                )
            },
            partitions_def=partitions_def,
            group_name=group_name,
            code_version=code_version,
            check_specs=check_specs,
            resource_defs=resource_defs,
            backfill_policy=backfill_policy,
            hooks=hooks,
        )

    return decorate(compose_fn) if compose_fn is not None else decorate


@spelling_checked
def graph_multi_asset(
    *,
    outs: Mapping[str, AssetOut],
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    group_name: str | None = None,
    can_subset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    config: Any = None,
) -> Callable[[Callable[..., Any]], AssetsDefinition]:
    """Declare several assets that several ops build together: the body returns a dict of output name to output."""

    def decorate(function: Callable[..., Any]) -> AssetsDefinition:
        node = graph_of_function(function, name, kind="graph asset", output_names=list(outs), config=config)
        missing = [output for output in outs if output not in node.outs]
        if missing:
            raise InvalidDefinitionError(
                what=f'Graph multi-asset "{node.name}" does not return "{missing[0]}", which outs= names.',
                why="That asset would never be built.",
                fix=f"{did_you_mean(missing[0], node.outs)}Return a dict with {', '.join(outs)}.",
            )
        surplus = [output for output in node.outs if output not in outs]
        if surplus:
            raise InvalidDefinitionError(
                what=f'Graph multi-asset "{node.name}" returns "{surplus[0]}", which outs= does not name.',
                why="It belongs to no asset.",
                fix=f"{did_you_mean(surplus[0], outs)}Otherwise add it to outs=, or do not return it.",
            )
        return _graph_assets(
            node,
            ins,
            outs,
            partitions_def=partitions_def,
            group_name=group_name,
            code_version=None,
            check_specs=check_specs,
            resource_defs=resource_defs,
            backfill_policy=backfill_policy,
            hooks=hooks,
            can_subset=can_subset,
        )

    return decorate


def _graph_assets(
    node: NodeDefinition,
    ins: Mapping[str, AssetIn] | None,
    outs: Mapping[str, AssetOut],
    *,
    partitions_def: PartitionsDefinition[Any] | None,
    group_name: str | None,
    code_version: str | None,
    check_specs: Sequence[AssetCheckSpec] | None,
    resource_defs: Mapping[str, Any] | None,
    backfill_policy: BackfillPolicy | None,
    hooks: Iterable[HookDefinition] | None,
    can_subset: bool = False,
) -> AssetsDefinition:
    given = {input_name: AssetIn.from_coercible(value) for input_name, value in (ins or {}).items()}
    unknown = [input_name for input_name in given if input_name not in node.ins]
    if unknown:
        raise InvalidDefinitionError(
            what=f'Graph asset "{node.name}" has no parameter "{unknown[0]}", which its ins= names.',
            why="The value would have nowhere to go.",
            fix=f"{did_you_mean(unknown[0], node.ins)}Its parameters are: {', '.join(node.ins) or 'none'}.",
        )
    edges: dict[str, tuple[AssetKey, PartitionMapping | None]] = {}
    for input_name in node.ins:
        asset_in = given.get(input_name) or PLAIN_IN
        edges[input_name] = (asset_in.key_for(input_name), asset_in.partition_mapping)
    all_deps = deps_with_mappings(None, edges)
    specs = [
        out.to_spec(
            output, deps=all_deps, group_name=group_name, code_version=code_version, partitions_def=partitions_def
        )
        for output, out in outs.items()
    ]
    refuse_repeated_keys(node.name, [spec.key for spec in specs])
    keys = dict(zip(outs, (spec.key for spec in specs), strict=True))
    io_keys = {keys[output]: out.io_manager_key for output, out in outs.items() if out.io_manager_key}
    return AssetsDefinition(
        node_def=node,
        specs=specs,
        keys_by_output_name=keys,
        keys_by_input_name={input_name: key for input_name, (key, _) in edges.items()},
        check_specs=checked_check_specs(check_specs, keys.values()),
        can_subset=can_subset,
        resource_defs=resource_defs,
        backfill_policy=backfill_policy,
        hook_defs=hooks or (),
        io_manager_keys=io_keys,
    )
