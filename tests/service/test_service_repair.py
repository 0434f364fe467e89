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
