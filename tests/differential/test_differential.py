"""Every program records on Headwater what Dagster recorded, or what the list of deliberate differences says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.differential.comparison import PROGRAM_FILES, compare, deliberate_differences, expected_of, run_programs


@pytest.mark.parametrize("path", PROGRAM_FILES, ids=[path.stem for path in PROGRAM_FILES])
def test_programs_record_what_dagster_recorded(path: Path) -> None:
    compared = compare(path, expected_of(path), run_programs(sys.executable, path, as_alias=True))
    assert compared.wrong == ()
    assert compared.gone == (), "these are listed as deliberate differences and do not show any more"


def test_every_deliberate_difference_has_its_reason() -> None:
    for difference in deliberate_differences():
        assert difference.reason.endswith(".")
        assert difference.dagster != difference.headwater
