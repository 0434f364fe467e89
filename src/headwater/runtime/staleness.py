"""How the assets of a project stand: its definitions and an instance put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headwater.authoring.op import OpDefinition
from headwater.model.keys import AssetKey
from headwater.plan.config_hash import config_hash_of, declared_config_hash
from headwater.runtime.moves import adopt_former_keys
from headwater.views.staleness import Staleness, staleness_of

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.definitions import Definitions
    from headwater.runtime.instance import Instance


def stale_assets(definitions: Any, *, selection: Any = None, instance: Instance | None = None) -> set[AssetKey]:
    """Return the assets of which something is there and is not what would be built now; of a partitioned one, any partition.

    `definitions` is a Definitions, or a list of assets. `selection` narrows it to what an AssetSelection, or a text that
    means one, selects. An asset that was never built is missing, and not stale. The instance is the project's unless one is
    given.
    """
    with opened(instance) as remembered:
        project = as_definitions(definitions)
        adopt_former_keys(project, remembered)
        chosen = selected_keys(project, selection)
        return staleness_in(project, remembered, chosen).stale_keys & set(chosen)


def staleness_in(
    definitions: Definitions,
    instance: Instance,
    keys: Iterable[AssetKey] | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> Staleness:
    """Return how these assets (default: all) and all upstream of them stand."""
    index = definitions.index
    return staleness_of(
        index.graph,
        instance.store,
        keys,
        declared_config=declared_configs(index),
        given_config=given_configs(index, run_config or {}),
    )


def declared_configs(index: AssetIndex) -> dict[AssetKey, str | None]:
    """Return a name for the config that the code of each asset declares; None for one that declares none."""
    return {
        key: declared_config_hash(definition.node_def)
        for definition in index.definitions
        if definition.is_materializable
        for key in definition.specs_by_key
    }


def given_configs(index: AssetIndex, run_config: Mapping[str, Any]) -> dict[AssetKey, str]:
    """Return a name for the config that a run config gives, for the assets to which it gives some."""
    ops = run_config.get("ops") or {}
    return {
        key: config_hash_of(ops[definition.node_def.name]["config"])
        for definition in index.definitions
        if isinstance(definition.node_def, OpDefinition)
        and isinstance(ops.get(definition.node_def.name), Mapping)
        and "config" in ops[definition.node_def.name]
        for key in definition.specs_by_key
    }


def as_definitions(definitions: Any) -> Definitions:
    """Return the definitions that are meant by definitions, or by a list of assets."""
    from headwater.authoring.definitions import Definitions

    if isinstance(definitions, Definitions):
        return definitions
    if callable(resolve := getattr(definitions, "get_definitions", None)):
        found = resolve()
        if isinstance(found, Definitions):
            return found
    return Definitions(assets=list(definitions) if isinstance(definitions, Iterable) else [definitions])


def selected_keys(definitions: Definitions, selection: Any) -> list[AssetKey]:
    """Return what a selection selects, in the order of dependencies; of no selection, all that can be built here."""
    graph = definitions.index.graph
    order = graph.toposort()
    if selection is None:
        return [key for key in order if graph.is_materializable(key)]
    from headwater.graph.selection import AssetSelection

    chosen = AssetSelection.from_coercible(selection).resolve_nonempty(graph)
    return [key for key in order if key in chosen and graph.is_materializable(key)]


def opened(instance: Instance | None) -> Any:
    """Return a context that gives the instance, or the project's, which is closed at its end."""
    from contextlib import nullcontext

    from headwater.runtime.instance import Instance

    return Instance.get() if instance is None else nullcontext(instance)
