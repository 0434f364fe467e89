"""What is wrong with a graph, all of it at once: errors that stop a load, and warnings that do not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headwater.graph.asset_graph import AssetGraph
from headwater.graph.spelling import Spelling
from headwater.model.errors.definition import DefinitionError
from headwater.model.errors.graph import (
    AssetCycle,
    CheckOnUnknownAsset,
    DuplicateAssetCheck,
    DuplicateAssetKey,
    PartitionsDoNotMap,
    UnknownUpstream,
)
from headwater.model.errors.root import did_you_mean
from headwater.model.keys import AssetKey

LoadedInputs = Mapping[AssetKey, Collection[AssetKey]]


@dataclass(frozen=True, slots=True)
class DefinitionWarning:
    """Something in the definitions that is allowed and may still be a slip."""

    code: str
    what: str
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.fix}"


def problems(
    graph: AssetGraph, *, loaded_inputs: LoadedInputs | None = None, places: Sequence[str] = ()
) -> list[DefinitionError]:
    """Return every mistake in the graph, in a stable order; none when it is sound.

    `loaded_inputs` says which upstream values the function of an asset loads, by asset. `places` says where each spec
    was defined, in the order in which the specs were given to `AssetGraph.build`.
    """
    found: list[DefinitionError] = []
    for key, first, second in graph.duplicate_specs:
        both = (places[first], places[second]) if max(first, second) < len(places) else (None, None)
        found.append(DuplicateAssetKey(key, *both))
    found += [DuplicateAssetCheck(check) for check in graph.duplicate_checks]
    if graph.implied_keys:
        spelling = _declared_names(graph)
        for asset, upstream in _unknown_loads(graph, loaded_inputs or {}):
            found.append(UnknownUpstream(asset, upstream, spelling.candidates(str(upstream))))
        for check in graph.check_keys:
            if graph.is_implied(check.asset_key) and not graph.children(check.asset_key):
                found.append(CheckOnUnknownAsset(check, spelling.candidates(str(check.asset_key))))
    found += [AssetCycle(path) for path in graph.cycles()]
    found += _partition_problems(graph)
    return found


def warnings(graph: AssetGraph, *, loaded_inputs: LoadedInputs | None = None) -> list[DefinitionWarning]:
    """Return what is allowed and worth a look: dependencies on keys that nothing defines."""
    if not graph.implied_keys:
        return []
    errors = {upstream for _, upstream in _unknown_loads(graph, loaded_inputs or {})}
    spelling = _declared_names(graph)
    found = []
    for key in graph.implied_keys:
        dependents = graph.children(key)
        if key in errors or not dependents:
            continue
        others = f" and {len(dependents) - 1} more depend" if len(dependents) > 1 else " depends"
        found.append(
            DefinitionWarning(
                code="implied-external-asset",
                what=f'"{dependents[0]}"{others} on "{key}", which no definition provides.',
                why="It is taken for an asset that something else builds.",
                fix=did_you_mean(str(key), spelling.candidates(str(key)))
                + f'To say that it is external, add AssetSpec("{key}") to the definitions.',
            )
        )
    return found


def _declared_names(graph: AssetGraph) -> Spelling:
    declared = len(graph.keys) - len(graph.implied_keys)
    return Spelling(str(key) for key in graph.keys[:declared])


def _unknown_loads(graph: AssetGraph, loaded_inputs: LoadedInputs) -> Iterator[tuple[AssetKey, AssetKey]]:
    for asset, loaded in loaded_inputs.items():
        for upstream in loaded:
            if not graph.has(upstream) or graph.is_implied(upstream):
                yield asset, upstream


def _partition_problems(graph: AssetGraph) -> Iterator[PartitionsDoNotMap]:
    for spec in graph.specs:
        down = spec.partitions_def
        for dep in spec.deps:
            mapping = dep.partition_mapping
            if dep.asset_key == spec.key and mapping is not None:
                from headwater.model.partitions import self_mapping_problem

                problem = self_mapping_problem(down, mapping)
                if problem is not None:
                    yield PartitionsDoNotMap(spec.key, dep.asset_key, problem)
                    continue
            up = graph.spec(dep.asset_key).partitions_def
            # Most edges are between assets that are partitioned alike, or not at all: nothing to work out.
            if mapping is None and (up is None or up is down):
                continue
            if mapping is not None and graph.is_implied(dep.asset_key):
                continue
            from headwater.model.partitions import mapping_problem

            problem = mapping_problem(up, down, mapping)
            if problem is not None:
                yield PartitionsDoNotMap(spec.key, dep.asset_key, problem)
