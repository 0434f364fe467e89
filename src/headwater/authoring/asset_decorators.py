"""`@asset`, `@multi_asset`, `@graph_asset`, `@graph_multi_asset`: functions that become definitions of assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from headwater.authoring.assets import Asset, AssetsDefinition, deps_with_mappings
from headwater.authoring.graph_definition import graph_of_function
from headwater.authoring.nodes import DEFAULT_IO_MANAGER_KEY, InputPort, NodeDefinition, OutputPort
from headwater.authoring.op import Op, docstring_of, json_tags, name_of, tuple_annotations, value_annotation
from headwater.authoring.ports import NO_VALUE, AssetIn, AssetOut
from headwater.authoring.signature import Signature, read_signature
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.keys import AssetKey, CoercibleToAssetKey, CoercibleToAssetKeyPrefix, prefix_parts
from headwater.model.specs import AssetCheckSpec, AssetDep, AssetExecutionType, AssetSpec, checked_name

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition
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
) -> Callable[[Callable[P, R]], Asset[P, R]]: ...


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
) -> Any:
    """Declare an asset: the function's name is its name, its parameters are the upstream assets whose values it loads.

    The function may return the value, `Output`, `MaterializeResult`, `Unchanged()`, `Skip(reason)` or None, may be a
    generator or `async`, and may yield check results and observations too. `deps` are upstream assets that are not loaded.
    `timeout` is in seconds, for each attempt. Raises InvalidDefinitionError for what cannot be meant.
    """

    def decorate(function: Callable[..., Any]) -> Asset[..., Any]:
        _refuse_non_function(function, "@asset")
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
            check_specs=_checked_check_specs(check_specs, [asset_key]),
            resource_defs={
                **(resource_defs or {}),
                **({io_key: io_manager_def} if io_manager_def is not None and io_key else {}),
            },
            backfill_policy=backfill_policy,
            hook_defs=hooks or (),
        )
        return made

    return decorate(compute_fn) if compute_fn is not None else decorate


def _refuse_non_function(function: Any, decorator: str) -> None:
    if not callable(function):
        raise InvalidDefinitionError(
            what=f"{decorator} was given {function!r}, a {type(function).__name__}.",
            why="It makes a definition of a function, and its arguments are given by name.",
            fix=f'Write {decorator}(name="...") above a function.',
        )


def loaded_inputs(of: str, signature: Signature, ins: Mapping[str, Any] | None) -> dict[str, tuple[AssetKey, AssetIn]]:
    """Return by parameter which asset it loads. An `ins` entry without a parameter is an edge that loads nothing."""
    given = {name: AssetIn.from_coercible(value) for name, value in (ins or {}).items()}
    inputs: dict[str, tuple[AssetKey, AssetIn]] = {}
    for name in signature.input_names:
        asset_in = given.get(name) or _PLAIN_IN
        inputs[name] = (asset_in.key_for(name), asset_in)
    for name, asset_in in given.items():
        if name in inputs:
            continue
        from headwater.authoring.nodes import is_nothing

        if not signature.takes_any_input and not is_nothing(asset_in.dagster_type):
            raise InvalidDefinitionError(
                what=f'The function of "{of}" has no parameter "{name}", which its ins= names.',
                why="The value would have nowhere to go.",
                fix=f"{did_you_mean(name, signature.input_names)}Otherwise add the parameter, or move it to deps=.",
            )
        inputs[name] = (asset_in.key_for(name), asset_in)
    return inputs


_PLAIN_IN = AssetIn()


def asset_op(
    function: Callable[..., Any],
    name: str,
    signature: Signature,
    inputs: Mapping[str, tuple[AssetKey, AssetIn]],
    outs: Mapping[str, OutputPort],
    *,
    description: str | None,
    config_schema: Any,
    required_resource_keys: Iterable[str] | None,
    op_tags: Mapping[str, Any] | None,
    code_version: str | None,
    retry_policy: RetryPolicy | None,
    pool: str | None,
    timeout: float | None,
) -> Op[..., Any]:
    """Return the op of an asset: one input port for each parameter that loads an asset."""
    by_name = {parameter.name: parameter for parameter in signature.inputs}
    ports: dict[str, InputPort] = {}
    for input_name, (key, asset_in) in inputs.items():
        parameter = by_name.get(input_name)
        annotation = asset_in.dagster_type
        if annotation is NO_VALUE and parameter is not None:
            annotation = parameter.annotation
        ports[input_name] = InputPort(
            input_name,
            annotation=annotation,
            default_value=parameter.default if parameter is not None else NO_VALUE,
            metadata=asset_in.metadata,
            asset_key=key,
            input_manager_key=asset_in.input_manager_key,
        )
    return Op(
        function,
        name,
        description=description,
        config_schema=config_schema,
        required_resource_keys=required_resource_keys,
        tags=json_tags(op_tags) if op_tags else None,
        code_version=code_version,
        retry_policy=retry_policy,
        pool=pool,
        timeout=timeout,
        signature=signature,
        input_ports=ports,
        output_ports=outs,
    )


def _checked_check_specs(
    check_specs: Sequence[AssetCheckSpec] | None, keys: Iterable[AssetKey]
) -> tuple[AssetCheckSpec, ...]:
    if not check_specs:
        return ()
    known = set(keys)
    for spec in check_specs:
        if spec.asset_key not in known:
            raise InvalidDefinitionError(
                what=f'Check "{spec.name}" is about "{spec.asset_key}", which is not built here.',
                why="check_specs= are checks that the asset's own function evaluates.",
                fix=f"{did_you_mean(str(spec.asset_key), map(str, known))}Otherwise write it with @asset_check.",
            )
    names = [(spec.asset_key, spec.name) for spec in check_specs]
    if len(set(names)) != len(names):
        twice = next(name for key, name in names if names.count((key, name)) > 1)
        raise InvalidDefinitionError(
            what=f'check_specs= has two checks called "{twice}".',
            why="Their results could not be told apart.",
            fix="Rename one.",
        )
    return tuple(check_specs)


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
        _refuse_repeated_keys(node_name, [spec.key for spec in made_specs])
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
            check_specs=_checked_check_specs(check_specs, own),
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


def _refuse_repeated_keys(node: str, keys: Sequence[AssetKey]) -> None:
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidDefinitionError(
            what=f'Multi-asset "{node}" declares the asset "{twice}" twice.',
            why="An asset is built in one place.",
            fix="Give one of them another key.",
        )


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
        asset_in = given.get(input_name) or _PLAIN_IN
        edges[input_name] = (asset_in.key_for(input_name), asset_in.partition_mapping)
    all_deps = deps_with_mappings(None, edges)
    specs = [
        out.to_spec(
            output, deps=all_deps, group_name=group_name, code_version=code_version, partitions_def=partitions_def
        )
        for output, out in outs.items()
    ]
    _refuse_repeated_keys(node.name, [spec.key for spec in specs])
    keys = dict(zip(outs, (spec.key for spec in specs), strict=True))
    io_keys = {keys[output]: out.io_manager_key for output, out in outs.items() if out.io_manager_key}
    return AssetsDefinition(
        node_def=node,
        specs=specs,
        keys_by_output_name=keys,
        keys_by_input_name={input_name: key for input_name, (key, _) in edges.items()},
        check_specs=_checked_check_specs(check_specs, keys.values()),
        can_subset=can_subset,
        resource_defs=resource_defs,
        backfill_policy=backfill_policy,
        hook_defs=hooks or (),
        io_manager_keys=io_keys,
    )
