"""headwater asset mv, wipe, invalidate and report, as they are typed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SHOP, Headwater


def declare(source: str) -> None:
    """Make this the code of the project, as the next command of a shell would read it."""
    Path("definitions.py").write_text(source)
    sys.modules.pop("definitions", None)
    shutil.rmtree("__pycache__", ignore_errors=True)


def rename(headwater: Headwater, *, former_keys: bool = False) -> None:
    """Call the asset "orders" of the shop "sales/orders" in the code."""
    former = ', former_keys=["orders"]' if former_keys else ""
    source = SHOP.replace(
        '@hw.asset(group_name="raw",', f'@hw.asset(key=["sales", "orders"]{former}, group_name="raw",'
    )
    source = source.replace(
        '@hw.asset(group_name="gold")\ndef revenue(',
        '@hw.asset(group_name="gold", ins={"orders": hw.AssetIn(key=["sales", "orders"])})\ndef revenue(',
    )
    declare(source)


@pytest.fixture
def shop(headwater: Headwater) -> Headwater:
    assert headwater("materialize", "+report").exit_code == 0
    assert headwater("materialize", "region", "--partition-range", "north...south").exit_code == 0
    return headwater


def status(headwater: Headwater, key: str) -> tuple[str, bool]:
    told = headwater("asset", "show", key, "--json").document["asset"]
    return told["status"], told["staleness"]["is_stale"]


# ---------------------------------------------------------------------------------------------------------------- moves


def test_an_asset_that_was_renamed_in_the_code_is_moved_with_its_history_and_value(shop: Headwater) -> None:
    early = shop("asset", "mv", "orders", "sales/orders", "--yes")
    assert early.exit_code == 2
    assert "still declare" in early.err
    rename(shop)
    assert status(shop, "sales/orders") == ("missing", False)
    dry = shop("asset", "mv", "orders", "sales/orders", "--dry-run", "--json").document
    assert dry["moved"] == [
        {"from": "orders", "to": "sales/orders", "partitions": 0, "values": 0, "values_left_with": None}
    ]
    refused = shop("asset", "mv", "orders", "sales/orders")
    assert (refused.exit_code, "--yes" in refused.err) == (2, True)
    moved = shop("asset", "mv", "orders", "sales/orders", "--yes", "--json").document
    assert (moved["moved"][0]["values"], moved["undeclared"]) == (1, [])
    for key in ("sales/orders", "revenue", "report"):
        assert status(shop, key) == ("materialized", False)
    shown = shop("run", "show", "latest", "--json")
    assert shown.exit_code == 0
    assert shop("why", "revenue").out.startswith("revenue is fresh")
    assert shop("materialize", "revenue").exit_code == 0
    assert shop("diff", "revenue", "--json").document["differences"] == []
    old = shop("asset", "show", "orders")
    assert old.exit_code == 2
    assert 'There is no asset "orders": it is "sales/orders" now.' in old.err
    assert 'it is "sales/orders" now' in shop("materialize", "orders+").err
    assert shop("asset", "show", "sales/orders", "--json").document["asset"]["former_keys"] == ["orders"]
    again = shop("asset", "mv", "orders", "elsewhere", "--yes")
    assert 'It is called "sales/orders" now' in again.err


def test_a_former_key_in_the_code_needs_no_command(shop: Headwater) -> None:
    rename(shop, former_keys=True)
    listed = shop("asset", "list", "--json")
    assert "Renamed in the code: orders -> sales/orders" in listed.err
    told = {each["key"]: each for each in listed.document["assets"]}
    assert told["sales/orders"]["status"] == "materialized"
    assert not told["revenue"]["staleness"]["is_stale"]
    assert "Renamed" not in shop("asset", "list").err
    assert shop("materialize", "revenue").exit_code == 0


def test_all_assets_below_a_prefix_move_together(headwater: Headwater) -> None:
    source = """
import headwater as hw

@hw.asset(key_prefix=["{prefix}"])
def a(): return 1

@hw.asset(key_prefix=["{prefix}", "deep"], ins={{"a": hw.AssetIn(key=["{prefix}", "a"])}})
def b(a): return a + 1

defs = hw.Definitions(assets=[a, b])
"""
    declare(source.format(prefix="raw"))
    assert headwater("materialize", "*").exit_code == 0
    declare(source.format(prefix="bronze"))
    assert headwater("asset", "mv", "raw/*", "bronze", "--yes").exit_code == 2
    moved = headwater("asset", "mv", "raw/*", "bronze/*", "--yes")
    assert moved.lines == [
        "Moved: raw/a -> bronze/a (1 stored value)",
        "Moved: raw/deep/b -> bronze/deep/b (1 stored value)",
    ]
    assert status(headwater, "bronze/deep/b") == ("materialized", False)
    nothing = headwater("asset", "mv", "--prefix", "raw", "gold", "--yes")
    assert 'Nothing is recorded of "raw/*"' in nothing.err


# ---------------------------------------------------------------------------------------------------------------- wipes


def test_values_are_deleted_with_what_is_known_of_them(shop: Headwater) -> None:
    kept = shop("asset", "wipe", "report", "--yes")
    assert "The files stay" in kept.out
    storage = Path(".headwater") / "storage"
    assert list(storage.glob("report.*"))
    wiped = shop("asset", "wipe", "report revenue", "--values", "--yes", "--json").document["wiped"]
    assert {each["key"]: each["values_removed"] for each in wiped} == {"revenue": 1, "report": 1}
    assert not list(storage.glob("re*"))


def test_an_asset_that_is_declared_no_more_can_be_wiped(shop: Headwater) -> None:
    declare(
        SHOP.replace("def report(", "def summary(")
        .replace("revenue, report,", "revenue, summary,")
        .replace("+report", "+revenue")
    )
    assert shop("asset", "wipe", "report", "--values", "--yes").out.endswith("1 stored value deleted.\n")
    assert shop("asset", "wipe", "report", "--yes").exit_code == 2


def test_one_materialization_is_wiped(shop: Headwater) -> None:
    first = shop("asset", "show", "orders", "--json").document["asset"]
    run = shop("materialize", "orders", "--json").document["run_id"]
    told = shop("asset", "wipe", "orders", "--materialization", run[:8], "--yes")
    assert "The one before it is the latest again" in told.out
    again = shop("asset", "show", "orders", "--json").document["asset"]
    assert again == first
    document = shop("asset", "wipe", "orders", "--materialization", "latest", "--yes", "--json").document["wiped"][0]
    assert (document["was_latest"], document["restored"], document["marked_wrong"]) == (True, None, None)
    assert status(shop, "orders")[0] == "missing"
    unknown = shop("asset", "wipe", "revenue", "--materialization", "12345", "--yes")
    assert (unknown.exit_code, "The latest are:" in unknown.err) == (2, True)


def test_one_materialization_of_a_partition_is_wiped_with_its_value(shop: Headwater) -> None:
    shop("materialize", "region", "--partition", "north")
    latest = shop("asset", "wipe", "region", "--partition", "north", "--materialization", "latest", "--yes", "--json")
    assert latest.document["wiped"][0]["partitions"] == ["north"]
    assert latest.document["wiped"][0]["restored"] is not None
    assert shop("partition", "list", "region").lines[1].split() == ["north", "materialized"]


# ---------------------------------------------------------------------------------------------------------------- marks


def test_what_is_marked_as_wrong_is_stale_until_it_is_made_again(shop: Headwater) -> None:
    marked = shop("asset", "invalidate", "orders", "--reason", "half of it", "--json").document
    assert marked["downstream"] == ["revenue", "report"]
    assert status(shop, "report") == ("materialized", True)
    why = shop("why", "report").out
    assert "marked as wrong by hand: half of it" in why
    plan = shop("plan", "--stale", "--json").document
    assert [step["asset"] for step in plan["plan"]["steps"]] == ["orders", "revenue", "report"]
    assert shop("asset", "invalidate", "orders", "--undo").exit_code == 0
    assert status(shop, "report") == ("materialized", False)
    shop("asset", "invalidate", "region", "--partition-range", "north...west")
    assert status(shop, "region") == ("partial", True)
    shop("materialize", "region", "--partition-range", "north...south")
    assert status(shop, "region")[1] is False
    never = shop("asset", "invalidate", "fragile")
    assert (never.exit_code, "fragile" in never.err) == (2, True)
    some = shop("asset", "invalidate", "region", "--partition", "south...west")
    assert some.out == "Marked as wrong: region [south].\n"
    for spelled in ("west", "west...west"):
        never = shop("asset", "invalidate", "region", "--partition", spelled)
        assert f'[{spelled}]" was never materialized' in never.err
    assert shop("asset", "invalidate", "orders", "--undo", "--reason", "x").exit_code == 2


# -------------------------------------------------------------------------------------------------------------- reports


def test_what_was_made_elsewhere_is_reported(shop: Headwater) -> None:
    reported = shop(
        *("asset", "report", "orders", "--data-version", "elsewhere-1"),
        *("--metadata", "rows=3", "--metadata", "by=loader", "--description", "by hand"),
    )
    assert reported.out == "Reported as materialized: orders.\n"
    assert status(shop, "revenue") == ("materialized", True)
    assert '"orders" changed' in shop("why", "revenue").out
    shown = shop("asset", "show", "orders").out
    assert "elsewhere-1" in shown
    many = shop("asset", "report", "region", "--partition-range", "north...west", "--json").document
    assert (many["reported"], many["partitions"]) == (3, ["north", "south", "west"])
    spelled = shop("asset", "report", "region", "--partition", "north,south...west", "--yes")
    assert spelled.out == "Reported as materialized: 3 partitions of region.\n"
    seen = shop("asset", "report", "orders", "--observation", "--data-version", "elsewhere-1")
    assert seen.out == "Reported as observed: orders.\n"


def test_a_report_that_cannot_be_meant_is_refused(shop: Headwater) -> None:
    for given, said in (
        (["ordrs"], 'Did you mean "orders"'),
        (["region"], "no partition was named"),
        (["region", "--partition", "nort"], 'Did you mean "north"'),
        (["orders", "--partition", "north"], "is not partitioned"),
        (["orders", "--metadata", "rows"], "NAME=VALUE"),
        (["region", "--partition-range", "south...north"], "south"),
    ):
        refused = shop("asset", "report", *given)
        assert refused.exit_code == 2, given
        assert said in refused.err, (given, refused.err)
