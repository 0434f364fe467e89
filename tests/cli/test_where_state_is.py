"""State belongs to the project, wherever a command is typed; and a command that only looks makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import SHOP, Headwater


@pytest.fixture
def elsewhere(project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder than that of the project, which is the current one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(folder)
    return folder


def test_state_is_beside_the_project_of_the_file_that_is_named(headwater: Headwater, project: Path, elsewhere: Path):
    file = str(project / "definitions.py")
    assert headwater("materialize", "orders", "-f", file).exit_code == 0
    assert (project / ".headwater" / "store.sqlite").exists()
    assert list(elsewhere.iterdir()) == []
    assert "succeeded" in headwater("run", "list", "-f", file).out
    assert "orders" in headwater("run", "show", "latest", "-f", file).out
    assert "reading the orders" in headwater("run", "logs", "latest", "--file", file).out


def test_state_of_a_file_without_a_project_is_in_its_folder(headwater: Headwater, elsewhere: Path):
    folder = elsewhere / "alone"
    folder.mkdir()
    (folder / "wares.py").write_text(SHOP)
    (elsewhere / ".headwater").mkdir()
    assert headwater("materialize", "orders", "-f", "alone/wares.py").exit_code == 0
    assert (folder / ".headwater" / "store.sqlite").exists()
    assert list((elsewhere / ".headwater").iterdir()) == []


def test_state_of_a_module_is_where_the_module_was_found(
    headwater: Headwater, elsewhere: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path_factory.mktemp("found")
    (folder / "goods_of_a_module").mkdir()
    (folder / "goods_of_a_module" / "__init__.py").write_text(SHOP)
    monkeypatch.syspath_prepend(str(folder))
    assert headwater("materialize", "orders", "-m", "goods_of_a_module").exit_code == 0
    assert (folder / ".headwater" / "store.sqlite").exists()
    assert list(elsewhere.iterdir()) == []
    assert "succeeded" in headwater("run", "list", "-m", "goods_of_a_module").out


def test_a_subfolder_of_a_project_without_settings_has_its_state(
    headwater: Headwater, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    (elsewhere / "definitions.py").write_text(SHOP)
    headwater("materialize", "orders")
    below = elsewhere / "notes" / "today"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert "succeeded" in headwater("run", "list").out
    assert "materialized" in headwater("asset", "show", "orders").out
    assert list(below.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["run", "list"],
        ["asset", "list"],
        ["asset", "show", "orders"],
        ["partition", "list", "region"],
        ["partition", "show", "region", "north"],
        ["job", "list"],
        ["doctor"],
        ["definitions", "validate"],
        ["definitions", "list"],
    ],
)
def test_a_command_that_only_looks_makes_no_state(headwater: Headwater, project: Path, command: list[str]):
    answer = headwater(*command)
    assert answer.exit_code == 0
    assert not (project / ".headwater").exists()
    if command[0] in ("run", "asset", "partition"):
        assert f"There is no state at {project / '.headwater'} yet" in answer.err


def test_without_state_lists_are_empty_and_assets_missing(headwater: Headwater):
    assert headwater("run", "list", "--json").document == {"runs": [], "total": 0}
    assert [asset["status"] for asset in headwater("asset", "list", "orders", "--json").document["assets"]] == [
        "missing"
    ]


@pytest.mark.parametrize("command", ["show", "logs"])
def test_without_state_no_run_can_be_shown(headwater: Headwater, project: Path, command: str):
    answer = headwater("run", command, "latest")
    assert answer.exit_code == 2
    assert "There is no state at" in answer.err
    assert not (project / ".headwater").exists()


@pytest.mark.parametrize(
    "command",
    [["run", "list"], ["run", "show", "latest"], ["asset", "list"], ["partition", "list", "region"], ["doctor"]],
)
def test_a_home_that_is_named_and_not_there_is_an_error(headwater: Headwater, project: Path, command: list[str]):
    answer = headwater(*command, "--home", "nowhere")
    assert answer.exit_code == 4
    assert f"There is no state at {project / 'nowhere'}" in " ".join((answer.out + answer.err).split())
    assert not (project / "nowhere").exists()
