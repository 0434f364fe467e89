"""Settings come from the project around a directory and from the environment, and each knows from where."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.model.errors.project import ConflictingSettings, InvalidSetting, UnknownSetting, UnreadableSettings
from headwater.runtime.settings import Settings


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(directory: Path, *lines: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "pyproject.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_without_any_file_the_current_directory_is_the_project(project: Path):
    settings = Settings.load()
    assert settings.project_dir == project
    assert settings.home == project / ".headwater"
    assert settings.storage_dir == project / ".headwater" / "storage"
    assert (settings.module, settings.file, settings.path) == (None, None, None)
    assert (settings.durability, settings.retention_days) == ("normal", 90)
    assert settings.source_of("home") == "default"


def test_settings_are_read_from_the_folder_above_that_has_them(project: Path):
    path = write(
        project, "[tool.headwater]", 'module = "shop.definitions"', 'durability = "full"', "retention_days = 7"
    )
    write(project / "part", '[project]\nname = "part"')
    settings = Settings.load(project / "part")
    assert (settings.project_dir, settings.path) == (project, path)
    assert (settings.module, settings.durability, settings.retention_days) == ("shop.definitions", "full", 7)
    assert settings.source_of("module") == str(path)


def test_without_settings_the_nearest_pyproject_marks_the_project(project: Path):
    write(project, '[project]\nname = "whole"\ndependencies = ["headwater"]')
    write(project / "part", '[project]\nname = "part"')
    assert Settings.load(project / "part" / "deep").project_dir == project / "part"
    assert Settings.load(project / "other").project_dir == project


def test_a_project_of_dagster_tells_its_module(project: Path):
    path = write(project, "[tool.dagster]", 'module_name = "shop.definitions"', 'code_location_name = "shop"')
    settings = Settings.load(project / "shop")
    assert (settings.project_dir, settings.module) == (project, "shop.definitions")
    assert settings.source_of("module") == str(path)
    write(project, "[tool.dagster]", 'module_name = "shop.definitions"', "[tool.headwater]", 'module = "ours"')
    assert Settings.load().module == "ours"
    write(project, "[tool.dagster]", 'code_location_name = "shop"')
    assert (Settings.load().module, Settings.load().path) == (None, None)


def test_paths_are_meant_from_the_folder_of_the_file(project: Path):
    write(project, "[tool.headwater]", 'file = "flows/all.py"', 'home = "../state"', 'storage = "~/values"')
    (project / "flows").mkdir()
    settings = Settings.load(project / "flows")
    assert settings.file == project / "flows" / "all.py"
    assert settings.home == project.parent / "state"
    assert settings.storage_dir == Path.home() / "values"


def test_the_environment_names_the_home_before_the_file_does(project: Path, monkeypatch: pytest.MonkeyPatch):
    write(project, "[tool.headwater]", 'home = "here"')
    assert Settings.load().home == project / "here"
    monkeypatch.setenv("HEADWATER_HOME", "there")
    assert Settings.load().home == project / "there"
    assert Settings.load().source_of("home") == "HEADWATER_HOME"
    monkeypatch.setenv("HEADWATER_HOME", "")
    assert Settings.load().home == project / "here"


def test_an_unknown_setting_is_told_with_the_nearest_one(project: Path):
    write(project, "[tool.headwater]", 'modul = "shop"')
    with pytest.raises(UnknownSetting, match=r'Did you mean "module"\?'):
        Settings.load()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("module = 3", r'The setting "module" .* is 3.*text'),
        ('home = ""', "text"),
        ('durability = "quick"', "power cut"),
        ("durability = true", "power cut"),
        ("retention_days = 0", "at least 1"),
        ("retention_days = true", "whole number of days"),
        ('storage = "s3://bucket/values"', "IO manager of your own"),
    ],
)
def test_a_setting_with_a_value_that_it_cannot_have_is_told(project: Path, line: str, says: str):
    write(project, "[tool.headwater]", line)
    with pytest.raises(InvalidSetting, match=says):
        Settings.load()


def test_a_module_and_a_file_contradict_each_other(project: Path):
    write(project, "[tool.headwater]", 'module = "shop"', 'file = "shop.py"')
    with pytest.raises(ConflictingSettings, match=r"module.*file"):
        Settings.load()


def test_a_file_that_is_not_toml_is_told_with_its_line(project: Path):
    write(project, "[tool.headwater]", "module = shop")
    with pytest.raises(UnreadableSettings, match="line 2"):
        Settings.load()
    write(project, "[tool]", "headwater = 1")
    with pytest.raises(InvalidSetting, match=r"Write \[tool.headwater\]"):
        Settings.load()


def test_another_projects_broken_file_further_up_does_not_matter(project: Path):
    write(project, "[[[")
    assert Settings.load(project / "shop").project_dir == project
