"""Resources: what steps are handed beside their inputs, how it is configured, set up and torn down.

The classes that need pydantic (ConfigurableResource and its kin) are handed on lazily.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.authoring.config.settings_of_class import is_resource_annotation
from headwater.authoring.resources.annotations import ResourceDependency, ResourceParam
from headwater.authoring.resources.definition import ResourceDefinition, make_values_resource, resource
from headwater.authoring.resources.init_context import InitResourceContext, ScopedResources
from headwater.authoring.resources.io_managers import (
    InputManagerDefinition,
    IOManagerDefinition,
    input_manager,
    io_manager,
)
from headwater.authoring.resources.normalized import (
    check_resource_key,
    required_keys,
    resource_errors,
    wrap_resource,
)
from headwater.authoring.resources.session import (
    ResourceSession,
    build_init_resource_context,
    build_resources,
    resource_config_faults,
)
from headwater.model.errors.resources import (
    MissingResourceError,
    NestedResourceError,
    ResourceContextError,
    ResourceCycleError,
    ResourceSetupError,
    ResourceTeardownError,
    UnknownResourceError,
)

if TYPE_CHECKING:
    from headwater.authoring.resources.configurable import (
        ConfigurableResource,
        ConfigurableResourceDefinition,
        ConfigurableResourceFactory,
        PartialResource,
    )
    from headwater.authoring.resources.configurable_io import ConfigurableIOManager, ConfigurableIOManagerFactory
    from headwater.authoring.resources.legacy import (
        ConfigurableLegacyIOManagerAdapter,
        ConfigurableLegacyResourceAdapter,
    )

_LAZY = {
    "ConfigurableResource": "configurable",
    "ConfigurableResourceDefinition": "configurable",
    "ConfigurableResourceFactory": "configurable",
    "PartialResource": "configurable",
    "ConfigurableIOManager": "configurable_io",
    "ConfigurableIOManagerFactory": "configurable_io",
    "ConfigurableLegacyIOManagerAdapter": "legacy",
    "ConfigurableLegacyResourceAdapter": "legacy",
}

__all__ = [
    "ConfigurableIOManager",
    "ConfigurableIOManagerFactory",
    "ConfigurableLegacyIOManagerAdapter",
    "ConfigurableLegacyResourceAdapter",
    "ConfigurableResource",
    "ConfigurableResourceDefinition",
    "ConfigurableResourceFactory",
    "IOManagerDefinition",
    "InitResourceContext",
    "InputManagerDefinition",
    "MissingResourceError",
    "NestedResourceError",
    "PartialResource",
    "ResourceContextError",
    "ResourceCycleError",
    "ResourceDefinition",
    "ResourceDependency",
    "ResourceParam",
    "ResourceSession",
    "ResourceSetupError",
    "ResourceTeardownError",
    "ScopedResources",
    "UnknownResourceError",
    "build_init_resource_context",
    "build_resources",
    "check_resource_key",
    "input_manager",
    "io_manager",
    "is_resource_annotation",
    "make_values_resource",
    "required_keys",
    "resource",
    "resource_config_faults",
    "resource_errors",
    "wrap_resource",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
