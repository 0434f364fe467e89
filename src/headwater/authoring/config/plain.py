"""Configuration as plain data: what is stored, sent and compared."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from headwater.authoring.config.env_var import env_var_name_in, is_env_var
from headwater.authoring.config.schema import is_model


def plain_config(value: Any) -> Any:
    """Return `value` made of JSON types: config objects become mappings, EnvVars become {"env": "NAME"}, enum members
    their names, numpy scalars Python's, dates and paths text. What has no plain form (a secret among them)
    is left as it is."""
    if is_env_var(value):
        return {"env": env_var_name_in(value)}
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key: plain_config(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_config(item) for item in value]
    if isinstance(value, set | frozenset):
        return [plain_config(item) for item in sorted(value, key=repr)]
    if is_model(value):
        from headwater.authoring.config.pydantic_config import config_dict_of

        return config_dict_of(value)
    # By the name of their modules, so that none of them is imported for a configuration that has no such value.
    match type(value).__module__.partition(".")[0]:
        case "datetime" if hasattr(value, "isoformat"):
            return value.isoformat()
        case "pathlib" | "decimal" | "uuid":
            return str(value)
        case "numpy" if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
            return value.item()
        case _:
            return value
