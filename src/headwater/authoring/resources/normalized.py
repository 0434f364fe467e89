"""Whatever an author gives as a resource, as a ResourceDefinition; and what is wrong with all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.authoring.config.env_var import is_env_var
from headwater.authoring.config.resolve import resolve_config
from headwater.authoring.config.schema import ANY
from headwater.authoring.resources.definition import ResourceDefinition
from headwater.model.errors.definition import DefinitionError, InvalidDefinitionError
from headwater.model.errors.resources import MissingResourceError, NestedResourceError, ResourceCycleError


def wrap_resource(value: Any) -> ResourceDefinition:
    """Return the definition of whatever was given in `resources=`: a definition, a ConfigurableResource or an object.

    A ConfigurableResource class stands for one that is configured at launch when it is annotated so; here a class, like
    any other object, is the resource itself.
    """
    if isinstance(value, ResourceDefinition):
        return value
    # Its class is asked, since a mock has every attribute that it is asked for.
    if not isinstance(value, type) and hasattr(type(value), "get_resource_definition"):
        made: ResourceDefinition = value.get_resource_definition()
        return made
    if is_env_var(value):
        # A bare EnvVar as a resource is what the variable holds when the resource is set up.
        return ResourceDefinition(lambda _context: resolve_config(ANY, value, "resources"))
    return ResourceDefinition.hardcoded_resource(value)


def keys_by_identity(given_by_key: Mapping[str, Any]) -> dict[int, str]:
    """Return under which key each given object is provided, by its id; the first key when it has several."""
    keys: dict[int, str] = {}
    for key, value in given_by_key.items():
        keys.setdefault(id(value), key)
    return keys


def required_keys(given_by_key: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return the keys that each resource needs, by its own; resources held as fields by value count when they have one.

    Raises NestedResourceError for a field to be configured at launch whose object has no key.
    """
    identities = keys_by_identity(given_by_key)
    return {key: wrap_resource(value).required_keys_among(identities) for key, value in given_by_key.items()}


def resource_errors(given_by_key: Mapping[str, Any]) -> list[DefinitionError]:
    """Return what is wrong with these resources as a whole: missing ones, cycles, and unreachable nested ones."""
    errors: list[DefinitionError] = []
    identities = keys_by_identity(given_by_key)
    needed: dict[str, frozenset[str]] = {}
    for key, value in given_by_key.items():
        try:
            needed[key] = wrap_resource(value).required_keys_among(identities)
        except NestedResourceError as error:
            errors.append(error)
            needed[key] = frozenset()
    for key, keys in needed.items():
        errors += [
            MissingResourceError(other, f'the resource "{key}"', given_by_key)
            for other in sorted(keys)
            if other not in given_by_key
        ]
    try:
        in_setup_order(needed, needed)
    except ResourceCycleError as cycle:
        errors.append(cycle)
    return errors


def in_setup_order(wanted: Mapping[str, Any] | list[str], needed: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the wanted keys and all that they need, each after what it needs itself.

    Keys that are not in `needed` are left out. Raises ResourceCycleError with the path of a cycle.
    """
    ordered: dict[str, None] = {}
    path: list[str] = []

    def visit(key: str) -> None:
        if key in ordered or key not in needed:
            return
        if key in path:
            raise ResourceCycleError([*path[path.index(key) :], key])
        path.append(key)
        for other in sorted(needed[key]):
            visit(other)
        path.pop()
        ordered[key] = None

    for key in wanted:
        visit(key)
    return list(ordered)


def check_resource_key(key: object) -> str:
    """Return a key that is fit for a resource. Raises InvalidDefinitionError when it is not a Python name."""
    if isinstance(key, str) and key.isidentifier():
        return key
    raise InvalidDefinitionError(
        what=f"{key!r} was given as the key of a resource.",
        why="Resources are reached as attributes and parameters, so a key is a Python name.",
        fix='Use letters, digits and underscores: resources={"warehouse": ...}.',
    )
