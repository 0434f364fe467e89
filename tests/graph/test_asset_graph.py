from __future__ import annotations

import time

import pytest
import rustworkx
from hypothesis import given, strategies as st

from headwater.graph.asset_graph import AssetGraph
from headwater.model.errors.definition import InvariantViolationError
from headwater.model.errors.graph import AssetCycle
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.specs import AssetCheckSpec, AssetExecutionType, AssetSpec

from .pipelines import graph_of_edges, in_order, key, lake, written

DIAMOND = {"top": "", "left": "top", "right": "top", "bottom": "left right", "tail": "bottom"}


def test_lineage_is_direct_or_as_far_as_it_goes_or_as_deep_as_asked():
    graph = graph_of_edges(DIAMOND)
    assert in_order(graph.parents(key("bottom"))) == "left right"
    assert in_order(graph.children(key("top"))) == "left right"
    assert written(graph.ancestors(key("tail"))) == "bottom left right top"
    assert written(graph.ancestors(key("tail"), depth=2)) == "bottom left right"
    assert written(graph.descendants([key("left"), key("top")])) == "bottom left right tail"
    assert graph.descendants(key("top"), depth=0) == frozenset()
    assert in_order(graph.roots) == "top"
    assert in_order(graph.leaves) == "tail"


def test_the_order_is_the_one_of_declaration_wherever_dependencies_leave_a_choice():
    graph = graph_of_edges({"z": "", "c": "b", "b": "", "a": ""})
    assert in_order(graph.toposort()) == "z b c a"
    assert [in_order(level) for level in graph.levels] == ["z b a", "c"]


def test_a_key_that_is_only_depended_on_is_an_external_asset():
    graph = graph_of_edges({"report": "warehouse/orders"})
    upstream = key("warehouse/orders")
    assert graph.implied_keys == (upstream,)
    assert graph.has(upstream)
    assert graph.is_implied(upstream)
    assert graph.execution_type(upstream) is AssetExecutionType.UNEXECUTABLE
    assert not graph.is_materializable(upstream)
    assert graph.is_materializable(key("report"))
    assert graph.spec(upstream).deps == ()


def test_what_can_be_done_with_an_asset_is_as_stated():
    graph = lake()
    assert graph.execution_type(key("clicks")) is AssetExecutionType.OBSERVATION
    assert not graph.is_materializable(key("clicks"))
    assert graph.execution_type(key("orders")) is AssetExecutionType.MATERIALIZATION


def test_assets_of_a_multi_asset_are_built_together_unless_it_can_build_a_subset():
    graph = lake()
    assert written(graph.execution_set(key("orders_us"))) == "orders_eu orders_us"
    assert written(graph.execution_set(key("train"))) == "train"


def test_a_cycle_names_its_path_in_the_direction_of_the_data():
    graph = graph_of_edges({"start": "", "a": "start c", "b": "a", "c": "b", "after": "c"})
    assert in_order(graph.find_cycle() or ()) == "a b c a"
    with pytest.raises(AssetCycle, match="a -> b -> c -> a"):
        graph.toposort()
    with pytest.raises(AssetCycle):
        _ = graph.levels


def test_each_separate_cycle_is_found_once():
    graph = graph_of_edges({"a": "b", "b": "a", "c": "d", "d": "c", "alone": ""})
    assert [in_order(path) for path in graph.cycles()] == ["a b a", "c d c"]
    assert graph_of_edges(DIAMOND).find_cycle() is None


def test_an_asset_that_depends_on_itself_without_a_partition_mapping_is_a_cycle():
    graph = graph_of_edges({"a": "a"})
    assert in_order(graph.find_cycle() or ()) == "a a"
    assert graph.has_self_dependency(key("a"))
    assert graph.parents(key("a")) == ()
    assert in_order(graph.toposort()) == "a"


def test_a_check_comes_after_what_it_reads_and_a_blocking_one_before_what_is_downstream():
    checks = [
        AssetCheckSpec("late", asset="top", additional_deps=["tail"]),
        AssetCheckSpec("gate", asset="left", blocking=True),
    ]
    order = list(map(str, graph_of_edges(DIAMOND, checks).execution_order()))
    assert order.index("left") < order.index("left:gate") < order.index("bottom")
    assert order.index("top:late") > order.index("tail")


def test_a_blocking_check_that_reads_further_downstream_holds_back_only_the_rest():
    checks = [AssetCheckSpec("gate", asset="top", additional_deps=["left"], blocking=True)]
    order = list(map(str, graph_of_edges(DIAMOND, checks).execution_order()))
    assert order.index("left") < order.index("top:gate") < order.index("right")


def test_what_a_check_loads_beyond_its_spec_is_an_edge_too():
    check = AssetCheckSpec("same", asset="left")
    graph = AssetGraph.build(
        [AssetSpec("left"), AssetSpec("right")], [check], check_edges={check.key: [AssetKey("right")]}
    )
    assert in_order(graph.check_parents(check.key)) == "left right"
    assert in_order(graph.execution_order()) == "left right left:same"


def test_checks_are_found_by_asset_and_by_key():
    graph = lake()
    assert [check.name for check in graph.checks_of(key("orders"))] == ["no_nulls"]
    assert graph.checks_of(key("basket")) == ()
    assert graph.check_spec(AssetCheckKey("orders", "no_nulls")).asset_key == key("orders")
    with pytest.raises(InvariantViolationError, match='no check "other"'):
        graph.check_spec(AssetCheckKey("orders", "other"))


def test_of_two_specs_with_one_key_the_first_counts_and_both_positions_are_kept():
    graph = AssetGraph.build(
        [AssetSpec("a", description="first"), AssetSpec("b"), AssetSpec("a", description="second")]
    )
    assert graph.spec(key("a")).description == "first"
    assert graph.duplicate_specs == ((key("a"), 0, 2),)


def test_a_subgraph_keeps_the_edges_among_its_assets():
    part = lake().subgraph([key("orders"), key("orders_us"), key("report"), key("raw/orders")])
    assert in_order(part.toposort()) == "raw/orders orders orders_us report"
    assert written(part.descendants(key("raw/orders"))) == "orders orders_us"
    assert written(part.check_keys) == "orders:no_nulls raw/orders:unique report:sums"
    assert part.multi_assets == {"split": (key("orders_us"),)}
    assert part.implied_keys == ()


def test_asking_for_what_is_not_there_names_it():
    with pytest.raises(InvariantViolationError, match='no asset "nowhere"'):
        lake().parents(key("nowhere"))
    with pytest.raises(InvariantViolationError, match='"report" does not depend on "orders"'):
        lake().partition_mapping(key("report"), key("orders"))
    assert lake().partition_mapping(key("report"), key("test")) is None


@st.composite
def acyclic_edges(draw: st.DrawFn) -> list[tuple[int, ...]]:
    """Draw, for each of some nodes, the nodes before it on which it depends."""
    size = draw(st.integers(1, 25))
    return [tuple(draw(st.sets(st.integers(0, node - 1), max_size=4)) if node else ()) for node in range(size)]


@given(acyclic_edges(), st.randoms(use_true_random=False))
def test_lineage_order_and_levels_agree_with_rustworkx(edges, random):
    shuffled = list(range(len(edges)))
    random.shuffle(shuffled)
    graph = AssetGraph.build(AssetSpec(f"n{node}", deps=[f"n{up}" for up in edges[node]]) for node in shuffled)
    oracle = rustworkx.PyDiGraph()
    oracle.add_nodes_from(range(len(edges)))
    oracle.add_edges_from_no_data([(up, node) for node, ups in enumerate(edges) for up in ups])

    def numbers(keys):
        return {int(str(one)[1:]) for one in keys}

    for node in range(len(edges)):
        assert numbers(graph.ancestors(key(f"n{node}"))) == rustworkx.ancestors(oracle, node)
        assert numbers(graph.descendants(key(f"n{node}"))) == rustworkx.descendants(oracle, node)
    position = {node: at for at, node in enumerate(shuffled)}
    expected = rustworkx.lexicographical_topological_sort(oracle, key=lambda node: f"{position[node]:03}")
    assert [int(str(one)[1:]) for one in graph.toposort()] == list(expected)
    assert [numbers(level) for level in graph.levels] == [set(layer) for layer in levels_by_longest_path(edges)]
    assert graph.find_cycle() is None


def levels_by_longest_path(edges):
    level = {}
    for node, ups in enumerate(edges):
        level[node] = 1 + max((level[up] for up in ups), default=-1)
    return [[node for node in level if level[node] == at] for at in range(max(level.values()) + 1)]


@given(st.lists(st.sets(st.integers(0, 7), max_size=3), min_size=8, max_size=8))
def test_a_cycle_is_found_exactly_when_there_is_one_and_is_one(edges):
    graph = graph_of_edges(
        {f"n{node}": " ".join(f"n{up}" for up in sorted(ups - {node})) for node, ups in enumerate(edges)}
    )
    oracle = rustworkx.PyDiGraph()
    oracle.add_nodes_from(range(8))
    oracle.add_edges_from_no_data([(up, node) for node, ups in enumerate(edges) for up in ups - {node}])
    path = graph.find_cycle()
    assert (path is None) == rustworkx.is_directed_acyclic_graph(oracle)
    for upstream, downstream in zip(path or (), (path or ())[1:], strict=False):
        assert upstream in graph.parents(downstream)


def test_a_hundred_thousand_assets_are_built_and_ordered_in_seconds_at_worst():
    specs = [AssetSpec(f"a{n}", deps=[f"a{n - 1}", f"a{n // 2}"] if n > 1 else None) for n in range(100_000)]
    began = time.process_time()
    graph = AssetGraph.build(specs)
    assert len(graph.toposort()) == 100_000
    assert len(graph.ancestors(key("a99999"))) > 50_000
    # Half a second on a quiet machine; the margin is for busy ones.
    assert time.process_time() - began < 8
