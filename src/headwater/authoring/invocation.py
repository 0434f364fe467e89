"""Calling definitions directly, as the functions that they are: for tests and for the interactive shell.

Nothing is recorded; what is taken and given is held to its types and names as in a run. A context built with
`build_asset_context` brings resources, config and partitions.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence, Set
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from headwater.authoring.contexts import AssetCheckExecutionContext, AssetExecutionContext, OpExecutionContext
from headwater.authoring.invoked_results import check_arguments, checked_result
from headwater.authoring.op import OpDefinition
from headwater.authoring.ports import NO_VALUE
from headwater.authoring.step_scope import StepScope
from headwater.model.errors import InvalidInvocationError, did_you_mean
from headwater.model.partitions import PartitionKeyRange

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition


def invoke_op(op: OpDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call an op's function with what was given, resources and config from the context filled in."""
    return _invoke(op, None, args, kwargs)


def invoke_asset(definition: AssetsDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call an asset's or check's function with what was given, resources and config from the context filled in."""
    node = definition.node_def
    if not isinstance(node, OpDefinition):
        kind = "is made of a graph of ops" if node is not None else "has no function: something else builds it"
        raise InvalidInvocationError(
            what=f"{definition} was called directly.",
            why=f"It {kind}.",
            fix="Run it with materialize([...])." if node is not None else "Load its value with load_asset_value.",
        )
    return _invoke(node, definition, args, kwargs)


def _invoke(
    op: OpDefinition, definition: AssetsDefinition | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    signature = op.signature
    what = f'asset "{op.name}"' if definition is not None and definition.specs_by_key else f'op "{op.name}"'
    positional = list(args)
    given = dict(kwargs)
    context: OpExecutionContext | None = None
    if signature.context is not None:
        was_given = signature.context in given or bool(positional)
        if signature.context in given:
            context = given.pop(signature.context)
        elif positional:
            context = positional.pop(0)
        if was_given and context is None:
            context = _empty_context(definition)
        if context is not None and not isinstance(context, OpExecutionContext):
            raise InvalidInvocationError(
                what=f"{what} was called with {context!r} as its context.",
                why="Its first parameter is a context.",
                fix="Give build_asset_context() or build_op_context() first.",
            )
        if context is None:
            raise InvalidInvocationError(
                what=f"{what} was called without a context.",
                why=f"Its function takes one as its first parameter, {signature.context}.",
                fix="Call it with build_asset_context() (or build_op_context()) as the first argument.",
            )
    elif positional and isinstance(positional[0], OpExecutionContext):
        context = positional.pop(0)
    scope = context._scope if context is not None else None
    held = _held_resources(definition, scope)
    from_context = {parameter.name for parameter in signature.resources if parameter.name in held}
    if signature.config is not None and scope is not None and scope.op_config is not None:
        from_context.add(signature.config.name)
    arguments = _arguments(op, what, positional, given, from_context)
    with ExitStack() as opened:
        # What a generator or a coroutine uses must outlive this call, so there a teardown is refused.
        arguments.update(_resources(op, what, held, arguments, opened if signature.kind == "plain" else None))
        return _called(op, definition, what, context, arguments)


def _called(
    op: OpDefinition,
    definition: AssetsDefinition | None,
    what: str,
    context: OpExecutionContext | None,
    arguments: dict[str, Any],
) -> Any:
    signature = op.signature
    scope = context._scope if context is not None else None
    plain_config: Any = None
    if op.has_config:
        plain_config = _config(op, scope, arguments)
    check_arguments(op, definition, what, arguments)
    keys = scope.run_partition_keys if scope is not None else None
    is_range = keys is not None and len(keys) > 1
    if signature.context is None:
        return checked_result(op, definition, what, op.function(**arguments), is_range=is_range)
    assert scope is not None
    bound = _bound(scope, op, definition, plain_config)
    made: OpExecutionContext
    if definition is None:
        made = (
            OpExecutionContext(bound)
            if not isinstance(context, AssetExecutionContext)
            else AssetExecutionContext(bound)
        )
    elif definition.specs_by_key:
        made = AssetExecutionContext(bound)
    else:
        made = AssetCheckExecutionContext(bound)
    return checked_result(op, definition, what, op.function(made, **arguments), is_range=is_range)


def _empty_context(definition: AssetsDefinition | None) -> OpExecutionContext:
    from headwater.authoring.build_context import build_asset_context, build_op_context

    return build_op_context() if definition is None else build_asset_context()


def _held_resources(definition: AssetsDefinition | None, scope: StepScope | None) -> Any:
    """Return the resources of the context, and for the keys that it lacks, those that the definition itself brings."""
    from headwater.authoring.resources import ResourceSession, ScopedResources

    held = scope.resources if scope is not None and scope.resources is not None else ScopedResources({})
    own = definition.resource_defs if definition is not None else {}
    lacking = {key: value for key, value in own.items() if key not in held}
    if not lacking:
        return held
    session = ResourceSession(lacking, instance=scope.instance if scope is not None else None)
    session.open(lacking)
    both = ScopedResources({**held._asdict(), **session.resources_for(lacking)._asdict()})
    if scope is not None:
        scope.resources = both
        scope.own_sessions.append(session)
    else:
        weakref.finalize(definition, session.close)
    return both


def _arguments(
    op: OpDefinition, what: str, positional: Sequence[Any], given: dict[str, Any], from_context: Set[str]
) -> dict[str, Any]:
    signature = op.signature
    order = [parameter.name for parameter in signature.inputs]
    takes = [name for name in signature.names if name != signature.context]
    # What the context brings may be left out of the positions: f(context, upstream) beside f(context, resource, upstream).
    left = [name for name in takes if name not in from_context]
    places = left if len(positional) <= len(left) else takes
    if len(positional) > len(takes):
        raise InvalidInvocationError(
            what=f"{what} was called with {len(positional)} values and takes {len(takes)}.",
            why="The rest would have nowhere to go.",
            fix=f"Its parameters are: {', '.join(takes) or 'none'}.",
        )
    arguments: dict[str, Any] = {}
    for name, value in zip(places, positional, strict=False):
        if name in given:
            raise InvalidInvocationError(
                what=f"{what} was given {name} twice.", why="A parameter has one value.", fix="Give it once."
            )
        arguments[name] = value
    for name, value in given.items():
        if name not in takes and not signature.takes_any_input:
            raise InvalidInvocationError(
                what=f"{what} has no parameter {name}.",
                why="The value would have nowhere to go.",
                fix=f"{did_you_mean(name, takes)}Its parameters are: {', '.join(takes) or 'none'}.",
            )
        arguments[name] = value
    for parameter in signature.inputs:
        if parameter.name not in arguments:
            port = op.ins.get(parameter.name)
            if parameter.default is not NO_VALUE:
                continue
            if port is not None and port.has_default_value:
                arguments[parameter.name] = port.default_value
                continue
            raise InvalidInvocationError(
                what=f"{what} was called without {parameter.name}.",
                why="Its value is loaded in a run, and must be given in a direct call.",
                fix=f"Its inputs are: {', '.join(order)}.",
            )
    return arguments


def _resources(
    op: OpDefinition, what: str, held: Any, arguments: Mapping[str, Any], opened: ExitStack | None
) -> dict[str, Any]:
    """Return the resources of the call; those that are given with it are set up, and torn down with `opened`."""
    found: dict[str, Any] = {}
    for parameter in op.signature.resources:
        if parameter.name in arguments:
            given = arguments[parameter.name]
            if hasattr(type(given), "process_config_and_initialize"):
                found[parameter.name] = (
                    given.process_config_and_initialize()
                    if opened is None
                    else opened.enter_context(given.process_config_and_initialize_cm())
                )
            continue
        if parameter.name not in held:
            if parameter.default is not NO_VALUE:
                continue
            from headwater.model.errors import ResourceNotGiven

            raise ResourceNotGiven(parameter.name, what, is_parameter=True)
        found[parameter.name] = getattr(held, parameter.name)
    for key in op.bare_resource_keys:
        if key not in held:
            from headwater.model.errors import ResourceNotGiven

            raise ResourceNotGiven(key, what, is_parameter=False)
    return found


def _config(op: OpDefinition, scope: StepScope | None, arguments: dict[str, Any]) -> Any:
    """Put the config where the function takes it; return it as plain values for `context.op_config`."""
    from headwater.authoring.config import is_model, is_model_class

    parameter = op.signature.config
    given: Any = arguments.get(parameter.name, NO_VALUE) if parameter is not None else NO_VALUE
    if given is NO_VALUE and scope is not None and scope.op_config is not None:
        given = scope.op_config
    if is_model(given):
        if parameter is not None:
            arguments[parameter.name] = given
        return given.model_dump()
    if (
        given is NO_VALUE
        and parameter is not None
        and is_model_class(parameter.annotation)
        and parameter.default is not NO_VALUE
    ):
        return None
    resolved = op.resolve_own_config(given, f"ops.{op.name}.config")
    if parameter is not None:
        arguments[parameter.name] = resolved
    return resolved.model_dump() if is_model(resolved) else resolved


def _bound(scope: StepScope, op: OpDefinition, definition: AssetsDefinition | None, config: Any) -> StepScope:
    """Return the context's scope as seen from this op: what is said lands in the same place, so that tests can read it."""
    scope.op_def = op
    scope.step_key = op.name
    if config is not None:
        scope.op_config = config
    if definition is not None:
        if scope.assets_def is not None and scope.assets_def is not definition:
            # One context may serve several calls; what it knew of the asset before does not hold for this one.
            scope.selected_asset_keys, scope.selected_check_keys = set(), set()
            scope.partition_keys_by_asset = {}
        scope.assets_def = definition
        if not scope.selected_asset_keys:
            scope.selected_asset_keys = set(definition.specs_by_key)
        if not scope.selected_check_keys:
            scope.selected_check_keys = {spec.key for spec in definition.check_specs}
        if scope.partitions_def is None:
            found = [spec.partitions_def for spec in definition.specs if spec.partitions_def is not None]
            scope.partitions_def = found[0] if found else None
            ends = scope.run_partition_keys
            if scope.partitions_def is not None and ends is not None and len(ends) == 2:
                # A range was given by its ends before it was known how the asset is partitioned.
                between = PartitionKeyRange(*ends)
                scope.run_partition_keys = scope.partitions_def.get_partition_keys_in_range(
                    between, None, scope.instance
                )
        if scope.run_partition_keys is not None and not scope.partition_keys_by_asset:
            scope.partition_keys_by_asset = dict.fromkeys(definition.specs_by_key, scope.run_partition_keys)
    return scope
