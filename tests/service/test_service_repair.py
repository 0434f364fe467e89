"""Repairs beside a running service: renames in its code, moves and reports from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from headwater.model.keys import AssetKey
from tests.service.running import RunningService

PROJECT = """
import os
import time
import headwater as hw

GO = hw.file_relative_path(__file__, "go")

@hw.asset
def orders() -> list[int]:
    return [40, 2]

@hw.asset
def revenue(orders: list[int]) -> int:
    return sum(orders)

@hw.asset
def slow(orders: list[int]) -> int:
    while not os.path.exists(GO):
        time.sleep(0.01)
    return 1

defs = hw.Definitions(assets=[orders, revenue, slow])
"""
RENAMED = PROJECT.replace(
    "@hw.asset\ndef orders()", '@hw.asset(key=["sales", "orders"], former_keys=["orders"])\ndef orders()'
).replace("@hw.asset\ndef", '@hw.asset(ins={"orders": hw.AssetIn(["sales", "orders"])})\ndef')
SALES = AssetKey(["sales", "orders"])


def test_a_service_takes_history_along_when_its_code_has_a_new_key(tmp_path: Path) -> None:
    with RunningService(tmp_path / "shop", PROJECT) as service:
        service.command("materialize", "orders revenue")
        (service.folder / "definitions.py").write_text(RENAMED)
        # The command has the new code and the service the old: nothing moves until the service has the new one, too.
        listed = json.loads(service.command("asset", "list", "--json"))["assets"]
        assert {each["key"]: each["status"] for each in listed}["sales/orders"] == "missing"
        service.command("worker", "reload")
        with service.instance() as instance:
            service.wait_until(lambda: instance.has_asset_key(SALES), "the history to move")
        service.command("materialize", "revenue")
        told = json.loads(service.command("asset", "list", "--json"))["assets"]
        stands = {each["key"]: (each["status"], each["staleness"]["is_stale"]) for each in told}
        assert stands["sales/orders"] == stands["revenue"] == ("materialized", False)
        run = json.loads(service.command("run", "show", "latest", "--json"))["run"]
        assert [asset["key"] for asset in run["assets"]] == ["revenue"]


def test_history_that_a_run_held_back_when_the_code_changed_is_taken_along_before_the_next_run(tmp_path: Path) -> None:
    with RunningService(tmp_path / "shop", PROJECT) as service:
        (service.folder / "go").touch()
        service.command("materialize", "*")
        (service.folder / "go").unlink()
        run_id = service.launch(selection="slow")
        (service.folder / "definitions.py").write_text(RENAMED)
        before = service.described()["locations"][0]["host_pid"]
        service.command("worker", "reload")
        service.wait_until(
            lambda: service.described()["locations"][0]["host_pid"] not in (before, None), "the new code"
        )
        (service.folder / "go").touch()
        assert service.ended(run_id).is_success
        assert service.ended(service.launch(selection="sales/orders")).is_success
        with service.instance() as instance:
            assert AssetKey("orders") not in instance.store.asset_keys()
            state = instance.store.asset_state(SALES)
            assert state is not None
            assert state.materialization_count == 2


def test_what_a_run_builds_stays_where_it_is_and_reports_are_taken_in_beside_it(tmp_path: Path) -> None:
    with RunningService(tmp_path / "shop", PROJECT) as service:
        (service.folder / "go").touch()
        service.command("materialize", "*")
        (service.folder / "go").unlink()
        run_id = service.launch(selection="slow")
        (service.folder / "definitions.py").write_text(RENAMED.replace(', former_keys=["orders"]', ""))
        refused = service.command("asset", "mv", "orders", "sales/orders", "--yes", code=2)
        assert f"while run {run_id[:8]} builds or reads it" in refused
        assert "cannot be deleted" in service.command("asset", "wipe", "slow", "--values", "--yes", code=2)
        (service.folder / "definitions.py").write_text(PROJECT)
        service.command("asset", "report", "orders", "--data-version", "other")
        told = json.loads(service.command("asset", "show", "revenue", "--json"))["asset"]
        assert told["staleness"]["is_stale"]
        (service.folder / "go").touch()
        assert service.ended(run_id).is_success
        service.command("asset", "invalidate", "slow", "--reason", "too slow")
        planned = json.loads(service.command("plan", "--stale", "--json"))["plan"]["steps"]
        assert {step["asset"] for step in planned} == {"revenue", "slow"}


TOOL = """
import headwater as hw

@hw.asset
def tool(context: hw.AssetExecutionContext) -> int:
    instance = context.instance
    count = instance.report_materializations("made", [f"{number:05}" for number in range(12_000)], data_version="v")
    instance.invalidate("made", ["00001"], reason="wrong")
    latest = instance.fetch_materializations(hw.AssetKey("made"), limit=1).records[0]
    instance.wipe_materialization("made", latest.storage_id)
    assert len(instance.get_materialized_partitions(hw.AssetKey("made"))) == 11_999
    try:
        instance.move_asset("made", "other")
    except hw.HeadwaterError as refused:
        context.log.info(str(refused))
    return count

defs = hw.Definitions(assets=[tool])
"""


def test_a_step_in_a_worker_reports_marks_and_wipes_and_moves_nothing(tmp_path: Path) -> None:
    with RunningService(tmp_path / "shop", TOOL) as service:
        run = service.ended(service.launch(selection="tool"))
        assert run.is_success, run.cause
        assert "an asset was to be moved" in service.command("run", "logs", run.run_id)
        with service.instance() as instance:
            assert str(instance.store.invalidations()[AssetKey("made")]["00001"]) == "marked as wrong by hand: wrong"
