"""The asset graph: specs joined by edges, asked for order and lineage.

Frozen. Inside, assets are numbered in the order in which they were declared and edges are lists of numbers, so that
a hundred thousand assets are walked in milliseconds, and every answer that has an order has always the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from headwater.graph.traversal import find_cycle_in, levels_of, ordered, reached
from headwater.model.errors.definition import InvariantViolationError
from headwater.model.errors.graph import AssetCycle
from headwater.model.keys import AssetCheckKey, AssetKey, AssetOrCheckKey
from headwater.model.specs import AssetCheckSpec, AssetDep, AssetExecutionType, AssetSpec

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionMapping

Edges = Sequence[Sequence[int]]


@dataclass(frozen=True, eq=False, repr=False)
class AssetGraph:
    """Assets and their checks, joined by dependencies. Build one with `AssetGraph.build`.

    A key that is only depended on, with no spec of its own, is in the graph too: as an external asset with an empty
    spec, listed in `implied_keys`. Mistakes (cycles, duplicates, unknown keys) do not stop a graph from being built;
    `headwater.graph.validation.problems` reports them together.
    """

    keys: tuple[AssetKey, ...]
    """Every asset, in the order of declaration, implied ones last."""
    implied_keys: tuple[AssetKey, ...]
    """Keys that have no spec: other assets or checks depend on them."""
    check_keys: tuple[AssetCheckKey, ...]
    """Every check, in the order of declaration."""
    multi_assets: Mapping[str, tuple[AssetKey, ...]]
    """The assets of each multi-asset, by its name."""
    code_locations: Mapping[AssetKey, str]
    """Which code location provides an asset, where that is known."""
    duplicate_specs: tuple[tuple[AssetKey, int, int], ...]
    """Keys with two specs, and the positions of both among the specs given to `build`. The first one counts."""
    duplicate_checks: tuple[AssetCheckKey, ...]
    """Keys with two check specs. The first one counts."""
    _specs: tuple[AssetSpec, ...]
    _checks: tuple[AssetCheckSpec, ...]
    _execution_types: Mapping[AssetKey, AssetExecutionType]
    _subsettable: frozenset[str]
    _node_by_path: Mapping[tuple[str, ...], int]
    _parents: Edges
    _children: Edges
    _check_parents: Edges
    _self_deps: Mapping[int, AssetDep]

    @staticmethod
    def build(
        specs: Iterable[AssetSpec],
        checks: Iterable[AssetCheckSpec] = (),
        *,
        execution_types: Mapping[AssetKey, AssetExecutionType] | None = None,
        multi_assets: Mapping[str, Sequence[AssetKey]] | None = None,
        subsettable: Collection[str] = (),
        check_edges: Mapping[AssetCheckKey, Sequence[AssetKey]] | None = None,
        code_locations: Mapping[AssetKey, str] | None = None,
    ) -> AssetGraph:
        """Return the graph of these specs and checks.

        `execution_types` says what can be done with an asset; one that it leaves out can be materialized if it has a
        spec. `multi_assets` gives the assets of each multi-asset by name; those named in `subsettable` can build some
        of their assets without the others. `check_edges` adds what a check reads beyond its asset and its
        `additional_deps`.
        """
        kept: list[AssetSpec] = []
        node_by_path: dict[tuple[str, ...], int] = {}
        duplicates: list[tuple[AssetKey, int, int]] = []
        positions: list[int] = []
        for position, spec in enumerate(specs):
            path = spec.key.parts
            earlier = node_by_path.get(path)
            if earlier is not None:
                duplicates.append((spec.key, positions[earlier], position))
                continue
            node_by_path[path] = len(kept)
            kept.append(spec)
            positions.append(position)
        keys = [spec.key for spec in kept]
        declared = len(kept)

        def node_of(key: AssetKey) -> int:
            node = node_by_path.get(key.parts)
            if node is None:
                node = node_by_path[key.parts] = len(keys)
                keys.append(key)
                kept.append(AssetSpec(key))
            return node

        parents: list[list[int]] = []
        self_deps: dict[int, AssetDep] = {}
        for node in range(declared):
            upstream: list[int] = []
            for dep in kept[node].deps:
                parent = node_by_path.get(dep.asset_key.parts)
                if parent is None:
                    parent = node_of(dep.asset_key)
                if parent == node:
                    self_deps[node] = dep
                else:
                    upstream.append(parent)
            parents.append(upstream)

        check_specs: dict[AssetCheckKey, AssetCheckSpec] = {}
        duplicate_checks: list[AssetCheckKey] = []
        check_parents: list[list[int]] = []
        for check in checks:
            if check.key in check_specs:
                duplicate_checks.append(check.key)
                continue
            check_specs[check.key] = check
            read = [dep.asset_key for dep in check.additional_deps]
            read += (check_edges or {}).get(check.key, ())
            check_parents.append(list(dict.fromkeys(node_of(key) for key in (check.asset_key, *read))))

        parents += [[] for _ in range(len(keys) - declared)]
        children: list[list[int]] = [[] for _ in keys]
        for node, upstream in enumerate(parents):
            for parent in upstream:
                children[parent].append(node)
        return AssetGraph(
            keys=tuple(keys),
            implied_keys=tuple(keys[declared:]),
            check_keys=tuple(check_specs),
            multi_assets={name: tuple(of) for name, of in (multi_assets or {}).items()},
            code_locations=dict(code_locations or {}),
            duplicate_specs=tuple(duplicates),
            duplicate_checks=tuple(duplicate_checks),
            _specs=tuple(kept),
            _checks=tuple(check_specs.values()),
            _execution_types=dict(execution_types or {}),
            _subsettable=frozenset(subsettable),
            _node_by_path=node_by_path,
            _parents=parents,
            _children=children,
            _check_parents=check_parents,
            _self_deps=self_deps,
        )

    # What there is

    def has(self, key: AssetKey) -> bool:
        """Whether the graph knows the asset, be it only because another asset depends on it."""
        return key.parts in self._node_by_path

    __contains__ = has

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"<AssetGraph of {len(self.keys)} assets and {len(self.check_keys)} checks>"

    def is_implied(self, key: AssetKey) -> bool:
        """Whether the asset has no spec of its own."""
        return self.node(key) >= len(self.keys) - len(self.implied_keys)

    def spec(self, key: AssetKey) -> AssetSpec:
        return self._specs[self.node(key)]

    @property
    def specs(self) -> tuple[AssetSpec, ...]:
        """The specs of `keys`, in the same order; empty ones for implied keys."""
        return self._specs

    def check_spec(self, key: AssetCheckKey) -> AssetCheckSpec:
        """Return the spec of a check; raise InvariantViolationError when there is no such check."""
        for check in self.checks_of(key.asset_key) if self.has(key.asset_key) else ():
            if check.name == key.name:
                return check
        raise InvariantViolationError(
            what=f'There is no check "{key.name}" of asset "{key.asset_key}" in this graph.',
            why="It cannot be described or ordered.",
            fix="Ask for one of `check_keys`.",
        )

    def checks_of(self, key: AssetKey) -> tuple[AssetCheckSpec, ...]:
        """Return the checks of an asset, in the order of declaration."""
        self.node(key)
        return self._checks_by_asset.get(key, ())

    @cached_property
    def _checks_by_asset(self) -> Mapping[AssetKey, tuple[AssetCheckSpec, ...]]:
        found: dict[AssetKey, list[AssetCheckSpec]] = {}
        for check in self._checks:
            found.setdefault(check.asset_key, []).append(check)
        return {key: tuple(checks) for key, checks in found.items()}

    def execution_type(self, key: AssetKey) -> AssetExecutionType:
        """Say what can be done with the asset. An implied one can only be known of."""
        stated = self._execution_types.get(key)
        if stated is not None:
            return stated
        return AssetExecutionType.UNEXECUTABLE if self.is_implied(key) else AssetExecutionType.MATERIALIZATION

    def is_materializable(self, key: AssetKey) -> bool:
        return self.node(key) in self.materializable_nodes

    def execution_set(self, key: AssetKey) -> frozenset[AssetKey]:
        """Return the assets that can only be built together with this one, itself among them."""
        self.node(key)
        return self._execution_sets.get(key, frozenset((key,)))

    @cached_property
    def _execution_sets(self) -> Mapping[AssetKey, frozenset[AssetKey]]:
        together: dict[AssetKey, frozenset[AssetKey]] = {}
        for name, of in self.multi_assets.items():
            if name not in self._subsettable:
                whole = frozenset(key for key in of if self.has(key))
                together.update(dict.fromkeys(whole, whole))
        return together

    @property
    def toposorted_asset_keys(self) -> list[AssetKey]:
        """All keys, each after those that it depends on."""
        return [key for level in self.levels for key in sorted(level)]

    def get_all_asset_keys(self) -> frozenset[AssetKey]:
        """Return every asset, implied ones among them."""
        return frozenset(self.keys)

    # Edges

    def parents(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """Return what the asset depends on directly, in the order of its `deps`; never the asset itself."""
        return tuple(self.keys[node] for node in self._parents[self.node(key)])

    def children(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """Return what depends directly on the asset, in the order of declaration; never the asset itself."""
        return tuple(self.keys[node] for node in self._children[self.node(key)])

    def has_self_dependency(self, key: AssetKey) -> bool:
        """Whether the asset reads its own earlier partitions."""
        return self.node(key) in self._self_deps

    def partition_mapping(self, downstream: AssetKey, upstream: AssetKey) -> PartitionMapping | None:
        """Return the mapping that was stated for an edge, or None when the default one applies."""
        for dep in self.spec(downstream).deps:
            if dep.asset_key == upstream:
                return dep.partition_mapping
        raise InvariantViolationError(
            what=f'"{downstream}" does not depend on "{upstream}".',
            why="Where there is no edge there is no partition mapping.",
            fix=f"Ask for one of its parents: {', '.join(map(str, self.parents(downstream))) or 'it has none'}.",
        )

    def check_parents(self, key: AssetCheckKey) -> tuple[AssetKey, ...]:
        """Return the assets that a check reads, its own asset first."""
        return tuple(self.keys[node] for node in self._check_parents[self.check_keys.index(key)])

    def ancestors(self, keys: AssetKey | Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """Return what is upstream of the assets, at most `depth` edges away; of the assets themselves only those that
        are upstream of another."""
        return self.keys_of(reached(self._nodes(keys), self._parents, depth))

    def descendants(self, keys: AssetKey | Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """Return what is downstream of the assets, at most `depth` edges away; of the assets themselves only those
        that are downstream of another."""
        return self.keys_of(reached(self._nodes(keys), self._children, depth))

    @cached_property
    def roots(self) -> tuple[AssetKey, ...]:
        """The assets that depend on nothing, in the order of declaration."""
        return tuple(key for key, parents in zip(self.keys, self._parents, strict=True) if not parents)

    @cached_property
    def leaves(self) -> tuple[AssetKey, ...]:
        """The assets on which nothing depends, in the order of declaration."""
        return tuple(key for key, children in zip(self.keys, self._children, strict=True) if not children)

    # Order

    def toposort(self) -> tuple[AssetKey, ...]:
        """Return every asset after all that it depends on; among those that could come next, the one declared first.

        Raises AssetCycle when there is no such order.
        """
        return self._sorted

    @cached_property
    def _sorted(self) -> tuple[AssetKey, ...]:
        return tuple(self.keys[node] for node in self._ordered_or_raise(self._parents, self._children))

    @cached_property
    def levels(self) -> tuple[tuple[AssetKey, ...], ...]:
        """Assets by the length of the longest path that leads to them, each level in the order of declaration.

        Raises AssetCycle when there is a cycle.
        """
        order = self._ordered_or_raise(self._parents, self._children)
        return tuple(tuple(self.keys[node] for node in level) for level in levels_of(order, self._parents))

    def execution_order(self) -> tuple[AssetOrCheckKey, ...]:
        """Return assets and checks, each after all that it waits for; raise AssetCycle when there is no such order.

        A check waits for what it reads. What is downstream of an asset waits for the asset's blocking checks, unless
        the check itself reads it or something downstream of it.
        """
        order = self._ordered_or_raise(*self._edges_with_checks)
        return tuple(self._name(node) for node in order)

    def find_cycle(self) -> tuple[AssetOrCheckKey, ...] | None:
        """Return a circle of dependencies in the direction of the data, ending where it begins, or None."""
        return next(iter(self.cycles()), None)

    def cycles(self) -> tuple[tuple[AssetOrCheckKey, ...], ...]:
        """Return circles of dependencies that share no asset, so that each needs a repair of its own."""
        alone = [
            (self.keys[node], self.keys[node]) for node, dep in self._self_deps.items() if dep.partition_mapping is None
        ]
        before, after = self._edges_with_checks
        left_out: set[int] = set()
        found: list[tuple[AssetOrCheckKey, ...]] = [*alone]
        while circle := find_cycle_in(before, after, left_out):
            found.append(tuple(self._name(node) for node in (*circle, circle[0])))
            left_out.update(circle)
        return tuple(found)

    @cached_property
    def _edges_with_checks(self) -> tuple[Edges, Edges]:
        """What each node waits for and what waits for it; checks are numbered after the assets."""
        if not self._checks:
            return self._parents, self._children
        before = [list(parents) for parents in self._parents]
        for number, (check, read) in enumerate(zip(self._checks, self._check_parents, strict=True), start=len(before)):
            if check.blocking:
                asset, others = read[0], set(read[1:])
                read_by_check = others | reached(others, self._parents, None) if others else others
                for child in self._children[asset]:
                    if child not in read_by_check:
                        before[child].append(number)
        before += [list(read) for read in self._check_parents]
        after: list[list[int]] = [[] for _ in before]
        for node, waits_for in enumerate(before):
            for earlier in waits_for:
                after[earlier].append(node)
        return before, after

    def _ordered_or_raise(self, before: Edges, after: Edges) -> list[int]:
        order = ordered(before, after)
        if len(order) < len(before):
            path = self.find_cycle()
            assert path is not None
            raise AssetCycle(path)
        return order

    def _name(self, node: int) -> AssetOrCheckKey:
        return self.keys[node] if node < len(self.keys) else self.check_keys[node - len(self.keys)]

    # Parts

    def subgraph(self, keys: Iterable[AssetKey]) -> AssetGraph:
        """Return the graph of these assets, their checks, and the edges among them; edges that lead out are left out.

        Specs are kept as they are, so `spec(key).deps` still names what is outside.
        """
        nodes = sorted(self._nodes(keys))
        number = {node: new for new, node in enumerate(nodes)}
        kept_keys = tuple(self.keys[node] for node in nodes)
        first_implied = len(self.keys) - len(self.implied_keys)
        checks = [
            (check, [number[node] for node in read if node in number])
            for check, read in zip(self._checks, self._check_parents, strict=True)
            if read[0] in number
        ]
        inside = frozenset(kept_keys)
        return AssetGraph(
            keys=kept_keys,
            implied_keys=tuple(self.keys[node] for node in nodes if node >= first_implied),
            check_keys=tuple(check.key for check, _ in checks),
            multi_assets={
                name: tuple(key for key in of if key in inside)
                for name, of in self.multi_assets.items()
                if not inside.isdisjoint(of)
            },
            code_locations={key: name for key, name in self.code_locations.items() if key in inside},
            duplicate_specs=(),
            duplicate_checks=(),
            _specs=tuple(self._specs[node] for node in nodes),
            _checks=tuple(check for check, _ in checks),
            _execution_types={key: kind for key, kind in self._execution_types.items() if key in inside},
            _subsettable=self._subsettable,
            _node_by_path={key.parts: node for node, key in enumerate(kept_keys)},
            _parents=[[number[up] for up in self._parents[node] if up in number] for node in nodes],
            _children=[[number[down] for down in self._children[node] if down in number] for node in nodes],
            _check_parents=[read for _, read in checks],
            _self_deps={number[node]: dep for node, dep in self._self_deps.items() if node in number},
        )

    # Numbers, for those who walk the graph themselves

    def node(self, key: AssetKey) -> int:
        """Return the number of an asset, its position in `keys`; raise InvariantViolationError when it has none."""
        node = self._node_by_path.get(key.parts)
        if node is None:
            raise InvariantViolationError(
                what=f'There is no asset "{key}" in this graph.',
                why="It has no edges, no order and no spec.",
                fix="Ask `graph.has(key)` first, or check the spelling.",
            )
        return node

    def find_node(self, key: AssetKey) -> int | None:
        return self._node_by_path.get(key.parts)

    def keys_of(self, nodes: Iterable[int]) -> frozenset[AssetKey]:
        keys = self.keys
        return frozenset([keys[node] for node in nodes])

    def ancestor_nodes(self, nodes: Iterable[int], depth: int | None = None) -> set[int]:
        return reached(set(nodes), self._parents, depth)

    def descendant_nodes(self, nodes: Iterable[int], depth: int | None = None) -> set[int]:
        return reached(set(nodes), self._children, depth)

    @cached_property
    def materializable_nodes(self) -> frozenset[int]:
        stated = self._execution_types
        declared = len(self.keys) - len(self.implied_keys)
        default, implied = AssetExecutionType.MATERIALIZATION, AssetExecutionType.UNEXECUTABLE
        if not stated:
            return frozenset(range(declared))
        return frozenset(
            node
            for node, key in enumerate(self.keys)
            if stated.get(key, default if node < declared else implied) is AssetExecutionType.MATERIALIZATION
        )

    def _nodes(self, keys: AssetKey | Iterable[AssetKey]) -> set[int]:
        return {self.node(keys)} if isinstance(keys, AssetKey) else {self.node(key) for key in keys}
