"""Every program records on Headwater what Dagster recorded, or what the list of deliberate differences says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.differential.comparison import (
    PROGRAM_FILES,
    compare,
    deliberate_differences,
    expected_of,
    faults_of,
    run_programs,
    to_pin,
)
from tests.differential.names import listed_names, report_on, uses_by_name
from tests.differential.page import PAGE, with_table


@pytest.mark.parametrize("path", PROGRAM_FILES, ids=[path.stem for path in PROGRAM_FILES])
def test_programs_record_what_dagster_recorded(path: Path) -> None:
    compared = compare(path, expected_of(path), run_programs(sys.executable, path, as_alias=True))
    assert compared.faults == (), "a program lets an error go that it does not note"
    assert compared.wrong == ()
    assert compared.changed == (), "look at what Headwater records now, then write it down with `--record`"
    assert compared.gone == (), "these are listed as deliberate differences and do not show any more"


_SLIPS = """
import dagster as dg
from recorder import program

@program
def lets_an_error_go(note):
    note("before", 1)
    raise ValueError("not noted")

@program
def misspells(note):
    note.error("made", lambda: dg.StaticPartitionDefinition(["a"]), ["a..."])

@program
def misspells_in_a_step(note):
    @dg.asset
    def broken():
        return undefined
    note.run("run", dg.materialize([broken], raise_on_error=False))

@program
def says_nothing(note):
    pass

@program
def notes_what_it_means(note):
    @dg.asset
    def broken():
        raise TypeError("on purpose")
    note.run("run", dg.materialize([broken], raise_on_error=False))
    note.error("raised", lambda: dg.materialize([broken]), ["on purpose"])
    note.error("unknown", lambda: dg.asset(nonsense=1), ["nonsense"])
"""


def test_a_program_that_slips_agrees_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "differential" / "programs" / "slips.py"
    path.parent.mkdir(parents=True)
    path.write_text(_SLIPS)
    records = run_programs(sys.executable, path, as_alias=True)
    faults = faults_of(path, records)
    slipped = {"lets_an_error_go", "misspells", "misspells_in_a_step", "says_nothing"}
    assert {place.partition(":")[0].removeprefix("slips.") for place in faults} == slipped
    assert compare(path, records, records).agreeing == 1


def test_a_difference_that_is_wanted_may_not_change_unseen() -> None:
    path = next(path for path in PROGRAM_FILES if path.stem == "checks")
    place, label = "a_check_may_return_a_plain_bool", "run"
    theirs, ours = {place: {label: 1}}, {place: {label: ["run", "0f8fad5b-d9cb-469f-a165-70867728950e"]}}
    pinned = to_pin(theirs, ours)
    assert pinned == {place: {label: ["run", "<run id>"]}}
    assert compare(path, theirs, ours, pinned).changed == ()
    assert len(compare(path, theirs, {place: {label: ["walk"]}}, pinned).changed) == 1
    assert len(compare(path, theirs, ours, {}).changed) == 1, "what is not pinned is told of, too"


def test_every_deliberate_difference_has_its_reason() -> None:
    for difference in deliberate_differences():
        assert difference.reason.endswith(".")
        assert difference.dagster != difference.headwater


def test_tests_that_show_a_difference_are_there() -> None:
    root = Path(__file__).parents[2]
    for difference in deliberate_differences():
        if difference.shown_by_test:
            file, _, name = difference.shown_by_test.partition("::")
            assert f"def {name}(" in (root / file).read_text(), difference.shown_by_test


def test_the_page_shows_the_list_of_deliberate_differences() -> None:
    page = PAGE.read_text()
    assert page == with_table(page), "run `python -m tests.differential.page`"


def test_the_names_that_programs_use_are_given_and_documented() -> None:
    uses = uses_by_name()
    reports = [report_on(name, uses) for names in listed_names().values() for name in names]
    assert [each.name for each in reports if not (each.is_given and each.is_documented)] == []
