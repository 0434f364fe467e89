"""How a command that cannot be done ends: words on stderr, and the documented exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Headwater


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("materialise",), 'Did you mean "materialize"'),
        (("asset", "lst"), 'Did you mean "list"'),
        (("materialize",), "What is to be made?"),
        (("materialize", "a", "--select", "b"), "Name the selection once"),
        (("materialize", "revenu"), 'Did you mean "revenue"'),
        (("materialize", "group:golden"), "golden"),
        (("asset", "list", "group:gold and"), "^"),
        (("asset", "show", "revenu"), 'Did you mean "revenue"'),
        (("materialize", "region"), "--partition"),
        (("materialize", "region", "--partition", "nort"), 'Did you mean "north"'),
        (("materialize", "region", "--partition-range", "north"), "three dots"),
        (("materialize", "region", "--partition-range", "south...north"), "wrong way round"),
        (("materialize", "region", "--from", "north"), "go together"),
        (("materialize", "region", "--partition", "north", "--from", "north", "--to", "south"), "Use one of"),
        (("materialize", "orders", "--partition", "north"), "partitioned"),
        (("materialize", "orders", "--tag", "nothing"), "KEY=VALUE"),
        (("asset", "list", "-m", "a", "-f", "b"), "not by both"),
        (("run", "show", "latest"), "Nothing has run yet"),
        (("run", "show", "abc"), "headwater run list"),
        (("run", "logs", "latest", "--follow", "--json"), "--follow"),
        (("partition", "list", "orders"), "not partitioned"),
        (("db", "prune", "--older-than", "long"), "no age"),
    ],
)
def test_a_wrong_command_says_what_to_type(headwater: Headwater, arguments: tuple[str, ...], said: str):
    answer = headwater(*arguments)
    assert answer.exit_code == 2
    assert said in answer.err
    assert answer.out == "" or "--json" in arguments


def test_the_error_is_the_one_document_when_one_is_asked_for(headwater: Headwater):
    error = headwater("materialize", "revenu", "--json").document["error"]
    assert error["code"] == "unknown-in-selection"
    assert error["exit_code"] == 2
    assert "revenue" in error["fix"]
    assert headwater("materialize", "--json").document["error"]["code"] == "usage"


def test_a_module_that_fails_to_import_shows_where(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text("import headwater\n\n1 / 0\n")
    answer = headwater("materialize", "*")
    assert answer.exit_code == 3
    assert "ZeroDivisionError" in answer.err
    assert "definitions.py" in answer.err
    assert answer.err.count("ZeroDivisionError") == 1
    assert "runpy" not in answer.err


def test_all_mistakes_of_the_definitions_are_told_together(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "@hw.asset\ndef orders() -> int: return 1\n"
        "@hw.asset\ndef sold(order: int) -> int: return order\n"
        "@hw.asset\ndef lost(nothing_like_it: int) -> int: return 1\n"
        "defs = hw.Definitions(assets=[orders, sold, lost])\n"
    )
    answer = headwater("definitions", "validate", "--json")
    assert answer.exit_code == 3
    assert 'Did you mean "orders"' in answer.err
    assert "nothing_like_it" in answer.err
    assert len(answer.document["error"]["errors"]) == 2


def test_an_upstream_that_nobody_declares_is_a_warning_with_the_nearest_name(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "@hw.asset\ndef orders() -> int: return 1\n"
        "@hw.asset(deps=['order'])\ndef sold() -> None: ...\n"
        "defs = hw.Definitions(assets=[orders, sold])\n"
    )
    answer = headwater("definitions", "validate")
    assert answer.exit_code == 0
    assert answer.err.startswith('warning: "sold" depends on "order", which no definition provides.')
    assert 'Did you mean "orders"?' in answer.err
    assert headwater("definitions", "validate", "--json").document["warnings"] == [
        answer.err.strip().removeprefix("warning: ")
    ]


def test_no_project_is_no_traceback(headwater: Headwater, project: Path):
    (project / "definitions.py").unlink()
    answer = headwater("asset", "list")
    assert answer.exit_code == 3
    assert "headwater init" in answer.err


def test_what_a_module_prints_is_no_result(headwater: Headwater, project: Path):
    definitions = project / "definitions.py"
    definitions.write_text("print('hello from the module')\n" + definitions.read_text())
    answer = headwater("asset", "list", "--json")
    assert answer.document["assets"]
    assert "hello from the module" in answer.err


def test_a_file_that_is_no_database_is_the_states_fault(headwater: Headwater, project: Path):
    (project / ".headwater").mkdir()
    (project / ".headwater/store.sqlite").write_text("dear diary")
    for command in (("run", "list"), ("materialize", "orders"), ("doctor",), ("db", "migrate")):
        answer = headwater(*command)
        assert answer.exit_code == 4, command
        assert "not" in answer.out + answer.err
    assert "Traceback" not in answer.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_the_states_fault(headwater: Headwater, project: Path):
    locked = project / "locked"
    locked.mkdir(mode=0o500)
    assert headwater("materialize", "orders", "--home", str(locked / "home")).exit_code == 4


def test_a_home_below_a_file_is_the_states_fault(headwater: Headwater, project: Path):
    answer = headwater("materialize", "orders", "--home", str(project / "definitions.py" / "home"))
    assert answer.exit_code == 4
    assert "HEADWATER_HOME" in answer.err
