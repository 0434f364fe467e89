"""headwater partition status and list: ranges, slices and pages, also of a definition that has changed since."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import headwater as hw
from tests.cli.conftest import Headwater

PROJECT = """
import headwater as hw

days = hw.DailyPartitionsDefinition("{start}", end_date="2024-01-11")
regions = hw.StaticPartitionsDefinition(["north", "south"])
hours = hw.HourlyPartitionsDefinition("1900-01-01-00:00", end_date="2014-01-31-00:00")


@hw.asset(partitions_def=days, code_version="{version}")
def sales(context) -> int:
    if context.partition_key == "2024-01-05":
        raise ValueError("no sales that day")
    return 1


@hw.asset(partitions_def=hw.MultiPartitionsDefinition({{"day": days, "region": regions}}))
def visits() -> int:
    return 1


@hw.asset(partitions_def=hours)
def readings() -> int:
    return 1


@hw.asset
def plain() -> int:
    return 1
"""


@pytest.fixture
def shop(headwater: Headwater, project: Path) -> Headwater:
    declare(project)
    headwater("materialize", "sales", "--partition-range", "2024-01-02...2024-01-06")
    return headwater


def declare(project: Path, start: str = "2024-01-01", version: str = "1") -> None:
    path = project / "definitions.py"
    # Compiled code of a file is taken for that of another which is as long and was written in the same second.
    longer = "#" * (path.stat().st_size + 1)
    path.write_text(PROJECT.format(start=start, version=version) + longer)
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == str(path):
            del sys.modules[name]


def test_status_shows_counts_and_ranges(shop: Headwater) -> None:
    shown = shop("partition", "status", "sales")
    assert [" ".join(line.split()) for line in shown.lines] == [
        "sales: daily from 2024-01-01 to 2024-01-11 (UTC)",
        "STATUS PARTITIONS RANGES",
        "materialized 4 2024-01-02...2024-01-04, 2024-01-06",
        "failed 1 2024-01-05",
        "in progress 0 -",
        "missing 5 2024-01-01, 2024-01-07...2024-01-10",
        "10 in all.",
    ]
    data = shop("partition", "status", "sales", "--json").document
    assert data["counts"] == {"total": 10, "materialized": 4, "failed": 1, "in_progress": 0, "missing": 5}
    assert data["ranges"]["missing"] == [
        {"start": "2024-01-01", "end": "2024-01-01"},
        {"start": "2024-01-07", "end": "2024-01-10"},
    ]
    assert data["unreachable"] == {"count": 0, "examples": []}


def test_status_can_be_narrowed(shop: Headwater) -> None:
    one = shop("partition", "status", "sales", "--status", "failed", "--partition", "2024-01-04...2024-01-07")
    assert [" ".join(line.split()) for line in one.lines[2:]] == ["failed 1 2024-01-05", "4 in all."]
    cut = shop("partition", "status", "sales", "--limit", "1", "--json").document
    assert cut["cut"] == ["materialized", "missing"]
    assert len(cut["ranges"]["missing"]) == 1
    assert "2024-01-02...2024-01-04, ..." in shop("partition", "status", "sales", "--limit", "1").out


def test_slices_by_dimension(shop: Headwater, project: Path) -> None:
    with hw.Instance.open(project / ".headwater") as instance:
        instance.report_runless_asset_event(hw.AssetMaterialization("visits", partition="2024-01-02|north"))
    data = shop("partition", "status", "visits", "--partition", "region=north", "--json").document
    assert (data["counts"]["total"], data["counts"]["materialized"]) == (10, 1)
    shown = shop("partition", "status", "visits", "--partition", "day=2024-01-02...2024-01-03", "--status", "missing")
    assert "2024-01-02|south" in shown.out
    assert shown.lines[-1] == "4 in all."
    listed = shop("partition", "list", "visits", "--partition", "day=2024-01-02").lines[1:]
    assert [line.split() for line in listed] == [["2024-01-02|north", "materialized"], ["2024-01-02|south", "missing"]]


def test_what_a_changed_definition_no_longer_has_is_told(shop: Headwater, project: Path) -> None:
    declare(project, start="2024-01-04")
    said = "2 partitions are recorded that the definition no longer has: 2024-01-02, 2024-01-03"
    assert said in shop("partition", "status", "sales").out
    assert said in shop("partition", "list", "sales").err
    assert said in shop("asset", "show", "sales").out
    gone = {"count": 2, "examples": ["2024-01-02", "2024-01-03"]}
    assert shop("asset", "show", "sales", "--json").document["asset"]["partitions"]["unreachable"] == gone
    assert shop("partition", "list", "sales", "--json").document["unreachable"] == gone
    declare(project)
    assert "no longer" not in shop("partition", "status", "sales").out


def test_stale_partitions_are_shown_when_asked_for(shop: Headwater, project: Path) -> None:
    declare(project, version="2")
    assert "stale" not in shop("partition", "status", "sales").out
    shown = shop("partition", "status", "sales", "--stale").out
    assert "stale         " in shown
    assert shop("partition", "status", "sales", "--status", "stale", "--json").document["counts"]["stale"] == 4


def test_a_million_partitions_are_listed_a_page_at_a_time(shop: Headwater) -> None:
    first = shop("partition", "list", "readings", "--limit", "2", "--json").document
    assert [each["key"] for each in first["partitions"]] == ["1900-01-01-00:00", "1900-01-01-01:00"]
    assert (first["count"], first["after"]) == (1_000_032, "1900-01-01-01:00")
    late = shop("partition", "list", "readings", "--status", "missing", "--after", "2014-01-30-22:00")
    assert [line.split() for line in late.lines[1:]] == [["2014-01-30-23:00", "missing"]]
    assert "--after" not in late.err
    paged = shop("partition", "list", "readings", "--limit", "3")
    assert len(paged.lines) == 4
    assert "1,000,032 in all. The next page: --after 1900-01-01-02:00" in paged.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("status", "sale"), 'There is no asset "sale"'),
        (("status", "plain"), '"plain" is not partitioned'),
        (("status", "sales", "--partition", "2024-01-05...2024-01-02"), "is the wrong way round"),
        (("status", "sales", "--partition", "2024-01-05...2025-01-02"), 'no partition "2025-01-02"'),
        (("status", "sales", "--partition", "...2025-01-02"), 'no partition "2025-01-02"'),
        (("status", "sales", "--partition", "region=north"), 'no partition "region=north"'),
        (("status", "visits", "--partition", "regoin=north"), 'Did you mean "region"'),
        (("status", "visits", "--partition", "region=norht"), 'no partition "norht"'),
        (("status", "visits", "--partition", "region"), 'no partition "region"'),
        (("list", "sales", "--after", "yesterday"), 'no partition "yesterday"'),
        (("list", "sales", "--limit", "0"), "0"),
    ],
)
def test_what_cannot_be_meant_is_refused(shop: Headwater, given: tuple[str, ...], said: str) -> None:
    refused = shop("partition", *given)
    assert refused.exit_code == 2
    assert said in refused.err
