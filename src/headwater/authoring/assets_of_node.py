"""Assets made of what already exists: the outputs of an op or a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.nodes import NodeDefinition
from headwater.model.errors import did_you_mean
from headwater.model.errors.definition import WrongArgument
from headwater.model.keys import AssetKey, prefix_parts
from headwater.model.specs import AssetCheckSpec, AssetDep, AssetExecutionType, AssetSpec

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition
    from headwater.model.policies import BackfillPolicy


def assets_of_node(
    node: NodeDefinition,
    *,
    keys_by_input_name: Mapping[str, AssetKey] | None = None,
    keys_by_output_name: Mapping[str, AssetKey] | None = None,
    key_prefix: str | Sequence[str] | None = None,
    internal_asset_deps: Mapping[str, Set[AssetKey]] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    partition_mappings: Mapping[str, PartitionMapping] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    group_names_by_output_name: Mapping[str, str | None] | None = None,
    descriptions_by_output_name: Mapping[str, str] | None = None,
    metadata_by_output_name: Mapping[str, Mapping[str, Any] | None] | None = None,
    tags_by_output_name: Mapping[str, Mapping[str, str] | None] | None = None,
    owners_by_output_name: Mapping[str, Sequence[str]] | None = None,
    code_versions_by_output_name: Mapping[str, str | None] | None = None,
    automation_conditions_by_output_name: Mapping[str, Any] | None = None,
    freshness_policies_by_output_name: Mapping[str, Any] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    can_subset: bool = False,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    execution_type: AssetExecutionType | None = None,
    hook_defs: Iterable[HookDefinition] = (),
) -> AssetsDefinition:
    """Return assets that are the outputs of a node; see `AssetsDefinition.from_graph`."""
    prefix = prefix_parts(key_prefix)
    given_inputs = {name: AssetKey.from_coercible(key) for name, key in (keys_by_input_name or {}).items()}
    given_outputs = {name: AssetKey.from_coercible(key) for name, key in (keys_by_output_name or {}).items()}
    for argument, named, known in (
        ("keys_by_input_name", given_inputs, node.ins),
        ("partition_mappings", partition_mappings or {}, node.ins),
        ("keys_by_output_name", given_outputs, node.outs),
        ("internal_asset_deps", internal_asset_deps or {}, node.outs),
    ):
        for name in named:
            if name not in known:
                raise WrongArgument(
                    what=f'{argument}= names "{name}", which {node.node_type} "{node.name}" does not have.',
                    why="It would say something of nothing.",
                    fix=f"{did_you_mean(name, known)}It has: {', '.join(known) or 'none'}.",
                )
    input_keys = {name: given_inputs.get(name) or AssetKey(name) for name in node.ins}
    output_keys = {
        name: given_outputs.get(name) or AssetKey(node.name if name == "result" else name) for name in node.outs
    }
    output_keys = {name: key.with_prefix(prefix) if prefix else key for name, key in output_keys.items()}
    deps = [AssetDep(key, partition_mapping=(partition_mappings or {}).get(name)) for name, key in input_keys.items()]
    mapping_by_key = {dep.asset_key: dep.partition_mapping for dep in deps}
    specs = []
    for name, key in output_keys.items():
        own = deps
        if internal_asset_deps and name in internal_asset_deps:
            own = [AssetDep(up, partition_mapping=mapping_by_key.get(up)) for up in sorted(internal_asset_deps[name])]
        port = node.outs[name]
        description = (descriptions_by_output_name or {}).get(name) or port.description
        if description is None and len(output_keys) == 1:
            description = node.description
        specs.append(
            AssetSpec(
                key,
                deps=own,
                description=description,
                metadata={**port.metadata, **((metadata_by_output_name or {}).get(name) or {})},
                skippable=not port.is_required,
                group_name=(group_names_by_output_name or {}).get(name) or group_name,
                code_version=(code_versions_by_output_name or {}).get(name)
                or port.code_version
                or getattr(node, "code_version", None),
                automation_condition=(automation_conditions_by_output_name or {}).get(name),
                freshness_policy=(freshness_policies_by_output_name or {}).get(name),
                owners=(owners_by_output_name or {}).get(name),
                tags=(tags_by_output_name or {}).get(name),
                partitions_def=partitions_def,
            )
        )
    return AssetsDefinition(
        node_def=node,
        specs=specs,
        keys_by_output_name=output_keys,
        keys_by_input_name=input_keys,
        check_specs=check_specs or (),
        can_subset=can_subset,
        resource_defs=resource_defs,
        backfill_policy=backfill_policy,
        execution_type=execution_type,
        hook_defs=hook_defs,
        internal_deps=bool(internal_asset_deps),
    )
