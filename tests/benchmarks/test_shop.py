"""A program written for Dagster, run under the alias, records what it recorded on Dagster 1.13 (`shop.json`)."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "programs" / "shop.py"
EXPECTED = Path(__file__).with_name("shop.json")


def test_the_shop_records_under_the_alias_what_it_recorded_on_dagster(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "headwater.compat.dagster", str(PROGRAM)],
        env=os.environ | {"HEADWATER_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout.splitlines()[-1]) == json.loads(EXPECTED.read_text(encoding="utf-8"))
