"""Resources that are given with a direct call are opened for it, and closed after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import headwater as hw

told: list[str] = []


class Connection(hw.ConfigurableResource):
    rows: int = 3

    def setup_for_execution(self, context: hw.InitResourceContext) -> None:
        told.append("opened")

    def teardown_after_execution(self, context: hw.InitResourceContext) -> None:
        told.append("closed")


@hw.asset
def read(connection: Connection) -> int:
    told.append("read")
    return connection.rows


@hw.op
def count(context: hw.OpExecutionContext, connection: Connection) -> int:
    raise ValueError(connection.rows)


def test_a_resource_with_a_teardown_is_closed_after_the_call() -> None:
    told.clear()
    assert read(Connection(rows=5)) == 5
    assert read(connection=Connection(rows=6)) == 6
    with pytest.raises(ValueError, match="7"):
        count(hw.build_op_context(), Connection(rows=7))
    assert told == ["opened", "read", "closed", "opened", "read", "closed", "opened", "closed"]


def test_a_generator_outlives_its_call_so_it_is_told_to_open_the_resource_by_itself() -> None:
    @hw.op
    def stream(connection: Connection) -> Iterator[hw.Output[int]]:
        yield hw.Output(connection.rows)

    with pytest.raises(hw.InvalidInvocationError, match="process_config_and_initialize_cm"):
        stream(Connection())


def test_duplicates_are_told_where_the_graph_of_the_alias_is_asked_for() -> None:
    from headwater.compat import dagster as dg

    twice = [dg.AssetSpec("orders"), hw.asset(name="orders")(lambda: 1)]
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="orders"):
        dg.Definitions(assets=twice).resolve_asset_graph()
