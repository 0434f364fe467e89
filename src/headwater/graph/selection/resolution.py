"""A selection meets a graph: which assets, which checks, and which clauses came up empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from headwater.graph.asset_graph import AssetGraph
from headwater.graph.from_definitions import graph_of
from headwater.graph.selection.tree import (
    OF_NAMES,
    OF_ONE,
    All,
    AllChecks,
    And,
    AssetSelection,
    Checks,
    ChecksFor,
    CodeLocation,
    Difference,
    Downstream,
    Groups,
    KeyPattern,
    KeyPrefixes,
    Keys,
    KeySubstring,
    Kind,
    Materializable,
    Named,
    Or,
    Owner,
    RequiredNeighbors,
    Roots,
    Sinks,
    Tag,
    Upstream,
    UpstreamSources,
    WithoutChecks,
    with_names,
    with_sources,
)
from headwater.graph.spelling import Spelling
from headwater.model.errors.graph import NothingSelected, UnknownInSelection
from headwater.model.errors.root import nearest
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.specs import KIND_TAG_PREFIX, AssetSpec

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EmptyClause:
    """A clause that matches nothing, and a clause that may have been meant."""

    clause: str
    hint: str


def resolve(
    selection: AssetSelection, graph_like: AssetGraph | Iterable[Any], allow_missing: bool = False
) -> frozenset[AssetKey]:
    graph = graph_of(graph_like)
    return graph.keys_of(_Resolver(graph, allow_missing).nodes(selection))


def resolve_checks(
    selection: AssetSelection, graph_like: AssetGraph | Iterable[Any], allow_missing: bool = False
) -> frozenset[AssetCheckKey]:
    return frozenset(_Resolver(graph_of(graph_like), allow_missing).checks(selection))


def resolve_nonempty(selection: AssetSelection, graph_like: AssetGraph | Iterable[Any]) -> frozenset[AssetKey]:
    graph = graph_of(graph_like)
    keys = resolve(selection, graph)
    if not keys:
        empty = empty_clauses(selection, graph)
        raise NothingSelected(str(selection), [one.clause for one in empty], [one.hint for one in empty if one.hint])
    return keys


def empty_clauses(selection: AssetSelection, graph_like: AssetGraph | Iterable[Any]) -> tuple[EmptyClause, ...]:
    graph = graph_of(graph_like)
    resolver = _Resolver(graph, allow_missing=True)
    found = [
        EmptyClause(str(clause), _hint(clause, graph, resolver))
        for clause in _clauses(selection)
        if not resolver.nodes(clause) and not resolver.checks(clause)
    ]
    return tuple(dict.fromkeys(found))


def _clauses(selection: AssetSelection) -> Iterator[AssetSelection]:
    """Return the clauses in the order in which they are written, each with one name."""
    match selection:
        case Or(operands) | And(operands):
            for operand in operands:
                yield from _clauses(operand)
        case Difference(left, right):
            if left != All():
                yield from _clauses(left)
            yield from _clauses(right)
        case _ if isinstance(selection, OF_ONE):
            yield from _clauses(selection.of)
        case _ if isinstance(selection, OF_NAMES):
            for name in selection.names:
                yield with_names(selection, (name,))
        case _:
            yield selection


def _hint(clause: AssetSelection, graph: AssetGraph, resolver: _Resolver) -> str:
    if getattr(clause, "include_sources", True) is False:
        wider = with_sources(clause, True)
        if resolver.nodes(wider):
            return f"Only assets that cannot be materialized match; write {wider} to have them."
    text, near = str(clause), None
    specs = graph.specs
    match clause:
        case Named(name):
            near = _near(name, resolver.known_names())
            return f'Did you mean "{near}"?' if near else ""
        case Keys((key,)) | ChecksFor((key,)):
            text, near = str(key), _near(str(key), (str(key) for key in graph.keys))
        case Checks((check,)):
            text, near = str(check), _near(str(check), (str(key) for key in graph.check_keys))
        case Groups((group,)):
            text, near = group, _near(group, (spec.group for spec in specs))
        case Kind(kind) if kind is not None:
            text, near = kind, _near(kind, (kind for spec in specs for kind in spec.kinds))
        case Owner(owner) if owner is not None:
            text, near = owner, _near(owner, (owner for spec in specs for owner in spec.owners))
        case CodeLocation(location):
            text, near = location, _near(location, graph.code_locations.values())
        case Tag(key, value):
            values = {spec.tags[key] for spec in specs if key in spec.tags}
            if value is not None and values:
                meant = _near(value, values) or min(values)
                return f"Did you mean {Tag(key, meant)}?"
            nearest_key = _near(key, (tag for spec in specs for tag in spec.tags))
            return f"Did you mean {Tag(nearest_key, value)}?" if nearest_key else ""
    return f"Did you mean {str(clause).replace(text, near)}?" if near else ""


def _near(name: str, known: Iterable[str]) -> str | None:
    return nearest(name, Spelling(known).candidates(name))


class _Resolver:
    def __init__(self, graph: AssetGraph, allow_missing: bool) -> None:
        self.graph = graph
        self.allow_missing = allow_missing

    # Assets, by number

    def nodes(self, selection: AssetSelection) -> set[int]:
        graph = self.graph
        match selection:
            case All(include_sources):
                return set(range(len(graph.keys))) if include_sources else set(graph.materializable_nodes)
            case Named(name):
                return self.named(name)
            case Keys(keys):
                return {node for key in keys for node in self.key(key, selection)}
            case Or(operands):
                return set().union(*map(self.nodes, operands))
            case And(operands):
                return set.intersection(*map(self.nodes, operands))
            case Difference():
                return self.without(selection, self.nodes)
            case Upstream(of, depth):
                starts = self.nodes(of)
                return (starts | graph.ancestor_nodes(starts, depth)) & graph.materializable_nodes
            case Downstream(of, depth):
                starts = self.nodes(of)
                return starts | graph.descendant_nodes(starts, depth)
            case Roots(of):
                starts = self.nodes(of)
                return starts - graph.descendant_nodes(starts)
            case Sinks(of):
                starts = self.nodes(of)
                return starts - graph.ancestor_nodes(starts)
            case Materializable(of):
                return self.nodes(of) & graph.materializable_nodes
            case WithoutChecks(of):
                return self.nodes(of)
            case UpstreamSources(of):
                starts = self.nodes(of)
                return (starts | graph.ancestor_nodes(starts)) - graph.materializable_nodes
            case RequiredNeighbors(of):
                return {graph.node(key) for node in self.nodes(of) for key in graph.execution_set(graph.keys[node])}
            case Checks() | ChecksFor() | AllChecks():
                if not self.allow_missing:
                    self.checks(selection)
                return set()
            case _:
                return self.matching(selection)

    def without(self, difference: AssetSelection, members: Callable[[AssetSelection], set[T]]) -> set[T]:
        """Take away what the chain of differences takes away, in a loop: programs make chains of hundreds."""
        taken: set[T] = set()
        while isinstance(difference, Difference):
            taken |= members(difference.right)
            difference = difference.left
        return members(difference) - taken

    def named(self, name: str) -> set[int]:
        graph = self.graph
        node = graph.find_node(AssetKey.parse(name)) if all(name.split("/")) else None
        if node is not None:
            return {node}
        if name in graph.multi_assets:
            return {graph.node(key) for key in graph.multi_assets[name] if graph.has(key)}
        if self.allow_missing:
            return set()
        raise UnknownInSelection(
            str(Named(name)), name, Spelling(self.known_names()).candidates(name), self.pattern_hint(name)
        )

    def key(self, key: AssetKey, selection: AssetSelection) -> set[int]:
        node = self.graph.find_node(key)
        if node is not None:
            return {node}
        if self.allow_missing:
            return set()
        candidates = Spelling(map(str, self.graph.keys)).candidates(str(key))
        raise UnknownInSelection(str(Keys((key,))), str(key), candidates)

    def known_names(self) -> list[str]:
        return [*map(str, self.graph.keys), *self.graph.multi_assets]

    def pattern_hint(self, name: str) -> str:
        """Tell the user who wrote "raw_*" for a wildcard how one is written, where it would match."""
        starting = next((key for key in self.graph.keys if str(key).startswith(name)), None)
        return f'For all assets that begin so, write key:"{name}*".' if starting is not None else ""

    def matching(self, selection: AssetSelection) -> set[int]:
        """Test each asset by itself; those that cannot be materialized only where the clause includes them."""
        graph = self.graph
        matches = self.test(selection)
        found = {node for node, spec in enumerate(graph.specs) if matches(spec)}
        return found if getattr(selection, "include_sources", True) else found & graph.materializable_nodes

    def test(self, selection: AssetSelection) -> Callable[[AssetSpec], bool]:
        match selection:
            case Groups(names):
                return lambda spec: spec.group in names
            case Tag(tag, None):
                return lambda spec: tag in spec.tags
            case Tag(tag, value):
                return lambda spec: spec.tags.get(tag) == value
            case Kind(None):
                return lambda spec: not spec.kinds
            case Kind(name):
                tag = f"{KIND_TAG_PREFIX}{name}"
                return lambda spec: tag in spec.tags
            case Owner(None):
                return lambda spec: not spec.owners
            case Owner(owner):
                return lambda spec: owner in spec.owners
            case CodeLocation(name):
                locations = self.graph.code_locations
                return lambda spec: locations.get(spec.key) == name
            case KeyPattern(pieces):
                matches = re.compile(".*".join(map(re.escape, pieces)), re.DOTALL).fullmatch
                return lambda spec: matches(str(spec.key)) is not None
            case KeySubstring(text):
                return lambda spec: text in str(spec.key)
            case KeyPrefixes(prefixes):
                return lambda spec: any(spec.key.has_prefix(prefix.parts) for prefix in prefixes)
        raise AssertionError(f"no test for {type(selection).__name__}")

    # Checks

    def checks(self, selection: AssetSelection) -> set[AssetCheckKey]:
        match selection:
            case AllChecks():
                return set(self.graph.check_keys)
            case Checks(keys):
                known = set(self.graph.check_keys)
                for key in keys:
                    if key not in known and not self.allow_missing:
                        raise UnknownInSelection(
                            str(Checks((key,))), str(key), Spelling(map(str, known)).candidates(str(key))
                        )
                return known & set(keys)
            case ChecksFor(keys):
                assets = {node for key in keys for node in self.key(key, selection)}
                return self.checks_of(assets)
            case WithoutChecks():
                return set()
            case Or(operands):
                return set().union(*map(self.checks, operands))
            case And(operands):
                return set.intersection(*map(self.checks, operands))
            case Difference():
                return self.without(selection, self.checks)
            case _:
                return self.checks_of(self.nodes(selection))

    def checks_of(self, nodes: set[int]) -> set[AssetCheckKey]:
        return {key for key in self.graph.check_keys if self.graph.node(key.asset_key) in nodes}
