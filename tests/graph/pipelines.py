"""Small pipelines that the tests of the graph and of the selection language share."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.graph.asset_graph import AssetGraph
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.specs import AssetCheckSpec, AssetExecutionType, AssetSpec


def key(text: str) -> AssetKey:
    return AssetKey.parse(text)


def graph_of_edges(edges: dict[str, str], checks: Iterable[AssetCheckSpec] = ()) -> AssetGraph:
    """Build a graph from written keys and, for each, what it depends on, separated by spaces."""
    return AssetGraph.build(
        [AssetSpec(key(name), deps=[key(dep) for dep in deps.split()]) for name, deps in edges.items()], checks
    )


def written(keys: Iterable[AssetKey | AssetCheckKey]) -> str:
    """Return keys in alphabetical order, separated by spaces."""
    return " ".join(sorted(map(str, keys)))


def in_order(keys: Iterable[AssetKey | AssetCheckKey]) -> str:
    return " ".join(map(str, keys))


def lake() -> AssetGraph:
    """landing/files (external) -> raw/orders -> orders -> split [orders_eu, orders_us] -> model [train, test] -> report

    and beside it: clicks (observed), prices (only depended on) -> basket.
    """
    specs = [
        AssetSpec("orders_eu", deps=["orders"]),
        AssetSpec("orders_us", deps=["orders"]),
        AssetSpec("train", deps=["orders_eu"]),
        AssetSpec("test", deps=["train"]),
        AssetSpec(
            key("raw/orders"),
            group_name="bronze",
            tags={"layer": "bronze", "pii": ""},
            kinds={"dbt"},
            owners=["ana@example.com", "team:data"],
            deps=[key("landing/files")],
        ),
        AssetSpec("orders", deps=[key("raw/orders")], group_name="silver"),
        AssetSpec("report", deps=["test"]),
        AssetSpec(
            key("landing/files"),
            group_name="bronze",
            tags={"layer": "bronze"},
            kinds={"dbt"},
            owners=["team:data"],
        ),
        AssetSpec("clicks"),
        AssetSpec("basket", deps=["clicks", "prices"]),
    ]
    checks = [
        AssetCheckSpec("unique", asset=key("raw/orders")),
        AssetCheckSpec("no_nulls", asset="orders"),
        AssetCheckSpec("sums", asset="report", additional_deps=["orders"]),
    ]
    return AssetGraph.build(
        specs,
        checks,
        execution_types={
            key("landing/files"): AssetExecutionType.UNEXECUTABLE,
            key("clicks"): AssetExecutionType.OBSERVATION,
        },
        multi_assets={
            "split": [key("orders_eu"), key("orders_us")],
            "model": [key("train"), key("test")],
        },
        subsettable={"model"},
        code_locations={key("orders"): "sales"},
    )
