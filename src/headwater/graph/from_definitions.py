"""A graph from definitions: anything that says its specs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.errors.definition import CheckError
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.specs import AssetCheckSpec, AssetExecutionType, AssetSpec


def graph_of(definitions: AssetGraph | Iterable[Any]) -> AssetGraph:
    """Return the graph of definitions that have `specs`, and where they do `check_specs`, `execution_type`,
    `computation_name` and `can_subset`. A bare AssetSpec is an external asset. A graph is returned as it is, and a
    Definitions gives its own."""
    if isinstance(definitions, AssetGraph):
        return definitions
    if callable(resolve := getattr(definitions, "resolve_asset_graph", None)):
        return graph_of(resolve())
    specs: list[AssetSpec] = []
    checks: dict[AssetCheckKey, AssetCheckSpec] = {}
    execution_types: dict[AssetKey, AssetExecutionType] = {}
    multi_assets: dict[str, list[AssetKey]] = {}
    subsettable: set[str] = set()
    for definition in definitions:
        if isinstance(definition, AssetSpec):
            specs.append(definition)
            execution_types[definition.key] = AssetExecutionType.UNEXECUTABLE
            continue
        own = getattr(definition, "specs", None)
        own_checks = tuple(getattr(definition, "check_specs", ()))
        if own is None and not own_checks:
            raise CheckError(
                what=f"{definition!r} is not a definition of assets.",
                why="It has no specs, so it is unknown which assets it provides.",
                fix="Give an asset graph, or a list of assets and AssetSpecs.",
            )
        own = tuple(own or ())
        specs += own
        checks.update((check.key, check) for check in own_checks)
        execution_type = getattr(definition, "execution_type", AssetExecutionType.MATERIALIZATION)
        execution_types.update((spec.key, execution_type) for spec in own)
        if len(own) > 1 and isinstance(name := getattr(definition, "computation_name", None), str):
            multi_assets[name] = [spec.key for spec in own]
            if getattr(definition, "can_subset", False):
                subsettable.add(name)
    return AssetGraph.build(
        specs, checks.values(), execution_types=execution_types, multi_assets=multi_assets, subsettable=subsettable
    )
