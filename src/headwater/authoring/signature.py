"""What a user's function takes and gives, read once when it is decorated.

Parameters fall into four sorts: the context (the first one, when it is called so or annotated as one), `config`, resources
(annotated with a resource class or ResourceParam), and inputs: all the rest.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType, FunctionType
from typing import Any

from headwater.authoring.ports import NO_VALUE

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
_VARARGS, _VARKEYWORDS = 0x04, 0x08
_CONTEXT_NAMES = frozenset({"context", "_context", "_", "__", "_context_", "__context"})
_CONTEXT_SUFFIX = "Context"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `annotation` is resolved, and NO_VALUE when there is none or it cannot be resolved."""

    name: str
    annotation: Any = NO_VALUE
    default: Any = NO_VALUE


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's parameters by sort; `names` are all of them in order. `kind` is plain, generator, async or async_generator.

    `unfit` are those that cannot be given by name: "*args", and the names of positional-only ones.
    """

    names: tuple[str, ...]
    unfit: tuple[str, ...]
    context: str | None
    inputs: tuple[Parameter, ...]
    config: Parameter | None
    resources: tuple[Parameter, ...]
    takes_any_input: bool
    returns: Any
    kind: str

    @property
    def is_async(self) -> bool:
        return self.kind in ("async", "async_generator")

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.inputs)


def _raw_parameters(
    function: Callable[..., Any],
) -> tuple[list[tuple[str, Any, Any]], bool, Any, int, FunctionType | None]:
    """Return (name, annotation, default) for each parameter, whether it takes **kwargs, the return annotation and flags."""
    # Only the plainest function is read from its code; inspect.signature knows the rest and is twenty times as slow.
    if type(function) is FunctionType and not hasattr(function, "__wrapped__"):
        code = function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        annotations: Mapping[str, Any] = function.__annotations__
        defaults: dict[str, Any] = {}
        if function.__defaults__:
            positional = names[: code.co_argcount]
            defaults.update(zip(positional[-len(function.__defaults__) :], function.__defaults__, strict=True))
        if function.__kwdefaults__:
            defaults.update(function.__kwdefaults__)
        raw = [(name, annotations.get(name, NO_VALUE), defaults.get(name, NO_VALUE)) for name in names]
        flags = code.co_flags
        return raw, bool(flags & _VARKEYWORDS), annotations.get("return", NO_VALUE), flags, function
    import inspect

    signature = inspect.signature(function)
    raw = []
    takes_any = False
    bound = function.keywords if isinstance(function, functools.partial) else ()
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind is not parameter.VAR_POSITIONAL and parameter.name not in bound:
            annotation = NO_VALUE if parameter.annotation is parameter.empty else parameter.annotation
            raw.append(
                (parameter.name, annotation, NO_VALUE if parameter.default is parameter.empty else parameter.default)
            )
    inner = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inner.func
    if not isinstance(inner, FunctionType):
        inner = getattr(inner, "__func__", None) or type(inner).__call__
    flags = getattr(getattr(inner, "__code__", None), "co_flags", 0)
    returns = NO_VALUE if signature.return_annotation is signature.empty else signature.return_annotation
    return raw, takes_any, returns, flags, inner if isinstance(inner, FunctionType) else None


def _resolved(annotation: Any, function: FunctionType | None, frame: FrameType | None) -> Any:
    """Return what an annotation means; one that was written as text is evaluated where the function was written."""
    if not isinstance(annotation, str):
        return annotation
    scope: dict[str, Any] = {}
    if function is not None:
        if function.__closure__:
            for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True):
                try:
                    scope[name] = cell.cell_contents
                except ValueError:  # not assigned yet
                    continue
        try:
            return eval(annotation, function.__globals__, scope)
        except Exception:  # the name may be a local of the function that decorates, or exist for type checkers only
            pass
    if frame is not None:
        try:
            return eval(annotation, frame.f_globals, {**frame.f_locals, **scope})
        except Exception:
            pass
    return NO_VALUE


def is_context_parameter(name: str, annotation: Any) -> bool:
    """Return whether a first parameter of this name and annotation stands for the context."""
    if name in _CONTEXT_NAMES:
        return True
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if not isinstance(text, str) or not text.endswith(_CONTEXT_SUFFIX):
        return False
    return text.rpartition(".")[2].startswith(("Asset", "Op", "Hook"))


def _users_frame() -> FrameType | None:
    """Return the innermost frame outside of this package: the code that decorates, whose locals annotations may name."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("headwater."):
        frame = frame.f_back
    return frame


def _unfit_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    if type(function) is FunctionType and not hasattr(function, "__wrapped__") and code is not None:
        if not code.co_posonlyargcount and not code.co_flags & _VARARGS:
            return ()
    import inspect

    unfit = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            unfit.append(f"*{parameter.name}")
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            unfit.append(parameter.name)
    return tuple(unfit)


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read a function's parameters; annotations written as text are looked up where the function was written."""
    raw, takes_any, raw_returns, flags, inner = _raw_parameters(function)
    frame: FrameType | None = None
    if isinstance(raw_returns, str) or any(isinstance(annotation, str) for _, annotation, _ in raw):
        frame = _users_frame()
    names = tuple(name for name, _, _ in raw)
    context: str | None = None
    if raw and is_context_parameter(raw[0][0], raw[0][1]):
        context = raw[0][0]
        raw = raw[1:]
    inputs: list[Parameter] = []
    resources: list[Parameter] = []
    config: Parameter | None = None
    for name, annotation, default in raw:
        parameter = Parameter(
            name, _resolved(annotation, inner, frame) if annotation is not NO_VALUE else NO_VALUE, default
        )
        if name == "config" and (parameter.annotation is not NO_VALUE or default is NO_VALUE):
            config = parameter
        elif parameter.annotation is not NO_VALUE and _is_resource(parameter.annotation):
            resources.append(parameter)
        else:
            inputs.append(parameter)
    if flags & _ASYNC_GENERATOR:
        kind = "async_generator"
    elif flags & _COROUTINE:
        kind = "async"
    elif flags & _GENERATOR:
        kind = "generator"
    else:
        kind = "plain"
    return Signature(
        names=names,
        unfit=_unfit_parameters(function),
        context=context,
        inputs=tuple(inputs),
        config=config,
        resources=tuple(resources),
        takes_any_input=takes_any,
        returns=_resolved(raw_returns, inner, frame),
        kind=kind,
    )


_PLAIN_MODULES = frozenset({"builtins", "pandas", "numpy", "datetime", "pathlib", "decimal"})


def _is_resource(annotation: Any) -> bool:
    if not hasattr(annotation, "__metadata__") and getattr(annotation, "__module__", None) in _PLAIN_MODULES:
        return False
    from headwater.authoring.resources import is_resource_annotation

    return is_resource_annotation(annotation)
