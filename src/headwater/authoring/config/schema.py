"""ConfigSchema: what a configuration must look like, as a value.

Whatever an author writes (a Field, a dict, a type, a pydantic class) becomes one of these by `schema_of`, and only
these are read by what checks, explains and draws configuration. Nothing here imports pydantic.
"""

from __future__ import annotations

import enum
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeGuard

from headwater.authoring.no_value import NO_VALUE as NO_VALUE
from headwater.model.errors.config import InvalidConfigDefinitionError


class ConfigKind(enum.Enum):
    """The shapes that a configuration value can have."""

    ANY = "any"
    INT = "int"
    FLOAT = "float"
    STRING = "string"
    BOOL = "bool"
    ENUM = "enum"
    NULLABLE = "nullable"
    ARRAY = "array"
    MAP = "map"
    SHAPE = "shape"
    SELECTOR = "selector"
    SCALAR_OR = "scalar_or"


SCALAR_KINDS: Final = frozenset({ConfigKind.INT, ConfigKind.FLOAT, ConfigKind.STRING, ConfigKind.BOOL})


@dataclass(frozen=True, slots=True)
class EnumChoice:
    """One choice of an enum: the text that is written in a configuration, and the Python value that it means."""

    text: str
    value: Any
    description: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ConfigSchema:
    """What a configuration value must look like, and what it is when it is not given.

    `fields` are those of a shape and the choices of a selector; `item` is what an array, map or nullable holds, and the
    scalar of a SCALAR_OR, whose other form is `alternative`. `model` is the pydantic class that this was read from,
    whose instances are then what it describes; `discriminator` is the field of them that a selector's choice sets.
    """

    kind: ConfigKind
    label: str = ""
    fields: Mapping[str, ConfigSchema] = field(default_factory=dict)
    item: ConfigSchema | None = None
    alternative: ConfigSchema | None = None
    choices: tuple[EnumChoice, ...] = ()
    key_label: str | None = None
    is_open: bool = False
    default: Any = NO_VALUE
    is_required: bool = True
    description: str | None = None
    is_secret: bool = False
    accepts_env: bool = False
    constraints: Mapping[str, Any] = field(default_factory=dict)
    model: type[Any] | None = None
    discriminator: str | None = None
    discriminator_values: Mapping[str, Any] = field(default_factory=dict)
    # Other names under which the fields of a shape may be given: the field by its alias.
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_default(self) -> bool:
        """Whether a value that is not given becomes `default`."""
        return self.default is not NO_VALUE

    def as_field(self, *, default: Any = NO_VALUE, is_required: bool, description: str | None) -> ConfigSchema:
        """Return this with another default, and another answer to whether it must be given."""
        return replace(self, default=default, is_required=is_required, description=description or self.description)


def is_model_class(thing: object) -> TypeGuard[type[Any]]:
    """Return whether `thing` is a pydantic model class, without importing pydantic."""
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return base is not None and isinstance(thing, type) and issubclass(thing, base)


def is_model(thing: object) -> bool:
    """Return whether `thing` is an instance of a pydantic model class, without importing pydantic."""
    return is_model_class(type(thing))


def implicit_default(schema: ConfigSchema) -> Any:
    """Return what a value is when nothing is said about its default: None for a nullable, {} for a shape whose fields
    may all be left out, the one choice of a selector whose value has a default; else NO_VALUE."""
    match schema.kind:
        case ConfigKind.NULLABLE:
            return None
        case ConfigKind.SHAPE if not any(inner.is_required for inner in schema.fields.values()):
            return {name: inner.default for name, inner in schema.fields.items() if inner.has_default}
        case ConfigKind.SELECTOR if len(schema.fields) == 1:
            name, inner = next(iter(schema.fields.items()))
            return {name: inner.default} if inner.has_default else NO_VALUE
        case _:
            return NO_VALUE


def with_implicit_default(schema: ConfigSchema) -> ConfigSchema:
    """Return the schema as it is when written bare: required, unless it has an implicit default."""
    default = implicit_default(schema)
    return schema if default is NO_VALUE else replace(schema, default=default, is_required=False)


ANY: Final = ConfigSchema(ConfigKind.ANY, label="anything")
INT: Final = ConfigSchema(ConfigKind.INT, label="an integer", accepts_env=True)
FLOAT: Final = ConfigSchema(ConfigKind.FLOAT, label="a number", accepts_env=True)
STRING: Final = ConfigSchema(ConfigKind.STRING, label="a string", accepts_env=True)
BOOL: Final = ConfigSchema(ConfigKind.BOOL, label="true or false", accepts_env=True)
OPEN_SHAPE: Final = with_implicit_default(ConfigSchema(ConfigKind.SHAPE, label="a mapping", is_open=True))
NOT_DECLARED: Final = replace(ANY, is_required=False)

SCHEMA_BY_TYPE: Final[Mapping[Any, ConfigSchema]] = {
    int: INT,
    float: FLOAT,
    str: STRING,
    bool: BOOL,
    Any: ANY,
    dict: OPEN_SHAPE,
    list: ConfigSchema(ConfigKind.ARRAY, label="a list", item=ANY),
}


def shape(fields: Mapping[str, Any], *, is_open: bool = False, where: tuple[str, ...] = ()) -> ConfigSchema:
    """Return the schema of named fields; each value of `fields` is whatever `schema_of` takes."""
    for name in fields:
        if not isinstance(name, str):
            raise InvalidConfigDefinitionError(name, where, "The names of fields are strings.")
    inner = {name: schema_of(thing, (*where, name)) for name, thing in fields.items()}
    return ConfigSchema(ConfigKind.SHAPE, label="a mapping", fields=inner, is_open=is_open)


def schema_of(thing: Any, where: tuple[str, ...] = ()) -> ConfigSchema:
    """Return the schema that an author's `config_schema=` or annotation means; None means that anything is taken.

    `where` is the path to `thing` for error messages. Raises InvalidConfigDefinitionError when it can mean nothing.
    """
    if thing is None:
        return NOT_DECLARED
    if isinstance(thing, ConfigSchema):
        return thing
    if not isinstance(thing, type) and isinstance(known := getattr(thing, "schema", None), ConfigSchema):
        return known
    if (isinstance(thing, type) or thing is Any) and thing in SCHEMA_BY_TYPE:
        return SCHEMA_BY_TYPE[thing]
    if isinstance(thing, Mapping):
        return _schema_of_dict(thing, where)
    if isinstance(thing, list):
        if len(thing) != 1:
            raise InvalidConfigDefinitionError(thing, where, "A list type has exactly one element, as in [int].")
        return array(thing[0], (*where, "[]"))
    if is_model_class(thing):
        from headwater.authoring.config.pydantic_config import schema_of_model

        return schema_of_model(thing)
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        return enum_schema(thing.__name__, tuple(EnumChoice(member.name, member) for member in thing))
    if typing.get_origin(thing) is not None:
        return _schema_of_generic(thing, where)
    raise InvalidConfigDefinitionError(thing, where)


def array(item: Any, where: tuple[str, ...] = ()) -> ConfigSchema:
    """Return the schema of a list of `item`."""
    return ConfigSchema(ConfigKind.ARRAY, label="a list", item=schema_of(item, where))


def nullable(item: Any, where: tuple[str, ...] = ()) -> ConfigSchema:
    """Return the schema of `item` or None, which is None when it is not given."""
    inner = schema_of(item, where)
    return with_implicit_default(ConfigSchema(ConfigKind.NULLABLE, label=f"{inner.label} or null", item=inner))


def enum_schema(name: str, choices: tuple[EnumChoice, ...]) -> ConfigSchema:
    """Return the schema of one text among `choices`."""
    label = "one of " + ", ".join(f'"{choice.text}"' for choice in choices)
    return ConfigSchema(ConfigKind.ENUM, label=label, choices=choices, key_label=name)


def map_schema(key: Any, item: Any, key_label: str | None = None, where: tuple[str, ...] = ()) -> ConfigSchema:
    """Return the schema of a mapping from any key to `item`. Keys are strings, integers, numbers or booleans."""
    key_schema = schema_of(key, where)
    if key_schema.kind not in SCALAR_KINDS | {ConfigKind.ANY, ConfigKind.ENUM}:
        raise InvalidConfigDefinitionError(key, where, "The keys of a mapping are scalars.")
    inner = schema_of(item, (*where, "{}"))
    return ConfigSchema(
        ConfigKind.MAP, label=f"a mapping to {inner.label}", item=inner, alternative=key_schema, key_label=key_label
    )


def _schema_of_dict(thing: Mapping[Any, Any], where: tuple[str, ...]) -> ConfigSchema:
    if len(thing) == 1:
        key, item = next(iter(thing.items()))
        if not isinstance(key, str):
            return map_schema(key, item, where=where)
    return with_implicit_default(shape(thing, where=where))


def _schema_of_generic(thing: Any, where: tuple[str, ...]) -> ConfigSchema:
    origin, arguments = typing.get_origin(thing), typing.get_args(thing)
    if origin in (typing.Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1 and len(rest) < len(arguments):
            return nullable(rest[0], where)
    elif origin is list or origin is typing.get_origin(typing.Sequence[int]):
        return array(arguments[0], (*where, "[]"))
    elif origin is dict or origin is Mapping:
        return map_schema(arguments[0], arguments[1], where=where)
    elif origin is typing.Literal and all(isinstance(argument, str) for argument in arguments):
        return enum_schema("Literal", tuple(EnumChoice(argument, argument) for argument in arguments))
    elif origin is typing.Annotated:
        return schema_of(arguments[0], where)
    raise InvalidConfigDefinitionError(thing, where)
