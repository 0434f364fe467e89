"""Partitions chosen by slices of dimensions, wherever a command takes --partition."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headwater

CELLS = """
import headwater as hw

days = hw.DailyPartitionsDefinition("2024-01-01", "2024-02-01")
regions = hw.StaticPartitionsDefinition(["eu", "us", "asia"])
shops = hw.MultiPartitionsDefinition({"date": days, "region": regions, "kind": hw.StaticPartitionsDefinition(["a", "b"])})
many = hw.MultiPartitionsDefinition(
    {name: hw.StaticPartitionsDefinition([str(number) for number in range(25)]) for name in "abcde"}
)


@hw.asset(partitions_def=shops, backfill_policy=hw.BackfillPolicy.single_run())
def visits(context) -> dict[str, int]:
    return {key: 1 for key in context.partition_keys}


@hw.asset(partitions_def=shops, deps=[visits])
def buyers() -> None: ...


@hw.asset(partitions_def=days)
def daily() -> None: ...


@hw.asset(partitions_def=many)
def cells() -> None: ...
"""


@pytest.fixture
def shop(headwater: Headwater, project: Path) -> Headwater:
    (project / "definitions.py").write_text(CELLS)
    return headwater


def test_a_slice_is_made_listed_and_planned(shop: Headwater):
    some = "region=eu,us, date=2024-01-05...2024-01-06, kind=a"
    done = shop("materialize", "visits", "--partition", some, "--json")
    assert done.exit_code == 0
    listed = shop("partition", "list", "visits", "--status", "materialized", "--json").document["partitions"]
    keys = {f"2024-01-0{day}|a|{region}" for day in (5, 6) for region in ("eu", "us")}
    assert {each["key"] for each in listed} == keys
    listed = shop("partition", "list", "visits", "--partition", "date=2024-01-05,region=eu", "--json").document
    assert [(each["key"], each["status"]) for each in listed["partitions"]] == [
        ("2024-01-05|a|eu", "materialized"),
        ("2024-01-05|b|eu", "missing"),
    ]
    (step,) = shop("plan", "buyers", "--partition", some, "--json").document["plan"]["steps"]
    assert step["asset"] == "buyers"
    plan = shop("plan", "buyers", "--partition", "date=2024-01-05", "--json").document["plan"]
    assert [each["asset"] for each in plan["steps"]] == ["visits", "buyers"]
    assert shop("materialize", "buyers", "--missing", "--partition", some, "--yes").exit_code == 0
    assert len(shop("partition", "list", "buyers", "--status", "materialized").lines) == 5


def test_several_keys_are_named_at_once(shop: Headwater):
    assert shop("materialize", "daily", "--partition", "2024-01-05,2024-01-08...2024-01-09").exit_code == 0
    listed = shop("partition", "list", "daily", "--status", "materialized", "--json").document["partitions"]
    assert [each["key"] for each in listed] == ["2024-01-05", "2024-01-08", "2024-01-09"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("materialize", "visits", "--partition", "regin=eu"), 'Did you mean "region"'),
        (("materialize", "visits", "--partition", "region=eux"), 'In the dimension "region"'),
        (("plan", "visits", "--partition", "date=2024-01-09...2024-01-05"), 'Write "2024-01-05...2024-01-09"'),
        (("materialize", "visits", "daily", "--partition", "date=2024-01-05"), "different partitions"),
        (("materialize", "daily", "--partition", "2024-1-5"), 'Keys are written like "2024-01-01"'),
        (("materialize", "cells", "--partition", "a=1"), "390,625 partitions"),
        (("partition", "list", "visits", "--partition", "region="), "missing"),
    ],
)
def test_what_no_slice_can_mean_is_refused(shop: Headwater, arguments, told):
    done = shop(*arguments)
    assert done.exit_code == 2
    assert told in done.err
