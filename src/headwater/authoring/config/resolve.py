"""A given configuration against its schema: what it resolves to, or everything that is wrong with it.

All faults are gathered before anything is raised. Environment variables are looked up only when asked for, and what
they hold never reaches a message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from typing import Any

from headwater.authoring.config.env_var import env_var_name_in, is_env_var
from headwater.authoring.config.example import example_text, shown
from headwater.authoring.config.schema import NO_VALUE, ConfigKind, ConfigSchema, is_model
from headwater.model.errors.config import ConfigFault, config_error
from headwater.model.errors.root import did_you_mean

_NULL_TAKERS = frozenset({ConfigKind.ANY, ConfigKind.NULLABLE})


def resolve_config(
    schema: ConfigSchema, value: Any = NO_VALUE, path: str = "config", *, resolve_env: bool = True
) -> Any:
    """Return `value` with its defaults filled in, enums and environment variables turned into what they mean.

    A `value` of NO_VALUE, and of None where None is not a value, stands for nothing given. With `resolve_env=False` an
    environment variable stays as it was written and is not looked up. The result of a schema read from a pydantic class
    is the mapping of its fields; `build_config_object` gives the object.
    Raises InvalidConfigError with every fault, and MissingEnvVar when unset variables are the only ones.
    """
    resolved, faults = examine_config(schema, value, path, resolve_env=resolve_env)
    if faults:
        raise config_error(faults, example=example_text(schema))
    return resolved


def examine_config(
    schema: ConfigSchema, value: Any, path: str, *, resolve_env: bool = True
) -> tuple[Any, list[ConfigFault]]:
    """Return what `resolve_config` would, and the faults in place of raising them; with any, it means nothing."""
    faults: list[ConfigFault] = []
    if value is None and schema.kind not in _NULL_TAKERS:
        value = NO_VALUE
    if value is NO_VALUE:
        if schema.has_default:
            value = schema.default
        elif not schema.is_required:
            return None, faults
        elif schema.kind is ConfigKind.SHAPE:
            value = {}
        else:
            faults.append(ConfigFault(path, f"nothing was given; it must be {schema.label}."))
            return None, faults
    return _Resolver(resolve_env, faults).resolve(schema, value, path), faults


class _Resolver:
    def __init__(self, resolve_env: bool, faults: list[ConfigFault]) -> None:
        self.resolve_env = resolve_env
        self.faults = faults

    def fault(self, path: str, problem: str, fix: str = "") -> None:
        self.faults.append(ConfigFault(path, problem, fix))

    def resolve(self, schema: ConfigSchema, value: Any, path: str) -> Any:
        if schema.model is not None:
            from headwater.authoring.config.pydantic_config import examine_model_config

            resolved, faults = examine_model_config(schema.model, value, path, resolve_env=self.resolve_env)
            self.faults.extend(faults)
            return resolved
        if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
            value = value.item()
        match schema.kind:
            case ConfigKind.ANY:
                return self.anything(value, path)
            case ConfigKind.INT | ConfigKind.FLOAT | ConfigKind.STRING | ConfigKind.BOOL:
                return self.scalar(schema, value, path)
            case ConfigKind.NULLABLE:
                return None if value is None else self.resolve(_item(schema), value, path)
            case ConfigKind.ENUM:
                return self.enum(schema, value, path)
            case ConfigKind.SCALAR_OR:
                is_scalar = not isinstance(value, Mapping | list | tuple) or env_var_name_in(value) is not None
                branch = _item(schema) if is_scalar else schema.alternative
                return self.resolve(branch or schema, value, path)
            case ConfigKind.ARRAY:
                if not isinstance(value, list | tuple):
                    return self.fault(path, f"must be a list, but is {shown(value)}.")
                return [self.resolve(_item(schema), item, f"{path}[{index}]") for index, item in enumerate(value)]
            case ConfigKind.MAP:
                return self.map(schema, value, path)
            case ConfigKind.SELECTOR:
                return self.selector(schema, value, path)
            case ConfigKind.SHAPE:
                return self.shape(schema, value, path)

    def anything(self, value: Any, path: str) -> Any:
        if is_env_var(value):
            return self.variable(value, path)
        if is_model(value):
            from headwater.authoring.config.plain import plain_config

            return self.anything(plain_config(value), path)
        if isinstance(value, Mapping):
            return {key: self.anything(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.anything(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return value

    def variable(self, value: Any, path: str, schema: ConfigSchema | None = None) -> Any:
        if not self.resolve_env:
            return value
        resolved, fault = look_up(value, path, schema)
        if fault:
            self.faults.append(fault)
        return resolved

    def scalar(self, schema: ConfigSchema, value: Any, path: str) -> Any:
        if env_var_name_in(value) is not None:
            return self.variable(value, path, schema)
        if not fits_scalar(schema.kind, value):
            return self.fault(path, f"must be {schema.label}, but is {shown(value)}.")
        return float(value) if schema.kind is ConfigKind.FLOAT else value

    def enum(self, schema: ConfigSchema, value: Any, path: str) -> Any:
        text = value.name if isinstance(value, Enum) else value
        for choice in schema.choices:
            if choice.text == text:
                return choice.value
        hint = did_you_mean(value, (choice.text for choice in schema.choices)) if isinstance(value, str) else ""
        return self.fault(path, f"must be {schema.label}, but is {shown(value)}.", hint.rstrip())

    def map(self, schema: ConfigSchema, value: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            return self.fault(path, f"must be a mapping, but is {shown(value)}.")
        keys = schema.alternative
        for key in value:
            if keys is not None and keys.kind in _SCALARS and not fits_scalar(keys.kind, key):
                self.fault(f"{path}.{key}", f"has the key {shown(key)}; a key must be {keys.label}.")
        return {key: self.resolve(_item(schema), item, f"{path}.{key}") for key, item in value.items()}

    def selector(self, schema: ConfigSchema, value: Any, path: str) -> Any:
        names = ", ".join(f'"{name}"' for name in schema.fields)
        if not isinstance(value, Mapping):
            return self.fault(path, f"must be a mapping with {schema.label}, but is {shown(value)}.")
        if not value and schema.has_default:
            value = schema.default
        if len(value) != 1:
            given = ", ".join(f'"{name}"' for name in value) or "none"
            return self.fault(path, f"must have exactly one of {names}, but has {given}.")
        name, item = next(iter(value.items()))
        if name not in schema.fields:
            return self.fault(
                f"{path}.{name}", f"is not one of {names}.", did_you_mean(str(name), schema.fields).rstrip()
            )
        inner = schema.fields[name]
        if item is None and inner.kind not in _NULL_TAKERS and inner.has_default:
            item = inner.default
        return {name: self.resolve(inner, item, f"{path}.{name}")}

    def shape(self, schema: ConfigSchema, value: Any, path: str) -> Any:
        if is_model(value):
            from headwater.authoring.config.plain import plain_config

            value = plain_config(value)
        if not isinstance(value, Mapping):
            known = ", ".join(f'"{field}"' for field in schema.fields)
            fix = f"Its fields are: {known}." if known else ""
            return self.fault(path, f"must be a mapping, but is {shown(value)}.", fix)
        if schema.aliases:
            value = {schema.aliases.get(name, name): item for name, item in value.items()}
        resolved: dict[str, Any] = {}
        for name, inner in schema.fields.items():
            inner_path = f"{path}.{name}"
            if name in value:
                resolved[name] = self.resolve(inner, value[name], inner_path)
            elif inner.has_default:
                resolved[name] = self.resolve(inner, inner.default, inner_path)
            elif inner.is_required:
                self.fault(inner_path, f"is missing; it must be {inner.label}.")
        for name in value:
            if name in schema.fields:
                continue
            if schema.is_open:
                resolved[name] = self.anything(value[name], f"{path}.{name}")
            else:
                self.faults.append(unknown_field(schema, str(name), path, value))
        return resolved


_SCALARS = frozenset({ConfigKind.INT, ConfigKind.FLOAT, ConfigKind.STRING, ConfigKind.BOOL})


def _item(schema: ConfigSchema) -> ConfigSchema:
    assert schema.item is not None, "an array, map or nullable is made with what it holds"
    return schema.item


def fits_scalar(kind: ConfigKind, value: object) -> bool:
    """Return whether `value` is of this kind as it stands: no conversion, but an integer, or a bool, is a number too."""
    match kind:
        case ConfigKind.BOOL:
            return isinstance(value, bool)
        case ConfigKind.INT:
            return isinstance(value, int) and not isinstance(value, bool)
        case ConfigKind.FLOAT:
            return isinstance(value, int | float)
        case ConfigKind.STRING:
            return isinstance(value, str)
        case _:
            return True


def unknown_field(schema: ConfigSchema, name: str, path: str, given: Mapping[str, Any]) -> ConfigFault:
    """Return the fault of a field that the shape does not have, offering the nearest of those not given yet."""
    known = ", ".join(f'"{field}"' for field in schema.fields) or "none"
    free = [field for field in schema.fields if field not in given] or list(schema.fields)
    return ConfigFault(
        f"{path}.{name}", "there is no such field.", f"{did_you_mean(name, free)}The fields are: {known}."
    )


def look_up(value: object, path: str, schema: ConfigSchema | None = None) -> tuple[Any, ConfigFault | None]:
    """Return what the variable named by `value` holds, read as the schema says, or the fault of why it cannot be."""
    name = env_var_name_in(value)
    text = os.environ.get(name or "")
    if text is None or name is None:
        problem = f'the environment variable "{name}" is not set.'
        fix = f"Set {name}, or give the value itself."
        return None, ConfigFault(path, problem, fix, missing_env_var=name)
    kind = schema.kind if schema is not None else None
    if kind is None and isinstance(value, int):
        kind = ConfigKind.INT
    try:
        match kind:
            case ConfigKind.INT:
                return int(text), None
            case ConfigKind.FLOAT:
                return float(text), None
            case ConfigKind.BOOL:
                return _TRUTH_BY_TEXT[text.strip().lower()], None
            case _:
                return text, None
    except (ValueError, KeyError):
        label = schema.label if schema is not None else "an integer"
        return None, ConfigFault(path, f'what the environment variable "{name}" holds is not {label}.')


_TRUTH_BY_TEXT: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True),
    **dict.fromkeys(("false", "0", "no", "off", "f", "n", ""), False),
}
