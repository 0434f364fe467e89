"""The op behind assets and checks: which assets its parameters load, and what may be declared beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from headwater.authoring.nodes import InputPort, OutputPort
from headwater.authoring.op import Op, json_tags
from headwater.authoring.ports import NO_VALUE, AssetIn
from headwater.authoring.signature import Signature
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetKey
from headwater.model.specs import AssetCheckSpec, AssetDep, Deps, coerce_deps

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionMapping
    from headwater.model.policies import RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")


def refuse_non_function(function: Any, decorator: str) -> None:
    if not callable(function):
        raise InvalidDefinitionError(
            what=f"{decorator} was given {function!r}, {kind_of(function)}.",
            why="It makes a definition of a function, and its arguments are given by name.",
            fix=f'Write {decorator}(name="...") above a function.',
        )


def loaded_inputs(of: str, signature: Signature, ins: Mapping[str, Any] | None) -> dict[str, tuple[AssetKey, AssetIn]]:
    """Return by parameter which asset it loads. An `ins` entry without a parameter is an edge that loads nothing."""
    given = {name: AssetIn.from_coercible(value) for name, value in (ins or {}).items()}
    inputs: dict[str, tuple[AssetKey, AssetIn]] = {}
    for name in signature.input_names:
        asset_in = given.get(name) or PLAIN_IN
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


PLAIN_IN = AssetIn()


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


def checked_check_specs(
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


def refuse_repeated_keys(node: str, keys: Sequence[AssetKey]) -> None:
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidDefinitionError(
            what=f'Multi-asset "{node}" declares the asset "{twice}" twice.',
            why="An asset is built in one place.",
            fix="Give one of them another key.",
        )


def deps_with_mappings(
    deps: Iterable[Any] | None, inputs: Mapping[str, tuple[AssetKey, PartitionMapping | None]]
) -> tuple[AssetDep, ...]:
    """Return one edge for each upstream: what `deps` names and what parameters load; a parameter and a dep are one edge."""
    known_deps = coerce_deps(deps)
    if not inputs:
        return known_deps
    edges = {dep.asset_key: dep for dep in known_deps}
    for key, mapping in inputs.values():
        known = edges.get(key)
        if known is None or (known.partition_mapping is None and mapping is not None):
            edges[key] = AssetDep(key, partition_mapping=mapping)
        elif mapping is not None and mapping != known.partition_mapping:
            raise InvalidDefinitionError(
                what=f'"{key}" is depended on with two partition mappings: {known.partition_mapping!r} and {mapping!r}.',
                why="A dependency and a parameter of the same asset are one edge, which has one mapping.",
                fix="Keep one of them.",
            )
    return Deps(edges.values())
