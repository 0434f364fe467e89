"""A ConfigSchema as JSON Schema (draft 2020-12), for forms and editors."""

from __future__ import annotations

from typing import Any, Final

from headwater.authoring.config.env_var import is_env_var
from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.schema import ConfigKind, ConfigSchema

_TYPE_NAMES: Final = {
    ConfigKind.INT: "integer",
    ConfigKind.FLOAT: "number",
    ConfigKind.STRING: "string",
    ConfigKind.BOOL: "boolean",
}
_ENV: Final[dict[str, Any]] = {
    "type": "object",
    "title": "environment variable",
    "properties": {"env": {"type": "string"}},
    "required": ["env"],
    "additionalProperties": False,
}


def config_json_schema(schema: ConfigSchema) -> dict[str, Any]:
    """Return the JSON Schema of the values that `schema` takes. Defaults are shown, but never those of a secret."""
    drawn = _drawn(schema)
    if schema.description:
        drawn["description"] = schema.description
    if schema.has_default and not schema.is_secret and not is_env_var(schema.default):
        drawn["default"] = plain_config(schema.default)
    if schema.is_secret:
        drawn["writeOnly"] = True
    return drawn


def _drawn(schema: ConfigSchema) -> dict[str, Any]:
    match schema.kind:
        case ConfigKind.INT | ConfigKind.FLOAT | ConfigKind.STRING | ConfigKind.BOOL:
            scalar = {"type": _TYPE_NAMES[schema.kind], **schema.constraints}
            return {"anyOf": [scalar, dict(_ENV)]} if schema.accepts_env else scalar
        case ConfigKind.ENUM:
            title = {"title": schema.key_label} if schema.key_label else {}
            return {**title, "enum": [choice.text for choice in schema.choices]}
        case ConfigKind.NULLABLE if schema.item is not None:
            return {"anyOf": [config_json_schema(schema.item), {"type": "null"}]}
        case ConfigKind.SCALAR_OR if schema.item is not None and schema.alternative is not None:
            return {"anyOf": [config_json_schema(schema.item), config_json_schema(schema.alternative)]}
        case ConfigKind.ARRAY if schema.item is not None:
            return {"type": "array", "items": config_json_schema(schema.item)}
        case ConfigKind.MAP if schema.item is not None:
            return {"type": "object", "additionalProperties": config_json_schema(schema.item)}
        case ConfigKind.SHAPE:
            return _drawn_shape(schema)
        case ConfigKind.SELECTOR:
            return {
                "type": "object",
                "oneOf": [
                    {
                        "type": "object",
                        "title": name,
                        "properties": {name: config_json_schema(inner)},
                        "required": [name],
                        "additionalProperties": False,
                    }
                    for name, inner in schema.fields.items()
                ],
            }
        case _:
            return {}


def _drawn_shape(schema: ConfigSchema) -> dict[str, Any]:
    drawn: dict[str, Any] = {"type": "object"}
    if schema.model is not None and schema.key_label:
        drawn["title"] = schema.key_label
    drawn["properties"] = {name: config_json_schema(inner) for name, inner in schema.fields.items()}
    if required := [name for name, inner in schema.fields.items() if inner.is_required]:
        drawn["required"] = required
    drawn["additionalProperties"] = schema.is_open
    return drawn
