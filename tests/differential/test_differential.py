"""Every program records on Headwater what Dagster recorded, or what the list of deliberate differences says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.differential.comparison import PROGRAM_FILES, compare, deliberate_differences, expected_of, run_programs
from tests.differential.names import listed_names, report_on, uses_by_name
from tests.differential.page import PAGE, with_table


@pytest.mark.parametrize("path", PROGRAM_FILES, ids=[path.stem for path in PROGRAM_FILES])
def test_programs_record_what_dagster_recorded(path: Path) -> None:
    compared = compare(path, expected_of(path), run_programs(sys.executable, path, as_alias=True))
    assert compared.wrong == ()
    assert compared.gone == (), "these are listed as deliberate differences and do not show any more"


def test_every_deliberate_difference_has_its_reason() -> None:
    for difference in deliberate_differences():
        assert difference.reason.endswith(".")
        assert difference.dagster != difference.headwater


def test_the_page_shows_the_list_of_deliberate_differences() -> None:
    page = PAGE.read_text()
    assert page == with_table(page), "run `python -m tests.differential.page`"


def test_the_names_that_programs_use_are_given_and_documented() -> None:
    uses = uses_by_name()
    reports = [report_on(name, uses) for names in listed_names().values() for name in names]
    assert [each.name for each in reports if not (each.is_given and each.is_documented)] == []
