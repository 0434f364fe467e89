"""`@multi_asset`: one function that builds several assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from headwater.authoring.asset_ops import (
    asset_op,
    checked_check_specs,
    deps_with_mappings,
    loaded_inputs,
    refuse_repeated_keys,
)
from headwater.authoring.assets import Asset
from headwater.authoring.nodes import DEFAULT_IO_MANAGER_KEY, OutputPort
from headwater.authoring.op import docstring_of, name_of, tuple_annotations
from headwater.authoring.ports import NO_VALUE, AssetIn, AssetOut
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.keys import AssetKey
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import AssetCheckSpec, AssetDep, AssetExecutionType, AssetSpec, checked_name

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.model.partitions import PartitionsDefinition
    from headwater.model.policies import BackfillPolicy, RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")


@spelling_checked
def multi_asset(
    *,
    outs: Mapping[str, AssetOut] | None = None,
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    internal_asset_deps: Mapping[str, Set[AssetKey]] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    op_tags: Mapping[str, Any] | None = None,
    can_subset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    specs: Sequence[AssetSpec] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    pool: str | None = None,
    compute_kind: str | None = None,
    timeout: float | None = None,
    execution_type: AssetExecutionType = AssetExecutionType.MATERIALIZATION,
) -> Callable[[Callable[P, R]], Asset[P, R]]:
    """Declare several assets that one function builds: by `outs` (name to AssetOut) or by `specs`.

    With `can_subset` the function may be asked for some of them only: `context.selected_asset_keys`. Each asset depends on
    all inputs and deps, unless `internal_asset_deps` (or the specs' own deps) say otherwise.
    """
    if outs is not None and specs is not None:
        raise InvalidDefinitionError(
            what="@multi_asset was given both outs and specs.", why="They would say the same twice.", fix="Keep one."
        )
    if outs is None and specs is None:
        raise InvalidDefinitionError(
            what="@multi_asset was given neither outs nor specs.",
            why="There is no asset to build.",
            fix='Write @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")]).',
        )
    if specs is not None and deps is not None:
        raise InvalidDefinitionError(
            what="@multi_asset was given both specs and deps.",
            why="With specs, each asset says what it depends on.",
            fix="Move them into AssetSpec(..., deps=[...]).",
        )

    def decorate(function: Callable[..., Any]) -> Any:
        signature = read_signature(function)
        node_name = name or name_of(function)
        inputs = loaded_inputs(node_name, signature, ins)
        edges = {input_name: (key, asset_in.partition_mapping) for input_name, (key, asset_in) in inputs.items()}
        all_deps = deps_with_mappings(deps, edges)
        output_keys: dict[str, AssetKey] = {}
        ports: dict[str, OutputPort] = {}
        made_specs: list[AssetSpec] = []
        kinds = {compute_kind} if compute_kind else None
        if outs is not None:
            _refuse_other_kinds(node_name, "outs", outs.values(), AssetOut)
            if internal_asset_deps is not None:
                _check_internal_deps(node_name, internal_asset_deps, outs, all_deps, inputs)
            annotations = tuple_annotations(signature.returns, len(outs))
            for (output, out), annotation in zip(outs.items(), annotations, strict=True):
                own_deps: Iterable[Any] = all_deps
                checked_name(output, f'an output of multi-asset "{node_name}"')
                if internal_asset_deps is not None and output in internal_asset_deps:
                    by_key = {dep.asset_key: dep for dep in all_deps}
                    own_deps = [
                        by_key.get(up, AssetDep(up))
                        for up in sorted(map(AssetKey.from_coercible, internal_asset_deps[output]))
                    ]
                spec = out.to_spec(
                    output,
                    deps=own_deps,
                    group_name=group_name,
                    code_version=code_version,
                    partitions_def=partitions_def,
                )
                made_specs.append(spec if not kinds or spec.kinds else spec.replace_attributes(kinds=kinds))
                output_keys[output] = spec.key
                ports[output] = OutputPort(
                    output,
                    annotation=out.dagster_type if out.dagster_type is not NO_VALUE else annotation,
                    is_required=out.is_required,
                    io_manager_key=out.io_manager_key or DEFAULT_IO_MANAGER_KEY,
                    metadata=out.metadata,
                    code_version=spec.code_version,
                    description=out.description,
                )
        else:
            _refuse_other_kinds(node_name, "specs", specs or (), AssetSpec)
            own_keys = {spec.key for spec in specs or ()}
            for spec in specs or ():
                changes: dict[str, Any] = {}
                if group_name is not None and spec.group_name is None:
                    changes["group_name"] = group_name
                if partitions_def is not None and spec.partitions_def is None:
                    changes["partitions_def"] = partitions_def
                if code_version is not None and spec.code_version is None:
                    changes["code_version"] = code_version
                if kinds and not spec.kinds:
                    changes["kinds"] = kinds
                declared = {dep.asset_key for other in specs or () for dep in other.deps}
                loaded = {n: e for n, e in edges.items() if e[0] not in declared and e[0] not in own_keys}
                if loaded:
                    changes["deps"] = deps_with_mappings(spec.deps, loaded)
                made = spec.replace_attributes(**changes) if changes else spec
                made_specs.append(made)
                output = spec.key.to_python_identifier()
                output_keys[output] = spec.key
                ports[output] = OutputPort(
                    output,
                    is_required=not spec.skippable,
                    is_by_spec=True,
                    metadata=spec.metadata,
                    code_version=made.code_version,
                )
        refuse_repeated_keys(node_name, [spec.key for spec in made_specs])
        _check_partitions(node_name, made_specs, partitions_def, can_subset)
        own = {spec.key for spec in made_specs}
        node = asset_op(
            function,
            node_name,
            signature,
            inputs,
            ports,
            description=description if description is not None else docstring_of(function),
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            op_tags=op_tags,
            code_version=code_version,
            retry_policy=retry_policy,
            pool=pool,
            timeout=timeout,
        )
        return Asset(
            node_def=node,
            specs=made_specs,
            keys_by_output_name=output_keys,
            keys_by_input_name={input_name: key for input_name, (key, _) in inputs.items()},
            check_specs=checked_check_specs(check_specs, own),
            can_subset=can_subset,
            resource_defs=resource_defs,
            backfill_policy=backfill_policy,
            hook_defs=hooks or (),
            execution_type=execution_type,
            internal_deps=any(dep.asset_key in own for spec in made_specs for dep in spec.deps),
        )

    return decorate


def _refuse_other_kinds(node: str, argument: str, given: Iterable[Any], expected: type) -> None:
    for thing in given:
        if not isinstance(thing, expected):
            raise InvalidDefinitionError(
                what=f'Multi-asset "{node}" was given {thing!r} in {argument}=.',
                why=f"Each of them is an {expected.__name__}.",
                fix="Write specs=[AssetSpec(...)]." if expected is AssetSpec else "Write outs={'name': AssetOut(...)}.",
            )


def _check_internal_deps(
    node: str,
    internal: Mapping[str, Set[AssetKey]],
    outs: Mapping[str, AssetOut],
    deps: Iterable[AssetDep],
    inputs: Mapping[str, tuple[AssetKey, AssetIn]],
) -> None:
    unknown = [output for output in internal if output not in outs]
    if unknown:
        raise InvalidDefinitionError(
            what=f'internal_asset_deps= of multi-asset "{node}" names the output "{unknown[0]}", which it lacks.',
            why="The dependencies would belong to nothing.",
            fix=f"{did_you_mean(unknown[0], outs)}Its outputs are: {', '.join(outs)}.",
        )
    own = {out.key_for(output) for output, out in outs.items()}
    outside = {dep.asset_key for dep in deps}
    used = {AssetKey.from_coercible(key) for keys in internal.values() for key in keys}
    for key in sorted(used - own - outside):
        raise InvalidDefinitionError(
            what=f'internal_asset_deps= of multi-asset "{node}" names "{key}", which it neither builds nor depends on.',
            why="Dependencies of single assets are taken from those of the whole.",
            fix=f"{did_you_mean(str(key), map(str, own | outside))}Otherwise add it to deps=.",
        )
    if len(internal) == len(outs):
        for name, (key, _) in inputs.items():
            if key not in used:
                raise InvalidDefinitionError(
                    what=f'No asset of multi-asset "{node}" depends on "{key}", which its parameter "{name}" loads.',
                    why="internal_asset_deps= says for every asset what it depends on.",
                    fix="Name it for the asset that uses it, or remove the parameter.",
                )


def _check_partitions(
    node: str, specs: Sequence[AssetSpec], partitions_def: PartitionsDefinition[Any] | None, can_subset: bool
) -> None:
    first: AssetSpec | None = None
    for spec in specs:
        if spec.partitions_def is None:
            continue
        if partitions_def is not None and spec.partitions_def != partitions_def:
            raise InvalidDefinitionError(
                what=f'"{spec.key}" in multi-asset "{node}" has other partitions than partitions_def= says.',
                why="They would contradict each other.",
                fix="Keep one of them.",
            )
        if first is not None and spec.partitions_def != first.partitions_def and not can_subset:
            raise InvalidDefinitionError(
                what=f'"{first.key}" and "{spec.key}" in multi-asset "{node}" have different partitions.',
                why="They are built together, so one run would be for partitions of both.",
                fix="Declare can_subset=True, and yield only what is in context.selected_output_names.",
            )
        first = first or spec
