"""DuckDB files between processes: locks that are waited for, and writers that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import headwater as hw
from headwater.integrations.duckdb import DuckDBPandasIOManager, DuckDBResource
from headwater.model.errors.tables import DatabaseLocked, DatabaseNotOpened

HOLDER = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(float(sys.argv[2]))"

WRITER = textwrap.dedent(
    """
    import os, signal, sys
    import pandas as pd
    import headwater as hw
    from headwater.integrations.duckdb import DuckDBPandasIOManager, DuckDBPandasTypeHandler

    path, kind = sys.argv[1:]

    class KilledBeforeTheEnd(DuckDBPandasTypeHandler):
        def handle_output(self, context, table_slice, obj, connection):
            told = super().handle_output(context, table_slice, obj, connection)
            if kind == "one":
                assert connection.execute("select min(value) from public.paint where color = 'red'").fetchone() == (2,)
                os.kill(os.getpid(), signal.SIGKILL)
            return told

    class Manager(DuckDBPandasIOManager):
        @staticmethod
        def type_handlers():
            return [KilledBeforeTheEnd()]

    here = Manager(database=path).process_config_and_initialize()
    colors = hw.StaticPartitionsDefinition(["red", "blue"])
    for value in range(2, 100_000):
        context = hw.build_output_context(
            asset_key="paint",
            partition_key="red",
            asset_partitions_def=colors,
            definition_metadata={"partition_expr": "color"},
        )
        here.handle_output(context, pd.DataFrame({"color": "red", "value": [value] * 20_000}))
        if value == 2:
            print("begun", flush=True)
    """
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "warehouse.duckdb")


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def write_first_partitions(path: str) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("create schema public")
        connection.execute(
            "create table public.paint as select color, 1::BIGINT as value from range(20000), "
            "(values ('red'), ('blue')) colors(color)"
        )


def values_of(path: str, color: str) -> list[tuple[int, int]]:
    with duckdb.connect(path) as connection:
        query = "select value, count(*) from public.paint where color = ? group by value"
        return connection.execute(query, [color]).fetchall()


def test_a_process_that_is_killed_before_its_write_ends_leaves_the_old_partition(path: str) -> None:
    write_first_partitions(path)
    writer = started(WRITER, path, "one")
    assert writer.wait(60) == -signal.SIGKILL
    assert values_of(path, "red") == [(1, 20_000)]
    assert values_of(path, "blue") == [(1, 20_000)]


def test_a_process_that_is_killed_at_any_moment_leaves_the_old_partition_or_the_new(path: str) -> None:
    write_first_partitions(path)
    for moment in (0.0, 0.03, 0.07):
        writer = started(WRITER, path, "many")
        assert first_line(writer) == "begun"
        time.sleep(moment)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(60)
        ((value, count),) = values_of(path, "red")
        assert value >= 2
        assert count == 20_000
        assert values_of(path, "blue") == [(1, 20_000)]


def test_a_database_that_is_locked_for_a_while_is_waited_for(path: str) -> None:
    holder = started(HOLDER, path, "0.3")
    assert first_line(holder) == "held"
    with DuckDBResource(database=path).get_connection() as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]
    holder.wait(60)


def test_a_database_that_stays_locked_is_told_with_who_holds_it(path: str) -> None:
    holder = started(HOLDER, path, "60")
    try:
        assert first_line(holder) == "held"
        here = DuckDBPandasIOManager(database=path, lock_patience_seconds=0.1).process_config_and_initialize()
        with pytest.raises(DatabaseLocked, match=f"locked by process {holder.pid}") as caught:
            here.handle_output(hw.build_output_context(asset_key="orders"), pd.DataFrame({"a": [1]}))
        assert path in str(caught.value)
    finally:
        holder.kill()
        holder.wait(60)


def test_a_resource_gives_connections_with_its_settings_and_closes_them(path: str) -> None:
    @hw.asset
    def made(duckdb: DuckDBResource) -> None:
        with duckdb.get_connection() as connection:
            connection.execute("create table made as select current_setting('threads') as threads")

    resource = DuckDBResource(database=path, connection_config={"threads": 1})
    assert hw.materialize([made], resources={"duckdb": resource}).success
    with duckdb.connect(path) as connection:  # would be refused, were the one with other settings still open
        assert connection.execute("from made").fetchall() == [(1,)]


def test_a_database_is_named_by_the_environment(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE", path)

    @hw.asset
    def orders() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    manager = DuckDBPandasIOManager(database=hw.EnvVar("WAREHOUSE"), schema="main")
    result = hw.materialize([orders], resources={"io_manager": manager})
    assert result.success
    with duckdb.connect(path) as connection:
        assert connection.execute("from main.orders").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("config", "name", "said"),
    [
        ({}, "missing/warehouse.duckdb", "Make the folder first"),
        ({"nonsense": 1}, "warehouse.duckdb", "connection_config may hold"),
        ({}, "text.duckdb", "made by another program"),
    ],
)
def test_a_database_that_cannot_be_opened_says_why(
    tmp_path: Path, config: dict[str, int], name: str, said: str
) -> None:
    (tmp_path / "text.duckdb").write_text("some text " * 1000)
    resource = DuckDBResource(database=str(tmp_path / name), connection_config=config)
    with pytest.raises(DatabaseNotOpened, match=said), resource.get_connection():
        raise AssertionError("it was opened")


def test_connections_with_other_settings_in_one_process_are_told_of(path: str) -> None:
    with (
        duckdb.connect(path, config={"threads": 1}),
        pytest.raises(DatabaseNotOpened, match="the same connection_config"),
        DuckDBResource(database=path).get_connection(),
    ):
        raise AssertionError("it was opened")


WITHOUT_LIBRARY = """
import sys
sys.modules[{library!r}] = None
import headwater.integrations.duckdb as ours
assert not {{"duckdb", "pandas", "polars", "pyarrow"}} & {{name for name, module in sys.modules.items() if module}}
try:
    {use}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("library", "use", "extra"),
    [
        ("duckdb", "ours.DuckDBResource(database='x').get_connection().__enter__()", "headwater[duckdb]"),
        ("pandas", "ours.DuckDBPandasIOManager", "headwater[duckdb,pandas]"),
        ("polars", "ours.DuckDBPolarsIOManager", "headwater[duckdb,polars]"),
        ("pyarrow", "ours.DuckDBArrowIOManager", "headwater[duckdb,arrow]"),
    ],
)
def test_a_library_that_is_not_installed_names_the_extra(library: str, use: str, extra: str) -> None:
    program = WITHOUT_LIBRARY.format(library=library, use=use)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f'pip install "{extra}"' in ran.stdout, ran.stderr
