"""The schema of a pydantic class: its fields as forms, examples and messages need them.

Pydantic itself remains the judge of whether a value fits; see `pydantic_config`. This is the one other file that
imports it, and it is itself imported only for a pydantic class.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from headwater.authoring.config import schema as schemas
from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.schema import NO_VALUE, ConfigKind, ConfigSchema, EnumChoice, with_implicit_default
from headwater.authoring.config.settings_of_class import RESOURCE_MARK, is_resource_annotation

_CONSTRAINT_NAMES: Mapping[str, str] = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "min_length": "minLength",
    "max_length": "maxLength",
}
_CONVERTING_VALIDATORS = frozenset({"BeforeValidator", "WrapValidator", "PlainValidator"})


def input_key(name: str, field: FieldInfo) -> str:
    """Return the name by which a configuration gives this field: its alias if it has one."""
    alias = field.validation_alias if field.validation_alias is not None else field.alias
    if isinstance(alias, str):
        return alias
    choices = getattr(alias, "choices", None) or ()
    return next((choice for choice in choices if isinstance(choice, str)), name)


def config_fields(cls: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a class that are settings, by attribute name; fields that hold resources are not."""
    return {name: info for name, info in cls.model_fields.items() if not is_resource_field(info)}


def is_resource_field(field: FieldInfo) -> bool:
    """Return whether a field holds a resource, which no configuration can give."""
    return is_resource_annotation(field.annotation) or RESOURCE_MARK in field.metadata


@lru_cache(maxsize=4096)
def _cached_schema(cls: type[BaseModel]) -> ConfigSchema:
    return _model_schema(cls, ())


def schema_of_model(cls: type[Any]) -> ConfigSchema:
    """Return the schema of a pydantic class. A class within itself is drawn as anything where it comes again."""
    return _cached_schema(cls)  # type: ignore[arg-type]  # mypy doubts that classes are hashable


def _model_schema(cls: type[BaseModel], within: tuple[type[BaseModel], ...]) -> ConfigSchema:
    fields = {
        input_key(name, info): _field_schema(cls, name, info, (*within, cls))
        for name, info in config_fields(cls).items()
    }
    schema = ConfigSchema(
        ConfigKind.SHAPE,
        label="a mapping",
        fields=fields,
        is_open=cls.model_config.get("extra") == "allow",
        key_label=cls.__name__,
        description=_description(cls),
        model=cls,
    )
    return with_implicit_default(schema)


def fields_to_fill(schema: ConfigSchema) -> tuple[str, ...]:
    """Return the fields that pydantic requires, though {} says all there is to say about each of them."""
    infos = schema.model.model_fields if schema.model is not None else {}
    by_key = {input_key(name, info): info for name, info in infos.items()}
    return tuple(
        key
        for key, inner in schema.fields.items()
        if inner.kind is ConfigKind.SHAPE and not inner.is_required and key in by_key and by_key[key].is_required()
    )


def _description(cls: type[BaseModel]) -> str | None:
    text = cls.__doc__ if cls.__module__ != __name__ and "__doc__" in vars(cls) else None
    return text.strip() if text and not cls.__module__.startswith("headwater.authoring") else None


def _field_schema(
    cls: type[BaseModel], name: str, info: FieldInfo, within: tuple[type[BaseModel], ...]
) -> ConfigSchema:
    schema = _annotation_schema(info.annotation, info, within)
    constraints = dict(_constraints(info.metadata))
    if _converts(cls, name, info):
        schema = ConfigSchema(ConfigKind.ANY, label=schema.label, accepts_env=True)
    default: Any = schema.default
    if not info.is_required():
        default = NO_VALUE
        if info.default_factory is None:
            default = plain_config(info.default)
        elif info.default_factory in (dict, list, set):
            default = plain_config(info.default_factory())
    return replace(
        schema,
        default=default,
        is_required=info.is_required() and schema.is_required,
        description=info.description or schema.description,
        constraints=constraints,
    )


def _converts(cls: type[BaseModel], name: str, info: FieldInfo) -> bool:
    if any(type(item).__name__ in _CONVERTING_VALIDATORS for item in info.metadata):
        return True
    decorators = cls.__pydantic_decorators__.field_validators.values()
    return any(
        decorator.info.mode != "after" and ({name, "*"} & set(decorator.info.fields)) for decorator in decorators
    )


def _constraints(metadata: Sequence[Any]) -> typing.Iterator[tuple[str, Any]]:
    for item in metadata:
        # pydantic keeps some constraints (pattern, for one) in a bag of its own.
        held = item if not hasattr(item, "__dict__") else vars(item)
        for name, word in _CONSTRAINT_NAMES.items():
            value = held.get(name) if isinstance(held, Mapping) else getattr(item, name, None)
            if value is not None:
                yield word, value


def _annotation_schema(annotation: Any, info: FieldInfo | None, within: tuple[type[BaseModel], ...]) -> ConfigSchema:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _annotated_schema(arguments, within)
    if origin in (typing.Union, types.UnionType):
        return _union_schema(arguments, info, within)
    if origin is typing.Literal:
        choices = tuple(
            EnumChoice(argument.name if isinstance(argument, enum.Enum) else str(argument), argument)
            for argument in arguments
        )
        return schemas.enum_schema("Literal", choices)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        choices = tuple(EnumChoice(member.name, member) for member in annotation)
        return schemas.enum_schema(annotation.__name__, choices)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and origin is None:
        if annotation in within or len(within) > 12:
            return schemas.ANY
        return _model_schema(annotation, within)
    if origin in (list, set, frozenset, Sequence, typing.get_origin(typing.Iterable[int])) and arguments:
        return ConfigSchema(ConfigKind.ARRAY, label="a list", item=_annotation_schema(arguments[0], None, within))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return ConfigSchema(ConfigKind.ARRAY, label="a list", item=_annotation_schema(arguments[0], None, within))
    if origin in (dict, Mapping, typing.get_origin(typing.MutableMapping[str, int])) and len(arguments) == 2:
        item = _annotation_schema(arguments[1], None, within)
        return ConfigSchema(ConfigKind.MAP, label=f"a mapping to {item.label}", item=item)
    if annotation in schemas.SCHEMA_BY_TYPE:
        return replace(schemas.SCHEMA_BY_TYPE[annotation], is_required=True, default=NO_VALUE)
    label = annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
    is_container = origin is not None or annotation in (Any, object, None, type(None), set, tuple, frozenset)
    return ConfigSchema(
        ConfigKind.ANY,
        label=f"a value for {label}",
        accepts_env=not is_container,
        is_secret=annotation in (SecretStr, SecretBytes),
    )


def _annotated_schema(arguments: tuple[Any, ...], within: tuple[type[BaseModel], ...]) -> ConfigSchema:
    info = next((item for item in arguments[1:] if isinstance(item, FieldInfo)), None)
    schema = _annotation_schema(arguments[0], info, within)
    if any(type(item).__name__ in _CONVERTING_VALIDATORS for item in arguments[1:]):
        return ConfigSchema(ConfigKind.ANY, label=schema.label, accepts_env=True)
    metadata = [part for item in arguments[1:] for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    return replace(schema, constraints={**schema.constraints, **dict(_constraints(metadata))})


def _union_schema(
    arguments: tuple[Any, ...], info: FieldInfo | None, within: tuple[type[BaseModel], ...]
) -> ConfigSchema:
    rest = [argument for argument in arguments if argument is not type(None)]
    if len(rest) < len(arguments):
        inner = (
            _annotation_schema(rest[0], info, within) if len(rest) == 1 else _union_schema(tuple(rest), info, within)
        )
        schema = ConfigSchema(
            ConfigKind.NULLABLE, label=f"{inner.label} or null", item=inner, accepts_env=inner.accepts_env
        )
        return with_implicit_default(schema)
    discriminator = info.discriminator if info is not None else None
    if isinstance(discriminator, str):
        return _discriminated_schema(rest, discriminator, within)
    branches = [_annotation_schema(argument, None, within) for argument in rest]
    return ConfigSchema(
        ConfigKind.ANY,
        label=" or ".join(branch.label for branch in branches),
        accepts_env=any(branch.accepts_env for branch in branches),
    )


def _discriminated_schema(branches: list[Any], discriminator: str, within: tuple[type[BaseModel], ...]) -> ConfigSchema:
    fields: dict[str, ConfigSchema] = {}
    values: dict[str, Any] = {}
    for branch in branches:
        cls = typing.get_args(branch)[0] if typing.get_origin(branch) is typing.Annotated else branch
        inner = _model_schema(cls, within) if cls not in within else schemas.ANY
        shown = {name: item for name, item in inner.fields.items() if name != discriminator}
        for tag in typing.get_args(cls.model_fields[discriminator].annotation):
            text = tag.name if isinstance(tag, enum.Enum) else str(tag)
            fields[text] = with_implicit_default(replace(inner, fields=shown, default=NO_VALUE, is_required=True))
            values[text] = tag
    label = "exactly one of " + ", ".join(f'"{name}"' for name in fields)
    return ConfigSchema(
        ConfigKind.SELECTOR, label=label, fields=fields, discriminator=discriminator, discriminator_values=values
    )
