"""IO managers and input managers as resources, in the older style of decorated functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

from headwater.authoring.config.schema import ConfigSchema, schema_of
from headwater.authoring.io_manager import InputManager, IOManager
from headwater.authoring.resources.definition import ResourceDefinition, ResourceFunction, takes_context
from headwater.model.named_arguments import spelling_checked


class IOManagerDefinition(ResourceDefinition):
    """The definition of an IO manager. Outputs and inputs may each be given configuration of their own in a run."""

    def __init__(
        self,
        resource_fn: ResourceFunction,
        config_schema: Any = None,
        description: str | None = None,
        required_resource_keys: Iterable[str] | None = None,
        version: str | None = None,
        input_config_schema: Any = None,
        output_config_schema: Any = None,
    ) -> None:
        super().__init__(resource_fn, config_schema, description, required_resource_keys, version)
        self._input_config_schema = None if input_config_schema is None else schema_of(input_config_schema)
        self._output_config_schema = None if output_config_schema is None else schema_of(output_config_schema)

    @property
    def input_config_schema(self) -> ConfigSchema | None:
        """What a run may configure for each input that it loads; None when nothing."""
        return self._input_config_schema

    @property
    def output_config_schema(self) -> ConfigSchema | None:
        """What a run may configure for each output that it stores; None when nothing."""
        return self._output_config_schema

    @staticmethod
    def hardcoded_io_manager(value: IOManager, description: str | None = None) -> IOManagerDefinition:
        """Return the definition of an IO manager that exists already."""
        return IOManagerDefinition(lambda _context: value, description=description)


class InputManagerDefinition(ResourceDefinition):
    """The definition of an input manager, which may be configured for each input that it loads."""

    def __init__(
        self,
        resource_fn: ResourceFunction,
        config_schema: Any = None,
        description: str | None = None,
        input_config_schema: Any = None,
        required_resource_keys: Iterable[str] | None = None,
        version: str | None = None,
    ) -> None:
        super().__init__(resource_fn, config_schema, description, required_resource_keys, version)
        self._input_config_schema = None if input_config_schema is None else schema_of(input_config_schema)

    @property
    def input_config_schema(self) -> ConfigSchema | None:
        """What a run may configure for each input that it loads; None when nothing."""
        return self._input_config_schema


class LoadingFunction(InputManager):
    """An input manager that is one function from an InputContext (or nothing) to the value."""

    __slots__ = ("load", "takes_context")

    def __init__(self, load: Callable[..., Any]) -> None:
        self.load = load
        self.takes_context = takes_context(load)

    def load_input(self, context: Any) -> Any:
        """Return what the function returns."""
        return self.load(context) if self.takes_context else self.load()


@overload
def io_manager(config_schema: ResourceFunction) -> IOManagerDefinition: ...
@overload
def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    output_config_schema: Any = None,
    input_config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Callable[[ResourceFunction], IOManagerDefinition]: ...
@spelling_checked
def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    output_config_schema: Any = None,
    input_config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> IOManagerDefinition | Callable[[ResourceFunction], IOManagerDefinition]:
    """Make a function that returns an IOManager (given an InitResourceContext or nothing) the definition of one."""
    if callable(config_schema) and not isinstance(config_schema, type):
        return IOManagerDefinition(config_schema)

    def wrap(function: ResourceFunction) -> IOManagerDefinition:
        return IOManagerDefinition(
            function,
            config_schema,
            description,
            required_resource_keys,
            version,
            input_config_schema,
            output_config_schema,
        )

    return wrap


@overload
def input_manager(config_schema: Callable[..., Any]) -> InputManagerDefinition: ...
@overload
def input_manager(
    config_schema: Any = None,
    description: str | None = None,
    input_config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Callable[[Callable[..., Any]], InputManagerDefinition]: ...
def input_manager(
    config_schema: Any = None,
    description: str | None = None,
    input_config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> InputManagerDefinition | Callable[[Callable[..., Any]], InputManagerDefinition]:
    """Make a function that loads a value (given an InputContext or nothing) the definition of an input manager."""

    def define(load: Callable[..., Any], schema: Any) -> InputManagerDefinition:
        manager = LoadingFunction(load)
        return InputManagerDefinition(
            lambda _context: manager,
            schema,
            description if description is not None else load.__doc__,
            input_config_schema,
            required_resource_keys,
            version,
        )

    if callable(config_schema) and not isinstance(config_schema, type):
        return define(config_schema, None)
    return lambda load: define(load, config_schema)
