"""Resource classes around definitions in the older style, so that old resources can be settings of new ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from headwater.authoring.config.schema import NO_VALUE
from headwater.authoring.io_manager import IOManager
from headwater.authoring.resources.configurable import ConfigurableResourceFactory, PartialResource
from headwater.authoring.resources.configurable_io import ConfigurableIOManagerFactory
from headwater.authoring.resources.definition import ResourceDefinition
from headwater.authoring.resources.init_context import InitResourceContext
from headwater.authoring.resources.io_managers import IOManagerDefinition


def _hands_settings_to(
    wrapped: ResourceDefinition, cls: type[ConfigurableResourceFactory[Any]], resource: Any
) -> ResourceDefinition:
    """Return the wrapped definition with the settings of the class in place of its own configuration."""
    outer = ConfigurableResourceFactory.definition_of(resource)

    def make(context: InitResourceContext) -> Any:
        settings = dict(context.resource_config)
        return wrapped.make(context.replace_config(wrapped.resolve(settings or NO_VALUE, cls.__name__)))

    outer.resource_fn = make
    return outer


class ConfigurableLegacyResourceAdapter(ConfigurableResourceFactory[Any]):
    """A resource class whose `wrapped_resource`, a definition in the older style, is configured by its fields."""

    @property
    @abstractmethod
    def wrapped_resource(self) -> ResourceDefinition:
        """The definition that makes the resource."""

    @classmethod
    def definition_of(cls, resource: ConfigurableResourceFactory[Any] | PartialResource[Any]) -> ResourceDefinition:
        """Return the wrapped definition with the settings of the class in place of its own configuration."""
        return _hands_settings_to(_wrapped_by(cls.wrapped_resource, resource), cls, resource)


class ConfigurableLegacyIOManagerAdapter(ConfigurableIOManagerFactory[IOManager]):
    """An IO manager class whose `wrapped_io_manager`, a definition in the older style, is configured by its fields."""

    @property
    @abstractmethod
    def wrapped_io_manager(self) -> IOManagerDefinition:
        """The definition that makes the IO manager."""

    @classmethod
    def definition_of(cls, resource: ConfigurableResourceFactory[Any] | PartialResource[Any]) -> ResourceDefinition:
        """Return the wrapped definition with the settings of the class in place of its own configuration."""
        return _hands_settings_to(_wrapped_by(cls.wrapped_io_manager, resource), cls, resource)


def _wrapped_by(declared: Any, resource: Any) -> ResourceDefinition:
    made: ResourceDefinition = declared.fget(resource)
    return made
