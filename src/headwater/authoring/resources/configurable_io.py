"""IO managers as classes whose fields are settings."""

from __future__ import annotations

from typing import Any, Generic, cast

from typing_extensions import TypeVar

from headwater.authoring.config.schema import ConfigSchema, schema_of
from headwater.authoring.io_manager import IOManager
from headwater.authoring.resources.configurable import (
    ConfigurableResourceDefinition,
    ConfigurableResourceFactory,
    PartialResource,
)
from headwater.authoring.resources.definition import ResourceDefinition
from headwater.authoring.resources.init_context import InitResourceContext
from headwater.authoring.resources.io_managers import IOManagerDefinition

IOManagerValue = TypeVar("IOManagerValue", default=Any)


class ConfigurableIOManagerFactory(ConfigurableResourceFactory[IOManagerValue], Generic[IOManagerValue]):
    """A class of settings that makes an IO manager of another type by `create_io_manager`."""

    def create_io_manager(self, context: InitResourceContext) -> IOManagerValue:
        """Return the IO manager that stores and loads."""
        raise NotImplementedError(f"{type(self).__name__} says by create_io_manager(context) what it makes")

    def create_resource(self, context: InitResourceContext) -> IOManagerValue:
        """Return the IO manager that stores and loads."""
        return self.create_io_manager(context)

    @classmethod
    def input_config_schema(cls) -> Any:
        """Return what a run may configure for each input, as a config schema; None when nothing."""
        return None

    @classmethod
    def output_config_schema(cls) -> Any:
        """Return what a run may configure for each output, as a config schema; None when nothing."""
        return None

    @classmethod
    def definition_of(cls, resource: ConfigurableResourceFactory[Any] | PartialResource[Any]) -> ResourceDefinition:
        """Return the definition of an object of this class, or of one to be configured at launch."""
        return ConfigurableIOManagerDefinition(resource)


class ConfigurableIOManager(ConfigurableIOManagerFactory[IOManager], IOManager):
    """An IO manager as a class of settings: declare fields, `handle_output` and `load_input`."""

    def create_io_manager(self, context: InitResourceContext) -> IOManager:
        """Return the IO manager itself."""
        return self


class ConfigurableIOManagerDefinition(ConfigurableResourceDefinition, IOManagerDefinition):
    """The definition of an IO manager given as an object of such a class."""

    @property
    def input_config_schema(self) -> ConfigSchema | None:
        """What a run may configure for each input that it loads; None when nothing."""
        declared = cast("type[ConfigurableIOManagerFactory[Any]]", self.resource_cls).input_config_schema()
        return None if declared is None else schema_of(declared)

    @property
    def output_config_schema(self) -> ConfigSchema | None:
        """What a run may configure for each output that it stores; None when nothing."""
        declared = cast("type[ConfigurableIOManagerFactory[Any]]", self.resource_cls).output_config_schema()
        return None if declared is None else schema_of(declared)
