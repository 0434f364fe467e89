"""Names for config: equal config has an equal name, and what it holds cannot be read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.authoring.op import OpDefinition
from headwater.model.codec import encode_json


def config_hash_of(config: Any) -> str:
    """Return the name of config as it was given: environment variables count by name, and the order of keys does not."""
    from hashlib import blake2b

    return blake2b(encode_json(_in_order(config)).encode(), digest_size=8).hexdigest()


def _in_order(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {str(name): _in_order(config[name]) for name in sorted(config, key=str)}
    if isinstance(config, (list, tuple)):
        return [_in_order(each) for each in config]
    return config


def declared_config_hash(op: OpDefinition) -> str | None:
    """Return the name of the config that an op has when a run gives none: its defaults. None for an op without config."""
    if not op.has_config:
        return None
    found: str | None = _HASH_BY_OP.get(op)
    if found is None:
        from headwater.authoring.config import NO_VALUE, examine_config

        # Where something must be given, what has a default still tells one declaration from another.
        resolved, faults = examine_config(op.config_schema, NO_VALUE, "config", resolve_env=False)
        found = config_hash_of([resolved if not faults else None, sorted(fault.location for fault in faults)])
        _HASH_BY_OP[op] = found
    return found


def _new_cache() -> Any:
    from weakref import WeakKeyDictionary

    return WeakKeyDictionary()


_HASH_BY_OP: Any = _new_cache()
