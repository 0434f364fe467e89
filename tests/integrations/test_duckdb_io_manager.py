"""Data frames as tables of a real DuckDB file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import headwater as hw
from headwater.integrations.database import DbTypeHandler, TableSlice
from headwater.integrations.duckdb import (
    DuckDBArrowIOManager,
    DuckDbClient,
    DuckDBIOManager,
    DuckDBPandasIOManager,
    DuckDBPandasTypeHandler,
    DuckDBPolarsIOManager,
    DuckDBPolarsTypeHandler,
    build_duckdb_io_manager,
    duckdb_pandas_io_manager,
)
from headwater.model.errors.io import ValueNotFound
from headwater.model.errors.tables import (
    AmbiguousTableType,
    MissingPartitionExpression,
    NoTableReturned,
    NotATable,
    PartitionsNotOneBlock,
    TableColumnsDiffer,
    TableNotFound,
    TableTypeDiffers,
    TableWithoutColumns,
    UnreadableTable,
    UnsupportedTableType,
)
from headwater.runtime.execute import launch

COLORS = hw.StaticPartitionsDefinition(["red", "blue", "o'brien"])
DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-08")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "warehouse.duckdb")


def rows(path: str, query: str) -> list[Any]:
    with duckdb.connect(path) as connection:
        return connection.execute(query).fetchall()


def manager(path: str, **settings: Any) -> Any:
    return DuckDBPandasIOManager(database=path, **settings).process_config_and_initialize()


def stored(manager: Any, key: str, value: Any, **context: Any) -> hw.OutputContext:
    """Store a value by hand; return the context, which holds what was recorded."""
    output = hw.build_output_context(asset_key=key.split("/"), **context)
    manager.handle_output(output, value)
    return output


def loaded(manager: Any, key: str, *, partition_expr: Any = None, columns: Any = None, **context: Any) -> Any:
    upstream = hw.build_output_context(asset_key=key.split("/"), definition_metadata={"partition_expr": partition_expr})
    metadata = {"columns": columns} if columns else None
    return manager.load_input(
        hw.build_input_context(
            name="upstream", asset_key=key.split("/"), upstream_output=upstream, definition_metadata=metadata, **context
        )
    )


def colored(color: str, value: int = 1) -> pd.DataFrame:
    return pd.DataFrame({"color": [color, color], "value": [value, value]})


def with_color(color: str) -> dict[str, Any]:
    return {
        "partition_key": color,
        "asset_partitions_def": COLORS,
        "definition_metadata": {"partition_expr": "color"},
    }


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


# -- where a table is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "metadata", "schema", "expected"),
    [
        ("plain", None, None, "public"),
        ("plain", None, "configured", "configured"),
        ("first/second/plain", None, None, "second"),
        ("first/second/plain", None, "configured", "configured"),
        ("first/plain", {"schema": "declared"}, "configured", "declared"),
    ],
)
def test_the_schema_is_that_of_the_metadata_else_of_the_manager_else_the_prefix_else_public(
    path: str, key: str, metadata: Any, schema: str | None, expected: str
) -> None:
    stored(manager(path, schema=schema), key, frame(), definition_metadata=metadata)
    assert rows(path, "select table_schema, table_name from information_schema.tables") == [(expected, "plain")]


def test_a_run_stores_tables_loads_them_and_records_what_they_are(path: str) -> None:
    @hw.asset
    def orders() -> pd.DataFrame:
        return frame()

    @hw.asset(ins={"orders": hw.AssetIn(metadata={"columns": ["b"]})})
    def names(orders: pd.DataFrame) -> pd.DataFrame:
        return orders

    result = hw.materialize([orders, names], resources={"io_manager": DuckDBPandasIOManager(database=path)})
    assert rows(path, "select * from public.names order by b") == [("x",), ("y",)]
    (materialization,) = result.asset_materializations_for_node("orders")
    facts = {name: value.value for name, value in materialization.metadata.items()}
    assert facts["headwater/row_count"] == 2
    assert facts["headwater/table_name"] == f"{path}.public.orders"
    assert facts["headwater/storage_kind"] == "duckdb"
    assert [(column.name, column.type) for column in facts["headwater/column_schema"].columns] == [
        (name, str(kind)) for name, kind in frame().dtypes.items()
    ]
    assert rows(path, facts["Query"]) == [(1, "x"), (2, "y")]


def test_a_parameter_without_annotation_gets_the_default_type(path: str) -> None:
    @hw.asset
    def orders():  # type: ignore[no-untyped-def]
        return frame()

    @hw.asset
    def count(orders) -> None:  # type: ignore[no-untyped-def]
        assert isinstance(orders, pd.DataFrame)

    old_style = duckdb_pandas_io_manager.configured({"database": path, "schema": "old"})
    assert hw.materialize([orders, count], resources={"io_manager": old_style}).success
    assert rows(path, "select count(*) from old.orders") == [(2,)]


def test_ops_keep_their_values_in_tables_named_after_outputs(path: str) -> None:
    @hw.op(out=hw.Out(metadata={"schema": "scratch"}))
    def make() -> pd.DataFrame:
        return frame()

    @hw.op
    def take(made: pd.DataFrame) -> None:
        assert len(made) == 2

    @hw.job(resource_defs={"io_manager": DuckDBPandasIOManager(database=path)})
    def chain() -> None:
        take(make())

    assert chain.execute_in_process().success
    assert rows(path, "select count(*) from scratch.result") == [(2,)]


def test_a_database_in_memory_lasts_as_long_as_the_run() -> None:
    @hw.asset
    def orders() -> pd.DataFrame:
        return frame()

    @hw.asset
    def count(orders: pd.DataFrame) -> None:
        assert len(orders) == 2

    assert hw.materialize([orders, count], resources={"io_manager": DuckDBPandasIOManager(database=":memory:")}).success


def test_an_asset_that_returns_nothing_makes_no_table(path: str) -> None:
    @hw.asset
    def silent() -> None:
        return None

    @hw.asset
    def by_hand() -> hw.MaterializeResult:
        return hw.MaterializeResult(metadata={"note": "done"})

    assert hw.materialize([silent, by_hand], resources={"io_manager": DuckDBPandasIOManager(database=path)}).success
    assert not Path(path).exists()


# -- kinds of frames ---------------------------------------------------------------------------------------------


def test_one_manager_keeps_frames_of_every_library(path: str) -> None:
    @hw.asset
    def by_pandas() -> pd.DataFrame:
        return frame()

    @hw.asset
    def by_polars(by_pandas: pl.DataFrame) -> pl.DataFrame:
        return by_pandas.with_columns(c=pl.col("a") * 2)

    @hw.asset
    def by_arrow(by_polars: pl.LazyFrame) -> pa.Table:
        return by_polars.filter(pl.col("c") > 2).collect().to_arrow()

    @hw.asset
    def back(by_arrow: pa.Table, by_polars: pd.DataFrame | None) -> pd.DataFrame:
        assert by_polars is not None
        assert list(by_polars.columns) == ["a", "b", "c"]
        return by_arrow.to_pandas()

    assets = [by_pandas, by_polars, by_arrow, back]
    assert hw.materialize(assets, resources={"io_manager": DuckDBIOManager(database=path)}).success
    assert rows(path, "select * from public.back") == [(2, "y", 4)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DuckDBPolarsIOManager, pl.DataFrame({"a": [1, None], "l": [[1], [2, 3]], "d": [date(2024, 1, 1), None]})),
        (DuckDBArrowIOManager, pa.table({"a": [1, None], "s": ["x", None], "f": [1.5, 2.5]})),
    ],
)
def test_frames_come_back_equal(path: str, kind: Any, value: Any) -> None:
    here = kind(database=path).process_config_and_initialize()
    stored(here, "kept", value)
    assert loaded(here, "kept").equals(value)


def test_a_type_handler_of_ones_own_works_as_it_does_with_dagster(path: str) -> None:
    class Words(DbTypeHandler[list[str]]):
        def handle_output(
            self, context: hw.OutputContext, table_slice: TableSlice, obj: list[str], connection: Any
        ) -> None:
            table = f"{table_slice.schema}.{table_slice.table}"
            connection.execute(f"create table if not exists {table} (word varchar)")
            connection.executemany(f"insert into {table} values (?)", [[word] for word in obj])
            context.add_output_metadata({"words": len(obj)})

        def load_input(self, context: hw.InputContext, table_slice: TableSlice, connection: Any) -> list[str]:
            found = connection.execute(DuckDbClient.get_select_statement(table_slice)).fetchall()
            return [word for (word,) in found]

        @property
        def supported_types(self) -> Sequence[type[object]]:
            return [list]

    class MyManager(DuckDBIOManager):
        @staticmethod
        def type_handlers() -> Sequence[DbTypeHandler[Any]]:
            return [Words(), DuckDBPandasTypeHandler()]

    @hw.asset
    def words() -> list[str]:
        return ["tea", "o'clock"]

    @hw.asset
    def shout(words: list[str]) -> pd.DataFrame:
        return pd.DataFrame({"word": [word.upper() for word in words]})

    for _ in range(2):
        result = hw.materialize([words, shout], resources={"io_manager": MyManager(database=path)})
    assert rows(path, "select * from public.shout") == [("TEA",), ("O'CLOCK",)]
    assert result.asset_materializations_for_node("words")[0].metadata["words"].value == 2


# -- partitions --------------------------------------------------------------------------------------------------


def test_a_partition_takes_the_place_of_its_own_rows_only(path: str) -> None:
    here = manager(path)
    for color, value in (("red", 1), ("o'brien", 2), ("red", 3)):
        output = stored(here, "paint", colored(color, value), **with_color(color))
    assert output.get_logged_metadata()["headwater/partition_row_count"].value == 2
    assert sorted(rows(path, "select distinct * from public.paint")) == [("o'brien", 2), ("red", 3)]
    found = loaded(here, "paint", partition_expr="color", partition_key="o'brien", asset_partitions_def=COLORS)
    assert found["value"].tolist() == [2, 2]
    none = loaded(here, "paint", partition_expr="color", partition_key="blue", asset_partitions_def=COLORS)
    assert len(none) == 0
    assert list(none.columns) == ["color", "value"]


@pytest.mark.parametrize("as_text", [False, True])
def test_days_are_windows_of_time_even_where_they_are_kept_as_text(path: str, as_text: bool) -> None:
    @hw.asset(partitions_def=DAYS, metadata={"partition_expr": "day"}, backfill_policy=hw.BackfillPolicy.single_run())
    def sales(context: hw.AssetExecutionContext) -> pd.DataFrame:
        days = pd.Series(list(context.partition_keys))
        return pd.DataFrame({"day": days if as_text else pd.to_datetime(days), "value": version})

    @hw.asset(partitions_def=DAYS, metadata={"partition_expr": "day"})
    def doubled(sales: pd.DataFrame) -> pd.DataFrame:
        assert len(sales) == 1
        return sales.assign(value=sales["value"] * 2)

    @hw.asset
    def total(sales: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"total": [sales["value"].sum()]})

    resources = {"io_manager": DuckDBPandasIOManager(database=path)}
    with hw.Instance.local_temp() as instance:
        for version, day in ((1, "2024-01-02"), (2, "2024-01-03"), (5, "2024-01-02")):  # noqa: B007  # the asset reads it
            hw.materialize([sales, doubled], partition_key=day, resources=resources, instance=instance)
        version = 7
        days = ["2024-01-03", "2024-01-04", "2024-01-05"]
        definitions = hw.Definitions(assets=[sales], resources=resources)
        launch(definitions, instance=instance, partition_keys=days)
        hw.materialize([sales, total], selection=[total], resources=resources, instance=instance)
        records = instance.fetch_materializations(hw.AssetKey("sales"), limit=3).records
    query = "select CAST(day AS DATE)::VARCHAR, value from public.{} order by all"
    assert rows(path, query.format("sales")) == [("2024-01-02", 5), *((day, 7) for day in days)]
    assert rows(path, query.format("doubled")) == [("2024-01-02", 10), ("2024-01-03", 4)]
    assert rows(path, "select total from public.total") == [(26,)]
    made = [record.asset_materialization for record in records]
    assert sorted(str(each.partition) for each in made) == days
    assert [each.metadata["headwater/row_count"].value for each in made] == [4, 4, 4]


def test_windows_that_are_not_one_after_another_are_read_without_what_lies_between(path: str) -> None:
    here = manager(path)
    stored(here, "days", pd.DataFrame({"day": pd.to_datetime([f"2024-01-0{day}" for day in range(1, 8)])}))

    @hw.asset(partitions_def=DAYS, io_manager_key="duck", metadata={"partition_expr": "day"})
    def days() -> None: ...

    picked = hw.SpecificPartitionsPartitionMapping(["2024-01-02", "2024-01-03", "2024-01-06"])
    seen: list[int] = []

    @hw.asset(ins={"days": hw.AssetIn(partition_mapping=picked)}, io_manager_key="duck")
    def some(days: pd.DataFrame) -> None:
        seen.extend(days["day"].dt.day)

    spec = hw.AssetSpec("days", partitions_def=DAYS, metadata={"partition_expr": "day"}).with_io_manager_key("duck")
    hw.materialize([some, spec], selection=[some], resources={"duck": DuckDBPandasIOManager(database=path)})
    assert sorted(seen) == [2, 3, 6]


def test_times_with_a_zone_are_compared_on_the_clock_of_the_partitions(path: str) -> None:
    berlin = hw.DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin", end_date="2024-02-01")
    context = {
        "partition_key": "2024-01-02",
        "asset_partitions_def": berlin,
        "definition_metadata": {"partition_expr": "happened"},
    }
    inside = ["2024-01-01T23:00:00Z", "2024-01-02T22:59:59Z"]
    output = stored(manager(path), "events", pd.DataFrame({"happened": pd.to_datetime(inside)}), **context)
    assert "headwater/rows_outside_partition" not in output.get_logged_metadata()


def test_each_of_several_dimensions_has_an_expression(path: str) -> None:
    both = hw.MultiPartitionsDefinition({"day": DAYS, "color": COLORS})

    @hw.asset(partitions_def=both, metadata={"partition_expr": {"day": "day", "color": "lower(c)"}})
    def cells(context: hw.AssetExecutionContext) -> pd.DataFrame:
        part = context.partition_key.keys_by_dimension  # type: ignore[attr-defined]
        return pd.DataFrame({"day": pd.to_datetime([part["day"]]), "c": [part["color"].upper()], "value": version})

    @hw.asset(partitions_def=both, metadata={"partition_expr": {"day": "day", "color": "lower(c)"}})
    def copied(cells: pd.DataFrame) -> pd.DataFrame:
        return cells

    resources = {"io_manager": DuckDBPandasIOManager(database=path)}
    for version, color in ((1, "red"), (2, "blue"), (3, "red")):  # noqa: B007  # the asset reads it
        key = hw.MultiPartitionKey({"day": "2024-01-02", "color": color})
        assert hw.materialize([cells, copied], partition_key=key, resources=resources).success
    assert rows(path, "select c, value from public.copied order by all") == [("BLUE", 2), ("RED", 3)]


def test_partitions_that_are_no_block_are_refused_rather_than_read_with_others(path: str) -> None:
    both = hw.MultiPartitionsDefinition({"day": DAYS, "color": COLORS})
    corner = both.subset_with_partition_keys(["red|2024-01-01", "blue|2024-01-02"])
    declared = {"partition_expr": {"day": "at", "color": "c"}}
    context = hw.OutputContext(
        asset_key=hw.AssetKey("cells"),
        asset_partitions_def=both,
        asset_partitions_subset=corner,
        definition_metadata=declared,
    )
    with pytest.raises(PartitionsNotOneBlock, match="2 partitions"):
        manager(path).handle_output(context, frame())


def test_the_first_partition_of_an_asset_that_reads_its_own_past_gets_nothing(path: str) -> None:
    past = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    @hw.asset(
        partitions_def=DAYS,
        metadata={"partition_expr": "day"},
        ins={"running": hw.AssetIn(partition_mapping=past)},
    )
    def running(context: hw.AssetExecutionContext, running: pd.DataFrame | None) -> pd.DataFrame:
        before = 0 if running is None else int(running["total"].sum())
        return pd.DataFrame({"day": pd.to_datetime([context.partition_key]), "total": [before + 1]})

    resources = {"io_manager": DuckDBPandasIOManager(database=path)}
    with hw.Instance.local_temp() as instance:
        for day in ("2024-01-01", "2024-01-02"):
            assert hw.materialize([running], partition_key=day, resources=resources, instance=instance).success
    assert rows(path, "select total from public.running order by all") == [(1,), (2,)]


def test_rows_of_other_partitions_are_told_of(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        mixed = pd.DataFrame({"color": ["red", "blue"], "value": [1, 1]})
        output = stored(manager(path), "paint", mixed, **with_color("red"))
    assert output.get_logged_metadata()["headwater/rows_outside_partition"].value == 1
    assert "1 of 2 rows" in caplog.text


@pytest.mark.parametrize(
    ("definition", "declared", "said"),
    [
        (COLORS, None, 'has no "partition_expr"'),
        (COLORS, {"color": "c"}, "not a string"),
        (hw.MultiPartitionsDefinition({"day": DAYS, "color": COLORS}), {"day": "at"}, "says nothing of: color"),
        (hw.MultiPartitionsDefinition({"day": DAYS, "color": COLORS}), "at", "one for all of them"),
    ],
)
def test_a_partitioned_asset_says_by_which_column(path: str, definition: Any, declared: Any, said: str) -> None:
    key = definition.get_first_partition_key()
    metadata = {"partition_expr": declared} if declared else {}
    with pytest.raises(MissingPartitionExpression, match=said) as caught:
        stored(
            manager(path),
            "paint",
            frame(),
            partition_key=key,
            asset_partitions_def=definition,
            definition_metadata=metadata,
        )
    assert "partition_expr" in caught.value.fix
    assert not Path(path).exists()


# -- columns -----------------------------------------------------------------------------------------------------


def test_a_table_takes_new_columns_while_it_has_no_rows_of_other_partitions(path: str) -> None:
    here = manager(path)
    stored(here, "orders", frame())
    stored(here, "orders", pd.DataFrame({"b": [1.5], "c": ["new"]}))
    assert rows(path, "select b, c from public.orders") == [(1.5, "new")]
    stored(here, "paint", colored("red"), **with_color("red"))
    stored(here, "paint", colored("red").assign(more=1), **with_color("red"))
    assert rows(path, "select distinct more from public.paint") == [(1,)]


def test_a_table_that_fits_keeps_its_definition(path: str) -> None:
    rows(path, "create schema public; create table public.orders (b varchar, a bigint primary key)")
    for _ in range(2):
        stored(manager(path), "orders", frame())
    assert rows(path, "select * from public.orders order by a") == [("x", 1), ("y", 2)]
    assert rows(path, "select count(*) from duckdb_constraints() where constraint_type = 'PRIMARY KEY'") == [(1,)]


def test_columns_are_matched_by_name(path: str) -> None:
    here = manager(path)
    stored(here, "paint", pd.DataFrame({"color": ["red"], "x": [1], "y": [2]}), **with_color("red"))
    stored(here, "paint", pd.DataFrame({"y": [4], "x": [3], "color": ["blue"]}), **with_color("blue"))
    assert sorted(rows(path, "select color, x, y from public.paint")) == [("blue", 3, 4), ("red", 1, 2)]


def test_other_columns_beside_rows_of_other_partitions_are_refused(path: str) -> None:
    here = manager(path)
    stored(here, "paint", colored("red"), **with_color("red"))
    stored(here, "paint", colored("blue"), **with_color("blue"))
    with pytest.raises(TableColumnsDiffer, match='no "extra"') as caught:
        stored(here, "paint", colored("red").assign(extra="x"), **with_color("red"))
    statement = caught.value.fix.partition("by hand: ")[2]
    assert statement == 'ALTER TABLE "public"."paint" ADD COLUMN "extra" VARCHAR;'
    with pytest.raises(TableColumnsDiffer, match='the frame has no "value"'):
        stored(here, "paint", colored("red")[["color"]], **with_color("red"))
    assert rows(path, "select count(*) from public.paint") == [(4,)]
    rows(path, statement)
    stored(here, "paint", colored("red").assign(extra="x"), **with_color("red"))
    assert rows(path, "select distinct extra from public.paint order by all") == [("x",), (None,)]


def test_a_value_is_never_changed_to_fit_its_column(path: str) -> None:
    here = manager(path)
    stored(here, "paint", colored("red"), **with_color("red"))
    half = colored("blue").assign(value=[0.5, 2.0])
    with pytest.raises(TableTypeDiffers, match='1 values in "value"') as caught:
        stored(here, "paint", half, **with_color("blue"))
    assert rows(path, "select count(*) from public.paint") == [(2,)]
    rows(path, caught.value.fix.partition("by hand: ")[2])
    stored(here, "paint", half, **with_color("blue"))
    stored(here, "paint", colored("o'brien"), **with_color("o'brien"))
    assert sorted(rows(path, "select value from public.paint where color = 'blue'")) == [(0.5,), (2.0,)]


def test_a_column_without_values_takes_the_type_of_the_first_that_come(path: str) -> None:
    here = manager(path)
    stored(here, "paint", colored("red").assign(note=None), **with_color("red"))
    stored(here, "paint", colored("blue").assign(note="hello"), **with_color("blue"))
    stored(here, "paint", colored("red").assign(note=None), **with_color("red"))
    assert sorted(rows(path, "select color, note from public.paint"), key=str)[0] == ("blue", "hello")


# -- names and values are never SQL ------------------------------------------------------------------------------

NASTY = 'x"; DROP TABLE public.kept; --'


def test_names_and_keys_are_never_taken_for_sql(path: str) -> None:
    here = manager(path)
    stored(here, "kept", frame())
    value = pd.DataFrame({NASTY: ["'); DROP TABLE public.kept; --"], "select": [1]})
    stored(here, f"{NASTY.replace('/', '')}", value, definition_metadata={"schema": "my-schema'\""})
    key = "'); DROP TABLE public.kept; --"
    keys = hw.StaticPartitionsDefinition([key, "other"])
    context = {"partition_key": key, "asset_partitions_def": keys}
    declared = {"partition_expr": '"' + NASTY.replace('"', '""') + '"'}
    for _ in range(2):
        output = stored(here, "quoted", value, definition_metadata=declared, **context)
    found = loaded(here, "quoted", partition_expr=declared["partition_expr"], columns=[NASTY, "select"], **context)
    assert found.to_dict("list") == {NASTY: [key], "select": [1]}
    assert rows(path, output.get_logged_metadata()["Query"].value) == [(key, 1)]
    assert rows(path, "select count(*) from public.kept") == [(2,)]


def test_a_column_that_is_not_there_is_told_with_the_query(path: str) -> None:
    here = manager(path)
    stored(here, "orders", frame())
    with pytest.raises(UnreadableTable, match=r'SELECT "nope" FROM "public"\."orders"'):
        loaded(here, "orders", columns=["nope"])


def test_a_partition_expression_that_is_no_sql_is_told_with_the_query(path: str) -> None:
    context = {**with_color("red"), "definition_metadata": {"partition_expr": "color +"}}
    with pytest.raises(UnreadableTable, match='"partition_expr" of the asset'):
        stored(manager(path), "paint", colored("red"), **context)
    assert rows(path, "from duckdb_tables()") == []


# -- what cannot be stored or loaded -----------------------------------------------------------------------------


def test_a_value_of_another_type_names_the_handlers_and_how_to_add_one(path: str) -> None:
    with pytest.raises(UnsupportedTableType) as caught:
        stored(manager(path), "orders", 1)
    message = str(caught.value)
    for part in ('Asset "orders"', "type int", "DuckDBPandasIOManager", "pandas.DataFrame", "type_handlers()"):
        assert part in message
    with pytest.raises(UnsupportedTableType, match='by the parameter "upstream"'):
        loaded(manager(path), "orders", annotation=int)


def test_none_where_a_table_is_expected_leaves_the_table_as_it_was(path: str) -> None:
    here = manager(path)
    stored(here, "orders", frame())
    with pytest.raises(NoTableReturned, match="-> None"):
        stored(here, "orders", None)
    with pytest.raises(TableWithoutColumns):
        stored(here, "orders", pd.DataFrame())
    assert rows(path, "select count(*) from public.orders") == [(2,)]


def test_several_handlers_need_an_annotation(path: str) -> None:
    both = build_duckdb_io_manager([DuckDBPandasTypeHandler(), DuckDBPolarsTypeHandler()])
    here = both.configured({"database": path})(hw.build_init_resource_context())
    stored(here, "orders", frame())
    with pytest.raises(AmbiguousTableType, match=r"upstream: pandas\.DataFrame"):
        loaded(here, "orders")
    assert isinstance(loaded(here, "orders", annotation=pl.DataFrame), pl.DataFrame)


def test_a_table_that_is_not_there_is_named_with_the_nearest_and_what_to_type(path: str) -> None:
    here = manager(path)
    stored(here, "sales/orders", frame())
    with pytest.raises(TableNotFound) as caught:
        loaded(here, "sales/ordres")
    assert isinstance(caught.value, ValueNotFound)
    assert 'Did you mean "sales.orders"?' in str(caught.value)
    assert "headwater materialize sales/ordres" in str(caught.value)


def test_a_view_is_read_and_never_written(path: str) -> None:
    rows(path, "create schema public; create view public.orders as select 1 as a")
    here = manager(path)
    assert loaded(here, "orders")["a"].tolist() == [1]
    with pytest.raises(NotATable, match="DROP VIEW"):
        stored(here, "orders", frame())


# -- data versions -----------------------------------------------------------------------------------------------


def test_the_data_version_is_that_of_the_rows_whatever_their_order(path: str) -> None:
    here = manager(path)
    first = stored(here, "orders", frame()).data_version
    assert first is not None
    assert stored(here, "orders", frame().iloc[::-1]).data_version == first
    assert stored(here, "other", frame()).data_version == first
    assert stored(here, "orders", pd.concat([frame(), frame()])).data_version != first
    assert stored(here, "orders", frame().iloc[:0]).data_version != first
    assert stored(here, "orders", frame().rename(columns={"a": "z"})).data_version != first


def test_partitions_have_the_same_versions_whether_made_together_or_one_by_one(path: str) -> None:
    few = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")
    both = hw.MultiPartitionsDefinition({"day": few, "color": COLORS})
    cases: list[tuple[Any, Any]] = [(COLORS, "color"), (few, "day"), (both, {"day": "day", "color": "color"})]
    for number, (definition, expression) in enumerate(cases):
        keys = list(definition.get_partition_keys())
        days = [f"2024-01-0{1 + at % 3}" for at in range(40)]
        colors = [["red", "blue"][at % 2] for at in range(40)]
        whole = pd.DataFrame({"day": pd.to_datetime(days), "color": colors, "value": range(40)})
        together = stored(
            manager(path),
            f"together_{number}",
            whole,
            asset_partitions_def=definition,
            asset_partition_key_range=hw.PartitionKeyRange(keys[0], keys[-1]),
            definition_metadata={"partition_expr": expression},
        ).data_versions
        assert list(together) == keys
        for key in keys:
            part = key.keys_by_dimension if isinstance(key, hw.MultiPartitionKey) else {"day": key, "color": key}
            mine = pd.Series(True, index=whole.index)
            if definition is not COLORS:
                mine &= whole["day"] == pd.Timestamp(part["day"])
            if definition is not few:
                mine &= whole["color"] == part["color"]
            alone = stored(
                manager(path),
                f"alone_{number}",
                whole[mine],
                partition_key=key,
                asset_partitions_def=definition,
                definition_metadata={"partition_expr": expression},
            )
            assert alone.data_version == together[key]


# -- renaming and wiping ---------------------------------------------------------------------------------------------


def renamed_tables(name: list[str], path: str) -> hw.Definitions:
    @hw.asset(key=name, metadata={"partition_expr": "color"}, partitions_def=COLORS)
    def paint(context: hw.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"color": context.partition_keys, "litres": 1})

    @hw.asset(key=[*name[:-1], f"{name[-1]}_all"])
    def whole() -> pd.DataFrame:
        return pd.DataFrame({"n": [1, 2]})

    return hw.Definitions(assets=[paint, whole], resources={"io_manager": DuckDBPandasIOManager(database=path)})


def test_a_renamed_asset_takes_its_table_along_and_a_wiped_one_loses_its_rows(path: str, tmp_path: Path):
    from headwater.runtime.stored_values import io_managers

    before, after = renamed_tables(["raw", "paint"], path), renamed_tables(["gold", "colors"], path)
    old, new = hw.AssetKey(["raw", "paint"]), hw.AssetKey(["gold", "colors"])
    with hw.Instance.open(tmp_path / "home") as instance:
        for color in ("red", "blue"):
            job = before.resolve_implicit_global_asset_job_def()
            assert job.execute_in_process(instance=instance, asset_selection=[old], partition_key=color).success
        moved = instance.move_asset("raw/paint", "gold/colors", definitions=after)
        assert (moved.values, moved.partitions, moved.left_with) == (1, 2, None)
        tables = "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        assert rows(path, tables) == [("gold.colors",)]
        assert len(after.load_asset_value(new, instance=instance, python_type=pd.DataFrame)) == 2
        with io_managers(after, instance) as kept_by:
            assert kept_by(new).remove(new, ["red"]) == 1
            assert rows(path, "SELECT DISTINCT color FROM gold.colors") == [("blue",)]
            assert kept_by(new).remove(new, None) == 1
        assert rows(path, tables) == []
