"""ResourceDefinition: how a resource is made, what configuration it takes, and which other resources it needs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import FunctionType
from typing import Any, Self, overload

from headwater.authoring.config.configured import AnonymousConfigurable, ConfigStage, resolve_through
from headwater.authoring.config.field_types import Field
from headwater.authoring.config.schema import NO_VALUE, ConfigSchema, schema_of
from headwater.authoring.resources.init_context import InitResourceContext
from headwater.model.errors.definition import CheckError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.resources import MissingResourceError
from headwater.model.named_arguments import spelling_checked

ResourceFunction = Callable[..., Any]


class ResourceDefinition(AnonymousConfigurable):
    """How a resource is made: `resource_fn` takes an InitResourceContext, or nothing, and returns it.

    A generator function yields the resource once, and what follows the yield tears it down; a context manager that is
    returned by a function decorated with `contextlib.contextmanager` is entered and left likewise.
    `config_schema` and `required_resource_keys` are data: they can be read without setting anything up.
    """

    __headwater_deferred__ = True

    def __init__(
        self,
        resource_fn: ResourceFunction,
        config_schema: Any = None,
        description: str | None = None,
        required_resource_keys: Iterable[str] | None = None,
        version: str | None = None,
    ) -> None:
        if not callable(resource_fn):
            raise CheckError(
                what=f"resource_fn was given {resource_fn!r}.",
                why="A resource is made by calling a function.",
                fix="Give a function, or ResourceDefinition.hardcoded_resource(value) for a value that exists already.",
            )
        if isinstance(required_resource_keys, str):
            raise CheckError(
                what=f'required_resource_keys was given the string "{required_resource_keys}".',
                why="Each of its letters would be taken for a key.",
                fix=f'Write required_resource_keys={{"{required_resource_keys}"}}.',
            )
        self.resource_fn = resource_fn
        self.inner_config_schema = schema_of(config_schema)
        self.stages: tuple[ConfigStage, ...] = ()
        self._description = description if description is not None else getattr(resource_fn, "__doc__", None)
        self._required_resource_keys = frozenset(required_resource_keys or ())
        self._version = version
        self._takes_context = takes_context(resource_fn)

    @property
    def config_schema(self) -> ConfigSchema:
        """What a run's configuration of it must look like."""
        return self.stages[0].schema if self.stages else self.inner_config_schema

    @property
    def description(self) -> str | None:
        """What the author said about it."""
        return self._description

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """The keys of the resources that must be set up before it."""
        return self._required_resource_keys

    @property
    def version(self) -> str | None:
        """The version that the author gave it."""
        return self._version

    @property
    def name(self) -> str:
        """What messages call it: the name of its function."""
        return getattr(self.resource_fn, "__name__", type(self).__name__)

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Self:
        """Return this definition with `stage` outside the stages that it has."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied.stages = (stage, *self.stages)
        if description is not None:
            copied._description = description
        return copied

    def required_keys_among(self, key_by_identity: Mapping[int, str]) -> frozenset[str]:
        """Return the keys that it needs, given which object is provided under which key."""
        return self._required_resource_keys

    def resolve(self, given: Any, path: str, *, resolve_env: bool = True) -> Any:
        """Return the configuration that its function sees when a run gives `given` (NO_VALUE when it gives none)."""
        return resolve_through(self.stages, self.inner_config_schema, given, path, resolve_env=resolve_env)

    def make(self, context: InitResourceContext) -> Any:
        """Call the function. `context.resource_config` is resolved already."""
        return self.resource_fn(context) if self._takes_context else self.resource_fn()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function makes, for tests: given a context as the function is, or None for an empty one.

        The context's configuration is checked and resolved first. A generator function gives a context manager.
        Raises InvalidInvocationError for any other arguments, and CheckError for what is no context.
        """
        context = self._context_of_call(args, kwargs)
        given = context.resource_config
        resolved = self.resolve(NO_VALUE if given is None else given, "config")
        for key in sorted(self.required_resource_keys):
            if key not in context.resources:
                raise MissingResourceError(key, f"the resource {self.name}", context.resources._asdict())
        return opened(self.make(context.replace_config(resolved)))

    def _context_of_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> InitResourceContext:
        fix = "Call it with build_init_resource_context(config=..., resources=...)."
        if not self._takes_context:
            if args or kwargs:
                raise InvalidInvocationError(
                    what=f"The resource {self.name} was called with an argument.",
                    why="Its function takes none.",
                    fix=f"Call it as {self.name}().",
                )
            return InitResourceContext()
        if len(args) + len(kwargs) != 1:
            count = len(args) + len(kwargs)
            raise InvalidInvocationError(
                what=f"The resource {self.name} was called with {f'{count} arguments' if count else 'no context'}.",
                why="Its function takes one context.",
                fix=fix,
            )
        name = _name_of_context(self.resource_fn)
        if kwargs and name not in kwargs:
            raise InvalidInvocationError(
                what=f'The resource {self.name} was called with "{next(iter(kwargs))}".',
                why=f'The parameter of its function is called "{name}".',
                fix=f"Write {self.name}({name}=...).",
            )
        context = args[0] if args else kwargs[name]
        if context is None:
            return InitResourceContext()
        if not isinstance(context, InitResourceContext):
            raise CheckError(
                what=f"The resource {self.name} was called with {context!r}.",
                why="Its function takes a context.",
                fix=fix,
            )
        return context

    @staticmethod
    def hardcoded_resource(value: Any, description: str | None = None) -> ResourceDefinition:
        """Return the definition of a value that exists already."""
        return ResourceDefinition(lambda _context: value, description=description)

    @staticmethod
    def none_resource(description: str | None = None) -> ResourceDefinition:
        """Return the definition of None."""
        return ResourceDefinition.hardcoded_resource(None, description)

    @staticmethod
    def mock_resource(description: str | None = None) -> ResourceDefinition:
        """Return the definition of a `unittest.mock.MagicMock`, made anew for each set-up."""

        def mock(_context: InitResourceContext) -> Any:
            from unittest.mock import MagicMock

            return MagicMock()

        return ResourceDefinition(mock, description=description)

    @staticmethod
    def string_resource(description: str | None = None) -> ResourceDefinition:
        """Return the definition of a string that is its configuration."""
        return ResourceDefinition(lambda context: context.resource_config, str, description)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _name_of_context(function: ResourceFunction) -> str:
    import inspect

    return next(iter(inspect.signature(function).parameters), "context")


def takes_context(function: ResourceFunction) -> bool:
    """Return whether a function has a positional parameter. Raises InvalidDefinitionError when it needs several."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        count = function.__code__.co_argcount
        needed = count - len(function.__defaults__ or ())
    else:
        import inspect

        try:
            parameters = [
                parameter
                for parameter in inspect.signature(function).parameters.values()
                if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
            ]
        except ValueError:
            return False
        count = len(parameters)
        needed = sum(parameter.default is parameter.empty for parameter in parameters)
    if needed > 1:
        raise InvalidDefinitionError(
            what=f"The resource function {getattr(function, '__name__', function)} needs {needed} arguments.",
            why="A resource function is called with its context alone.",
            fix="Take one parameter (context) and read context.resource_config and context.resources.",
        )
    return count > 0


def opened(made: Any) -> Any:
    """Return what a resource function made, a generator turned into the context manager that it stands for."""
    if isinstance(made, Generator):
        return contextmanager(lambda: made)()
    return made


def context_manager_of(made: Any) -> AbstractContextManager[Any] | None:
    """Return the context manager to enter for the resource, or None when what was made is the resource itself.

    Only what generator functions make is entered: an object that happens to be a context manager (a connection, a file)
    is the resource.
    """
    made = opened(made)
    import contextlib

    return made if isinstance(made, contextlib._GeneratorContextManager) else None


@overload
def resource(config_schema: ResourceFunction) -> ResourceDefinition: ...
@overload
def resource(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Callable[[ResourceFunction], ResourceDefinition]: ...
@spelling_checked
def resource(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> ResourceDefinition | Callable[[ResourceFunction], ResourceDefinition]:
    """Make a function the definition of a resource. It takes an InitResourceContext or nothing.

    A generator function yields the resource, and tears it down after the yield, also when what used it failed.
    """
    if callable(config_schema) and not isinstance(config_schema, type):
        return _documented(ResourceDefinition(config_schema), config_schema)

    def wrap(function: ResourceFunction) -> ResourceDefinition:
        made = ResourceDefinition(function, config_schema, description, required_resource_keys, version)
        return _documented(made, function)

    return wrap


def _documented(definition: ResourceDefinition, function: ResourceFunction) -> ResourceDefinition:
    definition.__doc__ = function.__doc__
    definition.__dict__["__name__"] = getattr(function, "__name__", None)
    definition.__module__ = function.__module__
    return definition


def make_values_resource(**kwargs: Any) -> ResourceDefinition:
    """Return the definition of a mapping that is its configuration: `make_values_resource(limit=int)`.

    Without arguments, any mapping is taken.
    """
    return ResourceDefinition(lambda context: context.resource_config, Field(kwargs or dict))
