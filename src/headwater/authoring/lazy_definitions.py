"""`@definitions`: a function that makes definitions, called only when somebody loads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.authoring.definitions import Definitions
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvariantViolationError
from headwater.model.errors.root import kind_of


class LazyDefinitions:
    """A function that makes definitions. Calling it calls the function, with the context if it takes one."""

    def __init__(self, load_fn: Callable[..., Definitions]) -> None:
        signature = read_signature(load_fn)
        taken = [*([signature.context] if signature.context else []), *signature.input_names]
        self.name: str = getattr(load_fn, "__name__", type(load_fn).__name__)
        if len(taken) > 1 or signature.config is not None or signature.resources:
            raise InvariantViolationError(
                what=f"@definitions stands above {self.name}(), which takes more than one parameter.",
                why="It is called with a context, or with nothing.",
                fix=f"Write def {self.name}() -> Definitions, or def {self.name}(context) -> Definitions.",
            )
        self.load_fn = load_fn
        self.has_context_arg = bool(taken)
        self.__doc__ = load_fn.__doc__
        self.__module__ = getattr(load_fn, "__module__", __name__)

    def __call__(self, context: Any = None) -> Definitions:
        """Return the definitions. Raises InvariantViolationError when the function gives anything else."""
        if self.has_context_arg and context is None:
            raise InvariantViolationError(
                what=f"{self.name}() was called without the context that it takes.",
                why="Only whoever loads a project has one.",
                fix=f"Call {self.name}(context), or remove the parameter.",
            )
        made = self.load_fn(context) if self.has_context_arg else self.load_fn()
        if isinstance(made, LazyDefinitions):
            made = made(context)
        if not isinstance(made, Definitions):
            raise InvariantViolationError(
                what=f"{self.name}(), with @definitions above it, returned {made!r}, {kind_of(made)}.",
                why="It is loaded as the definitions of a project.",
                fix="Return Definitions(...).",
            )
        return made

    def __repr__(self) -> str:
        return f"LazyDefinitions({self.name})"


def definitions(fn: Callable[..., Definitions]) -> LazyDefinitions:
    """Make a function the source of a project's definitions; it is called when they are loaded, not before."""
    return LazyDefinitions(fn)
