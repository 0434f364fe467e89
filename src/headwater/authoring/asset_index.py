"""All assets and checks that are defined together: who builds what, which key a parameter means, how a value is stored.

An index is made once from definitions and then only read. Mistakes are gathered in `problems`, not raised one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.graph.asset_graph import AssetGraph
from headwater.model.errors import DefinitionError, InvalidDefinitionError
from headwater.model.errors.definition import WrongArgument
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.specs import AssetCheckSpec, AssetExecutionType, AssetSpec


def as_assets_definition(thing: Any) -> AssetsDefinition:
    """Return the definition that is meant by a definition, a spec or a source asset; raise for anything else."""
    if isinstance(thing, AssetsDefinition):
        return thing
    if isinstance(thing, AssetSpec):
        return AssetsDefinition(specs=[thing])
    convert = getattr(thing, "to_assets_definition", None)
    if convert is not None:
        made: AssetsDefinition = convert()
        return made
    shown = f"the function {thing.__name__}" if callable(thing) and hasattr(thing, "__name__") else repr(thing)
    raise WrongArgument(
        what=f"{shown} was given as an asset.",
        why=f"It is {kind_of(thing)}, which says nothing of an asset.",
        fix="Put @asset above the function, or give an AssetSpec."
        if callable(thing)
        else "Give what @asset and @multi_asset make, or an AssetSpec; use load_assets_from_modules for modules.",
    )


class AssetIndex:
    """Definitions by asset and by check. Parameters that name an asset by its last part only are resolved here."""

    def __init__(self, definitions: Iterable[Any]) -> None:
        self.problems: list[DefinitionError] = []
        given: list[AssetsDefinition] = []
        for thing in definitions:
            try:
                given.append(as_assets_definition(thing))
            except DefinitionError as error:
                self.problems.append(error)
        self.definitions: Sequence[AssetsDefinition] = self._with_resolved_names(self._without_twins(given))
        self.definition_by_key: dict[AssetKey, AssetsDefinition] = {}
        self.definition_by_check: dict[AssetCheckKey, AssetsDefinition] = {}
        for definition in self.definitions:
            for key in definition.specs_by_key:
                self.definition_by_key[key] = definition
            for spec in definition.check_specs:
                if spec.key in self.definition_by_check:
                    self.problems.append(
                        InvalidDefinitionError(
                            what=f'Check "{spec.name}" of asset "{spec.asset_key}" is defined twice.',
                            why="Their results could not be told apart.",
                            fix="Rename or remove one.",
                        )
                    )
                self.definition_by_check[spec.key] = definition

    def _without_twins(self, given: Iterable[AssetsDefinition]) -> list[AssetsDefinition]:
        """Leave out a definition that was given twice, and external stand-ins of assets that are built here."""
        unique = list({id(definition): definition for definition in given}.values())
        built: dict[AssetKey, AssetsDefinition] = {}
        for definition in unique:
            if definition.is_executable:
                for key in definition.specs_by_key:
                    if key in built:
                        self.problems.append(_duplicate_key(key, built[key], definition))
                    built[key] = definition
        kept = []
        known: dict[AssetKey, AssetsDefinition] = {}
        for definition in unique:
            if not definition.is_executable and definition.specs_by_key:
                if any(key in built for key in definition.specs_by_key):
                    for key in definition.specs_by_key:
                        if key in built:
                            self.problems.append(_duplicate_key(key, built[key], definition))
                    continue
                twins = [key for key in definition.specs_by_key if key in known]
                if twins:
                    if known[twins[0]].specs_by_key[twins[0]] != definition.specs_by_key[twins[0]]:
                        self.problems.append(_duplicate_key(twins[0], known[twins[0]], definition))
                    continue
                for key in definition.specs_by_key:
                    known[key] = definition
            kept.append(definition)
        return kept

    def _with_resolved_names(self, definitions: list[AssetsDefinition]) -> list[AssetsDefinition]:
        """A dependency on a one-part key that no definition has means the asset of that name in the same group."""
        known = {key for definition in definitions for key in definition.specs_by_key}
        unresolved = [
            definition
            for definition in definitions
            if any(key not in known and len(key.parts) == 1 for key in definition.dependency_keys)
        ]
        if not unresolved:
            return definitions
        by_name: dict[str, list[tuple[str, AssetKey]]] = {}
        for definition in definitions:
            for spec in definition.specs_by_key.values():
                by_name.setdefault(spec.key.parts[-1], []).append((spec.group, spec.key))
        resolved: dict[int, AssetsDefinition] = {}
        for definition in unresolved:
            groups = {spec.group for spec in definition.specs_by_key.values()}
            replaced: dict[AssetKey, AssetKey] = {}
            for key in definition.dependency_keys:
                if key in known or len(key.parts) != 1:
                    continue
                candidates = by_name.get(key.parts[0], [])
                near = [candidate for group, candidate in candidates if group in groups] or [
                    candidate for _, candidate in candidates if not groups
                ]
                if len(near) == 1:
                    replaced[key] = near[0]
            if replaced:
                resolved[id(definition)] = definition.with_replaced_keys(replaced)
        return [resolved.get(id(definition), definition) for definition in definitions]

    @property
    def specs(self) -> Iterable[AssetSpec]:
        for definition in self.definitions:
            yield from definition.specs_by_key.values()

    @property
    def check_specs(self) -> Iterable[AssetCheckSpec]:
        for definition in self.definitions:
            yield from definition.check_specs

    def spec(self, key: AssetKey) -> AssetSpec | None:
        definition = self.definition_by_key.get(key)
        return definition.specs_by_key[key] if definition is not None else None

    def check_spec(self, key: AssetCheckKey) -> AssetCheckSpec | None:
        definition = self.definition_by_check.get(key)
        return definition.check_specs_by_key[key] if definition is not None else None

    def io_manager_key_of(self, key: AssetKey) -> str:
        definition = self.definition_by_key.get(key)
        return definition.io_manager_key_of(key) if definition is not None else "io_manager"

    @cached_property
    def loaded_inputs(self) -> Mapping[AssetKey, tuple[AssetKey, ...]]:
        """By asset, the upstream assets whose values its function loads."""
        return {
            key: tuple(definition.loaded_by_input.values())
            for definition in self.definitions
            if definition.loaded_by_input
            for key in definition.specs_by_key
        }

    @cached_property
    def graph(self) -> AssetGraph:
        """The graph of all assets and checks."""
        return AssetGraph.build(
            self.specs,
            self.check_specs,
            execution_types={
                key: definition.execution_type
                for definition in self.definitions
                if definition.execution_type is not AssetExecutionType.MATERIALIZATION
                for key in definition.specs_by_key
            },
            multi_assets={
                definition.node_def.name: tuple(definition.specs_by_key)
                for definition in self.definitions
                if definition.node_def is not None and len(definition.specs_by_key) > 1
            },
            subsettable={
                definition.node_def.name
                for definition in self.definitions
                if definition.can_subset and definition.node_def is not None
            },
            check_edges={
                spec.key: tuple(definition.loaded_by_input.values())
                for definition in self.definitions
                if isinstance(definition, AssetChecksDefinition)
                for spec in definition.check_specs
            },
        )


def _duplicate_key(key: AssetKey, first: AssetsDefinition, second: AssetsDefinition) -> DefinitionError:
    from headwater.model.errors.graph import DuplicateAssetKey

    return DuplicateAssetKey(key, _described(first), _described(second))


def _described(definition: AssetsDefinition) -> str:
    if definition.node_def is None:
        return "an external asset"
    function = getattr(definition.node_def, "function", None)
    code = getattr(function, "__code__", None)
    if code is None:
        return f'"{definition.node_def.name}"'
    return f'"{definition.node_def.name}" ({code.co_filename.rpartition("/")[2]}:{code.co_firstlineno})'
