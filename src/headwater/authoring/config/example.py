"""Words for a person who has to write a configuration: what a value is called, and one that would be taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.authoring.config.env_var import env_var_name_in, is_env_var
from headwater.authoring.config.schema import ConfigKind, ConfigSchema

_WORDS_BY_TYPE: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
}


def example_of(schema: ConfigSchema, depth: int = 0) -> Any:
    """Return a value that the schema takes: every required field, and no other. Made of JSON types."""
    match schema.kind:
        case ConfigKind.INT | ConfigKind.FLOAT:
            floor = schema.constraints.get("minimum", schema.constraints.get("exclusiveMinimum", -1) + 1)
            return max(floor, 0) if "maximum" not in schema.constraints else min(floor, schema.constraints["maximum"])
        case ConfigKind.STRING:
            return "..."
        case ConfigKind.BOOL:
            return True
        case ConfigKind.ENUM:
            return schema.choices[0].text if schema.choices else "..."
        case ConfigKind.NULLABLE | ConfigKind.SCALAR_OR if schema.item is not None:
            return example_of(schema.item, depth)
        case ConfigKind.ARRAY if schema.item is not None:
            return [example_of(schema.item, depth + 1)] if depth < 8 else []
        case ConfigKind.MAP if schema.item is not None and depth < 8:
            return {schema.key_label or "key": example_of(schema.item, depth + 1)}
        case ConfigKind.SHAPE:
            required = {name: inner for name, inner in schema.fields.items() if inner.is_required and depth < 8}
            return {name: example_of(inner, depth + 1) for name, inner in required.items()}
        case ConfigKind.SELECTOR if schema.fields:
            name, inner = next(iter(schema.fields.items()))
            return {name: example_of(inner, depth + 1)} if depth < 8 else {}
        case _:
            return "..."


def example_text(schema: ConfigSchema) -> str:
    """Return `example_of` as one line of JSON, for the end of a message."""
    import json

    return json.dumps(example_of(schema), default=str)


def shown(value: object) -> str:
    """Return `value` and what it is, for a message: '"many" (a string)'. Long values are cut; variables stay names."""
    if value is None:
        return "null"
    if is_env_var(value) or env_var_name_in(value) is not None:
        return f'the environment variable "{env_var_name_in(value)}"'
    import json

    text = json.dumps(value) if isinstance(value, str) else repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{text} ({_WORDS_BY_TYPE.get(type(value), type(value).__name__)})"
