from __future__ import annotations

import pytest

from headwater.graph.asset_graph import AssetGraph
from headwater.graph.validation import problems, warnings
from headwater.model.errors.definition import DefinitionError
from headwater.model.errors.graph import UnknownUpstream
from headwater.model.keys import AssetKey
from headwater.model.specs import AssetCheckSpec, AssetDep, AssetSpec

from .pipelines import graph_of_edges, key, lake


def only(found: list[DefinitionError]) -> str:
    (problem,) = found
    return str(problem)


def test_a_sound_graph_has_no_problems():
    assert problems(lake()) == []


def test_loading_the_value_of_an_undefined_asset_is_an_error_that_offers_the_nearest_name():
    graph = graph_of_edges({"sales/orders": "", "report": "sales/order"})
    message = only(problems(graph, loaded_inputs={key("report"): [key("sales/order")]}))
    assert 'Asset "report" loads the value of "sales/order", which no definition provides.' in message
    assert 'Did you mean "sales/orders"?' in message
    assert warnings(graph, loaded_inputs={key("report"): [key("sales/order")]}) == []


def test_depending_on_an_undefined_asset_without_loading_it_is_a_warning():
    graph = graph_of_edges({"orders": "", "report": "order", "chart": "order"})
    assert problems(graph) == []
    (warning,) = warnings(graph)
    assert str(warning) == (
        '"report" and 1 more depend on "order", which no definition provides. It is taken for an asset that something '
        'else builds. Did you mean "orders"? To say that it is external, add AssetSpec("order") to the definitions.'
    )


def test_a_cycle_prints_its_path():
    message = only(problems(graph_of_edges({"a": "b", "b": "a"})))
    assert message.startswith("Assets depend on each other in a circle: a -> b -> a.")


def test_a_duplicate_key_names_both_definitions():
    graph = AssetGraph.build([AssetSpec("orders"), AssetSpec("other"), AssetSpec("orders")])
    message = only(problems(graph, places=["asset orders (sales.py:3)", "other.py:1", "multi-asset split (eu.py:9)"]))
    assert '"orders" is defined twice: by asset orders (sales.py:3), and by multi-asset split (eu.py:9).' in message
    assert 'Asset "orders" is defined twice.' in only(problems(graph))


def test_a_duplicate_check_is_a_problem():
    checks = [AssetCheckSpec("fresh", asset="orders"), AssetCheckSpec("fresh", asset="orders")]
    message = only(problems(AssetGraph.build([AssetSpec("orders")], checks)))
    assert message.startswith('Check "fresh" of asset "orders" is defined twice.')


def test_a_check_on_an_asset_of_which_nothing_else_speaks_offers_the_nearest_name():
    graph = AssetGraph.build([AssetSpec("orders")], [AssetCheckSpec("fresh", asset="ordesr")])
    message = only(problems(graph))
    assert 'Check "fresh" is about asset "ordesr", which no definition provides.' in message
    assert 'Did you mean "orders"?' in message


def test_a_check_on_an_asset_that_others_depend_on_is_accepted():
    assert problems(graph_of_edges({"report": "orders"}, [AssetCheckSpec("fresh", asset="orders")])) == []


def test_all_problems_are_found_together():
    graph = AssetGraph.build(
        [AssetSpec("a", deps=["b"]), AssetSpec("b", deps=["a", "c"]), AssetSpec("a")],
        [AssetCheckSpec("fresh", asset="nowhere")],
    )
    found = problems(graph, loaded_inputs={AssetKey("b"): [AssetKey("c")]})
    assert [problem.code for problem in found] == [
        "duplicate-asset-key",
        "unknown-upstream",
        "check-on-unknown-asset",
        "asset-cycle",
    ]


def test_partitions_that_do_not_map_name_both_assets():
    partitions = pytest.importorskip("headwater.model.partitions")
    daily = partitions.DailyPartitionsDefinition(start_date="2024-01-01")
    letters = partitions.StaticPartitionsDefinition(["a", "b"])
    last = partitions.LastPartitionMapping()
    fits = AssetGraph.build(
        [
            AssetSpec("days", partitions_def=daily),
            AssetSpec("newest", deps=[AssetDep("days", partition_mapping=last)]),
            AssetSpec("again", deps=["days"], partitions_def=partitions.DailyPartitionsDefinition("2024-01-01")),
            AssetSpec("whole", deps=["days"]),
        ]
    )
    assert problems(fits) == []
    offset = partitions.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    message = only(
        problems(
            AssetGraph.build(
                [
                    AssetSpec("days", partitions_def=daily),
                    AssetSpec("letters", partitions_def=letters, deps=[AssetDep("days", partition_mapping=offset)]),
                ]
            )
        )
    )
    assert message.startswith('The partitions of "letters" do not map to those of its upstream "days":')


def test_a_partition_mapping_lets_an_asset_read_its_own_earlier_partitions():
    partitions = pytest.importorskip("headwater.model.partitions")
    daily = partitions.DailyPartitionsDefinition(start_date="2024-01-01")
    before = partitions.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    graph = AssetGraph.build(
        [AssetSpec("totals", partitions_def=daily, deps=[AssetDep("totals", partition_mapping=before)])]
    )
    assert problems(graph) == []
    assert graph.partition_mapping(key("totals"), key("totals")) == before


def test_thousands_of_undefined_names_are_reported_quickly():
    specs = [AssetSpec(f"table_{n}", deps=[f"tabel_{n}"]) for n in range(1000)]
    assert len(warnings(AssetGraph.build(specs))) == 1000


def test_without_a_near_name_the_fix_begins_with_what_to_do():
    lone = str(UnknownUpstream(AssetKey("sold"), AssetKey("prices"), ["elsewhere"]))
    assert 'loaded. Define it, or declare it with AssetSpec("prices")' in lone
    near = str(UnknownUpstream(AssetKey("sold"), AssetKey("price"), ["prices"]))
    assert 'Did you mean "prices"? Otherwise define it' in near
