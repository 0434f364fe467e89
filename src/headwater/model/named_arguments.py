"""Arguments by name: a misspelt one is refused with the nearest right one, where Python would only say that it is unknown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def spelling_checked(function: F) -> F:
    """Return the function, refusing names of arguments that it does not have. Raises UnknownArgument, a TypeError too."""
    code = function.__code__
    names = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    known = frozenset(names)

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.keys() <= known:
            from headwater.model.errors.definition import UnknownArgument

            of = function.__qualname__.removesuffix(".__init__")
            raise UnknownArgument(of, next(name for name in kwargs if name not in known), names)
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]
