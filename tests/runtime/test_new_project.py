"""A new project is written whole or not at all, and runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import headwater
from headwater.model.errors.project import InvalidProjectName, ProjectNotWritten
from headwater.runtime.new_project import create_project
from headwater.runtime.settings import Settings

FILES = [
    ".gitignore",
    "README.md",
    "harbour_masters/__init__.py",
    "harbour_masters/definitions.py",
    "pyproject.toml",
    "tests/test_assets.py",
]


def files_in(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_a_new_project_has_all_that_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    written = create_project(tmp_path / "new", "harbour-masters")
    assert files_in(tmp_path / "new") == sorted(FILES)
    assert sorted(path.relative_to(tmp_path / "new").as_posix() for path in written) == sorted(FILES)
    assert [path for path in written if "{{" in path.read_text(encoding="utf-8")] == []
    settings = Settings.load(tmp_path / "new")
    assert (settings.module, settings.project_dir) == ("harbour_masters.definitions", tmp_path / "new")
    for path in written:
        if path.suffix == ".py":
            compile(path.read_text(encoding="utf-8"), str(path), "exec")


def test_without_a_name_it_is_called_as_its_folder(tmp_path: Path):
    create_project(tmp_path / "harbour-masters")
    assert files_in(tmp_path / "harbour-masters") == sorted(FILES)


def test_nothing_that_is_there_is_overwritten_and_then_nothing_is_written(tmp_path: Path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ProjectNotWritten, match=r"README\.md is there already"):
        create_project(tmp_path, "harbour_masters")
    assert files_in(tmp_path) == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path):
    (tmp_path / "LICENSE").touch()
    create_project(tmp_path, "harbour_masters")
    assert files_in(tmp_path) == sorted([*FILES, "LICENSE"])


def test_what_could_be_written_is_taken_back_when_the_rest_cannot(tmp_path: Path):
    # The folder of the tests is a file: what comes before it was written already.
    (tmp_path / "tests").touch()
    with pytest.raises(ProjectNotWritten):
        create_project(tmp_path, "harbour_masters")
    assert files_in(tmp_path) == ["tests"]
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "letters and digits"),
        ("../up", "letters and digits"),
        ("naïve", "letters and digits"),
        ("my shop", "no space"),
        ("2024", "begin with a digit"),
        ("class", "word of the Python language"),
        ("json", "Python's own"),
        ("Headwater", "taken"),
        ("tests", "taken"),
    ],
)
def test_a_name_that_no_package_can_have_is_refused_with_one_that_works(tmp_path: Path, name: str, says: str):
    with pytest.raises(InvalidProjectName, match=says) as caught:
        create_project(tmp_path / "new", name)
    assert not (tmp_path / "new").exists()
    create_project(tmp_path / "new", caught.value.fix.split('"')[1])


@pytest.mark.skipif(not hasattr(headwater, "materialize"), reason="needs the public names")
def test_a_new_project_loads_and_passes_its_own_tests(tmp_path: Path):
    create_project(tmp_path, "harbour_masters")
    program = (
        "from headwater.runtime.project import find_definitions\n"
        "found = find_definitions()\n"
        "print(found.module, len(found.definitions.resolve_all_asset_keys()))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("harbour_masters.definitions 3\n", "")
    own_tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True
    )
    assert own_tests.returncode == 0, own_tests.stdout
