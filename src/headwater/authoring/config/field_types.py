"""The words of the older way to declare configuration: `config_schema={"limit": Field(int, default_value=10)}`.

Each of them is a thin name for a ConfigSchema, found in its `schema`.
"""

from __future__ import annotations

import enum as python_enum
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any as AnyType, Final

from headwater.authoring.config import schema as schemas
from headwater.authoring.config.schema import (
    NO_VALUE,
    ConfigKind,
    ConfigSchema,
    EnumChoice,
    schema_of,
    with_implicit_default,
)
from headwater.model.errors.config import ConfigFault, InvalidConfigDefinitionError, InvalidConfigError
from headwater.model.errors.definition import CheckError


class ConfigType:
    """A type that a configuration value can have. `schema` says which values it takes."""

    __slots__ = ("schema",)

    def __init__(self, schema: ConfigSchema) -> None:
        self.schema = schema

    @property
    def description(self) -> str | None:
        """What the author said about it."""
        return self.schema.description

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.schema.label}>"


Any: Final = ConfigType(schemas.ANY)
Bool: Final = ConfigType(schemas.BOOL)
Float: Final = ConfigType(schemas.FLOAT)
Int: Final = ConfigType(schemas.INT)
String: Final = ConfigType(schemas.STRING)
# A source takes {"env": "NAME"} in place of the value, as every scalar does here: these are other names for them.
BoolSource: Final = Bool
IntSource: Final = Int
StringSource: Final = String


class Field:
    """A setting: its type, whether it must be given, its default and what it is for.

    `config` is a type, a dict of fields, a one-element list, or any of the types of this module. A setting is required
    unless it has a default, is said not to be (`is_required=False`: it is then absent when not given), or has an
    implicit one (Noneable: None; a dict whose fields may all be left out).
    Raises CheckError for a required setting with a default, InvalidConfigError for a default that does not fit.
    """

    def __init__(
        self,
        config: AnyType,
        default_value: AnyType = NO_VALUE,
        is_required: bool | None = None,
        description: str | None = None,
        is_secret: bool = False,
    ) -> None:
        inner = schema_of(config)
        if is_required and default_value is not NO_VALUE:
            raise CheckError(
                what=f"A required field was given the default {default_value!r}.",
                why="A setting that must be given never falls back on its default.",
                fix="Drop is_required=True or default_value.",
            )
        if isinstance(default_value, python_enum.Enum) and inner.kind is ConfigKind.ENUM:
            default_value = next((c.text for c in inner.choices if c.value == default_value), default_value)
        default: AnyType
        if default_value is not NO_VALUE:
            default, required = _checked_default(inner, default_value), False
        elif is_required is not None:
            default, required = NO_VALUE, is_required
        else:
            default, required = inner.default, inner.is_required
        self.config_type = config if isinstance(config, ConfigType) else ConfigType(inner)
        self._given_default = default_value
        schema = inner.as_field(default=default, is_required=required, description=description)
        self.schema = replace(schema, is_secret=is_secret)

    @property
    def description(self) -> str | None:
        """What the author said about it."""
        return self.schema.description

    @property
    def is_required(self) -> bool:
        """Whether a configuration without it is at fault."""
        return self.schema.is_required

    @property
    def is_secret(self) -> bool:
        """Whether its value should be hidden where configuration is shown."""
        return self.schema.is_secret

    @property
    def default_provided(self) -> bool:
        """Whether there is a default, given or implicit."""
        return self.schema.has_default

    @property
    def default_value(self) -> AnyType:
        """The default. Raises CheckError when there is none."""
        if not self.schema.has_default:
            raise CheckError(
                what="The default of a field was asked for that has none.",
                why="It is required, or simply absent when it is not given.",
                fix="Look at default_provided first, or give it a default_value.",
            )
        return self.schema.default if self._given_default is NO_VALUE else self._given_default

    def __repr__(self) -> str:
        default = f", default_value={self.schema.default!r}" if self.schema.has_default else ""
        return f"Field({self.schema.label}{default}, is_required={self.is_required})"


def _checked_default(schema: ConfigSchema, default: AnyType) -> AnyType:
    from headwater.authoring.config.resolve import resolve_config

    try:
        resolve_config(schema, default, path="default_value", resolve_env=False)
    except InvalidConfigError as error:
        raise InvalidConfigError(
            [ConfigFault(fault.location, fault.problem, fault.fix) for fault in error.faults],
            why="A default must itself be a valid value.",
            example=error.example,
        ) from None
    return default


class Shape(ConfigType):
    """Named fields and no others. `field_aliases` are other names, by field, under which their values may be given."""

    __slots__ = ()

    def __init__(
        self,
        fields: Mapping[str, AnyType],
        description: str | None = None,
        field_aliases: Mapping[str, str] | None = None,
    ) -> None:
        aliases = {alias: name for name, alias in (field_aliases or {}).items()}
        schema = replace(schemas.shape(fields), description=description, aliases=aliases)
        super().__init__(with_implicit_default(schema))


class Permissive(ConfigType):
    """Named fields, and any others beside them."""

    __slots__ = ()

    def __init__(self, fields: Mapping[str, AnyType] | None = None, description: str | None = None) -> None:
        schema = schemas.shape(fields or {}, is_open=True)
        super().__init__(with_implicit_default(replace(schema, description=description)))


class Selector(ConfigType):
    """Exactly one of several named fields."""

    __slots__ = ()

    def __init__(self, fields: Mapping[str, AnyType], description: str | None = None) -> None:
        inner = schemas.shape(fields).fields
        label = "exactly one of " + ", ".join(f'"{name}"' for name in inner)
        schema = ConfigSchema(ConfigKind.SELECTOR, label=label, fields=inner, description=description)
        super().__init__(with_implicit_default(schema))


class Map(ConfigType):
    """A mapping from keys that the user chooses to values of one type. `key_label_name` says what the keys are."""

    __slots__ = ()

    def __init__(self, key_type: AnyType, inner_type: AnyType, key_label_name: str | None = None) -> None:
        super().__init__(schemas.map_schema(key_type, inner_type, key_label_name))

    @property
    def key_label_name(self) -> str | None:
        """What the keys are, such as "table"."""
        return self.schema.key_label


class Array(ConfigType):
    """A list whose elements all have one type."""

    __slots__ = ()

    def __init__(self, inner_type: AnyType) -> None:
        super().__init__(schemas.array(inner_type))


class Noneable(ConfigType):
    """A value that may also be None, which it is when it is not given."""

    __slots__ = ()

    def __init__(self, inner_type: AnyType) -> None:
        super().__init__(schemas.nullable(inner_type))


class ScalarUnion(ConfigType):
    """Either a scalar or something with structure."""

    __slots__ = ()

    def __init__(self, scalar_type: AnyType, non_scalar_schema: AnyType, _key: str | None = None) -> None:
        scalar, other = schema_of(scalar_type), schema_of(non_scalar_schema)
        if scalar.kind not in schemas.SCALAR_KINDS:
            raise InvalidConfigDefinitionError(scalar_type, reason="The first type of a ScalarUnion is a scalar.")
        label = f"{scalar.label} or {other.label}"
        super().__init__(ConfigSchema(ConfigKind.SCALAR_OR, label=label, item=scalar, alternative=other))


class EnumValue:
    """One choice of an Enum: what is written, and the Python value that it means (the text itself by default)."""

    __slots__ = ("config_value", "description", "python_value")

    def __init__(self, config_value: str, python_value: object | None = None, description: str | None = None) -> None:
        self.config_value = config_value
        self.python_value = config_value if python_value is None else python_value
        self.description = description


class Enum(ConfigType):
    """One of a few texts, each of which may stand for a Python value."""

    __slots__ = ("enum_values", "name")

    def __init__(self, name: str, enum_values: Sequence[EnumValue]) -> None:
        self.name = name
        self.enum_values = tuple(enum_values)
        choices = tuple(EnumChoice(v.config_value, v.python_value, v.description) for v in self.enum_values)
        super().__init__(schemas.enum_schema(name, choices))

    @property
    def config_values(self) -> list[str]:
        """The texts that may be written."""
        return [value.config_value for value in self.enum_values]

    @classmethod
    def from_python_enum(cls, enum: type[python_enum.Enum], name: str | None = None) -> Enum:
        """Return the choices of a Python enum, written by their names."""
        return cls(name or enum.__name__, [EnumValue(member.name, member) for member in enum])

    @classmethod
    def from_python_enum_direct_values(cls, enum: type[python_enum.Enum], name: str | None = None) -> Enum:
        """Return the choices of a Python enum written by their names, each of which means the member's value."""
        return cls(name or enum.__name__, [EnumValue(member.name, member.value) for member in enum])
