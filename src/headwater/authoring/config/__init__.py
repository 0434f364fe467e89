"""Configuration in both styles: `config_schema=` with Field and friends, and Config classes.

Config and PermissiveConfig are handed on lazily: they alone need pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.authoring.config.config_mapping import ConfigMapping, config_mapping
from headwater.authoring.config.configured import (
    AnonymousConfigurable,
    ConfigStage,
    Configurable,
    NamedConfigurable,
    configured,
    resolve_through,
)
from headwater.authoring.config.env_var import EnvVar, IntEnvVar
from headwater.authoring.config.field_types import (
    Any,
    Array,
    Bool,
    BoolSource,
    ConfigType,
    Enum,
    EnumValue,
    Field,
    Float,
    Int,
    IntSource,
    Map,
    Noneable,
    Permissive,
    ScalarUnion,
    Selector,
    Shape,
    String,
    StringSource,
)
from headwater.authoring.config.json_schema import config_json_schema
from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.resolve import examine_config, resolve_config
from headwater.authoring.config.run_config import RunConfig, run_config_dict
from headwater.authoring.config.schema import (
    NO_VALUE,
    ConfigKind,
    ConfigSchema,
    is_model,
    is_model_class,
    schema_of,
)
from headwater.authoring.config.settings_of_class import is_resource_annotation
from headwater.model.errors.config import (
    ConfigFault,
    ConfigFunctionError,
    EnvVarReadError,
    FrozenConfigError,
    InvalidConfigDefinitionError,
    InvalidConfigError,
    MissingEnvVar,
)

if TYPE_CHECKING:
    from headwater.authoring.config.pydantic_config import (
        Config,
        PermissiveConfig,
        build_config_object,
        config_dict_of,
    )

_NEEDS_PYDANTIC = frozenset({"Config", "PermissiveConfig", "build_config_object", "config_dict_of"})

__all__ = [
    "NO_VALUE",
    "AnonymousConfigurable",
    "Any",
    "Array",
    "Bool",
    "BoolSource",
    "Config",
    "ConfigFault",
    "ConfigFunctionError",
    "ConfigKind",
    "ConfigMapping",
    "ConfigSchema",
    "ConfigStage",
    "ConfigType",
    "Configurable",
    "Enum",
    "EnumValue",
    "EnvVar",
    "EnvVarReadError",
    "Field",
    "Float",
    "FrozenConfigError",
    "Int",
    "IntEnvVar",
    "IntSource",
    "InvalidConfigDefinitionError",
    "InvalidConfigError",
    "Map",
    "MissingEnvVar",
    "NamedConfigurable",
    "Noneable",
    "Permissive",
    "PermissiveConfig",
    "RunConfig",
    "ScalarUnion",
    "Selector",
    "Shape",
    "String",
    "StringSource",
    "build_config_object",
    "config_dict_of",
    "config_json_schema",
    "config_mapping",
    "configured",
    "examine_config",
    "is_model",
    "is_model_class",
    "is_resource_annotation",
    "plain_config",
    "resolve_config",
    "resolve_through",
    "run_config_dict",
    "schema_of",
]


def __getattr__(name: str) -> object:
    if name not in _NEEDS_PYDANTIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from headwater.authoring.config import pydantic_config

    found: object = getattr(pydantic_config, name)
    return found
