"""A small real project in a folder of its own, and the real command run in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from headwater.cli.main import main

SHOP = '''
import headwater as hw


@hw.asset(group_name="raw", owners=["team:data"], kinds={"json"}, code_version="7")
def orders(context) -> list[int]:
    """What was ordered."""
    context.log.info("reading the orders")
    print("printed by orders")
    context.add_output_metadata({"rows": 2})
    return [40, 2]


@hw.asset(group_name="gold")
def revenue(orders: list[int]) -> int:
    return sum(orders)


@hw.asset(group_name="gold")
def report(revenue: int) -> str:
    return f"{revenue} sold"


@hw.asset(group_name="broken")
def fragile() -> int:
    raise ConnectionError("the source is away")


@hw.asset(group_name="broken")
def after_fragile(fragile: int) -> int:
    return fragile


@hw.asset(group_name="parts", partitions_def=hw.StaticPartitionsDefinition(["north", "south", "west"]))
def region(context) -> None:
    if "west" in context.partition_keys:
        raise ValueError("no west")


@hw.asset(group_name="parts", deps=[region], partitions_def=region.partitions_def)
def region_report(context) -> None:
    context.log.info(",".join(context.partition_keys))


@hw.asset_check(asset=orders)
def enough(orders) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=len(orders) > 1, metadata={"rows": len(orders)})


@hw.asset_check(asset=revenue)
def big(revenue) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=revenue > 100, severity=hw.AssetCheckSeverity.WARN, description="a slow day")


daily = hw.define_asset_job("daily", selection="+report")

defs = hw.Definitions(
    assets=[orders, revenue, report, fragile, after_fragile, region, region_report],
    asset_checks=[enough, big],
    jobs=[daily],
    resources={"clock": 12},
)
'''


@dataclass(frozen=True)
class Answer:
    """What a command printed, and how it ended."""

    exit_code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Headwater = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the definitions of a shop, which is the current one."""
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "definitions.py").write_text(SHOP)
    # The end of the search upward.
    (tmp_path / "pyproject.toml").write_text("[tool.headwater]\n")
    return tmp_path


@pytest.fixture
def headwater(project: Path) -> Headwater:
    """Run a command in the project, in this process."""

    def run(*arguments: str, input: str | None = None) -> Answer:
        result = CliRunner().invoke(main, arguments, input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run
