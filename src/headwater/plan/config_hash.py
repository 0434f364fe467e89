"""Names for config: equal config has an equal name, and what it holds cannot be read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.authoring.config import NO_VALUE, ConfigMapping, ConfigSchema, examine_config
from headwater.authoring.graph_definition import GraphDefinition
from headwater.authoring.nodes import NodeDefinition
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


def declared_config_hash(node: NodeDefinition | None) -> str | None:
    """Return the name of the config that a node has when a run gives none: its defaults. None for one without config.

    Of a graph it is that of all ops in it, by their names, and of the config that the graph takes for them.
    """
    if isinstance(node, OpDefinition):
        if not node.has_config:
            return None
        found: str | None = _HASH_BY_NODE.get(node)
        if found is None:
            found = _HASH_BY_NODE[node] = _hash_of_schema(node.config_schema)
        return found
    if not isinstance(node, GraphDefinition):
        return None
    parts = {
        name: part for name, use in node.uses.items() if (part := declared_config_hash(use.definition)) is not None
    }
    mapping = node.config_mapping
    if isinstance(mapping, ConfigMapping):
        parts[""] = _hash_of_schema(mapping.config_schema)
    elif mapping is not None:
        parts[""] = config_hash_of(mapping)
    return config_hash_of(parts) if parts else None


def _hash_of_schema(schema: ConfigSchema) -> str:
    # Where something must be given, what has a default still tells one declaration from another.
    resolved, faults = examine_config(schema, NO_VALUE, "config", resolve_env=False)
    return config_hash_of([resolved if not faults else None, sorted(fault.location for fault in faults)])


def _new_cache() -> Any:
    from weakref import WeakKeyDictionary

    return WeakKeyDictionary()


_HASH_BY_NODE: Any = _new_cache()
