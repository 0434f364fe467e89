"""`with_resources`: assets that bring the resources that they need, for programs that have no `Definitions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.resources import MissingResourceError, ResourceDefinition, required_keys, wrap_resource
from headwater.authoring.source_asset import SourceAsset
from headwater.model.errors import DefinitionError, DefinitionErrors, HeadwaterError, InvalidInvocationError

T = TypeVar("T")

# Every run has one of this key, given or not.
_ALWAYS_THERE = "io_manager"


class BindResourcesToJobs(list[Any]):
    """Jobs that get the resources of their Definitions. All jobs do here; a plain list means the same."""


def with_resources(
    definitions: Iterable[T],
    resource_defs: Mapping[str, object],
    resource_config_by_key: Mapping[str, Any] | None = None,
) -> Sequence[T]:
    """Return the same assets, source assets and checks, each with those of the resources that it needs.

    `resource_config_by_key` configures some of them: {"warehouse": {"config": {...}}}. Raises MissingResourceError for
    what is needed and not given (several mistakes together as DefinitionErrors), InvalidInvocationError for an asset that
    already has another resource of the same key, InvalidConfigError for a config that does not fit.
    """
    given = {key: _configured(key, value, resource_config_by_key or {}) for key, value in resource_defs.items()}
    needed_by_key = required_keys(given)
    problems: list[DefinitionError] = []
    bound: list[Any] = []
    for definition in definitions:
        if not isinstance(definition, AssetsDefinition | SourceAsset):
            raise InvalidInvocationError(
                what=f"with_resources was given {definition!r}, of the type {type(definition).__name__}.",
                why="It gives resources to assets, source assets and checks.",
                fix="Give resources to jobs with resource_defs=, or to all that is defined with Definitions(resources=...).",
            )
        own = definition.resource_defs
        for key in own:
            if key in given and own[key] is not given[key] and own[key] != given[key]:
                raise InvalidInvocationError(
                    what=f'{_described(definition)} has a resource "{key}" of its own, and is given another one.',
                    why="A run has one resource for one key.",
                    fix="Leave one of them out, or give one of them another key.",
                )
        keys: dict[str, str] = dict.fromkeys(sorted(definition.required_resource_keys), _described(definition))
        pending = list(keys)
        while pending:
            key = pending.pop(0)
            if key not in given and key not in own and key != _ALWAYS_THERE:
                problems.append(MissingResourceError(key, keys[key], {*given, *own}))
            for other in sorted(needed_by_key.get(key, ())):
                if other not in keys:
                    keys[other] = f'the resource "{key}"'
                    pending.append(other)
        added = {key: given[key] for key in keys if key in given}
        bound.append(definition.with_resources(added))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise DefinitionErrors(problems)
    return bound


def _described(definition: AssetsDefinition | SourceAsset) -> str:
    return f'source asset "{definition.key}"' if isinstance(definition, SourceAsset) else str(definition)


def _configured(key: str, value: object, config_by_key: Mapping[str, Any]) -> object:
    if key not in config_by_key:
        return value
    given = config_by_key[key]
    if not isinstance(given, Mapping) or set(given) != {"config"}:
        raise InvalidInvocationError(
            what=f'resource_config_by_key has {given!r} for "{key}".',
            why='The config of a resource goes under "config".',
            fix=f'Write {{"{key}": {{"config": ...}}}}.',
        )
    resource: ResourceDefinition = wrap_resource(value)
    try:
        return resource.configured(given["config"])
    except HeadwaterError as error:
        error.add_note(f'It was given to with_resources for the resource "{key}".')
        raise
