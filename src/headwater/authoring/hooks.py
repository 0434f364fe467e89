"""Hooks: functions that are called after a step, whatever its outcome; what goes wrong in them never changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

from headwater.model.errors import InvalidDefinitionError, InvalidInvocationError, MissingResourceError
from headwater.model.errors.root import kind_of


class HookDefinition:
    """A function called after a step: after one that succeeded, one that failed, or either (`outcomes`)."""

    __slots__ = ("decorated_fn", "hook_fn", "name", "outcomes", "required_resource_keys")

    def __init__(
        self,
        *,
        name: str,
        hook_fn: Callable[..., Any],
        required_resource_keys: Iterable[str] | None = None,
        outcomes: Iterable[str] = ("success", "failure"),
        decorated_fn: Callable[..., Any] | None = None,
    ) -> None:
        self.name = name
        self.hook_fn = hook_fn
        self.required_resource_keys = frozenset(required_resource_keys or ())
        self.outcomes = frozenset(outcomes)
        self.decorated_fn = decorated_fn or hook_fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, with a context from build_hook_context(); or, given a job or graph, attach the hook to it."""
        if len(args) == 1 and hasattr(args[0], "with_hooks"):
            return args[0].with_hooks({self})
        given = [*args, *kwargs.values()]
        self._require_context(given)
        for key in sorted(self.required_resource_keys):
            if key not in given[0].resources:
                raise MissingResourceError(key, f'hook "{self.name}"', given[0].resources._asdict())
        return self.decorated_fn(*args, **kwargs)

    def _require_context(self, given: Sequence[Any]) -> None:
        from headwater.authoring.hook_context import HookContext

        if len(given) == 1 and isinstance(given[0], HookContext):
            return
        shown = f"with {given[0]!r}" if len(given) == 1 else f"with {len(given)} arguments"
        raise InvalidInvocationError(
            what=f'Hook "{self.name}" was called {shown}.',
            why="It takes one thing: the context of the step that ended.",
            fix="Call it with build_hook_context(...).",
        )

    def __repr__(self) -> str:
        return f"HookDefinition({self.name!r})"


def checked_hooks(hooks: Iterable[Any] | None, of: str) -> frozenset[HookDefinition]:
    """Return hooks as a set. Raises InvalidDefinitionError for what is none."""
    if not hooks:
        return frozenset()
    for hook in hooks:
        if not isinstance(hook, HookDefinition):
            raise InvalidDefinitionError(
                what=f"{of} was given the hook {hook!r}, {kind_of(hook)}.",
                why="A hook says after which outcome it is called.",
                fix="Put @success_hook or @failure_hook above the function.",
            )
    return frozenset(hooks)


def _hook(
    function: Callable[..., Any] | None, name: str | None, keys: Iterable[str] | None, outcomes: tuple[str, ...]
) -> Any:
    def decorate(hook_fn: Callable[..., Any]) -> HookDefinition:
        code = getattr(hook_fn, "__code__", None)
        if code is not None and code.co_argcount == 0:
            raise InvalidDefinitionError(
                what=f'Hook "{hook_fn.__name__}" takes no parameter.',
                why="A hook is called with its context.",
                fix=f"Write def {hook_fn.__name__}(context): ...",
            )
        return HookDefinition(
            name=name or hook_fn.__name__, hook_fn=hook_fn, required_resource_keys=keys, outcomes=outcomes
        )

    return decorate(function) if function is not None else decorate


@overload
def success_hook(hook_fn: Callable[..., Any], /) -> HookDefinition: ...
@overload
def success_hook(
    *, name: str | None = None, required_resource_keys: Iterable[str] | None = None
) -> Callable[[Callable[..., Any]], HookDefinition]: ...
def success_hook(
    hook_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
) -> Any:
    """Make a hook that is called after each step that succeeded."""
    return _hook(hook_fn, name, required_resource_keys, ("success",))


@overload
def failure_hook(hook_fn: Callable[..., Any], /) -> HookDefinition: ...
@overload
def failure_hook(
    name: str | None = None, required_resource_keys: Iterable[str] | None = None
) -> Callable[[Callable[..., Any]], HookDefinition]: ...
def failure_hook(
    name: Any = None,
    required_resource_keys: Iterable[str] | None = None,
) -> Any:
    """Make a hook that is called after each step that failed for good; `context.op_exception` is why."""
    if callable(name):
        return _hook(name, None, required_resource_keys, ("failure",))
    return _hook(None, name, required_resource_keys, ("failure",))
