"""Ops: functions with typed inputs and outputs, the smallest thing that runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from headwater.authoring.config.configured import NamedConfigurable
from headwater.authoring.nodes import InputPort, NodeDefinition, OutputPort
from headwater.authoring.ports import NO_VALUE, DynamicOut, In, Out
from headwater.authoring.signature import Signature, read_signature
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.errors.definition import WrongArgument
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import checked_kind, checked_name

if TYPE_CHECKING:
    from headwater.authoring.config import ConfigSchema, ConfigStage
    from headwater.authoring.hooks import HookDefinition
    from headwater.model.policies import RetryPolicy
    from headwater.model.results import DynamicOutput, Output

    GivesOutputs = TypeVar("GivesOutputs", bound=Output[Any] | Iterable[Output[Any] | DynamicOutput[Any]])

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class DecoratedOpFunction:
    """The function of an op, as it was written: `my_op.compute_fn.decorated_fn(3)` calls it by itself."""

    decorated_fn: Callable[..., Any]

    @property
    def name(self) -> str:
        """The name of the function."""
        return name_of(self.decorated_fn)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with these arguments, and nothing between."""
        return self.decorated_fn(*args, **kwargs)


class OpDefinition(NodeDefinition, NamedConfigurable):
    """A function as a node. `@op` makes one; calling it inside a graph adds it there, outside it runs the function."""

    node_type = "op"
    described = "an op"

    def __init__(
        self,
        compute_fn: Callable[..., Any],
        name: str | None = None,
        ins: Mapping[str, In] | None = None,
        outs: Mapping[str, Out] | None = None,
        description: str | None = None,
        config_schema: Any = None,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        version: str | None = None,
        retry_policy: RetryPolicy | None = None,
        code_version: str | None = None,
        pool: str | None = None,
        *,
        timeout: float | None = None,
        hooks: Iterable[HookDefinition] = (),
        signature: Signature | None = None,
        input_ports: Mapping[str, InputPort] | None = None,
        output_ports: Mapping[str, OutputPort] | None = None,
    ) -> None:
        if isinstance(compute_fn, DecoratedOpFunction):
            compute_fn = compute_fn.decorated_fn
        name = name or name_of(compute_fn)
        self.signature = signature or read_signature(compute_fn)
        if signature is None and _takes_a_mapping(self.signature, ins or {}):
            compute_fn = _with_named_inputs(compute_fn, self.signature.kind)
            self.signature = read_signature(compute_fn)
        self.function = compute_fn
        _refuse_unfit(name, self.signature, config_schema)
        if retry_policy is not None:
            checked_kind(retry_policy, "headwater.model.policies", "RetryPolicy", f'retry_policy= of "{name}"')
        if input_ports is None:
            input_ports = op_inputs(name, self.signature, ins or {})
        if output_ports is None:
            output_ports = op_outputs(name, self.signature, outs)
        super().__init__(
            name,
            ins=input_ports,
            outs=output_ports,
            description=description if description is not None else docstring_of(compute_fn),
            tags=tags,
            hooks=hooks,
        )
        self.explicit_config_schema = config_schema
        self.bare_resource_keys = frozenset(required_resource_keys or ())
        self.code_version = code_version or version
        self.retry_policy = retry_policy
        self.pool = pool
        self.timeout_seconds = timeout
        self._config_schema: ConfigSchema | None = None
        self.config_stages: tuple[ConfigStage, ...] = ()
        if config_schema is not None and not isinstance(config_schema, type):
            _ = self.own_config_schema  # a mistake in it is told where it is written

    @property
    def version(self) -> str | None:
        return self.code_version

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """The keys of the resources that the function asks for; IO managers are not among them."""
        if not self.signature.resources:
            return self.bare_resource_keys
        return self.bare_resource_keys | {parameter.name for parameter in self.signature.resources}

    @property
    def config_annotation(self) -> Any:
        """The annotation of the parameter `config`, NO_VALUE when there is none."""
        return self.signature.config.annotation if self.signature.config is not None else NO_VALUE

    @property
    def own_config_schema(self) -> ConfigSchema:
        """What the config that the function itself sees must look like."""
        if self._config_schema is None:
            from headwater.authoring.config import schema_of

            declared = self.explicit_config_schema
            if declared is None and self.config_annotation is not NO_VALUE:
                declared = self.config_annotation
            self._config_schema = schema_of(declared)
        return self._config_schema

    @property
    def config_schema(self) -> ConfigSchema:
        """What config of this op must look like; after `.configured`, what is still left to give."""
        return self.config_stages[0].schema if self.config_stages else self.own_config_schema

    def resolve_own_config(self, value: Any, path: str) -> Any:
        """Return the config that the function sees, as plain values or an object of its Config class."""
        from headwater.authoring.config import build_config_object, is_model_class, resolve_through

        annotation = self.config_annotation
        if is_model_class(annotation):
            for stage in self.config_stages:
                value = stage.apply(value, path, resolve_env=True)
            return build_config_object(annotation, value, path)
        return resolve_through(self.config_stages, self.own_config_schema, value, path)

    @property
    def has_config(self) -> bool:
        return self.explicit_config_schema is not None or self.signature.config is not None

    def is_from_decorator(self) -> bool:
        """Whether it is a function with named parameters, as under @op; every op is."""
        return True

    def get_output_annotation(self) -> Any:
        """Return what the function is annotated to return, NO_VALUE when it is not."""
        return self.signature.returns

    def with_replaced_properties(
        self,
        name: str,
        ins: Mapping[str, In] | None = None,
        outs: Mapping[str, Out] | None = None,
        config_schema: Any = None,
        description: str | None = None,
    ) -> OpDefinition:
        """Return an op of the same function under another name, with what is given here in place of what it had."""
        changes: dict[str, Any] = {"name": name}
        if ins is not None:
            changes["input_ports"] = op_inputs(name, self.signature, ins)
        if outs is not None:
            changes["output_ports"] = op_outputs(name, self.signature, outs)
        if config_schema is not None:
            changes["config_schema"] = config_schema
        if description is not None:
            changes["description"] = description
        return self.replaced(**changes)

    def replaced(self, **changes: Any) -> OpDefinition:
        """Return the same op with some attributes changed."""
        kept: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "config_schema": self.explicit_config_schema,
            "required_resource_keys": self.bare_resource_keys,
            "tags": self.tags,
            "code_version": self.code_version,
            "retry_policy": self.retry_policy,
            "pool": self.pool,
            "timeout": self.timeout_seconds,
            "hooks": self.hooks,
            "signature": self.signature,
            "input_ports": self.ins,
            "output_ports": self.outs,
        }
        made = type(self)(self.function, **{**kept, **changes})
        made.config_stages = self.config_stages
        return made

    @property
    def compute_fn(self) -> DecoratedOpFunction:
        """The function of the op."""
        return DecoratedOpFunction(self.function)

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Any:
        if name is None:
            raise WrongArgument(
                what=f'configured() of op "{self.name}" was called without a name.',
                why="Two nodes of one name could not be told apart in a graph.",
                fix=f'Write configured(..., name="configured_{self.name}").',
            )
        made = self.replaced(name=name, description=description or self.description)
        made.config_stages = (stage, *self.config_stages)
        return made

    def invoke_directly(self, *args: Any, **kwargs: Any) -> Any:
        from headwater.authoring.invocation import invoke_op

        return invoke_op(self, args, kwargs)


def name_of(function: Any) -> str:
    """Return the name of a function, also of a partial one or an object that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _takes_a_mapping(signature: Signature, ins: Mapping[str, In]) -> bool:
    """Whether a function has the parameters (context, inputs), where the inputs come as one mapping by name."""
    names = signature.input_names
    return signature.context is not None and names in (("inputs",), ("_inputs",)) and names[0] not in ins


def _with_named_inputs(compute_fn: Callable[..., Any], kind: str) -> Callable[..., Any]:
    def compute(context: Any, **inputs: Any) -> Any:
        return compute_fn(context, inputs)

    def computed(context: Any, **inputs: Any) -> Any:
        yield from compute_fn(context, inputs)

    made = computed if kind == "generator" else compute
    made.__doc__ = compute_fn.__doc__
    return made


def _refuse_unfit(name: str, signature: Signature, config_schema: Any) -> None:
    """Refuse what a run could not fill in."""
    if signature.unfit:
        raise InvalidDefinitionError(
            what=f'The function of "{name}" has the parameter {signature.unfit[0]}, which cannot be given by its name.',
            why="A run gives each value by the name of its parameter.",
            fix="Take *args and / out of the parameters; if a decorator brought them, put functools.wraps(...) into it.",
        )
    annotation = signature.config.annotation if signature.config is not None else NO_VALUE
    if config_schema is not None and annotation is not NO_VALUE:
        raise InvalidDefinitionError(
            what=f'"{name}" has both a config_schema and a parameter config with an annotation.',
            why="Both say what its config looks like.",
            fix="Keep one of them.",
        )
    if "context" in signature.input_names:
        raise InvalidDefinitionError(
            what=f'The function of "{name}" has the parameter context, and not as its first one.',
            why="A context is given as the first argument, and no value can be called so.",
            fix="Put context first.",
        )


def docstring_of(function: Callable[..., Any]) -> str | None:
    """Return a function's docstring without its indentation."""
    text = getattr(function, "__doc__", None)
    if not text or not isinstance(text, str):
        return None
    if "\n" not in text:
        return text.strip()
    import inspect

    return inspect.cleandoc(text)


def op_inputs(name: str, signature: Signature, ins: Mapping[str, In]) -> dict[str, InputPort]:
    """Return the inputs of an op: its parameters, with what `ins` says of them; Nothing inputs need no parameter."""
    ports: dict[str, InputPort] = {}
    for parameter in signature.inputs:
        declared = ins.get(parameter.name)
        if declared is None:
            ports[parameter.name] = InputPort(
                parameter.name, annotation=parameter.annotation, default_value=parameter.default
            )
            continue
        ports[parameter.name] = InputPort(
            parameter.name,
            annotation=declared.dagster_type if declared.dagster_type is not NO_VALUE else parameter.annotation,
            default_value=declared.default_value if declared.has_default_value else parameter.default,
            description=declared.description,
            metadata=declared.metadata,
            asset_key=declared.asset_key,
            asset_partitions=declared.asset_partitions,
            input_manager_key=declared.input_manager_key,
        )
    for given, declared in ins.items():
        if given in ports:
            continue
        port = InputPort(
            given,
            annotation=declared.dagster_type,
            default_value=declared.default_value,
            description=declared.description,
            metadata=declared.metadata,
            asset_key=declared.asset_key,
            asset_partitions=declared.asset_partitions,
            input_manager_key=declared.input_manager_key,
        )
        if not port.is_nothing and not signature.takes_any_input:
            raise InvalidDefinitionError(
                what=f'Op "{name}" has no parameter "{given}", which its ins= names.',
                why="The value would have nowhere to go.",
                fix=f"{did_you_mean(given, signature.input_names)}"
                f"Otherwise add the parameter, or declare In(Nothing) if only the order matters.",
            )
        ports[given] = port
    return ports


def op_outputs(name: str, signature: Signature, outs: Mapping[str, Out] | None) -> dict[str, OutputPort]:
    """Return the outputs of an op: those of `out=`, or one called "result" typed by the return annotation."""
    returns = signature.returns
    if signature.kind in ("generator", "async_generator"):
        returns = NO_VALUE
    if outs is None:
        if is_dynamic_annotation(returns):
            return {"result": OutputPort("result", is_dynamic=True)}
        return {"result": OutputPort("result", annotation=value_annotation(returns))}
    for given in outs:
        checked_name(given, f'an output of op "{name}"')
    if len(outs) == 1:
        ((only, out),) = outs.items()
        return {only: OutputPort.from_out(only, out, value_annotation(returns))}
    parts = tuple_annotations(returns, len(outs))
    return {key: OutputPort.from_out(key, out, part) for (key, out), part in zip(outs.items(), parts, strict=True)}


def value_annotation(returns: Any) -> Any:
    """Return the annotation of the value inside: T for Output[T] and MaterializeResult[T]."""
    if returns is NO_VALUE or isinstance(returns, type) or returns is None:
        return _result_class(returns)
    from headwater.authoring.types import unwrap_return

    return unwrap_return(returns)


_RESULT_CLASSES = frozenset(
    {"Output", "DynamicOutput", "MaterializeResult", "ObserveResult", "AssetCheckResult", "Unchanged", "Skip"}
)


def _result_class(returns: Any) -> Any:
    if isinstance(returns, type) and returns.__name__ in _RESULT_CLASSES and returns.__module__.startswith("headwater"):
        return NO_VALUE
    return returns


def is_dynamic_annotation(returns: Any) -> bool:
    """Return whether a return annotation is a list of DynamicOutput."""
    if returns is NO_VALUE or returns is None:
        return False
    inside = getattr(returns, "__args__", ())
    return any(
        getattr(part, "__name__", "") == "DynamicOutput"
        or getattr(getattr(part, "__origin__", None), "__name__", "") == "DynamicOutput"
        for part in inside
    )


def tuple_annotations(returns: Any, count: int) -> list[Any]:
    """Return one annotation for each of several outputs, from tuple[A, B]; NO_VALUE where it does not say."""
    parts = getattr(returns, "__args__", ()) if getattr(returns, "__origin__", None) is tuple else ()
    if len(parts) != count or Ellipsis in parts:
        return [NO_VALUE] * count
    return [value_annotation(part) for part in parts]


class Op(OpDefinition, Generic[P, R]):
    """What `@op` gives: a definition that can still be called as the function that it was."""

    # Not `P.args`: inside the body of a graph, an op is called without its context, config and resources. There, an
    # output stands for its value and many dynamic ones can be mapped, which is another type than what the function gives.
    @overload
    def __call__(self: Op[P, GivesOutputs], *args: Any, **kwargs: Any) -> Any: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)


@overload
def op(compute_fn: Callable[P, R], /) -> Op[P, R]: ...


@overload
def op(
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    out: Out | Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    version: str | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    timeout: float | None = None,
) -> Callable[[Callable[P, R]], Op[P, R]]: ...


@spelling_checked
def op(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    out: Out | Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    version: str | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    timeout: float | None = None,
) -> Any:
    """Make an op of a function: its parameters are inputs, what it returns or yields are outputs.

    `out` is one Out or a mapping of name to Out; without it there is one output "result", typed by the annotation.
    `timeout` is in seconds, for each attempt. `tags` that are not text are stored as JSON.
    """
    outs: Mapping[str, Out] | None
    if out is None or isinstance(out, Mapping):
        outs = out
    else:
        outs = {out.name or "result": out}

    def decorate(function: Callable[..., Any]) -> Op[..., Any]:
        made: Op[..., Any] = Op(
            function,
            name,
            ins=ins,
            outs=outs,
            description=description,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=json_tags(tags),
            code_version=code_version or version,
            retry_policy=retry_policy,
            pool=pool,
            timeout=timeout,
            signature=read_signature(function),
        )
        update_wrapper(made, function, updated=())
        return made

    return decorate(compute_fn) if compute_fn is not None else decorate


def json_tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """Return tags as text; values that are not text become JSON."""
    if not tags:
        return {}
    from headwater.model.codec import encode_json

    return {key: value if isinstance(value, str) else encode_json(value) for key, value in tags.items()}


__all__ = ["DynamicOut", "In", "Op", "OpDefinition", "Out", "op"]
