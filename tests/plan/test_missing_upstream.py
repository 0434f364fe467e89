"""What a request needs beyond what it names."""

from __future__ import annotations

from headwater.graph.asset_graph import AssetGraph
from headwater.model.events import AssetMaterialized
from headwater.model.keys import AssetKey
from headwater.model.partitions import StaticPartitionsDefinition
from headwater.model.specs import AssetExecutionType, AssetSpec
from headwater.plan.missing_upstream import missing_upstream
from headwater.store import Store, open_store

A, B, C = AssetKey("a"), AssetKey("b"), AssetKey("c")
CHAIN = AssetGraph.build([AssetSpec("a"), AssetSpec("b", deps=["a"]), AssetSpec("c", deps=["b"])])


def store_with(*made: tuple[str, str | None]) -> Store:
    store = open_store(None)
    for asset, partition in made:
        store.append(AssetMaterialized(asset=asset, partition=partition, timestamp=1.0))
    return store


def test_what_was_never_made_is_needed_all_the_way_up():
    assert missing_upstream(CHAIN, store_with(), [C]) == (A, B)


def test_what_was_made_stops_the_search():
    assert missing_upstream(CHAIN, store_with(("b", None)), [C]) == ()
    assert missing_upstream(CHAIN, store_with(("a", None)), [C]) == (B,)


def test_what_is_selected_is_not_needed_again():
    assert missing_upstream(CHAIN, store_with(), [A, C]) == (B,)
    assert missing_upstream(CHAIN, store_with(), [A]) == ()


def test_what_nothing_here_builds_is_not_added():
    graph = AssetGraph.build(
        [AssetSpec("a"), AssetSpec("b", deps=["a"])], execution_types={A: AssetExecutionType.UNEXECUTABLE}
    )
    assert missing_upstream(graph, store_with(), [B]) == ()


def test_assets_that_are_built_together_come_together():
    graph = AssetGraph.build(
        [AssetSpec("a"), AssetSpec("b"), AssetSpec("c", deps=["b"])], multi_assets={"both": [A, B]}
    )
    assert missing_upstream(graph, store_with(), [C]) == (A, B)


def test_shared_partitions_are_added_when_some_of_those_asked_for_are_missing():
    letters = StaticPartitionsDefinition(["x", "y", "z"])
    graph = AssetGraph.build(
        [AssetSpec("a", partitions_def=letters), AssetSpec("b", deps=["a"], partitions_def=letters)]
    )
    assert missing_upstream(graph, store_with(("a", "x")), [B], ["x"]) == ()
    assert missing_upstream(graph, store_with(("a", "x")), [B], ["x", "y"]) == (A,)


def test_other_partitions_take_a_run_of_their_own():
    letters, words = StaticPartitionsDefinition(["x"]), StaticPartitionsDefinition(["hello"])
    graph = AssetGraph.build(
        [
            AssetSpec("a", partitions_def=letters),
            AssetSpec("b", deps=["a"], partitions_def=words),
            AssetSpec("c", deps=["a"]),
        ]
    )
    assert missing_upstream(graph, store_with(), [B], ["hello"]) == ()
    assert missing_upstream(graph, store_with(), [C]) == ()
